//! Random numbers for a stream, one after the other.

use gridcast::{maths::exp, random::Source};

/// A random sequence: uniform and normal numbers one after the other.
pub(super) struct Dice {
    source: Source,
    step: u64,
}

impl Dice {
    pub(super) fn new(seed: u64, name: &str) -> Self {
        Self {
            source: Source::new(seed, name),
            step: 0,
        }
    }

    pub(super) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        self.step += 1;
        low + (high - low) * self.source.at(self.step).uniform()
    }

    pub(super) fn normal(&mut self) -> f64 {
        self.step += 1;
        self.source.at(self.step).normal()
    }

    pub(super) fn below(&mut self, count: usize) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0..count"
        )]
        let drawn = self.uniform(0.0, count as f64) as usize;
        drawn.min(count - 1)
    }

    pub(super) fn sign(&mut self) -> f64 {
        if self.uniform(-1.0, 1.0) < 0.0 {
            -1.0
        } else {
            1.0
        }
    }

    /// Ornstein-Uhlenbeck process of standard deviation `sigma` and time constant `tau` samples.
    pub(super) fn wander(&mut self, ticks: usize, sigma: f64, tau: f64) -> Vec<f64> {
        let kept = exp(-1.0 / tau);
        let push = sigma * (1.0 - kept * kept).sqrt();
        let mut value = sigma * self.normal();
        (0..ticks)
            .map(|_| {
                value = kept * value + push * self.normal();
                value
            })
            .collect()
    }
}
