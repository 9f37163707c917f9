//! A network compiled for solving it again and again.

use super::{
    blocks::Factors,
    case::Case,
    network::{Complex, Network, power, unit},
    newton::{Iteration, current},
    problem::CaseErrors,
    roles::Roles,
    state::{Dependent, State},
};

/// A compiled network: inputs to set, voltages to read. Buses and branches go by their index in the
/// case.
///
/// What it holds beside the case is the inputs, the switches and the voltages. Another one of the same
/// case that is given the same continues with the same bits.
#[derive(Debug, Clone)]
pub struct PowerFlow {
    pub(super) base_mva: f64,
    pub(super) network: Network,
    /// Where the magnitude is not sought, by position.
    pub(super) held: Vec<bool>,
    /// The magnitude there.
    pub(super) set_point: Vec<f64>,
    pub(super) inputs: Vec<Dependent>,
    pub(super) inputs_changed: bool,
    pub(super) state: State,
    pub(super) iteration: Iteration,
    /// The case's own solution, or where that failed its start.
    pub(super) base: State,
    /// What the case's buses draw.
    pub(super) base_load: Vec<Complex>,
    /// Factors of the Jacobian there for the present switches.
    pub(super) base_factors: Factors,
    pub(super) base_status: BaseStatus,
    /// The last solution, by index in the case.
    pub(super) vm: Vec<f64>,
    pub(super) va: Vec<f64>,
    /// The last solution, by position: unit vectors of the angles, and the voltages.
    pub(super) direction: Vec<Complex>,
    pub(super) voltage: Vec<Complex>,
}

/// Whether the base can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BaseStatus {
    /// The case has no solution.
    Absent,
    /// The factors are those of other switches.
    Outdated,
    /// The factors are those of the present switches.
    Usable,
    /// The Jacobian of the present switches is singular there.
    Singular,
}

/// How a solve went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Solved {
    /// Steps it took.
    pub iterations: usize,
    /// The largest mismatch left, in p.u.
    pub mismatch_pu: f64,
}

/// Why there is no solution.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum PowerFlowError {
    /// The steps did not lead to one.
    #[error(
        "the power flow did not converge: mismatch {mismatch_pu:e} p.u. after {iterations} iterations"
    )]
    NotConverged {
        /// Steps taken.
        iterations: usize,
        /// The largest mismatch left, in p.u.; may be infinite or not a number.
        mismatch_pu: f64,
    },
}

impl PowerFlowError {
    /// Steps taken.
    #[must_use]
    pub fn iterations(&self) -> usize {
        let Self::NotConverged { iterations, .. } = self;
        *iterations
    }
}

/// What flows into a branch at both ends.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Flow {
    /// Active power into the from end in MW.
    pub p_from_mw: f64,
    /// Reactive power into the from end in MVAR.
    pub q_from_mvar: f64,
    /// Active power into the to end in MW.
    pub p_to_mw: f64,
    /// Reactive power into the to end in MVAR.
    pub q_to_mvar: f64,
}

impl PowerFlow {
    /// Compiles a case, with its loads and schedules as constant power and its voltages to start from.
    ///
    /// A slack bus needs a generator in service, as in MATPOWER: without one it is PQ. If no slack bus
    /// is left, the first PV bus becomes one; if there is no PV bus either, the slack buses hold their
    /// own voltage. Several slack buses in one island all hold theirs.
    ///
    /// # Errors
    /// All problems of the case.
    pub fn new(case: &Case) -> Result<Self, CaseErrors> {
        case.check()?;
        let roles = Roles::of(case);
        let network = Network::new(case, &roles.slack);
        let size = network.order.len();
        let role = |place: usize| &roles.buses[network.order[place]];
        let start = |place: usize| {
            let role = role(place);
            let bus = &case.buses[network.order[place]];
            if role.held { role.set_point } else { bus.vm_pu }
        };
        let angle = |bus: &usize| case.buses[*bus].va_degree.to_radians();
        let state = State {
            power: (0..size).map(|place| role(place).power).collect(),
            dependent: Vec::with_capacity(size),
            alpha: [0.0; 2],
            free: vec![[0.0; 2]; size],
            vm: (0..size).map(start).collect(),
            va: network.order.iter().map(angle).collect(),
            v: vec![[0.0; 2]; size],
        };
        let iteration = Iteration::new(&network);
        let mut flow = Self {
            base_mva: case.base_mva,
            held: (0..size).map(|place| role(place).held).collect(),
            set_point: (0..size).map(|place| role(place).set_point).collect(),
            inputs: vec![Dependent::NONE; size],
            inputs_changed: false,
            base: state.clone(),
            base_load: (0..size).map(|place| role(place).load).collect(),
            base_factors: iteration.factors().clone(),
            base_status: BaseStatus::Absent,
            vm: vec![0.0; size],
            va: vec![0.0; size],
            direction: vec![[1.0, 0.0]; size],
            voltage: vec![[0.0; 2]; size],
            state,
            iteration,
            network,
        };
        flow.update_free();
        flow.start();
        flow.find_base();
        Ok(flow)
    }

