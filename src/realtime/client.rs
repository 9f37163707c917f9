//! All that is known of one client: an Engine.IO session, from the request that opens it to its end,
//! however often it joins and leaves the namespace meanwhile.
//!
//! One lock guards it, held for as long as a message takes to be handed to the kernel. It may be held while
//! the lock of [`Members`](super::members::Members) is taken, never the other way round.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    net::TcpStream,
    runtime::Handle,
    time::{Instant, sleep, sleep_until, timeout_at},
};
use tracing::{debug, warn};

use crate::{
    grid::{entity::EntityIndex, time::Tick},
    net::connection::{Between, ConnectionHandle},
};

use super::{
    common::Common,
    members::{Block, Place, Subscription},
    outbox::{Outbox, Wait},
    packet::{Addressed, Answer, Frame},
    queue::Overflow,
    sessions::Registered,
    stay::Stay,
};

/// How long to leave the engine's queue alone when it is full.
const FULL_QUEUE_PAUSE: Duration = Duration::from_millis(10);
/// How long to wait before looking again whether a client may be told what it has lost.
const TELLING_PAUSE: Duration = Duration::from_millis(250);

/// One client.
pub(super) struct Client {
    pub(super) shared: Arc<Common<Self>>,
    /// The thread on which the engine serves it.
    pub(super) home: Handle,
    /// Where it can be found by its session's id, if it began by polling.
    pub(super) registered: OnceLock<Registered<Self>>,
    known: Mutex<Known>,
}

/// What is known of a client.
struct Known {
    outbox: Outbox,
    /// How often it has begun to join the namespace.
    stays: u64,
    /// Its stay in the namespace, if it is in it.
    stay: Option<Box<dyn Stay>>,
    /// What it subscribes to, from when it has joined.
    place: Option<Place>,
    /// Its subscription has changed since the last tick was delivered to it.
    changed: bool,
    /// The newest tick that was delivered to it.
    reached: Tick,
    /// Entities of which it may have samples newer than `reached`, or which it has left, with the newest
    /// tick whose sample it may have.
    seen: HashMap<EntityIndex, Tick>,
}

impl Client {
    /// One that opens a session, served on `home`.
    pub(super) fn new(shared: Arc<Common<Self>>, home: Handle) -> Arc<Self> {
        Arc::new(Self {
            shared,
            home,
            registered: OnceLock::new(),
            known: Mutex::new(Known {
                outbox: Outbox::new(),
                stays: 0,
                stay: None,
                place: None,
                changed: false,
                reached: Tick(0),
                seen: HashMap::new(),
            }),
        })
    }

    /// Takes the connection of its websocket, whose next bytes are the response that switches to it.
    /// `from_begin`: the session began as a websocket.
    pub(super) fn set_connection(
        self: &Arc<Self>,
        connection: &ConnectionHandle,
        from_begin: bool,
    ) {
        let mut known = self.lock();
        // The engine refuses a second websocket of a session.
        if !known.outbox.has_line() {
            connection.put_between(|stream| {
                known.outbox.set_line(stream, from_begin);
                self.clone()
            });
        }
    }

    /// It begins another stay in the namespace, and the last one has ended. Returns the stay's number.
    pub(super) fn begin_stay(&self, stay: Box<dyn Stay>) -> u64 {
        let mut known = self.lock();
        known.end_stay(&self.shared);
        known.stays += 1;
        known.stay = Some(stay);
        known.outbox.begin(self.shared.direct);
        known.stays
    }

    /// It has joined in the stay with this number.
    pub(super) fn join(self: &Arc<Self>, number: u64) {
        let mut known = self.lock();
        if known.stays != number || known.stay.is_none() {
            return;
        }
        known.place = Some(self.shared.members.enter(self.clone()));
        known.outbox.open(self.shared.direct);
        self.see_out(&mut known);
    }

    /// The stay with this number has ended.
    pub(super) fn leave(&self, number: u64) {
        let mut known = self.lock();
        if known.stays == number {
            known.end_stay(&self.shared);
        }
    }

    /// Answers a request of the stay with this number.
    pub(super) fn answer(self: &Arc<Self>, number: u64, answer: Answer) {
        let mut known = self.lock();
        if known.stays == number {
            self.send(&mut known, Frame::answer(answer), None);
            self.see_out(&mut known);
        }
    }

