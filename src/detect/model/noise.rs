//! How strong the noise of the sensors is.

use serde::{Deserialize, Serialize};

/// Standard deviations of the measurement noise, from the nameplates of the sensors. By which factor a
/// run's noise differs, detectors learn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Noise {
    /// Bus voltage magnitude, p.u.
    pub voltage_pu: f64,
    /// Bus voltage angle, deg.
    pub angle_degree: f64,
    /// Frequency, Hz.
    pub frequency_hz: f64,
    /// Bus active power, MW.
    pub active_power_mw: f64,
    /// Bus reactive power, `MVAr`.
    pub reactive_power_mvar: f64,
    /// DC-link voltage as a share of nominal.
    pub dc_voltage: f64,
    /// Converter currents as a share of rated.
    pub current: f64,
    /// Converter powers as a share of rated.
    pub converter_power: f64,
    /// Peak phase voltage as a share of nominal.
    pub grid_voltage: f64,
    /// THD in percentage points.
    pub thd: f64,
    /// Heat sink temperature, K.
    pub heat_sink_k: f64,
    /// Generation as a share of capacity.
    pub generation: f64,
    /// Generation as a share of itself.
    pub generation_share: f64,
    /// Irradiance, W/m2.
    pub irradiance: f64,
    /// Irradiance as a share of itself.
    pub irradiance_share: f64,
    /// Wind speed, m/s.
    pub wind_speed: f64,
    /// Air temperature, K.
    pub air_k: f64,
    /// No noise: how far the air itself may walk between two samples, K.
    pub air_walk_k: f64,
}

impl Default for Noise {
    fn default() -> Self {
        Self {
            voltage_pu: 4e-4,
            angle_degree: 0.02,
            frequency_hz: 2.2e-3,
            active_power_mw: 0.3,
            reactive_power_mvar: 0.3,
            dc_voltage: 6e-4,
            current: 1e-3,
            converter_power: 1e-3,
            grid_voltage: 1e-3,
            thd: 0.015,
            heat_sink_k: 0.05,
            generation: 2e-3,
            generation_share: 0.0,
            irradiance: 1.5,
            irradiance_share: 0.0,
            wind_speed: 0.02,
            air_k: 0.04,
            air_walk_k: 0.02,
        }
    }
}

impl Noise {
    /// Noise that is `factor` times as strong.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        Self {
            voltage_pu: factor * self.voltage_pu,
            angle_degree: factor * self.angle_degree,
            frequency_hz: factor * self.frequency_hz,
            active_power_mw: factor * self.active_power_mw,
            reactive_power_mvar: factor * self.reactive_power_mvar,
            dc_voltage: factor * self.dc_voltage,
            current: factor * self.current,
            converter_power: factor * self.converter_power,
            grid_voltage: factor * self.grid_voltage,
            thd: factor * self.thd,
            heat_sink_k: factor * self.heat_sink_k,
            generation: factor * self.generation,
            generation_share: factor * self.generation_share,
            irradiance: factor * self.irradiance,
            irradiance_share: factor * self.irradiance_share,
            wind_speed: factor * self.wind_speed,
            air_k: factor * self.air_k,
            air_walk_k: self.air_walk_k,
        }
    }
}
