//! How alerts are named and worded.

use crate::{
    detect::fault::Change,
    grid::{
        alert::{AnomalyType, Fault, FaultPhase, FaultType},
        entity::EntityId,
        time::Timestamp,
    },
};

/// The end of a fault that nobody saw end.
pub(super) fn ended(fault: &Fault, timestamp: Timestamp) -> Fault {
    let (what, ..) = words(fault.details.fault_type);
    let mut ended = fault.clone();
    ended.details.phase = FaultPhase::Cleared;
    ended.details.message = format!("{what} at {} is over", fault.details.location);
    ended.timestamp = timestamp;
    ended
}

/// One sentence that names the entity, the value and the limit.
pub(super) fn message(fault_type: FaultType, location: &EntityId, change: &Change) -> String {
    let (what, unit, decimals) = words(fault_type);
    let Change { value, limit, .. } = *change;
    if change.phase == FaultPhase::Cleared {
        return format!("{what} at {location} is over: {value:.decimals$}{unit}");
    }
    let side = if value < limit { "below" } else { "above" };
    format!("{what} at {location}: {value:.decimals$}{unit} is {side} {limit}{unit}")
}

/// What a fault is called, its unit, and how many decimals are worth showing.
fn words(fault_type: FaultType) -> (&'static str, &'static str, usize) {
    match fault_type {
        FaultType::Undervoltage => ("Undervoltage", " p.u.", 4),
        FaultType::Overvoltage => ("Overvoltage", " p.u.", 4),
        FaultType::FrequencyDeviation => ("Frequency deviation", " Hz", 3),
        FaultType::Overcurrent => ("Overcurrent", " of rated", 3),
        FaultType::DcLinkOvervoltage => ("DC-link overvoltage", " of nominal", 3),
        FaultType::DcLinkUndervoltage => ("DC-link undervoltage", " of nominal", 3),
        FaultType::Overtemperature => ("Overtemperature", " deg C", 1),
        FaultType::Overload => ("Overload", " %", 1),
    }
}

/// The name of a type of fault in ids.
pub(super) fn fault_name(fault_type: FaultType) -> &'static str {
    match fault_type {
        FaultType::Undervoltage => "UNDERVOLTAGE",
        FaultType::Overvoltage => "OVERVOLTAGE",
        FaultType::FrequencyDeviation => "FREQUENCY_DEVIATION",
        FaultType::Overcurrent => "OVERCURRENT",
        FaultType::DcLinkOvervoltage => "DC_LINK_OVERVOLTAGE",
        FaultType::DcLinkUndervoltage => "DC_LINK_UNDERVOLTAGE",
        FaultType::Overtemperature => "OVERTEMPERATURE",
        FaultType::Overload => "OVERLOAD",
    }
}

/// The name of a type of anomaly in ids.
pub(super) fn anomaly_name(anomaly_type: AnomalyType) -> &'static str {
    match anomaly_type {
        AnomalyType::Spike => "SPIKE",
        AnomalyType::LevelShift => "LEVEL_SHIFT",
        AnomalyType::Drift => "DRIFT",
        AnomalyType::Stuck => "STUCK",
        AnomalyType::NoiseBurst => "NOISE_BURST",
        AnomalyType::Oscillation => "OSCILLATION",
        AnomalyType::Missing => "MISSING",
        AnomalyType::Inconsistent => "INCONSISTENT",
        AnomalyType::Trip => "TRIP",
        AnomalyType::Derate => "DERATE",
    }
}
