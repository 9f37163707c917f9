//! Measurement: what sensors add to the true state.
//!
//! Noise is Gaussian and independent from sample to sample. Where a quantity is exactly 0 by nature
//! (generation at night) its noise is relative, so that it stays 0.

use crate::grid::entity::{Entity, EntityKind, EntityType};

/// Standard deviation of the noise of one field: `absolute` + `relative` x |value|.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sigma {
    /// In the unit of the field.
    pub(super) absolute: f64,
    /// As a fraction of the value.
    pub(super) relative: f64,
}

impl Sigma {
    const fn absolute(absolute: f64) -> Self {
        Self {
            absolute,
            relative: 0.0,
        }
    }

    const fn relative(relative: f64) -> Self {
        Self {
            absolute: 0.0,
            relative,
        }
    }

    /// The standard deviation at a value.
    pub(super) fn at(self, value: f64) -> f64 {
        self.absolute + self.relative * value.abs()
    }
}

/// Voltage magnitude of a bus in p.u.: instrument transformers of class 0.1 and a PMU.
pub(super) const BUS_VOLTAGE: Sigma = Sigma::absolute(4e-4);
/// Voltage angle in deg; with the magnitude well within a total vector error of 1 % (IEC 60255-118-1).
pub(super) const BUS_ANGLE: Sigma = Sigma::absolute(0.015);
/// Frequency in Hz: the steady error of a PMU is at most 5 mHz (IEC 60255-118-1).
pub(super) const FREQUENCY: Sigma = Sigma::absolute(1.2e-3);
/// Power of a bus in MW or MVAR as a fraction of its size.
const BUS_POWER: f64 = 2e-3;
/// DC-link voltage as a fraction of nominal.
pub(super) const DC_VOLTAGE: f64 = 1e-3;
/// Current as a fraction of rated.
pub(super) const CURRENT: f64 = 2e-3;
/// AC terminal voltage as a fraction of nominal.
pub(super) const TERMINAL_VOLTAGE: f64 = 5e-4;
/// Power of a converter as a fraction of rated.
pub(super) const CONVERTER_POWER: f64 = 2e-3;
/// THD in percentage points.
pub(super) const THD: Sigma = Sigma::absolute(0.02);
/// Temperature in K.
pub(super) const TEMPERATURE: Sigma = Sigma::absolute(0.06);
/// Generation as a fraction of itself.
pub(super) const GENERATION: Sigma = Sigma::relative(2e-3);
/// Irradiance as a fraction of itself.
pub(super) const IRRADIANCE: Sigma = Sigma::relative(3e-3);
/// Wind speed in m/s.
pub(super) const WIND_SPEED: Sigma = Sigma::absolute(0.05);

/// Sizes against which noise is measured.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Scale {
    /// Power of a bus in MW.
    pub(super) bus_mw: f64,
    /// Nominal DC voltage in V.
    pub(super) dc_v: f64,
    /// Rated current in A.
    pub(super) current_a: f64,
    /// Nominal terminal voltage in V.
    pub(super) terminal_v: f64,
    /// Rated power in kW.
    pub(super) power_kw: f64,
}

impl Scale {
    pub(super) fn bus_power(&self) -> Sigma {
        Sigma::absolute(BUS_POWER * self.bus_mw)
    }

    pub(super) fn dc_voltage(&self) -> Sigma {
        Sigma::absolute(DC_VOLTAGE * self.dc_v)
    }

    pub(super) fn current(&self) -> Sigma {
        Sigma::absolute(CURRENT * self.current_a)
    }

    pub(super) fn terminal_voltage(&self) -> Sigma {
        Sigma::absolute(TERMINAL_VOLTAGE * self.terminal_v)
    }

    pub(super) fn converter_power(&self) -> Sigma {
        Sigma::absolute(CONVERTER_POWER * self.power_kw)
    }
}

/// The noise of `field` of an entity's samples, at a typical value; none for a field that is not
/// measured.
pub(super) fn typical_sigma(entity: &Entity, scale: &Scale, field: &str) -> Option<f64> {
    let capacity = entity.ratings.capacity.unwrap_or(0.0);
    let sigma = match (entity.kind, field) {
        (EntityKind::Bus, "voltageMagnitude") => BUS_VOLTAGE,
        (EntityKind::Bus, "voltageAngle") => BUS_ANGLE,
        (EntityKind::Bus | EntityKind::Converter, "frequency") => FREQUENCY,
        (EntityKind::Bus, "activePower" | "reactivePower") => scale.bus_power(),
        (EntityKind::Converter, "voltage") => scale.dc_voltage(),
        (EntityKind::Converter, "current_d" | "current_q") => scale.current(),
        (EntityKind::Converter, "activePower" | "reactivePower") => scale.converter_power(),
        (EntityKind::Converter, "thd") => THD,
        (EntityKind::Converter | EntityKind::ResUnit, "temperature") => TEMPERATURE,
        (EntityKind::Converter, "gridVoltage") => scale.terminal_voltage(),
        (EntityKind::ResUnit, "generation") => Sigma::absolute(GENERATION.relative * capacity),
        (EntityKind::ResUnit, "utilizationFactor") => Sigma::absolute(GENERATION.relative),
        (EntityKind::ResUnit, "irradiance") if entity.entity_type == EntityType::Solar => {
            Sigma::absolute(IRRADIANCE.relative * 1000.0)
        }
        (EntityKind::ResUnit, "windSpeed") if entity.entity_type == EntityType::Wind => WIND_SPEED,
        _ => return None,
    };
    Some(sigma.absolute)
}
