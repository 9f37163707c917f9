//! The current control of a grid converter behind its filter inductor (averaged model).
//!
//! Yazdani and Iravani 2010, chapter 8, with i and v as [space vectors](SpaceVector), i towards the grid:
//!
//! - filter: `L di/dt = -(R + jωL) i + v_t - v_s`
//! - control, every Ts: `e = i* - i;  v_t* = Kp e + ξ + v_s + jωL i;  ξ += Ki Ts e`
//! - `|v_t|` cannot exceed Vdc/√3 (linear range of space-vector modulation). Beyond, `v_t*` is shortened
//!   without turning it, and ξ rests.
//!
//! Kp = L/τ and Ki = R/τ cancel the filter's pole: the closed loop is of first order with time constant τ.
//!
//! Between two actions of the control `v_t` is constant, so that the filter is solved exactly. As long as
//! the limit is not reached the closed loop is linear too: [`CurrentStep::over`] precomputes what `n`
//! steps do to the deviation from the steady state, and [`CurrentBlock::advance`] takes them at once.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::space_vector::SpaceVector;

/// Filter and controller of one converter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurrentLoop {
    /// Filter inductance, H; above 0.
    pub l_h: f64,
    /// Filter resistance, ohm.
    pub r_ohm: f64,
    /// Proportional gain Kp, V/A.
    pub proportional_ohm: f64,
    /// Integral gain Ki, V/(A s).
    pub integral_ohm_per_s: f64,
    /// Control period Ts, s.
    pub sample_s: f64,
}

/// Current and integrator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CurrentState {
    /// Current towards the grid, A peak.
    pub current_a: SpaceVector,
    /// The controller's integrator ξ, V.
    pub integrator_v: SpaceVector,
}

/// The control period of one loop at one grid frequency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurrentStep {
    proportional_ohm: f64,
    integral_ohm: f64,
    r_ohm: f64,
    reactance_ohm: f64,
    /// `i` after a period = `transition * i + admittance * (v_t - v_s)`.
    transition: SpaceVector,
    admittance: SpaceVector,
    /// Mean of `i` over it = `mean_transition * i + mean_admittance * (v_t - v_s)`.
    mean_transition: SpaceVector,
    mean_admittance: SpaceVector,
}

/// `n` control periods at once, for as long as the voltage limit is not met.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurrentBlock {
    step: CurrentStep,
    periods: usize,
    /// What becomes of the deviation (current, integrator), by rows.
    transition: [[SpaceVector; 2]; 2],
    /// Mean deviation of the current.
    mean: [SpaceVector; 2],
    /// Most volts the control asks for beyond the steady state, at any instant of the block, per
    /// ampere and per volt of the deviation.
    reach: [f64; 2],
}

impl CurrentLoop {
    /// The loop tuned to a first-order response of `tau_s`.
    #[must_use]
    pub fn tuned(l_h: f64, r_ohm: f64, tau_s: f64, sample_s: f64) -> Self {
        Self {
            l_h,
            r_ohm,
            proportional_ohm: l_h / tau_s,
            integral_ohm_per_s: r_ohm / tau_s,
            sample_s,
        }
    }

    /// Its control period while the grid has `frequency_hz`.
    #[must_use]
    pub fn at(&self, frequency_hz: f64) -> CurrentStep {
        let omega = TAU * frequency_hz;
        let (exponential, mean, mean_of_mean) = exponentials(SpaceVector::new(
            -self.r_ohm / self.l_h * self.sample_s,
            -omega * self.sample_s,
        ));
        let per_ohm = self.sample_s / self.l_h;
        CurrentStep {
            proportional_ohm: self.proportional_ohm,
            integral_ohm: self.integral_ohm_per_s * self.sample_s,
            r_ohm: self.r_ohm,
            reactance_ohm: omega * self.l_h,
            transition: exponential,
            admittance: mean.scaled(per_ohm),
            mean_transition: mean,
            mean_admittance: mean_of_mean.scaled(per_ohm),
        }
    }
}

impl CurrentStep {
    /// One control period: towards `reference_a`, against `grid_v`, with at most `limit_v` at the
    /// terminals. Returns the mean current over the period.
    pub fn advance(
        &self,
        state: &mut CurrentState,
        reference_a: SpaceVector,
        grid_v: SpaceVector,
        limit_v: f64,
    ) -> SpaceVector {
        let current_a = state.current_a;
        let error_a = reference_a - current_a;
        let mut drive_v = error_a.scaled(self.proportional_ohm)
            + state.integrator_v
            + SpaceVector::new(
                -self.reactance_ohm * current_a.q,
                self.reactance_ohm * current_a.d,
            );
        let terminal_v = drive_v + grid_v;
        let squared = terminal_v.length_squared();
        if squared > limit_v * limit_v {
            drive_v = terminal_v.scaled(limit_v / squared.sqrt()) - grid_v;
        } else {
            state.integrator_v = state.integrator_v + error_a.scaled(self.integral_ohm);
        }
        state.current_a = self.transition * current_a + self.admittance * drive_v;
        self.mean_transition * current_a + self.mean_admittance * drive_v
    }

