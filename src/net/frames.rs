//! Follows the frames of a websocket as a server writes them (RFC 6455, section 5.2), to know where
//! another writer may put frames of its own in between.
//!
//! Three things keep others out: a frame that is not whole yet, a message of several frames that lacks
//! its last one, and a Socket.IO message whose binary attachments are still to come, for clients take
//! the next frames for these attachments.

use bytes::Bytes;

/// The bytes that end the head of an HTTP response.
const END_OF_HEAD: &[u8; 4] = b"\r\n\r\n";
/// As many bytes of a text message are looked at: `4`, `5` or `6`, a count and `-` fit in.
const BEGINNING: usize = 14;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;

/// The text message to look out for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marker {
    /// One that begins with this.
    Prefix(&'static [u8]),
    /// Exactly this.
    Whole(Bytes),
}

impl Marker {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Prefix(bytes) => bytes,
            Self::Whole(bytes) => bytes,
        }
    }
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The rest of the response that switches protocols; so many bytes of its end have been seen.
    Head(usize),
    /// A frame's header, of which so many bytes have been seen.
    Header(usize),
    /// So many bytes of a frame's payload.
    Payload(u64),
    /// Nothing: the websocket is closing, or what was written is no frame of a server.
    Ended,
}

/// Where a server's writing stands.
#[derive(Debug)]
pub struct Follower {
    part: Part,
    header: [u8; 10],
    /// The kind of the message that is being written, between its first frame and its last.
    message: Option<u8>,
    /// Whether the frame that is being written is the last of its message.
    last: bool,
    /// The beginning of the text message that is being written.
    beginning: [u8; BEGINNING],
    /// How many bytes of the text message have been seen.
    text: u64,
    /// Binary messages that belong to the last text message and are still to come.
    attachments: u32,
    marker: Option<Marker>,
    /// How often the marker is to pass.
    times: u32,
    /// Whether the text message that is being written may still turn out to be the marker.
    matching: bool,
}

impl Follower {
    /// Follows a connection whose next bytes are the response that switches it to a websocket.
    #[must_use]
    pub fn new() -> Self {
        Self {
            part: Part::Head(0),
            header: [0; 10],
            message: None,
            last: true,
            beginning: [0; BEGINNING],
            text: 0,
            attachments: 0,
            marker: None,
            times: 0,
            matching: false,
        }
    }

    /// Looks out for a text message that is written from now on, instead of any before. Where that is the
    /// one that has not passed yet, it is to pass once more.
    pub fn look_out(&mut self, marker: Marker) {
        if self.marker.as_ref() == Some(&marker) {
            self.times += 1;
        } else {
            self.marker = Some(marker);
            self.times = 1;
            self.matching = false;
        }
    }

    /// Whether whole messages of another writer may go out now.
    #[must_use]
    pub fn at_boundary(&self) -> bool {
        self.part == Part::Header(0) && self.message.is_none() && self.attachments == 0
    }

