//! The replicated state machine: the plant, stepped tick after tick, and the commands placed on it.
//!
//! No clock, no I/O, no randomness but the run's seed: the same entries give the same batches on
//! every instance. At a tick the run first advances by `speed` steps (`active.rs`), then the
//! commands of that tick take effect (`effects.rs`), in the order of the log. So a start's first
//! sample comes one full period after it, and a stop's notification is the last event of the run.

use std::{collections::VecDeque, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    config,
    grid::{
        command::{Entry, Outcome, Rejection, Verdict},
        entity::{Catalogue, EntityKind},
        event::{Batch, Effected, Event, Notification, Outgoing, RunChange},
        injection::InjectionView,
        run::{Run, SimulationView},
        stream::STREAMS,
        time::{Tick, Timeline},
        topology::{NetworkState, Topology, TopologyUpdate},
    },
    plant::{PlantSpec, Unsolved},
};

use super::{
    active::Active,
    alerts::Alerts,
    control::{Control, Effect},
    course::Course,
    history::History,
};

/// An effect that waits for its tick.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Scheduled {
    pub(super) at: Tick,
    /// Place of its command in the log.
    pub(super) position: u64,
    pub(super) effect: Effect,
}

/// The state of everything, at one tick.
#[derive(Debug, Clone)]
pub struct Machine {
    pub(super) spec: Arc<PlantSpec>,
    pub(super) timeline: Timeline,
    pub(super) done: Tick,
    pub(super) control: Control,
    pub(super) scheduled: VecDeque<Scheduled>,
    /// The present or last run.
    pub(super) course: Option<Course>,
    /// Place of the newest command that has taken effect.
    pub(super) applied: u64,
    pub(super) active: Option<Active>,
    pub(super) history: History,
    pub(super) topology: Arc<Topology>,
    pub(super) network: Option<Arc<NetworkState>>,
    pub(super) injections: Arc<Vec<InjectionView>>,
    pub(super) alerts: Arc<Alerts>,
}

impl Machine {
    /// A machine without a run, whose next tick is the one after `now`.
    #[must_use]
    pub fn new(spec: Arc<PlantSpec>, defaults: &config::Simulation, now: Tick) -> Self {
        Self {
            timeline: defaults.timeline,
            done: now,
            control: Control::new(defaults),
            scheduled: VecDeque::new(),
            course: None,
            applied: 0,
            active: None,
            history: History::new(spec.catalogue()),
            topology: spec.topology().clone(),
            network: None,
            injections: Arc::default(),
            alerts: Arc::default(),
            spec,
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
        let course = self.course.as_ref()?;
        self.active.as_ref().map(|_| course.run.id.as_str())
    }

    /// All entities of the plant.
    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        self.spec.catalogue()
    }

    /// The samples that are kept.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The network as it is now.
    #[must_use]
    pub fn topology(&self) -> &Arc<Topology> {
        &self.topology
    }

    /// What flows in the network, at the newest instant at which buses were sampled.
    #[must_use]
    pub fn network(&self) -> Option<&Arc<NetworkState>> {
        self.network.as_ref()
    }

    /// The injections of the present or last run, counting commands from when they were accepted.
    #[must_use]
    pub fn injections(&self) -> &Arc<Vec<InjectionView>> {
        &self.injections
    }

    /// The faults and anomalies that are active.
    #[must_use]
    pub fn alerts(&self) -> &Arc<Alerts> {
        &self.alerts
    }

    /// A hash of the plant's state: equal on all instances at the same tick of the same run.
    #[must_use]
    pub fn hash(&self) -> Option<u64> {
        self.active.as_ref().map(|active| active.plant.hash())
    }

    /// Where the network of the run that is on is farthest from a solution; none where it has one.
    #[must_use]
    pub fn unsolved(&self) -> Option<Unsolved> {
        self.active.as_ref()?.plant.unsolved()
    }

