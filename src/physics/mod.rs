//! Verification topics: models behind JSON, without a network.

pub mod detect;
