//! What is published at one instant agrees with itself: network equations, powers, energies, and the
//! swing equation by hand.

use std::sync::Arc;

use gridcast::{
    grid::{
        entity::EntityType,
        event::Event,
        injection::{InjectionKind, InjectionOrder},
        topology::Topology,
    },
    plant::{Plant, PlantSpec},
};

use crate::support::{
    Driver, JANUARY_MIDNIGHT, JUNE_EVENING, JUNE_MIDNIGHT, JUNE_NOON, Samples, changed_plant,
    default_plant, mismatch_pu, order, sample, settings, wire::ConverterSample,
};

/// A disturbance of every physical kind, at changing places, one after the other.
const DISTURBANCES: [(InjectionKind, &str, Option<f64>, f64); 16] = [
    (InjectionKind::LoadStep, "BUS-003", Some(0.5), 20.0),
    (InjectionKind::VoltageDip, "BUS-004", Some(0.5), 2.0),
    (InjectionKind::BranchTrip, "BRANCH-004", None, 20.0),
    (InjectionKind::GeneratorLoss, "BUS-002", Some(0.5), 20.0),
    (InjectionKind::CloudFront, "SOLAR-001", Some(0.1), 20.0),
    (InjectionKind::Gust, "WIND-002", Some(2.0), 20.0),
    (InjectionKind::FanFailure, "CONV-002", None, 20.0),
    (InjectionKind::DcSourceLoss, "CONV-001", None, 10.0),
    (InjectionKind::VoltageDip, "BUS-002", Some(0.9), 2.0),
    (InjectionKind::VoltageDip, "BUS-003", Some(0.2), 2.0),
    (InjectionKind::GeneratorLoss, "BUS-002", None, 20.0),
    (InjectionKind::BranchTrip, "BRANCH-005", None, 20.0),
    (InjectionKind::BranchTrip, "BRANCH-001", None, 20.0),
    (InjectionKind::LoadStep, "BUS-005", Some(-1.0), 20.0),
    (InjectionKind::DcSourceLoss, "CONV-002", Some(0.5), 10.0),
    (InjectionKind::VoltageDip, "BUS-001", Some(0.95), 2.0),
];

/// Looks at everything published over an hour with commanded disturbances of every kind and random
/// ones beside them, from `start_ms` on.
fn watch_an_hour(seed: u64, start_ms: i64) {
    let mut driver = Driver::started(settings(seed, start_ms, 0.0, 60.0));
    let base_mva = driver.spec.base_mva();
    let mut topology: Arc<Topology> = driver.machine.topology().clone();
    let mut commanded = DISTURBANCES.iter().cycle();
    let (mut checked, mut changes, mut worst_pu) = (0, 0, 0.0_f64);
    for second in 0..3600 {
        if second % 25 == 3 {
            let (kind, entity, size, duration_s) = commanded.next().unwrap();
            let order = order(&driver.spec, *kind, entity, *size, Some(*duration_s));
            // A random one of the same kind may be there before it.
            let _ = driver.inject(order);
        }
        for _ in 0..10 {
            let batch = driver.tick();
            let mut now = Samples::default();
            for event in &batch.events {
                match event.event.as_ref() {
                    Event::Topology(update) => {
                        topology = update.topology.clone();
                        changes += 1;
                    }
                    Event::Sample(sample) => now.add(sample),
                    _ => {}
                }
            }
            for converter in &now.converters {
                check_powers(converter);
            }
            if !now.buses.is_empty() {
                let mismatch = mismatch_pu(&topology, base_mva, &now.buses);
                let stale = now.buses.iter().any(|sample| sample.stale);
                assert!(!stale, "second {second}: the power flow did not converge");
                assert!(mismatch < 1e-6, "second {second}: {mismatch} p.u.");
                worst_pu = worst_pu.max(mismatch);
                check_terminals(&now);
                checked += 1;
            }
        }
        driver.events.clear();
    }
    assert_eq!(checked, 3600);
    assert!(changes > 50, "{changes} changes of the topology");
    assert!(worst_pu > 0.0);
}

fn check_powers(sample: &ConverterSample) {
    let state = &sample.state;
    let (p, q) = if state.converter_type == EntityType::Buck {
        (state.grid_voltage * state.current_d / 1000.0, 0.0)
    } else {
        (
            1.5 * state.grid_voltage * state.current_d / 1000.0,
            -1.5 * state.grid_voltage * state.current_q / 1000.0,
        )
    };
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-3 * b.abs() + 1e-9;
    assert!(close(state.active_power, p), "{state:?}");
    assert!(close(state.reactive_power, q), "{state:?}");
}

