//! The server's binary: reads settings, starts logging, serves until it is told to end.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use gridcast::{
    app::Server,
    cli::{self, Action},
    config::Config,
    healthcheck, physics,
    plant::{PlantError, PlantSpec},
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
            if error.is::<PlantError>() {
                ExitCode::from(BAD_SETTINGS)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

async fn run(action: Action) -> Result<(), Box<dyn std::error::Error>> {
    match action {
        Action::Serve(config) => run_server(config).await,
        Action::Healthcheck(config) => Ok(healthcheck::check(&config.listen).await?),
        Action::Physics(topic) => answer(&topic),
    }
}

fn answer(topic: &str) -> Result<(), Box<dyn std::error::Error>> {
    let input = io::read_to_string(io::stdin())?;
    let answer = physics::answer_text(topic, &input)?;
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, &answer)?;
    Ok(writeln!(output)?)
}

async fn run_server(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(&config.log)?)
        .init();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let plant = match &config.case {
        Some(path) => PlantSpec::load(path)?,
        None => PlantSpec::default(),
    };
    let server = Server::start_with(config, plant).await?;
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
