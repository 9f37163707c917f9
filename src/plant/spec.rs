//! What a plant is made of, compiled once: entities, network, units, converters, and how they hang
//! together.

use std::{collections::HashMap, path::Path, sync::Arc};

use crate::{
    grid::{
        entity::{Catalogue, Entity, EntityId, EntityIndex, EntityKind, EntityType},
        topology::Topology,
    },
    powerflow::{BusType, Case, PowerFlow},
};

use super::{
    converter::{Buck, GridConverter},
    dc_load::DcLoadParameters,
    dispatch::Dispatch,
    disturbance::Candidates,
    file::{self, Loaded, PlantError, Problems},
    frequency::{FrequencyModel, FrequencyParameters},
    inventory,
    load::LoadParameters,
    measurement::Scale,
    network::topology_of,
    solar::SolarPlant,
    stations::stations,
    units::Units,
    weather::{Site, WeatherParameters},
    wind::WindTurbine,
};

/// A unit stands for a park of so many alike where nothing is said.
pub(super) const DEFAULT_FLEET: f64 = 50.0;

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
    /// Which branch an entity is, and which bus.
    pub(super) places: HashMap<EntityId, Place>,
    topology: Arc<Topology>,
    catalogue: Arc<Catalogue>,
    candidates: Candidates,
    fingerprint: u64,
}

/// What an entity is in the models: an index into the list of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Bus(usize),
    Branch(usize),
    Solar(usize),
    Wind(usize),
    Converter(usize),
}

/// A solar unit.
#[derive(Debug, Clone)]
pub(super) struct SolarUnit {
    pub(super) id: EntityId,
    pub(super) bus: usize,
    pub(super) plant: SolarPlant,
    pub(super) site: Site,
    /// The converter that feeds its power into the grid; without one it has an inverter of its own.
    pub(super) converter: Option<usize>,
}

/// A wind unit.
#[derive(Debug, Clone)]
pub(super) struct WindUnit {
    pub(super) id: EntityId,
    pub(super) bus: usize,
    pub(super) turbine: WindTurbine,
    pub(super) site: Site,
}

/// A converter.
#[derive(Debug, Clone)]
pub(super) struct ConverterUnit {
    pub(super) id: EntityId,
    /// The bus it is at; of a DC/DC converter that of the converter whose link it draws from.
    pub(super) bus: usize,
    pub(super) kind: ConverterKind,
}

/// What a converter is.
#[derive(Debug, Clone)]
pub(super) enum ConverterKind {
    /// Between a DC source and the grid.
    Grid {
        converter: Box<GridConverter>,
        /// The solar unit behind it.
        source: Option<usize>,
        /// The DC/DC converters on its link.
        loads: Vec<usize>,
    },
    /// From the DC link of converter `link`.
    Buck {
        converter: Box<Buck>,
        link: usize,
        load: DcLoadParameters,
    },
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
        let inventory = inventory::of(&case, &topology, &dispatch, &converters, &solar, &wind);
        let frequency = FrequencyModel::new(&FrequencyParameters {
            base_mva: dispatch.rated_mva().max(1.0),
            ..plant.frequency
        });
        let mut spec = Self {
            fleet,
            load: plant.load,
            frequency,
            weather: plant.weather,
            solar,
            wind,
            converters,
            dispatch,
            flow,
            places: inventory.places,
            topology: Arc::new(topology),
            catalogue: Arc::new(Catalogue::new(inventory.entities)),
            candidates: Candidates::default(),
            fingerprint: fingerprint(&texts),
            case,
        };
        spec.candidates = inventory::candidates(&spec);
        Ok(spec)
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

    pub(super) fn candidates(&self) -> &Candidates {
        &self.candidates
    }

    pub(super) fn place_of(&self, id: &str) -> Option<Place> {
        self.places.get(id).copied()
    }

    pub(super) fn has_load(&self, id: &str) -> bool {
        matches!(self.place_of(id), Some(Place::Bus(at)) if {
            let bus = &self.case.buses[at];
            bus.pd_mw != 0.0 || bus.qd_mvar != 0.0
        })
    }

    pub(super) fn branch_in_service(&self, id: &str) -> bool {
        matches!(self.place_of(id), Some(Place::Branch(at)) if self.case.branches[at].in_service)
    }

    pub(super) fn is_isolated(&self, id: &str) -> bool {
        matches!(self.place_of(id), Some(Place::Bus(at)) if self.case.buses[at].bus_type == BusType::Isolated)
    }

    pub(super) fn has_generator_to_lose(&self, id: &str) -> bool {
        matches!(self.place_of(id), Some(Place::Bus(at))
            if self.dispatch.station_at(at).is_some_and(|station| !station.slack))
    }

    /// Against what the noise of an entity's samples is measured.
    pub(super) fn scale(&self, entity: &Entity) -> Scale {
        match self.place_of(entity.id.as_str()) {
            Some(Place::Bus(at)) => self.bus_scale(at),
            Some(Place::Converter(at)) => self.converters[at].scale(),
            _ => Scale::default(),
        }
    }

    pub(super) fn bus_scale(&self, at: usize) -> Scale {
        let station = self.dispatch.station_at(at);
        let generation = station.map_or(0.0, |station| station.scheduled_mw.abs());
        let bus = &self.case.buses[at];
        Scale {
            bus_mw: generation.max(bus.pd_mw.abs()).max(bus.qd_mvar.abs()),
            ..Scale::default()
        }
    }

    /// The entities of one kind, with their place in the catalogue.
    pub fn entities(&self, kind: EntityKind) -> impl Iterator<Item = (EntityIndex, &Entity)> {
        let all = self.catalogue.all().iter().enumerate();
        all.filter(move |(_, entity)| entity.kind == kind)
    }
}

impl ConverterUnit {
    /// Its type on the wire.
    pub(super) fn entity_type(&self) -> EntityType {
        use super::converter::Topology::{Npc, TwoLevel};
        match &self.kind {
            ConverterKind::Buck { .. } => EntityType::Buck,
            ConverterKind::Grid { converter, .. } => match converter.parameters().topology {
                TwoLevel => EntityType::TwoLevel,
                Npc => EntityType::Npc,
            },
        }
    }

    /// Its nominal values.
    pub(super) fn scale(&self) -> Scale {
        match &self.kind {
            ConverterKind::Grid { converter, .. } => {
                let parameters = converter.parameters();
                Scale {
                    bus_mw: 0.0,
                    dc_v: parameters.dc_nominal_v,
                    current_a: parameters.rated_peak_a(),
                    terminal_v: parameters.nominal_peak_v(),
                    power_kw: parameters.rated_kva,
                }
            }
            ConverterKind::Buck { converter, .. } => {
                let parameters = converter.parameters();
                Scale {
                    bus_mw: 0.0,
                    dc_v: parameters.input_nominal_v,
                    current_a: parameters.rated_a(),
                    terminal_v: parameters.output_v,
                    power_kw: parameters.rated_kw,
                }
            }
        }
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
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
