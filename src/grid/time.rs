//! Ticks and timestamps.

use std::{fmt, time::Duration};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;

/// Simulated time of one step of the plant, in milliseconds.
pub const STEP_MS: u64 = 100;
/// Steps in a simulated second.
pub const STEPS_PER_SECOND: u64 = 1000 / STEP_MS;
/// A step of the plant in s.
pub const STEP_S: f64 = STEP_MS as f64 / 1000.0;

/// Milliseconds since the Unix epoch, written as `2026-11-23T23:14:26.500Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-23T23:14:26.500Z")]
pub struct Timestamp(i64);

impl Timestamp {
    /// The first and the last instant with a year of four digits, which is all that ISO 8601 promises.
    const RANGE_MS: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

    /// Midnight of 1 January 1970.
    pub const UNIX_EPOCH: Self = Self(0);

    /// The instant `ms` milliseconds after the Unix epoch, held within the years 0 to 9999.
    #[must_use]
    pub fn from_unix_ms(ms: i64) -> Self {
        Self(ms.clamp(*Self::RANGE_MS.start(), *Self::RANGE_MS.end()))
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn unix_ms(self) -> i64 {
        self.0
    }

    /// This instant moved by `ms` milliseconds.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self::from_unix_ms(self.0.saturating_add(ms))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The range is far inside chrono's, so the default is never taken.
        let time = DateTime::<Utc>::from_timestamp_millis(self.0).unwrap_or_default();
        f.write_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = DateTime::parse_from_rfc3339(&text).map_err(de::Error::custom)?;
        Ok(Self::from_unix_ms(time.timestamp_millis()))
    }
}

/// The number of a tick, counted from the Unix epoch. A tick lasts 100 ms of wall clock, or
/// 100 ms / rate with the load-test setting `RATE`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(transparent)]
#[schema(value_type = u64, example = 17_953_916_665_u64)]
pub struct Tick(pub u64);

impl Tick {
    /// The tick `ticks` later.
    #[must_use]
    pub fn plus(self, ticks: u64) -> Self {
        Self(self.0.saturating_add(ticks))
    }

    /// Ticks from `earlier` to this one, 0 if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// How ticks lie on the clock: `rate` x 10 of them a second, aligned to the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timeline {
    rate: u32,
}

impl Timeline {
    /// A timeline of `rate` x 10 ticks a second; 0 counts as 1.
    #[must_use]
    pub fn new(rate: u32) -> Self {
        Self { rate: rate.max(1) }
    }

    /// The tick that is in force at `unix_us` microseconds after the Unix epoch.
    #[must_use]
    pub fn tick_at(self, unix_us: u64) -> Tick {
        let ticks = u128::from(unix_us) * u128::from(self.rate) / 100_000;
        Tick(u64::try_from(ticks).unwrap_or(u64::MAX))
    }

    /// When `tick` begins, in microseconds since the Unix epoch (rounded up: never before it).
    #[must_use]
    pub fn begin_us(self, tick: Tick) -> u64 {
        let us = (u128::from(tick.0) * 100_000).div_ceil(u128::from(self.rate));
        u64::try_from(us).unwrap_or(u64::MAX)
    }

    /// The timestamp of `tick`: its begin, floored to the millisecond.
    #[must_use]
    pub fn timestamp(self, tick: Tick) -> Timestamp {
        let ms = u128::from(tick.0) * 100 / u128::from(self.rate);
        Timestamp::from_unix_ms(i64::try_from(ms).unwrap_or(i64::MAX))
    }

    /// How many ticks `ms` milliseconds last, rounded down.
    #[must_use]
    pub fn ticks_in_ms(self, ms: u64) -> u64 {
        ms.saturating_mul(u64::from(self.rate)) / 100
    }
}

impl Default for Timeline {
    fn default() -> Self {
        Self::new(1)
    }
}

/// A duration in whole microseconds.
#[must_use]
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_have_three_digits_and_z() {
        assert_eq!(
            Timestamp::from_unix_ms(0).to_string(),
            "1970-01-01T00:00:00.000Z"
        );
        assert_eq!(
            serde_json::to_string(&Timestamp::from_unix_ms(1_795_475_666_500)).unwrap(),
            "\"2026-11-23T23:14:26.500Z\""
        );
    }

    #[test]
    fn extreme_timestamps_are_held_in_range() {
        assert_eq!(
            Timestamp::from_unix_ms(i64::MAX).to_string(),
            "9999-12-31T23:59:59.999Z"
        );
        assert_eq!(
            Timestamp::from_unix_ms(i64::MIN).to_string(),
            "0000-01-01T00:00:00.000Z"
        );
    }

    #[test]
    fn ticks_are_multiples_of_100_ms_at_rate_one() {
        let timeline = Timeline::new(1);
        let tick = timeline.tick_at(1_795_475_666_599_999);
        assert_eq!(tick, Tick(17_954_756_665));
        assert_eq!(timeline.timestamp(tick).unix_ms(), 1_795_475_666_500);
        assert_eq!(timeline.begin_us(tick), 1_795_475_666_500_000);
    }

    #[test]
    fn every_tick_holds_its_own_begin_at_any_rate() {
        for rate in [1, 3, 7, 10, 99, 100] {
            let timeline = Timeline::new(rate);
            for tick in (17_954_756_000..17_954_756_100).map(Tick) {
                assert_eq!(
                    timeline.tick_at(timeline.begin_us(tick)),
                    tick,
                    "rate {rate}"
                );
                assert_eq!(timeline.tick_at(timeline.begin_us(tick) - 1).plus(1), tick);
            }
        }
    }
}
