//! A turbine's power curve, with its correction for the density of air (Svenningsen 2010).

use crate::maths::{exp, log};

/// Density at which power curves are given, kg/m³.
pub const STANDARD_DENSITY_KG_M3: f64 = 1.225;

/// Wind speeds of the curves of the default plant, m/s.
pub const DEFAULT_CURVE_V_MS: [f64; 26] = [
    2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 6.5, 7.0, 7.5, 8.0, 8.5, 9.0, 9.5, 10.0, 10.5, 11.0,
    11.5, 12.0, 12.5, 13.0, 14.0, 15.0, 20.0, 25.0,
];

/// Power of a turbine of 150 kW at [`DEFAULT_CURVE_V_MS`], kW.
pub const CURVE_150_KW: [f64; 26] = [
    0.0, 0.0, 1.866, 3.6458, 6.0102, 9.0009, 12.6589, 17.0226, 22.1267, 28.0032, 34.6802, 42.1833,
    50.5348, 59.7548, 69.8608, 80.8688, 92.7933, 105.6479, 119.4467, 134.2049, 149.9423, 150.0,
    150.0, 150.0, 150.0, 150.0,
];

/// Power of a turbine of 300 kW at [`DEFAULT_CURVE_V_MS`], kW.
pub const CURVE_300_KW: [f64; 26] = [
    0.0, 0.0, 3.7319, 7.2917, 12.0203, 18.0018, 25.3179, 34.0451, 44.2535, 56.0063, 69.3604,
    84.3665, 101.0696, 119.5095, 139.7216, 161.7377, 185.5866, 211.2959, 238.8933, 268.4099,
    299.8847, 300.0, 300.0, 300.0, 300.0, 300.0,
];

/// Power over wind speed: straight lines between points, nothing outside.
#[derive(Debug, Clone, PartialEq)]
pub struct PowerCurve {
    points: Vec<Point>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    v_ms: f64,
    power: f64,
    /// Exponent of the density correction at this speed.
    exponent: f64,
}

impl PowerCurve {
    /// The curve through these speeds in m/s, which must ascend, and powers in any unit. Surplus values
    /// of the longer list count for nothing.
    #[must_use]
    pub fn new(v_ms: &[f64], power: &[f64]) -> Self {
        let points = v_ms.iter().zip(power).map(|(&v_ms, &power)| Point {
            v_ms,
            power,
            exponent: (1.0 + ((v_ms - 7.5) / 5.0).clamp(0.0, 1.0)) / 3.0,
        });
        Self {
            points: points.collect(),
        }
    }

    /// Power at a wind speed and a density of air, in the unit of the curve.
    #[must_use]
    pub fn power(&self, v_ms: f64, density_kg_m3: f64) -> f64 {
        let thinness = thinness(density_kg_m3);
        let above = self
            .points
            .partition_point(|point| point.speed_ms(thinness) <= v_ms);
        let Some(low) = above
            .checked_sub(1)
            .and_then(|index| self.points.get(index))
        else {
            return 0.0;
        };
        let low_ms = low.speed_ms(thinness);
        let Some(high) = self.points.get(above) else {
            return if v_ms > low_ms { 0.0 } else { low.power };
        };
        let slope = (high.power - low.power) / (high.speed_ms(thinness) - low_ms);
        low.power + slope * (v_ms - low_ms)
    }

    /// The wind speed at which the curve ends at a density of air, m/s.
    #[must_use]
    pub fn end_ms(&self, density_kg_m3: f64) -> f64 {
        self.points
            .last()
            .map_or(0.0, |point| point.speed_ms(thinness(density_kg_m3)))
    }
}

impl Point {
    /// The speed at which a turbine gives this power in air `e^thinness` times as thin as standard.
    fn speed_ms(&self, thinness: f64) -> f64 {
        if thinness == 0.0 {
            return self.v_ms;
        }
        self.v_ms * exp(thinness * self.exponent)
    }
}

fn thinness(density_kg_m3: f64) -> f64 {
    log(STANDARD_DENSITY_KG_M3 / density_kg_m3)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "points of the curve are met exactly")]
mod tests {
    use super::*;

    #[test]
    fn the_curve_meets_its_points_and_ends() {
        let curve = PowerCurve::new(&DEFAULT_CURVE_V_MS, &CURVE_150_KW);
        for (v, power) in DEFAULT_CURVE_V_MS.into_iter().zip(CURVE_150_KW) {
            assert_eq!(curve.power(v, STANDARD_DENSITY_KG_M3), power);
        }
        assert_eq!(curve.power(2.4, STANDARD_DENSITY_KG_M3), 0.0);
        assert_eq!(curve.power(25.01, STANDARD_DENSITY_KG_M3), 0.0);
        assert!((curve.power(9.25, STANDARD_DENSITY_KG_M3) - 64.8078).abs() < 1e-9);
    }

    #[test]
    fn thin_air_gives_less() {
        let curve = PowerCurve::new(&DEFAULT_CURVE_V_MS, &CURVE_300_KW);
        assert!(curve.power(9.0, 1.1) < curve.power(9.0, 1.225));
        assert!(curve.power(9.0, 1.3) > curve.power(9.0, 1.225));
        assert!(curve.end_ms(1.3) < 25.0);
    }

    #[test]
    fn an_empty_curve_gives_nothing() {
        assert_eq!(PowerCurve::new(&[], &[]).power(8.0, 1.2), 0.0);
    }
}
