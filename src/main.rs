//! The server's binary: reads settings, starts logging, serves until it is told to end.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use gridcast::{
    app::{self, ServeError},
    cli::{self, Action},
    config::Config,
    healthcheck, logging, physics,
};
use tokio::signal::unix::{SignalKind, signal};

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
                logging::say(problem);
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
            logging::say(&error);
            if matches!(error.downcast_ref(), Some(ServeError::Plant(_))) {
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
    let _log = logging::start(&config.log).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    Ok(app::run(config, stop).await?)
}
