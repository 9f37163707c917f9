//! Whether the server lives: one place knows of each long-lived task whether it goes on, and how late
//! ticks are.
//!
//! A task that is spawned here beats its [`Pulse`] as often as it goes round its loop. One that gives no
//! sign of life for two seconds is late, one that returns or panics before the server's shutdown has
//! ended: that is never right, so [`Health::failed`] tells it to whoever can end the process.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::{
    sync::watch,
    task::{AbortHandle, JoinHandle},
    time::{Interval, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tracing::error;
use utoipa::ToSchema;

/// A task without a sign of life for longer than this is late, and so are ticks.
pub const LATE_AFTER: Duration = Duration::from_secs(2);
/// How often a task that waits gives a sign of life.
const BEAT: Duration = Duration::from_millis(500);

/// How a long-lived task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// It goes on.
    Running,
    /// It has given no sign of life for 2 s.
    Late,
    /// It has returned or panicked, and does nothing any more.
    Ended,
}

/// A long-lived task and how it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TaskHealth {
    /// `engine` (ticks), `publisher` (samples to clients), `http` (connections), `clients` (what Socket.IO
    /// clients ask), and with Redis `log` (commands) and `messages` (between the clients of several
    /// instances).
    #[schema(example = "engine")]
    pub name: &'static str,
    /// How it is.
    pub state: TaskState,
}

/// A task ended though the server was to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the task `{name}` {how}: the server cannot go on without it")]
pub struct TaskEnded {
    /// Its name.
    pub name: &'static str,
    /// What it did.
    how: &'static str,
}

/// What is known of all long-lived tasks. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Health {
    tasks: Arc<Mutex<Vec<Task>>>,
    /// When the newest tick computed begins, in microseconds since the Unix epoch.
    tick_us: Arc<AtomicU64>,
    failure: Arc<watch::Sender<Option<TaskEnded>>>,
    shutdown: CancellationToken,
}

#[derive(Debug)]
struct Task {
    name: &'static str,
    pulse: Pulse,
    ended: bool,
    abort: Option<AbortHandle>,
}

/// A task's signs of life. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pulse {
    begin: Instant,
    /// Milliseconds from `begin` to the newest sign of life.
    seen_ms: Arc<AtomicU64>,
}

impl Pulse {
    /// That of a task that begins now. Tests and tools use it alone; a server's tasks get theirs from
    /// [`Health::spawn`].
    #[must_use]
    pub fn new() -> Self {
        Self {
            begin: Instant::now(),
            seen_ms: Arc::default(),
        }
    }

    /// Gives a sign of life.
    pub fn beat(&self) {
        self.seen_ms
            .store(millis(self.begin.elapsed()), Ordering::Relaxed);
    }

    /// How often a task that waits for something else is to wake and [`beat`](Self::beat).
    #[must_use]
    pub fn interval(&self) -> Interval {
        let mut beats = interval(BEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        beats
    }

    fn silent_for(&self) -> Duration {
        let seen = Duration::from_millis(self.seen_ms.load(Ordering::Relaxed));
        self.begin.elapsed().saturating_sub(seen)
    }
}

impl Default for Pulse {
    fn default() -> Self {
        Self::new()
    }
}

impl Health {
    /// That of a server that ends with `shutdown`: tasks may end after it.
    #[must_use]
    pub fn new(shutdown: CancellationToken) -> Self {
        Self {
            tasks: Arc::default(),
            tick_us: Arc::default(),
            failure: Arc::new(watch::Sender::new(None)),
            shutdown,
        }
    }

    /// Runs a task that is to live as long as the server. What is returned ends with it.
    pub fn spawn<F>(&self, name: &'static str, task: impl FnOnce(Pulse) -> F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let pulse = Pulse::new();
        let watched = Watched {
            end: EndNote {
                health: self.clone(),
                name,
                returned: false,
            },
            task: Box::pin(task(pulse.clone())),
        };
        // Held until the task is listed, so that one that ends at once is noted after that.
        let mut tasks = self.lock();
        let running = tokio::spawn(watched);
        tasks.push(Task {
            name,
            pulse,
            ended: false,
            abort: Some(running.abort_handle()),
        });
        running
    }

    /// How all tasks are, in the order in which they began.
    #[must_use]
    pub fn tasks(&self) -> Vec<TaskHealth> {
        let state = |task: &Task| match task {
            task if task.ended => TaskState::Ended,
            task if task.pulse.silent_for() > LATE_AFTER => TaskState::Late,
            _ => TaskState::Running,
        };
        let tasks = self.lock();
        let tasks = tasks.iter().map(|task| TaskHealth {
            name: task.name,
            state: state(task),
        });
        tasks.collect()
    }

    /// Waits until a task ends that should not. It never returns while all is well.
    pub async fn failed(&self) -> TaskEnded {
        let mut failure = self.failure.subscribe();
        let failed = failure
            .wait_for(Option::is_some)
            .await
            .map(|failed| *failed);
        match failed {
            Ok(Some(failed)) => failed,
            // The sender lives as long as this.
            _ => std::future::pending().await,
        }
    }

