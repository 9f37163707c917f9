//! A quantity that is the same everywhere: no sensor's frequency can leave the others'.

use super::{
    entity::EntityState,
    model::{Noise, Row},
    track::{Gate, Input},
};

/// What a first entity keeps for all: the mean, and the swing of the present transient.
pub(super) const COMMON_MEMORY: usize = 2;
/// Share of a change of the mean between samples, beyond [`CALM`], by which sensors may differ.
const DIFFERENCE: f64 = 0.15;
/// Standard deviations of the noise that the mean may change between samples without a transient.
const CALM: f64 = 20.0;
/// What is left of a transient with the next sample.
const LEFT: f64 = 0.6;

/// One quantity that is the same everywhere: each sensor against the mean of the others that are not
/// suspected. Where several seem off, the one that is farthest off explains the rest.
pub(super) struct Common {
    values: Vec<f64>,
    trusted: Vec<bool>,
    sum: f64,
    count: f64,
    std: f64,
    /// How much they may differ in the present transient.
    swing: f64,
    farthest: Option<usize>,
    drifting: Option<usize>,
}

impl Common {
    pub(super) fn new(
        noise: &Noise,
        states: &mut [EntityState],
        rows: &[Option<Row>],
        field: usize,
        track: usize,
    ) -> Self {
        let values: Vec<f64> = rows
            .iter()
            .map(|row| row.map_or(f64::NAN, |row| row.get(field)))
            .collect();
        let trusted: Vec<bool> = states
            .iter()
            .zip(&values)
            .map(|(state, value)| {
                value.is_finite() && !state.is_stuck(field) && !state.tracks[track].is_disturbed()
            })
            .collect();
        let good = || values.iter().zip(&trusted).filter(|(_, trusted)| **trusted);
        let count = good().count() as f64;
        let sum: f64 = good().map(|(value, _)| value).sum();
        let mean = sum / count;
        let memory = states.first_mut().map(|state| &mut state.memory);
        let swing = match memory.map(Vec::as_mut_slice) {
            Some([before, swing, ..]) if count > 0.0 => {
                let moved = if *before > 0.0 {
                    (mean - *before).abs()
                } else {
                    0.0
                };
                *before = mean;
                let beyond = (moved - CALM * noise.frequency_hz).max(0.0);
                *swing = beyond.max(LEFT * *swing);
                *swing
            }
            _ => 0.0,
        };
        let among_trusted = |value: &dyn Fn(usize) -> f64| {
            (0..values.len())
                .filter(|&at| trusted[at])
                .max_by(|&a, &b| value(a).total_cmp(&value(b)))
        };
        // Two sensors that disagree: the one that jumped is wrong.
        let jump =
            |at: usize| states[at].last[field].map_or(0.0, |last: f64| (values[at] - last).abs());
        let farthest = if count > 2.0 {
            among_trusted(&|at| (values[at] - mean).abs())
        } else {
            among_trusted(&jump).filter(|&at| jump(at) > 5.0 * noise.frequency_hz)
        };
        let drifting =
            among_trusted(&|at| states[at].tracks[track].drift_evidence()).filter(|_| count > 2.0);
        Self {
            std: noise.frequency_hz,
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
    pub(super) fn judge(
        &self,
        state: &EntityState,
        at: usize,
        field: usize,
        track: usize,
    ) -> (Input, Gate) {
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
        let gate = if state.is_stuck(field) {
            Gate::Explained
        } else if state.tracks[track].is_disturbed() || (suspect && count >= 1.0) {
            Gate::Open
        } else {
            Gate::Explained
        };
        (input, gate)
    }
}
