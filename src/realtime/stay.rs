//! A client's stay in the namespace, as the crate keeps it: its rooms, and the engine's queue.

use std::sync::{Arc, Weak};

use serde::Serialize;
use socketioxide::{
    SendError, SocketError,
    adapter::Adapter,
    extract::AckSender,
    handler::{FromMessageParts, Value},
    socket::Socket,
};
use tracing::error;

use super::{
    messages::EXCEPTION,
    packet::{Frame, Plain},
};

/// What came of handing a message to the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// It is in the engine's queue.
    Done,
    /// The engine's queue is full.
    Full,
    /// The client has left.
    Gone,
}

/// A stay, whatever the adapter.
pub(super) trait Stay: Send + Sync {
    /// Hands a message to the engine.
    fn emit(&self, frame: &Frame) -> Sent;
    /// Joins rooms.
    fn join(&self, rooms: Vec<String>);
    /// Leaves rooms.
    fn leave(&self, rooms: Vec<String>);
    /// Puts the client out of the namespace.
    fn disconnect(&self);
}

impl<A: Adapter> Stay for Weak<Socket<A>> {
    fn emit(&self, frame: &Frame) -> Sent {
        let Some(socket) = self.upgrade() else {
            return Sent::Gone;
        };
        let Some(plain) = frame.plain() else {
            return Sent::Done;
        };
        let sent = match plain {
            Plain::Event(name, payload) => socket.emit(name, payload),
            Plain::Exception(exception) => socket.emit(EXCEPTION, exception),
            Plain::Ack(id, reply) => send_ack(&socket, id, reply),
        };
        match sent {
            Ok(()) => Sent::Done,
            Err(SendError::Socket(SocketError::InternalChannelFull)) => Sent::Full,
            Err(SendError::Socket(SocketError::Closed)) => Sent::Gone,
            Err(SendError::Serialize(reason)) => {
                error!(%reason, "a message cannot be written as JSON");
                Sent::Done
            }
        }
    }

    fn join(&self, rooms: Vec<String>) {
        let Some(socket) = self.upgrade() else {
            return;
        };
        socket.join(rooms);
        if !socket.connected() {
            // It left before it joined, and nothing would clean the rooms up any more.
            socket.leave_all();
        }
    }

    fn leave(&self, rooms: Vec<String>) {
        if let Some(socket) = self.upgrade() {
            for room in rooms {
                socket.leave(room);
            }
        }
    }

    fn disconnect(&self) {
        if let Some(socket) = self.upgrade() {
            let _ = socket.disconnect();
        }
    }
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
