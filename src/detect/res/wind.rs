//! What a wind turbine gives in a weather, and what it still gives of the weather before.

use serde::{Deserialize, Serialize};

use crate::{
    detect::model::Wind,
    maths::{exp, pow},
};

/// Specific gas constant of dry air, J/(kg K).
const GAS_CONSTANT: f64 = 287.058;
/// Zero deg C in K.
const ZERO_C_K: f64 = 273.15;
/// Pa in one hPa.
const PA_PER_HPA: f64 = 100.0;
/// Density of the air for which power curves hold, kg/m3 (IEC 61400-12-1).
const STANDARD_DENSITY: f64 = 1.225;
/// The exponent of the density up to [`EXPONENT_FROM_MS`] (Svenningsen 2010).
const EXPONENT_LEAST: f64 = 1.0 / 3.0;
/// The exponent at high speeds, here from 12.5 m/s on (Svenningsen 2010).
const EXPONENT_MOST: f64 = 2.0 / 3.0;
/// Speed from which on the exponent grows, m/s.
const EXPONENT_FROM_MS: f64 = 7.5;
/// The exponent grows by 1 over so many m/s.
const EXPONENT_OVER_MS: f64 = 15.0;
/// How often the control of a turbine acts, s.
const CYCLE_S: f64 = 1.0;
/// How many cycles are followed between two samples at most: by then a turbine has followed.
const CYCLES_MOST: f64 = 100.0;
/// How long a turbine may wait after a storm, s: until the mean of the wind over minutes has calmed down.
const STANDSTILL_S: f64 = 300.0;
/// Share of the end of the curve beyond which a storm may stop a turbine: gusts between samples reach it.
const STORM: f64 = 0.97;
/// Share of the end of the curve below which the wind has calmed down.
const CALM: f64 = 0.6;
/// Share of what the wind allows from which on a turbine is back after a storm.
const FOLLOWS: f64 = 0.985;

/// Power of a turbine in kW at a wind speed in m/s and an air temperature in deg C: its curve, interpolated,
/// at the speed that has the same effect at standard density (Svenningsen 2010).
pub(super) fn wind_power(wind: &Wind, speed: f64, air: f64) -> f64 {
    let density = match wind.pressure_hpa {
        Some(pressure) if air.is_finite() => {
            pressure * PA_PER_HPA / (GAS_CONSTANT * (air + ZERO_C_K))
        }
        _ => return interpolate(&wind.curve, speed),
    };
    // The correction stretches the curve, by an exponent that depends on the curve's own speed; one step
    // of fixed-point iteration from the measured speed is within a per mille.
    let stretch = |at: f64| {
        let exponent = (EXPONENT_LEAST + (at - EXPONENT_FROM_MS) / EXPONENT_OVER_MS)
            .clamp(EXPONENT_LEAST, EXPONENT_MOST);
        pow(STANDARD_DENSITY / density, exponent)
    };
    let first = speed / stretch(speed);
    interpolate(&wind.curve, speed / stretch(first))
}

/// The value of a piecewise linear function, 0 outside of it.
fn interpolate(curve: &[(f64, f64)], at: f64) -> f64 {
    curve
        .windows(2)
        .find(|pair| pair[0].0 <= at && at <= pair[1].0)
        .map_or(0.0, |pair| {
            let (x0, y0) = pair[0];
            let (x1, y1) = pair[1];
            y0 + (y1 - y0) * (at - x0) / (x1 - x0)
        })
}

/// The inertia of a turbine: it gives what the weather allows behind a lag of first order that acts once a
/// [`CYCLE_S`], the wind between samples being a straight line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::detect) struct Inertia {
    /// What was given at the last sample; none before the first and after one that was missing.
    last: Option<Lagged>,
}

/// What was given at a sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Lagged {
    /// Wind speed, m/s.
    speed_ms: f64,
    /// Generation behind the lag, kW.
    power_kw: f64,
}

impl Inertia {
    /// Whether nothing is known of the weather before.
    pub(super) fn is_new(&self) -> bool {
        self.last.is_none()
    }

    /// Forgets the weather before: a sample is missing.
    pub(super) fn forget(&mut self) {
        self.last = None;
    }

    /// What a turbine with a lag gives in kW where the wind allows `settled`; and how far it was from that
    /// before.
    pub(super) fn follow(
        &mut self,
        wind: &Wind,
        speed: f64,
        air: f64,
        settled: f64,
        dt_s: f64,
    ) -> [f64; 2] {
        let mut power_kw = settled;
        let mut inert_kw = 0.0;
        if let Some(last) = self.last
            && dt_s > 0.0
        {
            let cycles = (dt_s / CYCLE_S).clamp(1.0, CYCLES_MOST).round();
            let gain = 1.0 - exp(-dt_s / (cycles * wind.lag_s));
            let before = last.speed_ms;
            power_kw = last.power_kw;
            inert_kw = (settled - power_kw).abs();
            let mut cycle = 1.0;
            while cycle < cycles {
                let aim = wind_power(wind, before + (speed - before) * cycle / cycles, air);
                power_kw += gain * (aim - power_kw);
                cycle += 1.0;
            }
            power_kw += gain * (settled - power_kw);
        }
        self.last = Some(Lagged {
            speed_ms: speed,
            power_kw,
        });
        [power_kw, inert_kw]
    }
}

/// Whether a storm may have stopped a turbine: after one beyond the end of its curve it stands until the wind
/// has calmed down for a while.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::detect) struct Storm {
    /// What is left of the standstill, as a share of [`STANDSTILL_S`].
    left: f64,
}

impl Storm {
    /// Takes a sample: the share of the capacity that is generated, and the one that the wind allows.
    pub(super) fn follow(
        &mut self,
        wind: &Wind,
        speed: f64,
        share: f64,
        possible: f64,
        dt_s: f64,
    ) -> bool {
        let end = wind.curve.last().map_or(f64::INFINITY, |&(speed, _)| speed);
        if speed > STORM * end {
            self.left = 1.0;
        } else if share > FOLLOWS * possible {
            self.left = 0.0;
        } else if speed < CALM * end {
            self.left = (self.left - dt_s / STANDSTILL_S).max(0.0);
        }
        self.left > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wind_power_follows_curve_and_density() {
        let mut wind = Wind {
            capacity_kw: 150.0,
            curve: vec![(3.0, 0.0), (10.0, 80.0), (12.5, 150.0), (25.0, 150.0)],
            pressure_hpa: None,
            lag_s: 0.0,
        };
        assert!((wind_power(&wind, 11.25, 15.0) - 115.0).abs() < 1e-9);
        assert!(wind_power(&wind, 2.0, 15.0).abs() < 1e-12);
        assert!(wind_power(&wind, 26.0, 15.0).abs() < 1e-12);
        wind.pressure_hpa = Some(1013.25);
        let (cold, warm) = (wind_power(&wind, 9.0, -20.0), wind_power(&wind, 9.0, 35.0));
        assert!(cold > 1.05 * warm, "{cold} {warm}");
    }
}
