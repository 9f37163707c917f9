//! The sensors of power of a converter: P = k v `i_d`, Q = -k v `i_q`, the voltage is that of the bus, and none
//! of them jumps alone.

use super::{
    channels::{ConverterChannel, POWER_CHANNELS},
    knowledge::{ConverterKnowledge, is_three_phase, rated_kw},
    memory::ConverterState,
    residuals::Inputs,
};
use crate::detect::{
    alert::AlertSource,
    channel::Channel,
    model::{Converter, Noise, Row, converter},
    past::{Estimate, weigh},
    sensor::{Judged, MOVE, SENSORS_AT_ONCE},
    statistics::square,
    track::{Gate, Input},
};

/// What is to be thought of the sensors of power, in the order of [`POWER_CHANNELS`].
pub(super) type JudgedPowers = [Judged; POWER_CHANNELS.len()];

/// A voltage below this share of nominal counts as this much where power is divided by it.
const LEAST_VOLTAGE: f64 = 1e-3;

/// One standard deviation of a sensor of power in its unit.
pub(super) fn noise_of(noise: &Noise, model: &Converter, channel: ConverterChannel) -> f64 {
    match channel {
        ConverterChannel::ActivePower | ConverterChannel::ReactivePower => {
            noise.converter_power * rated_kw(model)
        }
        ConverterChannel::GridVoltage => noise.grid_voltage * model.grid_voltage_v,
        _ => noise.current * model.rated_current_a,
    }
}

/// Judges the sensors of power. `voltage_moves` tells whether the voltage at another converter has just moved.
pub(super) fn judge(
    known: &ConverterKnowledge,
    model: &Converter,
    state: &ConverterState,
    row: &Row,
    voltage_moves: bool,
) -> JudgedPowers {
    let noise2 = POWER_CHANNELS.map(|channel| square(noise_of(known.noise, model, channel)));
    let relations = PowerReadings::new(known, model, state, row, noise2).relations(row);
    let moves = |channel: ConverterChannel| {
        !state.tracks[channel].is_disturbed()
            && state
                .memory
                .past(channel)
                .moved(row.get(channel.field()), noise2[channel.index()])
                > MOVE
    };
    let moving = POWER_CHANNELS
        .into_iter()
        .filter(|&channel| moves(channel))
        .count();
    POWER_CHANNELS.map(|channel| {
        let noise2 = noise2[channel.index()];
        let relation = relations[channel.index()];
        let moved =
            moving > SENSORS_AT_ONCE || (voltage_moves && channel == ConverterChannel::GridVoltage);
        let past = if moved {
            None
        } else {
            let past = state.memory.past(channel);
            past.judge(row.get(channel.field()), noise2)
        };
        let steady = relation.map_or(f64::NAN, |relation| {
            relation.error / (relation.variance + noise2).sqrt()
        });
        match weigh(relation, past, noise2) {
            Some(verdict) => Judged {
                input: Input {
                    steady: Some(steady),
                    ..Input::new(verdict.error, verdict.std)
                },
                natural: verdict.natural || moved,
            },
            None => Judged {
                input: Input::absent(),
                natural: moved,
            },
        }
    })
}

/// The readings of a sample, for what each says of the others.
struct PowerReadings<'a> {
    model: &'a Converter,
    state: &'a ConverterState,
    /// Variance of the noise, in the order of [`POWER_CHANNELS`].
    noise2: [f64; POWER_CHANNELS.len()],
    /// Power in kW over voltage times current.
    k: f64,
    volts: f64,
    /// Current in the d axis, A.
    d: f64,
    /// Current in the q axis, A.
    q_axis: f64,
    /// Active power less k v `i_d`, kW.
    active: f64,
    /// Reactive power plus k v `i_q`, kVAr.
    reactive: f64,
    /// Voltage of the bus in V and variance of its noise, where it is known.
    bus: Option<(f64, f64)>,
}

impl<'a> PowerReadings<'a> {
    fn new(
        known: &ConverterKnowledge,
        model: &'a Converter,
        state: &'a ConverterState,
        row: &Row,
        noise2: [f64; POWER_CHANNELS.len()],
    ) -> Self {
        let volts = row.get(converter::GRID_VOLTAGE);
        let (d, q_axis) = (row.get(converter::CURRENT_D), row.get(converter::CURRENT_Q));
        let k = model.power_factor / 1000.0;
        let bus = model
            .bus
            .and_then(|bus| *known.bus_voltage_pu.get(bus)?)
            .map(|pu| {
                let noise2 = square(known.noise.voltage_pu * model.grid_voltage_v);
                (pu * model.grid_voltage_v, noise2)
            });
        Self {
            model,
            state,
            noise2,
            k,
            volts,
            d,
            q_axis,
            active: row.get(converter::ACTIVE_POWER) - k * volts * d,
            reactive: row.get(converter::REACTIVE_POWER) + k * volts * q_axis,
            bus,
        }
    }

