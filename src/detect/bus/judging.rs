//! What the network equations and the past say of each reading at one instant.

use super::channels::{BusChannel, BusState};
use crate::detect::{
    model::Row,
    network::{BusReading, Excluded, Normalised, Parity, Sensor, SensorAt, dot, normalised},
    past::{Estimate, Verdict, weigh},
    sensor::{Judged, MOVE, SENSORS_AT_ONCE},
    statistics::square,
    track::Input,
};

/// Farther than this from nominal voltage, p.u., the signatures, which are linearised there, are not quite
/// right: the derivatives of power grow with the voltage, here by a tenth.
const STRAINED_PU: f64 = 0.1;
/// Distrusted voltages are replaced in so many steps at most: each step uses the signatures of the flat
/// start, so what it leaves of an error is much smaller than the error.
const SETTLING_STEPS: usize = 3;
/// When no distrusted voltage moves by more than so many standard deviations, they are settled: a tenth of
/// the noise does not matter.
const SETTLED: f64 = 0.1;
/// A signature that is left with a smaller squared length, in standard deviations, tells nothing of its
/// sensor: the division by it would amplify rounding.
const LEAST_LENGTH2: f64 = 1e-6;

/// Sensors whose readings are not trusted.
#[derive(Debug)]
pub(super) struct Distrusted {
    sensors: Vec<SensorAt>,
}

impl Distrusted {
    /// Whether a sensor is among them.
    pub(super) fn has(&self, at: SensorAt) -> bool {
        self.sensors.contains(&at)
    }

    /// All of them but one.
    fn without(&self, own: SensorAt) -> Self {
        let others = self.sensors.iter().copied();
        Self {
            sensors: others.filter(|&other| other != own).collect(),
        }
    }

    /// Their signatures.
    fn excluded(&self, parity: &Parity) -> Excluded {
        let mut excluded = Excluded::default();
        for &at in &self.sensors {
            excluded.add(parity.signature(at));
        }
        excluded
    }

    /// The parity vector with distrusted voltages replaced by what the other sensors say, so that a large
    /// error leaves nothing that linearisation missed; the directions of distrusted sensors are projected
    /// out.
    fn settled(&self, parity: &Parity, readings: &[BusReading]) -> Vec<f64> {
        let mut vector = parity.vector(readings);
        if self.sensors.is_empty() {
            return vector;
        }
        let mut readings = readings.to_vec();
        for _ in 0..SETTLING_STEPS {
            let mut moved = 0.0_f64;
            for &at in &self.sensors {
                let mut rest = parity.signature(at).to_vec();
                self.without(at).excluded(parity).project(&mut rest);
                let length2 = dot(&rest, &rest);
                let is_voltage = matches!(at.sensor, Sensor::Voltage | Sensor::Angle);
                if is_voltage && length2 > LEAST_LENGTH2 {
                    let error = dot(&vector, &rest) / length2;
                    *readings[at.bus].of_mut(at.sensor) -= error * parity.noise_of(at);
                    moved = moved.max(error.abs());
                }
            }
            if moved < SETTLED {
                break;
            }
            vector = parity.vector(&readings);
        }
        self.excluded(parity).project(&mut vector);
        vector
    }

    /// What the network equations say of a sensor, as far as the others can be trusted. `vector` and
    /// `excluded` are those of a sensor that is trusted.
    fn residual(
        &self,
        parity: &Parity,
        readings: &[BusReading],
        own: SensorAt,
        vector: &[f64],
        excluded: &Excluded,
    ) -> Option<Normalised> {
        let signature = parity.signature(own);
        if self.has(own) {
            let others = self.without(own);
            let vector = others.settled(parity, readings);
            normalised(&vector, signature, &others.excluded(parity))
        } else {
            normalised(vector, signature, excluded)
        }
    }
}

/// The readings of all sensors, the last ones where there are none, and which of them are not trusted.
pub(super) fn read(states: &[BusState], rows: &[Option<Row>]) -> (Vec<BusReading>, Distrusted) {
    let mut readings = Vec::with_capacity(states.len());
    let mut sensors = Vec::new();
    for (bus, (state, row)) in states.iter().zip(rows).enumerate() {
        let mut reading = BusReading::FLAT;
        for sensor in Sensor::ALL {
            let field = sensor.field();
            let value = row.map_or(f64::NAN, |row| row.get(field));
            if value.is_finite() {
                *reading.of_mut(sensor) = value;
            } else if let Some(last) = state.last[field] {
                *reading.of_mut(sensor) = last;
            }
            let doubtful =
                state.repeats_itself(field) || state.tracks[BusChannel::of(sensor)].is_disturbed();
            if !value.is_finite() || doubtful {
                sensors.push(SensorAt { bus, sensor });
            }
        }
        readings.push(reading);
    }
    (readings, Distrusted { sensors })
}

/// What is to be thought of each reading, in the order of [`SensorAt::index`].
pub(super) fn judge(
    parity: &Parity,
    factor: f64,
    states: &[BusState],
    rows: &[Option<Row>],
    readings: &[BusReading],
    distrusted: &Distrusted,
) -> Vec<Judged> {
    let noise2 = |at: SensorAt| square(factor * parity.noise_of(at));
    let past = |at: SensorAt| states[at.bus].memory.past(at.sensor);
    let value = |at: SensorAt| readings[at.bus].of(at.sensor);
    let moves =
        |&at: &SensorAt| !distrusted.has(at) && past(at).moved(value(at), noise2(at)) > MOVE;
    let moved = SensorAt::all(states.len()).filter(moves).count() > SENSORS_AT_ONCE;
    let strained = readings
        .iter()
        .any(|reading| (reading.voltage_pu - 1.0).abs() > STRAINED_PU);
    let vector = distrusted.settled(parity, readings);
    let excluded = distrusted.excluded(parity);
    SensorAt::all(states.len())
        .map(|own| {
            let residual = rows[own.bus]
                .as_ref()
                .and_then(|_| distrusted.residual(parity, readings, own, &vector, &excluded));
            let noise2 = noise2(own);
            let relation = residual.map(|residual| Estimate {
                error: residual.score / residual.length * parity.noise_of(own),
                variance: noise2 * (1.0 / square(residual.length) - 1.0).max(0.0),
            });
            let past = if moved {
                None
            } else {
                past(own).judge(value(own), noise2)
            };
            let verdict = weigh(relation, relation.and(past), noise2).unwrap_or(Verdict {
                error: f64::NAN,
                std: noise2.sqrt(),
                natural: false,
            });
            Judged {
                input: Input {
                    coarse: if strained { verdict.std } else { 0.0 },
                    steady: Some(residual.map_or(f64::NAN, |residual| residual.score / factor)),
                    ..Input::new(verdict.error, verdict.std)
                },
                natural: verdict.natural || moved,
            }
        })
        .collect()
}
