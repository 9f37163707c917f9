//! Mean squares of the scores: the evidence for more noise than usual.

use serde::{Deserialize, Serialize};

/// The mean square of scores when all is well.
const USUAL: f64 = 1.0;
/// Share of a new square in the short mean, which so covers the last 8 samples: a burst is seen soon.
const SHORT_GAIN: f64 = 0.12;
/// Share of a new square in the long mean, which so covers the last 20 samples: weaker noise is seen too.
const LONG_GAIN: f64 = 0.05;
/// A score counts as at most 5 standard deviations in the short mean, here as a square, so that one score
/// alone brings it no further than to 4.
const SHORT_CUT2: f64 = 25.0;
/// A score counts as at most 4 standard deviations in the long mean, here as a square, so that one score
/// alone brings it no further than to 1.8.
const LONG_CUT2: f64 = 16.0;
/// A short mean that is enough evidence for more noise: with [`SHORT_GAIN`] that of normal noise has a
/// standard deviation of 0.36 about [`USUAL`].
const SHORT_ENOUGH: f64 = 5.0;
/// A long mean that is enough evidence: with [`LONG_GAIN`] that of normal noise has a standard deviation of
/// 0.23 about [`USUAL`].
const LONG_ENOUGH: f64 = 3.0;
/// Above this long mean a disturbance may have begun, or may not be over: three standard deviations above
/// [`USUAL`].
const RESTLESS: f64 = 1.7;
/// Share of a new square in the short mean during an alarm, which so covers the last 4 samples: its end is
/// seen soon.
const ALARM_GAIN: f64 = 0.25;
/// A score counts as at most 4 standard deviations during an alarm, here as a square, so that the end of a
/// strong disturbance is seen as soon as that of a weak one.
const ALARM_CUT2: f64 = 16.0;
/// The short mean when an alarm begins, at least: an alarm does not end before noise has calmed down.
const ALARM_BEGIN: f64 = 4.0;
/// Below this short mean noise has calmed down.
const ALARM_OVER: f64 = 2.5;

/// Mean squares of the scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Energy {
    /// Over a few samples. Squared standard deviations.
    short: f64,
    /// Over more of them. Squared standard deviations.
    long: f64,
}

impl Energy {
    /// That of usual noise.
    pub(super) fn new() -> Self {
        Self {
            short: USUAL,
            long: USUAL,
        }
    }

    /// Takes a score.
    pub(super) fn learn(&mut self, z: f64) {
        self.short += SHORT_GAIN * ((z * z).min(SHORT_CUT2) - self.short);
        self.long += LONG_GAIN * ((z * z).min(LONG_CUT2) - self.long);
    }

    /// How much evidence for more noise there is, 1 being enough, if the noise is otherwise normal and well
    /// known.
    pub(super) fn evidence(&self) -> f64 {
        (self.short / SHORT_ENOUGH).max(self.long / LONG_ENOUGH)
    }

    /// Whether there is more noise than usual, though not enough to tell.
    pub(super) fn is_restless(&self) -> bool {
        self.long > RESTLESS
    }

    /// An alarm begins.
    pub(super) fn begin_alarm(&mut self) {
        self.short = self.short.max(ALARM_BEGIN);
    }

    /// Takes a score of an alarm; true once the noise is usual again.
    pub(super) fn calms_down(&mut self, z: f64) -> bool {
        self.short += ALARM_GAIN * ((z * z).min(ALARM_CUT2) - self.short);
        self.short < ALARM_OVER
    }
}
