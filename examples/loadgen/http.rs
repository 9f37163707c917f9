//! As much of HTTP/1.1 as is needed: one request after the other on a connection that stays open.

use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The end of a head.
const END: &[u8] = b"\r\n\r\n";

/// Sends a request and returns the status and the body of the answer, which must tell its length.
pub(crate) async fn exchange(
    stream: &mut TcpStream,
    host: &str,
    request: &str,
    body: &str,
) -> io::Result<(u16, Vec<u8>)> {
    let length = body.len();
    let text = format!(
        "{request} HTTP/1.1\r\nhost: {host}\r\ncontent-type: text/plain;charset=UTF-8\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await?;
    let (head, mut rest) = read_head(stream).await?;
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .and_then(|length| length.trim().parse::<usize>().ok());
    let (Some(status), Some(length)) = (status, length) else {
        return Err(io::Error::other(format!(
            "an answer that cannot be read: {head}"
        )));
    };
    let read = rest.len();
    if read < length {
        rest.resize(length, 0);
        stream.read_exact(&mut rest[read..]).await?;
    }
    Ok((status, rest))
}

/// Reads the head of an answer. Returns it and what was read beyond.
pub(crate) async fn read_head(stream: &mut TcpStream) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut head = Vec::with_capacity(1024);
    loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(end) = head.windows(END.len()).position(|window| window == END) {
            let rest = head.split_off(end + END.len());
            return Ok((head, rest));
        }
    }
}
