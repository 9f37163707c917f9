//! One residual over time: is it still what it was?
//!
//! A residual is what is left of a measured value once everything known about it is taken away. Each
//! comes with the standard deviation that the nominal noise gives it. A [`Track`] begins with that, learns by
//! which factor the real noise differs (Huber 1964: large values count as moderate ones), and turns each value
//! into a score, the number of standard deviations by which it is off. In the scores it looks for
//!
//! - a jump: one score too large. The next samples tell a spike from a shift of level, a burst of noise and
//!   an oscillation;
//! - a drift: two-sided CUSUM (Page 1954) of an exact residual, or the distance between the present and
//!   the long-term level of one that wanders;
//! - noise: mean square over the last samples.
//!
//! While it alarms, and while a jump is not yet explained, it learns nothing. Work and memory per sample
//! are constant.

mod cusum;
mod energy;
mod learnt;
mod level;
mod likeness;
mod phase;
mod sample;
mod scale;
mod spec;

use serde::{Deserialize, Serialize};

use super::shape::{Shape, noisy_shape, shape_of};
use learnt::Learnt;
use phase::{Alarm, Phase, Suspicion};
pub(super) use sample::{Finding, Gate, Input, Signal};
pub(super) use spec::{Level, Spec};

/// Samples before more noise than usual can be told from a level that wanders.
const WANDERING: f64 = 30.0;
/// Alarming samples after which a track that wanders follows what it sees, if nothing else is known.
pub(super) const PATIENCE: u32 = 80;
/// Alarming samples after which an exact track starts anew: its relation does not hold. An hour of bus
/// samples, which come once a second.
const PATIENCE_EXACT: u32 = 3600;
/// A track that wanders starts anew after so many times its patience: by then its level has had the time to
/// follow.
const PATIENCES: u32 = 3;
/// Two scores in a row that both reach this share of a jump are one.
const PAIR: f64 = 0.72;
/// Scores beyond this are not learnt while something else explains them: normal noise exceeds it once in
/// 370 samples.
const UNLEARNT: f64 = 3.0;
/// So many samples in a row at which a level is too far from its long-term one make a drift: one or two may
/// be the rest of a jump of the plant.
const APART: u32 = 4;
/// How many samples before that the drift is said to have begun: the levels do not tell.
const APART_AGE: u32 = 20;
/// A score beyond the trend that an offset would have by now, by this factor, tells that it grows.
const GROWING: f64 = 1.5;
/// An offset that has been summed up over fewer samples was sudden.
const SUDDEN: u32 = 9;
/// From this share of the evidence for a drift on, a jump is taken for its beginning or its end.
const HALFWAY: f64 = 0.4;
/// Standard deviations from the long-term level from which a wandering one can return.
const RETURN: f64 = 4.0;
/// A level returns with a jump that leaves less than this share of the distance.
const RETURNED: f64 = 0.5;

/// The state of one residual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Track {
    /// Level, noise, and the evidence for a disturbance.
    learnt: Learnt,
    /// Whether something else explained the last sample.
    explained: bool,
    /// The score before; 0 where the gate was not open. Standard deviations.
    pair: f64,
    /// The last value in nominal standard deviations, if there was one to judge.
    latest: Option<f64>,
    /// What is going on.
    phase: Phase,
}

impl Track {
    /// A track that has seen nothing.
    pub(super) fn new() -> Self {
        Self {
            learnt: Learnt::new(),
            explained: false,
            pair: 0.0,
            latest: None,
            phase: Phase::Calm,
        }
    }

    /// Whether a disturbance is present or suspected.
    pub(super) fn is_disturbed(&self) -> bool {
        !matches!(self.phase, Phase::Calm)
    }

    /// Whether a disturbance is suspected and none was reported.
    pub(super) fn is_suspicious(&self) -> bool {
        matches!(self.phase, Phase::Suspicious(_))
    }

    /// Whether a disturbance was reported and is not over.
    pub(super) fn is_alarming(&self) -> bool {
        matches!(self.phase, Phase::Alarming(_))
    }

    /// The last value in nominal standard deviations, if there was one to judge.
    pub(super) fn latest(&self) -> Option<f64> {
        self.latest
    }

