//! Hostile clients: whatever they send, the server stays up, others miss nothing, memory returns.
//!
//! The binary's allocator is mimalloc, for its speed with the many small pieces of a tick. Its threads
//! trim by themselves: freed pages go back to the system a few milliseconds later, while the process
//! works on. A remainder stays with the threads, whatever the size of the attack. Version 3 keeps
//! several times as much of it as version 2, and so do huge pages, so the crate's features choose.

use std::{net::SocketAddr, time::Duration};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, interval, timeout},
};

use crate::support::{
    Exchange, Polling, Process, Socket, Watcher,
    frames::{BINARY, FINAL, TEXT, frame, frame_head, joined_stream, text_frame, upgrade_request},
};

/// How many inputs there are; each has a seed of its own, its number.
const INPUTS: u64 = 1600;
/// How many attack at once.
const ATTACKERS: u64 = 16;
/// Sessions that are simply left end with the next ping's time limit; 45 s in all.
const SETTLING: Duration = Duration::from_secs(90);
/// How much more memory than before may stay in use: what the allocator's threads keep in hand.
const KEPT_BYTES: u64 = 32_000_000;
/// Messages that are begun and never finished, all at once at the end, and how much of each is sent.
const UNFINISHED: usize = 150;
const UNFINISHED_BYTES: usize = 900_000;
/// The longest a hostile client waits for an answer that it does not need.
const GLANCE: Duration = Duration::from_millis(50);

const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

/// Packets that mean something, to be spoilt.
const PACKETS: [&str; 12] = [
    "40/realtime,",
    "40/realtime,{\"token\":\"x\"}",
    "41/realtime,",
    "42/realtime,7[\"subscribe:converters\",[\"CONV-001\",\"CONV-002\"]]",
    "42/realtime,[\"unsubscribe:buses\",[\"BUS-001\"]]",
    "42/realtime,0[\"subscribe:res-units\",{\"ids\":[null,1.5e300]}]",
    "43/realtime,7[{\"ok\":true}]",
    "44/realtime,{\"message\":\"no\"}",
    "451-/realtime,7[\"subscribe:buses\",{\"_placeholder\":true,\"num\":0}]",
    "461-/realtime,7[{\"_placeholder\":true,\"num\":0}]",
    "2probe",
    "3",
];

type Random = ChaCha8Rng;

fn bytes(random: &mut Random, most: usize) -> Vec<u8> {
    let length = random.random_range(0..=most);
    (0..length).map(|_| random.random()).collect()
}

fn pick<'a>(random: &mut Random, from: &[&'a str]) -> &'a str {
    from[random.random_range(0..from.len())]
}

/// A packet with some of its bytes changed, left out, doubled, or cut off.
fn spoilt(random: &mut Random) -> Vec<u8> {
    let mut packet = pick(random, &PACKETS).as_bytes().to_vec();
    for _ in 0..random.random_range(1..6) {
        let at = random.random_range(0..packet.len());
        match random.random_range(0..5) {
            0 => packet[at] = random.random(),
            1 => packet.truncate(at.max(1)),
            2 => packet.insert(at, *b"[]{},\"-/0\x1e\xff".get(at % 11).unwrap_or(&0)),
            3 => packet.extend_from_within(at..),
            _ => {
                packet.remove(at);
                if packet.is_empty() {
                    packet.push(b'4');
                }
            }
        }
    }
    packet
}

/// JSON of the wrong kind, often deep or long.
fn wrong_json(random: &mut Random) -> String {
    let depth = random.random_range(1..200_000);
    let count = random.random_range(1..60_000);
    match random.random_range(0..8) {
        0 => format!("{}{}", "[".repeat(depth), "]".repeat(depth)),
        1 => "[".repeat(depth),
        2 => format!("{}1{}", "{\"a\":".repeat(depth / 4), "}".repeat(depth / 4)),
        3 => format!("[{}\"\"]", "\"X-0000000\",".repeat(count)),
        4 => format!("[{}1]", "1e308,".repeat(count)),
        5 => format!("\"{}\"", "\\u0000".repeat(count)),
        6 => format!("[\"{}\"]", "é".repeat(count)),
        _ => pick(
            random,
            &["null", "-", "1e999", "[1,]", "{\"a\"}", "\u{feff}[]", "NaN"],
        )
        .into(),
    }
}

