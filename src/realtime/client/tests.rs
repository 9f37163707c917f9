//! A client's way out, between a websocket engine that writes on its own and a real websocket client.

use std::{sync::atomic::AtomicUsize, sync::atomic::Ordering, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::mpsc,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, accept_async, client_async,
    tungstenite::{Bytes as Binary, Message},
};

use super::*;
use crate::{
    grid::time::Timestamp,
    net::connection::Connection,
    realtime::{members::Block, packet::Encoded, stay::Sent},
};

/// Nothing in these tests takes longer, however busy the machine.
const PATIENCE: Duration = Duration::from_mins(1);

type Reader = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A stay whose engine takes messages for a task to write.
struct Engine(mpsc::UnboundedSender<Message>);

impl Stay for Engine {
    fn emit(&self, frame: &Frame) -> Sent {
        let text = String::from_utf8(frame.text().to_vec()).unwrap();
        self.0
            .send(Message::text(text))
            .map_or(Sent::Gone, |()| Sent::Done)
    }
    fn join(&self, _: Vec<String>) {}
    fn leave(&self, _: Vec<String>) {}
    fn disconnect(&self) {}
}

/// A client whose websocket has been accepted: its engine's writer, and its other end.
async fn connected(
    shared: Common<Client>,
    from_begin: bool,
) -> (Arc<Client>, WebSocketStream<Connection>, Reader) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    // Little room, so that writes are taken in part.
    socket.set_recv_buffer_size(8192).unwrap();
    let address = listener.local_addr().unwrap();
    let opening = tokio::spawn(async move {
        let stream = MaybeTlsStream::Plain(socket.connect(address).await.unwrap());
        client_async("ws://stage/", stream).await.unwrap().0
    });
    let (stream, peer) = listener.accept().await.unwrap();
    SockRef::from(&stream).set_send_buffer_size(16_384).unwrap();
    let (connection, handle) = Connection::new(stream, peer);
    let client = Client::new(Arc::new(shared), Handle::current());
    client.set_connection(&handle, from_begin);
    let engine = accept_async(connection).await.unwrap();
    (client, engine, opening.await.unwrap())
}

/// Events for everybody, delivered as the publisher does.
fn deliver(client: &Arc<Client>, name: &'static str, numbers: std::ops::Range<usize>, pad: usize) {
    let events: Vec<_> = numbers
        .map(|number| Addressed {
            audience: crate::grid::event::Audience::Everyone,
            sampled: None,
            tick: Tick(1),
            frame: Frame::event(name, &payload(number, pad)).unwrap(),
        })
        .collect();
    let wires: Vec<_> = events.iter().map(|event| &event.frame.wire[..]).collect();
    let encoded = Encoded {
        wire: wires.concat().into(),
        events: events.clone(),
    };
    for group in client.shared.members.begin(&encoded.events, None) {
        let block = Block {
            wire: encoded.wire.clone(),
            events: encoded.events.clone(),
            subscription: group.subscription,
            tick: Tick(1),
            now: Timestamp::from_unix_ms(0),
            lost: std::collections::BTreeMap::new(),
        };
        for client in group.clients.iter().flatten() {
            client.deliver(&block);
        }
    }
}

fn payload(number: usize, pad: usize) -> serde_json::Value {
    json!({ "number": number, "pad": "p".repeat(number * 7919 % (pad + 1)) })
}

fn packet(name: &str, number: usize, pad: usize) -> String {
    format!("42/realtime,[\"{name}\",{}]", payload(number, pad))
}

/// The engine writes messages up to 900 kB, attachments and pings, while events are delivered in between:
/// all arrives whole, each writer's in its own order, and attachments right after what announces them.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn two_writers_share_a_websocket_to_the_byte() {
    const ENGINE: usize = 240;
    const BLOCKS: usize = 700;
    const PAD: usize = 3_000;
    let (client, mut engine, mut reader) = connected(Common::empty(), true).await;
    let (unused, _queue) = mpsc::unbounded_channel();
    let number = client.begin_stay(Box::new(Engine(unused)));
    client.join(number);
    // It has not got its CONNECT packet yet: this waits.
    deliver(&client, "direct", 0..3, PAD);
    let got = Arc::new(AtomicUsize::new(0));

    let writing = tokio::spawn(async move {
        let connect = Message::text("40/realtime,{\"sid\":\"x\"}");
        engine.send(connect).await.unwrap();
        for number in 0..ENGINE {
            let pad = if number % 40 == 7 { 900_000 } else { 20_000 };
            match number % 4 {
                0 => engine.send(Message::text("2")).await.unwrap(),
                1 => {
                    let text = format!("451-/realtime,[\"attached\",{number}]");
                    engine.send(Message::text(text)).await.unwrap();
                    // Here the other writer has every chance to come in between.
                    tokio::task::yield_now().await;
                    let bytes = Binary::from(vec![0x81; number * 101 % 70_000]);
                    engine.send(Message::Binary(bytes)).await.unwrap();
                }
                _ => engine
                    .send(Message::text(packet("engine", number, pad)))
                    .await
                    .unwrap(),
            }
            tokio::task::yield_now().await;
        }
        engine
    });
    let (delivering, seen) = (client.clone(), got.clone());
    let delivered = tokio::spawn(async move {
        for block in 1..BLOCKS {
            // Not more than may wait.
            while seen.load(Ordering::Relaxed) + 300 < block * 3 {
                tokio::task::yield_now().await;
            }
            deliver(&delivering, "direct", block * 3..block * 3 + 3, PAD);
            tokio::task::yield_now().await;
        }
    });

    let (mut direct, mut engine) = (0, 0);
    let mut next = async || {
        timeout(PATIENCE, reader.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap()
    };
    assert!(next().await.to_text().unwrap().starts_with("40/realtime,"));
    while direct < BLOCKS * 3 || engine < ENGINE {
        let message = next().await;
        let text = message.to_text().unwrap();
        if text == "2" {
            assert_eq!(engine % 4, 0);
            engine += 1;
        } else if text.starts_with("451-") {
            assert_eq!(text, format!("451-/realtime,[\"attached\",{engine}]"));
            let Message::Binary(bytes) = next().await else {
                panic!("something came between a packet and its attachment");
            };
            assert_eq!(bytes, vec![0x81; engine * 101 % 70_000]);
            engine += 1;
        } else if text.starts_with("42/realtime,[\"direct\"") {
            assert_eq!(text, packet("direct", direct, PAD));
            direct += 1;
            got.store(direct, Ordering::Relaxed);
        } else {
            let pad = if engine % 40 == 7 { 900_000 } else { 20_000 };
            assert_eq!(text, packet("engine", engine, pad));
            engine += 1;
        }
    }
    delivered.await.unwrap();
    drop(writing.await.unwrap());
}

