//! Sends what the plant gives rise to, and this instance's messages, to the clients of this instance.

use std::{collections::BTreeMap, sync::Arc};

use tokio::{sync::mpsc, task::yield_now};

use crate::{
    grid::{
        event::{Batch, Event, Notification, Outgoing, RunChange},
        time::{Tick, Timestamp},
    },
    health::Pulse,
};

use super::{
    client::Client,
    common::Common,
    members::{Block, Group, Subscription, joined},
    packet::Encoded,
};

/// How many batches go out at once where the publisher is late: each client gets them in one write.
const JOINED_BATCHES: usize = 16;
/// After so many clients the publisher gives a sign of life and lets others have their turn.
const CLIENTS_AT_A_STRETCH: usize = 512;

/// Publishes batch after batch, and messages in between, until the engine ends.
pub(super) async fn publish(
    shared: Arc<Common<Client>>,
    mut batches: mpsc::Receiver<Batch>,
    mut messages: mpsc::Receiver<Notification>,
    pulse: Pulse,
) {
    let mut beats = pulse.interval();
    let mut tick = Tick(0);
    let mut due = Vec::with_capacity(JOINED_BATCHES);
    loop {
        pulse.beat();
        let message = tokio::select! {
            count = batches.recv_many(&mut due, JOINED_BATCHES) => {
                if count == 0 {
                    return;
                }
                None
            }
            message = messages.recv(), if !messages.is_closed() => message,
            _ = beats.tick() => continue,
        };
        if let Some(message) = message {
            let message = Outgoing::to_everyone(Event::Notification(message));
            let now = (shared.host.now)();
            let encoded = Encoded::new(std::iter::once((tick, &message)));
            send_out(&shared, &encoded, &[], tick, now, &pulse).await;
        }
        if let Some(last) = due.last() {
            tick = last.tick;
            let now = (shared.host.now)();
            let events = due
                .iter()
                .flat_map(|batch| batch.events.iter().map(|event| (batch.tick, event)));
            let encoded = Encoded::new(events);
            send_out(&shared, &encoded, &due, tick, now, &pulse).await;
            due.clear();
        }
    }
}

async fn send_out(
    shared: &Common<Client>,
    encoded: &Encoded,
    batches: &[Batch],
    tick: Tick,
    now: Timestamp,
    pulse: &Pulse,
) {
    let mut changes = batches.iter().rev();
    let run_over = changes.find(|batch| batch.run != RunChange::None);
    let run_over = run_over.map(|batch| batch.tick);
    let groups = shared.members.begin(&encoded.events, run_over);
    let mut served = 0;
    for Group {
        subscription,
        clients,
    } in groups
    {
        let Some(block) = block(encoded, batches, subscription, tick, now) else {
            continue;
        };
        for client in clients.iter().flatten() {
            client.deliver(&block);
            served += 1;
            if served % CLIENTS_AT_A_STRETCH == 0 {
                pulse.beat();
                yield_now().await;
            }
        }
    }
}

/// What goes out to a group; `None` if nothing does.
fn block(
    encoded: &Encoded,
    batches: &[Batch],
    subscription: Arc<Subscription>,
    tick: Tick,
    now: Timestamp,
) -> Option<Block> {
    let reaching = encoded
        .events
        .iter()
        .filter(|one| one.reaches(&subscription));
    let events: Vec<_> = reaching.cloned().collect();
    let mut lost = BTreeMap::new();
    for loss in batches.iter().flat_map(|batch| &batch.lost) {
        if subscription.has(loss.entity) {
            *lost.entry(loss.reason).or_default() += loss.samples;
        }
    }
    if events.is_empty() && lost.is_empty() {
        return None;
    }
    let wire = if events.len() == encoded.events.len() {
        encoded.wire.clone()
    } else {
        joined(&events)
    };
    Some(Block {
        wire,
        events,
        subscription,
        tick,
        now,
        lost,
    })
}
