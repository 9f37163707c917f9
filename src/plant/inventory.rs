//! The entities of a plant, and where each stands in the models.

use std::collections::HashMap;

use crate::{
    grid::{
        entity::{Entity, EntityId},
        topology::Topology,
    },
    powerflow::Case,
};

use super::{
    branch, bus, converter::unit::ConverterUnit, dispatch::Dispatch, solar::unit::SolarUnit,
    wind::unit::WindUnit,
};

/// What an entity is in the models: an index into the list of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Bus(usize),
    Branch(usize),
    Solar(usize),
    Wind(usize),
    Converter(usize),
}

/// All entities in the order of the catalogue, and what they are in the models.
pub(super) struct Inventory {
    pub(super) entities: Vec<Entity>,
    pub(super) parts: HashMap<EntityId, Part>,
}

impl Inventory {
    fn extend(&mut self, entities: impl Iterator<Item = Entity>, part: fn(usize) -> Part) {
        for (at, entity) in entities.enumerate() {
            self.parts.insert(entity.id.clone(), part(at));
            self.entities.push(entity);
        }
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
        parts: HashMap::new(),
    };
    let buses = case.buses.iter().zip(&topology.buses).enumerate();
    let buses = buses.map(|(at, (bus, shown))| bus::entity(bus, shown, dispatch.station_at(at)));
    inventory.extend(buses, Part::Bus);
    inventory.extend(
        converters.iter().map(ConverterUnit::entity),
        Part::Converter,
    );
    inventory.extend(solar.iter().map(SolarUnit::entity), Part::Solar);
    inventory.extend(wind.iter().map(WindUnit::entity), Part::Wind);
    let base_kv: HashMap<u32, f64> = case
        .buses
        .iter()
        .map(|bus| (bus.number, bus.base_kv))
        .collect();
    let branches = case.branches.iter().zip(&topology.branches);
    let branches = branches.map(|(branch, shown)| {
        let ends_kv = [base_kv.get(&branch.from), base_kv.get(&branch.to)];
        branch::entity(branch, shown, ends_kv)
    });
    inventory.extend(branches, Part::Branch);
    inventory
}

#[cfg(test)]
mod tests {
    use crate::{grid::entity::EntityType, plant::PlantSpec};

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
}
