//! Puts the parts together, once: the only place where they meet.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::{
    cluster,
    config::Config,
    grid::command::{Command, StartMode},
    http::{self, Readiness},
    net::{
        listener::{BindError, Listener},
        serve::serve,
    },
    plant::PlantSpec,
    realtime::{self, Closer},
    simulation::{self, Simulation},
};

/// How long clients get to see their transport closed at the end.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// A server that runs.
pub struct Server {
    addresses: Vec<SocketAddr>,
    simulation: Simulation,
    readiness: Readiness,
    closer: Closer,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
}

impl Server {
    /// Starts a server of the default plant with these settings. It accepts connections when this
    /// returns.
    ///
    /// # Errors
    /// [`BindError`] if it cannot listen.
    pub async fn start(config: Config) -> Result<Self, BindError> {
        Self::start_with(config, PlantSpec::default()).await
    }

    /// Starts a server of `plant` with these settings.
    ///
    /// # Errors
    /// [`BindError`] if it cannot listen.
    pub async fn start_with(config: Config, plant: PlantSpec) -> Result<Self, BindError> {
        let listener = Listener::bind(&config.listen)?;
        let addresses = listener.addresses();
        let shutdown = CancellationToken::new();
        let spec = Arc::new(plant);
        let (simulation, batches) = simulation::engine::start(
            spec,
            config.simulation.clone(),
            cluster::join(),
            shutdown.clone(),
        );
        let realtime = realtime::mount(simulation.catalogue().clone(), batches);
        let readiness = Readiness::default();
        let router = http::router(
            simulation.clone(),
            readiness.clone(),
            &config.api,
            realtime.router,
        );
        let serving = tokio::spawn(serve(listener, router, shutdown.clone()));
        if config.simulation.autostart {
            let start = simulation.default_start(StartMode::Autostart);
            if let Err(error) = simulation.submit(Command::Start(start)).await {
                error!(%error, "the simulation could not be started");
            }
        }
        let closer = realtime.closer;
        Ok(Self {
            addresses,
            simulation,
            readiness,
            closer,
            shutdown,
            serving,
        })
    }

    /// The addresses it listens on.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The simulation behind it.
    #[must_use]
    pub fn simulation(&self) -> &Simulation {
        &self.simulation
    }

    /// Ends all connections and the server, within two seconds.
    pub async fn stop(self) {
        info!("shutting down");
        self.readiness.end();
        // Transports first: a long poll would hold its connection open, and a client must see its
        // transport closed, not its namespace, to reconnect by itself.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, self.closer.close()).await;
        self.shutdown.cancel();
        if self.serving.await.is_err() {
            error!("the HTTP server ended with a panic");
        }
    }
}
