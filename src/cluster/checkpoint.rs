//! What tells whether two instances compute the same: hashes of the plant's state at certain ticks, and a
//! fingerprint of what they compute with.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{fnv::Fnv, grid::time::Tick};

/// Ticks between two checkpoints.
pub const CHECKPOINT_PERIOD: u64 = 50;

/// A hash of the plant's state; none while nothing runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StateHash(pub Option<u64>);

/// The plant's state at a tick that every instance looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// A multiple of [`CHECKPOINT_PERIOD`].
    pub tick: Tick,
    /// Place of the newest command that had taken effect.
    pub applied: u64,
    /// Hash of the plant's state.
    pub hash: StateHash,
}

/// How far the engine has come.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// The newest checkpoints, oldest first.
    pub checkpoints: Vec<Checkpoint>,
}

/// What makes two instances compute the same: the plant and the engine's version. Instances with
/// unequal ones cannot share a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub(super) u64);

impl Fingerprint {
    /// That of this engine with a plant whose own fingerprint is `plant`.
    #[must_use]
    pub fn new(plant: u64) -> Self {
        Self(Fnv::seeded(plant).hash(env!("CARGO_PKG_VERSION").bytes()))
    }

    /// The version with the fingerprint as its build metadata.
    #[must_use]
    pub fn version(self) -> String {
        format!("{}+{self}", env!("CARGO_PKG_VERSION"))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(hash) => write!(f, "{hash:016x}"),
            None => f.write_str("none"),
        }
    }
}

impl StateHash {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "none" => Some(Self(None)),
            hex => Some(Self(Some(u64::from_str_radix(hex, 16).ok()?))),
        }
    }
}

impl Serialize for StateHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0
            .map(|hash| format!("{hash:016x}"))
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for StateHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let hash = text.map(|text| u64::from_str_radix(&text, 16)).transpose();
        hash.map(Self).map_err(de::Error::custom)
    }
}
