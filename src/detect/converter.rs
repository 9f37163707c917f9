//! Converter states: power against voltage and current, distortion against current, temperature against
//! loss, one frequency for all.

use super::{
    common::{COMMON_MEMORY, Common},
    entity::{self, AnomalyChange, EntityState, Place, Shape, Source, report},
    model::{Converter, Noise, Row, Thermal, converter},
    past::{Estimate, weigh},
    shape::square,
    track::{Gate, Input, Level, PATIENCE, Spec},
};
use crate::maths::exp;

mod source;

/// Residuals of a converter.
const TRACKS: usize = 10;
pub(super) const SHAPE: Shape = Shape {
    tracks: TRACKS,
    pasts: POWER_SENSORS.len(),
    memory: MEMORY,
};
const DC_VOLTAGE: usize = 0;
const ACTIVE: usize = 1;
const REACTIVE: usize = 2;
const BETWEEN: usize = 3;
const DISTORTION: usize = 4;
pub(super) const FREQUENCY: usize = 5;
const TEMPERATURE: usize = 6;
const CURRENT_D: usize = 7;
const CURRENT_Q: usize = 8;
const GRID_VOLTAGE: usize = 9;

/// The sensors that share the two relations of power, with their residuals.
const POWER_SENSORS: [(usize, usize); 5] = [
    (converter::ACTIVE_POWER, ACTIVE),
    (converter::REACTIVE_POWER, REACTIVE),
    (converter::CURRENT_D, CURRENT_D),
    (converter::CURRENT_Q, CURRENT_Q),
    (converter::GRID_VOLTAGE, GRID_VOLTAGE),
];
/// Place of the grid voltage among them.
const GRID_SENSOR: usize = 4;
/// Where more of them than this move at once, the converter has moved: sensors fail one at a time.
const SENSORS_AT_ONCE: usize = 2;
/// Standard deviations that count as a move.
const MOVE: f64 = 4.5;
/// Standard deviations by which the voltage at another converter moves when it is the grid that moves.
const MOVE_ELSEWHERE: f64 = 2.5;

// What is kept beside: the thermal stages, their slow average, whether they run, the load and its slow
// average, the learnt ratio of real to modelled rise less 1, the last change of the rise, what is left of the
// unknown rise at the start, the samples for which a step of the grid voltage may show, the temperature of the
// air and whether it is known, and whether the last sample is missing.
const STAGES: usize = COMMON_MEMORY;
const RISE_AVERAGE: usize = STAGES + 2;
const RUNNING: usize = STAGES + 3;
const LOAD: usize = STAGES + 4;
const LOAD_AVERAGE: usize = STAGES + 5;
const RISE_RATIO: usize = STAGES + 6;
const RISE_CHANGE: usize = STAGES + 7;
const START: usize = STAGES + 8;
const GRID: usize = STAGES + 9;
const AIR: usize = STAGES + 10;
const AIR_KNOWN: usize = STAGES + 11;
const GAP: usize = STAGES + 12;
const MEMORY: usize = STAGES + 13;

/// Currents below this share of the rating say nothing of ratios; THD refers to at least this much.
const LEAST_LOAD: f64 = 0.05;
/// THD is judged above this load only: the current's own noise would be most of it.
const THD_LOAD: f64 = 0.15;
/// From this load on a converter may be at the limit of its current.
const LIMITED: f64 = 0.93;
/// A change of power between samples above this share of the rating moves the DC link and the heat sink.
const STEP: f64 = 0.05;
/// The rise at the start may differ from the steady one by so much, K.
const UNKNOWN_RISE: f64 = 8.0;
/// The same after samples have been missing, K.
const UNKNOWN_AFTER_GAP: f64 = 1.0;
/// A step of the grid voltage, as a share of nominal.
const GRID_STEP: f64 = 0.015;
/// Samples for which that shows in DC links and distortion.
const GRID_SETTLING: f64 = 8.0;
/// Samples for which a step of the load does.
const SETTLING: u32 = 3;

const EXACT: Spec = Spec {
    level: Level::Exact { offset: 1.0 },
    jump: 6.0,
    floor: 0.4,
    noise: true,
};

