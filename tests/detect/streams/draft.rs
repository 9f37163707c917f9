//! A labelled stream under construction.

use gridcast::maths::sin;
use serde_json::{Value, json};

use super::dice::Dice;

/// Samples before the first anomaly or event: detectors have learnt by then.
pub(super) const LEAD: usize = 120;

/// A stream under construction: `values[tick][entity][field]`.
pub(super) struct Draft {
    kind: &'static str,
    interval_ms: u32,
    ids: &'static [&'static str],
    fields: &'static [&'static str],
    digits: &'static [i32],
    pub(super) values: Vec<Vec<Vec<f64>>>,
    anomalies: Vec<Value>,
    dont_care: Vec<Value>,
    /// Which entity something happens to, none where it happens to all, and from when to when.
    busy: Vec<(Option<usize>, usize, usize)>,
}

impl Draft {
    /// A stream of so many samples without values.
    pub(super) fn new(
        kind: &'static str,
        interval_ms: u32,
        ids: &'static [&'static str],
        fields: &'static [&'static str],
        digits: &'static [i32],
        ticks: usize,
    ) -> Self {
        Self {
            kind,
            interval_ms,
            ids,
            fields,
            digits,
            values: vec![Vec::new(); ticks],
            anomalies: Vec::new(),
            dont_care: Vec::new(),
            busy: Vec::new(),
        }
    }

    fn ticks(&self) -> usize {
        self.values.len()
    }

    /// A start for something that lasts `length`, away from whatever else concerns the entity.
    pub(super) fn place(
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

    /// A fault of a sensor that is to be found.
    pub(super) fn label(
        &mut self,
        entity: usize,
        field: usize,
        kind: &str,
        start: usize,
        length: usize,
    ) {
        self.busy.push((Some(entity), start, start + length));
        self.anomalies.push(json!({
            "id": self.ids[entity],
            "field": self.fields[field],
            "kind": kind,
            "start_tick": start,
            "end_tick": start + length - 1,
        }));
    }

    /// Something happens that detectors may see or not. Nothing else happens to the entity from `start` to
    /// `end`.
    pub(super) fn occupy(&mut self, entity: Option<usize>, start: usize, end: usize) {
        self.busy.push((entity, start, end));
    }

    /// What is found from `start` to `end` does not count.
    pub(super) fn ignore(&mut self, entity: Option<usize>, start: usize, end: usize) {
        let mut window = json!({"start_tick": start, "end_tick": end});
        if let Some(entity) = entity {
            window["id"] = self.ids[entity].into();
        }
        self.dont_care.push(window);
    }

    /// Adds a sensor fault of a random kind to a field whose noise is `sigma`.
    pub(super) fn sensor_fault(
        &mut self,
        dice: &mut Dice,
        entity: usize,
        field: usize,
        sigma: f64,
    ) {
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

    /// The stream as the detectors take it, with its labels.
    pub(super) fn finish(self) -> Value {
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
                "faults": [],
                "anomalies": self.anomalies,
                "dont_care": self.dont_care,
            },
        })
    }
}

/// A value with so many decimals.
pub(super) fn round(value: f64, digits: i32) -> f64 {
    let scale = (0..digits).fold(1.0, |scale, _| scale * 10.0);
    (value * scale).round() / scale
}
