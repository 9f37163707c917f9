//! Redis dies, hangs, forgets, or cannot be reached.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::support::{
    Cluster, Instance, agree,
    cable::Cable,
    client::Client,
    eventually, loopback, pass,
    stream::{assert_equal, assert_gapless, oldest_ms},
};

/// Samples that a client gets are not older; those of an outage would be.
const OLDEST_MS: i64 = 5_000;

struct Watched {
    cluster: Cluster,
    clients: Vec<Client>,
}

impl Watched {
    /// Three instances that run, with a client each.
    async fn start() -> Self {
        let cluster = Cluster::start(3).await;
        let mut clients = Vec::new();
        for instance in &cluster.instances {
            clients.push(Client::connect(instance.address).await);
        }
        assert_eq!(cluster.instances[0].command("start").await, 200);
        for client in &clients {
            client.samples(24).await;
        }
        Self { cluster, clients }
    }

    /// Waits until all instances know that Redis is away; they go on, and refuse what they cannot
    /// do.
    async fn assert_away(&self) {
        for instance in &self.cluster.instances {
            eventually("all instances miss Redis", async || {
                (instance.redis_state().await == "away").then_some(())
            })
            .await;
            let status = instance.get("/api/v1/data/simulation/status").await;
            assert_eq!(status["grid"]["isRunning"], json!(true));
            let ready = instance.get("/readyz").await;
            assert_eq!(
                (&ready["ready"], &ready["redis"]),
                (&json!(true), &json!("away"))
            );
            assert!(ready["since"].is_string());
            let notification = r#"{"type": "info", "title": "T", "message": "M"}"#;
            for (path, body) in [
                ("/api/v1/data/simulation/stop", ""),
                ("/api/v1/data/simulation/start", ""),
                ("/api/v1/notifications", notification),
            ] {
                let asked = Instant::now();
                let (status, body) = instance.post(path, body).await;
                assert_eq!(status, 503, "{path}: {body}");
                assert!(
                    body["message"].as_str().unwrap().contains("Redis"),
                    "{body}"
                );
                println!("{path} refused after {:?}", asked.elapsed());
            }
        }
    }

