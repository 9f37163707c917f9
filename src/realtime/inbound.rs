//! What clients send: from the raw event to the answer.

use std::{borrow::Cow, convert::Infallible, sync::Arc};

use serde_json::value::RawValue;
use socketioxide::{
    adapter::Adapter,
    handler::{FromConnectParts, FromMessage, Value},
    socket::Socket,
};
use tracing::debug;

use crate::grid::entity::{Catalogue, EntityIndex, EntityKind};

use super::{
    client::Client,
    echo::Echo,
    messages::{self, Action, Exception, HELLO, MAX_IDS, Reply, Request, Subscribed, Unsubscribed},
    packet::Answer,
};

/// How deep a list may hide its only element and still be read as that element.
const MAX_WRAPPING: usize = 8;

/// An event as it came.
pub(super) struct Incoming {
    event: Value,
    ack: Option<i64>,
}

impl<A: Adapter> FromMessage<A> for Incoming {
    type Error = Infallible;

    fn from_message(
        _: Arc<Socket<A>>,
        event: Value,
        ack: Option<i64>,
    ) -> Result<Self, Self::Error> {
        Ok(Self { event, ack })
    }
}

/// A socket that joins its namespace.
pub(super) struct Joining<A: Adapter>(pub(super) Arc<Socket<A>>);

impl<A: Adapter> FromConnectParts<A> for Joining<A> {
    type Error = Infallible;

    fn from_connect_parts(socket: &Arc<Socket<A>>, _: &Option<Value>) -> Result<Self, Self::Error> {
        Ok(Self(socket.clone()))
    }
}

/// Serves an event of a client's stay with this number. It is done when this returns, so that requests are
/// served in the order in which they came.
pub(super) fn serve(client: &Arc<Client>, number: u64, incoming: &Incoming) {
    match read(&incoming.event, incoming.ack, &client.shared.catalogue) {
        Ok(None) => {}
        Ok(Some(Ask::Refused(exception))) => client.answer(number, Answer::Exception(exception)),
        Ok(Some(Ask::Hello(id))) => {
            let hello = client.shared.host.hello();
            client.answer(number, Answer::Ack(id, Reply::Hello(hello)));
        }
        Ok(Some(Ask::Rooms {
            action,
            entities,
            ack,
        })) => match action {
            Action::Subscribe => {
                let subscribed = |subscribed| Reply::Subscribed(Subscribed { subscribed });
                let ack = ack.map(|(id, echo)| Answer::Ack(id, subscribed(echo)));
                client.subscribe(number, &entities, ack);
            }
            Action::Unsubscribe => {
                let unsubscribed =
                    |unsubscribed| Reply::Unsubscribed(Unsubscribed { unsubscribed });
                let ack = ack.map(|(id, echo)| Answer::Ack(id, unsubscribed(echo)));
                client.unsubscribe(number, &entities, ack);
            }
        },
        Err(Malformed) => {
            debug!("an event is malformed: its client is cut off");
            client.cut_off();
        }
    }
}

/// What a client asks for.
#[derive(Debug)]
enum Ask {
    /// To join or to leave the rooms of these entities.
    Rooms {
        action: Action,
        entities: Vec<EntityIndex>,
        /// The ack's id and the payload to send back, if an ack was asked for.
        ack: Option<(i64, Echo)>,
    },
    /// Whom it talks to; the ack's id.
    Hello(i64),
    /// Something that cannot be served.
    Refused(Exception),
}

/// Why an event cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Malformed;

/// Reads an event. `None` if it is neither about entities nor [`HELLO`].
fn read(event: &Value, ack: Option<i64>, catalogue: &Catalogue) -> Result<Option<Ask>, Malformed> {
    let Value::Str(text, attachments) = event else {
        return Err(Malformed);
    };
    let parts: Vec<&RawValue> = serde_json::from_str(text.as_str()).map_err(|_| Malformed)?;
    let (name, arguments) = parts.split_first().ok_or(Malformed)?;
    let name: Cow<str> = serde_json::from_str(name.get()).map_err(|_| Malformed)?;
    if name == HELLO {
        let refused = || Ask::Refused(Exception::needs_ack(HELLO));
        return Ok(Some(ack.map_or_else(refused, Ask::Hello)));
    }
    let Some(request) = messages::request(&name) else {
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
    Ok(Some(rooms(&request, payload, echo, ack, catalogue)))
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
