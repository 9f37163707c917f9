//! The units and converters of a plant file, with all that is wrong with it.

use std::collections::HashSet;

use super::{
    converter::{self, unit::ConverterUnit},
    entry::{self, BusesByNumber},
    file::PlantFile,
    range,
    solar::unit::SolarUnit,
    wind::unit::WindUnit,
};

/// A unit stands for a park of so many alike where nothing is said.
pub(super) const DEFAULT_FLEET: f64 = 50.0;

/// Units and converters of a plant file.
pub(super) struct Units {
    pub(super) solar: Vec<SolarUnit>,
    pub(super) wind: Vec<WindUnit>,
    pub(super) converters: Vec<ConverterUnit>,
}

impl Units {
    pub(super) fn build(
        plant: &PlantFile,
        buses: &BusesByNumber,
        problems: &mut Vec<String>,
    ) -> Self {
        check_ids(plant, problems);
        check_plant(plant, problems);
        entry::check_numbers(&plant.solar, problems);
        entry::check_numbers(&plant.wind, problems);
        entry::check_numbers(&plant.converter, problems);
        let solar = plant.solar.iter();
        let mut solar: Vec<_> = solar
            .map(|entry| SolarUnit::build(entry, buses, problems))
            .collect();
        let wind = plant.wind.iter();
        let wind = wind
            .map(|entry| WindUnit::build(entry, buses, problems))
            .collect();
        let converters = converter::entry::build(&plant.converter, buses, &mut solar, problems);
        Self {
            solar,
            wind,
            converters,
        }
    }
}

fn check_ids(plant: &PlantFile, problems: &mut Vec<String>) {
    let mut seen = HashSet::new();
    entry::check_ids(&plant.solar, &mut seen, problems);
    entry::check_ids(&plant.wind, &mut seen, problems);
    entry::check_ids(&plant.converter, &mut seen, problems);
}

/// Checks the numbers that belong to no unit.
fn check_plant(plant: &PlantFile, problems: &mut Vec<String>) {
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
    problems.extend(range::named("load", range::problems(of_load)));
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
    problems.extend(range::named("frequency", range::problems(of_frequency)));
    problems.extend(range::named("weather", plant.weather.problems()));
}
