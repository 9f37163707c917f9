//! Native samples: what sensors show every 0.5, 1 and 2 simulated seconds, whatever the speed. Detectors
//! see all of them; on the wire goes what sensors show at each of its periods, which is one of them unless
//! the speed was changed in between.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    grid::{
        entity::{Catalogue, EntityIndex, EntityKind},
        event::Outgoing,
        stream::{STREAMS, Stream},
        telemetry::{Row, Sample},
        time::Timestamp,
        topology::NetworkState,
    },
    plant::Plant,
};

use super::{
    ledger::Injection,
    sensor::{self, Instant},
};

/// The tick's time is told when samples go out.
const UNSTAMPED: Timestamp = Timestamp::UNIX_EPOCH;

/// What the sensors of one entity showed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Slot {
    /// The last they showed.
    sample: Option<Sample>,
    /// Whether that was at the newest native instant of its kind.
    fresh: bool,
}

/// What the sensors of one kind showed, in the order of the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Slots {
    kind: EntityKind,
    slots: Arc<Vec<Slot>>,
}

/// The newest native samples of all kinds. Cheap to copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Native {
    streams: Vec<Slots>,
    /// What flowed when buses were sampled last.
    network: Option<Arc<NetworkState>>,
}

/// What the sensors of an entity show at an instant.
struct Reading {
    /// Whether the entity was sampled: a bus without supply is not.
    sampled: bool,
    /// None where the sample is missing.
    shown: Option<Sample>,
}

/// The native samples of one kind at one instant, as detectors take them.
pub(super) struct Taken {
    /// By entity; none where a sample is missing.
    pub(super) rows: Vec<Option<Row>>,
    /// Whether the entity was sampled: a bus without supply is not.
    pub(super) sampled: Vec<bool>,
}

impl Native {
    /// Nothing has been sampled.
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        let stream = |stream: &Stream| {
            let slots = catalogue.of_kind(stream.kind).map(|_| Slot::default());
            Slots {
                kind: stream.kind,
                slots: Arc::new(slots.collect()),
            }
        };
        Self {
            streams: STREAMS.into_iter().map(stream).collect(),
            network: None,
        }
    }

    /// Samples all entities of a kind, whose sensors have these faults.
    pub(super) fn take(
        &mut self,
        kind: EntityKind,
        plant: &Plant,
        catalogue: &Catalogue,
        faults: &[Injection],
        at: Instant,
    ) -> Taken {
        if kind == EntityKind::Bus {
            self.network = Some(Arc::new(self.flows(plant)));
        }
        let before = self.slots(kind);
        let read = self.read(kind, plant, catalogue, faults, at);
        let taken = Taken {
            sampled: read.iter().map(|reading| reading.sampled).collect(),
            rows: read
                .iter()
                .map(|reading| reading.shown.as_ref().map(|sample| sample.row))
                .collect(),
        };
        let slots = read.into_iter().zip(before.iter());
        let slots = slots.map(|(Reading { shown, .. }, before)| Slot {
            fresh: shown.is_some(),
            sample: shown.or_else(|| before.sample.clone()),
        });
        let slots = Arc::new(slots.collect());
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.kind == kind) {
            stream.slots = slots;
        }
        taken
    }

    /// What the sensors of all entities of a kind show now. Nothing is remembered of it.
    fn read(
        &self,
        kind: EntityKind,
        plant: &Plant,
        catalogue: &Catalogue,
        faults: &[Injection],
        at: Instant,
    ) -> Vec<Reading> {
        let mut samples = Vec::new();
        plant.sample(kind, UNSTAMPED, &mut samples);
        let mut samples = samples.into_iter().peekable();
        let before = self.slots(kind);
        let entities = catalogue.of_kind(kind).zip(before.iter());
        let readings = entities.map(|(entity, before)| {
            let sample = samples.next_if(|sample| sample.entity == entity.id);
            Reading {
                sampled: sample.is_some(),
                shown: sample
                    .and_then(|sample| sensor::distort(sample, faults, before.sample.as_ref(), at)),
            }
        });
        readings.collect()
    }

    /// What flows now; without a solution the last one stays, and nothing is concluded from it.
    fn flows(&self, plant: &Plant) -> NetworkState {
        match self.network.as_deref() {
            Some(last) if !plant.converged() => NetworkState {
                converged: false,
                ..last.clone()
            },
            _ => plant.network(UNSTAMPED),
        }
    }

    /// What goes out of a kind at an instant between native samples, where a change of speed has shifted
    /// the wire's periods against theirs: all that goes out at one instant is of one state.
    pub(super) fn between(
        &self,
        kind: EntityKind,
        plant: &Plant,
        catalogue: &Catalogue,
        faults: &[Injection],
        at: Instant,
    ) -> Self {
        let slots = self.read(kind, plant, catalogue, faults, at);
        let slots = slots.into_iter().map(|Reading { shown, .. }| Slot {
            fresh: shown.is_some(),
            sample: shown,
        });
        let network = (kind == EntityKind::Bus).then(|| Arc::new(self.flows(plant)));
        Self {
            streams: vec![Slots {
                kind,
                slots: Arc::new(slots.collect()),
            }],
            network,
        }
    }

    /// What the sensors of one entity, by its place among those of its kind, showed last.
    pub(super) fn last(&self, kind: EntityKind, entity: usize) -> Option<&Sample> {
        let stream = self.streams.iter().find(|stream| stream.kind == kind);
        stream?.slots.get(entity)?.sample.as_ref()
    }

    /// The newest samples of a kind, whose first entity stands at `first`, as they go out.
    pub(super) fn published(
        &self,
        kind: EntityKind,
        first: EntityIndex,
        timestamp: Timestamp,
    ) -> Vec<Outgoing> {
        let slots = self.slots(kind);
        let fresh = (first..).zip(slots.iter()).filter(|(_, slot)| slot.fresh);
        fresh
            .filter_map(|(entity, slot)| Some((entity, slot.sample.clone()?)))
            .map(|(entity, sample)| Outgoing::sample(entity, sample.stamped(timestamp)))
            .collect()
    }

    /// What flowed when buses were sampled last.
    pub(super) fn network(&self, timestamp: Timestamp) -> Option<Arc<NetworkState>> {
        let network = self.network.as_deref()?.clone();
        Some(Arc::new(NetworkState {
            timestamp,
            ..network
        }))
    }

    fn slots(&self, kind: EntityKind) -> Arc<Vec<Slot>> {
        let stream = self.streams.iter().find(|stream| stream.kind == kind);
        stream
            .map(|stream| stream.slots.clone())
            .unwrap_or_default()
    }
}
