//! Faults: a quantity beyond a limit.
//!
//! Every quantity has four limits, one per severity. A fault begins with the first sample strictly
//! beyond the limit of [`Severity::Low`], grows when a sample passes a higher limit than any before,
//! and ends with the first sample back inside the lowest limit by more than the hysteresis.

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
}

/// What a sample did to a fault.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Raised, escalated or cleared.
    pub phase: FaultPhase,
    /// The highest severity the fault has reached.
    pub severity: Severity,
    /// The value of the sample, in the unit of the limits.
    pub value: f64,
    /// The limit of `severity`; that of [`Severity::Low`] when cleared.
    pub limit: f64,
}

/// Watches the values of one quantity of one entity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Monitor {
    fault_type: FaultType,
    active: Option<Severity>,
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
        self.active
    }

    /// Takes the next value. One that is not finite says nothing and changes nothing.
    pub fn observe(&mut self, limits: &FaultLimits, value: f64) -> Option<Change> {
        if !value.is_finite() {
            return None;
        }
        let limits = limits.of(self.fault_type);
        let reached = severity(self.fault_type, limits, value);
        let (phase, severity) = match (self.active, reached) {
            (None, Some(reached)) => (FaultPhase::Raised, reached),
            (Some(active), Some(reached)) if reached > active => (FaultPhase::Escalated, reached),
            (Some(active), None) if is_clear(self.fault_type, limits, value) => {
                (FaultPhase::Cleared, active)
            }
            _ => return None,
        };
        let cleared = phase == FaultPhase::Cleared;
        self.active = (!cleared).then_some(severity);
        Some(Change {
            phase,
            severity,
            value,
            limit: limits.at(if cleared { Severity::Low } else { severity }),
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
    .find(|&severity| {
        let limit = limits.at(severity);
        if looks_below(fault_type) {
            value < limit
        } else {
            value > limit
        }
    })
}

fn is_clear(fault_type: FaultType, limits: &Limits, value: f64) -> bool {
    if looks_below(fault_type) {
        value > limits.low + limits.hysteresis
    } else {
        value < limits.low - limits.hysteresis
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [FaultType; 8] = [
        FaultType::Undervoltage,
        FaultType::Overvoltage,
        FaultType::FrequencyDeviation,
        FaultType::Overcurrent,
        FaultType::DcLinkOvervoltage,
        FaultType::DcLinkUndervoltage,
        FaultType::Overtemperature,
        FaultType::Overload,
    ];

    fn phases(fault_type: FaultType, values: &[f64]) -> Vec<Option<(FaultPhase, Severity, f64)>> {
        let mut monitor = Monitor::new(fault_type);
        values
            .iter()
            .map(|&value| {
                monitor
                    .observe(&FaultLimits::default(), value)
                    .map(|change| (change.phase, change.severity, change.limit))
            })
            .collect()
    }

    #[test]
    fn a_sag_is_raised_escalates_and_clears_beyond_the_hysteresis() {
        use FaultPhase::{Cleared, Escalated, Raised};
        use Severity::{High, Low, Medium};
        assert_eq!(
            phases(
                FaultType::Undervoltage,
                &[
                    0.95, 0.9499, 0.94, 0.89, 0.93, 0.84, 0.955, 0.96, 0.9601, 0.97
                ]
            ),
            [
                None,
                Some((Raised, Low, 0.95)),
                None,
                Some((Escalated, Medium, 0.90)),
                None,
                Some((Escalated, High, 0.85)),
                None,
                None,
                Some((Cleared, High, 0.95)),
                None,
            ]
        );
    }

    #[test]
    fn the_first_sample_may_already_be_severe() {
        assert_eq!(
            phases(FaultType::Overload, &[154.0, 99.0, 97.9]),
            [
                Some((FaultPhase::Raised, Severity::Critical, 150.0)),
                None,
                Some((FaultPhase::Cleared, Severity::Critical, 100.0)),
            ]
        );
    }

    #[test]
    fn a_value_that_is_not_a_number_changes_nothing() {
        assert_eq!(
            phases(
                FaultType::Overtemperature,
                &[f64::NAN, 86.0, f64::NAN, f64::INFINITY, 82.0]
            ),
            [
                None,
                Some((FaultPhase::Raised, Severity::Low, 85.0)),
                None,
                None,
                Some((FaultPhase::Cleared, Severity::Low, 85.0)),
            ]
        );
    }

    proptest! {
        #[test]
        fn a_fault_is_raised_once_rises_and_is_cleared_once(
            which in 0_usize..8,
            relative in proptest::collection::vec(-0.2_f64..1.6, 1..80),
        ) {
            let fault_type = ALL[which];
            let limits = FaultLimits::default();
            let of = limits.of(fault_type);
            let mut monitor = Monitor::new(fault_type);
            let mut severity = None;
            for share in relative {
                let value = of.low + share * (of.critical - of.low);
                let beyond = super::severity(fault_type, of, value);
                let change = monitor.observe(&limits, value);
                match change.map(|change| (change.phase, change.severity)) {
                    Some((FaultPhase::Raised, now)) => {
                        prop_assert!(severity.is_none());
                        prop_assert_eq!(beyond, Some(now));
                        severity = Some(now);
                    }
                    Some((FaultPhase::Escalated, now)) => {
                        prop_assert!(severity.is_some_and(|before| before < now));
                        prop_assert_eq!(beyond, Some(now));
                        severity = Some(now);
                    }
                    Some((FaultPhase::Cleared, last)) => {
                        prop_assert_eq!(severity, Some(last));
                        prop_assert!(is_clear(fault_type, of, value));
                        severity = None;
                    }
                    None => prop_assert!(beyond <= severity),
                }
                prop_assert_eq!(monitor.active(), severity);
            }
        }
    }
}
