//! What is wrong at present.

use std::sync::Arc;

use axum::extract::State;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::simulation::alerts::Alerts;

use super::{App, error::JsonBody};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(alerts))
}

/// The faults and anomalies that are active.
///
/// Each as it was emitted last; none while the simulation is stopped.
#[utoipa::path(get, path = "/alerts", operation_id = "getAlerts", tag = "plant",
    responses((status = 200, description = "What is active.", body = Alerts,
        example = json!({
            "faults": [{"id": "UNDERVOLTAGE-BUS-004-1260", "type": "UNDERVOLTAGE", "severity": "MEDIUM", "phase": "escalated",
                "location": "BUS-004", "message": "Undervoltage at BUS-004: 0.8801 p.u. is below 0.9 p.u.", "entityKind": "bus",
                "busId": "BUS-004", "quantity": "voltageMagnitude", "value": 0.8801, "limit": 0.9,
                "timestamp": "2026-11-23T23:14:26.500Z"}],
            "anomalies": []}))))]
async fn alerts(State(app): State<App>) -> JsonBody<Arc<Alerts>> {
    JsonBody(app.simulation.alerts())
}
