//! Processes that stand still for a while, and what they do when they go on.

use std::time::Duration;

use tokio::time::sleep;

use crate::support::{Cluster, Instance, Redis, client::Client, stream::assert_equal_pairwise};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_instance_goes_on_alone_and_as_one_of_three() {
    let redis = Redis::start().await;
    let alone = Instance::start(
        &redis.url(),
        &[("AUTOSTART", "1"), ("REDIS_PREFIX", "alone")],
    )
    .await;
    alone.ready().await;
    let cluster = Cluster::start_with(3, &[("AUTOSTART", "1")]).await;
    for round in 0..5 {
        let frozen = Duration::from_millis(600 + 400 * round);
        let one = &cluster.instances[usize::try_from(round).unwrap() % 3];
        let (first, second) = tokio::join!(alone.freeze_for(frozen), one.freeze_for(frozen));
        println!("frozen for {frozen:?}: back after {first:?} alone, {second:?} as one of three");
    }
    alone.ready().await;
    for instance in &cluster.instances {
        instance.ready().await;
    }
    cluster.agree().await;
}

/// An instance that was frozen while a command was placed emits nothing that others do not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_freeze_while_a_command_is_placed_changes_nothing() {
    let cluster = Cluster::start(3).await;
    let [a, b, c] = cluster.instances.as_slice() else {
        unreachable!()
    };
    let mut clients = Vec::new();
    for instance in [a, b, c] {
        clients.push(Client::connect(instance.address).await);
    }
    assert_eq!(a.command("start").await, 200);
    for client in &clients {
        client.title("Simulation Started", 1).await;
    }
    for round in 0..6 {
        b.freeze();
        for speed in [2, 3] {
            let patch = format!(r#"{{"speed": {}}}"#, speed + 2 * round);
            let changed = c.patch("/api/v1/data/simulation", &patch).await;
            assert_eq!(changed.0, 200, "{}", changed.1);
        }
        sleep(Duration::from_millis(300 + 150 * round)).await;
        b.thaw();
        cluster.pass(10).await;
    }
    assert_eq!(a.command("stop").await, 200);
    for client in &clients {
        client.title("Simulation Stopped", 1).await;
    }
    let received: Vec<_> = clients.iter().map(Client::received).collect();
    let common = assert_equal_pairwise(&received);
    assert!(common > 100, "{common}");
}
