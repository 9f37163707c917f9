//! One residual over time: is it still what it was?
//!
//! A residual is what is left of a measured value once everything known about it is taken away. Each
//! comes with the standard deviation that the nominal noise gives it. A [`Track`] begins with that, learns by
//! which factor the real noise differs (Huber 1964: large values count as moderate ones), and looks for
//!
//! - a jump: one value too many standard deviations off. The next samples tell a spike from a shift of
//!   level, a burst of noise and an oscillation;
//! - a drift: two-sided CUSUM (Page 1954) of an exact residual, or the distance between the present and
//!   the long-term level of one that wanders;
//! - noise: mean square over the last samples.
//!
//! While it alarms, and while a jump is not yet explained, it learns nothing. Work and memory per sample
//! are constant.

use serde::{Deserialize, Serialize};

use super::shape::{SPAN, Shape, is_rhythmic, shape_of, square};

/// What is known of the noise in advance counts for so many samples.
const PRIOR: f64 = 20.0;
/// That of a residual that wanders leaves more open.
const PRIOR_WANDERING: f64 = 5.0;
/// Samples before more noise than usual can be told from a level that wanders.
const WANDERING: f64 = 30.0;
/// After a disturbance a track learns slowly for so many samples.
const SETTLING: u32 = 60;
/// A track that wanders follows what it sees after so many alarming samples, if nothing else is known.
pub(super) const PATIENCE: u32 = 80;
/// A sum of standard deviations beyond the usual that makes a drift.
const CUSUM: f64 = 17.0;
/// Share of a jump that two scores in a row must reach to be one.
const PAIR: f64 = 0.72;
/// Standard deviations that are usual.
const SLACK: f64 = 0.75;
/// A score beyond the mean of an offset by this factor tells that it grows.
const GROWING: f64 = 1.5;
/// From this share of the evidence for a drift on, a jump is taken for its beginning or its end.
const HALFWAY: f64 = 0.4;
/// Share of a new score in the present mean.
const TREND: f64 = 0.12;
/// Standard deviations from the long-term level from which a wandering one can return.
const RETURN: f64 = 4.0;
/// Mean square over the samples that follow, from which on noise is still more than usual.
const STILL_NOISY: f64 = 2.0;
/// An offset that has been summed up over fewer samples was sudden.
const SUDDEN: u32 = 9;
/// A track whose residual should be zero starts anew after so many: its relation does not hold.
const PATIENCE_EXACT: u32 = 3600;

/// What is known of a residual in advance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spec {
    /// How its level moves.
    pub(super) level: Level,
    /// Standard deviations that make a jump.
    pub(super) jump: f64,
    /// Least factor between real and nominal noise.
    pub(super) floor: f64,
    /// Whether more noise than usual is a disturbance.
    pub(super) noise: bool,
}

/// How the level of a residual moves.
#[derive(Debug, Clone, Copy)]
pub(super) enum Level {
    /// Zero, but for a constant offset of at most so many nominal standard deviations.
    Exact {
        /// The bound.
        offset: f64,
    },
    /// Zero against the past: how far the reading is from what it was.
    Past {
        /// After so many alarming samples it is what it is.
        patience: u32,
    },
    /// Anywhere, slowly.
    Wanders {
        /// Share of a new value in the present level.
        gain: f64,
        /// Least standard deviation of the present level about the long-term one, in units of the
        /// residual.
        spread: f64,
        /// Standard deviations of the present level that make a drift; infinite for none.
        drift: f64,
        /// After so many alarming samples the level follows what it sees.
        patience: u32,
    },
}

/// One value of a residual.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input {
    /// The residual; NaN where it cannot be told.
    pub(super) residual: f64,
    /// The standard deviation that nominal noise gives it.
    pub(super) std: f64,
    /// Standard deviation that has nothing to do with the noise, such as that of a coarse model.
    pub(super) coarse: f64,
    /// How far the long-term level may have moved for known reasons.
    pub(super) doubt: f64,
    /// What else speaks for more noise than usual, as a factor on the evidence, 1 or more.
    pub(super) support: f64,
    /// Standard deviations that a relation alone shows, where the residual also rests on the past: what the
    /// past has followed can still drift away from the relation. NaN where the relation says nothing.
    pub(super) steady: Option<f64>,
}

