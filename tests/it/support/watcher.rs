//! A client of everything that checks that it misses nothing.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use serde_json::Value;
use tokio::{sync::Notify, task::JoinHandle};

use super::{Frame, Socket, soon};

/// A client that is subscribed to all entities of a run and reads at once whatever comes. It panics,
/// with its task, as soon as a sample is missing, repeated or out of order.
pub(crate) struct Watcher {
    samples: Arc<AtomicU64>,
    ending: Arc<AtomicBool>,
    progress: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Watcher {
    pub(crate) const SUBSCRIPTIONS: [(&str, &[&str]); 3] = [
        (
            "subscribe:converters",
            &["CONV-001", "CONV-002", "CONV-003"],
        ),
        (
            "subscribe:buses",
            &["BUS-001", "BUS-002", "BUS-003", "BUS-004", "BUS-005"],
        ),
        (
            "subscribe:res-units",
            &["SOLAR-001", "SOLAR-002", "WIND-001", "WIND-002"],
        ),
    ];

    /// A watcher of a server whose run is on, at this rate.
    pub(crate) async fn start(address: SocketAddr, rate: i64) -> Self {
        let mut socket = Socket::join(address).await;
        let mut ledger = Ledger::new(rate);
        for (event, ids) in Self::SUBSCRIPTIONS {
            for (name, payload) in socket.ask(event, ids).await {
                ledger.enter(&name, &payload);
            }
        }
        let watcher = Self {
            samples: Arc::default(),
            ending: Arc::default(),
            progress: Arc::default(),
            task: tokio::spawn(async {}),
        };
        let (samples, ending, progress) = (
            watcher.samples.clone(),
            watcher.ending.clone(),
            watcher.progress.clone(),
        );
        let task = tokio::spawn(async move {
            while !ending.load(Ordering::Relaxed) {
                let (name, payload) = match socket.next().await {
                    Frame::Text(text) => event(&text),
                    other => panic!("the watcher's connection: {other:?}"),
                };
                if ledger.enter(&name, &payload) {
                    samples.fetch_add(1, Ordering::Relaxed);
                    progress.notify_one();
                }
            }
            ledger.check_all();
        });
        Self { task, ..watcher }
    }

    /// Waits until it has had so many samples.
    pub(crate) async fn reached(&self, samples: u64) {
        soon("samples", async {
            while self.samples.load(Ordering::Relaxed) < samples {
                assert!(
                    !self.task.is_finished(),
                    "the watcher has ended: see its panic"
                );
                self.progress.notified().await;
            }
        })
        .await;
    }

    /// Ends it and returns how many samples it had; panics if any was missing.
    pub(crate) async fn stop(self) -> u64 {
        self.ending.store(true, Ordering::Relaxed);
        soon("the watcher", self.task)
            .await
            .expect("a sample was missing");
        self.samples.load(Ordering::Relaxed)
    }
}

fn event(text: &str) -> (String, Value) {
    let json = text
        .strip_prefix("42/realtime,")
        .unwrap_or_else(|| panic!("{text}"));
    serde_json::from_str(json).unwrap()
}

/// The newest sample of each entity.
struct Ledger {
    rate: i64,
    newest: BTreeMap<String, i64>,
}

impl Ledger {
    fn new(rate: i64) -> Self {
        Self {
            rate,
            newest: BTreeMap::new(),
        }
    }

    /// Notes an event; whether it was a sample.
    fn enter(&mut self, name: &str, payload: &Value) -> bool {
        let (id, period_ms) = match name {
            "converter:state" => (&payload["converterId"], 500),
            "bus:measurement" => (&payload["busId"], 1000),
            "res:generation" => (&payload["unitId"], 2000),
            _ => return false,
        };
        let id = id.as_str().unwrap().to_owned();
        let timestamp = payload["timestamp"].as_str().unwrap();
        let time = chrono::DateTime::parse_from_rfc3339(timestamp).unwrap();
        let time = time.timestamp_millis();
        if let Some(before) = self.newest.insert(id.clone(), time) {
            assert_eq!(time - before, period_ms / self.rate, "{id} at {timestamp}");
        }
        true
    }

    /// Every entity has a sample, and none lags behind.
    fn check_all(&self) {
        assert_eq!(self.newest.len(), 12, "{:?}", self.newest);
        let newest = self.newest.values().max().unwrap();
        let slack = 2_000 / self.rate;
        assert!(
            self.newest.values().all(|time| newest - time <= slack),
            "{:?}",
            self.newest
        );
    }
}
