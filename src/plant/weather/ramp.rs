//! A factor that moves to its target at a constant pace: a cloud's edge that sweeps over an array, or a
//! gust that builds up.

use serde::{Deserialize, Serialize};

/// The present value of a factor and where it is going. Exactly its target once it has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ramp {
    value: f64,
    target: f64,
    per_second: f64,
}

impl Ramp {
    /// A factor that rests at `value`.
    #[must_use]
    pub fn at(value: f64) -> Self {
        Self {
            value,
            target: value,
            per_second: 0.0,
        }
    }

    /// The present value.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Moves one second on towards `target`, which it reaches `duration_s` after that was first asked for.
    pub fn step(&mut self, target: f64, duration_s: f64) -> f64 {
        if target.to_bits() != self.target.to_bits() {
            self.target = target;
            self.per_second = (target - self.value) / duration_s.max(1.0);
        }
        let moved = self.value + self.per_second;
        // An exact end: a factor of 1 must leave everything as it was, to the last bit.
        if (target - moved) * self.per_second > 1e-12 {
            self.value = moved;
        } else {
            *self = Self::at(target);
        }
        self.value
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "a factor at rest is exact")]
mod tests {
    use super::*;

    #[test]
    fn it_arrives_in_time_and_exactly() {
        let mut ramp = Ramp::at(1.0);
        for second in 1..=20 {
            let value = ramp.step(0.2, 20.0);
            assert!((value - (1.0 - 0.04 * f64::from(second))).abs() < 1e-9);
        }
        assert_eq!(ramp.value(), 0.2);
        for _ in 0..7 {
            ramp.step(1.0, 7.0);
        }
        assert_eq!(ramp.value(), 1.0);
    }

    #[test]
    fn it_rests_where_it_is() {
        let mut ramp = Ramp::at(1.0);
        assert_eq!(ramp.step(1.0, 20.0), 1.0);
        assert_eq!(ramp, Ramp::at(1.0));
    }
}
