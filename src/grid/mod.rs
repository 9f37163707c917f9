//! The vocabulary of the project: plain values without I/O, clock or async.
//!
//! Units stand in names (`_kv`, `_mw`, `_ms`) or in the documentation of the field. Signs: the power
//! of a bus is its net injection (generation positive), that of a converter and of a renewable unit
//! what it feeds into the grid, that of a branch end what flows into the branch.

pub mod alert;
pub mod command;
pub mod emitted;
pub mod entity;
pub mod event;
pub mod injection;
pub mod quantity;
pub mod run;
pub mod stream;
pub mod telemetry;
pub mod time;
pub mod topology;
