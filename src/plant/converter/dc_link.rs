//! The DC link: its stored energy, what fills and drains it, and the loop that holds its voltage.
//!
//! With E = C Vdc²/2 the link's equation C dVdc/dt = ΣP/Vdc becomes dE/dt = ΣP, which is exact for
//! constant powers and keeps the books by itself. The voltage loop is a PI controller of E (that is,
//! of Vdc²; Yazdani and Iravani 2010, section 8.6) with the power of source and load fed forward.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

/// Voltages per unit between which the source gives way: an array beyond its maximum power point gives
/// less and less. It is how the link stays bounded when the grid takes less than the sun offers.
const SOURCE_YIELDS_PU: (f64, f64) = (1.03, 1.13);
/// Voltages per unit between which load and bridge fall silent: undervoltage lockout.
const LOCKOUT_PU: (f64, f64) = (0.8, 0.9);

/// Stored energy and the controller's integrator.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DcLinkState {
    /// C Vdc²/2, J.
    pub(super) energy_j: f64,
    /// Integral part of the power to draw from the link, W.
    pub(super) integral_w: f64,
}

/// The link of one converter and the control of its voltage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct DcLink {
    capacitance_f: f64,
    nominal_j: f64,
    phase_v2_per_j: f64,
    source: Ramp,
    operation: Ramp,
    proportional_per_s: f64,
    /// Of one period, 1/s.
    integral_per_s: f64,
}

impl DcLink {
    /// A loop of about `bandwidth_hz` with two equal poles, acting every `period_s`.
    pub(super) fn new(
        capacitance_f: f64,
        nominal_v: f64,
        bandwidth_hz: f64,
        period_s: f64,
    ) -> Self {
        let nominal_j = 0.5 * capacitance_f * nominal_v * nominal_v;
        let proportional_per_s = TAU * bandwidth_hz;
        let at = |voltage_pu: f64| nominal_j * voltage_pu * voltage_pu;
        Self {
            capacitance_f,
            nominal_j,
            phase_v2_per_j: 2.0 / (3.0 * capacitance_f),
            source: Ramp::new(at(SOURCE_YIELDS_PU.1), at(SOURCE_YIELDS_PU.0)),
            operation: Ramp::new(at(LOCKOUT_PU.0), at(LOCKOUT_PU.1)),
            proportional_per_s,
            integral_per_s: 0.25 * proportional_per_s * proportional_per_s * period_s,
        }
    }

    /// At nominal voltage, at rest.
    pub(super) fn nominal(&self) -> DcLinkState {
        DcLinkState {
            energy_j: self.nominal_j,
            integral_w: 0.0,
        }
    }

    /// Voltage that goes with an energy, V.
    pub(super) fn voltage_v(&self, energy_j: f64) -> f64 {
        (2.0 * energy_j.max(0.0) / self.capacitance_f).sqrt()
    }

    /// Largest peak phase voltage a bridge can make of it: Vdc/√3 (space-vector modulation), V.
    pub(super) fn largest_phase_v(&self, energy_j: f64) -> f64 {
        (energy_j.max(0.0) * self.phase_v2_per_j).sqrt()
    }

    /// Share of its power the source gives at this energy.
    pub(super) fn source_share(&self, energy_j: f64) -> f64 {
        self.source.at(energy_j)
    }

    /// 1 in operation, less towards lockout.
    pub(super) fn operation_share(&self, energy_j: f64) -> f64 {
        self.operation.at(energy_j)
    }

    /// Power the controller wants to draw beyond what is fed forward, W.
    pub(super) fn wanted_w(&self, state: &DcLinkState) -> f64 {
        self.proportional_per_s * (state.energy_j - self.nominal_j) + state.integral_w
    }

    /// Integrates unless that would press further against a limit. `excess` has the sign of what was
    /// wanted beyond the limit, 0 within.
    pub(super) fn integrate(&self, state: &mut DcLinkState, excess: f64) {
        let error_j = state.energy_j - self.nominal_j;
        if excess * error_j <= 0.0 {
            state.integral_w += self.integral_per_s * error_j;
        }
    }
}

/// 0 at one end, 1 at the other, linear between.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ramp {
    zero: f64,
    slope: f64,
}

impl Ramp {
    fn new(zero: f64, one: f64) -> Self {
        Self {
            zero,
            slope: 1.0 / (one - zero),
        }
    }

    fn at(&self, value: f64) -> f64 {
        ((value - self.zero) * self.slope).clamp(0.0, 1.0)
    }
}
