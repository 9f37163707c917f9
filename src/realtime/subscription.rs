//! Serves one request: rooms, ack and snapshot, against the publisher.
//!
//! While a request is served the publisher stands still (it holds [`State::published`] for writing
//! when it emits), so the newest samples and the rooms are in step: the snapshot is sent after the
//! ack, before any later sample, and never repeats or goes back.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use socketioxide::{
    SendError, SocketError,
    adapter::Adapter,
    extract::AckSender,
    handler::{FromMessageParts, Value},
    socket::Socket,
};

use tracing::error;

use crate::grid::{entity::EntityIndex, time::Tick};

use super::{
    client::Client,
    inbound::Ask,
    messages::{Action, Subscribed, Unsubscribed},
    publisher::Published,
    session::lock,
};

/// How long to leave a client alone whose queue is full before the next try.
const FULL_QUEUE_PAUSE: Duration = Duration::from_millis(10);

/// Serves `ask` and returns when the client's queue has taken all of it, or the client has left.
pub(super) async fn serve<A: Adapter>(client: &Client, socket: &Arc<Socket<A>>, ask: Ask) {
    let _turn = client.session.serving.lock().await;
    // Rooms go by the session's id: what a client asked for before it left must not touch those it
    // has joined since.
    if !socket.connected() {
        return;
    }
    match ask {
        Ask::Refused(exception) => {
            retry(socket, || socket.emit("exception", &exception)).await;
        }
        Ask::Rooms {
            action: Action::Subscribe,
            entities,
            ack,
        } => {
            let ack = ack.map(|(id, subscribed)| (id, Subscribed { subscribed }));
            subscribe(client, socket, entities, ack).await;
        }
        Ask::Rooms {
            action: Action::Unsubscribe,
            entities,
            ack,
        } => {
            unsubscribe(client, socket, &entities).await;
            if let Some((id, unsubscribed)) = ack {
                let ack = Unsubscribed { unsubscribed };
                retry(socket, || send_ack(socket, id, &ack)).await;
            }
        }
    }
}

async fn subscribe<A: Adapter>(
    client: &Client,
    socket: &Arc<Socket<A>>,
    entities: Vec<EntityIndex>,
    ack: Option<(i64, Subscribed)>,
) {
    let mut snapshot = loop {
        let published = client.shared.published.read().await;
        if !socket.connected() {
            return;
        }
        let sent = ack
            .as_ref()
            .map_or(Ok(()), |(id, ack)| send_ack(socket, *id, ack));
        match outcome(sent) {
            Outcome::Done => break join(client, socket, entities, &published),
            Outcome::Gone => return,
            Outcome::Full => {
                drop(published);
                tokio::time::sleep(FULL_QUEUE_PAUSE).await;
            }
        }
    };
    while !snapshot.is_empty() {
        let published = client.shared.published.read().await;
        while let Some((entity, tick)) = snapshot.pop() {
            // A newer sample has been emitted to the room while the queue was full.
            let Some((newest, event)) = published.newest(entity).filter(|(at, _)| *at == tick)
            else {
                continue;
            };
            match outcome(socket.emit(event.name(), event.as_ref())) {
                Outcome::Done => {}
                Outcome::Gone => return,
                Outcome::Full => {
                    snapshot.push((entity, newest));
                    break;
                }
            }
        }
        drop(published);
        if !snapshot.is_empty() {
            tokio::time::sleep(FULL_QUEUE_PAUSE).await;
        }
    }
}

/// Joins the rooms and returns what is to be sent of the newest samples, last first.
fn join<A: Adapter>(
    client: &Client,
    socket: &Socket<A>,
    entities: Vec<EntityIndex>,
    published: &Published,
) -> Vec<(EntityIndex, Tick)> {
    let mut subscribed = lock(&client.subscribed);
    let fresh: Vec<_> = entities
        .into_iter()
        .filter(|entity| subscribed.insert(*entity))
        .collect();
    socket.join(rooms(client, &fresh));
    if !socket.connected() {
        // It left between our look and our join, and nothing would clean the rooms up any more.
        socket.leave_all();
        return Vec::new();
    }
    let unseen = |entity: EntityIndex| {
        let (tick, _) = published.newest(entity)?;
        (client.session.last_seen(entity) < Some(tick)).then_some((entity, tick))
    };
    fresh.into_iter().rev().filter_map(unseen).collect()
}

async fn unsubscribe<A: Adapter>(client: &Client, socket: &Socket<A>, entities: &[EntityIndex]) {
    let published = client.shared.published.read().await;
    let mut subscribed = lock(&client.subscribed);
    for entity in entities
        .iter()
        .copied()
        .filter(|entity| subscribed.remove(entity))
    {
        if let Some((tick, _)) = published.newest(entity) {
            client.session.has_seen(entity, tick);
        }
        for room in rooms(client, &[entity]) {
            socket.leave(room);
        }
    }
}

fn rooms(client: &Client, entities: &[EntityIndex]) -> Vec<String> {
    let all = client.shared.catalogue.all();
    entities
        .iter()
        .filter_map(|entity| all.get(*entity)?.room.clone())
        .collect()
}

fn send_ack<A: Adapter, T: Serialize>(
    socket: &Arc<Socket<A>>,
    id: i64,
    ack: &T,
) -> Result<(), SendError> {
    // An `AckSender` is used up by a try; this is the only public way to a second one.
    let Ok(sender) =
        AckSender::from_message_parts(socket, &mut Value::Bytes([].as_slice().into()), &Some(id));
    sender.send(ack)
}

enum Outcome {
    Done,
    Full,
    Gone,
}

fn outcome(sent: Result<(), SendError>) -> Outcome {
    match sent {
        Ok(()) => Outcome::Done,
        Err(SendError::Socket(SocketError::InternalChannelFull)) => Outcome::Full,
        Err(SendError::Socket(SocketError::Closed)) => Outcome::Gone,
        Err(SendError::Serialize(reason)) => {
            error!(%reason, "an answer cannot be written as JSON");
            Outcome::Gone
        }
    }
}

/// Sends until the client's queue has room, or the client has left.
async fn retry<A: Adapter>(socket: &Socket<A>, send: impl Fn() -> Result<(), SendError>) {
    while socket.connected() && matches!(outcome(send()), Outcome::Full) {
        tokio::time::sleep(FULL_QUEUE_PAUSE).await;
    }
}
