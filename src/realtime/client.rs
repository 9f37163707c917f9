//! One client in the namespace: what it shares with others, and the rooms it is in.

use std::{
    collections::HashSet,
    mem,
    sync::{Arc, Mutex},
};

use crate::grid::entity::EntityIndex;

use super::{
    State,
    session::{Session, lock},
};

/// A client, from its CONNECT packet until it leaves the namespace.
pub(super) struct Client {
    pub(super) shared: Arc<State>,
    pub(super) session: Arc<Session>,
    /// The entities whose rooms it is in.
    pub(super) subscribed: Mutex<HashSet<EntityIndex>>,
}

impl Client {
    pub(super) fn new(shared: Arc<State>, session: Arc<Session>) -> Self {
        Self {
            shared,
            session,
            subscribed: Mutex::default(),
        }
    }
}

impl Drop for Client {
    /// It has left: whatever has begun to go out may have reached it.
    fn drop(&mut self) {
        let tick = self.shared.emitting.tick();
        for entity in mem::take(&mut *lock(&self.subscribed)) {
            self.session.has_seen(entity, tick);
        }
    }
}