    /// Asserts that nobody noticed, that all agree, and that commands work again.
    async fn assert_unharmed(&self) {
        self.cluster.all_connected().await;
        self.cluster.agree().await;
        let [a, b, c] = self.cluster.instances.as_slice() else {
            unreachable!()
        };
        for client in &self.clients {
            client.samples(24).await;
            assert_eq!(
                client.titles(),
                ["Simulation Started"],
                "nothing was done by surprise"
            );
        }
        for (count, instance) in [a, b, c].into_iter().enumerate() {
            let asked = Instant::now();
            let body = r#"{"type": "info", "title": "Back", "message": "M"}"#;
            assert_eq!(instance.post("/api/v1/notifications", body).await.0, 202);
            assert_eq!(instance.command("start").await, 200);
            for client in &self.clients {
                client.title("Back", count + 1).await;
                client.title("Simulation Started", count + 2).await;
            }
            println!(
                "seen by all {} ms after the call",
                asked.elapsed().as_millis()
            );
        }
        let received: Vec<_> = self.clients.iter().map(Client::received).collect();
        for (who, received) in received.iter().enumerate() {
            assert_gapless(&format!("client {who}"), received);
            assert!(oldest_ms(received) < OLDEST_MS, "{}", oldest_ms(received));
        }
        println!("{} samples, equal to the byte", assert_equal(&received));
        for instance in [a, b, c] {
            assert_eq!(instance.cluster().await["divergences"], json!(0));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_killed_and_comes_back_empty() {
    let mut watched = Watched::start().await;
    watched.cluster.redis.kill();
    watched.assert_away().await;
    sleep(Duration::from_secs(30)).await;
    watched.assert_away().await;
    watched.cluster.redis.restart().await;
    watched.assert_unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_hangs_for_ten_seconds() {
    let watched = Watched::start().await;
    watched.cluster.redis.freeze();
    watched.assert_away().await;
    sleep(Duration::from_secs(10)).await;
    watched.cluster.redis.thaw();
    watched.assert_unharmed().await;
}

/// A command that is sent just when Redis hangs is refused and stays without effect.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_was_refused_does_not_come_later() {
    let watched = Watched::start().await;
    watched.cluster.redis.freeze();
    let asked = Instant::now();
    assert_eq!(watched.cluster.instances[1].command("stop").await, 503);
    println!("refused after {:?}", asked.elapsed());
    sleep(Duration::from_secs(3)).await;
    watched.cluster.redis.thaw();
    watched.assert_unharmed().await;
}

/// An instance that cannot reach Redis for a while misses two commands and makes up for them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_instance_is_cut_off() {
    let cluster = Cluster::start(2).await;
    let [a, b] = cluster.instances.as_slice() else {
        unreachable!()
    };
    let cable = Cable::to(loopback(cluster.redis.port)).await;
    let cut = Instance::start(&format!("redis://{}", cable.address), &[]).await;
    cut.ready().await;
    let near = Client::connect(a.address).await;
    let far = Client::connect(cut.address).await;
    assert_eq!(a.command("start").await, 200);
    near.samples(24).await;
    far.samples(24).await;

    cable.cut();
    eventually("the cut is noticed", async || {
        (cut.redis_state().await == "away").then_some(())
    })
    .await;
    assert!(cut.is_ready().await, "its clients go on");
    assert_eq!(cut.command("stop").await, 503);
    // A change of speed changes all values from there on, a start tells again.
    let body = r#"{"speed": 3}"#;
    let patch = crate::support::http::request(a.address, "PATCH", "/api/v1/data/simulation", body);
    assert_eq!(patch.await.unwrap().0, 200);
    let fan = r#"{"kind": "FAN_FAILURE", "entityId": "CONV-001"}"#;
    let (status, injected) = b.post("/api/v1/data/simulation/faults", fan).await;
    assert_eq!(status, 201, "{injected}");
    assert_eq!(b.command("start").await, 200);
    near.title("Simulation Started", 2).await;
    sleep(Duration::from_secs(6)).await;
    cable.mend();

    far.title("Simulation Started", 2).await;
    agree(&[a, b, &cut]).await;
    far.samples(24).await;
    let far_received = far.received();
    assert_gapless("the one cut off", &far_received);
    assert!(
        oldest_ms(&far_received) < OLDEST_MS,
        "no burst of old samples"
    );
    let mut told = far.titles();
    told.retain(|title| title.starts_with("Simulation"));
    assert_eq!(told, ["Simulation Started"; 2], "told once each");
    let fault = injected["id"].as_str().unwrap();
    let path = format!("/api/v1/data/simulation/faults/{fault}");
    let known = cut.get(&path).await;
    assert_eq!(known["startTick"], injected["startTick"]);
    assert_eq!(known["active"], json!(true));
    assert_eq!(cut.get("/api/v1/data/simulation").await["speed"], json!(3));

    // From here on its samples are those of the others.
    let from = far_received.last().unwrap().timestamp_ms;
    near.samples(36).await;
    far.samples(36).await;
    let mut received = [near.received(), far.received()];
    for received in &mut received {
        received.retain(|one| one.timestamp_ms > from);
    }
    assert!(assert_equal(&received) >= 24);
    assert!(cut.log().contains("ticks late: replayed"), "{}", cut.log());
}

/// The same for longer than an instance can go back by itself: it goes on from a snapshot.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_instance_is_cut_off_for_long() {
    let cluster = Cluster::start(2).await;
    let [a, b] = cluster.instances.as_slice() else {
        unreachable!()
    };
    let cable = Cable::to(loopback(cluster.redis.port)).await;
    let cut = Instance::start(&format!("redis://{}", cable.address), &[]).await;
    cut.ready().await;
    let far = Client::connect(cut.address).await;
    assert_eq!(a.command("start").await, 200);
    far.samples(24).await;
    cable.cut();
    eventually("the cut is noticed", async || {
        (cut.redis_state().await == "away").then_some(())
    })
    .await;
    assert_eq!(b.command("stop").await, 200);
    sleep(Duration::from_secs(20)).await;
    assert_eq!(far.titles(), ["Simulation Started"], "it cannot know");
    cable.mend();
    far.title("Simulation Stopped", 1).await;
    let status = cut.get("/api/v1/data/simulation/status").await;
    assert_eq!(status["grid"]["isRunning"], json!(false));
    let told = far.received();
    pass(&[a, b, &cut], 30).await;
    assert_eq!(
        far.received().len(),
        told.len(),
        "nothing comes after the stop"
    );
    assert!(told.last().unwrap().payload.contains("Simulation Stopped"));
    assert!(cut.is_ready().await);
}