    /// Subscribes to entities in the stay with this number: the rooms are joined, then the ack goes out, then
    /// the newest samples, before any later ones.
    pub(super) fn subscribe(
        self: &Arc<Self>,
        number: u64,
        entities: &[EntityIndex],
        ack: Option<Answer>,
    ) {
        let mut known = self.lock();
        let known = &mut *known;
        if known.stays != number {
            return;
        }
        let (Some(place), Some(stay)) = (&mut known.place, &known.stay) else {
            return;
        };
        let has = place.subscription.clone();
        let entities = entities.iter().copied();
        let fresh: Vec<_> = entities.filter(|entity| !has.has(*entity)).collect();
        let mut newest = Vec::new();
        if !fresh.is_empty() {
            stay.join(self.rooms(&fresh));
            let members = &self.shared.members;
            newest = members.change(self.clone(), place, has.with(&fresh), &fresh);
            known.changed = true;
        }
        self.send(known, ack.and_then(Frame::answer), None);
        for (entity, tick, frame) in newest {
            if known.seen.get(&entity) < Some(&tick) {
                known.seen.insert(entity, tick);
                self.send(known, Some(frame), Some(entity));
            }
        }
        self.see_out(known);
    }

    /// Unsubscribes from entities in the stay with this number: nothing of them follows the ack.
    pub(super) fn unsubscribe(
        self: &Arc<Self>,
        number: u64,
        entities: &[EntityIndex],
        ack: Option<Answer>,
    ) {
        let mut known = self.lock();
        let known = &mut *known;
        if known.stays != number {
            return;
        }
        let (Some(place), Some(stay)) = (&mut known.place, &known.stay) else {
            return;
        };
        let has = place.subscription.clone();
        let entities = entities.iter().copied();
        let left: Subscription = entities.filter(|entity| has.has(*entity)).collect();
        if !left.entities().is_empty() {
            stay.leave(self.rooms(left.entities()));
            let members = &self.shared.members;
            members.change(self.clone(), place, has.without(&left), &[]);
            known.changed = true;
            for entity in left.entities() {
                known.note_left(*entity);
            }
        }
        self.send(known, ack.and_then(Frame::answer), None);
        self.see_out(known);
    }

    /// Delivers what the ticks up to `block.tick` bring to the group that it stood in when they began to go
    /// out.
    pub(super) fn deliver(self: &Arc<Self>, block: &Block) {
        let mut known = self.lock();
        let known = &mut *known;
        let Some(place) = &known.place else {
            return;
        };
        let bounds = &self.shared.bounds;
        let same = !known.changed && Arc::ptr_eq(&place.subscription, &block.subscription);
        let delivered = if same {
            known.outbox.deliver(block, bounds)
        } else {
            let (subscription, seen) = (&place.subscription, &known.seen);
            let block = block.only(|event| concerns(event, subscription, seen));
            let delivered = known.outbox.deliver(&block, bounds);
            known.settle(block.tick);
            delivered
        };
        known.reached = known.reached.max(block.tick);
        let lost = block.lost.iter();
        for (reason, samples) in lost {
            known.outbox.losses().add(*reason, *samples, block.now);
        }
        let told = delivered.and_then(|()| known.outbox.tell_losses(bounds, block.now));
        check(known, told);
        self.see_out(known);
    }

    /// Ends its connection, or puts it out of the namespace where it has none of its own.
    pub(super) fn cut_off(&self) {
        let mut known = self.lock();
        let Known { outbox, stay, .. } = &mut *known;
        outbox.cut_off(stay.as_deref());
    }

    fn rooms(&self, entities: &[EntityIndex]) -> Vec<String> {
        let all = self.shared.catalogue.all();
        let room = |entity: &EntityIndex| all.get(*entity)?.room.clone();
        entities.iter().filter_map(room).collect()
    }

    fn send(&self, known: &mut Known, frame: Option<Frame>, sampled: Option<EntityIndex>) {
        if let Some(frame) = frame {
            let now = (self.shared.host.now)();
            let sent = known.outbox.send(frame, sampled, &self.shared.bounds, now);
            check(known, sent);
        }
    }

    /// Sends what waits, now as far as possible, and the rest in time.
    fn see_out(self: &Arc<Self>, known: &mut Known) {
        known
            .outbox
            .flush(known.stay.as_deref(), self.shared.direct);
        if known.outbox.begin_draining() {
            self.home.spawn(drain(self.clone()));
        }
    }

