//! Units and converters: from a plant file to the models, with all that is wrong with them.

use std::collections::{HashMap, HashSet};

use super::{
    converter::{Buck, GridConverter},
    file::PlantFile,
    solar::SolarPlant,
    spec::{ConverterKind, ConverterUnit, DEFAULT_FLEET, SolarUnit, WindUnit},
    weather::Site,
    wind::WindTurbine,
};

/// Units and converters of a plant file.
pub(super) struct Units {
    pub(super) solar: Vec<SolarUnit>,
    pub(super) wind: Vec<WindUnit>,
    pub(super) converters: Vec<ConverterUnit>,
}

impl Units {
    pub(super) fn build(
        plant: &PlantFile,
        buses: &HashMap<u32, usize>,
        problems: &mut Vec<String>,
    ) -> Self {
        check_ids(plant, problems);
        check_numbers(plant, problems);
        let mut bus = |id: &str, number: u32| {
            buses.get(&number).copied().unwrap_or_else(|| {
                problems.push(format!("{id}: the case has no bus {number}"));
                0
            })
        };
        let site = |id: &str, east_km, north_km, height_m| Site {
            id: id.to_owned(),
            east_km,
            north_km,
            height_m,
        };
        let mut solar: Vec<_> = plant
            .solar
            .iter()
            .map(|entry| SolarUnit {
                id: entry.id.as_str().into(),
                bus: bus(&entry.id, entry.bus),
                plant: SolarPlant::new(entry.plant.clone()),
                site: site(&entry.id, entry.east_km, entry.north_km, ARRAY_HEIGHT_M),
                converter: None,
            })
            .collect();
        let wind = plant
            .wind
            .iter()
            .map(|entry| WindUnit {
                id: entry.id.as_str().into(),
                bus: bus(&entry.id, entry.bus),
                turbine: WindTurbine::new(entry.turbine.clone()),
                site: site(
                    &entry.id,
                    entry.east_km,
                    entry.north_km,
                    entry.turbine.hub_height_m,
                ),
            })
            .collect();
        let converters = converters(plant, buses, &mut solar, problems);
        Self {
            solar,
            wind,
            converters,
        }
    }
}

/// Height of the air over an array whose wind cools the cells, in m.
const ARRAY_HEIGHT_M: f64 = 2.0;

fn converters(
    plant: &PlantFile,
    buses: &HashMap<u32, usize>,
    solar: &mut [SolarUnit],
    problems: &mut Vec<String>,
) -> Vec<ConverterUnit> {
    let position = |id: &str| plant.converter.iter().position(|entry| entry.id == id);
    let mut converters = Vec::new();
    for (at, entry) in plant.converter.iter().enumerate() {
        let id = &entry.id;
        let mut problem = |text: String| problems.push(format!("{id}: {text}"));
        let unit = match (&entry.grid, &entry.buck) {
            (Some(parameters), None) => {
                let number = entry.bus.unwrap_or_else(|| {
                    problem("bus is missing".into());
                    0
                });
                if entry.link.is_some() {
                    problem("link belongs to a buck converter".into());
                }
                let bus = buses.get(&number).copied();
                if entry.bus.is_some() && bus.is_none() {
                    problem(format!("the case has no bus {number}"));
                }
                let source = entry.source.as_ref().and_then(|name| {
                    let unit = solar.iter().position(|unit| unit.id.as_str() == name);
                    match unit {
                        None => problem(format!("source {name} is no solar unit of this file")),
                        Some(unit) if solar[unit].converter.is_some() => {
                            problem(format!("source {name} has another converter already"));
                        }
                        Some(unit) => solar[unit].converter = Some(at),
                    }
                    unit
                });
                if let Some(unit) = source
                    && let Some(bus) = bus
                    && solar[unit].bus != bus
                {
                    problem("bus differs from that of its source".into());
                }
                GridConverter::new(parameters.clone())
                    .map_err(|error| problem(error.to_string()))
                    .ok()
                    .map(|converter| ConverterUnit {
                        id: id.as_str().into(),
                        bus: bus.unwrap_or(0),
                        kind: ConverterKind::Grid {
                            converter: Box::new(converter),
                            source,
                            loads: Vec::new(),
                        },
                    })
            }
            (None, Some(parameters)) => {
                let link = entry.link.as_deref().and_then(position);
                let host = link.filter(|host| plant.converter[*host].grid.is_some());
                if host.is_none() {
                    problem(
                        "link must name a converter with a DC link, one with [converter.grid]"
                            .into(),
                    );
                }
                if entry.bus.is_some() || entry.source.is_some() {
                    problem("bus and source belong to a converter with [converter.grid]".into());
                }
                let number = host.and_then(|host| plant.converter[host].bus);
                let bus = number.and_then(|number| buses.get(&number).copied());
                Buck::new(parameters.clone())
                    .map_err(|error| problem(error.to_string()))
                    .ok()
                    .map(|converter| ConverterUnit {
                        id: id.as_str().into(),
                        bus: bus.unwrap_or(0),
                        kind: ConverterKind::Buck {
                            converter: Box::new(converter),
                            link: host.unwrap_or(0),
                            load: entry.load,
                        },
                    })
            }
            _ => {
                problem("give either [converter.grid] or [converter.buck]".into());
                None
            }
        };
        converters.extend(unit);
    }
    let links: Vec<_> = converters
        .iter()
        .enumerate()
        .filter_map(|(at, unit)| match &unit.kind {
            ConverterKind::Buck { link, .. } => Some((at, *link)),
            ConverterKind::Grid { .. } => None,
        })
        .collect();
    for (at, link) in links {
        if let Some(ConverterUnit {
            kind: ConverterKind::Grid { loads, .. },
            ..
        }) = converters.get_mut(link)
        {
            loads.push(at);
        }
    }
    converters
}

