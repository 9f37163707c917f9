//! The ordered log of commands and the clock that places them.
//!
//! Every command takes the same road, on one instance as on many: [`Log::submit`] appends it, the log
//! gives it a place and the tick at which it takes effect, the engine reads it back in order through
//! [`Reader::next`] and answers what the ordered log makes of it. What instances share is this log
//! and nothing of the telemetry, which each computes for itself.

pub mod clock;
mod local;

use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use crate::grid::{
    command::{Command, Entry},
    injection::InjectionView,
    run::SimulationView,
    time::Tick,
};

/// How many commands may wait for their place before further callers wait.
const WAITING_COMMANDS: usize = 64;

/// What a command came to, decided by its place in the log.
pub type Verdict = Result<Outcome, Rejection>;

/// What there is to say of a command that has been accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The run as it should be from now on.
    pub simulation: SimulationView,
    /// The injection that was placed or ended.
    pub injection: Option<InjectionView>,
}

/// Why a command came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Rejection {
    /// A start with settings of its own while a run is on.
    #[error("the simulation is running: stop it first, or change its speed with PATCH")]
    Running,
    /// A command that needs a run while there is none.
    #[error("the simulation is stopped: start it first")]
    Stopped,
    /// An injection where the same acts already.
    #[error("the same kind is already active there: DELETE it first, or wait for its end")]
    AlreadyActive,
    /// One more injection than can be active at once.
    #[error("too many injections are active: DELETE some first")]
    TooMany,
    /// The end of an injection that has ended.
    #[error("it has ended already")]
    Ended,
    /// The end of an injection that is not known.
    #[error("there is no such injection: GET the list of all for their ids")]
    UnknownInjection,
}

/// Why a command could not be placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SubmitError {
    /// The server is shutting down.
    #[error("the server is shutting down: try again on another instance")]
    ShuttingDown,
}

/// A command in its place, with whoever waits here for what it came to.
#[derive(Debug)]
pub struct Delivery {
    /// The command and its place.
    pub entry: Entry,
    /// Who asked, if it was on this instance.
    pub reply: Option<oneshot::Sender<Verdict>>,
}

/// The writing end of the log. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Log {
    submissions: mpsc::Sender<(Command, oneshot::Sender<Verdict>)>,
}

impl Log {
    /// Appends a command and waits for what the ordered log makes of it.
    ///
    /// # Errors
    /// [`SubmitError`] if it could not be placed; it then has no effect.
    pub async fn submit(&self, command: Command) -> Result<Verdict, SubmitError> {
        let (reply, verdict) = oneshot::channel();
        let sent = self.submissions.send((command, reply)).await;
        sent.map_err(|_| SubmitError::ShuttingDown)?;
        verdict.await.map_err(|_| SubmitError::ShuttingDown)
    }
}

/// The reading end of the log, owned by the engine.
#[derive(Debug)]
pub struct Reader {
    backend: local::LocalLog,
}

impl Reader {
    /// The next command in order, or `None` when nobody can send one any more. `done` is the newest
    /// tick that the engine has computed. Cancel safe.
    pub async fn next(&mut self, done: Tick) -> Option<Delivery> {
        self.backend.next(done).await
    }
}

/// Opens the log: in memory, for one instance.
#[must_use]
pub fn join() -> (Log, Reader) {
    let (submissions, waiting) = mpsc::channel(WAITING_COMMANDS);
    (
        Log { submissions },
        Reader {
            backend: local::LocalLog::new(waiting),
        },
    )
}