    /// Takes the next entry of the log into account and says what it came to.
    ///
    /// # Errors
    /// The rejection, if the command comes to nothing.
    pub fn accept(&mut self, entry: &Entry) -> Verdict {
        let mut injection = None;
        if let Some(effect) = self.control.apply(entry, self.timeline)? {
            if matches!(effect, Effect::Inject(_) | Effect::EndInjection(_)) {
                let mut course = self.ahead(entry.effective).ok_or(Rejection::Stopped)?;
                injection = course.take_effect(&effect, entry.effective, &self.spec)?;
            }
            self.scheduled.push_back(Scheduled {
                at: entry.effective,
                position: entry.position,
                effect,
            });
            self.list_injections();
        }
        Ok(Outcome {
            simulation: self.view(),
            injection,
        })
    }

    /// Computes the next tick.
    pub fn tick(&mut self) -> Batch {
        self.done = self.done.plus(1);
        let mut batch = Batch {
            tick: self.done,
            run: RunChange::None,
            events: Vec::new(),
            lost: Vec::new(),
            commands: Vec::new(),
        };
        self.advance(&mut batch.events);
        while let Some(next) = self.scheduled.pop_front_if(|next| next.at <= self.done) {
            let before = batch.events.len();
            self.take_effect(&next.effect, &mut batch);
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
        let steps = |run: &Run| match &self.course {
            Some(course) if course.run.id == run.id => course.step(),
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

    /// The course of the run at a tick to come, as the commands placed so far make it.
    fn ahead(&self, tick: Tick) -> Option<Course> {
        let mut course = self.course.clone();
        for Scheduled { at, effect, .. } in &self.scheduled {
            match (&mut course, effect) {
                (_, Effect::Begin(run)) => course = Some(Course::begin(run.clone())),
                (Some(course), effect) => {
                    course.play_to(*at, &self.spec);
                    // It was judged when it was accepted.
                    let _ = course.take_effect(effect, *at, &self.spec);
                }
                (None, _) => {}
            }
        }
        if let Some(course) = &mut course {
            course.play_to(tick, &self.spec);
        }
        course
    }

    pub(super) fn list_injections(&mut self) {
        let last = self
            .scheduled
            .back()
            .map_or(self.done, |last| last.at.max(self.done));
        let course = if self.scheduled.is_empty() {
            None
        } else {
            self.ahead(last)
        };
        let views = match (&course, &self.course) {
            (Some(course), _) | (None, Some(course)) => course.injections(),
            (None, None) => Vec::new(),
        };
        if views != *self.injections {
            self.injections = Arc::new(views);
        }
    }

    /// The run goes on by a tick.
    fn advance(&mut self, events: &mut Vec<Outgoing>) {
        let timestamp = self.timeline.timestamp(self.done);
        let (Some(active), Some(course)) = (&mut self.active, &mut self.course) else {
            return;
        };
        let news = active.advance(course, &self.spec, timestamp);
        for topology in news.topologies {
            self.topology = topology.clone();
            let update = TopologyUpdate {
                topology,
                timestamp,
            };
            events.push(Outgoing::to_everyone(Event::Topology(update)));
        }
        if news.unsolved {
            let notification = Notification::not_converged(timestamp);
            events.push(Outgoing::to_everyone(Event::Notification(notification)));
        }
        if !news.alerts.is_empty() {
            self.alerts = active.watch.alerts();
        }
        self.publish(events);
        for alert in news.alerts {
            events.extend(Outgoing::announced(alert, self.spec.catalogue()));
        }
        self.list_injections();
    }

    /// Samples go out whose period on the wire is over.
    fn publish(&mut self, events: &mut Vec<Outgoing>) {
        let (Some(active), Some(course)) = (&self.active, &self.course) else {
            return;
        };
        let timestamp = self.timeline.timestamp(self.done);
        let elapsed = self.done.since(course.run.start);
        for stream in STREAMS {
            if !stream.is_due(elapsed) {
                continue;
            }
            let kind = stream.kind;
            let native = active.shown(stream, course, &self.spec);
            let first = self.spec.catalogue().range(kind).start;
            let published = native.published(kind, first, timestamp);
            self.history.add(kind, &published);
            events.extend(published);
            if kind == EntityKind::Bus {
                self.network = native.network(timestamp);
            }
        }
    }
}
