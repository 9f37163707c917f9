//! Engine.IO over websocket, and the way there from polling.

use serde_json::json;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::support::{Frame, Polling, Socket, TestServer, soon};

const LIMIT: usize = 1_000_000;

async fn websocket_of(session: &Polling) -> Socket {
    let target = format!("/socket.io/?EIO=4&transport=websocket&sid={}", session.sid);
    Socket::connect(session.address, &target).await.unwrap()
}

async fn upgraded(server: &TestServer) -> (Polling, Socket) {
    let mut session = server.poll().await;
    session.join().await;
    let mut socket = websocket_of(&session).await;
    socket.send("2probe").await;
    assert_eq!(socket.text().await, "3probe");
    socket.send("5").await;
    (session, socket)
}

#[tokio::test]
async fn an_upgrade_takes_over_the_session_with_its_rooms() {
    let server = TestServer::start().await;
    let mut session = server.poll().await;
    session.join().await;
    session
        .send(&["42/realtime,1[\"subscribe:buses\",[\"BUS-003\"]]"])
        .await;
    assert_eq!(
        session.next().await,
        r#"43/realtime,1[{"subscribed":["BUS-003"]}]"#
    );
    // A poll that hangs while the websocket probes gets a no-op.
    let poll = session.exchange("GET");
    let address = server.address();
    let poll = tokio::spawn(async move { poll.send(address).await });
    let mut socket = websocket_of(&session).await;
    socket.send("2probe").await;
    assert_eq!(socket.text().await, "3probe");
    assert_eq!(soon("the pending poll", poll).await.unwrap().text(), "6");
    socket.send("5").await;
    assert_eq!(socket.ask("subscribe:buses", &["BUS-003"]).await, []);
    server.start_run(&json!({})).await;
    let events = socket
        .events_until(|name, _| name == "bus:measurement")
        .await;
    assert_eq!(events.last().unwrap().1["busId"], "BUS-003");
}

#[tokio::test]
async fn after_an_upgrade_polls_are_refused() {
    let server = TestServer::start().await;
    let (session, mut socket) = upgraded(&server).await;
    socket.so_far().await;
    let refused = json!({"code": 3, "message": "Bad request"});
    let answer = session.get().await;
    assert_eq!((answer.status, answer.json()), (400, refused.clone()));
    let answer = session.post("3").await;
    assert_eq!((answer.status, answer.json()), (400, refused));
    assert_eq!(socket.so_far().await, []);
}

#[tokio::test]
async fn a_second_websocket_of_a_session_is_closed_and_the_first_stays() {
    let server = TestServer::start().await;
    let (session, mut first) = upgraded(&server).await;
    first.so_far().await;
    let mut second = websocket_of(&session).await;
    assert!(matches!(second.next().await, Frame::Closed(_)));
    assert_eq!(first.so_far().await, []);
}

#[tokio::test]
async fn an_upgrade_without_a_probe_comes_to_nothing() {
    let server = TestServer::start().await;
    let session = server.poll().await;
    let mut socket = websocket_of(&session).await;
    socket.send("40/realtime,").await;
    assert!(matches!(socket.next().await, Frame::Closed(_)));
    server.join().await;
}

#[tokio::test]
async fn malformed_packets_end_their_connection_and_no_other() {
    let server = TestServer::start().await;
    let mut witness = server.join().await;
    for packet in ["abc", "9", "", "b", "5", "6", "0{}"] {
        let mut socket = server.join().await;
        socket.send(packet).await;
        let answer = socket.ask_or_end().await;
        // Ignoring a packet that means nothing here is fine too for `0`, `5` and `6`.
        let must_end = !["0{}", "5", "6"].contains(&packet);
        assert!(answer || !must_end, "{packet:?} did not end its connection");
        assert_eq!(witness.so_far().await, [], "{packet:?}");
    }
}

#[tokio::test]
async fn bytes_that_nobody_announced_end_their_connection_and_no_other() {
    let server = TestServer::start().await;
    let mut witness = server.join().await;
    let mut socket = server.join().await;
    socket.send_binary(&[1, 2, 3]).await;
    assert!(socket.ask_or_end().await);
    assert_eq!(witness.so_far().await, []);
}

#[tokio::test]
async fn a_close_packet_is_ignored_or_ends_its_own_connection() {
    let server = TestServer::start().await;
    let mut witness = server.join().await;
    let mut socket = server.join().await;
    socket.send("1").await;
    socket.ask_or_end().await;
    assert_eq!(witness.so_far().await, []);
}

#[tokio::test]
async fn a_message_up_to_the_limit_is_served_and_one_beyond_ends_the_connection() {
    let server = TestServer::start().await;
    let mut witness = server.join().await;
    let (head, tail) = ("42/realtime,7[\"subscribe:buses\",[\"", "\"]]");
    let filler = "x".repeat(LIMIT - head.len() - tail.len());
    let mut socket = server.join().await;
    socket.send(&format!("{head}{filler}{tail}")).await;
    assert!(socket.text().await.starts_with(r"43/realtime,7[{"));

    let beyond = format!("{head}x{filler}{tail}");
    socket.try_send(Message::text(beyond)).await;
    // The close frame may be lost with what the server did not read.
    let end = socket.closed().await;
    assert!(
        [
            Frame::Closed(Some(1009)),
            Frame::Closed(None),
            Frame::Closed(Some(1005))
        ]
        .contains(&end),
        "{end:?}"
    );
    assert_eq!(witness.so_far().await, []);
}

#[tokio::test]
async fn the_limit_holds_for_attachments_too() {
    let server = TestServer::start().await;
    for bytes in [LIMIT, LIMIT + 1] {
        let mut socket = server.join().await;
        socket
            .send(r#"451-/realtime,3["subscribe:buses",{"_placeholder":true,"num":0}]"#)
            .await;
        let attachment = Message::Binary(Bytes::from(vec![7; bytes]));
        socket.try_send(attachment).await;
        let answer = socket.next().await;
        if bytes > LIMIT {
            assert!(matches!(answer, Frame::Closed(_)), "{bytes}");
        } else if let Frame::Text(text) = answer {
            assert!(text.starts_with("461-/realtime,3"), "{text}");
            let echoed = socket.next().await;
            assert!(matches!(echoed, Frame::Binary(echoed) if echoed.len() == bytes));
        } else {
            panic!("{bytes}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn many_attachments_together_do_not_pass_the_limit() {
    let server = TestServer::start().await;
    let mut socket = server.join().await;
    socket
        .send(r#"455-/realtime,3["subscribe:buses",{"_placeholder":true,"num":0}]"#)
        .await;
    for _ in 0..5 {
        let attachment = Message::Binary(Bytes::from(vec![7; LIMIT / 2]));
        if !socket.try_send(attachment).await {
            break;
        }
    }
    assert!(matches!(socket.closed().await, Frame::Closed(_)));
}
