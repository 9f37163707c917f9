//! Liveness and readiness, for balancers and orchestrators.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    cluster::status::{RedisState, wall_clock},
    grid::time::Timestamp,
    health::{Health, TaskHealth, TaskState},
    logging,
};

use super::{
    App,
    error::{ApiError, JsonBody},
};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
}

/// Answer of `/healthz`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Liveness {
    /// `ok`, or `failed` once a task has ended.
    #[schema(example = "ok")]
    status: &'static str,
    /// The long-lived tasks.
    tasks: Vec<TaskHealth>,
    /// How many lines of the log could not be written.
    #[schema(example = 0)]
    log_lines_lost: u64,
}

/// Answer of `/readyz`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
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
    /// How far the newest tick is behind the clock in ms, also while nothing runs.
    #[schema(example = 37)]
    lag_ms: u64,
    /// The long-lived tasks.
    tasks: Vec<TaskHealth>,
}

/// Whether the process works.
///
/// It does not once one of its long-lived tasks has ended; the server then ends by itself.
#[utoipa::path(get, path = "/healthz", tag = "operation",
    responses(
        (status = 200, description = "It does.", body = Liveness,
            example = json!({"status": "ok", "tasks": [{"name": "engine", "state": "running"}], "logLinesLost": 0})),
        (status = 503, description = "It does not: a task has ended.", body = Liveness,
            example = json!({"status": "failed", "tasks": [{"name": "engine", "state": "ended"}], "logLinesLost": 0}))))]
async fn healthz(State(app): State<App>) -> Response {
    liveness(app.readiness.status.tasks())
}

fn liveness(tasks: Vec<TaskHealth>) -> Response {
    let ended = tasks.iter().any(|task| task.state == TaskState::Ended);
    let (status, word) = if ended {
        (StatusCode::SERVICE_UNAVAILABLE, "failed")
    } else {
        (StatusCode::OK, "ok")
    };
    let liveness = Liveness {
        status: word,
        tasks,
        log_lines_lost: logging::lines_lost(),
    };
    (status, JsonBody(liveness)).into_response()
}

/// What a server answers that is not yet what it will be, `doing` something: `/healthz`, `/readyz`, and 503
/// for anything else.
pub(super) fn starting(
    doing: watch::Receiver<String>,
    redis: RedisState,
    health: Health,
) -> Router {
    let reason = move || format!("the server is starting: {}", doing.borrow().as_str());
    let (alive, since, said) = (health.clone(), wall_clock(), reason.clone());
    let ready = move || {
        let ready = Ready {
            ready: false,
            reasons: vec![said()],
            redis,
            since,
            lag_ms: 0,
            tasks: health.tasks(),
        };
        std::future::ready((StatusCode::SERVICE_UNAVAILABLE, JsonBody(ready)))
    };
    Router::new()
        .route(
            "/healthz",
            get(move || std::future::ready(liveness(alive.tasks()))),
        )
        .route("/readyz", get(ready))
        .fallback(move || std::future::ready(ApiError::Unavailable(reason())))
}

/// Whether new clients are welcome.
#[utoipa::path(get, path = "/readyz", tag = "operation",
    responses(
        (status = 200, description = "They are.", body = Ready,
            example = json!({"ready": true, "reasons": [], "redis": "connected", "since": "2026-11-23T23:14:26.500Z",
                "lagMs": 37, "tasks": [{"name": "engine", "state": "running"}]})),
        (status = 503, description = "They are not; the body says why.", body = Ready,
            example = json!({"ready": false, "reasons": ["the command log in Redis has not been read yet"],
                "redis": "away", "since": "2026-11-23T23:14:26.500Z",
                "lagMs": 37, "tasks": [{"name": "engine", "state": "running"}]}))))]
async fn readyz(State(app): State<App>) -> Response {
    let status = &app.readiness.status;
    let (lag_ms, tasks) = (status.lag_ms(), status.tasks());
    let (redis, since) = status.redis();
    let mut reasons = app.readiness.reasons(&tasks, lag_ms);
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
    (
        status,
        JsonBody(Ready {
            ready,
            reasons,
            redis,
            since,
            lag_ms,
            tasks,
        }),
    )
        .into_response()
}
