//! Bus measurements: the network equations across all buses, and one frequency for all.

use super::{
    common::{COMMON_MEMORY, Common},
    entity::{self, AnomalyChange, EntityState, Place, Shape, Source, report},
    model::{Noise, Row, bus},
    network::{self, BusReading, Excluded, Parity, SENSORS},
    past::{Estimate, Verdict, weigh},
    shape::square,
    track::{Gate, Input, Level, PATIENCE, Spec},
};

/// Residuals of a bus: those of its four sensors in the network equations, and frequency.
pub(super) const SHAPE: Shape = Shape {
    tracks: SENSORS + 1,
    pasts: SENSORS,
    memory: COMMON_MEMORY,
};
/// Residual of the voltage magnitude.
pub(super) const VOLTAGE: usize = 0;
pub(super) const FREQUENCY: usize = SENSORS;
/// Where more readings than this move at once, the grid has moved: sensors fail one at a time.
const SENSORS_AT_ONCE: usize = 2;
/// Standard deviations that count as a move.
const MOVE: f64 = 4.5;

/// What is known of all buses.
pub(super) struct Known<'a> {
    pub(super) noise: &'a Noise,
    /// The noise over that of the nameplates.
    pub(super) factor: f64,
    pub(super) parity: Option<&'a Parity>,
}

const SENSOR: Spec = Spec {
    level: Level::Exact { offset: 0.5 },
    jump: 5.8,
    floor: 0.4,
    noise: true,
};
const COMMON: Spec = Spec {
    level: Level::Exact { offset: 1.0 },
    jump: 6.0,
    floor: 0.4,
    noise: true,
};
/// Without network equations a field is compared with its own past.
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

/// Takes one instant of all buses.
pub(super) fn observe(
    known: &Known,
    states: &mut [EntityState],
    rows: &[Option<Row>],
    place: Place,
    changes: &mut Vec<AnomalyChange>,
) {
    for (at, (state, row)) in states.iter_mut().zip(rows).enumerate() {
        let Some(row) = row else { continue };
        entity::watch_repeats(
            state,
            Place {
                entity: at,
                ..place
            },
            &row.values[..place.stream.stream().fields.len()],
            |_, _| false,
            has_track_alert,
            |_, _| true,
            changes,
        );
    }
    frequencies(known.noise, states, rows, place, changes);
    match known.parity {
        Some(parity) => sensors(parity, known.factor, states, rows, place, changes),
        None => alone(known.noise, states, rows, place, changes),
    }
}

fn has_track_alert(state: &EntityState, field: usize) -> bool {
    let track = network::FIELD_OF_SENSOR
        .iter()
        .position(|&other| other == field)
        .unwrap_or(FREQUENCY);
    state.has(Source::Track(track))
}

fn frequencies(
    noise: &Noise,
    states: &mut [EntityState],
    rows: &[Option<Row>],
    place: Place,
    changes: &mut Vec<AnomalyChange>,
) {
    let common = Common::new(noise, states, rows, bus::FREQUENCY, FREQUENCY);
    for (at, state) in states.iter_mut().enumerate() {
        let (input, gate) = common.judge(state, at, bus::FREQUENCY, FREQUENCY);
        let signal = state.tracks[FREQUENCY].step(&COMMON, &input, gate);
        let place = Place {
            entity: at,
            ..place
        };
        report(state, place, FREQUENCY, bus::FREQUENCY, signal, changes);
    }
}

