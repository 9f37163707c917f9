//! What a converter turns into heat: P0 + a |i| + b i², the usual fit of conduction and switching losses.

use serde::{Deserialize, Serialize};

/// Losses at rated current, as fractions of rated power, by how they depend on the current.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossParameters {
    /// Standby and gate drives: independent of the current.
    pub constant_fraction: f64,
    /// Switching and forward voltage: with the current's magnitude.
    pub linear_fraction: f64,
    /// Ohmic: with its square.
    pub quadratic_fraction: f64,
}

impl LossParameters {
    /// A two-level bridge or a DC/DC stage: 1.8 % at rated current.
    pub const TWO_LEVEL: Self = Self {
        constant_fraction: 0.004,
        linear_fraction: 0.009,
        quadratic_fraction: 0.005,
    };
    /// A three-level bridge, whose devices switch half the voltage: a fifth less.
    pub const THREE_LEVEL: Self = Self {
        constant_fraction: 0.0032,
        linear_fraction: 0.0072,
        quadratic_fraction: 0.004,
    };

    /// All of them at rated current.
    #[must_use]
    pub fn rated_fraction(&self) -> f64 {
        self.constant_fraction + self.linear_fraction + self.quadratic_fraction
    }

    /// The fit for a converter of `rated_w` whose current is given in amperes.
    #[must_use]
    pub(super) fn curve(&self, rated_w: f64, rated_a: f64) -> LossCurve {
        LossCurve {
            constant_w: self.constant_fraction * rated_w,
            linear_v: self.linear_fraction * rated_w / rated_a,
            quadratic_ohm: self.quadratic_fraction * rated_w / (rated_a * rated_a),
        }
    }
}

/// P0, a and b of one converter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LossCurve {
    constant_w: f64,
    linear_v: f64,
    quadratic_ohm: f64,
}

impl LossCurve {
    /// The current at which these losses and `ohmic` times its square make up `supply_w`, A; 0 if the
    /// supply does not even cover P0.
    pub(super) fn current_of(&self, supply_w: f64, ohmic: f64) -> f64 {
        let [a, b, c] = [
            self.quadratic_ohm + ohmic,
            self.linear_v,
            (supply_w - self.constant_w).max(0.0),
        ];
        2.0 * c / (b + (b * b + 4.0 * a * c).sqrt())
    }

    /// Losses in W at a current of this squared magnitude.
    pub(super) fn at_squared(&self, current_squared: f64) -> f64 {
        self.constant_w
            + self.linear_v * current_squared.sqrt()
            + self.quadratic_ohm * current_squared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_supply_is_used_up_by_its_current() {
        let curve = LossParameters::TWO_LEVEL.curve(50e3, 125.0);
        for supply_w in [201.0, 4500.0, 30e3] {
            let current_a = curve.current_of(supply_w, 5.0);
            let squared = current_a * current_a;
            let used_w = 5.0 * squared + curve.at_squared(squared);
            assert!((used_w - supply_w).abs() < 1e-9 * supply_w);
        }
        assert!(curve.current_of(100.0, 5.0).abs() < 1e-12);
    }

    #[test]
    fn rated_current_gives_the_rated_fraction() {
        let curve = LossParameters::TWO_LEVEL.curve(100e3, 204.124);
        assert!((curve.at_squared(204.124 * 204.124) - 1800.0).abs() < 1e-9);
        assert!((curve.at_squared(0.0) - 400.0).abs() < 1e-9);
        // Half the current: 400 + 450 + 125.
        assert!((curve.at_squared(102.062 * 102.062) - 975.0).abs() < 1e-9);
        assert!((LossParameters::THREE_LEVEL.rated_fraction() - 0.8 * 0.018).abs() < 1e-12);
    }
}
