//! What a run that is on computes in a tick: steps of the plant, and after each of them native samples,
//! limits and detectors.

use std::{borrow::Cow, sync::Arc};

use crate::{
    grid::{
        entity::EntityKind,
        event::Event,
        run::RunSettings,
        stream::{STREAMS, Stream},
        telemetry::Row,
        time::Timestamp,
        topology::Topology,
    },
    plant::{Plant, PlantSpec},
};

use super::{
    alerts::Instant,
    course::Course,
    ledger::Injection,
    native::{Native, Taken},
    sensor,
    watch::Watch,
};

/// A run that is on, without the course it takes.
#[derive(Debug, Clone)]
pub(super) struct Active {
    pub(super) plant: Plant,
    pub(super) watch: Watch,
    pub(super) native: Native,
}

/// What the steps of a tick give rise to beside samples.
#[derive(Default)]
pub(super) struct News {
    /// The network after each change.
    pub(super) topologies: Vec<Arc<Topology>>,
    /// Whether it has lost its solution, or began without one.
    pub(super) unsolved: bool,
    /// Faults and anomalies in the order in which they were found.
    pub(super) alerts: Vec<Event>,
}

impl Active {
    /// What a run begins with.
    pub(super) fn begin(spec: &Arc<PlantSpec>, settings: &RunSettings) -> Self {
        Self {
            plant: Plant::new(spec.clone(), settings),
            watch: Watch::new(spec),
            native: Native::new(spec.catalogue()),
        }
    }

    /// Goes on by a tick: as many steps as the course makes in one.
    pub(super) fn advance(
        &mut self,
        course: &mut Course,
        spec: &PlantSpec,
        timestamp: Timestamp,
    ) -> News {
        let mut news = News::default();
        for _ in 0..course.speed() {
            self.step(course, spec, &mut news);
            let taken = STREAMS.map(|stream| (stream, self.sample(stream, course, spec)));
            let at = Instant {
                step: course.step(),
                timestamp,
            };
            self.judge(&taken, course, spec, at, &mut news.alerts);
        }
        news
    }

    /// Goes on by a step.
    fn step(&mut self, course: &mut Course, spec: &PlantSpec, news: &mut News) {
        let solved = course.step() == 0 || self.plant.converged();
        let topology = self.plant.topology().clone();
        course.next_step(spec);
        let acting = course.ledger().active().iter();
        self.plant.step(acting.map(|injection| &injection.order));
        let now = self.plant.topology();
        if !Arc::ptr_eq(&topology, now) {
            self.watch.set_network(now);
            news.topologies.push(now.clone());
        }
        news.unsolved |= solved && !self.plant.converged();
    }

    /// Takes the native samples of a stream, if they are due.
    fn sample(&mut self, stream: &Stream, course: &Course, spec: &PlantSpec) -> Option<Taken> {
        let faults = course.ledger().active();
        let at = instant(course);
        stream.is_due(at.step).then(|| {
            let catalogue = spec.catalogue();
            self.native
                .take(stream.kind, &self.plant, catalogue, faults, at)
        })
    }

    /// What the sensors of a stream show now.
    pub(super) fn shown(
        &self,
        stream: &Stream,
        course: &Course,
        spec: &PlantSpec,
    ) -> Cow<'_, Native> {
        let at = instant(course);
        if stream.is_due(at.step) {
            return Cow::Borrowed(&self.native);
        }
        let faults = course.ledger().active();
        let (plant, catalogue) = (&self.plant, spec.catalogue());
        Cow::Owned(
            self.native
                .between(stream.kind, plant, catalogue, faults, at),
        )
    }

    /// Compares what sensors show with the limits, and hands native samples to the detectors.
    fn judge(
        &mut self,
        taken: &[(&'static Stream, Option<Taken>)],
        course: &Course,
        spec: &PlantSpec,
        at: Instant,
        alerts: &mut Vec<Event>,
    ) {
        let Self {
            plant,
            watch,
            native,
        } = self;
        for (stream, taken) in taken {
            let kind = stream.kind;
            if let Some(taken) = taken {
                watch.check_limits(kind, |entity| taken.rows[entity], at, alerts);
            } else {
                let faults = sensor_faults(kind, course, spec);
                let shown = |entity| shown(stream, entity, plant, native, &faults, instant(course));
                watch.check_limits(kind, shown, at, alerts);
            }
            if kind == EntityKind::Bus && plant.converged() {
                watch.check_loadings(plant.loadings_percent(), at, alerts);
            }
            if let Some(taken) = taken {
                watch.detect(kind, &taken.rows, &taken.sampled, at, alerts);
            }
        }
    }
}

fn instant(course: &Course) -> sensor::Instant {
    sensor::Instant {
        seed: course.run.settings.seed,
        step: course.step(),
    }
}

/// The sensor faults of the entities of a kind, with the place of the entity among its kind, in the order
/// of these places.
fn sensor_faults<'a>(
    kind: EntityKind,
    course: &'a Course,
    spec: &PlantSpec,
) -> Vec<(usize, &'a Injection)> {
    let catalogue = spec.catalogue();
    let mut found = Vec::new();
    for fault in course.ledger().active() {
        if fault.order.kind.is_sensor()
            && let Some(place) = catalogue.place_in_kind(kind, fault.order.entity.as_str())
        {
            found.push((place, fault));
        }
    }
    found.sort_by_key(|(place, _)| *place);
    found
}

/// What the sensors of an entity would show between two samples.
fn shown(
    stream: &Stream,
    entity: usize,
    plant: &Plant,
    native: &Native,
    faults: &[(usize, &Injection)],
    at: sensor::Instant,
) -> Option<Row> {
    let row = plant.noiseless(stream.kind, entity)?;
    let first = faults.partition_point(|(place, _)| *place < entity);
    let own = faults[first..]
        .iter()
        .take_while(|(place, _)| *place == entity);
    let mut own = own.map(|(_, fault)| *fault).peekable();
    if own.peek().is_none() {
        return Some(row);
    }
    sensor::distort_row(row, stream, own, native.last(stream.kind, entity), at)
}
