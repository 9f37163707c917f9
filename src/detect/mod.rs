//! Detectors: what telemetry alone says of faults and anomalies.
//!
//! A fault is a quantity beyond a limit ([`fault`]). An anomaly is what no limit catches: a sensor that
//! jumps, drifts, sticks or grows noisy, quantities that contradict each other, a unit that gives less than
//! the weather allows. [`Detectors`] find them with residuals, values freed of everything that is known
//! about them: the network equations across all buses, one frequency for all, power against voltage and
//! current, distortion against current, temperature against loss, generation against weather. Ramps,
//! clouds, load steps, dips and frequency events leave them alone, so they are no anomalies.
//!
//! Detectors see samples only. They know no plant, no clock, no injected fault.

mod bus;
mod converter;
mod entity;
pub mod fault;
pub mod model;
mod network;
mod repeat;
mod res;
mod track;

use serde::{Deserialize, Serialize};

pub use entity::AnomalyChange;
pub use model::{EntityModel, Noise, Nominal, Row, StreamKind};

use crate::grid::{alert::AnomalyType, topology::Topology};
use entity::{EntityState, Place, Source};
use network::Parity;

/// A sample interval that differs by more than this factor from the one before ends what was learnt of
/// values that depend on it.
const OTHER_PACE: f64 = 1.5;

/// What is known in advance of all entities. Cheap to keep, costly to build: it holds the factorised
/// network.
#[derive(Debug, Clone)]
pub struct Detectors {
    noise: Noise,
    buses: Vec<EntityModel>,
    converters: Vec<model::Converter>,
    units: Vec<Nominal>,
    parity: Option<Parity>,
}

/// What the detectors have learnt, and what alarms. Restores bit-identically.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectorsState {
    buses: StreamState,
    converters: StreamState,
    units: StreamState,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct StreamState {
    entities: Vec<EntityState>,
    last_step: Option<u64>,
    dt_s: f64,
}

impl Detectors {
    /// Detectors for these entities. Rows of a stream come in the order in which its entities stand here.
    #[must_use]
    pub fn new(models: &[EntityModel], noise: Noise) -> Self {
        let of = |kind| models.iter().filter(move |model| model.kind() == kind);
        Self {
            noise,
            buses: of(StreamKind::Bus).cloned().collect(),
            converters: of(StreamKind::Converter)
                .filter_map(|model| match &model.nominal {
                    Nominal::Converter(converter) => Some(*converter),
                    _ => None,
                })
                .collect(),
            units: of(StreamKind::Res)
                .map(|model| model.nominal.clone())
                .collect(),
            parity: None,
        }
    }

    /// Takes the network as it is from the next bus row on; to be called again when a branch or a generator
    /// goes out of or into service. Without a network, or with one that does not hold exactly the buses of
    /// the models, each bus is compared with its own past only.
    pub fn set_network(&mut self, topology: &Topology, base_mva: f64) {
        let ids: Vec<&str> = self.buses.iter().map(|bus| bus.id.as_str()).collect();
        self.parity = Parity::new(topology, base_mva, &ids, &self.noise);
    }

    /// A state that has learnt nothing.
    #[must_use]
    pub fn state(&self) -> DetectorsState {
        let stream = |kind: StreamKind, count: usize, tracks: usize, memory: usize| StreamState {
            entities: vec![EntityState::new(kind.fields().len(), tracks, memory); count],
            last_step: None,
            dt_s: kind.interval_s(),
        };
        DetectorsState {
            buses: stream(StreamKind::Bus, self.buses.len(), bus::TRACKS, bus::MEMORY),
            converters: stream(
                StreamKind::Converter,
                self.converters.len(),
                converter::TRACKS,
                converter::MEMORY,
            ),
            units: stream(StreamKind::Res, self.units.len(), res::TRACKS, res::MEMORY),
        }
    }

