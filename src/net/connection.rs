//! An accepted connection as a thin wrapper over its stream, with a handle that outlives the request.
//!
//! socketioxide offers no way to close one client's transport. The handle does: it travels in the
//! extensions of each request that came over the connection, reaches the Socket.IO socket with the
//! request that opened it, and shuts the stream down both ways. That also wakes a writer that is
//! stuck because the client does not read.

use std::{
    io,
    net::{Shutdown, SocketAddr},
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::task::AtomicWaker;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// How long written data may stay unacknowledged before the kernel gives the connection up: a
/// client that has gone, or does not read, must not hold its buffers for ever.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);

/// One accepted TCP connection.
#[derive(Debug)]
pub struct Connection {
    stream: Arc<TcpStream>,
    reading: Arc<Reading>,
}

/// Whether the connection is read.
#[derive(Debug, Default)]
struct Reading {
    /// How many keep it from being read.
    held: AtomicUsize,
    reader: AtomicWaker,
}

/// Keeps a connection from being read until it is dropped.
#[derive(Debug)]
pub struct ReadingHeld(Arc<Reading>);

impl Drop for ReadingHeld {
    fn drop(&mut self) {
        if self.0.held.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.reader.wake();
        }
    }
}

impl Reading {
    fn is_held(&self) -> bool {
        self.held.load(Ordering::SeqCst) > 0
    }
}

/// What others may do with a connection. Cheap to clone; it does not keep the connection open.
#[derive(Debug, Clone)]
pub struct ConnectionHandle {
    stream: Weak<TcpStream>,
    reading: Weak<Reading>,
    peer: SocketAddr,
}

impl Connection {
    /// Wraps an accepted stream.
    #[must_use]
    pub fn new(stream: TcpStream, peer: SocketAddr) -> (Self, ConnectionHandle) {
        let socket = SockRef::from(&stream);
        // Without it small packets wait for the acknowledgement of the one before (RFC 896, RFC 1122).
        let _ = socket.set_tcp_nodelay(true);
        #[cfg(target_os = "linux")]
        let _ = socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
        let stream = Arc::new(stream);
        let reading = Arc::default();
        let handle = ConnectionHandle {
            stream: Arc::downgrade(&stream),
            reading: Arc::downgrade(&reading),
            peer,
        };
        (Self { stream, reading }, handle)
    }
}

impl ConnectionHandle {
    /// The address of the other end.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Keeps the connection from being read until what this returns is dropped; `None` if it has ended.
    /// What has been read before is still served.
    #[must_use]
    pub fn hold_reading(&self) -> Option<ReadingHeld> {
        let reading = self.reading.upgrade()?;
        reading.held.fetch_add(1, Ordering::SeqCst);
        Some(ReadingHeld(reading))
    }

    /// Ends the connection both ways. What is still on its way is lost.
    pub fn shut_down(&self) {
        if let Some(stream) = self.stream.upgrade() {
            // It fails where the connection has ended already, which is what was asked for.
            let _ = SockRef::from(stream.as_ref()).shutdown(Shutdown::Both);
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.reading.is_held() {
            self.reading.reader.register(cx.waker());
            // It may have been let go before the waker was in place.
            if self.reading.is_held() {
                return Poll::Pending;
            }
        }
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            match self.stream.try_read(buf.initialize_unfilled()) {
                Ok(read) => {
                    buf.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            match self.stream.try_write(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(
            match SockRef::from(self.stream.as_ref()).shutdown(Shutdown::Write) {
                Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
                result => result,
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicBool, task::Wake};

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicBool);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    async fn pair() -> (Connection, ConnectionHandle, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (stream, peer) = listener.accept().await.unwrap();
        let (connection, handle) = Connection::new(stream, peer);
        (connection, handle, client)
    }

    #[tokio::test]
    async fn bytes_pass_both_ways() {
        let (mut server, handle, mut client) = pair().await;
        assert_eq!(handle.peer(), client.local_addr().unwrap());
        server.write_all(b"ping").await.unwrap();
        let mut buffer = [0; 4];
        client.read_exact(&mut buffer).await.unwrap();
        client.write_all(&buffer).await.unwrap();
        server.read_exact(&mut buffer).await.unwrap();
        assert_eq!(&buffer, b"ping");
    }

    #[tokio::test]
    async fn a_connection_that_is_held_is_not_read() {
        let (mut server, handle, mut client) = pair().await;
        let held = handle.hold_reading().unwrap();
        client.write_all(b"ping").await.unwrap();
        server.stream.readable().await.unwrap();
        let woken = Arc::new(Woken::default());
        let waker = woken.clone().into();
        let mut poll = || {
            let mut bytes = [0; 8];
            let mut buffer = ReadBuf::new(&mut bytes);
            let mut context = Context::from_waker(&waker);
            let read = Pin::new(&mut server).poll_read(&mut context, &mut buffer);
            read.map(|read| read.map(|()| buffer.filled().to_vec()).unwrap())
        };
        assert!(poll().is_pending());
        let second = handle.hold_reading().unwrap();
        drop(held);
        assert!(!woken.0.load(Ordering::SeqCst));
        assert!(poll().is_pending());
        drop(second);
        assert!(woken.0.load(Ordering::SeqCst));
        assert_eq!(poll(), Poll::Ready(b"ping".to_vec()));
        drop(server);
        assert!(handle.hold_reading().is_none());
    }

    #[tokio::test]
    async fn the_handle_ends_a_writer_that_is_stuck() {
        let (mut server, handle, mut client) = pair().await;
        let writer = tokio::spawn(async move {
            let block = vec![0; 1 << 20];
            loop {
                if let Err(error) = server.write_all(&block).await {
                    return error;
                }
            }
        });
        // The client does not read until the writer has filled every buffer; ending must not need it to.
        let mut first = [0; 1];
        client.read_exact(&mut first).await.unwrap();
        handle.shut_down();
        let error = tokio::time::timeout(Duration::from_secs(30), writer)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
