//! Every setting of the server, read once at the start.
//!
//! [`SETTINGS`] is the one list: command line, environment and the README's table come from it.
//! Reading is pure ([`Config::from_values`]) and reports all wrong values at once.

mod origins;
mod parse;
mod redis;

use std::{fmt, net::IpAddr, path::PathBuf, time::Duration};

use crate::grid::time::Timeline;

pub use redis::{Redis, Secret};

/// One setting: `--flag`, the environment variable and what it means.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The flag without its dashes.
    pub flag: &'static str,
    /// The environment variable.
    pub variable: &'static str,
    /// What holds when neither is given, in words.
    pub default: &'static str,
    /// What it does, with range and unit.
    pub help: &'static str,
}

/// All settings. A flag wins over its variable.
pub const SETTINGS: &[Setting] = &[
    Setting {
        flag: "host",
        variable: "HOST",
        default: "127.0.0.1 and ::1",
        help: "IP address to listen on; `::` or `0.0.0.0` for all",
    },
    Setting {
        flag: "port",
        variable: "PORT",
        default: "3000",
        help: "TCP port to listen on, 0..65535; 0 takes a free one",
    },
    Setting {
        flag: "api-prefix",
        variable: "API_PREFIX",
        default: "api/v1",
        help: "path in front of the REST routes",
    },
    Setting {
        flag: "cors-origins",
        variable: "CORS_ORIGINS",
        default: "http://localhost:5173",
        help: "origins, separated by commas, that may send credentials to the REST routes; `*` for any",
    },
    Setting {
        flag: "case",
        variable: "CASE",
        default: "the 5-bus plant",
        help: "what to simulate: a network in MATPOWER's form (`.json`, `.m`) or a plant file (`.toml`)",
    },
    Setting {
        flag: "autostart",
        variable: "AUTOSTART",
        default: "0",
        help: "1 starts a run when the server starts, unless one was started or stopped before",
    },
    Setting {
        flag: "seed",
        variable: "SEED",
        default: "drawn at each start",
        help: "seed of a run, 0..9007199254740991; equal seeds give equal values",
    },
    Setting {
        flag: "speed",
        variable: "SPEED",
        default: "1",
        help: "simulated seconds per second, 1..100; the periods on the wire stay",
    },
    Setting {
        flag: "noise",
        variable: "NOISE",
        default: "1",
        help: "factor on measurement noise, 0..10",
    },
    Setting {
        flag: "disturbances",
        variable: "DISTURBANCES",
        default: "12",
        help: "random disturbances per simulated hour, 0..3600",
    },
    Setting {
        flag: "rate",
        variable: "RATE",
        default: "1",
        help: "for load tests only, 1..100: a tick lasts 100 ms / RATE, so all periods shrink by it",
    },
    Setting {
        flag: "delivery",
        variable: "DELIVERY",
        default: "direct",
        help: "how samples reach websockets: `direct`, one write for each client and tick, or `plain`, through the Socket.IO engine as to clients that poll",
    },
    Setting {
        flag: "stall-s",
        variable: "STALL_S",
        default: "10",
        help: "seconds after which a client that takes nothing is cut off, 1..300",
    },
    Setting {
        flag: "redis-url",
        variable: "REDIS_URL",
        default: "none, as one instance by itself",
        help: "Redis that all instances of this service share: `redis://user:password@host:6379/0`, `rediss://` with TLS",
    },
    Setting {
        flag: "redis-host",
        variable: "REDIS_HOST",
        default: "none, or that of REDIS_URL",
        help: "host of the Redis where `REDIS_URL` is not set",
    },
    Setting {
        flag: "redis-port",
        variable: "REDIS_PORT",
        default: "6379",
        help: "port of the Redis on `REDIS_HOST`, 1..65535",
    },
    Setting {
        flag: "redis-password",
        variable: "REDIS_PASSWORD",
        default: "none, or that of REDIS_URL",
        help: "password of the Redis on `REDIS_HOST`, or of `REDIS_URL` where that has none",
    },
    Setting {
        flag: "redis-prefix",
        variable: "REDIS_PREFIX",
        default: "gridcast",
        help: "beginning of all names in Redis; instances with the same one act as one",
    },
    Setting {
        flag: "log",
        variable: "RUST_LOG",
        default: "info",
        help: "what to log: off, error, warn, info, debug, trace, or directives as in `gridcast=debug,info`",
    },
];

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

/// A value that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The setting's variable.
    pub variable: &'static str,
    /// The setting's flag without its dashes.
    pub flag: &'static str,
    /// The value as given; none if it may hold a password.
    pub value: Option<String>,
    /// What would do instead.
    pub wanted: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            variable,
            flag,
            value,
            wanted,
        } = self;
        match value {
            Some(value) => write!(f, "{variable} (--{flag}) is {value:?}: {wanted}"),
            None => write!(
                f,
                "{variable} (--{flag}) cannot be used (it may hold a password, so it is not shown): {wanted}"
            ),
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
