//! Bus streams: loads wander and step, the frequency follows and has an event now and then, a bus sags.

use gridcast::maths::{cos, exp};
use serde_json::Value;

use super::{
    dice::Dice,
    draft::{Draft, LEAD},
    network::FiveBuses,
    recipe::Recipe,
};

const IDS: [&str; 5] = ["BUS-001", "BUS-002", "BUS-003", "BUS-004", "BUS-005"];
const FIELDS: [&str; 5] = [
    "voltageMagnitude",
    "voltageAngle",
    "frequency",
    "activePower",
    "reactivePower",
];
/// Nominal frequency, Hz.
const NOMINAL_HZ: f64 = 50.0;
/// Standard deviations of the noise in the order of [`FIELDS`]: those of the nameplates.
const SIGMA: [f64; 5] = [4e-4, 0.02, 0.0022, 0.3, 0.3];
/// Active load by bus, MW.
const LOAD_MW: [f64; 5] = [0.0, 40.0, 90.0, 80.0, 55.0];
/// Reactive load by bus, `MVAr`.
const LOAD_MVAR: [f64; 5] = [0.0, 0.0, 30.0, 28.0, 18.0];
/// Samples that a frequency event lasts.
const EVENT: usize = 150;
/// Samples that a sag lasts.
const SAG: usize = 16;

/// A labelled stream of buses.
pub(crate) fn bus(seed: u64, recipe: &Recipe) -> Value {
    let ticks = recipe.ticks;
    let mut dice = Dice::new(seed, "bus");
    let truth = truth(&mut dice, ticks);
    let mut frequency: Vec<f64> = dice.wander(ticks, 0.012, 60.0);
    let mut draft = Draft::new("bus", 1000, &IDS, &FIELDS, &[6, 4, 4, 3, 3], ticks);
    let sigma = SIGMA.map(|sigma| sigma * recipe.noise);
    if recipe.anomalies {
        frequency_event(&mut draft, &mut dice, &mut frequency);
    }
    for tick in 0..ticks {
        for (v, angle, p, q) in truth[tick] {
            let exact = [v, angle, NOMINAL_HZ + frequency[tick], p, q];
            let row = (0..5).map(|field| exact[field] + sigma[field] * dice.normal());
            draft.values[tick].push(row.collect());
        }
    }
    if recipe.anomalies {
        sag(&mut draft, &mut dice);
        for _ in 0..ticks / 110 {
            let field = [0, 0, 2, 2, 3, 3, 1, 4][dice.below(8)];
            let entity = dice.below(5);
            draft.sensor_fault(&mut dice, entity, field, sigma[field]);
        }
    }
    draft.finish()
}

/// What the buses really do: V p.u., angle deg, P MW, Q `MVAr`.
fn truth(dice: &mut Dice, ticks: usize) -> Vec<[(f64, f64, f64, f64); 5]> {
    let network = FiveBuses::new();
    let mut wander: Vec<Vec<f64>> = (0..5).map(|_| dice.wander(ticks, 0.02, 300.0)).collect();
    for series in &mut wander {
        let mut level = 0.0;
        for (tick, value) in series.iter_mut().enumerate() {
            if tick > LEAD && dice.uniform(0.0, 1.0) < 1.0 / 400.0 {
                level = dice.uniform(-0.2, 0.3);
            }
            *value += level;
        }
    }
    let farms = [dice.wander(ticks, 4.0, 60.0), dice.wander(ticks, 3.0, 60.0)];
    let mut state = FiveBuses::flat();
    (0..ticks)
        .map(|tick| {
            let factor = |bus: usize| 1.0 + wander[bus][tick];
            let mut p: Vec<f64> = (0..5).map(|bus| -LOAD_MW[bus] * factor(bus)).collect();
            p[1] += 120.0;
            p[3] += 12.0 + farms[0][tick];
            p[4] += 4.0 + farms[1][tick];
            let q: Vec<f64> = (0..5).map(|bus| -LOAD_MVAR[bus] * factor(bus)).collect();
            network.solve(&mut state, &p, &q);
            network.measure(&state)
        })
        .collect()
}

/// A frequency event: a fall, and back as the control area answers.
fn frequency_event(draft: &mut Draft, dice: &mut Dice, frequency: &mut [f64]) {
    let Some(start) = draft.place(dice, None, EVENT, 0) else {
        return;
    };
    let depth = dice.uniform(0.15, 0.5);
    for k in 0..EVENT {
        let t = k as f64;
        frequency[start + k] -= depth * exp(-t / 40.0) * (1.0 + 0.6 * exp(-t / 3.0) * cos(t));
    }
    draft.occupy(None, start.saturating_sub(6), start + EVENT);
    draft.ignore(None, start - 6, start + EVENT);
}

/// A sag of one bus.
fn sag(draft: &mut Draft, dice: &mut Dice) {
    let sagging = 2 + dice.below(3);
    let Some(start) = draft.place(dice, None, SAG, 30) else {
        return;
    };
    let depth = dice.uniform(0.72, 0.92);
    for k in 0..SAG {
        draft.values[start + k][sagging][0] *= depth;
    }
    draft.occupy(None, start - 6, start + SAG + 20);
    draft.ignore(None, start - 6, start + SAG + 20);
}
