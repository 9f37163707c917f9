//! What a track has learnt of its residual, and the limits that follow from it.
//!
//! Values that no source is given for are kept by the labelled streams of `tests/detect`: with them the sensor
//! faults there are found, and two hours without any raise at most two alerts.

use serde::{Deserialize, Serialize};

use super::{
    cusum::Cusum,
    energy::Energy,
    level::LevelState,
    likeness::Likeness,
    sample::Input,
    scale::NoiseScale,
    spec::{Level, Spec},
};
use crate::detect::statistics::square;

/// What the nameplates say of the noise counts for so many samples.
const PRIOR: f64 = 20.0;
/// The same where the level wanders. Fewer, because the wandering itself adds to what is seen.
const PRIOR_WANDERING: f64 = 5.0;
/// Samples are counted up to this: no limit depends on more.
const SEEN_MOST: f64 = 1e4;
/// Least share of a new square in the variance, which so covers at least the last 100 samples.
const GAIN_LEAST: f64 = 0.01;
/// A score counts as at most 3 standard deviations (Huber 1964): normal noise exceeds them once in 370
/// samples.
const CUT: f64 = 3.0;
/// A track that is restless or has just been disturbed learns so much slower: what it sees may be the
/// beginning of a disturbance, or the rest of one.
const SLOW_PACE: f64 = 0.1;
/// After a disturbance a track learns slowly for so many samples.
const SETTLING: u32 = 60;
/// Share of a new score in the trend, which so covers the last 8 samples.
const TREND_GAIN: f64 = 0.12;
/// A score counts as at most so many standard deviations in the trend: one spike is no trend.
const TREND_CUT: f64 = 6.0;
/// Least share of a new score in the offset, which so covers the last 400 samples: a drift that is slow, but
/// no slower than those of a sensor, is not learnt as an offset.
const OFFSET_GAIN: f64 = 0.0025;
/// That share at first, over the number of samples seen and their prior: half that of a plain mean.
const OFFSET_GAIN_FIRST: f64 = 0.5;
/// Scores against a relation have a variance of at most this: more is a relation that does not hold.
const RELATION_VARIANCE_MOST: f64 = 4.0;
/// Share of a score against the past that counts as evidence for a drift. Such scores resemble their
/// neighbours where the walk of the level is not quite known.
const PAST_CERTAINTY: f64 = 0.85;
/// A sum that makes a drift. Standard deviations. Independent normal noise reaches it once in some 3e11
/// samples (Siegmund 1985); real noise resembles its neighbours.
const CUSUM: f64 = 17.0;
/// The limit of the sums is higher by this over the number of samples seen and their prior: 1.4 times as
/// high at first, when the strength of the noise is hardly known.
const YOUNG_CUSUM: f64 = 8.0;
/// The same of the limit of the mean squares, which depends on the strength of the noise squared: 1.75 times
/// as high at first.
const YOUNG_ENERGY: f64 = 15.0;
/// The same of the limit of a jump, over the number of samples seen and 1: a quarter higher at first.
const YOUNG_JUMP: f64 = 0.25;
/// Share of a score against a relation that counts as noise where the past says the opposite: what nature
/// moves shows against the past alone.
const DISAGREED: f64 = 0.5;

/// What a track has learnt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Learnt {
    /// Samples learnt from, at most [`SEEN_MOST`].
    pub(super) seen: f64,
    /// Samples for which the track still learns slowly after a disturbance.
    settling: u32,
    /// The level, or the offset of an exact residual.
    pub(super) level: LevelState,
    /// The strength of the noise over the nominal one.
    pub(super) scale: NoiseScale,
    /// Variance of the scores against the relation alone. Squared nominal standard deviations.
    relation_variance: f64,
    /// How much neighbours resemble each other.
    likeness: Likeness,
    /// The evidence for a drift.
    pub(super) cusum: Cusum,
    /// Present mean of the scores against the relation. Nominal standard deviations.
    pub(super) trend: f64,
    /// The evidence for noise.
    pub(super) energy: Energy,
}

impl Learnt {
    /// What is known before the first sample.
    pub(super) fn new() -> Self {
        Self {
            seen: 0.0,
            settling: 0,
            level: LevelState::default(),
            scale: NoiseScale::new(),
            relation_variance: 1.0,
            likeness: Likeness::default(),
            cusum: Cusum::default(),
            trend: 0.0,
            energy: Energy::new(),
        }
    }

    /// Standard deviations by which a value is off that has not been taken yet.
    pub(super) fn score(&self, spec: &Spec, input: &Input) -> f64 {
        let level = match spec.level {
            Level::Wanders { .. } if self.seen == 0.0 => return 0.0,
            Level::Wanders { .. } => self.level.present,
            Level::Past { .. } => 0.0,
            Level::Exact { .. } if input.steady.is_some() => 0.0,
            Level::Exact { .. } => self.level.present * input.std,
        };
        // The level itself rests on few samples at first.
        let unsure = match spec.level {
            Level::Wanders { .. } => 1.0 / self.seen.max(1.0),
            Level::Exact { .. } | Level::Past { .. } => 0.0,
        };
        let noise2 = (1.0 + unsure) * square(input.std * self.scale.factor(spec.floor));
        (input.residual - level) / (noise2 + square(input.coarse)).sqrt()
    }

