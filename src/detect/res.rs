//! Renewable units: generation against the weather of the same sample.

use super::{
    entity::{self, AnomalyChange, EntityState, Place, Source, report},
    model::{Inverter, Noise, Nominal, Row, Solar, Wind, res},
    shape::{Shape, square},
    track::{Gate, Input, Level, PATIENCE, Signal, Spec},
};
use crate::{
    grid::alert::AnomalyType,
    maths::{exp, pow},
};

/// Residuals of a unit: generation, utilization factor, air temperature.
pub(super) const SHAPE: super::entity::Shape = super::entity::Shape {
    tracks: 3,
    pasts: 1,
    memory: 2 * HISTORY + 7,
};
/// Residual of generation.
pub(super) const GENERATION: usize = 0;
const UTILIZATION: usize = 1;
/// Residual of the air temperature.
pub(super) const AIR: usize = 2;

/// Generation and model of the last samples as shares of capacity, newest last, then the learnt ratio of
/// the two less 1 and the number of samples it rests on, the wind speed and the lagged model of the
/// sample before and whether there was one, whether a storm may have stopped the turbine, and what noise of the
/// weather gave the sample before.
const HISTORY: usize = 8;
const RATIO: usize = 2 * HISTORY;
const RATIO_SAMPLES: usize = RATIO + 1;
const SPEED: usize = RATIO + 2;
const SLOPE: usize = RATIO + 6;
const LAGGED: usize = RATIO + 3;
const RUNNING: usize = RATIO + 4;
const STORM: usize = RATIO + 5;

/// A unit that gives less than this share of its capacity stands.
const STANDS: f64 = 0.01;
/// The weather must allow at least this share for a stop to be a trip.
const COULD: f64 = 0.04;

const MODEL: Spec = Spec {
    level: Level::Exact { offset: 1.0 },
    jump: 6.0,
    floor: 0.4,
    noise: true,
};
/// Wind does between samples what no model knows.
const TURBINE: Spec = Spec { jump: 6.5, ..MODEL };
/// Relative to a model that is not exact: it wanders.
const fn loose(uncertainty: f64) -> Spec {
    Spec {
        level: Level::Wanders {
            gain: 0.35,
            spread: uncertainty,
            drift: 7.0,
            patience: PATIENCE,
        },
        jump: 6.0,
        floor: 0.4,
        noise: true,
    }
}
/// What a unit with inertia does beside its model, as a share of the capacity.
const DYNAMICS: f64 = 1e-3;
/// How fast wind over a rotor changes, m/s2.
const SURGE_MS2: f64 = 0.15;
/// Generation is never known better than to this share of the capacity.
const LEAST_NOISE: f64 = 5e-4;
/// Weather that has moved more than generation by this factor is what is at fault.
const AT_FAULT: f64 = 1.5;
/// How far the wind over the rotor leaves a straight line between samples at most, over its speed.
const BEND: f64 = 0.035;
/// Share of the bend of the curve over that which shows in a sample.
const BENT: f64 = 0.45;
/// Share of what a turbine has yet to follow that its model does not know.
const INERT: f64 = 0.01;
/// Share of the noise of the weather that shows in generation a sample later.
const LASTING: f64 = 0.5;
/// How often the control of a turbine acts, s, and how often that is followed between two samples.
const CYCLE_S: f64 = 1.0;
const CYCLES_MAX: f64 = 100.0;
/// An inexact model says nothing below this share of the capacity.
const LEAST: f64 = 0.05;
const AIR_SPEC: Spec = Spec {
    level: Level::Past {
        patience: AIR_PATIENCE,
    },
    jump: 6.0,
    floor: 0.5,
    noise: true,
};

