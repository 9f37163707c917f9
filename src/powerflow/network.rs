//! The network in the solver's terms: buses in elimination order, the admittance matrix in a fixed
//! pattern, and which buses have voltage.
//!
//! Inside the solver a bus goes by its *position*. Slack and isolated buses have no unknowns and stand
//! behind all others. The pattern holds every branch, in service or not, so that switching one changes
//! values only.

use super::{
    blocks::Pattern,
    case::{Branch, BusType, Case},
    ordering,
};
use crate::maths;

/// A complex number or vector: real and imaginary part.
pub(super) type Complex = [f64; 2];

/// a·b.
#[inline]
pub(super) fn times(a: Complex, b: Complex) -> Complex {
    [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]]
}

/// v·conj(i): the power of a voltage and a current.
#[inline]
pub(super) fn power(v: Complex, i: Complex) -> Complex {
    [v[0] * i[0] + v[1] * i[1], v[1] * i[0] - v[0] * i[1]]
}

fn add(target: &mut Complex, value: Complex) {
    target[0] += value[0];
    target[1] += value[1];
}

/// A branch: its admittances in p.u. and where they go.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) in_service: bool,
    y_ff: Complex,
    y_ft: Complex,
    y_tf: Complex,
    y_tt: Complex,
    /// The entries of `y` that it is part of.
    slots: [usize; 2],
}

impl Line {
    /// The currents into it at both ends.
    pub(super) fn currents(&self, v_from: Complex, v_to: Complex) -> [Complex; 2] {
        let mut from = times(self.y_ff, v_from);
        add(&mut from, times(self.y_ft, v_to));
        let mut to = times(self.y_tf, v_from);
        add(&mut to, times(self.y_tt, v_to));
        [from, to]
    }
}

/// The network.
#[derive(Debug, Clone)]
pub(super) struct Network {
    /// The index in the case of the bus at each position.
    pub(super) order: Vec<usize>,
    /// The position of each bus of the case.
    pub(super) position: Vec<usize>,
    /// How many buses have unknowns; the others stand behind them.
    pub(super) unknown: usize,
    /// The pattern of the admittance matrix; in each row the columns with unknowns first.
    pub(super) pattern: Pattern,
    /// The pattern among the buses with unknowns.
    pub(super) jacobian: Pattern,
    /// Admittances off the diagonal.
    pub(super) y: Vec<Complex>,
    /// Admittances on the diagonal, the case's shunts included.
    pub(super) y_diagonal: Vec<Complex>,
    /// The branches in the order of the case.
    pub(super) lines: Vec<Line>,
    /// Whether a slack bus feeds the bus at this position.
    pub(super) energised: Vec<bool>,
    shunts: Vec<Complex>,
    slack: Vec<bool>,
    isolated: Vec<bool>,
}

impl Network {
    /// Compiles a case that was checked; `slack` says for each of its buses whether it is one.
    pub(super) fn new(case: &Case, slack: &[bool]) -> Self {
        let numbers: std::collections::HashMap<u32, usize> = case
            .buses
            .iter()
            .enumerate()
            .map(|(i, bus)| (bus.number, i))
            .collect();
        let ends: Vec<[usize; 2]> = case
            .branches
            .iter()
            .map(|branch| [numbers[&branch.from], numbers[&branch.to]])
            .collect();
        let isolated: Vec<bool> = case
            .buses
            .iter()
            .map(|bus| bus.bus_type == BusType::Isolated)
            .collect();
        let order = order(&ends, slack, &isolated);
        let mut position = vec![0; order.len()];
        for (place, &bus) in order.iter().enumerate() {
            position[bus] = place;
        }
        let unknown = (0..order.len())
            .filter(|&bus| !slack[bus] && !isolated[bus])
            .count();
        let pattern = pattern(&ends, &position);
        let of_order = |flags: &[bool]| order.iter().map(|&bus| flags[bus]).collect();
        let shunt = |&bus: &usize| {
            let bus = &case.buses[bus];
            [bus.gs_mw / case.base_mva, bus.bs_mvar / case.base_mva]
        };
        let lines = case.branches.iter().zip(&ends);
        let mut network = Self {
            lines: lines
                .map(|(branch, ends)| line(branch, ends.map(|bus| position[bus]), &pattern))
                .collect(),
            shunts: order.iter().map(shunt).collect(),
            slack: of_order(slack),
            isolated: of_order(&isolated),
            y: vec![[0.0; 2]; pattern.columns.len()],
            y_diagonal: vec![[0.0; 2]; order.len()],
            energised: vec![false; order.len()],
            jacobian: among(&pattern, unknown),
            pattern,
            unknown,
            position,
            order,
        };
        network.update();
        network
    }

    /// Computes the admittances and finds the buses with voltage, after a branch was switched.
    pub(super) fn update(&mut self) {
        self.y.fill([0.0; 2]);
        self.y_diagonal.copy_from_slice(&self.shunts);
        for line in self
            .lines
            .iter()
            .filter(|line| carries(line, &self.isolated))
        {
            add(&mut self.y_diagonal[line.from], line.y_ff);
            add(&mut self.y_diagonal[line.to], line.y_tt);
            add(&mut self.y[line.slots[0]], line.y_ft);
            add(&mut self.y[line.slots[1]], line.y_tf);
        }
        let near = self.neighbours();
        let mut stack: Vec<usize> = (0..self.slack.len())
            .filter(|&bus| self.slack[bus])
            .collect();
        self.energised.copy_from_slice(&self.slack);
        while let Some(bus) = stack.pop() {
            for &other in &near[bus] {
                if !std::mem::replace(&mut self.energised[other], true) {
                    stack.push(other);
                }
            }
        }
    }

