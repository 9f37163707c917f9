//! A websocket that sends and receives frames as they are.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::{net::TcpStream, time::Instant};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Error, Message, protocol::WebSocketConfig},
};

use super::soon;

/// What comes over a websocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    Text(String),
    Binary(Vec<u8>),
    /// The end: the code of the close frame, 1005 if it has none, or none if there was no close
    /// frame.
    Closed(Option<u16>),
}

/// A websocket.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
}

impl Socket {
    /// The websocket of this target, which answers with a 101.
    pub(crate) async fn connect(address: SocketAddr, target: &str) -> Result<Self, Error> {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let url = format!("ws://{address}{target}");
        let config = WebSocketConfig::default();
        let handshake = client_async_with_config(url, stream, Some(config));
        let (stream, _) = soon("the websocket's handshake", handshake).await?;
        Ok(Self { stream })
    }

    /// A new Engine.IO session, and its open packet.
    pub(crate) async fn open(address: SocketAddr) -> (Self, Value) {
        let target = "/socket.io/?EIO=4&transport=websocket";
        let mut socket = Self::connect(address, target).await.unwrap();
        let Frame::Text(open) = socket.next().await else {
            panic!("no open packet");
        };
        let open = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
        (socket, open)
    }

    /// A new session that has joined the namespace.
    pub(crate) async fn join(address: SocketAddr) -> Self {
        let (mut socket, _) = Self::open(address).await;
        socket.rejoin().await;
        socket
    }

    /// Joins the namespace, again perhaps.
    pub(crate) async fn rejoin(&mut self) {
        self.send("40/realtime,").await;
        let answer = self.text().await;
        assert!(answer.starts_with("40/realtime,{\"sid\":\""), "{answer}");
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn send_binary(&mut self, bytes: &[u8]) {
        self.stream
            .send(Message::binary(bytes.to_vec()))
            .await
            .unwrap();
    }

    /// Sends without caring whether the connection still stands.
    pub(crate) async fn try_send(&mut self, message: Message) -> bool {
        self.stream.send(message).await.is_ok()
    }

    /// The next frame that is no ping of Engine.IO; pings are answered.
    pub(crate) async fn next(&mut self) -> Frame {
        soon("a frame", async {
            loop {
                match self.any().await {
                    Frame::Text(text) if text == "2" => {
                        let _ = self.stream.send(Message::text("3")).await;
                    }
                    frame => return frame,
                }
            }
        })
        .await
    }

    /// The next frame, pings included; however long it takes.
    pub(crate) async fn any(&mut self) -> Frame {
        loop {
            return match self.stream.next().await {
                Some(Ok(Message::Text(text))) => Frame::Text(text.to_string()),
                Some(Ok(Message::Binary(bytes))) => Frame::Binary(bytes.to_vec()),
                Some(Ok(Message::Close(frame))) => {
                    Frame::Closed(Some(frame.map_or(1005, |frame| frame.code.into())))
                }
                Some(Ok(_)) => continue,
                None | Some(Err(_)) => Frame::Closed(None),
            };
        }
    }

    /// The next frame, which is text.
    pub(crate) async fn text(&mut self) -> String {
        match self.next().await {
            Frame::Text(text) => text,
            other => panic!("no text: {other:?}"),
        }
    }

    /// The next event: its name and payload.
    pub(crate) async fn event(&mut self) -> (String, Value) {
        let text = self.text().await;
        parse_event(&text).unwrap_or_else(|| panic!("no event: {text}"))
    }

    /// Events up to the first for which `last` holds, which is included.
    pub(crate) async fn events_until(
        &mut self,
        last: impl Fn(&str, &Value) -> bool,
    ) -> Vec<(String, Value)> {
        let mut events = Vec::new();
        loop {
            let (name, payload) = self.event().await;
            let done = last(&name, &payload);
            events.push((name, payload));
            if done {
                return events;
            }
        }
    }

    /// Subscribes or unsubscribes and returns what came before the ack.
    pub(crate) async fn ask(&mut self, event: &str, ids: &[&str]) -> Vec<(String, Value)> {
        let request = serde_json::json!([event, ids]);
        self.send(&format!("42/realtime,77{request}")).await;
        let word = if event.starts_with("un") {
            "unsubscribed"
        } else {
            "subscribed"
        };
        let ack = format!("43/realtime,77{}", serde_json::json!([{word: ids}]));
        let mut events = Vec::new();
        loop {
            let text = self.text().await;
            if text == ack {
                return events;
            }
            events.push(parse_event(&text).unwrap_or_else(|| panic!("no event: {text}")));
        }
    }

    /// Waits for the ack with this id, leaving out what comes before, and returns what it holds.
    pub(crate) async fn ack(&mut self, id: u32) -> Value {
        let begin = format!("43/realtime,{id}");
        loop {
            let text = self.text().await;
            if let Some(json) = text.strip_prefix(&begin) {
                return serde_json::from_str(json).unwrap();
            }
        }
    }

    /// What has come before the answer to a request sent now: everything that was sent to this
    /// client so far.
    pub(crate) async fn so_far(&mut self) -> Vec<(String, Value)> {
        self.ask("unsubscribe:converters", &["fence"]).await
    }

    /// Sends requests, each after the answer to the one before, and returns whether the connection ended.
    /// One that has been condemned may still answer what it had read.
    pub(crate) async fn ask_or_end(&mut self) -> bool {
        for id in 90..100 {
            let request = format!("42/realtime,{id}[\"subscribe:buses\",[]]");
            if !self.try_send(Message::text(request)).await {
                return true;
            }
            loop {
                match self.next().await {
                    Frame::Closed(_) => return true,
                    Frame::Text(text) if text.starts_with(&format!("43/realtime,{id}")) => break,
                    _ => {}
                }
            }
        }
        false
    }

    /// Waits for the end of the connection, leaving out what comes before, and returns it.
    pub(crate) async fn closed(&mut self) -> Frame {
        loop {
            if let end @ Frame::Closed(_) = self.next().await {
                return end;
            }
        }
    }

    /// Reads until `until`, answering pings; a frame other than a ping is returned at once.
    pub(crate) async fn quiet_until(&mut self, until: Instant) -> Option<Frame> {
        loop {
            match tokio::time::timeout_at(until, self.any()).await {
                Ok(Frame::Text(text)) if text == "2" => self.send("3").await,
                Ok(frame) => return Some(frame),
                Err(_) => return None,
            }
        }
    }
}

fn parse_event(text: &str) -> Option<(String, Value)> {
    let json = text.strip_prefix("42/realtime,")?;
    let (name, payload) = serde_json::from_str(json).ok()?;
    Some((name, payload))
}
