//! Who gets the events of which entity: the clients of this instance, grouped by what they subscribe to,
//! and the newest sample of each entity.
//!
//! Clients of equal subscriptions stand in one group, so that what a tick brings them is joined once for
//! all of them. One short lock keeps groups and newest samples in step: whoever subscribes before a tick
//! begins to go out gets it with the others, whoever comes later gets its samples at once.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use crate::grid::{
    entity::EntityIndex,
    event::{Audience, LossReason},
    time::{Tick, Timestamp},
};

use super::packet::{Addressed, Frame};

/// The entities that a client subscribes to.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Subscription(Box<[EntityIndex]>);

impl Subscription {
    /// In ascending order.
    pub(super) fn entities(&self) -> &[EntityIndex] {
        &self.0
    }

    pub(super) fn has(&self, entity: EntityIndex) -> bool {
        self.0.binary_search(&entity).is_ok()
    }

    /// This one with others.
    pub(super) fn with(&self, others: &[EntityIndex]) -> Self {
        let mut all = [&self.0, others].concat();
        all.sort_unstable();
        all.dedup();
        Self(all.into())
    }

    /// This one without some of its entities.
    pub(super) fn without(&self, left: &Self) -> Self {
        let rest = self.0.iter().copied();
        Self(rest.filter(|entity| !left.has(*entity)).collect())
    }
}

impl FromIterator<EntityIndex> for Subscription {
    fn from_iter<T: IntoIterator<Item = EntityIndex>>(entities: T) -> Self {
        let mut entities: Vec<_> = entities.into_iter().collect();
        entities.sort_unstable();
        entities.dedup();
        Self(entities.into())
    }
}

/// The clients of one group. Places stay as they are while others come and go.
type Clients<C> = Arc<Vec<Option<Arc<C>>>>;

/// Clients of equal subscriptions.
pub(super) struct Group<C> {
    pub(super) subscription: Arc<Subscription>,
    pub(super) clients: Clients<C>,
}

/// Where a client stands.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) subscription: Arc<Subscription>,
    at: usize,
}

struct Roll<C> {
    clients: Clients<C>,
    free: Vec<usize>,
}

impl<C> Default for Roll<C> {
    fn default() -> Self {
        Self {
            clients: Arc::default(),
            free: Vec::new(),
        }
    }
}

impl<C> Roll<C> {
    fn add(&mut self, client: Arc<C>) -> usize {
        // It is copied only while a tick is going out to it.
        let clients = Arc::make_mut(&mut self.clients);
        if let Some(at) = self.free.pop() {
            clients[at] = Some(client);
            at
        } else {
            clients.push(Some(client));
            clients.len() - 1
        }
    }

    fn remove(&mut self, at: usize) {
        if let Some(place) = Arc::make_mut(&mut self.clients).get_mut(at) {
            *place = None;
            self.free.push(at);
        }
    }

    fn is_empty(&self) -> bool {
        self.free.len() == self.clients.len()
    }
}

/// The newest samples, each with its tick.
type Newest = Vec<Option<(Tick, Frame)>>;

struct Table<C> {
    groups: HashMap<Arc<Subscription>, Roll<C>>,
    newest: Newest,
}

/// All clients of this instance that are in the namespace.
pub(super) struct Members<C> {
    table: Mutex<Table<C>>,
}

impl<C> Members<C> {
    /// Nobody yet, for a plant of so many entities.
    pub(super) fn new(entities: usize) -> Self {
        Self {
            table: Mutex::new(Table {
                groups: HashMap::new(),
                newest: vec![None; entities],
            }),
        }
    }

    /// Takes a client in that subscribes to nothing yet.
    pub(super) fn enter(&self, client: Arc<C>) -> Place {
        self.lock().put(client, Subscription::default())
    }

    /// Moves a client to another subscription. Returns the newest samples of `fresh`, with their ticks.
    pub(super) fn change(
        &self,
        client: Arc<C>,
        place: &mut Place,
        subscription: Subscription,
        fresh: &[EntityIndex],
    ) -> Vec<(EntityIndex, Tick, Frame)> {
        let mut table = self.lock();
        table.take_out(place);
        *place = table.put(client, subscription);
        let newest = |entity: &EntityIndex| {
            let (tick, frame) = table.newest.get(*entity)?.clone()?;
            Some((*entity, tick, frame))
        };
        fresh.iter().filter_map(newest).collect()
    }

    /// Lets a client go.
    pub(super) fn leave(&self, place: &Place) {
        self.lock().take_out(place);
    }

