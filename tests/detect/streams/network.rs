//! The network behind the bus streams.

use gridcast::maths::{cos, sin};

/// The default 5-bus network, solved by Newton's method with the Jacobian of the flat start.
pub(super) struct FiveBuses {
    g: [[f64; 5]; 5],
    b: [[f64; 5]; 5],
    inverse: Vec<Vec<f64>>,
}

/// Magnitudes (p.u.) and angles (rad).
pub(super) type Voltages = ([f64; 5], [f64; 5]);

/// Buses whose angle is unknown, then those whose magnitude is.
const ANGLES: [usize; 4] = [1, 2, 3, 4];
const MAGNITUDES: [usize; 3] = [2, 3, 4];

impl FiveBuses {
    pub(super) fn new() -> Self {
        const BRANCHES: [(usize, usize, f64, f64, f64, f64); 6] = [
            (0, 1, 0.009752, 0.066116, 0.109478, 1.0),
            (0, 2, 0.012190, 0.082645, 0.136848, 1.0),
            (1, 2, 0.007314, 0.049587, 0.082109, 1.0),
            (2, 3, 0.001600, 0.075000, 0.0, 0.975),
            (1, 4, 0.002600, 0.120000, 0.0, 0.975),
            (3, 4, 0.023529, 0.094215, 0.010492, 1.0),
        ];
        let (mut g, mut b) = ([[0.0; 5]; 5], [[0.0; 5]; 5]);
        for (from, to, r, x, charging, ratio) in BRANCHES {
            let (gs, bs) = (r / (r * r + x * x), -x / (r * r + x * x));
            g[to][to] += gs;
            b[to][to] += bs + charging / 2.0;
            g[from][from] += gs / (ratio * ratio);
            b[from][from] += (bs + charging / 2.0) / (ratio * ratio);
            for (i, k) in [(from, to), (to, from)] {
                g[i][k] -= gs / ratio;
                b[i][k] -= bs / ratio;
            }
        }
        b[3][3] += 0.1;
        let mut network = Self {
            g,
            b,
            inverse: Vec::new(),
        };
        network.inverse = network.inverse_of_jacobian();
        network
    }

    pub(super) fn flat() -> Voltages {
        ([1.02, 1.02, 1.0, 1.0, 1.0], [0.0; 5])
    }

    /// By differences at the flat start.
    fn inverse_of_jacobian(&self) -> Vec<Vec<f64>> {
        let flat = Self::flat();
        let base = self.unknown_powers(&flat);
        let size = base.len();
        let mut rows = vec![vec![0.0; 2 * size]; size];
        for column in 0..size {
            let mut moved = flat;
            *unknown(&mut moved, column) += 1e-6;
            let powers = self.unknown_powers(&moved);
            for row in 0..size {
                rows[row][column] = (powers[row] - base[row]) / 1e-6;
            }
            rows[column][size + column] = 1.0;
        }
        for pivot in 0..size {
            let scale = rows[pivot][pivot];
            for value in &mut rows[pivot] {
                *value /= scale;
            }
            let source = rows[pivot].clone();
            for (at, row) in rows.iter_mut().enumerate() {
                if at != pivot {
                    let factor = row[pivot];
                    for (value, from) in row.iter_mut().zip(&source) {
                        *value -= factor * from;
                    }
                }
            }
        }
        rows.into_iter().map(|row| row[size..].to_vec()).collect()
    }

    fn injections(&self, (v, angle): &Voltages) -> [(f64, f64); 5] {
        std::array::from_fn(|i| {
            (0..5).fold((0.0, 0.0), |(p, q), k| {
                let (s, c) = (sin(angle[i] - angle[k]), cos(angle[i] - angle[k]));
                let (g, b) = (self.g[i][k], self.b[i][k]);
                (
                    p + v[i] * v[k] * (g * c + b * s),
                    q + v[i] * v[k] * (g * s - b * c),
                )
            })
        })
    }

    fn unknown_powers(&self, state: &Voltages) -> Vec<f64> {
        let powers = self.injections(state);
        let active = ANGLES.iter().map(|&bus| powers[bus].0);
        let reactive = MAGNITUDES.iter().map(|&bus| powers[bus].1);
        active.chain(reactive).collect()
    }

    pub(super) fn solve(&self, state: &mut Voltages, p_mw: &[f64], q_mvar: &[f64]) {
        let wanted: Vec<f64> = ANGLES
            .iter()
            .map(|&bus| p_mw[bus] / 100.0)
            .chain(MAGNITUDES.iter().map(|&bus| q_mvar[bus] / 100.0))
            .collect();
        for _ in 0..12 {
            let have = self.unknown_powers(state);
            for (at, row) in self.inverse.iter().enumerate() {
                let correction: f64 = row
                    .iter()
                    .zip(wanted.iter().zip(&have))
                    .map(|(inverse, (wanted, have))| inverse * (wanted - have))
                    .sum();
                *unknown(state, at) += correction;
            }
        }
    }

    /// Per bus: V p.u., angle deg, P MW, Q `MVAr`.
    pub(super) fn measure(&self, state: &Voltages) -> [(f64, f64, f64, f64); 5] {
        let powers = self.injections(state);
        std::array::from_fn(|bus| {
            (
                state.0[bus],
                state.1[bus].to_degrees(),
                100.0 * powers[bus].0,
                100.0 * powers[bus].1,
            )
        })
    }
}

fn unknown(state: &mut Voltages, at: usize) -> &mut f64 {
    match ANGLES.get(at) {
        Some(&bus) => &mut state.1[bus],
        None => &mut state.0[MAGNITUDES[at - ANGLES.len()]],
    }
}
