//! Puts the parts together, once: the only place where they meet.

use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::Router;
use thiserror::Error;
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    cluster::{
        self, Fingerprint, Membership,
        status::{RedisState, Status},
    },
    config::{self, Config},
    grid::command::{Command, StartMode},
    health::{Health, TaskEnded},
    http::{self, Readiness},
    net::{
        listener::{BindError, Listener},
        serve::serve,
    },
    plant::{PlantError, PlantSpec},
    realtime::{self, Closer},
    simulation::{self, Simulation, prepared::Prepared},
};

/// How long clients get to see their transport closed at the end.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// How long to wait before trying again to start a run.
const AUTOSTART_PAUSE: Duration = Duration::from_secs(1);

/// A start that takes longer answers what it cannot serve yet; before, connections wait.
const QUICK_START: Duration = Duration::from_secs(1);

/// A start that takes longer says so, and goes on saying so.
const LONG_START: Duration = Duration::from_secs(5);

/// Why a server does not serve.
#[derive(Debug, Error)]
pub enum ServeError {
    /// It cannot listen.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The plant cannot be used.
    #[error(transparent)]
    Plant(#[from] PlantError),
    /// It cannot serve clients.
    #[error(
        "no thread can be started to serve clients: {0} (raise the limit of threads, `ulimit -u`)"
    )]
    Threads(io::Error),
    /// One of its long-lived tasks has ended.
    #[error(transparent)]
    Task(#[from] TaskEnded),
}

/// Serves with these settings until `stop` is done.
///
/// # Errors
/// [`ServeError`] if it cannot begin, or cannot go on.
pub async fn run(config: Config, stop: impl Future<Output = ()>) -> Result<(), ServeError> {
    tokio::pin!(stop);
    let starting = Starting::listen(&config)?;
    let server = tokio::select! {
        () = &mut stop => return Ok(()),
        failed = starting.health.failed() => return Err(failed.into()),
        plant = starting.load(config.case.as_deref()) => starting.finish(config, plant?).await?,
    };
    for address in server.addresses() {
        info!("listening on http://{address}");
    }
    if let Some(address) = server.addresses().first() {
        info!(
            "open http://localhost:{} in a browser, or /api for the REST routes",
            address.port()
        );
    }
    serve_until(server, stop).await
}

/// Lets a server serve until `stop` is done, and ends it.
///
/// # Errors
/// [`ServeError::Task`] if it could not go on.
pub async fn serve_until(server: Server, stop: impl Future<Output = ()>) -> Result<(), ServeError> {
    let end = tokio::select! {
        () = stop => Ok(()),
        failed = server.health.failed() => Err(failed.into()),
    };
    server.stop().await;
    end
}

/// A server that listens and has no plant yet.
struct Starting {
    addresses: Vec<SocketAddr>,
    health: Health,
    shutdown: CancellationToken,
    doing: watch::Sender<String>,
    router: watch::Sender<Router>,
    serving: JoinHandle<()>,
}

impl Starting {
    fn listen(config: &Config) -> Result<Self, BindError> {
        let listener = Listener::bind(&config.listen)?;
        let addresses = listener.addresses();
        let shutdown = CancellationToken::new();
        let health = Health::new(shutdown.clone());
        let (doing, done) = watch::channel(String::new());
        let redis = match config.redis {
            Some(_) => RedisState::Away,
            None => RedisState::None,
        };
        let (router, present) =
            watch::channel(http::starting(done, &config.api, redis, health.clone()));
        let (mut ready, end) = (present.clone(), shutdown.clone());
        let serving = health.spawn("http", |pulse| async move {
            // Whoever connects to a server that will be ready at once is served by that, not refused.
            let _ = timeout(QUICK_START, ready.changed()).await;
            serve(listener, present, pulse, end).await;
        });
        Ok(Self {
            addresses,
            health,
            shutdown,
            doing,
            router,
            serving,
        })
    }

    /// Reads the plant of a file, or takes the default one, and says what it does while that takes long.
    async fn load(&self, case: Option<&Path>) -> Result<Prepared, PlantError> {
        let Some(path) = case.map(Path::to_owned) else {
            return Ok(Prepared::new(PlantSpec::default()));
        };
        let shown = path.display().to_string();
        let reading = format!("reading and solving {shown}");
        let spec = self
            .patiently(reading, move || PlantSpec::load(&path))
            .await?;
        let timing = format!("timing steps of {shown}");
        Ok(self.patiently(timing, move || Prepared::new(spec)).await)
    }

