//! From irradiance to power: cell temperature by Faiman 2008, power by version 5 of
//! NREL's `PVWatts` (Dobos 2014).

/// Faiman's heat loss without wind, W/(m²·K).
const U0: f64 = 25.0;
/// Faiman's heat loss per wind speed, W·s/(m³·K).
const U1: f64 = 6.84;
/// Nominal efficiency of the inverter.
const NOMINAL_EFFICIENCY: f64 = 0.96;
/// Efficiency at which the curve of `PVWatts` is given.
const REFERENCE_EFFICIENCY: f64 = 0.9637;

/// Cell temperature in °C of an array in `irradiance_w_m2`, air of `air_c` and wind of `wind_speed_ms`.
#[must_use]
pub fn cell_c(irradiance_w_m2: f64, air_c: f64, wind_speed_ms: f64) -> f64 {
    air_c + irradiance_w_m2 / (U0 + U1 * wind_speed_ms)
}

/// DC power in the unit of `rated_dc` (the power at 1000 W/m² and 25 °C), `gamma_per_k` being the
/// change per kelvin and `losses` a share of 0..1.
#[must_use]
pub fn dc_power(
    irradiance_w_m2: f64,
    cell_c: f64,
    rated_dc: f64,
    gamma_per_k: f64,
    losses: f64,
) -> f64 {
    rated_dc * irradiance_w_m2 * 0.001 * (1.0 + gamma_per_k * (cell_c - 25.0)) * (1.0 - losses)
}

/// AC power of an inverter rated `rated_ac`, in the same unit: 0 where it would need more than it gets.
#[must_use]
pub fn ac_power(dc: f64, rated_ac: f64) -> f64 {
    if dc <= 0.0 {
        return 0.0;
    }
    let load = dc * NOMINAL_EFFICIENCY / rated_ac;
    let efficiency =
        NOMINAL_EFFICIENCY / REFERENCE_EFFICIENCY * (-0.0162 * load - 0.0059 / load + 0.9858);
    let ac = (efficiency * dc).min(rated_ac);
    if ac > 0.0 { ac } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverter_gives_nothing_at_night_and_no_more_than_its_rating() {
        assert_eq!(ac_power(0.0, 100.0).to_bits(), 0.0_f64.to_bits());
        assert_eq!(ac_power(0.4, 100.0).to_bits(), 0.0_f64.to_bits());
        assert!((ac_power(150.0, 100.0) - 100.0).abs() < 1e-12);
    }

    /// Values of `pvlib.inverter.pvwatts`, pvlib 0.16.1.
    #[test]
    fn the_inverter_follows_the_reference() {
        for (dc, ac) in [
            (1.166_446_378, 0.533_033_506),
            (95.919_820_58, 92.157_107_767),
        ] {
            assert!((ac_power(dc, 100.0) - ac).abs() < 1e-8);
        }
    }
}
