//! What a renewable unit remembers.

use serde::{Deserialize, Serialize};

use super::{
    channels::UnitChannel,
    wind::{Inertia, Storm},
};
use crate::detect::{entity::EntityState, past::Past, shape::SPAN};

/// Samples of generation and weather that are remembered: that of a jump, and those within which its shape is
/// decided.
pub(super) const HISTORY: usize = SPAN + 1;
/// Below this share of the capacity the ratio of generation to model is mostly noise.
const RATIO_FROM: f64 = 0.1;
/// Above this share the unit may be at its limit, and then the ratio says nothing.
const RATIO_TO: f64 = 0.97;
/// A ratio counts as off by at most this: more is a disturbance.
const OFF_MOST: f64 = 0.05;
/// The ratio covers at least so many samples, also at first: one sample says little.
const SAMPLES_LEAST: f64 = 20.0;
/// The ratio covers at most so many samples: dirt and air pressure change.
const SAMPLES_MOST: f64 = 400.0;
/// Generation and model differ by at most this share.
const RATIO_MOST: f64 = 0.15;

/// What a renewable unit remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::detect) struct UnitMemory {
    /// The past of the air temperature.
    pub(super) air: Past,
    /// Generation of the last samples, the newest last. Shares of the capacity.
    pub(super) generation: [f64; HISTORY],
    /// What the weather allowed at the last samples, the newest last. Shares of the capacity.
    pub(super) possible: [f64; HISTORY],
    /// The ratio of the two.
    pub(super) ratio: Ratio,
    /// What a turbine still gives of the weather before.
    pub(super) inertia: Inertia,
    /// Whether a storm may have stopped a turbine.
    pub(super) storm: Storm,
    /// Standard deviation that noise of the weather gave generation at the last sample, kW.
    pub(super) slope_kw: f64,
}

impl UnitMemory {
    /// Keeps generation and what the weather allows, as shares of the capacity.
    pub(super) fn keep(&mut self, share: f64, possible: f64) {
        self.generation.rotate_left(1);
        self.possible.rotate_left(1);
        self.generation[HISTORY - 1] = if share.is_finite() { share } else { 0.0 };
        self.possible[HISTORY - 1] = possible;
    }

    /// How much what the weather allows has changed with the last sample, as a share of the capacity.
    pub(super) fn change(&self) -> f64 {
        (self.possible[HISTORY - 1] - self.possible[HISTORY - 2]).abs()
    }
}

/// The ratio of generation to model: the model may be off by a constant factor (soiling, losses, air
/// pressure).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::detect) struct Ratio {
    /// The ratio less 1.
    off: f64,
    /// Samples that it rests on.
    samples: f64,
}

impl Ratio {
    /// The ratio.
    pub(super) fn factor(&self) -> f64 {
        1.0 + self.off
    }

    /// Takes generation and what the weather allows, as shares of the capacity.
    pub(super) fn learn(&mut self, share: f64, possible: f64) {
        if !(RATIO_FROM..=RATIO_TO).contains(&possible) || !share.is_finite() {
            return;
        }
        let off = (share / possible - 1.0 - self.off).clamp(-OFF_MOST, OFF_MOST);
        self.samples += 1.0;
        let gain = 1.0 / self.samples.clamp(SAMPLES_LEAST, SAMPLES_MOST);
        self.off = (self.off + gain * off).clamp(-RATIO_MOST, RATIO_MOST);
    }
}

/// The state of one renewable unit.
pub(in crate::detect) type UnitState = EntityState<UnitChannel, UnitMemory>;
