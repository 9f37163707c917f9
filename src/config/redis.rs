//! Where the Redis is that instances share.

use std::fmt;

use percent_encoding::percent_decode_str;
use url::Url;

use super::{parse, settings::Setting};

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
    /// The Redis that `REDIS_URL` or else `REDIS_HOST` names. What is not used is not read:
    /// orchestrators set some of the variables for reasons of their own.
    pub(super) fn redis(&mut self) -> Option<Redis> {
        let redis = if self.is_given("REDIS_URL") {
            self.optional("REDIS_URL", url)
        } else if self.is_given("REDIS_HOST") {
            let host = self.optional("REDIS_HOST", host);
            let port = self.or("REDIS_PORT", DEFAULT_PORT, port);
            host.map(|host| Redis {
                host,
                port,
                tls: false,
                user: None,
                password: None,
                database: 0,
                prefix: String::new(),
            })
        } else {
            return None;
        };
        let password = self.optional("REDIS_PASSWORD", |text| Ok(Secret(text.to_owned())));
        let prefix = self.or("REDIS_PREFIX", DEFAULT_PREFIX.into(), prefix);
        let redis = redis?;
        Some(Redis {
            password: redis.password.clone().or(password),
            prefix,
            ..redis
        })
    }
}

/// What to write instead of the characters that end a user or password.
const ESCAPES: &str = "in the user and the password write # as %23, ? as %3F, / as %2F, @ as %40, : as %3A \
     and % as %25, or give the password in REDIS_PASSWORD, as it is";

/// Reads a URL. What is said of a wrong one holds nothing of it.
fn url(text: &str) -> Result<Redis, String> {
    let wanted = "give a URL such as redis://localhost:6379, redis://user:password@host:6379/0 or rediss://host";
    read_url(text).map_err(|why| format!("{why}; {wanted}; {ESCAPES}"))
}

fn read_url(text: &str) -> Result<Redis, &'static str> {
    let tls = match text
        .split_once("://")
        .map(|(scheme, _)| scheme.to_ascii_lowercase())
    {
        Some(scheme) if ["redis", "valkey"].contains(&scheme.as_str()) => false,
        Some(scheme) if ["rediss", "valkeys"].contains(&scheme.as_str()) => true,
        _ => return Err("it does not begin with redis:// or rediss://"),
    };
    let url = Url::parse(text).map_err(|_| "it is no URL")?;
    // The first of these characters ends the part with the password, and an @ behind it tells so.
    let behind = [Some(url.path()), url.query(), url.fragment()];
    if url.fragment().is_some() || behind.iter().flatten().any(|part| part.contains('@')) {
        return Err("a # ? or / ends its host too early");
    }
    let user = Some(url.username()).filter(|user| !user.is_empty());
    let password = url.password().filter(|password| !password.is_empty());
    let database = match url.path().trim_matches('/') {
        "" => 0,
        number => number
            .parse()
            .map_err(|_| "what follows its host is not the number of a database")?,
    };
    Ok(Redis {
        host: host(url.host_str().unwrap_or_default().trim_matches(['[', ']']))
            .map_err(|_| "it has no host")?,
        port: url.port().unwrap_or(DEFAULT_PORT),
        tls,
        user: user.map(decoded).transpose()?,
        password: password.map(decoded).transpose()?.map(Secret),
        database,
        prefix: String::new(),
    })
}

fn decoded(text: &str) -> Result<String, &'static str> {
    let bytes = percent_decode_str(text).decode_utf8();
    let text = bytes.map_err(|_| "a % in it stands for no character")?;
    Ok(text.into_owned())
}

fn host(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_alphanumeric() || "-._:".contains(c);
    if !text.is_empty() && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err(
            "give a host name or an IP address, such as localhost; a URL belongs into REDIS_URL"
                .into(),
        )
    }
}

fn port(text: &str) -> Result<u16, String> {
    parse::port_from(text, 1)
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
    fn what_is_not_used_stops_nothing() {
        const LINK: &str = "tcp://10.96.0.7:6379";
        assert_eq!(read(&[("REDIS_PORT", LINK)]), Ok(None));
        assert_eq!(read(&[("REDIS_PREFIX", "a b")]), Ok(None));
        for (variable, value) in [
            ("REDIS_PORT", LINK),
            ("REDIS_HOST", LINK),
            ("REDIS_HOST", "redis://a:b@c"),
        ] {
            let redis = read(&[("REDIS_URL", "redis://there:7000"), (variable, value)]);
            assert_eq!(redis.unwrap().unwrap().port, 7000);
        }
        let problems = read(&[("REDIS_HOST", "redis"), ("REDIS_PORT", LINK)]).unwrap_err();
        let said = problems[0].to_string();
        for part in [
            "REDIS_PORT",
            LINK,
            "Kubernetes",
            "enableServiceLinks: false",
        ] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn a_secret_is_never_said() {
        for (variable, value) in [
            ("REDIS_URL", "redis://:s3cr#et@host"),
            ("REDIS_URL", "redis://:s3cr/et@host"),
            ("REDIS_URL", "redis://:s3cr?et@host"),
            ("REDIS_URL", "redis://s3cr:12#et@host"),
            ("REDIS_URL", "redis://s3cr:12?et@host"),
            ("REDIS_URL", "redis://s3cr:12/et@host"),
            ("REDIS_URL", "redis://:s3cr%ffet@host"),
            ("REDIS_URL", "redis://:s3cret@"),
            ("REDIS_URL", "redis//:s3cret@host"),
            ("REDIS_URL", "s3cret"),
            ("REDIS_HOST", "redis://:s3cret@host"),
            ("REDIS_HOST", ":s3cret@host"),
        ] {
            let problems = read(&[(variable, value)]).unwrap_err();
            let said = format!("{} {problems:?}", problems[0]);
            assert!(said.contains(variable), "{said}");
            assert!(!said.contains("s3cr") && !said.contains("et@"), "{said}");
            assert!(
                variable == "REDIS_HOST" || said.contains("# as %23"),
                "{said}"
            );
        }
        let redis = read(&[("REDIS_URL", "redis://:s3cr%23%3F%2F%40et@host")]);
        let redis = redis.unwrap().unwrap();
        assert_eq!(redis.password, Some(Secret("s3cr#?/@et".into())));
        assert!(!format!("{redis:?}").contains("s3cr"));
    }

    #[test]
    fn wrong_values_are_refused() {
        for (variable, value) in [
            ("REDIS_URL", "localhost:6379"),
            ("REDIS_URL", "http://localhost"),
            ("REDIS_URL", "redis://localhost/first"),
            ("REDIS_URL", "redis://"),
            ("REDIS_HOST", "redis://localhost"),
        ] {
            assert!(read(&[(variable, value)]).is_err(), "{variable}={value}");
        }
        for (variable, value) in [("REDIS_PORT", "0"), ("REDIS_PREFIX", "a b")] {
            let problems = read(&[("REDIS_HOST", "localhost"), (variable, value)]);
            assert_eq!(problems.unwrap_err()[0].variable, variable);
        }
    }
}