    /// Takes all samples of one stream at one instant, in the order of the models; `None` where a sample is
    /// missing. `step` is the step or tick of the instant, `dt_s` the simulated seconds since the previous
    /// row of this stream.
    pub fn observe(
        &self,
        state: &mut DetectorsState,
        kind: StreamKind,
        step: u64,
        dt_s: f64,
        rows: &[Option<Row>],
    ) -> Vec<AnomalyChange> {
        let mut changes = Vec::new();
        let stream = match kind {
            StreamKind::Bus => &mut state.buses,
            StreamKind::Converter => &mut state.converters,
            StreamKind::Res => &mut state.units,
        };
        let place = Place {
            stream: kind,
            entity: 0,
            step,
            stride: stream.last_step.map_or(1, |last| step.saturating_sub(last)),
        };
        stream.last_step = Some(step);
        if !(stream.dt_s / OTHER_PACE..=stream.dt_s * OTHER_PACE).contains(&dt_s) {
            stream.dt_s = dt_s;
            change_pace(stream, kind, self.parity.is_some(), place, &mut changes);
        }
        let states = &mut stream.entities[..];
        self.watch_missing(kind, states, rows, place, &mut changes);
        match kind {
            StreamKind::Bus => bus::observe(
                &self.noise,
                self.parity.as_ref(),
                states,
                rows,
                place,
                &mut changes,
            ),
            StreamKind::Converter => converter::observe(
                &self.noise,
                &self.converters,
                states,
                rows,
                dt_s,
                place,
                &mut changes,
            ),
            StreamKind::Res => {
                res::observe(&self.noise, &self.units, states, rows, place, &mut changes)
            }
        }
        for (state, row) in states
            .iter_mut()
            .zip(rows)
            .filter_map(|(state, row)| Some((state, row.as_ref()?)))
        {
            for (last, &value) in state.last.iter_mut().zip(&row.values) {
                if value.is_finite() {
                    *last = Some(value);
                }
            }
        }
        changes
    }

    /// Samples, and fields that samples had before.
    fn watch_missing(
        &self,
        kind: StreamKind,
        states: &mut [EntityState],
        rows: &[Option<Row>],
        place: Place,
        changes: &mut Vec<AnomalyChange>,
    ) {
        for (at, state) in states.iter_mut().enumerate() {
            let place = Place {
                entity: at,
                ..place
            };
            let row = rows.get(at).copied().flatten();
            let unsampled = kind == StreamKind::Bus
                && self
                    .parity
                    .as_ref()
                    .is_some_and(|parity| !parity.is_supplied(at));
            let absent = row.map_or(Some(None), |row| {
                let lost = (0..state.last.len())
                    .find(|&field| state.last[field].is_some() && !row.get(field).is_finite());
                lost.map(Some)
            });
            match absent {
                Some(field) if !unsampled && !state.has(Source::Missing) => {
                    changes.push(entity::raise(
                        state,
                        place,
                        Source::Missing,
                        field,
                        AnomalyType::Missing,
                        0,
                        0.95,
                    ));
                }
                None => changes.extend(entity::clear(state, place, Source::Missing)),
                Some(_) => {}
            }
        }
    }
}

/// Residuals that compare a value with its own past start anew when the interval changes; the exact ones
/// go on.
fn change_pace(
    stream: &mut StreamState,
    kind: StreamKind,
    has_parity: bool,
    place: Place,
    changes: &mut Vec<AnomalyChange>,
) {
    for (at, state) in stream.entities.iter_mut().enumerate() {
        let place = Place {
            entity: at,
            ..place
        };
        for track in 0..state.tracks.len() {
            let depends = match kind {
                StreamKind::Bus => !has_parity && track < network::SENSORS,
                StreamKind::Converter => converter::depends_on_pace(track),
                StreamKind::Res => res::depends_on_pace(track),
            };
            if depends && state.tracks[track].restart() {
                changes.extend(entity::clear(state, place, Source::Track(track)));
            }
        }
    }
}
