//! Whether new clients should be sent to this instance.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::{
    cluster::status::Status,
    health::{LATE_AFTER, TaskHealth, TaskState},
};

/// Whether new clients should be sent to this instance. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Readiness {
    ending: Arc<AtomicBool>,
    pub(super) status: Status,
}

impl Readiness {
    /// That of an instance with this status.
    #[must_use]
    pub fn new(status: Status) -> Self {
        Self {
            ending: Arc::default(),
            status,
        }
    }

    /// No new clients from now on: the server is shutting down.
    pub fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }

    /// Why not, with these tasks and this lag; empty if they should.
    pub(super) fn reasons(&self, tasks: &[TaskHealth], lag_ms: u64) -> Vec<String> {
        let ending = self
            .ending
            .load(Ordering::Relaxed)
            .then(|| "the server is shutting down".to_owned());
        let lagging = (u128::from(lag_ms) > LATE_AFTER.as_millis())
            .then(|| format!("the newest tick is {lag_ms} ms behind the clock"));
        let tasks = tasks
            .iter()
            .filter_map(|TaskHealth { name, state }| match state {
                TaskState::Running => None,
                TaskState::Late => Some(format!("the task `{name}` gives no sign of life")),
                TaskState::Ended => {
                    Some(format!("the task `{name}` has ended: restart the server"))
                }
            });
        let mut reasons: Vec<_> = ending.into_iter().chain(self.status.unready()).collect();
        reasons.extend(lagging.into_iter().chain(tasks));
        reasons
    }
}
