//! What a plant file says about a grid converter.

use serde::{Deserialize, Serialize};

use super::{losses::LossParameters, thermal::ThermalParameters};

/// Period of the voltage loop, s: a whole number of current-control periods fits in.
pub(super) const VOLTAGE_LOOP_S: f64 = 0.001;
const ROOT_3: f64 = 1.732_050_807_568_877_2;

/// How the bridge is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Topology {
    /// Two-level bridge.
    TwoLevel,
    /// Three-level bridge with its neutral point clamped.
    Npc,
}

/// A grid converter: bridge, filter, DC link and control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridConverterParameters {
    /// How the bridge is built.
    pub topology: Topology,
    /// Rated apparent power.
    pub rated_kva: f64,
    /// Rated grid voltage, line to line, rms.
    pub line_voltage_v: f64,
    /// Nominal DC-link voltage.
    pub dc_nominal_v: f64,
    /// Capacitance of the DC link.
    pub dc_capacitance_f: f64,
    /// Filter inductance.
    pub l_h: f64,
    /// Filter resistance.
    pub r_ohm: f64,
    /// Switching frequency.
    pub switching_hz: f64,
    /// Period of the current control.
    pub sample_s: f64,
    /// Time constant of the closed current loop.
    pub tau_s: f64,
    /// Bandwidth of the DC-voltage loop.
    pub dc_bandwidth_hz: f64,
    /// Nominal grid frequency.
    pub nominal_hz: f64,
    /// Frequency from which active power gives way.
    pub overfrequency_start_hz: f64,
    /// Droop of that response: all power is given up over this fraction of the nominal frequency.
    pub overfrequency_droop: f64,
    /// Time in which reactive power makes nine tenths of a step of its reference (IEEE 1547-2018: the
    /// open-loop response time, 1 to 90 s, by default 5 s).
    pub reactive_response_s: f64,
    /// Losses of the bridge.
    pub losses: LossParameters,
    /// Cooling.
    pub thermal: ThermalParameters,
}

/// Why a converter cannot be built.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParameterError {
    /// A number that must be positive and finite is not.
    #[error("{name} must be a number above 0, not {value}")]
    NotPositive {
        /// Which.
        name: &'static str,
        /// What it is.
        value: f64,
    },
    /// The control period does not fit.
    #[error("sample_s must be a whole fraction of {period_s} s, not {sample_s} s")]
    Period {
        /// The period it must divide.
        period_s: f64,
        /// What it is.
        sample_s: f64,
    },
    /// The bridge cannot reach the grid voltage.
    #[error("dc_nominal_v must be above {least:.0} V for this grid voltage, not {value} V")]
    LinkTooLow {
        /// The least.
        least: f64,
        /// What it is.
        value: f64,
    },
    /// The temperatures of derating are in the wrong order.
    #[error("derating_to_c must be above derating_from_c")]
    Derating,
}

impl GridConverterParameters {
    /// 100 kVA at 400 V: a two-level bridge on a link of 750 V.
    #[must_use]
    pub fn two_level_100_kva() -> Self {
        Self {
            topology: Topology::TwoLevel,
            rated_kva: 100.0,
            line_voltage_v: 400.0,
            dc_nominal_v: 750.0,
            dc_capacitance_f: 5e-3,
            l_h: 0.5e-3,
            r_ohm: 5e-3,
            switching_hz: 10e3,
            sample_s: 100e-6,
            tau_s: 1e-3,
            dc_bandwidth_hz: 20.0,
            nominal_hz: 50.0,
            overfrequency_start_hz: 50.2,
            overfrequency_droop: 0.05,
            reactive_response_s: 5.0,
            losses: LossParameters::TWO_LEVEL,
            thermal: ThermalParameters::default(),
        }
    }

