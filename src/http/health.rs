//! Liveness and readiness, for balancers and orchestrators.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    cluster::status::{RedisState, Status},
    grid::time::Timestamp,
};

use super::{App, error::JsonBody};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
}

/// Whether new clients should be sent to this instance. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Readiness {
    ending: Arc<AtomicBool>,
    status: Status,
}

impl Readiness {
    /// That of an instance with this status.
    #[must_use]
    pub fn new(status: Status) -> Self {
        Self {
            ending: Arc::default(),
            status,
        }
    }

    /// No new clients from now on: the server is shutting down.
    pub fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }

    /// Why not; empty if they should.
    fn reasons(&self) -> Vec<String> {
        let ending = self
            .ending
            .load(Ordering::Relaxed)
            .then(|| "the server is shutting down".to_owned());
        ending.into_iter().chain(self.status.unready()).collect()
    }
}

/// Answer of `/healthz`.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Answer of `/readyz`.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are the wire's")]
struct Ready {
    /// Whether new clients are welcome.
    #[schema(example = true)]
    ready: bool,
    /// Why not, and what else is amiss: a permission that lacks in Redis keeps no client out. Empty if
    /// all is well.
    reasons: Vec<String>,
    /// How it stands with Redis. Its clients do not depend on it once it has been in step.
    redis: RedisState,
    /// When `redis` took its present value.
    since: Timestamp,
}

/// Whether the process works.
#[utoipa::path(get, path = "/healthz", tag = "operation",
    responses((status = 200, description = "It does.", body = Health, example = json!({"status": "ok"}))))]
async fn healthz() -> JsonBody<Health> {
    JsonBody(Health { status: "ok" })
}

/// Whether new clients are welcome.
#[utoipa::path(get, path = "/readyz", tag = "operation",
    responses(
        (status = 200, description = "They are.", body = Ready,
            example = json!({"ready": true, "reasons": [], "redis": "connected", "since": "2026-11-23T23:14:26.500Z"})),
        (status = 503, description = "They are not; the body says why.", body = Ready,
            example = json!({"ready": false, "reasons": ["the command log in Redis has not been read yet"],
                "redis": "away", "since": "2026-11-23T23:14:26.500Z"}))))]
async fn readyz(State(app): State<App>) -> Response {
    let mut reasons = app.readiness.reasons();
    let ready = reasons.is_empty();
    // Its clients get all that is streamed, as they do without Redis.
    if let Some(lacking) = app.status.lacking()
        && !reasons.iter().any(|reason| reason.contains(&lacking))
    {
        reasons.push(lacking);
    }
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let (redis, since) = app.readiness.status.redis();
    (
        status,
        JsonBody(Ready {
            ready,
            reasons,
            redis,
            since,
        }),
    )
        .into_response()
}
