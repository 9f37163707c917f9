//! What a client and the server say to each other besides the streams.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;
use utoipa::ToSchema;

use crate::grid::{entity::EntityKind, event::LossReason, stream::STREAMS, time::Timestamp};

pub use crate::grid::emitted::names::{DROPPED, EXCEPTION};

use super::echo::Echo;

/// How many ids one subscribe or unsubscribe may name.
pub const MAX_IDS: usize = 10_000;

/// What a client can ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// The event's name.
    pub name: &'static str,
    /// The kind of entity it is about.
    pub kind: EntityKind,
    /// Whether to join or to leave the rooms.
    pub action: Action,
}

/// Whether to join or to leave rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Join.
    Subscribe,
    /// Leave.
    Unsubscribe,
}

/// What a client asks with the event `name`; none where it is no request about entities.
#[must_use]
pub fn request(name: &str) -> Option<Request> {
    STREAMS.into_iter().find_map(|stream| {
        let (name, action) = match name {
            name if name == stream.subscribe => (stream.subscribe, Action::Subscribe),
            name if name == stream.unsubscribe => (stream.unsubscribe, Action::Unsubscribe),
            _ => return None,
        };
        Some(Request {
            name,
            kind: stream.kind,
            action,
        })
    })
}

/// The request that tells whom a client talks to.
pub const HELLO: &str = "gridcast:hello";

/// What an ack holds.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Reply {
    /// To `subscribe:*`.
    Subscribed(Subscribed),
    /// To `unsubscribe:*`.
    Unsubscribed(Unsubscribed),
    /// To [`HELLO`].
    Hello(Hello),
}

/// Ack of `gridcast:hello`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Hello {
    /// The instance that answers, by the name it has in `/cluster`.
    #[schema(value_type = String, example = "5f3a9c01")]
    pub instance: Arc<str>,
    /// Its version.
    #[schema(example = "0.3.0")]
    pub version: &'static str,
    /// The server's time when it answers.
    pub timestamp: Timestamp,
}

/// Payload of `gridcast:dropped`, to a client that has lost samples; at most one a second.
#[derive(Debug, Serialize, ToSchema)]
pub struct Dropped {
    /// How many samples, by reason: `slow`, `limit` or `gap`.
    #[schema(value_type = std::collections::HashMap<String, u64>, example = json!({"slow": 26}))]
    pub counts: BTreeMap<LossReason, u64>,
    /// When the first of them was lost.
    pub since: Timestamp,
    /// When this was told.
    pub timestamp: Timestamp,
}

/// Ack of `subscribe:*`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Subscribed {
    /// The payload exactly as sent.
    #[schema(value_type = Vec<serde_json::Value>, example = json!(["CONV-001", "CONV-002"]))]
    pub subscribed: Echo,
}

/// Ack of `unsubscribe:*`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Unsubscribed {
    /// The payload exactly as sent.
    #[schema(value_type = Vec<serde_json::Value>, example = json!(["CONV-001"]))]
    pub unsubscribed: Echo,
}

/// Payload of `exception`, to the sender of a request that cannot be served.
#[derive(Debug, Serialize, ToSchema)]
pub struct Exception {
    /// Always `error`.
    #[schema(example = "error")]
    pub status: &'static str,
    /// What is wrong.
    #[schema(example = "Internal server error")]
    pub message: String,
    /// The request.
    pub cause: Cause,
}

/// The request that an exception is about.
#[derive(Debug, Serialize, ToSchema)]
pub struct Cause {
    /// The request's event name.
    #[schema(example = "subscribe:converters")]
    pub pattern: &'static str,
    /// The payload exactly as sent; absent if there was none or far too much.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>, example = "CONV-001")]
    pub data: Option<Echo>,
}

impl Exception {
    /// The payload is not a list of ids. The text is the original service's.
    pub(super) fn bad_payload(pattern: &'static str, data: Option<Echo>) -> Self {
        Self {
            status: "error",
            message: "Internal server error".into(),
            cause: Cause { pattern, data },
        }
    }

    /// The request can only be answered by an ack, and none was asked for.
    pub(super) fn needs_ack(pattern: &'static str) -> Self {
        Self {
            status: "error",
            message: format!("{pattern} is answered by an ack: send it with a callback"),
            cause: Cause {
                pattern,
                data: None,
            },
        }
    }

    /// The payload names more ids than allowed.
    pub(super) fn too_many_ids(pattern: &'static str, count: usize) -> Self {
        Self {
            status: "error",
            message: format!(
                "{count} ids in one {pattern}: at most {MAX_IDS} are allowed, send several"
            ),
            cause: Cause {
                pattern,
                data: None,
            },
        }
    }
}