    /// What the relations say of each sensor, as far as the others are not suspected.
    fn relations(&self, row: &Row) -> [Option<Estimate>; POWER_CHANNELS.len()] {
        use ConverterChannel::{ActivePower, CurrentD, CurrentQ, GridVoltage, ReactivePower};
        let (k, volts) = (self.k, self.volts);
        let [p2, q2, d2, q_axis2, v2] = self.noise2;
        // Without an AC side both reactive power and the current in the q axis are zero.
        let three_phase = is_three_phase(self.model);
        let nothing = |field: usize| estimate(row.get(field), 0.0);
        let per_ampere2 =
            square(k * volts).max(square(LEAST_VOLTAGE * k * self.model.grid_voltage_v));
        let active = self.if_fine([CurrentD, GridVoltage], || {
            let variance = square(k * volts) * d2 + square(k * self.d) * v2;
            estimate(self.active, variance)
        });
        let current_d = self.if_fine([ActivePower, GridVoltage], || {
            let variance = (p2 + square(k * self.d) * v2) / per_ampere2;
            estimate(-self.active / (k * volts), variance)
        });
        let reactive = if three_phase {
            self.if_fine([CurrentQ, GridVoltage], || {
                let variance = square(k * volts) * q_axis2 + square(k * self.q_axis) * v2;
                estimate(self.reactive, variance)
            })
        } else {
            nothing(converter::REACTIVE_POWER)
        };
        let current_q = if three_phase {
            self.if_fine([ReactivePower, GridVoltage], || {
                let variance = (q2 + square(k * self.q_axis) * v2) / per_ampere2;
                estimate(self.reactive / (k * volts), variance)
            })
        } else {
            nothing(converter::CURRENT_Q)
        };
        [active, reactive, current_d, current_q, self.voltage()]
    }

    /// What the bus says of the voltage, or what active power and current do.
    fn voltage(&self) -> Option<Estimate> {
        if let (Some((bus, bus2)), true) = (self.bus, is_three_phase(self.model)) {
            return estimate(self.volts - bus, bus2);
        }
        let (k, d) = (self.k, self.d);
        let [p2, _, d2, _, _] = self.noise2;
        let per_volt2 = square(k * d).max(square(k) * d2);
        let fine = [ConverterChannel::ActivePower, ConverterChannel::CurrentD];
        self.if_fine(fine, || {
            let variance = (p2 + square(k * self.volts) * d2) / per_volt2;
            estimate(-self.active * k * d / per_volt2, variance)
        })
    }

    /// An estimate that rests on these sensors, if nothing is known against them.
    fn if_fine(
        &self,
        sensors: [ConverterChannel; 2],
        estimate: impl FnOnce() -> Option<Estimate>,
    ) -> Option<Estimate> {
        let is_fine = |channel: ConverterChannel| {
            !self.state.tracks[channel].is_disturbed()
                && !self.state.repeats_itself(channel.field())
        };
        sensors.into_iter().all(is_fine).then(estimate).flatten()
    }
}

fn estimate(error: f64, variance: f64) -> Option<Estimate> {
    (error.is_finite() && variance.is_finite()).then_some(Estimate { error, variance })
}

/// The sensor of power that is farthest off, and the one that drifts most.
pub(super) fn prime(
    model: &Converter,
    state: &ConverterState,
    inputs: &Inputs,
) -> [Option<ConverterChannel>; 2] {
    let most = |value: &dyn Fn(ConverterChannel) -> f64| {
        POWER_CHANNELS
            .into_iter()
            .filter(|&channel| !state.tracks[channel].is_disturbed())
            .filter(|&channel| value(channel) > 0.0)
            .max_by(|&a, &b| value(a).total_cmp(&value(b)))
    };
    let jump = |channel: ConverterChannel| {
        let spec = channel.spec(model, true);
        let score = state.tracks[channel].score(&spec, &inputs[channel]).abs();
        if score.is_finite() { score } else { 0.0 }
    };
    [
        most(&jump),
        most(&|channel| state.tracks[channel].trend().abs()),
    ]
}

/// Whether a sensor of power may be the one at fault: it explains what the others seem to show.
pub(super) fn gate(
    state: &ConverterState,
    channel: ConverterChannel,
    prime: [Option<ConverterChannel>; 2],
) -> Gate {
    if state.tracks[channel].is_disturbed() {
        return Gate::Open;
    }
    let repeats = |channel: ConverterChannel| state.repeats_itself(channel.field());
    let disturbed =
        |other: ConverterChannel| other != channel && state.tracks[other].is_disturbed();
    let explained = POWER_CHANNELS.into_iter().any(repeats)
        || POWER_CHANNELS.into_iter().any(disturbed)
        || state.has(AlertSource::Feed);
    if !explained && prime.contains(&Some(channel)) {
        Gate::Open
    } else {
        Gate::Explained
    }
}
