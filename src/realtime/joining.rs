//! Keeps what a client says next from being read until it has joined.
//!
//! The crate sends the CONNECT packet before it takes note that the client has joined, and ignores the
//! CONNECT of a client that is still joining. A client that leaves and joins again as soon as it has
//! the packet would never be answered where the machine is busy at that moment. So its connection is
//! not read meanwhile.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Wake, Waker},
};

use tokio::sync::OwnedMutexGuard;

use crate::net::connection::ReadingHeld;

/// A client that is joining. Nothing more is read from it until this is dropped.
#[derive(Debug)]
pub(super) struct Joining {
    /// Holds up the frames of its websocket.
    pub(super) _websocket: Option<ReadingHeld>,
    /// Holds up its requests while it polls.
    pub(super) _requests: Option<OwnedMutexGuard<()>>,
}

/// Drops `what` when the task that calls this has been polled to its end or to its next pause. Where
/// there is no runtime, it is dropped at once.
pub(super) fn drop_after_poll<T: Send + Sync + 'static>(what: T) {
    struct Last<T>(T);
    impl<T: Send + Sync + 'static> Wake for Last<T> {
        fn wake(self: Arc<Self>) {}
    }
    // The runtime keeps the waker of a task that yields until it is done with polling the task.
    let waker = Waker::from(Arc::new(Last(what)));
    let _ = pin!(tokio::task::yield_now()).poll(&mut Context::from_waker(&waker));
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
            mpsc,
        },
        thread,
    };

    use tokio::runtime::Handle;

    use super::*;

    struct Said(Arc<AtomicBool>, mpsc::Sender<bool>);
    impl Drop for Said {
        fn drop(&mut self) {
            let _ = self.1.send(self.0.load(Ordering::SeqCst));
        }
    }

    /// Whether the task had come to its end when what it left to be dropped was dropped. Before its end
    /// it does `meanwhile`.
    async fn dropped_after_end(meanwhile: fn()) -> bool {
        let (sender, dropped) = mpsc::channel();
        let ended = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(async move {
            drop_after_poll(Said(ended.clone(), sender));
            meanwhile();
            ended.store(true, Ordering::SeqCst);
        });
        task.await.unwrap();
        let waited = tokio::task::spawn_blocking(move || dropped.recv()).await;
        waited.unwrap().unwrap()
    }

    #[tokio::test]
    async fn it_is_dropped_when_the_task_has_been_polled() {
        assert!(dropped_after_end(|| ()).await);
    }

    /// Returns when another worker has run a task.
    fn let_another_worker_run() {
        let runtime = Handle::current();
        let task = move || runtime.block_on(runtime.spawn(async {}));
        thread::spawn(task).join().unwrap().unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    async fn no_other_worker_drops_it_before() {
        for _ in 0..20 {
            assert!(dropped_after_end(let_another_worker_run).await);
        }
    }

    #[test]
    fn without_a_runtime_it_is_dropped_at_once() {
        let (sender, dropped) = mpsc::channel();
        drop_after_poll(Said(Arc::default(), sender));
        assert_eq!(dropped.try_recv(), Ok(false));
    }
}
