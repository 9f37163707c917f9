//! One client in the namespace: what it shares with others, and the rooms it is in.

use std::sync::Arc;

use super::{
    State,
    session::{Session, Subscribed},
};

/// A client, from its CONNECT packet until it leaves the namespace.
pub(super) struct Client {
    pub(super) shared: Arc<State>,
    pub(super) session: Arc<Session>,
    /// The entities whose rooms it is in.
    pub(super) subscribed: Arc<Subscribed>,
}

impl Client {
    /// One that joins the namespace now.
    pub(super) fn new(shared: Arc<State>, session: Arc<Session>) -> Self {
        let subscribed = session.begin_stay(shared.emitting.tick());
        Self {
            shared,
            session,
            subscribed,
        }
    }
}

impl Drop for Client {
    /// It has left. Whoever joins again sooner than the last request is dropped settles this itself.
    fn drop(&mut self) {
        let tick = self.shared.emitting.tick();
        self.session.end_stay(&self.subscribed, tick);
    }
}
