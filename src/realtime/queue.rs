//! What waits for a client that does not keep up, within bounds.
//!
//! Everything waits in the order in which it was delivered. Where samples fill their share, the oldest go
//! of which a newer one of the same entity waits: what is left tells the present. Alerts, notifications and
//! answers are never dropped; a client that lets too many of them wait is cut off.

use std::{
    collections::{HashMap, VecDeque},
    io::IoSlice,
};

use bytes::{Buf, Bytes};

use crate::grid::entity::EntityIndex;

use super::packet::Frame;

/// How many parts one write takes at most. Linux takes up to 1024; beyond some dozens nothing is gained.
const PARTS: usize = 64;

/// How much may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    /// How many samples.
    pub(super) samples: usize,
    /// How many bytes of samples.
    pub(super) sample_bytes: usize,
    /// How many messages that are no samples.
    pub(super) kept: usize,
    /// How many bytes of messages that are no samples.
    pub(super) kept_bytes: usize,
}

impl Bounds {
    /// For a plant of so many entities: four of its largest ticks, and then some.
    pub(super) fn of_plant(entities: usize) -> Self {
        /// More than a sample of any kind takes.
        const SAMPLE_BYTES: usize = 512;
        let samples = 4 * entities + 1024;
        Self {
            samples,
            sample_bytes: samples * SAMPLE_BYTES,
            kept: 20_000,
            kept_bytes: 8_000_000,
        }
    }
}

#[derive(Debug)]
struct Waiting {
    frame: Frame,
    sampled: Option<EntityIndex>,
}

/// How much waits of one kind.
#[derive(Debug, Default, Clone, Copy)]
struct Load {
    count: usize,
    bytes: usize,
}

/// Too much waits that must not be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Overflow;

