//! What the network equations say of bus measurements.
//!
//! Magnitude and angle of all voltages determine all injections, so that of the four measured
//! quantities per bus two are redundant. The parity vector is the difference between measured and
//! computed injections (and the angle of each slack bus, which is zero by definition); it is zero but for
//! errors of sensors, whatever the grid does. An error of one sensor moves it in one direction only, its
//! signature; the share of the whitened vector in that direction, in standard deviations, is the
//! normalised residual that tells how likely that sensor is wrong (Handschin et al. 1975; Monticelli 1999,
//! chapter 7). Signatures are linearised at the flat start; the parity vector itself is exact.

use crate::{
    grid::{entity::EntityType, topology::Topology},
    maths::{cos, sin},
};

use super::model::{Noise, bus};

/// Sensors per bus that take part: magnitude, angle, active and reactive power.
pub(super) const SENSORS: usize = 4;
/// A larger network would need a sparse factorisation; its buses are watched one by one.
const BUSES_MAX: usize = 120;

/// The field of the bus row that a sensor measures.
pub(super) const FIELD_OF_SENSOR: [usize; SENSORS] = [
    bus::VOLTAGE,
    bus::ANGLE,
    bus::ACTIVE_POWER,
    bus::REACTIVE_POWER,
];

/// The network equations, prepared for the judgement of sensors.
#[derive(Debug, Clone)]
pub(super) struct Parity {
    base_mva: f64,
    /// Neighbours of each bus, itself included: (bus, conductance, susceptance) in p.u.
    admittance: Vec<Vec<(usize, f64, f64)>>,
    slack: Vec<usize>,
    supplied: Vec<bool>,
    /// Standard deviation of each sensor in p.u. and rad, by bus.
    noise: Vec<[f64; SENSORS]>,
    /// Lower triangular factor of the covariance of the parity vector, by rows.
    factor: Vec<Vec<f64>>,
    /// Whitened signature of each sensor, scaled to one standard deviation of its noise.
    signatures: Vec<Vec<f64>>,
}

/// State of a bus as measured: magnitude p.u., angle deg, P MW, Q `MVAr`.
pub(super) type BusReading = [f64; SENSORS];

impl Parity {
    /// Prepares the network; none if it is too large, has no slack bus or does not hold exactly the buses
    /// of `ids`.
    pub(super) fn new(
        topology: &Topology,
        base_mva: f64,
        ids: &[&str],
        noise: &Noise,
        power_noise_mw: &[Option<f64>],
    ) -> Option<Self> {
        let n = ids.len();
        let find = |id: &str| ids.iter().position(|&other| other == id);
        if n == 0
            || n > BUSES_MAX
            || topology.buses.len() != n
            || power_noise_mw.len() != n
            || base_mva <= 0.0
        {
            return None;
        }
        let mut dense = vec![(0.0, 0.0); n * n];
        let mut slack = Vec::new();
        for bus in &topology.buses {
            let at = find(bus.id.as_str())?;
            add(
                &mut dense[at * n + at],
                bus.gs_mw / base_mva,
                bus.bs_mvar / base_mva,
            );
            if bus.bus_type == EntityType::Slack {
                slack.push(at);
            }
        }
        if slack.is_empty() {
            return None;
        }
        for branch in topology.branches.iter().filter(|branch| branch.in_service) {
            let (from, to) = (find(branch.from.as_str())?, find(branch.to.as_str())?);
            let square = branch.r * branch.r + branch.x * branch.x;
            if square <= 0.0 {
                return None;
            }
            let (g, b) = (branch.r / square, -branch.x / square);
            let ratio = if branch.ratio == 0.0 {
                1.0
            } else {
                branch.ratio
            };
            let shift = branch.shift_deg.to_radians();
            let (c, s) = (cos(shift) / ratio, sin(shift) / ratio);
            let half = branch.b / 2.0;
            add(&mut dense[to * n + to], g, b + half);
            let ratio2 = ratio * ratio;
            add(&mut dense[from * n + from], g / ratio2, (b + half) / ratio2);
            // -y / conj(t) and -y / t, with 1/t = (c - js).
            add(
                &mut dense[from * n + to],
                -(g * c - b * s),
                -(b * c + g * s),
            );
            add(
                &mut dense[to * n + from],
                -(g * c + b * s),
                -(b * c - g * s),
            );
        }
        let admittance: Vec<Vec<_>> = (0..n)
            .map(|i| {
                (0..n)
                    .map(|k| (k, dense[i * n + k].0, dense[i * n + k].1))
                    .filter(|&(_, g, b)| g != 0.0 || b != 0.0)
                    .collect()
            })
            .collect();
        let supplied = supplied(&admittance, &slack);
        let mut parity = Self {
            base_mva,
            admittance,
            slack,
            supplied,
            noise: power_noise_mw
                .iter()
                .map(|own| {
                    let power = |common: f64| own.unwrap_or(common) / base_mva;
                    [
                        noise.voltage_pu,
                        noise.angle_degree.to_radians(),
                        power(noise.active_power_mw),
                        power(noise.reactive_power_mvar),
                    ]
                })
                .collect(),
            factor: Vec::new(),
            signatures: Vec::new(),
        };
        parity.prepare().then_some(parity)
    }

