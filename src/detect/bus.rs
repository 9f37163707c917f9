//! Bus measurements: the network equations across all buses, and one frequency for all.

use super::{
    common::Common,
    entity::{self, AnomalyChange, EntityState, Place, Source, report},
    model::{Noise, Row, bus},
    network::{self, BusReading, Excluded, Parity, SENSORS},
    track::{Gate, Input, Level, PATIENCE, Spec},
};

/// Residuals of a bus: those of its four sensors in the network equations, and frequency.
pub(super) const TRACKS: usize = SENSORS + 1;
const FREQUENCY: usize = SENSORS;

/// The mean frequency (first entity only), and per sensor the mean square change between samples now and in
/// the long run, and the samples that rests on.
pub(super) const MEMORY: usize = 1 + 3 * SENSORS;
const PRESENT: usize = 1;
const USUAL: usize = PRESENT + SENSORS;
const SEEN: usize = USUAL + SENSORS;

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
    noise: &Noise,
    parity: Option<&Parity>,
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
            &row.values[..bus::FIELDS.len()],
            |_, _| false,
            has_track_alert,
            |_, _| true,
            changes,
        );
    }
    frequencies(noise, states, rows, place, changes);
    match parity {
        Some(parity) => sensors(parity, states, rows, place, changes),
        None => alone(noise, states, rows, place, changes),
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

/// All sensors against the network equations.
fn sensors(
    parity: &Parity,
    states: &mut [EntityState],
    rows: &[Option<Row>],
    place: Place,
    changes: &mut Vec<AnomalyChange>,
) {
    let mut readings: Vec<BusReading> = Vec::with_capacity(states.len());
    let mut bad: Vec<(usize, usize)> = Vec::new();
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
            if !value.is_finite() || state.tracks[sensor].is_disturbed() || state.is_stuck(field) {
                bad.push((at, sensor));
            }
        }
        readings.push(reading);
    }
    let jumps = jumps(parity, states, &readings);
    // Sensors fail one at a time; where several readings jump, the grid has moved.
    let moved = jumps.iter().filter(|&&jump| jump > 5.0).count() > 2;
    // Far from the flat start the weights of the sensors are not quite right.
    let strained = readings
        .iter()
        .any(|reading| (reading[0] - 1.0).abs() > 0.1);
    let input = |score: f64| Input {
        coarse: if strained { 1.0 } else { 0.0 },
        ..Input::new(score, 1.0)
    };
    let vector = settled(parity, &mut readings.clone(), &bad);
    let all = excluded(parity, &bad, None);
    let mut scores = Vec::with_capacity(states.len() * SENSORS);
    for at in 0..states.len() {
        for sensor in 0..SENSORS {
            let own = (at, sensor);
            let score = if bad.contains(&own) {
                let others: Vec<_> = bad.iter().copied().filter(|&other| other != own).collect();
                let vector = settled(parity, &mut readings.clone(), &others);
                let without = excluded(parity, &others, None);
                network::normalised(&vector, parity.signature(at, sensor), &without)
            } else {
                network::normalised(&vector, parity.signature(at, sensor), &all)
            };
            let boost = if moved {
                1.0
            } else {
                boost(jumps[at * SENSORS + sensor])
            };
            scores.push(score.map_or(f64::NAN, |score| score * boost));
        }
    }
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
            .score(&SENSOR, &input(scores[at * SENSORS + sensor]))
            .abs()
    });
    let most_drifted = prime(&|at, sensor| states[at].tracks[sensor].drift_evidence());
    let mut found = false;
    for (at, state) in states.iter_mut().enumerate() {
        let here = Place {
            entity: at,
            ..place
        };
        for sensor in 0..SENSORS {
            let own = (at, sensor);
            let field = network::FIELD_OF_SENSOR[sensor];
            let score = scores[at * SENSORS + sensor];
            let off = state.is_stuck(field) || !parity.is_supplied(at);
            let first = own == most_jumped || own == most_drifted;
            let was_calm = !state.tracks[sensor].is_disturbed();
            let gate = if !off && (first || !was_calm) {
                Gate::Open
            } else {
                Gate::Explained
            };
            let input = Input {
                support: if sensor < 2 {
                    1.0
                } else {
                    let jump = (!moved).then(|| readings[at][sensor]);
                    restlessness(parity.noise_of(at, sensor), state, sensor, jump)
                },
                ..input(score)
            };
            let signal = state.tracks[sensor].step(&SENSOR, &input, gate);
            found |= was_calm && state.tracks[sensor].is_disturbed();
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

/// By how many standard deviations of its noise each reading differs from that of before.
fn jumps(parity: &Parity, states: &[EntityState], readings: &[BusReading]) -> Vec<f64> {
    let mut jumps = Vec::with_capacity(states.len() * SENSORS);
    for (at, (state, reading)) in states.iter().zip(readings).enumerate() {
        for (sensor, value) in reading.iter().enumerate() {
            let factor = state.tracks[sensor].noise_factor(&SENSOR).max(1.0);
            let jump = state.last[network::FIELD_OF_SENSOR[sensor]].map_or(0.0, |last| {
                (value - last).abs() / (1.41 * parity.noise_of(at, sensor) * factor)
            });
            jumps.push(jump);
        }
    }
    jumps
}

/// The network equations hardly tell some sensors from each other (those of active power all enter the
/// balance); that a reading itself has just jumped tells them apart. A load step makes a reading jump too,
/// but not the residual. 1 to 1.5.
fn boost(jump: f64) -> f64 {
    1.0 + 0.5 * ((jump - 3.5) / 3.0).clamp(0.0, 1.0)
}

/// How much more a reading moves from sample to sample than it did in the long run, as support for noise or
/// an oscillation of its sensor: 1 to 1.7. By itself it says little, as loads and weather move readings too.
/// Nothing is learnt from a reading that moved with the grid.
fn restlessness(noise: f64, state: &mut EntityState, sensor: usize, reading: Option<f64>) -> f64 {
    let (Some(reading), Some(last)) = (reading, state.last[network::FIELD_OF_SENSOR[sensor]])
    else {
        return 1.0;
    };
    let calm = !state.tracks[sensor].is_disturbed();
    let move2 = {
        let jump = (reading - last) / noise;
        jump * jump / 2.0
    };
    let usual = state.memory[USUAL + sensor].max(0.2);
    let present = &mut state.memory[PRESENT + sensor];
    *present += 0.08 * (move2.min(12.0 * usual) - *present);
    let ratio = *present / usual;
    if calm {
        state.memory[SEEN + sensor] += 1.0;
        let seen = state.memory[SEEN + sensor];
        let gain = (1.0 / seen).max(if ratio < 2.0 { 0.01 } else { 0.002 });
        let usual = &mut state.memory[USUAL + sensor];
        *usual += gain * (move2.min(12.0 * usual.max(1.0)) - *usual);
        if seen < 30.0 {
            return 1.0;
        }
    }
    1.0 + 0.7 * ((ratio - 2.2) / 2.0).clamp(0.0, 1.0)
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
