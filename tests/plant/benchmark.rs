//! Random sensor anomalies on a run, drawn evenly over kind, entity and field, and what of them is found.
//!
//! The first comes after 30 s, the others 60 s apart; sizes and durations are the defaults. One is found by
//! an alert of its entity between its start and ten samples past its end. What changes no value is drawn
//! again. Nothing here depends on a clock.

use std::collections::BTreeMap;

use gridcast::{
    grid::{
        alert::{AnomalyPhase, AnomalyType},
        entity::EntityKind,
        event::Event,
        injection::{Cause, InjectionKind, InjectionOrder},
        run::RunSettings,
        stream::stream_of,
        time::{Tick, Timestamp},
    },
    plant::InjectionRequest,
    random::{Draws, Source},
};

use super::support::{Driver, default_plant};

/// 2026-06-16T08:00Z.
pub(crate) const START_MS: i64 = 1_781_596_800_000;
const FIRST_S: u64 = 30;
const APART_S: u64 = 60;
const LASTS_S: u64 = 30;
/// Samples after the end of an anomaly within which an alert still tells of it.
const AFTER: u64 = 10;
/// False alarms of one entity within so many samples of each other are one.
const TOGETHER: u64 = 30;
const STEPS_PER_S: u64 = 10;
const KINDS: [InjectionKind; 7] = [
    InjectionKind::Spike,
    InjectionKind::LevelShift,
    InjectionKind::Drift,
    InjectionKind::Stuck,
    InjectionKind::NoiseBurst,
    InjectionKind::Oscillation,
    InjectionKind::Missing,
];

/// What is injected, and from when to when an alert tells of it, in steps.
#[derive(Debug, Clone)]
struct Planned {
    order: InjectionOrder,
    start: u64,
    until: u64,
}

/// An anomaly that was raised.
#[derive(Debug, Clone)]
struct Alert {
    step: u64,
    entity: String,
    kind: AnomalyType,
    confidence: f64,
}

/// What one or more runs came to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    /// Injected, found and named rightly, by kind.
    pub(crate) kinds: BTreeMap<&'static str, [usize; 3]>,
    /// What was not found.
    pub(crate) missed: Vec<String>,
    /// Alerts where nothing was.
    pub(crate) false_alarms: Vec<String>,
    /// Confidence of each alert, and whether it was true.
    pub(crate) confidences: Vec<(f64, bool)>,
}

impl Outcome {
    pub(crate) fn add(&mut self, other: Self) {
        for (kind, counts) in other.kinds {
            let sum = self.kinds.entry(kind).or_default();
            for (sum, count) in sum.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        self.missed.extend(other.missed);
        self.false_alarms.extend(other.false_alarms);
        self.confidences.extend(other.confidences);
    }

    fn sum(&self, which: usize) -> usize {
        self.kinds.values().map(|counts| counts[which]).sum()
    }

    pub(crate) fn injected(&self) -> usize {
        self.sum(0)
    }

    pub(crate) fn found(&self) -> usize {
        self.sum(1)
    }

    /// Share of what was found whose first alert names the kind that was injected.
    pub(crate) fn named(&self) -> f64 {
        self.sum(2) as f64 / self.found().max(1) as f64
    }

    /// Mean square distance of confidence and truth (Brier 1950).
    pub(crate) fn brier(&self) -> f64 {
        let distances = self.confidences.iter().map(|&(confidence, truth)| {
            let distance = confidence - f64::from(u8::from(truth));
            distance * distance
        });
        distances.sum::<f64>() / self.confidences.len().max(1) as f64
    }

    /// One line of the table.
    pub(crate) fn row(&self) -> String {
        let kinds: Vec<_> = self
            .kinds
            .iter()
            .map(|(kind, [injected, found, named])| format!("{kind} {found}/{injected} ({named})"))
            .collect();
        format!(
            "found {}/{}, named {:.2}, false alarms {}, Brier {:.3}; {}",
            self.found(),
            self.injected(),
            self.named(),
            self.false_alarms.len(),
            self.brier(),
            kinds.join(", ")
        )
    }
}

/// What a run without sensor faults publishes: values by entity and field.
pub(crate) struct Truth {
    series: BTreeMap<(String, String), Vec<(u64, f64)>>,
}

fn settings(seed: u64, speed: u32, disturbances: f64, start_ms: i64) -> RunSettings {
    RunSettings {
        seed,
        speed,
        simulated_start: Timestamp::from_unix_ms(start_ms),
        noise: 1.0,
        disturbances,
    }
}

fn steps_of(kind: EntityKind) -> u64 {
    stream_of(kind).unwrap().period
}

impl Truth {
    /// Runs for so many simulated seconds.
    pub(crate) fn of(seed: u64, disturbances: f64, seconds: u64) -> Self {
        let mut driver = Driver::started(settings(seed, 1, disturbances, START_MS));
        let fields: Vec<_> = driver
            .machine
            .catalogue()
            .all()
            .iter()
            .map(|entity| (entity.id.clone(), entity.quantities.clone()))
            .collect();
        let mut series: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for step in 1..=seconds * STEPS_PER_S {
            driver.tick();
            for (_, event) in driver.take() {
                let Event::Sample(sample) = &*event else {
                    continue;
                };
                let id = sample.entity.clone();
                let found = fields.iter().find(|(other, _)| *other == id);
                for quantity in &found.unwrap().1 {
                    if let Some(value) = sample.value(quantity.field) {
                        let key = (id.to_string(), quantity.field.to_owned());
                        series.entry(key).or_default().push((step, value));
                    }
                }
            }
        }
        Self { series }
    }

