//! The sensors of a bus that the network equations relate.

use crate::detect::model::bus;

/// A sensor of a bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::detect) enum Sensor {
    /// Voltage magnitude, p.u.
    Voltage,
    /// Voltage angle, deg.
    Angle,
    /// Net active injection, MW.
    ActivePower,
    /// Net reactive injection, `MVAr`.
    ReactivePower,
}

impl Sensor {
    /// All sensors of a bus, in the order of their indices.
    pub(in crate::detect) const ALL: [Self; 4] = [
        Self::Voltage,
        Self::Angle,
        Self::ActivePower,
        Self::ReactivePower,
    ];

    /// Place in [`Self::ALL`].
    pub(in crate::detect) fn index(self) -> usize {
        self as usize
    }

    /// The field of the bus row that it measures.
    pub(in crate::detect) fn field(self) -> usize {
        match self {
            Self::Voltage => bus::VOLTAGE,
            Self::Angle => bus::ANGLE,
            Self::ActivePower => bus::ACTIVE_POWER,
            Self::ReactivePower => bus::REACTIVE_POWER,
        }
    }
}

/// A sensor and its bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::detect) struct SensorAt {
    /// Index of the bus among the models.
    pub(in crate::detect) bus: usize,
    /// Which of its sensors.
    pub(in crate::detect) sensor: Sensor,
}

impl SensorAt {
    /// The sensors of so many buses, bus by bus.
    pub(in crate::detect) fn all(buses: usize) -> impl Iterator<Item = Self> {
        (0..buses).flat_map(|bus| Sensor::ALL.map(|sensor| Self { bus, sensor }))
    }

    /// Place in [`Self::all`].
    pub(in crate::detect) fn index(self) -> usize {
        self.bus * Sensor::ALL.len() + self.sensor.index()
    }
}

/// State of a bus as measured.
#[derive(Debug, Clone, Copy)]
pub(in crate::detect) struct BusReading {
    /// Voltage magnitude, p.u.
    pub(in crate::detect) voltage_pu: f64,
    /// Voltage angle, deg.
    pub(in crate::detect) angle_deg: f64,
    /// Net active injection, MW.
    pub(in crate::detect) active_mw: f64,
    /// Net reactive injection, `MVAr`.
    pub(in crate::detect) reactive_mvar: f64,
}

impl BusReading {
    /// That of a bus at nominal voltage without load.
    pub(in crate::detect) const FLAT: Self = Self {
        voltage_pu: 1.0,
        angle_deg: 0.0,
        active_mw: 0.0,
        reactive_mvar: 0.0,
    };

    /// What a sensor reads, in its unit.
    pub(in crate::detect) fn of(&self, sensor: Sensor) -> f64 {
        match sensor {
            Sensor::Voltage => self.voltage_pu,
            Sensor::Angle => self.angle_deg,
            Sensor::ActivePower => self.active_mw,
            Sensor::ReactivePower => self.reactive_mvar,
        }
    }

    /// What a sensor reads, to be changed.
    pub(in crate::detect) fn of_mut(&mut self, sensor: Sensor) -> &mut f64 {
        match sensor {
            Sensor::Voltage => &mut self.voltage_pu,
            Sensor::Angle => &mut self.angle_deg,
            Sensor::ActivePower => &mut self.active_mw,
            Sensor::ReactivePower => &mut self.reactive_mvar,
        }
    }
}
