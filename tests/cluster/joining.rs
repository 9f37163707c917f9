//! Instances that come later, or cannot come.

use serde_json::json;
use tokio::time::Instant;

use crate::support::{Cluster, Instance, Redis, agree, client::Client, eventually, pass};

/// Speed 100 for 36 s is an hour of simulated time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fourth_joins_an_old_simulation() {
    let cluster = Cluster::start(3).await;
    let body = r#"{"speed": 100, "seed": 5}"#;
    let (status, answer) = cluster.instances[0]
        .post("/api/v1/data/simulation/start", body)
        .await;
    let speed = if status == 200 { 100 } else { 1 };
    if status != 200 {
        println!("speed 100 is too much here: {answer}");
        assert_eq!(cluster.instances[0].command("start").await, 200);
    }
    cluster.pass(360).await;
    let begun = Instant::now();
    let fourth = Instance::start(&cluster.redis.url(), &[]).await;
    let listening = begun.elapsed();
    fourth.ready().await;
    let ready = begun.elapsed();
    println!("speed {speed}: listening after {listening:?}, ready after {ready:?}");
    let all: Vec<_> = cluster.instances.iter().chain([&fourth]).collect();
    let (tick, hash) = agree(&all).await;
    println!("hash {hash} at tick {tick} on four instances");
    let client = Client::connect(fourth.address).await;
    client.samples(12).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_starts_without_redis_waits_for_it() {
    let mut redis = Redis::start().await;
    redis.kill();
    let instance = Instance::start(&redis.url(), &[("AUTOSTART", "1")]).await;
    let client = Client::connect(instance.address).await;
    assert!(!instance.is_ready().await);
    let status = instance.get("/api/v1/data/simulation/status").await;
    assert_eq!(status["grid"]["isRunning"], json!(false));
    assert_eq!(instance.command("start").await, 503);
    let entities = instance.get("/api/v1/entities").await;
    assert!(entities["entities"].as_array().unwrap().len() >= 12);
    redis.restart().await;
    instance.ready().await;
    client.title("Simulation Started", 1).await;
    client.samples(12).await;
    let other = Instance::start(&redis.url(), &[("AUTOSTART", "1")]).await;
    other.ready().await;
    agree(&[&instance, &other]).await;
    assert_eq!(other.command("stop").await, 200);

    // A stop stays a stop, whoever comes.
    let third = Instance::start(&redis.url(), &[("AUTOSTART", "1")]).await;
    third.ready().await;
    pass(&[&instance, &other, &third], 20).await;
    for instance in [&instance, &other, &third] {
        let status = instance.get("/api/v1/data/simulation/status").await;
        assert_eq!(status["grid"]["isRunning"], json!(false));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_with_another_plant_or_engine_stays_out() {
    let cluster = Cluster::start(1).await;
    let running = &cluster.instances[0];
    assert_eq!(running.command("start").await, 200);
    let mut redis = cluster.redis.connect().await.unwrap();
    let field = ("gridcast:head", "fingerprint");
    let set = async |redis: &mut _, value: &str| {
        let mut set = redis::cmd("HSET");
        set.arg(field.0).arg(field.1).arg(value);
        set.exec_async(redis).await.unwrap();
    };
    let mut get = redis::cmd("HGET");
    let get = get.arg(field.0).arg(field.1);
    let own: String = get.query_async(&mut redis).await.unwrap();
    set(&mut redis, "0000000000000001").await;
    let foreign = Instance::start(&cluster.redis.url(), &[]).await;
    let reason = eventually("it says why", async || {
        let answer = crate::support::http::get(foreign.address, "/readyz").await;
        let (status, body) = answer.unwrap();
        let reason = body["reasons"][0].as_str()?.to_owned();
        (status == 503 && reason.contains("another plant or engine")).then_some(reason)
    })
    .await;
    assert!(reason.contains("REDIS_PREFIX"), "{reason}");
    assert!(foreign.log().contains("another plant or engine"));
    let (status, body) = foreign.post("/api/v1/data/simulation/stop", "").await;
    assert_eq!(status, 503, "{body}");
    let log: u64 = {
        let mut length = redis::cmd("XLEN");
        length
            .arg("gridcast:log")
            .query_async(&mut redis)
            .await
            .unwrap()
    };
    assert_eq!(log, 1, "it has written nothing");
    set(&mut redis, &own).await;
    foreign.ready().await;
    agree(&[running, &foreign]).await;
}
