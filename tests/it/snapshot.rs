//! The newest sample on subscribe: after the ack, never twice, never an older one after a newer.

use std::collections::BTreeMap;

use gridcast::grid::{
    entity::EntityType,
    event::{Event, Notification, RunChange},
    stream,
    telemetry::{Row, Sample},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::support::{Frame, Socket, Stage, TestServer};

const CONVERTERS: [&str; 3] = ["CONV-001", "CONV-002", "CONV-003"];
const BUSES: [&str; 5] = ["BUS-001", "BUS-002", "BUS-003", "BUS-004", "BUS-005"];
const UNITS: [&str; 4] = ["SOLAR-001", "SOLAR-002", "WIND-001", "WIND-002"];

fn sample(stage: &Stage, id: &str, tick: u64) -> Event {
    Event::Sample(Sample {
        entity: id.into(),
        stream: &stream::BUS,
        entity_type: EntityType::Pq,
        capacity_kw: 0.0,
        row: Row::of(&[1.0, 0.0, 50.0, tick as f64, 0.0]),
        stale: false,
        timestamp: stage.timestamp(tick),
    })
}

/// A tick's samples of two buses, and the same tick seen by a client of all of them.
async fn tick(stage: &Stage, watcher: &mut Socket, tick: u64) {
    let events = ["BUS-001", "BUS-002"].map(|id| sample(stage, id, tick));
    stage.emit(tick, events.into()).await;
    watcher
        .events_until(|_, payload| {
            payload["busId"] == "BUS-002" && payload["measurement"]["activePower"] == tick as f64
        })
        .await;
}

/// Which bus and tick each sample is of.
fn seen(events: &[(String, Value)]) -> Vec<(String, f64)> {
    let of = |(name, payload): &(String, Value)| {
        assert_eq!(name, "bus:measurement");
        let power = payload["measurement"]["activePower"].as_f64().unwrap();
        (payload["busId"].as_str().unwrap().to_owned(), power)
    };
    events.iter().map(of).collect()
}

fn at(id: &str, tick: u64) -> (String, f64) {
    (id.to_owned(), tick as f64)
}

#[tokio::test]
async fn the_newest_sample_follows_the_ack_once() {
    let stage = Stage::start().await;
    let mut watcher = stage.join().await;
    watcher.ask("subscribe:buses", &BUSES).await;
    tick(&stage, &mut watcher, 10).await;
    tick(&stage, &mut watcher, 20).await;

    let mut socket = stage.join().await;
    assert_eq!(
        socket.ask("subscribe:buses", &["BUS-002", "BUS-003"]).await,
        []
    );
    // Of an entity without any sample yet there is nothing to send.
    assert_eq!(seen(&socket.so_far().await), [at("BUS-002", 20)]);
    // What is subscribed already is not sent again; what is new is.
    assert_eq!(socket.ask("subscribe:buses", &["BUS-002"]).await, []);
    assert_eq!(
        socket
            .ask("subscribe:buses", &["BUS-002", "BUS-001", "BUS-001"])
            .await,
        []
    );
    assert_eq!(seen(&socket.so_far().await), [at("BUS-001", 20)]);
    tick(&stage, &mut watcher, 30).await;
    let events = socket.so_far().await;
    assert_eq!(seen(&events), [at("BUS-001", 30), at("BUS-002", 30)]);
    // Nobody else got a snapshot.
    assert_eq!(watcher.so_far().await, []);
}

#[tokio::test]
async fn a_sample_that_came_before_unsubscribing_does_not_come_again() {
    let stage = Stage::start().await;
    let mut watcher = stage.join().await;
    watcher.ask("subscribe:buses", &BUSES).await;
    let mut socket = stage.join().await;
    socket.ask("subscribe:buses", &["BUS-001"]).await;
    tick(&stage, &mut watcher, 10).await;
    socket.ask("unsubscribe:buses", &["BUS-001"]).await;
    socket.ask("subscribe:buses", &["BUS-001"]).await;
    assert_eq!(socket.so_far().await, []);
    // One that it missed does.
    socket.ask("unsubscribe:buses", &["BUS-001"]).await;
    tick(&stage, &mut watcher, 20).await;
    assert_eq!(socket.so_far().await, []);
    socket.ask("subscribe:buses", &["BUS-001"]).await;
    assert_eq!(seen(&socket.so_far().await), [at("BUS-001", 20)]);
    // Leaving the namespace does not make the connection forget either.
    socket.send("41/realtime,").await;
    socket.rejoin().await;
    assert_eq!(socket.ask("subscribe:buses", &["BUS-001"]).await, []);
    assert_eq!(socket.so_far().await, []);
    socket.send("41/realtime,").await;
    socket.rejoin().await;
    tick(&stage, &mut watcher, 30).await;
    socket.ask("subscribe:buses", &["BUS-001"]).await;
    assert_eq!(seen(&socket.so_far().await), [at("BUS-001", 30)]);
    // What came while it was away is new to it.
    socket.send("41/realtime,").await;
    socket.send("40").await;
    assert!(socket.text().await.starts_with("40{"));
    tick(&stage, &mut watcher, 40).await;
    socket.rejoin().await;
    socket.ask("subscribe:buses", &["BUS-001"]).await;
    assert_eq!(seen(&socket.so_far().await), [at("BUS-001", 40)]);
}

#[tokio::test]
async fn samples_of_a_run_that_has_ended_are_never_sent() {
    let stage = Stage::start().await;
    let mut watcher = stage.join().await;
    watcher.ask("subscribe:buses", &BUSES).await;
    tick(&stage, &mut watcher, 10).await;
    for (at, change) in [(11, RunChange::Ended), (12, RunChange::Began)] {
        let notification = Notification::simulation_stopped(stage.timestamp(at));
        let events = vec![Event::Notification(notification)];
        stage.emit_and(at, events, change).await;
        watcher.events_until(|name, _| name == "notification").await;
        let mut socket = stage.join().await;
        socket.ask("subscribe:buses", &BUSES).await;
        assert_eq!(socket.so_far().await, []);
    }
    tick(&stage, &mut watcher, 20).await;
    let mut socket = stage.join().await;
    socket.ask("subscribe:buses", &BUSES).await;
    assert_eq!(
        seen(&socket.so_far().await),
        [at("BUS-001", 20), at("BUS-002", 20)]
    );
}

#[tokio::test]
async fn while_nothing_runs_nothing_is_sent() {
    let server = TestServer::with(&[("RATE", "50"), ("AUTOSTART", "1")]).await;
    let mut socket = server.join().await;
    socket.ask("subscribe:buses", &BUSES).await;
    socket
        .events_until(|name, _| name == "bus:measurement")
        .await;
    server.request("POST", "/api/v1/data/simulation/stop").await;
    socket
        .events_until(|_, payload| payload["title"] == "Simulation Stopped")
        .await;
    let mut late = server.join().await;
    late.ask("subscribe:buses", &BUSES).await;
    assert_eq!(late.so_far().await, []);
}

/// What one connection has been sent, and the rule it must obey.
#[derive(Default)]
struct Ledger {
    newest: BTreeMap<String, i64>,
    samples: u64,
}

impl Ledger {
    #[track_caller]
    fn enter(&mut self, text: &str) {
        let Some(json) = text.strip_prefix("42/realtime,") else {
            return;
        };
        let (name, payload): (String, Value) = serde_json::from_str(json).unwrap();
        if !["converter:state", "bus:measurement", "res:generation"].contains(&name.as_str()) {
            return;
        }
        let id = ["converterId", "busId", "unitId"]
            .iter()
            .find_map(|key| payload[*key].as_str())
            .unwrap_or_else(|| panic!("{text}"));
        let timestamp = payload["timestamp"].as_str().unwrap();
        let time = chrono::DateTime::parse_from_rfc3339(timestamp)
            .unwrap()
            .timestamp_millis();
        let before = self.newest.insert(id.to_owned(), time);
        assert!(
            before < Some(time),
            "{name} of {id}: {before:?}, then {time}"
        );
        self.samples += 1;
    }
}

/// Subscribes, unsubscribes, leaves and joins at random, faster than the samples come.
async fn fickle_client(server: &TestServer, seed: u64, rounds: usize) -> u64 {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut socket = server.join().await;
    let mut ledger = Ledger::default();
    let kinds = [
        ("converters", &CONVERTERS[..]),
        ("buses", &BUSES[..]),
        ("res-units", &UNITS[..]),
    ];
    for round in 0..rounds {
        let (kind, ids) = kinds[random.random_range(0..kinds.len())];
        let some: Vec<_> = ids.iter().filter(|_| random.random_bool(0.7)).collect();
        let word = ["subscribe", "subscribe", "unsubscribe"][random.random_range(0..3)];
        let event = format!("{word}:{kind}");
        socket
            .send(&format!("42/realtime,{}", json!([event, some])))
            .await;
        let answer = if random.random_bool(0.1) {
            socket.send("41/realtime,").await;
            socket.send("40/realtime,").await;
            "40/realtime,".to_owned()
        } else if random.random_bool(0.5) {
            // Without waiting for anything.
            continue;
        } else {
            socket
                .send(&format!("42/realtime,{round}[\"subscribe:buses\",[]]"))
                .await;
            format!("43/realtime,{round}[")
        };
        loop {
            match socket.next().await {
                Frame::Text(text) if text.starts_with(&answer) => break,
                Frame::Text(text) => ledger.enter(&text),
                other => panic!("{other:?}"),
            }
        }
    }
    ledger.samples
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_race_with_ticks_repeats_a_sample_or_goes_back() {
    // A tick each millisecond: converters every 5 ms, buses every 10, units every 20.
    let server =
        TestServer::with(&[("RATE", "100"), ("AUTOSTART", "1"), ("DISTURBANCES", "0")]).await;
    let clients = (0..6).map(|seed| fickle_client(&server, seed, 1500));
    let samples: u64 = futures_util::future::join_all(clients)
        .await
        .into_iter()
        .sum();
    assert!(samples > 1000, "only {samples} samples came");
}
