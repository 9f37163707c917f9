//! Listening sockets: where the server can be reached.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};

use crate::config::Listen;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 4096;

/// The address cannot be listened on.
#[derive(Debug, Error)]
#[error(
    "cannot listen on {address}: {source} (set HOST and PORT to a free address of this machine)"
)]
pub struct BindError {
    address: SocketAddr,
    source: io::Error,
}

/// One or two listening sockets of one port.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<TcpListener>,
}

impl Listener {
    /// Opens the sockets. Without a host these are both loopback addresses; where the machine lacks
    /// one address family, the other is enough.
    ///
    /// # Errors
    /// [`BindError`] if no address, or only one of two existing ones, can be listened on.
    pub fn bind(listen: &Listen) -> Result<Self, BindError> {
        let port = listen.port;
        let (first, second) = match listen.host {
            None => (
                IpAddr::from(Ipv4Addr::LOCALHOST),
                Some(IpAddr::from(Ipv6Addr::LOCALHOST)),
            ),
            Some(host) => (host, None),
        };
        let mut sockets = Vec::new();
        match open(SocketAddr::new(first, port)) {
            Ok(socket) => sockets.push(socket),
            Err(error) if lacks_family(&error.source) => {
                // `::` on a machine without IPv6 still means: everywhere.
                let other = match first {
                    IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Some(Ipv4Addr::UNSPECIFIED.into()),
                    _ => second,
                };
                let other = other.ok_or(error)?;
                return Ok(Self {
                    sockets: vec![open(SocketAddr::new(other, port))?],
                });
            }
            Err(error) => return Err(error),
        }
        if let Some(second) = second {
            let port = sockets
                .first()
                .and_then(|socket| socket.local_addr().ok())
                .map_or(port, |a| a.port());
            match open(SocketAddr::new(second, port)) {
                Ok(socket) => sockets.push(socket),
                Err(error) if lacks_family(&error.source) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self { sockets })
    }

    /// The addresses it listens on.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets
            .iter()
            .filter_map(|socket| socket.local_addr().ok())
            .collect()
    }

    /// The next connection. Cancel safe.
    ///
    /// # Errors
    /// What the system says, for instance that no more files can be opened.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        match self.sockets.as_slice() {
            [first, second] => tokio::select! {
                accepted = first.accept() => accepted,
                accepted = second.accept() => accepted,
            },
            sockets => match sockets.first() {
                Some(socket) => socket.accept().await,
                None => std::future::pending().await,
            },
        }
    }
}

fn open(address: SocketAddr) -> Result<TcpListener, BindError> {
    let listen = || {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        if address.is_ipv6() {
            // `::` serves IPv4 too, whatever the system's default; `::1` needs its port for itself.
            socket.set_only_v6(!address.ip().is_unspecified())?;
        }
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        TcpListener::from_std(socket.into())
    };
    listen().map_err(|source| BindError { address, source })
}

/// Whether the machine has no such address family, or no address of it.
fn lacks_family(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported
    ) || error.raw_os_error() == Some(97) // EAFNOSUPPORT on Linux
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_a_host_both_loopback_addresses_share_the_port() {
        let listener = Listener::bind(&Listen {
            host: None,
            port: 0,
        })
        .unwrap();
        let addresses = listener.addresses();
        assert!(addresses.iter().all(|address| address.ip().is_loopback()));
        assert!(
            addresses
                .iter()
                .all(|address| address.port() == addresses[0].port())
        );
        for address in addresses {
            let client = TcpStream::connect(address).await.unwrap();
            let (_, peer) = listener.accept().await.unwrap();
            assert_eq!(peer, client.local_addr().unwrap());
        }
    }

    #[tokio::test]
    async fn an_address_in_use_is_named() {
        let taken = Listener::bind(&Listen {
            host: None,
            port: 0,
        })
        .unwrap();
        let address = taken.addresses()[0];
        let listen = Listen {
            host: Some(address.ip()),
            port: address.port(),
        };
        let error = Listener::bind(&listen).unwrap_err();
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    }
}