    /// Standard deviations against the relation alone; `z` is the score against all that is known.
    pub(super) fn relation_score(&self, spec: &Spec, input: &Input, z: f64) -> f64 {
        match input.steady {
            Some(steady) => {
                (steady - self.level.present) / self.relation_variance.sqrt().max(spec.floor)
            }
            None => z,
        }
    }

    /// Takes a value with the score `z` for one that is undisturbed.
    pub(super) fn learn(&mut self, spec: &Spec, input: &Input, z: f64) {
        let bounded = z.clamp(-CUT, CUT);
        let pace = if self.energy.is_restless() || self.settling > 0 {
            SLOW_PACE
        } else {
            1.0
        };
        self.settling = self.settling.saturating_sub(1);
        self.seen = (self.seen + 1.0).min(SEEN_MOST);
        let prior = if spec.level.wanders() {
            PRIOR_WANDERING
        } else {
            PRIOR
        };
        let gain = pace * (1.0 / (self.seen + prior)).max(GAIN_LEAST);
        self.scale.learn(z, spec.floor, gain, pace);
        self.energy
            .learn(agreed(self.relation_score(spec, input, z), z));
        match spec.level {
            Level::Exact { offset } => self.learn_offset(spec, input, z, offset, gain),
            Level::Past { .. } => self.learn_offset(spec, input, z, 0.0, gain),
            Level::Wanders { spread, drift, .. } => {
                let before = self.likeness.learn(bounded, pace);
                self.level.adapt_gain(bounded, before, pace);
                let variance = self.scale.variance();
                self.level.follow(input, self.seen, variance, spread, drift);
            }
        }
    }

    /// Takes the score against the relation alone for its offset, its noise and the evidence of a drift.
    fn learn_offset(&mut self, spec: &Spec, input: &Input, z: f64, bound: f64, gain: f64) {
        let score = self.relation_score(spec, input, z);
        if !score.is_finite() {
            return;
        }
        let nominal = input.steady.unwrap_or(z);
        let bounded = score.clamp(-CUT, CUT);
        self.trend += TREND_GAIN * (nominal.clamp(-TREND_CUT, TREND_CUT) - self.trend);
        if input.steady.is_some() {
            let nominal = bounded * self.relation_variance.sqrt().max(spec.floor);
            self.relation_variance += gain * (square(nominal) - self.relation_variance);
            self.relation_variance = self.relation_variance.min(RELATION_VARIANCE_MOST);
        }
        self.likeness.learn(bounded, 1.0);
        let share = OFFSET_GAIN.max(OFFSET_GAIN_FIRST / (self.seen + PRIOR));
        self.level.shift_offset(share * bounded, bound);
        let certainty = match spec.level {
            Level::Past { .. } => PAST_CERTAINTY,
            _ => 1.0,
        };
        self.cusum.add(certainty * bounded);
    }

    /// The score from which on a value is a jump: higher where the tails are heavy or few samples were seen.
    pub(super) fn jump_limit(&self, spec: &Spec) -> f64 {
        spec.jump * self.scale.tail() * (1.0 + YOUNG_JUMP / (self.seen + 1.0))
    }

    /// Whether the sums are enough evidence for a drift.
    pub(super) fn drifts(&self) -> bool {
        let sum = self.cusum.sum();
        // The limit is never below its least value: most sums need no more than that.
        sum > CUSUM && sum > self.drift_limit()
    }

    /// How much evidence for a drift there is, 1 being enough.
    pub(super) fn drift_evidence(&self) -> f64 {
        self.cusum.sum() / self.drift_limit()
    }

    fn drift_limit(&self) -> f64 {
        CUSUM * (1.0 + YOUNG_CUSUM / (self.seen + PRIOR)) * self.likeness.persistence()
    }

    /// The share of an offset that the trend has come to show after so many samples.
    pub(super) fn trend_share(samples: u32) -> f64 {
        1.0 - powi(1.0 - TREND_GAIN, samples)
    }

    /// How much evidence for more noise than usual there is, 1 being enough.
    pub(super) fn noise_evidence(&self) -> f64 {
        let tail = self.scale.tail();
        let young = 1.0 + YOUNG_ENERGY / (self.seen + PRIOR);
        self.energy.evidence() / (tail * tail * young * self.likeness.persistence())
    }

    /// Drops the evidence for a disturbance that something else explains.
    pub(super) fn forget_evidence(&mut self) {
        self.cusum.clear();
        self.trend = 0.0;
        self.energy = Energy::new();
    }

    /// A disturbance is over.
    pub(super) fn settle(&mut self) {
        self.cusum.clear();
        self.level.forget_apart();
        self.energy = Energy::new();
        self.settling = SETTLING;
    }
}

/// What a relation and the past show alike.
fn agreed(relation: f64, z: f64) -> f64 {
    if !relation.is_finite() {
        z
    } else if relation * z > 0.0 {
        (relation * z).sqrt()
    } else {
        DISAGREED * relation
    }
}

/// After so many samples a mean has come to show an offset in full, to within 3e-6.
const POWER_MOST: u32 = 100;

fn powi(base: f64, exponent: u32) -> f64 {
    (0..exponent.min(POWER_MOST)).fold(1.0, |power, _| power * base)
}
