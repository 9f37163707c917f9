//! Native samples: what sensors show every 0.5, 1 and 2 simulated seconds, whatever the speed. Detectors
//! see all of them; on the wire goes, at each of its periods, the newest.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    detect::Row,
    grid::{
        entity::{Catalogue, EntityKind},
        event::Event,
        telemetry::Sample,
        time::Timestamp,
        topology::NetworkState,
    },
    plant::Plant,
};

use super::{
    ledger::Injection,
    period::SAMPLED,
    sensor::{self, Instant},
};

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
struct Stream {
    kind: EntityKind,
    slots: Arc<Vec<Slot>>,
}

/// The newest native samples of all kinds. Cheap to copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Native {
    streams: Vec<Stream>,
    /// What flowed when buses were sampled last.
    network: Option<Arc<NetworkState>>,
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
        let stream = |kind| {
            let slots = catalogue.of_kind(kind).map(|_| Slot::default());
            Stream {
                kind,
                slots: Arc::new(slots.collect()),
            }
        };
        Self {
            streams: SAMPLED.into_iter().map(stream).collect(),
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
        // The tick's time is told when they go out.
        let timestamp = Timestamp::from_unix_ms(0);
        if kind == EntityKind::Bus {
            self.network = Some(Arc::new(match self.network.as_deref() {
                // The last solution stays, and nothing is concluded from it.
                Some(last) if !plant.converged() => NetworkState {
                    converged: false,
                    ..last.clone()
                },
                _ => plant.network(timestamp),
            }));
        }
        let mut samples = Vec::new();
        plant.sample(kind, timestamp, &mut samples);
        let mut samples = samples.into_iter().peekable();
        let mut taken = Taken {
            rows: Vec::new(),
            sampled: Vec::new(),
        };
        let before = self.slots(kind);
        let slots = catalogue.of_kind(kind).zip(before.iter());
        let slots = slots.map(|(entity, before)| {
            let sample = samples.next_if(|sample| *sample.entity() == entity.id);
            taken.sampled.push(sample.is_some());
            let before = before.sample.as_ref();
            let shown = sample.and_then(|sample| sensor::distort(sample, faults, before, at));
            taken.rows.push(shown.as_ref().map(Row::from));
            let fresh = shown.is_some();
            Slot {
                sample: shown.or_else(|| before.cloned()),
                fresh,
            }
        });
        let slots = Arc::new(slots.collect());
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.kind == kind) {
            stream.slots = slots;
        }
        taken
    }

    /// What the sensors of one entity, by its place among those of its kind, showed last.
    pub(super) fn last(&self, kind: EntityKind, entity: usize) -> Option<&Sample> {
        let stream = self.streams.iter().find(|stream| stream.kind == kind);
        stream?.slots.get(entity)?.sample.as_ref()
    }

    /// The newest samples of a kind, as they go out.
    pub(super) fn published(&self, kind: EntityKind, timestamp: Timestamp) -> Vec<Arc<Event>> {
        let slots = self.slots(kind);
        let fresh = slots.iter().filter(|slot| slot.fresh);
        let samples = fresh.filter_map(|slot| slot.sample.clone());
        samples
            .map(|sample| Arc::new(Event::Sample(sample.stamped(timestamp))))
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
