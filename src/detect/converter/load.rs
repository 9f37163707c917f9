//! The load of a converter: the magnitude of its current over the rated one.

use serde::{Deserialize, Serialize};

/// A change of the load between samples above this moves the DC link and the heat sink.
const STEP: f64 = 0.05;
/// Samples for which such a step shows.
const SETTLING: u32 = 3;
/// The slow average of the load covers so many samples: 100 s at speed 1.
const AVERAGE_SAMPLES: f64 = 200.0;

/// What is remembered of the load of one converter. The load is a share of the rated current.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::detect) struct LoadMemory {
    /// The load at the last sample.
    pub(super) now: f64,
    /// Its slow average.
    pub(super) average: f64,
    /// Samples since the load has stepped.
    still: u32,
}

impl Default for LoadMemory {
    fn default() -> Self {
        Self {
            now: 0.0,
            average: 0.0,
            still: u32::MAX,
        }
    }
}

impl LoadMemory {
    /// Takes the load of a sample, if it is known; `running` if there was one before. Returns whether the load
    /// has just stepped.
    pub(super) fn follow(&mut self, load: f64, running: bool) -> bool {
        if load.is_finite() {
            let step = (load - self.now).abs();
            self.still = if running && step > STEP {
                0
            } else {
                self.still.saturating_add(1)
            };
            if !running {
                self.average = load;
            }
            self.now = load;
            self.average += (load - self.average) / AVERAGE_SAMPLES;
        }
        self.still < SETTLING
    }
}
