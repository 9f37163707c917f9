//! Converter streams: set-points ramp and step, the grid voltage behind wanders, heat follows the load.

use gridcast::maths::exp;
use serde_json::Value;

use super::{dice::Dice, draft::Draft, recipe::Recipe};

const IDS: [&str; 3] = ["CONV-001", "CONV-002", "CONV-003"];
const FIELDS: [&str; 8] = [
    "voltage",
    "current_d",
    "current_q",
    "activePower",
    "reactivePower",
    "frequency",
    "thd",
    "temperature",
];
/// Rated current (A), DC link (V), grid voltage (V), factor of power.
const NOMINAL: [(f64, f64, f64, f64); 3] = [
    (204.12, 750.0, 326.6, 1.5),
    (295.83, 1200.0, 563.4, 1.5),
    (125.0, 750.0, 400.0, 1.0),
];

/// A labelled stream of converters.
pub(crate) fn converter(seed: u64, recipe: &Recipe) -> Value {
    let ticks = recipe.ticks;
    let mut dice = Dice::new(seed, "converter");
    let frequency = dice.wander(ticks, 0.003, 120.0);
    let digits = &[3, 3, 3, 4, 4, 4, 3, 2];
    let mut draft = Draft::new("converter", 500, &IDS, &FIELDS, digits, ticks);
    for entity in 0..NOMINAL.len() {
        let mut load = set_points(&mut dice, ticks);
        if recipe.anomalies {
            overcurrents(&mut draft, &mut dice, entity, &mut load);
        }
        samples(
            &mut draft,
            &mut dice,
            entity,
            &load,
            &frequency,
            recipe.noise,
        );
    }
    if recipe.anomalies {
        for _ in 0..ticks / 600 {
            overvoltage(&mut draft, &mut dice);
        }
        for _ in 0..ticks / 110 {
            sensor_fault(&mut draft, &mut dice, recipe.noise);
        }
    }
    draft.finish()
}

/// The samples of one converter at a load, with noise `n` times that of the nameplates.
fn samples(
    draft: &mut Draft,
    dice: &mut Dice,
    entity: usize,
    load: &[f64],
    frequency: &[f64],
    n: f64,
) {
    let ticks = load.len();
    let (rated, dc, grid, power) = NOMINAL[entity];
    let flutter = dice.wander(ticks, 0.004, 15.0);
    let axis = dice.wander(ticks, 0.006, 40.0);
    let ratio = dice.wander(ticks, 0.005, 60.0);
    let distortion = dice.wander(ticks, 0.01, 50.0);
    let link = dice.wander(ticks, 0.0017 * dc, 6.0);
    let ambient = dice.wander(ticks, 0.3, 2000.0);
    let rise = 28.0 * dice.uniform(0.97, 1.03);
    let three_phase = power > 1.0;
    let mut heat = rise * load[0] * load[0];
    for tick in 0..ticks {
        let d = rated * load[tick] * (1.0 + flutter[tick]);
        let q = if three_phase {
            rated * (0.1 + axis[tick])
        } else {
            0.0
        };
        let x = (d * d + q * q).sqrt() / rated;
        heat += (rise * x * x - heat) * (1.0 - exp(-0.5 / 40.0));
        let per_ampere = power * grid * (1.0 + ratio[tick]) / 1000.0;
        let noise = 0.001 * rated * n;
        let p_noise = 0.001 * power * grid * rated / 1000.0 * n;
        // Without an AC side both are zero.
        let (axis_noise, reactive) = if three_phase {
            let axis_noise = noise * dice.normal();
            (axis_noise, -per_ampere * q + 0.5 * p_noise * dice.normal())
        } else {
            (0.0, 0.0)
        };
        draft.values[tick].push(vec![
            dc + link[tick] + 6e-4 * dc * n * dice.normal(),
            d + noise * dice.normal(),
            q + axis_noise,
            per_ampere * d + p_noise * dice.normal(),
            reactive,
            50.0 + frequency[tick] + 0.0022 * n * dice.normal(),
            1.68 / x.max(0.05) * (1.0 + distortion[tick]) + 0.015 * n * dice.normal(),
            30.0 + ambient[tick] + heat + 0.05 * n * dice.normal(),
        ]);
    }
}

/// A DC link above its limits, for 20 samples.
fn overvoltage(draft: &mut Draft, dice: &mut Dice) {
    let entity = dice.below(3);
    let Some(start) = draft.place(dice, Some(entity), 20, 60) else {
        return;
    };
    draft.occupy(Some(entity), start - 3, start + 50);
    draft.ignore(Some(entity), start - 3, start + 50);
    let beyond = dice.uniform(0.08, 0.25) * NOMINAL[entity].1;
    for k in 0..20 {
        draft.values[start + k][entity][0] += beyond;
    }
}

/// A fault of a sensor of any converter.
fn sensor_fault(draft: &mut Draft, dice: &mut Dice, noise: f64) {
    let entity = dice.below(3);
    let (rated, dc, grid, power) = NOMINAL[entity];
    let (field, sigma) = [
        (0, 1e-3 * dc),
        (3, 0.002 * power * grid * rated / 1000.0),
        (5, 0.0022),
        (6, 0.015),
        (7, 0.05),
    ][dice.below(5)];
    draft.sensor_fault(dice, entity, field, sigma * noise);
}

/// Steps of the load beyond the rating, for 20 samples each.
fn overcurrents(draft: &mut Draft, dice: &mut Dice, entity: usize, load: &mut [f64]) {
    for _ in 0..load.len() / 1000 {
        let Some(start) = draft.place(dice, Some(entity), 20, 60) else {
            continue;
        };
        draft.occupy(Some(entity), start - 3, start + 50);
        draft.ignore(Some(entity), start - 3, start + 50);
        let over = dice.uniform(1.05, 1.6);
        load[start..start + 20].fill(over);
    }
}

/// Load of a converter over time: it holds, ramps or steps to the next set-point.
fn set_points(dice: &mut Dice, ticks: usize) -> Vec<f64> {
    let mut load = dice.uniform(0.4, 0.8);
    let mut target = load;
    let mut rate = 0.01;
    (0..ticks)
        .map(|tick| {
            if tick > 30 && dice.uniform(0.0, 1.0) < 1.0 / 100.0 {
                target = dice.uniform(0.3, 0.95);
                rate = if dice.uniform(0.0, 1.0) < 0.5 {
                    1.0
                } else {
                    dice.uniform(0.005, 0.03)
                };
            }
            load += (target - load).clamp(-rate, rate);
            load
        })
        .collect()
}