/// Looks whether anything comes, so that the server gets to work on what was sent.
async fn glance(stream: &mut TcpStream) {
    let mut buffer = [0; 4096];
    let _ = timeout(GLANCE, stream.read(&mut buffer)).await;
}

/// Sends and forgets: the connection may be cut at any moment.
async fn send(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = timeout(Duration::from_secs(10), stream.write_all(bytes)).await;
}

/// One hostile input on a connection of its own, which ends abruptly.
async fn attack(address: SocketAddr, number: u64) {
    let mut random = Random::seed_from_u64(number);
    let kind = number % 16;
    let mut stream = match kind {
        0..=7 => joined_stream(address).await,
        _ => TcpStream::connect(address).await.unwrap(),
    };
    match kind {
        // Spoilt packets, several after each other.
        0 | 1 => {
            for _ in 0..random.random_range(1..10) {
                let packet = spoilt(&mut random);
                send(&mut stream, &frame(FINAL | TEXT, &packet)).await;
            }
        }
        // Wrong types, deep nesting, huge lists, as payload or as the packet itself.
        2 => {
            let json = wrong_json(&mut random);
            let event = pick(
                &mut random,
                &["subscribe:buses", "unsubscribe:converters", "x"],
            );
            let id = pick(
                &mut random,
                &["", "0", "18446744073709551615", "99999999999999999999"],
            );
            send(
                &mut stream,
                &text_frame(&format!("42/realtime,{id}[\"{event}\",{json}]")),
            )
            .await;
        }
        3 => {
            let head = pick(
                &mut random,
                &["42/realtime,", "40/realtime,", "43/realtime,1", "4", ""],
            );
            let json = wrong_json(&mut random);
            send(&mut stream, &text_frame(&format!("{head}{json}"))).await;
        }
        // Attachments: unannounced, announced and never sent, far too many, text in their place.
        4 => {
            let count = pick(
                &mut random,
                &["1", "2", "100", "101", "4294967295", "-1", ""],
            );
            let number = pick(&mut random, &["0", "1", "-1", "1e99", "\"0\"", "{}"]);
            let packet = format!(
                "45{count}-/realtime,7[\"subscribe:buses\",{{\"_placeholder\":true,\"num\":{number}}}]"
            );
            for _ in 0..random.random_range(1..4) {
                send(&mut stream, &text_frame(&packet)).await;
                if random.random_bool(0.5) {
                    let attachment = bytes(&mut random, 100_000);
                    send(&mut stream, &frame(FINAL | BINARY, &attachment)).await;
                }
            }
        }
        5 => {
            let garbage = bytes(&mut random, 50_000);
            send(&mut stream, &frame(FINAL | BINARY, &garbage)).await;
            send(&mut stream, &frame(FINAL | TEXT, &garbage)).await;
        }
        // Frames: too large, never finished, never begun, unmasked, with reserved bits and opcodes.
        6 => match random.random_range(0..6) {
            0 => {
                send(
                    &mut stream,
                    &frame_head(FINAL | TEXT, u64::MAX >> random.random_range(0..40)),
                )
                .await;
            }
            1 => send(&mut stream, &frame(FINAL | TEXT, &vec![b'4'; 1_100_000])).await,
            2 => {
                for _ in 0..30 {
                    send(&mut stream, &frame(TEXT, &vec![b'4'; 50_000])).await;
                }
            }
            3 => send(&mut stream, &frame(0, b"no beginning")).await,
            4 => send(&mut stream, &[0x81, 3, b'4', b'1', b'/']).await,
            _ => {
                let first = random.random();
                let payload = bytes(&mut random, 300);
                send(&mut stream, &frame(first, &payload)).await;
            }
        },
        // Requests in numbers, without reading an answer.
        7 => {
            let ids: Vec<_> = (0..2000).map(|n| format!("\"X-{number}-{n}\"")).collect();
            let request = format!("42/realtime,1[\"subscribe:buses\",[{}]]", ids.join(","));
            for _ in 0..20 {
                send(&mut stream, &text_frame(&request)).await;
            }
        }
        // HTTP: half a request, garbage, heads without an end.
        8 | 9 => {
            let whole = match random.random_range(0..3) {
                0 => upgrade_request(WEBSOCKET),
                1 => Exchange::new("POST", "/api/v1/data/simulation/nope")
                    .header("content-type", "application/json")
                    .body(vec![b'['; 5000])
                    .head(address),
                _ => format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(3000)),
            };
            let part = random.random_range(0..whole.len());
            send(&mut stream, &whole.as_bytes()[..part]).await;
        }
        10 => {
            let garbage = bytes(&mut random, 20_000);
            send(&mut stream, &garbage).await;
        }
        11 => {
            let header = format!("x-{}: {}\r\n", random.random::<u64>(), "v".repeat(700));
            let head = format!("GET / HTTP/1.1\r\nhost: x\r\n{}", header.repeat(600));
            send(&mut stream, head.as_bytes()).await;
        }
        // Polling: sessions that are simply left, spoilt bodies, half an upgrade.
        12 => drop(Polling::open(address).await),
        13 => {
            let session = Polling::open(address).await;
            let mut body = spoilt(&mut random);
            body.push(0x1e);
            body.extend(spoilt(&mut random));
            let answer = session.post(body).await;
            assert!(
                [200, 400, 413].contains(&answer.status),
                "{}",
                answer.status
            );
        }
        14 => {
            let session = Polling::open(address).await;
            let target = format!("{WEBSOCKET}&sid={}", session.sid);
            send(&mut stream, upgrade_request(&target).as_bytes()).await;
            glance(&mut stream).await;
            let packet = spoilt(&mut random);
            match random.random_range(0..3) {
                0 => {}
                1 => send(&mut stream, &text_frame("2probe")).await,
                _ => send(&mut stream, &frame(FINAL | TEXT, &packet)).await,
            }
        }
        _ => {
            let session = Polling::open(address).await;
            let json = wrong_json(&mut random);
            let body = format!("40/realtime,\u{1e}42/realtime,7[\"subscribe:buses\",{json}]");
            let answer = session.post(body).await;
            assert!(
                [200, 400, 413].contains(&answer.status),
                "{}",
                answer.status
            );
        }
    }
    if random.random_bool(0.5) {
        glance(&mut stream).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_hostile_is_felt_by_others_or_stays_in_memory() {
    let process = Process::serve(&[
        ("RATE", "20"),
        ("AUTOSTART", "1"),
        ("RUST_LOG", "warn,gridcast=info"),
    ])
    .await;
    let address = process.address();
    let watcher = Watcher::start(address, 20).await;
    watcher.reached(500).await;
    let (memory, files) = (process.resident_bytes(), process.open_files());

    let attackers: Vec<_> = (0..ATTACKERS)
        .map(|attacker| {
            tokio::spawn(async move {
                for number in (attacker..INPUTS).filter(|number| number % ATTACKERS == attacker) {
                    attack(address, number / ATTACKERS + (number % ATTACKERS) * 101).await;
                }
            })
        })
        .collect();
    for (attacker, task) in attackers.into_iter().enumerate() {
        task.await
            .unwrap_or_else(|error| panic!("attacker {attacker}: {error}"));
    }
    // At the end as much as they can make the server hold.
    let mut held = Vec::new();
    for _ in 0..UNFINISHED {
        let mut stream = joined_stream(address).await;
        send(&mut stream, &frame(TEXT, &vec![b'4'; UNFINISHED_BYTES])).await;
        held.push(stream);
    }
    let mut peak = process.resident_bytes();
    let mut look = interval(Duration::from_millis(100));
    let begin = Instant::now();
    while peak < memory + (UNFINISHED * UNFINISHED_BYTES / 2) as u64 {
        assert!(
            begin.elapsed() < SETTLING,
            "the server holds {peak} bytes only"
        );
        look.tick().await;
        peak = process.resident_bytes();
    }
    drop(held);

    // The server serves on.
    let healthy = Exchange::new("GET", "/healthz").send(address).await;
    assert_eq!(healthy.status, 200);
    Socket::join(address)
        .await
        .ask("subscribe:buses", &["BUS-001"])
        .await;

    // Everything that was opened is closed, and memory returns.
    let begin = Instant::now();
    let mut look = interval(Duration::from_millis(500));
    loop {
        let (now, open) = (process.resident_bytes(), process.open_files());
        if open <= files && now <= memory + KEPT_BYTES {
            println!(
                "resident bytes: {memory} before, {peak} at the end of the attack, {now} after"
            );
            break;
        }
        assert!(
            begin.elapsed() < SETTLING,
            "{now} bytes resident, {memory} before, {peak} at the peak; {open} files open, {files} before"
        );
        look.tick().await;
    }
    let samples = watcher.stop().await;
    assert!(samples > 1000, "{samples}");
}
