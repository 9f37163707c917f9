//! The way from the engine to the publisher.

use std::{mem, sync::Arc};

use tokio::sync::mpsc;
use tracing::warn;

use crate::grid::{
    event::{Batch, Event, RunChange},
    time::Tick,
};

/// Passes batches on without ever making the engine wait: where the publisher is far behind,
/// samples are left out and counted, all other events are kept for the next batch. What has been
/// emitted for a tick is never emitted again, whatever a replay of that tick gives rise to.
pub(super) struct Outlet {
    sender: mpsc::Sender<Batch>,
    /// The newest tick of which anything was emitted.
    emitted: Tick,
    kept: Vec<Arc<Event>>,
    kept_run: RunChange,
    left_out: u64,
}

impl Outlet {
    pub(super) fn new(sender: mpsc::Sender<Batch>) -> Self {
        Self {
            sender,
            emitted: Tick(0),
            kept: Vec::new(),
            kept_run: RunChange::None,
            left_out: 0,
        }
    }

    /// Takes everything up to `tick` for emitted.
    pub(super) fn skip_to(&mut self, tick: Tick) {
        self.emitted = self.emitted.max(tick);
    }

    /// Emits a batch. What its commands gave rise to goes out however old it is. Of a batch that is
    /// `too_old` nothing else does, nor of one whose tick was emitted before; that one was computed
    /// again because the command at place `late` came after it, and the news is that command's only.
    pub(super) fn emit(&mut self, mut batch: Batch, too_old: bool, late: Option<u64>) {
        let again = batch.tick <= self.emitted;
        if again || too_old {
            let events = mem::take(&mut batch.events);
            batch
                .commands
                .retain(|command| !again || Some(command.position) == late);
            for command in &batch.commands {
                let caused = events.get(command.events.clone()).unwrap_or_default();
                batch.events.extend_from_slice(caused);
            }
            if batch.commands.is_empty() {
                batch.run = RunChange::None;
            }
        }
        batch.tick = batch.tick.max(self.emitted);
        if !batch.events.is_empty() {
            self.emitted = batch.tick;
        }
        self.pass_on(batch);
    }

    /// Passes a batch on as it is.
    pub(super) fn pass_on(&mut self, mut batch: Batch) {
        if !self.kept.is_empty() {
            self.kept.append(&mut batch.events);
            batch.events = mem::take(&mut self.kept);
        }
        if batch.run == RunChange::None {
            batch.run = mem::replace(&mut self.kept_run, RunChange::None);
        }
        if batch.events.is_empty() && batch.run == RunChange::None {
            return;
        }
        if let Err(mpsc::error::TrySendError::Full(mut batch)) = self.sender.try_send(batch) {
            let before = batch.events.len();
            batch
                .events
                .retain(|event| !matches!(event.as_ref(), Event::Sample(_)));
            self.left_out += (before - batch.events.len()) as u64;
            warn!(
                samples.left_out = self.left_out,
                "the publisher is behind: samples are left out"
            );
            self.kept = batch.events;
            self.kept_run = batch.run;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{
        event::{Effected, Notification},
        time::Timestamp,
    };

    fn batch(tick: u64, command: Option<u64>) -> Batch {
        let time = Timestamp::from_unix_ms(0);
        let started = || Arc::new(Event::Notification(Notification::simulation_started(time)));
        let stopped = Arc::new(Event::Notification(Notification::simulation_stopped(time)));
        let mut events = vec![stopped];
        let commands = command.map(|position| {
            events.push(started());
            Effected {
                position,
                events: 1..2,
            }
        });
        Batch {
            tick: Tick(tick),
            run: if command.is_some() {
                RunChange::Began
            } else {
                RunChange::None
            },
            events,
            commands: commands.into_iter().collect(),
        }
    }

    fn emitted(sends: &[(Batch, bool, Option<u64>)]) -> Vec<(u64, usize, RunChange)> {
        let (sender, mut receiver) = mpsc::channel(10);
        let mut outlet = Outlet::new(sender);
        for (batch, too_old, late) in sends {
            outlet.emit(batch.clone(), *too_old, *late);
        }
        std::iter::from_fn(|| receiver.try_recv().ok())
            .map(|batch| (batch.tick.0, batch.events.len(), batch.run))
            .collect()
    }

    #[test]
    fn a_tick_is_emitted_once() {
        let sends = [
            (batch(7, None), false, None),
            (batch(7, None), false, None),
            (batch(8, None), false, None),
        ];
        let expected = [(7, 1, RunChange::None), (8, 1, RunChange::None)];
        assert_eq!(emitted(&sends), expected);
    }

    #[test]
    fn a_late_command_is_told_once_and_at_the_present_tick() {
        let sends = [
            (batch(9, None), false, None),
            (batch(7, Some(3)), false, Some(3)),
            (batch(8, None), false, Some(3)),
            (batch(9, None), false, Some(3)),
            (batch(7, Some(3)), false, Some(4)),
        ];
        let expected = [(9, 1, RunChange::None), (9, 1, RunChange::Began)];
        assert_eq!(emitted(&sends), expected);
    }

    #[test]
    fn what_is_too_old_is_not_emitted_but_for_news_of_commands() {
        let sends = [
            (batch(6, None), true, None),
            (batch(7, Some(3)), true, None),
            (batch(8, Some(4)), true, Some(4)),
        ];
        let expected = [(7, 1, RunChange::Began), (8, 1, RunChange::Began)];
        assert_eq!(emitted(&sends), expected);
    }
}
