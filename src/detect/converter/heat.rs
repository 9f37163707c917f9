//! The thermal model of a converter: how far its heat sink should be above the air.

use serde::{Deserialize, Serialize};

use crate::{
    detect::{model::Thermal, track::Track},
    maths::exp,
};

/// The rise at the start may differ from the steady one by so much, K: the load before is not known.
const UNKNOWN_RISE_K: f64 = 8.0;
/// The same after samples have been missing, K.
const UNKNOWN_AFTER_GAP_K: f64 = 1.0;
/// While the rise may differ by more than this, K, nothing is learnt of it.
const KNOWN_RISE_K: f64 = 0.5;
/// The slow average of the rise covers so many samples: 50 s at speed 1.
const AVERAGE_SAMPLES: f64 = 100.0;
/// Share of a new temperature in that of the air, which so covers the last 10 samples: it smooths the noise.
const AIR_GAIN: f64 = 0.1;
/// Share of what is off by which the ratio is corrected, per K and for a large change of the rise.
const RATIO_GAIN: f64 = 0.004;
/// What is off counts as at most so much, K: more is a disturbance.
const OFF_MOST_K: f64 = 1.0;
/// A change of the rise by 5 K, here as a square, tells the ratio best: a smaller one is hidden by what else
/// changes.
const TELLING_K2: f64 = 25.0;
/// Real and modelled rise differ by at most this share.
const RATIO_MOST: f64 = 0.3;

/// What is remembered of the heating of one converter.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::detect) struct HeatMemory {
    /// Rise of each thermal stage, K.
    stages_k: [f64; 2],
    /// Slow average of the rise, K.
    average_k: f64,
    /// The last change of the rise, K.
    pub(super) change_k: f64,
    /// Real over modelled rise, less 1, as learnt. No unit.
    pub(super) ratio: f64,
    /// By how much the rise may differ from the modelled one because the load before is not known, K.
    pub(super) unknown_k: f64,
    /// Whether the model has begun.
    pub(super) running: bool,
    /// Temperature of the air, deg C; none until it has been measured.
    pub(super) air_c: Option<f64>,
}

impl HeatMemory {
    /// Samples come again after some that did not. The load in between is not known.
    pub(super) fn resume(&mut self) {
        self.unknown_k = self.unknown_k.max(UNKNOWN_AFTER_GAP_K);
    }

    /// Follows the temperature of the air, which is the same for all but for a little.
    pub(super) fn follow_air(&mut self, air_c: &[Option<f64>]) {
        let (sum, count) = air_c
            .iter()
            .flatten()
            .fold((0.0, 0.0), |(sum, count), air| (sum + air, count + 1.0));
        if count > 0.0 {
            let share = if self.air_c.is_some() { AIR_GAIN } else { 1.0 };
            let before = self.air_c.unwrap_or(0.0);
            self.air_c = Some(before + share * (sum / count - before));
        }
    }

    /// Steps the model by the time since the last sample; the rise in K.
    pub(super) fn follow(&mut self, thermal: &Thermal, load: f64, dt_s: f64) -> f64 {
        let Thermal {
            constant,
            linear,
            square,
            stages,
            ..
        } = *thermal;
        let loss = constant + linear * load + square * load * load;
        let before = self.stages_k[0] + self.stages_k[1];
        let mut rise = 0.0;
        let mut slowest_s = 1.0_f64;
        for (stage, (steady, time_constant_s)) in self.stages_k.iter_mut().zip(stages) {
            let target = steady * loss;
            slowest_s = slowest_s.max(time_constant_s);
            let kept = if self.running && time_constant_s > 0.0 {
                exp(-dt_s / time_constant_s)
            } else {
                0.0
            };
            *stage = target + (*stage - target) * kept;
            rise += *stage;
        }
        if self.running {
            self.average_k += (rise - self.average_k) / AVERAGE_SAMPLES;
            self.change_k = rise - before;
            self.unknown_k *= exp(-dt_s / slowest_s);
        } else {
            self.average_k = rise;
            self.unknown_k = UNKNOWN_RISE_K;
            self.running = true;
        }
        rise
    }

    /// How far the rise is from its slow average, K.
    pub(super) fn apart_k(&self, rise: f64) -> f64 {
        rise - self.average_k
    }

    /// Thermal resistances are not known exactly: a residual that follows the rise corrects their ratio.
    pub(super) fn learn_ratio(&mut self, rise: f64, track: &Track) {
        if track.is_disturbed() || self.unknown_k > KNOWN_RISE_K {
            return;
        }
        let apart = self.apart_k(rise);
        let off = track.distance().clamp(-OFF_MOST_K, OFF_MOST_K);
        self.ratio = (self.ratio + RATIO_GAIN * off * apart / (apart * apart + TELLING_K2))
            .clamp(-RATIO_MOST, RATIO_MOST);
    }
}
