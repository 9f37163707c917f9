//! A server inside the test's process.

use std::net::SocketAddr;

use gridcast::{app::Server, config::Config, health::Health, plant::PlantSpec};
use serde_json::Value;

use super::{Exchange, Polling, Response, Socket};

/// A server on a free port.
pub(crate) struct TestServer {
    server: Server,
}

/// The variable that says over which way of delivery the tests run; `direct` if it is not set.
pub(crate) const TEST_DELIVERY: &str = "TEST_DELIVERY";

impl TestServer {
    /// One with default settings.
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// One with these settings, by the names of their variables. Of the environment only [`TEST_DELIVERY`]
    /// counts.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let config = Config::from_values(|setting| {
            let given = settings.iter().find(|(name, _)| *name == setting.variable);
            match (given, setting.variable) {
                (Some((_, value)), _) => Some((*value).to_owned()),
                (None, "PORT") => Some("0".into()),
                (None, "HOST") => Some("127.0.0.1".into()),
                (None, "DELIVERY") => std::env::var(TEST_DELIVERY).ok(),
                (None, _) => None,
            }
        });
        let config = config.unwrap();
        let plant = match &config.case {
            Some(path) => PlantSpec::load(path).unwrap(),
            None => PlantSpec::default(),
        };
        let server = Server::start_with(config, plant).await.unwrap();
        Self { server }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.addresses()[0]
    }

    pub(crate) fn health(&self) -> &Health {
        self.server.health()
    }

    pub(crate) fn into_inner(self) -> Server {
        self.server
    }
    /// Sends a request without a body.
    pub(crate) async fn request(&self, method: &str, target: &str) -> Response {
        Exchange::new(method, target).send(self.address()).await
    }

    pub(crate) async fn get(&self, target: &str) -> Response {
        self.request("GET", target).await
    }

    /// Sends a request with a JSON body.
    pub(crate) async fn send_json(&self, method: &str, target: &str, body: &Value) -> Response {
        Exchange::new(method, target)
            .header("content-type", "application/json")
            .body(body.to_string())
            .send(self.address())
            .await
    }

    /// Starts a run with these settings.
    pub(crate) async fn start_run(&self, settings: &Value) {
        let target = "/api/v1/data/simulation/start";
        let answer = self.send_json("POST", target, settings).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// A websocket that has joined the namespace.
    pub(crate) async fn join(&self) -> Socket {
        Socket::join(self.address()).await
    }

    /// A polling session.
    pub(crate) async fn poll(&self) -> Polling {
        Polling::open(self.address()).await
    }
}
