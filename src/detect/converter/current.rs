//! The current of a converter, from its sensors or from what its power says of them.

use super::{channels::ConverterChannel, memory::ConverterState};
use crate::detect::{
    channel::Channel,
    model::{Converter, Row, converter},
};

/// Magnitude of the current over the rated one; not finite where it cannot be told.
pub(super) fn load_of(state: &ConverterState, model: &Converter, row: &Row) -> f64 {
    let current = |channel, power| current(state, model, row, channel, power);
    let d = current(ConverterChannel::CurrentD, converter::ACTIVE_POWER);
    let q = current(ConverterChannel::CurrentQ, converter::REACTIVE_POWER);
    (d * d + q * q).sqrt() / model.rated_current_a
}

/// A current in A; where its sensor is doubtful, what `power` says of it.
fn current(
    state: &ConverterState,
    model: &Converter,
    row: &Row,
    channel: ConverterChannel,
    power: usize,
) -> f64 {
    let field = channel.field();
    let doubtful = state.repeats_itself(field) || state.tracks[channel].is_disturbed();
    let volts = row.get(converter::GRID_VOLTAGE);
    let volts = if volts.is_finite() {
        volts
    } else {
        model.grid_voltage_v
    };
    if doubtful && volts > 0.0 {
        1000.0 * row.get(power) / (model.power_factor * volts)
    } else {
        row.get(field)
    }
}
