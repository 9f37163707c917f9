//! Request bodies: what is malformed, too large, or of no account.

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Exchange, TestServer, soon};

const START: &str = "/api/v1/data/simulation/start";
const STOP: &str = "/api/v1/data/simulation/stop";

fn json_body(method: &str, target: &str, body: impl Into<Vec<u8>>) -> Exchange {
    Exchange::new(method, target)
        .header("content-type", "application/json")
        .body(body)
}

#[tokio::test]
async fn malformed_json_is_refused_on_every_route() {
    let server = TestServer::start().await;
    for target in [START, STOP, "/api/v1/nope", "/nope", "/healthz"] {
        for body in [
            "{bad", "\"text\"", "1", "null", "true", "{} {}", "[1,]", "{\"a\":1",
        ] {
            let answer = json_body("POST", target, body).send(server.address()).await;
            let message = answer.refusal(400, "Bad Request");
            assert!(!message.is_empty(), "{target}: {body}");
        }
    }
    let run = server.get("/api/v1/data/simulation").await.json();
    assert_eq!(run["runId"], json!(null));
}

#[tokio::test]
async fn what_is_no_json_is_ignored_and_so_is_what_says_nothing() {
    let server = TestServer::start().await;
    for (content_type, body) in [
        ("application/json", ""),
        ("application/json", "{}"),
        ("application/json; charset=utf-8", "[]"),
        ("application/json", r#"{"unknown":{"speed":900}}"#),
        ("text/plain", "{bad"),
        ("application/x-www-form-urlencoded", "speed=900"),
        ("application/octet-stream", "\u{0}\u{1}"),
    ] {
        for target in [START, STOP] {
            let answer = Exchange::new("POST", target)
                .header("content-type", content_type)
                .body(body)
                .send(server.address())
                .await;
            assert_eq!(answer.status, 200, "{target} {content_type} {body}");
        }
    }
}

#[tokio::test]
async fn a_start_is_read_whatever_its_content_type_says() {
    let server = TestServer::start().await;
    for content_type in [
        None,
        Some("application/x-www-form-urlencoded"),
        Some("text/plain"),
    ] {
        let mut exchange = Exchange::new("POST", START).body(r#"{"seed":4711}"#);
        if let Some(content_type) = content_type {
            exchange = exchange.header("content-type", content_type);
        }
        assert_eq!(exchange.send(server.address()).await.status, 200);
        let run = server.get("/api/v1/data/simulation").await.json();
        assert_eq!(run["seed"], 4711, "{content_type:?}");
        assert_eq!(server.request("POST", STOP).await.status, 200);
    }
}

#[tokio::test]
async fn a_json_body_over_the_limit_is_refused_without_a_word_more() {
    let server = TestServer::start().await;
    let too_large = json!({"statusCode": 413, "message": "request entity too large"});
    for target in [START, STOP, "/nope"] {
        for bytes in [102_401, 200_000, 3_000_000] {
            let body = format!("[\"{}\"]", "x".repeat(bytes - 4));
            let answer = json_body("POST", target, body).send(server.address()).await;
            answer.expect(413, &too_large);
        }
    }
    let body = format!("[\"{}\"]", "x".repeat(102_400 - 4));
    let answer = json_body("POST", STOP, body).send(server.address()).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn deep_nesting_is_no_problem() {
    let server = TestServer::start().await;
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let answer = json_body("POST", START, deep.clone())
        .send(server.address())
        .await;
    assert_eq!(answer.status, 200);
    let deep = format!("{{\"seed\":{deep}}}");
    server.request("POST", STOP).await;
    let answer = json_body("POST", START, deep).send(server.address()).await;
    answer.refusal(400, "Bad Request");
}

#[tokio::test]
async fn a_body_in_chunks_is_read_whole() {
    let server = TestServer::start().await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let head = format!(
        "POST {START} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    for part in [&head, "5\r\n{\"see\r\n", "6\r\nd\":12}\r\n", "0\r\n\r\n"] {
        stream.write_all(part.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
    }
    let mut answer = String::new();
    soon("the answer", stream.read_to_string(&mut answer))
        .await
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let run = server.get("/api/v1/data/simulation").await.json();
    assert_eq!(run["seed"], 12);
}

#[tokio::test]
async fn a_byte_order_mark_is_skipped_whatever_the_content_type() {
    let server = TestServer::start().await;
    for content_type in [
        "application/json",
        "application/x-www-form-urlencoded",
        "text/plain",
    ] {
        let answer = Exchange::new("POST", START)
            .header("content-type", content_type)
            .body("\u{feff}{\"seed\":4711}")
            .send(server.address())
            .await;
        assert_eq!(answer.status, 200, "{content_type}: {}", answer.text());
        let run = server.get("/api/v1/data/simulation").await.json();
        assert_eq!(run["seed"], 4711, "{content_type}");
        assert_eq!(server.request("POST", STOP).await.status, 200);
    }
}

#[tokio::test]
async fn utf_16_is_named() {
    let server = TestServer::start().await;
    let text: Vec<u8> = "\u{feff}{\"seed\":1}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for content_type in ["application/json", "text/plain"] {
        for body in [&text[..], &text[2..]] {
            let answer = Exchange::new("POST", START)
                .header("content-type", content_type)
                .body(body)
                .send(server.address())
                .await;
            let message = answer.refusal(400, "Bad Request");
            assert_eq!(message, "the body is UTF-16: send it as UTF-8");
        }
    }
}

#[tokio::test]
async fn a_compressed_body_is_read_and_an_unknown_coding_refused_on_every_route() {
    let server = TestServer::start().await;
    let gzip = |text: &str| {
        use std::io::Write;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        gzip.finish().unwrap()
    };
    let coded = |target: &str, coding: &str, body: Vec<u8>| {
        json_body("POST", target, body).header("content-encoding", coding)
    };
    for (coding, body) in [
        ("gzip", gzip("{\"seed\":4711}")),
        ("X-GZIP", gzip("{\"seed\":4711}")),
        ("identity", b"{\"seed\":4711}".to_vec()),
    ] {
        let answer = coded(START, coding, body).send(server.address()).await;
        assert_eq!(answer.status, 200, "{coding}: {}", answer.text());
        let run = server.get("/api/v1/data/simulation").await.json();
        assert_eq!(run["seed"], 4711, "{coding}");
        assert_eq!(server.request("POST", STOP).await.status, 200);
    }
    let faults = "/api/v1/data/simulation/faults";
    for target in [START, STOP, faults, "/api/v1/notifications", "/nope"] {
        for coding in ["br", "zstd", "gzip, gzip"] {
            let answer = coded(target, coding, b"{}".to_vec())
                .send(server.address())
                .await;
            let message = answer.refusal(415, "Unsupported Media Type");
            assert!(message.contains(coding), "{target}: {message}");
        }
        let plain = coded(target, "gzip", b"{}".to_vec());
        let message = plain
            .send(server.address())
            .await
            .refusal(400, "Bad Request");
        assert!(message.contains("content-encoding"), "{message}");
        let bomb = gzip(&format!("[\"{}\"]", "x".repeat(5_000_000)));
        let bomb = coded(target, "gzip", bomb).send(server.address()).await;
        assert_eq!(bomb.status, 413, "{target}");
    }
}

#[tokio::test]
async fn the_true_cause_is_named_with_its_place() {
    let server = TestServer::with(&[("AUTOSTART", "1")]).await;
    let notifications = "/api/v1/notifications";
    let message = |title: &str, data: &str| {
        format!(r#"{{"type":"info","title":{title},"message":"m","data":{data}}}"#)
    };
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for (target, body, cause) in [
        (
            notifications,
            message(r#""half: \ud83d""#, "1"),
            "title: character 7 is \\ud83d, half of one",
        ),
        (
            notifications,
            message(r#""t""#, r#"{"a":[0,1e400]}"#),
            "data.a[1]: 1e400 is beyond the largest number",
        ),
        (
            notifications,
            message(r#""t""#, &deep),
            "more than 127 brackets",
        ),
        (
            "/api/v1/data/simulation/faults",
            r#"{"kind":"SPIKE","entityId":"BUS-001","size":1e400}"#.to_owned(),
            "size: 1e400 is beyond the largest number",
        ),
        (
            START,
            r#"{"\udc00":1,"seed":1}"#.to_owned(),
            "character 1 is \\udc00, half of one",
        ),
    ] {
        let answer = json_body("POST", target, body).send(server.address()).await;
        let message = answer.refusal(400, "Bad Request");
        assert!(message.contains(cause), "{target}: {message}");
    }
}
