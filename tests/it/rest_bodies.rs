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
            "{bad",
            "\"text\"",
            "1",
            "null",
            "true",
            "{} {}",
            "[1,]",
            "{\"a\":1",
            "\u{feff}{}",
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
