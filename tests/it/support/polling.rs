//! An Engine.IO session over polling.

use std::{collections::VecDeque, net::SocketAddr};

use serde_json::Value;

use super::{Exchange, Response};

/// What separates packets in one body.
const SEPARATOR: char = '\u{1e}';

/// A polling session that does nothing by itself.
#[derive(Debug)]
pub(crate) struct Polling {
    pub(crate) address: SocketAddr,
    pub(crate) sid: String,
    waiting: VecDeque<String>,
}

impl Polling {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let answer = Exchange::new("GET", "/socket.io/?EIO=4&transport=polling")
            .send(address)
            .await;
        let text = answer.text();
        let open: Value = serde_json::from_str(text.strip_prefix('0').unwrap()).unwrap();
        Self {
            address,
            sid: open["sid"].as_str().unwrap().to_owned(),
            waiting: VecDeque::new(),
        }
    }

    pub(crate) fn target(&self) -> String {
        format!("/socket.io/?EIO=4&transport=polling&sid={}", self.sid)
    }

    pub(crate) fn exchange(&self, method: &str) -> Exchange {
        Exchange::new(method, &self.target())
    }

    /// Sends a body of packets as it is.
    pub(crate) async fn post(&self, body: impl Into<Vec<u8>>) -> Response {
        self.exchange("POST")
            .header("content-type", "text/plain;charset=UTF-8")
            .body(body)
            .send(self.address)
            .await
    }

    /// One poll, as it is answered.
    pub(crate) async fn get(&self) -> Response {
        self.exchange("GET").send(self.address).await
    }

    /// Sends packets that are accepted.
    pub(crate) async fn send(&self, packets: &[&str]) {
        let answer = self.post(packets.join(&SEPARATOR.to_string())).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    }

    /// The next packet that is no ping; pings are answered.
    pub(crate) async fn next(&mut self) -> String {
        loop {
            match self.waiting.pop_front() {
                Some(packet) if packet == "2" => self.send(&["3"]).await,
                Some(packet) => return packet,
                None => {
                    let answer = self.get().await;
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    let text = answer.text();
                    self.waiting
                        .extend(text.split(SEPARATOR).map(str::to_owned));
                }
            }
        }
    }

    /// Joins the namespace. The first ping, which comes by itself on opening, is answered before, so
    /// that no later poll meets it.
    pub(crate) async fn join(&mut self) {
        assert_eq!(self.get().await.text(), "2");
        self.send(&["3"]).await;
        self.send(&["40/realtime,"]).await;
        let answer = self.next().await;
        assert!(answer.starts_with("40/realtime,{\"sid\":\""), "{answer}");
    }

    /// Whether the server still knows the session. Ends a poll that is in flight.
    pub(crate) async fn is_known(&self) -> bool {
        let answer = self.post("3").await;
        if answer.status == 400 {
            let unknown = serde_json::json!({"code": 1, "message": "Session ID unknown"});
            assert_eq!(answer.json(), unknown);
        }
        answer.status == 200
    }
}
