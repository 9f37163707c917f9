//! What a solar plant gives in a weather.

use crate::detect::model::{Inverter, Solar};

/// Irradiance at which plants are rated, W/m2: standard test conditions (IEC 61215).
const RATED_IRRADIANCE: f64 = 1000.0;
/// Temperature of the cells at which plants are rated, deg C: standard test conditions (IEC 61215).
const RATED_CELL_C: f64 = 25.0;
/// Nominal efficiency of the inverter of `PVWatts` (Dobos 2014).
const NOMINAL_EFFICIENCY: f64 = 0.96;
/// Efficiency of its reference inverter at rated load (Dobos 2014).
const REFERENCE_EFFICIENCY: f64 = 0.9637;
/// How the efficiency of the reference inverter depends on the load x: `SLOPE x - STANDBY / x + BASE`
/// (Dobos 2014).
const SLOPE: f64 = -0.0162;
/// See [`SLOPE`].
const STANDBY: f64 = 0.0059;
/// See [`SLOPE`].
const BASE: f64 = 0.9858;

/// AC power of a solar plant in kW (`PVWatts`, Dobos 2014) at an irradiance in W/m2 and an air temperature in
/// deg C.
pub(super) fn solar_power(solar: &Solar, irradiance: f64, air: f64) -> f64 {
    let irradiance = irradiance.max(0.0);
    let cell = air + irradiance / solar.heat_loss;
    let dc = solar.dc_ratio * solar.capacity_kw * irradiance / RATED_IRRADIANCE
        * (1.0 + solar.temperature_coefficient * (cell - RATED_CELL_C))
        * (1.0 - solar.losses);
    let ac = match solar.inverter {
        Inverter::Constant(efficiency) => efficiency * dc,
        Inverter::PvWatts => {
            let load = dc / (solar.capacity_kw / NOMINAL_EFFICIENCY);
            if load <= 0.0 {
                0.0
            } else {
                NOMINAL_EFFICIENCY / REFERENCE_EFFICIENCY
                    * (SLOPE * load - STANDBY / load + BASE)
                    * dc
            }
        }
    };
    ac.clamp(0.0, solar.capacity_kw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solar_power_follows_the_weather() {
        let solar = |inverter| Solar {
            capacity_kw: 100.0,
            dc_ratio: 1.15,
            losses: 0.1,
            temperature_coefficient: -0.0035,
            heat_loss: 35.0,
            inverter,
            uncertainty: 0.0,
        };
        let constant = solar(Inverter::Constant(0.96));
        // By hand: 1.15 * 100 * 0.6 * (1 - 0.0035 (20 + 600/35 - 25)) * 0.9 * 0.96.
        assert!((solar_power(&constant, 600.0, 20.0) - 57.0824).abs() < 1e-3);
        assert!((solar_power(&constant, 1400.0, 0.0) - 100.0).abs() < 1e-12);
        assert!(solar_power(&constant, 0.0, 20.0).abs() < 1e-12);
        // By hand: load 0.570824, so 0.96 / 0.9637 * 0.966217 * 59.46080.
        let by_load = solar_power(&solar(Inverter::PvWatts), 600.0, 20.0);
        assert!((by_load - 57.2314).abs() < 1e-3, "{by_load}");
    }
}
