//! Asks a server whether it is ready, for orchestrators whose image has no HTTP client.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use thiserror::Error;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::config::Listen;

const TIMEOUT: Duration = Duration::from_secs(3);
/// An answer is far shorter.
const MAX_ANSWER_BYTES: u64 = 16_384;

/// The server is not ready, or not there.
#[derive(Debug, Error)]
pub enum Unhealthy {
    /// No answer.
    #[error("no answer from {0} within 3 s: is the server running there?")]
    Silent(SocketAddr),
    /// It cannot be reached.
    #[error("cannot reach {0}: {1}")]
    Unreachable(SocketAddr, std::io::Error),
    /// It answers that it is not ready.
    #[error("not ready: {0}")]
    NotReady(String),
}

/// Asks the server that listens as `listen` says.
///
/// # Errors
/// [`Unhealthy`] if it is not ready.
pub async fn check(listen: &Listen) -> Result<(), Unhealthy> {
    let address = SocketAddr::new(reachable(listen.host), listen.port);
    let answer = timeout(TIMEOUT, ask(address))
        .await
        .map_err(|_| Unhealthy::Silent(address))?;
    let answer = answer.map_err(|error| Unhealthy::Unreachable(address, error))?;
    if answer.starts_with("HTTP/1.1 200 ") {
        return Ok(());
    }
    let body = answer
        .split_once("\r\n\r\n")
        .map_or(answer.as_str(), |(_, body)| body);
    Err(Unhealthy::NotReady(body.trim().to_owned()))
}

/// An address of this machine at which a server that listens on `host` can be reached.
fn reachable(host: Option<IpAddr>) -> IpAddr {
    match host {
        None | Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED) | IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => {
            Ipv4Addr::LOCALHOST.into()
        }
        Some(host) => host,
    }
}

async fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream
        .take(MAX_ANSWER_BYTES)
        .read_to_end(&mut answer)
        .await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
