//! Proofs that take longer than a test may: `make prove` runs them and prints their figures.

#![expect(
    clippy::unwrap_used,
    reason = "a proof ends where something is not as expected"
)]

mod anomalies;
mod case_files;
mod dips;
mod instances;
#[path = "../cluster/support/mod.rs"]
#[expect(dead_code, reason = "the proofs need a part of it")]
mod support;
