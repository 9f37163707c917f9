//! Exact discretisation of linear models: x' = A x + b with b constant over a step.
//!
//! The solution after a step of h is Φ x + Γ b with Φ = e^(A h) and Γ = ∫ e^(A s) ds over the step
//! (zero-order hold; Franklin, Powell and Workman 1998, section 4.3). Both are computed once and used
//! for every step, so that a step has no truncation error, whatever its length.

/// A square matrix, by rows.
pub type Matrix<const N: usize> = [[f64; N]; N];

/// Norm of A h below which the series is summed directly.
const SERIES_NORM: f64 = 0.5;
/// With A h no larger than [`SERIES_NORM`], the term after this one is below 1e-18.
const SERIES_TERMS: usize = 16;

/// The exact step of one linear model.
#[derive(Debug, Clone, PartialEq)]
pub struct ExactStep<const N: usize> {
    /// Φ: what becomes of the state.
    pub transition: Matrix<N>,
    /// Γ in seconds: what a constant b adds, per unit of b.
    pub response: Matrix<N>,
}

impl<const N: usize> ExactStep<N> {
    /// The step of `duration_s` under A = `system` (1/s): series for a fraction of the step, then
    /// doubling (Moler and Van Loan 2003, method 3), as Φ(2h) = Φ(h)² and Γ(2h) = Γ(h) + Φ(h) Γ(h).
    #[must_use]
    pub fn new(system: &Matrix<N>, duration_s: f64) -> Self {
        let mut doublings = 0;
        let mut fraction_s = duration_s;
        while norm(system) * fraction_s > SERIES_NORM && doublings < 64 {
            fraction_s *= 0.5;
            doublings += 1;
        }
        let mut step = Self::series(system, fraction_s);
        for _ in 0..doublings {
            let added = product(&step.transition, &step.response);
            for (row, added) in step.response.iter_mut().zip(&added) {
                for (entry, added) in row.iter_mut().zip(added) {
                    *entry += added;
                }
            }
            step.transition = product(&step.transition, &step.transition);
        }
        step
    }

    /// The state after a step with constant `b`.
    #[must_use]
    pub fn advance(&self, state: &[f64; N], b: &[f64; N]) -> [f64; N] {
        std::array::from_fn(|row| dot(&self.transition[row], state) + dot(&self.response[row], b))
    }

    /// Γ = h Σ (A h)^k/(k+1)! by Horner's rule, and Φ = I + A Γ.
    fn series(system: &Matrix<N>, duration_s: f64) -> Self {
        let scaled = system.map(|row| row.map(|entry| entry * duration_s));
        let mut sum = identity();
        for k in (1..=SERIES_TERMS).rev() {
            let next = product(&scaled, &sum);
            let factor = 1.0 / (k + 1) as f64;
            sum = identity();
            for (row, next) in sum.iter_mut().zip(&next) {
                for (entry, next) in row.iter_mut().zip(next) {
                    *entry += factor * next;
                }
            }
        }
        let mut transition = product(&scaled, &sum);
        for (k, row) in transition.iter_mut().enumerate() {
            row[k] += 1.0;
        }
        Self {
            transition,
            response: sum.map(|row| row.map(|entry| entry * duration_s)),
        }
    }
}

fn identity<const N: usize>() -> Matrix<N> {
    std::array::from_fn(|row| std::array::from_fn(|column| f64::from(u8::from(row == column))))
}

fn product<const N: usize>(left: &Matrix<N>, right: &Matrix<N>) -> Matrix<N> {
    std::array::from_fn(|row| {
        std::array::from_fn(|column| (0..N).map(|k| left[row][k] * right[k][column]).sum())
    })
}

fn dot<const N: usize>(left: &[f64; N], right: &[f64; N]) -> f64 {
    (0..N).map(|k| left[k] * right[k]).sum()
}

/// Largest sum of magnitudes in a row.
fn norm<const N: usize>(matrix: &Matrix<N>) -> f64 {
    matrix
        .iter()
        .map(|row| row.iter().map(|entry| entry.abs()).sum())
        .fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close<const N: usize>(found: &Matrix<N>, expected: &Matrix<N>, tolerance: f64) {
        for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
            assert!((found - expected).abs() < tolerance, "{found} {expected}");
        }
    }

    // scipy.linalg.expm of SciPy 1.17.1.
    #[test]
    fn a_long_step_of_a_fast_system_agrees_with_scipy() {
        let step = ExactStep::new(&[[-20.0, -1e3], [1e3, -312.5]], 0.05);
        let expected = [
            [0.000_144_339_087_258_323_72, 0.000_178_508_997_607_994_77],
            [-0.000_178_508_997_607_995_63, 0.000_196_552_969_058_661_02],
        ];
        close(&step.transition, &expected, 1e-15);
    }

    #[test]
    fn the_response_to_a_constant_has_its_limits() {
        // x' = -2x + b: Γ = (1 - e^-2h)/2; x' = b: Γ = h.
        let step = ExactStep::new(&[[-2.0, 0.0], [0.0, 0.0]], 1.5);
        let expected = [[0.475_106_465_816_068, 0.0], [0.0, 1.5]];
        close(&step.response, &expected, 1e-15);
    }

    #[test]
    fn two_half_steps_make_a_step() {
        let system = [[-0.3, 5.0, 0.0], [-5.0, -0.1, 1.0], [0.2, 0.0, -40.0]];
        let [whole, half] = [0.4, 0.2].map(|duration_s| ExactStep::new(&system, duration_s));
        let b = [1.0, -2.0, 0.5];
        let once = whole.advance(&[3.0, 0.0, -1.0], &b);
        let twice = half.advance(&half.advance(&[3.0, 0.0, -1.0], &b), &b);
        close(&[once; 3], &[twice; 3], 1e-14);
    }
}
