//! Units and converters: from a plant file to the models, with all that is wrong with them.

use std::collections::{HashMap, HashSet};

use super::{
    converter::{Buck, GridConverter},
    file::{ConverterEntry, PlantFile},
    range::{self, NumberInRange},
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
    let named = |name: &str, found: Vec<String>| -> Vec<String> {
        let found = found.into_iter();
        found.map(|problem| format!("{name}: {problem}")).collect()
    };
    let fleet = plant.fleet.unwrap_or(DEFAULT_FLEET);
    problems.extend(range::problems([("fleet", fleet, 0.0..=1e6)]));
    let load = &plant.load;
    let of_load = [
        ("tau_s", load.tau_s, 0.01..=1e7),
        ("sigma", load.sigma, 0.0..=1.0),
        ("correlation", load.correlation, 0.0..=1.0),
        ("alpha_p", load.alpha_p, 0.0..=3.0),
        ("alpha_q", load.alpha_q, 0.0..=3.0),
    ];
    problems.extend(named("load", range::problems(of_load)));
    let solar = plant
        .solar
        .iter()
        .map(|unit| (&unit.id, unit.east_km, unit.north_km));
    let wind = plant
        .wind
        .iter()
        .map(|unit| (&unit.id, unit.east_km, unit.north_km));
    for (id, east_km, north_km) in solar.chain(wind) {
        let of_site = [
            ("east_km", east_km, -1e4..=1e4),
            ("north_km", north_km, -1e4..=1e4),
        ];
        problems.extend(named(id, range::problems(of_site)));
    }
    let frequency = &plant.frequency;
    let of_frequency = [
        ("h_s", frequency.h_s, 0.1..=100.0),
        ("d_pu", frequency.d_pu, 0.0..=100.0),
        ("r_pu", frequency.r_pu, 0.001..=10.0),
        ("tg_s", frequency.tg_s, 0.0..=1000.0),
        ("tt_s", frequency.tt_s, 0.0..=1000.0),
        ("trh_s", frequency.trh_s, 0.0..=1000.0),
        ("f_hp", frequency.f_hp, 0.0..=1.0),
        ("ki_per_s", frequency.ki_per_s, 0.0..=10.0),
        ("deadband_hz", frequency.deadband_hz, 0.0..=1.0),
        ("f0_hz", frequency.f0_hz, 10.0..=1000.0),
    ];
    problems.extend(named("frequency", range::problems(of_frequency)));
    for entry in &plant.converter {
        let of_load = [
            ("mean_fraction", entry.load.mean_fraction, 0.0..=1.0),
            ("sigma_fraction", entry.load.sigma_fraction, 0.0..=1.0),
            ("tau_s", entry.load.tau_s, 0.01..=1e7),
        ];
        let name = format!("{}: load", entry.id);
        problems.extend(named(&name, range::problems(of_load)));
        problems.extend(named(&entry.id, sizes(entry)));
    }
    problems.extend(named("weather", plant.weather.problems()));
    for entry in &plant.solar {
        problems.extend(named(&entry.id, entry.plant.problems()));
    }
    for entry in &plant.wind {
        problems.extend(named(&entry.id, entry.turbine.problems()));
    }
}

/// What is beyond all machines there are: numbers with which the models could not reckon.
fn sizes(entry: &ConverterEntry) -> Vec<String> {
    let mut numbers: Vec<NumberInRange> = Vec::new();
    if let Some(grid) = &entry.grid {
        numbers.extend([
            ("rated_kva", grid.rated_kva, 1e-3..=1e7),
            ("line_voltage_v", grid.line_voltage_v, 1.0..=1e6),
            ("dc_nominal_v", grid.dc_nominal_v, 1.0..=1e7),
            ("dc_capacitance_f", grid.dc_capacitance_f, 1e-7..=1e3),
            ("l_h", grid.l_h, 1e-8..=10.0),
            ("r_ohm", grid.r_ohm, 1e-7..=1e3),
            ("switching_hz", grid.switching_hz, 10.0..=1e7),
            ("tau_s", grid.tau_s, 1e-6..=1.0),
            ("dc_bandwidth_hz", grid.dc_bandwidth_hz, 0.1..=100.0),
            ("nominal_hz", grid.nominal_hz, 10.0..=1000.0),
            (
                "overfrequency_start_hz",
                grid.overfrequency_start_hz,
                10.0..=2000.0,
            ),
            ("overfrequency_droop", grid.overfrequency_droop, 1e-3..=1.0),
            ("reactive_response_s", grid.reactive_response_s, 1e-3..=1e5),
        ]);
    }
    if let Some(buck) = &entry.buck {
        numbers.extend([
            ("rated_kw", buck.rated_kw, 1e-3..=1e7),
            ("input_nominal_v", buck.input_nominal_v, 1.0..=1e7),
            ("output_v", buck.output_v, 1.0..=1e7),
            ("l_h", buck.l_h, 1e-8..=10.0),
            ("r_ohm", buck.r_ohm, 1e-7..=1e3),
            ("c_f", buck.c_f, 1e-7..=1e3),
            ("switching_hz", buck.switching_hz, 10.0..=1e7),
        ]);
    }
    let grid = entry.grid.as_ref().map(|grid| (grid.losses, grid.thermal));
    let buck = entry.buck.as_ref().map(|buck| (buck.losses, buck.thermal));
    for (losses, thermal) in grid.into_iter().chain(buck) {
        numbers.extend([
            ("constant_fraction", losses.constant_fraction, 1e-9..=0.5),
            ("linear_fraction", losses.linear_fraction, 1e-9..=0.5),
            ("quadratic_fraction", losses.quadratic_fraction, 1e-9..=0.5),
            ("rise_k", thermal.rise_k[0], 1e-3..=1e3),
            ("rise_k", thermal.rise_k[1], 1e-3..=1e3),
            ("tau_s", thermal.tau_s[0], 1e-2..=1e6),
            ("tau_s", thermal.tau_s[1], 1e-2..=1e6),
            ("derating_from_c", thermal.derating_from_c, -100.0..=1e3),
            ("derating_to_c", thermal.derating_to_c, -100.0..=1e3),
        ]);
    }
    range::problems(numbers)
}