/// Takes one instant of all units.
pub(super) fn observe(
    noise: &Noise,
    models: &[Nominal],
    states: &mut [EntityState],
    rows: &[Option<Row>],
    dt_s: f64,
    place: Place,
    changes: &mut Vec<AnomalyChange>,
) {
    for (at, ((state, row), model)) in states.iter_mut().zip(rows).zip(models).enumerate() {
        let Some(row) = row else {
            state.forget_pasts();
            state.memory[RUNNING] = 0.0;
            continue;
        };
        let place = Place {
            entity: at,
            ..place
        };
        unit(noise, model, state, row, dt_s, place, changes);
    }
}

fn unit(
    noise: &Noise,
    model: &Nominal,
    state: &mut EntityState,
    row: &Row,
    dt_s: f64,
    place: Place,
    changes: &mut Vec<AnomalyChange>,
) {
    let Some(Expectation {
        capacity,
        expected: settled,
        slope,
        resource,
        uncertainty,
        lag_s,
        bend,
    }) = expectation(noise, model, row)
    else {
        return;
    };
    // What a turbine gives at first shows weather that was not measured.
    let begins = state.memory[RUNNING] <= 0.0;
    let [expected, inert] = follow(state, model, row, settled, dt_s);
    // What a turbine gives still shows the weather of the sample before.
    let before = std::mem::replace(&mut state.memory[SLOPE], slope);
    let slope = if lag_s > 0.0 {
        slope.max(LASTING * before)
    } else {
        slope
    };
    let possible = expected / capacity;
    entity::watch_repeats(
        state,
        place,
        &row.values[..place.stream.stream().fields.len()],
        |field, value| match field {
            res::GENERATION => value >= 0.999 * capacity || possible < STANDS,
            // It repeats what generation does.
            res::UTILIZATION => value >= 0.999 || possible < STANDS,
            _ => false,
        },
        |state, field| field != res::TEMPERATURE && explains_all(state),
        |field, other| match field {
            res::GENERATION => other == resource,
            res::UTILIZATION | res::IRRADIANCE | res::WIND_SPEED => other == res::GENERATION,
            _ => true,
        },
        changes,
    );
    let generation = row.get(res::GENERATION);
    let share = generation / capacity;
    state.memory[..HISTORY].rotate_left(1);
    state.memory[HISTORY..2 * HISTORY].rotate_left(1);
    state.memory[HISTORY - 1] = if share.is_finite() { share } else { 0.0 };
    state.memory[2 * HISTORY - 1] = possible;
    let ratio = 1.0 + state.memory[RATIO];
    let gate = if [res::GENERATION, res::IRRADIANCE, res::WIND_SPEED]
        .into_iter()
        .any(|field| state.is_stuck(field))
    {
        Gate::Explained
    } else {
        Gate::Open
    };
    let measured = noise.generation.max(LEAST_NOISE) * capacity;
    let std = hypot(measured + noise.generation_share * expected, slope);
    let (spec, input) = if uncertainty > 0.0 {
        let residual = if possible.max(share) < LEAST || is_clipped(possible, share, uncertainty) {
            f64::NAN
        } else {
            generation / expected.max(LEAST * capacity) - 1.0
        };
        // What the model does not know grows with the load, so a change of load shows it.
        let change = (possible - state.memory[2 * HISTORY - 2]).abs();
        let input = Input {
            coarse: 6.0 * uncertainty * change,
            ..Input::new(residual, std / expected.max(LEAST * capacity))
        };
        (loose(uncertainty), input)
    } else {
        let residual = generation - (ratio * expected).min(capacity);
        let unknown = if lag_s > 0.0 {
            DYNAMICS * capacity
        } else {
            0.0
        };
        let storm = is_storm(state, model, row, [share, possible], dt_s);
        let residual = if storm || (begins && lag_s > 0.0) {
            f64::NAN
        } else {
            residual
        };
        let input = Input {
            coarse: inertia(noise, slope, lag_s, dt_s) + unknown + INERT * inert + BENT * bend,
            ..Input::new(residual, std)
        };
        (TURBINE, input)
    };
    let pausing = [res::GENERATION, resource]
        .into_iter()
        .any(|field| state.repeats[field].is_pausing());
    let signal = if pausing {
        None
    } else {
        state.tracks[GENERATION].step(&spec, &input, gate)
    };
    match signal {
        Some(Signal::Raised {
            shape,
            age,
            strength,
        }) => {
            let (kind, field) = judge(state, shape, age, resource);
            changes.push(entity::raise(
                state,
                place,
                Source::Track(GENERATION),
                Some(field),
                kind,
                age,
                entity::confidence_of(shape, strength),
            ));
        }
        Some(Signal::Cleared) => {
            changes.extend(entity::clear(state, place, Source::Track(GENERATION)));
        }
        None => {}
    }
    if gate == Gate::Open && !state.tracks[GENERATION].is_disturbed() {
        learn_ratio(state, share, possible);
    }
    let input = Input::new(
        row.get(res::UTILIZATION) - share,
        noise.generation.max(LEAST_NOISE) + noise.generation_share * share,
    );
    let explained = explains_all(state);
    step_field(
        state,
        UTILIZATION,
        res::UTILIZATION,
        &MODEL,
        &input,
        explained,
        place,
        changes,
    );
    air(noise, state, row, place, changes);
}

