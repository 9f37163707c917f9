//! The loop that drives the machine: it alone owns it, and it alone knows clock, log and outlet.

use std::{
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{mpsc, watch},
    time::sleep_until,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    cluster::{Delivery, Log, Reader, clock::Clock},
    config,
    grid::{
        event::{Batch, Event, RunChange},
        time::{Tick, Timeline},
    },
    plant::{Plant, PlantSpec},
};

use super::{Simulation, View, machine::Machine};

/// Batches older than this are not emitted any more.
const OLDEST_EMITTED_MS: u64 = 2_000;
/// How many batches may wait for the publisher.
const OUTLET_BATCHES: usize = 256;
/// How long the loop computes at a stretch when it is behind, before it looks at commands again.
const STRETCH: Duration = Duration::from_millis(50);
/// Steps that are timed at the start to learn what the machine can do.
const TIMED_STEPS: u32 = 20;

/// Starts the engine: the simulation's door, and the batches it gives rise to. It runs until
/// `shutdown`.
#[must_use]
pub fn start(
    spec: Arc<PlantSpec>,
    defaults: config::Simulation,
    (log, reader): (Log, Reader),
    shutdown: CancellationToken,
) -> (Simulation, mpsc::Receiver<Batch>) {
    let mut clock = Clock::new();
    let now = defaults.timeline.tick_at(clock.read_us());
    let step_time = time_steps(&spec);
    let machine = Machine::new(spec.clone(), &defaults, now);
    let (outlet, batches) = mpsc::channel(OUTLET_BATCHES);
    let (view, watched) = watch::channel(View::of(&machine, step_time));
    let timeline = defaults.timeline;
    let engine = Engine {
        machine,
        clock,
        timeline,
        reader,
        view,
        step_time,
        outlet: Outlet::new(outlet),
    };
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
    machine: Machine,
    clock: Clock,
    timeline: Timeline,
    reader: Reader,
    view: watch::Sender<View>,
    step_time: Duration,
    outlet: Outlet,
}

impl Engine {
    async fn run(mut self, shutdown: CancellationToken) {
        loop {
            let next = self.timeline.begin_us(self.machine.done().plus(1));
            let due = sleep_until(self.clock.instant_of(next));
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = due => self.catch_up(),
                delivery = self.reader.next(self.machine.done()) => match delivery {
                    Some(delivery) => self.accept(delivery),
                    None => return,
                },
            }
        }
    }

    fn accept(&mut self, Delivery { entry, reply }: Delivery) {
        let verdict = self.machine.accept(&entry);
        match &verdict {
            Ok(_) => info!(
                log.position = entry.position,
                "accepted {:?}", entry.command
            ),
            Err(reason) => {
                info!(log.position = entry.position, %reason, "refused {:?}", entry.command);
            }
        }
        // The view first: whoever gets the answer and asks again must see it.
        self.show();
        if let Some(reply) = reply {
            let _ = reply.send(verdict);
        }
    }

    /// Computes the ticks that are due.
    fn catch_up(&mut self) {
        let now = self.timeline.tick_at(self.clock.read_us());
        self.machine.skip_to(Tick(now.0.saturating_sub(1)));
        let begun = Instant::now();
        while self.machine.done() < now && begun.elapsed() < STRETCH {
            let batch = self.machine.tick();
            let age = now.since(batch.tick);
            self.outlet
                .send(batch, age > self.timeline.ticks_in_ms(OLDEST_EMITTED_MS));
        }
        self.show();
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

/// The way to the publisher, which never makes the engine wait: where the publisher is far behind,
/// samples are left out and counted, all other events are kept for the next batch.
struct Outlet {
    sender: mpsc::Sender<Batch>,
    kept: Vec<Arc<Event>>,
    kept_run: RunChange,
    left_out: u64,
}

impl Outlet {
    fn new(sender: mpsc::Sender<Batch>) -> Self {
        Self {
            sender,
            kept: Vec::new(),
            kept_run: RunChange::None,
            left_out: 0,
        }
    }

    fn send(&mut self, mut batch: Batch, too_old: bool) {
        if too_old {
            batch.events.clear();
        }
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
