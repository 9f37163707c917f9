//! What a track thinks is going on: nothing, perhaps something, or a disturbance.

use serde::{Deserialize, Serialize};

use crate::detect::shape::SPAN;

/// Share of a new score in the mean of an alarm, which so covers the last 5 samples.
const MEAN_GAIN: f64 = 0.2;
/// A score counts as at most so many standard deviations in that mean, so that the end of a strong
/// disturbance is seen as soon as that of a weak one.
const MEAN_CUT: f64 = 6.0;
/// The mean when an alarm begins: an alarm does not end before some samples were calm.
const MEAN_BEGIN: f64 = 3.0;
/// Above this mean the level is still off. Normal noise has a mean of standard deviation 0.33 here.
const MEAN_OVER: f64 = 1.2;
/// A score beyond this is not calm. Normal noise exceeds it once in 2000 samples.
const SCORE_OVER: f64 = 3.5;
/// So many calm samples in a row end an alarm.
const QUIET: u32 = 5;

/// What a track thinks is going on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Phase {
    /// Nothing.
    Calm,
    /// Something may have begun; the next samples tell what.
    Suspicious(Suspicion),
    /// A disturbance that was reported.
    Alarming(Alarm),
}

/// The samples since something may have begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Suspicion {
    /// Their scores, the first ones first; zero where no sample has come yet.
    scores: [f64; SPAN + 1],
    /// How many have come.
    pub(super) count: u32,
    /// Evidence of more noise than usual with which it began; 0 if it began with a jump.
    pub(super) noise: f64,
}

impl Suspicion {
    /// Begins with these scores.
    pub(super) fn new(first: &[f64], noise: f64) -> Self {
        let mut suspicion = Self {
            scores: [0.0; SPAN + 1],
            count: 0,
            noise,
        };
        for &z in first {
            suspicion.add(z);
        }
        suspicion
    }

    /// Adds a score. Where there is no room, it is counted only.
    pub(super) fn add(&mut self, z: f64) {
        if let Some(score) = self.scores.get_mut(self.count as usize) {
            *score = z;
        }
        self.count += 1;
    }

    /// The scores that have come.
    pub(super) fn scores(&self) -> &[f64] {
        &self.scores[..(self.count as usize).min(SPAN + 1)]
    }

    /// Whether all samples have come that there is room for.
    pub(super) fn is_full(&self) -> bool {
        self.count as usize > SPAN
    }
}

/// A disturbance that was reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Alarm {
    /// Samples since it was reported.
    pub(super) age: u32,
    /// Calm samples in a row.
    quiet: u32,
    /// Whether it is noise, which is over only when the noise is usual again.
    noisy: bool,
    /// Present mean of the scores. Standard deviations.
    mean: f64,
}

impl Alarm {
    /// One that has just been reported.
    pub(super) fn new(noisy: bool) -> Self {
        Self {
            age: 0,
            quiet: 0,
            noisy,
            mean: MEAN_BEGIN,
        }
    }

    /// Takes a score, and whether the noise is usual again; true when the disturbance is over.
    pub(super) fn ends(&mut self, z: f64, usual_noise: bool) -> bool {
        self.mean += MEAN_GAIN * (z.clamp(-MEAN_CUT, MEAN_CUT) - self.mean);
        let calm =
            z.abs() < SCORE_OVER && self.mean.abs() < MEAN_OVER && (!self.noisy || usual_noise);
        self.quiet = if calm { self.quiet + 1 } else { 0 };
        self.quiet >= QUIET
    }
}
