//! A Socket.IO client over a plain websocket that subscribes to everything and comes back by itself.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tokio_tungstenite::{connect_async, tungstenite::Message};

use super::{eventually, stream::Received};

const SUBSCRIPTIONS: [&str; 3] = [
    r#"42/realtime,1["subscribe:converters",["CONV-001","CONV-002","CONV-003"]]"#,
    r#"42/realtime,2["subscribe:buses",["BUS-001","BUS-002","BUS-003","BUS-004","BUS-005"]]"#,
    r#"42/realtime,3["subscribe:res-units",["SOLAR-001","SOLAR-002","WIND-001","WIND-002"]]"#,
];
/// How long a client waits before it connects again, as the JavaScript client does at the least.
const RECONNECT: Duration = Duration::from_millis(500);

/// A client and all that it has received.
pub(crate) struct Client {
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    /// When it got its subscriptions, and when it lost the connection.
    subscribed: Vec<Instant>,
    lost: Vec<Instant>,
}

impl Client {
    /// Connects to `address`, subscribes to everything and stays.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let task = tokio::spawn(stay(address, state.clone()));
        let client = Self { state, task };
        eventually("a client is subscribed", async || {
            (!client.state.lock().unwrap().subscribed.is_empty()).then_some(())
        })
        .await;
        client
    }

    /// All that it has received so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    /// What it has received under this name so far.
    pub(crate) fn named(&self, name: &str) -> Vec<Received> {
        let mut received = self.received();
        received.retain(|one| one.name == name);
        received
    }

    /// The titles of the notifications received so far.
    pub(crate) fn titles(&self) -> Vec<String> {
        let title = |one: Received| {
            let payload: Value = serde_json::from_str(&one.payload).unwrap();
            payload["title"].as_str().unwrap().to_owned()
        };
        self.named("notification").into_iter().map(title).collect()
    }

    /// How long each interruption lasted, from the loss to the new subscriptions.
    pub(crate) fn interruptions(&self) -> Vec<Duration> {
        let state = self.state.lock().unwrap();
        let back = state.subscribed.iter().skip(1);
        state
            .lost
            .iter()
            .zip(back)
            .map(|(lost, back)| *back - *lost)
            .collect()
    }

    /// Waits until it has received `count` samples more.
    pub(crate) async fn samples(&self, count: usize) {
        let is_sample = |one: &&Received| one.entity.is_some();
        let now = self.received().iter().filter(is_sample).count();
        eventually("samples arrive", async || {
            (self.received().iter().filter(is_sample).count() >= now + count).then_some(())
        })
        .await;
    }

    /// Waits until a notification with this title has arrived `count` times.
    pub(crate) async fn title(&self, title: &str, count: usize) {
        eventually(title, async || {
            let titles = self.titles();
            (titles.iter().filter(|one| *one == title).count() >= count).then_some(())
        })
        .await;
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn stay(address: SocketAddr, state: Arc<Mutex<State>>) {
    loop {
        let subscribed = state.lock().unwrap().subscribed.len();
        let _ = serve(address, &state).await;
        {
            let mut state = state.lock().unwrap();
            if state.subscribed.len() > subscribed {
                state.lost.push(Instant::now());
            }
        }
        sleep(RECONNECT).await;
    }
}

async fn serve(
    address: SocketAddr,
    state: &Mutex<State>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    let (mut socket, _) = timeout(Duration::from_secs(2), connect_async(url)).await??;
    let mut acks = 0;
    while let Some(message) = socket.next().await {
        let Message::Text(packet) = message? else {
            continue;
        };
        let packet = packet.as_str();
        if packet.starts_with('0') {
            socket.send(Message::text("40/realtime,")).await?;
        } else if packet == "2" {
            socket.send(Message::text("3")).await?;
        } else if packet.starts_with("40/realtime,") {
            for subscription in SUBSCRIPTIONS {
                socket.send(Message::text(subscription)).await?;
            }
        } else if packet.starts_with("43/realtime,") {
            acks += 1;
            if acks == SUBSCRIPTIONS.len() {
                state.lock().unwrap().subscribed.push(Instant::now());
            }
        } else if let Some(event) = packet.strip_prefix("42/realtime,") {
            let mut state = state.lock().unwrap();
            let received = Received::read(event, state.lost.len());
            state.received.push(received);
        }
    }
    Ok(())
}
