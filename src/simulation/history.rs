//! Recent samples: the newest of each entity, and as many before it as memory allows.

use std::{collections::VecDeque, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::grid::{
    entity::{Catalogue, EntityIndex, EntityKind},
    event::{Event, Outgoing},
    stream::STREAMS,
    telemetry::Sample,
};

/// How many samples of an entity are kept at most.
const MAX_PER_ENTITY: usize = 300;
/// How many samples are kept at most in all.
const MAX_IN_ALL: usize = 100_000;

/// The samples of one kind at one instant, in the order of the catalogue.
type Row = Arc<Vec<Option<Arc<Event>>>>;

/// The samples of one kind of entity. Rows are shared: a copy costs a pointer for each.
#[derive(Debug, Clone)]
struct Stream {
    kind: EntityKind,
    first: EntityIndex,
    entities: usize,
    rows: VecDeque<Row>,
}

/// The recent samples of all entities.
#[derive(Debug, Clone)]
pub struct History {
    streams: Vec<Stream>,
    latest: Arc<Vec<Option<Arc<Event>>>>,
    depth: usize,
}

impl History {
    /// A history without samples. Entities of one kind stand together in a catalogue.
    #[must_use]
    pub fn new(catalogue: &Catalogue) -> Self {
        let all = catalogue.all();
        let stream = |kind| {
            let range = catalogue.range(kind);
            (!range.is_empty()).then(|| Stream {
                kind,
                first: range.start,
                entities: range.len(),
                rows: VecDeque::new(),
            })
        };
        let kinds = STREAMS.iter().map(|stream| stream.kind);
        let streams: Vec<_> = kinds.filter_map(stream).collect();
        let sampled: usize = streams.iter().map(|stream| stream.entities).sum();
        Self {
            streams,
            latest: Arc::new(vec![None; all.len()]),
            depth: (MAX_IN_ALL / sampled.max(1)).clamp(1, MAX_PER_ENTITY),
        }
    }

    /// The newest sample of each entity, in the order of the catalogue.
    #[must_use]
    pub fn latest(&self) -> &Arc<Vec<Option<Arc<Event>>>> {
        &self.latest
    }

    /// Adds the samples of one kind at one instant.
    pub fn add(&mut self, kind: EntityKind, samples: &[Outgoing]) {
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.kind == kind) else {
            return;
        };
        let mut row = vec![None; stream.entities];
        let latest = Arc::make_mut(&mut self.latest);
        for sample in samples {
            let Some(at) = sample.sampled() else {
                continue;
            };
            if let Some(slot) = latest.get_mut(at) {
                *slot = Some(sample.event.clone());
            }
            if let Some(slot) = at.checked_sub(stream.first).and_then(|at| row.get_mut(at)) {
                *slot = Some(sample.event.clone());
            }
        }
        if stream.rows.len() == self.depth {
            stream.rows.pop_front();
        }
        stream.rows.push_back(Arc::new(row));
    }

    /// The samples of one entity that are kept, oldest first.
    #[must_use]
    pub fn of(&self, entity: EntityIndex) -> Vec<Arc<Event>> {
        let holds =
            |stream: &&Stream| (stream.first..stream.first + stream.entities).contains(&entity);
        let Some(stream) = self.streams.iter().find(holds) else {
            return Vec::new();
        };
        let slot = |row: &Row| row.get(entity - stream.first).cloned().flatten();
        stream.rows.iter().filter_map(slot).collect()
    }

    /// Everything kept, to go on elsewhere.
    #[must_use]
    pub fn record(&self) -> Record {
        let sample = |event: &Option<Arc<Event>>| match event.as_deref() {
            Some(Event::Sample(sample)) => Some(sample.clone()),
            _ => None,
        };
        let row = |row: &Row| row.iter().map(sample).collect();
        let stream = |stream: &Stream| (stream.kind, stream.rows.iter().map(row).collect());
        Record {
            streams: self.streams.iter().map(stream).collect(),
            latest: self.latest.iter().map(sample).collect(),
        }
    }

    /// A history that goes on where `record` was taken.
    #[must_use]
    pub fn resume(catalogue: &Catalogue, record: Record) -> Self {
        let mut history = Self::new(catalogue);
        let event = |sample: Option<Sample>| sample.map(|sample| Arc::new(Event::Sample(sample)));
        for (kind, rows) in record.streams {
            let Some(stream) = history.streams.iter_mut().find(|s| s.kind == kind) else {
                continue;
            };
            for samples in rows {
                let mut row: Vec<_> = samples.into_iter().map(event).collect();
                row.resize(stream.entities, None);
                stream.rows.push_back(Arc::new(row));
            }
        }
        let mut latest: Vec<_> = record.latest.into_iter().map(event).collect();
        latest.resize(catalogue.all().len(), None);
        history.latest = Arc::new(latest);
        history
    }
}

/// A history as plain values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    streams: Vec<(EntityKind, Vec<Vec<Option<Sample>>>)>,
    latest: Vec<Option<Sample>>,
}
