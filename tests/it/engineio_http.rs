//! Engine.IO over HTTP: handshake, refusals, headers.

use serde_json::{Value, json};

use crate::support::{Exchange, Frame, Response, Socket, TestServer, golden};

/// Sends a recorded request and returns the answer.
async fn replay(server: &TestServer, sample: &Value) -> Response {
    let request = &sample["request"];
    let (method, path) = (request["method"].as_str(), request["path"].as_str());
    let mut exchange = Exchange::new(method.unwrap(), path.unwrap());
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        exchange = exchange.header(name, value.as_str().unwrap());
    }
    exchange.send(server.address()).await
}

#[tokio::test]
async fn answers_are_the_recorded_ones() {
    let server = TestServer::start().await;
    for sample in golden("engineio_http") {
        let name = sample["name"].as_str().unwrap();
        let answer = replay(&server, &sample).await;
        assert_eq!(json!(answer.status), sample["status"], "{name}");
        if name == "websocket transport without upgrade headers" {
            // Refused with an empty body here.
            continue;
        }
        for (header, value) in sample["headers"].as_object().unwrap() {
            // A 204 has no length in HTTP (RFC 9110, 8.6), and the id's is its own.
            if header != "content-length" {
                let given = answer.header(header);
                assert_eq!(given, value.as_str(), "{name}: {header}");
            }
        }
        match &sample["body"] {
            Value::String(text) if text.starts_with('0') => {
                let recorded: Value = serde_json::from_str(&text[1..]).unwrap();
                check_open(answer.text().strip_prefix('0').unwrap(), &recorded);
            }
            Value::String(text) => assert_eq!(&answer.text(), text, "{name}"),
            // Numeric codes included: `1` is not `"1"`.
            body => assert_eq!(&answer.json(), body, "{name}"),
        }
    }
}

/// An open packet: the five keys in their order, with the recorded values but for the id.
fn check_open(open: &str, recorded: &Value) {
    let mut opened: Value = serde_json::from_str(open).unwrap();
    assert_eq!(opened.as_object().unwrap().len(), 5, "{open}");
    let sid = opened["sid"].take();
    // Any unguessable text will do for an id that no client takes apart; 20 characters is Node's.
    assert!(sid.as_str().unwrap().len() >= 16, "{open}");
    let mut recorded = recorded.clone();
    recorded["sid"].take();
    assert_eq!(opened, recorded);
}

#[tokio::test]
async fn every_session_has_an_id_of_its_own() {
    let server = TestServer::start().await;
    let (one, two) = (server.poll().await, server.poll().await);
    assert_ne!(one.sid, two.sid);
}

#[tokio::test]
async fn a_websocket_opens_without_upgrades() {
    let server = TestServer::start().await;
    let (_socket, open) = Socket::open(server.address()).await;
    let recorded = json!({"sid": null, "upgrades": [], "pingInterval": 25000,
        "pingTimeout": 20000, "maxPayload": 1_000_000});
    check_open(&open.to_string(), &recorded);
}

#[tokio::test]
async fn answers_are_never_cached() {
    let server = TestServer::start().await;
    let session = server.poll().await;
    for answer in [
        server.get("/socket.io/?EIO=4&transport=polling").await,
        server.get("/socket.io/?EIO=4").await,
        session.post("40/realtime,").await,
        session.get().await,
    ] {
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn every_answer_may_be_read_from_any_origin() {
    let server = TestServer::start().await;
    let session = server.poll().await;
    for origin in [
        None,
        Some("null"),
        Some("http://other.example"),
        Some("http://localhost:5173"),
    ] {
        for exchange in [
            Exchange::new("GET", "/socket.io/?EIO=4&transport=polling"),
            Exchange::new("GET", "/socket.io/?EIO=4&transport=polling&sid=unknown"),
            session.exchange("POST").body("3"),
            session.exchange("POST").body("z".repeat(1_000_001)),
        ] {
            let exchange = match origin {
                Some(origin) => exchange.header("origin", origin),
                None => exchange,
            };
            let answer = exchange.send(server.address()).await;
            let case = format!("{origin:?} {}", answer.status);
            let allowed = answer.header("access-control-allow-origin");
            assert_eq!(allowed, Some("*"), "{case}");
            let credentials = answer.header("access-control-allow-credentials");
            assert_eq!(credentials, Some("true"), "{case}");
        }
    }
}

#[tokio::test]
async fn the_preflight_of_a_session_echoes_the_wanted_headers() {
    let server = TestServer::start().await;
    let session = server.poll().await;
    let answer = session
        .exchange("OPTIONS")
        .header("origin", "null")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type, x-mine")
        .send(server.address())
        .await;
    assert_eq!((answer.status, answer.text().as_str()), (204, ""));
    assert_eq!(
        answer.header("access-control-allow-headers"),
        Some("content-type, x-mine")
    );
    assert_eq!(
        answer.header("access-control-allow-methods"),
        Some("GET,HEAD,PUT,PATCH,POST,DELETE")
    );
    assert!(session.is_known().await);
}

#[tokio::test]
async fn the_slash_after_the_path_matters() {
    let server = TestServer::start().await;
    let target = "/socket.io?EIO=4&transport=polling";
    let message = server.get(target).await.refusal(404, "Not Found");
    assert_eq!(message, format!("Cannot GET {target}"));
}

#[tokio::test]
async fn the_namespace_is_no_path() {
    let server = TestServer::start().await;
    let message = server.get("/realtime").await.refusal(404, "Not Found");
    assert_eq!(message, "Cannot GET /realtime");
}

#[tokio::test]
async fn a_websocket_for_an_unknown_session_or_transport_comes_to_nothing() {
    let server = TestServer::start().await;
    for target in [
        "/socket.io/?EIO=4&transport=websocket&sid=AAAAAAAAAAAAAAAA",
        "/socket.io/?EIO=4&transport=websocket&sid=x",
        "/socket.io/?EIO=4&transport=carrier-pigeon",
        "/socket.io/?EIO=3&transport=websocket",
        "/socket.io/?transport=websocket",
    ] {
        // Refused with an HTTP answer, or cut right after the handshake.
        if let Ok(mut socket) = Socket::connect(server.address(), target).await {
            assert!(matches!(socket.next().await, Frame::Closed(_)), "{target}");
        }
    }
    server.join().await;
}

#[tokio::test]
async fn the_browser_client_is_served_or_its_absence_explained() {
    let server = TestServer::start().await;
    for name in [
        "socket.io.js",
        "socket.io.min.js",
        "socket.io.esm.min.js",
        "socket.io.js.map",
        "socket.io.min.js.map",
        "socket.io.esm.min.js.map",
    ] {
        let answer = server.get(&format!("/socket.io/{name}")).await;
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        if answer.status == 404 {
            // Built without npm: this is what says so.
            let message = answer.refusal(404, "Not Found");
            assert!(message.contains("built without"), "{message}");
            continue;
        }
        assert_eq!(answer.status, 200, "{name}");
        let content_type = answer.header("content-type").unwrap();
        let kind = if name.ends_with("map") {
            "application/json"
        } else {
            "application/javascript"
        };
        assert!(content_type.starts_with(kind), "{name}: {content_type}");
        let tag = answer.header("etag").unwrap();
        let again = Exchange::new("GET", &format!("/socket.io/{name}"))
            .header("if-none-match", tag)
            .send(server.address())
            .await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{name}");
    }
}
