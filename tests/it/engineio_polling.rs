//! Engine.IO sessions over polling.

use serde_json::json;

use crate::support::{Socket, TestServer, soon};

/// The largest message.
const LIMIT: usize = 1_000_000;

#[tokio::test]
async fn a_session_joins_subscribes_and_gets_samples() {
    let server = TestServer::with(&[("RATE", "10"), ("AUTOSTART", "1")]).await;
    let mut session = server.poll().await;
    session.join().await;
    session
        .send(&["42/realtime,5[\"subscribe:converters\",[\"CONV-002\"]]"])
        .await;
    // An event of the whole namespace may come first.
    let mut packet = session.next().await;
    while packet.starts_with("42/realtime,[\"notification\"") {
        packet = session.next().await;
    }
    assert_eq!(packet, r#"43/realtime,5[{"subscribed":["CONV-002"]}]"#);
    let mut packet = session.next().await;
    while packet.starts_with("42/realtime,[\"notification\"") {
        packet = session.next().await;
    }
    let start = r#"42/realtime,["converter:state",{"converterId":"CONV-002","state":{"#;
    assert!(packet.starts_with(start), "{packet}");
}

#[tokio::test]
async fn a_post_is_answered_ok() {
    let server = TestServer::start().await;
    let session = server.poll().await;
    let answer = session.post("40").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
}

#[tokio::test]
async fn several_packets_pass_in_one_body_either_way() {
    let server = TestServer::start().await;
    let mut session = server.poll().await;
    session.join().await;
    session
        .send(&[
            "42/realtime,1[\"subscribe:buses\",[]]",
            "42/realtime,2[\"subscribe:buses\",[]]",
            "3",
            "42/realtime,3[\"subscribe:buses\",[]]",
        ])
        .await;
    for id in 1..=3 {
        let ack = format!(r#"43/realtime,{id}[{{"subscribed":[]}}]"#);
        assert_eq!(session.next().await, ack);
    }
    // Without a poll in between, answers wait and come in one body.
    let mut other = server.poll().await;
    other.join().await;
    for id in 1..=3 {
        other
            .send(&[&format!("42/realtime,{id}[\"subscribe:buses\",1]")])
            .await;
    }
    let mut packets = Vec::new();
    while packets.len() < 3 {
        let text = other.get().await.text();
        packets.extend(text.split('\u{1e}').map(str::to_owned));
        packets.retain(|packet| packet != "2");
    }
    let exception = r#"42/realtime,["exception",{"#;
    assert!(packets.iter().all(|packet| packet.starts_with(exception)));
}

#[tokio::test]
async fn attachments_pass_as_base64() {
    let server = TestServer::start().await;
    let mut session = server.poll().await;
    session.join().await;
    session
        .send(&[
            r#"451-/realtime,0["subscribe:converters",{"_placeholder":true,"num":0}]"#,
            "bAQID",
        ])
        .await;
    let head = r#"461-/realtime,0[{"subscribed":{"_placeholder":true,"num":0}}]"#;
    assert_eq!(session.next().await, head);
    assert_eq!(session.next().await, "bAQID");
}

#[tokio::test]
async fn of_two_polls_at_once_none_survives() {
    let server = TestServer::start().await;
    let session = server.poll().await;
    // The first poll gets the ping that waits; the next one hangs.
    assert_eq!(session.get().await.text(), "2");
    let first = session.exchange("GET");
    let address = server.address();
    let first = tokio::spawn(async move { first.send(address).await });
    // Nobody can see a poll hang. A second one ends the session, unless it overtakes the first and
    // hangs itself; then the first ends it.
    let second = session.get().await;
    let first = soon("the first poll", first).await.unwrap();
    let statuses = [
        first.status.min(second.status),
        first.status.max(second.status),
    ];
    assert_eq!(statuses, [200, 400]);
    let refused = if first.status == 400 { &first } else { &second };
    assert_eq!(refused.text(), "");
    assert!(!session.is_known().await);
}

#[tokio::test]
async fn a_close_packet_ends_the_session_and_its_poll() {
    let server = TestServer::start().await;
    let mut session = server.poll().await;
    session.join().await;
    assert!(session.is_known().await);
    let poll = session.exchange("GET");
    let address = server.address();
    let poll = tokio::spawn(async move { poll.send(address).await });
    session.send(&["1"]).await;
    let answer = soon("the pending poll", poll).await.unwrap();
    // Where the close came first there was no poll to answer.
    assert!(answer.status == 200 || answer.status == 400);
    assert!(!session.is_known().await);
    let gone = session.get().await;
    assert_eq!(gone.status, 400);
    let unknown = json!({"code": 1, "message": "Session ID unknown"});
    assert_eq!(gone.json(), unknown);
}

#[tokio::test]
async fn a_malformed_packet_ends_its_session_and_no_other() {
    let server = TestServer::start().await;
    let mut witness = server.poll().await;
    witness.join().await;
    for body in [
        &b"abc"[..],
        b"9",
        b"\x1e",
        b"4abc",
        b"\xff\xfe",
        b"b!!!",
        b"42{}",
        b"42/realtime,{}",
        b"49/realtime,",
    ] {
        let mut session = server.poll().await;
        session.join().await;
        let answer = session.post(body).await;
        assert!([200, 400].contains(&answer.status), "{body:?}");
        // Whatever is left to be polled ends; then nothing is known of the session.
        let what = format!("the end of the session after {:?}", body.escape_ascii());
        let gone = async { while session.get().await.status == 200 {} };
        soon(&what, gone).await;
        assert!(!session.is_known().await, "{what}");
    }
    witness
        .send(&["42/realtime,1[\"subscribe:buses\",[]]"])
        .await;
    assert_eq!(witness.next().await, r#"43/realtime,1[{"subscribed":[]}]"#);
}

#[tokio::test]
async fn a_body_up_to_the_limit_is_served_and_one_beyond_is_refused() {
    let server = TestServer::start().await;
    let mut session = server.poll().await;
    session.join().await;
    let (head, tail) = ("42/realtime,7[\"subscribe:buses\",[\"", "\"]]");
    let filler = "x".repeat(LIMIT - head.len() - tail.len());
    let answer = session.post(format!("{head}{filler}{tail}")).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    let ack = session.next().await;
    assert!(ack.starts_with(r#"43/realtime,7[{"subscribed":["xxx"#));

    let answer = session.post(format!("{head}x{filler}{tail}")).await;
    assert_eq!((answer.status, answer.text().as_str()), (413, ""));
    server.poll().await.join().await;
}

#[tokio::test]
async fn a_polling_session_does_not_take_plain_websocket_requests() {
    let server = TestServer::start().await;
    let session = server.poll().await;
    let target = format!("/socket.io/?EIO=4&transport=websocket&sid={}", session.sid);
    let answer = server.get(&target).await;
    assert_eq!(answer.status, 400);
    assert!(session.is_known().await);
}

#[tokio::test]
async fn a_websocket_session_cannot_be_polled() {
    let server = TestServer::start().await;
    let (mut socket, open) = Socket::open(server.address()).await;
    let sid = open["sid"].as_str().unwrap();
    let target = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
    let bad_request = json!({"code": 3, "message": "Bad request"});
    for method in ["GET", "POST"] {
        let answer = server.request(method, &target).await;
        assert_eq!((answer.status, answer.json()), (400, bad_request.clone()));
    }
    socket.rejoin().await;
}
