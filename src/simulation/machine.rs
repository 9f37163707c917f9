//! The replicated state machine: the plant, stepped tick after tick, and the commands placed on it.
//!
//! No clock, no I/O, no randomness but the run's seed: the same entries give the same batches on
//! every instance. At a tick the run first advances by `speed` steps and is sampled, then the
//! commands of that tick take effect, in the order of the log. So a start's first sample comes one
//! full period after it, and a stop's notification is the last event of the run.

use std::{collections::VecDeque, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    cluster::{Outcome, Rejection, Verdict},
    config,
    grid::{
        alert::{Anomaly, Fault},
        command::{Entry, Report},
        entity::{Catalogue, EntityKind},
        event::{Batch, Effected, Event, Notification, RunChange},
        injection::InjectionView,
        run::{Run, SimulationView},
        time::{STEP_MS, Tick, Timeline},
        topology::{NetworkState, Topology, TopologyUpdate},
    },
    plant::{Plant, PlantSpec},
};

use super::{
    control::{Control, Effect},
    course::Course,
    history::History,
    period::{BUS_PERIOD, CONVERTER_PERIOD, RES_PERIOD},
    sensor,
    watch::{self, Alerts, Watch},
};

/// An effect that waits for its tick.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Scheduled {
    pub(super) at: Tick,
    /// Place of its command in the log.
    pub(super) position: u64,
    pub(super) effect: Effect,
}

/// What a run that is on computes.
#[derive(Debug, Clone)]
pub(super) struct Active {
    pub(super) plant: Plant,
    pub(super) watch: Watch,
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
            (Some(course), _) | (None, Some(course)) => course.injections(last),
            (None, None) => Vec::new(),
        };
        if views != *self.injections {
            self.injections = Arc::new(views);
        }
    }

    fn advance(&mut self, events: &mut Vec<Arc<Event>>) {
        let (Some(Active { plant, watch }), Some(course)) = (&mut self.active, &mut self.course)
        else {
            return;
        };
        let timestamp = self.timeline.timestamp(self.done);
        let converged = plant.converged();
        for _ in 0..course.speed() {
            course.next_step(&self.spec);
            plant.step(
                course
                    .ledger()
                    .active()
                    .iter()
                    .map(|injection| &injection.order),
            );
        }
        if !Arc::ptr_eq(&self.topology, plant.topology()) {
            self.topology = plant.topology().clone();
            watch.set_network(&self.topology);
            push(
                events,
                Event::Topology(TopologyUpdate {
                    topology: self.topology.clone(),
                    timestamp,
                }),
            );
        }
        if converged && !plant.converged() {
            push(
                events,
                Event::Notification(Notification::not_converged(timestamp)),
            );
        }
        let elapsed = self.done.since(course.run.start);
        let at = sensor::Instant {
            seed: course.run.settings.seed,
            step: course.step(),
            tick: self.done,
        };
        let mut alerts = Vec::new();
        for (kind, period) in [
            (EntityKind::ResUnit, RES_PERIOD),
            (EntityKind::Bus, BUS_PERIOD),
            (EntityKind::Converter, CONVERTER_PERIOD),
        ] {
            if !elapsed.is_multiple_of(period) {
                continue;
            }
            let mut samples = Vec::new();
            plant.sample(kind, timestamp, &mut samples);
            let sampled: Vec<_> = samples
                .iter()
                .map(|sample| sample.entity().clone())
                .collect();
            let latest = self.history.latest();
            let catalogue = self.spec.catalogue();
            let published: Vec<_> = samples
                .into_iter()
                .filter_map(|sample| {
                    let before = catalogue
                        .find(sample.entity().as_str())
                        .and_then(|at| latest.get(at)?.as_deref());
                    sensor::distort(sample, course.ledger().active(), before, at)
                })
                .map(|sample| Arc::new(Event::Sample(sample)))
                .collect();
            let seen = watch::Instant {
                step: at.step,
                dt_s: (period * u64::from(course.speed()) * STEP_MS) as f64 / 1000.0,
                timestamp,
            };
            watch.observe(kind, &sampled, &published, seen, &mut alerts);
            self.history.add(kind, catalogue, &published);
            events.extend(published);
            if kind == EntityKind::Bus {
                let last = self.network.as_deref();
                let network = if let (false, Some(last)) = (plant.converged(), last) {
                    // The last solution stays, and nothing is concluded from it.
                    Arc::new(NetworkState {
                        converged: false,
                        timestamp,
                        ..last.clone()
                    })
                } else {
                    let network = Arc::new(plant.network(timestamp));
                    watch.observe_flows(&network, seen, &mut alerts);
                    network
                };
                self.network = Some(network);
            }
        }
        if !alerts.is_empty() {
            self.alerts = watch.alerts();
        }
        for alert in alerts {
            let notification = match &alert {
                Event::Fault(fault) => Notification::of_fault(fault),
                Event::Anomaly(anomaly) => Some(Notification::of_anomaly(anomaly)),
                _ => None,
            };
            push(events, alert);
            if let Some(notification) = notification {
                push(events, Event::Notification(notification));
            }
        }
        self.list_injections();
    }

    fn take_effect(&mut self, effect: &Effect, batch: &mut Batch) {
        let timestamp = self.timeline.timestamp(self.done);
        if let (Some(course), false) = (&mut self.course, matches!(effect, Effect::Begin(_))) {
            // It was judged when it was accepted.
            let _ = course.take_effect(effect, self.done, &self.spec);
        }
        match effect {
            Effect::Begin(run) => {
                let plant = Plant::new(self.spec.clone(), &run.settings);
                let before = std::mem::replace(&mut self.topology, plant.topology().clone());
                if before != self.topology {
                    // What the run before left out of service is back.
                    push(
                        &mut batch.events,
                        Event::Topology(TopologyUpdate {
                            topology: self.topology.clone(),
                            timestamp,
                        }),
                    );
                }
                self.active = Some(Active {
                    plant,
                    watch: Watch::new(&self.spec),
                });
                self.course = Some(Course::begin(run.clone()));
                self.history = History::new(self.spec.catalogue());
                self.network = None;
                batch.run = RunChange::Began;
                push(
                    &mut batch.events,
                    Event::Notification(Notification::simulation_started(timestamp)),
                );
            }
            Effect::StartedAgain => {
                push(
                    &mut batch.events,
                    Event::Notification(Notification::simulation_started(timestamp)),
                );
            }
            Effect::End => {
                self.active = None;
                self.alerts = Arc::default();
                batch.run = RunChange::Ended;
                push(
                    &mut batch.events,
                    Event::Notification(Notification::simulation_stopped(timestamp)),
                );
            }
            Effect::Speed(_) | Effect::Inject(_) | Effect::EndInjection(_) => {}
            Effect::Report(Report::Fault(details)) => {
                let fault = Fault {
                    details: details.clone(),
                    timestamp,
                };
                let notification = Notification::of_fault(&fault);
                push(&mut batch.events, Event::Fault(fault));
                if let Some(notification) = notification {
                    push(&mut batch.events, Event::Notification(notification));
                }
            }
            Effect::Report(Report::Anomaly(details)) => {
                let anomaly = Anomaly {
                    details: details.clone(),
                    timestamp,
                };
                let notification = Notification::of_anomaly(&anomaly);
                push(&mut batch.events, Event::Anomaly(anomaly));
                push(&mut batch.events, Event::Notification(notification));
            }
        }
        self.list_injections();
    }
}

fn push(events: &mut Vec<Arc<Event>>, event: Event) {
    events.push(Arc::new(event));
}
