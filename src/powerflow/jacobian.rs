//! The Jacobian of the power flow equations, and linear systems with its pattern.

use super::{
    blocks::{Block, IDENTITY},
    network::{Complex, Network, power, times},
    newton::{Iteration, max},
    pivoting,
    state::State,
};

impl Iteration {
    /// The Jacobian at the present voltages: derivatives of the injections with respect to angles and
    /// logarithms of magnitudes. With `t = V_i·conj(Y_ik·V_k)` they are Im t, Re t, -Re t, Im t.
    pub(super) fn assemble(&mut self, network: &Network, state: &State) {
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
    pub(super) fn residual(&self, network: &Network) -> f64 {
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

#[inline]
fn product(a: &Block, [p, q]: [f64; 2]) -> [f64; 2] {
    [a[0] * p + a[1] * q, a[2] * p + a[3] * q]
}
