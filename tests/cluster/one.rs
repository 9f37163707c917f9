//! Whatever the instance, the simulation is one.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::support::{
    Cluster,
    client::Client,
    eventually, http,
    stream::{assert_equal, assert_gapless},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn started_and_stopped_through_any() {
    let cluster = Cluster::start(3).await;
    let [a, b, c] = cluster.instances.as_slice() else {
        unreachable!()
    };
    let mut clients = Vec::new();
    for instance in [a, b, c] {
        clients.push(Client::connect(instance.address).await);
    }

    assert_eq!(b.command("start").await, 200);
    for client in &clients {
        client.title("Simulation Started", 1).await;
        client.samples(60).await;
    }
    let mut statuses = Vec::new();
    for instance in [a, b, c] {
        statuses.push(instance.get("/api/v1/data/simulation/status").await);
    }
    assert!(
        statuses.iter().all(|status| *status == statuses[0]),
        "{statuses:?}"
    );
    assert_eq!(statuses[0]["grid"]["isRunning"], json!(true));

    // Two starts at once, on two instances, double nothing.
    let (one, other) = tokio::join!(a.command("start"), c.command("start"));
    assert_eq!((one, other), (200, 200));
    for client in &clients {
        client.title("Simulation Started", 3).await;
        client.samples(60).await;
    }
    cluster.agree().await;

    let asked = Instant::now();
    assert_eq!(c.command("stop").await, 200);
    for client in &clients {
        client.title("Simulation Stopped", 1).await;
    }
    cluster.pass(20).await;
    let received: Vec<_> = clients.iter().map(Client::received).collect();
    for (who, received) in received.iter().enumerate() {
        assert_gapless(&format!("client {who}"), received);
        let last = received.last().unwrap();
        assert!(
            last.payload.contains("Simulation Stopped"),
            "{}",
            last.payload
        );
        println!(
            "stopped {} ms after the call",
            (last.at - asked).as_millis()
        );
        let count = |title: &str| {
            clients[who]
                .titles()
                .iter()
                .filter(|one| *one == title)
                .count()
        };
        assert_eq!(
            (count("Simulation Started"), count("Simulation Stopped")),
            (3, 1)
        );
    }
    let common = assert_equal(&received);
    println!("{common} samples, equal to the byte on three instances");
    assert!(common >= 120, "{common}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_command_is_refused_everywhere() {
    let cluster = Cluster::start(2).await;
    let [a, b] = cluster.instances.as_slice() else {
        unreachable!()
    };
    let (status, body) = a
        .post("/api/v1/data/simulation/start", r#"{"seed": 7}"#)
        .await;
    assert_eq!(status, 200, "{body}");
    let (status, body) = b
        .post("/api/v1/data/simulation/start", r#"{"seed": 8}"#)
        .await;
    assert_eq!(status, 409, "{body}");
    for instance in [a, b] {
        let run = instance.get("/api/v1/data/simulation").await;
        assert_eq!(run["seed"], json!(7));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_reaches_everybody_once() {
    let cluster = Cluster::start(3).await;
    let mut clients = Vec::new();
    for instance in &cluster.instances {
        clients.push(Client::connect(instance.address).await);
        clients.push(Client::connect(instance.address).await);
    }
    let body = r#"{"type": "warning", "title": "Switching", "message": "At BUS-004", "data": {"bus": "BUS-004"}}"#;
    for instance in &cluster.instances {
        let (status, answer) = instance.post("/api/v1/notifications", body).await;
        assert_eq!(status, 202, "{answer}");
        assert_eq!(answer["title"], json!("Switching"));
    }
    for client in &clients {
        client.title("Switching", 3).await;
    }
    cluster.pass(10).await;
    for client in &clients {
        assert_eq!(client.titles().len(), 3);
        let payload: Value = serde_json::from_str(&client.received()[0].payload).unwrap();
        assert_eq!(payload["data"], json!({"bus": "BUS-004"}));
    }
    let (status, body) = cluster.instances[0]
        .post("/api/v1/notifications", "{}")
        .await;
    assert_eq!(status, 400);
    assert_eq!(
        body["message"],
        json!("type is missing; title is missing; message is missing")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_sees_the_others() {
    let cluster = Cluster::start(3).await;
    assert_eq!(cluster.instances[0].command("start").await, 200);
    let (tick, hash) = cluster.agree().await;
    assert!(tick.is_multiple_of(50), "{tick}");
    assert_eq!(hash.len(), 16, "{hash}");
    for instance in &cluster.instances {
        let view = eventually("all are seen", async || {
            let view = instance.cluster().await;
            (view["peers"].as_array()?.len() == 2).then_some(view)
        })
        .await;
        assert_eq!(view["divergences"], json!(0));
        assert_eq!(view["redis"], json!("connected"));
        assert!(
            view["clockOffsetMs"].as_f64().unwrap().abs() < 50.0,
            "{view}"
        );
        for peer in view["peers"].as_array().unwrap() {
            assert_eq!(peer["version"], view["version"]);
            assert!(peer["lastSeenMs"].as_u64().unwrap() < 5_000, "{peer}");
        }
    }
}

/// Faults, anomalies and changes of the network are computed everywhere, and equal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disturbances_are_equal_everywhere() {
    let cluster = Cluster::start(3).await;
    let [a, b, c] = cluster.instances.as_slice() else {
        unreachable!()
    };
    let mut clients = Vec::new();
    for instance in [a, b, c] {
        clients.push(Client::connect(instance.address).await);
    }
    let settings = r#"{"seed": 3, "speed": 20, "disturbances": 3600}"#;
    let started = a.post("/api/v1/data/simulation/start", settings).await;
    assert_eq!(started.0, 200, "{}", started.1);
    let trip = r#"{"kind": "BRANCH_TRIP", "entityId": "BRANCH-002", "durationS": 60}"#;
    let injected = b.post("/api/v1/data/simulation/faults", trip).await;
    assert_eq!(injected.0, 201, "{}", injected.1);
    let id = injected.1["id"].as_str().unwrap().to_owned();
    // What happens to the plant is no anomaly: only a sensor is sure to raise one.
    let silence = r#"{"kind": "MISSING", "entityId": "WIND-001", "durationS": 600}"#;
    let injected_too = c.post("/api/v1/data/simulation/faults", silence).await;
    assert_eq!(injected_too.0, 201, "{}", injected_too.1);
    for instance in [a, b, c] {
        let path = format!("/api/v1/data/simulation/faults/{id}");
        let seen = eventually("all know of it", async || {
            let (status, seen) = http::get(instance.address, &path).await.ok()?;
            (status == 200).then_some(seen)
        })
        .await;
        assert_eq!(seen["startTick"], injected.1["startTick"]);
    }
    let kinds = [
        "network:topology:update",
        "anomaly:detected",
        "fault:detected",
    ];
    for kind in kinds {
        for client in &clients {
            eventually(kind, async || {
                (!client.named(kind).is_empty()).then_some(())
            })
            .await;
        }
    }
    cluster.agree().await;
    assert_eq!(c.command("stop").await, 200);
    for client in &clients {
        client.title("Simulation Stopped", 1).await;
    }
    let events = |client: &Client| -> Vec<(String, String)> {
        let received = client.received();
        received
            .into_iter()
            .map(|one| (one.name, one.payload))
            .collect()
    };
    let first = events(&clients[0]);
    for client in &clients[1..] {
        assert_eq!(events(client), first, "the same events in the same order");
    }
    println!(
        "{} events, equal to the byte and in the same order",
        first.len()
    );
}

/// What instances say to each other does not depend on how much they simulate or for how many.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn telemetry_stays_off_the_backplane() {
    let small = backplane_load(&[]).await;
    let large = backplane_load(&[("CASE", "tests/cases/case2869pegase/case.json")]).await;
    println!("commands per second in Redis: {small} with 12 entities, {large} with 2869 buses");
    assert!(large < small + 2.0, "{small} {large}");
}

/// Commands per second in Redis while three instances serve 15 clients; they must be as many without
/// clients.
async fn backplane_load(settings: &[(&str, &str)]) -> f64 {
    const WATCHED: Duration = Duration::from_secs(10);
    let cluster = Cluster::start_with(3, settings).await;
    let per_second = async || {
        let before = cluster.redis.calls().await;
        sleep(WATCHED).await;
        (cluster.redis.calls().await - before) as f64 / WATCHED.as_secs_f64()
    };
    let stopped = per_second().await;
    let mut clients = Vec::new();
    for instance in &cluster.instances {
        for _ in 0..5 {
            clients.push(Client::connect(instance.address).await);
        }
    }
    assert_eq!(cluster.instances[0].command("start").await, 200);
    clients[0].title("Simulation Started", 1).await;
    let running = per_second().await;
    println!(
        "commands per second in Redis: {stopped} stopped without clients, {running} running with 15"
    );
    assert!(running < stopped + 2.0, "{stopped} {running}");
    running
}
