//! What clients got, and whether that was all of it, once and in order.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use hdrhistogram::Histogram;

use super::client::Shared;

/// What all clients got.
pub(crate) struct Tally {
    received: AtomicU64,
    counts: Mutex<Counts>,
}

struct Counts {
    /// How many clients got the sample of an entity at a time, in milliseconds since the Unix epoch.
    samples: HashMap<(usize, i64), u64>,
    /// How many clients are to get the samples of each entity.
    subscribers: Vec<u64>,
    duplicates: u64,
    disordered: u64,
    latency_us: Histogram<u64>,
}

/// A sample that a client got.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) entity: usize,
    pub(crate) unix_ms: i64,
    /// How long after its tick it came, if that is measured now.
    pub(crate) latency_us: Option<u64>,
    /// The time of the sample of this entity that came before it; `i64::MIN` for the first.
    pub(crate) last_ms: i64,
}

/// The figures of a measurement.
#[derive(Debug)]
pub(crate) struct Result {
    /// Samples that came over those that should have, of ticks within the measurement.
    pub(crate) completeness: f64,
    pub(crate) expected: u64,
    pub(crate) duplicates: u64,
    pub(crate) disordered: u64,
    /// Samples that no client got at all, judged by the period of their entity.
    pub(crate) gaps: u64,
    pub(crate) latency_us: Histogram<u64>,
}

impl Tally {
    pub(crate) fn new(entities: usize) -> Self {
        Self {
            received: AtomicU64::new(0),
            counts: Mutex::new(Counts {
                samples: HashMap::new(),
                subscribers: vec![0; entities],
                duplicates: 0,
                disordered: 0,
                latency_us: histogram(),
            }),
        }
    }

    /// How many samples have come.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// A client is to get the samples of these entities from now on.
    pub(crate) fn subscribe(&self, entities: &[usize]) {
        let mut counts = self.lock();
        for entity in entities {
            counts.subscribers[*entity] += 1;
        }
    }

    /// Counts samples that a client got.
    pub(crate) fn note(&self, arrivals: &[Arrival]) {
        self.received
            .fetch_add(arrivals.len() as u64, Ordering::Relaxed);
        let mut counts = self.lock();
        for arrival in arrivals {
            if arrival.unix_ms == arrival.last_ms {
                counts.duplicates += 1;
                continue;
            }
            counts.disordered += u64::from(arrival.unix_ms < arrival.last_ms);
            let key = (arrival.entity, arrival.unix_ms);
            *counts.samples.entry(key).or_default() += 1;
            if let Some(latency_us) = arrival.latency_us {
                counts.latency_us.saturating_record(latency_us);
            }
        }
    }

    /// The latency below which 99 % of the samples came so far, in microseconds.
    pub(crate) fn p99_us(&self) -> u64 {
        self.lock().latency_us.value_at_quantile(0.99)
    }

    /// The figures of what came of the ticks within the measurement.
    pub(crate) fn result(&self, shared: &Shared) -> Result {
        let counts = self.lock();
        let (begin, end) = shared.window_ms();
        let (mut delivered, mut expected) = (0, 0);
        let mut times: HashMap<usize, Vec<i64>> = HashMap::new();
        for ((entity, unix_ms), clients) in &counts.samples {
            if (begin..end).contains(unix_ms) {
                delivered += clients;
                expected += counts.subscribers[*entity];
                times.entry(*entity).or_default().push(*unix_ms);
            }
        }
        Result {
            completeness: if expected == 0 {
                1.0
            } else {
                delivered as f64 / expected as f64
            },
            expected,
            duplicates: counts.duplicates,
            disordered: counts.disordered,
            gaps: times.into_values().map(gaps).sum(),
            latency_us: counts.latency_us.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many samples are missing in between at all, where they come in equal periods.
fn gaps(mut times: Vec<i64>) -> u64 {
    times.sort_unstable();
    let steps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mut sorted = steps.clone();
    sorted.sort_unstable();
    let Some(period) = sorted.get(sorted.len() / 2).filter(|period| **period > 0) else {
        return 0;
    };
    // A tick's time is floored to the millisecond, so steps differ by one.
    let missing = steps.iter().map(|step| (step + period / 2) / period - 1);
    missing
        .map(|missing| u64::try_from(missing).unwrap_or(0))
        .sum()
}

/// From a microsecond to a minute, to within 0.1 %.
fn histogram() -> Histogram<u64> {
    #[expect(clippy::expect_used, reason = "these bounds are within the library's")]
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("fixed bounds")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_samples_are_counted() {
        assert_eq!(gaps(vec![0, 500, 1000, 2500, 3000]), 2);
        assert_eq!(gaps(vec![0, 33, 66, 100, 133]), 0);
        assert_eq!(gaps(vec![7]), 0);
    }
}