/// All sensors against the network equations and against their own past.
fn sensors(
    parity: &Parity,
    factor: f64,
    states: &mut [EntityState],
    rows: &[Option<Row>],
    place: Place,
    changes: &mut Vec<AnomalyChange>,
) {
    let (readings, bad) = read(states, rows);
    let judged = judge(parity, factor, states, rows, &readings, &bad);
    let prime = |value: &dyn Fn(usize, usize) -> f64| {
        let mut best = (0.0, (usize::MAX, 0));
        for at in 0..states.len() {
            for sensor in 0..SENSORS {
                if !bad.contains(&(at, sensor)) {
                    let value = value(at, sensor);
                    if value > best.0 {
                        best = (value, (at, sensor));
                    }
                }
            }
        }
        best.1
    };
    let most_jumped = prime(&|at, sensor| {
        states[at].tracks[sensor]
            .score(&SENSOR, &judged[at * SENSORS + sensor].input)
            .abs()
    });
    let most_drifted = prime(&|at, sensor| states[at].tracks[sensor].trend().abs());
    let mut found = false;
    for (at, state) in states.iter_mut().enumerate() {
        let here = Place {
            entity: at,
            ..place
        };
        for sensor in 0..SENSORS {
            let own = (at, sensor);
            let field = network::FIELD_OF_SENSOR[sensor];
            let pausing = state.repeats[field].is_pausing();
            let off = pausing || state.is_stuck(field) || !parity.is_supplied(at);
            let first = own == most_jumped || own == most_drifted;
            let was_calm = !state.tracks[sensor].is_disturbed();
            let gate = if !off && (first || !was_calm) {
                Gate::Open
            } else {
                Gate::Explained
            };
            let Judged { input, natural } = judged[at * SENSORS + sensor];
            if natural && state.tracks[sensor].is_suspicious() {
                state.tracks[sensor].explain();
            }
            let silent = state.rest(sensor, field);
            let signal = if silent {
                None
            } else {
                state.tracks[sensor].step(&SENSOR, &input, gate)
            };
            found |= was_calm && state.tracks[sensor].is_disturbed();
            let noise2 = square(factor * parity.noise_of(at, sensor));
            let value = rows[at].map_or(f64::NAN, |row| row.get(field));
            state.follow(sensor, sensor, value, noise2, natural, off, signal.as_ref());
            report(state, here, sensor, field, signal, changes);
        }
    }
    if found {
        // One sensor explains what the others seemed to show.
        for state in states {
            for track in &mut state.tracks[..SENSORS] {
                if !track.is_disturbed() {
                    track.explain();
                }
            }
        }
    }
}

/// The readings of all sensors, the last ones where there are none, and which of them are not trusted.
fn read(states: &[EntityState], rows: &[Option<Row>]) -> (Vec<BusReading>, Vec<(usize, usize)>) {
    let mut readings = Vec::with_capacity(states.len());
    let mut bad = Vec::new();
    for (at, (state, row)) in states.iter().zip(rows).enumerate() {
        let mut reading = [1.0, 0.0, 0.0, 0.0];
        for sensor in 0..SENSORS {
            let field = network::FIELD_OF_SENSOR[sensor];
            let value = row.map_or(f64::NAN, |row| row.get(field));
            if value.is_finite() {
                reading[sensor] = value;
            } else if let Some(last) = state.last[field] {
                reading[sensor] = last;
            }
            let doubtful = state.is_stuck(field)
                || state.repeats[field].is_pausing()
                || state.tracks[sensor].is_disturbed();
            if !value.is_finite() || doubtful {
                bad.push((at, sensor));
            }
        }
        readings.push(reading);
    }
    (readings, bad)
}

/// What is to be thought of a sensor's reading.
struct Judged {
    input: Input,
    /// It has moved with the grid.
    natural: bool,
}

