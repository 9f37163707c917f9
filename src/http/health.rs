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

use super::{App, error::JsonBody};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
}

/// Whether new clients should be sent to this instance. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    ending: Arc<AtomicBool>,
}

impl Readiness {
    /// No new clients from now on: the server is shutting down.
    pub fn end(&self) {
        self.ending.store(true, Ordering::Release);
    }

    fn reasons(&self) -> Vec<&'static str> {
        let ending = self.ending.load(Ordering::Acquire);
        ending
            .then_some("the server is shutting down")
            .into_iter()
            .collect()
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
    /// Why not; empty if they are.
    reasons: Vec<&'static str>,
    /// `none`: this instance runs by itself.
    #[schema(example = "none")]
    redis: &'static str,
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
            example = json!({"ready": true, "reasons": [], "redis": "none"})),
        (status = 503, description = "They are not; the body says why.", body = Ready,
            example = json!({"ready": false, "reasons": ["the server is shutting down"], "redis": "none"}))))]
async fn readyz(State(app): State<App>) -> Response {
    let reasons = app.readiness.reasons();
    let ready = reasons.is_empty();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        JsonBody(Ready {
            ready,
            reasons,
            redis: "none",
        }),
    )
        .into_response()
}