/// Converters hang on their bus: its voltage times the nominal peak is theirs, its frequency too.
fn check_terminals(samples: &Samples) {
    for (converter, bus, nominal_line_v) in [
        ("CONV-001", "BUS-004", 400.0_f64),
        ("CONV-002", "BUS-005", 690.0),
    ] {
        let Some(bus) = samples.buses.iter().find(|s| s.bus_id.as_str() == bus) else {
            continue;
        };
        let bus = &bus.measurement;
        let state = &samples.converter(converter).state;
        let expected_v = bus.voltage_magnitude * nominal_line_v * (2.0_f64 / 3.0).sqrt();
        assert!((state.grid_voltage - expected_v).abs() < 1e-6, "{state:?}");
        assert!((state.frequency - bus.frequency).abs() < 1e-9);
    }
}

#[test]
fn every_sample_of_an_hour_of_disturbances_at_noon_solves_the_network() {
    watch_an_hour(11, JUNE_NOON);
}

#[test]
fn every_sample_of_an_hour_of_disturbances_in_the_evening_solves_the_network() {
    watch_an_hour(12, JUNE_EVENING);
}

#[test]
fn at_night_there_is_no_sun_and_by_day_there_is() {
    for (start_ms, shines) in [
        (JUNE_MIDNIGHT - 2 * 3_600_000, false),
        (JUNE_MIDNIGHT, false),
        (JUNE_NOON, true),
        (JANUARY_MIDNIGHT + 5 * 3_600_000, false),
        (JANUARY_MIDNIGHT + 11 * 3_600_000, true),
        (JANUARY_MIDNIGHT + 16 * 3_600_000, false),
    ] {
        let mut plant = Plant::new(default_plant(), &settings(5, start_ms, 1.0, 0.0));
        for _ in 0..300 {
            for _ in 0..10 {
                plant.step(std::iter::empty());
            }
            for unit in sample(&plant).units {
                let Some(irradiance) = unit.irradiance else {
                    continue;
                };
                // Exactly: measurement adds nothing to nothing.
                let found = (unit.generation != 0.0, irradiance != 0.0);
                assert_eq!(found, (shines, shines), "{unit:?}");
                assert_eq!(unit.utilization_factor != 0.0, shines);
            }
        }
    }
}

/// The same plant with fleets of 50 and of 0: what the buses inject differs by 50 times what the units
/// and converters say, but for what the loads draw at another voltage.
#[test]
fn a_bus_gets_the_fleets_power() {
    let none = changed_plant("fleet", |text| {
        text.replace("fleet = 50", "fleet = 0")
            .replace("alpha_p = 1.0", "alpha_p = 0.0")
            .replace("alpha_q = 1.8", "alpha_q = 0.0")
            .replace("d_pu = 1.0", "d_pu = 0.0")
    });
    let full = changed_plant("fleet-50", |text| {
        text.replace("alpha_p = 1.0", "alpha_p = 0.0")
            .replace("alpha_q = 1.8", "alpha_q = 0.0")
            .replace("d_pu = 1.0", "d_pu = 0.0")
    });
    let settings = settings(7, JUNE_NOON, 0.0, 0.0);
    let (mut full, mut none) = (Plant::new(full, &settings), Plant::new(none, &settings));
    for second in 1..=300 {
        for _ in 0..10 {
            full.step(std::iter::empty());
            none.step(std::iter::empty());
        }
        let (with, without) = (sample(&full), sample(&none));
        let unit = |id: &str| {
            let found = with.units.iter().find(|s| s.unit_id.as_str() == id);
            found.unwrap().generation
        };
        for (bus, converter, wind) in [
            ("BUS-004", "CONV-001", "WIND-001"),
            ("BUS-005", "CONV-002", "WIND-002"),
        ] {
            let (a, b) = (&with.bus(bus).measurement, &without.bus(bus).measurement);
            let state = &with.converter(converter).state;
            let expected = 0.05 * (state.active_power + unit(wind));
            let found = a.active_power - b.active_power;
            assert!(
                (found - expected).abs() < 1e-5,
                "{second}: {found} {expected}"
            );
            let found = a.reactive_power - b.reactive_power;
            let expected = 0.05 * state.reactive_power;
            assert!(
                (found - expected).abs() < 1e-5,
                "{second}: {found} {expected}"
            );
        }
    }
}

