//! The log of a single instance, in memory.

use tokio::sync::mpsc;

use crate::grid::{command::Entry, time::Tick};

use super::{Delivery, Submission};

/// Places commands as they are read, so that none can ever be late: each takes effect at the tick
/// after the newest one computed.
#[derive(Debug)]
pub(super) struct LocalLog {
    waiting: mpsc::Receiver<Submission>,
    position: u64,
}

impl LocalLog {
    pub(super) fn new(waiting: mpsc::Receiver<Submission>) -> Self {
        Self {
            waiting,
            position: 0,
        }
    }

    pub(super) async fn next(&mut self, done: Tick) -> Option<Delivery> {
        let Submission { command, reply } = self.waiting.recv().await?;
        self.position += 1;
        let entry = Entry {
            position: self.position,
            effective: done.plus(1),
            command,
        };
        Some(Delivery {
            entry,
            reply: Some(reply),
        })
    }
}
