//! The channels of a converter.

use serde::{Deserialize, Serialize};

use crate::detect::{
    channel::Channel,
    model::{Converter, converter},
    track::{Level, PATIENCE, Spec},
};

/// A residual of a converter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::detect) enum ConverterChannel {
    /// Active power against voltage times current, kW. Without a measured voltage, their ratio to nominal.
    ActivePower,
    /// Reactive power likewise, kVAr.
    ReactivePower,
    /// The current in the d axis against active power and voltage, A.
    CurrentD,
    /// The current in the q axis against reactive power and voltage, A.
    CurrentQ,
    /// The grid voltage against that of the bus, V.
    GridVoltage,
    /// The ratio of active power against that of reactive power, where no grid voltage is measured.
    PowerRatios,
    /// The DC link against its own past, V.
    DcVoltage,
    /// Distortion times current, % of rated current.
    Distortion,
    /// Frequency against that of the other converters, Hz.
    Frequency,
    /// The heat sink against the air and the loss, K.
    Temperature,
}

/// Channel, the field at fault, and how the channel is judged for a converter, depending on whether its grid
/// voltage is measured. Channels stand in the order in which they are judged: first those of the sensors that
/// share the two relations of power, in the order of [`POWER_CHANNELS`], then those that the former explain.
const CHANNELS: [(ConverterChannel, usize, SpecOf); 10] = {
    use ConverterChannel as C;
    [
        (C::ActivePower, converter::ACTIVE_POWER, power),
        (C::ReactivePower, converter::REACTIVE_POWER, power),
        (C::CurrentD, converter::CURRENT_D, exact),
        (C::CurrentQ, converter::CURRENT_Q, exact),
        (C::GridVoltage, converter::GRID_VOLTAGE, exact),
        (C::PowerRatios, converter::ACTIVE_POWER, exact),
        (C::DcVoltage, converter::DC_VOLTAGE, dc_voltage),
        (C::Distortion, converter::THD, distortion),
        (C::Frequency, converter::FREQUENCY, exact),
        (C::Temperature, converter::TEMPERATURE, temperature),
    ]
};

/// The sensors that share the two relations of power.
pub(super) const POWER_CHANNELS: [ConverterChannel; 5] = [
    ConverterChannel::ActivePower,
    ConverterChannel::ReactivePower,
    ConverterChannel::CurrentD,
    ConverterChannel::CurrentQ,
    ConverterChannel::GridVoltage,
];

/// How a channel is judged, from the ratings and whether the grid voltage is measured.
type SpecOf = fn(&Converter, bool) -> Spec;

/// A residual that should be zero. Normal noise makes a jump once in 5e8 samples. A run whose noise is weaker
/// than 0.4 times that of the nameplates is judged as if it were not.
const EXACT: Spec = Spec {
    level: Level::Exact { offset: 1.0 },
    jump: 6.0,
    floor: 0.4,
    noise: true,
};
/// Share of a new value in the level of the DC link, which so covers the last 2 samples.
const LINK_GAIN: f64 = 0.5;
/// Standard deviations of the level of the DC link that make a drift.
const LINK_DRIFT: f64 = 6.0;
/// Share of a new value in the level of a ratio, which so covers the last 3 samples.
const RATIO_GAIN: f64 = 0.35;
/// Standard deviations of the level of a ratio that make a drift.
const RATIO_DRIFT: f64 = 6.5;
/// Standard deviation of the ratio of real to nominal voltage, which stands behind the ratios of power where
/// it is not measured: the voltage of a grid wanders by about half a percent.
const VOLTAGE_SPREAD: f64 = 0.004;
/// Standard deviation with which distortion times current wanders, % of rated current.
const DISTORTION_SPREAD: f64 = 0.02;
/// Share of a new value in the level of the heat sink, which so covers the last 3 samples.
const HEAT_GAIN: f64 = 0.3;
/// Standard deviations of the level of the heat sink that make a drift.
const HEAT_DRIFT: f64 = 6.5;
/// Samples for which a heat sink may be too warm before that is taken for normal: an hour.
const COOLING_PATIENCE: u32 = 7200;

fn exact(_: &Converter, _: bool) -> Spec {
    EXACT
}

/// Without a measured grid voltage the relations of power wander with it.
fn power(_: &Converter, measured: bool) -> Spec {
    if measured {
        EXACT
    } else {
        wandering(RATIO_GAIN, VOLTAGE_SPREAD, RATIO_DRIFT, PATIENCE)
    }
}

fn dc_voltage(model: &Converter, _: bool) -> Spec {
    let spread = model.dc_spread * model.dc_voltage_v;
    wandering(LINK_GAIN, spread, LINK_DRIFT, PATIENCE)
}

fn distortion(_: &Converter, _: bool) -> Spec {
    wandering(RATIO_GAIN, DISTORTION_SPREAD, RATIO_DRIFT, PATIENCE)
}

fn temperature(model: &Converter, _: bool) -> Spec {
    let spread = model.thermal.ambient_spread_k;
    wandering(HEAT_GAIN, spread, HEAT_DRIFT, COOLING_PATIENCE)
}

fn wandering(gain: f64, spread: f64, drift: f64, patience: u32) -> Spec {
    Spec {
        level: Level::Wanders {
            gain,
            spread,
            drift,
            patience,
        },
        ..EXACT
    }
}

impl ConverterChannel {
    /// How it is judged.
    pub(super) fn spec(self, model: &Converter, measured: bool) -> Spec {
        CHANNELS[self.index()].2(model, measured)
    }

    /// Whether it is that of a sensor that shares the relations of power.
    pub(super) fn is_power(self) -> bool {
        POWER_CHANNELS.contains(&self)
    }
}

impl Channel for ConverterChannel {
    const ALL: &'static [Self] = &[
        CHANNELS[0].0,
        CHANNELS[1].0,
        CHANNELS[2].0,
        CHANNELS[3].0,
        CHANNELS[4].0,
        CHANNELS[5].0,
        CHANNELS[6].0,
        CHANNELS[7].0,
        CHANNELS[8].0,
        CHANNELS[9].0,
    ];

    fn index(self) -> usize {
        self as usize
    }

    fn field(self) -> usize {
        CHANNELS[self.index()].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_order_of_the_channels() {
        for (at, channel) in ConverterChannel::ALL.iter().enumerate() {
            assert_eq!(channel.index(), at);
        }
        assert_eq!(ConverterChannel::ALL[..5], POWER_CHANNELS);
    }
}