    /// Standard deviations by which a value is off that has not been taken yet.
    pub(super) fn score(&self, spec: &Spec, input: &Input) -> f64 {
        self.learnt.score(spec, input)
    }

    /// How far the present level is from the long-term one, in the unit of the residual.
    pub(super) fn distance(&self) -> f64 {
        self.learnt.level.distance()
    }

    /// How much evidence for a drift there is, 1 being enough.
    pub(super) fn drift_evidence(&self) -> f64 {
        self.learnt.drift_evidence()
    }

    /// How far off the residual has been on average of late, in nominal standard deviations.
    pub(super) fn trend(&self) -> f64 {
        self.learnt.trend
    }

    /// Drops the evidence for a disturbance that something else explains.
    pub(super) fn explain(&mut self) {
        self.learnt.forget_evidence();
        if self.is_suspicious() {
            self.phase = Phase::Calm;
        }
    }

    /// Takes the next value.
    pub(super) fn step(&mut self, spec: &Spec, input: &Input, gate: Gate) -> Option<Signal> {
        let Input { residual, std, .. } = *input;
        self.latest = None;
        if !residual.is_finite() || !std.is_finite() || std <= 0.0 {
            return None;
        }
        if let (Level::Wanders { gain, spread, .. }, true) = (spec.level, self.learnt.seen == 0.0) {
            self.learnt.level.begin(residual, gain, spread);
            self.learnt.seen = 1.0;
            return None;
        }
        let z = self.score(spec, input);
        let factor = self.learnt.scale.factor(spec.floor);
        let nominal = input.steady.unwrap_or(z * factor);
        self.latest = nominal.is_finite().then_some(nominal);
        match std::mem::replace(&mut self.phase, Phase::Calm) {
            Phase::Calm => self.calm(spec, input, z, gate),
            Phase::Suspicious(_) if gate == Gate::Moving => {
                self.learnt.level.present = residual;
                None
            }
            Phase::Suspicious(suspicion) => self.suspicious(spec, input, z, suspicion),
            Phase::Alarming(alarm) => self.alarming(spec, input, z, alarm),
        }
    }

    fn calm(&mut self, spec: &Spec, input: &Input, z: f64, gate: Gate) -> Option<Signal> {
        let open = gate == Gate::Open;
        let freed = std::mem::replace(&mut self.explained, gate == Gate::Explained);
        let wanders = spec.level.wanders();
        if wanders && (gate == Gate::Moving || (freed && open)) {
            self.learnt.level.present = input.residual;
            return None;
        }
        // Limits are never below those of the spec: most values need no more than that.
        if z.abs() > spec.jump && z.abs() > self.learnt.jump_limit(spec) {
            if open {
                self.phase = Phase::Suspicious(Suspicion::new(&[z], 0.0));
            }
            return None;
        }
        let before = std::mem::replace(&mut self.pair, if open { z } else { 0.0 });
        if !wanders && self.is_pair(spec, before, z) {
            self.phase = Phase::Suspicious(Suspicion::new(&[before, z], 0.0));
            return None;
        }
        if !open && z.abs() > UNLEARNT {
            return None;
        }
        self.learnt.learn(spec, input, z);
        if !open {
            return None;
        }
        if let Some(drift) = self.drift(spec, input, z) {
            return Some(self.raise(drift));
        }
        if let Some(evidence) = self.noise(spec, input) {
            // A look at the next samples, without this one in the relations, tells what it is.
            self.phase = Phase::Suspicious(Suspicion::new(&[z], evidence));
        }
        None
    }

    /// Whether two scores in a row that are nearly jumps are one.
    fn is_pair(&self, spec: &Spec, before: f64, z: f64) -> bool {
        let both = z.abs().min(before.abs());
        z * before > 0.0 && both > PAIR * spec.jump && both > PAIR * self.learnt.jump_limit(spec)
    }

