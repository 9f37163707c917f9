//! Run lengths: is a value repeated more often than chance and habit allow?
//!
//! How often neighbours are equal by chance depends on resolution and noise and is learnt; a field that
//! repeats itself by habit (a set-point, a field that is always zero) is never called stuck.

use serde::{Deserialize, Serialize};

use crate::maths::log;

/// Least length of a run that is too long, in repetitions.
const LEAST: u32 = 5;
/// Repetitions after which a value that usually changes says nothing new.
const PAUSE: u32 = 2;
/// A run is called stuck when chance makes it less likely than exp(-16) = 1e-7.
const SURPRISE: f64 = 16.0;
/// Repetitions that count as chance while it is open whether the field is stuck.
const CHANCE: u32 = 3;
/// The past counts for so many samples.
const MEMORY: f64 = 1000.0;
/// When [`MEMORY`] is full, the counts are divided by this, so that older samples count for less.
const FORGETTING: f64 = 2.0;
/// A field that repeats itself in more than this share of the samples does so by habit.
const HABIT: f64 = 0.5;
/// A repetition has been seen so many times more than counted. Without it a field that has never repeated
/// itself would be stuck with the first repetition.
const CAUTION_EQUAL: f64 = 0.5;
/// A sample has been seen so many times more than counted.
const CAUTION_TOTAL: f64 = 1.0;

/// The repetitions of one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Repeat {
    /// The present value, in the unit of the field.
    last: Option<f64>,
    /// How many times it has been repeated.
    run: u32,
    /// Repetitions of late, older ones counting for less.
    equal: f64,
    /// Samples of late, older ones counting for less.
    total: f64,
    /// Whether the present run was called stuck.
    stuck: bool,
}

impl Repeat {
    pub(super) fn new() -> Self {
        Self {
            last: None,
            run: 0,
            equal: 0.0,
            total: 0.0,
            stuck: false,
        }
    }

    /// How many times the present value has been repeated.
    pub(super) fn run(&self) -> u32 {
        self.run
    }

    /// Whether it was called stuck and has not changed since.
    pub(super) fn is_stuck(&self) -> bool {
        self.stuck
    }

    /// Whether the value changes as it usually does.
    pub(super) fn is_lively(&self) -> bool {
        self.run <= 1 && self.share() < HABIT
    }

    /// Whether a value that usually changes has not for a while: soon it will be stuck or not.
    pub(super) fn is_pausing(&self) -> bool {
        let rests = self.last == Some(0.0);
        (PAUSE..=LEAST).contains(&self.run)
            && !rests
            && self.share() < HABIT
            && self.total >= f64::from(LEAST)
    }

    /// Takes the next value; true when that ends a stuck run.
    #[expect(
        clippy::float_cmp,
        reason = "a stuck sensor repeats the very same value"
    )]
    pub(super) fn observe(&mut self, value: f64) -> bool {
        if !value.is_finite() {
            return false;
        }
        let Some(last) = self.last.replace(value) else {
            return false;
        };
        if value == last {
            self.run += 1;
            if self.run <= CHANCE {
                self.count(1.0, 1.0);
            }
            return false;
        }
        if !self.stuck {
            let open = f64::from(self.run.saturating_sub(CHANCE));
            self.count(open, open + 1.0);
        }
        self.run = 0;
        std::mem::replace(&mut self.stuck, false)
    }

    /// Whether the run is too long; the caller says whether anything else speaks against it.
    pub(super) fn is_suspicious(&self) -> bool {
        let share = self.share();
        !self.stuck
            && self.run >= LEAST
            && share < HABIT
            && f64::from(self.run) * -log(share) > SURPRISE
    }

    /// Calls the field stuck.
    pub(super) fn declare_stuck(&mut self) {
        self.stuck = true;
    }

    /// How often neighbours are equal, cautiously.
    fn share(&self) -> f64 {
        (self.equal + CAUTION_EQUAL) / (self.total + CAUTION_TOTAL)
    }

    fn count(&mut self, equal: f64, total: f64) {
        self.equal += equal;
        self.total += total;
        if self.total > MEMORY {
            self.equal /= FORGETTING;
            self.total /= FORGETTING;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Source;

    fn feed(repeat: &mut Repeat, values: impl IntoIterator<Item = f64>) -> Option<usize> {
        values.into_iter().enumerate().find_map(|(at, value)| {
            repeat.observe(value);
            repeat.is_suspicious().then_some(at)
        })
    }

    /// Noise of `sigma` in steps of 0.01.
    fn noise(sigma: f64, count: u64) -> impl Iterator<Item = f64> {
        let source = Source::new(5, "repeat");
        (0..count).map(move |step| (100.0 * sigma * source.at(step).normal()).round() / 100.0)
    }

    #[test]
    fn a_frozen_value_is_suspicious_after_a_few_samples() {
        let mut repeat = Repeat::new();
        assert_eq!(feed(&mut repeat, noise(0.5, 100)), None);
        let delay = feed(&mut repeat, std::iter::repeat_n(0.42, 30));
        assert!(matches!(delay, Some(5..=6)), "{delay:?}");
    }

    #[test]
    fn a_coarse_value_takes_longer() {
        let mut repeat = Repeat::new();
        assert_eq!(feed(&mut repeat, noise(0.02, 2000)), None);
        let delay = feed(&mut repeat, std::iter::repeat_n(0.01, 60)).unwrap();
        assert!((6..20).contains(&delay), "{delay}");
    }

    #[test]
    fn a_value_that_repeats_by_habit_is_not_stuck() {
        let mut repeat = Repeat::new();
        let set_points = (0..40).flat_map(|level| std::iter::repeat_n(f64::from(level), 25));
        assert_eq!(feed(&mut repeat, set_points), None);
    }

    #[test]
    fn it_ends_with_the_first_other_value() {
        let mut repeat = Repeat::new();
        feed(&mut repeat, noise(0.5, 100));
        feed(&mut repeat, std::iter::repeat_n(0.42, 30));
        repeat.declare_stuck();
        assert!(!repeat.observe(0.42) && repeat.is_stuck());
        assert!(repeat.observe(0.43) && !repeat.is_stuck());
    }
}
