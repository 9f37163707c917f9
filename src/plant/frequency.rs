//! The frequency of the synchronous area: swing equation, governors with turbine and reheat, and AGC.
//!
//! Per unit on `base_mva`, with x = Δf/f0 (Kundur 1994, chapter 11; Anderson and Mirheydar 1990):
//!
//! - 2H dx/dt = Pm - ΔP - D x
//! - Tg dg/dt = a - x/R - g (governor), Tt dt/dt = g - t (turbine), Trh dz/dt = t - z (reheat)
//! - Pm = Fhp t + (1 - Fhp) z, da/dt = -Ki x (automatic generation control)
//!
//! ΔP is load plus losses minus generation, as a deviation from the dispatch: positive lowers the
//! frequency. The governors do not answer within a dead band; beyond it they answer to what exceeds it.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::discrete::{ExactStep, Matrix};
use crate::maths::exp;

/// Simulated time a step of the model advances, s.
pub const FREQUENCY_STEP_S: f64 = 0.02;
/// Time constant of the filter through which a measurement unit sees a bus frequency, s.
const MEASUREMENT_TAU_S: f64 = 0.3;
/// A stage said to have no delay gets this one, s.
const NO_DELAY_S: f64 = 1e-6;
const STATES: usize = 5;

/// A synchronous area.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FrequencyParameters {
    /// Inertia constant H on `base_mva`.
    pub h_s: f64,
    /// Damping of the load D: per unit power per per unit frequency.
    pub d_pu: f64,
    /// Droop of the governors R: per unit frequency per per unit power.
    pub r_pu: f64,
    /// Time constant of the governors.
    pub tg_s: f64,
    /// Time constant of the turbines.
    pub tt_s: f64,
    /// Time constant of the reheaters, 0 without.
    pub trh_s: f64,
    /// Share of the high-pressure stage, 1 without reheat.
    pub f_hp: f64,
    /// Integral gain of automatic generation control, 0 without.
    pub ki_per_s: f64,
    /// Half the governors' dead band, 0 without.
    pub deadband_hz: f64,
    /// Power that is 1 per unit.
    pub base_mva: f64,
    /// Nominal frequency.
    pub f0_hz: f64,
}

impl Default for FrequencyParameters {
    fn default() -> Self {
        Self {
            h_s: 4.5,
            d_pu: 1.0,
            r_pu: 0.05,
            tg_s: 0.2,
            tt_s: 0.4,
            trh_s: 7.0,
            f_hp: 0.3,
            ki_per_s: 0.15,
            deadband_hz: 0.01,
            base_mva: 450.0,
            f0_hz: 50.0,
        }
    }
}

/// The state of a synchronous area, per unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct FrequencyState {
    /// x: deviation of the frequency.
    pub deviation_pu: f64,
    /// g: what the governors ask for.
    pub governor_pu: f64,
    /// t: power of the high-pressure stage.
    pub turbine_pu: f64,
    /// z: power behind the reheater.
    pub reheat_pu: f64,
    /// a: what automatic generation control asks for.
    pub agc_pu: f64,
}

/// A synchronous area with the exact step of one duration.
///
/// Within the dead band and beyond it on either side the model is linear; which part holds is decided
/// at the start of each step.
#[derive(Debug, Clone, PartialEq)]
pub struct FrequencyModel {
    parameters: FrequencyParameters,
    deadband_pu: f64,
    answering: ExactStep<STATES>,
    resting: ExactStep<STATES>,
}

impl FrequencyModel {
    /// The model with a step of [`FREQUENCY_STEP_S`].
    #[must_use]
    pub fn new(parameters: &FrequencyParameters) -> Self {
        Self::with_step(parameters, FREQUENCY_STEP_S)
    }

    /// The model with a step of `step_s`.
    #[must_use]
    pub fn with_step(parameters: &FrequencyParameters, step_s: f64) -> Self {
        let droop_per_pu = 1.0 / parameters.r_pu;
        Self {
            deadband_pu: parameters.deadband_hz / parameters.f0_hz,
            answering: ExactStep::new(&system(parameters, droop_per_pu), step_s),
            resting: ExactStep::new(&system(parameters, 0.0), step_s),
            parameters: parameters.clone(),
        }
    }

    /// Its parameters.
    #[must_use]
    pub fn parameters(&self) -> &FrequencyParameters {
        &self.parameters
    }

