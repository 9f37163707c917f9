//! An accepted connection as a thin wrapper over its stream, with a handle that outlives the request.
//!
//! socketioxide offers no way to close one client's transport, nor to write past its queue. The handle
//! does: it travels in the extensions of each request that came over the connection, reaches the Socket.IO
//! socket with the request that opened it, and shuts the stream down both ways. That also wakes a writer
//! that is stuck because the client does not read. And whoever holds it can put itself between a websocket's
//! writer and the stream, as [`Between`].

use std::{
    io,
    net::{Shutdown, SocketAddr},
    pin::Pin,
    sync::{Arc, OnceLock, Weak},
    task::{Context, Poll, ready},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// How long written data may stay unacknowledged before the kernel gives the connection up: a
/// client that has gone, or does not read, must not hold its buffers for ever.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);

/// As many bytes wait in the kernel to be sent: with megabytes of them, which it would take, a client that
/// did not read for a while would get minutes of old samples before the present ones.
const UNSENT_BYTES: u32 = 32 * 1024;

/// Who stands between the writer of a websocket and its stream, and may write in between.
pub trait Between: Send + Sync {
    /// Writes for the websocket's writer, as [`AsyncWrite::poll_write`] does.
    fn poll_write(
        &self,
        stream: &TcpStream,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>>;

    /// The writer has gone: nothing may be written any more.
    fn end(&self);
}

/// One accepted TCP connection.
pub struct Connection {
    stream: Arc<TcpStream>,
    between: Arc<OnceLock<Arc<dyn Between>>>,
}

/// What others may do with a connection. Cheap to clone; it does not keep the connection open.
#[derive(Clone)]
pub struct ConnectionHandle {
    stream: Weak<TcpStream>,
    between: Weak<OnceLock<Arc<dyn Between>>>,
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
        {
            let _ = socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
            let _ = socket.set_tcp_notsent_lowat(UNSENT_BYTES);
        }
        let stream = Arc::new(stream);
        let between = Arc::default();
        let handle = ConnectionHandle {
            stream: Arc::downgrade(&stream),
            between: Arc::downgrade(&between),
            peer,
        };
        (Self { stream, between }, handle)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(between) = self.between.get() {
            between.end();
        }
    }
}

impl ConnectionHandle {
    /// The address of the other end.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Lets what `between` makes stand between the connection's writer and its stream from now on; `None`
    /// if the connection has ended, or somebody stands there already.
    pub fn put_between<T: Between + 'static>(
        &self,
        between: impl FnOnce(Arc<TcpStream>) -> Arc<T>,
    ) -> Option<()> {
        let (stream, place) = (self.stream.upgrade()?, self.between.upgrade()?);
        if place.get().is_some() {
            return None;
        }
        place.set(between(stream)).ok()
    }

    /// Ends the connection both ways. What is still on its way is lost.
    pub fn shut_down(&self) {
        if let Some(stream) = self.stream.upgrade() {
            shut_down(&stream);
        }
    }
}

/// Ends a connection both ways at once: what the kernel still holds for a client that does not read is
/// thrown away when the last handle is closed.
pub fn shut_down(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let _ = socket.set_linger(Some(Duration::ZERO));
    // It fails where the connection has ended already, which is what was asked for.
    let _ = socket.shutdown(Shutdown::Both);
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
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

/// Writes as [`AsyncWrite::poll_write`] does, to a stream that others may write to too.
pub fn poll_write(
    stream: &TcpStream,
    cx: &mut Context<'_>,
    bytes: &[u8],
) -> Poll<io::Result<usize>> {
    loop {
        ready!(stream.poll_write_ready(cx))?;
        match stream.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return Poll::Ready(result),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.between.get() {
            Some(between) => between.poll_write(&self.stream, cx, buf),
            None => poll_write(&self.stream, cx, buf),
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
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

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