const fn wandering(gain: f64, spread: f64, drift: f64, jump: f64) -> Spec {
    Spec {
        level: Level::Wanders {
            gain,
            spread,
            drift,
            patience: PATIENCE,
        },
        jump,
        floor: 0.4,
        noise: true,
    }
}

/// What is known of all converters.
pub(super) struct Known<'a> {
    pub(super) noise: &'a Noise,
    pub(super) models: &'a [Converter],
    /// Voltages of the buses in p.u. where they have been measured at this instant and nothing speaks
    /// against them.
    pub(super) bus_voltage_pu: &'a [Option<f64>],
    /// Generation of the renewable units in kW and the temperature of the air in deg C there, likewise.
    pub(super) generation_kw: &'a [Option<f64>],
    pub(super) air_c: &'a [Option<f64>],
    pub(super) dt_s: f64,
}

/// Takes one instant of all converters.
pub(super) fn observe(
    known: &Known,
    states: &mut [EntityState],
    rows: &[Option<Row>],
    place: Place,
    changes: &mut Vec<AnomalyChange>,
) {
    let Known {
        noise,
        models,
        dt_s,
        ..
    } = *known;
    let grid_moves = grid_moves(models, states, rows);
    let voltage_moves = voltage_moves(noise, models, states, rows);
    let common = Common::new(noise, states, rows, converter::FREQUENCY, FREQUENCY);
    source::observe(known, states, rows, place, changes);
    for (at, ((state, row), model)) in states.iter_mut().zip(rows).zip(models).enumerate() {
        let Some(row) = row else {
            state.forget_pasts();
            follow_heat(state, model, dt_s);
            state.memory[GAP] = 1.0;
            continue;
        };
        let back = std::mem::replace(&mut state.memory[GAP], 0.0) > 0.0;
        if back {
            // The load in between is not known.
            state.memory[START] = state.memory[START].max(UNKNOWN_AFTER_GAP);
        }
        follow_air(state, known.air_c);
        let place = Place {
            entity: at,
            ..place
        };
        entity::watch_repeats(
            state,
            place,
            &row.values,
            |_, _| false,
            explains_repetition,
            |_, _| true,
            changes,
        );
        let moving = follow_load(state, model, row) || back;
        state.memory[GRID] = if grid_moves || back {
            GRID_SETTLING
        } else {
            (state.memory[GRID] - 1.0).max(0.0)
        };
        let rise = follow_heat(state, model, dt_s);
        learn_rise(state, rise);
        let mut inputs = residuals(known, model, state, row, rise);
        let (input, frequency_gate) = common.judge(state, at, converter::FREQUENCY, FREQUENCY);
        inputs[FREQUENCY] = input;
        let measured = row.get(converter::GRID_VOLTAGE).is_finite();
        let elsewhere = voltage_moves
            .iter()
            .enumerate()
            .any(|(other, moves)| other != at && *moves > MOVE_ELSEWHERE);
        let judged = measured.then(|| judge_powers(known, model, state, row, elsewhere));
        if let Some(judged) = &judged {
            for ((_, track), (input, _)) in POWER_SENSORS.into_iter().zip(judged) {
                inputs[track] = *input;
            }
        }
        let prime = judged.is_some().then(|| prime(state, &inputs));
        let mut found = false;
        for track in ORDER {
            let input = &inputs[track];
            // At its limit a converter cannot hold the DC link.
            let limited = state.memory[LOAD] > LIMITED;
            let moving = moving || (limited && track == DC_VOLTAGE);
            let gate = match prime {
                _ if track == FREQUENCY => frequency_gate,
                Some(prime) if is_power(track) => power_gate(state, track, prime),
                _ => gate(state, track, moving),
            };
            let field = FIELD_OF_TRACK[track];
            let sensor = POWER_SENSORS.iter().position(|sensor| sensor.1 == track);
            let natural = match (sensor, &judged) {
                (Some(sensor), Some(judged)) => judged[sensor].1,
                _ => false,
            };
            if natural && state.tracks[track].is_suspicious() {
                state.tracks[track].explain();
            }
            let signal = if state.rest(track, field) {
                None
            } else {
                let spec = spec(model, track, measured);
                state.tracks[track].step(&spec, input, gate)
            };
            found |= is_power(track) && state.tracks[track].is_disturbed();
            if let (Some(sensor), Some(_)) = (sensor, &judged) {
                let noise2 = square(sensor_noise(noise, model, sensor));
                let off = state.repeats[field].is_pausing() || state.is_stuck(field);
                let value = row.get(field);
                state.follow(sensor, track, value, noise2, natural, off, signal.as_ref());
            }
            report(state, place, track, field, signal, changes);
        }
        if found {
            // One sensor explains what the others seem to show.
            for track in EXPLAINED {
                let seems = track == DISTORTION && !state.tracks[track].is_alarming();
                if seems || !state.tracks[track].is_disturbed() {
                    state.tracks[track].explain();
                }
            }
        }
    }
}

