//! The entities of a plant: ids, nameplates, quantities, and where each stands in the models.

use std::collections::HashMap;

use crate::{
    detect::fault::FaultLimits,
    grid::{
        entity::{Entity, EntityId, EntityKind, EntityType, Ratings},
        quantity::{self, Quantity},
        stream::{self, room_of},
        topology::Topology,
    },
    powerflow::{BusType, Case},
};

use super::{
    PlantSpec,
    dispatch::Dispatch,
    disturbance::Candidates,
    spec::{ConverterKind, ConverterUnit, Place, SolarUnit, WindUnit},
};

/// Normal power of a bus is up to so many times what the case has there.
const NORMAL_POWER: f64 = 1.3;

/// All entities in the order of the catalogue, and what they are in the models.
pub(super) struct Inventory {
    pub(super) entities: Vec<Entity>,
    pub(super) places: HashMap<EntityId, Place>,
}

impl Inventory {
    fn add(
        &mut self,
        id: &EntityId,
        kind: EntityKind,
        entity_type: EntityType,
        ratings: Ratings,
        quantities: Vec<Quantity>,
        place: Place,
    ) -> &mut Entity {
        self.places.insert(id.clone(), place);
        self.entities.push(Entity {
            id: id.clone(),
            kind,
            entity_type,
            ratings,
            quantities,
            room: room_of(kind, id.as_str()),
            from: None,
            to: None,
        });
        let last = self.entities.len() - 1;
        &mut self.entities[last]
    }
}

/// The entities of a plant.
pub(super) fn of(
    case: &Case,
    topology: &Topology,
    dispatch: &Dispatch,
    converters: &[ConverterUnit],
    solar: &[SolarUnit],
    wind: &[WindUnit],
) -> Inventory {
    let mut inventory = Inventory {
        entities: Vec::new(),
        places: HashMap::new(),
    };
    for (at, (bus, shown)) in case.buses.iter().zip(&topology.buses).enumerate() {
        let station = dispatch.station_at(at);
        let rated = station.map_or(0.0, |station| station.rated_mva);
        let limits = FaultLimits::default().allowing(bus.vmin_pu, bus.vmax_pu);
        let p_mw = rated.max(NORMAL_POWER * bus.pd_mw.abs());
        let q_mvar = (0.6 * rated).max(NORMAL_POWER * bus.qd_mvar.abs());
        inventory.add(
            &shown.id,
            EntityKind::Bus,
            shown.bus_type,
            Ratings {
                base_kv: Some(bus.base_kv),
                ..Ratings::default()
            },
            stream::BUS.quantities(
                shown.bus_type,
                &[
                    limits.undervoltage.low..=limits.overvoltage.low,
                    -p_mw..=p_mw,
                    -q_mvar..=q_mvar,
                ],
            ),
            Place::Bus(at),
        );
    }
    for (at, unit) in converters.iter().enumerate() {
        let scale = unit.scale();
        let around = |nominal: f64| 0.95 * nominal..=1.05 * nominal;
        let within = |share: f64, rated: f64| -share * rated..=share * rated;
        let (kw, a) = (scale.power_kw, scale.current_a);
        let [current_d, current_q, active, reactive] = match &unit.kind {
            ConverterKind::Grid { .. } => [-a..=a, within(0.5, a), -kw..=kw, within(0.5, kw)],
            ConverterKind::Buck { .. } => [0.0..=a, 0.0..=0.0, 0.0..=kw, 0.0..=0.0],
        };
        inventory.add(
            &unit.id,
            EntityKind::Converter,
            unit.entity_type(),
            Ratings {
                rated_power: Some(scale.power_kw),
                ..Ratings::default()
            },
            stream::CONVERTER.quantities(
                unit.entity_type(),
                &[
                    around(scale.dc_v),
                    current_d,
                    current_q,
                    active,
                    reactive,
                    around(scale.terminal_v),
                ],
            ),
            Place::Converter(at),
        );
    }
    for (at, unit) in solar.iter().enumerate() {
        let capacity = unit.plant.parameters().capacity_kw;
        inventory.add(
            &unit.id,
            EntityKind::ResUnit,
            EntityType::Solar,
            of_capacity(capacity),
            stream::RES_UNIT.quantities(EntityType::Solar, &[0.0..=capacity]),
            Place::Solar(at),
        );
    }
    for (at, unit) in wind.iter().enumerate() {
        let capacity = unit.turbine.parameters().capacity_kw;
        inventory.add(
            &unit.id,
            EntityKind::ResUnit,
            EntityType::Wind,
            of_capacity(capacity),
            stream::RES_UNIT.quantities(EntityType::Wind, &[0.0..=capacity]),
            Place::Wind(at),
        );
    }
    add_branches(&mut inventory, case, topology);
    inventory
}

fn of_capacity(kw: f64) -> Ratings {
    Ratings {
        capacity: Some(kw),
        ..Ratings::default()
    }
}

fn add_branches(inventory: &mut Inventory, case: &Case, topology: &Topology) {
    let base_kv: HashMap<u32, f64> = case
        .buses
        .iter()
        .map(|bus| (bus.number, bus.base_kv))
        .collect();
    for (at, (branch, shown)) in case.branches.iter().zip(&topology.branches).enumerate() {
        let transforms = branch.ratio != 0.0
            || branch.shift_degree != 0.0
            || base_kv.get(&branch.from) != base_kv.get(&branch.to);
        let entity_type = if transforms {
            EntityType::Transformer
        } else {
            EntityType::Line
        };
        let entity = inventory.add(
            &shown.id,
            EntityKind::Branch,
            entity_type,
            Ratings {
                rate_mva: Some(branch.rate_a_mva),
                ..Ratings::default()
            },
            quantity::of_branch(branch.rate_a_mva),
            Place::Branch(at),
        );
        entity.from = Some(shown.from.clone());
        entity.to = Some(shown.to.clone());
    }
}

