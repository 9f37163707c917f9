//! The residuals of a converter that do not need its grid voltage.

use std::ops::{Index, IndexMut};

use super::{
    channels::ConverterChannel,
    knowledge::{ConverterKnowledge, is_three_phase},
    memory::ConverterMemory,
};
use crate::detect::{
    channel::Channel,
    model::{Converter, Noise, Row, converter},
    statistics::hypot,
    track::Input,
};

/// Currents below this share of the rating say nothing of ratios; distortion refers to at least this much.
const LEAST_LOAD: f64 = 0.05;
/// Distortion is judged above this load only: the current's own noise would be most of it.
const DISTORTION_LOAD: f64 = 0.15;
/// Share of distortion times the change of the load by which its level may have moved: distortion is not
/// quite inverse to the current.
const DISTORTION_DOUBT: f64 = 0.03;
/// Share of the last change of the rise that the thermal model may have wrong.
const CHANGE_DOUBT: f64 = 0.25;
/// Share of the distance of the rise from its average by which the level may have moved: that is
/// how well thermal resistances are taken to be known.
const RISE_DOUBT: f64 = 0.08;

/// The values of all residuals of a sample.
#[derive(Debug)]
pub(super) struct Inputs {
    values: [Input; ConverterChannel::ALL.len()],
}

impl Index<ConverterChannel> for Inputs {
    type Output = Input;

    fn index(&self, channel: ConverterChannel) -> &Input {
        &self.values[channel.index()]
    }
}

impl IndexMut<ConverterChannel> for Inputs {
    fn index_mut(&mut self, channel: ConverterChannel) -> &mut Input {
        &mut self.values[channel.index()]
    }
}

impl Inputs {
    /// Those that the sample and the memory tell; the others are absent. `rise` is the modelled rise of the
    /// heat sink, K.
    pub(super) fn new(
        known: &ConverterKnowledge,
        model: &Converter,
        memory: &ConverterMemory,
        row: &Row,
        rise: f64,
    ) -> Self {
        let mut inputs = Self {
            values: [Input::absent(); ConverterChannel::ALL.len()],
        };
        if !row.get(converter::GRID_VOLTAGE).is_finite() {
            let [active, reactive, between] = ratios(known.noise, model, row);
            inputs[ConverterChannel::ActivePower] = active;
            inputs[ConverterChannel::ReactivePower] = reactive;
            inputs[ConverterChannel::PowerRatios] = between;
        }
        inputs[ConverterChannel::DcVoltage] = Input::new(
            row.get(converter::DC_VOLTAGE),
            known.noise.dc_voltage * model.dc_voltage_v,
        );
        inputs[ConverterChannel::Distortion] = distortion(known.noise, memory, row);
        inputs[ConverterChannel::Temperature] = temperature(known, memory, row, rise);
        inputs
    }
}

/// Distortion times current: what it is in A hardly depends on the load.
fn distortion(noise: &Noise, memory: &ConverterMemory, row: &Row) -> Input {
    let load = memory.load.now;
    let referred = load.max(LEAST_LOAD);
    let slow = memory.load.average.max(LEAST_LOAD);
    let thd = row.get(converter::THD);
    let residual = if load > DISTORTION_LOAD {
        thd * referred
    } else {
        f64::NAN
    };
    Input {
        doubt: DISTORTION_DOUBT * thd * (load - slow).abs(),
        ..Input::new(residual, hypot(noise.thd * referred, thd * noise.current))
    }
}

/// The heat sink less the air and the modelled rise.
fn temperature(
    known: &ConverterKnowledge,
    memory: &ConverterMemory,
    row: &Row,
    rise: f64,
) -> Input {
    let heat = &memory.heat;
    // Until the air has been measured for the first time nothing is known of the rise. A recorded stream of
    // converters alone never measures it: there the level of the residual is the air.
    let unmeasured = if known.air_c.is_empty() {
        0.0
    } else {
        f64::NAN
    };
    let air_c = heat.air_c.unwrap_or(unmeasured);
    let residual = row.get(converter::TEMPERATURE) - air_c - (1.0 + heat.ratio) * rise;
    Input {
        coarse: CHANGE_DOUBT * heat.change_k,
        doubt: hypot(RISE_DOUBT * heat.apart_k(rise), heat.unknown_k),
        ..Input::new(residual, known.noise.heat_sink_k)
    }
}

/// Active power, reactive power, and one against the other, where no grid voltage is measured: their ratios
/// to nominal wander together as the voltage does.
fn ratios(noise: &Noise, model: &Converter, row: &Row) -> [Input; 3] {
    let (p, q) = (
        row.get(converter::ACTIVE_POWER),
        row.get(converter::REACTIVE_POWER),
    );
    let (d, q_axis) = (row.get(converter::CURRENT_D), row.get(converter::CURRENT_Q));
    let nominal = model.power_factor * model.grid_voltage_v / 1000.0;
    let power_std = noise.converter_power * nominal * model.rated_current_a;
    let current_std = noise.current * model.rated_current_a;
    let least = LEAST_LOAD * model.rated_current_a;
    let std = |current: f64| hypot(power_std / nominal, current_std) / current.abs();
    let ratio = |power: f64, current: f64| {
        if current.abs() < least {
            Input::absent()
        } else {
            Input::new(power / (nominal * current) - 1.0, std(current))
        }
    };
    let active = ratio(p, d);
    let reactive = if is_three_phase(model) {
        ratio(-q, q_axis)
    } else {
        Input::absent()
    };
    let between = Input::new(
        active.residual - reactive.residual,
        hypot(active.std, reactive.std),
    );
    [active, reactive, between]
}
