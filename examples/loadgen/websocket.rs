//! A client on a websocket.

use std::{cell::RefCell, io, sync::atomic::Ordering, time::Duration};

use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep},
};

use super::{
    client::{Client, Role, now_us, short_stay},
    frames::{header, text},
    http::read_head,
};

/// As much is read at once; all clients of a thread share the buffer.
const READ: usize = 256 * 1024;
/// The room that a client has for what it does not read.
const SLOW_BUFFER: usize = 4096;
/// How often one that does not read looks whether it has been cut off.
const LOOK: Duration = Duration::from_millis(100);

/// A websocket that has joined and subscribed.
pub(crate) struct Line {
    stream: TcpStream,
    /// The beginning of a frame that is not whole yet.
    rest: Vec<u8>,
}

/// Connects, joins the namespace, and subscribes as soon as it has joined.
pub(crate) async fn join(client: &mut Client) -> io::Result<Line> {
    let target = &client.shared.target;
    let mut stream = TcpStream::connect(target.address).await?;
    stream.set_nodelay(true)?;
    if client.role == Role::Slow {
        SockRef::from(&stream).set_recv_buffer_size(SLOW_BUFFER)?;
    }
    let request = format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: {}\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        target.host
    );
    stream.write_all(request.as_bytes()).await?;
    let (_, rest) = read_head(&mut stream).await?;
    let mut line = Line { stream, rest };
    line.stream.write_all(&text("40/realtime,")).await?;
    line.wait_for(client, b"40/realtime,").await?;
    let requests = client.shared.target.requests(&client.entities);
    client
        .shared
        .unanswered
        .fetch_add(requests.len(), Ordering::Relaxed);
    for request in &requests {
        line.stream.write_all(&text(request)).await?;
    }
    // Not every server answers in the order in which it was asked.
    for _ in &requests {
        line.wait_for(client, b"43/realtime,").await?;
        client.shared.unanswered.fetch_sub(1, Ordering::Relaxed);
    }
    Ok(line)
}

/// Does what the client's role is until the end.
pub(crate) async fn stay(client: &mut Client, mut line: Line) {
    let shared = client.shared.clone();
    if client.role == Role::Slow {
        return read_nothing(client, &line).await;
    }
    let short = short_stay(client.role);
    let leave = async {
        match short {
            Some(stay) => sleep(stay).await,
            None => shared.over().cancelled().await,
        }
    };
    tokio::pin!(leave);
    loop {
        tokio::select! {
            () = &mut leave => return,
            readable = line.stream.readable() => {
                if readable.is_err() || line.read(client).await.is_err() {
                    shared.ended.fetch_add(1, Ordering::Relaxed);
                    return;
                }
            }
        }
    }
}

async fn read_nothing(client: &Client, line: &Line) {
    let (begun, shared) = (Instant::now(), &client.shared);
    while !shared.is_over() {
        sleep(LOOK).await;
        let cut = !matches!(line.stream.take_error(), Ok(None))
            || line
                .stream
                .try_write(&text("3"))
                .is_err_and(|error| error.kind() != io::ErrorKind::WouldBlock);
        if cut {
            let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            shared.cut_off.fetch_add(1, Ordering::Relaxed);
            shared.last_cut_ms.fetch_max(ms, Ordering::Relaxed);
            return;
        }
    }
}

impl Line {
    /// Reads until a packet begins with this.
    async fn wait_for(&mut self, client: &mut Client, begin: &[u8]) -> io::Result<()> {
        loop {
            while let Some((head, length)) = header(&self.rest)
                && let Some(packet) = self.rest.get(head..head + length)
            {
                let found = packet.starts_with(begin);
                client.take(packet, now_us());
                client.count();
                if packet == b"2" {
                    self.stream.write_all(&text("3")).await?;
                }
                self.rest.drain(..head + length);
                if found {
                    return Ok(());
                }
            }
            if self.stream.read_buf(&mut self.rest).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Takes what there is to read.
    async fn read(&mut self, client: &mut Client) -> io::Result<()> {
        thread_local! {
            static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ]);
        }
        let pings = BUFFER.with_borrow_mut(|buffer| {
            let read = match self.stream.try_read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
                Err(error) => return Err(error),
            };
            let now_us = now_us();
            let (pings, taken);
            if self.rest.is_empty() {
                (pings, taken) = take_packets(&buffer[..read], client, now_us);
                self.rest.extend_from_slice(&buffer[taken..read]);
            } else {
                self.rest.extend_from_slice(&buffer[..read]);
                (pings, taken) = take_packets(&self.rest, client, now_us);
                self.rest.drain(..taken);
            }
            client.count();
            Ok(pings)
        })?;
        for _ in 0..pings {
            self.stream.write_all(&text("3")).await?;
        }
        Ok(())
    }
}

/// Takes all whole packets. Returns how many pings were among them, and how many bytes all took.
fn take_packets(bytes: &[u8], client: &mut Client, now_us: i64) -> (usize, usize) {
    let (mut pings, mut at) = (0, 0);
    while let Some((head, length)) = header(&bytes[at..])
        && let Some(packet) = bytes.get(at + head..at + head + length)
    {
        pings += usize::from(packet == b"2");
        client.take(packet, now_us);
        at += head + length;
    }
    (pings, at)
}
