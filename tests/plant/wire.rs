//! Samples as a client reads them from their payload.

use gridcast::grid::{
    entity::{EntityId, EntityType},
    telemetry::Sample,
    time::Timestamp,
};
use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Payload {
    Bus(BusSample),
    Converter(ConverterSample),
    Res(ResSample),
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BusSample {
    pub(crate) bus_id: EntityId,
    pub(crate) measurement: BusMeasurement,
    #[serde(default)]
    pub(crate) stale: bool,
    pub(crate) timestamp: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BusMeasurement {
    pub(crate) bus_id: EntityId,
    pub(crate) voltage_magnitude: f64,
    pub(crate) voltage_angle: f64,
    pub(crate) frequency: f64,
    pub(crate) active_power: f64,
    pub(crate) reactive_power: f64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ConverterSample {
    pub(crate) converter_id: EntityId,
    pub(crate) state: ConverterState,
    #[serde(default)]
    pub(crate) stale: bool,
    pub(crate) timestamp: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConverterState {
    #[serde(rename = "converterId")]
    pub(crate) converter_id: EntityId,
    pub(crate) voltage: f64,
    pub(crate) current_d: f64,
    pub(crate) current_q: f64,
    #[serde(rename = "activePower")]
    pub(crate) active_power: f64,
    #[serde(rename = "reactivePower")]
    pub(crate) reactive_power: f64,
    pub(crate) frequency: f64,
    pub(crate) thd: f64,
    pub(crate) temperature: f64,
    #[serde(rename = "gridVoltage")]
    pub(crate) grid_voltage: f64,
    #[serde(rename = "type")]
    pub(crate) converter_type: EntityType,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ResSample {
    pub(crate) unit_id: EntityId,
    pub(crate) generation: f64,
    #[serde(rename = "type")]
    pub(crate) unit_type: EntityType,
    pub(crate) capacity: f64,
    pub(crate) utilization_factor: f64,
    #[serde(default)]
    pub(crate) irradiance: Option<f64>,
    #[serde(default)]
    pub(crate) wind_speed: Option<f64>,
    pub(crate) temperature: f64,
    pub(crate) timestamp: Timestamp,
}

/// What a client reads of a sample.
pub(crate) fn read(sample: &Sample) -> Payload {
    let payload = serde_json::to_value(sample.payload()).unwrap();
    serde_json::from_value(payload.clone()).unwrap_or_else(|error| panic!("{error}: {payload}"))
}

/// The same, if it is of a bus.
pub(crate) fn bus(sample: &Sample) -> Option<BusSample> {
    match read(sample) {
        Payload::Bus(sample) => Some(sample),
        _ => None,
    }
}
