//! Puts the parts together, once: the only place where they meet.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    cluster::{self, Fingerprint, Membership},
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

/// How long to wait before trying again to start a run.
const AUTOSTART_PAUSE: Duration = Duration::from_secs(1);

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
        let Membership {
            log,
            feed,
            clock,
            status,
        } = cluster::join(
            config.redis.as_ref(),
            Fingerprint::new(spec.fingerprint()),
            shutdown.clone(),
        );
        let (simulation, batches) = simulation::engine::start(
            spec,
            config.simulation.clone(),
            log,
            feed,
            clock,
            shutdown.clone(),
        );
        let shared = config.redis.clone().map(|redis| realtime::Shared {
            redis,
            time: status.time().clone(),
            channels: status.channels().clone(),
            shutdown: shutdown.clone(),
        });
        let realtime = realtime::mount(simulation.catalogue().clone(), batches, shared).await;
        let readiness = Readiness::new(status.clone());
        let app = http::App {
            simulation: simulation.clone(),
            readiness: readiness.clone(),
            status,
            announcer: realtime.announcer,
        };
        let router = http::router(app, &config.api, realtime.router);
        let serving = tokio::spawn(serve(listener, router, shutdown.clone()));
        if config.simulation.autostart {
            let starting = autostart(simulation.clone());
            if config.redis.is_some() {
                tokio::spawn(shutdown.clone().run_until_cancelled_owned(starting));
            } else {
                starting.await;
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

/// Starts a run as soon as the log takes commands.
async fn autostart(simulation: Simulation) {
    loop {
        simulation.ready().await;
        let start = simulation.default_start(StartMode::Autostart);
        match simulation.submit(Command::Start(start)).await {
            Ok(_) => return,
            Err(error) => warn!(%error, "the simulation could not be started yet"),
        }
        tokio::time::sleep(AUTOSTART_PAUSE).await;
    }
}
