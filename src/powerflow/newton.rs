//! The iterations: Newton's method, and the faster way for a start close to the end.

use super::{
    blocks::{Block, Factors, IDENTITY},
    network::{Complex, Network, power, times},
    pivoting,
    state::State,
};
use crate::maths;

/// The buffers of the iterations.
#[derive(Debug, Clone)]
pub(super) struct Iteration {
    /// The mismatch, then the step: angle, and relative magnitude.
    pub(super) x: Vec<[f64; 2]>,
    pub(super) right: Vec<[f64; 2]>,
    pub(super) diagonal: Vec<Block>,
    pub(super) off_diagonal: Vec<Block>,
    pub(super) factors: Factors,
    steps: Vec<Vec<[f64; 2]>>,
    squares: Vec<f64>,
    /// The voltages before a step that may have to be taken back.
    saved: Voltages,
}

/// The voltages of a state.
#[derive(Debug, Clone)]
struct Voltages {
    vm: Vec<f64>,
    va: Vec<f64>,
    v: Vec<Complex>,
}

impl Voltages {
    fn save(&mut self, state: &State) {
        self.vm.copy_from_slice(&state.vm);
        self.va.copy_from_slice(&state.va);
        self.v.copy_from_slice(&state.v);
    }

    fn restore(&self, state: &mut State) {
        state.vm.copy_from_slice(&self.vm);
        state.va.copy_from_slice(&self.va);
        state.v.copy_from_slice(&self.v);
    }
}

/// Full Newton steps before giving up.
const NEWTON_LIMIT: usize = 20;
/// Steps with an old Jacobian before Newton's method starts over.
const NEAR_LIMIT: usize = 12;
/// A step with an old Jacobian that leaves more than this share of the mismatch does not pay.
const PACE: f64 = 0.3;
/// The largest mismatch of a solution in p.u.
const PROMISED_PU: f64 = 1e-8;
/// A step that changes no voltage by more, in p.u. and radians, has arrived, even where rounding leaves a
/// larger mismatch than promised: at branches of next to no impedance.
const ARRIVED: f64 = 1e-9;
/// The largest mismatch in p.u. at which an old Jacobian is trusted to tell that.
const NEARLY_PU: f64 = 1e-5;
/// A step that leaves more than this share of the mismatch does not lead on.
const STALLED: f64 = 0.5;
/// The largest share of the right-hand side that a linear solution may leave.
const RESIDUAL: f64 = 1e-6;

/// How an iteration ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    pub(super) converged: bool,
    pub(super) iterations: usize,
    pub(super) mismatch: f64,
}

impl End {
    /// The same after other iterations.
    pub(super) fn after(self, iterations: usize) -> Self {
        Self {
            iterations: self.iterations + iterations,
            ..self
        }
    }
}

impl Iteration {
    pub(super) fn new(network: &Network) -> Self {
        let size = network.unknown;
        Self {
            x: vec![[0.0; 2]; size],
            right: vec![[0.0; 2]; size],
            diagonal: vec![IDENTITY; size],
            off_diagonal: vec![[0.0; 4]; network.jacobian.columns.len()],
            factors: Factors::analyse(&network.jacobian),
            steps: vec![vec![[0.0; 2]; size]; NEAR_LIMIT],
            squares: vec![0.0; NEAR_LIMIT],
            saved: Voltages {
                vm: vec![0.0; network.order.len()],
                va: vec![0.0; network.order.len()],
                v: vec![[0.0; 2]; network.order.len()],
            },
        }
    }

    pub(super) fn factors(&self) -> &Factors {
        &self.factors
    }

    pub(super) fn swap_factors(&mut self, other: &mut Factors) {
        std::mem::swap(&mut self.factors, other);
    }

