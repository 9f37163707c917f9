//! What is known of the entities apart from their samples, for detectors: nameplates and relations, but
//! nothing of the present state.

use crate::detect::{EntityModel, Noise, fault::FaultLimits};

use super::{
    bus, converter,
    measurement::{FREQUENCY, TEMPERATURE},
    solar,
    spec::PlantSpec,
    wind,
};

/// How much the ambient of a heat sink wanders over minutes, K.
const AMBIENT_SPREAD_K: f64 = 0.25;
/// The same where the air is measured.
const AIR_SPREAD_K: f64 = 0.08;
/// How far the air walks in 2 s: it warms by less than 4 K an hour.
const AIR_WALK_K: f64 = 0.002;

impl PlantSpec {
    /// The relations of all entities that are sampled, in the order of the catalogue.
    #[must_use]
    pub fn models(&self) -> Vec<EntityModel> {
        let frequency_hz = self.frequency.parameters().f0_hz;
        let buses = self.topology().buses.iter().enumerate();
        let buses =
            buses.map(|(at, bus)| bus::model(&bus.id, frequency_hz, self.bus_power_sigma(at)));
        let measured = !self.solar.is_empty() || !self.wind.is_empty();
        let spread_k = if measured {
            AIR_SPREAD_K
        } else {
            AMBIENT_SPREAD_K
        };
        let converters = self.converters.iter();
        let converters = converters.map(|unit| unit.model(frequency_hz, spread_k));
        let solar = self.solar.iter().map(solar::unit::SolarUnit::model);
        let wind = self.wind.iter().map(wind::unit::WindUnit::model);
        buses.chain(converters).chain(solar).chain(wind).collect()
    }

    /// The limits of a bus: the standard's, widened where the case allows more.
    #[must_use]
    pub fn bus_limits(&self, at: usize) -> FaultLimits {
        bus::limits(&self.case.buses[at])
    }

    /// What 1 p.u. of power is in the network, in MVA.
    #[must_use]
    pub fn base_mva(&self) -> f64 {
        self.case.base_mva
    }

    /// The noise of the sensors.
    #[must_use]
    pub fn noise(&self) -> Noise {
        Noise {
            voltage_pu: bus::VOLTAGE.absolute,
            angle_degree: bus::ANGLE.absolute,
            frequency_hz: FREQUENCY.absolute,
            dc_voltage: converter::unit::DC_VOLTAGE,
            current: converter::unit::CURRENT,
            converter_power: converter::unit::POWER,
            grid_voltage: converter::unit::TERMINAL_VOLTAGE,
            thd: converter::unit::THD.absolute,
            heat_sink_k: TEMPERATURE.absolute,
            generation: solar::unit::GENERATION.absolute,
            generation_share: solar::unit::GENERATION.relative,
            irradiance: solar::unit::IRRADIANCE.absolute,
            irradiance_share: solar::unit::IRRADIANCE.relative,
            wind_speed: wind::unit::WIND_SPEED.absolute,
            air_k: TEMPERATURE.absolute,
            air_walk_k: AIR_WALK_K,
            ..Noise::default()
        }
    }
}