fn is_power(track: usize) -> bool {
    POWER_SENSORS.iter().any(|sensor| sensor.1 == track)
}

/// By how many standard deviations the grid voltage of each converter has moved.
fn voltage_moves(
    noise: &Noise,
    models: &[Converter],
    states: &[EntityState],
    rows: &[Option<Row>],
) -> Vec<f64> {
    let all = models.iter().zip(states).zip(rows);
    all.map(|((model, state), row)| {
        let noise2 = square(sensor_noise(noise, model, GRID_SENSOR));
        let three_phase = model.power_factor > 1.0;
        match row {
            Some(row) if three_phase => {
                state.pasts[GRID_SENSOR].moved(row.get(converter::GRID_VOLTAGE), noise2)
            }
            _ => 0.0,
        }
    })
    .collect()
}

/// One standard deviation of a sensor of [`POWER_SENSORS`] in its unit.
fn sensor_noise(noise: &Noise, model: &Converter, sensor: usize) -> f64 {
    let rated_kw = model.power_factor * model.grid_voltage_v * model.rated_current_a / 1000.0;
    match POWER_SENSORS[sensor].0 {
        converter::ACTIVE_POWER | converter::REACTIVE_POWER => noise.converter_power * rated_kw,
        converter::GRID_VOLTAGE => noise.grid_voltage * model.grid_voltage_v,
        _ => noise.current * model.rated_current_a,
    }
}

/// What is to be thought of the sensors of power: P = k v i_d, Q = -k v i_q, the voltage is that of the bus,
/// and none of them jumps alone. With each, whether it has moved with the converter or the grid.
fn judge_powers(
    known: &Known,
    model: &Converter,
    state: &EntityState,
    row: &Row,
    elsewhere: bool,
) -> [(Input, bool); POWER_SENSORS.len()] {
    let noise2: [f64; POWER_SENSORS.len()] =
        std::array::from_fn(|sensor| square(sensor_noise(known.noise, model, sensor)));
    let relations = relations(known, model, state, row, &noise2);
    let moves = |sensor: usize| {
        let (field, track) = POWER_SENSORS[sensor];
        !state.tracks[track].is_disturbed()
            && state.pasts[sensor].moved(row.get(field), noise2[sensor]) > MOVE
    };
    let moved = (0..POWER_SENSORS.len())
        .filter(|&sensor| moves(sensor))
        .count()
        > SENSORS_AT_ONCE;
    std::array::from_fn(|sensor| {
        let (field, _) = POWER_SENSORS[sensor];
        let value = row.get(field);
        let noise2 = noise2[sensor];
        let relation = relations[sensor];
        let moved = moved || (elsewhere && sensor == GRID_SENSOR);
        let past = if moved {
            None
        } else {
            state.pasts[sensor].judge(value, noise2)
        };
        let steady = relation.map_or(f64::NAN, |relation| {
            relation.error / (relation.variance + noise2).sqrt()
        });
        match weigh(relation, past, noise2) {
            Some(verdict) => {
                let input = Input {
                    steady: Some(steady),
                    ..Input::new(verdict.error, verdict.std)
                };
                (input, verdict.natural || moved)
            }
            None => (Input::new(f64::NAN, 1.0), moved),
        }
    })
}

