//! What the past of a reading says of the next one, whose level wanders.
//!
//! The level is a random walk seen through noise of known strength (Kalman 1960, one state). How far it
//! walks between samples is learnt from how much neighbours differ beyond their noise. Together with what a
//! relation to other readings says, it tells how far a reading is off.

use serde::{Deserialize, Serialize};

use super::statistics::square;

/// Samples that the first guess of the wandering counts for.
const PRIOR: f64 = 4.0;
/// The first guess: standard deviations of the noise that a level walks between samples.
const FIRST_GUESS: f64 = 1.5;
/// Least share of a new difference in the learnt one, which so covers the last 33 samples.
const GAIN: f64 = 0.03;
/// Least share of a new difference in the present one, which so covers the last 7 samples.
const GAIN_NOW: f64 = 0.15;
/// Least share of a new product of differences in its mean, which so covers the last 125 samples: products
/// scatter more than differences.
const GAIN_CROSS: f64 = 0.008;
/// Samples that the first guess of the mean product counts for.
const PRIOR_CROSS: f64 = 30.0;
/// A product counts as at most so many variances of the noise in its mean: differences of noise alone have
/// a variance of two, and a jump is not noise.
const CROSS_CUT: f64 = 4.0;
/// A squared difference counts as at most so many times the learnt one, that is 4 of its standard deviations:
/// a jump is not the usual walk.
const MOVE_CUT: f64 = 16.0;
/// A difference is sudden where it exceeds so many standard deviations of one that noise alone makes: noise
/// does that once in 22 samples.
const SUDDEN: f64 = 2.0;
/// Readings are counted up to this: no gain depends on more.
const SEEN_MOST: f64 = 1e4;
/// By which factor noise is granted more than the mean product shows, which scatters.
const UNSURE: f64 = 1.2;
/// The present difference counts where it is beyond the learnt one by this factor: few samples scatter.
const SCATTER: f64 = 2.5;
/// A level never stands quite still: variance between samples over that of the noise.
const LEAST_WANDER: f64 = 0.02;
/// Steps of nature are not normal: the variance they are granted over that learnt.
const CAUTION: f64 = 3.0;
/// Share of a sudden move that the next sample may repeat, as when a gust builds up.
const MOMENTUM: f64 = 0.7;
/// Share of it that is left with each further sample.
const FADING: f64 = 0.6;
/// Standard deviations by which past and relation may differ before the past is left out. Normal errors
/// do so once in 370 samples.
const CONTRADICTION: f64 = 3.0;
/// Standard deviations by which a reading must leave its past to have moved, where its relation says that it
/// is right. Normal noise does so once in 2000 samples.
const MOVE: f64 = 3.5;
/// Least variance of a relation over that of the reading's noise: no relation is known exactly, and the weight
/// of one that is would have no bounds.
const RELATION_LEAST: f64 = 1e-3;

/// The past of one reading.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Past {
    /// What the next reading is expected to be. In the unit of the reading, as are all that follow.
    level: f64,
    /// Variance of the level; absent where nothing is known of it.
    doubt2: Option<f64>,
    /// The reading before; absent where it was not trusted.
    last: Option<f64>,
    /// Mean square difference between neighbours in the long run.
    move2: f64,
    /// The same over the last few samples.
    move_now2: f64,
    /// Mean product of neighbouring differences: noise alone makes it minus its variance.
    cross: f64,
    /// The last difference between neighbours, if there were two.
    step: Option<f64>,
    /// What is left of a sudden move.
    surge: f64,
    /// Readings learnt from, at most [`SEEN_MOST`]. No unit.
    seen: f64,
}

/// How far a reading seems to be off, and the variance of that beyond the reading's own noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimate {
    /// In the unit of the reading.
    pub(super) error: f64,
    /// In its squared unit.
    pub(super) variance: f64,
}

/// What relation and past say together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Verdict {
    /// How far the reading seems to be off, in its unit.
    pub(super) error: f64,
    /// Standard deviation of that.
    pub(super) std: f64,
    /// The reading has moved, and the relation says that it is right.
    pub(super) natural: bool,
}

impl Past {
    /// How far a reading with this variance of noise is from what the past lets expect.
    pub(super) fn judge(&self, value: f64, noise2: f64) -> Option<Estimate> {
        let doubt2 = self.doubt2?;
        value.is_finite().then(|| Estimate {
            error: value - self.level,
            variance: doubt2 + self.cautious2(noise2) + square(MOMENTUM * self.surge),
        })
    }

