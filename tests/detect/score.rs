//! Scoring of what the detectors find against a stream's labels.
//!
//! An event is found by any alert for its id between its start and ten samples past its end. Other alerts
//! are false, those of one id within thirty samples of each other once; windows that the labels leave out
//! do not count.

use gridcast::physics::detect::{Findings, FoundAnomaly, FoundFault};
use serde::Deserialize;
use serde_json::Value;

const AFTER: u64 = 10;
const TOGETHER: u64 = 30;

/// The labels of a stream.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Labels {
    /// All faults.
    pub(crate) faults: Vec<FoundFault>,
    /// All anomalies.
    pub(crate) anomalies: Vec<Label>,
    dont_care: Vec<Window>,
}

/// One anomaly that is to be found.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Label {
    /// The entity.
    pub(crate) id: String,
    /// First sample.
    pub(crate) start_tick: u64,
    /// Last sample.
    pub(crate) end_tick: u64,
}

#[derive(Debug, Clone, Deserialize)]
struct Window {
    id: Option<String>,
    start_tick: u64,
    end_tick: u64,
}

/// The outcome of one or more streams.
#[derive(Debug, Clone, Default)]
pub(crate) struct Score {
    /// Events found.
    pub(crate) found: usize,
    /// Events not found.
    pub(crate) missed: Vec<Label>,
    /// Alerts where nothing was.
    pub(crate) false_alarms: Vec<FoundAnomaly>,
    /// Samples from the start of each event that was found to its first alert.
    pub(crate) delays: Vec<u64>,
    /// Confidence of each alert and whether it was true.
    pub(crate) confidences: Vec<(f64, bool)>,
}

impl Score {
    /// Adds the outcome of another stream.
    pub(crate) fn add(&mut self, other: Self) {
        self.found += other.found;
        self.missed.extend(other.missed);
        self.false_alarms.extend(other.false_alarms);
        self.delays.extend(other.delays);
        self.confidences.extend(other.confidences);
    }

    /// Harmonic mean of precision and recall.
    pub(crate) fn f1(&self) -> f64 {
        let found = self.found as f64;
        2.0 * found / (2.0 * found + (self.missed.len() + self.false_alarms.len()) as f64)
    }

    /// Share of alerts that were true.
    pub(crate) fn precision(&self) -> f64 {
        self.found as f64 / (self.found + self.false_alarms.len()) as f64
    }

    /// Share of events that were found.
    pub(crate) fn recall(&self) -> f64 {
        self.found as f64 / (self.found + self.missed.len()) as f64
    }

    /// The middle delay in samples.
    pub(crate) fn median_delay(&self) -> u64 {
        let mut delays = self.delays.clone();
        delays.sort_unstable();
        delays.get(delays.len() / 2).copied().unwrap_or(0)
    }

    /// Mean square distance of confidence and truth (Brier 1950).
    pub(crate) fn brier(&self) -> f64 {
        let sum: f64 = self
            .confidences
            .iter()
            .map(|&(confidence, truth)| {
                let off = confidence - f64::from(u8::from(truth));
                off * off
            })
            .sum();
        sum / self.confidences.len().max(1) as f64
    }
}

/// Reads the labels of a stream.
pub(crate) fn labels(stream: &Value) -> Labels {
    Labels::deserialize(&stream["labels"]).unwrap()
}

/// Judges what was found in a stream.
pub(crate) fn score(labels: &Labels, findings: &Findings) -> Score {
    let left_out = |id: &str, tick: u64| {
        labels.dont_care.iter().any(|window| {
            window.id.as_deref().is_none_or(|of| of == id)
                && (window.start_tick..=window.end_tick).contains(&tick)
        })
    };
    let mut score = Score::default();
    let mut first = vec![None; labels.anomalies.len()];
    let mut last_false: Vec<(String, u64)> = Vec::new();
    for alert in &findings.anomalies {
        let mut hit = false;
        for (label, first) in labels.anomalies.iter().zip(&mut first) {
            let window = label.start_tick..=label.end_tick + AFTER;
            if label.id == alert.id && window.contains(&alert.tick) {
                hit = true;
                first.get_or_insert(alert.tick);
            }
        }
        if !hit && left_out(&alert.id, alert.tick) {
            continue;
        }
        score.confidences.push((alert.confidence, hit));
        if hit {
            continue;
        }
        let near = last_false
            .iter_mut()
            .find(|(id, tick)| *id == alert.id && alert.tick - *tick <= TOGETHER);
        if let Some((_, tick)) = near {
            *tick = alert.tick;
        } else {
            last_false.retain(|(id, _)| *id != alert.id);
            last_false.push((alert.id.clone(), alert.tick));
            score.false_alarms.push(alert.clone());
        }
    }
    for (label, first) in labels.anomalies.iter().zip(first) {
        match first {
            Some(tick) => {
                score.found += 1;
                score.delays.push(tick - label.start_tick);
            }
            None if (label.start_tick..=label.end_tick).all(|tick| left_out(&label.id, tick)) => {}
            None => score.missed.push(label.clone()),
        }
    }
    score
}

/// Faults in an order of their own, to compare lists.
pub(crate) fn sorted(mut faults: Vec<FoundFault>) -> Vec<FoundFault> {
    faults.sort_by_key(|fault| {
        let fault_type = format!("{:?}", fault.fault_type);
        (fault.onset_tick, fault.id.clone(), fault_type)
    });
    faults
}
