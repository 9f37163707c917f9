//! A network compiled for solving it again and again.

use std::{
    collections::HashMap,
    f64::consts::{PI, TAU},
};

use super::{
    blocks::Factors,
    case::{Bus, BusType, Case, CaseErrors},
    network::{Complex, Network, power},
    newton::{Dependent, End, Iteration, State, current},
};
use crate::maths;

/// The largest mismatch of a solution in p.u.
const TOLERANCE_PU: f64 = 1e-8;
/// The largest mismatch in p.u. from which the base's Jacobian is tried.
const NEAR_PU: f64 = 10.0;

/// A compiled network: inputs to set, voltages to read. Buses and branches go by their index in the
/// case.
///
/// What it holds beside the case is the inputs, the switches and the voltages. Another one of the same
/// case that is given the same continues with the same bits.
#[derive(Debug, Clone)]
pub struct PowerFlow {
    base_mva: f64,
    network: Network,
    /// Where the magnitude is not sought, by position.
    held: Vec<bool>,
    /// The magnitude there.
    set_point: Vec<f64>,
    inputs: Vec<Dependent>,
    inputs_changed: bool,
    state: State,
    iteration: Iteration,
    /// The case's own solution, or where that failed its start.
    base: State,
    /// What the case's buses draw.
    base_load: Vec<Complex>,
    /// Factors of the Jacobian there for the present switches.
    base_factors: Factors,
    base_status: BaseStatus,
    /// The last solution, by index in the case.
    vm: Vec<f64>,
    va: Vec<f64>,
    /// The last solution, by position: unit vectors of the angles, and the voltages.
    direction: Vec<Complex>,
    voltage: Vec<Complex>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BaseStatus {
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
    /// first 1. This is part of the network's description rather than an input: set it before the first solve.
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

    /// Solves and takes one step of Newton's method more than is needed, down to rounding.
    ///
    /// # Errors
    /// There is no solution, or none was found.
    pub fn solve_exactly(&mut self) -> Result<Solved, PowerFlowError> {
        self.begin();
        let mut end = self.iterate();
        if end.converged && self.iteration.newton_step(&self.network, &mut self.state) {
            end.iterations += 1;
            end.mismatch = self.iteration.mismatch(&self.network, &self.state);
            end.converged = end.mismatch <= TOLERANCE_PU;
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

    /// From the last solution with the base's Jacobian; else by Newton's method from the base, which
    /// leads to the normal one of several solutions, say after a fault; else from the last solution.
    fn iterate(&mut self) -> End {
        let mismatch = self.iteration.mismatch(&self.network, &self.state);
        let mut spent = 0;
        if self.base_status == BaseStatus::Usable {
            if mismatch <= NEAR_PU {
                let (network, state) = (&self.network, &mut self.state);
                let factors = &self.base_factors;
                let end = self
                    .iteration
                    .near(network, state, factors, mismatch, TOLERANCE_PU);
                if end.converged {
                    return end;
                }
                spent += end.iterations;
            }
            self.begin_at_base();
            let end = self.newton();
            if end.converged {
                return end.after(spent);
            }
            spent += end.iterations;
            self.begin();
        }
        self.newton().after(spent)
    }

    fn newton(&mut self) -> End {
        self.iteration
            .newton(&self.network, &mut self.state, TOLERANCE_PU)
    }

    /// Takes the case's voltages, which are in `base`, as the last solution.
    fn start(&mut self) {
        for (place, &bus) in self.network.order.iter().enumerate() {
            let energised = self.network.energised[place];
            self.vm[bus] = if energised { self.base.vm[place] } else { 0.0 };
            self.va[bus] = if energised { self.base.va[place] } else { 0.0 };
            self.direction[place] = unit(self.va[bus]);
            self.voltage[place] = self.direction[place].map(|part| part * self.vm[bus]);
        }
    }

    /// Moves `base` from the case's voltages to its solution, if there is one.
    fn find_base(&mut self) {
        self.begin();
        let end = self.newton();
        if end.converged {
            for place in 0..self.network.unknown {
                if self.network.energised[place] {
                    self.base.vm[place] = self.state.vm[place];
                    self.base.va[place] = self.state.va[place];
                }
            }
            self.base_status = BaseStatus::Outdated;
        }
    }

    fn factorise_base(&mut self) {
        let base = &mut self.base;
        base.free.copy_from_slice(&self.state.free);
        base.alpha = self.state.alpha;
        base.dependent.clear();
        for place in 0..self.network.order.len() {
            let energised = self.network.energised[place];
            let vm = if energised { base.vm[place] } else { 0.0 };
            base.v[place] = unit(base.va[place]).map(|part| part * vm);
            if place < self.network.unknown
                && energised
                && base.alpha.iter().any(|alpha| *alpha != 0.0)
            {
                let load = self.base_load[place];
                let v0 = self.inputs[place].v0;
                base.dependent.push((
                    place,
                    Dependent {
                        load,
                        v0,
                        ..Dependent::NONE
                    },
                ));
            }
        }
        self.base_status = if self.iteration.factorise(&self.network, base) {
            self.iteration.swap_factors(&mut self.base_factors);
            BaseStatus::Usable
        } else {
            BaseStatus::Singular
        };
    }

    /// Puts the last solution and the set-points into the working state.
    fn begin(&mut self) {
        if std::mem::take(&mut self.inputs_changed) {
            self.state.dependent.clear();
            let inputs = self.inputs.iter().enumerate().take(self.network.unknown);
            let acting = inputs.filter(|(_, input)| input.acts());
            self.state
                .dependent
                .extend(acting.map(|(place, input)| (place, *input)));
        }
        if self.base_status == BaseStatus::Outdated {
            self.factorise_base();
        }
        for place in 0..self.network.order.len() {
            let bus = self.network.order[place];
            if self.network.is_slack(place) || self.vm[bus] <= 0.0 {
                self.begin_bus_at_base(place);
            } else {
                let va = self.va[bus];
                self.begin_bus(place, self.vm[bus], va, self.direction[place]);
            }
        }
    }

    /// Puts the base and the set-points into the working state.
    fn begin_at_base(&mut self) {
        for place in 0..self.network.order.len() {
            self.begin_bus_at_base(place);
        }
    }

    fn begin_bus_at_base(&mut self, place: usize) {
        let va = self.base.va[place];
        self.begin_bus(place, self.base.vm[place], va, unit(va));
    }

    fn begin_bus(&mut self, place: usize, vm: f64, va: f64, direction: Complex) {
        let energised = self.network.energised[place];
        let vm = if self.held[place] {
            self.set_point[place]
        } else {
            vm
        };
        let (vm, va) = if energised { (vm, va) } else { (0.0, 0.0) };
        self.state.vm[place] = vm;
        self.state.va[place] = va;
        self.state.v[place] = direction.map(|part| part * vm);
    }

    /// Keeps the working state as the solution.
    fn end(&mut self, end: End) -> Result<Solved, PowerFlowError> {
        if !end.converged {
            return Err(PowerFlowError::NotConverged {
                iterations: end.iterations,
                mismatch_pu: end.mismatch,
            });
        }
        for (place, &bus) in self.network.order.iter().enumerate() {
            let va = wrapped(self.state.va[place]);
            let vm = self.state.vm[place];
            self.vm[bus] = vm;
            self.va[bus] = va;
            self.direction[place] = unit(va);
            self.voltage[place] = self.direction[place].map(|part| part * vm);
        }
        Ok(Solved {
            iterations: end.iterations,
            mismatch_pu: end.mismatch,
        })
    }

    fn update_free(&mut self) {
        for place in 0..self.network.unknown {
            let energised = self.network.energised[place];
            let free = |free: bool| if free { 1.0 } else { 0.0 };
            self.state.free[place] = [free(energised), free(energised && !self.held[place])];
        }
        self.outdate_base();
    }

    fn outdate_base(&mut self) {
        if self.base_status != BaseStatus::Absent {
            self.base_status = BaseStatus::Outdated;
        }
    }
}

/// What the case makes of each bus.
struct Roles {
    slack: Vec<bool>,
    buses: Vec<Role>,
}

struct Role {
    held: bool,
    set_point: f64,
    /// Generation less load in p.u.
    power: Complex,
    load: Complex,
}

impl Roles {
    fn of(case: &Case) -> Self {
        let index: HashMap<u32, usize> = case
            .buses
            .iter()
            .enumerate()
            .map(|(i, bus)| (bus.number, i))
            .collect();
        let base = case.base_mva;
        let role = |(bus, [p_mw, q_mvar]): (&Bus, [f64; 2])| Role {
            held: false,
            set_point: bus.vm_pu,
            power: [(p_mw - bus.pd_mw) / base, (q_mvar - bus.qd_mvar) / base],
            load: [bus.pd_mw / base, bus.qd_mvar / base],
        };
        let mut buses: Vec<Role> = case.buses.iter().zip(case.generation()).map(role).collect();
        for generator in case
            .generators
            .iter()
            .filter(|generator| generator.in_service)
        {
            let role = &mut buses[index[&generator.bus]];
            role.held = true;
            role.set_point = generator.vg_pu;
        }
        let of_type = |bus_type| move |bus: &Bus| bus.bus_type == bus_type;
        let (is_slack, is_pv) = (of_type(BusType::Slack), of_type(BusType::Pv));
        let mut slack: Vec<bool> = case
            .buses
            .iter()
            .zip(&buses)
            .map(|(bus, role)| is_slack(bus) && role.held)
            .collect();
        if !slack.contains(&true) {
            let first = case
                .buses
                .iter()
                .zip(&buses)
                .position(|(bus, role)| is_pv(bus) && role.held);
            match first {
                Some(first) => slack[first] = true,
                None => slack = case.buses.iter().map(is_slack).collect(),
            }
        }
        for ((bus, role), slack) in case.buses.iter().zip(&mut buses).zip(&slack) {
            let held = matches!(bus.bus_type, BusType::Pv | BusType::Slack) && role.held;
            if !(held || *slack) {
                role.set_point = bus.vm_pu;
            }
            role.held = held || *slack;
        }
        Self { slack, buses }
    }
}

fn unit(angle: f64) -> Complex {
    let (sin, cos) = maths::sincos(angle);
    [cos, sin]
}

/// The angle between -π and π.
fn wrapped(angle: f64) -> f64 {
    if angle.abs() <= PI {
        angle
    } else {
        angle - TAU * (angle / TAU).round()
    }
}