/// Messages that wait for a client.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// The rest of a message that has been written in part.
    rest: Bytes,
    waiting: VecDeque<Waiting>,
    samples: Load,
    kept: Load,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty() && self.waiting.is_empty()
    }

    /// Whether a message has been written in part: its rest must go out before anything else.
    pub(super) fn is_inside_message(&self) -> bool {
        !self.rest.is_empty()
    }

    /// Lets a message wait, or what is left of it after its first `written` bytes. Returns how many samples
    /// were dropped for it.
    pub(super) fn push(
        &mut self,
        frame: Frame,
        sampled: Option<EntityIndex>,
        written: usize,
        bounds: &Bounds,
    ) -> Result<u64, Overflow> {
        if written > 0 {
            self.rest = frame.wire.slice(written..);
            return Ok(0);
        }
        self.load(sampled).count += 1;
        self.load(sampled).bytes += frame.wire.len();
        self.waiting.push_back(Waiting { frame, sampled });
        if sampled.is_some() {
            return Ok(self.drop_old_samples(bounds));
        }
        if self.kept.count > bounds.kept || self.kept.bytes > bounds.kept_bytes {
            return Err(Overflow);
        }
        Ok(0)
    }

    /// The first message that waits, if none has been written in part.
    pub(super) fn first(&self) -> Option<&Frame> {
        let first = self.waiting.front().filter(|_| self.rest.is_empty());
        first.map(|waiting| &waiting.frame)
    }

    /// Takes the first message out. It has gone.
    pub(super) fn pop(&mut self) -> Option<Frame> {
        let Waiting { frame, sampled } = self.waiting.pop_front()?;
        let load = self.load(sampled);
        load.count -= 1;
        load.bytes -= frame.wire.len();
        Some(frame)
    }

    /// Forgets all but the rest of the message that has been written in part.
    pub(super) fn clear(&mut self) {
        self.waiting = VecDeque::new();
        self.samples = Load::default();
        self.kept = Load::default();
    }

    /// What is to be written next, as many parts as one write takes. With `only_rest` no message is begun.
    pub(super) fn parts(&self, only_rest: bool) -> Vec<IoSlice<'_>> {
        let rest = (!self.rest.is_empty()).then_some(&self.rest);
        let begun = if only_rest { 0 } else { PARTS };
        let wires = self.waiting.iter().map(|waiting| &waiting.frame.wire);
        let parts = rest.into_iter().chain(wires.take(begun)).take(PARTS);
        parts.map(|part| IoSlice::new(part)).collect()
    }

    /// Takes out what has been written: so many bytes of [`parts`](Self::parts). Each message that has begun
    /// to go out is handed to `gone`.
    pub(super) fn written(&mut self, mut bytes: usize, mut gone: impl FnMut(&Frame)) {
        let of_rest = bytes.min(self.rest.len());
        self.rest.advance(of_rest);
        bytes -= of_rest;
        while bytes > 0 {
            let Some(frame) = self.pop() else {
                return;
            };
            gone(&frame);
            let of_frame = bytes.min(frame.wire.len());
            self.rest = frame.wire.slice(of_frame..);
            bytes -= of_frame;
        }
    }

    fn load(&mut self, sampled: Option<EntityIndex>) -> &mut Load {
        match sampled {
            Some(_) => &mut self.samples,
            None => &mut self.kept,
        }
    }

    /// Where samples take more than their share, drops the oldest ones that a newer one of their entity
    /// stands for, until a quarter of the share is free. Returns how many.
    fn drop_old_samples(&mut self, bounds: &Bounds) -> u64 {
        if self.samples.count <= bounds.samples && self.samples.bytes <= bounds.sample_bytes {
            return 0;
        }
        let mut of_entity: HashMap<EntityIndex, usize> = HashMap::new();
        for entity in self.waiting.iter().filter_map(|waiting| waiting.sampled) {
            *of_entity.entry(entity).or_default() += 1;
        }
        let before = self.samples.count;
        let mut left = self.samples;
        self.waiting.retain(|waiting| {
            let enough =
                left.count <= bounds.samples / 4 * 3 && left.bytes <= bounds.sample_bytes / 4 * 3;
            let same = waiting
                .sampled
                .and_then(|entity| of_entity.get_mut(&entity));
            let Some(same) = same.filter(|same| !enough && **same > 1) else {
                return true;
            };
            *same -= 1;
            left.count -= 1;
            left.bytes -= waiting.frame.wire.len();
            false
        });
        self.samples = left;
        (before - left.count) as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const BOUNDS: Bounds = Bounds {
        samples: 8,
        sample_bytes: 100_000,
        kept: 100,
        kept_bytes: 3_000,
    };

    fn frame(number: usize) -> Frame {
        Frame::event("x", &json!({ "number": number })).unwrap()
    }

    /// The numbers of the messages in what was written.
    fn numbers(written: &[u8]) -> Vec<usize> {
        let text = String::from_utf8_lossy(written);
        let numbers = text.split("\"number\":").skip(1);
        numbers
            .map(|rest| rest.split('}').next().unwrap().parse().unwrap())
            .collect()
    }

    /// Writes `bytes` at most and returns what was written.
    fn write(queue: &mut Queue, bytes: usize) -> Vec<u8> {
        let parts = queue.parts(false);
        let all: Vec<u8> = parts.iter().flat_map(|part| part.to_vec()).collect();
        let bytes = bytes.min(all.len());
        queue.written(bytes, |_| ());
        all[..bytes].to_vec()
    }

    #[test]
    fn the_newest_of_each_entity_and_all_else_is_kept() {
        let mut queue = Queue::default();
        let mut dropped = 0;
        // An entity that is sampled once, a message, and another entity that is sampled often.
        queue.push(frame(0), Some(7), 0, &BOUNDS).unwrap();
        queue.push(frame(1), None, 0, &BOUNDS).unwrap();
        for number in 2..30 {
            dropped += queue.push(frame(number), Some(3), 0, &BOUNDS).unwrap();
            assert!(queue.samples.count <= BOUNDS.samples);
        }
        let left = numbers(&write(&mut queue, usize::MAX));
        assert!(
            left.starts_with(&[0, 1]) && left.ends_with(&[28, 29]),
            "{left:?}"
        );
        assert!(left.is_sorted());
        assert_eq!(left.len() + usize::try_from(dropped).unwrap(), 30);
        assert!(queue.is_empty());
        assert_eq!((queue.samples.bytes, queue.kept.bytes), (0, 0));
    }

    #[test]
    fn too_much_that_must_not_be_dropped_is_an_overflow() {
        let mut queue = Queue::default();
        let pushed = (0..101).map(|number| queue.push(frame(number), None, 0, &BOUNDS));
        let pushed: Vec<_> = pushed.collect();
        let first = pushed.iter().position(Result::is_err).unwrap();
        assert!((60..100).contains(&first), "{first}");
    }

    proptest! {
        /// However little is written at a time, what goes out is whole messages in order, and what is
        /// counted as dropped is what is missing.
        #[test]
        fn partial_writes_keep_messages_whole_and_in_order(
            steps in prop::collection::vec((any::<bool>(), 0..5usize, 0..90usize), 1..300),
        ) {
            let mut queue = Queue::default();
            let (mut written, mut dropped, mut pushed) = (Vec::new(), 0, 0);
            for (sample, entity, bytes) in steps {
                let sampled = sample.then_some(entity);
                if queue.kept.count < 30 || sample {
                    dropped += queue.push(frame(pushed), sampled, 0, &BOUNDS).unwrap();
                    pushed += 1;
                }
                written.extend(write(&mut queue, bytes));
            }
            while !queue.is_empty() {
                written.extend(write(&mut queue, 1000));
            }
            let numbers = numbers(&written);
            let whole: Vec<u8> = numbers.iter().flat_map(|n| frame(*n).wire.to_vec()).collect();
            prop_assert_eq!(&written, &whole);
            prop_assert!(numbers.is_sorted_by(|a, b| a < b));
            prop_assert_eq!(numbers.len() as u64 + dropped, pushed as u64);
        }
    }
}