impl Input {
    pub(super) fn new(residual: f64, std: f64) -> Self {
        Self {
            residual,
            std,
            coarse: 0.0,
            doubt: 0.0,
            support: 1.0,
            steady: None,
        }
    }
}

/// Whether a disturbance may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// Yes.
    Open,
    /// No: another alert explains what is seen. Nothing is learnt from large values.
    Explained,
    /// No: the plant itself moves. A level that wanders follows.
    Moving,
}

/// What a sample brought.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Signal {
    /// A disturbance was found.
    Raised {
        /// What it looks like.
        shape: Shape,
        /// Samples since its onset.
        age: u32,
        /// Evidence over what was needed, 1 or more.
        strength: f64,
    },
    /// It is over.
    Cleared,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Phase {
    Calm,
    Suspicious {
        values: [f64; SPAN + 1],
        count: u32,
        /// Evidence of more noise than usual at which it began; 0 if it began with a jump.
        noise: f64,
    },
    Alarming {
        age: u32,
        quiet: u32,
        noisy: bool,
    },
}

/// The state of one residual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Track {
    seen: f64,
    explained: bool,
    settling: u32,
    /// Of a residual that wanders in its unit, of an exact one in nominal standard deviations.
    level: f64,
    long_level: f64,
    spread2: f64,
    scale2: f64,
    usual2: f64,
    steady2: f64,
    fourth: f64,
    product: f64,
    /// The score before.
    pair: f64,
    centre: f64,
    gain: f64,
    last: f64,
    up: f64,
    down: f64,
    up_age: u32,
    down_age: u32,
    apart: u32,
    /// Present mean of the score against the relation.
    trend: f64,
    mean: f64,
    energy: f64,
    long_energy: f64,
    /// Nominal standard deviations of the last value.
    latest: Option<f64>,
    phase: Phase,
}

impl Track {
    pub(super) fn new() -> Self {
        Self {
            seen: 0.0,
            explained: false,
            settling: 0,
            level: 0.0,
            long_level: 0.0,
            spread2: 0.0,
            scale2: 1.0,
            usual2: 1.0,
            steady2: 1.0,
            fourth: 3.0,
            product: 0.0,
            pair: 0.0,
            centre: 0.0,
            gain: 0.0,
            last: 0.0,
            up: 0.0,
            down: 0.0,
            up_age: 0,
            down_age: 0,
            apart: 0,
            trend: 0.0,
            mean: 0.0,
            energy: 1.0,
            long_energy: 1.0,
            latest: None,
            phase: Phase::Calm,
        }
    }

    /// Whether a disturbance is present or suspected.
    pub(super) fn is_disturbed(&self) -> bool {
        !matches!(self.phase, Phase::Calm)
    }

    /// Whether a disturbance was reported and is not over.
    pub(super) fn is_alarming(&self) -> bool {
        matches!(self.phase, Phase::Alarming { .. })
    }

    /// Forgets everything.
    pub(super) fn restart(&mut self) {
        *self = Self::new();
    }

    /// Nominal standard deviations of the last value, if there was one to judge.
    pub(super) fn latest(&self) -> Option<f64> {
        self.latest
    }

    /// Standard deviations of a value that has not been taken yet.
    pub(super) fn score(&self, spec: &Spec, input: &Input) -> f64 {
        let level = match spec.level {
            Level::Wanders { .. } if self.seen == 0.0 => return 0.0,
            Level::Wanders { .. } => self.level,
            Level::Past { .. } => 0.0,
            Level::Exact { .. } if input.steady.is_some() => 0.0,
            Level::Exact { .. } => self.level * input.std,
        };
        // The level itself rests on few samples at first.
        let unsure = match spec.level {
            Level::Wanders { .. } => 1.0 / self.seen.max(1.0),
            Level::Exact { .. } | Level::Past { .. } => 0.0,
        };
        let noise2 = (1.0 + unsure) * square(input.std * self.factor(spec));
        (input.residual - level) / (noise2 + square(input.coarse)).sqrt()
    }

