//! Every setting of the server, read once at the start.
//!
//! [`SETTINGS`] is the one list: command line, environment and the README's table come from it.
//! Reading is pure ([`Config::from_values`]) and reports all wrong values at once.

mod origins;
mod parse;
mod redis;
mod settings;

use std::{net::IpAddr, path::PathBuf, time::Duration};

use crate::grid::time::Timeline;

pub use redis::{Redis, Secret};
pub use settings::{Problem, SETTINGS, Setting};

/// All settings, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where to listen.
    pub listen: Listen,
    /// How the REST interface appears.
    pub api: Api,
    /// The file of the network or plant to simulate; the default plant if absent.
    pub case: Option<PathBuf>,
    /// How runs are made.
    pub simulation: Simulation,
    /// How clients are served.
    pub clients: Clients,
    /// The Redis that instances share, if there are to be several.
    pub redis: Option<Redis>,
    /// What to log, in the form of `RUST_LOG`.
    pub log: String,
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// The address; both loopback addresses if absent.
    pub host: Option<IpAddr>,
    /// The port; 0 takes a free one.
    pub port: u16,
}

/// How the REST interface appears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// Path in front of the routes, with a leading and without a trailing slash.
    pub prefix: String,
    /// Origins that may send credentials; `*` stands for any.
    pub cors_origins: Vec<String>,
}

/// How runs are made.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulation {
    /// Whether to start a run when the server starts.
    pub autostart: bool,
    /// Seed of each run; drawn if absent.
    pub seed: Option<u64>,
    /// Simulated seconds per second.
    pub speed: u32,
    /// Factor on measurement noise.
    pub noise: f64,
    /// Random disturbances per simulated hour.
    pub disturbances: f64,
    /// How ticks lie on the clock.
    pub timeline: Timeline,
}

/// How clients are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clients {
    /// Whether websockets are written to beside the Socket.IO engine, not through it.
    pub direct: bool,
    /// How long a client may take nothing while something waits for it.
    pub stall: Duration,
}

impl Default for Clients {
    fn default() -> Self {
        Self {
            direct: true,
            stall: Duration::from_secs(10),
        }
    }
}

