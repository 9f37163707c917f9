//! Messages to the clients of all instances: the only thing that goes through the adapter.

use std::{pin::Pin, sync::Arc};

use socketioxide::{SocketIo, adapter::Adapter};
use tracing::debug;

use crate::grid::event::{Event, Notification};

use super::{
    NAMESPACE,
    backplane::{Backplane, Unreachable},
};

type Sending = Pin<Box<dyn Future<Output = Result<(), Unreachable>> + Send>>;

/// Sends notifications to the clients of all instances, once each. Cheap to clone.
#[derive(Clone)]
pub struct Announcer(Arc<dyn Fn(Notification) -> Sending + Send + Sync>);

impl Announcer {
    pub(super) fn new<A: Adapter>(io: SocketIo<A>, backplane: Option<Backplane>) -> Self {
        Self(Arc::new(move |notification| {
            let (io, backplane) = (io.clone(), backplane.clone());
            Box::pin(async move {
                if let Some(backplane) = backplane {
                    backplane.reach().await?;
                }
                let event = Event::Notification(notification);
                if let Some(namespace) = io.of(NAMESPACE)
                    && let Err(error) = namespace.emit(event.name(), &event).await
                {
                    // Others have got it: clients that do not keep up are no reason to refuse.
                    debug!(%error, "a notification did not reach every client");
                }
                Ok(())
            })
        }))
    }

    /// Sends a notification to the clients of all instances.
    ///
    /// # Errors
    /// [`Unreachable`] if the other instances cannot be reached; nobody gets it then.
    pub async fn announce(&self, notification: Notification) -> Result<(), Unreachable> {
        (self.0)(notification).await
    }
}