    /// Voltage beyond the grid's that holds `current_a` for ever.
    #[must_use]
    pub fn steady_drive_v(&self, current_a: SpaceVector) -> SpaceVector {
        SpaceVector::new(self.r_ohm, self.reactance_ohm) * current_a
    }

    /// `periods` of these steps at once.
    ///
    /// With i = i* + δ and ξ = R i* + η the control adds (jωL - Kp) δ + η to the steady voltage, so the
    /// deviation obeys (δ, η)' = M (δ, η); the block holds M to the power of `periods`.
    #[must_use]
    pub fn over(&self, periods: usize) -> CurrentBlock {
        let one = SpaceVector::new(1.0, 0.0);
        let drive = [
            SpaceVector::new(-self.proportional_ohm, self.reactance_ohm),
            one,
        ];
        let step = [
            [
                self.transition + self.admittance * drive[0],
                self.admittance,
            ],
            [SpaceVector::new(-self.integral_ohm, 0.0), one],
        ];
        let mean = [
            self.mean_transition + self.mean_admittance * drive[0],
            self.mean_admittance,
        ];
        let mut block = CurrentBlock {
            step: *self,
            periods,
            transition: [[one, SpaceVector::ZERO], [SpaceVector::ZERO, one]],
            mean: [SpaceVector::ZERO; 2],
            reach: [0.0; 2],
        };
        for _ in 0..periods {
            let power = block.transition;
            let volts = row_times(drive, power);
            let amperes = row_times(mean, power);
            for side in 0..2 {
                block.reach[side] = block.reach[side].max(volts[side].length_squared());
                block.mean[side] = block.mean[side] + amperes[side];
            }
            block.transition = [row_times(step[0], power), row_times(step[1], power)];
        }
        block.reach = block.reach.map(f64::sqrt);
        block.mean = block.mean.map(|sum| sum.scaled(1.0 / periods as f64));
        block
    }
}

impl CurrentBlock {
    /// Advances by the block's periods with everything else constant, exactly as so many single steps
    /// would. Returns the mean current over the block.
    pub fn advance(
        &self,
        state: &mut CurrentState,
        reference_a: SpaceVector,
        grid_v: SpaceVector,
        limit_v: f64,
    ) -> SpaceVector {
        let deviation_a = state.current_a - reference_a;
        let rest_v = reference_a.scaled(self.step.r_ohm);
        let deviation_v = state.integrator_v - rest_v;
        let steady_v = grid_v + self.step.steady_drive_v(reference_a);
        let reach_v = self.reach[0] * (deviation_a.d.abs() + deviation_a.q.abs())
            + self.reach[1] * (deviation_v.d.abs() + deviation_v.q.abs());
        let room_v = limit_v - reach_v;
        if room_v > 0.0 && steady_v.length_squared() < room_v * room_v {
            let [to_current, to_integrator] = self.transition;
            state.current_a =
                reference_a + to_current[0] * deviation_a + to_current[1] * deviation_v;
            state.integrator_v =
                rest_v + to_integrator[0] * deviation_a + to_integrator[1] * deviation_v;
            reference_a + self.mean[0] * deviation_a + self.mean[1] * deviation_v
        } else {
            self.step_by_step(state, reference_a, grid_v, limit_v)
        }
    }

    /// Voltage beyond the grid's that holds `current_a` for ever.
    #[must_use]
    pub fn steady_drive_v(&self, current_a: SpaceVector) -> SpaceVector {
        self.step.steady_drive_v(current_a)
    }

    /// The same by single steps: the way while the voltage limit may act.
    pub fn step_by_step(
        &self,
        state: &mut CurrentState,
        reference_a: SpaceVector,
        grid_v: SpaceVector,
        limit_v: f64,
    ) -> SpaceVector {
        let mut sum_a = SpaceVector::ZERO;
        for _ in 0..self.periods {
            sum_a = sum_a + self.step.advance(state, reference_a, grid_v, limit_v);
        }
        sum_a.scaled(1.0 / self.periods as f64)
    }
}

fn row_times(row: [SpaceVector; 2], matrix: [[SpaceVector; 2]; 2]) -> [SpaceVector; 2] {
    [0, 1].map(|column| row[0] * matrix[0][column] + row[1] * matrix[1][column])
}