    /// Notes when the newest tick computed begins, in microseconds since the Unix epoch.
    pub fn note_tick(&self, begin_us: u64) {
        self.tick_us.store(begin_us, Ordering::Relaxed);
    }

    /// How far the newest tick is behind the clock, which shows `now_us`, in ms; 0 before the first.
    #[must_use]
    pub fn lag_ms(&self, now_us: u64) -> u64 {
        match self.tick_us.load(Ordering::Relaxed) {
            0 => 0,
            tick_us => now_us.saturating_sub(tick_us) / 1000,
        }
    }

    /// Ends a task from outside, as a defect in it would: for tests of what is said then. False if there
    /// is none of that name.
    pub fn abort(&self, name: &str) -> bool {
        let tasks = self.lock();
        let task = tasks.iter().find(|task| task.name == name);
        let abort = task.and_then(|task| task.abort.clone());
        drop(tasks);
        abort.as_ref().map(AbortHandle::abort).is_some()
    }

    fn note_end(&self, ended: TaskEnded) {
        if self.shutdown.is_cancelled() {
            return;
        }
        if let Some(task) = self.lock().iter_mut().find(|task| task.name == ended.name) {
            task.ended = true;
            task.abort = None;
        }
        error!("{ended}");
        self.failure.send_if_modified(|failure| {
            let first = failure.is_none();
            failure.get_or_insert(ended);
            first
        });
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Task>> {
        // A list of names is right whoever panicked while holding it.
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task that notes its end. Fields are dropped in this order, so what ends for want of the task, because
/// its end of a channel is gone, is noted after it.
struct Watched {
    end: EndNote,
    task: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Future for Watched {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        ready!(self.task.as_mut().poll(context));
        self.end.returned = true;
        Poll::Ready(())
    }
}

/// Notes the end of a task when it is dropped.
struct EndNote {
    health: Health,
    name: &'static str,
    returned: bool,
}

impl Drop for EndNote {
    fn drop(&mut self) {
        let how = if self.returned {
            "has returned"
        } else if thread::panicking() {
            "has panicked"
        } else {
            "was aborted"
        };
        let name = self.name;
        self.health.note_end(TaskEnded { name, how });
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_returns_or_panics_has_ended_and_fails_the_server() {
        for panics in [false, true] {
            let health = Health::new(CancellationToken::new());
            health.spawn("steady", |_| std::future::pending());
            assert_eq!(health.tasks()[0].state, TaskState::Running);
            health.spawn("short", async move |_| assert!(!panics, "on purpose"));
            let failed = health.failed().await;
            assert_eq!(failed.name, "short");
            let states: Vec<_> = health.tasks().iter().map(|task| task.state).collect();
            assert_eq!(states, [TaskState::Running, TaskState::Ended]);
        }
    }

    /// The end of a task may end others, which is no news.
    #[tokio::test]
    async fn what_ends_for_want_of_a_task_is_noted_after_it() {
        let health = Health::new(CancellationToken::new());
        let (sender, mut receiver) = tokio::sync::mpsc::channel::<()>(1);
        health.spawn("second", |_| async move {
            let _ = receiver.recv().await;
        });
        health.spawn("first", |_| async move {
            std::future::pending::<()>().await;
            drop(sender);
        });
        // Before it has made its first step, too.
        assert!(health.abort("first"));
        assert_eq!(health.failed().await.name, "first");
    }

    #[tokio::test]
    async fn what_ends_with_the_server_is_no_failure() {
        let shutdown = CancellationToken::new();
        let health = Health::new(shutdown.clone());
        health.spawn("loop", |_| shutdown.clone().cancelled_owned());
        shutdown.cancel();
        let failed = tokio::time::timeout(Duration::from_millis(50), health.failed());
        assert!(failed.await.is_err());
        assert_eq!(health.tasks()[0].state, TaskState::Running);
    }

    #[tokio::test]
    async fn a_task_without_a_sign_of_life_is_late_until_the_next() {
        let health = Health::new(CancellationToken::new());
        let (sender, receiver) = tokio::sync::oneshot::channel();
        health.spawn("quiet", |pulse| async move {
            let _ = sender.send(pulse);
            std::future::pending::<()>().await;
        });
        let mut pulse = receiver.await.unwrap();
        assert_eq!(health.tasks()[0].state, TaskState::Running);
        // As if it had begun three seconds ago.
        pulse.begin = pulse.begin.checked_sub(Duration::from_secs(3)).unwrap();
        health.lock()[0].pulse = pulse.clone();
        assert_eq!(health.tasks()[0].state, TaskState::Late);
        pulse.beat();
        assert_eq!(health.tasks()[0].state, TaskState::Running);
    }

    #[test]
    fn ticks_lag_by_what_the_clock_is_ahead() {
        let health = Health::new(CancellationToken::new());
        assert_eq!(health.lag_ms(5_000_000), 0);
        health.note_tick(5_000_000);
        assert_eq!(health.lag_ms(7_100_000), 2_100);
        assert_eq!(health.lag_ms(4_000_000), 0);
    }
}