/// What the relations say of each sensor of power, as far as the others are not suspected.
fn relations(
    known: &Known,
    model: &Converter,
    state: &EntityState,
    row: &Row,
    noise2: &[f64; POWER_SENSORS.len()],
) -> [Option<Estimate>; POWER_SENSORS.len()] {
    let [p2, q2, d2, q_axis2, v2] = *noise2;
    let volts = row.get(converter::GRID_VOLTAGE);
    let (d, q_axis) = (row.get(converter::CURRENT_D), row.get(converter::CURRENT_Q));
    let k = model.power_factor / 1000.0;
    let fine = |sensor: usize| {
        let (field, track) = POWER_SENSORS[sensor];
        !state.tracks[track].is_disturbed()
            && !state.is_stuck(field)
            && !state.repeats[field].is_pausing()
    };
    let estimate = |error: f64, variance: f64, fine: bool| {
        (fine && error.is_finite() && variance.is_finite()).then_some(Estimate { error, variance })
    };
    let active = row.get(converter::ACTIVE_POWER) - k * volts * d;
    let reactive = row.get(converter::REACTIVE_POWER) + k * volts * q_axis;
    let per_volt2 = |current: f64, current2: f64| square(k * current).max(square(k) * current2);
    let per_ampere2 = square(k * volts).max(square(1e-3 * k * model.grid_voltage_v));
    let bus = model
        .bus
        .and_then(|bus| *known.bus_voltage_pu.get(bus)?)
        .map(|pu| pu * model.grid_voltage_v);
    let alternating = model.power_factor > 1.0;
    let voltage = if let (Some(bus), true) = (bus, alternating) {
        let bus2 = square(known.noise.voltage_pu * model.grid_voltage_v);
        estimate(volts - bus, bus2, true)
    } else {
        let from_power = (p2 + square(k * volts) * d2) / per_volt2(d, d2);
        let error = -active * k * d / per_volt2(d, d2);
        estimate(error, from_power, fine(0) && fine(2))
    };
    if !alternating {
        // Without an AC side both are zero.
        let nothing = |field: usize| estimate(row.get(field), 0.0, true);
        return [
            estimate(
                active,
                square(k * volts) * d2 + square(k * d) * v2,
                fine(2) && fine(4),
            ),
            nothing(converter::REACTIVE_POWER),
            estimate(
                -active / (k * volts),
                (p2 + square(k * d) * v2) / per_ampere2,
                fine(0) && fine(4),
            ),
            nothing(converter::CURRENT_Q),
            voltage,
        ];
    }
    [
        estimate(
            active,
            square(k * volts) * d2 + square(k * d) * v2,
            fine(2) && fine(4),
        ),
        estimate(
            reactive,
            square(k * volts) * q_axis2 + square(k * q_axis) * v2,
            fine(3) && fine(4),
        ),
        estimate(
            -active / (k * volts),
            (p2 + square(k * d) * v2) / per_ampere2,
            fine(0) && fine(4),
        ),
        estimate(
            reactive / (k * volts),
            (q2 + square(k * q_axis) * v2) / per_ampere2,
            fine(1) && fine(4),
        ),
        voltage,
    ]
}

/// The residual that is farthest off, and the one that drifts most.
fn prime(state: &EntityState, inputs: &[Input; TRACKS]) -> [Option<usize>; 2] {
    let calm = |track: &usize| !state.tracks[*track].is_disturbed();
    let most = |value: &dyn Fn(usize) -> f64| {
        let tracks = POWER_SENSORS.iter().map(|sensor| sensor.1).filter(calm);
        tracks
            .filter(|&track| value(track) > 0.0)
            .max_by(|&a, &b| value(a).total_cmp(&value(b)))
    };
    let jump = |track: usize| {
        let score = state.tracks[track].score(&EXACT, &inputs[track]).abs();
        if score.is_finite() { score } else { 0.0 }
    };
    [
        most(&jump),
        most(&|track| state.tracks[track].trend().abs()),
    ]
}

