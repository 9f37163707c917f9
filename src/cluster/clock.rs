//! The clock that ticks are aligned to.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::time::Instant;

use crate::grid::time::micros;

/// Wall clock time that never runs backwards and never jumps by a little.
///
/// It follows the monotonic clock from the moment of its making and steers towards its reference by
/// at most 1 % of the time that passes. The reference is the system's wall clock or the time of the
/// Redis that all instances share. Where the reference is ahead by more than [`Clock::JUMP`] (the
/// machine slept, somebody set the clock), it jumps there at once: the ticks between are computed but
/// not emitted. Where the reference is behind, it slows down instead.
#[derive(Debug, Clone)]
pub struct Clock {
    /// What this clock showed at `at`, in microseconds since the Unix epoch.
    shown_us: u64,
    at: Instant,
    reference: Option<SharedTime>,
}

impl Clock {
    /// How far ahead the reference may be before this clock jumps.
    pub const JUMP: Duration = Duration::from_secs(2);

    /// A clock that shows the system's wall clock.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shown_us: wall_us(),
            at: Instant::now(),
            reference: None,
        }
    }

    /// A clock that follows the shared time as soon as that is known, and the wall clock until then.
    #[must_use]
    pub fn shared(reference: SharedTime) -> Self {
        Self {
            reference: Some(reference),
            ..Self::new()
        }
    }

    /// What it shows now, in microseconds since the Unix epoch. Reading it steers it.
    pub fn read_us(&mut self) -> u64 {
        let now = Instant::now();
        let passed_us = micros(now.saturating_duration_since(self.at));
        self.shown_us = steer(self.shown_us, passed_us, self.reference_us());
        self.at = now;
        self.shown_us
    }

    /// Shows its reference from now on, even if that is behind: for an instance that has just come
    /// to the others and has emitted nothing.
    pub fn adopt(&mut self) {
        self.at = Instant::now();
        self.shown_us = self.reference_us();
    }

    /// When it will show `unix_us`, as far as is known now.
    #[must_use]
    pub fn instant_of(&self, unix_us: u64) -> Instant {
        self.at + Duration::from_micros(unix_us.saturating_sub(self.shown_us))
    }

    fn reference_us(&self) -> u64 {
        let shared = self.reference.as_ref().and_then(SharedTime::now_us);
        shared.unwrap_or_else(wall_us)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// What a clock that showed `shown_us` shows `passed_us` later, when the reference shows
/// `reference_us`.
fn steer(shown_us: u64, passed_us: u64, reference_us: u64) -> u64 {
    let expected = shown_us.saturating_add(passed_us);
    if reference_us > expected.saturating_add(micros(Clock::JUMP)) {
        return reference_us;
    }
    let step = passed_us / 100;
    reference_us.clamp(expected.saturating_sub(step), expected.saturating_add(step))
}

/// The time that all instances share, counted on with this machine's monotonic clock. Cheap to
/// clone.
#[derive(Debug, Clone)]
pub struct SharedTime {
    begin: Instant,
    /// The shared time at `begin` in microseconds since the Unix epoch; [`SharedTime::UNKNOWN`]
    /// before the first measurement.
    at_begin_us: Arc<AtomicI64>,
}

impl SharedTime {
    const UNKNOWN: i64 = i64::MIN;

    /// A time that is not known yet.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            begin: Instant::now(),
            at_begin_us: Arc::new(AtomicI64::new(Self::UNKNOWN)),
        }
    }

    /// One that shows `us` now, for tests.
    #[cfg(test)]
    pub(crate) fn known(us: u64) -> Self {
        let time = Self::unknown();
        time.set(i64::try_from(us).unwrap());
        time
    }

    /// Microseconds since the Unix epoch, if known.
    #[must_use]
    pub fn now_us(&self) -> Option<u64> {
        let at_begin_us = self.at_begin_us.load(Ordering::Acquire);
        if at_begin_us == Self::UNKNOWN {
            return None;
        }
        u64::try_from(at_begin_us.saturating_add(self.passed_us(Instant::now()))).ok()
    }

    /// How far the shared time is ahead of the system's wall clock, in milliseconds; 0 if unknown.
    #[must_use]
    pub fn offset_ms(&self) -> f64 {
        let offset_us = self.now_us().map_or(0.0, |us| us as f64 - wall_us() as f64);
        (offset_us / 10.0).round() / 100.0 + 0.0
    }

    fn passed_us(&self, at: Instant) -> i64 {
        let passed = at.saturating_duration_since(self.begin);
        i64::try_from(passed.as_micros()).unwrap_or(i64::MAX)
    }

    fn set(&self, at_begin_us: i64) {
        self.at_begin_us.store(at_begin_us, Ordering::Release);
    }
}