    /// Advances by one step under a constant imbalance: load less generation, per unit.
    pub fn step(&self, state: &mut FrequencyState, imbalance_pu: f64) {
        let parameters = &self.parameters;
        let x = state.deviation_pu;
        let (part, edge_pu) = if x > self.deadband_pu {
            (&self.answering, self.deadband_pu)
        } else if x < -self.deadband_pu {
            (&self.answering, -self.deadband_pu)
        } else if self.deadband_pu > 0.0 {
            (&self.resting, 0.0)
        } else {
            (&self.answering, 0.0)
        };
        let acting = [
            -imbalance_pu / (2.0 * parameters.h_s),
            edge_pu / (parameters.r_pu * parameters.tg_s.max(NO_DELAY_S)),
            0.0,
            0.0,
            0.0,
        ];
        *state = FrequencyState::from_array(part.advance(&state.to_array(), &acting));
    }

    /// The frequency of a state, Hz.
    #[must_use]
    pub fn frequency_hz(&self, state: &FrequencyState) -> f64 {
        self.parameters.f0_hz * (1.0 + state.deviation_pu)
    }

    /// Mechanical power beyond the dispatch, per unit: what governors and AGC add.
    #[must_use]
    pub fn mechanical_power_pu(&self, state: &FrequencyState) -> f64 {
        self.parameters.f_hp * state.turbine_pu + (1.0 - self.parameters.f_hp) * state.reheat_pu
    }

    /// The same in MW.
    #[must_use]
    pub fn mechanical_power_mw(&self, state: &FrequencyState) -> f64 {
        self.parameters.base_mva * self.mechanical_power_pu(state)
    }

    /// Rate of change of frequency at the instant an imbalance appears, Hz/s: -ΔP f0/(2H).
    #[must_use]
    pub fn initial_rocof_hz_per_s(&self, imbalance_pu: f64) -> f64 {
        -imbalance_pu * self.parameters.f0_hz / (2.0 * self.parameters.h_s)
    }

    /// Where the frequency comes to rest under a lasting imbalance, dead band aside, Hz.
    #[must_use]
    pub fn steady_frequency_hz(&self, imbalance_pu: f64) -> f64 {
        let parameters = &self.parameters;
        if parameters.ki_per_s > 0.0 {
            return parameters.f0_hz;
        }
        let stiffness_pu = parameters.d_pu + 1.0 / parameters.r_pu;
        parameters.f0_hz * (1.0 - imbalance_pu / stiffness_pu)
    }
}

/// A of the linear part in which the governors answer by `droop_per_pu` (1/R, or 0 in the dead band).
fn system(parameters: &FrequencyParameters, droop_per_pu: f64) -> Matrix<STATES> {
    let FrequencyParameters {
        h_s, d_pu, f_hp, ..
    } = *parameters;
    let [tg, tt, trh] =
        [parameters.tg_s, parameters.tt_s, parameters.trh_s].map(|tau_s| tau_s.max(NO_DELAY_S));
    let twice_h = 2.0 * h_s;
    [
        [
            -d_pu / twice_h,
            0.0,
            f_hp / twice_h,
            (1.0 - f_hp) / twice_h,
            0.0,
        ],
        [-droop_per_pu / tg, -1.0 / tg, 0.0, 0.0, 1.0 / tg],
        [0.0, 1.0 / tt, -1.0 / tt, 0.0, 0.0],
        [0.0, 0.0, 1.0 / trh, -1.0 / trh, 0.0],
        [-parameters.ki_per_s, 0.0, 0.0, 0.0, 0.0],
    ]
}

impl FrequencyState {
    fn to_array(self) -> [f64; STATES] {
        [
            self.deviation_pu,
            self.governor_pu,
            self.turbine_pu,
            self.reheat_pu,
            self.agc_pu,
        ]
    }

    fn from_array(values: [f64; STATES]) -> Self {
        let [deviation_pu, governor_pu, turbine_pu, reheat_pu, agc_pu] = values;
        Self {
            deviation_pu,
            governor_pu,
            turbine_pu,
            reheat_pu,
            agc_pu,
        }
    }
}

/// How a phasor measurement unit sees the frequency of its bus: the rate at which the voltage angle moves
/// against the system, low-passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct PmuFilter {
    /// Bus frequency less system frequency, Hz.
    pub deviation_hz: f64,
}

impl PmuFilter {
    /// The filter after the angle has gone from `previous_rad` to `angle_rad`, the shorter way round,
    /// within `dt_s`.
    #[must_use]
    pub fn step(self, previous_rad: f64, angle_rad: f64, dt_s: f64) -> Self {
        let turns = (angle_rad - previous_rad) / TAU;
        let rate_hz = (turns - turns.round()) / dt_s;
        let kept = exp(-dt_s / MEASUREMENT_TAU_S);
        Self {
            deviation_hz: rate_hz + (self.deviation_hz - rate_hz) * kept,
        }
    }
}
