//! What the network equations say of bus measurements.
//!
//! Magnitude and angle of all voltages determine all injections, so that of the four measured
//! quantities per bus two are redundant. The parity vector is the difference between measured and
//! computed injections (and the angle of each slack bus, which is zero by definition); it is zero but for
//! errors of sensors, whatever the grid does. An error of one sensor moves it in one direction only, its
//! signature; the share of the whitened vector in that direction, in standard deviations, is the
//! normalised residual that tells how likely that sensor is wrong (Handschin et al. 1975; Monticelli 1999,
//! chapter 7). Signatures are linearised at the flat start; the parity vector itself is exact.

mod admittance;
mod algebra;
mod excluded;
mod sensor;

use super::model::Noise;
use crate::{
    grid::topology::Topology,
    maths::{cos, sin},
};
use admittance::Admittances;
use algebra::cholesky;
pub(super) use algebra::dot;
pub(super) use excluded::{Excluded, Normalised, normalised};
pub(super) use sensor::{BusReading, Sensor, SensorAt};

/// A larger network would need a sparse factorisation: the factor of the covariance of 120 buses has 58 000
/// entries, each of which every parity vector needs. The buses of a larger one are watched one by one.
const BUSES_MAX: usize = 120;

/// The network equations, prepared for the judgement of sensors.
#[derive(Debug, Clone)]
pub(super) struct Parity {
    /// Base of the per-unit values, MVA.
    base_mva: f64,
    /// Which buses are connected, and how.
    admittances: Admittances,
    /// Whether each bus is connected to a slack bus.
    supplied: Vec<bool>,
    /// Standard deviation of each sensor in p.u. and rad, in the order of [`SensorAt::index`].
    noise: Vec<f64>,
    /// Lower triangular factor of the covariance of the parity vector, by rows.
    factor: Vec<Vec<f64>>,
    /// Whitened signature of each sensor, scaled to one standard deviation of its noise, in the order of
    /// [`SensorAt::index`].
    signatures: Vec<Vec<f64>>,
}

impl Parity {
    /// Prepares the network; none if it is too large, has no slack bus or does not hold exactly the buses
    /// of `ids`.
    pub(super) fn new(
        topology: &Topology,
        base_mva: f64,
        ids: &[&str],
        noise: &Noise,
        power_noise_mw: &[Option<f64>],
    ) -> Option<Self> {
        let n = ids.len();
        if n == 0
            || n > BUSES_MAX
            || topology.buses.len() != n
            || power_noise_mw.len() != n
            || base_mva <= 0.0
        {
            return None;
        }
        let admittances = Admittances::new(topology, base_mva, ids)?;
        let of_bus = |own: &Option<f64>| {
            let power = |common: f64| own.unwrap_or(common) / base_mva;
            Sensor::ALL.map(|sensor| match sensor {
                Sensor::Voltage => noise.voltage_pu,
                Sensor::Angle => noise.angle_degree.to_radians(),
                Sensor::ActivePower => power(noise.active_power_mw),
                Sensor::ReactivePower => power(noise.reactive_power_mvar),
            })
        };
        let mut parity = Self {
            base_mva,
            supplied: admittances.supplied(),
            admittances,
            noise: power_noise_mw.iter().flat_map(of_bus).collect(),
            factor: Vec::new(),
            signatures: Vec::new(),
        };
        parity.prepare().then_some(parity)
    }

    /// Whether a bus is connected to a slack bus; one that is not has no samples.
    pub(super) fn is_supplied(&self, bus: usize) -> bool {
        self.supplied.get(bus).copied().unwrap_or(true)
    }

