//! Websocket frames as a client reads and writes them (RFC 6455, section 5.2).

/// The length of the header at the beginning of `bytes`, and of the payload behind it; none if more is
/// needed.
pub(crate) fn header(bytes: &[u8]) -> Option<(usize, usize)> {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |n, byte| n << 8 | usize::from(*byte));
    match bytes.get(1)? & 0x7f {
        126 => Some((4, number(bytes.get(2..4)?))),
        127 => Some((10, number(bytes.get(2..10)?))),
        short => Some((2, usize::from(short))),
    }
}

/// A text message of a client. Its mask is zero, which leaves the payload as it is.
pub(crate) fn text(payload: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match payload.len() {
        short @ ..126 => frame.push(0x80 | u8::try_from(short).unwrap_or(0)),
        medium @ ..=0xffff => {
            frame.push(0x80 | 0x7e);
            frame.extend(u16::try_from(medium).unwrap_or(0).to_be_bytes());
        }
        long => {
            frame.push(0x80 | 0x7f);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend_from_slice(payload.as_bytes());
    frame
}
