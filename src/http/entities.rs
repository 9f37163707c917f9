//! What exists: the entities of the plant, their nameplates and newest samples.

use std::sync::Arc;

use axum::extract::{Query, State, rejection::QueryRejection};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::grid::{
    entity::{Entity, EntityIndex, EntityKind},
    event::Event,
    telemetry::Sample,
    topology::BranchFlow,
};

use super::{
    App,
    error::{ApiError, ErrorBody, JsonBody},
    path::Id,
    start::parse_instant,
};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(history))
}

/// All entities.
#[derive(Debug, Serialize, ToSchema)]
struct Entities {
    /// Buses, converters, renewable units and branches, each in the order of their ids.
    entities: Vec<Entity>,
}

/// One entity with its newest values.
#[derive(Debug, Serialize, ToSchema)]
struct EntityDetails {
    /// The entity, flat beside the other keys.
    #[serde(flatten)]
    entity: Entity,
    /// The newest payload of its stream; null before the first run, at the beginning of a run, and
    /// for a branch. It outlives the run.
    #[schema(required, value_type = Option<Sample>)]
    latest: Option<Arc<Event>>,
    /// What only a branch has.
    #[serde(flatten)]
    #[schema(value_type = BranchDetails)]
    branch: Option<BranchDetails>,
}

/// What only a branch has.
#[derive(Debug, Serialize, ToSchema)]
struct BranchDetails {
    /// What flows through it; null before the first run, absent for all but branches.
    flow: Option<BranchFlow>,
}

/// All entities of the plant.
#[utoipa::path(get, path = "/entities", operation_id = "listEntities", tag = "plant",
    responses((status = 200, description = "The entities.", body = Entities,
        example = json!({"entities": [{"id": "CONV-001", "kind": "converter", "type": "TWO_LEVEL", "ratedPower": 100.0,
            "quantities": [{"field": "activePower", "unit": "kW", "description": "Active power into the grid.", "min": -100.0, "max": 100.0}],
            "room": "converter:CONV-001"}]}))))]
async fn list(State(app): State<App>) -> JsonBody<Entities> {
    JsonBody(Entities {
        entities: app.simulation.catalogue().all().to_vec(),
    })
}

/// One entity with its newest values.
#[utoipa::path(get, path = "/entities/{id}", operation_id = "getEntity", tag = "plant",
    params(("id" = String, Path, description = "The entity's id; case matters.", example = "BUS-001")),
    responses(
        (status = 200, description = "The entity.", body = EntityDetails,
            example = json!({"id": "WIND-001", "kind": "res-unit", "type": "WIND", "capacity": 150.0,
                "quantities": [{"field": "generation", "unit": "kW", "description": "Electrical power of the turbine.", "min": 0.0, "max": 150.0}],
                "room": "res-unit:WIND-001", "latest": {"unitId": "WIND-001", "generation": 61.1, "type": "WIND", "capacity": 150.0,
                    "utilizationFactor": 0.407, "windSpeed": 8.2, "temperature": 11.4, "timestamp": "2026-11-23T23:14:26.500Z"}})),
        (status = 404, description = "There is no such entity.", body = ErrorBody,
            example = json!({"message": "there is no entity \"BUS-9\": GET the list of all entities for their ids", "error": "Not Found", "statusCode": 404}))))]
async fn one(State(app): State<App>, Id(id): Id) -> Result<JsonBody<EntityDetails>, ApiError> {
    let at = find(&app, &id)?;
    let entity = app.simulation.catalogue().all()[at].clone();
    let branch = (entity.kind == EntityKind::Branch).then(|| BranchDetails {
        flow: flow_of(&app, &id),
    });
    Ok(JsonBody(EntityDetails {
        latest: app.simulation.latest(at),
        branch,
        entity,
    }))
}

fn find(app: &App, id: &str) -> Result<EntityIndex, ApiError> {
    let unknown = || {
        ApiError::NotFound(format!(
            "there is no entity {id:?}: GET the list of all entities for their ids"
        ))
    };
    app.simulation.catalogue().find(id).ok_or_else(unknown)
}

fn flow_of(app: &App, id: &str) -> Option<BranchFlow> {
    let (_, state) = app.simulation.network();
    let state = state?;
    state
        .flows
        .iter()
        .find(|flow| flow.id.as_str() == id)
        .cloned()
}

/// Recent samples of one entity.
#[derive(Debug, Serialize, ToSchema)]
struct Samples {
    /// Payloads of its stream, oldest first; at most the newest 300.
    #[schema(value_type = Vec<Sample>)]
    samples: Vec<Arc<Event>>,
}

/// Which samples.
#[derive(Debug, Default, Deserialize)]
struct Wanted {
    since: Option<String>,
    limit: Option<String>,
}

/// The recent samples of one entity.
///
/// They outlive the run, until the next start.
#[utoipa::path(get, path = "/entities/{id}/history", operation_id = "getEntityHistory", tag = "plant",
    params(("id" = String, Path, description = "The entity's id; case matters.", example = "BUS-001"),
        ("since" = Option<String>, Query, description = "Only samples later than this ISO 8601 time.", example = "2026-11-23T23:14:26.500Z"),
        ("limit" = Option<u32>, Query, description = "Only the newest so many, 1 or more.", example = 60)),
    responses(
        (status = 200, description = "The samples.", body = Samples,
            example = json!({"samples": [{"unitId": "WIND-001", "generation": 61.1, "type": "WIND", "capacity": 150.0,
                "utilizationFactor": 0.407, "windSpeed": 8.2, "temperature": 11.4, "timestamp": "2026-11-23T23:14:26.500Z"}]})),
        (status = 400, description = "A parameter cannot be used.", body = ErrorBody,
            example = json!({"message": "limit must be a whole number, 1 or more", "error": "Bad Request", "statusCode": 400})),
        (status = 404, description = "There is no such entity.", body = ErrorBody,
            example = json!({"message": "there is no entity \"BUS-9\": GET the list of all entities for their ids", "error": "Not Found", "statusCode": 404}))))]
async fn history(
    State(app): State<App>,
    Id(id): Id,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<JsonBody<Samples>, ApiError> {
    let at = find(&app, &id)?;
    let Query(Wanted { since, limit }) =
        wanted.map_err(|error| ApiError::BadRequest(vec![error.body_text()]))?;
    let mut problems = Vec::new();
    let since = since.and_then(|text| {
        let time = parse_instant(&text);
        if time.is_none() {
            problems.push("since must be an ISO 8601 time such as 2026-06-21T10:00:00Z".to_owned());
        }
        time
    });
    let limit = limit.and_then(|text| {
        let limit = text.parse().ok().filter(|limit| *limit > 0);
        if limit.is_none() {
            problems.push("limit must be a whole number, 1 or more".to_owned());
        }
        limit
    });
    if !problems.is_empty() {
        return Err(ApiError::BadRequest(problems));
    }
    let mut samples = app.simulation.history(at);
    if let Some(since) = since {
        samples.retain(|event| event.timestamp() > since);
    }
    if let Some(limit) = limit {
        let limit: usize = limit;
        samples.drain(..samples.len().saturating_sub(limit));
    }
    Ok(JsonBody(Samples { samples }))
}
