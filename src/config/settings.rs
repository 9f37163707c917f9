//! The list of all settings, and what is said of a value that cannot be used.

use std::fmt;

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
