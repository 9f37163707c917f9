//! The admittances of the network: which buses are connected, and how.

use crate::{
    grid::{
        entity::EntityType,
        topology::{Topology, TopologyBranch},
    },
    maths::{cos, sin},
};

/// A bus that another one is connected to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Neighbour {
    /// Index of the bus.
    pub(super) bus: usize,
    /// Conductance, p.u.
    pub(super) g: f64,
    /// Susceptance, p.u.
    pub(super) b: f64,
}

/// The admittance matrix, and the buses that hold the angle.
#[derive(Debug, Clone)]
pub(super) struct Admittances {
    /// Neighbours of each bus, itself included.
    pub(super) rows: Vec<Vec<Neighbour>>,
    /// The slack buses.
    pub(super) slack: Vec<usize>,
}

impl Admittances {
    /// Those of a network; none if it has no slack bus or other buses than `ids`, or a branch without
    /// impedance.
    pub(super) fn new(topology: &Topology, base_mva: f64, ids: &[&str]) -> Option<Self> {
        let n = ids.len();
        let find = |id: &str| ids.iter().position(|&other| other == id);
        let mut dense = Dense::new(n);
        let mut slack = Vec::new();
        for bus in &topology.buses {
            let at = find(bus.id.as_str())?;
            dense.add(at, at, bus.gs_mw / base_mva, bus.bs_mvar / base_mva);
            if bus.bus_type == EntityType::Slack {
                slack.push(at);
            }
        }
        if slack.is_empty() {
            return None;
        }
        for branch in topology.branches.iter().filter(|branch| branch.in_service) {
            let (from, to) = (find(branch.from.as_str())?, find(branch.to.as_str())?);
            dense.add_branch(branch, from, to)?;
        }
        Some(Self {
            rows: dense.rows(),
            slack,
        })
    }

    /// Whether each bus is connected to a slack bus.
    pub(super) fn supplied(&self) -> Vec<bool> {
        let mut reached = vec![false; self.rows.len()];
        let mut open = self.slack.clone();
        while let Some(bus) = open.pop() {
            if !std::mem::replace(&mut reached[bus], true) {
                open.extend(self.rows[bus].iter().map(|neighbour| neighbour.bus));
            }
        }
        reached
    }
}

/// The admittance matrix under construction: conductance and susceptance, row by row.
struct Dense {
    size: usize,
    entries: Vec<(f64, f64)>,
}

impl Dense {
    fn new(size: usize) -> Self {
        Self {
            size,
            entries: vec![(0.0, 0.0); size * size],
        }
    }

    fn add(&mut self, row: usize, column: usize, g: f64, b: f64) {
        let entry = &mut self.entries[row * self.size + column];
        entry.0 += g;
        entry.1 += b;
    }

    /// Adds the pi model of a branch, with its transformer at `from`; none if it has no impedance.
    fn add_branch(&mut self, branch: &TopologyBranch, from: usize, to: usize) -> Option<()> {
        let square = branch.r * branch.r + branch.x * branch.x;
        if square <= 0.0 {
            return None;
        }
        let (g, b) = (branch.r / square, -branch.x / square);
        // A line has the ratio 0 in the data.
        let ratio = if branch.ratio == 0.0 {
            1.0
        } else {
            branch.ratio
        };
        let shift = branch.shift_deg.to_radians();
        let (c, s) = (cos(shift) / ratio, sin(shift) / ratio);
        let half = branch.b / 2.0;
        self.add(to, to, g, b + half);
        let ratio2 = ratio * ratio;
        self.add(from, from, g / ratio2, (b + half) / ratio2);
        // -y / conj(t) and -y / t, with 1/t = (c - js).
        self.add(from, to, -(g * c - b * s), -(b * c + g * s));
        self.add(to, from, -(g * c + b * s), -(b * c - g * s));
        Some(())
    }

    fn rows(&self) -> Vec<Vec<Neighbour>> {
        let row = |i: usize| {
            (0..self.size)
                .map(|k| {
                    let (g, b) = self.entries[i * self.size + k];
                    Neighbour { bus: k, g, b }
                })
                .filter(|neighbour| neighbour.g != 0.0 || neighbour.b != 0.0)
                .collect()
        };
        (0..self.size).map(row).collect()
    }
}
