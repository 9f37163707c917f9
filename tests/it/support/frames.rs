//! Websocket frames byte by byte, for what no library would send.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::soon;

/// Kinds of frames, as their first byte has them.
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
/// Set on the last frame of a message.
pub(crate) const FINAL: u8 = 0x80;

/// A frame as clients send it: masked, with a mask of zero, which leaves the payload as it is.
pub(crate) fn frame(first_byte: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = frame_head(first_byte, payload.len() as u64);
    bytes.extend(payload);
    bytes
}

/// The head of a masked frame that announces so many bytes.
pub(crate) fn frame_head(first_byte: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first_byte];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if short < 126 => bytes.push(0x80 | short),
        (_, Ok(medium)) => {
            bytes.push(0x80 + 126);
            bytes.extend(medium.to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes
}

/// A message of text in one frame.
pub(crate) fn text_frame(text: &str) -> Vec<u8> {
    frame(FINAL | TEXT, text.as_bytes())
}

/// Reads what a server writes to a websocket, frame by frame.
pub(crate) struct ServerFrames {
    stream: TcpStream,
    read: Vec<u8>,
}

impl ServerFrames {
    pub(crate) fn new(stream: TcpStream) -> Self {
        let read = Vec::new();
        Self { stream, read }
    }

    /// The next text message, whatever it says.
    pub(crate) async fn text(&mut self) -> String {
        soon("a frame", async {
            loop {
                if let Some(text) = self.take() {
                    return text;
                }
                let bytes = self.stream.read_buf(&mut self.read).await.unwrap();
                assert!(bytes > 0, "the connection has ended");
            }
        })
        .await
    }

    /// The first message that has been read, if it is whole.
    fn take(&mut self) -> Option<String> {
        let number = |bytes: &[u8]| bytes.iter().fold(0, |n, byte| n << 8 | usize::from(*byte));
        let (head, length) = match self.read.get(1)? {
            126 => (4, number(self.read.get(2..4)?)),
            127 => (10, number(self.read.get(2..10)?)),
            short => (2, usize::from(*short)),
        };
        assert_eq!(self.read[0], FINAL | TEXT);
        let text = self.read.get(head..head + length)?.to_vec();
        self.read.drain(..head + length);
        Some(String::from_utf8(text).unwrap())
    }
}

/// The request that asks for a websocket.
pub(crate) fn upgrade_request(target: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// Reads until `text` has come.
pub(crate) async fn read_until(stream: &mut TcpStream, text: &str) {
    let mut read = Vec::new();
    soon(text, async {
        while !String::from_utf8_lossy(&read).contains(text) {
            assert!(stream.read_buf(&mut read).await.unwrap() > 0, "it ended");
        }
    })
    .await;
}

/// Joins the namespace over a fresh connection whose every byte is the caller's from then on.
pub(crate) async fn join_by_hand(mut stream: TcpStream) -> TcpStream {
    let request = upgrade_request("/socket.io/?EIO=4&transport=websocket");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.write_all(&text_frame("40/realtime,")).await.unwrap();
    read_until(&mut stream, "40/realtime,{").await;
    stream
}

/// The same over a connection of its own.
pub(crate) async fn joined_stream(address: SocketAddr) -> TcpStream {
    join_by_hand(TcpStream::connect(address).await.unwrap()).await
}
