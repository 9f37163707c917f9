//! Reads of a packet what a load test needs: whose sample it is, and of when.

use std::collections::HashMap;

/// A sample's timestamp ends its packet: so many characters of it, and so many after it.
const TIMESTAMP: usize = "2026-11-23T23:14:26.500Z".len();
const AFTER: usize = "\"}]".len();
/// The packets of samples begin so.
const EVENTS: [&str; 3] = ["bus:measurement", "converter:state", "res:generation"];
const BEGIN: &str = "42/realtime,[\"";
/// The first key of a sample ends so, whatever its kind: `busId`, `converterId`, `unitId`.
const ID: &[u8] = b"Id\":\"";

/// Turns packets into entities and times.
#[derive(Debug)]
pub(crate) struct Reader {
    entities: HashMap<Vec<u8>, usize>,
}

impl Reader {
    /// One that knows entities by these ids.
    pub(crate) fn new<'a>(ids: impl Iterator<Item = &'a str>) -> Self {
        let entities = ids.enumerate().map(|(at, id)| (id.as_bytes().to_vec(), at));
        Self {
            entities: entities.collect(),
        }
    }

    /// Whose sample a packet is, and its time in milliseconds since the Unix epoch. `last` keeps the last
    /// time read, as the samples of a tick have one.
    pub(crate) fn read(&self, packet: &[u8], last: &mut LastTime) -> Option<(usize, i64)> {
        let rest = packet.strip_prefix(BEGIN.as_bytes())?;
        EVENTS
            .iter()
            .find(|event| rest.starts_with(event.as_bytes()))?;
        let id = rest.windows(ID.len()).position(|window| window == ID)? + ID.len();
        let id = &rest[id..];
        let id = &id[..id.iter().position(|byte| *byte == b'"')?];
        let end = packet.len().checked_sub(AFTER)?;
        let time = packet.get(end.checked_sub(TIMESTAMP)?..end)?;
        Some((*self.entities.get(id)?, last.read(time)?))
    }
}

/// The last timestamp read, as text and as a number.
#[derive(Debug, Default)]
pub(crate) struct LastTime {
    text: [u8; TIMESTAMP],
    unix_ms: i64,
}

impl LastTime {
    fn read(&mut self, text: &[u8]) -> Option<i64> {
        if self.text != text {
            let time = chrono::DateTime::parse_from_rfc3339(std::str::from_utf8(text).ok()?);
            self.unix_ms = time.ok()?.timestamp_millis();
            self.text.copy_from_slice(text);
        }
        Some(self.unix_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_read() {
        let reader = Reader::new(["BUS-001", "CONV-002"].into_iter());
        let packet = br#"42/realtime,["converter:state",{"converterId":"CONV-002","state":{},"timestamp":"1970-01-01T00:00:01.500Z"}]"#;
        let mut last = LastTime::default();
        assert_eq!(reader.read(packet, &mut last), Some((1, 1500)));
        assert_eq!(
            reader.read(b"42/realtime,[\"notification\",{}]", &mut last),
            None
        );
        assert_eq!(reader.read(b"2", &mut last), None);
    }
}