    /// Whether nothing may go out any more.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.part == Part::Ended
    }

    /// Follows bytes that have been written. True if the message that was looked for is among them, whole.
    pub fn advance(&mut self, mut bytes: &[u8]) -> bool {
        let mut found = false;
        while !bytes.is_empty() {
            let taken = match self.part {
                Part::Head(seen) => self.head(seen, bytes),
                Part::Header(seen) => self.header(seen, bytes, &mut found),
                Part::Payload(left) => self.payload(left, bytes, &mut found),
                Part::Ended => bytes.len(),
            };
            bytes = &bytes[taken..];
        }
        found
    }

    /// Follows the head of the response. Returns how many bytes belong to it.
    fn head(&mut self, mut seen: usize, bytes: &[u8]) -> usize {
        for (at, byte) in bytes.iter().enumerate() {
            seen = match *byte {
                byte if byte == END_OF_HEAD[seen] => seen + 1,
                b'\r' => 1,
                _ => 0,
            };
            if seen == END_OF_HEAD.len() {
                self.part = Part::Header(0);
                return at + 1;
            }
        }
        self.part = Part::Head(seen);
        bytes.len()
    }

    /// Follows a frame's header. Returns how many bytes belong to it.
    fn header(&mut self, seen: usize, bytes: &[u8], found: &mut bool) -> usize {
        // Its second byte tells how long it is.
        let wanted = if seen < 2 { 2 } else { self.header_len() };
        let taken = (wanted - seen).min(bytes.len());
        self.header[seen..seen + taken].copy_from_slice(&bytes[..taken]);
        let seen = seen + taken;
        self.part = Part::Header(seen);
        if seen >= 2 && seen == self.header_len() {
            self.begin_payload(found);
        }
        taken
    }

    fn header_len(&self) -> usize {
        match self.header[1] & 0x7f {
            126 => 4,
            127 => 10,
            _ => 2,
        }
    }

    fn begin_payload(&mut self, found: &mut bool) {
        let [first, second, ..] = self.header;
        let opcode = first & 0x0f;
        if second & 0x80 != 0 || opcode == CLOSE {
            self.part = Part::Ended;
            return;
        }
        let mut extended = [0; 8];
        let length = match self.header_len() {
            2 => u64::from(second & 0x7f),
            header_len => {
                let given = &self.header[2..header_len];
                extended[8 - given.len()..].copy_from_slice(given);
                u64::from_be_bytes(extended)
            }
        };
        // Control frames may come between the frames of a message, and are none of it.
        if opcode < CLOSE {
            self.last = first & 0x80 != 0;
            if opcode != CONTINUATION {
                self.message = Some(opcode);
                self.text = 0;
                self.matching = opcode == TEXT && self.marker.is_some();
            }
        }
        self.part = Part::Payload(length);
        if length == 0 {
            self.end_frame(found);
        }
    }

    /// Follows a frame's payload, of which `left` bytes are to come. Returns how many of `bytes` belong to
    /// it.
    fn payload(&mut self, left: u64, bytes: &[u8], found: &mut bool) -> usize {
        let taken = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        if self.is_text() {
            self.read(&bytes[..taken]);
        }
        let left = left - taken as u64;
        self.part = Part::Payload(left);
        if left == 0 {
            self.end_frame(found);
        }
        taken
    }

    fn is_text(&self) -> bool {
        self.message == Some(TEXT) && self.header[0] & 0x0f < CLOSE
    }

    /// Looks at a part of a text message.
    fn read(&mut self, part: &[u8]) {
        let at = usize::try_from(self.text).unwrap_or(usize::MAX);
        if let Some(room) = self.beginning.get_mut(at..) {
            let known = room.len().min(part.len());
            room[..known].copy_from_slice(&part[..known]);
        }
        if let (true, Some(marker)) = (self.matching, &self.marker) {
            let rest = marker.bytes().get(at..).unwrap_or_default();
            let common = rest.len().min(part.len());
            let longer = part.len() > common && matches!(marker, Marker::Whole(_));
            self.matching = rest[..common] == part[..common] && !longer;
        }
        self.text += part.len() as u64;
    }

    fn end_frame(&mut self, found: &mut bool) {
        self.part = Part::Header(0);
        if self.header[0] & 0x0f >= CLOSE || !self.last {
            return;
        }
        match self.message.take() {
            Some(TEXT) => {
                self.attachments = self.attachments.saturating_add(self.announced());
                let marker = self.marker.as_ref().map_or(0, |m| m.bytes().len() as u64);
                if self.matching && self.text >= marker {
                    self.times = self.times.saturating_sub(1);
                    if self.times == 0 {
                        self.marker = None;
                        *found = true;
                    }
                }
                self.matching = false;
            }
            Some(BINARY) => self.attachments = self.attachments.saturating_sub(1),
            _ => {}
        }
    }

    /// How many attachments the text message announces: `45<count>-…` is an event with so many, `46<count>-…`
    /// an ack (Socket.IO protocol revision 5, packet encoding).
    fn announced(&self) -> u32 {
        let seen = usize::try_from(self.text).map_or(BEGINNING, |text| text.min(BEGINNING));
        let (b"45" | b"46", rest) = self.beginning[..seen].split_at(seen.min(2)) else {
            return 0;
        };
        let digits = rest.iter().position(|byte| *byte == b'-');
        digits
            .and_then(|end| std::str::from_utf8(&rest[..end]).ok()?.parse().ok())
            .unwrap_or(0)
    }
}

impl Default for Follower {
    fn default() -> Self {
        Self::new()
    }
}

/// The header of a whole text message of `length` bytes from a server, and how many bytes of it count.
#[must_use]
pub fn text_header(length: usize) -> ([u8; 10], usize) {
    header(TEXT, length)
}

/// The header of a whole binary message of `length` bytes from a server, and how many bytes of it count.
#[must_use]
pub fn binary_header(length: usize) -> ([u8; 10], usize) {
    header(BINARY, length)
}

fn header(opcode: u8, length: usize) -> ([u8; 10], usize) {
    let mut header = [0; 10];
    header[0] = 0x80 | opcode;
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..126), _) => {
            header[1] = short;
            (header, 2)
        }
        (_, Ok(medium)) => {
            header[1] = 126;
            header[2..4].copy_from_slice(&medium.to_be_bytes());
            (header, 4)
        }
        _ => {
            header[1] = 127;
            header[2..].copy_from_slice(&(length as u64).to_be_bytes());
            (header, 10)
        }
    }
}

#[cfg(test)]
mod tests;
