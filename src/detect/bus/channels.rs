//! The channels of a bus, and what a bus remembers.

use serde::{Deserialize, Serialize};

use crate::detect::{
    channel::Channel,
    entity::EntityState,
    model::bus,
    network::Sensor,
    past::Past,
    track::{Level, PATIENCE, Spec},
};

/// A residual of a bus: those of its four sensors in the network equations, and frequency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::detect) enum BusChannel {
    /// Voltage magnitude against the network, p.u.
    Voltage,
    /// Voltage angle against the network, deg.
    Angle,
    /// Active injection against the network, MW.
    ActivePower,
    /// Reactive injection against the network, `MVAr`.
    ReactivePower,
    /// Frequency against that of the other buses, Hz.
    Frequency,
}

/// Channel, the field at fault, how the channel is judged, and how it is judged where the network is not
/// known. The frequency needs no network.
const CHANNELS: [(BusChannel, usize, Spec, Spec); 5] = [
    (BusChannel::Voltage, bus::VOLTAGE, SENSOR, ALONE),
    (BusChannel::Angle, bus::ANGLE, SENSOR, ALONE),
    (BusChannel::ActivePower, bus::ACTIVE_POWER, SENSOR, ALONE),
    (
        BusChannel::ReactivePower,
        bus::REACTIVE_POWER,
        SENSOR,
        ALONE,
    ),
    (BusChannel::Frequency, bus::FREQUENCY, COMMON, COMMON),
];

/// A sensor against the network equations and its own past. Normal noise makes a jump once in 1.5e8 samples;
/// the offset is the part of a bias that no other sensor contradicts. A run whose noise is weaker than 0.4
/// times that of the nameplates is judged as if it were not.
const SENSOR: Spec = Spec {
    level: Level::Exact { offset: 0.5 },
    jump: 5.8,
    floor: 0.4,
    noise: true,
};
/// A frequency against the others. Normal noise makes a jump once in 5e8 samples.
const COMMON: Spec = Spec {
    level: Level::Exact { offset: 1.0 },
    jump: 6.0,
    floor: 0.4,
    noise: true,
};
/// A field against its own past alone. What the grid does looks the same as what a sensor does, so only what is
/// far off is told, and neither drifts nor noise. The level covers the last 3 samples.
const ALONE: Spec = Spec {
    level: Level::Wanders {
        gain: 0.35,
        spread: 0.0,
        drift: f64::INFINITY,
        patience: PATIENCE,
    },
    jump: 8.0,
    floor: 0.4,
    noise: false,
};

impl BusChannel {
    /// The channel of a sensor.
    pub(super) fn of(sensor: Sensor) -> Self {
        match sensor {
            Sensor::Voltage => Self::Voltage,
            Sensor::Angle => Self::Angle,
            Sensor::ActivePower => Self::ActivePower,
            Sensor::ReactivePower => Self::ReactivePower,
        }
    }

    /// How it is judged.
    pub(super) fn spec(self) -> Spec {
        CHANNELS[self.index()].2
    }

    /// How it is judged where the network is not known.
    pub(super) fn spec_alone(self) -> Spec {
        CHANNELS[self.index()].3
    }
}

impl Channel for BusChannel {
    const ALL: &'static [Self] = &[
        CHANNELS[0].0,
        CHANNELS[1].0,
        CHANNELS[2].0,
        CHANNELS[3].0,
        CHANNELS[4].0,
    ];

    fn index(self) -> usize {
        self as usize
    }

    fn field(self) -> usize {
        CHANNELS[self.index()].1
    }
}

/// What a bus remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::detect) struct BusMemory {
    /// The pasts of its sensors, in the order of [`Sensor::ALL`].
    pasts: [Past; Sensor::ALL.len()],
}

impl BusMemory {
    /// The past of a sensor.
    pub(super) fn past(&self, sensor: Sensor) -> &Past {
        &self.pasts[sensor.index()]
    }

    /// The past of a sensor, to be changed.
    pub(super) fn past_mut(&mut self, sensor: Sensor) -> &mut Past {
        &mut self.pasts[sensor.index()]
    }
}

/// The state of one bus.
pub(in crate::detect) type BusState = EntityState<BusChannel, BusMemory>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_order_of_the_channels() {
        for (at, channel) in BusChannel::ALL.iter().enumerate() {
            assert_eq!(channel.index(), at);
        }
    }
}
