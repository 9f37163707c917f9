//! What sensors there are: the noise of each entity has its own random numbers.

use crate::random::Source;

use super::{measurement::sensor, spec::PlantSpec};

/// The random numbers of all sensors, by entity.
#[derive(Debug)]
pub(super) struct Sensors {
    pub(super) buses: Vec<Source>,
    pub(super) converters: Vec<Source>,
    pub(super) solar: Vec<Source>,
    pub(super) wind: Vec<Source>,
}

impl Sensors {
    pub(super) fn new(spec: &PlantSpec, seed: u64) -> Self {
        let buses = spec.topology().buses.iter().map(|bus| &bus.id);
        let converters = spec.converters.iter().map(|unit| &unit.id);
        let solar = spec.solar.iter().map(|unit| &unit.id);
        let wind = spec.wind.iter().map(|unit| &unit.id);
        Self {
            buses: buses.map(|id| sensor(seed, id)).collect(),
            converters: converters.map(|id| sensor(seed, id)).collect(),
            solar: solar.map(|id| sensor(seed, id)).collect(),
            wind: wind.map(|id| sensor(seed, id)).collect(),
        }
    }
}
