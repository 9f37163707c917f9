//! The clients whose sessions began by polling, by their sessions' ids: their next requests tell only that.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use super::client::Client;

type Registry = Mutex<HashMap<String, Weak<Client>>>;

/// The sessions. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Sessions {
    registry: Arc<Registry>,
}

/// An entry, which is removed when this is dropped.
pub(super) struct Registered {
    sid: String,
    registry: Weak<Registry>,
}

impl Sessions {
    /// Remembers a client until it is dropped.
    pub(super) fn register(&self, sid: &str, client: &Arc<Client>) {
        let registered = Registered {
            sid: sid.to_owned(),
            registry: Arc::downgrade(&self.registry),
        };
        if client.registered.set(registered).is_ok() {
            lock(&self.registry).insert(sid.to_owned(), Arc::downgrade(client));
        }
    }

    /// The client of the session with this id.
    pub(super) fn find(&self, sid: &str) -> Option<Arc<Client>> {
        lock(&self.registry).get(sid)?.upgrade()
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        if let Some(registry) = self.registry.upgrade() {
            lock(&registry).remove(&self.sid);
        }
    }
}

/// Locks; the registry is whole at every moment, so a panic elsewhere does not matter.
fn lock(registry: &Registry) -> MutexGuard<'_, HashMap<String, Weak<Client>>> {
    registry.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_found_until_it_ends() {
        let sessions = Sessions::default();
        let client = Client::stray();
        sessions.register("abc", &client);
        assert!(Arc::ptr_eq(&sessions.find("abc").unwrap(), &client));
        drop(client);
        assert!(sessions.find("abc").is_none());
        assert!(lock(&sessions.registry).is_empty());
    }
}
