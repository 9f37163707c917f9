//! What exists: the entities of the plant, their nameplates and newest samples.

use std::sync::Arc;

use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::grid::{
    entity::{Entity, EntityKind},
    event::Event,
    telemetry::Sample,
    topology::BranchFlow,
};

use super::{
    App,
    error::{ApiError, ErrorBody, JsonBody},
};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one))
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
#[utoipa::path(get, path = "/entities", tag = "plant",
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
#[utoipa::path(get, path = "/entities/{id}", tag = "plant",
    params(("id" = String, Path, description = "The entity's id; case matters.", example = "BUS-001")),
    responses(
        (status = 200, description = "The entity.", body = EntityDetails,
            example = json!({"id": "WIND-001", "kind": "res-unit", "type": "WIND", "capacity": 150.0,
                "quantities": [{"field": "generation", "unit": "kW", "description": "Electrical power of the turbine.", "min": 0.0, "max": 150.0}],
                "room": "res-unit:WIND-001", "latest": {"unitId": "WIND-001", "generation": 61.1, "type": "WIND", "capacity": 150.0,
                    "utilizationFactor": 0.407, "windSpeed": 8.2, "temperature": 11.4, "timestamp": "2026-11-23T23:14:26.500Z"}})),
        (status = 404, description = "There is no such entity.", body = ErrorBody,
            example = json!({"message": "there is no entity \"BUS-9\": GET the list of all entities for their ids", "error": "Not Found", "statusCode": 404}))))]
async fn one(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<JsonBody<EntityDetails>, ApiError> {
    let catalogue = app.simulation.catalogue();
    let unknown = || {
        ApiError::NotFound(format!(
            "there is no entity {id:?}: GET the list of all entities for their ids"
        ))
    };
    let at = catalogue.find(&id).ok_or_else(unknown)?;
    let entity = catalogue.all()[at].clone();
    let branch = (entity.kind == EntityKind::Branch).then_some(BranchDetails { flow: None });
    Ok(JsonBody(EntityDetails {
        latest: app.simulation.latest(at),
        branch,
        entity,
    }))
}