/// e^z, its mean (e^z - 1)/z and the mean of that mean (e^z - 1 - z)/z² over a period, by their series,
/// which do not cancel for the small z of a control period.
fn exponentials(z: SpaceVector) -> (SpaceVector, SpaceVector, SpaceVector) {
    let one = SpaceVector::new(1.0, 0.0);
    let mut term = SpaceVector::new(0.5, 0.0);
    let mut mean_of_mean = term;
    let mut k = 3.0;
    while term.length_squared() > 1e-36 * mean_of_mean.length_squared() && k < 200.0 {
        term = term * z.scaled(1.0 / k);
        mean_of_mean = mean_of_mean + term;
        k += 1.0;
    }
    let mean = one + z * mean_of_mean;
    (one + z * mean, mean, mean_of_mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_level() -> CurrentLoop {
        CurrentLoop::tuned(0.5e-3, 5e-3, 1e-3, 100e-6)
    }

    fn distance(left: SpaceVector, right: SpaceVector) -> f64 {
        (left - right).length()
    }

    #[test]
    fn a_step_of_the_reference_is_answered_in_first_order() {
        for (current_loop, grid_v, limit_v) in [
            (two_level(), 326.6, 433.0),
            (CurrentLoop::tuned(0.6e-3, 6e-3, 1e-3, 125e-6), 563.4, 692.8),
        ] {
            let step = current_loop.at(50.0);
            let mut state = CurrentState::default();
            let mut samples = Vec::new();
            for _ in 0..200 {
                samples.push(state.current_a.d);
                let grid_v = SpaceVector::new(grid_v, 0.0);
                step.advance(&mut state, SpaceVector::new(100.0, 0.0), grid_v, limit_v);
            }
            let largest = samples.iter().fold(0.0, |a: f64, &b| a.max(b));
            assert!(largest < 100.5, "{largest}");
            // 63.2 % are passed within τ ± Ts.
            let early = ((1e-3 - current_loop.sample_s) / current_loop.sample_s).floor();
            let late = ((1e-3 + current_loop.sample_s) / current_loop.sample_s).ceil();
            let passed = samples.iter().position(|&a| a >= 63.212).unwrap() as f64;
            assert!((early..=late).contains(&passed), "{passed}");
        }
    }

    #[test]
    fn a_block_is_so_many_steps() {
        for (periods, frequency_hz) in [(10, 50.0), (8, 49.2), (1, 51.0)] {
            let block = two_level().at(frequency_hz).over(periods);
            let grid_v = SpaceVector::new(326.6, 0.0);
            let mut fast = CurrentState::default();
            let mut slow = fast;
            for k in 0..40_u32 {
                let reference_a = SpaceVector::new(
                    f64::from(k % 7) * 15.0 - 40.0,
                    f64::from(k % 3) * 20.0 - 15.0,
                );
                let mean_a = block.advance(&mut fast, reference_a, grid_v, 433.0);
                let expected_a = block.step_by_step(&mut slow, reference_a, grid_v, 433.0);
                assert!(distance(mean_a, expected_a) < 1e-9);
                assert!(distance(fast.current_a, slow.current_a) < 1e-9);
                assert!(distance(fast.integrator_v, slow.integrator_v) < 1e-9);
                // The short way was taken, or there was nothing to compare.
                assert!(periods == 1 || fast != slow);
            }
        }
    }

    #[test]
    fn a_block_heeds_the_limit_as_steps_do() {
        let block = two_level().at(50.0).over(10);
        let grid_v = SpaceVector::new(326.6, 0.0);
        for limit_v in (280..440).map(f64::from) {
            for reference_a in [-200.0, -60.0, 60.0, 200.0] {
                let reference_a = SpaceVector::new(reference_a, 50.0);
                let mut fast = CurrentState::default();
                let mut slow = fast;
                for _ in 0..5 {
                    let mean_a = block.advance(&mut fast, reference_a, grid_v, limit_v);
                    let expected_a = block.step_by_step(&mut slow, reference_a, grid_v, limit_v);
                    assert!(distance(mean_a, expected_a) < 1e-9, "{limit_v}");
                }
                assert!(distance(fast.current_a, slow.current_a) < 1e-9, "{limit_v}");
                assert!(
                    distance(fast.integrator_v, slow.integrator_v) < 1e-9,
                    "{limit_v}"
                );
            }
        }
    }

    #[test]
    fn the_mean_current_is_the_integral() {
        let coarse = two_level();
        // A thousand finer periods of the filter alone under the same voltage.
        let mut fine = coarse;
        fine.sample_s /= 1000.0;
        let start_a = SpaceVector::new(80.0, -30.0);
        let drive_v = SpaceVector::new(40.0, 25.0);
        let step = fine.at(50.0);
        let mut current_a = start_a;
        let mut sum_a = SpaceVector::ZERO;
        for _ in 0..1000 {
            let next_a = step.transition * current_a + step.admittance * drive_v;
            sum_a = sum_a + (current_a + next_a).scaled(0.5);
            current_a = next_a;
        }
        let step = coarse.at(50.0);
        let mean_a = step.mean_transition * start_a + step.mean_admittance * drive_v;
        assert!(distance(mean_a, sum_a.scaled(1e-3)) < 1e-6);
        let end_a = step.transition * start_a + step.admittance * drive_v;
        assert!(distance(end_a, current_a) < 1e-10);
    }

    #[test]
    fn the_integrator_rests_while_the_limit_acts() {
        let step = two_level().at(50.0);
        let mut state = CurrentState::default();
        let grid_v = SpaceVector::new(326.6, 0.0);
        step.advance(&mut state, SpaceVector::new(200.0, 0.0), grid_v, 330.0);
        assert_eq!(state.integrator_v, SpaceVector::ZERO);
        // The terminal voltage is the limit, in the direction wanted: 330 - 326.6 V drive the current.
        let expected_a = step.admittance.scaled(330.0 - 326.6);
        assert!(distance(state.current_a, expected_a) < 1e-12);
    }
}