    /// Newton's method from the present voltages, until the mismatch is within the tolerance. Where it
    /// comes no closer than the promised mismatch, or stalls with a step that changes nothing any more,
    /// it has converged as well.
    pub(super) fn newton(&mut self, network: &Network, state: &mut State, tolerance: f64) -> End {
        let mut mismatch = self.mismatch(network, state);
        for iterations in 0..NEWTON_LIMIT {
            let end = |converged, mismatch, iterations| End {
                converged,
                iterations,
                mismatch,
            };
            if mismatch <= tolerance {
                return end(true, mismatch, iterations);
            }
            let promised = mismatch <= PROMISED_PU;
            self.saved.save(state);
            if !self.newton_step(network, state) {
                self.saved.restore(state);
                return end(promised, mismatch, iterations);
            }
            let step = largest(&self.x);
            let after = self.mismatch(network, state);
            let better = after < mismatch;
            let arrived = step <= ARRIVED && after.is_finite() && after > STALLED * mismatch;
            if (promised && !better) || arrived {
                if !better {
                    self.saved.restore(state);
                }
                return end(true, if better { after } else { mismatch }, iterations + 1);
            }
            mismatch = after;
        }
        End {
            converged: mismatch <= PROMISED_PU,
            iterations: NEWTON_LIMIT,
            mismatch,
        }
    }

    /// One more step of Newton's method, which is taken back if it makes the mismatch worse; needs the
    /// present mismatch in p.u. and in `x`.
    pub(super) fn refine(&mut self, network: &Network, state: &mut State, end: End) -> End {
        self.saved.save(state);
        let stepped = self.newton_step(network, state);
        let mismatch = self.mismatch(network, state);
        if stepped && mismatch <= end.mismatch {
            return End {
                mismatch,
                iterations: end.iterations + 1,
                ..end
            };
        }
        self.saved.restore(state);
        end
    }

    /// One step of Newton's method; needs the present mismatch. False if there is none.
    pub(super) fn newton_step(&mut self, network: &Network, state: &mut State) -> bool {
        self.assemble(network, state);
        self.right.copy_from_slice(&self.x);
        let pattern = &network.jacobian;
        let regular = self
            .factors
            .factorise(pattern, &self.diagonal, &self.off_diagonal);
        if regular {
            self.factors.solve(&mut self.x);
        }
        let solved = regular && self.residual(network) <= RESIDUAL * largest(&self.right);
        if !solved {
            self.x.copy_from_slice(&self.right);
            if !pivoting::solve(pattern, &self.diagonal, &self.off_diagonal, &mut self.x) {
                return false;
            }
        }
        apply(state, &self.x)
    }

    /// Steps with the factors of another Jacobian and Broyden's updates of them, for as long as they
    /// pay; needs the present mismatch.
    pub(super) fn near(
        &mut self,
        network: &Network,
        state: &mut State,
        factors: &Factors,
        mut mismatch: f64,
        tolerance: f64,
    ) -> End {
        for iterations in 0..NEAR_LIMIT {
            if mismatch <= tolerance {
                return End {
                    converged: true,
                    iterations,
                    mismatch,
                };
            }
            factors.solve(&mut self.x);
            self.broyden(iterations);
            if !apply(state, &self.x) {
                break;
            }
            let before = mismatch;
            mismatch = self.mismatch(network, state);
            let pays = mismatch <= PACE * before || mismatch <= tolerance;
            if !pays {
                let arrived = mismatch <= NEARLY_PU && largest(&self.steps[iterations]) <= ARRIVED;
                return End {
                    converged: mismatch <= PROMISED_PU || arrived,
                    iterations: iterations + 1,
                    mismatch,
                };
            }
        }
        End {
            converged: mismatch <= tolerance,
            iterations: NEAR_LIMIT,
            mismatch,
        }
    }

    /// Corrects the step in `x` by what the steps before it taught.
    fn broyden(&mut self, count: usize) {
        for k in 1..count {
            let (last, next) = (&self.steps[k - 1], &self.steps[k]);
            let share = dot(last, &self.x) / self.squares[k - 1];
            for (x, s) in self.x.iter_mut().zip(next) {
                x[0] += share * s[0];
                x[1] += share * s[1];
            }
        }
        if count > 0 {
            let last = &self.steps[count - 1];
            let scale = 1.0 / (1.0 - dot(last, &self.x) / self.squares[count - 1]);
            for x in &mut self.x {
                *x = x.map(|x| x * scale);
            }
        }
        self.steps[count].copy_from_slice(&self.x);
        self.squares[count] = dot(&self.x, &self.x);
    }

