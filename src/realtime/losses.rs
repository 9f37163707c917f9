//! What a client has lost and has not been told yet.

use std::collections::BTreeMap;

use crate::grid::{event::LossReason, time::Timestamp};

use super::{
    messages::{DROPPED, Dropped},
    packet::Frame,
};

/// How often a client is told at most, in milliseconds.
const PERIOD_MS: i64 = 1_000;

/// Samples that a client does not get, counted until it is told.
#[derive(Debug, Default)]
pub(super) struct Losses(Option<Box<Untold>>);

#[derive(Debug)]
struct Untold {
    samples: BTreeMap<LossReason, u64>,
    since: Timestamp,
    /// When the client was told last.
    told: Option<Timestamp>,
    /// Whether it is told of earlier losses by a message that still waits.
    waits: bool,
}

impl Losses {
    /// Counts samples that were lost at `now`.
    pub(super) fn add(&mut self, reason: LossReason, samples: u64, now: Timestamp) {
        if samples == 0 {
            return;
        }
        let untold = self.0.get_or_insert_with(|| {
            Box::new(Untold {
                samples: BTreeMap::new(),
                since: now,
                told: None,
                waits: false,
            })
        });
        if untold.samples.is_empty() {
            untold.since = now;
        }
        *untold.samples.entry(reason).or_default() += samples;
    }

    /// Counts samples that newer ones have replaced while the client did not keep up.
    pub(super) fn were_slow(&mut self, samples: u64, now: Timestamp) {
        self.add(LossReason::Slow, samples, now);
    }

    /// What to tell the client at `now`, if anything. It is told once, and again only when it has been sent
    /// this and a second has passed.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<Frame> {
        let untold = self.0.as_mut()?;
        let lately = |told: Timestamp| now.unix_ms() - told.unix_ms() < PERIOD_MS;
        if untold.samples.is_empty() || untold.waits || untold.told.is_some_and(lately) {
            return None;
        }
        untold.told = Some(now);
        untold.waits = true;
        let dropped = Dropped {
            counts: std::mem::take(&mut untold.samples),
            since: untold.since,
            timestamp: now,
        };
        Frame::event(DROPPED, &dropped)
    }

    /// Whether there is something left to tell.
    pub(super) fn are_untold(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|untold| !untold.samples.is_empty())
    }

    /// A message has begun to go out.
    pub(super) fn went_out(&mut self, frame: &Frame) {
        if let Some(untold) = &mut self.0
            && frame.name() == Some(DROPPED)
        {
            untold.waits = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(losses: &mut Losses, ms: i64) -> Option<String> {
        let frame = losses.due(Timestamp::from_unix_ms(ms))?;
        losses.went_out(&frame);
        Some(String::from_utf8(frame.text().to_vec()).unwrap())
    }

    #[test]
    fn a_client_is_told_once_a_second_at_most() {
        let mut losses = Losses::default();
        let at = Timestamp::from_unix_ms;
        assert_eq!(told(&mut losses, 0), None);
        losses.add(LossReason::Gap, 2, at(100));
        losses.were_slow(3, at(200));
        assert_eq!(
            told(&mut losses, 300).unwrap(),
            "42/realtime,[\"gridcast:dropped\",{\"counts\":{\"slow\":3,\"gap\":2},\
             \"since\":\"1970-01-01T00:00:00.100Z\",\"timestamp\":\"1970-01-01T00:00:00.300Z\"}]"
        );
        assert_eq!(told(&mut losses, 400), None);
        losses.were_slow(1, at(500));
        assert_eq!(told(&mut losses, 1_299), None);
        losses.were_slow(1, at(1_299));
        let again = told(&mut losses, 1_300).unwrap();
        assert!(
            again.contains("{\"slow\":2},\"since\":\"1970-01-01T00:00:00.500Z\""),
            "{again}"
        );
        assert_eq!(told(&mut losses, 9_000), None);
    }

    #[test]
    fn no_second_message_waits_behind_the_first() {
        let mut losses = Losses::default();
        losses.were_slow(1, Timestamp::from_unix_ms(0));
        let first = losses.due(Timestamp::from_unix_ms(0)).unwrap();
        losses.were_slow(1, Timestamp::from_unix_ms(5_000));
        assert!(losses.due(Timestamp::from_unix_ms(5_000)).is_none());
        losses.went_out(&first);
        assert!(losses.due(Timestamp::from_unix_ms(5_000)).is_some());
    }
}
