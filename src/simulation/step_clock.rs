//! How the steps of a run lie on ticks: `speed` of them a tick, from the newest change of speed on.

use serde::{Deserialize, Serialize};

use crate::grid::time::Tick;

/// A point at which tick and step are known, and the speed from there on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepClock {
    tick: Tick,
    step: u64,
    speed: u32,
}

impl StepClock {
    /// The clock of a run that begins at `start`.
    #[must_use]
    pub fn new(start: Tick, speed: u32) -> Self {
        Self {
            tick: start,
            step: 0,
            speed: speed.max(1),
        }
    }

    /// Steps per tick.
    #[must_use]
    pub fn speed(&self) -> u32 {
        self.speed
    }

    /// The newest step that has been computed when `tick` is done.
    #[must_use]
    pub fn step_at(&self, tick: Tick) -> u64 {
        let ticks = tick.since(self.tick);
        self.step
            .saturating_add(ticks.saturating_mul(self.speed.into()))
    }

    /// The tick that computes `step`; for steps before the newest change of speed, that of the change.
    #[must_use]
    pub fn tick_of(&self, step: u64) -> Tick {
        let steps = step.saturating_sub(self.step);
        self.tick.plus(steps.div_ceil(self.speed.into()))
    }

    /// Goes on at `speed` from the tick after `tick` on.
    pub fn change_speed(&mut self, tick: Tick, speed: u32) {
        *self = Self {
            tick,
            step: self.step_at(tick),
            speed: speed.max(1),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_and_ticks_fit_each_other() {
        let mut clock = StepClock::new(Tick(100), 3);
        assert_eq!(clock.step_at(Tick(100)), 0);
        assert_eq!(clock.step_at(Tick(104)), 12);
        assert_eq!(clock.tick_of(12), Tick(104));
        assert_eq!(clock.tick_of(13), Tick(105));
        clock.change_speed(Tick(104), 10);
        assert_eq!(clock.step_at(Tick(105)), 22);
        assert_eq!(clock.tick_of(12), Tick(104));
        assert_eq!(clock.tick_of(13), Tick(105));
    }
}