    /// A drift, or an offset too small for a jump, if there is enough evidence.
    fn drift(&mut self, spec: &Spec, input: &Input, z: f64) -> Option<Finding> {
        if self.learnt.drifts() {
            let age = self.learnt.cusum.age();
            // The mean of an offset would have come so far by now.
            let score = self.learnt.relation_score(spec, input, z).abs();
            let share = Learnt::trend_share(age);
            let grows = score * share > GROWING * self.learnt.trend.abs();
            let shape = if age < SUDDEN && !grows {
                Shape::Shift
            } else {
                Shape::Drift
            };
            Some(Finding {
                shape,
                age,
                strength: self.learnt.drift_evidence(),
            })
        } else if self.learnt.level.samples_apart() >= APART {
            // From now on the long-term level is what to return to.
            self.learnt.level.present = self.learnt.level.long_term;
            Some(Finding {
                shape: Shape::Drift,
                age: APART_AGE,
                strength: 1.0,
            })
        } else {
            None
        }
    }

    /// The evidence for more noise than usual, if it is enough.
    fn noise(&self, spec: &Spec, input: &Input) -> Option<f64> {
        // The evidence is never more than this: most samples need no more than that.
        if self.learnt.energy.evidence() * input.support <= 1.0 {
            return None;
        }
        let evidence = self.learnt.noise_evidence() * input.support;
        let known = !spec.level.wanders() || self.learnt.seen >= WANDERING;
        (evidence > 1.0 && spec.noise && known).then_some(evidence)
    }

    fn suspicious(
        &mut self,
        spec: &Spec,
        input: &Input,
        z: f64,
        mut suspicion: Suspicion,
    ) -> Option<Signal> {
        let before = suspicion.count;
        suspicion.add(z);
        let scores = suspicion.scores();
        let decided = if suspicion.noise > 0.0 {
            suspicion.is_full().then(|| noisy_shape(scores))
        } else {
            shape_of(scores).map(Some)
        };
        let peak = scores.iter().fold(0.0_f64, |most, z| most.max(z.abs()));
        let strength = (peak / self.learnt.jump_limit(spec)).max(suspicion.noise);
        match decided {
            None => {
                self.phase = Phase::Suspicious(suspicion);
                None
            }
            Some(None) => {
                self.explain();
                None
            }
            Some(Some(shape)) => {
                let sudden = matches!(shape, Shape::Spike | Shape::Shift);
                let (shape, age) = match self.drift_before(spec, input) {
                    Some(drift) if sudden => (Shape::Drift, before + drift),
                    _ => (shape, before),
                };
                Some(self.raise(Finding {
                    shape,
                    age,
                    strength,
                }))
            }
        }
    }

    /// How long a drift has gone on that a jump has begun or ended.
    fn drift_before(&self, spec: &Spec, input: &Input) -> Option<u32> {
        match spec.level {
            Level::Exact { .. } | Level::Past { .. } => {
                let age = self.learnt.cusum.age();
                (self.drift_evidence() > HALFWAY && age >= SUDDEN).then_some(age)
            }
            Level::Wanders { .. } => {
                // Back to where it was in the long run.
                let apart = self.distance();
                let left = input.residual - self.learnt.level.long_term;
                let std = input.std * self.learnt.scale.factor(spec.floor);
                (apart.abs() > RETURN * std && left.abs() < RETURNED * apart.abs())
                    .then_some(SUDDEN)
            }
        }
    }

    fn alarming(&mut self, spec: &Spec, input: &Input, z: f64, mut alarm: Alarm) -> Option<Signal> {
        if let Level::Wanders { gain, patience, .. } = spec.level
            && alarm.age > patience
        {
            let overdue = alarm.age - patience;
            self.learnt.level.give_in(input.residual, gain, overdue);
        }
        let usual_noise = self.learnt.energy.calms_down(z);
        if alarm.ends(z, usual_noise) {
            self.learnt.settle();
            return Some(Signal::Cleared);
        }
        let patience = match spec.level {
            Level::Exact { .. } => PATIENCE_EXACT,
            Level::Past { patience } => patience,
            Level::Wanders { patience, .. } => PATIENCES * patience,
        };
        if alarm.age >= patience {
            *self = Self::new();
            return Some(Signal::Cleared);
        }
        alarm.age += 1;
        self.phase = Phase::Alarming(alarm);
        None
    }

    fn raise(&mut self, finding: Finding) -> Signal {
        let noisy = matches!(finding.shape, Shape::Burst | Shape::Oscillation);
        self.learnt.energy.begin_alarm();
        self.phase = Phase::Alarming(Alarm::new(noisy));
        Signal::Raised(finding)
    }
}

#[cfg(test)]
mod tests;
