//! Socket.IO packets over a websocket: namespaces, acks, exceptions, what ends a connection.

use serde_json::{Value, json};

use crate::support::{Frame, Socket, TestServer, golden};

/// Recorded samples after which the connection stays open here, or ends here only: the packet codec
/// in use judges these otherwise.
const OPEN_OTHERWISE: &[&str] = &[
    "event before connect",
    "packet 40/realtime,",
    "packet 42/realtime,[\"connect\",\"x\"]",
    "packet 2",
    "packet 42/nope,[\"x\"]",
    "packet 42/realtime,",
    "packet 1",
    "packet 42{}",
];
/// Events that the original service does not know and this one serves.
const SERVED_HERE: [&str; 2] = [
    "unsubscribe:buses with ack id",
    "unsubscribe:res-units with ack id",
];

/// Asks for a namespace that does not exist: works in every state, and comes after what was caused
/// by all packets before that are answered in place.
async fn fence(socket: &mut Socket) -> Frame {
    socket.send("40/fence,").await;
    socket.next().await
}

const FENCED: &str = r#"44/fence,{"message":"Invalid namespace"}"#;

#[tokio::test]
async fn frames_are_the_recorded_ones() {
    let server = TestServer::start().await;
    for sample in golden("frames") {
        let name = sample["name"].as_str().unwrap();
        let (mut socket, _) = Socket::open(server.address()).await;
        let joined = sample["after"] == "joined /realtime";
        if joined {
            socket.rejoin().await;
        }
        for sent in sample["sent"].as_array().unwrap() {
            match sent {
                Value::String(text) => socket.send(text).await,
                bytes => socket.send_binary(&hex(bytes)).await,
            }
        }
        if OPEN_OTHERWISE.contains(&name) {
            continue;
        }
        if sample["open"] == false {
            assert!(matches!(socket.closed().await, Frame::Closed(_)), "{name}");
            continue;
        }
        if SERVED_HERE.contains(&name) {
            let ack = r#"43/realtime,7[{"unsubscribed":["X-1","X-2"]}]"#;
            assert_eq!(socket.text().await, ack);
            continue;
        }
        for recorded in sample["received"].as_array().unwrap() {
            match (socket.next().await, recorded) {
                (Frame::Text(text), Value::String(recorded)) => {
                    assert_eq!(without_sid(&text), without_sid(recorded), "{name}");
                }
                (Frame::Binary(bytes), recorded) => assert_eq!(bytes, hex(recorded), "{name}"),
                (other, _) => panic!("{name}: {other:?}"),
            }
        }
        if joined && name != "packet 41/realtime," {
            assert_eq!(socket.so_far().await, [], "{name}");
        }
        assert_eq!(
            fence(&mut socket).await,
            Frame::Text(FENCED.into()),
            "{name}"
        );
    }
}

