//! Samples: what is measured at one entity at one instant, exactly as it goes over the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    entity::{EntityId, EntityKind, EntityType},
    time::Timestamp,
};

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// State of a power converter.
///
/// Active power is 1.5 v i<sub>d</sub>, reactive power -1.5 v i<sub>q</sub>, with v the peak phase voltage of the grid
/// (amplitude-invariant Park transform, d axis on the grid voltage, currents towards the grid
/// positive). A DC/DC converter has no q axis and no reactive power.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConverterState {
    /// The converter's id, as in the payload around it.
    #[serde(rename = "converterId")]
    pub converter_id: EntityId,
    /// DC-link voltage in V.
    #[schema(example = 751.2)]
    pub voltage: f64,
    /// Current in the d axis in A (peak).
    #[schema(example = 96.4)]
    pub current_d: f64,
    /// Current in the q axis in A (peak).
    #[schema(example = -3.1)]
    pub current_q: f64,
    /// Active power in kW.
    #[serde(rename = "activePower")]
    #[schema(example = 47.2)]
    pub active_power: f64,
    /// Reactive power in kVAR.
    #[serde(rename = "reactivePower")]
    #[schema(example = 1.5)]
    pub reactive_power: f64,
    /// Frequency in Hz.
    #[schema(example = 50.004)]
    pub frequency: f64,
    /// Total harmonic distortion of the current in %.
    #[schema(example = 2.6)]
    pub thd: f64,
    /// Heat sink temperature in deg C.
    #[schema(example = 41.7)]
    pub temperature: f64,
    /// Peak phase voltage at the terminals in V; for a DC/DC converter its output voltage.
    #[serde(rename = "gridVoltage")]
    #[schema(example = 326.6)]
    pub grid_voltage: f64,
    /// `TWO_LEVEL`, `NPC` or `BUCK`.
    #[serde(rename = "type")]
    pub converter_type: EntityType,
}

impl ConverterState {
    fn field_mut(&mut self, field: &str) -> Option<&mut f64> {
        Some(match field {
            "voltage" => &mut self.voltage,
            "current_d" => &mut self.current_d,
            "current_q" => &mut self.current_q,
            "activePower" => &mut self.active_power,
            "reactivePower" => &mut self.reactive_power,
            "frequency" => &mut self.frequency,
            "thd" => &mut self.thd,
            "temperature" => &mut self.temperature,
            "gridVoltage" => &mut self.grid_voltage,
            _ => return None,
        })
    }
}

/// Payload of `converter:state`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConverterSample {
    /// The converter's id.
    #[schema(example = "CONV-001")]
    pub converter_id: EntityId,
    /// Its state.
    pub state: ConverterState,
    /// True where the network's last solution is older than this sample; absent otherwise.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stale: bool,
    /// The time of the sample's tick.
    pub timestamp: Timestamp,
}

/// Measurement at a bus. Powers are net injections: generation positive, load negative.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BusMeasurement {
    /// The bus's id, as in the payload around it.
    pub bus_id: EntityId,
    /// Voltage magnitude in p.u. of the base voltage.
    #[schema(example = 1.0125)]
    pub voltage_magnitude: f64,
    /// Voltage angle in deg against the slack bus.
    #[schema(example = -6.88)]
    pub voltage_angle: f64,
    /// Frequency in Hz.
    #[schema(example = 50.004)]
    pub frequency: f64,
    /// Active power in MW.
    #[schema(example = -80.0)]
    pub active_power: f64,
    /// Reactive power in MVAR.
    #[schema(example = -28.0)]
    pub reactive_power: f64,
}

impl BusMeasurement {
    fn field_mut(&mut self, field: &str) -> Option<&mut f64> {
        Some(match field {
            "voltageMagnitude" => &mut self.voltage_magnitude,
            "voltageAngle" => &mut self.voltage_angle,
            "frequency" => &mut self.frequency,
            "activePower" => &mut self.active_power,
            "reactivePower" => &mut self.reactive_power,
            _ => return None,
        })
    }
}

/// Payload of `bus:measurement`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BusSample {
    /// The bus's id.
    pub bus_id: EntityId,
    /// The measurement.
    pub measurement: BusMeasurement,
    /// True where the network's last solution is older than this sample; absent otherwise.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stale: bool,
    /// The time of the sample's tick.
    pub timestamp: Timestamp,
}

/// The weather at a renewable unit that drives its generation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Resource {
    /// Irradiance in the plane of the array in W/m2, for a solar plant.
    Irradiance(f64),
    /// Wind speed at hub height in m/s, for a wind turbine.
    WindSpeed(f64),
}

/// Payload of `res:generation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResSample {
    /// The unit's id.
    #[schema(example = "SOLAR-001")]
    pub unit_id: EntityId,
    /// Generation in kW.
    #[schema(example = 57.3)]
    pub generation: f64,
    /// `SOLAR` or `WIND`.
    #[serde(rename = "type")]
    pub unit_type: EntityType,
    /// Capacity in kW.
    #[schema(example = 100.0)]
    pub capacity: f64,
    /// Generation over capacity, 0..1.
    #[schema(example = 0.573)]
    pub utilization_factor: f64,
    /// `irradiance` in W/m2 or `windSpeed` in m/s, flat beside the other keys.
    #[serde(flatten)]
    pub resource: Resource,
    /// Air temperature in deg C.
    #[schema(example = 11.4)]
    pub temperature: f64,
    /// The time of the sample's tick.
    pub timestamp: Timestamp,
}

impl ResSample {
    fn field_mut(&mut self, field: &str) -> Option<&mut f64> {
        match (field, &mut self.resource) {
            ("generation", _) => Some(&mut self.generation),
            ("utilizationFactor", _) => Some(&mut self.utilization_factor),
            ("temperature", _) => Some(&mut self.temperature),
            ("irradiance", Resource::Irradiance(value))
            | ("windSpeed", Resource::WindSpeed(value)) => Some(value),
            _ => None,
        }
    }
}

/// A sample of any kind; it serialises as its payload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Sample {
    /// Of a converter.
    Converter(ConverterSample),
    /// Of a bus.
    Bus(BusSample),
    /// Of a renewable unit.
    Res(ResSample),
}

impl Sample {
    /// The entity that was measured.
    #[must_use]
    pub fn entity(&self) -> &EntityId {
        match self {
            Self::Converter(sample) => &sample.converter_id,
            Self::Bus(sample) => &sample.bus_id,
            Self::Res(sample) => &sample.unit_id,
        }
    }

    /// The measured value under `field`, a name on the wire; none where the sample has no such field.
    pub fn field_mut(&mut self, field: &str) -> Option<&mut f64> {
        match self {
            Self::Converter(ConverterSample { state, .. }) => state.field_mut(field),
            Self::Bus(BusSample { measurement, .. }) => measurement.field_mut(field),
            Self::Res(sample) => sample.field_mut(field),
        }
    }

    /// The sample as it goes out at `now`.
    #[must_use]
    pub fn stamped(mut self, now: Timestamp) -> Self {
        match &mut self {
            Self::Converter(ConverterSample { timestamp, .. })
            | Self::Bus(BusSample { timestamp, .. })
            | Self::Res(ResSample { timestamp, .. }) => *timestamp = now,
        }
        self
    }

    /// What kind of entity that is.
    #[must_use]
    pub fn kind(&self) -> EntityKind {
        match self {
            Self::Converter(_) => EntityKind::Converter,
            Self::Bus(_) => EntityKind::Bus,
            Self::Res(_) => EntityKind::ResUnit,
        }
    }
}
