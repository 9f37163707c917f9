//! Buses of a network that is not known: every field against its own past.

use super::channels::{BusChannel, BusState};
use crate::detect::{
    alert::{AnomalyChange, SampleAt},
    channel::Channel,
    model::{Noise, Row},
    network::Sensor,
    track::{Gate, Input},
};

/// Standard deviations by which a field that moves leaves its past. Less than those of a jump: where another
/// field moves as well, a jump is more likely that of the grid.
const MOVES: f64 = 5.0;

/// Takes one instant of all buses. A field is at fault only where no other field moves at the same instant.
pub(super) fn observe(
    noise: &Noise,
    states: &mut [BusState],
    rows: &[Option<Row>],
    at: SampleAt,
    changes: &mut Vec<AnomalyChange>,
) {
    let several_move = moving(noise, states, rows) > 1;
    for (entity, (state, row)) in states.iter_mut().zip(rows).enumerate() {
        let Some(row) = row else { continue };
        for sensor in Sensor::ALL {
            let channel = BusChannel::of(sensor);
            let gate = if state.is_stuck(channel.field()) {
                Gate::Explained
            } else if several_move && !state.tracks[channel].is_alarming() {
                Gate::Moving
            } else {
                Gate::Open
            };
            let input = Input::new(row.get(channel.field()), std_of(noise, sensor));
            let signal = state.tracks[channel].step(&channel.spec_alone(), &input, gate);
            changes.extend(state.report(at.of(entity), channel, signal));
        }
    }
}

/// How many fields move.
fn moving(noise: &Noise, states: &[BusState], rows: &[Option<Row>]) -> usize {
    let mut moving = 0;
    for (state, row) in states.iter().zip(rows) {
        let Some(row) = row else { continue };
        for sensor in Sensor::ALL {
            let channel = BusChannel::of(sensor);
            let track = &state.tracks[channel];
            let input = Input::new(row.get(channel.field()), std_of(noise, sensor));
            if !track.is_disturbed() && track.score(&channel.spec_alone(), &input).abs() > MOVES {
                moving += 1;
            }
        }
    }
    moving
}

/// One standard deviation of a sensor in the unit of its reading.
fn std_of(noise: &Noise, sensor: Sensor) -> f64 {
    match sensor {
        Sensor::Voltage => noise.voltage_pu,
        Sensor::Angle => noise.angle_degree,
        Sensor::ActivePower => noise.active_power_mw,
        Sensor::ReactivePower => noise.reactive_power_mvar,
    }
}