    /// Puts what is given less what flows into `x`; the largest part of it in p.u.
    pub(super) fn mismatch(&mut self, network: &Network, state: &State) -> f64 {
        let v = &state.v[..];
        let rows = self
            .x
            .iter_mut()
            .zip(&state.power)
            .zip(&state.free)
            .enumerate();
        for (i, ((x, given), free)) in rows {
            let [p, q] = power(v[i], current(network, v, i));
            *x = [(given[0] - p) * free[0], (given[1] - q) * free[1]];
        }
        for (i, dependent) in &state.dependent {
            if let Some(x) = self.x.get_mut(*i) {
                let [given, _] = dependent.at(state.vm[*i], state.alpha);
                x[0] += given[0] * state.free[*i][0];
                x[1] += given[1] * state.free[*i][1];
            }
        }
        largest(&self.x)
    }
}

/// The current that the bus at this position injects.
#[inline]
pub(super) fn current(network: &Network, v: &[Complex], i: usize) -> Complex {
    let row = network.pattern.row(i);
    let (columns, y) = (&network.pattern.columns[row.clone()], &network.y[row]);
    let mut real = network.y_diagonal[i].map(|_| 0.0);
    let mut imaginary = real;
    let mut accumulate = |y: Complex, v: Complex| {
        real[0] += y[0] * v[0];
        real[1] += y[0] * v[1];
        imaginary[0] += y[1] * v[0];
        imaginary[1] += y[1] * v[1];
    };
    accumulate(network.y_diagonal[i], v[i]);
    for (&k, &y) in columns.iter().zip(y) {
        accumulate(y, v[k as usize]);
    }
    [real[0] - imaginary[1], real[1] + imaginary[0]]
}

/// Takes the step. False if it is not finite.
fn apply(state: &mut State, x: &[[f64; 2]]) -> bool {
    let voltages = state.va.iter_mut().zip(&mut state.vm).zip(&mut state.v);
    let mut finite = true;
    for (((va, vm), v), [angle, share]) in voltages.zip(x) {
        *va += angle;
        *vm *= 1.0 + share;
        finite &= va.is_finite() && vm.is_finite();
        let (sin, cos) = small_sincos(*angle);
        let turned = times(*v, [cos, sin]);
        *v = turned.map(|part| part * (1.0 + share));
        if *vm < 0.0 {
            *vm = -*vm;
            *va += std::f64::consts::PI;
        }
    }
    finite
}

/// Sine and cosine; a step's angle is mostly small, where a few terms of the series are exact.
#[inline]
fn small_sincos(x: f64) -> (f64, f64) {
    if x.abs() > 0.1 {
        return maths::sincos(x);
    }
    let s = x * x;
    let sin =
        1.0 + s * (-1.0 / 6.0 + s * (1.0 / 120.0 + s * (-1.0 / 5040.0 + s * (1.0 / 362_880.0))));
    let cos = 1.0 + s * (-1.0 / 2.0 + s * (1.0 / 24.0 + s * (-1.0 / 720.0 + s * (1.0 / 40_320.0))));
    (x * sin, cos)
}

fn dot(a: &[[f64; 2]], b: &[[f64; 2]]) -> f64 {
    let mut sum = [0.0; 2];
    for (a, b) in a.iter().zip(b) {
        sum[0] += a[0] * b[0];
        sum[1] += a[1] * b[1];
    }
    sum[0] + sum[1]
}

/// The larger one; not a number if one of them is not.
#[inline]
pub(super) fn max(a: f64, b: f64) -> f64 {
    if a >= b || a.is_nan() { a } else { b }
}

/// The largest magnitude; not a number if one part is not finite.
fn largest(x: &[[f64; 2]]) -> f64 {
    let mut worst = [0.0_f64; 2];
    let mut poison = [0.0_f64; 2];
    for x in x {
        for i in 0..2 {
            worst[i] = if worst[i] > x[i].abs() {
                worst[i]
            } else {
                x[i].abs()
            };
            poison[i] += x[i] * 0.0;
        }
    }
    max(worst[0], worst[1]) + poison[0] + poison[1]
}