    /// How many buses.
    #[must_use]
    pub fn buses(&self) -> usize {
        self.vm.len()
    }

    /// How many branches.
    #[must_use]
    pub fn branches(&self) -> usize {
        self.network.lines.len()
    }

    /// The slack buses.
    pub fn slack_buses(&self) -> impl Iterator<Item = usize> {
        (0..self.buses()).filter(|&bus| self.network.is_slack(self.network.position[bus]))
    }

    /// Sets the part of a bus's net injection that is constant power; generation is positive.
    pub fn set_power(&mut self, bus: usize, p_mw: f64, q_mvar: f64) {
        let place = self.network.position[bus];
        self.state.power[place] = [p_mw / self.base_mva, q_mvar / self.base_mva];
    }

    /// Sets the part that is constant current: injects `p_mw`·V and `q_mvar`·V.
    pub fn set_current(&mut self, bus: usize, p_mw: f64, q_mvar: f64) {
        let base_mva = self.base_mva;
        self.input(bus).current = [p_mw / base_mva, q_mvar / base_mva];
    }

    /// Sets the load that follows the voltage: draws `p_mw·(V/v0)^alpha_p` and
    /// `q_mvar·(V/v0)^alpha_q`.
    pub fn set_load(&mut self, bus: usize, p_mw: f64, q_mvar: f64) {
        let base_mva = self.base_mva;
        self.input(bus).load = [p_mw / base_mva, q_mvar / base_mva];
    }

    /// Sets how loads follow the voltage: the exponents, at first 0, and v0 in p.u. for each bus, at
    /// first 1. The next solve factorises once more.
    pub fn set_load_model(&mut self, alpha_p: f64, alpha_q: f64, v0_pu: &[f64]) {
        self.outdate_base();
        for (&place, &v0) in self.network.position.iter().zip(v0_pu) {
            self.inputs[place].v0 = v0;
        }
        self.inputs_changed = true;
        self.state.alpha = [alpha_p, alpha_q];
    }

    /// Sets the magnitude that a held bus or slack bus holds.
    pub fn set_voltage(&mut self, bus: usize, vm_pu: f64) {
        self.set_point[self.network.position[bus]] = vm_pu;
    }

    /// Sets whether a bus holds its voltage (PV) or not (PQ). A slack bus always does, an isolated one never.
    pub fn set_held(&mut self, bus: usize, held: bool) {
        let place = self.network.position[bus];
        if place < self.network.unknown && self.held[place] != held {
            self.held[place] = held;
            self.update_free();
        }
    }

    /// Switches a branch.
    pub fn set_branch(&mut self, branch: usize, in_service: bool) {
        let line = &mut self.network.lines[branch];
        if line.in_service != in_service {
            line.in_service = in_service;
            self.network.update();
            self.update_free();
        }
    }

    /// Sets an admittance to earth beside the case's shunts, in p.u.: a fault. It counts as drawn by
    /// the bus, not by the network.
    pub fn set_fault_shunt(&mut self, bus: usize, g_pu: f64, b_pu: f64) {
        self.input(bus).fault = [g_pu, b_pu];
    }

    /// Solves, starting from the last solution. If that fails the last solution stays.
    ///
    /// # Errors
    /// There is no solution, or none was found.
    pub fn solve(&mut self) -> Result<Solved, PowerFlowError> {
        self.begin();
        let end = self.iterate();
        self.end(end)
    }

