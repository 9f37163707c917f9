//! Verification topics: the plant's models, asked one case at a time.

#[cfg(test)]
mod reference;
pub mod solar;
pub mod wind;
