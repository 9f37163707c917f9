//! How much neighbouring scores resemble each other.
//!
//! Sums of scores that resemble their neighbours scatter more than those of independent ones, and a level
//! that is followed too slowly leaves scores that resemble their neighbours.

use serde::{Deserialize, Serialize};

/// Share of a new score in the mean, which so covers the last 10 samples: a level that is off is not likeness.
const CENTRE_GAIN: f64 = 0.1;
/// Share of a new product of neighbours in the mean product, which so covers the last 200 samples.
const PRODUCT_GAIN: f64 = 0.005;
/// The most that the mean product counts as: at 1 sums would have no bounds.
const PRODUCT_MOST: f64 = 0.9;
/// A mean product up to this is chance. With [`PRODUCT_GAIN`] that of independent scores has a standard
/// deviation of 0.05: this is two of them.
const CHANCE: f64 = 0.1;

/// First-order autocorrelation of the scores, learnt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Likeness {
    /// Present mean of the scores. Standard deviations.
    centre: f64,
    /// The last score less the mean. Standard deviations.
    last: f64,
    /// Mean product of neighbours, each less the mean. Squared standard deviations: 0 for independent
    /// scores, 1 for equal ones.
    product: f64,
}

impl Likeness {
    /// Takes a score; `pace` tells how much slower than usual to learn. Returns the score before, less the
    /// mean.
    pub(super) fn learn(&mut self, z: f64, pace: f64) -> f64 {
        self.centre += CENTRE_GAIN * (z - self.centre);
        let off = z - self.centre;
        let before = std::mem::replace(&mut self.last, off);
        self.product += PRODUCT_GAIN * pace * (off * before - self.product);
        before
    }

    /// The variance of a sum of scores over that of independent ones: (1 + r) / (1 - r) with a first-order
    /// autocorrelation r.
    pub(super) fn persistence(&self) -> f64 {
        let r = (self.product.clamp(0.0, PRODUCT_MOST) - CHANCE).max(0.0);
        (1.0 + r) / (1.0 - r)
    }
}
