//! Buses: their nameplates, what their sensors show, and what detectors know of them.

use crate::{
    detect::{EntityModel, Nominal, fault::FaultLimits},
    grid::{
        entity::{Entity, EntityId, Ratings},
        stream::{self, bus},
        telemetry::{Row, Sample},
        topology::TopologyBus,
    },
    powerflow::Bus,
};

use super::{
    dispatch::Station,
    measurement::{FREQUENCY, Noise, Sampling, Sigma},
};

/// Voltage magnitude in p.u.: instrument transformers of class 0.1 and a PMU.
pub(super) const VOLTAGE: Sigma = Sigma::absolute(4e-4);
/// Voltage angle in deg; with the magnitude well within a total vector error of 1 % (IEC 60255-118-1).
pub(super) const ANGLE: Sigma = Sigma::absolute(0.015);
/// Power in MW or MVAR as a fraction of its size.
const POWER: f64 = 2e-3;
/// Normal power of a bus is up to so many times what the case has there.
const NORMAL_POWER: f64 = 1.3;
/// Normal reactive power of a station over its rating.
const NORMAL_REACTIVE: f64 = 0.6;

/// The noise of the powers of a bus, which goes with their size in the case.
pub(super) fn power_sigma(bus: &Bus, station: Option<&Station>) -> Sigma {
    let generation = station.map_or(0.0, |station| station.scheduled_mw.abs());
    let size_mw = generation.max(bus.pd_mw.abs()).max(bus.qd_mvar.abs());
    Sigma::absolute(POWER * size_mw)
}

/// The noise of a field, in its unit, where that of the powers is `power`.
pub(super) fn typical_sigma(field: usize, power: Sigma) -> Option<f64> {
    let sigma = match field {
        bus::VOLTAGE => VOLTAGE,
        bus::ANGLE => ANGLE,
        bus::FREQUENCY => FREQUENCY,
        bus::ACTIVE_POWER | bus::REACTIVE_POWER => power,
        _ => return None,
    };
    Some(sigma.absolute)
}

/// The limits of a bus: the standard's, widened where the case allows more.
pub(super) fn limits(bus: &Bus) -> FaultLimits {
    FaultLimits::default().allowing(bus.vmin_pu, bus.vmax_pu)
}

/// A bus as the outside sees it.
pub(super) fn entity(bus: &Bus, shown: &TopologyBus, station: Option<&Station>) -> Entity {
    let rated = station.map_or(0.0, |station| station.rated_mva);
    let limits = limits(bus);
    let p_mw = rated.max(NORMAL_POWER * bus.pd_mw.abs());
    let q_mvar = (NORMAL_REACTIVE * rated).max(NORMAL_POWER * bus.qd_mvar.abs());
    let ratings = Ratings {
        base_kv: Some(bus.base_kv),
        ..Ratings::default()
    };
    let ranges = [
        limits.undervoltage.low..=limits.overvoltage.low,
        -p_mw..=p_mw,
        -q_mvar..=q_mvar,
    ];
    stream::BUS.entity(&shown.id, shown.bus_type, ratings, &ranges)
}

/// What detectors know of a bus.
pub(super) fn model(id: &EntityId, frequency_hz: f64, power: Sigma) -> EntityModel {
    EntityModel {
        id: id.clone(),
        nominal: Nominal::Bus {
            frequency_hz,
            power_noise_mw: (power.absolute > 0.0).then_some(power.absolute),
        },
    }
}

/// What is true of a bus.
pub(super) struct BusTruth {
    pub(super) voltage_pu: f64,
    pub(super) angle_rad: f64,
    pub(super) frequency_hz: f64,
    pub(super) active_mw: f64,
    pub(super) reactive_mvar: f64,
}

impl BusTruth {
    /// What the sensors of the bus show of it, where the noise of the powers is `power`.
    pub(super) fn sample(
        &self,
        shown: &TopologyBus,
        sampling: &Sampling,
        mut noise: Noise,
        power: Sigma,
    ) -> Sample {
        Sample {
            entity: shown.id.clone(),
            stream: &stream::BUS,
            entity_type: shown.bus_type,
            capacity_kw: 0.0,
            row: Row::of(&[
                noise.on(self.voltage_pu, VOLTAGE),
                noise.on(self.angle_rad.to_degrees(), ANGLE),
                noise.on(self.frequency_hz, FREQUENCY),
                noise.on(self.active_mw, power),
                noise.on(self.reactive_mvar, power),
            ]),
            stale: sampling.stale,
            timestamp: sampling.timestamp,
        }
    }
}

/// What limits look at, as the sensors would show it without noise.
pub(super) fn noiseless(voltage_pu: f64, frequency_hz: f64) -> Row {
    let mut row = Row::EMPTY;
    row.values[bus::VOLTAGE] = voltage_pu;
    row.values[bus::FREQUENCY] = frequency_hz;
    row
}
