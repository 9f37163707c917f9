//! Instances die, freeze and are replaced.

use std::time::Duration;

use gridcast::{app::Server, config::Config};
use serde_json::json;
use tokio::time::sleep;

use crate::support::{
    Balancer, Cluster, Redis,
    client::Client,
    eventually, http,
    stream::{assert_equal, assert_gapless, missing, oldest_ms},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_is_killed() {
    let mut cluster = Cluster::start(3).await;
    let balancer = Balancer::start(&cluster.instances).await;
    let mut direct = Vec::new();
    for instance in &cluster.instances[1..] {
        direct.push(Client::connect(instance.address).await);
    }
    let moving = Client::connect(balancer.address).await;
    assert_eq!(cluster.instances[1].command("start").await, 200);
    moving.samples(24).await;
    // The balancer sends all clients from this address to one instance: that is the one to die.
    let (_, view) = crate::support::http::get(balancer.address, "/api/v1/cluster")
        .await
        .unwrap();
    let mut victim = None;
    for (at, instance) in cluster.instances.iter().enumerate() {
        if instance.cluster().await["instance"] == view["instance"] {
            victim = Some(at);
        }
    }
    let victim = victim.unwrap();
    let survivors: Vec<_> = (0..3).filter(|at| *at != victim).collect();
    let mut watchers = Vec::new();
    for at in &survivors {
        watchers.push(Client::connect(cluster.instances[*at].address).await);
    }
    watchers[0].samples(24).await;
    cluster.instances[victim].kill();
    eventually("its client is back", async || {
        (!moving.interruptions().is_empty()).then_some(())
    })
    .await;
    moving.samples(36).await;
    for watcher in &watchers {
        watcher.samples(36).await;
        assert_gapless("a survivor's client", &watcher.received());
    }
    let received: Vec<_> = watchers.iter().map(Client::received).collect();
    assert!(assert_equal(&received) > 36);
    let away = moving.interruptions()[0];
    let lost = missing("the killed one's client", &moving.received());
    println!("back after {} ms, missing {lost:?}", away.as_millis());
    assert!(away < Duration::from_secs(2), "{away:?}");
    let most = i64::try_from(away.as_millis() / 500).unwrap() + 1;
    assert!(
        lost.values().all(|lost| *lost <= most),
        "{lost:?} in {away:?}"
    );

    // It comes back and knows where the others are.
    cluster.instances[victim].restart().await;
    cluster.instances[victim].ready().await;
    cluster.agree().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_freezes_for_ten_seconds() {
    let cluster = Cluster::start(3).await;
    let [a, b, frozen] = cluster.instances.as_slice() else {
        unreachable!()
    };
    let mut watchers = Vec::new();
    for instance in [a, b] {
        watchers.push(Client::connect(instance.address).await);
    }
    let sleeping = Client::connect(frozen.address).await;
    assert_eq!(frozen.command("start").await, 200);
    sleeping.samples(24).await;
    frozen.freeze();
    sleep(Duration::from_secs(5)).await;
    // While it sleeps the run is another one.
    assert_eq!(a.command("stop").await, 200);
    assert_eq!(b.command("start").await, 200);
    sleep(Duration::from_secs(5)).await;
    frozen.thaw();
    sleeping.title("Simulation Stopped", 1).await;
    sleeping.title("Simulation Started", 2).await;
    cluster.agree().await;
    sleeping.samples(36).await;
    let received = sleeping.received();
    println!(
        "the oldest sample was {} ms old, missing {:?}",
        oldest_ms(&received),
        missing("the sleeper's client", &received)
    );
    assert!(oldest_ms(&received) < 5_000, "{}", oldest_ms(&received));
    let titles = [
        "Simulation Started",
        "Simulation Stopped",
        "Simulation Started",
    ];
    assert_eq!(sleeping.titles(), titles);
    for watcher in &watchers {
        missing("a watcher", &watcher.received());
        assert_eq!(watcher.titles(), titles);
    }
    let all = [watchers[0].received(), watchers[1].received(), received];
    println!("{} samples, equal to the byte", assert_equal(&all));
    for instance in [a, b, frozen] {
        assert_eq!(instance.cluster().await["divergences"], json!(0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_instances_are_replaced_one_after_the_other() {
    let mut cluster = Cluster::start(3).await;
    let balancer = Balancer::start(&cluster.instances).await;
    let client = Client::connect(balancer.address).await;
    assert_eq!(cluster.instances[0].command("start").await, 200);
    client.samples(24).await;
    let run = cluster.instances[0].get("/api/v1/data/simulation").await["runId"].clone();
    for at in 0..3 {
        let others: Vec<_> = (0..3).filter(|other| *other != at).collect();
        let mut watchers = Vec::new();
        for other in others {
            watchers.push(Client::connect(cluster.instances[other].address).await);
        }
        cluster.instances[at].terminate().await;
        cluster.instances[at].restart().await;
        cluster.instances[at].ready().await;
        cluster.agree().await;
        for watcher in &watchers {
            watcher.samples(24).await;
            assert_gapless("a client of the others", &watcher.received());
        }
    }
    client.samples(36).await;
    let lost = missing("a client of the balancer", &client.received());
    println!(
        "interrupted for {:?}, missing {lost:?}",
        client.interruptions()
    );
    for away in client.interruptions() {
        assert!(away < Duration::from_secs(2), "{away:?}");
    }
    for instance in &cluster.instances {
        let now = instance.get("/api/v1/data/simulation").await;
        assert_eq!((&now["runId"], &now["isRunning"]), (&run, &json!(true)));
    }
}

/// The tasks that a Redis needs are told of like all others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_of_redis_that_has_ended_is_told() {
    let redis = Redis::start().await;
    for name in ["log", "messages"] {
        let config = Config::from_values(|setting| match setting.variable {
            "PORT" => Some("0".into()),
            "REDIS_URL" => Some(redis.url()),
            _ => None,
        });
        let server = Server::start(config.unwrap()).await.unwrap();
        let address = server.addresses()[0];
        let ready = async || Some(http::get(address, "/readyz").await.ok()?.0);
        eventually("it is ready", async || {
            (ready().await? == 200).then_some(())
        })
        .await;
        assert!(server.health().abort(name));
        assert_eq!(server.health().failed().await.name, name);
        for path in ["/healthz", "/readyz"] {
            let (status, body) = http::get(address, path).await.unwrap();
            assert_eq!(status, 503, "{body}");
            let tasks = body["tasks"].as_array().unwrap();
            let ended = json!({"name": name, "state": "ended"});
            assert!(tasks.contains(&ended), "{body}");
        }
        server.stop().await;
    }
}
