//! What commands bring about in the machine at their effective tick.

use std::sync::Arc;

use crate::grid::{
    event::{Batch, Event, Notification, Outgoing, RunChange},
    run::Run,
    time::Timestamp,
    topology::TopologyUpdate,
};

use super::{active::Active, control::Effect, course::Course, history::History, machine::Machine};

impl Machine {
    /// Lets an effect act at the newest tick.
    pub(super) fn take_effect(&mut self, effect: &Effect, batch: &mut Batch) {
        let timestamp = self.timeline.timestamp(self.done);
        if let (Some(course), false) = (&mut self.course, matches!(effect, Effect::Begin(_))) {
            // It was judged when it was accepted.
            let _ = course.take_effect(effect, self.done, &self.spec);
        }
        match effect {
            Effect::Begin(run) => self.begin(run, batch, timestamp),
            Effect::StartedAgain => {
                let notification = Notification::simulation_started(timestamp);
                tell(batch, Event::Notification(notification));
            }
            Effect::End => {
                self.active = None;
                self.alerts = Arc::default();
                batch.run = RunChange::Ended;
                let notification = Notification::simulation_stopped(timestamp);
                tell(batch, Event::Notification(notification));
            }
            Effect::Speed(_) | Effect::Inject(_) | Effect::EndInjection(_) => {}
        }
        self.list_injections();
    }

    fn begin(&mut self, run: &Run, batch: &mut Batch, timestamp: Timestamp) {
        let active = Active::begin(&self.spec, &run.settings);
        let topology = active.plant.topology().clone();
        let before = std::mem::replace(&mut self.topology, topology.clone());
        if before != topology {
            // What the run before left out of service is back.
            let update = TopologyUpdate {
                topology,
                timestamp,
            };
            tell(batch, Event::Topology(update));
        }
        self.active = Some(active);
        self.course = Some(Course::begin(run.clone()));
        self.history = History::new(self.spec.catalogue());
        self.network = None;
        batch.run = RunChange::Began;
        let notification = Notification::simulation_started(timestamp);
        tell(batch, Event::Notification(notification));
    }
}

fn tell(batch: &mut Batch, event: Event) {
    batch.events.push(Outgoing::to_everyone(event));
}