    /// The whitened parity vector: active power by bus, reactive power by bus, angle by slack bus.
    pub(super) fn vector(&self, readings: &[BusReading]) -> Vec<f64> {
        let n = self.admittances.rows.len();
        let rect: Vec<(f64, f64)> = readings
            .iter()
            .map(|reading| {
                let angle = reading.angle_deg.to_radians();
                (
                    reading.voltage_pu * cos(angle),
                    reading.voltage_pu * sin(angle),
                )
            })
            .collect();
        let mut vector = vec![0.0; self.size()];
        for (i, row) in self.admittances.rows.iter().enumerate() {
            // The current into the bus.
            let (mut re, mut im) = (0.0, 0.0);
            for neighbour in row {
                let (e, f) = rect[neighbour.bus];
                re += neighbour.g * e - neighbour.b * f;
                im += neighbour.g * f + neighbour.b * e;
            }
            let (e, f) = rect[i];
            vector[i] = readings[i].active_mw / self.base_mva - (e * re + f * im);
            vector[n + i] = readings[i].reactive_mvar / self.base_mva - (f * re - e * im);
        }
        for (at, &bus) in self.admittances.slack.iter().enumerate() {
            vector[2 * n + at] = readings[bus].angle_deg.to_radians();
        }
        self.whiten(&mut vector);
        vector
    }

    /// The signature of a sensor (whitened, of one standard deviation).
    pub(super) fn signature(&self, at: SensorAt) -> &[f64] {
        &self.signatures[at.index()]
    }

    /// One standard deviation of a sensor in the unit of its reading.
    pub(super) fn noise_of(&self, at: SensorAt) -> f64 {
        let noise = self.noise[at.index()];
        match at.sensor {
            Sensor::Voltage => noise,
            Sensor::Angle => noise.to_degrees(),
            Sensor::ActivePower | Sensor::ReactivePower => noise * self.base_mva,
        }
    }

    /// Length of the parity vector.
    fn size(&self) -> usize {
        2 * self.admittances.rows.len() + self.admittances.slack.len()
    }

    fn whiten(&self, vector: &mut [f64]) {
        for i in 0..vector.len() {
            let mut value = vector[i];
            for k in 0..i {
                value -= self.factor[i][k] * vector[k];
            }
            vector[i] = value / self.factor[i][i];
        }
    }

    /// Prepares the factor of the covariance and the signatures; false if the covariance has none.
    fn prepare(&mut self) -> bool {
        let mut signatures = self.flat_derivatives();
        for (signature, noise) in signatures.iter_mut().zip(&self.noise) {
            for value in signature {
                *value *= noise;
            }
        }
        let size = self.size();
        let mut covariance = vec![vec![0.0; size]; size];
        for signature in &signatures {
            for i in 0..size {
                for k in 0..=i {
                    covariance[i][k] += signature[i] * signature[k];
                }
            }
        }
        if !cholesky(&mut covariance) {
            return false;
        }
        self.factor = covariance;
        for signature in &mut signatures {
            self.whiten(signature);
        }
        self.signatures = signatures;
        true
    }

    /// How the parity vector changes with each sensor at V = 1, angle 0: with Y = G + jB the derivatives of
    /// `P_i` by angle k are `-B_ik` off the diagonal (balanced on it), by magnitude `G_ik`; of `Q_i` by angle
    /// `-G_ik`, by magnitude `-B_ik`.
    fn flat_derivatives(&self) -> Vec<Vec<f64>> {
        let rows = &self.admittances.rows;
        let n = rows.len();
        let mut plain = vec![vec![0.0; self.size()]; n * Sensor::ALL.len()];
        let of = |bus: usize, sensor: Sensor| SensorAt { bus, sensor }.index();
        for (i, row) in rows.iter().enumerate() {
            let (sum_g, sum_b) = row.iter().fold((0.0, 0.0), |sum, neighbour| {
                (sum.0 + neighbour.g, sum.1 + neighbour.b)
            });
            for neighbour in row {
                let (k, g, b) = (neighbour.bus, neighbour.g, neighbour.b);
                let own = if k == i { 1.0 } else { 0.0 };
                let voltage = &mut plain[of(k, Sensor::Voltage)];
                voltage[i] -= g + own * sum_g;
                voltage[n + i] -= -b - own * sum_b;
                let angle = &mut plain[of(k, Sensor::Angle)];
                angle[i] -= -b + own * sum_b;
                angle[n + i] -= -g + own * sum_g;
            }
            plain[of(i, Sensor::ActivePower)][i] = 1.0;
            plain[of(i, Sensor::ReactivePower)][n + i] = 1.0;
        }
        for (at, &bus) in self.admittances.slack.iter().enumerate() {
            plain[of(bus, Sensor::Angle)][2 * n + at] = 1.0;
        }
        plain
    }
}

#[cfg(test)]
mod tests;
