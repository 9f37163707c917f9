//! Where the Redis is that instances share.

use std::fmt;

use percent_encoding::percent_decode_str;
use url::Url;

use super::{Setting, parse};

const DEFAULT_PORT: u16 = 6379;
const DEFAULT_PREFIX: &str = "gridcast";

/// The Redis that instances share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redis {
    /// Its host name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether to speak TLS; certificates are checked against those the system trusts.
    pub tls: bool,
    /// The user, where it has access lists.
    pub user: Option<String>,
    /// The password, if it asks for one.
    pub password: Option<Secret>,
    /// The number of the database.
    pub database: u16,
    /// Beginning of all keys and channels.
    pub prefix: String,
}

/// A text that is not to be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl<F: Fn(&Setting) -> Option<String>> parse::Reader<F> {
    /// The Redis that `REDIS_URL` or else `REDIS_HOST` names. The other settings of Redis are read
    /// either way, so that a wrong one is named.
    pub(super) fn redis(&mut self) -> Option<Redis> {
        let by_url = self.optional("REDIS_URL", url);
        let host = self.optional("REDIS_HOST", host);
        let port = self.or("REDIS_PORT", DEFAULT_PORT, port);
        let password = self.optional("REDIS_PASSWORD", |text| Ok(Secret(text.to_owned())));
        let prefix = self.or("REDIS_PREFIX", DEFAULT_PREFIX.into(), prefix);
        let by_host = |host| Redis {
            host,
            port,
            tls: false,
            user: None,
            password: None,
            database: 0,
            prefix: String::new(),
        };
        let redis = by_url.or_else(|| host.map(by_host))?;
        Some(Redis {
            password: redis.password.clone().or(password),
            prefix,
            ..redis
        })
    }
}

fn url(text: &str) -> Result<Redis, String> {
    read_url(text).ok_or_else(|| {
        "give a URL such as redis://localhost:6379, redis://user:password@host:6379/0 or rediss://host"
            .into()
    })
}

fn read_url(text: &str) -> Option<Redis> {
    let url = Url::parse(text).ok()?;
    let tls = match url.scheme() {
        "redis" | "valkey" => false,
        "rediss" | "valkeys" => true,
        _ => return None,
    };
    let decoded = |text: &str| Some(percent_decode_str(text).decode_utf8().ok()?.into_owned());
    let user = Some(url.username()).filter(|user| !user.is_empty());
    let password = url.password().filter(|password| !password.is_empty());
    let database = match url.path().trim_matches('/') {
        "" => 0,
        number => number.parse().ok()?,
    };
    Some(Redis {
        host: host(url.host_str()?.trim_matches(['[', ']'])).ok()?,
        port: url.port().unwrap_or(DEFAULT_PORT),
        tls,
        user: user.map(|user| decoded(user).ok_or(())).transpose().ok()?,
        password: password
            .map(|password| decoded(password).map(Secret).ok_or(()))
            .transpose()
            .ok()?,
        database,
        prefix: String::new(),
    })
}

fn host(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_alphanumeric() || "-._:".contains(c);
    if !text.is_empty() && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("give a host name or an IP address, such as localhost".into())
    }
}

fn port(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|port| *port > 0);
    port.ok_or_else(|| "give a whole number from 1 to 65535".into())
}

fn prefix(text: &str) -> Result<String, String> {
    const LONGEST: usize = 64;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
    if text.len() <= LONGEST && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err(format!("give up to {LONGEST} letters, digits and - . _ :"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Problem};

    fn read(pairs: &[(&str, &str)]) -> Result<Option<Redis>, Vec<Problem>> {
        Config::from_values(|setting| {
            let (_, value) = pairs.iter().find(|(name, _)| *name == setting.variable)?;
            Some((*value).to_owned())
        })
        .map(|config| config.redis)
    }

    #[test]
    fn a_url_says_everything() {
        let redis = read(&[("REDIS_URL", "rediss://me:p%40ss@redis.example:7000/3")]);
        let expected = Redis {
            host: "redis.example".into(),
            port: 7000,
            tls: true,
            user: Some("me".into()),
            password: Some(Secret("p@ss".into())),
            database: 3,
            prefix: "gridcast".into(),
        };
        assert_eq!(redis.unwrap().unwrap(), expected);
        let v6 = read(&[("REDIS_URL", "redis://[::1]")]).unwrap().unwrap();
        assert_eq!((v6.host.as_str(), v6.port, v6.tls), ("::1", 6379, false));
    }

    #[test]
    fn the_original_names_work() {
        let redis = read(&[
            ("REDIS_HOST", "localhost"),
            ("REDIS_PORT", "7001"),
            ("REDIS_PASSWORD", "secret"),
            ("REDIS_PREFIX", "two"),
        ]);
        let redis = redis.unwrap().unwrap();
        assert_eq!((redis.host.as_str(), redis.port), ("localhost", 7001));
        assert_eq!(redis.password, Some(Secret("secret".into())));
        assert_eq!(redis.prefix, "two");
        assert!(
            format!("{redis:?}").contains("password: Some((secret))"),
            "{redis:?}"
        );
    }

    #[test]
    fn without_a_host_there_is_no_redis() {
        let settings = [("REDIS_PORT", "6379"), ("REDIS_PASSWORD", "secret")];
        assert_eq!(read(&settings), Ok(None));
    }

    #[test]
    fn ticks_keep_their_length_with_redis() {
        let problems = read(&[("REDIS_HOST", "localhost"), ("RATE", "2")]).unwrap_err();
        assert_eq!(problems[0].variable, "RATE");
        assert!(read(&[("REDIS_HOST", "localhost"), ("RATE", "1")]).is_ok());
    }

    #[test]
    fn wrong_values_are_refused() {
        for (variable, value) in [
            ("REDIS_URL", "localhost:6379"),
            ("REDIS_URL", "http://localhost"),
            ("REDIS_URL", "redis://localhost/first"),
            ("REDIS_URL", "redis://"),
            ("REDIS_HOST", "redis://localhost"),
            ("REDIS_PORT", "0"),
            ("REDIS_PREFIX", "a b"),
        ] {
            assert!(read(&[(variable, value)]).is_err(), "{variable}={value}");
        }
    }
}
