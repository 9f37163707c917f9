//! Sends what the plant gives rise to into the rooms of this instance's clients.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use socketioxide::{BroadcastError, adapter::Adapter, operators::BroadcastOperators};
use tokio::sync::mpsc;
use tracing::warn;

use crate::{
    grid::{
        entity::EntityIndex,
        event::{Audience, Batch, Event, RunChange},
        time::Tick,
    },
    health::Pulse,
};

use super::State;

/// How long to keep quiet about lost events after having said it once.
const QUIET: Duration = Duration::from_secs(10);

/// The newest sample of each entity that has been emitted in the present run.
pub(super) struct Published {
    newest: Vec<Option<(Tick, Arc<Event>)>>,
}

impl Published {
    pub(super) fn new(entities: usize) -> Self {
        Self {
            newest: vec![None; entities],
        }
    }

    /// The newest sample of an entity and its tick.
    pub(super) fn newest(&self, entity: EntityIndex) -> Option<(Tick, &Arc<Event>)> {
        let (tick, event) = self.newest.get(entity)?.as_ref()?;
        Some((*tick, event))
    }

    fn note(&mut self, entity: Option<EntityIndex>, tick: Tick, event: &Arc<Event>) {
        if let Some(newest) = entity.and_then(|entity| self.newest.get_mut(entity)) {
            *newest = Some((tick, event.clone()));
        }
    }

    fn forget(&mut self) {
        self.newest.fill(None);
    }
}

/// Emits batch after batch until the engine ends.
pub(super) async fn publish<A: Adapter>(
    namespace: BroadcastOperators<A>,
    shared: Arc<State>,
    mut batches: mpsc::Receiver<Batch>,
    pulse: Pulse,
) {
    let mut losses = Losses::default();
    let mut beats = pulse.interval();
    loop {
        pulse.beat();
        let batch = tokio::select! {
            batch = batches.recv() => batch,
            _ = beats.tick() => continue,
        };
        let Some(batch) = batch else {
            return;
        };
        let mut published = shared.published.write().await;
        shared.emitting.begin(batch.tick);
        for event in &batch.events {
            if let Event::Sample(sample) = event.as_ref() {
                let entity = shared.catalogue.find(sample.entity().as_str());
                published.note(entity, batch.tick, event);
            }
            let local = namespace.clone().local();
            let audience = match event.audience() {
                Audience::Everyone => local,
                Audience::Rooms(rooms) => local.to(rooms),
            };
            losses.count(audience.emit(event.name(), event.as_ref()).await);
        }
        if batch.run != RunChange::None {
            published.forget();
        }
    }
}

/// Events that found a client's queue full.
#[derive(Default)]
struct Losses {
    events: u64,
    said: Option<Instant>,
}

impl Losses {
    fn count(&mut self, emitted: Result<(), BroadcastError>) {
        match emitted {
            Ok(()) => return,
            Err(BroadcastError::Socket(errors)) => self.events += errors.len() as u64,
            Err(error) => {
                warn!(%error, "an event could not be emitted");
                return;
            }
        }
        if self.said.is_none_or(|said| said.elapsed() > QUIET) {
            self.said = Some(Instant::now());
            warn!(
                events.lost = self.events,
                "clients that do not keep up have lost events"
            );
        }
    }
}
