//! The replicated state machine: the plant, stepped tick after tick, and the commands placed on it.
//!
//! No clock, no I/O, no randomness but the run's seed: the same entries give the same batches on
//! every instance. At a tick the run first advances by `speed` steps and is sampled, then the
//! commands of that tick take effect, in the order of the log. So a start's first sample comes one
//! full period after it, and a stop's notification is the last event of the run.

use std::{collections::VecDeque, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    cluster::Verdict,
    config,
    grid::{
        alert::{Anomaly, Fault},
        command::{Entry, Report},
        entity::Catalogue,
        event::{Batch, Effected, Event, Notification, RunChange},
        run::{Run, SimulationView},
        telemetry::Sample,
        time::{Tick, Timeline},
    },
    plant::{Plant, PlantSpec, PlantState},
};

use super::control::{Control, Effect};

/// Ticks between two samples of a converter.
pub const CONVERTER_PERIOD: u64 = 5;
/// Ticks between two samples of a bus.
pub const BUS_PERIOD: u64 = 10;
/// Ticks between two samples of a renewable unit.
pub const RES_PERIOD: u64 = 20;

/// An effect that waits for its tick.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Scheduled {
    at: Tick,
    /// Place of its command in the log.
    position: u64,
    effect: Effect,
}

/// A run that is on.
#[derive(Debug, Clone)]
struct Active {
    run: Run,
    speed: u32,
    plant: Plant,
}

/// How far the newest run that has begun has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Progress {
    run: String,
    steps: u64,
}

/// The state of everything, at one tick.
#[derive(Debug, Clone)]
pub struct Machine {
    spec: Arc<PlantSpec>,
    catalogue: Arc<Catalogue>,
    timeline: Timeline,
    done: Tick,
    control: Control,
    scheduled: VecDeque<Scheduled>,
    /// Place of the newest command that has taken effect.
    applied: u64,
    active: Option<Active>,
    progress: Option<Progress>,
    latest: Arc<Vec<Option<Arc<Event>>>>,
}

/// All that a [`Machine`] needs to go on elsewhere, bit for bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// The newest tick computed.
    pub tick: Tick,
    /// What the log says should be; its position is the next entry to read, less one.
    pub control: Control,
    scheduled: VecDeque<Scheduled>,
    applied: u64,
    active: Option<ActiveSnapshot>,
    progress: Option<Progress>,
    latest: Vec<Option<Sample>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ActiveSnapshot {
    run: Run,
    speed: u32,
    plant: PlantState,
}

impl Machine {
    /// A machine without a run, whose next tick is the one after `now`.
    #[must_use]
    pub fn new(spec: Arc<PlantSpec>, defaults: &config::Simulation, now: Tick) -> Self {
        let catalogue = Arc::new(spec.catalogue());
        Self {
            latest: Arc::new(vec![None; catalogue.all().len()]),
            spec,
            catalogue,
            timeline: defaults.timeline,
            done: now,
            control: Control::new(defaults),
            scheduled: VecDeque::new(),
            applied: 0,
            active: None,
            progress: None,
        }
    }

    /// The newest tick computed.
    #[must_use]
    pub fn done(&self) -> Tick {
        self.done
    }

