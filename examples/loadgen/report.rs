//! What came of it: a table for people, JSON for machines.

use std::{sync::atomic::Ordering, time::Duration};

use serde_json::{Value, json};

use super::{
    client::{Churned, Ready, Shared},
    options::Options,
    tally::Result,
};

/// Says how it stands while it goes on.
pub(crate) fn progress(shared: &Shared, elapsed: Duration) {
    if !shared.options.json {
        eprintln!(
            "{:4.0} s  {:12} samples  p99 {:8.1} ms",
            elapsed.as_secs_f64(),
            shared.tally.received(),
            ms(shared.tally.p99_us()),
        );
    }
}

/// All figures.
pub(crate) struct Report<'a> {
    pub(crate) options: &'a Options,
    pub(crate) ready: Ready,
    pub(crate) churned: Churned,
    /// Samples that came during the measurement.
    pub(crate) received: u64,
    pub(crate) seconds: f64,
    /// Processor time of the server during the measurement.
    pub(crate) cpu_s: Option<f64>,
    /// The server's memory before the first client, with all clients, and at the end.
    pub(crate) idle_kib: Option<u64>,
    pub(crate) loaded_kib: Option<u64>,
    pub(crate) end_kib: Option<u64>,
    pub(crate) result: Result,
    pub(crate) shared: &'a Shared,
}

impl Report<'_> {
    /// Whether every client got all it should have, once and in order.
    pub(crate) fn is_flawless(&self) -> bool {
        let Result {
            completeness,
            duplicates,
            disordered,
            ..
        } = &self.result;
        self.ready.clients == self.options.clients
            && *completeness >= 1.0
            && *duplicates + *disordered == 0
            && self.churned.failed == 0
    }

    fn cpu_us_per_sample(&self) -> Option<f64> {
        Some(self.cpu_s? * 1e6 / self.received.max(1) as f64)
    }

    fn kib_per_client(&self) -> Option<f64> {
        let more = self.loaded_kib?.saturating_sub(self.idle_kib?);
        Some(more as f64 / self.ready.clients.max(1) as f64)
    }

    fn figures(&self) -> Value {
        let latency = &self.result.latency_us;
        let at = |quantile: f64| ms(latency.value_at_quantile(quantile));
        let count = |count: &std::sync::atomic::AtomicUsize| count.load(Ordering::Relaxed);
        json!({
            "clients": {
                "ready": self.ready.clients,
                "failed": self.ready.failed,
                "seconds": self.ready.seconds,
                "unanswered": count(&self.shared.unanswered),
                "ended": count(&self.shared.ended),
            },
            "samples": {
                "received": self.received,
                "perSecond": self.received as f64 / self.seconds,
                "expected": self.result.expected,
                "completeness": self.result.completeness,
                "duplicates": self.result.duplicates,
                "outOfOrder": self.result.disordered,
                "gaps": self.result.gaps,
            },
            "latencyMs": {
                "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "p999": at(0.999), "max": ms(latency.max()),
            },
            "server": {
                "cpuUsPerSample": self.cpu_us_per_sample(),
                "cpuPercent": self.cpu_s.map(|cpu| cpu / self.seconds * 100.0),
                "rssKiB": { "idle": self.idle_kib, "loaded": self.loaded_kib, "end": self.end_kib },
                "kibPerClient": self.kib_per_client(),
            },
            "slow": {
                "clients": self.options.slow,
                "cutOff": count(&self.shared.cut_off),
                "lastAfterMs": self.shared.last_cut_ms.load(Ordering::Relaxed),
            },
            "churn": { "served": self.churned.served, "failed": self.churned.failed },
        })
    }

    pub(crate) fn print(&self) {
        let figures = self.figures();
        if self.options.json {
            println!("{figures}");
            return;
        }
        println!();
        for (group, rows) in figures.as_object().into_iter().flatten() {
            for (name, value) in rows.as_object().into_iter().flatten() {
                println!("{group:10} {name:16} {}", shown(value));
            }
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Number(number) if number.is_f64() => {
            let number = number.as_f64().unwrap_or_default();
            format!("{number:.4}")
        }
        Value::Object(parts) => {
            let parts = parts
                .iter()
                .map(|(name, value)| format!("{name} {}", shown(value)));
            parts.collect::<Vec<_>>().join(", ")
        }
        Value::Null => "unknown".into(),
        other => other.to_string(),
    }
}

fn ms(us: u64) -> f64 {
    us as f64 / 1000.0
}
