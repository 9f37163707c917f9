//! Faults: a quantity beyond a limit.
//!
//! Every quantity has four limits, one per severity. A fault begins with the first sample strictly
//! beyond the limit of [`Severity::Low`], grows when a sample passes a higher limit than any before,
//! and ends with the first sample back inside the lowest limit by more than the hysteresis. Then its worst
//! value is told.

use serde::{Deserialize, Serialize};

use super::model::{EntityModel, Nominal, Row, bus, converter};
use crate::grid::alert::{FaultPhase, FaultType, Severity};

/// The limits of one quantity, in the unit of its values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Beyond this a fault begins.
    pub low: f64,
    /// Beyond this it is of medium severity.
    pub medium: f64,
    /// Beyond this it is of high severity.
    pub high: f64,
    /// Beyond this it is critical.
    pub critical: f64,
    /// How far back inside `low` a sample must lie to end the fault.
    pub hysteresis: f64,
}

impl Limits {
    const fn new(low: f64, medium: f64, high: f64, critical: f64, hysteresis: f64) -> Self {
        Self {
            low,
            medium,
            high,
            critical,
            hysteresis,
        }
    }

    fn widen(&mut self, further: impl Fn(f64) -> f64) {
        let Self {
            low,
            medium,
            high,
            critical,
            ..
        } = self;
        for limit in [low, medium, high, critical] {
            *limit = further(*limit);
        }
    }

    /// The limit of a severity.
    #[must_use]
    pub fn at(&self, severity: Severity) -> f64 {
        match severity {
            Severity::Low => self.low,
            Severity::Medium => self.medium,
            Severity::High => self.high,
            Severity::Critical => self.critical,
        }
    }
}

/// A voltage limit of a case that lies outside this range (p.u.) stands for no limit at all.
const PLAUSIBLE_PU: std::ops::RangeInclusive<f64> = 0.5..=1.5;

/// The limits of all quantities.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FaultLimits {
    /// Bus voltage in p.u., below. EN 50160 (-10 %, -15 %), IEEE 1547-2018 (0.70).
    pub undervoltage: Limits,
    /// Bus voltage in p.u., above. EN 50160 (+10 %), IEEE 1547-2018 (1.20).
    pub overvoltage: Limits,
    /// Deviation from nominal frequency in Hz, above. Regulation (EU) 2017/1485, EN 50160, load shedding.
    pub frequency_deviation: Limits,
    /// Magnitude of the current vector over rated current, above.
    pub overcurrent: Limits,
    /// DC-link voltage over nominal, above.
    pub dc_link_overvoltage: Limits,
    /// DC-link voltage over nominal, below.
    pub dc_link_undervoltage: Limits,
    /// Heat sink temperature in deg C, above.
    pub overtemperature: Limits,
    /// Branch loading in % of its rating, above.
    pub overload: Limits,
}

impl Default for FaultLimits {
    fn default() -> Self {
        Self {
            undervoltage: Limits::new(0.95, 0.90, 0.85, 0.70, 0.01),
            overvoltage: Limits::new(1.05, 1.10, 1.15, 1.20, 0.01),
            frequency_deviation: Limits::new(0.2, 0.5, 0.8, 1.0, 0.02),
            overcurrent: Limits::new(1.05, 1.10, 1.25, 1.50, 0.02),
            dc_link_overvoltage: Limits::new(1.05, 1.10, 1.15, 1.20, 0.01),
            dc_link_undervoltage: Limits::new(0.95, 0.90, 0.85, 0.80, 0.01),
            overtemperature: Limits::new(85.0, 95.0, 105.0, 115.0, 2.0),
            overload: Limits::new(100.0, 110.0, 125.0, 150.0, 2.0),
        }
    }
}

impl FaultLimits {
    /// The limits of one type.
    #[must_use]
    pub fn of(&self, fault_type: FaultType) -> &Limits {
        match fault_type {
            FaultType::Undervoltage => &self.undervoltage,
            FaultType::Overvoltage => &self.overvoltage,
            FaultType::FrequencyDeviation => &self.frequency_deviation,
            FaultType::Overcurrent => &self.overcurrent,
            FaultType::DcLinkOvervoltage => &self.dc_link_overvoltage,
            FaultType::DcLinkUndervoltage => &self.dc_link_undervoltage,
            FaultType::Overtemperature => &self.overtemperature,
            FaultType::Overload => &self.overload,
        }
    }

    /// These limits where the case allows a bus `vmin_pu` to `vmax_pu`: a fault of the voltage begins beyond
    /// that too, and the higher limits never lie inside it. Limits that no bus could have, in an order
    /// that none has, are passed over.
    #[must_use]
    pub fn allowing(mut self, vmin_pu: f64, vmax_pu: f64) -> Self {
        let plausible = |limit_pu: f64| PLAUSIBLE_PU.contains(&limit_pu);
        if vmax_pu < vmin_pu {
            return self;
        }
        if plausible(vmin_pu) {
            self.undervoltage.widen(|limit| limit.min(vmin_pu));
        }
        if plausible(vmax_pu) {
            self.overvoltage.widen(|limit| limit.max(vmax_pu));
        }
        self
    }
}

/// The worst value of an excursion, and when that was.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Extreme {
    /// The value, in the unit of the limits.
    pub value: f64,
    /// The step at which it was first reached.
    pub step: u64,
}

/// What a value did to a fault.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Raised, escalated or cleared.
    pub phase: FaultPhase,
    /// The highest severity the fault has reached.
    pub severity: Severity,
    /// The value, in the unit of the limits.
    pub value: f64,
    /// The limit of `severity`; that of [`Severity::Low`] when cleared.
    pub limit: f64,
    /// The worst value since the fault was raised.
    pub extreme: Extreme,
}

