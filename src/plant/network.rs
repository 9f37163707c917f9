//! The network of the plant: the power flow, what is in service, and how the outside sees it.

use std::{collections::HashSet, sync::Arc};

use crate::{
    grid::{
        entity::{EntityId, EntityType},
        time::Timestamp,
        topology::{BranchFlow, NetworkState, Topology, TopologyBranch, TopologyBus},
    },
    powerflow::{Bus, BusType, Case, Flow, PowerFlow},
};

/// How close to its target a dip's voltage is brought, in p.u.
const DIP_TOLERANCE_PU: f64 = 1e-4;
/// How often the fault's admittance is corrected at most.
const DIP_TRIALS: usize = 24;

/// The network at one instant.
#[derive(Debug, Clone)]
pub(super) struct Network {
    pub(super) flow: PowerFlow,
    ids: Arc<Ids>,
    topology: Arc<Topology>,
    converged: bool,
}

/// What does not change.
#[derive(Debug)]
struct Ids {
    branches: Vec<EntityId>,
    rate_mva: Vec<f64>,
    base_mva: f64,
}

impl Network {
    /// The network of a case, as it stands there.
    pub(super) fn new(case: &Case, flow: PowerFlow, topology: Arc<Topology>) -> Self {
        let ids = Ids {
            branches: topology
                .branches
                .iter()
                .map(|branch| branch.id.clone())
                .collect(),
            rate_mva: case
                .branches
                .iter()
                .map(|branch| branch.rate_a_mva)
                .collect(),
            base_mva: case.base_mva,
        };
        Self {
            flow,
            ids: Arc::new(ids),
            topology,
            converged: true,
        }
    }

    pub(super) fn topology(&self) -> &Arc<Topology> {
        &self.topology
    }

    /// Whether the voltages solve the network as it is.
    pub(super) fn converged(&self) -> bool {
        self.converged
    }

    pub(super) fn set_converged(&mut self, converged: bool) {
        self.converged = converged;
    }

    /// Takes a branch out of service or back into it. Whether that was a change.
    pub(super) fn set_branch(&mut self, at: usize, in_service: bool) -> bool {
        let changed = self
            .topology
            .branches
            .get(at)
            .is_some_and(|branch| branch.in_service != in_service);
        if changed {
            self.flow.set_branch(at, in_service);
            if let Some(branch) = Arc::make_mut(&mut self.topology).branches.get_mut(at) {
                branch.in_service = in_service;
            }
        }
        changed
    }

    /// Lets generators hold the voltage of a bus, or not.
    pub(super) fn set_held(&mut self, at: usize, held: bool) {
        let bus_type = if held { EntityType::Pv } else { EntityType::Pq };
        let changed = self
            .topology
            .buses
            .get(at)
            .is_some_and(|bus| bus.bus_type != bus_type);
        if changed {
            self.flow.set_held(at, held);
            if let Some(bus) = Arc::make_mut(&mut self.topology).buses.get_mut(at) {
                bus.bus_type = bus_type;
            }
        }
    }

    /// Solves the network. Where there is no solution the last one stays.
    pub(super) fn solve(&mut self) {
        self.converged = self.flow.solve().is_ok();
    }

    /// The admittance of a fault that leaves `target_pu` at a bus, in p.u.: a reactance at first, from the
    /// Thévenin equivalent, then with as much resistance beside it as draws what loads and units draw or
    /// give less at the low voltage. Without it a fault would act as a loss of load, with the Thévenin angle
    /// it would brake the generators by what it burns. Where the network has no solution as deep as that,
    /// the deepest that was found. None where the voltage is not above the target anyway. The voltages
    /// are then those of the fault: a start for the solution with it.
    pub(super) fn fault_admittance(&mut self, bus: usize, target_pu: f64) -> Option<(f64, f64)> {
        let before_pu = *self.flow.vm_pu().get(bus)?;
        if before_pu <= target_pu {
            return None;
        }
        let (r, x) = self.flow.thevenin(bus)?;
        let square = r * r + x * x;
        // An impedance of k times the Thévenin impedance leaves k / (1 + k) of the voltage.
        let k = target_pu / (before_pu - target_pu);
        let along = (0.0, -1.0 / (square.sqrt() * k));
        let before_mw = self.slack_mw();
        let (g, b) = self.fault_along(bus, before_pu, target_pu, (0.0, 0.0), along);
        let shed_pu = (before_mw - self.slack_mw()) / self.ids.base_mva;
        if shed_pu <= 0.0 {
            return Some((g, b));
        }
        let resistive = (shed_pu / (target_pu * target_pu), 0.0);
        Some(self.fault_along(bus, before_pu, target_pu, resistive, (0.0, b)))
    }