    /// Standard deviations against the relation alone.
    fn steady_score(&self, spec: &Spec, input: &Input, z: f64) -> f64 {
        match input.steady {
            Some(steady) => (steady - self.level) / self.steady2.sqrt().max(spec.floor),
            None => z,
        }
    }

    /// How far the present level is from the long-term one.
    pub(super) fn apart(&self) -> f64 {
        self.level - self.long_level
    }

    /// How much evidence for a drift there is, 1 being enough.
    pub(super) fn drift_evidence(&self) -> f64 {
        self.up.max(self.down) / self.cusum_limit()
    }

    /// How far off the residual has been on average of late.
    pub(super) fn trend(&self) -> f64 {
        self.trend
    }

    /// Drops the evidence for a drift that something else explains.
    pub(super) fn explain(&mut self) {
        self.up = 0.0;
        self.down = 0.0;
        self.trend = 0.0;
        self.energy = 1.0;
        self.long_energy = 1.0;
        self.phase = match self.phase {
            Phase::Suspicious { .. } => Phase::Calm,
            other => other,
        };
    }

    /// Whether a disturbance is suspected and none was reported.
    pub(super) fn is_suspicious(&self) -> bool {
        matches!(self.phase, Phase::Suspicious { .. })
    }

    /// Takes the next value.
    pub(super) fn step(&mut self, spec: &Spec, input: &Input, gate: Gate) -> Option<Signal> {
        let Input { residual, std, .. } = *input;
        self.latest = None;
        if !residual.is_finite() || !std.is_finite() || std <= 0.0 {
            return None;
        }
        if let (Level::Wanders { gain, spread, .. }, true) = (spec.level, self.seen == 0.0) {
            self.level = residual;
            self.long_level = residual;
            self.gain = gain;
            self.spread2 = square(spread);
            self.seen = 1.0;
            return None;
        }
        let z = self.score(spec, input);
        let nominal = input.steady.unwrap_or(z * self.factor(spec));
        self.latest = nominal.is_finite().then_some(nominal);
        match self.phase {
            Phase::Calm => self.calm(spec, input, z, gate),
            Phase::Suspicious { .. } if gate == Gate::Moving => {
                self.phase = Phase::Calm;
                self.level = residual;
                None
            }
            Phase::Suspicious {
                values,
                count,
                noise,
            } => self.suspicious(spec, input, z, values, count, noise),
            Phase::Alarming { age, quiet, noisy } => {
                if let Level::Wanders { gain, patience, .. } = spec.level
                    && age > patience
                {
                    // Slowly at first, so that the end of a long offset still shows.
                    let share = (f64::from(age - patience) / 60.0).clamp(0.15, 1.0);
                    self.level += share * gain * (residual - self.level);
                    self.long_level += share * gain * (residual - self.long_level);
                }
                self.alarming(spec, z, age, quiet, noisy)
            }
        }
    }

