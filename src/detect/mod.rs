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
mod common;
mod converter;
mod entity;
pub mod fault;
pub mod model;
mod network;
mod noise_level;
mod past;
mod repeat;
mod res;
mod shape;
mod track;
mod unrest;

use serde::{Deserialize, Serialize};

pub use entity::AnomalyChange;
pub use model::{EntityModel, Noise, Nominal, Row, StreamKind};

use crate::grid::{alert::AnomalyType, topology::Topology};
use entity::{EntityState, Place, Shape, Source};
use network::Parity;
use noise_level::NoiseLevel;
use unrest::Unrest;

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
    unrest: Unrest,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct StreamState {
    entities: Vec<EntityState>,
    last_step: Option<u64>,
    noise: NoiseLevel,
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
        let power: Vec<Option<f64>> = self
            .buses
            .iter()
            .map(|bus| match bus.nominal {
                Nominal::Bus { power_noise_mw, .. } => power_noise_mw,
                _ => None,
            })
            .collect();
        self.parity = Parity::new(topology, base_mva, &ids, &self.noise, &power);
    }

    /// A state that has learnt nothing.
    #[must_use]
    pub fn state(&self) -> DetectorsState {
        let stream = |kind: StreamKind, count: usize, shape: Shape| StreamState {
            entities: vec![EntityState::new(kind.stream().fields.len(), shape); count],
            last_step: None,
            noise: NoiseLevel::new(),
        };
        DetectorsState {
            buses: stream(StreamKind::Bus, self.buses.len(), bus::SHAPE),
            converters: stream(
                StreamKind::Converter,
                self.converters.len(),
                converter::SHAPE,
            ),
            units: stream(StreamKind::Res, self.units.len(), res::SHAPE),
            unrest: Unrest::default(),
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
        let elsewhere = (kind == StreamKind::Converter).then(|| Elsewhere::at(step, state));
        if kind == StreamKind::Bus {
            state.unrest.look(&state.buses.entities, rows);
        }
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
        let factor = stream.noise.factor();
        let noise = self.noise.scaled(factor);
        let states = &mut stream.entities[..];
        self.watch_missing(kind, states, rows, place, &mut changes);
        match kind {
            StreamKind::Bus => {
                let known = bus::Known {
                    noise: &noise,
                    factor,
                    parity: self.parity.as_ref(),
                };
                bus::observe(&known, states, rows, place, &mut changes);
            }
            StreamKind::Converter => {
                let Elsewhere {
                    bus_voltage_pu,
                    generation_kw,
                    air_c,
                } = elsewhere.unwrap_or_default();
                let known = converter::Known {
                    noise: &noise,
                    models: &self.converters,
                    bus_voltage_pu: &bus_voltage_pu,
                    generation_kw: &generation_kw,
                    air_c: &air_c,
                    dt_s,
                };
                converter::observe(&known, states, rows, place, &mut changes);
            }
            StreamKind::Res => {
                res::observe(&noise, &self.units, states, rows, dt_s, place, &mut changes);
            }
        }
        stream.noise.learn(states);
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
        state
            .unrest
            .explain(&mut state.buses.entities, bus::FREQUENCY);
        let converters = &mut state.converters.entities;
        state.unrest.explain(converters, converter::FREQUENCY);
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

/// What other streams have said at the same instant, where nothing speaks against it.
#[derive(Debug, Default)]
struct Elsewhere {
    bus_voltage_pu: Vec<Option<f64>>,
    generation_kw: Vec<Option<f64>>,
    air_c: Vec<Option<f64>>,
}

impl Elsewhere {
    fn at(step: u64, state: &DetectorsState) -> Self {
        let values = |stream: &StreamState, field: usize, track: usize| {
            let now = stream.last_step == Some(step);
            let value = |entity: &EntityState| {
                let sound = now
                    && !entity.has(Source::Missing)
                    && !entity.is_stuck(field)
                    && !entity.repeats[field].is_pausing()
                    && !entity.tracks[track].is_disturbed();
                entity.last[field].filter(|_| sound)
            };
            stream.entities.iter().map(value).collect()
        };
        Self {
            bus_voltage_pu: values(&state.buses, model::bus::VOLTAGE, bus::VOLTAGE),
            generation_kw: values(&state.units, model::res::GENERATION, res::GENERATION),
            air_c: values(&state.units, model::res::TEMPERATURE, res::AIR),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{grid::alert::AnomalyPhase, random::Source};
    use model::{Wind, bus, res};

    fn buses(count: usize) -> Vec<EntityModel> {
        (0..count)
            .map(|at| EntityModel {
                id: format!("BUS-{at:03}").into(),
                nominal: Nominal::Bus {
                    frequency_hz: 50.0,
                    power_noise_mw: None,
                },
            })
            .collect()
    }

    fn turbine() -> Vec<EntityModel> {
        vec![EntityModel {
            id: "WIND-001".into(),
            nominal: Nominal::Wind(Wind {
                capacity_kw: 150.0,
                curve: vec![(3.0, 0.0), (12.5, 150.0), (25.0, 150.0)],
                pressure_hpa: None,
                lag_s: 0.0,
            }),
        }]
    }

    /// Noisy bus rows around nominal.
    fn bus_row(source: &Source, step: u64) -> Row {
        let mut draws = source.at(step);
        let mut row = Row::EMPTY;
        row.values[bus::VOLTAGE] = 1.0 + 4e-4 * draws.normal();
        row.values[bus::ANGLE] = -3.0 + 0.02 * draws.normal();
        row.values[bus::FREQUENCY] = 50.0 + 2.2e-3 * draws.normal();
        row.values[bus::ACTIVE_POWER] = -90.0 + 0.3 * draws.normal();
        row.values[bus::REACTIVE_POWER] = -30.0 + 0.3 * draws.normal();
        row
    }

    fn wind_row(generation: f64, speed: f64, air: f64) -> Row {
        let mut row = Row::EMPTY;
        row.values[res::GENERATION] = generation;
        row.values[res::UTILIZATION] = generation / 150.0;
        row.values[res::WIND_SPEED] = speed;
        row.values[res::TEMPERATURE] = air;
        row
    }

    #[test]
    fn missing_samples_are_raised_once_and_cleared() {
        let detectors = Detectors::new(&buses(2), Noise::default());
        let mut state = detectors.state();
        let sources = [Source::new(1, "a"), Source::new(1, "b")];
        let mut changes = Vec::new();
        for step in 0..40 {
            let rows = [0, 1].map(|at| {
                let missing = at == 1 && (20..25).contains(&step);
                (!missing).then(|| bus_row(&sources[at], step))
            });
            changes.extend(detectors.observe(&mut state, StreamKind::Bus, 10 * step, 1.0, &rows));
        }
        let seen: Vec<_> = changes
            .iter()
            .map(|change| {
                (
                    change.entity,
                    change.field,
                    change.kind,
                    change.phase,
                    change.onset_step,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                (1, None, AnomalyType::Missing, AnomalyPhase::Raised, 200),
                (1, None, AnomalyType::Missing, AnomalyPhase::Cleared, 200),
            ]
        );
    }

    #[test]
    fn the_frequency_of_one_bus_cannot_leave_the_others() {
        let detectors = Detectors::new(&buses(4), Noise::default());
        let mut state = detectors.state();
        let sources: Vec<Source> = (0..4).map(|at| Source::new(at, "bus")).collect();
        let mut changes = Vec::new();
        for step in 0..300 {
            let rows: Vec<_> = (0..4)
                .map(|at| {
                    let mut row = bus_row(&sources[at], step);
                    // All fall together at 100; the third alone jumps at 200.
                    if step >= 100 {
                        row.values[bus::FREQUENCY] -= 0.3;
                    }
                    if at == 2 && (200..240).contains(&step) {
                        row.values[bus::FREQUENCY] += 0.03;
                    }
                    Some(row)
                })
                .collect();
            changes.extend(detectors.observe(&mut state, StreamKind::Bus, step, 1.0, &rows));
        }
        assert_eq!(changes.len(), 2, "{changes:?}");
        assert_eq!(
            (
                changes[0].entity,
                changes[0].field_name(),
                changes[0].kind,
                changes[0].onset_step
            ),
            (2, Some("frequency"), AnomalyType::LevelShift, 200)
        );
        assert!(changes[0].confidence > 0.8 && changes[0].confidence <= 1.0);
        assert_eq!(changes[1].phase, AnomalyPhase::Cleared);
    }

    #[test]
    fn a_quiet_plant_is_not_stuck() {
        let detectors = Detectors::new(&buses(3), Noise::default());
        let mut state = detectors.state();
        let row = |level: f64| {
            let mut row = bus_row(&Source::new(1, "still"), 0);
            row.values[bus::ACTIVE_POWER] += level;
            row
        };
        for step in 0..2000 {
            let rows = [Some(row((step / 100) as f64)); 3];
            let changes = detectors.observe(&mut state, StreamKind::Bus, step, 1.0, &rows);
            assert_eq!(changes, [], "at {step}");
        }
    }

    #[test]
    fn a_turbine_at_rated_power_or_becalmed_is_not_stuck_but_one_that_ignores_the_wind_is() {
        let detectors = Detectors::new(&turbine(), Noise::default());
        let mut state = detectors.state();
        let source = Source::new(2, "wind");
        let mut found = Vec::new();
        for step in 0..900_u64 {
            let mut draws = source.at(step);
            let gust = draws.normal();
            let (speed, frozen) = match step {
                0..200 | 400..600 => (8.0 + gust, false),
                200..400 => (18.0 + gust, false),
                600..800 => (1.5 + 0.2 * gust, false),
                _ => (8.0 + gust, step > 850),
            };
            let power = ((speed - 3.0) / 9.5 * 150.0).clamp(0.0, 150.0);
            let generation = if frozen { 61.7 } else { power };
            let row = wind_row(generation, speed, 12.0 + 0.04 * draws.normal());
            let rows = [Some(row)];
            for change in detectors.observe(&mut state, StreamKind::Res, step, 2.0, &rows) {
                found.push((step, change.entity, change.phase));
            }
        }
        assert!(
            matches!(found[..], [(851..=860, 0, AnomalyPhase::Raised)]),
            "{found:?}"
        );
    }

    #[test]
    fn a_state_continues_from_its_serialised_form() {
        let detectors = Detectors::new(&buses(4), Noise::default());
        let sources: Vec<Source> = (0..4).map(|at| Source::new(at, "bus")).collect();
        let row = |at: usize, step: u64| {
            let mut row = bus_row(&sources[at], step);
            if at == 1 && (150..220).contains(&step) {
                row.values[bus::FREQUENCY] += 0.03;
                row.values[bus::VOLTAGE] = 1.002;
            }
            Some(row)
        };
        let rows = |step| (0..4).map(|at| row(at, step)).collect::<Vec<_>>();
        let mut through = detectors.state();
        let mut restored = detectors.state();
        for step in 0..300 {
            let a = detectors.observe(&mut through, StreamKind::Bus, step, 1.0, &rows(step));
            let b = detectors.observe(&mut restored, StreamKind::Bus, step, 1.0, &rows(step));
            assert_eq!(a, b);
            let text = serde_json::to_string(&restored).unwrap();
            restored = serde_json::from_str(&text).unwrap();
            assert_eq!(through, restored);
        }
    }

    #[test]
    fn another_pace_raises_nothing() {
        let detectors = Detectors::new(&buses(4), Noise::default());
        let mut state = detectors.state();
        let sources: Vec<Source> = (0..4).map(|at| Source::new(at, "pace")).collect();
        for step in 0..600 {
            let level = if step < 300 { 0.0 } else { (step % 7) as f64 };
            let dt_s = if step < 300 { 1.0 } else { 100.0 };
            let rows: Vec<_> = sources
                .iter()
                .map(|source| {
                    let mut row = bus_row(source, step);
                    row.values[bus::ACTIVE_POWER] += 8.0 * level;
                    row.values[bus::ANGLE] += 0.4 * level;
                    Some(row)
                })
                .collect();
            let changes = detectors.observe(&mut state, StreamKind::Bus, step, dt_s, &rows);
            assert_eq!(changes, [], "at {step}");
        }
    }
}
