//! Converter states: power against voltage and current, distortion against current, temperature against
//! loss, one frequency for all.

mod channels;
mod current;
mod feed;
mod grid;
mod heat;
mod knowledge;
mod load;
mod memory;
mod powers;
mod residuals;

use super::{
    alert::{AlertSource, AnomalyChange, SampleAt},
    channel::Channel,
    common::CommonMemory,
    model::{Converter, Row, converter},
    sensor::{Reading, follow},
    statistics::square,
    stuck,
    track::Gate,
};
pub(super) use channels::ConverterChannel;
use channels::POWER_CHANNELS;
use current::load_of;
use grid::GridNow;
pub(super) use knowledge::ConverterKnowledge;
use knowledge::LIMITED;
pub(super) use memory::ConverterState;
use powers::JudgedPowers;
use residuals::Inputs;

/// Samples for which a step of the grid voltage may show in DC links and distortion: 4 s at speed 1.
const GRID_SETTLING: u32 = 8;

/// Takes one instant of all converters.
pub(super) fn observe(
    known: &ConverterKnowledge,
    states: &mut [ConverterState],
    frequency: &mut CommonMemory,
    rows: &[Option<Row>],
    at: SampleAt,
    changes: &mut Vec<AnomalyChange>,
) {
    let grid = GridNow::new(known, states, frequency, rows);
    feed::observe(known, states, rows, at, changes);
    for (entity, ((state, row), model)) in states.iter_mut().zip(rows).zip(known.models).enumerate()
    {
        if let Some(row) = row {
            let sample = ConverterSample {
                known,
                grid: &grid,
                model,
                row,
                at: at.of(entity),
            };
            sample.observe(state, changes);
        } else {
            let memory = &mut state.memory;
            memory.forget_pasts();
            let load = memory.load.now;
            memory.heat.follow(&model.thermal, load, known.dt_s);
            memory.gap = true;
        }
    }
}

/// One sample of one converter, with all that is known of it.
struct ConverterSample<'a> {
    known: &'a ConverterKnowledge<'a>,
    grid: &'a GridNow,
    model: &'a Converter,
    row: &'a Row,
    at: SampleAt,
}

impl ConverterSample<'_> {
    fn observe(&self, state: &mut ConverterState, changes: &mut Vec<AnomalyChange>) {
        let back = std::mem::replace(&mut state.memory.gap, false);
        if back {
            state.memory.heat.resume();
        }
        state.memory.heat.follow_air(self.known.air_c);
        stuck::watch(
            state,
            self.at,
            &self.row.values,
            |_, _| false,
            has_channel_alert,
            |_, _| true,
            changes,
        );
        let load = load_of(state, self.model, self.row);
        let memory = &mut state.memory;
        let moving = memory.load.follow(load, memory.heat.running) || back;
        memory.grid_settling = if self.grid.steps || back {
            GRID_SETTLING
        } else {
            memory.grid_settling.saturating_sub(1)
        };
        let load = memory.load.now;
        let rise = memory
            .heat
            .follow(&self.model.thermal, load, self.known.dt_s);
        memory
            .heat
            .learn_ratio(rise, &state.tracks[ConverterChannel::Temperature]);
        self.judge(state, rise, moving, changes);
    }

    /// Judges all residuals. `rise` is that of the thermal model, K; `moving` tells whether the load has just
    /// stepped.
    fn judge(
        &self,
        state: &mut ConverterState,
        rise: f64,
        moving: bool,
        changes: &mut Vec<AnomalyChange>,
    ) {
        let mut inputs = Inputs::new(self.known, self.model, &state.memory, self.row, rise);
        let (input, frequency_gate) = self.grid.frequency.judge(state, self.at.entity);
        inputs[ConverterChannel::Frequency] = input;
        let measured = self.row.get(converter::GRID_VOLTAGE).is_finite();
        let powers = measured.then(|| {
            let elsewhere = self.grid.voltage_moves_elsewhere(self.at.entity);
            powers::judge(self.known, self.model, state, self.row, elsewhere)
        });
        if let Some(powers) = &powers {
            for (channel, judged) in POWER_CHANNELS.into_iter().zip(powers) {
                inputs[channel] = judged.input;
            }
        }
        let prime = measured.then(|| powers::prime(self.model, state, &inputs));
        let mut found = false;
        for &channel in ConverterChannel::ALL {
            let gate = match prime {
                _ if channel == ConverterChannel::Frequency => frequency_gate,
                Some(prime) if channel.is_power() => powers::gate(state, channel, prime),
                _ => gate(state, channel, moving),
            };
            self.step(state, channel, &inputs, gate, powers.as_ref(), changes);
            found |= channel.is_power() && state.tracks[channel].is_disturbed();
        }
        if found {
            explain_others(state);
        }
    }

    fn step(
        &self,
        state: &mut ConverterState,
        channel: ConverterChannel,
        inputs: &Inputs,
        gate: Gate,
        powers: Option<&JudgedPowers>,
        changes: &mut Vec<AnomalyChange>,
    ) {
        let judged = powers.and_then(|powers| powers.get(channel.index()));
        let natural = judged.is_some_and(|judged| judged.natural);
        if natural && state.tracks[channel].is_suspicious() {
            state.tracks[channel].explain();
        }
        let signal = if state.rests(channel) {
            None
        } else {
            let spec = channel.spec(self.model, powers.is_some());
            state.tracks[channel].step(&spec, &inputs[channel], gate)
        };
        if judged.is_some() {
            let noise = powers::noise_of(self.known.noise, self.model, channel);
            let reading = Reading {
                value: self.row.get(channel.field()),
                noise2: square(noise),
                natural,
                doubtful: state.repeats_itself(channel.field()),
            };
            let past = state.memory.past_mut(channel);
            follow(past, &state.tracks[channel], signal.as_ref(), reading);
        }
        changes.extend(state.report(self.at, channel, signal));
    }
}

