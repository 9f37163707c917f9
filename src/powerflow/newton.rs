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
    right: Vec<[f64; 2]>,
    diagonal: Vec<Block>,
    off_diagonal: Vec<Block>,
    factors: Factors,
    steps: Vec<Vec<[f64; 2]>>,
    squares: Vec<f64>,
}

/// Full Newton steps before giving up.
const NEWTON_LIMIT: usize = 20;
/// Steps with an old Jacobian before Newton's method starts over.
const NEAR_LIMIT: usize = 12;
/// A step with an old Jacobian that leaves more than this share of the mismatch does not pay.
const PACE: f64 = 0.3;
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
        }
    }

    pub(super) fn factors(&self) -> &Factors {
        &self.factors
    }

    pub(super) fn swap_factors(&mut self, other: &mut Factors) {
        std::mem::swap(&mut self.factors, other);
    }

    /// Newton's method from the present voltages.
    pub(super) fn newton(&mut self, network: &Network, state: &mut State, tolerance: f64) -> End {
        let mut mismatch = self.mismatch(network, state);
        for iterations in 0..NEWTON_LIMIT {
            let converged = mismatch <= tolerance;
            if converged || !self.newton_step(network, state) {
                return End {
                    converged,
                    iterations,
                    mismatch,
                };
            }
            mismatch = self.mismatch(network, state);
        }
        End {
            converged: mismatch <= tolerance,
            iterations: NEWTON_LIMIT,
            mismatch,
        }
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
                return End {
                    converged: false,
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

    /// The Jacobian at the present voltages: derivatives of the injections with respect to angles and
    /// logarithms of magnitudes. With `t = V_i·conj(Y_ik·V_k)` they are Im t, Re t, -Re t, Im t.
    fn assemble(&mut self, network: &Network, state: &State) {
        let v = &state.v[..];
        for i in 0..network.unknown {
            let free = state.free[i];
            let [ga, gb] = power(v[i], times(network.y_diagonal[i], v[i]));
            let mut sum = [ga, gb];
            let row = network.pattern.row(i);
            let inside = network.jacobian.row(i);
            let mut targets = self.off_diagonal[inside].iter_mut();
            for (&k, &y) in network.pattern.columns[row.clone()]
                .iter()
                .zip(&network.y[row])
            {
                let k = k as usize;
                let [a, b] = power(v[i], times(y, v[k]));
                sum[0] += a;
                sum[1] += b;
                if let Some(target) = targets.next() {
                    let other = state.free[k];
                    *target = [
                        b * free[0] * other[0],
                        a * free[0] * other[1],
                        -a * free[1] * other[0],
                        b * free[1] * other[1],
                    ];
                }
            }
            self.diagonal[i] = [gb - sum[1], sum[0] + ga, sum[0] - ga, sum[1] + gb];
        }
        for (i, dependent) in &state.dependent {
            if let Some(block) = self.diagonal.get_mut(*i) {
                let [_, slope] = dependent.at(state.vm[*i], state.alpha);
                block[1] -= slope[0];
                block[3] -= slope[1];
            }
        }
        for (block, free) in self.diagonal.iter_mut().zip(&state.free) {
            let [angle, magnitude] = *free;
            block[0] = block[0] * angle + (1.0 - angle);
            block[1] *= angle * magnitude;
            block[2] *= angle * magnitude;
            block[3] = block[3] * magnitude + (1.0 - magnitude);
        }
    }

    /// Factorises the Jacobian at the present voltages. False if that fails.
    pub(super) fn factorise(&mut self, network: &Network, state: &State) -> bool {
        self.assemble(network, state);
        self.factors
            .factorise(&network.jacobian, &self.diagonal, &self.off_diagonal)
    }

    /// Solves Y·V = I for the voltages with held buses at 0: `x` is I, then V.
    pub(super) fn linear(&mut self, network: &Network, state: &State) -> bool {
        let complex = |[g, b]: Complex| [g, -b, b, g];
        for i in 0..network.unknown {
            let free = state.free[i][1] != 0.0;
            self.diagonal[i] = if free {
                complex(network.y_diagonal[i])
            } else {
                IDENTITY
            };
            let columns = &network.jacobian.columns[network.jacobian.row(i)];
            let y = &network.y[network.pattern.row(i)];
            let targets = &mut self.off_diagonal[network.jacobian.row(i)];
            for ((target, &k), y) in targets.iter_mut().zip(columns).zip(y) {
                let both = free && state.free[k as usize][1] != 0.0;
                *target = if both { complex(*y) } else { [0.0; 4] };
            }
        }
        let pattern = &network.jacobian;
        if self
            .factors
            .factorise(pattern, &self.diagonal, &self.off_diagonal)
        {
            self.factors.solve(&mut self.x);
            true
        } else {
            pivoting::solve(pattern, &self.diagonal, &self.off_diagonal, &mut self.x)
        }
    }

    /// The largest part of the right-hand side that the solution in `x` leaves.
    fn residual(&self, network: &Network) -> f64 {
        let pattern = &network.jacobian;
        let mut worst = 0.0_f64;
        for (i, right) in self.right.iter().enumerate() {
            let mut left = product(&self.diagonal[i], self.x[i]);
            let row = pattern.row(i);
            for (&k, block) in pattern.columns[row.clone()]
                .iter()
                .zip(&self.off_diagonal[row])
            {
                let part = product(block, self.x[k as usize]);
                left[0] += part[0];
                left[1] += part[1];
            }
            worst = max(worst, (right[0] - left[0]).abs());
            worst = max(worst, (right[1] - left[1]).abs());
        }
        worst
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

#[inline]
fn product(a: &Block, [p, q]: [f64; 2]) -> [f64; 2] {
    [a[0] * p + a[1] * q, a[2] * p + a[3] * q]
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
fn max(a: f64, b: f64) -> f64 {
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
