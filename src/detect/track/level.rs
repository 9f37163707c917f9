//! Where the level of a residual is now, and where it is in the long run.

use serde::{Deserialize, Serialize};

use super::sample::Input;
use crate::detect::statistics::square;

/// Share of the likeness of two neighbours by which the gain changes with each sample. Small, because the
/// product of two scores of noise alone has a standard deviation of 1: in 100 samples it changes the gain
/// by 0.1.
const GAIN_STEP: f64 = 0.01;
/// The least gain: the level covers at most the last 5 samples, so that it follows what begins to move.
const GAIN_LEAST: f64 = 0.2;
/// The largest gain. At 1 the level would be the last sample and each score a plain difference.
const GAIN_MOST: f64 = 0.95;
/// The long-term level covers so many samples.
const LONG_SAMPLES: f64 = 400.0;
/// While it has seen fewer, its gain is so many times that of a plain mean: the first samples are forgotten.
const LONG_GAIN_FIRST: f64 = 2.0;
/// The distance of the two levels counts as at most so many of its standard deviations in the long-term
/// level: a drift must not pull the long-term level along.
const APART_MOST: f64 = 2.0;
/// The same in the spread, as a square.
const APART_MOST2: f64 = 4.0;
/// Share of a new squared distance in the spread, which so covers the last 330 samples, about as many as the
/// long-term level.
const SPREAD_GAIN: f64 = 0.003;
/// The limit of a drift is higher by this over the number of samples seen: twice as high after 60 samples,
/// when the spread has hardly been seen.
const YOUNG_SAMPLES: f64 = 60.0;
/// After an alarm has outlasted its patience, the share of the gain with which the level follows grows to 1
/// within so many samples: the end of a long offset still shows.
const RETURN_SAMPLES: f64 = 60.0;
/// That share at first.
const RETURN_LEAST: f64 = 0.15;

/// The level of a residual. That of one that wanders is in the unit of the residual, that of an exact one is
/// the offset in nominal standard deviations.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct LevelState {
    /// The level now. Unit as above.
    pub(super) present: f64,
    /// The level in the long run. In the unit of the residual; unused where the residual is exact.
    pub(super) long_term: f64,
    /// Mean square distance of the two. In the squared unit of the residual.
    spread2: f64,
    /// Share of a new value in the present level. No unit.
    gain: f64,
    /// Samples in a row at which the two were too far apart.
    apart: u32,
}

impl LevelState {
    /// The first value of a residual that wanders.
    pub(super) fn begin(&mut self, residual: f64, gain: f64, spread: f64) {
        self.present = residual;
        self.long_term = residual;
        self.gain = gain;
        self.spread2 = square(spread);
    }

    /// How far the present level is from the long-term one.
    pub(super) fn distance(&self) -> f64 {
        self.present - self.long_term
    }

    /// Samples in a row at which the two were too far apart.
    pub(super) fn samples_apart(&self) -> u32 {
        self.apart
    }

    /// Forgets at how many samples the two were too far apart.
    pub(super) fn forget_apart(&mut self) {
        self.apart = 0;
    }

    /// Moves an offset by `step`, within `bound` of zero.
    pub(super) fn shift_offset(&mut self, step: f64, bound: f64) {
        self.present = (self.present + step).clamp(-bound, bound);
    }

    /// Lets a level follow faster whose scores `z` resemble the ones `before`: it is too slow.
    pub(super) fn adapt_gain(&mut self, z: f64, before: f64, pace: f64) {
        self.gain = (self.gain + GAIN_STEP * pace * z * before).clamp(GAIN_LEAST, GAIN_MOST);
    }

    /// Takes a value of a residual that wanders, the `seen`th. `variance` is that of the noise over the
    /// nominal one, `spread` and `drift` are those of the [`Level`](super::spec::Level).
    pub(super) fn follow(
        &mut self,
        input: &Input,
        seen: f64,
        variance: f64,
        spread: f64,
        drift: f64,
    ) {
        self.present += self.gain.max(1.0 / seen) * (input.residual - self.present);
        let distance = self.distance();
        // The variance of a moving average of noise.
        let noise2 = self.gain / (2.0 - self.gain) * square(input.std) * variance;
        let width2 = self.spread2.max(square(spread)) + noise2;
        let width = width2.sqrt();
        let gain = (LONG_GAIN_FIRST / seen).clamp(1.0 / LONG_SAMPLES, 1.0);
        self.long_term += gain * distance.clamp(-APART_MOST * width, APART_MOST * width);
        self.spread2 += SPREAD_GAIN * (square(distance).min(APART_MOST2 * width2) - self.spread2);
        let limit = drift * (1.0 + YOUNG_SAMPLES / seen);
        self.apart = if distance.abs() > limit * (width2 + square(input.doubt)).sqrt() {
            self.apart + 1
        } else {
            0
        };
    }

    /// Follows a value of an alarm that has outlasted its patience by `overdue` samples.
    pub(super) fn give_in(&mut self, residual: f64, gain: f64, overdue: u32) {
        let share = (f64::from(overdue) / RETURN_SAMPLES).clamp(RETURN_LEAST, 1.0);
        self.present += share * gain * (residual - self.present);
        self.long_term += share * gain * (residual - self.long_term);
    }
}
