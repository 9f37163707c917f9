//! The network as the outside sees it: buses, branches and what flows.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    entity::{EntityId, EntityType},
    time::Timestamp,
};

/// A bus of the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopologyBus {
    /// Its id.
    pub id: EntityId,
    /// `SLACK`, `PV` or `PQ`; a bus without a generator in service is `PQ`.
    #[serde(rename = "type")]
    pub bus_type: EntityType,
    /// Base voltage in kV.
    pub base_kv: f64,
    /// Shunt conductance in MW at 1 p.u.
    pub gs_mw: f64,
    /// Shunt susceptance in MVAR at 1 p.u.
    pub bs_mvar: f64,
}

/// A branch of the network: a pi model with an ideal transformer at its from end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopologyBranch {
    /// Its id.
    #[schema(example = "BRANCH-001")]
    pub id: EntityId,
    /// The bus it starts at.
    pub from: EntityId,
    /// The bus it ends at.
    pub to: EntityId,
    /// Series resistance in p.u.
    pub r: f64,
    /// Series reactance in p.u.
    pub x: f64,
    /// Total charging susceptance in p.u.
    pub b: f64,
    /// Off-nominal turns ratio at the from end; 0 for a line.
    pub ratio: f64,
    /// Phase shift in deg.
    pub shift_deg: f64,
    /// Rating in MVA, 0 if unlimited.
    pub rate_mva: f64,
    /// Whether it carries current.
    pub in_service: bool,
}

/// The network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Topology {
    /// Its buses in order.
    pub buses: Vec<TopologyBus>,
    /// Its branches in order.
    pub branches: Vec<TopologyBranch>,
}

/// Payload of `network:topology:update`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TopologyUpdate {
    /// The network from now on.
    #[schema(value_type = Topology)]
    pub topology: Arc<Topology>,
    /// The time of the tick at which it changed.
    pub timestamp: Timestamp,
}

/// What flows through a branch; power into the branch is positive at both ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BranchFlow {
    /// The branch's id.
    #[schema(example = "BRANCH-001")]
    pub id: EntityId,
    /// Active power at the from end in MW.
    pub p_from_mw: f64,
    /// Reactive power at the from end in MVAR.
    pub q_from_mvar: f64,
    /// Active power at the to end in MW.
    pub p_to_mw: f64,
    /// Reactive power at the to end in MVAR.
    pub q_to_mvar: f64,
    /// Apparent power at the more loaded end over the rating in %, null where the rating is 0.
    #[schema(required, example = 46.5)]
    pub loading_percent: Option<f64>,
}

/// What flows in the network at one instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkState {
    /// What flows through each branch, in order.
    pub flows: Vec<BranchFlow>,
    /// Active power lost in all branches in MW.
    #[schema(example = 1.93)]
    pub loss_mw: f64,
    /// The time of the tick.
    pub timestamp: Timestamp,
    /// Whether the solution belongs to this instant; otherwise it is the last one that was found.
    #[schema(example = true)]
    pub converged: bool,
}
