//! The status object of the original service.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    grid::entity::{EntityKind, EntityType},
    simulation::Simulation,
};

/// Whether the simulators run, and how much they simulate.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Status {
    /// The network's simulator.
    grid: GridStatus,
    /// The converters' simulator.
    converters: ConvertersStatus,
    /// The renewable units' simulator.
    res: ResStatus,
}

/// Status of the network's simulator.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct GridStatus {
    /// Whether it runs.
    is_running: bool,
    /// How many buses there are.
    #[schema(example = 5)]
    bus_count: usize,
    /// Always 1: the listener inside the server, not the clients.
    #[schema(example = 1)]
    subscribers: u32,
}

/// Status of the converters' simulator.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ConvertersStatus {
    /// Whether it runs.
    is_running: bool,
    /// How many converters there are.
    #[schema(example = 3)]
    converter_count: usize,
    /// Always 1: the listener inside the server, not the clients.
    #[schema(example = 1)]
    subscribers: u32,
}

/// Status of the renewable units' simulator.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ResStatus {
    /// Whether it runs.
    is_running: bool,
    /// How many renewable units there are.
    #[schema(example = 4)]
    unit_count: usize,
    /// How many of them are solar plants.
    #[schema(example = 2)]
    solar_units: usize,
    /// How many of them are wind turbines.
    #[schema(example = 2)]
    wind_units: usize,
    /// Always 1: the listener inside the server, not the clients.
    #[schema(example = 1)]
    subscribers: u32,
}

impl Status {
    /// The status of `simulation` while it runs or not.
    pub(super) fn new(simulation: &Simulation, is_running: bool) -> Self {
        const SUBSCRIBERS: u32 = 1;
        let catalogue = simulation.catalogue();
        let count = |kind| catalogue.of_kind(kind).count();
        Self {
            grid: GridStatus {
                is_running,
                bus_count: count(EntityKind::Bus),
                subscribers: SUBSCRIBERS,
            },
            converters: ConvertersStatus {
                is_running,
                converter_count: count(EntityKind::Converter),
                subscribers: SUBSCRIBERS,
            },
            res: ResStatus {
                is_running,
                unit_count: count(EntityKind::ResUnit),
                solar_units: catalogue.count_type(EntityType::Solar),
                wind_units: catalogue.count_type(EntityType::Wind),
                subscribers: SUBSCRIBERS,
            },
        }
    }
}