    /// Whether a sensor that repeats what it said at `start` says anything wrong.
    fn changes_after(&self, entity: &str, field: &str, start: u64) -> bool {
        let series = &self.series[&(entity.to_owned(), field.to_owned())];
        let held = series.iter().rev().find(|(step, _)| *step <= start);
        let held = held.map(|(_, value)| *value);
        series
            .iter()
            .filter(|(step, _)| (start + 1..=start + LASTS_S * STEPS_PER_S).contains(step))
            .any(|(_, value)| held.is_some_and(|held: f64| held.to_bits() != value.to_bits()))
    }
}

/// Draws one anomaly.
fn draw(truth: &Truth, speed: u32, draws: &mut Draws, start: u64) -> Option<Planned> {
    let spec = default_plant();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0..1 times a count"
    )]
    let mut pick = |count: usize| (draws.uniform() * count as f64) as usize;
    let kind = KINDS[pick(KINDS.len())];
    let entities: Vec<_> = spec
        .catalogue()
        .all()
        .iter()
        .filter(|entity| entity.kind != EntityKind::Branch)
        .collect();
    let entity = entities[pick(entities.len())];
    let field = entity.quantities[pick(entity.quantities.len())].field;
    let request = InjectionRequest {
        kind,
        entity: entity.id.to_string(),
        size: None,
        duration_s: None,
        field: kind.rule().has_field.then(|| field.to_owned()),
    };
    let order = spec.place(request).unwrap();
    let changes = match kind {
        InjectionKind::Missing => true,
        InjectionKind::Stuck => truth.changes_after(entity.id.as_str(), field, start),
        _ => order.size != Some(0.0),
    };
    let period = steps_of(entity.kind);
    let end = match order.duration_s {
        Some(_) => start + LASTS_S * STEPS_PER_S,
        None => (start / period + 1) * period,
    };
    // Alerts of a tick come at its end.
    let late = u64::from(speed) - 1;
    changes.then_some(Planned {
        order,
        start,
        until: end + AFTER * period + late,
    })
}

fn plan(truth: &Truth, seed: u64, speed: u32, count: u64) -> Vec<Planned> {
    let source = Source::new(seed, "benchmark");
    let mut attempt = 0;
    let starts = (0..count).map(|at| (FIRST_S + APART_S * at) * STEPS_PER_S);
    starts
        .map(|start| {
            loop {
                attempt += 1;
                if let Some(planned) = draw(truth, speed, &mut source.at(attempt), start) {
                    return planned;
                }
            }
        })
        .collect()
}

/// A run of `count` anomalies.
pub(crate) fn run(truth: &Truth, seed: u64, speed: u32, disturbances: f64, count: u64) -> Outcome {
    let planned = plan(truth, seed, speed, count);
    let seconds = FIRST_S + APART_S * count;
    watch(
        settings(seed, speed, disturbances, START_MS),
        seconds,
        &planned,
    )
}

