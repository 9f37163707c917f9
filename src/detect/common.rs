//! A quantity that is the same everywhere, such as the frequency: no sensor's value can leave the others'.

use serde::{Deserialize, Serialize};

use super::{
    channel::Channel,
    entity::EntityState,
    model::{Noise, Row},
    track::{Gate, Input},
};

/// Share of a change of the mean between samples, beyond [`CALM`], by which sensors may differ: each sees a
/// transient at its own bus.
const DIFFERENCE: f64 = 0.15;
/// Standard deviations of the noise that the mean may change between samples without a transient. With the
/// nameplates' 2.2 mHz that is 44 mHz.
const CALM: f64 = 20.0;
/// Share of a transient that is left with the next sample.
const LEFT: f64 = 0.6;
/// With more sensors than this the mean of the others tells which one is off.
const MAJORITY: f64 = 2.0;
/// Of two sensors that disagree the one that changed by more than so many standard deviations of the noise
/// has jumped. Normal noise does so once in 2500 samples: the difference of two samples has 1.4 of them.
const JUMP: f64 = 5.0;
/// A sensor that is so many standard deviations of the noise from the mean has jumped. Normal noise does so
/// once in 5e8 samples.
const LEAVES: f64 = 6.0;

/// What is remembered of a quantity that is the same everywhere. In its unit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct CommonMemory {
    /// Mean of the trusted sensors at the last sample; 0 before the first.
    mean: f64,
    /// What is left of the present transient.
    swing: f64,
}

impl CommonMemory {
    /// Takes the mean of the trusted sensors; what is left of the present transient.
    fn follow(&mut self, mean: f64, std: f64) -> f64 {
        let moved = if self.mean > 0.0 {
            (mean - self.mean).abs()
        } else {
            0.0
        };
        self.mean = mean;
        let beyond = (moved - CALM * std).max(0.0);
        self.swing = beyond.max(LEFT * self.swing);
        self.swing
    }
}

/// One quantity that is the same everywhere, at one instant: each sensor is compared with the mean of the
/// others that are not suspected. Where several seem off, the one that is farthest off explains the rest.
pub(super) struct Common<C> {
    channel: C,
    /// By entity; NaN where there is none.
    values: Vec<f64>,
    trusted: Vec<bool>,
    /// Sum and number of the trusted values.
    sum: f64,
    count: f64,
    /// Standard deviation of the noise.
    std: f64,
    /// How much sensors may differ in the present transient.
    swing: f64,
    farthest: Option<usize>,
    drifting: Option<usize>,
}

impl<C: Channel> Common<C> {
    /// Compares the frequencies of all entities, which `channel` judges.
    pub(super) fn new<M>(
        noise: &Noise,
        memory: &mut CommonMemory,
        states: &[EntityState<C, M>],
        rows: &[Option<Row>],
        channel: C,
    ) -> Self {
        let field = channel.field();
        let (values, trusted) = values_of(states, rows, channel);
        let good = || values.iter().zip(&trusted).filter(|(_, trusted)| **trusted);
        let count = good().count() as f64;
        let sum: f64 = good().map(|(value, _)| value).sum();
        let mean = sum / count;
        let std = noise.frequency_hz;
        let swing = if count > 0.0 {
            memory.follow(mean, std)
        } else {
            0.0
        };
        let among_trusted = |value: &dyn Fn(usize) -> f64| {
            (0..values.len())
                .filter(|&at| trusted[at])
                .max_by(|&a, &b| value(a).total_cmp(&value(b)))
        };
        // Two sensors that disagree: the one that jumped is wrong.
        let jump =
            |at: usize| states[at].last[field].map_or(0.0, |last: f64| (values[at] - last).abs());
        let farthest = if count > MAJORITY {
            among_trusted(&|at| (values[at] - mean).abs())
        } else {
            among_trusted(&jump).filter(|&at| jump(at) > JUMP * std)
        };
        // A sensor far from the others moves their mean: none of them is to be called off for that.
        let leaves = |at: usize| (values[at] - mean).abs() > LEAVES * std + DIFFERENCE * swing;
        let drifting = among_trusted(&|at| states[at].tracks[channel].drift_evidence())
            .filter(|_| count > MAJORITY && !farthest.is_some_and(leaves));
        Self {
            channel,
            std,
            swing: DIFFERENCE * swing,
            values,
            trusted,
            sum,
            count,
            farthest,
            drifting,
        }
    }

    /// The residual of the sensor `at`, and whether it may be the one at fault. Two sensors that disagree
    /// do not tell which of them is wrong.
    pub(super) fn judge<M>(&self, state: &EntityState<C, M>, at: usize) -> (Input, Gate) {
        let value = self.values.get(at).copied().unwrap_or(f64::NAN);
        let (sum, count) = if self.trusted[at] {
            (self.sum - value, self.count - 1.0)
        } else {
            (self.sum, self.count)
        };
        let input = Input {
            coarse: self.swing,
            ..Input::new(value - sum / count, self.std * (1.0 + 1.0 / count).sqrt())
        };
        let suspect = self.farthest == Some(at) || self.drifting == Some(at);
        let gate = if state.is_stuck(self.channel.field()) {
            Gate::Explained
        } else if state.tracks[self.channel].is_disturbed() || (suspect && count >= 1.0) {
            Gate::Open
        } else {
            Gate::Explained
        };
        (input, gate)
    }
}

/// The values of a channel's field by entity, and whether nothing is known against them.
fn values_of<C: Channel, M>(
    states: &[EntityState<C, M>],
    rows: &[Option<Row>],
    channel: C,
) -> (Vec<f64>, Vec<bool>) {
    let field = channel.field();
    let values: Vec<f64> = rows
        .iter()
        .map(|row| row.map_or(f64::NAN, |row| row.get(field)))
        .collect();
    let trusted = states
        .iter()
        .zip(&values)
        .map(|(state, value)| {
            value.is_finite() && !state.is_stuck(field) && !state.tracks[channel].is_disturbed()
        })
        .collect();
    (values, trusted)
}
