//! The loop that drives the machine: it alone owns it, and it alone knows clock, log and outlet.
//!
//! A command usually arrives before the tick at which it takes effect. Where it is late, the engine
//! goes back to a state before that tick and computes the ticks since then again; only what has not
//! been emitted yet goes out. Where even that does not help, or this instance's state is wrong, the
//! log hands it a snapshot to go on from.

use std::{
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
        event::{Batch, Event, Notification, RunChange},
        time::{Tick, Timeline},
    },
    plant::{Plant, PlantSpec},
};

use super::{Simulation, View, machine::Machine, outlet::Outlet, rewind::Rewind, transfer};

/// Batches older than this are not emitted any more.
const OLDEST_EMITTED_MS: u64 = 2_000;
/// How many batches may wait for the publisher.
const OUTLET_BATCHES: usize = 256;
/// How long the loop computes at a stretch when it is behind, before it looks at commands again.
const STRETCH: Duration = Duration::from_millis(50);
/// Steps that are timed at the start to learn what the machine can do.
const TIMED_STEPS: u32 = 20;
/// So far behind, this process was frozen: commands may have been placed in the meantime.
const FROZEN_TICKS: u64 = 10;
/// How long to wait after that for those commands; without them it goes on alone.
const PATIENCE: Duration = Duration::from_secs(1);

/// Starts the engine: the simulation's door, and the batches it gives rise to. It runs until
/// `shutdown`.
#[must_use]
pub fn start(
    spec: Arc<PlantSpec>,
    defaults: config::Simulation,
    log: Log,
    feed: Feed,
    mut clock: Clock,
    shutdown: CancellationToken,
) -> (Simulation, mpsc::Receiver<Batch>) {
    let now = defaults.timeline.tick_at(clock.read_us());
    let step_time = time_steps(&spec);
    let machine = Machine::new(spec.clone(), &defaults, now);
    let (outlet, batches) = mpsc::channel(OUTLET_BATCHES);
    let (view, watched) = watch::channel(View::of(&machine, step_time));
    let engine = Engine {
        rewind: Rewind::new(&machine),
        machine,
        spec: spec.clone(),
        timeline: defaults.timeline,
        defaults: defaults.clone(),
        clock,
        feed,
        view,
        step_time,
        outlet: Outlet::new(outlet, spec.topology().clone()),
        waiting_until: None,
        restored: None,
    };
    engine.report_idle();
    tokio::spawn(engine.run(shutdown));
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
    /// Until when to leave ticks alone, for the commands that were missed.
    waiting_until: Option<tokio::time::Instant>,
    /// Who waits until it has come to the present from a snapshot.
    restored: Option<oneshot::Sender<Result<(), String>>>,
}

impl Engine {
    async fn run(mut self, shutdown: CancellationToken) {
        loop {
            let next = self.timeline.begin_us(self.machine.done().plus(1));
            let due = self.clock.instant_of(next);
            let due = sleep_until(self.waiting_until.unwrap_or(due));
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = due => self.catch_up(),
                input = self.feed.next(self.machine.done()) => match input {
                    Some(input) => self.take(input),
                    None => return,
                },
            }
        }
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Command(delivery) => self.accept(delivery),
            Input::Restore(restore) => self.restore(restore),
            Input::Begin => self.begin(),
            Input::UpToDate => self.waiting_until = None,
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

    /// Computes the ticks that are due.
    fn catch_up(&mut self) {
        let now = self.timeline.tick_at(self.clock.read_us());
        let behind = now.since(self.machine.done());
        let waited = self.waiting_until.take().is_some();
        if behind > FROZEN_TICKS && !waited && self.restored.is_none() && self.feed.ask_up_to_date()
        {
            self.waiting_until = Some(tokio::time::Instant::now() + PATIENCE);
            return;
        }
        self.machine.skip_to(Tick(now.0.saturating_sub(1)));
        let begun = Instant::now();
        while self.machine.done() < now && begun.elapsed() < STRETCH {
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
        if self.feed.is_shared() {
            self.rewind.note_tick(&self.machine);
        }
        self.report();
        self.outlet.emit(batch, too_old, late);
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
        self.waiting_until = None;
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
            events: vec![Arc::new(Event::Notification(notification))],
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
        self.view
            .send_replace(View::of(&self.machine, self.step_time));
    }
}

/// The typical time of a step of the plant, measured on a scratch copy.
fn time_steps(spec: &Arc<PlantSpec>) -> Duration {
    let mut plant = Plant::new(spec.clone(), &Plant::trial_settings());
    let mut times: Vec<_> = (0..TIMED_STEPS)
        .map(|_| {
            let begun = Instant::now();
            plant.step(std::iter::empty());
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}