    fn calm(&mut self, spec: &Spec, input: &Input, z: f64, gate: Gate) -> Option<Signal> {
        let freed = std::mem::replace(&mut self.explained, gate == Gate::Explained);
        let wanders = matches!(spec.level, Level::Wanders { .. });
        if wanders && (gate == Gate::Moving || (freed && gate == Gate::Open)) {
            self.level = input.residual;
            return None;
        }
        // Limits are never below those of the spec: most values need no more than that.
        if z.abs() > spec.jump && z.abs() > self.jump_limit(spec) {
            if gate == Gate::Open {
                let mut values = [0.0; SPAN + 1];
                values[0] = z;
                self.phase = Phase::Suspicious {
                    values,
                    count: 1,
                    noise: 0.0,
                };
            }
            return None;
        }
        let before = std::mem::replace(&mut self.pair, if gate == Gate::Open { z } else { 0.0 });
        let both = z.abs().min(before.abs());
        if !wanders
            && z * before > 0.0
            && both > PAIR * spec.jump
            && both > PAIR * self.jump_limit(spec)
        {
            let mut values = [0.0; SPAN + 1];
            values[0] = before;
            values[1] = z;
            self.phase = Phase::Suspicious {
                values,
                count: 2,
                noise: 0.0,
            };
            return None;
        }
        if gate != Gate::Open && z.abs() > 3.0 {
            return None;
        }
        self.learn(spec, input, z);
        if gate != Gate::Open {
            return None;
        }
        let sum = self.up.max(self.down);
        let (shape, age, strength) = if sum > CUSUM && sum > self.cusum_limit() {
            let age = self.drift_age();
            // The mean of an offset would have come so far by now.
            let steady = self.steady_score(spec, input, z).abs();
            let share = 1.0 - powi(1.0 - TREND, age);
            let grows = steady * share > GROWING * self.trend.abs();
            let shape = if age < SUDDEN && !grows {
                Shape::Shift
            } else {
                Shape::Drift
            };
            (shape, age, self.drift_evidence())
        } else if self.apart >= 4 {
            // From now on the long-term level is what to return to.
            self.level = self.long_level;
            (Shape::Drift, 20, 1.0)
        } else {
            if self.noise_at_most() * input.support <= 1.0 {
                return None;
            }
            let evidence = self.noise_evidence() * input.support;
            if evidence <= 1.0 || !spec.noise || (wanders && self.seen < WANDERING) {
                return None;
            }
            // A look at the next samples, without it in the relations, tells what it is.
            let mut values = [0.0; SPAN + 1];
            values[0] = z;
            self.phase = Phase::Suspicious {
                values,
                count: 1,
                noise: evidence,
            };
            return None;
        };
        self.begin_alarm(matches!(shape, Shape::Burst | Shape::Oscillation));
        Some(Signal::Raised {
            shape,
            age,
            strength,
        })
    }

    fn suspicious(
        &mut self,
        spec: &Spec,
        input: &Input,
        z: f64,
        mut values: [f64; SPAN + 1],
        count: u32,
        noise: f64,
    ) -> Option<Signal> {
        let at = count as usize;
        if let Some(value) = values.get_mut(at) {
            *value = z;
        }
        let seen = &values[..(at + 1).min(SPAN + 1)];
        let peak = seen.iter().fold(0.0_f64, |most, z| most.max(z.abs()));
        let strength = (peak / self.jump_limit(spec)).max(noise);
        let shape = if noise > 0.0 {
            (at >= SPAN).then(|| noisy_shape(seen))
        } else {
            shape_of(seen).map(Some)
        };
        let Some(shape) = shape else {
            self.phase = Phase::Suspicious {
                values,
                count: count + 1,
                noise,
            };
            return None;
        };
        let Some(shape) = shape else {
            self.explain();
            return None;
        };
        let sudden = matches!(shape, Shape::Spike | Shape::Shift);
        let (shape, age) = match self.drift_before(spec, input) {
            Some(before) if sudden => (Shape::Drift, count + before),
            _ => (shape, count),
        };
        self.begin_alarm(matches!(shape, Shape::Burst | Shape::Oscillation));
        Some(Signal::Raised {
            shape,
            age,
            strength,
        })
    }

    /// How long a drift has gone on that a jump has begun or ended.
    fn drift_before(&self, spec: &Spec, input: &Input) -> Option<u32> {
        match spec.level {
            Level::Exact { .. } | Level::Past { .. } => {
                let age = self.drift_age();
                (self.drift_evidence() > HALFWAY && age >= SUDDEN).then_some(age)
            }
            Level::Wanders { .. } => {
                // Back to where it was in the long run.
                let apart = self.level - self.long_level;
                let left = input.residual - self.long_level;
                let std = input.std * self.factor(spec);
                (apart.abs() > RETURN * std && left.abs() < 0.5 * apart.abs()).then_some(SUDDEN)
            }
        }
    }

    fn drift_age(&self) -> u32 {
        if self.up > self.down {
            self.up_age
        } else {
            self.down_age
        }
    }

