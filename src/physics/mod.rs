//! Verification topics: models behind JSON, without a network.

pub mod buck;
pub mod dq;
pub mod frequency;

#[cfg(test)]
mod cases;