    /// Whether a bus is connected to a slack bus; one that is not has no samples.
    pub(super) fn is_supplied(&self, bus: usize) -> bool {
        self.supplied.get(bus).copied().unwrap_or(true)
    }

    /// The whitened parity vector.
    pub(super) fn vector(&self, readings: &[BusReading]) -> Vec<f64> {
        let n = self.admittance.len();
        let rect: Vec<(f64, f64)> = readings
            .iter()
            .map(|reading| {
                let angle = reading[1].to_radians();
                (reading[0] * cos(angle), reading[0] * sin(angle))
            })
            .collect();
        let mut vector = vec![0.0; 2 * n + self.slack.len()];
        for (i, row) in self.admittance.iter().enumerate() {
            let (mut re, mut im) = (0.0, 0.0);
            for &(k, g, b) in row {
                re += g * rect[k].0 - b * rect[k].1;
                im += g * rect[k].1 + b * rect[k].0;
            }
            let (e, f) = rect[i];
            vector[i] = readings[i][2] / self.base_mva - (e * re + f * im);
            vector[n + i] = readings[i][3] / self.base_mva - (f * re - e * im);
        }
        for (at, &bus) in self.slack.iter().enumerate() {
            vector[2 * n + at] = readings[bus][1].to_radians();
        }
        self.whiten(&mut vector);
        vector
    }

    /// The signature of a sensor (whitened, of one standard deviation).
    pub(super) fn signature(&self, bus: usize, sensor: usize) -> &[f64] {
        &self.signatures[bus * SENSORS + sensor]
    }

    /// One standard deviation of a sensor in the unit of its reading.
    pub(super) fn noise_of(&self, bus: usize, sensor: usize) -> f64 {
        let noise = self.noise[bus][sensor];
        match sensor {
            0 => noise,
            1 => noise.to_degrees(),
            _ => noise * self.base_mva,
        }
    }

    fn whiten(&self, vector: &mut [f64]) {
        for i in 0..vector.len() {
            let mut value = vector[i];
            for k in 0..i {
                value -= self.factor[i][k] * vector[k];
            }
            vector[i] = value / self.factor[i][i];
        }
    }

    /// Signatures at V = 1, angle 0: with Y = G + jB the derivatives of `P_i` by angle k are `-B_ik` off the
    /// diagonal (balanced on it), by magnitude `G_ik`; of `Q_i` by angle `-G_ik`, by magnitude `-B_ik`.
    fn prepare(&mut self) -> bool {
        let n = self.admittance.len();
        let size = 2 * n + self.slack.len();
        let mut plain = vec![vec![0.0; size]; n * SENSORS];
        for (i, row) in self.admittance.iter().enumerate() {
            let (sum_g, sum_b) = row
                .iter()
                .fold((0.0, 0.0), |sum, &(_, g, b)| (sum.0 + g, sum.1 + b));
            for &(k, g, b) in row {
                let own = if k == i { 1.0 } else { 0.0 };
                plain[k * SENSORS][i] -= g + own * sum_g;
                plain[k * SENSORS][n + i] -= -b - own * sum_b;
                plain[k * SENSORS + 1][i] -= -b + own * sum_b;
                plain[k * SENSORS + 1][n + i] -= -g + own * sum_g;
            }
            plain[i * SENSORS + 2][i] = 1.0;
            plain[i * SENSORS + 3][n + i] = 1.0;
        }
        for (at, &bus) in self.slack.iter().enumerate() {
            plain[bus * SENSORS + 1][2 * n + at] = 1.0;
        }
        for (at, signature) in plain.iter_mut().enumerate() {
            for value in signature {
                *value *= self.noise[at / SENSORS][at % SENSORS];
            }
        }
        let mut covariance = vec![vec![0.0; size]; size];
        for signature in &plain {
            for i in 0..size {
                for k in 0..=i {
                    covariance[i][k] += signature[i] * signature[k];
                }
            }
        }
        if !cholesky(&mut covariance) {
            return false;
        }
        self.factor = covariance;
        for signature in &mut plain {
            self.whiten(signature);
        }
        self.signatures = plain;
        true
    }
}

