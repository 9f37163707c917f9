//! Threads on which the engine serves clients, each client on one of them for good, and that of the
//! publisher.
//!
//! The crate runs what belongs to a client in several tasks: it reads, writes, joins namespaces, runs
//! handlers. On a runtime of one thread none of these overtakes another in the middle. So a CONNECT packet
//! cannot be answered before the crate has taken note that its client has joined (it ignores the CONNECT of
//! a client that it still takes for joining), and a client that leaves the namespace and joins again at once
//! is always answered.

use std::{
    io,
    num::NonZero,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use tokio::runtime::{Builder, Handle, RuntimeFlavor};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::AbortOnDropHandle,
};
use tracing::error;

use crate::health::{Health, Pulse};

/// As many threads at most.
const MAX_HOMES: usize = 8;

/// The threads. They end when this is dropped.
pub(super) struct Homes {
    handles: Vec<Handle>,
    next: AtomicUsize,
    publisher: Handle,
    _end: DropGuard,
}

impl Homes {
    /// Starts a thread for each processor, whose signs of life go to `health`. Where this thread is the
    /// only one of its runtime, it is the home of all.
    ///
    /// # Errors
    /// What the system says when it has no thread left.
    pub(super) fn start(health: &Health) -> io::Result<Self> {
        let end = CancellationToken::new();
        let here = Handle::current();
        let (publisher, handles) = if here.runtime_flavor() == RuntimeFlavor::CurrentThread {
            (here.clone(), vec![here])
        } else {
            let processors = thread::available_parallelism().map_or(1, NonZero::get);
            let handles = (0..processors.min(MAX_HOMES)).map(|_| start("clients", end.clone()));
            (
                start("publisher", end.clone())?,
                handles.collect::<io::Result<Vec<_>>>()?,
            )
        };
        health.spawn("clients", |pulse| {
            watch(handles.clone(), end.clone(), pulse)
        });
        Ok(Self {
            handles,
            next: AtomicUsize::new(0),
            publisher,
            _end: end.drop_guard(),
        })
    }

    /// The thread of the publisher. It has one of its own because it is busy for as long as a tick takes to
    /// go out to all clients, and does not pay for moving from one thread to another meanwhile.
    pub(super) fn publisher(&self) -> &Handle {
        &self.publisher
    }

    /// A home for another client.
    pub(super) fn next(&self) -> Handle {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        self.handles[next % self.handles.len()].clone()
    }
}

fn start(name: &str, end: CancellationToken) -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name(name.into())
        .spawn(move || runtime.block_on(end.cancelled()))?;
    Ok(handle)
}

/// Gives a sign of life as long as all threads do what they are told.
async fn watch(homes: Vec<Handle>, end: CancellationToken, pulse: Pulse) {
    let mut beats = pulse.interval();
    loop {
        pulse.beat();
        tokio::select! {
            () = end.cancelled() => std::future::pending().await,
            _ = beats.tick() => {}
        }
        for home in &homes {
            if home.spawn(async {}).await.is_err() && !end.is_cancelled() {
                return;
            }
        }
    }
}

/// Lets a request be served on a client's home. What serves it ends when this does.
pub(super) async fn serve_on(
    home: &Handle,
    serving: impl Future<Output = Response> + Send + 'static,
) -> Response {
    match AbortOnDropHandle::new(home.spawn(serving)).await {
        Ok(response) => response,
        Err(error) => {
            error!(%error, "a request could not be served");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
