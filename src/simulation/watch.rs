//! Watches what sensors show: limits at every step, detectors at every native sample. They see nothing
//! else.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    detect::{
        Detectors, DetectorsState, EntityModel, StreamKind,
        fault::{self, FaultLimits, Limits, Monitor},
    },
    grid::{
        alert::{AnomalyType, FaultType, Subject},
        entity::{EntityId, EntityKind},
        event::Event,
        telemetry::Row,
        topology::Topology,
    },
    plant::PlantSpec,
};

use super::alerts::{Alerts, Instant, Noted};

/// What a watch has seen; with the plant's spec it is all that is needed to go on elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WatchState {
    detectors: DetectorsState,
    /// By entity of the models, then by branch.
    monitors: Vec<Vec<Monitor>>,
    overloads: Vec<Monitor>,
    noted: Noted,
}

/// Watches the samples and flows of one run.
#[derive(Debug, Clone)]
pub struct Watch {
    known: Arc<Known>,
    detectors: Arc<Detectors>,
    state: WatchState,
}

/// What is known of the entities.
#[derive(Debug)]
struct Known {
    models: Vec<EntityModel>,
    /// The limits of each of the state's monitors.
    limits: Vec<Vec<Limits>>,
    overload: Limits,
    base_mva: f64,
    branches: Vec<(EntityId, [EntityId; 2])>,
}

impl Known {
    /// Where the models of a kind stand.
    fn places(&self, kind: EntityKind) -> std::ops::Range<usize> {
        let Some(stream) = StreamKind::of(kind) else {
            return 0..0;
        };
        let before = |limit: u8| {
            self.models
                .partition_point(|model| rank(model.kind()) < limit)
        };
        before(rank(stream))..before(rank(stream) + 1)
    }
}

impl Watch {
    /// A watch that has seen nothing.
    #[must_use]
    pub fn new(spec: &PlantSpec) -> Self {
        let models = spec.models();
        let mut detectors = Detectors::new(&models, spec.noise());
        detectors.set_network(spec.topology(), spec.base_mva());
        let monitors = |model: &EntityModel| {
            let types = fault::types_of(&model.nominal).iter();
            types.map(|fault_type| Monitor::new(*fault_type)).collect()
        };
        let usual = FaultLimits::default();
        let limits = |(at, model): (usize, &EntityModel)| {
            // Buses come first.
            let limits = if model.kind() == StreamKind::Bus {
                spec.bus_limits(at)
            } else {
                usual
            };
            let types = fault::types_of(&model.nominal).iter();
            types.map(|fault_type| *limits.of(*fault_type)).collect()
        };
        let topology = spec.topology();
        let branch = |at: usize| {
            let branch = &topology.branches[at];
            (branch.id.clone(), [branch.from.clone(), branch.to.clone()])
        };
        let branches: Vec<_> = (0..topology.branches.len()).map(branch).collect();
        Self {
            state: WatchState {
                detectors: detectors.state(),
                monitors: models.iter().map(monitors).collect(),
                overloads: vec![Monitor::new(FaultType::Overload); branches.len()],
                noted: Noted::default(),
            },
            detectors: Arc::new(detectors),
            known: Arc::new(Known {
                limits: models.iter().enumerate().map(limits).collect(),
                models,
                overload: usual.overload,
                base_mva: spec.base_mva(),
                branches,
            }),
        }
    }

    /// A watch that goes on where `state` was taken, over the network as it was then.
    #[must_use]
    pub fn resume(spec: &PlantSpec, topology: &Topology, state: WatchState) -> Self {
        let mut watch = Self::new(spec);
        watch.set_network(topology);
        watch.state = state;
        watch
    }

    /// What it has seen.
    #[must_use]
    pub fn state(&self) -> &WatchState {
        &self.state
    }

    /// What is active, and what was.
    #[must_use]
    pub fn alerts(&self) -> Arc<Alerts> {
        Arc::new(self.state.noted.alerts())
    }

    /// Takes the network as it is from now on.
    pub fn set_network(&mut self, topology: &Topology) {
        let base_mva = self.known.base_mva;
        Arc::make_mut(&mut self.detectors).set_network(topology, base_mva);
    }

    /// Compares what the sensors of all entities of a kind show at a step with the limits. `shown` tells it
    /// of the entity at a place among those of its kind; nothing where its sensors show nothing. What it
    /// finds is added to `found`.
    pub fn check_limits(
        &mut self,
        kind: EntityKind,
        shown: impl Fn(usize) -> Option<Row>,
        at: Instant,
        found: &mut Vec<Event>,
    ) {
        let known = self.known.clone();
        let places = known.places(kind);
        let monitors = self.state.monitors[places.clone()].iter_mut();
        let models = &known.models[places.clone()];
        let watched = models.iter().zip(&known.limits[places]).zip(monitors);
        for (entity, ((model, limits), monitors)) in watched.enumerate() {
            if monitors.is_empty() {
                continue;
            }
            let Some(row) = shown(entity) else { continue };
            for (monitor, limits) in monitors.iter_mut().zip(limits) {
                let fault_type = monitor.fault_type();
                let value = fault::value_of(fault_type, model, &row);
                if let Some(change) = monitor.observe(limits, at.step, value) {
                    let subject = Subject::of(kind, model.id.clone());
                    self.state
                        .noted
                        .fault(fault_type, subject, &change, at, found);
                }
            }
        }
    }

    /// Compares the loading of all branches with the limits, in %; none where a branch has no rating.
    pub fn check_loadings(
        &mut self,
        loadings: impl Iterator<Item = Option<f64>>,
        at: Instant,
        found: &mut Vec<Event>,
    ) {
        let known = &self.known;
        let branches = known.branches.iter().zip(loadings);
        for (monitor, ((id, ends), loading)) in self.state.overloads.iter_mut().zip(branches) {
            let Some(loading) = loading else { continue };
            if let Some(change) = monitor.observe(&known.overload, at.step, loading) {
                let subject = Subject::branch(id.clone(), ends.clone());
                let noted = &mut self.state.noted;
                noted.fault(FaultType::Overload, subject, &change, at, found);
            }
        }
    }

    /// Hands the native samples of all entities of a kind at one instant to the detectors: none where a
    /// sample is missing. What is not `sampled` is not missing.
    pub fn detect(
        &mut self,
        kind: EntityKind,
        rows: &[Option<Row>],
        sampled: &[bool],
        at: Instant,
        found: &mut Vec<Event>,
    ) {
        let Some(stream) = StreamKind::of(kind) else {
            return;
        };
        let known = self.known.clone();
        let first = known.places(kind).start;
        let changes = self.detectors.observe(
            &mut self.state.detectors,
            stream,
            at.step,
            stream.stream().interval_s(),
            rows,
        );
        for change in changes {
            if change.kind == AnomalyType::Missing && !sampled[change.entity] {
                continue;
            }
            let subject = Subject::of(kind, known.models[first + change.entity].id.clone());
            self.state.noted.anomaly(subject, &change, at, found);
        }
    }
}

/// The order in which the models of a plant stand.
fn rank(stream: StreamKind) -> u8 {
    match stream {
        StreamKind::Bus => 0,
        StreamKind::Converter => 1,
        StreamKind::Res => 2,
    }
}