fn judge(
    parity: &Parity,
    factor: f64,
    states: &[EntityState],
    rows: &[Option<Row>],
    readings: &[BusReading],
    bad: &[(usize, usize)],
) -> Vec<Judged> {
    let noise2 = |at: usize, sensor: usize| square(factor * parity.noise_of(at, sensor));
    let moves = |at: usize| {
        let state = &states[at];
        (0..SENSORS).filter(move |&sensor| {
            !bad.contains(&(at, sensor))
                && state.pasts[sensor].moved(readings[at][sensor], noise2(at, sensor)) > MOVE
        })
    };
    let moved = (0..states.len()).flat_map(moves).count() > SENSORS_AT_ONCE;
    // Far from the flat start the weights of the sensors are not quite right.
    let strained = readings
        .iter()
        .any(|reading| (reading[0] - 1.0).abs() > 0.1);
    let vector = settled(parity, &mut readings.to_vec(), bad);
    let all = excluded(parity, bad, None);
    let mut judged = Vec::with_capacity(states.len() * SENSORS);
    for at in 0..states.len() {
        for sensor in 0..SENSORS {
            let own = (at, sensor);
            let residual = if rows[at].is_none() {
                None
            } else if bad.contains(&own) {
                let others: Vec<_> = bad.iter().copied().filter(|&other| other != own).collect();
                let vector = settled(parity, &mut readings.to_vec(), &others);
                let without = excluded(parity, &others, None);
                network::normalised(&vector, parity.signature(at, sensor), &without)
            } else {
                network::normalised(&vector, parity.signature(at, sensor), &all)
            };
            let noise2 = noise2(at, sensor);
            let noise = noise2.sqrt();
            let relation = residual.map(|(score, length)| Estimate {
                error: score / length * parity.noise_of(at, sensor),
                variance: noise2 * (1.0 / square(length) - 1.0).max(0.0),
            });
            let past = if moved {
                None
            } else {
                states[at].pasts[sensor].judge(readings[at][sensor], noise2)
            };
            let verdict = weigh(relation, relation.and(past), noise2).unwrap_or(Verdict {
                error: f64::NAN,
                std: noise,
                natural: false,
            });
            judged.push(Judged {
                input: Input {
                    coarse: if strained { verdict.std } else { 0.0 },
                    steady: Some(residual.map_or(f64::NAN, |(score, _)| score / factor)),
                    ..Input::new(verdict.error, verdict.std)
                },
                natural: verdict.natural || moved,
            });
        }
    }
    judged
}

fn excluded(parity: &Parity, bad: &[(usize, usize)], but: Option<(usize, usize)>) -> Excluded {
    let mut excluded = Excluded::default();
    for &(at, sensor) in bad {
        if Some((at, sensor)) != but {
            excluded.add(parity.signature(at, sensor));
        }
    }
    excluded
}

/// The parity vector with bad voltages replaced by what the other sensors say, so that a large error
/// leaves nothing that linearisation missed; the bad directions are projected out.
fn settled(parity: &Parity, readings: &mut [BusReading], bad: &[(usize, usize)]) -> Vec<f64> {
    let mut vector = parity.vector(readings);
    if bad.is_empty() {
        return vector;
    }
    for _ in 0..3 {
        let mut moved = 0.0_f64;
        for &(at, sensor) in bad {
            let others = excluded(parity, bad, Some((at, sensor)));
            let mut rest = parity.signature(at, sensor).to_vec();
            others.project(&mut rest);
            let length2 = network::dot(&rest, &rest);
            if sensor < 2 && length2 > 1e-6 {
                let error = network::dot(&vector, &rest) / length2;
                readings[at][sensor] -= error * parity.noise_of(at, sensor);
                moved = moved.max(error.abs());
            }
        }
        if moved < 0.1 {
            break;
        }
        vector = parity.vector(readings);
    }
    excluded(parity, bad, None).project(&mut vector);
    vector
}

/// Every field against its own past, where no other field moves at the same instant.
fn alone(
    noise: &Noise,
    states: &mut [EntityState],
    rows: &[Option<Row>],
    place: Place,
    changes: &mut Vec<AnomalyChange>,
) {
    let std = [
        noise.voltage_pu,
        noise.angle_degree,
        noise.active_power_mw,
        noise.reactive_power_mvar,
    ];
    let mut moving = 0;
    for (state, row) in states.iter().zip(rows) {
        let Some(row) = row else { continue };
        for sensor in 0..SENSORS {
            let value = row.get(network::FIELD_OF_SENSOR[sensor]);
            let track = &state.tracks[sensor];
            if !track.is_disturbed()
                && track.score(&ALONE, &Input::new(value, std[sensor])).abs() > 5.0
            {
                moving += 1;
            }
        }
    }
    for (at, (state, row)) in states.iter_mut().zip(rows).enumerate() {
        let Some(row) = row else { continue };
        for sensor in 0..SENSORS {
            let field = network::FIELD_OF_SENSOR[sensor];
            let gate = if state.is_stuck(field) {
                Gate::Explained
            } else if moving > 1 && !state.tracks[sensor].is_alarming() {
                Gate::Moving
            } else {
                Gate::Open
            };
            let input = Input::new(row.get(field), std[sensor]);
            let signal = state.tracks[sensor].step(&ALONE, &input, gate);
            report(
                state,
                Place {
                    entity: at,
                    ..place
                },
                sensor,
                field,
                signal,
                changes,
            );
        }
    }
}
