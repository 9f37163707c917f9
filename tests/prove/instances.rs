//! Freezes and commands on three instances: all go on, and all emit the same.

use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::support::{Cluster, Instance, Redis, client::Client, http, stream};

/// How long a run lasts.
const RUN: Duration = Duration::from_mins(1);
/// Commands a second.
const COMMANDS: u64 = 30;

fn number(variable: &str, default: u64) -> u64 {
    let given = std::env::var(variable).ok();
    given.map_or(default, |text| text.parse().unwrap())
}

/// 200 freezes of 0.5 to 10 s, half of them of an instance by itself, half of one of three, while clients
/// are served and commands are placed. `FREEZES` sets another number.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frozen_instances_go_on_within_a_second() {
    let rounds = number("FREEZES", 200) / 4;
    let redis = Redis::start().await;
    let settings = [("AUTOSTART", "1"), ("REDIS_PREFIX", "alone")];
    let alone = Instance::start(&redis.url(), &settings).await;
    let cluster = Cluster::start_with(3, &[("AUTOSTART", "1")]).await;
    let mut clients = Vec::new();
    for instance in cluster.instances.iter().chain([&alone]) {
        instance.ready().await;
        for _ in 0..5 {
            clients.push(Client::connect(instance.address).await);
        }
    }
    let mut random = StdRng::seed_from_u64(1);
    let mut times = Vec::new();
    for round in 0..rounds {
        let frozen = Duration::from_millis(random.random_range(500..=10_000));
        let at = usize::try_from(round).unwrap();
        let (one, other) = (&cluster.instances[at % 3], &cluster.instances[(at + 1) % 3]);
        let later = frozen / 2;
        let patches = async {
            for speed in 1..=10 {
                sleep(frozen / 10).await;
                let body = format!(r#"{{"speed": {speed}}}"#);
                let address = cluster.instances[(at + 2) % 3].address;
                let _ = http::request(address, "PATCH", "/api/v1/data/simulation", &body).await;
            }
        };
        let (a, b, c, d, ()) = tokio::join!(
            alone.freeze_for(frozen),
            one.freeze_for(frozen),
            other.freeze_for(later),
            async {
                sleep(frozen + Duration::from_millis(1_500)).await;
                alone
                    .freeze_for(later.max(Duration::from_millis(500)))
                    .await
            },
            patches
        );
        times.extend([a, b, c, d]);
        println!(
            "{round}: frozen for {frozen:?} and {later:?}, back after {a:?} {b:?} {c:?} {d:?}"
        );
    }
    times.sort_unstable();
    let late: Vec<_> = times
        .iter()
        .filter(|time| **time > Duration::from_secs(1))
        .collect();
    println!(
        "{} freezes: median {:?}, longest {:?}, {} over 1 s",
        times.len(),
        times[times.len() / 2],
        times[times.len() - 1],
        late.len()
    );
    assert!(late.is_empty(), "{late:?}");
    cluster.agree().await;
}

/// Ten runs of a minute: 30 random commands a second through any of three instances, which are frozen for
/// 0.2 to 1.1 s now and then, as Redis is for 0.3 to 1.8 s. `RUNS` sets another number.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_two_clients_have_is_equal() {
    let mut common = 0;
    for run in 0..number("RUNS", 10) {
        let found = one_run(run).await;
        println!("run {run}: {found} samples that clients of several instances have, all equal");
        common += found;
    }
    println!("{common} samples in all");
}

async fn one_run(seed: u64) -> usize {
    let cluster = Cluster::start(3).await;
    let mut clients = Vec::new();
    for instance in &cluster.instances {
        for _ in 0..2 {
            clients.push(Client::connect(instance.address).await);
        }
    }
    assert_eq!(cluster.instances[0].command("start").await, 200);
    for client in &clients {
        client.title("Simulation Started", 1).await;
    }
    let end = Instant::now() + RUN;
    tokio::join!(
        place_commands(&cluster, seed, end),
        stand_still(&cluster, seed, end)
    );
    cluster.all_connected().await;
    cluster.pass(30).await;
    let received: Vec<_> = clients.iter().map(Client::received).collect();
    for (who, received) in received.iter().enumerate() {
        // Neither twice nor back in time; what was missed while frozen is only counted.
        stream::missing(&format!("run {seed}, client {who}"), received);
    }
    stream::assert_equal_pairwise(&received)
}

async fn place_commands(cluster: &Cluster, seed: u64, end: Instant) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut beats = interval(Duration::from_micros(1_000_000 / COMMANDS));
    beats.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let buses = ["BUS-003", "BUS-004", "BUS-005"];
    let mut placing = tokio::task::JoinSet::new();
    while Instant::now() < end {
        beats.tick().await;
        let address = cluster.instances[random.random_range(0..3)].address;
        let bus = *buses.choose(&mut random).unwrap();
        let speed = random.random_range(1..=20);
        let size = random.random_range(-0.5..1.0);
        let simulation = "/api/v1/data/simulation";
        let faults = format!("{simulation}/faults");
        let (method, path, body) = match random.random_range(0..10) {
            0..5 => (
                "PATCH",
                simulation.to_owned(),
                format!(r#"{{"speed": {speed}}}"#),
            ),
            5..8 => (
                "POST",
                faults,
                format!(
                    r#"{{"kind": "LOAD_STEP", "entityId": "{bus}", "size": {size}, "durationS": {speed}}}"#
                ),
            ),
            8 => (
                "POST",
                faults,
                format!(r#"{{"kind": "LEVEL_SHIFT", "entityId": "{bus}", "durationS": 30}}"#),
            ),
            _ if random.random_bool(0.1) => ("POST", format!("{simulation}/stop"), String::new()),
            _ => ("POST", format!("{simulation}/start"), String::new()),
        };
        placing.spawn(async move {
            let _ = http::request(address, method, &path, &body).await;
        });
    }
    while placing.join_next().await.is_some() {}
}

async fn stand_still(cluster: &Cluster, seed: u64, end: Instant) {
    let mut random = StdRng::seed_from_u64(1_000 + seed);
    while Instant::now() < end {
        sleep(Duration::from_millis(random.random_range(500..2_500))).await;
        match random.random_range(0..4) {
            3 => {
                cluster.redis.freeze();
                sleep(Duration::from_millis(random.random_range(300..=1_800))).await;
                cluster.redis.thaw();
            }
            one => {
                cluster.instances[one].freeze();
                sleep(Duration::from_millis(random.random_range(200..=1_100))).await;
                cluster.instances[one].thaw();
            }
        }
    }
}