    fn alarming(
        &mut self,
        spec: &Spec,
        z: f64,
        age: u32,
        quiet: u32,
        noisy: bool,
    ) -> Option<Signal> {
        self.mean += 0.2 * (z.clamp(-6.0, 6.0) - self.mean);
        self.energy += 0.25 * ((z * z).min(16.0) - self.energy);
        let calm = z.abs() < 3.5 && self.mean.abs() < 1.2 && (!noisy || self.energy < 2.5);
        let quiet = if calm { quiet + 1 } else { 0 };
        if quiet >= 5 {
            self.phase = Phase::Calm;
            self.up = 0.0;
            self.down = 0.0;
            self.apart = 0;
            self.energy = 1.0;
            self.long_energy = 1.0;
            self.settling = SETTLING;
            return Some(Signal::Cleared);
        }
        let patience = match spec.level {
            Level::Exact { .. } => PATIENCE_EXACT,
            Level::Past { patience } => patience,
            Level::Wanders { patience, .. } => 3 * patience,
        };
        if age >= patience {
            self.restart();
            return Some(Signal::Cleared);
        }
        self.phase = Phase::Alarming {
            age: age + 1,
            quiet,
            noisy,
        };
        None
    }

    fn begin_alarm(&mut self, noisy: bool) {
        self.mean = 3.0;
        self.energy = self.energy.max(4.0);
        self.phase = Phase::Alarming {
            age: 0,
            quiet: 0,
            noisy,
        };
    }

    fn learn(&mut self, spec: &Spec, input: &Input, z: f64) {
        let Input {
            residual,
            std,
            doubt,
            ..
        } = *input;
        let bounded = z.clamp(-3.0, 3.0);
        // More energy than usual may be the beginning of a disturbance, or the rest of one.
        let pace = if self.long_energy > 1.7 || self.settling > 0 {
            0.1
        } else {
            1.0
        };
        self.settling = self.settling.saturating_sub(1);
        self.seen = (self.seen + 1.0).min(1e4);
        let prior = match spec.level {
            Level::Exact { .. } | Level::Past { .. } => PRIOR,
            Level::Wanders { .. } => PRIOR_WANDERING,
        };
        let gain = pace * (1.0 / (self.seen + prior)).max(0.01);
        self.learn_scale(spec, z, gain);
        self.fourth += 0.005 * pace * (square(square(z)) - self.fourth).min(300.0);
        let noisy = agreed(self.steady_score(spec, input, z), z);
        self.energy += 0.12 * (square(noisy).min(25.0) - self.energy);
        self.long_energy += 0.05 * (square(noisy).min(16.0) - self.long_energy);
        match spec.level {
            Level::Exact { offset } => self.learn_offset(spec, input, z, offset, gain),
            Level::Past { .. } => self.learn_offset(spec, input, z, 0.0, gain),
            Level::Wanders { spread, drift, .. } => {
                let before = self.correlate(bounded, pace);
                // Innovations that resemble their neighbours tell that the level follows too slowly.
                self.gain = (self.gain + 0.01 * pace * bounded * before).clamp(0.2, 0.95);
                self.level += self.gain.max(1.0 / self.seen) * (residual - self.level);
                let apart = self.level - self.long_level;
                let noise2 = self.gain / (2.0 - self.gain) * square(std) * self.scale2;
                let width2 = self.spread2.max(square(spread)) + noise2;
                let width = width2.sqrt();
                let gain = (2.0 / self.seen).clamp(1.0 / 400.0, 1.0);
                self.long_level += gain * apart.clamp(-2.0 * width, 2.0 * width);
                self.spread2 += 0.003 * (square(apart).min(4.0 * width2) - self.spread2);
                let limit = drift * (1.0 + 60.0 / self.seen);
                self.apart = if apart.abs() > limit * (width2 + square(doubt)).sqrt() {
                    self.apart + 1
                } else {
                    0
                };
            }
        }
    }

    fn learn_scale(&mut self, spec: &Spec, z: f64, gain: f64) {
        let nominal = z * self.factor(spec);
        let cut = 9.0 * self.scale2.max(square(spec.floor));
        self.scale2 += gain * (square(nominal).min(cut) - self.scale2);
        // What disturbances leave behind must not blind the track to the next one.
        self.usual2 += 0.2 * gain * (self.scale2 - self.usual2);
        self.scale2 = self.scale2.min(2.0 * self.usual2);
    }

