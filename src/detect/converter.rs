//! Converter states: power against voltage and current, distortion against current, temperature against
//! loss, one frequency for all.

use super::{
    common::Common,
    entity::{self, AnomalyChange, EntityState, Place, Source, report},
    model::{Converter, Noise, Row, StreamKind, Thermal, converter},
    track::{Gate, Input, Level, PATIENCE, Spec},
};
use crate::maths::exp;

/// Residuals of a converter.
pub(super) const TRACKS: usize = 7;
const DC_VOLTAGE: usize = 0;
const ACTIVE: usize = 1;
const REACTIVE: usize = 2;
const BETWEEN: usize = 3;
const DISTORTION: usize = 4;
const FREQUENCY: usize = 5;
const TEMPERATURE: usize = 6;

/// The mean frequency (first entity only), the thermal stages, their slow average, whether they run, the
/// load and its slow average, the learnt ratio of real to modelled rise less 1, the last change of the rise,
/// what is left of the unknown rise at the start, and the samples for which a
/// step of the grid voltage may show.
pub(super) const MEMORY: usize = 11;
const STAGES: usize = 1;
const RISE_AVERAGE: usize = 3;
const RUNNING: usize = 4;
const LOAD: usize = 5;
const LOAD_AVERAGE: usize = 6;
const RISE_RATIO: usize = 7;
const RISE_CHANGE: usize = 8;
const START: usize = 9;
const GRID: usize = 10;

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
/// A step of the grid voltage, as a share of nominal.
const GRID_STEP: f64 = 0.015;
/// Samples for which it does.
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

/// Takes one instant of all converters.
pub(super) fn observe(
    noise: &Noise,
    models: &[Converter],
    states: &mut [EntityState],
    rows: &[Option<Row>],
    dt_s: f64,
    place: Place,
    changes: &mut Vec<AnomalyChange>,
) {
    let grid_moves = grid_moves(models, states, rows);
    let common = Common::new(noise, states, rows, converter::FREQUENCY, FREQUENCY);
    for (at, ((state, row), model)) in states.iter_mut().zip(rows).zip(models).enumerate() {
        let Some(row) = row else { continue };
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
        let moving = follow_load(state, model, row);
        state.memory[GRID] = if grid_moves {
            SETTLING.into()
        } else {
            (state.memory[GRID] - 1.0).max(0.0)
        };
        let rise = follow_heat(state, model, dt_s);
        learn_rise(state, rise);
        let mut inputs = residuals(noise, model, state, row, rise);
        let (input, frequency_gate) = common.judge(state, at, converter::FREQUENCY, FREQUENCY);
        inputs[FREQUENCY] = input;
        for (track, input) in inputs.iter().enumerate() {
            // At its limit a converter cannot hold the DC link.
            let limited = state.memory[LOAD] > LIMITED;
            let moving = moving || (limited && track == DC_VOLTAGE);
            let gate = if track == FREQUENCY {
                frequency_gate
            } else {
                gate(state, track, moving)
            };
            let signal = state.tracks[track].step(&spec(model, track), input, gate);
            report(state, place, track, FIELD_OF_TRACK[track], signal, changes);
        }
    }
}

const FIELD_OF_TRACK: [usize; TRACKS] = [
    converter::DC_VOLTAGE,
    converter::ACTIVE_POWER,
    converter::REACTIVE_POWER,
    converter::ACTIVE_POWER,
    converter::THD,
    converter::FREQUENCY,
    converter::TEMPERATURE,
];

fn spec(model: &Converter, track: usize) -> Spec {
    match track {
        DC_VOLTAGE => wandering(0.5, 0.0018 * model.dc_voltage_v, 6.0, 6.0),
        // Grid voltage behind the ratio wanders by about half a percent.
        ACTIVE | REACTIVE => wandering(0.35, 0.004, 6.5, 6.0),
        DISTORTION => wandering(0.35, 0.02, 6.5, 6.0),
        TEMPERATURE => Spec {
            level: Level::Wanders {
                gain: 0.3,
                spread: model.thermal.ambient_spread_k,
                drift: 6.5,
                patience: patience(&model.thermal),
            },
            ..EXACT
        },
        _ => EXACT,
    }
}

/// A heat sink that heats up or cools down deserves its slowest time constant, in samples.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped"
)]
fn patience(thermal: &Thermal) -> u32 {
    let slowest = thermal
        .stages
        .iter()
        .fold(0.0_f64, |slowest, stage| slowest.max(stage.1));
    (slowest / StreamKind::Converter.interval_s()).clamp(f64::from(PATIENCE), 20_000.0) as u32
}

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
        DISTORTION => current_stuck || state.is_stuck(converter::THD),
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
    let (d, q) = (row.get(converter::CURRENT_D), row.get(converter::CURRENT_Q));
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
    noise: &Noise,
    model: &Converter,
    state: &EntityState,
    row: &Row,
    rise: f64,
) -> [Input; TRACKS] {
    let input = |residual, std, doubt| Input {
        doubt,
        ..Input::new(residual, std)
    };
    let load = state.memory[LOAD];
    let apart = rise - state.memory[RISE_AVERAGE];
    let referred = load.max(LEAST_LOAD);
    let thd = row.get(converter::THD);
    let slow = state.memory[LOAD_AVERAGE].max(LEAST_LOAD);
    let [active, reactive, between] = powers(noise, model, row);
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
        input(f64::NAN, 1.0, 0.0),
        Input {
            coarse: 0.25 * state.memory[RISE_CHANGE],
            ..input(
                row.get(converter::TEMPERATURE) - (1.0 + state.memory[RISE_RATIO]) * rise,
                noise.heat_sink_k,
                hypot(0.08 * apart, state.memory[START]),
            )
        },
    ]
}

/// Active power, reactive power, and one against the other. With a measured grid voltage both are exact;
/// without one, their ratios to nominal wander together as the voltage does.
fn powers(noise: &Noise, model: &Converter, row: &Row) -> [Input; 3] {
    let absent = Input::new(f64::NAN, 1.0);
    let (p, q) = (
        row.get(converter::ACTIVE_POWER),
        row.get(converter::REACTIVE_POWER),
    );
    let (d, q_axis) = (row.get(converter::CURRENT_D), row.get(converter::CURRENT_Q));
    let measured = row.get(converter::GRID_VOLTAGE);
    let three_phase = model.power_factor > 1.0;
    let nominal = model.power_factor * model.grid_voltage_v / 1000.0;
    let power_std = noise.converter_power * nominal * model.rated_current_a;
    let current_std = noise.current * model.rated_current_a;
    if measured.is_finite() {
        let per_ampere = model.power_factor * measured / 1000.0;
        let std = |current: f64| {
            let voltage = noise.grid_voltage * nominal * current;
            hypot(hypot(power_std, per_ampere * current_std), voltage)
        };
        let exact = |residual, current| Input::new(residual, std(current));
        let reactive = if three_phase {
            exact(q + per_ampere * q_axis, q_axis)
        } else {
            absent
        };
        return [exact(p - per_ampere * d, d), reactive, absent];
    }
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

/// Whether a residual is compared with its own past.
pub(super) fn depends_on_pace(track: usize) -> bool {
    matches!(track, DC_VOLTAGE | DISTORTION | TEMPERATURE)
}
