//! The ordered log of commands, the clock that places them, and the instances that share both.
//!
//! Every command takes the same road, on one instance as on many: [`Log::submit`] appends it, the log
//! gives it a place and the tick at which it takes effect, the engine reads it back in order through
//! its [`Feed`] and answers what the ordered log makes of it. What instances share is this log, a
//! recent [`Snapshot`] to start from and the time, and nothing of the telemetry, which each computes
//! for itself.
//!
//! [`join`] picks the backend: in memory, or Redis. Both hand out the same channel ends.

pub mod checkpoint;
pub mod clock;
mod local;
pub mod redis;
pub mod status;
mod submit_error;

use std::sync::{Arc, atomic::AtomicU64};

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    config,
    grid::{
        command::{Command, Entry, Verdict},
        time::Tick,
    },
    health::Health,
};

pub use self::{
    checkpoint::{CHECKPOINT_PERIOD, Checkpoint, Fingerprint, Progress, StateHash},
    submit_error::SubmitError,
};
use self::{
    clock::Clock,
    status::{RedisState, Status},
};

/// How many commands may wait for their place.
const WAITING_COMMANDS: usize = 256;
/// How many inputs may wait for the engine.
const WAITING_INPUTS: usize = 256;
/// Whoever waits on this instance for what a command came to.
#[derive(Debug)]
pub struct Reply(oneshot::Sender<Result<Verdict, SubmitError>>);

impl Reply {
    /// Answers with what the ordered log made of the command.
    pub fn send(self, verdict: Verdict) {
        let _ = self.0.send(Ok(verdict));
    }

    fn refuse(self, why: SubmitError) {
        let _ = self.0.send(Err(why));
    }
}

/// A command in its place, with whoever waits here for what it came to.
#[derive(Debug)]
pub struct Delivery {
    /// The command and its place.
    pub entry: Entry,
    /// Who asked, if it was on this instance.
    pub reply: Option<Reply>,
}

/// All that an instance needs to go on from a tick, as the engine wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The newest tick computed.
    pub tick: Tick,
    /// Place of the newest command that it takes into account.
    pub position: u64,
    /// Hash of the plant's state.
    pub hash: StateHash,
    /// The state.
    pub state: Vec<u8>,
}

/// What reaches the engine.
#[derive(Debug)]
pub enum Input {
    /// The next command.
    Command(Delivery),
    /// The state to go on from: the log cannot be followed from here.
    Restore(Restore),
    /// Nothing has been before: the log begins with this instance, at the shared time.
    Begin,
    /// All commands that take effect at or before a tick have been delivered.
    Covered {
        /// The tick.
        through: Tick,
    },
    /// The log cannot be reached: the connection has broken, or is refused.
    Unreachable {
        /// The newest question that had been heard when this was tried last.
        heard: u64,
    },
    /// A snapshot is wanted.
    Snapshot {
        /// That of the present, or else the newest one at a checkpoint.
        present: bool,
        /// Who wants it.
        reply: oneshot::Sender<Snapshot>,
    },
}

/// A state to go on from.
#[derive(Debug)]
pub struct Restore {
    /// The state.
    pub snapshot: Snapshot,
    /// Whether this instance has not taken part before.
    pub first: bool,
    /// Answered when the engine has come to the present from there, or why it cannot.
    pub done: oneshot::Sender<Result<(), String>>,
}

/// What the engine asks of the backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    /// To say through which tick all commands have been delivered. Questions are numbered.
    Covered(u64),
    /// To send the state to go on from.
    Restore,
}

/// A command on its way to its place.
#[derive(Debug)]
struct Submission {
    command: Command,
    reply: Reply,
}

/// The writing end of the log. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Log {
    submissions: mpsc::Sender<Submission>,
    status: Status,
}

impl Log {
    /// One that goes nowhere, for tests of what does not write.
    #[cfg(test)]
    pub(crate) fn closed() -> Self {
        let progress = watch::Sender::new(Progress::default()).subscribe();
        let health = Health::new(CancellationToken::new());
        let (_, status) = Status::new(
            RedisState::None,
            Fingerprint(0),
            progress,
            Arc::default(),
            health,
        );
        Self {
            submissions: mpsc::channel(1).0,
            status,
        }
    }

    /// Appends a command and waits for what the ordered log makes of it.
    ///
    /// # Errors
    /// [`SubmitError`] if it could not be placed; it then has no effect.
    pub async fn submit(&self, command: Command) -> Result<Verdict, SubmitError> {
        self.status.placeable()?;
        let (reply, verdict) = oneshot::channel();
        let submission = Submission {
            command,
            reply: Reply(reply),
        };
        self.submissions
            .try_send(submission)
            .map_err(|refused| match refused {
                mpsc::error::TrySendError::Full(_) => SubmitError::Busy,
                mpsc::error::TrySendError::Closed(_) => SubmitError::ShuttingDown,
            })?;
        verdict.await.map_err(|_| SubmitError::ShuttingDown)?
    }