/// A run without anomalies of sensors.
pub(crate) fn undisturbed(seed: u64, disturbances: f64, start_ms: i64, seconds: u64) -> Outcome {
    watch(settings(seed, 1, disturbances, start_ms), seconds, &[])
}

fn watch(settings: RunSettings, seconds: u64, planned: &[Planned]) -> Outcome {
    let speed = u64::from(settings.speed);
    let mut driver = Driver::started(settings);
    let mut alerts = Vec::new();
    let mut faults: BTreeMap<String, (InjectionKind, String, u64, u64)> = BTreeMap::new();
    let mut next = planned.iter().peekable();
    for tick in 1..=seconds * STEPS_PER_S / speed {
        let step = tick * speed;
        // A command takes effect at the end of its tick.
        while next.peek().is_some_and(|planned| planned.start <= step) {
            driver.inject(next.next().unwrap().order.clone()).unwrap();
        }
        driver.tick();
        for view in driver.machine.injections().iter() {
            if view.cause == Cause::Random {
                faults.entry(view.id.clone()).or_insert_with(|| {
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "at most a day"
                    )]
                    let lasts = (view.duration_s.unwrap_or(0.0) * STEPS_PER_S as f64) as u64;
                    (view.kind, view.entity_id.to_string(), step, step + lasts)
                });
            }
        }
        alerts.extend(
            driver
                .take()
                .into_iter()
                .filter_map(|event| raised(event, step)),
        );
    }
    judge(planned, &faults, &alerts)
}

fn raised((_, event): (Tick, std::sync::Arc<Event>), step: u64) -> Option<Alert> {
    let Event::Anomaly(anomaly) = &*event else {
        return None;
    };
    let details = &anomaly.details;
    (details.phase == AnomalyPhase::Raised).then(|| Alert {
        step,
        entity: details.source.to_string(),
        kind: details.anomaly_type,
        confidence: details.confidence,
    })
}

/// The equipment that a disturbance harms: an alert of it is true. Weather, load and the network are no
/// anomalies.
fn harms(kind: InjectionKind, entity: &str, alert: &str) -> bool {
    match kind {
        InjectionKind::FanFailure | InjectionKind::DcSourceLoss => entity == alert,
        _ => false,
    }
}

fn judge(
    planned: &[Planned],
    faults: &BTreeMap<String, (InjectionKind, String, u64, u64)>,
    alerts: &[Alert],
) -> Outcome {
    let spec = default_plant();
    let period_of = |entity: &str| steps_of(spec.catalogue().get(entity).unwrap().kind);
    let mut outcome = Outcome::default();
    let mut first: Vec<Option<&Alert>> = vec![None; planned.len()];
    let mut last_false: BTreeMap<&str, u64> = BTreeMap::new();
    for alert in alerts {
        let period = period_of(&alert.entity);
        let mut hit = false;
        for (planned, first) in planned.iter().zip(&mut first) {
            let window = planned.start + 1..=planned.until;
            if planned.order.entity.as_str() == alert.entity && window.contains(&alert.step) {
                hit = true;
                first.get_or_insert(alert);
            }
        }
        hit |= faults.values().any(|(kind, entity, start, end)| {
            harms(*kind, entity, &alert.entity)
                && (*start..=end + AFTER * period).contains(&alert.step)
        });
        outcome.confidences.push((alert.confidence, hit));
        if !hit {
            let before = last_false.insert(&alert.entity, alert.step);
            if before.is_none_or(|before| alert.step - before > TOGETHER * period) {
                outcome.false_alarms.push(format!("{alert:?}"));
            }
        }
    }
    for (planned, first) in planned.iter().zip(first) {
        let kind = planned.order.kind.name();
        let counts = outcome.kinds.entry(kind).or_default();
        counts[0] += 1;
        match first {
            Some(alert) => {
                counts[1] += 1;
                counts[2] += usize::from(name_of(alert.kind) == kind);
            }
            None => outcome.missed.push(format!("{planned:?}")),
        }
    }
    outcome
}

fn name_of(kind: AnomalyType) -> String {
    serde_json::to_value(kind)
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned()
}
