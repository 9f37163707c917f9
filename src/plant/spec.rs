//! What a plant is made of, compiled once: entities, network, units, converters, and how they hang
//! together.

use std::{collections::HashMap, path::Path, sync::Arc};

use crate::{
    fnv::Fnv,
    grid::{
        entity::{Catalogue, Entity, EntityId},
        injection::InjectionOrder,
        stream::stream_of,
        topology::Topology,
    },
    powerflow::{BusType, Case, PowerFlow},
};

use super::{
    bus,
    converter::unit::ConverterUnit,
    dispatch::Dispatch,
    disturbance::Candidates,
    file::{self, Loaded, PlantError, Problems},
    frequency::{FrequencyModel, FrequencyParameters},
    inventory::{self, Inventory, Part},
    load::LoadParameters,
    measurement::Sigma,
    network::topology_of,
    solar::unit::SolarUnit,
    stations::stations,
    units::{DEFAULT_FLEET, Units},
    weather::WeatherParameters,
    wind::unit::WindUnit,
};

/// What a plant is made of. Everything in it is a function of the files it was read from.
#[derive(Debug, Clone)]
pub struct PlantSpec {
    pub(super) case: Case,
    pub(super) fleet: f64,
    pub(super) load: LoadParameters,
    pub(super) frequency: FrequencyModel,
    pub(super) weather: WeatherParameters,
    pub(super) solar: Vec<SolarUnit>,
    pub(super) wind: Vec<WindUnit>,
    pub(super) converters: Vec<ConverterUnit>,
    pub(super) dispatch: Dispatch,
    /// The network solved as the case has it, its loads following the voltage from there on.
    pub(super) flow: PowerFlow,
    parts: HashMap<EntityId, Part>,
    topology: Arc<Topology>,
    catalogue: Arc<Catalogue>,
    candidates: Candidates,
    fingerprint: u64,
}

impl Default for PlantSpec {
    fn default() -> Self {
        #[expect(
            clippy::expect_used,
            reason = "the files are part of the program, and a test builds the plant from them"
        )]
        file::embedded()
            .and_then(Self::build)
            .expect("the default plant is sound")
    }
}

impl PlantSpec {
    /// Reads a plant: a case (`.json`, `.m`) or a plant file (`.toml`).
    ///
    /// # Errors
    /// All that is wrong with the files.
    pub fn load(path: &Path) -> Result<Self, PlantError> {
        Self::build(file::load(path)?)
    }

    fn build(loaded: Loaded) -> Result<Self, PlantError> {
        let Loaded {
            path,
            mut case,
            plant,
            texts,
        } = loaded;
        let mut problems = Vec::new();
        let buses: HashMap<u32, usize> = case
            .buses
            .iter()
            .enumerate()
            .map(|(at, bus)| (bus.number, at))
            .collect();
        let flow = base_flow(&path, &mut case, &plant.load, &mut problems)?;
        let units = Units::build(&plant, &buses, &mut problems);
        if !problems.is_empty() {
            return Err(PlantError::Plant {
                path,
                problems: Problems(problems),
            });
        }
        let dispatch = Dispatch::new(stations(&case, &flow), case.buses.len());
        let topology = topology_of(&case, &flow);
        let Units {
            solar,
            wind,
            converters,
        } = units;
        let fleet = plant.fleet.unwrap_or(DEFAULT_FLEET);
        let Inventory { entities, parts } =
            inventory::of(&case, &topology, &dispatch, &converters, &solar, &wind);
        let frequency = FrequencyModel::new(&FrequencyParameters {
            base_mva: dispatch.rated_mva().max(1.0),
            ..plant.frequency
        });
        Ok(Self {
            candidates: Candidates::new(&case, &flow, &dispatch, &entities, &parts),
            fleet,
            load: plant.load,
            frequency,
            weather: plant.weather,
            solar,
            wind,
            converters,
            dispatch,
            flow,
            parts,
            topology: Arc::new(topology),
            catalogue: Arc::new(Catalogue::new(entities)),
            fingerprint: fingerprint(&texts),
            case,
        })
    }

