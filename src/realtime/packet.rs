//! Events and answers as they go over the wire: encoded once, whoever gets them.

use std::{
    ops::Range,
    sync::{Arc, LazyLock},
};

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use socketioxide_core::{
    Value,
    packet::Packet,
    parser::{Parse, ParserError},
};
use socketioxide_parser_common::CommonParser;
use tracing::error;

use crate::{
    grid::{
        entity::EntityIndex,
        event::{Audience, Outgoing},
        time::Tick,
    },
    net::frames::{binary_header, text_header},
};

use super::{
    messages::{EXCEPTION, Exception, Reply},
    names::NAMESPACE,
};

/// What ends an event's packet.
const END: &[u8] = b"]";

/// A message to a client.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// As it goes over a websocket: whole frames, ready to be written.
    pub(super) wire: Bytes,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    /// An event, and where in the frame its payload stands.
    Event(&'static str, Range<usize>),
    /// An answer.
    Answer(Arc<Answer>),
}

/// What one client gets because it asked.
#[derive(Debug)]
pub(super) enum Answer {
    /// The ack of its request with this id.
    Ack(i64, Reply),
    /// What is wrong with its request.
    Exception(Exception),
}

/// What a frame says, for the engine to write it in its own way.
pub(super) enum Plain<'a> {
    Event(&'static str, &'a RawValue),
    Exception(&'a Exception),
    Ack(i64, &'a Reply),
}

impl Frame {
    /// An event by itself. `None` if the payload cannot be written as JSON, which is logged.
    pub(super) fn event<T: Serialize>(name: &'static str, payload: &T) -> Option<Self> {
        let mut encoder = Encoder::default();
        let place = encoder.add(name, payload)?;
        Some(place.frame(&Bytes::from(encoder.wire)))
    }

    /// An answer, attachments included. `None` if it cannot be written as JSON, which is logged.
    pub(super) fn answer(answer: Answer) -> Option<Self> {
        match encode(&answer) {
            Ok(wire) => Some(Self {
                wire,
                content: Content::Answer(Arc::new(answer)),
            }),
            Err(error) => {
                error!(%error, "an answer cannot be written as JSON");
                None
            }
        }
    }

    /// The text of its first frame: what the engine would write for the same message.
    pub(super) fn text(&self) -> Bytes {
        let (header, length) = header_of(&self.wire);
        self.wire.slice(header..header + length)
    }

    /// Its event's name; none if it is an ack.
    pub(super) fn name(&self) -> Option<&'static str> {
        match &self.content {
            Content::Event(name, _) => Some(name),
            Content::Answer(_) => None,
        }
    }

    /// What it says.
    pub(super) fn plain(&self) -> Option<Plain<'_>> {
        Some(match &self.content {
            Content::Event(name, payload) => {
                let payload = serde_json::from_slice(self.wire.get(payload.clone())?).ok()?;
                Plain::Event(name, payload)
            }
            Content::Answer(answer) => match answer.as_ref() {
                Answer::Ack(id, reply) => Plain::Ack(*id, reply),
                Answer::Exception(exception) => Plain::Exception(exception),
            },
        })
    }
}

/// Where an event stands among those that were encoded together.
struct Place {
    name: &'static str,
    frame: Range<usize>,
    payload: Range<usize>,
}

impl Place {
    fn frame(self, wire: &Bytes) -> Frame {
        let begin = self.frame.start;
        Frame {
            wire: wire.slice(self.frame),
            content: Content::Event(
                self.name,
                self.payload.start - begin..self.payload.end - begin,
            ),
        }
    }
}

/// Writes events one behind the other.
#[derive(Default)]
struct Encoder {
    wire: Vec<u8>,
    packet: Vec<u8>,
}

impl Encoder {
    fn add<T: Serialize + ?Sized>(&mut self, name: &'static str, payload: &T) -> Option<Place> {
        static BEGIN: LazyLock<String> = LazyLock::new(|| format!("42{NAMESPACE},[\""));
        self.packet.clear();
        for part in [BEGIN.as_str(), name, "\","] {
            self.packet.extend_from_slice(part.as_bytes());
        }
        let begin = self.packet.len();
        if let Err(error) = serde_json::to_writer(&mut self.packet, payload) {
            error!(%error, name, "an event cannot be written as JSON");
            return None;
        }
        let end = self.packet.len();
        self.packet.extend_from_slice(END);
        let (header, length) = text_header(self.packet.len());
        let at = self.wire.len();
        self.wire.extend_from_slice(&header[..length]);
        self.wire.extend_from_slice(&self.packet);
        let text = at + length;
        Some(Place {
            name,
            frame: at..self.wire.len(),
            payload: text + begin..text + end,
        })
    }
}

