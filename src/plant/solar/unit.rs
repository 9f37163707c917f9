//! A solar unit of a plant: its entry in the plant file, its nameplate, what its sensors show, and what
//! detectors know of it.

use serde::Deserialize;

use super::{SolarParameters, SolarPlant, SolarReadings};
use crate::{
    detect::{
        EntityModel, Nominal,
        model::{Inverter, Solar},
    },
    grid::{
        entity::{Entity, EntityId, EntityType, Ratings},
        stream::{self, res},
        telemetry::{Row, Sample},
    },
    plant::{
        entry::{self, BusesByNumber, Entry},
        measurement::{Noise, Sampling, Sigma, TEMPERATURE},
        weather::Site,
    },
};

/// Generation as a fraction of itself.
pub(in crate::plant) const GENERATION: Sigma = Sigma::relative(2e-3);
/// Irradiance as a fraction of itself.
pub(in crate::plant) const IRRADIANCE: Sigma = Sigma::relative(3e-3);
/// A typical irradiance in W/m2.
const TYPICAL_W_M2: f64 = 1000.0;
/// Height of the air over an array whose wind cools the cells, in m.
const ARRAY_HEIGHT_M: f64 = 2.0;
/// By how much the wind over an array moves its generation.
const COOLING: f64 = 0.015;
/// Heat loss of a cell in W/(m2 K) in the wind that is usual over an array: Faiman's 25 + 6.84 v.
const HEAT_LOSS: f64 = 45.0;

/// A solar unit.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::plant) struct SolarEntry {
    pub(in crate::plant) id: String,
    pub(in crate::plant) bus: u32,
    #[serde(default)]
    pub(in crate::plant) east_km: f64,
    #[serde(default)]
    pub(in crate::plant) north_km: f64,
    #[serde(default)]
    pub(in crate::plant) plant: SolarParameters,
}

impl Entry for SolarEntry {
    const PREFIX: &'static str = "SOLAR-";

    fn id(&self) -> &str {
        &self.id
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = entry::site_problems(self.east_km, self.north_km);
        problems.extend(self.plant.problems());
        problems
    }
}

/// A solar unit.
#[derive(Debug, Clone)]
pub(in crate::plant) struct SolarUnit {
    pub(in crate::plant) id: EntityId,
    pub(in crate::plant) bus: usize,
    pub(in crate::plant) plant: SolarPlant,
    pub(in crate::plant) site: Site,
    /// The converter that feeds its power into the grid; without one it has an inverter of its own.
    pub(in crate::plant) converter: Option<usize>,
}

impl SolarUnit {
    /// The unit of an entry; no converter feeds its power into the grid yet.
    pub(in crate::plant) fn build(
        entry: &SolarEntry,
        buses: &BusesByNumber,
        problems: &mut Vec<String>,
    ) -> Self {
        let SolarEntry {
            id,
            bus,
            east_km,
            north_km,
            plant,
        } = entry;
        Self {
            id: id.as_str().into(),
            bus: entry::bus_of(id, *bus, buses, problems),
            plant: SolarPlant::new(plant.clone()),
            site: entry::site(id, *east_km, *north_km, ARRAY_HEIGHT_M),
            converter: None,
        }
    }

    /// The unit as the outside sees it.
    pub(in crate::plant) fn entity(&self) -> Entity {
        let capacity_kw = self.plant.parameters().capacity_kw;
        let ratings = Ratings {
            capacity: Some(capacity_kw),
            ..Ratings::default()
        };
        stream::RES_UNIT.entity(&self.id, EntityType::Solar, ratings, &[0.0..=capacity_kw])
    }

    /// The noise of a field at a typical value, in its unit.
    pub(in crate::plant) fn typical_sigma(&self, field: usize) -> Option<f64> {
        let capacity_kw = self.plant.parameters().capacity_kw;
        Some(match field {
            res::GENERATION => GENERATION.relative * capacity_kw,
            res::UTILIZATION => GENERATION.relative,
            res::IRRADIANCE => IRRADIANCE.relative * TYPICAL_W_M2,
            res::TEMPERATURE => TEMPERATURE.absolute,
            _ => return None,
        })
    }

    /// What its sensors show of `readings`.
    pub(in crate::plant) fn sample(
        &self,
        readings: &SolarReadings,
        sampling: &Sampling,
        mut noise: Noise,
    ) -> Sample {
        let capacity_kw = self.plant.parameters().capacity_kw;
        let generation = noise
            .on(readings.generation_kw, GENERATION)
            .clamp(0.0, capacity_kw);
        Sample {
            entity: self.id.clone(),
            stream: &stream::RES_UNIT,
            entity_type: EntityType::Solar,
            capacity_kw,
            row: Row::of(&[
                generation,
                generation / capacity_kw,
                noise.on(readings.irradiance_w_m2, IRRADIANCE).max(0.0),
                f64::NAN,
                noise.on(readings.air_c, TEMPERATURE),
            ]),
            stale: false,
            timestamp: sampling.timestamp,
        }
    }

    /// What detectors know of it.
    pub(in crate::plant) fn model(&self) -> EntityModel {
        let plant = self.plant.parameters();
        EntityModel {
            id: self.id.clone(),
            nominal: Nominal::Solar(Solar {
                capacity_kw: plant.capacity_kw,
                dc_ratio: plant.dc_ratio,
                losses: plant.losses,
                temperature_coefficient: plant.gamma_per_k,
                heat_loss: HEAT_LOSS,
                inverter: Inverter::PvWatts,
                uncertainty: COOLING,
            }),
        }
    }
}
