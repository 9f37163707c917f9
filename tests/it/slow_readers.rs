//! Clients that do not read: they are removed, and nobody else notices.

use std::{collections::BTreeMap, time::Duration};

use gridcast::grid::time::Timestamp;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::{Instant, interval, timeout},
};

use crate::support::{
    Exchange, Process, Socket, Watcher,
    frames::{ServerFrames, join_by_hand, text_frame},
};

/// How long the removal may take: the kernel's limit of 10 s, its retries, and a busy machine.
const REMOVAL: Duration = Duration::from_mins(1);

/// A websocket client by hand that has joined the namespace and never reads again.
async fn absent_reader(process: &Process) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    // Little room, so that the server's side fills up soon.
    socket.set_recv_buffer_size(4096).unwrap();
    join_by_hand(socket.connect(process.address()).await.unwrap()).await
}

#[tokio::test]
async fn a_client_that_stops_reading_is_removed_and_harms_nobody() {
    let process = Process::serve(&[("RATE", "50"), ("AUTOSTART", "1")]).await;
    let watcher = Watcher::start(process.address(), 50).await;
    let before = process.open_files();
    let mut absent = Vec::new();
    for _ in 0..20 {
        let mut stream = absent_reader(&process).await;
        for (event, ids) in Watcher::SUBSCRIPTIONS {
            let request = format!("42/realtime,{}", json!([event, ids]));
            stream.write_all(&text_frame(&request)).await.unwrap();
        }
        absent.push(stream);
    }
    assert!(
        process.open_files() >= before + absent.len(),
        "{before} {}",
        process.open_files()
    );
    // They stay as they are, connected and deaf, until the server has let go of all of them.
    let begin = Instant::now();
    let mut look = interval(Duration::from_millis(200));
    while process.open_files() > before {
        look.tick().await;
        let open = process.open_files();
        assert!(
            begin.elapsed() < REMOVAL,
            "{open} files open, {before} before"
        );
    }
    // The process serves on, and one who reads missed nothing.
    Socket::join(process.address()).await;
    let samples = watcher.stop().await;
    assert!(samples > 1000, "{samples}");
}

#[tokio::test]
async fn a_client_that_is_slow_for_a_while_goes_on_in_order() {
    let process = Process::serve(&[("RATE", "20"), ("AUTOSTART", "1")]).await;
    let mut slow = Socket::join(process.address()).await;
    slow.ask("subscribe:converters", &["CONV-001"]).await;
    let watcher = Watcher::start(process.address(), 20).await;
    // It reads nothing while another client gets a few seconds' worth of samples.
    watcher.reached(1500).await;
    let mut newest = String::new();
    let mut samples = 0;
    while samples < 200 {
        let (name, payload) = slow.event().await;
        if name == "converter:state" {
            let timestamp = payload["timestamp"].as_str().unwrap().to_owned();
            assert!(timestamp > newest, "{timestamp} after {newest}");
            newest = timestamp;
            samples += 1;
        }
    }
    watcher.stop().await;
}

/// What a client lost while it did not read is what it is told it lost, and the rest comes once and in order.
#[tokio::test]
async fn a_client_is_told_what_it_has_lost() {
    let process =
        Process::serve(&[("RATE", "100"), ("AUTOSTART", "1"), ("DISTURBANCES", "0")]).await;
    let mut stream = absent_reader(&process).await;
    for (event, ids) in Watcher::SUBSCRIPTIONS {
        let request = format!("42/realtime,{}", json!([event, ids]));
        stream.write_all(&text_frame(&request)).await.unwrap();
    }
    let watcher = Watcher::start(process.address(), 100).await;
    watcher.reached(8_000).await;
    watcher.stop().await;
    let stopping = Exchange::new("POST", "/api/v1/data/simulation/stop");
    assert_eq!(stopping.send(process.address()).await.status, 200);
    // Only now it reads, until it has been told of the stop and of all its losses.
    let mut frames = ServerFrames::new(stream);
    let (mut times, mut told, mut stopped) = (BTreeMap::<String, Vec<i64>>::new(), 0, false);
    let missing = |times: &BTreeMap<String, Vec<i64>>| -> i64 {
        let missing = times.iter().map(|(id, times)| {
            assert!(times.is_sorted_by(|a, b| a < b), "{id}: {times:?}");
            let period_ms = match &id[..3] {
                "CON" => 5,
                "BUS" => 10,
                _ => 20,
            };
            let count = i64::try_from(times.len()).unwrap();
            (times[times.len() - 1] - times[0]) / period_ms + 1 - count
        });
        missing.sum()
    };
    while !stopped || told < missing(&times) {
        let text = frames.text().await;
        let Some(json) = text.strip_prefix("42/realtime,") else {
            continue;
        };
        let (name, payload): (String, Value) = serde_json::from_str(json).unwrap();
        match name.as_str() {
            "gridcast:dropped" => told += payload["counts"]["slow"].as_i64().unwrap(),
            "notification" => stopped |= payload["title"] == "Simulation Stopped",
            _ => {
                let id = ["busId", "converterId", "unitId"].map(|key| payload[key].as_str());
                let id = id.into_iter().flatten().next().unwrap().to_owned();
                let time: Timestamp = serde_json::from_value(payload["timestamp"].clone()).unwrap();
                times.entry(id).or_default().push(time.unix_ms());
            }
        }
    }
    assert_eq!(told, missing(&times));
    assert!(told > 1_000, "{told}");
}

#[tokio::test]
async fn a_half_sent_request_is_cut_after_a_while() {
    let process = Process::serve(&[]).await;
    let mut ends = Vec::new();
    for half in [
        "",
        "GET /api",
        "GET / HTTP/1.1\r\nhost:",
        "POST / HTTP/1.1\r\nhost: x\r\nx: y\r\n",
    ] {
        let mut stream = TcpStream::connect(process.address()).await.unwrap();
        stream.write_all(half.as_bytes()).await.unwrap();
        ends.push(async move {
            let mut rest = Vec::new();
            let read = timeout(REMOVAL, stream.read_to_end(&mut rest)).await;
            assert!(read.is_ok(), "{half:?} was not cut");
        });
    }
    futures_util::future::join_all(ends).await;
}
