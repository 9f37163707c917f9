//! How strong the noise of a run is against that of the nameplates.

use serde::{Deserialize, Serialize};

use super::{
    entity::EntityState,
    shape::{median, square},
};

/// Samples after which it is known; what still changes, each residual learns.
const SAMPLES: u32 = 30;
/// What the nameplates say counts for so many samples.
const PRIOR: f64 = 4.0;
/// Fewer residuals at one instant say nothing.
const LEAST: usize = 3;
/// Median of the absolute value of a standard normal number.
const MEDIAN: f64 = 0.6745;
/// When most residuals are beyond so many standard deviations, it is the noise, not the sensors.
const ALL: f64 = 2.5;

/// The noise of a stream, over that of the nameplates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct NoiseLevel {
    factor: f64,
    samples: u32,
}

impl NoiseLevel {
    /// As the nameplates say.
    pub(super) fn new() -> Self {
        Self {
            factor: 1.0,
            samples: 0,
        }
    }

    /// Factor on the nameplates' standard deviations.
    pub(super) fn factor(&self) -> f64 {
        self.factor
    }

    /// Takes what the residuals of all entities were at an instant. One sensor that fails moves a few of
    /// them only, and the median hardly.
    pub(super) fn learn(&mut self, entities: &mut [EntityState]) {
        if self.samples >= SAMPLES {
            return;
        }
        let tracks = entities.iter().flat_map(|state| &state.tracks);
        let mut scores: Vec<f64> = tracks
            .filter_map(|track| track.latest().map(f64::abs))
            .filter(|score| *score > 0.0)
            .collect();
        if scores.len() < LEAST {
            return;
        }
        self.samples += 1;
        let most = if self.samples > 2 { 1.5 } else { 20.0 };
        let ratio = (median(&mut scores) / MEDIAN).clamp(0.6, most);
        let share = 1.0 / (f64::from(self.samples) + PRIOR);
        let factor2 = square(self.factor) * (1.0 + share * (square(ratio) - 1.0));
        self.factor = factor2.sqrt().clamp(0.4, 20.0);
        if ratio > ALL {
            for track in entities.iter_mut().flat_map(|state| &mut state.tracks) {
                track.explain();
            }
        }
    }
}
