//! What the tests share: servers, and clients that do exactly what they are told.

pub(crate) mod case_file;
pub(crate) mod frames;
mod golden;
mod http;
mod polling;
mod process;
mod server;
mod socket;
mod stage;
mod watcher;

pub(crate) use golden::golden;
pub(crate) use http::{Exchange, Response};
pub(crate) use polling::Polling;
pub(crate) use process::Process;
pub(crate) use server::TestServer;
pub(crate) use socket::{Frame, Socket};
pub(crate) use stage::Stage;
pub(crate) use watcher::Watcher;

use std::time::Duration;

/// How long to wait for what is bound to come. Generous: machines are busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What `future` comes to, which must be within [`PATIENCE`].
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// Waits until `look` says that it is so, within [`PATIENCE`].
pub(crate) async fn eventually(what: &str, look: impl AsyncFn() -> bool) {
    soon(what, async {
        while !look().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}