/// A quantity beyond its limits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Excursion {
    severity: Severity,
    extreme: Extreme,
}

/// Watches the values of one quantity of one entity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Monitor {
    fault_type: FaultType,
    active: Option<Excursion>,
}

impl Monitor {
    /// A monitor without an active fault.
    #[must_use]
    pub fn new(fault_type: FaultType) -> Self {
        Self {
            fault_type,
            active: None,
        }
    }

    /// What it looks for.
    #[must_use]
    pub fn fault_type(&self) -> FaultType {
        self.fault_type
    }

    /// The highest severity of the active fault, if there is one.
    #[must_use]
    pub fn active(&self) -> Option<Severity> {
        self.active.map(|excursion| excursion.severity)
    }

    /// Takes the value at a step. One that is not finite says nothing and changes nothing.
    pub fn observe(&mut self, limits: &Limits, step: u64, value: f64) -> Option<Change> {
        let fault_type = self.fault_type;
        if !value.is_finite() || self.active.is_none() && !is_beyond(fault_type, limits.low, value)
        {
            return None;
        }
        let reached = severity(fault_type, limits, value);
        let now = Extreme { value, step };
        let extreme = match self.active {
            Some(Excursion { extreme, .. }) if !is_beyond(fault_type, extreme.value, value) => {
                extreme
            }
            _ => now,
        };
        let (phase, severity) = match (self.active(), reached) {
            (None, Some(reached)) => (Some(FaultPhase::Raised), reached),
            (Some(active), Some(reached)) if reached > active => {
                (Some(FaultPhase::Escalated), reached)
            }
            (Some(active), None) if is_clear(fault_type, limits, value) => {
                (Some(FaultPhase::Cleared), active)
            }
            (Some(active), _) => (None, active),
            (None, None) => return None,
        };
        let cleared = phase == Some(FaultPhase::Cleared);
        self.active = (!cleared).then_some(Excursion { severity, extreme });
        phase.map(|phase| Change {
            phase,
            severity,
            value,
            limit: limits.at(if cleared { Severity::Low } else { severity }),
            extreme,
        })
    }
}

/// The types of fault that samples of an entity can show. Branches have [`FaultType::Overload`] alone,
/// watched with a [`Monitor`] of its own.
#[must_use]
pub fn types_of(nominal: &Nominal) -> &'static [FaultType] {
    match nominal {
        Nominal::Bus { .. } => &[
            FaultType::Undervoltage,
            FaultType::Overvoltage,
            FaultType::FrequencyDeviation,
        ],
        Nominal::Converter(_) => &[
            FaultType::FrequencyDeviation,
            FaultType::Overcurrent,
            FaultType::DcLinkOvervoltage,
            FaultType::DcLinkUndervoltage,
            FaultType::Overtemperature,
        ],
        Nominal::Solar(_) | Nominal::Wind(_) => &[],
    }
}

/// The value that the limits of a type apply to, from a sample of the entity; NaN where the sample
/// has none.
#[must_use]
pub fn value_of(fault_type: FaultType, model: &EntityModel, row: &Row) -> f64 {
    match &model.nominal {
        Nominal::Bus { frequency_hz, .. } => match fault_type {
            FaultType::Undervoltage | FaultType::Overvoltage => row.get(bus::VOLTAGE),
            FaultType::FrequencyDeviation => (row.get(bus::FREQUENCY) - frequency_hz).abs(),
            _ => f64::NAN,
        },
        Nominal::Converter(nominal) => match fault_type {
            FaultType::FrequencyDeviation => {
                (row.get(converter::FREQUENCY) - nominal.frequency_hz).abs()
            }
            FaultType::Overcurrent => {
                let (d, q) = (row.get(converter::CURRENT_D), row.get(converter::CURRENT_Q));
                (d * d + q * q).sqrt() / nominal.rated_current_a
            }
            FaultType::DcLinkOvervoltage | FaultType::DcLinkUndervoltage => {
                row.get(converter::DC_VOLTAGE) / nominal.dc_voltage_v
            }
            FaultType::Overtemperature => row.get(converter::TEMPERATURE),
            _ => f64::NAN,
        },
        Nominal::Solar(_) | Nominal::Wind(_) => f64::NAN,
    }
}

/// The quantity a fault is about, by its name on the wire.
#[must_use]
pub fn quantity_of(fault_type: FaultType) -> &'static str {
    match fault_type {
        FaultType::Undervoltage | FaultType::Overvoltage => "voltageMagnitude",
        FaultType::FrequencyDeviation => "frequency",
        FaultType::Overcurrent => "current",
        FaultType::DcLinkOvervoltage | FaultType::DcLinkUndervoltage => "voltage",
        FaultType::Overtemperature => "temperature",
        FaultType::Overload => "loadingPercent",
    }
}

fn looks_below(fault_type: FaultType) -> bool {
    matches!(
        fault_type,
        FaultType::Undervoltage | FaultType::DcLinkUndervoltage
    )
}

fn severity(fault_type: FaultType, limits: &Limits, value: f64) -> Option<Severity> {
    [
        Severity::Critical,
        Severity::High,
        Severity::Medium,
        Severity::Low,
    ]
    .into_iter()
    .find(|&severity| is_beyond(fault_type, limits.at(severity), value))
}

fn is_beyond(fault_type: FaultType, limit: f64, value: f64) -> bool {
    if looks_below(fault_type) {
        value < limit
    } else {
        value > limit
    }
}

fn is_clear(fault_type: FaultType, limits: &Limits, value: f64) -> bool {
    if looks_below(fault_type) {
        value > limits.low + limits.hysteresis
    } else {
        value < limits.low - limits.hysteresis
    }
}

#[cfg(test)]
mod tests;