    /// Computes beside the server, which says that it is `doing` that.
    async fn patiently<T: Send + 'static>(
        &self,
        doing: String,
        compute: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        self.doing.send_replace(doing);
        let computing = tokio::task::spawn_blocking(compute);
        tokio::pin!(computing);
        loop {
            match timeout(LONG_START, &mut computing).await {
                Ok(Ok(computed)) => return computed,
                Ok(Err(error)) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // Nobody else has its handle, and the runtime ends after this.
                    Err(_) => std::future::pending().await,
                },
                Err(_) => {
                    let addresses: Vec<_> =
                        self.addresses.iter().map(ToString::to_string).collect();
                    let doing = self.doing.borrow().clone();
                    info!(
                        "not ready yet: {doing}; meanwhile {} answers 503",
                        addresses.join(" and ")
                    );
                }
            }
        }
    }

    /// Puts everything behind the listener.
    async fn finish(self, config: Config, plant: Prepared) -> Result<Server, ServeError> {
        let Self {
            addresses,
            health,
            shutdown,
            router,
            serving,
            ..
        } = self;
        let Membership {
            log,
            feed,
            clock,
            status,
        } = cluster::join(
            config.redis.as_ref(),
            Fingerprint::new(plant.spec().fingerprint()),
            &health,
            shutdown.clone(),
        );
        let (simulation, batches) = simulation::engine::start(
            plant,
            config.simulation.clone(),
            log,
            feed,
            clock,
            &health,
            shutdown.clone(),
        );
        let redis = config.redis.clone();
        let shared = redis.map(|redis| shared(redis, &status, &shutdown));
        let catalogue = simulation.catalogue().clone();
        let host = host(&status);
        let realtime = realtime::mount(catalogue, batches, host, &config.clients, shared, &health)
            .await
            .map_err(ServeError::Threads)?;
        let readiness = Readiness::new(status.clone());
        let app = http::App {
            simulation: simulation.clone(),
            readiness: readiness.clone(),
            status,
            announcer: realtime.announcer,
        };
        let _ = router.send_replace(http::router(app, &config.api, realtime.router));
        if config.simulation.autostart {
            begin(&simulation, config.redis.is_some(), &shutdown).await;
        }
        Ok(Server {
            addresses,
            simulation,
            readiness,
            closer: realtime.closer,
            health,
            shutdown,
            serving,
        })
    }
}

/// A server that runs.
pub struct Server {
    addresses: Vec<SocketAddr>,
    simulation: Simulation,
    readiness: Readiness,
    closer: Closer,
    health: Health,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
}

impl Server {
    /// Starts a server of the default plant with these settings. It accepts connections when this
    /// returns.
    ///
    /// # Errors
    /// [`ServeError`] if it cannot listen or serve clients.
    pub async fn start(config: Config) -> Result<Self, ServeError> {
        Self::start_with(config, PlantSpec::default()).await
    }

    /// Starts a server of `plant` with these settings.
    ///
    /// # Errors
    /// [`ServeError`] if it cannot listen or serve clients.
    pub async fn start_with(config: Config, plant: PlantSpec) -> Result<Self, ServeError> {
        let starting = Starting::listen(&config)?;
        starting.finish(config, Prepared::new(plant)).await
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

    /// Whether its long-lived tasks go on.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Ends all connections and the server, within two seconds.
    pub async fn stop(self) {
        info!("shutting down");
        self.readiness.end();
        // Transports first: a long poll would hold its connection open, and a client must see its
        // transport closed, not its namespace, to reconnect by itself.
        let _ = timeout(CLOSE_TIMEOUT, self.closer.close()).await;
        self.shutdown.cancel();
        // It ends whatever became of the task that it watches.
        let _ = self.serving.await;
    }
}

/// What clients of all instances share through Redis.
fn shared(redis: config::Redis, status: &Status, shutdown: &CancellationToken) -> realtime::Shared {
    realtime::Shared {
        redis,
        time: status.time().clone(),
        channels: status.channels().clone(),
        shutdown: shutdown.clone(),
    }
}

/// What clients are told of the instance that they talk to.
fn host(status: &Status) -> realtime::Host {
    let clock = status.clone();
    realtime::Host {
        instance: status.instance().into(),
        now: Arc::new(move || clock.now()),
    }
}

/// Starts a run: at once, or as soon as a log that is `shared` can be reached.
async fn begin(simulation: &Simulation, shared: bool, shutdown: &CancellationToken) {
    let starting = autostart(simulation.clone());
    if shared {
        tokio::spawn(shutdown.clone().run_until_cancelled_owned(starting));
    } else {
        starting.await;
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
