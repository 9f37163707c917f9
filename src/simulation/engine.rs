//! The loop that drives the machine: it alone owns it, and it alone knows clock, log and outlet.
//!
//! A command usually arrives before the tick at which it takes effect. Where it is late, the engine
//! goes back to a state before that tick and computes the ticks since then again; only what has not
//! been emitted yet goes out. Where even that does not help, or this instance's state is wrong, the
//! log hands it a snapshot to go on from.

use std::{
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::sleep_until,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    cluster::{
        CHECKPOINT_PERIOD, Checkpoint, Delivery, Feed, Input, Log, Restore, Snapshot, StateHash,
        clock::Clock,
    },
    config,
    grid::{
        command::Entry,
        event::{Batch, Event, Notification, Outgoing, RunChange},
        time::{Tick, Timeline},
    },
    health::{Health, Pulse},
    plant::{PlantSpec, Unsolved},
};

use super::{
    Simulation, View,
    machine::Machine,
    outlet::Outlet,
    pacing::{Pace, Pacing},
    prepared::Prepared,
    rewind::Rewind,
    transfer,
};

/// Batches older than this are not emitted any more.
const OLDEST_EMITTED_MS: u64 = 2_000;
/// How many batches may wait for the publisher.
const OUTLET_BATCHES: usize = 256;
/// How long the loop computes at a stretch when it is behind, before it looks at commands again.
const STRETCH: Duration = Duration::from_millis(50);
/// Starts the engine: the simulation's door, and the batches it gives rise to. It runs until
/// `shutdown`.
#[must_use]
pub fn start(
    Prepared { spec, step_time }: Prepared,
    defaults: config::Simulation,
    log: Log,
    feed: Feed,
    mut clock: Clock,
    health: &Health,
    shutdown: CancellationToken,
) -> (Simulation, mpsc::Receiver<Batch>) {
    let now = defaults.timeline.tick_at(clock.read_us());
    let machine = Machine::new(spec.clone(), &defaults, now);
    let (outlet, batches) = mpsc::channel(OUTLET_BATCHES);
    let (view, watched) = watch::channel(View::of(&machine, step_time));
    let engine = Engine {
        pacing: Pacing::new(feed.is_shared(), tokio::time::Instant::now()),
        health: health.clone(),
        unsolved: false,
        rewind: Rewind::new(&machine),
        machine,
        spec: spec.clone(),
        timeline: defaults.timeline,
        defaults: defaults.clone(),
        clock,
        feed,
        view,
        step_time,
        outlet: Outlet::new(outlet, spec.catalogue().clone(), spec.topology().clone()),
        restored: None,
    };
    engine.report_idle();
    health.spawn("engine", |pulse| engine.run(pulse, shutdown));
    (
        Simulation {
            log,
            view: watched,
            spec,
            defaults,
        },
        batches,
    )
}

struct Engine {
    spec: Arc<PlantSpec>,
    defaults: config::Simulation,
    machine: Machine,
    rewind: Rewind,
    clock: Clock,
    timeline: Timeline,
    feed: Feed,
    view: watch::Sender<View>,
    step_time: Duration,
    outlet: Outlet,
    pacing: Pacing,
    health: Health,
    /// Whether the network had no solution at the newest tick.
    unsolved: bool,
    /// Who waits until it has come to the present from a snapshot.
    restored: Option<oneshot::Sender<Result<(), String>>>,
}

