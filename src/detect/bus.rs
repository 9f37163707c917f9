//! Bus measurements: the network equations across all buses, and one frequency for all.

mod alone;
mod channels;
mod judging;
mod sensors;

use super::{
    alert::{AlertSource, AnomalyChange, SampleAt},
    channel::Channel,
    common::{Common, CommonMemory},
    model::{Noise, Row},
    network::Parity,
    stuck,
};
use crate::grid::stream::BUS;
pub(super) use channels::{BusChannel, BusState};

/// What is known of all buses.
pub(super) struct BusKnowledge<'a> {
    /// Standard deviations of the noise.
    pub(super) noise: &'a Noise,
    /// The noise over that of the nameplates.
    pub(super) factor: f64,
    /// The network equations, where the network is known.
    pub(super) parity: Option<&'a Parity>,
}

/// Takes one instant of all buses.
pub(super) fn observe(
    known: &BusKnowledge,
    states: &mut [BusState],
    frequency: &mut CommonMemory,
    rows: &[Option<Row>],
    at: SampleAt,
    changes: &mut Vec<AnomalyChange>,
) {
    for (entity, (state, row)) in states.iter_mut().zip(rows).enumerate() {
        let Some(row) = row else { continue };
        stuck::watch(
            state,
            at.of(entity),
            &row.values[..BUS.fields.len()],
            |_, _| false,
            has_channel_alert,
            |_, _| true,
            changes,
        );
    }
    frequencies(known.noise, states, frequency, rows, at, changes);
    match known.parity {
        Some(parity) => sensors::observe(parity, known.factor, states, rows, at, changes),
        None => alone::observe(known.noise, states, rows, at, changes),
    }
}

/// Whether a residual has found the field at fault.
fn has_channel_alert(state: &BusState, field: usize) -> bool {
    BusChannel::ALL
        .iter()
        .any(|&channel| channel.field() == field && state.has(AlertSource::Channel(channel)))
}

/// The frequency of each bus against that of the others.
fn frequencies(
    noise: &Noise,
    states: &mut [BusState],
    memory: &mut CommonMemory,
    rows: &[Option<Row>],
    at: SampleAt,
    changes: &mut Vec<AnomalyChange>,
) {
    let channel = BusChannel::Frequency;
    let common = Common::new(noise, memory, states, rows, channel);
    for (entity, state) in states.iter_mut().enumerate() {
        let (input, gate) = common.judge(state, entity);
        let signal = state.tracks[channel].step(&channel.spec(), &input, gate);
        changes.extend(state.report(at.of(entity), channel, signal));
    }
}
