//! The server's binary: reads settings, starts logging, serves until it is told to end.

use std::process::ExitCode;

use gridcast::{
    app::Server,
    cli::{self, Action},
    config::Config,
    healthcheck,
};
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;
use tracing_subscriber::EnvFilter;

/// Fast for the many small pieces of a tick, and it gives freed pages back by itself. Version 2 of it
/// and no transparent huge pages (the crate's features): with either the other way the process
/// keeps several times as much after a flood.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit status for settings that cannot be used.
const BAD_SETTINGS: u8 = 2;

fn main() -> ExitCode {
    let action = match cli::read() {
        Ok(action) => action,
        Err(problems) => {
            for problem in problems {
                eprintln!("gridcast: {problem}");
            }
            return ExitCode::from(BAD_SETTINGS);
        }
    };
    let result = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(run(action)),
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gridcast: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(action: Action) -> Result<(), Box<dyn std::error::Error>> {
    match action {
        Action::Serve(config) => run_server(config).await,
        Action::Healthcheck(config) => Ok(healthcheck::check(&config.listen).await?),
    }
}

async fn run_server(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(&config.log)?)
        .init();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let server = Server::start(config).await?;
    for address in server.addresses() {
        info!("listening on http://{address}");
    }
    if let Some(address) = server.addresses().first() {
        info!(
            "open http://localhost:{} in a browser, or /api for the REST routes",
            address.port()
        );
    }
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    server.stop().await;
    Ok(())
}
