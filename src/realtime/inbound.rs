//! What clients send: from the raw event to what it asks for.

use std::{borrow::Cow, convert::Infallible, sync::Arc};

use serde_json::value::RawValue;
use socketioxide::{
    adapter::Adapter,
    handler::{FromConnectParts, FromMessage, Value},
    socket::Socket,
};

use crate::grid::entity::{Catalogue, EntityIndex, EntityKind};

use super::{
    echo::Echo,
    messages::{Action, Exception, MAX_IDS, REQUESTS, Request},
};

/// How deep a list may hide its only element and still be read as that element.
const MAX_WRAPPING: usize = 8;

/// An event as it came, with the socket it came from.
pub(super) struct Incoming<A: Adapter> {
    pub(super) socket: Arc<Socket<A>>,
    pub(super) event: Value,
    pub(super) ack: Option<i64>,
}

impl<A: Adapter> FromMessage<A> for Incoming<A> {
    type Error = Infallible;

    fn from_message(
        socket: Arc<Socket<A>>,
        event: Value,
        ack: Option<i64>,
    ) -> Result<Self, Self::Error> {
        Ok(Self { socket, event, ack })
    }
}

/// A socket that has joined its namespace.
pub(super) struct Joined<A: Adapter>(pub(super) Arc<Socket<A>>);

impl<A: Adapter> FromConnectParts<A> for Joined<A> {
    type Error = Infallible;

    fn from_connect_parts(socket: &Arc<Socket<A>>, _: &Option<Value>) -> Result<Self, Self::Error> {
        Ok(Self(socket.clone()))
    }
}

/// What a client asks for.
#[derive(Debug)]
pub(super) enum Ask {
    /// To join or to leave the rooms of these entities.
    Rooms {
        action: Action,
        entities: Vec<EntityIndex>,
        /// The ack's id and the payload to send back, if an ack was asked for.
        ack: Option<(i64, Echo)>,
    },
    /// Something that cannot be served.
    Refused(Exception),
}

/// Why an event cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// Reads an event. `None` if it is none of [`REQUESTS`].
pub(super) fn read(
    event: &Value,
    ack: Option<i64>,
    catalogue: &Catalogue,
) -> Result<Option<Ask>, Malformed> {
    let Value::Str(text, attachments) = event else {
        return Err(Malformed);
    };
    let parts: Vec<&RawValue> = serde_json::from_str(text.as_str()).map_err(|_| Malformed)?;
    let (name, arguments) = parts.split_first().ok_or(Malformed)?;
    let name: Cow<str> = serde_json::from_str(name.get()).map_err(|_| Malformed)?;
    let Some(request) = REQUESTS.iter().find(|request| request.name == name) else {
        return Ok(None);
    };
    let list;
    let payload = match arguments {
        [] => {
            return Ok(Some(Ask::Refused(Exception::bad_payload(
                request.name,
                None,
            ))));
        }
        [one] => *one,
        // The original service takes several arguments for the list itself.
        several => {
            let items: Vec<_> = several.iter().map(|argument| argument.get()).collect();
            list =
                RawValue::from_string(format!("[{}]", items.join(","))).map_err(|_| Malformed)?;
            &*list
        }
    };
    let echo = Echo::new(payload, attachments.as_ref()).ok_or(Malformed)?;
    Ok(Some(rooms(request, payload, echo, ack, catalogue)))
}

fn rooms(
    request: &Request,
    payload: &RawValue,
    echo: Echo,
    ack: Option<i64>,
    catalogue: &Catalogue,
) -> Ask {
    let ids: Vec<&RawValue> = if echo.is_attachment() {
        Vec::new()
    } else if let Some(ids) = elements(payload) {
        ids
    } else {
        return Ask::Refused(Exception::bad_payload(request.name, Some(echo)));
    };
    if ids.len() > MAX_IDS {
        return Ask::Refused(Exception::too_many_ids(request.name, ids.len()));
    }
    let mut entities: Vec<_> = ids
        .into_iter()
        .filter_map(|id| find(id, request.kind, catalogue))
        .collect();
    entities.sort_unstable();
    entities.dedup();
    Ask::Rooms {
        action: request.action,
        entities,
        ack: ack.map(|id| (id, echo)),
    }
}

fn elements(json: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(json.get()).ok()
}

/// The entity that an element of the list names. The original service puts the element into the
/// room's name as JavaScript turns it into text, so a list of one id counts as that id.
fn find(mut element: &RawValue, kind: EntityKind, catalogue: &Catalogue) -> Option<EntityIndex> {
    for _ in 0..MAX_WRAPPING {
        if let Ok(id) = serde_json::from_str::<Cow<str>>(element.get()) {
            let at = catalogue.find(&id)?;
            return (catalogue.all()[at].kind == kind).then_some(at);
        }
        match elements(element)?.as_slice() {
            [only] => element = only,
            _ => return None,
        }
    }
    None
}

impl Ask {
    /// Roughly how much memory it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        const OVERHEAD: usize = 64;
        let echo = match self {
            Self::Rooms { ack, .. } => ack.as_ref().map(|(_, echo)| echo),
            Self::Refused(exception) => exception.cause.data.as_ref(),
        };
        OVERHEAD + echo.map_or(0, Echo::bytes)
    }
}
