//! Why a command cannot be placed in the log.

use thiserror::Error;

use crate::grid::time::Timestamp;

/// Why a command could not be placed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SubmitError {
    /// The server is shutting down.
    #[error("the server is shutting down: try again on another instance")]
    ShuttingDown,
    /// The shared log cannot be reached.
    #[error(
        "Redis has not answered since {since}, so nothing can be changed: the simulation goes on as it is; try again when Redis is back"
    )]
    Away {
        /// Since when.
        since: Timestamp,
    },
    /// This instance cannot take part for the moment.
    #[error("this instance is not ready ({0}): try again on another one, or later")]
    NotReady(String),
    /// It was sent to the log, and no answer came.
    #[error(
        "Redis did not confirm the command in time, so it has most likely no effect: look at the status before you try again"
    )]
    Unconfirmed,
    /// Too many commands at once.
    #[error("too many commands wait for their place: try again in a second")]
    Busy,
}