impl Engine {
    async fn run(mut self, pulse: Pulse, shutdown: CancellationToken) {
        let mut beats = pulse.interval();
        loop {
            let next = self.timeline.begin_us(self.machine.done().plus(1));
            let wake = self.pacing.wake(self.clock.instant_of(next));
            let input = tokio::select! {
                () = shutdown.cancelled() => return,
                () = sleep_until(wake) => None,
                _ = beats.tick() => None,
                input = self.feed.next(self.machine.done()) => match input {
                    Some(input) => Some(input),
                    None => return,
                },
            };
            pulse.beat();
            self.pacing.look(tokio::time::Instant::now(), wake);
            match input {
                Some(input) => self.take(input),
                None => self.catch_up(),
            }
        }
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Command(delivery) => self.accept(delivery),
            Input::Restore(restore) => self.restore(restore),
            Input::Begin => self.begin(),
            Input::Covered { through } => self.pacing.cover(through),
            Input::Unreachable { heard } => self.pacing.lose(heard),
            Input::Snapshot { present, reply } => self.hand_out(present, reply),
        }
    }

    fn accept(&mut self, Delivery { entry, reply }: Delivery) {
        let newest = self.machine.position();
        if entry.position != newest + 1 {
            if entry.position > newest {
                warn!(
                    log.position = entry.position,
                    "commands are missing in between"
                );
                self.feed.ask_restore();
            }
            return;
        }
        let present = self.machine.done();
        let late = present.plus(1).since(entry.effective);
        if late > 0 && !self.go_back(&entry, late) {
            return;
        }
        // It is judged by the state at its own tick, like everywhere else.
        let verdict = self.machine.accept(&entry);
        if self.feed.is_shared() {
            self.rewind.note_entry(&entry);
        }
        match &verdict {
            Ok(_) => info!(
                log.position = entry.position,
                "accepted {:?}", entry.command
            ),
            Err(reason) => {
                info!(log.position = entry.position, %reason, "refused {:?}", entry.command);
            }
        }
        while self.machine.done() < present {
            self.step(present, Some(entry.position));
        }
        // The view first: whoever gets the answer and asks again must see it.
        self.show();
        if let Some(reply) = reply {
            reply.send(verdict);
        }
    }

    /// Goes back to a state before the tick of a command that comes `late` ticks after it. False if
    /// none is kept.
    fn go_back(&mut self, entry: &Entry, late: u64) -> bool {
        if let Some(machine) = self.rewind.before(entry.effective) {
            info!(
                log.position = entry.position,
                "a command is {late} ticks late: replayed"
            );
            self.machine = machine;
            return true;
        }
        warn!(
            log.position = entry.position,
            "a command is {late} ticks late: going on from a snapshot"
        );
        self.feed.ask_restore();
        false
    }

    /// Computes the ticks that are due, as far as all their commands are known.
    fn catch_up(&mut self) {
        let now = self.timeline.tick_at(self.clock.read_us());
        let done = self.machine.done();
        match self.pacing.pace(tokio::time::Instant::now(), done, now) {
            Pace::Compute(through) => self.compute(through, now),
            Pace::Ask(question) => self.feed.ask_covered(question),
            Pace::Wait => {}
        }
    }

    /// Computes ticks up to `through` and emits what is to be emitted of them at tick `now`.
    fn compute(&mut self, through: Tick, now: Tick) {
        self.machine.skip_to(Tick(through.0.saturating_sub(1)));
        let begun = Instant::now();
        while self.machine.done() < through && begun.elapsed() < STRETCH {
            self.step(now, None);
        }
        if self.machine.done() >= now
            && let Some(restored) = self.restored.take()
        {
            let _ = restored.send(Ok(()));
        }
        self.show();
    }

    /// Computes the next tick and emits what is to be emitted of it at tick `now`.
    fn step(&mut self, now: Tick, late: Option<u64>) {
        let next = self.machine.done().plus(1);
        let too_old = now.since(next) > self.timeline.ticks_in_ms(OLDEST_EMITTED_MS);
        if !too_old && late.is_none() {
            let done = self.machine.done();
            self.outlet.close_gap(
                done,
                self.machine.topology(),
                self.machine.alerts(),
                self.timeline.timestamp(done),
            );
        }
        let batch = self.machine.tick();
        self.log_solution();
        if self.feed.is_shared() {
            self.rewind.note_tick(&self.machine);
        }
        self.report();
        self.outlet.emit(batch, too_old, late);
    }

    /// Logs that the network has lost its solution, where it is farthest from one, or that it is back.
    fn log_solution(&mut self) {
        let unsolved = self.machine.unsolved();
        let was = mem::replace(&mut self.unsolved, unsolved.is_some());
        match unsolved {
            Some(Unsolved { bus, mismatch_pu }) if !was => warn!(
                %bus,
                mismatch_pu,
                "the power flow has not converged: the mismatch is largest at {bus}; samples are stale until it does"
            ),
            None if was => info!("the power flow has converged again"),
            _ => {}
        }
    }

    /// Starts afresh at the shared time, as the first of all instances.
    fn begin(&mut self) {
        self.clock.adopt();
        let now = self.timeline.tick_at(self.clock.read_us());
        self.machine = Machine::new(self.spec.clone(), &self.defaults, now);
        self.rewind = Rewind::new(&self.machine);
        let (topology, alerts) = (self.machine.topology(), self.machine.alerts());
        self.outlet.skip_to(self.machine.done(), topology, alerts);
        self.report_idle();
        self.show();
    }

    /// Reports a checkpoint, if this is one.
    fn report(&self) {
        let tick = self.machine.done();
        if tick.0.is_multiple_of(CHECKPOINT_PERIOD) {
            self.feed.report(Checkpoint {
                tick,
                applied: self.machine.applied(),
                hash: StateHash(self.machine.hash()),
            });
        }
    }

    /// Reports the newest checkpoint before a machine that has computed nothing yet.
    fn report_idle(&self) {
        let done = self.machine.done().0;
        self.feed.report(Checkpoint {
            tick: Tick(done - done % CHECKPOINT_PERIOD),
            applied: 0,
            hash: StateHash(None),
        });
    }

    fn restore(&mut self, restore: Restore) {
        let Restore {
            snapshot,
            first,
            done,
        } = restore;
        let state = match transfer::unpack(&snapshot.state) {
            Ok(state) => state,
            Err(error) => {
                let _ = done.send(Err(error.to_string()));
                return;
            }
        };
        let before = self.machine.active_run().map(str::to_owned);
        self.machine = Machine::restore(self.spec.clone(), self.timeline, state);
        self.rewind = Rewind::new(&self.machine);
        self.pacing.uncover();
        self.report();
        if first {
            self.clock.adopt();
            let now = self.timeline.tick_at(self.clock.read_us());
            let (topology, alerts) = (self.machine.topology(), self.machine.alerts());
            self.outlet.skip_to(now, topology, alerts);
        } else {
            self.outlet.break_off();
            let after = self.machine.active_run();
            if before.as_deref() != after {
                self.tell_change(after.is_some());
            }
        }
        self.restored = Some(done);
        self.show();
    }

    /// Tells that the run is another one since the state was restored.
    fn tell_change(&mut self, running: bool) {
        let now = self.timeline.tick_at(self.clock.read_us());
        let timestamp = self.timeline.timestamp(now);
        let (run, notification) = if running {
            (
                RunChange::Began,
                Notification::simulation_started(timestamp),
            )
        } else {
            (
                RunChange::Ended,
                Notification::simulation_stopped(timestamp),
            )
        };
        self.outlet.change_run(Batch {
            tick: now,
            run,
            events: vec![Outgoing::to_everyone(Event::Notification(notification))],
            lost: Vec::new(),
            commands: Vec::new(),
        });
    }

    /// Writes a snapshot, beside the loop: it can be large.
    fn hand_out(&self, present: bool, reply: oneshot::Sender<Snapshot>) {
        let machine = if present {
            Some(&self.machine)
        } else {
            self.rewind.newest_at(CHECKPOINT_PERIOD)
        };
        let Some(machine) = machine.cloned() else {
            return;
        };
        tokio::task::spawn_blocking(move || match transfer::pack(&machine.snapshot()) {
            Ok(state) => {
                let _ = reply.send(Snapshot {
                    tick: machine.done(),
                    position: machine.position(),
                    hash: StateHash(machine.hash()),
                    state,
                });
            }
            Err(error) => error!(%error, "a snapshot cannot be written"),
        });
    }

    fn show(&self) {
        let done = self.machine.done();
        self.health.note_tick(self.timeline.begin_us(done));
        self.view
            .send_replace(View::of(&self.machine, self.step_time));
    }
}

#[cfg(test)]
mod tests;
