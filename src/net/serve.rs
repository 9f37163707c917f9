//! HTTP/1.1 over accepted connections, with the time limits that `axum::serve` does not set.

use std::{convert::Infallible, io, time::Duration};

use axum::{Router, body::Body, response::Response};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;
use tracing::{debug, warn};

use crate::health::Pulse;

use super::{
    connection::{Connection, ConnectionHandle},
    listener::Listener,
};

/// How long a client may take to send the head of a request, and to stay idle between two.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long open connections get to finish their request at the end.
const GRACE: Duration = Duration::from_secs(1);
/// How long to wait when the system has no file descriptor left for a new connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves the present `router` on `listener` until `shutdown`, then gives open requests a second to finish.
/// Each request finds the [`ConnectionHandle`] of its
/// connection in its extensions.
pub async fn serve(
    listener: Listener,
    router: watch::Receiver<Router>,
    pulse: Pulse,
    shutdown: CancellationToken,
) {
    let connections = TaskTracker::new();
    let mut beats = pulse.interval();
    loop {
        pulse.beat();
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            _ = beats.tick() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (connection, handle) = Connection::new(stream, peer);
                connections.spawn(serve_connection(
                    connection,
                    handle,
                    router.clone(),
                    shutdown.clone(),
                ));
            }
            Err(error) => pause_after(&error).await,
        }
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(GRACE, connections.wait())
        .await
        .is_err()
    {
        debug!(
            connections = connections.len(),
            "some connections did not end in time"
        );
    }
}

async fn serve_connection(
    connection: Connection,
    handle: ConnectionHandle,
    router: watch::Receiver<Router>,
    shutdown: CancellationToken,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(handle.clone());
        answer(router.borrow().clone(), request)
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(connection), service)
        .with_upgrades();
    tokio::pin!(serving);
    let result = tokio::select! {
        result = serving.as_mut() => result,
        () = shutdown.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = result {
        debug!(%error, "a connection ended with an error");
    }
}

async fn answer(router: Router, request: Request<Body>) -> Result<Response, Infallible> {
    router.oneshot(request).await
}

async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    ) {
        return; // The client was gone before we took it.
    }
    warn!(%error, "cannot accept connections for the moment");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}
