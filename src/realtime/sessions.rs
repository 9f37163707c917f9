//! The clients whose sessions began by polling, by their sessions' ids: their next requests tell only that.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
};

type Registry<C> = Mutex<HashMap<String, Weak<C>>>;

/// The sessions. Cheap to clone.
pub(super) struct Sessions<C> {
    registry: Arc<Registry<C>>,
}

/// An entry, which is removed when this is dropped.
pub(super) struct Registered<C> {
    sid: String,
    registry: Weak<Registry<C>>,
}

impl<C> Clone for Sessions<C> {
    fn clone(&self) -> Self {
        Self {
            registry: self.registry.clone(),
        }
    }
}

impl<C> Default for Sessions<C> {
    fn default() -> Self {
        Self {
            registry: Arc::default(),
        }
    }
}

impl<C> Sessions<C> {
    /// Remembers a client for as long as what is put into its `slot` lives.
    pub(super) fn register(&self, sid: &str, client: &Arc<C>, slot: &OnceLock<Registered<C>>) {
        let registered = Registered {
            sid: sid.to_owned(),
            registry: Arc::downgrade(&self.registry),
        };
        if slot.set(registered).is_ok() {
            lock(&self.registry).insert(sid.to_owned(), Arc::downgrade(client));
        }
    }

    /// The client of the session with this id.
    pub(super) fn find(&self, sid: &str) -> Option<Arc<C>> {
        lock(&self.registry).get(sid)?.upgrade()
    }
}

impl<C> Drop for Registered<C> {
    fn drop(&mut self) {
        if let Some(registry) = self.registry.upgrade() {
            lock(&registry).remove(&self.sid);
        }
    }
}

/// Locks; the registry is whole at every moment, so a panic elsewhere does not matter.
fn lock<C>(registry: &Registry<C>) -> MutexGuard<'_, HashMap<String, Weak<C>>> {
    registry.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_found_until_it_ends() {
        let sessions = Sessions::default();
        let client = Arc::new("client");
        let slot = OnceLock::new();
        sessions.register("abc", &client, &slot);
        assert!(Arc::ptr_eq(&sessions.find("abc").unwrap(), &client));
        drop((client, slot));
        assert!(sessions.find("abc").is_none());
        assert!(lock(&sessions.registry).is_empty());
    }
}