    /// 250 kVA at 690 V: a three-level bridge on a link of 1200 V.
    #[must_use]
    pub fn npc_250_kva() -> Self {
        Self {
            topology: Topology::Npc,
            rated_kva: 250.0,
            line_voltage_v: 690.0,
            dc_nominal_v: 1200.0,
            dc_capacitance_f: 6e-3,
            l_h: 0.6e-3,
            r_ohm: 6e-3,
            switching_hz: 8e3,
            sample_s: 125e-6,
            losses: LossParameters::THREE_LEVEL,
            ..Self::two_level_100_kva()
        }
    }

    /// Rated apparent power, VA.
    #[must_use]
    pub fn rated_va(&self) -> f64 {
        1e3 * self.rated_kva
    }

    /// Nominal peak phase voltage of the grid, V.
    #[must_use]
    pub fn nominal_peak_v(&self) -> f64 {
        self.line_voltage_v * 2.0_f64.sqrt() / ROOT_3
    }

    /// Rated peak current, A.
    #[must_use]
    pub fn rated_peak_a(&self) -> f64 {
        self.rated_va() / (1.5 * self.nominal_peak_v())
    }

    /// # Errors
    /// The first thing that makes a converter of these parameters impossible.
    pub fn check(&self) -> Result<(), ParameterError> {
        positive(&[
            ("rated_kva", self.rated_kva),
            ("line_voltage_v", self.line_voltage_v),
            ("dc_nominal_v", self.dc_nominal_v),
            ("dc_capacitance_f", self.dc_capacitance_f),
            ("l_h", self.l_h),
            ("r_ohm", self.r_ohm),
            ("switching_hz", self.switching_hz),
            ("sample_s", self.sample_s),
            ("tau_s", self.tau_s),
            ("dc_bandwidth_hz", self.dc_bandwidth_hz),
            ("nominal_hz", self.nominal_hz),
            ("overfrequency_start_hz", self.overfrequency_start_hz),
            ("overfrequency_droop", self.overfrequency_droop),
            ("reactive_response_s", self.reactive_response_s),
        ])?;
        check_common(&self.losses, &self.thermal)?;
        whole_fraction(self.sample_s, VOLTAGE_LOOP_S)?;
        let least = ROOT_3 * self.nominal_peak_v();
        if self.dc_nominal_v <= least {
            return Err(ParameterError::LinkTooLow {
                least,
                value: self.dc_nominal_v,
            });
        }
        Ok(())
    }
}

/// Checks what grid and buck converters share.
pub(super) fn check_common(
    losses: &LossParameters,
    thermal: &ThermalParameters,
) -> Result<(), ParameterError> {
    positive(&[
        ("constant_fraction", losses.constant_fraction),
        ("linear_fraction", losses.linear_fraction),
        ("quadratic_fraction", losses.quadratic_fraction),
        ("rise_k", thermal.rise_k[0]),
        ("rise_k", thermal.rise_k[1]),
        ("tau_s", thermal.tau_s[0]),
        ("tau_s", thermal.tau_s[1]),
    ])?;
    if thermal.derating_to_c > thermal.derating_from_c {
        Ok(())
    } else {
        Err(ParameterError::Derating)
    }
}

/// Fails on the first value that is not a number above 0.
pub(super) fn positive(values: &[(&'static str, f64)]) -> Result<(), ParameterError> {
    match values
        .iter()
        .find(|(_, value)| !(value.is_finite() && *value > 0.0))
    {
        Some(&(name, value)) => Err(ParameterError::NotPositive { name, value }),
        None => Ok(()),
    }
}

/// How often `sample_s` fits into `period_s`.
pub(super) fn whole_fraction(sample_s: f64, period_s: f64) -> Result<usize, ParameterError> {
    let times = (period_s / sample_s).round();
    if (1.0..=1e6).contains(&times) && (times * sample_s / period_s - 1.0).abs() < 1e-9 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 1 and a million"
        )]
        return Ok(times as usize);
    }
    Err(ParameterError::Period { period_s, sample_s })
}