/// Whether a residual has found the field at fault.
fn has_channel_alert(state: &ConverterState, field: usize) -> bool {
    ConverterChannel::ALL
        .iter()
        .any(|&channel| channel.field() == field && state.has(AlertSource::Channel(channel)))
}

/// One sensor of power explains what the others and the distortion seem to show.
fn explain_others(state: &mut ConverterState) {
    let distortion = &mut state.tracks[ConverterChannel::Distortion];
    if !distortion.is_alarming() {
        distortion.explain();
    }
    for channel in POWER_CHANNELS {
        if !state.tracks[channel].is_disturbed() {
            state.tracks[channel].explain();
        }
    }
}

/// What an alert explains: currents enter powers and distortion, and three channels watch the powers.
fn gate(state: &ConverterState, channel: ConverterChannel, moving: bool) -> Gate {
    use ConverterChannel::{
        ActivePower, CurrentD, CurrentQ, DcVoltage, Distortion, PowerRatios, ReactivePower,
        Temperature,
    };
    let current_stuck =
        state.is_stuck(converter::CURRENT_D) || state.is_stuck(converter::CURRENT_Q);
    let explained = match channel {
        ActivePower | ReactivePower | PowerRatios => {
            current_stuck
                || state.is_stuck(converter::ACTIVE_POWER)
                || state.is_stuck(converter::REACTIVE_POWER)
                || state.is_stuck(converter::GRID_VOLTAGE)
                || [ActivePower, ReactivePower, PowerRatios]
                    .into_iter()
                    .any(|other| {
                        other != channel
                            && (state.has(AlertSource::Channel(other))
                                || (other < channel && state.tracks[other].is_disturbed()))
                    })
        }
        Distortion => {
            current_stuck
                || state.is_stuck(converter::THD)
                || state.tracks[CurrentD].is_disturbed()
                || state.tracks[CurrentQ].is_disturbed()
        }
        _ => state.is_stuck(channel.field()),
    };
    // At its limit a converter cannot hold the DC link.
    let limited = state.memory.load.now > LIMITED;
    let settling = state.memory.grid_settling > 0;
    let plant_moves = match channel {
        DcVoltage => moving || limited || settling,
        Temperature => moving,
        Distortion => settling,
        _ => false,
    };
    if explained {
        Gate::Explained
    } else if plant_moves {
        Gate::Moving
    } else {
        Gate::Open
    }
}
