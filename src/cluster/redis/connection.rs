//! Connections to the Redis that all instances share.

use std::{fmt, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, IntoConnectionInfo, ProtocolVersion,
    RedisConnectionInfo, RedisError, aio::MultiplexedConnection,
};
use thiserror::Error;

use crate::config;

/// How long Redis may take to accept a connection and its greeting.
pub const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// How long Redis may take to answer.
pub const RESPONSE_TIMEOUT: Duration = Duration::from_millis(700);
/// How long to wait between two attempts to connect.
pub const RECONNECT_PAUSE: Duration = Duration::from_millis(200);

/// The commands that a user of Redis needs, as its access lists have them; scripts run some of them.
pub const COMMANDS: &str = "+del +evalsha +hdel +hget +hgetall +hmget +hset +hstrlen +info +ping +publish \
     +pubsub|numsub +script|load +select +subscribe +time +unsubscribe +xadd +xrange +xread +xtrim";

/// Why Redis counts as away.
#[derive(Debug, Error)]
pub enum ConnectionError {
    /// It refuses, or breaks off.
    #[error("{0}")]
    Redis(#[from] RedisError),
    /// The same, where its words repeat the password.
    #[error("it refuses the greeting: redis-server 6.2 or newer, with HELLO, is needed")]
    Greeting,
    /// It does not answer.
    #[error("no answer within {} ms", RESPONSE_TIMEOUT.as_millis())]
    Silent,
}

impl ConnectionError {
    /// Whether Redis has not answered in time.
    #[must_use]
    pub fn is_silence(&self) -> bool {
        match self {
            Self::Redis(error) => error.is_timeout(),
            Self::Silent => true,
            Self::Greeting => false,
        }
    }

    /// Whether nobody listens where Redis should be.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Redis(error) if error.is_connection_refusal())
    }

    /// What Redis says where it is there and does not let this user do it.
    fn refusal(&self) -> Option<String> {
        /// How Redis 6 and 7 refuse a command inside a script, without a code.
        const IN_SCRIPT: &str = "The user executing the script can't";
        let Self::Redis(error) = self else {
            return None;
        };
        let said = match (error.code(), error.detail()) {
            (Some(code), Some(detail)) => format!("{code} {detail}"),
            _ => error.to_string(),
        };
        let refused = error.kind() == ErrorKind::AuthenticationFailed
            || ["NOPERM", "NOAUTH", "WRONGPASS"].contains(&error.code().unwrap_or_default())
            || said.contains(IN_SCRIPT);
        refused.then_some(said)
    }
}

/// Where Redis is. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Endpoint {
    config: config::Redis,
}

impl Endpoint {
    /// The one that the settings name.
    #[must_use]
    pub fn new(config: &config::Redis) -> Self {
        Self {
            config: config.clone(),
        }
    }

    /// The beginning of all keys and channels.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.config.prefix
    }

    /// Connects, with `adjust`ed timeouts or with a receiver of pushed messages.
    ///
    /// # Errors
    /// [`ConnectionError`] if Redis does not take the connection in time.
    pub async fn connect(
        &self,
        adjust: impl FnOnce(AsyncConnectionConfig) -> AsyncConnectionConfig,
    ) -> Result<MultiplexedConnection, ConnectionError> {
        let client = self.client()?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT));
        let config = adjust(config);
        let connecting = client.get_multiplexed_async_connection_with_config(&config);
        tokio::time::timeout(CONNECT_TIMEOUT, connecting)
            .await
            .map_err(|_| ConnectionError::Silent)?
            .map_err(|error| self.without_password(error))
    }

    /// A server that does not know the greeting repeats it, with the password.
    fn without_password(&self, error: RedisError) -> ConnectionError {
        let said = format!("{error} {error:?}");
        match &self.config.password {
            Some(password) if said.contains(&password.0) => ConnectionError::Greeting,
            _ => ConnectionError::Redis(error),
        }
    }

    /// What the user may not do, what Redis says of it and how to allow it, if that is what the error
    /// is about.
    #[must_use]
    pub fn refusal(&self, error: &ConnectionError) -> Option<String> {
        let said = error.refusal()?;
        let user = self.config.user.as_deref().unwrap_or("default");
        let advice = if !said.starts_with("NOPERM") && !said.contains("script") {
            "look at the user and password in REDIS_URL, or REDIS_PASSWORD".to_owned()
        } else {
            format!("allow it: ACL SETUSER {user} {}", self.lacking(&said))
        };
        Some(format!(
            "Redis at {self} refuses the user {user:?} ({}): {advice}",
            said.trim()
        ))
    }

    /// The rule that lacks in the user's access list, by what Redis says.
    fn lacking(&self, said: &str) -> String {
        let prefix = self.prefix();
        let command = said
            .split_once("run the '")
            .and_then(|(_, rest)| rest.split_once('\''));
        match command {
            Some((command, _)) => format!("+{command}"),
            None if said.contains("channel") => format!("&{prefix}:*"),
            None if said.contains("key") => format!("~{prefix}:*"),
            None => COMMANDS.to_owned(),
        }
    }

    fn client(&self) -> Result<Client, RedisError> {
        let config::Redis {
            host, port, tls, ..
        } = &self.config;
        let address = if *tls {
            ConnectionAddr::TcpTls {
                host: host.clone(),
                port: *port,
                insecure: false,
                tls_params: None,
            }
        } else {
            ConnectionAddr::Tcp(host.clone(), *port)
        };
        let mut settings = RedisConnectionInfo::default()
            .set_protocol(ProtocolVersion::RESP3)
            .set_db(self.config.database.into());
        if let Some(user) = &self.config.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &self.config.password {
            settings = settings.set_password(&password.0);
        }
        Client::open(address.into_connection_info()?.set_redis_settings(settings))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.config.host, self.config.port)
    }
}