/// A client that has polled is written to directly only when all that went through the engine has passed.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn after_an_upgrade_nothing_overtakes_the_engines_queue() {
    const EVENTS: usize = 600;
    let (client, mut engine, mut reader) = connected(Common::empty(), false).await;
    let (queue, mut queued) = mpsc::unbounded_channel();
    let number = client.begin_stay(Box::new(Engine(queue)));
    client.join(number);
    let plain = Arc::new(AtomicUsize::new(0));
    let through_engine = plain.clone();
    let writing = tokio::spawn(async move {
        let mut sent = 0;
        while let Some(message) = queued.recv().await {
            // It is slow at first, so that there is something to overtake.
            for _ in 0..if sent < 50 { 30 } else { 0 } {
                tokio::task::yield_now().await;
            }
            engine.send(message).await.unwrap();
            sent += 1;
            through_engine.store(sent, Ordering::Relaxed);
        }
    });
    let got = Arc::new(AtomicUsize::new(0));
    let (delivering, seen) = (client.clone(), got.clone());
    let delivered = tokio::spawn(async move {
        for number in 0..EVENTS {
            deliver(&delivering, "event", number..number + 1, 100);
            tokio::task::yield_now().await;
            // What has been read has passed the engine, so that the way may change.
            while number % 50 == 49 && seen.load(Ordering::Relaxed) < number + 1 {
                tokio::task::yield_now().await;
            }
        }
    });
    for number in 0..EVENTS {
        let message = timeout(PATIENCE, reader.next()).await.unwrap();
        let message = message.unwrap().unwrap();
        assert_eq!(message.to_text().unwrap(), packet("event", number, 100));
        got.store(number + 1, Ordering::Relaxed);
    }
    delivered.await.unwrap();
    // It did change over.
    assert!(plain.load(Ordering::Relaxed) < EVENTS);
    writing.abort();
}

/// A client that takes nothing is cut off in the time that is set, and its connection is let go of.
#[tokio::test]
async fn who_takes_nothing_is_cut_off() {
    let shared = Common {
        stall: Duration::from_millis(300),
        ..Common::empty()
    };
    let (client, mut engine, mut reader) = connected(shared, true).await;
    let (unused, _queue) = mpsc::unbounded_channel();
    let number = client.begin_stay(Box::new(Engine(unused)));
    client.join(number);
    engine.send(Message::text("40/realtime,{}")).await.unwrap();
    assert!(timeout(PATIENCE, reader.next()).await.unwrap().is_some());
    deliver(&client, "direct", 0..400, 3_000);
    // The engine notices when it reads or writes next.
    let ended = timeout(PATIENCE, engine.next()).await.unwrap();
    assert!(!matches!(ended, Some(Ok(_))), "{ended:?}");
    deliver(&client, "direct", 400..401, 3_000);
    drop(engine);
    assert!(!client.lock().outbox.has_line());
}

/// Losses of a stay that has ended are told to nobody, and do not keep the next ones from being told.
#[test]
fn what_was_lost_before_leaving_is_forgotten() {
    let now = Timestamp::from_unix_ms(0);
    let bounds = crate::realtime::queue::Bounds::of_plant(0);
    let mut outbox = Outbox::new();
    outbox.losses().were_slow(3, now);
    outbox.tell_losses(&bounds, now).unwrap();
    outbox.losses().were_slow(1, now);
    outbox.close();
    assert!(!outbox.has_untold_losses());
    outbox.losses().were_slow(2, now);
    assert!(outbox.losses().due(now).is_some());
}