#[expect(
    clippy::too_many_arguments,
    reason = "one residual with all that it needs"
)]
fn step_field(
    state: &mut EntityState,
    track: usize,
    field: usize,
    spec: &Spec,
    input: &Input,
    explained: bool,
    place: Place,
    changes: &mut Vec<AnomalyChange>,
) -> Option<Signal> {
    let gate = if explained || state.is_stuck(field) {
        Gate::Explained
    } else {
        Gate::Open
    };
    let signal = if state.rest(track, field) {
        None
    } else {
        state.tracks[track].step(spec, input, gate)
    };
    report(state, place, track, field, signal, changes);
    signal
}

/// Samples after which air that stays other than it was is taken for what it is.
const AIR_PATIENCE: u32 = 100;
/// Variance with which the level of the air is known at most, over that of the noise and of its walk.
const AIR_DOUBT: f64 = 0.6;
const AIR_WALK: f64 = 8.0;

/// Whether a value is what the past lets expect.
fn is_back(input: &Input) -> bool {
    input.residual.abs() < 3.5 * input.std
}

/// Air changes slowly: what it was is the best that is known of it.
fn air(
    noise: &Noise,
    state: &mut EntityState,
    row: &Row,
    place: Place,
    changes: &mut Vec<AnomalyChange>,
) {
    let value = row.get(res::TEMPERATURE);
    let noise2 = square(noise.air_k);
    let input = state.pasts[0]
        .judge(value, noise2)
        .map_or(Input::new(f64::NAN, 1.0), |past| {
            let most = AIR_DOUBT * noise2 + AIR_WALK * square(noise.air_walk_k);
            Input::new(past.error, (past.variance.min(most) + noise2).sqrt())
        });
    let signal = step_field(
        state,
        AIR,
        res::TEMPERATURE,
        &AIR_SPEC,
        &input,
        false,
        place,
        changes,
    );
    if signal == Some(Signal::Cleared) && !is_back(&input) {
        state.pasts[0].forget();
    }
    let off = state.is_stuck(res::TEMPERATURE) || state.repeats[res::TEMPERATURE].is_pausing();
    if off || state.tracks[AIR].is_disturbed() {
        state.pasts[0].hold(noise2);
    } else {
        state.pasts[0].take(value, noise2, false);
    }
}

/// Whether the inverter of an inexactly known plant limits its power: then generation says little.
fn is_clipped(possible: f64, share: f64, uncertainty: f64) -> bool {
    possible > 1.0 - 3.0 * uncertainty && (0.98..=1.0).contains(&share)
}

