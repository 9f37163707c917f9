//! Connections to the Redis that all instances share.

use std::{fmt, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo, ProtocolVersion,
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

/// Why Redis counts as away.
#[derive(Debug, Error)]
pub enum ConnectionError {
    /// It refuses, or breaks off.
    #[error("{0}")]
    Redis(#[from] RedisError),
    /// It does not answer.
    #[error("no answer within {} ms", RESPONSE_TIMEOUT.as_millis())]
    Silent,
}

impl ConnectionError {
    /// Whether nobody listens where Redis should be.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Redis(error) if error.is_connection_refusal())
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
            .map_err(ConnectionError::Redis)
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