    /// Solves and takes one step of Newton's method more than is needed, down to rounding. A step that
    /// makes it worse is not kept.
    ///
    /// # Errors
    /// There is no solution, or none was found.
    pub fn solve_exactly(&mut self) -> Result<Solved, PowerFlowError> {
        self.begin();
        let mut end = self.iterate();
        if end.converged {
            self.iteration.mismatch(&self.network, &self.state);
            end = self.iteration.refine(&self.network, &mut self.state, end);
        }
        self.end(end)
    }

    /// Magnitudes of the last solution in p.u.; 0 where there is no voltage.
    #[must_use]
    pub fn vm_pu(&self) -> &[f64] {
        &self.vm
    }

    /// Angles of the last solution in radians, -π to π; 0 where there is no voltage.
    #[must_use]
    pub fn va_rad(&self) -> &[f64] {
        &self.va
    }

    /// Sets the voltages to start from, as if they were the last solution.
    pub fn set_voltages(&mut self, vm_pu: &[f64], va_rad: &[f64]) {
        self.vm.copy_from_slice(vm_pu);
        self.va.copy_from_slice(va_rad);
        for (place, &bus) in self.network.order.iter().enumerate() {
            self.direction[place] = unit(self.va[bus]);
            self.voltage[place] = self.direction[place].map(|part| part * self.vm[bus]);
        }
    }

    /// The net injections of the last solution: real and imaginary part of baseMVA·V·conj(Y·V), the
    /// case's shunts inside Y. So a load bus has exactly minus its load, less what a fault there draws.
    pub fn injections(&self, p_mw: &mut [f64], q_mvar: &mut [f64]) {
        for (place, &bus) in self.network.order.iter().enumerate() {
            let s = if self.network.energised[place] {
                power(
                    self.voltage[place],
                    current(&self.network, &self.voltage, place),
                )
            } else {
                [0.0; 2]
            };
            p_mw[bus] = s[0] * self.base_mva;
            q_mvar[bus] = s[1] * self.base_mva;
        }
    }

    /// The flows of the last solution, branch by branch; 0 where none flows.
    pub fn flows(&self) -> impl Iterator<Item = Flow> {
        self.network.lines.iter().map(|line| {
            if !self.network.carries(line) {
                return Flow::default();
            }
            let (v_from, v_to) = (self.voltage[line.from], self.voltage[line.to]);
            let [from, to] = line.currents(v_from, v_to);
            let ([p_from, q_from], [p_to, q_to]) = (power(v_from, from), power(v_to, to));
            Flow {
                p_from_mw: p_from * self.base_mva,
                q_from_mvar: q_from * self.base_mva,
                p_to_mw: p_to * self.base_mva,
                q_to_mvar: q_to * self.base_mva,
            }
        })
    }

    /// What the branches lose, in MW.
    #[must_use]
    pub fn loss_mw(&self) -> f64 {
        self.flows().map(|flow| flow.p_from_mw + flow.p_to_mw).sum()
    }

    /// Whether a bus is joined to a slack bus. If not, its voltage is void.
    #[must_use]
    pub fn energised(&self, bus: usize) -> bool {
        self.network.energised[self.network.position[bus]]
    }

    /// The groups of joined buses without a slack bus; each isolated bus is one.
    #[must_use]
    pub fn islands(&self) -> Vec<Vec<usize>> {
        self.network.islands()
    }

    /// The impedance (r, x) in p.u. that the network shows at a bus, with held buses as ideal sources
    /// and without loads and faults. None at a held bus and where there is no voltage.
    pub fn thevenin(&mut self, bus: usize) -> Option<(f64, f64)> {
        let place = self.network.position[bus];
        if place >= self.network.unknown || self.state.free[place][1] == 0.0 {
            return None;
        }
        self.iteration.x.fill([0.0; 2]);
        self.iteration.x[place] = [1.0, 0.0];
        self.iteration.linear(&self.network, &self.state).then(|| {
            let [r, x] = self.iteration.x[place];
            (r, x)
        })
    }

    fn input(&mut self, bus: usize) -> &mut Dependent {
        self.inputs_changed = true;
        &mut self.inputs[self.network.position[bus]]
    }
}