    /// All entities of the plant.
    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// The network as the case has it.
    #[must_use]
    pub fn topology(&self) -> &Arc<Topology> {
        &self.topology
    }

    /// Tells plants apart: equal only for equal files.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    pub(super) fn part_of(&self, id: &str) -> Option<Part> {
        self.parts.get(id).copied()
    }

    pub(super) fn has_load(&self, id: &str) -> bool {
        matches!(self.part_of(id), Some(Part::Bus(at)) if {
            let bus = &self.case.buses[at];
            bus.pd_mw != 0.0 || bus.qd_mvar != 0.0
        })
    }

    pub(super) fn branch_in_service(&self, id: &str) -> bool {
        matches!(self.part_of(id), Some(Part::Branch(at)) if self.case.branches[at].in_service)
    }

    pub(super) fn is_isolated(&self, id: &str) -> bool {
        matches!(self.part_of(id), Some(Part::Bus(at)) if self.case.buses[at].bus_type == BusType::Isolated)
    }

    pub(super) fn has_generator_to_lose(&self, id: &str) -> bool {
        matches!(self.part_of(id), Some(Part::Bus(at))
            if self.dispatch.station_at(at).is_some_and(|station| !station.slack))
    }

    /// The noise of a field of an entity's samples at a typical value; none for a field that is not
    /// measured.
    pub(super) fn typical_sigma(&self, entity: &Entity, field: &str) -> Option<f64> {
        let place = stream_of(entity.kind)?.place_of(field)?;
        match self.part_of(entity.id.as_str())? {
            Part::Bus(at) => bus::typical_sigma(place, self.bus_power_sigma(at)),
            Part::Solar(at) => self.solar[at].typical_sigma(place),
            Part::Wind(at) => self.wind[at].typical_sigma(place),
            Part::Converter(at) => self.converters[at].typical_sigma(place),
            Part::Branch(_) => None,
        }
    }

    /// The noise of the powers of a bus.
    pub(super) fn bus_power_sigma(&self, at: usize) -> Sigma {
        bus::power_sigma(&self.case.buses[at], self.dispatch.station_at(at))
    }

    /// The disturbance that begins by itself in second `second` of a run, at `per_hour` of them a
    /// simulated hour on average.
    #[must_use]
    pub fn random_injection(
        &self,
        seed: u64,
        second: u64,
        per_hour: f64,
    ) -> Option<InjectionOrder> {
        self.candidates.draw(seed, second, per_hour)
    }
}

/// The network solved as the case has it, down to rounding, with all angles against the (first) slack
/// bus, which some cases do not hold at 0: the case is turned likewise.
fn base_flow(
    path: &str,
    case: &mut Case,
    load: &LoadParameters,
    problems: &mut Vec<String>,
) -> Result<PowerFlow, PlantError> {
    let compiled = |case: &Case| {
        PowerFlow::new(case).map_err(|problems| PlantError::Case {
            path: path.into(),
            problems,
        })
    };
    let mut flow = compiled(case)?;
    let slack = flow.slack_buses().next();
    let reference_degree = slack.map_or(0.0, |bus| case.buses[bus].va_degree);
    if reference_degree != 0.0 {
        for bus in &mut case.buses {
            bus.va_degree -= reference_degree;
        }
        flow = compiled(case)?;
    }
    if let Err(error) = flow.solve_exactly() {
        problems.push(format!(
            "the network has no power flow to start from: {error}"
        ));
        return Ok(flow);
    }
    let v0: Vec<_> = flow
        .vm_pu()
        .iter()
        .map(|vm| if *vm > 0.0 { *vm } else { 1.0 })
        .collect();
    flow.set_load_model(load.alpha_p, load.alpha_q, &v0);
    Ok(flow)
}

/// FNV-1a over the texts and their lengths.
fn fingerprint(texts: &[Vec<u8>]) -> u64 {
    let bytes = texts.iter().flat_map(|text| {
        (text.len() as u64)
            .to_le_bytes()
            .into_iter()
            .chain(text.iter().copied())
    });
    Fnv::new().hash(bytes)
}
