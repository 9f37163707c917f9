//! What one can ask of the simulation, and where the ordered log places it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    injection::{InjectionOrder, InjectionView},
    run::SimulationView,
    time::{Tick, Timestamp},
};

/// One command. Everything that is to be equal on all instances (a drawn seed, a default) is filled
/// in by the instance that accepts it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "camelCase")]
pub enum Command {
    /// Start a run.
    Start(Start),
    /// Stop the run.
    Stop,
    /// Change the speed of the run.
    SetSpeed {
        /// Simulated seconds per second.
        speed: u32,
    },
    /// Place a disturbance or a sensor fault on the run.
    Inject(InjectionOrder),
    /// End one.
    EndInjection {
        /// Its id.
        id: String,
    },
}

/// How to start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Start {
    /// What is to happen if the simulation runs already, or ran before.
    pub mode: StartMode,
    /// Seed of all random numbers.
    pub seed: u64,
    /// Simulated seconds per second.
    pub speed: u32,
    /// Simulated time at the start; the time of the effective tick if absent.
    pub simulated_start: Option<Timestamp>,
    /// Factor on measurement noise.
    pub noise: f64,
    /// Random disturbances per simulated hour.
    pub disturbances: f64,
}

/// What a start is to do where the simulation runs already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StartMode {
    /// Go on and notify again.
    Plain,
    /// Refuse: the caller asked for settings that the present run does not have.
    WithSettings,
    /// Do nothing, also if anybody ever started or stopped it before.
    Autostart,
}

/// A command where the log has placed it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its place in the log, counted from 1.
    pub position: u64,
    /// The tick at which it takes effect, never lower than that of the entry before.
    pub effective: Tick,
    /// The command.
    pub command: Command,
}

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
    #[error("the simulation is running")]
    Running,
    /// A command that needs a run while there is none.
    #[error("the simulation is stopped")]
    Stopped,
    /// An injection where the same acts already.
    #[error("the same kind is already active there")]
    AlreadyActive,
    /// One more injection than can be active at once.
    #[error("too many injections are active")]
    TooMany,
    /// The end of an injection that has ended.
    #[error("it has ended already")]
    Ended,
    /// The end of an injection that is not known.
    #[error("there is no such injection")]
    UnknownInjection,
}
