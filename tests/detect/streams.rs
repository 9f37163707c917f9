//! Labelled streams by seed: telemetry of the default plant's kind, with ordinary events and with sensor
//! faults whose place is known.

use gridcast::{
    maths::{cos, exp, sin},
    random::Source,
};
use serde_json::{Value, json};

/// What a stream is to contain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe {
    /// Whether there are anomalies.
    pub(crate) anomalies: bool,
    /// Samples per entity.
    pub(crate) ticks: usize,
    /// Factor on all noise.
    pub(crate) noise: f64,
}

impl Recipe {
    /// A labelled stream with the usual noise.
    pub(crate) fn labelled(ticks: usize) -> Self {
        Self {
            anomalies: true,
            ticks,
            noise: 1.0,
        }
    }

    /// A stream without anomalies.
    pub(crate) fn clean(ticks: usize) -> Self {
        Self {
            anomalies: false,
            ..Self::labelled(ticks)
        }
    }
}

/// Samples before the first anomaly or event.
const LEAD: usize = 120;

/// A random sequence: uniform and normal numbers one after the other.
struct Dice {
    source: Source,
    step: u64,
}

impl Dice {
    fn new(seed: u64, name: &str) -> Self {
        Self {
            source: Source::new(seed, name),
            step: 0,
        }
    }

    fn uniform(&mut self, low: f64, high: f64) -> f64 {
        self.step += 1;
        low + (high - low) * self.source.at(self.step).uniform()
    }

    fn normal(&mut self) -> f64 {
        self.step += 1;
        self.source.at(self.step).normal()
    }

    fn below(&mut self, count: usize) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0..count"
        )]
        let drawn = self.uniform(0.0, count as f64) as usize;
        drawn.min(count - 1)
    }

    fn sign(&mut self) -> f64 {
        if self.uniform(-1.0, 1.0) < 0.0 {
            -1.0
        } else {
            1.0
        }
    }

    /// Ornstein-Uhlenbeck process of standard deviation `sigma` and time constant `tau` samples.
    fn wander(&mut self, ticks: usize, sigma: f64, tau: f64) -> Vec<f64> {
        let kept = exp(-1.0 / tau);
        let push = sigma * (1.0 - kept * kept).sqrt();
        let mut value = sigma * self.normal();
        (0..ticks)
            .map(|_| {
                value = kept * value + push * self.normal();
                value
            })
            .collect()
    }
}

/// A stream under construction: `values[tick][entity][field]`.
struct Draft {
    kind: &'static str,
    interval_ms: u32,
    ids: &'static [&'static str],
    fields: &'static [&'static str],
    digits: &'static [i32],
    values: Vec<Vec<Vec<f64>>>,
    faults: Vec<Value>,
    anomalies: Vec<Value>,
    dont_care: Vec<Value>,
    busy: Vec<(Option<usize>, usize, usize)>,
}

impl Draft {
    fn ticks(&self) -> usize {
        self.values.len()
    }

    /// A start for something that lasts `length`, away from whatever else concerns the entity.
    fn place(
        &self,
        dice: &mut Dice,
        entity: Option<usize>,
        length: usize,
        apart: usize,
    ) -> Option<usize> {
        let end = self.ticks().checked_sub(length + 20)?;
        if end <= LEAD {
            return None;
        }
        (0..40)
            .map(|_| LEAD + dice.below(end - LEAD))
            .find(|&start| {
                self.busy.iter().all(|&(other, from, to)| {
                    (other.is_some() && entity.is_some() && other != entity)
                        || start + length + apart < from
                        || to + apart < start
                })
            })
    }

    fn label(&mut self, entity: usize, field: usize, kind: &str, start: usize, length: usize) {
        self.busy.push((Some(entity), start, start + length));
        self.anomalies.push(json!({
            "id": self.ids[entity],
            "field": self.fields[field],
            "kind": kind,
            "start_tick": start,
            "end_tick": start + length - 1,
        }));
    }

    fn ignore(&mut self, entity: Option<usize>, start: usize, end: usize) {
        let mut window = json!({"start_tick": start, "end_tick": end});
        if let Some(entity) = entity {
            window["id"] = self.ids[entity].into();
        }
        self.dont_care.push(window);
    }