/// Generation and weather are one relation: one alert explains the others.
fn explains_all(state: &EntityState) -> bool {
    state.alerts.iter().any(|alert| {
        matches!(
            alert.source,
            Source::Track(GENERATION)
                | Source::Repeat(res::GENERATION | res::IRRADIANCE | res::WIND_SPEED)
        )
    }) || state.tracks[GENERATION].is_alarming()
}

/// What a residual of generation means, and which field is at fault: the one that jumped.
fn judge(state: &EntityState, shape: Shape, age: u32, resource: usize) -> (AnomalyType, usize) {
    let generation = &state.memory[..HISTORY];
    let model = &state.memory[HISTORY..2 * HISTORY];
    let now = HISTORY - 1;
    if generation[now] < STANDS && model[now] > COULD {
        return (AnomalyType::Trip, res::GENERATION);
    }
    let onset = now.saturating_sub(age as usize);
    if onset > 0 {
        let moves = |series: &[f64]| -> f64 {
            let pairs = series[onset - 1..].windows(2);
            pairs.map(|pair| (pair[1] - pair[0]).abs()).sum()
        };
        if moves(model) > AT_FAULT * moves(generation) {
            return (entity::kind_of(shape), resource);
        }
    }
    let less = (0..HISTORY)
        .rev()
        .take(age.clamp(2, 6) as usize)
        .all(|at| generation[at] < model[at]);
    match shape {
        Shape::Shift | Shape::Drift | Shape::Burst if less => {
            (AnomalyType::Derate, res::GENERATION)
        }
        other => (entity::kind_of(other), res::GENERATION),
    }
}

/// The unit's model may be off by a constant factor (soiling, losses, air pressure).
fn learn_ratio(state: &mut EntityState, share: f64, possible: f64) {
    if !(0.1..=0.97).contains(&possible) || !share.is_finite() {
        return;
    }
    let off = (share / possible - 1.0 - state.memory[RATIO]).clamp(-0.05, 0.05);
    state.memory[RATIO_SAMPLES] += 1.0;
    let gain = 1.0 / state.memory[RATIO_SAMPLES].clamp(20.0, 400.0);
    state.memory[RATIO] = (state.memory[RATIO] + gain * off).clamp(-0.15, 0.15);
}

/// What the weather of a sample allows.
struct Expectation {
    /// Capacity, kW.
    capacity: f64,
    /// Settled generation, kW.
    expected: f64,
    /// Standard deviation that noise of the weather gives it, kW.
    slope: f64,
    /// The field of the weather.
    resource: usize,
    /// By which share the unit may differ from its model.
    uncertainty: f64,
    /// Time constant with which the unit follows, s.
    lag_s: f64,
    /// How much less a turbine gives on average over winds that differ, kW.
    bend: f64,
}

fn expectation(noise: &Noise, model: &Nominal, row: &Row) -> Option<Expectation> {
    let air = row.get(res::TEMPERATURE);
    let found = match model {
        Nominal::Solar(solar) => {
            let irradiance = row.get(res::IRRADIANCE);
            let expected = solar_power(solar, irradiance, air);
            let step = noise.irradiance + noise.irradiance_share * irradiance;
            let above = solar_power(solar, irradiance + step, air);
            Expectation {
                capacity: solar.capacity_kw,
                expected,
                slope: (above - expected).abs(),
                resource: res::IRRADIANCE,
                uncertainty: solar.uncertainty,
                lag_s: 0.0,
                bend: 0.0,
            }
        }
        Nominal::Wind(wind) => {
            let speed = row.get(res::WIND_SPEED);
            let expected = wind_power(wind, speed, air);
            let above = wind_power(wind, speed + noise.wind_speed, air);
            let below = wind_power(wind, speed - noise.wind_speed, air);
            // Where the curve bends, what the wind does between samples does not cancel out.
            let away = BEND * speed;
            let bend = wind_power(wind, speed - away, air) + wind_power(wind, speed + away, air)
                - 2.0 * expected;
            Expectation {
                capacity: wind.capacity_kw,
                expected,
                slope: (above - expected).abs().max((expected - below).abs()),
                resource: res::WIND_SPEED,
                uncertainty: 0.0,
                lag_s: wind.lag_s,
                bend: if wind.lag_s > 0.0 { bend.abs() } else { 0.0 },
            }
        }
        Nominal::Bus { .. } | Nominal::Converter(_) => return None,
    };
    (found.expected.is_finite() && found.capacity > 0.0).then_some(found)
}