/// Keeps a [`SharedTime`] at what a remote clock shows, from round trips to it. The quickest of the
/// recent ones tells best: its error is at most half of its duration.
#[derive(Debug)]
pub(super) struct Measurements {
    time: SharedTime,
    recent: VecDeque<Measurement>,
    /// How many of the newest have contradicted the best.
    contradictions: usize,
}

#[derive(Debug, Clone, Copy)]
struct Measurement {
    round_trip_us: i64,
    at_begin_us: i64,
}

impl Measurements {
    const KEPT: usize = 16;
    /// A contradiction by this many in a row means that the remote clock has jumped.
    const CONVINCING: usize = 3;
    const TOLERANCE_US: i64 = 5_000;

    pub(super) fn new(time: SharedTime) -> Self {
        Self {
            time,
            recent: VecDeque::new(),
            contradictions: 0,
        }
    }

    /// Takes a round trip into account that began at `sent`, ends now, and brought `remote_us`.
    pub(super) fn add(&mut self, sent: Instant, remote_us: u64) {
        let sent_us = self.time.passed_us(sent);
        let received_us = self.time.passed_us(Instant::now());
        let round_trip_us = received_us - sent_us;
        let remote_us = i64::try_from(remote_us).unwrap_or(i64::MAX);
        self.take(Measurement {
            round_trip_us,
            at_begin_us: remote_us - (sent_us + round_trip_us / 2),
        });
        if let Some(best) = self.best() {
            self.time.set(best.at_begin_us);
        }
    }

    fn take(&mut self, new: Measurement) {
        let contradicts = self.best().is_some_and(|best| {
            let error_us =
                i64::midpoint(new.round_trip_us, best.round_trip_us) + Self::TOLERANCE_US;
            (new.at_begin_us - best.at_begin_us).abs() > error_us
        });
        self.contradictions = if contradicts {
            self.contradictions + 1
        } else {
            0
        };
        self.recent.push_back(new);
        if self.contradictions >= Self::CONVINCING {
            let old = self.recent.len() - self.contradictions;
            self.recent.drain(..old);
            self.contradictions = 0;
        }
        if self.recent.len() > Self::KEPT {
            self.recent.pop_front();
        }
    }

    fn best(&self) -> Option<Measurement> {
        self.recent
            .iter()
            .copied()
            .min_by_key(|one| one.round_trip_us)
    }
}

pub(super) fn wall_us() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, micros)
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

    fn measurement(round_trip_us: i64, at_begin_us: i64) -> Measurement {
        Measurement {
            round_trip_us,
            at_begin_us,
        }
    }

    #[test]
    fn the_quickest_round_trip_counts() {
        let mut measurements = Measurements::new(SharedTime::unknown());
        measurements.take(measurement(900, 1_000_300));
        measurements.take(measurement(100, 1_000_020));
        measurements.take(measurement(10_000_000, 6_000_000));
        assert_eq!(measurements.best().unwrap().at_begin_us, 1_000_020);
    }

    #[test]
    fn a_jump_counts_when_it_stays() {
        let mut measurements = Measurements::new(SharedTime::unknown());
        measurements.take(measurement(100, 1_000_000));
        for _ in 0..2 {
            measurements.take(measurement(200, 9_000_000));
            assert_eq!(measurements.best().unwrap().at_begin_us, 1_000_000);
        }
        measurements.take(measurement(200, 9_000_000));
        assert_eq!(measurements.best().unwrap().at_begin_us, 9_000_000);
    }

    #[test]
    fn a_shared_clock_follows_the_shared_time() {
        let time = SharedTime::unknown();
        let mut clock = Clock::shared(time.clone());
        assert_eq!(time.now_us(), None);
        let mut measurements = Measurements::new(time);
        measurements.add(Instant::now(), 5_000_000);
        assert!(
            clock.read_us() > 5_000_000,
            "it never runs backwards by itself"
        );
        clock.adopt();
        let shown_us = clock.read_us();
        assert!((5_000_000..60_000_000).contains(&shown_us), "{shown_us}");
    }
}
