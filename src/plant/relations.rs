//! What is known of the entities apart from their samples, for detectors: nameplates and relations, but
//! nothing of the present state.

use crate::detect::{
    EntityModel, Noise, Nominal,
    fault::FaultLimits,
    model::{Converter, Inverter, Solar, Thermal, Wind},
};

use super::{
    converter::{LossParameters, ThermalParameters},
    measurement::{
        self, BUS_ANGLE, BUS_VOLTAGE, FREQUENCY, GENERATION, IRRADIANCE, TEMPERATURE, THD,
        WIND_SPEED,
    },
    spec::{ConverterKind, ConverterUnit, PlantSpec, SolarUnit, WindUnit},
    wind::density::pressure_pa,
};

/// How much the ambient of a heat sink wanders over minutes, K.
const AMBIENT_SPREAD_K: f64 = 0.25;
/// The same where the air is measured.
const AIR_SPREAD_K: f64 = 0.08;
/// How much a controlled DC link wanders over seconds, as a share of nominal.
const DC_SPREAD: f64 = 3e-4;
/// How far the air walks in 2 s: it warms by less than 4 K an hour.
const AIR_WALK_K: f64 = 0.002;
/// By how much the wind over an array moves its generation.
const COOLING: f64 = 0.015;
/// Heat loss of a cell in W/(m2 K) in the wind that is usual over an array: Faiman's 25 + 6.84 v.
const HEAT_LOSS: f64 = 45.0;

impl PlantSpec {
    /// The relations of all entities that are sampled, in the order of the catalogue.
    #[must_use]
    pub fn models(&self) -> Vec<EntityModel> {
        let frequency_hz = self.frequency.parameters().f0_hz;
        let buses = self.topology().buses.iter().enumerate();
        let buses = buses.map(|(at, bus)| {
            let power = self.bus_scale(at).bus_power().absolute;
            EntityModel {
                id: bus.id.clone(),
                nominal: Nominal::Bus {
                    frequency_hz,
                    power_noise_mw: (power > 0.0).then_some(power),
                },
            }
        });
        let measured = !self.solar.is_empty() || !self.wind.is_empty();
        let spread_k = if measured {
            AIR_SPREAD_K
        } else {
            AMBIENT_SPREAD_K
        };
        let converters = self.converters.iter().map(|unit| EntityModel {
            id: unit.id.clone(),
            nominal: Nominal::Converter(converter(unit, frequency_hz, spread_k)),
        });
        let solar = self.solar.iter().map(|unit| EntityModel {
            id: unit.id.clone(),
            nominal: Nominal::Solar(solar(unit)),
        });
        let wind = self.wind.iter().map(|unit| EntityModel {
            id: unit.id.clone(),
            nominal: Nominal::Wind(wind(unit)),
        });
        buses.chain(converters).chain(solar).chain(wind).collect()
    }

    /// The limits of a bus: the standard's, widened where the case allows more.
    #[must_use]
    pub fn bus_limits(&self, at: usize) -> FaultLimits {
        let bus = &self.case.buses[at];
        FaultLimits::default().allowing(bus.vmin_pu, bus.vmax_pu)
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
            voltage_pu: BUS_VOLTAGE.absolute,
            angle_degree: BUS_ANGLE.absolute,
            frequency_hz: FREQUENCY.absolute,
            dc_voltage: measurement::DC_VOLTAGE,
            current: measurement::CURRENT,
            converter_power: measurement::CONVERTER_POWER,
            grid_voltage: measurement::TERMINAL_VOLTAGE,
            thd: THD.absolute,
            heat_sink_k: TEMPERATURE.absolute,
            generation: GENERATION.absolute,
            generation_share: GENERATION.relative,
            irradiance: IRRADIANCE.absolute,
            irradiance_share: IRRADIANCE.relative,
            wind_speed: WIND_SPEED.absolute,
            air_k: TEMPERATURE.absolute,
            air_walk_k: AIR_WALK_K,
            ..Noise::default()
        }
    }
}

fn converter(unit: &ConverterUnit, frequency_hz: f64, spread_k: f64) -> Converter {
    let scale = unit.scale();
    let (power_factor, losses, cooling, source, link) = match &unit.kind {
        ConverterKind::Grid {
            converter, source, ..
        } => {
            let parameters = converter.parameters();
            (1.5, parameters.losses, parameters.thermal, *source, None)
        }
        ConverterKind::Buck {
            converter, link, ..
        } => {
            let parameters = converter.parameters();
            let link = Some(*link);
            (1.0, parameters.losses, parameters.thermal, None, link)
        }
    };
    Converter {
        rated_current_a: scale.current_a,
        dc_voltage_v: scale.dc_v,
        dc_spread: DC_SPREAD,
        grid_voltage_v: scale.terminal_v,
        frequency_hz,
        power_factor,
        thermal: thermal(&losses, &cooling, spread_k),
        bus: Some(unit.bus),
        source,
        link,
    }
}

fn thermal(losses: &LossParameters, cooling: &ThermalParameters, spread_k: f64) -> Thermal {
    let rated = losses.rated_fraction();
    let stage = |at: usize| (cooling.rise_k[at], cooling.tau_s[at]);
    Thermal {
        constant: losses.constant_fraction / rated,
        linear: losses.linear_fraction / rated,
        square: losses.quadratic_fraction / rated,
        stages: [stage(0), stage(1)],
        ambient_spread_k: spread_k,
    }
}

fn solar(unit: &SolarUnit) -> Solar {
    let plant = unit.plant.parameters();
    Solar {
        capacity_kw: plant.capacity_kw,
        dc_ratio: plant.dc_ratio,
        losses: plant.losses,
        temperature_coefficient: plant.gamma_per_k,
        heat_loss: HEAT_LOSS,
        inverter: Inverter::PvWatts,
        uncertainty: COOLING,
    }
}

fn wind(unit: &WindUnit) -> Wind {
    let turbine = unit.turbine.parameters();
    let ground_pa = super::solar::clear_sky::standard_pressure_pa(turbine.altitude_m);
    Wind {
        capacity_kw: turbine.capacity_kw,
        curve: turbine
            .curve_v_ms
            .iter()
            .copied()
            .zip(turbine.curve_p_kw.iter().copied())
            .collect(),
        pressure_hpa: Some(pressure_pa(ground_pa, turbine.hub_height_m) / 100.0),
        lag_s: turbine.drive_lag_s,
    }
}
