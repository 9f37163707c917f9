//! How strong the noise of a residual really is, over its nominal noise, and how heavy its tails are.

use serde::{Deserialize, Serialize};

use crate::detect::statistics::square;

/// The mean fourth power of standard normal numbers.
const FOURTH_NORMAL: f64 = 3.0;
/// Tails count as heavy from this mean fourth power on. Fourth powers of normal numbers have a variance of 96,
/// so their mean with [`FOURTH_GAIN`] has a standard deviation of 0.5: this is one of them above
/// [`FOURTH_NORMAL`].
const FOURTH_HEAVY: f64 = 3.5;
/// Share of a new fourth power in the mean, which so covers the last 200 samples: fourth powers scatter much.
const FOURTH_GAIN: f64 = 0.005;
/// A fourth power counts as at most so much above the mean, so that one far value, which may be the beginning
/// of a disturbance, raises the mean by no more than 1.5.
const FOURTH_ABOVE: f64 = 300.0;
/// A score counts as at most 3 standard deviations, here as a square (Huber 1964): a large one may be the
/// beginning of a disturbance.
const CUT2: f64 = 9.0;
/// The usual variance learns so much slower than the present one.
const USUAL_PACE: f64 = 0.2;
/// The present variance over the usual one at most. What disturbances leave behind must not blind the track
/// to the next one.
const ABOVE_USUAL: f64 = 2.0;

/// The strength of the noise, learnt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct NoiseScale {
    /// Variance of the residual over its nominal one. No unit; 1 where the noise is as strong as the
    /// nameplates say.
    variance: f64,
    /// The same in the long run, which bounds [`Self::variance`].
    usual_variance: f64,
    /// Mean fourth power of the scores. Standard deviations to the fourth.
    fourth: f64,
}

impl NoiseScale {
    /// As the nameplates say, and normal.
    pub(super) fn new() -> Self {
        Self {
            variance: 1.0,
            usual_variance: 1.0,
            fourth: FOURTH_NORMAL,
        }
    }

    /// Variance of the residual over its nominal one.
    pub(super) fn variance(&self) -> f64 {
        self.variance
    }

    /// Standard deviation of the residual over its nominal one, at least `floor`.
    pub(super) fn factor(&self, floor: f64) -> f64 {
        self.variance.sqrt().max(floor)
    }

    /// How much heavier the tails are than normal ones, as a factor on limits.
    pub(super) fn tail(&self) -> f64 {
        (self.fourth / FOURTH_HEAVY).max(1.0).sqrt().sqrt()
    }

    /// Takes a score. `gain` is its share in the variance, `pace` how much slower than usual to learn.
    pub(super) fn learn(&mut self, z: f64, floor: f64, gain: f64, pace: f64) {
        let nominal = z * self.factor(floor);
        let cut = CUT2 * self.variance.max(square(floor));
        self.variance += gain * (square(nominal).min(cut) - self.variance);
        self.usual_variance += USUAL_PACE * gain * (self.variance - self.usual_variance);
        self.variance = self.variance.min(ABOVE_USUAL * self.usual_variance);
        self.fourth += FOURTH_GAIN * pace * (square(square(z)) - self.fourth).min(FOURTH_ABOVE);
    }
}