/// What a turbine gives behind a lag of first order that acts once a second, the wind between samples being a
/// straight line; and how far it was from that before, kW.
fn follow(
    state: &mut EntityState,
    model: &Nominal,
    row: &Row,
    settled: f64,
    dt_s: f64,
) -> [f64; 2] {
    let Nominal::Wind(wind) = model else {
        return [settled, 0.0];
    };
    if wind.lag_s <= 0.0 {
        return [settled, 0.0];
    }
    let (speed, air) = (row.get(res::WIND_SPEED), row.get(res::TEMPERATURE));
    let memory = &mut state.memory;
    let mut lagged = settled;
    let mut inert = 0.0;
    if memory[RUNNING] > 0.0 && dt_s > 0.0 {
        let cycles = (dt_s / CYCLE_S).clamp(1.0, CYCLES_MAX).round();
        let gain = 1.0 - exp(-dt_s / (cycles * wind.lag_s));
        let before = memory[SPEED];
        lagged = memory[LAGGED];
        inert = (settled - lagged).abs();
        let mut cycle = 1.0;
        while cycle < cycles {
            let aim = wind_power(wind, before + (speed - before) * cycle / cycles, air);
            lagged += gain * (aim - lagged);
            cycle += 1.0;
        }
        lagged += gain * (settled - lagged);
    }
    memory[RUNNING] = 1.0;
    memory[SPEED] = speed;
    memory[LAGGED] = lagged;
    [lagged, inert]
}

/// How far a unit with inertia may be from its model because the weather changed shortly before a sample, kW.
/// Where samples are close together the model sees that itself.
fn inertia(noise: &Noise, slope: f64, lag_s: f64, dt_s: f64) -> f64 {
    if dt_s > 3.0 * lag_s && noise.wind_speed > 0.0 {
        slope / noise.wind_speed * SURGE_MS2 * lag_s
    } else {
        0.0
    }
}

/// How long a turbine may wait after a storm: until the mean of the wind over minutes has calmed down.
const STANDSTILL_S: f64 = 300.0;

/// Share of what the wind allows from which on a turbine is back after that.
const FOLLOWS: f64 = 0.985;

/// After a storm beyond the end of its curve a turbine stands until the wind has calmed down for a while.
fn is_storm(
    state: &mut EntityState,
    model: &Nominal,
    row: &Row,
    [share, possible]: [f64; 2],
    dt_s: f64,
) -> bool {
    let Nominal::Wind(wind) = model else {
        return false;
    };
    let end = wind.curve.last().map_or(f64::INFINITY, |&(speed, _)| speed);
    if row.get(res::WIND_SPEED) > 0.97 * end {
        state.memory[STORM] = 1.0;
    } else if share > FOLLOWS * possible {
        state.memory[STORM] = 0.0;
    } else if row.get(res::WIND_SPEED) < 0.6 * end {
        state.memory[STORM] = (state.memory[STORM] - dt_s / STANDSTILL_S).max(0.0);
    }
    state.memory[STORM] > 0.0
}