    /// Adds a sensor fault of a random kind to a field whose noise is `sigma`.
    fn sensor_fault(&mut self, dice: &mut Dice, entity: usize, field: usize, sigma: f64) {
        const KINDS: [(&str, usize); 6] = [
            ("SPIKE", 2),
            ("LEVEL_SHIFT", 60),
            ("DRIFT", 150),
            ("STUCK", 45),
            ("NOISE_BURST", 40),
            ("OSCILLATION", 48),
        ];
        let (kind, length) = KINDS[dice.below(KINDS.len())];
        let Some(start) = self.place(dice, Some(entity), length, 45) else {
            return;
        };
        let sign = dice.sign();
        let size = sigma
            * match kind {
                "SPIKE" => dice.uniform(9.0, 18.0),
                "LEVEL_SHIFT" => dice.uniform(9.0, 14.0),
                "DRIFT" => dice.uniform(14.0, 20.0),
                "NOISE_BURST" => dice.uniform(7.0, 10.0),
                _ => dice.uniform(5.0, 7.0),
            };
        let period = dice.uniform(4.0, 12.0);
        let held = self.values[start][entity][field];
        for k in 0..length {
            let value = &mut self.values[start + k][entity][field];
            *value = match kind {
                "STUCK" => held,
                "DRIFT" => *value + sign * size * (k + 1) as f64 / length as f64,
                "NOISE_BURST" => *value + size * dice.normal(),
                "OSCILLATION" => *value + size * sin(std::f64::consts::TAU * k as f64 / period),
                _ => *value + sign * size,
            };
        }
        self.label(entity, field, kind, start, length);
    }

    fn finish(self) -> Value {
        let mut rows = Vec::new();
        for (tick, instant) in self.values.iter().enumerate() {
            for (entity, values) in instant.iter().enumerate() {
                let mut row = vec![json!(tick), json!(entity)];
                for (value, digits) in values.iter().zip(self.digits) {
                    row.push(if value.is_nan() {
                        Value::Null
                    } else {
                        json!(round(*value, *digits))
                    });
                }
                rows.push(Value::Array(row));
            }
        }
        json!({
            "kind": self.kind,
            "interval_ms": self.interval_ms,
            "ids": self.ids,
            "fields": self.fields,
            "rows": rows,
            "labels": {
                "faults": self.faults,
                "anomalies": self.anomalies,
                "dont_care": self.dont_care,
            },
        })
    }
}

fn round(value: f64, digits: i32) -> f64 {
    let scale = (0..digits).fold(1.0, |scale, _| scale * 10.0);
    (value * scale).round() / scale
}

/// A bus stream: loads wander and step, the frequency follows and has an event now and then, a bus sags.
pub(crate) fn bus(seed: u64, recipe: &Recipe) -> Value {
    const IDS: [&str; 5] = ["BUS-001", "BUS-002", "BUS-003", "BUS-004", "BUS-005"];
    const FIELDS: [&str; 5] = [
        "voltageMagnitude",
        "voltageAngle",
        "frequency",
        "activePower",
        "reactivePower",
    ];
    let ticks = recipe.ticks;
    let mut dice = Dice::new(seed, "bus");
    let network = Network::new();
    let load = [0.0, 40.0, 90.0, 80.0, 55.0];
    let reactive = [0.0, 0.0, 30.0, 28.0, 18.0];
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
    let mut frequency: Vec<f64> = dice.wander(ticks, 0.012, 60.0);
    let mut state = Network::flat();
    let mut truth = Vec::with_capacity(ticks);
    for tick in 0..ticks {
        let factor = |bus: usize| 1.0 + wander[bus][tick];
        let mut p: Vec<f64> = (0..5).map(|bus| -load[bus] * factor(bus)).collect();
        p[1] += 120.0;
        p[3] += 12.0 + farms[0][tick];
        p[4] += 4.0 + farms[1][tick];
        let q: Vec<f64> = (0..5).map(|bus| -reactive[bus] * factor(bus)).collect();
        network.solve(&mut state, &p, &q);
        truth.push(network.measure(&state));
    }
    let mut draft = Draft {
        kind: "bus",
        interval_ms: 1000,
        ids: &IDS,
        fields: &FIELDS,
        digits: &[6, 4, 4, 3, 3],
        values: Vec::new(),
        faults: Vec::new(),
        anomalies: Vec::new(),
        dont_care: Vec::new(),
        busy: Vec::new(),
    };
    let sigma = [4e-4, 0.02, 0.0022, 0.3, 0.3].map(|sigma| sigma * recipe.noise);
    // A frequency event: a fall, and back as the control area answers.
    if recipe.anomalies {
        draft.values = vec![Vec::new(); ticks];
        if let Some(start) = draft.place(&mut dice, None, 150, 0) {
            let depth = dice.uniform(0.15, 0.5);
            for k in 0..150 {
                let t = k as f64;
                frequency[start + k] -=
                    depth * exp(-t / 40.0) * (1.0 + 0.6 * exp(-t / 3.0) * cos(t));
            }
            draft
                .busy
                .push((None, start.saturating_sub(6), start + 150));
            draft.ignore(None, start - 6, start + 150);
        }
    }
    draft.values = (0..ticks)
        .map(|tick| {
            (0..5)
                .map(|bus| {
                    let (v, angle, p, q) = truth[tick][bus];
                    let exact = [v, angle, 50.0 + frequency[tick], p, q];
                    (0..5)
                        .map(|field| exact[field] + sigma[field] * dice.normal())
                        .collect()
                })
                .collect()
        })
        .collect();
    if recipe.anomalies {
        let sagging = 2 + dice.below(3);
        if let Some(start) = draft.place(&mut dice, None, 16, 30) {
            let depth = dice.uniform(0.72, 0.92);
            for k in 0..16 {
                draft.values[start + k][sagging][0] *= depth;
            }
            draft.busy.push((None, start - 6, start + 36));
            draft.ignore(None, start - 6, start + 36);
        }
        for _ in 0..ticks / 110 {
            let field = [0, 0, 2, 2, 3, 3, 1, 4][dice.below(8)];
            let entity = dice.below(5);
            draft.sensor_fault(&mut dice, entity, field, sigma[field]);
        }
    }
    draft.finish()
}

