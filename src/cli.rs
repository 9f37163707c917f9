//! The command line.

use std::env;

use clap::{Arg, ArgMatches, Command};

use crate::config::{Config, Problem, SETTINGS};

/// What the command line asks for.
#[derive(Debug)]
pub enum Action {
    /// Serve with these settings.
    Serve(Config),
    /// Ask a server with these settings whether it is ready.
    Healthcheck(Config),
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
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        super::command().debug_assert();
    }
}
