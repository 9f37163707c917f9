//! Verification topics: the plant's models, asked one case at a time.

pub mod solar;
pub mod wind;
