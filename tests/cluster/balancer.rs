//! Clients that poll, through the balancer.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use serde_json::Value;
use tokio::{task::JoinSet, time::Instant};

use crate::support::{Balancer, Cluster, http::request_from};

const CLIENTS: u8 = 20;
const STABLE_FOR: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polling_clients_stay_with_their_instance() {
    let cluster = Cluster::start(3).await;
    let balancer = Balancer::start(&cluster.instances).await;
    assert_eq!(cluster.instances[0].command("start").await, 200);
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let source = SocketAddr::from(([127, 0, 0, 10 + number], 0));
        clients.spawn(poll(source, balancer.address));
    }
    let results = clients.join_all().await;
    let instances: BTreeSet<_> = results
        .iter()
        .map(|(instance, _)| instance.clone())
        .collect();
    let samples: Vec<_> = results.iter().map(|(_, samples)| *samples).collect();
    println!(
        "{} clients on {} instances, samples of one bus: {samples:?}",
        results.len(),
        instances.len()
    );
    assert_eq!(instances.len(), 3, "each instance serves some: {results:?}");
    assert!(
        samples
            .iter()
            .all(|samples| *samples >= STABLE_FOR.as_secs() - 2),
        "{samples:?}"
    );
}

/// Polls for a minute; returns who served it and how many samples of a bus it got. Every answer must
/// be a good one.
async fn poll(source: SocketAddr, address: SocketAddr) -> (String, u64) {
    let ask = async |method: &'static str, path: String, body: &'static str| {
        let answer = request_from(source, address, method, &path, body).await;
        let (status, text) = answer.unwrap_or_else(|error| panic!("{source} {path}: {error}"));
        assert_eq!(status, 200, "{source} {method} {path}: {text}");
        text
    };
    let view = ask("GET", "/api/v1/cluster".into(), "").await;
    let view: Value = serde_json::from_str(&view).unwrap();
    let transport = "/socket.io/?EIO=4&transport=polling";
    let open = ask("GET", transport.into(), "").await;
    let open: Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
    let session = format!("{transport}&sid={}", open["sid"].as_str().unwrap());
    ask("POST", session.clone(), "40/realtime,").await;
    ask(
        "POST",
        session.clone(),
        r#"42/realtime,["subscribe:buses",["BUS-001"]]"#,
    )
    .await;
    let end = Instant::now() + STABLE_FOR;
    let mut samples = 0;
    while Instant::now() < end {
        for packet in ask("GET", session.clone(), "").await.split('\x1e') {
            if packet == "2" {
                ask("POST", session.clone(), "3").await;
            } else if packet.contains("bus:measurement") {
                samples += 1;
            }
        }
    }
    (view["instance"].as_str().unwrap().to_owned(), samples)
}