/// One sensor of power explains what the others seem to show.
fn power_gate(state: &EntityState, track: usize, prime: [Option<usize>; 2]) -> Gate {
    let stuck =
        |&(field, _): &(usize, usize)| state.is_stuck(field) || state.repeats[field].is_pausing();
    let disturbed =
        |&(_, other): &(usize, usize)| other != track && state.tracks[other].is_disturbed();
    if state.tracks[track].is_disturbed() {
        return Gate::Open;
    }
    let explained = POWER_SENSORS.iter().any(stuck)
        || POWER_SENSORS.iter().any(disturbed)
        || state.has(Source::Feed);
    if !explained && prime.contains(&Some(track)) {
        Gate::Open
    } else {
        Gate::Explained
    }
}

/// What sensors of power explain comes after them.
const ORDER: [usize; TRACKS] = [
    ACTIVE,
    REACTIVE,
    CURRENT_D,
    CURRENT_Q,
    GRID_VOLTAGE,
    BETWEEN,
    DC_VOLTAGE,
    DISTORTION,
    FREQUENCY,
    TEMPERATURE,
];
/// What a sensor of power makes seem wrong.
const EXPLAINED: [usize; 6] = [
    ACTIVE,
    REACTIVE,
    CURRENT_D,
    CURRENT_Q,
    GRID_VOLTAGE,
    DISTORTION,
];

const FIELD_OF_TRACK: [usize; TRACKS] = [
    converter::DC_VOLTAGE,
    converter::ACTIVE_POWER,
    converter::REACTIVE_POWER,
    converter::ACTIVE_POWER,
    converter::THD,
    converter::FREQUENCY,
    converter::TEMPERATURE,
    converter::CURRENT_D,
    converter::CURRENT_Q,
    converter::GRID_VOLTAGE,
];

/// Without a measured grid voltage the relations of power wander with it.
fn spec(model: &Converter, track: usize, measured: bool) -> Spec {
    match track {
        ACTIVE | REACTIVE if measured => EXACT,
        DC_VOLTAGE => wandering(0.5, model.dc_spread * model.dc_voltage_v, 6.0, 6.0),
        // Grid voltage behind the ratio wanders by about half a percent.
        ACTIVE | REACTIVE => wandering(0.35, 0.004, 6.5, 6.0),
        DISTORTION => wandering(0.35, 0.02, 6.5, 6.0),
        TEMPERATURE => Spec {
            level: Level::Wanders {
                gain: 0.3,
                spread: model.thermal.ambient_spread_k,
                drift: 6.5,
                patience: COOLING_PATIENCE,
            },
            ..EXACT
        },
        _ => EXACT,
    }
}

/// Samples for which a heat sink may be too warm before that is taken for normal: an hour.
const COOLING_PATIENCE: u32 = 7200;

fn explains_repetition(state: &EntityState, field: usize) -> bool {
    FIELD_OF_TRACK
        .iter()
        .enumerate()
        .any(|(track, &other)| other == field && state.has(Source::Track(track)))
}

/// What an alert explains: currents enter powers and distortion, and three tracks watch the powers.
fn gate(state: &EntityState, track: usize, moving: bool) -> Gate {
    let current_stuck =
        state.is_stuck(converter::CURRENT_D) || state.is_stuck(converter::CURRENT_Q);
    let powers = [ACTIVE, REACTIVE, BETWEEN];
    let explained = match track {
        ACTIVE | REACTIVE | BETWEEN => {
            current_stuck
                || state.is_stuck(converter::ACTIVE_POWER)
                || state.is_stuck(converter::REACTIVE_POWER)
                || state.is_stuck(converter::GRID_VOLTAGE)
                || powers.into_iter().any(|other| {
                    other != track
                        && (state.has(Source::Track(other))
                            || (other < track && state.tracks[other].is_disturbed()))
                })
        }
        DISTORTION => {
            current_stuck
                || state.is_stuck(converter::THD)
                || state.tracks[CURRENT_D].is_disturbed()
                || state.tracks[CURRENT_Q].is_disturbed()
        }
        _ => state.is_stuck(FIELD_OF_TRACK[track]),
    };
    if explained {
        Gate::Explained
    } else if (moving && matches!(track, DC_VOLTAGE | TEMPERATURE))
        || (state.memory[GRID] > 0.0 && matches!(track, DC_VOLTAGE | DISTORTION))
    {
        Gate::Moving
    } else {
        Gate::Open
    }
}

