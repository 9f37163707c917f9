//! Start, stop and status of the simulation, and the run itself.

use axum::{body::Bytes, extract::State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::grid::{
    command::{Command, StartMode},
    run::SimulationView,
};

use super::{
    App,
    error::{ApiError, ErrorBody, JsonBody},
    start::{PatchBody, StartBody},
    status::Status,
};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(status))
        .routes(routes!(start))
        .routes(routes!(stop))
        .routes(routes!(run, change))
}

/// Answer of start.
#[derive(Debug, Serialize, ToSchema)]
struct Started {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    /// What happened.
    #[schema(example = "Simulation started successfully")]
    message: &'static str,
    /// The status from now on.
    status: Status,
}

/// Answer of stop.
#[derive(Debug, Serialize, ToSchema)]
struct Stopped {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    /// What happened.
    #[schema(example = "Simulation stopped successfully")]
    message: &'static str,
}

/// Whether the simulators run, and how much they simulate.
///
/// Counts a command from the moment it was accepted.
#[utoipa::path(get, path = "/data/simulation/status", operation_id = "getSimulationStatus", tag = "data",
    responses((status = 200, description = "The status.", body = Status,
        example = json!({
            "grid": {"isRunning": true, "busCount": 5, "subscribers": 1},
            "converters": {"isRunning": true, "converterCount": 3, "subscribers": 1},
            "res": {"isRunning": true, "unitCount": 4, "solarUnits": 2, "windUnits": 2, "subscribers": 1}}))))]
async fn status(State(app): State<App>) -> JsonBody<Status> {
    JsonBody(Status::new(
        &app.simulation,
        app.simulation.run().is_running,
    ))
}

/// Start the simulation.
///
/// From stopped this is always a fresh run. While it runs, a start without settings changes nothing
/// and notifies again; one with settings is refused. The first samples come one full period later.
#[utoipa::path(post, path = "/data/simulation/start", operation_id = "startSimulation", tag = "data",
    request_body(content = Option<StartBody>, description = "Settings of the run; any content type will do.",
        example = json!({"seed": 42, "simulatedStart": "2026-06-21T10:00:00Z"})),
    responses(
        (status = 200, description = "It runs.", body = Started,
            example = json!({"success": true, "message": "Simulation started successfully", "status": {
                "grid": {"isRunning": true, "busCount": 5, "subscribers": 1},
                "converters": {"isRunning": true, "converterCount": 3, "subscribers": 1},
                "res": {"isRunning": true, "unitCount": 4, "solarUnits": 2, "windUnits": 2, "subscribers": 1}}})),
        (status = 400, description = "A setting cannot be used; nothing was started.", body = ErrorBody,
            example = json!({"message": "speed must be a whole number from 1 to 100", "error": "Bad Request", "statusCode": 400})),
        (status = 409, description = "It runs already, with settings of its own.", body = ErrorBody,
            example = json!({"message": "the simulation is running: stop it first, or change its speed with PATCH", "error": "Conflict", "statusCode": 409})),
        (status = 413, description = "The body is larger than 100 kB.", body = ErrorBody,
            example = json!({"message": "request entity too large", "statusCode": 413})),
        (status = 415, description = "The body is compressed in another way than gzip or deflate.", body = ErrorBody,
            example = json!({"message": "unsupported content encoding \"br\": send gzip, deflate or identity", "error": "Unsupported Media Type", "statusCode": 415})),
        (status = 503, description = "The command cannot be placed for the moment.", body = ErrorBody,
            example = json!({"message": "the server is shutting down: try again on another instance", "error": "Service Unavailable", "statusCode": 503}))),
    security((), ("bearer" = [])))]
async fn start(State(app): State<App>, body: Bytes) -> Result<JsonBody<Started>, ApiError> {
    let simulation = &app.simulation;
    let highest_speed = simulation.highest_speed();
    let asked = StartBody::read(&body, highest_speed)?;
    let start = asked.over(&simulation.default_start(StartMode::Plain));
    if start.speed > highest_speed {
        let problem = format!(
            "speed is set to {}: this server can do {highest_speed} at most",
            start.speed
        );
        return Err(ApiError::BadRequest(vec![problem]));
    }
    let outcome = simulation.submit(Command::Start(start)).await??;
    Ok(JsonBody(Started {
        success: true,
        message: "Simulation started successfully",
        status: Status::new(simulation, outcome.simulation.is_running),
    }))
}