    /// Waits until commands can be placed.
    pub async fn ready(&self) {
        self.status.until_placeable().await;
    }
}

/// The reading end of the log, owned by the engine.
#[derive(Debug)]
pub struct Feed {
    source: Source,
    progress: watch::Sender<Progress>,
}

#[derive(Debug)]
enum Source {
    Local(local::LocalLog),
    Shared {
        inputs: mpsc::Receiver<Input>,
        questions: mpsc::Sender<Question>,
    },
}

impl Feed {
    /// The next input in order, or `None` when there can be none any more. `done` is the newest tick
    /// that the engine has computed. Cancel safe.
    pub async fn next(&mut self, done: Tick) -> Option<Input> {
        match &mut self.source {
            Source::Local(log) => log.next(done).await.map(Input::Command),
            Source::Shared { inputs, .. } => inputs.recv().await,
        }
    }

    /// Asks for a new [`Input::Covered`], or [`Input::Unreachable`] with this number or a higher one.
    pub fn ask_covered(&self, question: u64) {
        self.ask(Question::Covered(question));
    }

    /// Asks for [`Input::Restore`]: the log cannot be followed from here.
    pub fn ask_restore(&self) {
        self.ask(Question::Restore);
    }

    /// Whether others share the log, so that a command can be late and a snapshot be wanted.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.source, Source::Shared { .. })
    }

    /// One that is read from bare channels, for tests of its reader.
    #[cfg(test)]
    pub(crate) fn bare(inputs: mpsc::Receiver<Input>, questions: mpsc::Sender<Question>) -> Self {
        Self {
            source: Source::Shared { inputs, questions },
            progress: watch::Sender::new(Progress::default()),
        }
    }

    /// Tells how far the engine has come.
    pub fn report(&self, checkpoint: Checkpoint) {
        const KEPT: usize = 24;
        self.progress.send_modify(|progress| {
            let checkpoints = &mut progress.checkpoints;
            checkpoints.retain(|earlier| earlier.tick < checkpoint.tick);
            checkpoints.push(checkpoint);
            let surplus = checkpoints.len().saturating_sub(KEPT);
            checkpoints.drain(..surplus);
        });
    }

    /// Asks the backend of a shared log; one that is too busy to take a question does not answer it.
    fn ask(&self, question: Question) {
        if let Source::Shared { questions, .. } = &self.source {
            let _ = questions.try_send(question);
        }
    }
}

/// The ends of all channels between this instance's parts and the others.
#[derive(Debug)]
pub struct Membership {
    /// To append commands.
    pub log: Log,
    /// To read them, for the engine.
    pub feed: Feed,
    /// The shared time, for the engine.
    pub clock: Clock,
    /// How this instance and the others stand.
    pub status: Status,
}

/// Opens the log: the one that all instances share, or one in memory for this instance alone. It
/// returns at once and reaches for Redis until `shutdown`.
#[must_use]
pub fn join(
    redis: Option<&config::Redis>,
    fingerprint: Fingerprint,
    health: &Health,
    shutdown: CancellationToken,
) -> Membership {
    let (submissions, waiting) = mpsc::channel(WAITING_COMMANDS);
    let (progress, watched) = watch::channel(Progress::default());
    let divergences = Arc::new(AtomicU64::new(0));
    let state = match redis {
        None => RedisState::None,
        Some(_) => RedisState::Away,
    };
    let (standing, status) = Status::new(
        state,
        fingerprint,
        watched.clone(),
        divergences,
        health.clone(),
    );
    let (clock, source) = match redis {
        None => (Clock::new(), Source::Local(local::LocalLog::new(waiting))),
        Some(redis) => {
            let (inputs, input) = mpsc::channel(WAITING_INPUTS);
            let (questions, asked) = mpsc::channel(WAITING_INPUTS);
            let ends = redis::Ends {
                submissions: waiting,
                inputs,
                questions: asked,
                progress: watched,
                standing,
                status: status.clone(),
            };
            take_part(redis, ends, health, shutdown);
            let clock = Clock::shared(status.time().clone());
            let inputs = input;
            (clock, Source::Shared { inputs, questions })
        }
    };
    Membership {
        log: Log {
            submissions,
            status: status.clone(),
        },
        feed: Feed { source, progress },
        clock,
        status,
    }
}

/// Follows the log in Redis until `shutdown`.
fn take_part(
    redis: &config::Redis,
    ends: redis::Ends,
    health: &Health,
    shutdown: CancellationToken,
) {
    health.spawn("log", |pulse| {
        let member = redis::Member::new(redis, ends, pulse);
        let taking_part = Box::pin(member.run());
        async move {
            shutdown.run_until_cancelled_owned(taking_part).await;
        }
    });
}
