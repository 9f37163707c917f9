//! How strong the noise of a run is against that of the nameplates.

use serde::{Deserialize, Serialize};

use super::{
    entity::EntityState,
    statistics::{median, square},
};

/// Samples after which the noise of the stream is known; what still changes, each residual learns.
const SAMPLES: u32 = 30;
/// What the nameplates say counts for so many samples. Few: each sample has many residuals.
const PRIOR: f64 = 4.0;
/// Fewer residuals at one instant say nothing: one that fails would be their median.
const LEAST: usize = 3;
/// Median of the absolute value of a standard normal number.
const MEDIAN: f64 = 0.6745;
/// When half of the residuals are beyond so many standard deviations, it is the noise, not the sensors.
const ALL: f64 = 2.5;
/// In the first samples, so many, the ratio of real and nominal noise may be large: nothing is known yet.
const FIRST_SAMPLES: u32 = 2;
/// The largest ratio that one of these samples shows.
const FIRST_RATIO_MOST: f64 = 20.0;
/// The largest ratio that a later sample shows: by then the factor is nearly right, so more is a disturbance.
const RATIO_MOST: f64 = 1.5;
/// The least ratio that a sample shows: the median of a few residuals scatters.
const RATIO_LEAST: f64 = 0.6;
/// The least factor, which is also the least one of a track.
const FACTOR_LEAST: f64 = 0.4;
/// The largest factor.
const FACTOR_MOST: f64 = 20.0;

/// The noise of a stream, over that of the nameplates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct NoiseLevel {
    /// Standard deviations over those of the nameplates. No unit.
    factor: f64,
    /// Samples that it rests on, at most [`SAMPLES`].
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
    pub(super) fn learn<C, M>(&mut self, entities: &mut [EntityState<C, M>]) {
        if self.samples >= SAMPLES {
            return;
        }
        let tracks = entities.iter().flat_map(|state| state.tracks.iter());
        let mut scores: Vec<f64> = tracks
            .filter_map(|track| track.latest().map(f64::abs))
            .filter(|score| *score > 0.0)
            .collect();
        if scores.len() < LEAST {
            return;
        }
        self.samples += 1;
        let most = if self.samples > FIRST_SAMPLES {
            RATIO_MOST
        } else {
            FIRST_RATIO_MOST
        };
        let ratio = (median(&mut scores) / MEDIAN).clamp(RATIO_LEAST, most);
        let share = 1.0 / (f64::from(self.samples) + PRIOR);
        let factor2 = square(self.factor) * (1.0 + share * (square(ratio) - 1.0));
        self.factor = factor2.sqrt().clamp(FACTOR_LEAST, FACTOR_MOST);
        if ratio > ALL {
            for track in entities
                .iter_mut()
                .flat_map(|state| state.tracks.iter_mut())
            {
                track.explain();
            }
        }
    }
}