    /// Standard deviations by which a reading has moved.
    pub(super) fn moved(&self, value: f64, noise2: f64) -> f64 {
        self.judge(value, noise2).map_or(0.0, |estimate| {
            estimate.error.abs() / (estimate.variance + noise2).sqrt()
        })
    }

    /// Takes a reading that is trusted; `natural` if it has moved for good.
    pub(super) fn take(&mut self, value: f64, noise2: f64, natural: bool) {
        if !value.is_finite() {
            self.hold(noise2);
            return;
        }
        self.learn_move(value, noise2);
        let wander2 = self.wander2(noise2);
        match self.doubt2 {
            Some(doubt2) if !natural => {
                let before2 = doubt2 + wander2;
                let gain = before2 / (before2 + noise2);
                self.level += gain * (value - self.level);
                self.doubt2 = Some((1.0 - gain) * before2);
            }
            _ => {
                self.level = value;
                self.doubt2 = Some(noise2);
            }
        }
        self.last = Some(value);
    }

    /// Lets a sample pass without a reading that is trusted.
    pub(super) fn hold(&mut self, noise2: f64) {
        let wander2 = self.wander2(noise2);
        self.doubt2 = self.doubt2.map(|doubt2| doubt2 + wander2);
        self.last = None;
        self.surge *= FADING;
    }

    /// Gives the level up: it is not what it was.
    pub(super) fn forget(&mut self) {
        self.doubt2 = None;
        self.last = None;
    }

    fn learn_move(&mut self, value: f64, noise2: f64) {
        if self.seen == 0.0 {
            self.move2 = (2.0 + square(FIRST_GUESS)) * noise2;
            self.move_now2 = self.move2;
            self.cross = -noise2;
        }
        self.seen = (self.seen + 1.0).min(SEEN_MOST);
        let Some(last) = self.last else {
            self.step = None;
            return;
        };
        let step = value - last;
        if let Some(before) = self.step.replace(step) {
            let bound = CROSS_CUT * noise2;
            let product = (step * before).clamp(-bound, bound);
            self.cross +=
                (1.0 / (self.seen + PRIOR_CROSS)).max(GAIN_CROSS) * (product - self.cross);
        }
        let gain = (1.0 / (self.seen + PRIOR)).max(GAIN);
        let cut = MOVE_CUT * self.move2.max(2.0 * noise2);
        self.move2 += gain * (square(step).min(cut) - self.move2);
        self.move_now2 += gain.max(GAIN_NOW) * (square(step).min(cut) - self.move_now2);
        let beyond = (step.abs() - SUDDEN * (2.0 * noise2).sqrt()).max(0.0);
        self.surge = beyond.max(FADING * self.surge);
    }

    fn cautious2(&self, noise2: f64) -> f64 {
        let least = LEAST_WANDER * noise2;
        least + CAUTION * (self.wander2(noise2) - least)
    }

    fn wander2(&self, noise2: f64) -> f64 {
        let least = LEAST_WANDER * noise2;
        // The noise may be weaker than it is thought to be.
        let noise2 = noise2.min((-self.cross).max(0.0) * UNSURE);
        (self.move2.max(self.move_now2 / SCATTER) - 2.0 * noise2).max(least)
    }
}

/// Weighs what a relation to other readings and what the past say of a reading with this variance of noise.
/// A sensor that fails contradicts both; nature moves a reading and what it is related to.
pub(super) fn weigh(
    relation: Option<Estimate>,
    past: Option<Estimate>,
    noise2: f64,
) -> Option<Verdict> {
    let alone = |estimate: Estimate, natural| Verdict {
        error: estimate.error,
        std: (estimate.variance + noise2).sqrt(),
        natural,
    };
    match (relation, past) {
        (Some(relation), Some(past)) => {
            let gap2 = square(relation.error - past.error) / (relation.variance + past.variance);
            let moved2 = square(past.error) / (past.variance + noise2);
            if gap2 > square(CONTRADICTION) && moved2 > square(MOVE) {
                // Both may call a reading off and differ in how far: of a large error a relation that is
                // linearised knows the size to a few percent only.
                let right = relation.error.abs() < (relation.error - past.error).abs();
                return Some(alone(relation, right));
            }
            let weight = 1.0 / relation.variance.max(RELATION_LEAST * noise2);
            let other = 1.0 / past.variance;
            Some(Verdict {
                error: (weight * relation.error + other * past.error) / (weight + other),
                std: (noise2 + 1.0 / (weight + other)).sqrt(),
                natural: false,
            })
        }
        (Some(estimate), None) | (None, Some(estimate)) => Some(alone(estimate, false)),
        (None, None) => None,
    }
}
