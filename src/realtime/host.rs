//! Who serves: the instance that clients talk to.

use std::sync::Arc;

use super::messages::Hello;
use crate::grid::time::Timestamp;

/// Who serves. Cheap to clone.
#[derive(Clone)]
pub struct Host {
    /// The instance's name.
    pub instance: Arc<str>,
    /// Tells the server's time.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Host {
    pub(super) fn hello(&self) -> Hello {
        Hello {
            instance: self.instance.clone(),
            version: env!("CARGO_PKG_VERSION"),
            timestamp: (self.now)(),
        }
    }
}
