//! Which buses hold what, after what became of their generators.

use std::collections::HashMap;

use super::{
    case::{Bus, BusType, Case},
    network::Complex,
};

/// What the case makes of each bus.
pub(super) struct Roles {
    /// Whether it is a slack bus.
    pub(super) slack: Vec<bool>,
    pub(super) buses: Vec<Role>,
}

/// One bus's.
pub(super) struct Role {
    /// Whether it holds its voltage.
    pub(super) held: bool,
    /// The voltage that it holds or would hold, in p.u.
    pub(super) set_point: f64,
    /// Generation less load in p.u.
    pub(super) power: Complex,
    /// The load alone.
    pub(super) load: Complex,
}

impl Roles {
    pub(super) fn of(case: &Case) -> Self {
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