/// Whether the grid voltage has stepped somewhere: that moves DC links, also those fed by another
/// converter, and modulation.
fn grid_moves(models: &[Converter], states: &[EntityState], rows: &[Option<Row>]) -> bool {
    models
        .iter()
        .zip(states)
        .zip(rows)
        .any(|((model, state), row)| {
            let (Some(row), Some(last)) = (row, state.last[converter::GRID_VOLTAGE]) else {
                return false;
            };
            (row.get(converter::GRID_VOLTAGE) - last).abs() > GRID_STEP * model.grid_voltage_v
        })
}

/// Keeps the load; tells whether it has just stepped.
fn follow_load(state: &mut EntityState, model: &Converter, row: &Row) -> bool {
    let current = |field: usize, track: usize, power: usize| {
        let doubtful = state.repeats[field].is_pausing()
            || state.is_stuck(field)
            || state.tracks[track].is_disturbed();
        let volts = row.get(converter::GRID_VOLTAGE);
        let volts = if volts.is_finite() {
            volts
        } else {
            model.grid_voltage_v
        };
        if doubtful && volts > 0.0 {
            1000.0 * row.get(power) / (model.power_factor * volts)
        } else {
            row.get(field)
        }
    };
    let d = current(converter::CURRENT_D, CURRENT_D, converter::ACTIVE_POWER);
    let q = current(converter::CURRENT_Q, CURRENT_Q, converter::REACTIVE_POWER);
    let load = (d * d + q * q).sqrt() / model.rated_current_a;
    if load.is_finite() {
        let running = state.memory[RUNNING] > 0.0;
        let step = (load - state.memory[LOAD]).abs();
        state.still = if running && step > STEP {
            0
        } else {
            state.still.saturating_add(1)
        };
        if !running {
            state.memory[LOAD_AVERAGE] = load;
        }
        state.memory[LOAD] = load;
        state.memory[LOAD_AVERAGE] += (load - state.memory[LOAD_AVERAGE]) / 200.0;
    }
    state.still < SETTLING
}

/// Follows the temperature of the air, which is the same for all but for a little.
fn follow_air(state: &mut EntityState, air_c: &[Option<f64>]) {
    let (sum, count) = air_c
        .iter()
        .flatten()
        .fold((0.0, 0.0), |(sum, count), air| (sum + air, count + 1.0));
    if count > 0.0 {
        let known = std::mem::replace(&mut state.memory[AIR_KNOWN], 1.0) > 0.0;
        let share = if known { 0.1 } else { 1.0 };
        state.memory[AIR] += share * (sum / count - state.memory[AIR]);
    }
}

/// Steps the thermal model by the time since the last sample; its temperature rise in K.
fn follow_heat(state: &mut EntityState, model: &Converter, dt_s: f64) -> f64 {
    let Thermal {
        constant,
        linear,
        square,
        stages,
        ..
    } = model.thermal;
    let load = state.memory[LOAD];
    let loss = constant + linear * load + square * load * load;
    let running = state.memory[RUNNING] > 0.0;
    let before = state.memory[STAGES] + state.memory[STAGES + 1];
    let mut rise = 0.0;
    let mut slowest = 1.0_f64;
    for (at, (steady, time_constant)) in stages.into_iter().enumerate() {
        let target = steady * loss;
        slowest = slowest.max(time_constant);
        let kept = if running && time_constant > 0.0 {
            exp(-dt_s / time_constant)
        } else {
            0.0
        };
        let stage = &mut state.memory[STAGES + at];
        *stage = target + (*stage - target) * kept;
        rise += *stage;
    }
    if running {
        state.memory[RISE_AVERAGE] += (rise - state.memory[RISE_AVERAGE]) / 100.0;
        state.memory[RISE_CHANGE] = rise - before;
        state.memory[START] *= exp(-dt_s / slowest);
    } else {
        state.memory[RISE_AVERAGE] = rise;
        state.memory[START] = UNKNOWN_RISE;
        state.memory[RUNNING] = 1.0;
    }
    rise
}