fn check_ids(plant: &PlantFile, problems: &mut Vec<String>) {
    let solar = plant.solar.iter().map(|entry| (&entry.id, "SOLAR-"));
    let wind = plant.wind.iter().map(|entry| (&entry.id, "WIND-"));
    let converters = plant.converter.iter().map(|entry| (&entry.id, "CONV-"));
    let mut seen = HashSet::new();
    for (id, prefix) in solar.chain(wind).chain(converters) {
        let rest = id.strip_prefix(prefix).unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if rest.is_empty() || rest.len() > 40 || !rest.chars().all(plain) {
            problems.push(format!(
                "{id:?}: give an id such as {prefix}001, of letters, digits, - and _"
            ));
        }
        if !seen.insert(id) {
            problems.push(format!("{id} stands there twice"));
        }
    }
}

fn check_numbers(plant: &PlantFile, problems: &mut Vec<String>) {
    let mut check = |fits: bool, text: String| {
        if !fits {
            problems.push(text);
        }
    };
    let positive = |value: f64| value.is_finite() && value > 0.0;
    let fraction = |value: f64| (0.0..=1.0).contains(&value);
    let fleet = plant.fleet.unwrap_or(DEFAULT_FLEET);
    check(
        fleet.is_finite() && fleet >= 0.0,
        "fleet must be a number, 0 or more".into(),
    );
    let load = &plant.load;
    check(
        positive(load.tau_s) && fraction(load.sigma) && fraction(load.correlation),
        "load: tau_s must be above 0, sigma and correlation from 0 to 1".into(),
    );
    check(
        (0.0..=3.0).contains(&load.alpha_p) && (0.0..=3.0).contains(&load.alpha_q),
        "load: alpha_p and alpha_q must be from 0 to 3".into(),
    );
    if let Err(error) = plant.frequency.check() {
        problems.push(format!("frequency: {error}"));
    }
    let named = |name: &str, found: Vec<String>| -> Vec<String> {
        let found = found.into_iter();
        found.map(|problem| format!("{name}: {problem}")).collect()
    };
    problems.extend(named("weather", plant.weather.problems()));
    for entry in &plant.solar {
        problems.extend(named(&entry.id, entry.plant.problems()));
    }
    for entry in &plant.wind {
        problems.extend(named(&entry.id, entry.turbine.problems()));
    }
}