fn hex(frame: &Value) -> Vec<u8> {
    let text = frame["hex"].as_str().unwrap();
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

/// The packet with the value of a `sid` left out.
fn without_sid(packet: &str) -> String {
    match packet.split_once("{\"sid\":\"") {
        Some((head, tail)) => {
            let (sid, tail) = tail.split_once('"').unwrap();
            assert!(!sid.is_empty(), "{packet}");
            format!("{head}{{\"sid\":\"…\"{tail}")
        }
        None => packet.to_owned(),
    }
}

#[tokio::test]
async fn the_namespace_is_joined_in_every_form_of_its_packet() {
    let server = TestServer::start().await;
    for packet in [
        "40/realtime,",
        "40/realtime",
        "40/realtime,{}",
        r#"40/realtime,{"token":"anything","nested":{"a":[1,2]}}"#,
    ] {
        let (mut socket, _) = Socket::open(server.address()).await;
        socket.send(packet).await;
        let answer = socket.text().await;
        assert_eq!(without_sid(&answer), r#"40/realtime,{"sid":"…"}"#);
        assert_eq!(socket.so_far().await, []);
    }
}

#[tokio::test]
async fn other_namespaces_are_refused_and_the_connection_stays() {
    let server = TestServer::start().await;
    let (mut socket, _) = Socket::open(server.address()).await;
    for namespace in ["/nope", "/realtime/", "/Realtime", "/realtime/more"] {
        socket.send(&format!("40{namespace},")).await;
        let refusal = format!(r#"44{namespace},{{"message":"Invalid namespace"}}"#);
        assert_eq!(socket.text().await, refusal);
    }
    socket.send("40/realtime?x=1,").await;
    let answer = socket.text().await;
    // The codec leaves out the query; the original refuses the name with it.
    assert!(answer.starts_with("44/realtime") || answer.starts_with("40/realtime"));
    socket.send("40").await;
    assert_eq!(without_sid(&socket.text().await), r#"40{"sid":"…"}"#);
}

#[tokio::test]
async fn the_main_namespace_is_silent() {
    let server = TestServer::with(&[("RATE", "20")]).await;
    let (mut main, _) = Socket::open(server.address()).await;
    main.send("40").await;
    assert!(main.text().await.starts_with("40{"));
    main.send(r#"421["subscribe:buses",["BUS-001"]]"#).await;
    let mut other = server.join().await;
    other.ask("subscribe:buses", &["BUS-001"]).await;
    server.start_run(&json!({})).await;
    other
        .events_until(|name, _| name == "bus:measurement")
        .await;
    assert_eq!(fence(&mut main).await, Frame::Text(FENCED.into()));
}

#[tokio::test]
async fn leaving_ends_all_subscriptions_and_joining_again_begins_without() {
    let server = TestServer::with(&[("RATE", "20")]).await;
    let mut socket = server.join().await;
    let mut other = server.join().await;
    socket.ask("subscribe:buses", &["BUS-001"]).await;
    socket.send("41/realtime,").await;
    server.start_run(&json!({})).await;
    other.ask("subscribe:buses", &["BUS-001"]).await;
    other
        .events_until(|name, _| name == "bus:measurement")
        .await;
    assert_eq!(fence(&mut socket).await, Frame::Text(FENCED.into()));
    socket.rejoin().await;
    // Two more samples go out; this client asks for another stream and must get that alone.
    let asked = socket.ask("subscribe:converters", &["CONV-001"]).await;
    let mut events = asked;
    events.extend(
        socket
            .events_until(|_, payload| payload["converterId"] == "CONV-001")
            .await,
    );
    for _ in 0..2 {
        other
            .events_until(|name, _| name == "bus:measurement")
            .await;
    }
    events.extend(socket.so_far().await);
    assert!(events.iter().all(|(name, _)| name != "bus:measurement"));
}

#[tokio::test]
async fn an_ack_comes_only_if_asked_for_and_with_any_id() {
    let server = TestServer::start().await;
    let mut socket = server.join().await;
    socket
        .send(r#"42/realtime,["subscribe:buses",["A"]]"#)
        .await;
    for id in ["0", "1", "999999999999"] {
        socket
            .send(&format!(r#"42/realtime,{id}["subscribe:buses",["A"]]"#))
            .await;
        let ack = format!(r#"43/realtime,{id}[{{"subscribed":["A"]}}]"#);
        assert_eq!(socket.text().await, ack);
    }
}

#[tokio::test]
async fn acks_echo_the_list_to_the_byte() {
    let server = TestServer::start().await;
    let mut socket = server.join().await;
    let (subscribes, unsubscribes) = (
        [
            "subscribe:converters",
            "subscribe:buses",
            "subscribe:res-units",
        ],
        [
            "unsubscribe:converters",
            "unsubscribe:buses",
            "unsubscribe:res-units",
        ],
    );
    for list in [
        "[]",
        r#"["CONV-001","CONV-001","BUS-001","nobody"]"#,
        r"[1,2.50,-3e5,0.1,12345678901234567890]",
        r"[null,true,false]",
        r#"[["CONV-001"],{"b":1,"a":{"c":[]}}]"#,
        r#"["Zürich ⚡","\u00e9\n\"","😀"]"#,
        r#"[""," "]"#,
    ] {
        for (word, events) in [("subscribed", subscribes), ("unsubscribed", unsubscribes)] {
            for event in events {
                socket
                    .send(&format!(r#"42/realtime,7["{event}",{list}]"#))
                    .await;
                let ack = format!(r#"43/realtime,7[{{"{word}":{list}}}]"#);
                assert_eq!(socket.text().await, ack);
            }
        }
    }
}

#[tokio::test]
async fn several_arguments_are_the_list() {
    let server = TestServer::with(&[("RATE", "20"), ("AUTOSTART", "1")]).await;
    let mut socket = server.join().await;
    socket
        .send(r#"42/realtime,7["subscribe:buses","BUS-002",["BUS-003"],7]"#)
        .await;
    let mut ids = Vec::new();
    let ack = r#"43/realtime,7[{"subscribed":["BUS-002",["BUS-003"],7]}]"#;
    while socket.text().await != ack {}
    while ids.len() < 2 {
        let (name, payload) = socket.event().await;
        if name == "bus:measurement" {
            ids.push(payload["busId"].clone());
            ids.dedup();
        }
    }
    ids.sort_by_key(ToString::to_string);
    assert_eq!(ids, ["BUS-002", "BUS-003"]);
}

#[tokio::test]
async fn bad_payloads_get_an_exception_alone_and_the_connection_stays() {
    let server = TestServer::start().await;
    let mut witness = server.join().await;
    let mut socket = server.join().await;
    for event in [
        "subscribe:converters",
        "subscribe:buses",
        "subscribe:res-units",
        "unsubscribe:converters",
        "unsubscribe:buses",
        "unsubscribe:res-units",
    ] {
        for payload in [
            r#""CONV-001""#,
            "null",
            "42",
            "-1.50",
            "true",
            r#"{"ids":["CONV-001"]}"#,
            "{}",
        ] {
            for id in ["", "7"] {
                socket
                    .send(&format!(r#"42/realtime,{id}["{event}",{payload}]"#))
                    .await;
                let exception = format!(
                    r#"42/realtime,["exception",{{"status":"error","message":"Internal server error","cause":{{"pattern":"{event}","data":{payload}}}}}]"#
                );
                assert_eq!(socket.text().await, exception);
            }
        }
        socket.send(&format!(r#"42/realtime,7["{event}"]"#)).await;
        let exception = format!(
            r#"42/realtime,["exception",{{"status":"error","message":"Internal server error","cause":{{"pattern":"{event}"}}}}]"#
        );
        assert_eq!(socket.text().await, exception);
    }
    // No ack came late either.
    assert_eq!(socket.so_far().await, []);
    assert_eq!(witness.so_far().await, []);
}

#[tokio::test]
async fn a_bad_payload_joins_nothing() {
    let server = TestServer::with(&[("RATE", "20")]).await;
    let mut socket = server.join().await;
    socket
        .send(r#"42/realtime,["subscribe:buses","BUS-001"]"#)
        .await;
    assert!(
        socket
            .text()
            .await
            .starts_with(r#"42/realtime,["exception""#)
    );
    let mut other = server.join().await;
    other.ask("subscribe:buses", &["BUS-001"]).await;
    server.start_run(&json!({})).await;
    other
        .events_until(|name, _| name == "bus:measurement")
        .await;
    other
        .events_until(|name, _| name == "bus:measurement")
        .await;
    let events = socket.so_far().await;
    assert!(
        events.iter().all(|(name, _)| name == "notification"),
        "{events:?}"
    );
}

#[tokio::test]
async fn ten_thousand_ids_are_taken_and_more_refused_by_name() {
    let server = TestServer::start().await;
    let mut socket = server.join().await;
    let list = |count: usize| json!((0..count).map(|n| format!("X-{n}")).collect::<Vec<_>>());
    let most = list(10_000).to_string();
    socket
        .send(&format!(r#"42/realtime,1["subscribe:buses",{most}]"#))
        .await;
    let ack = format!(r#"43/realtime,1[{{"subscribed":{most}}}]"#);
    assert_eq!(socket.text().await, ack);
    let more = list(10_001);
    socket
        .send(&format!(r#"42/realtime,2["subscribe:buses",{more}]"#))
        .await;
    let (name, payload) = socket.event().await;
    assert_eq!(name, "exception");
    assert!(
        payload["message"].as_str().unwrap().contains("10000"),
        "{payload}"
    );
    assert_eq!(payload["cause"], json!({"pattern": "subscribe:buses"}));
    assert_eq!(socket.so_far().await, []);
}

#[tokio::test]
async fn attachments_are_echoed_as_a_binary_ack() {
    let server = TestServer::start().await;
    let mut socket = server.join().await;
    for (id, bytes) in [
        ("0", vec![]),
        ("12", vec![0, 255, 128]),
        ("3", vec![9; 70_000]),
    ] {
        socket
            .send(&format!(
                r#"451-/realtime,{id}["unsubscribe:converters",{{"_placeholder":true,"num":0}}]"#
            ))
            .await;
        socket.send_binary(&bytes).await;
        let head =
            format!(r#"461-/realtime,{id}[{{"unsubscribed":{{"_placeholder":true,"num":0}}}}]"#);
        assert_eq!(socket.text().await, head);
        assert_eq!(socket.next().await, Frame::Binary(bytes));
    }
    // Attachments inside a list.
    socket
        .send(r#"452-/realtime,4["subscribe:buses",["BUS-001",{"_placeholder":true,"num":0},{"x":{"_placeholder":true,"num":1}}]]"#)
        .await;
    socket.send_binary(&[1]).await;
    socket.send_binary(&[2, 2]).await;
    let head = socket.text().await;
    assert!(
        head.starts_with(r#"462-/realtime,4[{"subscribed":["BUS-001",{"#),
        "{head}"
    );
    assert_eq!(socket.next().await, Frame::Binary(vec![1]));
    assert_eq!(socket.next().await, Frame::Binary(vec![2, 2]));
}

#[tokio::test]
async fn unknown_events_are_ignored_without_ack_or_exception() {
    let server = TestServer::start().await;
    let mut socket = server.join().await;
    for event in [
        r#"7["unknown:event",["X"]]"#,
        r#"7["subscribe:everything"]"#,
        r#"["Subscribe:buses",["BUS-001"]]"#,
        r#"7["notification",{"title":"mine"}]"#,
        r#"7[""]"#,
    ] {
        socket.send(&format!("42/realtime,{event}")).await;
    }
    assert_eq!(socket.so_far().await, []);
}

#[tokio::test]
async fn acks_that_nobody_waits_for_are_ignored() {
    let server = TestServer::start().await;
    let mut socket = server.join().await;
    socket.send("43/realtime,0[]").await;
    socket.send(r#"43/realtime,12345[{"a":1}]"#).await;
    assert_eq!(socket.so_far().await, []);
}

#[tokio::test]
async fn malformed_packets_end_their_connection_and_no_other() {
    let server = TestServer::start().await;
    let mut witness = server.join().await;
    for packet in [
        "4",
        "4abc",
        "49",
        "49/realtime,",
        "4-1",
        r#"42/realtime,7["a""#,
        r#"42/realtime,abc["x"]"#,
        "42/realtime,{}",
        r#"42/realtime,"text""#,
        "42/realtime,7",
        "42/realtime,[]",
        "42/realtime,[null]",
        r#"42/realtime,[{"subscribe:buses":[]}]"#,
        r#"42/realtime,["subscribe:buses",[}]"#,
        r#"42/realtime,["subscribe:buses",["BUS-001"]] trailing"#,
        r#"451-/realtime,["subscribe:buses",{"_placeholder":true,"num":0}"#,
        r#"45-/realtime,["subscribe:buses"]"#,
        r#"45x-/realtime,["subscribe:buses"]"#,
        r#"45999999999999-/realtime,["subscribe:buses"]"#,
    ] {
        let mut socket = server.join().await;
        socket.send(packet).await;
        assert!(
            socket.ask_or_end().await,
            "{packet} did not end its connection"
        );
        assert_eq!(witness.so_far().await, [], "{packet}");
    }
}

#[tokio::test]
async fn text_where_an_attachment_was_announced_ends_the_connection_or_is_taken_for_itself() {
    let server = TestServer::start().await;
    let mut witness = server.join().await;
    let mut socket = server.join().await;
    socket
        .send(r#"451-/realtime,7["subscribe:buses",{"_placeholder":true,"num":0}]"#)
        .await;
    socket.ask_or_end().await;
    assert_eq!(witness.so_far().await, []);
    server.join().await;
}

#[tokio::test]
async fn a_placeholder_out_of_range_harms_nobody() {
    let server = TestServer::start().await;
    let mut witness = server.join().await;
    for number in ["1", "-1", "1e9", "\"0\"", "99999999999999999999"] {
        let mut socket = server.join().await;
        socket
            .send(&format!(
                r#"451-/realtime,7["subscribe:buses",{{"_placeholder":true,"num":{number}}}]"#
            ))
            .await;
        let _ = socket.try_send(vec![1].into()).await;
        socket.ask_or_end().await;
        assert_eq!(witness.so_far().await, [], "{number}");
    }
}

#[tokio::test]
async fn requests_take_effect_in_the_order_sent() {
    let server = TestServer::with(&[("RATE", "20"), ("AUTOSTART", "1")]).await;
    let mut socket = server.join().await;
    for _ in 0..500 {
        socket
            .send(r#"42/realtime,["subscribe:buses",["BUS-001"]]"#)
            .await;
        socket
            .send(r#"42/realtime,["unsubscribe:buses",["BUS-001"]]"#)
            .await;
    }
    socket.so_far().await;
    let mut other = server.join().await;
    other.ask("subscribe:buses", &["BUS-001"]).await;
    for _ in 0..3 {
        other
            .events_until(|name, _| name == "bus:measurement")
            .await;
    }
    let events = socket.so_far().await;
    assert!(
        events.iter().all(|(name, _)| name != "bus:measurement"),
        "{events:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_at_once_on_joining_is_always_heard() {
    let server = TestServer::start().await;
    for _ in 0..500 {
        let mut socket = server.join().await;
        assert_eq!(socket.ask("subscribe:buses", &["BUS-001"]).await, []);
    }
}
