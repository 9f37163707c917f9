//! What is known of one Engine.IO session, for as long as it lives: longer than any of its namespaces
//! and than the request that opened it.

use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    grid::{entity::EntityIndex, time::Tick},
    net::connection::ConnectionHandle,
};

use super::joining::Joining;

/// The entities whose rooms a client is in during one stay in the namespace.
pub(super) type Subscribed = Mutex<HashSet<EntityIndex>>;

/// One Engine.IO session.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// Taken while a request of the client is served: its namespaces are served one at a time.
    pub(super) serving: tokio::sync::Mutex<()>,
    /// Taken while the client is joining the namespace.
    joining: Arc<tokio::sync::Mutex<()>>,
    /// The websocket's connection, if the session has come that far.
    websocket: Mutex<Option<ConnectionHandle>>,
    /// What the stay in the namespace that is under way has subscribed to, or the last one had.
    stay: Mutex<Arc<Subscribed>>,
    /// Entities that the client has left, with the newest tick whose sample it may have got.
    seen: Mutex<HashMap<EntityIndex, Tick>>,
    registered: Mutex<Option<(String, Weak<Registry>)>>,
}

impl Session {
    /// Begins another stay in the namespace, without rooms. The last one has ended, though a request
    /// of it may still be served: samples up to `emitting` may have reached the client in it.
    pub(super) fn begin_stay(&self, emitting: Tick) -> Arc<Subscribed> {
        let fresh = Arc::<Subscribed>::default();
        let last = mem::replace(&mut *lock(&self.stay), fresh.clone());
        self.end_stay(&last, emitting);
        fresh
    }

    /// Settles a stay that has ended, if nobody did before: samples up to `emitting` may have reached
    /// the client in it.
    pub(super) fn end_stay(&self, stay: &Subscribed, emitting: Tick) {
        for entity in mem::take(&mut *lock(stay)) {
            self.has_seen(entity, emitting);
        }
    }

    /// Keeps what the client says next from being served until what this returns is dropped.
    pub(super) fn begin_joining(&self) -> Joining {
        let websocket = lock(&self.websocket).clone();
        Joining {
            _websocket: websocket.and_then(|connection| connection.hold_reading()),
            _requests: self.joining.clone().try_lock_owned().ok(),
        }
    }

    /// Returns when the client is not, or no longer, joining.
    pub(super) async fn joined(&self) {
        drop(self.joining.lock().await);
    }

    /// Notes that samples of `entity` up to `tick` may have reached the client.
    pub(super) fn has_seen(&self, entity: EntityIndex, tick: Tick) {
        let mut seen = lock(&self.seen);
        let newest = seen.entry(entity).or_insert(tick);
        *newest = tick.max(*newest);
    }

    /// The newest tick whose sample of `entity` may have reached the client before it left it.
    pub(super) fn last_seen(&self, entity: EntityIndex) -> Option<Tick> {
        lock(&self.seen).get(&entity).copied()
    }

    /// Notes the connection of the websocket.
    pub(super) fn set_websocket(&self, connection: ConnectionHandle) {
        *lock(&self.websocket) = Some(connection);
    }

    /// Ends the websocket's connection. A session that polls has none of its own.
    pub(super) fn shut_down(&self) {
        if let Some(connection) = lock(&self.websocket).as_ref() {
            connection.shut_down();
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some((sid, registry)) = lock(&self.registered).take()
            && let Some(registry) = registry.upgrade()
        {
            lock(&registry).remove(&sid);
        }
    }
}

type Registry = Mutex<HashMap<String, Weak<Session>>>;

/// The sessions that began by polling, by their id: a websocket may join them later.
#[derive(Debug, Clone, Default)]
pub(super) struct Sessions {
    registry: Arc<Registry>,
}

impl Sessions {
    /// Remembers a session until it ends.
    pub(super) fn register(&self, sid: &str, session: &Arc<Session>) {
        *lock(&session.registered) = Some((sid.to_owned(), Arc::downgrade(&self.registry)));
        lock(&self.registry).insert(sid.to_owned(), Arc::downgrade(session));
    }

    /// The session with this id.
    pub(super) fn find(&self, sid: &str) -> Option<Arc<Session>> {
        lock(&self.registry).get(sid)?.upgrade()
    }
}

/// The newest tick whose events have begun to go out.
#[derive(Debug, Default)]
pub(super) struct Emitting(AtomicU64);

impl Emitting {
    pub(super) fn begin(&self, tick: Tick) {
        self.0.store(tick.0, Ordering::Release);
    }

    pub(super) fn tick(&self) -> Tick {
        Tick(self.0.load(Ordering::Acquire))
    }
}

/// Locks; what these mutexes guard is valid at every moment, so a panic elsewhere does not matter.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_found_until_it_ends() {
        let sessions = Sessions::default();
        let session = Arc::new(Session::default());
        sessions.register("abc", &session);
        assert!(Arc::ptr_eq(&sessions.find("abc").unwrap(), &session));
        drop(session);
        assert!(sessions.find("abc").is_none());
        assert!(lock(&sessions.registry).is_empty());
    }

    #[test]
    fn a_new_stay_begins_without_rooms_and_knows_what_the_last_one_saw() {
        let session = Session::default();
        let first = session.begin_stay(Tick(1));
        lock(&first).insert(3);
        let second = session.begin_stay(Tick(7));
        session.end_stay(&first, Tick(9));
        assert!(lock(&second).is_empty());
        assert!(lock(&first).is_empty());
        assert_eq!(session.last_seen(3), Some(Tick(7)));
        // What a request of the last stay still does to its rooms is none of the new one's.
        lock(&first).insert(4);
        assert!(lock(&second).is_empty());
    }

    #[test]
    fn what_was_seen_never_goes_back() {
        let session = Session::default();
        session.has_seen(3, Tick(7));
        session.has_seen(3, Tick(5));
        assert_eq!(session.last_seen(3), Some(Tick(7)));
        assert_eq!(session.last_seen(4), None);
    }
}
