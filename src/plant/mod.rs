//! The plant (placeholder until the coupled models are assembled).
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    config,
    grid::{
        entity::{Catalogue, Entity, EntityId, EntityKind, EntityType, Rating},
        quantity,
        run::RunSettings,
        telemetry::{
            BusMeasurement, BusSample, ConverterSample, ConverterState, ResSample, Resource, Sample,
        },
        time::Timestamp,
    },
    random::Source,
};

/// What the plant is made of.
#[derive(Debug, Clone, Default)]
pub struct PlantSpec {}

const BUSES: [(&str, EntityType, f64); 5] = [
    ("BUS-001", EntityType::Slack, 220.0),
    ("BUS-002", EntityType::Pv, 220.0),
    ("BUS-003", EntityType::Pq, 220.0),
    ("BUS-004", EntityType::Pq, 110.0),
    ("BUS-005", EntityType::Pq, 110.0),
];
const CONVERTERS: [(&str, EntityType, f64); 3] = [
    ("CONV-001", EntityType::TwoLevel, 100.0),
    ("CONV-002", EntityType::Npc, 250.0),
    ("CONV-003", EntityType::Buck, 50.0),
];
const RES: [(&str, EntityType, f64); 4] = [
    ("SOLAR-001", EntityType::Solar, 100.0),
    ("SOLAR-002", EntityType::Solar, 250.0),
    ("WIND-001", EntityType::Wind, 150.0),
    ("WIND-002", EntityType::Wind, 300.0),
];

impl PlantSpec {
    /// A hash of everything it is made of.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        0
    }

    /// Entities.
    #[must_use]
    pub fn catalogue(&self) -> Catalogue {
        let mut all = Vec::new();
        let mut add = |id: &str, kind: EntityKind, entity_type, rating, quantities| {
            all.push(Entity {
                id: id.into(),
                kind,
                entity_type,
                rating,
                quantities,
                room: kind.room(id),
                from: None,
                to: None,
            });
        };
        for (id, t, kv) in BUSES {
            add(
                id,
                EntityKind::Bus,
                t,
                Rating::BaseKv(kv),
                quantity::of_bus(250.0, 150.0),
            );
        }
        for (id, t, kw) in CONVERTERS {
            add(
                id,
                EntityKind::Converter,
                t,
                Rating::RatedPower(kw),
                quantity::of_grid_converter(kw, 204.1, 750.0, 326.6),
            );
        }
        for (id, t, kw) in RES {
            let q = if t == EntityType::Solar {
                quantity::of_solar(kw)
            } else {
                quantity::of_wind(kw)
            };
            add(id, EntityKind::ResUnit, t, Rating::Capacity(kw), q);
        }
        Catalogue::new(all)
    }
}

/// State.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlantState {
    steps: u64,
}

/// Plant.
#[derive(Debug, Clone)]
pub struct Plant {
    settings: RunSettings,
    state: PlantState,
}

impl Plant {
    /// New.
    #[must_use]
    pub fn new(_spec: Arc<PlantSpec>, settings: &RunSettings) -> Self {
        Self {
            settings: *settings,
            state: PlantState { steps: 0 },
        }
    }
    /// Resume.
    #[must_use]
    pub fn resume(_spec: Arc<PlantSpec>, settings: &RunSettings, state: PlantState) -> Self {
        Self {
            settings: *settings,
            state,
        }
    }
    /// Trial.
    #[must_use]
    pub fn trial_settings(_d: &config::Simulation) -> RunSettings {
        RunSettings {
            seed: 1,
            speed: 1,
            simulated_start: Timestamp::from_unix_ms(0),
            noise: 1.0,
            disturbances: 0.0,
        }
    }
    /// State.
    #[must_use]
    pub fn state(&self) -> &PlantState {
        &self.state
    }
    /// Steps.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.state.steps
    }
    /// Hash.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.state.steps
    }
    /// Step.
    pub fn step(&mut self) {
        self.state.steps += 1;
    }
    fn noise(&self, name: &str) -> f64 {
        Source::new(self.settings.seed, name)
            .at(self.state.steps)
            .normal()
            * self.settings.noise
    }
    /// Res.
    pub fn sample_res(&self, timestamp: Timestamp, samples: &mut Vec<Sample>) {
        for (id, t, kw) in RES {
            let resource = if t == EntityType::Solar {
                Resource::Irradiance(500.0)
            } else {
                Resource::WindSpeed(8.0)
            };
            let g = kw * 0.5 + self.noise(id);
            samples.push(Sample::Res(ResSample {
                unit_id: id.into(),
                generation: g,
                unit_type: t,
                capacity: kw,
                utilization_factor: g / kw,
                resource,
                temperature: 10.0,
                timestamp,
            }));
        }
    }
    /// Buses.
    pub fn sample_buses(&self, timestamp: Timestamp, samples: &mut Vec<Sample>) {
        for (id, _, _) in BUSES {
            let bus_id: EntityId = id.into();
            samples.push(Sample::Bus(BusSample {
                bus_id: bus_id.clone(),
                measurement: BusMeasurement {
                    bus_id,
                    voltage_magnitude: 1.0 + 0.001 * self.noise(id),
                    voltage_angle: 0.0,
                    frequency: 50.0,
                    active_power: 10.0,
                    reactive_power: 1.0,
                },
                stale: false,
                timestamp,
            }));
        }
    }
    /// Converters.
    pub fn sample_converters(&self, timestamp: Timestamp, samples: &mut Vec<Sample>) {
        for (id, t, kw) in CONVERTERS {
            let converter_id: EntityId = id.into();
            samples.push(Sample::Converter(ConverterSample {
                converter_id: converter_id.clone(),
                state: ConverterState {
                    converter_id,
                    voltage: 750.0 + self.noise(id),
                    current_d: 100.0,
                    current_q: 0.0,
                    active_power: kw / 2.0 + self.noise(id),
                    reactive_power: 0.0,
                    frequency: 50.0,
                    thd: 2.0,
                    temperature: 30.0,
                    grid_voltage: 326.6,
                    converter_type: t,
                },
                stale: false,
                timestamp,
            }));
        }
    }
}
