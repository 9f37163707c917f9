//! A payload that goes back exactly as it was sent, attachments included.

use std::collections::VecDeque;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Value, value::RawValue};

/// A client's payload, kept to be sent back.
#[derive(Debug)]
pub struct Echo(Kind);

#[derive(Debug)]
enum Kind {
    /// The JSON text itself.
    Text(Box<RawValue>),
    /// JSON with placeholders, and the attachments they stand for.
    WithAttachments(Value, Vec<Vec<u8>>),
}

impl Echo {
    /// The payload `json`. Placeholders in it stand for `attachments`. None if it cannot be kept: it
    /// has attachments and is nested more than 127 deep.
    pub(super) fn new<B: AsRef<[u8]>>(
        json: &RawValue,
        attachments: Option<&VecDeque<B>>,
    ) -> Option<Self> {
        let Some(attachments) = attachments.filter(|all| !all.is_empty()) else {
            return Some(Self(Kind::Text(json.to_owned())));
        };
        let value = serde_json::from_str(json.get()).ok()?;
        let attachments = attachments
            .iter()
            .map(|bytes| bytes.as_ref().to_vec())
            .collect();
        Some(Self(Kind::WithAttachments(value, attachments)))
    }

    /// Whether the whole payload is one attachment.
    pub(super) fn is_attachment(&self) -> bool {
        match &self.0 {
            Kind::Text(_) => false,
            Kind::WithAttachments(value, all) => attachment(value, all).is_some(),
        }
    }
}

impl Serialize for Echo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Kind::Text(json) => json.serialize(serializer),
            Kind::WithAttachments(value, all) => Node(value, all).serialize(serializer),
        }
    }
}

/// The attachment that a placeholder stands for.
fn attachment<'a>(value: &Value, attachments: &'a [Vec<u8>]) -> Option<&'a [u8]> {
    if value.get("_placeholder")? != &Value::Bool(true) {
        return None;
    }
    let number = usize::try_from(value.get("num")?.as_u64()?).ok()?;
    attachments.get(number).map(Vec::as_slice)
}

/// A value in which placeholders serialise as the bytes they stand for. It is at most 127 deep, as
/// the parser that made it goes no further.
struct Node<'a>(&'a Value, &'a [Vec<u8>]);

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(value, all) = *self;
        match value {
            Value::Object(map) => {
                if let Some(bytes) = attachment(value, all) {
                    return serializer.serialize_bytes(bytes);
                }
                let mut object = serializer.serialize_map(Some(map.len()))?;
                for (key, value) in map {
                    object.serialize_entry(key, &Node(value, all))?;
                }
                object.end()
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(|item| Node(item, all))),
            plain => plain.serialize(serializer),
        }
    }
}
