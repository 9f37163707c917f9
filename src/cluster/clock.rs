//! The clock that ticks are aligned to.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Wall clock time that never runs backwards and never jumps by a little.
///
/// It follows the monotonic clock from the moment of its making and steers towards the system's
/// wall clock by at most 1 % of the time that passes. Where the wall clock is ahead by more than
/// [`Clock::JUMP`] (the machine slept, somebody set the clock), it jumps there at once: the ticks
/// between are computed but not emitted. Where the wall clock is behind, it slows down instead.
#[derive(Debug, Clone)]
pub struct Clock {
    /// What this clock showed at `at`, in microseconds since the Unix epoch.
    shown_us: u64,
    at: Instant,
}

impl Clock {
    /// How far ahead the wall clock may be before this clock jumps.
    pub const JUMP: Duration = Duration::from_secs(2);

    /// A clock that shows the system's wall clock.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shown_us: wall_us(),
            at: Instant::now(),
        }
    }

    /// What it shows now, in microseconds since the Unix epoch. Reading it steers it.
    pub fn read_us(&mut self) -> u64 {
        let now = Instant::now();
        let passed_us = micros(now.saturating_duration_since(self.at));
        self.shown_us = steer(self.shown_us, passed_us, wall_us());
        self.at = now;
        self.shown_us
    }

    /// When it will show `unix_us`, as far as is known now.
    #[must_use]
    pub fn instant_of(&self, unix_us: u64) -> Instant {
        self.at + Duration::from_micros(unix_us.saturating_sub(self.shown_us))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// What a clock that showed `shown_us` shows `passed_us` later, when the wall clock shows `wall_us`.
fn steer(shown_us: u64, passed_us: u64, wall_us: u64) -> u64 {
    let expected = shown_us.saturating_add(passed_us);
    if wall_us > expected.saturating_add(micros(Clock::JUMP)) {
        return wall_us;
    }
    let step = passed_us / 100;
    wall_us.clamp(expected.saturating_sub(step), expected.saturating_add(step))
}

fn wall_us() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, micros)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_the_monotonic_clock_while_the_wall_clock_agrees() {
        assert_eq!(steer(1_000_000, 100_000, 1_100_000), 1_100_000);
    }

    #[test]
    fn it_steers_by_one_percent_at_most() {
        assert_eq!(steer(1_000_000, 100_000, 1_900_000), 1_101_000);
        assert_eq!(steer(1_000_000, 100_000, 1_100_500), 1_100_500);
    }

    #[test]
    fn it_never_runs_backwards() {
        assert_eq!(steer(5_000_000, 100_000, 0), 5_099_000);
        assert_eq!(steer(5_000_000, 0, 0), 5_000_000);
    }

    #[test]
    fn it_jumps_ahead_when_the_wall_clock_is_far_ahead() {
        assert_eq!(steer(1_000_000, 100_000, 9_000_000), 9_000_000);
    }
}
