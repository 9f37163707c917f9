//! Messages to the clients of all instances.
//!
//! Those of this instance get them from the publisher, in step with all else. Only those of the others are
//! reached through the adapter.

use std::{pin::Pin, sync::Arc};

use socketioxide::{SocketIo, adapter::Adapter};
use tokio::sync::mpsc;
use tracing::debug;

use crate::grid::event::{Event, Notification};

use super::{
    backplane::{Backplane, Unreachable},
    names::NAMESPACE,
};

type Sending = Pin<Box<dyn Future<Output = Result<(), Unreachable>> + Send>>;

/// Sends notifications to the clients of all instances, once each. Cheap to clone.
#[derive(Clone)]
pub struct Announcer(Arc<dyn Fn(Notification) -> Sending + Send + Sync>);

/// The way to the other instances.
pub(super) struct Others<A: Adapter> {
    pub(super) io: SocketIo<A>,
    pub(super) backplane: Backplane,
    /// The room that all clients of this instance are in, and no others.
    pub(super) own_room: String,
}

impl<A: Adapter> Others<A> {
    async fn send(&self, event: &Event) -> Result<(), Unreachable> {
        self.backplane.reach().await?;
        if let Some(namespace) = self.io.of(NAMESPACE) {
            let others = namespace.except(self.own_room.clone());
            if let Err(error) = others.emit(event.name(), event).await {
                debug!(%error, "a message did not reach every instance");
            }
        }
        Ok(())
    }
}

impl Announcer {
    /// One that hands messages to the publisher, and to the other instances if there are any.
    pub(super) fn new<A: Adapter>(
        publisher: mpsc::Sender<Notification>,
        others: Option<Others<A>>,
    ) -> Self {
        let others = others.map(Arc::new);
        Self(Arc::new(move |notification| {
            let (publisher, others) = (publisher.clone(), others.clone());
            Box::pin(async move {
                if let Some(others) = others {
                    others
                        .send(&Event::Notification(notification.clone()))
                        .await?;
                }
                // Without a publisher the process is about to end.
                let _ = publisher.send(notification).await;
                Ok(())
            })
        }))
    }

    /// Sends a notification.
    ///
    /// # Errors
    /// [`Unreachable`] if the clients of other instances cannot be reached. Nobody gets anything then.
    pub async fn announce(&self, notification: Notification) -> Result<(), Unreachable> {
        (self.0)(notification).await
    }
}