/// The energy stored in a DC link is what the source gave less what went elsewhere, over any 10 s.
#[test]
fn dc_links_keep_their_energy() {
    let spec = default_plant();
    let mut plant = Plant::new(spec.clone(), &settings(3, JUNE_NOON, 0.0, 0.0));
    let orders = [
        order(&spec, InjectionKind::DcSourceLoss, "CONV-001", None, None),
        order(
            &spec,
            InjectionKind::DcSourceLoss,
            "CONV-002",
            Some(0.5),
            None,
        ),
        order(&spec, InjectionKind::VoltageDip, "BUS-004", Some(0.3), None),
        order(
            &spec,
            InjectionKind::CloudFront,
            "SOLAR-002",
            Some(0.1),
            None,
        ),
    ];
    for (converter, capacitance_f) in [("CONV-001", 0.005), ("CONV-002", 0.006)] {
        let stored = |plant: &Plant| {
            let voltage = sample(plant).converter(converter).state.voltage;
            0.5 * capacitance_f * voltage * voltage
        };
        for window in 0..30 {
            // Windows begin at odd moments, within and between disturbances.
            let acting: Vec<&InjectionOrder> = match window % 6 {
                1 => vec![&orders[0], &orders[1]],
                3 => vec![&orders[2]],
                4 => vec![&orders[3]],
                _ => Vec::new(),
            };
            let before_j = stored(&plant);
            let (mut source_j, mut gone_j, mut through_j) = (0.0, 0.0, 0.0);
            for step in 0..100 {
                let acting = acting.iter().copied().filter(|_| step > window);
                plant.step(acting);
                let energy = plant.dc_link_energy(converter).unwrap();
                source_j += energy.source_j;
                gone_j += energy.grid_j + energy.filter_j + energy.load_j + energy.losses_j;
                through_j += energy.source_j.abs() + energy.grid_j.abs() + energy.load_j;
            }
            let change_j = stored(&plant) - before_j;
            let residual_j = source_j - gone_j - change_j;
            assert!(
                residual_j.abs() <= 1e-3 * (0.5 * through_j).max(1.0),
                "{converter} window {window}: {source_j} J in, {gone_j} J out, {change_j} J stored"
            );
        }
    }
}

/// What one end of a connection gives the other gets.
#[test]
fn what_leaves_one_model_enters_the_next() {
    let spec = default_plant();
    let mut plant = Plant::new(spec, &settings(3, JUNE_NOON, 0.0, 0.0));
    for _ in 0..600 {
        plant.step(std::iter::empty());
    }
    let (mut grid_j, mut load_j, mut published_j, mut drawn_j) = (0.0, 0.0, 0.0, 0.0);
    for _ in 0..600 {
        plant.step(std::iter::empty());
        let energy = plant.dc_link_energy("CONV-001").unwrap();
        grid_j += energy.grid_j;
        load_j += energy.load_j;
        let samples = sample(&plant);
        published_j += 100.0 * samples.converter("CONV-001").state.active_power;
        let buck = &samples.converter("CONV-003").state;
        // Its losses lie between what it draws and what it gives.
        drawn_j += 100.0 * buck.active_power;
    }
    assert!(
        (grid_j - published_j).abs() < 0.01 * grid_j.abs(),
        "{grid_j} {published_j}"
    );
    assert!(
        load_j > drawn_j && load_j < 1.05 * drawn_j,
        "{load_j} {drawn_j}"
    );
    assert!(plant.dc_link_energy("CONV-003").is_none());
    assert!(plant.dc_link_energy("BUS-001").is_none());
}

/// A plant without weather, random load, damping by voltage, dead band or control of the second kind:
/// what a load step does to its frequency can be worked out by hand.
fn plain_plant(name: &str, more: &[(&str, &str)]) -> Arc<PlantSpec> {
    changed_plant(name, |text| {
        let mut text = text
            .replace("fleet = 50", "fleet = 0")
            .replace("daily_shape = true", "daily_shape = false")
            .replace("sigma = 0.02", "sigma = 0.0")
            .replace("alpha_p = 1.0", "alpha_p = 0.0")
            .replace("alpha_q = 1.8", "alpha_q = 0.0")
            .replace("deadband_hz = 0.01", "deadband_hz = 0.0");
        for (from, to) in more {
            text = text.replace(from, to);
        }
        text
    })
}

