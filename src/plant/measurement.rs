//! Measurement: what sensors add to the true state.
//!
//! Noise is Gaussian and independent from sample to sample. Where a quantity is exactly 0 by nature
//! (generation at night) its noise is relative, so that it stays 0.

use crate::{
    grid::{entity::EntityId, time::Timestamp},
    random::{Draws, Source},
};

/// Standard deviation of the noise of one field: `absolute` + `relative` x |value|.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sigma {
    /// In the unit of the field.
    pub(super) absolute: f64,
    /// As a fraction of the value.
    pub(super) relative: f64,
}

impl Sigma {
    pub(super) const fn absolute(absolute: f64) -> Self {
        Self {
            absolute,
            relative: 0.0,
        }
    }

    pub(super) const fn relative(relative: f64) -> Self {
        Self {
            absolute: 0.0,
            relative,
        }
    }

    /// The standard deviation at a value.
    pub(super) fn at(self, value: f64) -> f64 {
        self.absolute + self.relative * value.abs()
    }
}

/// Frequency in Hz: the steady error of a PMU is at most 5 mHz (IEC 60255-118-1).
pub(super) const FREQUENCY: Sigma = Sigma::absolute(1.2e-3);
/// Temperature in K.
pub(super) const TEMPERATURE: Sigma = Sigma::absolute(0.06);

/// The random numbers of an entity's sensors.
pub(super) fn sensor(seed: u64, id: &EntityId) -> Source {
    Source::new(seed, &format!("measurement/{id}"))
}

/// What all samples of one instant have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sampling {
    /// Steps since the beginning of the run.
    pub(super) steps: u64,
    /// Factor on the noise.
    pub(super) noise: f64,
    /// Whether the network's last solution is older than this.
    pub(super) stale: bool,
    /// The time of the tick.
    pub(super) timestamp: Timestamp,
}

impl Sampling {
    /// The noise of one sample of an entity, whose sensors have these random numbers.
    pub(super) fn noise(&self, sensor: &Source) -> Noise {
        Noise {
            draws: sensor.at(self.steps),
            factor: self.noise,
        }
    }
}

/// The noise of one sample.
pub(super) struct Noise {
    draws: Draws,
    factor: f64,
}

impl Noise {
    /// What a sensor shows of a value.
    pub(super) fn on(&mut self, value: f64, sigma: Sigma) -> f64 {
        if self.factor == 0.0 {
            return value;
        }
        value + self.factor * sigma.at(value) * self.draws.normal()
    }
}
