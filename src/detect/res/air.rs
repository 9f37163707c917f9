//! The air at a unit. It changes slowly: what it was is the best that is known of it.

use super::{channels::UnitChannel, memory::UnitState};
use crate::detect::{
    alert::{AnomalyChange, SampleAt},
    channel::Channel,
    model::{Noise, Row},
    statistics::square,
    track::{Gate, Input, Signal},
};

/// Variance with which the level of the air is known at most, over that of the noise.
const DOUBT_NOISE: f64 = 0.6;
/// The same over the variance of its walk between two samples.
const DOUBT_WALK: f64 = 8.0;
/// Standard deviations within which a value is what the past lets expect. Normal noise leaves them once in
/// 2000 samples.
const BACK: f64 = 3.5;

/// Judges the air temperature of a sample.
pub(super) fn judge(
    noise: &Noise,
    state: &mut UnitState,
    row: &Row,
    at: SampleAt,
) -> Option<AnomalyChange> {
    let channel = UnitChannel::Air;
    let field = channel.field();
    let value = row.get(field);
    let noise2 = square(noise.air_k);
    let past = state.memory.air.judge(value, noise2);
    let input = past.map_or(Input::absent(), |past| {
        let most = DOUBT_NOISE * noise2 + DOUBT_WALK * square(noise.air_walk_k);
        Input::new(past.error, (past.variance.min(most) + noise2).sqrt())
    });
    let gate = if state.is_stuck(field) {
        Gate::Explained
    } else {
        Gate::Open
    };
    let signal = if state.rests(channel) {
        None
    } else {
        state.tracks[channel].step(&channel.spec(0.0), &input, gate)
    };
    let change = state.report(at, channel, signal);
    let is_back = input.residual.abs() < BACK * input.std;
    if signal == Some(Signal::Cleared) && !is_back {
        state.memory.air.forget();
    }
    if state.repeats_itself(field) || state.tracks[channel].is_disturbed() {
        state.memory.air.hold(noise2);
    } else {
        state.memory.air.take(value, noise2, false);
    }
    change
}
