//! Random numbers as a function of (seed, source, step), never of a generator's history.
//!
//! Every random process of the plant owns one [`Source`], named for what it drives. The numbers of a
//! step can be drawn at any time, in any order and on any instance, and are always the same; a new
//! source moves none of the others.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    fnv::Fnv,
    maths::{cos, log, sin},
};

/// 32-bit words reserved for one step: room for [`DRAWS_PER_STEP`] draws.
const WORDS_PER_STEP: u128 = 64;

/// How many numbers one step of one source can draw before it runs into the next step's.
pub const DRAWS_PER_STEP: usize = 32;

/// One named source of randomness.
#[derive(Debug, Clone)]
pub struct Source {
    generator: ChaCha8Rng,
}

impl Source {
    /// The source called `name` (for instance `load/BUS-003`) under `seed`.
    #[must_use]
    pub fn new(seed: u64, name: &str) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(Fnv::new().hash(name.bytes()));
        Self { generator }
    }

    /// The numbers of step `step`: at most [`DRAWS_PER_STEP`] of them.
    #[must_use]
    pub fn at(&self, step: u64) -> Draws {
        let mut generator = self.generator.clone();
        generator.set_word_pos(u128::from(step) * WORDS_PER_STEP);
        Draws {
            generator,
            spare: None,
        }
    }
}

/// The random numbers of one source at one step.
#[derive(Debug, Clone)]
pub struct Draws {
    generator: ChaCha8Rng,
    spare: Option<f64>,
}

impl Draws {
    /// Uniform in `[0, 1)`.
    pub fn uniform(&mut self) -> f64 {
        (self.generator.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Standard normal (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * log(1.0 - self.uniform())).sqrt();
        let angle = std::f64::consts::TAU * self.uniform();
        self.spare = Some(radius * sin(angle));
        radius * cos(angle)
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the numbers are to be the very same")]
mod tests {
    use super::*;

    #[test]
    fn a_step_gives_the_same_numbers_in_any_order() {
        let source = Source::new(7, "wind/WIND-001");
        let forward: Vec<_> = (0..10).map(|step| source.at(step).normal()).collect();
        let mut backward: Vec<_> = (0..10).rev().map(|step| source.at(step).normal()).collect();
        backward.reverse();
        assert_eq!(forward, backward);
    }

    #[test]
    fn sources_and_seeds_differ() {
        let draw = |seed, name| Source::new(seed, name).at(3).uniform();
        assert_ne!(draw(1, "a"), draw(1, "b"));
        assert_ne!(draw(1, "a"), draw(2, "a"));
    }

    #[test]
    fn steps_do_not_overlap() {
        let source = Source::new(1, "a");
        let mut first = source.at(0);
        let numbers: Vec<_> = (0..DRAWS_PER_STEP).map(|_| first.uniform()).collect();
        assert!(!numbers.contains(&source.at(1).uniform()));
        assert_eq!(first.uniform(), source.at(1).uniform());
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_variance_one() {
        let source = Source::new(42, "moments");
        let numbers: Vec<_> = (0..20_000).map(|step| source.at(step).normal()).collect();
        let mean = numbers.iter().sum::<f64>() / 20_000.0;
        let variance = numbers.iter().map(|x| x * x).sum::<f64>() / 20_000.0;
        assert!(
            mean.abs() < 0.03 && (variance - 1.0).abs() < 0.03,
            "{mean} {variance}"
        );
    }
}
