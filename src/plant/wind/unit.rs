//! A wind unit of a plant: its entry in the plant file, its nameplate, what its sensors show, and what
//! detectors know of it.

use serde::Deserialize;

use super::{
    density::pressure_pa,
    turbine::{WindParameters, WindReadings, WindTurbine},
};
use crate::{
    detect::{EntityModel, Nominal, model::Wind},
    grid::{
        entity::{Entity, EntityId, EntityType, Ratings},
        stream::{self, res},
        telemetry::{Row, Sample},
    },
    plant::{
        entry::{self, BusesByNumber, Entry},
        measurement::{Noise, Sampling, Sigma, TEMPERATURE},
        solar::clear_sky::standard_pressure_pa,
        weather::Site,
    },
};

/// Generation as a fraction of itself.
const GENERATION: Sigma = Sigma::relative(2e-3);
/// Wind speed in m/s.
pub(in crate::plant) const WIND_SPEED: Sigma = Sigma::absolute(0.05);

/// A wind unit.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::plant) struct WindEntry {
    pub(in crate::plant) id: String,
    pub(in crate::plant) bus: u32,
    #[serde(default)]
    pub(in crate::plant) east_km: f64,
    #[serde(default)]
    pub(in crate::plant) north_km: f64,
    #[serde(default)]
    pub(in crate::plant) turbine: WindParameters,
}

impl Entry for WindEntry {
    const PREFIX: &'static str = "WIND-";

    fn id(&self) -> &str {
        &self.id
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = entry::site_problems(self.east_km, self.north_km);
        problems.extend(self.turbine.problems());
        problems
    }
}

/// A wind unit.
#[derive(Debug, Clone)]
pub(in crate::plant) struct WindUnit {
    pub(in crate::plant) id: EntityId,
    pub(in crate::plant) bus: usize,
    pub(in crate::plant) turbine: WindTurbine,
    pub(in crate::plant) site: Site,
}

impl WindUnit {
    /// The unit of an entry.
    pub(in crate::plant) fn build(
        entry: &WindEntry,
        buses: &BusesByNumber,
        problems: &mut Vec<String>,
    ) -> Self {
        let WindEntry {
            id,
            bus,
            east_km,
            north_km,
            turbine,
        } = entry;
        Self {
            id: id.as_str().into(),
            bus: entry::bus_of(id, *bus, buses, problems),
            turbine: WindTurbine::new(turbine.clone()),
            site: entry::site(id, *east_km, *north_km, turbine.hub_height_m),
        }
    }

    /// The unit as the outside sees it.
    pub(in crate::plant) fn entity(&self) -> Entity {
        let capacity_kw = self.turbine.parameters().capacity_kw;
        let ratings = Ratings {
            capacity: Some(capacity_kw),
            ..Ratings::default()
        };
        stream::RES_UNIT.entity(&self.id, EntityType::Wind, ratings, &[0.0..=capacity_kw])
    }

    /// The noise of a field at a typical value, in its unit.
    pub(in crate::plant) fn typical_sigma(&self, field: usize) -> Option<f64> {
        let capacity_kw = self.turbine.parameters().capacity_kw;
        Some(match field {
            res::GENERATION => GENERATION.relative * capacity_kw,
            res::UTILIZATION => GENERATION.relative,
            res::WIND_SPEED => WIND_SPEED.absolute,
            res::TEMPERATURE => TEMPERATURE.absolute,
            _ => return None,
        })
    }

    /// What its sensors show of `readings`.
    pub(in crate::plant) fn sample(
        &self,
        readings: &WindReadings,
        sampling: &Sampling,
        mut noise: Noise,
    ) -> Sample {
        let capacity_kw = self.turbine.parameters().capacity_kw;
        let generation = noise
            .on(readings.generation_kw, GENERATION)
            .clamp(0.0, capacity_kw);
        Sample {
            entity: self.id.clone(),
            stream: &stream::RES_UNIT,
            entity_type: EntityType::Wind,
            capacity_kw,
            row: Row::of(&[
                generation,
                generation / capacity_kw,
                f64::NAN,
                noise.on(readings.wind_speed_ms, WIND_SPEED).max(0.0),
                noise.on(readings.air_c, TEMPERATURE),
            ]),
            stale: false,
            timestamp: sampling.timestamp,
        }
    }

    /// What detectors know of it.
    pub(in crate::plant) fn model(&self) -> EntityModel {
        let turbine = self.turbine.parameters();
        let ground_pa = standard_pressure_pa(turbine.altitude_m);
        let curve = turbine.curve_v_ms.iter().copied();
        EntityModel {
            id: self.id.clone(),
            nominal: Nominal::Wind(Wind {
                capacity_kw: turbine.capacity_kw,
                curve: curve.zip(turbine.curve_p_kw.iter().copied()).collect(),
                pressure_hpa: Some(pressure_pa(ground_pa, turbine.hub_height_m) / 100.0),
                lag_s: turbine.drive_lag_s,
            }),
        }
    }
}