/// An encoded event with those who get it.
#[derive(Debug, Clone)]
pub(super) struct Addressed {
    pub(super) audience: Audience,
    /// The entity that was measured, if it is a sample.
    pub(super) sampled: Option<EntityIndex>,
    pub(super) tick: Tick,
    pub(super) frame: Frame,
}

/// Events that were encoded together, once for all clients.
#[derive(Debug, Default)]
pub struct Encoded {
    /// All of them, one behind the other.
    pub(super) wire: Bytes,
    pub(super) events: Vec<Addressed>,
}

impl Encoded {
    /// Encodes events, each with its tick. One that cannot be written as JSON is left out and logged.
    pub fn new<'a>(events: impl Iterator<Item = (Tick, &'a Outgoing)>) -> Self {
        let mut encoder = Encoder::default();
        let places: Vec<_> = events
            .filter_map(|(tick, outgoing)| {
                let event = outgoing.event.as_ref();
                Some((tick, outgoing, encoder.add(event.name(), event)?))
            })
            .collect();
        let wire = Bytes::from(encoder.wire);
        let events = places.into_iter().map(|(tick, outgoing, place)| Addressed {
            audience: outgoing.audience,
            sampled: outgoing.sampled(),
            tick,
            frame: place.frame(&wire),
        });
        Self {
            events: events.collect(),
            wire,
        }
    }
}

impl Encoded {
    /// All of them as they go over a websocket, one frame behind the other.
    #[must_use]
    pub fn wire(&self) -> &Bytes {
        &self.wire
    }
}

/// The length of the header of the first frame in `wire`, and of its payload.
fn header_of(wire: &[u8]) -> (usize, usize) {
    let number = |bytes: Option<&[u8]>| {
        let bytes = bytes.unwrap_or_default();
        bytes
            .iter()
            .fold(0, |number, byte| number << 8 | usize::from(*byte))
    };
    match wire.get(1) {
        Some(126) => (4, number(wire.get(2..4))),
        Some(127) => (10, number(wire.get(2..10))),
        short => (2, short.map_or(0, |length| usize::from(*length))),
    }
}

/// The frames of an answer, as the engine would write them.
fn encode(answer: &Answer) -> Result<Bytes, ParserError> {
    let parser = CommonParser;
    let packet = match answer {
        Answer::Ack(id, reply) => Packet::ack(NAMESPACE, parser.encode_value(reply, None)?, *id),
        Answer::Exception(exception) => {
            let payload = parser.encode_value(exception, Some(EXCEPTION))?;
            Packet::event(NAMESPACE, payload)
        }
    };
    let (text, attachments) = match parser.encode(packet) {
        Value::Str(text, attachments) => (text, attachments.unwrap_or_default()),
        // The common parser writes text.
        Value::Bytes(_) => return Ok(Bytes::new()),
    };
    let mut wire = Vec::with_capacity(text.len() + 16);
    // Engine.IO's type of a message goes ahead of Socket.IO's packet.
    let (header, length) = text_header(text.len() + 1);
    wire.extend_from_slice(&header[..length]);
    wire.push(b'4');
    wire.extend_from_slice(text.as_bytes());
    for attachment in attachments {
        let (header, length) = binary_header(attachment.len());
        wire.extend_from_slice(&header[..length]);
        wire.extend_from_slice(&attachment);
    }
    Ok(wire.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grid::{
        event::{Event, Notification},
        time::Timestamp,
    };

    #[test]
    fn an_event_is_what_the_engine_would_write() {
        for payload in [json!({"v": 1.05, "text": "ü\n"}), json!("x".repeat(70_000))] {
            let frame = Frame::event("bus:measurement", &payload).unwrap();
            let value = CommonParser.encode_value(&payload, Some("bus:measurement"));
            let Value::Str(text, None) =
                CommonParser.encode(Packet::event(NAMESPACE, value.unwrap()))
            else {
                panic!("not a text");
            };
            assert_eq!(frame.text(), format!("4{text}"));
            let Some(Plain::Event("bus:measurement", json)) = frame.plain() else {
                panic!("not an event");
            };
            assert_eq!(json.get(), payload.to_string());
        }
    }

    #[test]
    fn events_that_are_encoded_together_stand_one_behind_the_other() {
        let time = Timestamp::from_unix_ms(0);
        let events = [
            Notification::simulation_started(time),
            Notification::simulation_stopped(time),
        ];
        let events = events.map(|one| Outgoing::to_everyone(Event::Notification(one)));
        let encoded = Encoded::new(events.iter().map(|event| (Tick(3), event)));
        let frames: Vec<_> = encoded
            .events
            .iter()
            .map(|one| &one.frame.wire[..])
            .collect();
        assert_eq!(frames.concat(), encoded.wire);
        for (addressed, event) in encoded.events.iter().zip(&events) {
            let alone = Frame::event("notification", &event.event).unwrap();
            assert_eq!(addressed.frame.wire, alone.wire);
        }
    }
}
