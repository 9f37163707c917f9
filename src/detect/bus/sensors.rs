//! All sensors of all buses against the network equations and against their own past.

use super::{
    channels::{BusChannel, BusState},
    judging::{Distrusted, judge, read},
};
use crate::detect::{
    alert::{AnomalyChange, SampleAt},
    channel::Channel,
    model::Row,
    network::{Parity, Sensor, SensorAt},
    sensor::{Judged, Reading, follow},
    statistics::square,
    track::Gate,
};

/// Takes one instant of all buses.
pub(super) fn observe(
    parity: &Parity,
    factor: f64,
    states: &mut [BusState],
    rows: &[Option<Row>],
    at: SampleAt,
    changes: &mut Vec<AnomalyChange>,
) {
    let (readings, distrusted) = read(states, rows);
    let judged = judge(parity, factor, states, rows, &readings, &distrusted);
    let prime = prime(states, &judged, &distrusted);
    let mut found = false;
    for own in SensorAt::all(states.len()) {
        let state = &mut states[own.bus];
        let channel = BusChannel::of(own.sensor);
        let field = channel.field();
        let doubtful = state.repeats_itself(field) || !parity.is_supplied(own.bus);
        let was_calm = !state.tracks[channel].is_disturbed();
        let gate = if !doubtful && (prime.contains(&Some(own)) || !was_calm) {
            Gate::Open
        } else {
            Gate::Explained
        };
        let Judged { input, natural } = judged[own.index()];
        if natural && state.tracks[channel].is_suspicious() {
            state.tracks[channel].explain();
        }
        let signal = if state.rests(channel) {
            None
        } else {
            state.tracks[channel].step(&channel.spec(), &input, gate)
        };
        found |= was_calm && state.tracks[channel].is_disturbed();
        let reading = Reading {
            value: rows[own.bus].map_or(f64::NAN, |row| row.get(field)),
            noise2: square(factor * parity.noise_of(own)),
            natural,
            doubtful,
        };
        let past = state.memory.past_mut(own.sensor);
        follow(past, &state.tracks[channel], signal.as_ref(), reading);
        changes.extend(state.report(at.of(own.bus), channel, signal));
    }
    if found {
        explain_others(states);
    }
}

/// One sensor explains what the others seemed to show.
fn explain_others(states: &mut [BusState]) {
    for state in states {
        for sensor in Sensor::ALL {
            let track = &mut state.tracks[BusChannel::of(sensor)];
            if !track.is_disturbed() {
                track.explain();
            }
        }
    }
}

/// The sensor that is farthest off, and the one that drifts most. Where the first has jumped, it explains
/// what all others show at this instant: through the network equations a large error shows everywhere.
fn prime(states: &[BusState], judged: &[Judged], distrusted: &Distrusted) -> [Option<SensorAt>; 2] {
    let most = |value: &dyn Fn(SensorAt) -> f64| {
        let mut best = (0.0, None);
        for at in SensorAt::all(states.len()) {
            if !distrusted.has(at) {
                let value = value(at);
                if value > best.0 {
                    best = (value, Some(at));
                }
            }
        }
        best.1
    };
    let track = |at: SensorAt| &states[at.bus].tracks[BusChannel::of(at.sensor)];
    let spec = |at: SensorAt| BusChannel::of(at.sensor).spec();
    let score = |at: SensorAt| {
        let input = &judged[at.index()].input;
        track(at).score(&spec(at), input).abs()
    };
    let farthest = most(&score);
    let jumped = farthest.is_some_and(|at| score(at) > spec(at).jump);
    let drifting = most(&|at| track(at).trend().abs()).filter(|_| !jumped);
    [farthest, drifting]
}
