//! Two-sided cumulative sum (Page 1954): the evidence for a drift.

use serde::{Deserialize, Serialize};

/// Standard deviations that a score may be off without adding to the sums. A sum finds offsets of twice its
/// slack soonest, here of 1.5 standard deviations.
const SLACK: f64 = 0.75;

/// Sums of what scores are off, upwards and downwards.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Cusum {
    /// What scores were above the slack. Standard deviations, 0 or more.
    up: f64,
    /// What scores were below the slack. Standard deviations, 0 or more.
    down: f64,
    /// Samples since [`Self::up`] left zero.
    up_age: u32,
    /// Samples since [`Self::down`] left zero.
    down_age: u32,
}

impl Cusum {
    /// The larger sum.
    pub(super) fn sum(&self) -> f64 {
        self.up.max(self.down)
    }

    /// Samples since the larger sum left zero.
    pub(super) fn age(&self) -> u32 {
        if self.up > self.down {
            self.up_age
        } else {
            self.down_age
        }
    }

    /// Takes a score.
    pub(super) fn add(&mut self, z: f64) {
        for (sum, age, z) in [
            (&mut self.up, &mut self.up_age, z),
            (&mut self.down, &mut self.down_age, -z),
        ] {
            *sum = (*sum + z - SLACK).max(0.0);
            *age = if *sum > 0.0 { *age + 1 } else { 0 };
        }
    }

    /// Drops the sums. The ages stay until the next score.
    pub(super) fn clear(&mut self) {
        self.up = 0.0;
        self.down = 0.0;
    }
}