/// AC power of a solar plant in kW (`PVWatts`, Dobos 2014).
fn solar_power(solar: &Solar, irradiance: f64, air: f64) -> f64 {
    let irradiance = irradiance.max(0.0);
    let cell = air + irradiance / solar.heat_loss;
    let dc = solar.dc_ratio * solar.capacity_kw * irradiance / 1000.0
        * (1.0 + solar.temperature_coefficient * (cell - 25.0))
        * (1.0 - solar.losses);
    let ac = match solar.inverter {
        Inverter::Constant(efficiency) => efficiency * dc,
        Inverter::PvWatts => {
            let load = dc / (solar.capacity_kw / 0.96);
            if load <= 0.0 {
                0.0
            } else {
                0.96 / 0.9637 * (-0.0162 * load - 0.0059 / load + 0.9858) * dc
            }
        }
    };
    ac.clamp(0.0, solar.capacity_kw)
}

/// Power of a turbine in kW: its curve, interpolated, at the speed that has the same effect at standard
/// density (Svenningsen 2010).
fn wind_power(wind: &Wind, speed: f64, air: f64) -> f64 {
    let density = match wind.pressure_hpa {
        Some(pressure) if air.is_finite() => pressure * 100.0 / (287.058 * (air + 273.15)),
        _ => return interpolate(&wind.curve, speed),
    };
    // The correction stretches the curve, by an exponent that depends on the curve's own speed; one step
    // of fixed-point iteration from the measured speed is within a per mille.
    let stretch = |at: f64| {
        let exponent = (1.0 / 3.0 + (at - 7.5) / 15.0).clamp(1.0 / 3.0, 2.0 / 3.0);
        pow(1.225 / density, exponent)
    };
    let first = speed / stretch(speed);
    interpolate(&wind.curve, speed / stretch(first))
}

fn interpolate(curve: &[(f64, f64)], at: f64) -> f64 {
    curve
        .windows(2)
        .find(|pair| pair[0].0 <= at && at <= pair[1].0)
        .map_or(0.0, |pair| {
            let (x0, y0) = pair[0];
            let (x1, y1) = pair[1];
            y0 + (y1 - y0) * (at - x0) / (x1 - x0)
        })
}

fn hypot(a: f64, b: f64) -> f64 {
    (a * a + b * b).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solar_power_follows_the_weather() {
        let solar = |inverter| Solar {
            capacity_kw: 100.0,
            dc_ratio: 1.15,
            losses: 0.1,
            temperature_coefficient: -0.0035,
            heat_loss: 35.0,
            inverter,
            uncertainty: 0.0,
        };
        let constant = solar(Inverter::Constant(0.96));
        // By hand: 1.15 * 100 * 0.6 * (1 - 0.0035 (20 + 600/35 - 25)) * 0.9 * 0.96.
        assert!((solar_power(&constant, 600.0, 20.0) - 57.0824).abs() < 1e-3);
        assert!((solar_power(&constant, 1400.0, 0.0) - 100.0).abs() < 1e-12);
        assert!(solar_power(&constant, 0.0, 20.0).abs() < 1e-12);
        // By hand: load 0.570824, so 0.96 / 0.9637 * 0.966217 * 59.46080.
        let by_load = solar_power(&solar(Inverter::PvWatts), 600.0, 20.0);
        assert!((by_load - 57.2314).abs() < 1e-3, "{by_load}");
    }

    #[test]
    fn wind_power_follows_curve_and_density() {
        let mut wind = Wind {
            capacity_kw: 150.0,
            curve: vec![(3.0, 0.0), (10.0, 80.0), (12.5, 150.0), (25.0, 150.0)],
            pressure_hpa: None,
            lag_s: 0.0,
        };
        assert!((wind_power(&wind, 11.25, 15.0) - 115.0).abs() < 1e-9);
        assert!(wind_power(&wind, 2.0, 15.0).abs() < 1e-12);
        assert!(wind_power(&wind, 26.0, 15.0).abs() < 1e-12);
        wind.pressure_hpa = Some(1013.25);
        let (cold, warm) = (wind_power(&wind, 9.0, -20.0), wind_power(&wind, 9.0, 35.0));
        assert!(cold > 1.05 * warm, "{cold} {warm}");
    }
}