    /// Takes the score against the relation alone for its offset, its noise and the evidence of a drift.
    fn learn_offset(&mut self, spec: &Spec, input: &Input, z: f64, offset: f64, gain: f64) {
        let steady = self.steady_score(spec, input, z);
        if !steady.is_finite() {
            return;
        }
        let nominal = input.steady.unwrap_or(z);
        let bounded = steady.clamp(-3.0, 3.0);
        self.trend += TREND * (nominal.clamp(-6.0, 6.0) - self.trend);
        if input.steady.is_some() {
            let nominal = bounded * self.steady2.sqrt().max(spec.floor);
            self.steady2 += gain * (square(nominal) - self.steady2);
            self.steady2 = self.steady2.min(4.0);
        }
        self.correlate(bounded, 1.0);
        let share = 0.0025_f64.max(0.5 / (self.seen + PRIOR));
        self.level = (self.level + share * bounded).clamp(-offset, offset);
        // Innovations resemble their neighbours where the walk of the level is not quite known.
        let certain = match spec.level {
            Level::Past { .. } => 0.85,
            _ => 1.0,
        };
        self.accumulate(certain * bounded);
    }

    /// Keeps the likeness of neighbours; what the one before was.
    fn correlate(&mut self, bounded: f64, pace: f64) -> f64 {
        self.centre += 0.1 * (bounded - self.centre);
        let off = bounded - self.centre;
        let before = std::mem::replace(&mut self.last, off);
        self.product += 0.005 * pace * (off * before - self.product);
        before
    }

    fn accumulate(&mut self, z: f64) {
        for (sum, age, z) in [
            (&mut self.up, &mut self.up_age, z),
            (&mut self.down, &mut self.down_age, -z),
        ] {
            *sum = (*sum + z - SLACK).max(0.0);
            *age = if *sum > 0.0 { *age + 1 } else { 0 };
        }
    }

    fn factor(&self, spec: &Spec) -> f64 {
        self.scale2.sqrt().max(spec.floor)
    }

    /// How much heavier the tails are than normal ones, as a factor on limits.
    fn tail(&self) -> f64 {
        (self.fourth / 3.5).max(1.0).sqrt().sqrt()
    }

    /// The most that [`Self::noise_evidence`] can be.
    fn noise_at_most(&self) -> f64 {
        (self.energy / 5.0).max(self.long_energy / 3.0)
    }

    /// How much evidence for more noise than usual there is, 1 being enough. The scale itself is uncertain
    /// at first, and neighbours that resemble each other make the mean square uncertain.
    fn noise_evidence(&self) -> f64 {
        let tail = self.tail();
        let limit = tail * tail * (1.0 + 15.0 / (self.seen + PRIOR)) * self.persistence();
        self.noise_at_most() / limit
    }

    fn jump_limit(&self, spec: &Spec) -> f64 {
        spec.jump * self.tail() * (1.0 + 0.25 / (self.seen + 1.0))
    }

    fn cusum_limit(&self) -> f64 {
        CUSUM * (1.0 + 8.0 / (self.seen + PRIOR)) * self.persistence()
    }

    /// How much more uncertain sums are because neighbours resemble each other (first-order
    /// autocorrelation).
    fn persistence(&self) -> f64 {
        let slack = (self.product.clamp(0.0, 0.9) - 0.1).max(0.0);
        (1.0 + slack) / (1.0 - slack)
    }
}

fn powi(base: f64, exponent: u32) -> f64 {
    (0..exponent.min(100)).fold(1.0, |power, _| power * base)
}

/// What a relation and the past show alike: what nature moves shows against the past alone.
fn agreed(steady: f64, z: f64) -> f64 {
    if !steady.is_finite() {
        z
    } else if steady * z > 0.0 {
        (steady * z).sqrt()
    } else {
        0.5 * steady
    }
}

/// What more noise than usual turns out to be; none if it is over.
fn noisy_shape(values: &[f64]) -> Option<Shape> {
    let energy: f64 = values.iter().map(|z| z * z).sum();
    let sum: f64 = values.iter().sum();
    let count = values.len() as f64;
    if energy < STILL_NOISY * count {
        None
    } else if square(sum) > 0.5 * energy * count {
        Some(Shape::Drift)
    } else if is_rhythmic(values) {
        Some(Shape::Oscillation)
    } else {
        Some(Shape::Burst)
    }
}

#[cfg(test)]
mod tests;
