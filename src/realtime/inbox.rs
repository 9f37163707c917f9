//! The requests of one client in one namespace, served one after the other in the order sent.
//!
//! The crate hands each event to a task of its own, in any order. Here the event is read and queued
//! in place, while the connection's reader waits, and one task at a time serves the queue.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use socketioxide::{adapter::Adapter, socket::Socket};
use tracing::{debug, warn};

use super::{
    client::Client,
    inbound::{self, Ask, Incoming},
    joining::{Joining, drop_after_poll},
    session::lock,
    subscription,
};

/// How many requests may wait, and how much memory their payloads may take in bytes. A client that
/// sends faster than it is served for that long is cut off.
const MAX_WAITING: usize = 20_000;
const MAX_WAITING_BYTES: usize = 8_000_000;

/// The requests of one client that wait to be served.
pub(super) struct Inbox {
    client: Client,
    joining: Mutex<Option<Joining>>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Ask>,
    bytes: usize,
    state: State,
}

#[derive(Default, PartialEq, Eq)]
enum State {
    /// The client does not have its CONNECT packet yet.
    #[default]
    Closed,
    /// Nothing to do.
    Idle,
    /// A task serves the queue.
    Served,
    /// The client is being cut off.
    Ended,
}

impl Inbox {
    /// That of a client that is joining.
    pub(super) fn new(client: Client, joining: Joining) -> Self {
        Self {
            client,
            joining: Mutex::new(Some(joining)),
            queue: Mutex::default(),
        }
    }

    /// Takes an event in.
    pub(super) fn receive<A: Adapter>(self: &Arc<Self>, incoming: Incoming<A>) {
        let Incoming { socket, event, ack } = incoming;
        match inbound::read(&event, ack, &self.client.shared.catalogue) {
            Ok(None) => {}
            Ok(Some(ask)) => self.push(ask, socket),
            Err(inbound::Malformed) => {
                debug!(socket.id = %socket.id, "an event is malformed: the client is cut off");
                self.end(socket);
            }
        }
    }

    /// The client can be sent events from now on. It has joined as soon as the task that says so comes
    /// to its end.
    pub(super) fn open<A: Adapter>(self: &Arc<Self>, socket: Arc<Socket<A>>) {
        drop_after_poll(lock(&self.joining).take());
        let mut queue = lock(&self.queue);
        if queue.state == State::Closed {
            queue.state = State::Served;
            tokio::spawn(serve(self.clone(), socket));
        }
    }

    fn push<A: Adapter>(self: &Arc<Self>, ask: Ask, socket: Arc<Socket<A>>) {
        let mut queue = lock(&self.queue);
        if queue.state == State::Ended {
            return;
        }
        queue.bytes += ask.bytes();
        queue.waiting.push_back(ask);
        if queue.waiting.len() > MAX_WAITING || queue.bytes > MAX_WAITING_BYTES {
            drop(queue);
            warn!(socket.id = %socket.id, "a client floods the server with requests: it is cut off");
            self.end(socket);
        } else if queue.state == State::Idle {
            queue.state = State::Served;
            tokio::spawn(serve(self.clone(), socket));
        }
    }

    /// Cuts the client off. A websocket's connection ends; a polling client is put out of the
    /// namespace.
    fn end<A: Adapter>(&self, socket: Arc<Socket<A>>) {
        let mut queue = lock(&self.queue);
        *queue = Queue {
            state: State::Ended,
            ..Queue::default()
        };
        drop(queue);
        let _ = socket.disconnect();
        self.client.session.shut_down();
    }

    fn next(&self) -> Option<Ask> {
        let mut queue = lock(&self.queue);
        let next = queue.waiting.pop_front();
        match &next {
            Some(ask) => queue.bytes = queue.bytes.saturating_sub(ask.bytes()),
            None if queue.state == State::Served => queue.state = State::Idle,
            None => {}
        }
        next
    }
}

async fn serve<A: Adapter>(inbox: Arc<Inbox>, socket: Arc<Socket<A>>) {
    while let Some(ask) = inbox.next() {
        subscription::serve(&inbox.client, &socket, ask).await;
    }
}