    /// Whether the bus at this position is a slack bus.
    pub(super) fn is_slack(&self, place: usize) -> bool {
        self.slack[place]
    }

    /// Whether this branch joins two live ends.
    pub(super) fn carries(&self, line: &Line) -> bool {
        carries(line, &self.isolated) && self.energised[line.from]
    }

    /// The groups of joined buses without a slack bus, as indices in the case, ascending.
    pub(super) fn islands(&self) -> Vec<Vec<usize>> {
        let near = self.neighbours();
        let mut seen = self.energised.clone();
        let mut islands = Vec::new();
        for &first in &self.position {
            if seen[first] {
                continue;
            }
            seen[first] = true;
            let (mut island, mut next) = (vec![first], 0);
            while let Some(&bus) = island.get(next) {
                next += 1;
                for &other in &near[bus] {
                    if !std::mem::replace(&mut seen[other], true) {
                        island.push(other);
                    }
                }
            }
            let mut island: Vec<usize> =
                island.into_iter().map(|place| self.order[place]).collect();
            island.sort_unstable();
            islands.push(island);
        }
        islands
    }

    fn neighbours(&self) -> Vec<Vec<usize>> {
        let mut near = vec![Vec::new(); self.order.len()];
        for line in self
            .lines
            .iter()
            .filter(|line| carries(line, &self.isolated))
        {
            near[line.from].push(line.to);
            near[line.to].push(line.from);
        }
        near
    }
}

fn carries(line: &Line, isolated: &[bool]) -> bool {
    line.in_service && !isolated[line.from] && !isolated[line.to]
}

/// The elimination order of the buses with unknowns, then the others.
fn order(ends: &[[usize; 2]], slack: &[bool], isolated: &[bool]) -> Vec<usize> {
    let without = |bus: usize| slack[bus] || isolated[bus];
    let mut order: Vec<usize> = (0..slack.len()).filter(|&bus| !without(bus)).collect();
    let mut node = vec![usize::MAX; slack.len()];
    for (i, &bus) in order.iter().enumerate() {
        node[bus] = i;
    }
    let mut near = vec![Vec::new(); order.len()];
    for &[from, to] in ends
        .iter()
        .filter(|ends| !ends.iter().any(|&bus| without(bus)))
    {
        near[node[from]].push(node[to]);
        near[node[to]].push(node[from]);
    }
    for list in &mut near {
        list.sort_unstable();
        list.dedup();
    }
    order = ordering::minimum_degree(&near)
        .into_iter()
        .map(|node| order[node])
        .collect();
    order.extend((0..slack.len()).filter(|&bus| without(bus)));
    order
}

fn pattern(ends: &[[usize; 2]], position: &[usize]) -> Pattern {
    let mut near = vec![Vec::new(); position.len()];
    for &[from, to] in ends {
        near[position[from]].push(position[to]);
        near[position[to]].push(position[from]);
    }
    let (mut start, mut columns) = (vec![0], Vec::new());
    for list in &mut near {
        list.sort_unstable();
        list.dedup();
        columns.extend(list.iter().map(|&column| small(column)));
        start.push(columns.len());
    }
    Pattern { start, columns }
}

/// The upper left part of a pattern.
fn among(pattern: &Pattern, size: usize) -> Pattern {
    let (mut start, mut columns) = (vec![0], Vec::new());
    for row in 0..size {
        let row = &pattern.columns[pattern.row(row)];
        columns.extend(
            row.iter()
                .copied()
                .filter(|&column| (column as usize) < size),
        );
        start.push(columns.len());
    }
    Pattern { start, columns }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "bus numbers are u32 and unique"
)]
fn small(position: usize) -> u32 {
    position as u32
}

/// The pi model with its transformer at the from end (MATPOWER manual, equations 3.1 to 3.3).
fn line(branch: &Branch, [from, to]: [usize; 2], pattern: &Pattern) -> Line {
    let slot = |row: usize, column: usize| {
        let range = pattern.row(row);
        range.start + pattern.columns[range].partition_point(|&c| (c as usize) < column)
    };
    let [y_ff, y_ft, y_tf, y_tt] = admittances(branch);
    Line {
        from,
        to,
        in_service: branch.in_service,
        y_ff,
        y_ft,
        y_tf,
        y_tt,
        slots: [slot(from, to), slot(to, from)],
    }
}

/// The admittances `y_ff`, `y_ft`, `y_tf` and `y_tt` of a branch: MATPOWER User's Manual 8.0,
/// equation 3.2.
pub(super) fn admittances(branch: &Branch) -> [Complex; 4] {
    let size = branch.r_pu * branch.r_pu + branch.x_pu * branch.x_pu;
    let series = if size > 0.0 {
        [branch.r_pu / size, -branch.x_pu / size]
    } else {
        [0.0; 2]
    };
    let ratio = if branch.ratio == 0.0 {
        1.0
    } else {
        branch.ratio
    };
    let (sin, cos) = maths::sincos(branch.shift_degree.to_radians());
    let own = [series[0], series[1] + branch.b_pu / 2.0];
    let back = [-series[0] / ratio, -series[1] / ratio];
    [
        own.map(|part| part / (ratio * ratio)),
        times(back, [cos, sin]),
        times(back, [cos, -sin]),
        own,
    ]
}

/// The unit vector of an angle.
pub(super) fn unit(angle: f64) -> Complex {
    let (sin, cos) = maths::sincos(angle);
    [cos, sin]
}
