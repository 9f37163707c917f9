//! The way from the engine to the publisher.

use std::{collections::BTreeMap, mem, sync::Arc};

use tokio::sync::mpsc;
use tracing::warn;

use crate::grid::{
    entity::{Catalogue, EntityIndex},
    event::{Batch, Event, LossReason, Lost, Outgoing, RunChange},
    time::{Tick, Timestamp},
    topology::Topology,
};

use super::{alerts::Alerts, told::Told};

/// Passes batches on without ever making the engine wait: where the publisher is far behind,
/// samples are left out and counted, all other events are kept for the next batch. What has been
/// emitted for a tick is never emitted again, whatever a replay of that tick gives rise to.
pub(super) struct Outlet {
    sender: mpsc::Sender<Batch>,
    catalogue: Arc<Catalogue>,
    /// The newest tick of which anything was emitted.
    emitted: Tick,
    told: Told,
    /// Batches have not been emitted whole since the network and the alerts were last told.
    gap: bool,
    kept: Vec<Outgoing>,
    kept_run: RunChange,
    /// Samples that have been left out since the last batch went out.
    lost: BTreeMap<(EntityIndex, LossReason), u64>,
    left_out: u64,
}

impl Outlet {
    /// One whose clients know `topology` and nothing else.
    pub(super) fn new(
        sender: mpsc::Sender<Batch>,
        catalogue: Arc<Catalogue>,
        topology: Arc<Topology>,
    ) -> Self {
        Self {
            sender,
            catalogue,
            emitted: Tick(0),
            told: Told::new(topology),
            gap: false,
            kept: Vec::new(),
            kept_run: RunChange::None,
            lost: BTreeMap::new(),
            left_out: 0,
        }
    }

    /// Takes everything up to `tick` for emitted, and this network and these alerts for told.
    pub(super) fn skip_to(&mut self, tick: Tick, topology: &Arc<Topology>, alerts: &Alerts) {
        self.emitted = self.emitted.max(tick);
        self.told.adopt(topology, alerts);
        self.gap = false;
    }

    /// What follows is not what clients have been told so far leads to.
    pub(super) fn break_off(&mut self) {
        self.gap = true;
    }

    /// Tells what has changed of the network and the alerts in a gap, up to `tick`, if there was one.
    pub(super) fn close_gap(
        &mut self,
        tick: Tick,
        topology: &Arc<Topology>,
        alerts: &Alerts,
        timestamp: Timestamp,
    ) {
        if mem::take(&mut self.gap) {
            let events = self
                .told
                .missing(topology, alerts, &self.catalogue, timestamp);
            self.told.adopt(topology, alerts);
            self.pass_on(Batch {
                tick: tick.max(self.emitted),
                run: RunChange::None,
                events,
                lost: Vec::new(),
                commands: Vec::new(),
            });
        }
    }

    /// Tells that the run is another one, of which nothing is known yet.
    pub(super) fn change_run(&mut self, batch: Batch) {
        self.told.note(std::iter::empty(), batch.run);
        self.pass_on(batch);
    }

    /// Notes what a batch tells that is to be emitted. The alerts that commands report are none of the
    /// plant's; of a batch that is not `whole` only the commands' news is left.
    fn note(&mut self, batch: &Batch, whole: bool) {
        let of_command = |at: usize| {
            let mut commands = batch.commands.iter();
            !whole || commands.any(|command| command.events.contains(&at))
        };
        let events = batch
            .events
            .iter()
            .enumerate()
            .filter_map(|(at, outgoing)| {
                let event = outgoing.event.as_ref();
                let topology = matches!(event, Event::Topology(_));
                (topology || !of_command(at)).then_some(event)
            });
        self.told.note(events, batch.run);
    }

