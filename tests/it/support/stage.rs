//! The realtime service alone, with a test in the engine's place: every tick is the test's.

use std::{net::SocketAddr, sync::Arc};

use gridcast::{
    config::{Clients, Listen},
    grid::{
        entity::Catalogue,
        event::{Batch, Event, Outgoing, RunChange},
        time::{Tick, Timeline, Timestamp},
    },
    health::Health,
    net::{listener::Listener, serve::serve},
    plant::PlantSpec,
    realtime::{self, Host},
};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::Socket;

/// A realtime service that emits what it is given.
pub(crate) struct Stage {
    address: SocketAddr,
    batches: mpsc::Sender<Batch>,
    timeline: Timeline,
    catalogue: Arc<Catalogue>,
}

impl Stage {
    pub(crate) async fn start() -> Self {
        let plain = std::env::var(super::server::TEST_DELIVERY).is_ok_and(|way| way == "plain");
        let clients = Clients {
            direct: !plain,
            ..Clients::default()
        };
        let host = Some("127.0.0.1".parse().unwrap());
        let listener = Listener::bind(&Listen { host, port: 0 }).unwrap();
        let address = listener.addresses()[0];
        let (batches, outlet) = mpsc::channel(64);
        let catalogue = PlantSpec::default().catalogue().clone();
        let shutdown = CancellationToken::new();
        let health = Health::new(shutdown.clone());
        let host = Host {
            instance: "stage".into(),
            now: Arc::new(|| Timestamp::from_unix_ms(0)),
        };
        let known = catalogue.clone();
        let realtime = realtime::mount(known, outlet, host, &clients, None, &health);
        let realtime = realtime.await.unwrap();
        let (_, router) = watch::channel(realtime.router);
        health.spawn("http", |pulse| serve(listener, router, pulse, shutdown));
        Self {
            address,
            batches,
            timeline: Timeline::default(),
            catalogue,
        }
    }

    fn outgoing(&self, event: Event) -> Outgoing {
        match event {
            Event::Sample(sample) => {
                let entity = self.catalogue.find(sample.entity.as_str());
                Outgoing::sample(entity.unwrap(), sample)
            }
            other => Outgoing::alert(other, &self.catalogue),
        }
    }

    pub(crate) async fn join(&self) -> Socket {
        Socket::join(self.address).await
    }

    pub(crate) fn timestamp(&self, tick: u64) -> Timestamp {
        self.timeline.timestamp(Tick(tick))
    }

    /// Emits an alert at a tick, with its notification, as a run does.
    pub(crate) async fn announce(&self, tick: u64, alert: Event) {
        let events = Outgoing::announced(alert, &self.catalogue).collect();
        self.send(tick, events, RunChange::None).await;
    }

    /// Emits the events of a tick.
    pub(crate) async fn emit(&self, tick: u64, events: Vec<Event>) {
        self.emit_and(tick, events, RunChange::None).await;
    }

    pub(crate) async fn emit_and(&self, tick: u64, events: Vec<Event>, run: RunChange) {
        let events = events.into_iter().map(|event| self.outgoing(event));
        self.send(tick, events.collect(), run).await;
    }

    async fn send(&self, tick: u64, events: Vec<Outgoing>, run: RunChange) {
        let batch = Batch {
            tick: Tick(tick),
            run,
            events,
            lost: Vec::new(),
            commands: Vec::new(),
        };
        self.batches.send(batch).await.unwrap();
    }
}