/// Net injections of all buses, in MW: what the branches lose.
fn losses_mw(samples: &Samples) -> f64 {
    samples
        .buses
        .iter()
        .map(|s| s.measurement.active_power)
        .sum()
}

#[test]
fn a_load_step_moves_the_frequency_as_the_swing_equation_says() {
    let spec = plain_plant("swing", &[("ki_per_s = 0.15", "ki_per_s = 0.0")]);
    let mut plant = Plant::new(spec.clone(), &settings(1, JUNE_NOON, 0.0, 0.0));
    for _ in 0..100 {
        plant.step(std::iter::empty());
    }
    let before = sample(&plant);
    let rest_hz = before.bus("BUS-001").measurement.frequency;
    assert!((rest_hz - 50.0).abs() < 1e-4, "{rest_hz}");
    let step = order(&spec, InjectionKind::LoadStep, "BUS-003", Some(0.3), None);
    plant.step(std::iter::once(&step));
    let after = sample(&plant);
    // 30 % of 90 MW, and what the branches lose more.
    let step_mw = 27.0 + losses_mw(&after) - losses_mw(&before);
    let step_pu = step_mw / 450.0;
    let rocof = -step_pu * 50.0 / (2.0 * 4.5);
    // The slack bus's angle stands still: its frequency is that of the system. After 0.1 s the
    // governors have hardly begun to answer.
    let found = (after.bus("BUS-001").measurement.frequency - rest_hz) / 0.1;
    assert!(
        (found / rocof - 1.0).abs() < 0.02,
        "{found} Hz/s, by hand {rocof}"
    );

    let steady = -step_pu / (1.0 + 1.0 / 0.05) * 50.0;
    for _ in 0..900 {
        plant.step(std::iter::once(&step));
    }
    let found = sample(&plant).bus("BUS-001").measurement.frequency - 50.0;
    assert!(
        (found / steady - 1.0).abs() < 0.005,
        "{found} Hz, by hand {steady}"
    );
}

/// And it stays there: the schedule takes over what the control has provided without anybody feeling it.
#[test]
fn the_frequency_returns_after_a_load_step() {
    let spec = plain_plant("agc", &[]);
    let mut plant = Plant::new(spec.clone(), &settings(1, JUNE_NOON, 0.0, 0.0));
    let step = order(&spec, InjectionKind::LoadStep, "BUS-003", Some(0.3), None);
    let mut frequencies = Vec::new();
    for _ in 0..12_000 {
        plant.step(std::iter::once(&step));
        frequencies.push(sample(&plant).bus("BUS-001").measurement.frequency);
    }
    let lowest_hz = frequencies.iter().copied().fold(50.0, f64::min);
    let highest_hz = frequencies.iter().copied().fold(50.0, f64::max);
    assert!((49.5..49.85).contains(&lowest_hz), "{lowest_hz}");
    assert!(highest_hz < 50.01, "{highest_hz}");
    assert!(
        frequencies[8000..]
            .iter()
            .all(|hz| (hz - 50.0).abs() < 0.005)
    );
}

/// What the schedule does not cover is shared by rating: 250 MVA at the slack bus, 200 at BUS-002.
#[test]
fn generators_share_a_load_step_by_their_rating() {
    let spec = plain_plant("share", &[]);
    let mut plant = Plant::new(spec.clone(), &settings(1, JUNE_NOON, 0.0, 0.0));
    for _ in 0..100 {
        plant.step(std::iter::empty());
    }
    let power = |plant: &Plant, bus: &str| sample(plant).bus(bus).measurement.active_power;
    let before = [power(&plant, "BUS-001"), power(&plant, "BUS-002")];
    let step = order(&spec, InjectionKind::LoadStep, "BUS-003", Some(0.3), None);
    for _ in 0..3 {
        plant.step(std::iter::once(&step));
    }
    let slack = power(&plant, "BUS-001") - before[0];
    let other = power(&plant, "BUS-002") - before[1];
    assert!((slack + other - 27.0).abs() < 1.5, "{slack} + {other} MW");
    assert!(
        (slack / other - 250.0 / 200.0).abs() < 0.02,
        "{slack} : {other} MW"
    );
}
