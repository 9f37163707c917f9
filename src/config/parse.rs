//! How the text of one setting becomes its value.

use std::{net::IpAddr, ops::RangeInclusive, path::PathBuf, str::FromStr, time::Duration};

use crate::grid::run::{MAX_DISTURBANCES, MAX_NOISE, MAX_SEED, MAX_SPEED};

use super::settings::{Problem, SETTINGS, Setting};

/// Reads settings one after the other and collects what is wrong.
pub(super) struct Reader<F> {
    value_of: F,
    problems: Vec<Problem>,
}

impl<F: Fn(&Setting) -> Option<String>> Reader<F> {
    pub(super) fn new(value_of: F) -> Self {
        Self {
            value_of,
            problems: Vec::new(),
        }
    }

    /// The value of `variable` if there is one and it can be used.
    pub(super) fn optional<T>(
        &mut self,
        variable: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let setting = SETTINGS
            .iter()
            .find(|setting| setting.variable == variable)?;
        let value = (self.value_of)(setting)?;
        let text = value.trim();
        if text.is_empty() {
            return None;
        }
        match parse(text) {
            Ok(parsed) => Some(parsed),
            Err(wanted) => {
                let Setting { variable, flag, .. } = *setting;
                self.problems.push(Problem {
                    variable,
                    flag,
                    value: shown(setting, value),
                    wanted,
                });
                None
            }
        }
    }

    /// Whether there is a value of `variable`, of whatever kind.
    pub(super) fn is_given(&self, variable: &str) -> bool {
        let setting = SETTINGS.iter().find(|one| one.variable == variable);
        let value = setting.and_then(|setting| (self.value_of)(setting));
        value.is_some_and(|value| !value.trim().is_empty())
    }

    /// The value of `variable`, or `default`.
    pub(super) fn or<T>(
        &mut self,
        variable: &str,
        default: T,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        self.optional(variable, parse).unwrap_or(default)
    }

    /// Refuses a value that fits by itself but not with others.
    pub(super) fn refuse(&mut self, variable: &str, wanted: String) {
        let setting = SETTINGS.iter().find(|one| one.variable == variable);
        let Some(setting) = setting else { return };
        self.problems.push(Problem {
            variable: setting.variable,
            flag: setting.flag,
            value: shown(setting, (self.value_of)(setting).unwrap_or_default()),
            wanted,
        });
    }

    pub(super) fn finish<T>(self, config: T) -> Result<T, Vec<Problem>> {
        if self.problems.is_empty() {
            Ok(config)
        } else {
            Err(self.problems)
        }
    }
}

/// The value of a setting as it may be shown: what has an `@` may hold a password.
fn shown(setting: &Setting, value: String) -> Option<String> {
    let secret = ["REDIS_URL", "REDIS_PASSWORD"].contains(&setting.variable);
    Some(value).filter(|value| !secret && !value.contains('@'))
}

fn whole<T: FromStr + PartialOrd + std::fmt::Display>(
    text: &str,
    range: RangeInclusive<T>,
) -> Result<T, String> {
    text.parse()
        .ok()
        .filter(|value| range.contains(value))
        .ok_or_else(|| {
            format!(
                "give a whole number from {} to {}",
                range.start(),
                range.end()
            )
        })
}

fn number(text: &str, max: f64) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|value| (0.0..=max).contains(value))
        .ok_or_else(|| format!("give a number from 0 to {max}"))
}

pub(super) fn host(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| {
        "give an IP address, for instance 127.0.0.1, 0.0.0.0 or ::; where it is the machine's name, \
         a shell may have set HOST by itself: unset it, or give --host"
            .into()
    })
}

pub(super) fn file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.exists() && !path.is_dir() {
        Ok(path)
    } else {
        Err("give the path of a file that exists, ending in .json, .m or .toml".into())
    }
}

pub(super) fn port(text: &str) -> Result<u16, String> {
    port_from(text, 0)
}

/// A port not below `lowest`.
pub(super) fn port_from(text: &str, lowest: u16) -> Result<u16, String> {
    let port = whole(text, lowest..=u16::MAX);
    if ["tcp://", "udp://"]
        .iter()
        .any(|link| text.starts_with(link))
    {
        return port.map_err(|wanted| {
            format!(
                "{wanted}; a value such as tcp://10.96.0.7:6379 comes from Kubernetes, which sets it \
                 in every pod beside a service of that name (or from a link of Docker's): set the \
                 variable yourself, or `enableServiceLinks: false` in the pod's spec"
            )
        });
    }
    port
}

pub(super) fn seed(text: &str) -> Result<u64, String> {
    whole(text, 0..=MAX_SEED)
}

pub(super) fn speed(text: &str) -> Result<u32, String> {
    whole(text, 1..=MAX_SPEED)
}

pub(super) fn rate(text: &str) -> Result<u32, String> {
    whole(text, 1..=100)
}

pub(super) fn noise(text: &str) -> Result<f64, String> {
    number(text, MAX_NOISE)
}

pub(super) fn disturbances(text: &str) -> Result<f64, String> {
    number(text, MAX_DISTURBANCES)
}

pub(super) fn delivery(text: &str) -> Result<bool, String> {
    match text {
        "direct" => Ok(true),
        "plain" => Ok(false),
        _ => Err("give direct or plain".into()),
    }
}

pub(super) fn stall(text: &str) -> Result<Duration, String> {
    whole(text, 1..=300).map(Duration::from_secs)
}

pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "on" | "yes" => Ok(true),
        "0" | "false" | "off" | "no" => Ok(false),
        _ => Err("give 1 or 0".into()),
    }
}

/// The path of the Socket.IO transport.
const TRANSPORT: &str = "socket.io";
/// What the server serves at the root, where the REST routes cannot be.
const OWN_PATHS: [&str; 7] = [
    "api", "api-json", "api-yaml", "healthz", "metrics", "readyz", TRANSPORT,
];

pub(super) fn prefix(text: &str) -> Result<String, String> {
    let path = text.trim_matches('/');
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    let first = path.split('/').next().unwrap_or_default();
    // Everything below the transport's path is the transport's.
    let reserved = |name: &&&str| {
        path.eq_ignore_ascii_case(name) || **name == TRANSPORT && first.eq_ignore_ascii_case(name)
    };
    if path.is_empty() || path.contains("//") || !path.chars().all(allowed) {
        Err("give a path such as api/v1, of letters, digits and - . _ ~".into())
    } else if let Some(name) = OWN_PATHS.iter().find(reserved) {
        Err(format!(
            "/{name} is served by the server itself; give another path, such as api/v1"
        ))
    } else {
        Ok(format!("/{path}"))
    }
}

pub(super) fn log(text: &str) -> Result<String, String> {
    tracing_subscriber::EnvFilter::try_new(text)
        .map(|_| text.to_owned())
        .map_err(|error| format!("give a level such as info, or directives ({error})"))
}