    /// Takes note of the samples among `events`; those up to the tick `run_over` are of a run that is over.
    /// Returns those to whom these events are to go out now.
    pub(super) fn begin(&self, events: &[Addressed], run_over: Option<Tick>) -> Vec<Group<C>> {
        let mut table = self.lock();
        if run_over.is_some() {
            table.newest.fill(None);
        }
        for event in events.iter().filter(|event| Some(event.tick) > run_over) {
            let newest = event.sampled.and_then(|at| table.newest.get_mut(at));
            if let Some(newest) = newest {
                *newest = Some((event.tick, event.frame.clone()));
            }
        }
        let groups = table.groups.iter();
        groups
            .map(|(subscription, roll)| Group {
                subscription: subscription.clone(),
                clients: roll.clients.clone(),
            })
            .collect()
    }

    /// Locks; the table is whole at every moment, so a panic elsewhere does not matter.
    fn lock(&self) -> MutexGuard<'_, Table<C>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C> Table<C> {
    fn put(&mut self, client: Arc<C>, subscription: Subscription) -> Place {
        let known = self.groups.get_key_value(&subscription);
        let subscription = known.map_or_else(|| Arc::new(subscription), |(known, _)| known.clone());
        let roll = self.groups.entry(subscription.clone()).or_default();
        Place {
            at: roll.add(client),
            subscription,
        }
    }

    fn take_out(&mut self, place: &Place) {
        if let Some(roll) = self.groups.get_mut(&place.subscription) {
            roll.remove(place.at);
            if roll.is_empty() {
                self.groups.remove(&place.subscription);
            }
        }
    }
}

/// What goes out to the clients of one group at once.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// All frames, one behind the other.
    pub(super) wire: Bytes,
    pub(super) events: Vec<Addressed>,
    /// The group.
    pub(super) subscription: Arc<Subscription>,
    /// The newest tick of which it tells.
    pub(super) tick: Tick,
    /// The time when it goes out.
    pub(super) now: Timestamp,
    /// How many samples the group does not get, and why.
    pub(super) lost: BTreeMap<LossReason, u64>,
}

impl Block {
    /// Some of its events.
    pub(super) fn only(&self, wanted: impl Fn(&Addressed) -> bool) -> Self {
        let events: Vec<_> = self
            .events
            .iter()
            .filter(|one| wanted(one))
            .cloned()
            .collect();
        Self {
            wire: joined(&events),
            events,
            ..self.clone()
        }
    }
}

/// The frames of these events, one behind the other.
pub(super) fn joined(events: &[Addressed]) -> Bytes {
    let frames: Vec<&[u8]> = events.iter().map(|event| &event.frame.wire[..]).collect();
    frames.concat().into()
}

impl Addressed {
    /// Whether it goes to clients with this subscription.
    pub(super) fn reaches(&self, subscription: &Subscription) -> bool {
        let mut entities = self.audience.entities().iter();
        self.audience == Audience::Everyone || entities.any(|entity| subscription.has(*entity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_is_a_set_in_order() {
        let some: Subscription = [7, 3, 7].into_iter().collect();
        assert_eq!(some.entities(), [3, 7]);
        assert_eq!(some.with(&[5, 3]).entities(), [3, 5, 7]);
        assert_eq!(some.without(&[7, 9].into_iter().collect()).entities(), [3]);
        assert!(some.has(3) && !some.has(5));
    }

    #[test]
    fn a_group_ends_with_its_last_client() {
        let members = Members::new(3);
        let [one, two] = ["one", "two"].map(Arc::new);
        let mut first = members.enter(one.clone());
        let second = members.enter(two.clone());
        let all = |members: &Members<&str>| {
            let groups = members.begin(&[], None);
            let mut counts: Vec<_> = groups
                .iter()
                .map(|group| {
                    let clients = group.clients.iter().flatten().count();
                    (group.subscription.entities().to_vec(), clients)
                })
                .collect();
            counts.sort();
            counts
        };
        assert_eq!(all(&members), [(vec![], 2)]);
        let buses = [0, 2].into_iter().collect();
        members.change(one, &mut first, buses, &[0, 2]);
        assert_eq!(all(&members), [(vec![], 1), (vec![0, 2], 1)]);
        members.leave(&second);
        assert_eq!(all(&members), [(vec![0, 2], 1)]);
        // A place is taken again only after it was left.
        let third = members.enter(two);
        members.leave(&first);
        assert_eq!(all(&members), [(vec![], 1)]);
        members.leave(&third);
        assert_eq!(all(&members), []);
    }
}
