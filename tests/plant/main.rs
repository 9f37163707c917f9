//! The coupled plant and the machine that runs it, as a library: no server, no clock.
//!
//! What is checked here is checked from outside: from the samples, the events and the topology that
//! everybody else sees.
#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    clippy::float_cmp,
    reason = "a test says what is wrong by ending, and tells one story; some numbers are to be the very same"
)]

mod anomalies;
#[expect(dead_code, reason = "the long proofs need more of it")]
mod benchmark;
mod causes;
mod conservation;
mod determinism;
mod dispatch;
mod disturbances;
mod files;
mod finite;
mod limits;
mod pace;
mod quiet;
mod sensors;
mod support;
mod unsolved;
