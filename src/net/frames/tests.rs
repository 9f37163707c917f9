use proptest::prelude::*;

use super::*;

/// A frame as a server writes it.
fn frame(opcode: u8, last: bool, payload: &[u8]) -> Vec<u8> {
    let (mut header, length) = header(opcode, payload.len());
    if !last {
        header[0] &= 0x7f;
    }
    [&header[..length], payload].concat()
}

fn text(payload: &str) -> Vec<u8> {
    frame(TEXT, true, payload.as_bytes())
}

/// One that has seen the head of the response.
fn upgraded() -> Follower {
    let mut follower = Follower::new();
    follower.advance(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n");
    assert!(follower.at_boundary());
    follower
}

#[test]
fn nothing_may_be_put_into_the_head_of_the_response() {
    let head = b"HTTP/1.1 101 Switching Protocols\r\n\r\r\n\r\n";
    let mut follower = Follower::new();
    for (at, byte) in head.iter().enumerate() {
        assert!(!follower.at_boundary(), "after {at} bytes");
        follower.advance(&[*byte]);
    }
    assert!(follower.at_boundary());
}

#[test]
fn a_message_with_attachments_ends_with_the_last_of_them() {
    let mut follower = upgraded();
    for (bytes, boundary) in [
        (text("452-/realtime,[\"x\",{}]"), false),
        (frame(BINARY, true, b"one"), false),
        (text("2"), false),
        (frame(BINARY, true, b""), true),
        (text("460-/realtime,7[]"), true),
        (text("42/realtime,[\"45-\"]"), true),
        (text("45"), true),
        (text("45-"), true),
    ] {
        follower.advance(&bytes);
        assert_eq!(follower.at_boundary(), boundary, "{bytes:?}");
    }
}

#[test]
fn nothing_goes_out_after_a_close_frame_or_what_is_no_frame_of_a_server() {
    for bytes in [
        frame(CLOSE, true, b"\x03\xe8"),
        vec![0x81, 0x80, 0, 0, 0, 0],
    ] {
        let mut follower = upgraded();
        follower.advance(&bytes);
        assert!(follower.has_ended() && !follower.at_boundary());
        follower.advance(&text("42[]"));
        assert!(!follower.at_boundary());
    }
}

#[test]
fn a_marker_is_found_once_and_only_whole() {
    let mut follower = upgraded();
    follower.look_out(Marker::Prefix(b"40/realtime,"));
    assert!(!follower.advance(&text("40/realtime")));
    assert!(!follower.advance(&text("42/realtime,[\"40/realtime,\"]")));
    assert!(follower.advance(&text("40/realtime,{\"sid\":\"x\"}")));
    assert!(!follower.advance(&text("40/realtime,{\"sid\":\"x\"}")));
    follower.look_out(Marker::Whole(Bytes::from_static(b"42/realtime,[1]")));
    assert!(!follower.advance(&text("42/realtime,[1]]")));
    assert!(!follower.advance(&text("42/realtime,[1")));
    assert!(!follower.advance(&frame(BINARY, true, b"42/realtime,[1]")));
    assert!(follower.advance(&text("42/realtime,[1]")));
    // Two equal messages are under way.
    let twice = Marker::Whole(Bytes::from_static(b"42/realtime,[2]"));
    follower.look_out(twice.clone());
    follower.look_out(twice);
    assert!(!follower.advance(&text("42/realtime,[2]")));
    assert!(follower.advance(&text("42/realtime,[2]")));
}

/// What an engine may write after the head: frames, and after each whether a boundary follows and whether
/// it ends the marker.
fn writing() -> impl Strategy<Value = Vec<(Vec<u8>, bool, bool)>> {
    let piece = prop_oneof![
        4 => (0..300usize).prop_map(|n| vec![(text(&"x".repeat(n)), true, false)]),
        1 => (65_530..65_545usize).prop_map(|n| vec![(text(&"y".repeat(n)), true, false)]),
        2 => Just(vec![(text("40/realtime,{}"), true, true)]),
        1 => Just(vec![(frame(9, true, b"ping"), true, false)]),
        2 => (1..4usize, 0..200usize).prop_map(|(count, n)| {
            let mut frames = vec![(text(&format!("45{count}-/realtime,[]")), false, false)];
            frames.extend((1..=count).map(|at| (frame(BINARY, true, &vec![0x81; n]), at == count, false)));
            frames
        }),
        2 => prop::collection::vec(0..200usize, 1..4).prop_map(|parts| {
            let mut frames = vec![(frame(TEXT, false, b"40/real"), false, false)];
            frames.extend(parts.iter().map(|n| (frame(10, true, &vec![b'p'; n % 126]), false, false)));
            frames.push((frame(CONTINUATION, true, b"time,{}"), true, true));
            frames
        }),
    ];
    prop::collection::vec(piece, 1..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// However the writes are split, the boundaries are where whole messages end, and each marker is found
    /// in the write that completes it.
    #[test]
    fn boundaries_do_not_depend_on_how_writes_are_split(
        frames in writing(),
        splits in prop::collection::vec(1..700usize, 1..200),
    ) {
        let mut bytes = b"HTTP/1.1 101 Switching Protocols\r\n\r\n".to_vec();
        let mut boundaries = vec![bytes.len()];
        let mut markers = Vec::new();
        for (frame, boundary, marker) in frames {
            bytes.extend(frame);
            if boundary {
                boundaries.push(bytes.len());
            }
            if marker {
                markers.push(bytes.len());
            }
        }
        let mut follower = Follower::new();
        let mut splits = splits.into_iter().cycle();
        let mut at = 0;
        while at < bytes.len() {
            let end = bytes.len().min(at + splits.next().unwrap());
            follower.look_out_while_idle();
            let found = follower.advance(&bytes[at..end]);
            let due = markers.iter().any(|marker| (at + 1..=end).contains(marker));
            prop_assert!(!found || due, "found by {end}, markers end at {markers:?}");
            prop_assert_eq!(follower.at_boundary(), boundaries.contains(&end), "after {} bytes", end);
            at = end;
        }
    }

    #[test]
    fn any_bytes_at_all_can_be_followed(bytes in prop::collection::vec(any::<u8>(), 0..400), split in 1..50usize) {
        let mut follower = upgraded();
        follower.look_out(Marker::Prefix(b"40"));
        for part in bytes.chunks(split) {
            follower.advance(part);
        }
    }

    #[test]
    fn a_header_says_how_long_its_payload_is(length in prop_oneof![0..130usize, 65_000..66_000usize, Just(1 << 20)]) {
        let mut follower = upgraded();
        let (header, bytes) = text_header(length);
        follower.advance(&header[..bytes]);
        let expected = if length == 0 { Part::Header(0) } else { Part::Payload(length as u64) };
        prop_assert_eq!(follower.part, expected);
    }
}

impl Follower {
    /// Looks out for a CONNECT packet unless a message is under way, of which nothing is known.
    fn look_out_while_idle(&mut self) {
        if self.marker.is_none() && self.at_boundary() {
            self.look_out(Marker::Prefix(b"40/realtime,"));
        }
    }
}