/// Stop the simulation.
#[utoipa::path(post, path = "/data/simulation/stop", operation_id = "stopSimulation", tag = "data",
    responses(
        (status = 200, description = "It does not run.", body = Stopped,
            example = json!({"success": true, "message": "Simulation stopped successfully"})),
        (status = 400, description = "There is a body, and it is no well-formed JSON; nothing was changed.", body = ErrorBody,
            example = json!({"message": "the body is not a JSON object or list", "error": "Bad Request", "statusCode": 400})),
        (status = 413, description = "The body is larger than 100 kB; nothing was changed.", body = ErrorBody,
            example = json!({"message": "request entity too large", "statusCode": 413})),
        (status = 415, description = "The body is compressed in another way than gzip or deflate.", body = ErrorBody,
            example = json!({"message": "unsupported content encoding \"br\": send gzip, deflate or identity", "error": "Unsupported Media Type", "statusCode": 415})),
        (status = 503, description = "The command cannot be placed for the moment.", body = ErrorBody,
            example = json!({"message": "the server is shutting down: try again on another instance", "error": "Service Unavailable", "statusCode": 503}))),
    security((), ("bearer" = [])))]
async fn stop(State(app): State<App>) -> Result<JsonBody<Stopped>, ApiError> {
    app.simulation.submit(Command::Stop).await??;
    Ok(JsonBody(Stopped {
        success: true,
        message: "Simulation stopped successfully",
    }))
}

/// The present or last run.
#[utoipa::path(get, path = "/data/simulation", operation_id = "getSimulation", tag = "data",
    responses((status = 200, description = "The run.", body = SimulationView,
            example = json!({"runId": "17954756665-1", "isRunning": true, "seed": 42, "speed": 1,
                "simulatedTime": "2026-06-21T10:00:05.000Z", "tick": 17_954_756_715_u64, "noise": 1.0,
                "disturbances": 12.0}))))]
async fn run(State(app): State<App>) -> JsonBody<SimulationView> {
    JsonBody(app.simulation.run())
}

/// Change the speed of the run.
///
/// Periods on the wire and timestamps stay: more simulated time passes between two samples.
#[utoipa::path(patch, path = "/data/simulation", operation_id = "changeSimulation", tag = "data",
    request_body(content = PatchBody),
    responses(
        (status = 200, description = "The run.", body = SimulationView,
            example = json!({"runId": "17954756665-1", "isRunning": true, "seed": 42, "speed": 1,
                "simulatedTime": "2026-06-21T10:00:05.000Z", "tick": 17_954_756_715_u64, "noise": 1.0,
                "disturbances": 12.0})),
        (status = 400, description = "The body cannot be used; nothing was changed.", body = ErrorBody,
            example = json!({"message": "seed cannot be changed", "error": "Bad Request", "statusCode": 400})),
        (status = 409, description = "The simulation is stopped.", body = ErrorBody,
            example = json!({"message": "the simulation is stopped: start it first", "error": "Conflict", "statusCode": 409})),
        (status = 413, description = "The body is larger than 100 kB.", body = ErrorBody,
            example = json!({"message": "request entity too large", "statusCode": 413})),
        (status = 415, description = "The body is compressed in another way than gzip or deflate.", body = ErrorBody,
            example = json!({"message": "unsupported content encoding \"br\": send gzip, deflate or identity", "error": "Unsupported Media Type", "statusCode": 415})),
        (status = 503, description = "The command cannot be placed for the moment.", body = ErrorBody,
            example = json!({"message": "the server is shutting down: try again on another instance", "error": "Service Unavailable", "statusCode": 503}))),
    security((), ("bearer" = [])))]
async fn change(State(app): State<App>, body: Bytes) -> Result<JsonBody<SimulationView>, ApiError> {
    let PatchBody { speed } = PatchBody::read(&body, app.simulation.highest_speed())?;
    let outcome = app.simulation.submit(Command::SetSpeed { speed }).await??;
    Ok(JsonBody(outcome.simulation))
}
