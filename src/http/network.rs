//! The network: what it is made of, and what flows in it.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::grid::{
    time::Timestamp,
    topology::{BranchFlow, Topology},
};

use super::{App, error::JsonBody};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(network))
}

/// The network and what flows in it. Before the first run only the topology is known.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Network {
    /// Buses and branches, as they are.
    #[schema(value_type = Topology)]
    topology: Arc<Topology>,
    /// What flows through each branch, in order; null before the first run.
    #[schema(required)]
    flows: Option<Vec<BranchFlow>>,
    /// Active power lost in all branches in MW; null before the first run.
    #[schema(required)]
    loss_mw: Option<f64>,
    /// The time to which the flows belong; null before the first run.
    #[schema(required)]
    timestamp: Option<Timestamp>,
    /// Whether the power flow had a solution then; null before the first run.
    #[schema(required)]
    converged: Option<bool>,
}

/// The network and what flows in it.
///
/// Flows are those of the instant at which buses were sampled last, and outlive the run.
#[utoipa::path(get, path = "/network", operation_id = "getNetwork", tag = "plant",
    responses((status = 200, description = "The network.", body = Network,
        example = json!({
            "topology": {
                "buses": [{"id": "BUS-001", "type": "SLACK", "baseKv": 220.0, "gsMw": 0.0, "bsMvar": 0.0},
                    {"id": "BUS-002", "type": "PV", "baseKv": 220.0, "gsMw": 0.0, "bsMvar": 0.0}],
                "branches": [{"id": "BRANCH-001", "from": "BUS-001", "to": "BUS-002", "r": 0.009752, "x": 0.066116,
                    "b": 0.109478, "ratio": 0.0, "shiftDeg": 0.0, "rateMva": 330.0, "inService": true}]},
            "flows": [{"id": "BRANCH-001", "pFromMw": 61.2, "qFromMvar": -8.1, "pToMw": -60.9, "qToMvar": -1.4, "loadingPercent": 18.7}],
            "lossMw": 1.93, "timestamp": "2026-11-23T23:14:26.500Z", "converged": true}))))]
async fn network(State(app): State<App>) -> JsonBody<Network> {
    let (topology, state) = app.simulation.network();
    let state = state.as_deref();
    JsonBody(Network {
        topology,
        flows: state.map(|state| state.flows.clone()),
        loss_mw: state.map(|state| state.loss_mw),
        timestamp: state.map(|state| state.timestamp),
        converged: state.map(|state| state.converged),
    })
}
