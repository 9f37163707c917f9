//! The whole state of the machine as plain values, to go on elsewhere.

use std::{collections::VecDeque, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    grid::{
        time::{Tick, Timeline},
        topology::{NetworkState, Topology},
    },
    plant::{Plant, PlantSpec, PlantState},
};

use super::{
    active::Active,
    control::Control,
    course::Course,
    history::{History, Record},
    machine::{Machine, Scheduled},
    native::Native,
    watch::{Watch, WatchState},
};

/// All that a [`Machine`] needs to go on elsewhere, bit for bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// The newest tick computed.
    pub tick: Tick,
    /// What the log says should be; its position is the next entry to read, less one.
    pub control: Control,
    scheduled: VecDeque<Scheduled>,
    course: Option<Course>,
    applied: u64,
    active: Option<ActiveSnapshot>,
    history: Record,
    network: Option<NetworkState>,
    /// The network as a run that is over left it, where that is not as the case has it.
    topology: Option<Topology>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ActiveSnapshot {
    plant: PlantState,
    watch: WatchState,
    native: Native,
}

impl Machine {
    /// The whole state, to go on elsewhere.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            tick: self.done,
            control: self.control.clone(),
            scheduled: self.scheduled.clone(),
            course: self.course.clone(),
            applied: self.applied,
            active: self.active.as_ref().map(|active| ActiveSnapshot {
                plant: active.plant.state().clone(),
                watch: active.watch.state().clone(),
                native: active.native.clone(),
            }),
            history: self.history.record(),
            network: self.network.as_deref().cloned(),
            topology: (self.active.is_none() && self.topology != *self.spec.topology())
                .then(|| self.topology.as_ref().clone()),
        }
    }

    /// A machine of the same plant that goes on where `snapshot` was taken.
    #[must_use]
    pub fn restore(spec: Arc<PlantSpec>, timeline: Timeline, snapshot: Snapshot) -> Self {
        let active = snapshot.active.zip(snapshot.course.as_ref());
        let active = active.map(|(active, course)| {
            let plant = Plant::resume(spec.clone(), &course.run.settings, active.plant);
            let watch = Watch::resume(&spec, plant.topology(), active.watch);
            Active {
                plant,
                watch,
                native: active.native,
            }
        });
        let mut machine = Self {
            timeline,
            done: snapshot.tick,
            control: snapshot.control,
            scheduled: snapshot.scheduled,
            course: snapshot.course,
            applied: snapshot.applied,
            history: History::resume(spec.catalogue(), snapshot.history),
            topology: match (&active, snapshot.topology) {
                (Some(active), _) => active.plant.topology().clone(),
                (None, Some(topology)) => Arc::new(topology),
                (None, None) => spec.topology().clone(),
            },
            network: snapshot.network.map(Arc::new),
            injections: Arc::default(),
            alerts: active
                .as_ref()
                .map(|active| active.watch.alerts())
                .unwrap_or_default(),
            active,
            spec,
        };
        machine.list_injections();
        machine
    }
}