    /// The place in the log of the newest command taken into account, 0 before the first.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.control.position
    }

    /// The place in the log of the newest command that has taken effect, 0 before the first. At equal
    /// ticks, machines with equal values here have equal states.
    #[must_use]
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// The id of the run that is on at this tick.
    #[must_use]
    pub fn active_run(&self) -> Option<&str> {
        self.active.as_ref().map(|active| active.run.id.as_str())
    }

    /// All entities of the plant.
    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// The newest sample of each entity, in the order of the catalogue.
    #[must_use]
    pub fn latest(&self) -> &Arc<Vec<Option<Arc<Event>>>> {
        &self.latest
    }

    /// A hash of the plant's state: equal on all instances at the same tick of the same run.
    #[must_use]
    pub fn hash(&self) -> Option<u64> {
        self.active.as_ref().map(|active| active.plant.hash())
    }

    /// Takes the next entry of the log into account and says what it came to.
    ///
    /// # Errors
    /// The rejection, if the command comes to nothing.
    pub fn accept(&mut self, entry: &Entry) -> Verdict {
        if let Some(effect) = self.control.apply(entry, self.timeline)? {
            self.scheduled.push_back(Scheduled {
                at: entry.effective,
                position: entry.position,
                effect,
            });
        }
        Ok(self.view())
    }

    /// Computes the next tick.
    pub fn tick(&mut self) -> Batch {
        self.done = self.done.plus(1);
        let mut batch = Batch {
            tick: self.done,
            run: RunChange::None,
            events: Vec::new(),
            commands: Vec::new(),
        };
        self.advance(&mut batch.events);
        while let Some(next) = self.scheduled.pop_front_if(|next| next.at <= self.done) {
            let before = batch.events.len();
            self.take_effect(next.effect, &mut batch);
            self.applied = next.position;
            batch.commands.push(Effected {
                position: next.position,
                events: before..batch.events.len(),
            });
        }
        batch
    }

    /// Leaves out the ticks up to `tick`, as long as there is nothing to compute.
    pub fn skip_to(&mut self, tick: Tick) {
        if self.active.is_none() && self.scheduled.is_empty() {
            self.done = self.done.max(tick);
        }
    }

    /// The run as it should be, counting commands from when they were accepted.
    #[must_use]
    pub fn view(&self) -> SimulationView {
        let control = &self.control;
        let run = control.run.as_ref();
        let steps = |run: &Run| match &self.progress {
            Some(progress) if progress.run == run.id => progress.steps,
            _ => 0,
        };
        SimulationView {
            run_id: run.map(|run| run.id.clone()),
            is_running: control.running,
            seed: run.map(|run| run.settings.seed),
            speed: control.speed,
            simulated_time: run.map(|run| run.settings.simulated_time(steps(run))),
            tick: self.done,
            noise: control.noise,
            disturbances: control.disturbances,
        }
    }

    /// The whole state, to go on elsewhere.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let sample = |event: &Arc<Event>| match event.as_ref() {
            Event::Sample(sample) => Some(sample.clone()),
            _ => None,
        };
        Snapshot {
            tick: self.done,
            control: self.control.clone(),
            scheduled: self.scheduled.clone(),
            applied: self.applied,
            active: self.active.as_ref().map(|active| ActiveSnapshot {
                run: active.run.clone(),
                speed: active.speed,
                plant: active.plant.state().clone(),
            }),
            progress: self.progress.clone(),
            latest: self
                .latest
                .iter()
                .map(|event| event.as_ref().and_then(sample))
                .collect(),
        }
    }

    /// A machine of the same plant that goes on where `snapshot` was taken.
    #[must_use]
    pub fn restore(spec: Arc<PlantSpec>, timeline: Timeline, snapshot: Snapshot) -> Self {
        let catalogue = Arc::new(spec.catalogue());
        let event = |sample: Option<Sample>| sample.map(|sample| Arc::new(Event::Sample(sample)));
        let mut latest: Vec<_> = snapshot.latest.into_iter().map(event).collect();
        latest.resize(catalogue.all().len(), None);
        let resume = |active: ActiveSnapshot| Active {
            plant: Plant::resume(spec.clone(), &active.run.settings, active.plant),
            run: active.run,
            speed: active.speed,
        };
        Self {
            timeline,
            done: snapshot.tick,
            control: snapshot.control,
            scheduled: snapshot.scheduled,
            applied: snapshot.applied,
            active: snapshot.active.map(resume),
            progress: snapshot.progress,
            latest: Arc::new(latest),
            catalogue,
            spec,
        }
    }

    fn advance(&mut self, events: &mut Vec<Arc<Event>>) {
        let Some(Active { run, speed, plant }) = &mut self.active else {
            return;
        };
        for _ in 0..*speed {
            plant.step();
        }
        if let Some(progress) = &mut self.progress {
            progress.steps = plant.steps();
        }
        let timestamp = self.timeline.timestamp(self.done);
        let elapsed = self.done.since(run.start);
        let mut samples = Vec::new();
        if elapsed.is_multiple_of(RES_PERIOD) {
            plant.sample_res(timestamp, &mut samples);
        }
        if elapsed.is_multiple_of(BUS_PERIOD) {
            plant.sample_buses(timestamp, &mut samples);
        }
        if elapsed.is_multiple_of(CONVERTER_PERIOD) {
            plant.sample_converters(timestamp, &mut samples);
        }
        if samples.is_empty() {
            return;
        }
        let latest = Arc::make_mut(&mut self.latest);
        for sample in samples {
            let at = self.catalogue.find(sample.entity().as_str());
            let event = Arc::new(Event::Sample(sample));
            if let Some(slot) = at.and_then(|at| latest.get_mut(at)) {
                *slot = Some(event.clone());
            }
            events.push(event);
        }
    }

    fn take_effect(&mut self, effect: Effect, batch: &mut Batch) {
        let timestamp = self.timeline.timestamp(self.done);
        match effect {
            Effect::Begin(run) => {
                let plant = Plant::new(self.spec.clone(), &run.settings);
                self.progress = Some(Progress {
                    run: run.id.clone(),
                    steps: 0,
                });
                self.active = Some(Active {
                    speed: run.settings.speed,
                    run,
                    plant,
                });
                self.latest = Arc::new(vec![None; self.catalogue.all().len()]);
                batch.run = RunChange::Began;
                push(
                    batch,
                    Event::Notification(Notification::simulation_started(timestamp)),
                );
            }
            Effect::StartedAgain => {
                push(
                    batch,
                    Event::Notification(Notification::simulation_started(timestamp)),
                );
            }
            Effect::End => {
                self.active = None;
                batch.run = RunChange::Ended;
                push(
                    batch,
                    Event::Notification(Notification::simulation_stopped(timestamp)),
                );
            }
            Effect::Speed(speed) => {
                if let Some(active) = &mut self.active {
                    active.speed = speed;
                }
            }
            Effect::Report(Report::Fault(details)) => {
                let fault = Fault { details, timestamp };
                let notification = Notification::of_fault(&fault);
                push(batch, Event::Fault(fault));
                if let Some(notification) = notification {
                    push(batch, Event::Notification(notification));
                }
            }
            Effect::Report(Report::Anomaly(details)) => {
                let anomaly = Anomaly { details, timestamp };
                let notification = Notification::of_anomaly(&anomaly);
                push(batch, Event::Anomaly(anomaly));
                push(batch, Event::Notification(notification));
            }
        }
    }
}

fn push(batch: &mut Batch, event: Event) {
    batch.events.push(Arc::new(event));
}
