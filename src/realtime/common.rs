//! What all clients share.

use std::{sync::Arc, time::Duration};

use super::{host::Host, members::Members, queue::Bounds};
use crate::grid::entity::Catalogue;
#[cfg(test)]
use crate::grid::time::Timestamp;

/// What all clients share; `C` is a client.
pub(super) struct Common<C> {
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) members: Members<C>,
    pub(super) bounds: Bounds,
    /// Whether websockets are written to beside the engine.
    pub(super) direct: bool,
    /// How long a client may take nothing while something waits for it.
    pub(super) stall: Duration,
    pub(super) host: Host,
}

#[cfg(test)]
impl<C> Common<C> {
    /// That of a plant without entities.
    pub(super) fn empty() -> Self {
        Self {
            catalogue: Arc::new(Catalogue::new(Vec::new())),
            members: Members::new(0),
            bounds: Bounds::of_plant(0),
            direct: true,
            stall: Duration::from_secs(10),
            host: Host {
                instance: "test".into(),
                now: Arc::new(|| Timestamp::from_unix_ms(0)),
            },
        }
    }
}
