//! The command line.

use std::env;

use clap::{Arg, ArgMatches, Command};

use crate::{
    config::{Config, Problem, SETTINGS},
    physics::TOPICS,
};

/// The argument of `physics`.
const TOPIC: &str = "topic";

/// What the command line asks for.
#[derive(Debug)]
pub enum Action {
    /// Serve with these settings.
    Serve(Config),
    /// Ask a server with these settings whether it is ready.
    Healthcheck(Config),
    /// Answer a verification topic from standard input.
    Physics(String),
}

/// Reads the command line and the environment. Help, version and a wrong command line end the
/// process here, as usual.
///
/// # Errors
/// All settings that cannot be used.
pub fn read() -> Result<Action, Vec<Problem>> {
    let matches = command().get_matches();
    match matches.subcommand() {
        Some(("healthcheck", given)) => Ok(Action::Healthcheck(config(given)?)),
        Some(("physics", given)) => Ok(Action::Physics(
            given.get_one::<String>(TOPIC).cloned().unwrap_or_default(),
        )),
        Some((_, given)) => Ok(Action::Serve(config(given)?)),
        None => Ok(Action::Serve(config(&matches)?)),
    }
}

fn config(given: &ArgMatches) -> Result<Config, Vec<Problem>> {
    Config::from_values(|setting| {
        given
            .get_one::<String>(setting.flag)
            .cloned()
            .or_else(|| env::var(setting.variable).ok())
    })
}

fn command() -> Command {
    let settings = || {
        SETTINGS.iter().map(|setting| {
            Arg::new(setting.flag)
                .long(setting.flag)
                .value_name(setting.variable)
                .allow_hyphen_values(true)
                .help(format!(
                    "{} [variable {}, default {}]",
                    setting.help, setting.variable, setting.default
                ))
        })
    };
    Command::new("gridcast")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Realtime telemetry server for power systems that speaks Socket.IO")
        .args_conflicts_with_subcommands(true)
        .args(settings())
        .subcommand(
            Command::new("serve")
                .about("Serve (the default)")
                .args(settings()),
        )
        .subcommand(
            Command::new("healthcheck")
                .about("Ask the server on HOST and PORT whether it is ready: exit status 0 if so")
                .args(settings()),
        )
        .subcommand(
            Command::new("physics")
                .about("Answer one of the models' topics: JSON in, JSON out")
                .long_about(physics_help())
                .arg(
                    Arg::new(TOPIC)
                        .required(true)
                        .value_parser(TOPICS.iter().map(|(name, _)| *name).collect::<Vec<_>>())
                        .help("What to compute"),
                ),
        )
}

fn physics_help() -> String {
    let topics = TOPICS
        .iter()
        .map(|(name, what)| format!("  {name:<10} {what}\n"));
    let topics: String = topics.collect();
    format!(
        "Answers one of the models' topics: reads the input from standard input, writes the answer \
         to standard output, both JSON.\n\n{topics}"
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        super::command().debug_assert();
    }
}