/// An orthonormal basis of signatures that are not to count.
#[derive(Debug, Default)]
pub(super) struct Excluded {
    basis: Vec<Vec<f64>>,
}

impl Excluded {
    /// Adds a direction.
    pub(super) fn add(&mut self, signature: &[f64]) {
        let mut rest = signature.to_vec();
        self.project(&mut rest);
        let length = dot(&rest, &rest).sqrt();
        if length > 1e-3 * dot(signature, signature).sqrt() {
            for value in &mut rest {
                *value /= length;
            }
            self.basis.push(rest);
        }
    }

    /// Takes the excluded directions out of a vector.
    pub(super) fn project(&self, vector: &mut [f64]) {
        for direction in &self.basis {
            let share = dot(direction, vector);
            for (value, along) in vector.iter_mut().zip(direction) {
                *value -= share * along;
            }
        }
    }

    /// How many directions are excluded.
    pub(super) fn is_empty(&self) -> bool {
        self.basis.is_empty()
    }
}

/// The normalised residual of a sensor: standard deviations of the parity vector along its signature, and
/// how many of them one standard deviation of the sensor's noise makes. None where what is excluded leaves
/// nothing of the signature.
pub(super) fn normalised(
    vector: &[f64],
    signature: &[f64],
    excluded: &Excluded,
) -> Option<(f64, f64)> {
    if excluded.is_empty() {
        let length = dot(signature, signature).sqrt();
        return (length > 0.0).then(|| (dot(vector, signature) / length, length));
    }
    let before = dot(signature, signature).sqrt();
    let mut rest = signature.to_vec();
    excluded.project(&mut rest);
    let length = dot(&rest, &rest).sqrt();
    (length > 0.2 * before).then(|| (dot(vector, &rest) / length, length))
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(entry: &mut (f64, f64), g: f64, b: f64) {
    entry.0 += g;
    entry.1 += b;
}

fn supplied(admittance: &[Vec<(usize, f64, f64)>], slack: &[usize]) -> Vec<bool> {
    let mut reached = vec![false; admittance.len()];
    let mut open = slack.to_vec();
    while let Some(bus) = open.pop() {
        if !std::mem::replace(&mut reached[bus], true) {
            open.extend(admittance[bus].iter().map(|&(k, _, _)| k));
        }
    }
    reached
}

/// Replaces the lower triangle of a symmetric matrix by its Cholesky factor; false if the matrix is not
/// positive definite.
fn cholesky(matrix: &mut [Vec<f64>]) -> bool {
    for i in 0..matrix.len() {
        for k in 0..=i {
            let mut value = matrix[i][k];
            for j in 0..k {
                value -= matrix[i][j] * matrix[k][j];
            }
            if i == k {
                if value <= 0.0 {
                    return false;
                }
                matrix[i][i] = value.sqrt();
            } else {
                matrix[i][k] = value / matrix[k][k];
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{
        entity::EntityId,
        topology::{TopologyBranch, TopologyBus},
    };

    const IDS: [&str; 5] = ["BUS-001", "BUS-002", "BUS-003", "BUS-004", "BUS-005"];
    /// Solved with PYPOWER: V p.u., angle deg, P MW, Q `MVAr`.
    const SOLVED: [BusReading; 5] = [
        [1.020000, 0.000000, 112.884841, -3.418338],
        [1.020000, -1.472847, 80.000000, 51.303127],
        [1.000975, -3.297123, -90.000000, -30.000000],
        [1.013115, -5.434563, -67.500000, -28.000000],
        [1.017730, -4.639767, -34.000000, -21.000000],
    ];

    fn topology() -> Topology {
        use EntityType::{Pq, Pv, Slack};
        let branches = [
            (0, 1, 0.009752, 0.066116, 0.109478, 0.0),
            (0, 2, 0.012190, 0.082645, 0.136848, 0.0),
            (1, 2, 0.007314, 0.049587, 0.082109, 0.0),
            (2, 3, 0.001600, 0.075000, 0.0, 0.975),
            (1, 4, 0.002600, 0.120000, 0.0, 0.975),
            (3, 4, 0.023529, 0.094215, 0.010492, 0.0),
        ];
        Topology {
            buses: IDS
                .iter()
                .zip([Slack, Pv, Pq, Pq, Pq])
                .map(|(&id, bus_type)| TopologyBus {
                    id: id.into(),
                    bus_type,
                    base_kv: 110.0,
                    gs_mw: 0.0,
                    bs_mvar: if id == "BUS-004" { 10.0 } else { 0.0 },
                })
                .collect(),
            branches: branches
                .iter()
                .map(|&(from, to, r, x, b, ratio)| TopologyBranch {
                    id: EntityId::from("BRANCH"),
                    from: IDS[from].into(),
                    to: IDS[to].into(),
                    r,
                    x,
                    b,
                    ratio,
                    shift_deg: 0.0,
                    rate_mva: 0.0,
                    in_service: true,
                })
                .collect(),
        }
    }

    fn parity() -> Parity {
        Parity::new(&topology(), 100.0, &IDS, &Noise::default(), &[None; 5]).unwrap()
    }

    #[test]
    fn a_solution_of_the_network_equations_leaves_nothing() {
        for value in parity().vector(&SOLVED) {
            assert!(value.abs() < 0.02, "{value}");
        }
    }

    #[test]
    fn an_error_points_at_its_sensor() {
        let parity = parity();
        for at in 0..IDS.len() {
            for sensor in 0..SENSORS {
                let mut readings = SOLVED;
                readings[at][sensor] += 12.0 * parity.noise_of(at, sensor);
                let vector = parity.vector(&readings);
                let none = Excluded::default();
                let score = |(at, sensor): (usize, usize)| {
                    normalised(&vector, parity.signature(at, sensor), &none)
                        .unwrap()
                        .0
                        .abs()
                };
                let all = (0..IDS.len()).flat_map(|at| (0..SENSORS).map(move |s| (at, s)));
                let worst = all.max_by(|&a, &b| score(a).total_cmp(&score(b)));
                assert_eq!(worst, Some((at, sensor)));
                assert!(score((at, sensor)) > 2.0);
            }
        }
    }

    #[test]
    fn an_excluded_sensor_does_not_show_in_the_others() {
        let parity = parity();
        let mut readings = SOLVED;
        readings[2][0] += 12.0 * parity.noise_of(2, 0);
        let vector = parity.vector(&readings);
        let mut excluded = Excluded::default();
        excluded.add(parity.signature(2, 0));
        for (at, sensor) in [(1, 0), (2, 3), (3, 0), (0, 3)] {
            let signature = parity.signature(at, sensor);
            let (score, _) = normalised(&vector, signature, &excluded).unwrap();
            assert!(score.abs() < 1.5, "{at} {sensor} {score}");
        }
    }

    #[test]
    fn buses_that_are_cut_off_are_known() {
        let mut topology = topology();
        for branch in [3, 5] {
            topology.branches[branch].in_service = false;
        }
        let parity = Parity::new(&topology, 100.0, &IDS, &Noise::default(), &[None; 5]).unwrap();
        let supplied: Vec<bool> = (0..5).map(|bus| parity.is_supplied(bus)).collect();
        assert_eq!(supplied, [true, true, true, false, true]);
    }

    #[test]
    fn a_network_of_other_buses_is_not_taken() {
        let noise = Noise::default();
        assert!(Parity::new(&topology(), 100.0, &IDS[..4], &noise, &[None; 4]).is_none());
        let others = ["A", "B", "C", "D", "E"];
        assert!(Parity::new(&topology(), 100.0, &others, &noise, &[None; 5]).is_none());
    }
}