impl Config {
    /// Reads all settings through `value_of`, which is given each [`Setting`].
    ///
    /// # Errors
    /// All values that cannot be used.
    pub fn from_values(
        value_of: impl Fn(&Setting) -> Option<String>,
    ) -> Result<Self, Vec<Problem>> {
        let mut reader = parse::Reader::new(value_of);
        let config = Self {
            listen: Listen {
                host: reader.optional("HOST", parse::host),
                port: reader.or("PORT", 3000, parse::port),
            },
            api: Api {
                prefix: reader.or("API_PREFIX", "/api/v1".into(), parse::prefix),
                cors_origins: reader.or(
                    "CORS_ORIGINS",
                    vec!["http://localhost:5173".into()],
                    origins::read,
                ),
            },
            case: reader.optional("CASE", parse::file),
            simulation: Simulation {
                autostart: reader.or("AUTOSTART", false, parse::switch),
                seed: reader.optional("SEED", parse::seed),
                speed: reader.or("SPEED", 1, parse::speed),
                noise: reader.or("NOISE", 1.0, parse::noise),
                disturbances: reader.or("DISTURBANCES", 12.0, parse::disturbances),
                timeline: Timeline::new(reader.or("RATE", 1, parse::rate)),
            },
            clients: Clients {
                direct: reader.or("DELIVERY", true, parse::delivery),
                stall: reader.or("STALL_S", Duration::from_secs(10), parse::stall),
            },
            redis: reader.redis(),
            log: reader.or("RUST_LOG", "info".into(), parse::log),
        };
        if config.redis.is_some() && config.simulation.timeline != Timeline::default() {
            let wanted = "leave it at 1 with Redis: instances share the ticks of 100 ms".to_owned();
            reader.refuse("RATE", wanted);
        }
        reader.finish(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, Vec<Problem>> {
        Config::from_values(|setting| {
            let (_, value) = pairs.iter().find(|(name, _)| *name == setting.variable)?;
            Some((*value).to_owned())
        })
    }

    #[test]
    fn defaults_are_those_of_the_table() {
        let config = read(&[]).unwrap();
        assert_eq!(
            config.listen,
            Listen {
                host: None,
                port: 3000
            }
        );
        assert_eq!(config.api.prefix, "/api/v1");
        assert_eq!(config.api.cors_origins, ["http://localhost:5173"]);
        let shown: Vec<_> = SETTINGS
            .iter()
            .filter(|setting| !setting.default.contains(' '))
            .map(|setting| (setting.variable, setting.default))
            .collect();
        assert_eq!(read(&shown).unwrap(), config);
    }

    #[test]
    fn the_readme_lists_every_setting() {
        let readme = include_str!("../../README.md");
        for Setting {
            flag,
            variable,
            default,
            help,
        } in SETTINGS
        {
            let row = format!("| `{variable}` | `--{flag}` | {default} | {help} |");
            assert!(readme.contains(&row), "README.md lacks the row\n{row}");
        }
    }

    #[test]
    fn all_problems_are_named_at_once() {
        let bad: Vec<_> = SETTINGS
            .iter()
            .map(|setting| (setting.variable, "=?!/ nonsense"))
            .collect();
        let problems = read(&bad).unwrap_err();
        let named: Vec<_> = problems.iter().map(|problem| problem.variable).collect();
        let all = SETTINGS.iter().map(|setting| setting.variable);
        // With a URL the others that say where Redis is are of no account; any text can be a password.
        let unused = ["REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD"];
        let all: Vec<_> = all.filter(|name| !unused.contains(name)).collect();
        assert_eq!(named, all);
        assert_eq!(
            problems[1].to_string(),
            "PORT (--port) is \"=?!/ nonsense\": give a whole number from 0 to 65535"
        );
    }

    #[test]
    fn an_empty_value_counts_as_unset() {
        assert_eq!(
            read(&[("SEED", ""), ("PORT", " ")]).unwrap(),
            read(&[]).unwrap()
        );
    }

    #[test]
    fn limits_are_inclusive() {
        for (variable, good, bad) in [
            ("SEED", "9007199254740991", "9007199254740992"),
            ("SPEED", "100", "101"),
            ("SPEED", "1", "0"),
            ("NOISE", "10", "10.1"),
            ("NOISE", "0", "-0.1"),
            ("DISTURBANCES", "3600", "NaN"),
            ("RATE", "100", "1.5"),
            ("PORT", "65535", "65536"),
            ("HOST", "::", "example.com"),
            ("AUTOSTART", "true", "maybe"),
            ("DELIVERY", "plain", "fast"),
            ("STALL_S", "300", "301"),
            ("STALL_S", "1", "0"),
        ] {
            assert!(read(&[(variable, good)]).is_ok(), "{variable}={good}");
            assert!(read(&[(variable, bad)]).is_err(), "{variable}={bad}");
        }
    }

    #[test]
    fn prefix_and_origins_are_normalised() {
        let config = read(&[
            ("API_PREFIX", "/rest/v2/"),
            (
                "CORS_ORIGINS",
                " https://a.example/, http://b.example:8080 ,",
            ),
        ])
        .unwrap();
        assert_eq!(config.api.prefix, "/rest/v2");
        assert_eq!(
            config.api.cors_origins,
            ["https://a.example", "http://b.example:8080"]
        );
        for reserved in [
            "/",
            "api",
            "API",
            "socket.io",
            "socket.io/x",
            "healthz",
            "api-json",
        ] {
            assert!(read(&[("API_PREFIX", reserved)]).is_err(), "{reserved}");
        }
    }
}
