//! Converters of a plant file: from entries to units, with all that is wrong with them.

use serde::Deserialize;

use super::{
    buck::{Buck, BuckParameters},
    grid_converter::GridConverter,
    parameters::GridConverterParameters,
    unit::{ConverterKind, ConverterUnit},
};
use crate::plant::{
    dc_load::DcLoadParameters,
    entry::{BusesByNumber, Entry},
    range::{self, NumberInRange},
    solar::unit::SolarUnit,
};

/// A converter: either between a DC source and the grid, or from the DC link of another.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::plant) struct ConverterEntry {
    pub(in crate::plant) id: String,
    pub(in crate::plant) bus: Option<u32>,
    pub(in crate::plant) source: Option<String>,
    pub(in crate::plant) grid: Option<GridConverterParameters>,
    pub(in crate::plant) link: Option<String>,
    #[serde(default)]
    pub(in crate::plant) load: DcLoadParameters,
    pub(in crate::plant) buck: Option<BuckParameters>,
}

impl Entry for ConverterEntry {
    const PREFIX: &'static str = "CONV-";

    fn id(&self) -> &str {
        &self.id
    }

    fn problems(&self) -> Vec<String> {
        let of_load = range::problems([
            ("mean_fraction", self.load.mean_fraction, 0.0..=1.0),
            ("sigma_fraction", self.load.sigma_fraction, 0.0..=1.0),
            ("tau_s", self.load.tau_s, 0.01..=1e7),
        ]);
        let mut problems: Vec<_> = range::named("load", of_load).collect();
        problems.extend(sizes(self));
        problems
    }
}

/// The converters of these entries. A solar unit learns which converter feeds its power into the grid.
pub(in crate::plant) fn build(
    entries: &[ConverterEntry],
    buses: &BusesByNumber,
    solar: &mut [SolarUnit],
    problems: &mut Vec<String>,
) -> Vec<ConverterUnit> {
    let mut converters = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let mut found = Vec::new();
        let unit = match (&entry.grid, &entry.buck) {
            (Some(parameters), None) => grid(entry, parameters, at, buses, solar, &mut found),
            (None, Some(parameters)) => buck(entry, parameters, entries, buses, &mut found),
            _ => {
                found.push("give either [converter.grid] or [converter.buck]".into());
                None
            }
        };
        problems.extend(range::named(&entry.id, found));
        converters.extend(unit);
    }
    hang_on_links(&mut converters);
    converters
}

/// A converter between a DC source and the grid, the one at `at`.
fn grid(
    entry: &ConverterEntry,
    parameters: &GridConverterParameters,
    at: usize,
    buses: &BusesByNumber,
    solar: &mut [SolarUnit],
    problems: &mut Vec<String>,
) -> Option<ConverterUnit> {
    let number = entry.bus.unwrap_or_else(|| {
        problems.push("bus is missing".into());
        0
    });
    if entry.link.is_some() {
        problems.push("link belongs to a buck converter".into());
    }
    let bus = buses.get(&number).copied();
    if entry.bus.is_some() && bus.is_none() {
        problems.push(format!("the case has no bus {number}"));
    }
    let source = entry.source.as_ref().and_then(|name| {
        let unit = solar.iter().position(|unit| unit.id.as_str() == name);
        match unit {
            None => problems.push(format!("source {name} is no solar unit of this file")),
            Some(unit) if solar[unit].converter.is_some() => {
                problems.push(format!("source {name} has another converter already"));
            }
            Some(unit) => solar[unit].converter = Some(at),
        }
        unit
    });
    if let (Some(unit), Some(bus)) = (source, bus)
        && solar[unit].bus != bus
    {
        problems.push("bus differs from that of its source".into());
    }
    let converter = GridConverter::new(parameters.clone());
    let converter = converter.map_err(|error| problems.push(error.to_string()));
    Some(ConverterUnit {
        id: entry.id.as_str().into(),
        bus: bus.unwrap_or(0),
        kind: ConverterKind::Grid {
            converter: Box::new(converter.ok()?),
            source,
            loads: Vec::new(),
        },
    })
}

/// A converter from the DC link of another to a load.
fn buck(
    entry: &ConverterEntry,
    parameters: &BuckParameters,
    entries: &[ConverterEntry],
    buses: &BusesByNumber,
    problems: &mut Vec<String>,
) -> Option<ConverterUnit> {
    let link = entry.link.as_deref();
    let link = link.and_then(|id| entries.iter().position(|entry| entry.id == id));
    let host = link.filter(|host| entries[*host].grid.is_some());
    if host.is_none() {
        problems
            .push("link must name a converter with a DC link, one with [converter.grid]".into());
    }
    if entry.bus.is_some() || entry.source.is_some() {
        problems.push("bus and source belong to a converter with [converter.grid]".into());
    }
    let number = host.and_then(|host| entries[host].bus);
    let bus = number.and_then(|number| buses.get(&number).copied());
    let converter = Buck::new(parameters.clone());
    let converter = converter.map_err(|error| problems.push(error.to_string()));
    Some(ConverterUnit {
        id: entry.id.as_str().into(),
        bus: bus.unwrap_or(0),
        kind: ConverterKind::Buck {
            converter: Box::new(converter.ok()?),
            link: host.unwrap_or(0),
            load: entry.load,
        },
    })
}

/// Tells converters with a DC link which others draw from it.
fn hang_on_links(converters: &mut [ConverterUnit]) {
    let links = converters.iter().enumerate();
    let links: Vec<_> = links
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
