//! Clients that leave the namespace and join it again as soon as they may, on a machine that has no time.

use std::{
    hint::spin_loop,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use futures_util::future::join_all;

use crate::support::{Polling, Process, Socket};

const CLIENTS: usize = 10;
const ROUNDS: usize = 50;
const BUSY: usize = 4;

/// Threads that do nothing as fast as they can, until this is dropped.
struct BusyLoops(Arc<AtomicBool>);

impl BusyLoops {
    fn start() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        for _ in 0..BUSY {
            let over = over.clone();
            thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    spin_loop();
                }
            });
        }
        Self(over)
    }
}

impl Drop for BusyLoops {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn who_leaves_and_joins_again_at_once_is_always_answered() {
    let process = Process::serve(&[]).await;
    let _busy = BusyLoops::start();
    join_all((0..CLIENTS).map(async |_| {
        let mut socket = Socket::join(process.address()).await;
        for _ in 0..ROUNDS {
            socket.send("41/realtime,").await;
            socket.send("40/realtime,").await;
            while !socket.text().await.starts_with("40/realtime,{") {}
        }
    }))
    .await;
}

#[tokio::test]
async fn so_is_who_polls() {
    let process = Process::serve(&[]).await;
    let _busy = BusyLoops::start();
    join_all((0..CLIENTS / 2).map(async |_| {
        let mut session = Polling::open(process.address()).await;
        for round in 0..ROUNDS / 2 {
            let packets = ["41/realtime,", "40/realtime,"];
            session.send(&packets[usize::from(round == 0)..]).await;
            while !session.next().await.starts_with("40/realtime,{") {}
        }
    }))
    .await;
}