/// Thermal resistances are not known exactly: a residual that follows the rise corrects their ratio.
fn learn_rise(state: &mut EntityState, rise: f64) {
    if state.tracks[TEMPERATURE].is_disturbed() || state.memory[START] > 0.5 {
        return;
    }
    let apart = rise - state.memory[RISE_AVERAGE];
    let off = state.tracks[TEMPERATURE].apart().clamp(-1.0, 1.0);
    let ratio = &mut state.memory[RISE_RATIO];
    *ratio = (*ratio + 0.004 * off * apart / (apart * apart + 25.0)).clamp(-0.3, 0.3);
}

fn residuals(
    known: &Known,
    model: &Converter,
    state: &EntityState,
    row: &Row,
    rise: f64,
) -> [Input; TRACKS] {
    let input = |residual, std, doubt| Input {
        doubt,
        ..Input::new(residual, std)
    };
    let noise = known.noise;
    // Until the air has been measured for the first time nothing is known of the rise.
    let air_c = if known.air_c.is_empty() || state.memory[AIR_KNOWN] > 0.0 {
        state.memory[AIR]
    } else {
        f64::NAN
    };
    let load = state.memory[LOAD];
    let apart = rise - state.memory[RISE_AVERAGE];
    let referred = load.max(LEAST_LOAD);
    let thd = row.get(converter::THD);
    let slow = state.memory[LOAD_AVERAGE].max(LEAST_LOAD);
    let absent = Input::new(f64::NAN, 1.0);
    let [active, reactive, between] = if row.get(converter::GRID_VOLTAGE).is_finite() {
        [absent; 3]
    } else {
        ratios(noise, model, row)
    };
    [
        input(
            row.get(converter::DC_VOLTAGE),
            noise.dc_voltage * model.dc_voltage_v,
            0.0,
        ),
        active,
        reactive,
        between,
        input(
            if load > THD_LOAD {
                thd * referred
            } else {
                f64::NAN
            },
            hypot(noise.thd * referred, thd * noise.current),
            0.03 * thd * (load - slow).abs(),
        ),
        absent,
        Input {
            coarse: 0.25 * state.memory[RISE_CHANGE],
            ..input(
                row.get(converter::TEMPERATURE) - air_c - (1.0 + state.memory[RISE_RATIO]) * rise,
                noise.heat_sink_k,
                hypot(0.08 * apart, state.memory[START]),
            )
        },
        absent,
        absent,
        absent,
    ]
}

/// Active power, reactive power, and one against the other, where no grid voltage is measured: their ratios
/// to nominal wander together as the voltage does.
fn ratios(noise: &Noise, model: &Converter, row: &Row) -> [Input; 3] {
    let absent = Input::new(f64::NAN, 1.0);
    let (p, q) = (
        row.get(converter::ACTIVE_POWER),
        row.get(converter::REACTIVE_POWER),
    );
    let (d, q_axis) = (row.get(converter::CURRENT_D), row.get(converter::CURRENT_Q));
    let three_phase = model.power_factor > 1.0;
    let nominal = model.power_factor * model.grid_voltage_v / 1000.0;
    let power_std = noise.converter_power * nominal * model.rated_current_a;
    let current_std = noise.current * model.rated_current_a;
    let least = LEAST_LOAD * model.rated_current_a;
    let std = |current: f64| hypot(power_std / nominal, current_std) / current.abs();
    let ratio = |power: f64, current: f64| {
        if current.abs() < least {
            absent
        } else {
            Input::new(power / (nominal * current) - 1.0, std(current))
        }
    };
    let active = ratio(p, d);
    let reactive = if three_phase {
        ratio(-q, q_axis)
    } else {
        absent
    };
    let between = Input::new(
        active.residual - reactive.residual,
        hypot(active.std, reactive.std),
    );
    [active, reactive, between]
}

fn hypot(a: f64, b: f64) -> f64 {
    (a * a + b * b).sqrt()
}
