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

/// A parameter of a synchronous area that cannot be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{name} must be {range}, not {value}")]
pub struct FrequencyParameterError {
    /// Which.
    pub name: &'static str,
    /// What it may be.
    pub range: &'static str,
    /// What it is.
    pub value: f64,
}

impl FrequencyParameters {
    /// # Errors
    /// The first parameter no area can have.
    pub fn check(&self) -> Result<(), FrequencyParameterError> {
        let above_0 = |value: f64| value > 0.0 && value.is_finite();
        let from_0 = |value: f64| value >= 0.0 && value.is_finite();
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let problem = [
            ("h_s", self.h_s, above_0(self.h_s), "above 0"),
            ("d_pu", self.d_pu, from_0(self.d_pu), "0 or more"),
            ("r_pu", self.r_pu, above_0(self.r_pu), "above 0"),
            ("tg_s", self.tg_s, from_0(self.tg_s), "0 or more"),
            ("tt_s", self.tt_s, from_0(self.tt_s), "0 or more"),
            ("trh_s", self.trh_s, from_0(self.trh_s), "0 or more"),
            ("f_hp", self.f_hp, share(self.f_hp), "between 0 and 1"),
            (
                "ki_per_s",
                self.ki_per_s,
                from_0(self.ki_per_s),
                "0 or more",
            ),
            (
                "deadband_hz",
                self.deadband_hz,
                from_0(self.deadband_hz),
                "0 or more",
            ),
            ("base_mva", self.base_mva, above_0(self.base_mva), "above 0"),
            ("f0_hz", self.f0_hz, above_0(self.f0_hz), "above 0"),
        ]
        .into_iter()
        .find(|&(_, _, fits, _)| !fits);
        match problem {
            Some((name, value, _, range)) => Err(FrequencyParameterError { name, range, value }),
            None => Ok(()),
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

impl FrequencyState {
    /// Spreads the power beyond the dispatch over more generators, of which those that had it before
    /// are this `share`.
    pub(super) fn spread(&mut self, share: f64) {
        self.governor_pu *= share;
        self.turbine_pu *= share;
        self.reheat_pu *= share;
        self.agc_pu *= share;
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn run(model: &FrequencyModel, state: &mut FrequencyState, imbalance_pu: f64, seconds: u32) {
        for _ in 0..50 * seconds {
            model.step(state, imbalance_pu);
        }
    }

    fn without_deadband() -> FrequencyParameters {
        FrequencyParameters {
            deadband_hz: 0.0,
            ..FrequencyParameters::default()
        }
    }

    // SciPy 1.17.1, solve_ivp (RK45, rtol 1e-11, steps of at most 10 ms) with the dead band written out;
    // the default area, 0.06 p.u. of load.
    #[test]
    fn the_dead_band_agrees_with_an_independent_integration() {
        let model = FrequencyModel::new(&FrequencyParameters::default());
        let mut state = FrequencyState::default();
        let mut now_s = 0;
        for (at_s, expected_hz) in [
            (1, 49.715_611_912_457_53),
            (2, 49.612_211_034_196_186),
            (5, 49.805_261_881_995_7),
            (10, 49.865_239_352_639_875),
            (30, 49.880_583_025_374_506),
            (60, 49.903_717_051_894_64),
        ] {
            run(&model, &mut state, 0.06, at_s - now_s);
            now_s = at_s;
            let found_hz = model.frequency_hz(&state);
            assert!(
                (found_hz - expected_hz).abs() < 5e-4,
                "{at_s} s: {found_hz}"
            );
        }
    }

    #[test]
    fn small_deviations_do_not_move_the_governors() {
        let model = FrequencyModel::new(&FrequencyParameters {
            ki_per_s: 0.0,
            ..FrequencyParameters::default()
        });
        let mut state = FrequencyState::default();
        // D alone holds 0.0001 p.u. at -0.0001 · 50 Hz = -5 mHz.
        run(&model, &mut state, 1e-4, 200);
        assert!((model.frequency_hz(&state) - 49.995).abs() < 1e-6);
        assert!(model.mechanical_power_pu(&state).abs() < 1e-15);
        // Beyond: D x + (x - 10 mHz)/R = -0.05 p.u.
        run(&model, &mut state, 0.05, 300);
        let expected_hz = 50.0 - 50.0 * (0.05 + 2e-4 / 0.05) / 21.0;
        assert!((model.frequency_hz(&state) - expected_hz).abs() < 1e-6);
    }

    #[test]
    fn impossible_parameters_are_named() {
        assert_eq!(FrequencyParameters::default().check(), Ok(()));
        let parameters = FrequencyParameters {
            r_pu: 0.0,
            ..FrequencyParameters::default()
        };
        let error = parameters.check().unwrap_err();
        assert_eq!(error.to_string(), "r_pu must be above 0, not 0");
    }

    #[test]
    fn generation_control_brings_the_frequency_back() {
        let model = FrequencyModel::new(&without_deadband());
        let mut state = FrequencyState::default();
        run(&model, &mut state, 0.05, 3600);
        assert!((model.frequency_hz(&state) - 50.0).abs() < 1e-9);
        assert!((model.mechanical_power_mw(&state) - 22.5).abs() < 1e-6);
    }

    #[test]
    fn an_imbalance_begins_with_its_rate_of_change() {
        let model = FrequencyModel::with_step(&without_deadband(), 1e-5);
        let mut state = FrequencyState::default();
        model.step(&mut state, 0.09);
        let rate = (model.frequency_hz(&state) - 50.0) / 1e-5;
        assert!((rate + 0.5).abs() < 1e-5, "{rate}");
        assert!((model.initial_rocof_hz_per_s(0.09) + 0.5).abs() < 1e-12);
    }

    #[test]
    fn steps_of_another_length_tell_the_same() {
        let parameters = without_deadband();
        let [fine, coarse] =
            [0.02, 1.0].map(|step_s| FrequencyModel::with_step(&parameters, step_s));
        let mut by_fine = FrequencyState::default();
        let mut by_coarse = FrequencyState::default();
        for second in 0..100_u32 {
            let imbalance_pu = f64::from(second % 5) * 0.01;
            run(&fine, &mut by_fine, imbalance_pu, 1);
            coarse.step(&mut by_coarse, imbalance_pu);
            assert!((by_fine.deviation_pu - by_coarse.deviation_pu).abs() < 1e-13);
        }
    }

    #[test]
    fn a_measurement_unit_sees_the_angle_move_also_through_half_a_turn() {
        let mut filter = PmuFilter::default();
        // 0.1 Hz for 0.3 s, stepping past ±π.
        let mut angle_rad = 3.0;
        for _ in 0..3 {
            let next_rad = angle_rad + TAU * 0.1 * 0.1;
            let wrapped_rad = if next_rad > std::f64::consts::PI {
                next_rad - TAU
            } else {
                next_rad
            };
            filter = filter.step(angle_rad, wrapped_rad, 0.1);
            angle_rad = wrapped_rad;
        }
        assert!(angle_rad < 0.0);
        // 0.1 (1 - e^-1)
        assert!((filter.deviation_hz - 0.063_212_055_882_855_77).abs() < 1e-12);
        for _ in 0..100 {
            filter = filter.step(angle_rad, angle_rad, 0.1);
        }
        assert!(filter.deviation_hz.abs() < 1e-12);
    }
}