/// Where disturbances can happen by themselves.
pub(super) fn candidates(spec: &PlantSpec) -> Candidates {
    let ids = |wanted: &dyn Fn(&Entity) -> bool| -> Vec<EntityId> {
        let all = spec.catalogue().all().iter();
        all.filter(|entity| wanted(entity))
            .map(|entity| entity.id.clone())
            .collect()
    };
    let bridges = bridges(&spec.case);
    let connected =
        |id: &str| matches!(spec.place_of(id), Some(Place::Bus(at)) if spec.flow.energised(at));
    let branch = |entity: &Entity| match (spec.place_of(entity.id.as_str()), &entity.from) {
        (Some(Place::Branch(at)), Some(from)) => {
            spec.case.branches[at].in_service && !bridges[at] && connected(from.as_str())
        }
        _ => false,
    };
    let dip = |entity: &Entity| match spec.place_of(entity.id.as_str()) {
        Some(Place::Bus(at)) => {
            entity.entity_type == EntityType::Pq
                && spec.flow.energised(at)
                && spec.case.buses[at].bus_type == BusType::Pq
        }
        _ => false,
    };
    Candidates {
        loads: ids(&|entity| spec.has_load(entity.id.as_str()) && connected(entity.id.as_str())),
        branches: ids(&branch),
        dips: ids(&dip),
        generators: ids(&|entity| {
            entity.entity_type == EntityType::Pv && spec.has_generator_to_lose(entity.id.as_str())
        }),
        solar: ids(&|entity| entity.entity_type == EntityType::Solar),
        wind: ids(&|entity| entity.entity_type == EntityType::Wind),
        converters: ids(&|entity| entity.kind == EntityKind::Converter),
        sources: ids(&|entity| {
            matches!(entity.entity_type, EntityType::TwoLevel | EntityType::Npc)
        }),
    }
}

/// No bus, or no branch.
const UNSEEN: usize = usize::MAX;

/// For each branch, whether the network falls apart without it (Tarjan 1974, with an explicit stack).
fn bridges(case: &Case) -> Vec<bool> {
    let index: HashMap<u32, usize> = case
        .buses
        .iter()
        .enumerate()
        .map(|(at, bus)| (bus.number, at))
        .collect();
    let mut neighbours = vec![Vec::new(); case.buses.len()];
    for (at, branch) in case.branches.iter().enumerate() {
        if let (true, Some(&from), Some(&to)) = (
            branch.in_service,
            index.get(&branch.from),
            index.get(&branch.to),
        ) {
            neighbours[from].push((to, at));
            neighbours[to].push((from, at));
        }
    }
    let mut bridges = vec![false; case.branches.len()];
    let mut order = vec![UNSEEN; neighbours.len()];
    let mut low = vec![UNSEEN; neighbours.len()];
    let mut clock = 0;
    for root in 0..neighbours.len() {
        if order[root] != UNSEEN {
            continue;
        }
        // Bus, the branch it was reached by, and how many of its neighbours have been visited.
        let mut stack = vec![(root, UNSEEN, 0)];
        (order[root], low[root]) = (clock, clock);
        clock += 1;
        while let Some((bus, reached_by, visited)) = stack.pop() {
            if let Some(&(next, branch)) = neighbours[bus].get(visited) {
                stack.push((bus, reached_by, visited + 1));
                if branch == reached_by {
                    continue;
                }
                if order[next] == UNSEEN {
                    (order[next], low[next]) = (clock, clock);
                    clock += 1;
                    stack.push((next, branch, 0));
                } else {
                    low[bus] = low[bus].min(order[next]);
                }
            } else if let Some(&(parent, _, _)) = stack.last() {
                low[parent] = low[parent].min(low[bus]);
                if low[bus] > order[parent] {
                    bridges[reached_by] = true;
                }
            }
        }
    }
    bridges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_plant_has_its_twelve_streams_and_six_branches() {
        let spec = PlantSpec::default();
        let ids: Vec<_> = spec
            .catalogue()
            .all()
            .iter()
            .map(|entity| entity.id.as_str())
            .collect();
        assert_eq!(
            ids[..12],
            [
                "BUS-001",
                "BUS-002",
                "BUS-003",
                "BUS-004",
                "BUS-005",
                "CONV-001",
                "CONV-002",
                "CONV-003",
                "SOLAR-001",
                "SOLAR-002",
                "WIND-001",
                "WIND-002"
            ]
        );
        assert_eq!(
            (ids[12], ids[17], ids.len()),
            ("BRANCH-001", "BRANCH-006", 18)
        );
        let branch = spec.catalogue().get("BRANCH-004").unwrap();
        assert_eq!(branch.entity_type, EntityType::Transformer);
        assert_eq!(branch.from.as_ref().unwrap().as_str(), "BUS-003");
    }

    #[test]
    fn no_branch_of_the_ring_is_a_bridge_and_a_spur_is() {
        let spec = PlantSpec::default();
        assert!(bridges(&spec.case).iter().all(|bridge| !bridge));
        let mut case = spec.case.clone();
        case.branches[5].in_service = false;
        assert_eq!(
            bridges(&case),
            [false, false, false, true, true, false],
            "buses 4 and 5 hang on their transformers"
        );
    }
}