/// A converter stream: set-points ramp and step, the grid voltage behind wanders, heat follows the load.
pub(crate) fn converter(seed: u64, recipe: &Recipe) -> Value {
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
    // Rated current, DC link, grid voltage, factor of power.
    const NOMINAL: [(f64, f64, f64, f64); 3] = [
        (204.12, 750.0, 326.6, 1.5),
        (295.83, 1200.0, 563.4, 1.5),
        (125.0, 750.0, 400.0, 1.0),
    ];
    let ticks = recipe.ticks;
    let mut dice = Dice::new(seed, "converter");
    let frequency = dice.wander(ticks, 0.003, 120.0);
    let mut draft = Draft {
        kind: "converter",
        interval_ms: 500,
        ids: &IDS,
        fields: &FIELDS,
        digits: &[3, 3, 3, 4, 4, 4, 3, 2],
        values: vec![Vec::new(); ticks],
        faults: Vec::new(),
        anomalies: Vec::new(),
        dont_care: Vec::new(),
        busy: Vec::new(),
    };
    for (entity, &(rated, dc, grid, power)) in NOMINAL.iter().enumerate() {
        let mut load = set_points(&mut dice, ticks);
        if recipe.anomalies {
            overcurrents(&mut draft, &mut dice, entity, &mut load);
        }
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
            let n = recipe.noise;
            let noise = 0.001 * rated * n;
            let p_noise = 0.001 * power * grid * rated / 1000.0 * n;
            let axis_noise = if three_phase {
                noise * dice.normal()
            } else {
                0.0
            };
            let reactive = if three_phase {
                -per_ampere * q + 0.5 * p_noise * dice.normal()
            } else {
                0.0
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
    if recipe.anomalies {
        for _ in 0..ticks / 600 {
            let entity = dice.below(3);
            let Some(start) = draft.place(&mut dice, Some(entity), 20, 60) else {
                continue;
            };
            draft.busy.push((Some(entity), start - 3, start + 50));
            draft.ignore(Some(entity), start - 3, start + 50);
            let beyond = dice.uniform(0.08, 0.25) * NOMINAL[entity].1;
            for k in 0..20 {
                draft.values[start + k][entity][0] += beyond;
            }
        }
        for _ in 0..ticks / 110 {
            let entity = dice.below(3);
            let (rated, dc, grid, power) = NOMINAL[entity];
            let (field, sigma) = [
                (0, 1e-3 * dc),
                (3, 0.002 * power * grid * rated / 1000.0),
                (5, 0.0022),
                (6, 0.015),
                (7, 0.05),
            ][dice.below(5)];
            draft.sensor_fault(&mut dice, entity, field, sigma * recipe.noise);
        }
    }
    draft.finish()
}

/// Steps of the load beyond the rating, for 20 samples each.
fn overcurrents(draft: &mut Draft, dice: &mut Dice, entity: usize, load: &mut [f64]) {
    for _ in 0..load.len() / 1000 {
        let Some(start) = draft.place(dice, Some(entity), 20, 60) else {
            continue;
        };
        draft.busy.push((Some(entity), start - 3, start + 50));
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

/// A stream of renewable units: clouds and gusts, and units that follow the weather or do not.
pub(crate) fn res(seed: u64, recipe: &Recipe) -> Value {
    const IDS: [&str; 4] = ["SOLAR-001", "SOLAR-002", "WIND-001", "WIND-002"];
    const FIELDS: [&str; 5] = [
        "generation",
        "utilizationFactor",
        "irradiance",
        "windSpeed",
        "temperature",
    ];
    const CAPACITY: [f64; 4] = [100.0, 250.0, 150.0, 300.0];
    let ticks = recipe.ticks;
    let mut dice = Dice::new(seed, "res");
    let mut draft = Draft {
        kind: "res",
        interval_ms: 2000,
        ids: &IDS,
        fields: &FIELDS,
        digits: &[3, 6, 2, 3, 2],
        values: vec![Vec::new(); ticks],
        faults: Vec::new(),
        anomalies: Vec::new(),
        dont_care: Vec::new(),
        busy: Vec::new(),
    };
    // The weather itself, without noise: irradiance or wind speed, and air temperature.
    let mut weather: Vec<Vec<(f64, f64)>> = Vec::new();
    for unit in 0..4 {
        let air = dice.wander(ticks, 0.3, 500.0);
        let series = if unit < 2 {
            let clear = dice.uniform(300.0, 900.0);
            let sky = sky(&mut dice, ticks);
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
        };
        weather.push(series);
    }
    for unit in 0..4 {
        let n = recipe.noise;
        for tick in 0..ticks {
            let (resource, air) = weather[unit][tick];
            let generation = round(
                (power(unit, resource, air) + 0.0022 * n * CAPACITY[unit] * dice.normal()).max(0.0),
                3,
            );
            let mut row = vec![
                generation,
                generation / CAPACITY[unit],
                f64::NAN,
                f64::NAN,
                air + 0.04 * n * dice.normal(),
            ];
            if unit < 2 {
                row[2] = (resource + 0.8 * n * dice.normal()).max(0.0);
            } else {
                row[3] = (resource + 0.01 * n * dice.normal()).max(0.0);
            }
            draft.values[tick].push(row);
        }
    }
    if recipe.anomalies {
        for _ in 0..ticks / 110 {
            let unit = dice.below(4);
            unit_fault(&mut draft, &mut dice, unit, CAPACITY[unit], &weather[unit]);
        }
    }
    draft.finish()
}

fn unit_fault(
    draft: &mut Draft,
    dice: &mut Dice,
    unit: usize,
    capacity: f64,
    weather: &[(f64, f64)],
) {
    const KINDS: [(&str, usize); 5] = [
        ("TRIP", 30),
        ("BIAS_SENSOR", 90),
        ("STUCK_SENSOR", 60),
        ("STUCK_GENERATION", 60),
        ("DERATE", 120),
    ];
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
            let capacity = [100.0, 250.0][unit];
            let dc = 1.15 * capacity * resource / 1000.0
                * (1.0 - 0.0035 * (air + resource / 35.0 - 25.0))
                * 0.9;
            (0.96 * dc).clamp(0.0, capacity)
        }
        _ => [150.0, 300.0][unit - 2] * curve(resource),
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

/// The default 5-bus network, solved by Newton's method with the Jacobian of the flat start.
struct Network {
    g: [[f64; 5]; 5],
    b: [[f64; 5]; 5],
    inverse: Vec<Vec<f64>>,
}

/// Magnitudes (p.u.) and angles (rad).
type State = ([f64; 5], [f64; 5]);

/// Buses whose angle is unknown, then those whose magnitude is.
const ANGLES: [usize; 4] = [1, 2, 3, 4];
const MAGNITUDES: [usize; 3] = [2, 3, 4];

impl Network {
    fn new() -> Self {
        const BRANCHES: [(usize, usize, f64, f64, f64, f64); 6] = [
            (0, 1, 0.009752, 0.066116, 0.109478, 1.0),
            (0, 2, 0.012190, 0.082645, 0.136848, 1.0),
            (1, 2, 0.007314, 0.049587, 0.082109, 1.0),
            (2, 3, 0.001600, 0.075000, 0.0, 0.975),
            (1, 4, 0.002600, 0.120000, 0.0, 0.975),
            (3, 4, 0.023529, 0.094215, 0.010492, 1.0),
        ];
        let (mut g, mut b) = ([[0.0; 5]; 5], [[0.0; 5]; 5]);
        for (from, to, r, x, charging, ratio) in BRANCHES {
            let (gs, bs) = (r / (r * r + x * x), -x / (r * r + x * x));
            g[to][to] += gs;
            b[to][to] += bs + charging / 2.0;
            g[from][from] += gs / (ratio * ratio);
            b[from][from] += (bs + charging / 2.0) / (ratio * ratio);
            for (i, k) in [(from, to), (to, from)] {
                g[i][k] -= gs / ratio;
                b[i][k] -= bs / ratio;
            }
        }
        b[3][3] += 0.1;
        let mut network = Self {
            g,
            b,
            inverse: Vec::new(),
        };
        network.inverse = network.inverse_of_jacobian();
        network
    }

    fn flat() -> State {
        ([1.02, 1.02, 1.0, 1.0, 1.0], [0.0; 5])
    }

    /// By differences at the flat start.
    fn inverse_of_jacobian(&self) -> Vec<Vec<f64>> {
        let flat = Self::flat();
        let base = self.unknown_powers(&flat);
        let size = base.len();
        let mut rows = vec![vec![0.0; 2 * size]; size];
        for column in 0..size {
            let mut moved = flat;
            *unknown(&mut moved, column) += 1e-6;
            let powers = self.unknown_powers(&moved);
            for row in 0..size {
                rows[row][column] = (powers[row] - base[row]) / 1e-6;
            }
            rows[column][size + column] = 1.0;
        }
        for pivot in 0..size {
            let scale = rows[pivot][pivot];
            for value in &mut rows[pivot] {
                *value /= scale;
            }
            let source = rows[pivot].clone();
            for (at, row) in rows.iter_mut().enumerate() {
                if at != pivot {
                    let factor = row[pivot];
                    for (value, from) in row.iter_mut().zip(&source) {
                        *value -= factor * from;
                    }
                }
            }
        }
        rows.into_iter().map(|row| row[size..].to_vec()).collect()
    }

    fn injections(&self, (v, angle): &State) -> [(f64, f64); 5] {
        std::array::from_fn(|i| {
            (0..5).fold((0.0, 0.0), |(p, q), k| {
                let (s, c) = (sin(angle[i] - angle[k]), cos(angle[i] - angle[k]));
                let (g, b) = (self.g[i][k], self.b[i][k]);
                (
                    p + v[i] * v[k] * (g * c + b * s),
                    q + v[i] * v[k] * (g * s - b * c),
                )
            })
        })
    }

    fn unknown_powers(&self, state: &State) -> Vec<f64> {
        let powers = self.injections(state);
        let active = ANGLES.iter().map(|&bus| powers[bus].0);
        let reactive = MAGNITUDES.iter().map(|&bus| powers[bus].1);
        active.chain(reactive).collect()
    }

    fn solve(&self, state: &mut State, p_mw: &[f64], q_mvar: &[f64]) {
        let wanted: Vec<f64> = ANGLES
            .iter()
            .map(|&bus| p_mw[bus] / 100.0)
            .chain(MAGNITUDES.iter().map(|&bus| q_mvar[bus] / 100.0))
            .collect();
        for _ in 0..12 {
            let have = self.unknown_powers(state);
            for (at, row) in self.inverse.iter().enumerate() {
                let correction: f64 = row
                    .iter()
                    .zip(wanted.iter().zip(&have))
                    .map(|(inverse, (wanted, have))| inverse * (wanted - have))
                    .sum();
                *unknown(state, at) += correction;
            }
        }
    }

    /// Per bus: V p.u., angle deg, P MW, Q `MVAr`.
    fn measure(&self, state: &State) -> [(f64, f64, f64, f64); 5] {
        let powers = self.injections(state);
        std::array::from_fn(|bus| {
            (
                state.0[bus],
                state.1[bus].to_degrees(),
                100.0 * powers[bus].0,
                100.0 * powers[bus].1,
            )
        })
    }
}

fn unknown(state: &mut State, at: usize) -> &mut f64 {
    match ANGLES.get(at) {
        Some(&bus) => &mut state.1[bus],
        None => &mut state.0[MAGNITUDES[at - ANGLES.len()]],
    }
}
