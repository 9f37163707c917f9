//! Streams of renewable units: clouds and gusts, and units that follow the weather or do not.

use serde_json::Value;

use super::{
    dice::Dice,
    draft::{Draft, round},
    recipe::Recipe,
};

const IDS: [&str; 4] = ["SOLAR-001", "SOLAR-002", "WIND-001", "WIND-002"];
const FIELDS: [&str; 5] = [
    "generation",
    "utilizationFactor",
    "irradiance",
    "windSpeed",
    "temperature",
];
const CAPACITY_KW: [f64; 4] = [100.0, 250.0, 150.0, 300.0];

/// A labelled stream of renewable units.
pub(crate) fn res(seed: u64, recipe: &Recipe) -> Value {
    let ticks = recipe.ticks;
    let mut dice = Dice::new(seed, "res");
    let mut draft = Draft::new("res", 2000, &IDS, &FIELDS, &[3, 6, 2, 3, 2], ticks);
    let weather: Vec<_> = (0..4).map(|unit| weather(&mut dice, unit, ticks)).collect();
    for unit in 0..4 {
        for tick in 0..ticks {
            let row = sample(&mut dice, unit, weather[unit][tick], recipe.noise);
            draft.values[tick].push(row);
        }
    }
    if recipe.anomalies {
        for _ in 0..ticks / 110 {
            let unit = dice.below(4);
            unit_fault(&mut draft, &mut dice, unit, &weather[unit]);
        }
    }
    draft.finish()
}

/// The weather itself, without noise: irradiance or wind speed, and air temperature.
fn weather(dice: &mut Dice, unit: usize, ticks: usize) -> Vec<(f64, f64)> {
    let air = dice.wander(ticks, 0.3, 500.0);
    if unit < 2 {
        let clear = dice.uniform(300.0, 900.0);
        let sky = sky(dice, ticks);
        (0..ticks)
            .map(|t| (clear * sky[t], 22.0 + air[t]))
            .collect()
    } else {
        let mean = dice.uniform(6.0, 10.0);
        let slow = dice.wander(ticks, 0.8, 200.0);
        let turbulence = dice.wander(ticks, 0.12 * mean * 0.6, 4.0);
        (0..ticks)
            .map(|t| ((mean + slow[t] + turbulence[t]).max(0.3), 12.0 + air[t]))
            .collect()
    }
}

/// What the sensors of a unit show, with noise `n` times the usual one.
fn sample(dice: &mut Dice, unit: usize, (resource, air): (f64, f64), n: f64) -> Vec<f64> {
    let capacity = CAPACITY_KW[unit];
    let generation = round(
        (power(unit, resource, air) + 0.0022 * n * capacity * dice.normal()).max(0.0),
        3,
    );
    let mut row = vec![
        generation,
        generation / capacity,
        f64::NAN,
        f64::NAN,
        air + 0.04 * n * dice.normal(),
    ];
    if unit < 2 {
        row[2] = (resource + 0.8 * n * dice.normal()).max(0.0);
    } else {
        row[3] = (resource + 0.01 * n * dice.normal()).max(0.0);
    }
    row
}

/// A fault of a unit or of one of its sensors.
fn unit_fault(draft: &mut Draft, dice: &mut Dice, unit: usize, weather: &[(f64, f64)]) {
    const KINDS: [(&str, usize); 5] = [
        ("TRIP", 30),
        ("BIAS_SENSOR", 90),
        ("STUCK_SENSOR", 60),
        ("STUCK_GENERATION", 60),
        ("DERATE", 120),
    ];
    let capacity = CAPACITY_KW[unit];
    let (kind, length) = KINDS[dice.below(KINDS.len())];
    let Some(start) = draft.place(dice, Some(unit), length, 60) else {
        return;
    };
    // What concerns generation shows only where there is some.
    let some = (0..length)
        .filter(|&k| power(unit, weather[start + k].0, weather[start + k].1) > 0.1 * capacity)
        .count();
    if some < length / 2 {
        return;
    }
    let sensor = if unit < 2 { 2 } else { 3 };
    let bias = dice.uniform(1.2, 1.4);
    let left = dice.uniform(0.65, 0.85);
    let held = draft.values[start][unit].clone();
    for k in 0..length {
        let row = &mut draft.values[start + k][unit];
        match kind {
            "TRIP" => row[0] = 0.0,
            "BIAS_SENSOR" => row[sensor] *= bias,
            "STUCK_SENSOR" => row[sensor] = held[sensor],
            "STUCK_GENERATION" => row[0] = held[0],
            _ => row[0] *= left,
        }
        row[1] = row[0] / capacity;
    }
    let field = if kind.ends_with("SENSOR") { sensor } else { 0 };
    draft.label(unit, field, kind, start, length);
}

/// Share of clear-sky irradiance: clear, broken or overcast, smoothed.
fn sky(dice: &mut Dice, ticks: usize) -> Vec<f64> {
    let mut state = dice.below(3);
    let mut value = 0.8;
    (0..ticks)
        .map(|_| {
            if dice.uniform(0.0, 1.0) < 1.0 / 150.0 {
                state = dice.below(3);
            }
            let target = match state {
                0 => 1.0,
                1 => dice.uniform(0.2, 1.1),
                _ => 0.35,
            };
            let gain = if state == 1 { 0.3 } else { 0.1 };
            value += gain * (target - value);
            value
        })
        .collect()
}

/// What a unit generates in this weather, kW.
fn power(unit: usize, resource: f64, air: f64) -> f64 {
    match unit {
        0 | 1 => {
            let capacity = CAPACITY_KW[unit];
            let dc = 1.15 * capacity * resource / 1000.0
                * (1.0 - 0.0035 * (air + resource / 35.0 - 25.0))
                * 0.9;
            (0.96 * dc).clamp(0.0, capacity)
        }
        _ => CAPACITY_KW[unit] * curve(resource),
    }
}

/// Power curve of the turbines, per unit of capacity.
fn curve(speed: f64) -> f64 {
    const SHARE: [(f64, f64); 22] = [
        (3.0, 0.0),
        (3.5, 0.01244),
        (4.0, 0.024305),
        (4.5, 0.040068),
        (5.0, 0.060006),
        (5.5, 0.084393),
        (6.0, 0.113484),
        (6.5, 0.147511),
        (7.0, 0.186688),
        (7.5, 0.231201),
        (8.0, 0.281222),
        (8.5, 0.336899),
        (9.0, 0.398365),
        (9.5, 0.465739),
        (10.0, 0.539125),
        (10.5, 0.618622),
        (11.0, 0.704319),
        (11.5, 0.796311),
        (12.0, 0.894699),
        (12.5, 0.999615),
        (13.0, 1.0),
        (25.0, 1.0),
    ];
    SHARE
        .windows(2)
        .find(|pair| pair[0].0 <= speed && speed <= pair[1].0)
        .map_or(0.0, |pair| {
            pair[0].1 + (pair[1].1 - pair[0].1) * (speed - pair[0].0) / (pair[1].0 - pair[0].0)
        })
}