    /// Emits a batch. What its commands gave rise to goes out however old it is. Of a batch that is
    /// `too_old` nothing else does, nor of one whose tick was emitted before; that one was computed
    /// again because the command at place `late` came after it, and the news is that command's only.
    pub(super) fn emit(&mut self, mut batch: Batch, too_old: bool, late: Option<u64>) {
        let again = batch.tick <= self.emitted;
        let whole = !again && !too_old;
        if !whole {
            self.gap = true;
            let events = mem::take(&mut batch.events);
            if !again {
                self.lose(&events, LossReason::Gap);
            }
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
        self.note(&batch, whole);
        batch.tick = batch.tick.max(self.emitted);
        if !batch.events.is_empty() {
            self.emitted = batch.tick;
        }
        self.pass_on(batch);
    }

    /// Counts the samples among `events`, which nobody gets.
    fn lose(&mut self, events: &[Outgoing], reason: LossReason) {
        for entity in events.iter().filter_map(Outgoing::sampled) {
            *self.lost.entry((entity, reason)).or_default() += 1;
        }
    }

    fn pass_on(&mut self, mut batch: Batch) {
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
        let lost = mem::take(&mut self.lost).into_iter();
        batch.lost = lost
            .map(|((entity, reason), samples)| Lost {
                entity,
                reason,
                samples,
            })
            .collect();
        if let Err(mpsc::error::TrySendError::Full(batch)) = self.sender.try_send(batch) {
            self.keep(batch);
        }
    }

    /// Keeps all but the samples of a batch for the next one.
    fn keep(&mut self, mut batch: Batch) {
        for lost in batch.lost {
            self.lost.insert((lost.entity, lost.reason), lost.samples);
        }
        self.lose(&batch.events, LossReason::Limit);
        let before = batch.events.len();
        batch.events.retain(|event| event.sampled().is_none());
        self.left_out += (before - batch.events.len()) as u64;
        warn!(
            samples.left_out = self.left_out,
            "the publisher is behind: samples are left out"
        );
        self.kept = batch.events;
        self.kept_run = batch.run;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{
        alert::{Fault, FaultDetails, FaultPhase, FaultType, Severity, Subject},
        entity::EntityKind,
        event::{Effected, Notification},
        time::Timestamp,
    };

    fn network() -> Arc<Topology> {
        Arc::new(Topology {
            buses: Vec::new(),
            branches: Vec::new(),
        })
    }

    fn nothing() -> Arc<Catalogue> {
        Arc::new(Catalogue::new(Vec::new()))
    }

    fn fault() -> Fault {
        Fault {
            details: FaultDetails {
                id: "UNDERVOLTAGE-BUS-004-7".into(),
                fault_type: FaultType::Undervoltage,
                severity: Severity::High,
                phase: FaultPhase::Escalated,
                location: "BUS-004".into(),
                message: String::new(),
                subject: Subject::of(EntityKind::Bus, "BUS-004"),
                quantity: "voltageMagnitude".into(),
                value: 0.8,
                limit: 0.9,
                extreme: None,
                extreme_step: None,
            },
            timestamp: Timestamp::from_unix_ms(500),
        }
    }

    fn batch(tick: u64, command: Option<u64>) -> Batch {
        let time = Timestamp::from_unix_ms(0);
        let tell = |message| Outgoing::to_everyone(Event::Notification(message));
        let started = || tell(Notification::simulation_started(time));
        let mut events = vec![tell(Notification::simulation_stopped(time))];
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
            lost: Vec::new(),
            commands: commands.into_iter().collect(),
        }
    }

    fn emitted(sends: &[(Batch, bool, Option<u64>)]) -> Vec<(u64, usize, RunChange)> {
        let (sender, mut receiver) = mpsc::channel(10);
        let mut outlet = Outlet::new(sender, nothing(), network());
        for (batch, too_old, late) in sends {
            outlet.emit(batch.clone(), *too_old, *late);
        }
        std::iter::from_fn(|| receiver.try_recv().ok())
            .map(|batch| (batch.tick.0, batch.events.len(), batch.run))
            .collect()
    }

    #[test]
    fn what_a_gap_has_changed_is_told_once_after_it() {
        let timestamp = Timestamp::from_unix_ms(900);
        let (sender, mut receiver) = mpsc::channel(10);
        let mut outlet = Outlet::new(sender, nothing(), network());
        let mut names = |outlet: &mut Outlet, alerts: &Alerts| {
            outlet.close_gap(Tick(9), &network(), alerts, timestamp);
            let batches = std::iter::from_fn(|| receiver.try_recv().ok());
            batches
                .flat_map(|batch| batch.events)
                .map(|outgoing| {
                    let event = outgoing.event;
                    (event.name(), event.timestamp().unix_ms())
                })
                .collect::<Vec<_>>()
        };
        let fault = fault();
        let active = Alerts {
            faults: vec![fault.clone()],
            ..Alerts::default()
        };
        // Without a gap the events themselves tell it.
        assert_eq!(names(&mut outlet, &active), []);
        let raised = Batch {
            events: vec![Outgoing::alert(Event::Fault(fault), &nothing())],
            ..batch(5, None)
        };
        outlet.emit(raised, true, None);
        let told = [("fault:detected", 500), ("notification", 500)];
        assert_eq!(names(&mut outlet, &active), told);
        assert_eq!(names(&mut outlet, &active), []);
        outlet.break_off();
        let told = [("fault:cleared", 900), ("notification", 900)];
        assert_eq!(names(&mut outlet, &Alerts::default()), told);
        outlet.break_off();
        assert_eq!(names(&mut outlet, &Alerts::default()), []);
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