    /// Locks; what is known is whole at every moment, so a panic elsewhere does not matter.
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what waits. Returns what the rest waits for, and until when.
    fn go_on(&self) -> Option<(Wait, Instant)> {
        let mut known = self.lock();
        let Known { outbox, stay, .. } = &mut *known;
        let mut wait = outbox.flush(stay.as_deref(), self.shared.direct);
        if matches!(wait, Wait::Nothing) && outbox.has_untold_losses() {
            let now = (self.shared.host.now)();
            // A queue that is empty takes one message.
            let _ = outbox.tell_losses(&self.shared.bounds, now);
            wait = outbox.flush(stay.as_deref(), self.shared.direct);
            if matches!(wait, Wait::Nothing) && outbox.has_untold_losses() {
                return Some((Wait::Telling, Instant::now() + TELLING_PAUSE));
            }
        }
        if matches!(wait, Wait::Nothing) {
            outbox.end_draining();
            return None;
        }
        Some((wait, outbox.progress() + self.shared.stall))
    }

    /// Cuts the client off unless something has gone out since.
    fn has_stalled(&self) -> bool {
        let mut known = self.lock();
        let Known { outbox, stay, .. } = &mut *known;
        if outbox.progress().elapsed() < self.shared.stall {
            return false;
        }
        debug!("a client has taken nothing for too long: it is cut off");
        outbox.cut_off(stay.as_deref());
        outbox.end_draining();
        true
    }
}

impl Between for Client {
    fn poll_write(
        &self,
        stream: &TcpStream,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.lock().outbox.poll_write(stream, cx, bytes)
    }

    fn end(&self) {
        self.lock().outbox.end_line();
    }
}

impl Known {
    /// Ends the stay under way, if there is one.
    fn end_stay(&mut self, shared: &Common<Client>) {
        if let Some(place) = self.place.take() {
            shared.members.leave(&place);
            for entity in place.subscription.entities() {
                self.note_left(*entity);
            }
        }
        self.changed = false;
        self.stay = None;
        self.outbox.close();
    }

    /// Notes which samples of an entity that is left may have reached the client.
    fn note_left(&mut self, entity: EntityIndex) {
        let newest = self.seen.entry(entity).or_insert(self.reached);
        *newest = self.reached.max(*newest);
    }

    /// All up to `tick` has been delivered: what was seen before is no news for what is subscribed to.
    fn settle(&mut self, tick: Tick) {
        self.changed = false;
        if let Some(place) = &self.place {
            let subscription = &place.subscription;
            self.seen
                .retain(|entity, seen| *seen > tick || !subscription.has(*entity));
            self.seen.shrink_to_fit();
        }
    }
}

/// Cuts a client off for which too much waits that must not be dropped.
fn check(known: &mut Known, sent: Result<(), Overflow>) {
    if sent.is_err() {
        warn!("a client is cut off: it reads too little of what it must not miss");
        let Known { outbox, stay, .. } = known;
        outbox.cut_off(stay.as_deref());
    }
}

/// Whether an event goes to a client that subscribes to this and has got samples of these ticks.
fn concerns(
    event: &Addressed,
    subscription: &Subscription,
    seen: &HashMap<EntityIndex, Tick>,
) -> bool {
    match event.sampled {
        Some(entity) => subscription.has(entity) && seen.get(&entity) < Some(&event.tick),
        None => event.reaches(subscription),
    }
}

/// Sees out what waits for a client, or cuts it off when it takes nothing for too long.
async fn drain(client: Arc<Client>) {
    while let Some((wait, deadline)) = client.go_on() {
        let waited = match wait {
            Wait::Nothing => return,
            Wait::Room(stream) => {
                timeout_at(deadline, async {
                    // What is wrong with the stream the next write says.
                    let _ = stream.writable().await;
                })
                .await
            }
            Wait::Engine(engine) => timeout_at(deadline, engine.notified()).await,
            Wait::EngineQueue => timeout_at(deadline, sleep(FULL_QUEUE_PAUSE)).await,
            Wait::Telling => {
                sleep_until(deadline).await;
                continue;
            }
        };
        if waited.is_err() && client.has_stalled() {
            return;
        }
    }
}

/// Ends a client's stay when the crate lets go of it.
pub(super) struct StayGuard {
    pub(super) client: Arc<Client>,
    pub(super) number: u64,
}

impl Drop for StayGuard {
    fn drop(&mut self) {
        // It may be dropped by whoever holds the client's lock at this moment.
        let (client, number) = (self.client.clone(), self.number);
        self.client.home.spawn(async move { client.leave(number) });
    }
}

#[cfg(test)]
mod tests;