    /// The admittance `from` + f · `along` at a bus, with f such that the bus keeps `target_pu` (secant
    /// method); with f = 0 it keeps about `before_pu`.
    fn fault_along(
        &mut self,
        bus: usize,
        before_pu: f64,
        target_pu: f64,
        from: (f64, f64),
        along: (f64, f64),
    ) -> (f64, f64) {
        let at = |factor: f64| (from.0 + factor * along.0, from.1 + factor * along.1);
        let mut factor = 1.0;
        let (mut last_factor, mut last_pu) = (0.0, before_pu);
        for _ in 0..DIP_TRIALS {
            let (g, b) = at(factor);
            self.flow.set_fault_shunt(bus, g, b);
            if self.flow.solve().is_err() {
                // Too far from the last solution, or beyond all of them.
                factor = 0.5 * (factor + last_factor);
                continue;
            }
            let reached_pu = self.flow.vm_pu()[bus];
            let slope = (reached_pu - last_pu) / (factor - last_factor);
            (last_factor, last_pu) = (factor, reached_pu);
            let next = factor + (target_pu - reached_pu) / slope;
            if (reached_pu - target_pu).abs() < DIP_TOLERANCE_PU || !next.is_finite() {
                break;
            }
            factor = next.clamp(0.25 * factor, 4.0 * factor);
        }
        at(last_factor)
    }

    /// What the slack buses inject in MW: all that changes in generation within one solution.
    fn slack_mw(&self) -> f64 {
        let count = self.flow.buses();
        let (mut p_mw, mut q_mvar) = (vec![0.0; count], vec![0.0; count]);
        self.flow.injections(&mut p_mw, &mut q_mvar);
        self.flow.slack_buses().map(|bus| p_mw[bus]).sum()
    }

    /// The loading of each branch; none where it has no rating.
    pub(super) fn loadings_percent(&self) -> impl Iterator<Item = Option<f64>> {
        let flows = self.flow.flows().zip(&self.ids.rate_mva);
        flows.map(|(flow, rate_mva)| loading_percent(&flow, *rate_mva))
    }

    /// What flows at present.
    pub(super) fn state(&self, timestamp: Timestamp) -> NetworkState {
        let flows = self
            .flow
            .flows()
            .zip(self.ids.branches.iter().zip(&self.ids.rate_mva));
        let flows = flows.map(|(flow, (id, rate_mva))| BranchFlow {
            id: id.clone(),
            p_from_mw: flow.p_from_mw,
            q_from_mvar: flow.q_from_mvar,
            p_to_mw: flow.p_to_mw,
            q_to_mvar: flow.q_to_mvar,
            loading_percent: loading_percent(&flow, *rate_mva),
        });
        NetworkState {
            flows: flows.collect(),
            loss_mw: self.flow.loss_mw(),
            timestamp,
            converged: self.converged,
        }
    }
}

/// Apparent power at the more loaded end over the rating, in %.
fn loading_percent(flow: &Flow, rate_mva: f64) -> Option<f64> {
    let from = flow.p_from_mw * flow.p_from_mw + flow.q_from_mvar * flow.q_from_mvar;
    let to = flow.p_to_mw * flow.p_to_mw + flow.q_to_mvar * flow.q_to_mvar;
    (rate_mva > 0.0).then(|| 100.0 * from.max(to).sqrt() / rate_mva)
}

/// The id of a bus.
pub(super) fn bus_id(number: u32) -> EntityId {
    format!("BUS-{number:03}").into()
}

/// The network of a case as the outside sees it: `flow` says which buses are its slack.
pub(super) fn topology_of(case: &Case, flow: &PowerFlow) -> Topology {
    let slack: HashSet<usize> = flow.slack_buses().collect();
    let generators = case.generators.iter().filter(|g| g.in_service);
    let held: HashSet<u32> = generators.map(|generator| generator.bus).collect();
    let bus_type = |at: usize, bus: &Bus| {
        if slack.contains(&at) {
            EntityType::Slack
        } else if bus.bus_type == BusType::Pv && held.contains(&bus.number) {
            EntityType::Pv
        } else {
            EntityType::Pq
        }
    };
    let buses = case.buses.iter().enumerate().map(|(at, bus)| TopologyBus {
        id: bus_id(bus.number),
        bus_type: bus_type(at, bus),
        base_kv: bus.base_kv,
        gs_mw: bus.gs_mw,
        bs_mvar: bus.bs_mvar,
    });
    let branches = case
        .branches
        .iter()
        .enumerate()
        .map(|(at, branch)| TopologyBranch {
            id: format!("BRANCH-{:03}", at + 1).into(),
            from: bus_id(branch.from),
            to: bus_id(branch.to),
            r: branch.r_pu,
            x: branch.x_pu,
            b: branch.b_pu,
            ratio: branch.ratio,
            shift_deg: branch.shift_degree,
            rate_mva: branch.rate_a_mva,
            in_service: branch.in_service,
        });
    Topology {
        buses: buses.collect(),
        branches: branches.collect(),
    }
}
