//! Disturbances do what they say, where and when they say it.

use gridcast::{
    grid::{
        alert::{AnomalyType, FaultPhase, FaultType, Severity},
        command::{Command, Rejection},
        entity::EntityType,
        event::{Audience, Event},
        injection::{Cause, InjectionKind},
        time::Tick,
        topology::Topology,
    },
    plant::{InjectionRequest, Misplaced, Plant, PlantSpec},
};

use crate::support::{
    Driver, JUNE_EVENING, JUNE_MIDNIGHT, JUNE_NOON, default_plant, order, sample, settings,
};

/// A run without noise and random disturbances that has gone on for a while.
fn quiet(start_ms: i64) -> Driver {
    let mut driver = Driver::started(settings(21, start_ms, 0.0, 0.0));
    driver.seconds(20);
    driver.events.clear();
    driver
}

fn topologies(driver: &Driver) -> Vec<(Tick, Topology)> {
    let updates = driver
        .events
        .iter()
        .filter_map(|(tick, event)| match &**event {
            Event::Topology(update) => Some((*tick, (*update.topology).clone())),
            _ => None,
        });
    updates.collect()
}

/// The life of the one fault of a type at an entity: its phases with their severities.
fn life(driver: &Driver, fault_type: FaultType, entity: &str) -> Vec<(FaultPhase, Severity)> {
    let faults = driver.faults();
    let here = faults.iter().filter(|(_, fault)| {
        fault.details.fault_type == fault_type && fault.details.location.as_str() == entity
    });
    here.map(|(_, fault)| (fault.details.phase, fault.details.severity))
        .collect()
}

#[test]
fn a_dip_leaves_the_voltage_that_was_asked_for() {
    for (bus, sizes) in [
        ("BUS-003", &[0.05, 0.2, 0.4, 0.6, 0.8, 0.93, 0.98][..]),
        ("BUS-004", &[0.05, 0.2, 0.4, 0.6, 0.8, 0.93, 0.98]),
        ("BUS-005", &[0.05, 0.2, 0.4, 0.6, 0.8, 0.93, 0.98]),
        ("BUS-001", &[0.3, 0.5, 0.8, 0.95]),
        ("BUS-002", &[0.3, 0.5, 0.8, 0.95]),
    ] {
        for &size in sizes {
            for start_ms in [JUNE_MIDNIGHT, JUNE_NOON, JUNE_EVENING] {
                let mut driver = quiet(start_ms);
                driver.disturb(InjectionKind::VoltageDip, bus, Some(size), Some(2.0));
                driver.seconds(12);
                let place = format!("{size} at {bus} from {start_ms}");
                let voltages = driver.series(bus, "voltageMagnitude");
                let first = voltages[0].1;
                assert!((first - size).abs() < 0.005, "{place}: {first}");
                let last = voltages[voltages.len() - 1].1;
                assert!((0.95..1.05).contains(&last), "{place}: {last}");
                for (tick, sample) in driver.samples(bus) {
                    let value = serde_json::to_value(sample.payload()).unwrap();
                    assert!(value.get("stale").is_none(), "{place}: stale at {tick:?}");
                }
            }
        }
    }
}

/// The severities of physics: below 0.95, 0.90, 0.85, 0.70.
#[test]
fn a_dip_raises_the_severity_of_its_depth_and_is_cleared() {
    for (size, severity) in [
        (0.93, Severity::Low),
        (0.88, Severity::Medium),
        (0.8, Severity::High),
        (0.6, Severity::Critical),
    ] {
        let mut driver = quiet(JUNE_NOON);
        let placed = driver.disturb(InjectionKind::VoltageDip, "BUS-004", Some(size), Some(2.0));
        let step = placed.start_tick.since(driver.machine.done().plus(1));
        assert_eq!(step, 0, "it starts with the next tick");
        driver.seconds(10);
        assert_eq!(
            life(&driver, FaultType::Undervoltage, "BUS-004"),
            [
                (FaultPhase::Raised, severity),
                (FaultPhase::Cleared, severity)
            ],
            "{size}"
        );
        // The voltage of BUS-001 is held.
        let elsewhere = driver.faults();
        assert!(
            elsewhere
                .iter()
                .all(|(_, fault)| fault.details.location.as_str() != "BUS-001"),
            "{elsewhere:?}"
        );
        let (raised, fault) = elsewhere
            .iter()
            .find(|(_, fault)| fault.details.location.as_str() == "BUS-004")
            .unwrap();
        assert_eq!(*raised, placed.start_tick.plus(1), "with its first step");
        assert!((fault.details.value - size).abs() < 1e-3, "{fault:?}");
    }
}

/// Who only looks at a bus whose voltage is held hears of no fault: neither of the voltage, nor of a
/// frequency that the load shed elsewhere would drive up.
#[test]
fn a_dip_at_a_load_bus_raises_nothing_where_the_voltage_is_held() {
    for start_ms in [JUNE_MIDNIGHT, JUNE_NOON, JUNE_EVENING] {
        for bus in ["BUS-003", "BUS-004", "BUS-005"] {
            for duration_s in [1.0, 2.0, 4.0] {
                let mut driver = quiet(start_ms);
                driver.disturb(InjectionKind::VoltageDip, bus, None, Some(duration_s));
                driver.seconds(12);
                let faults = driver.faults();
                let at = |id: &str| {
                    let locations = faults.iter().map(|(_, fault)| &fault.details.location);
                    locations.filter(|location| location.as_str() == id).count()
                };
                assert_eq!(at(bus), 2, "{bus} from {start_ms}: {faults:?}");
                assert_eq!(at("BUS-001") + at("BUS-002"), 0, "{bus}: {faults:?}");
            }
        }
    }
}

/// It acts on the steps after its tick, for as many steps as it lasts.
#[test]
fn a_disturbance_begins_one_step_after_its_tick_and_ends_in_time() {
    let mut driver = Driver::started(settings(21, JUNE_NOON, 0.0, 0.0));
    // So that the first sample after it is one step later: buses are sampled every 10 ticks.
    for _ in 0..8 {
        driver.tick();
    }
    let placed = driver.disturb(InjectionKind::LoadStep, "BUS-003", Some(1.0), Some(3.0));
    assert!(placed.active);
    assert_eq!(placed.end_tick, Some(placed.start_tick.plus(30)));
    driver.seconds(6);
    let powers = driver.series("BUS-003", "activePower");
    let doubled: Vec<_> = powers.iter().map(|(_, power)| *power < -100.0).collect();
    // Its start is tick 9 of the run: samples at 10, 20 and 30 see it, 40 does not.
    assert_eq!(
        doubled,
        [true, true, true, false, false, false],
        "{powers:?}"
    );
    let view = &driver.machine.injections()[0];
    assert!(!view.active);
    assert_eq!(view.end_tick, Some(placed.start_tick.plus(30)));
}

#[test]
fn a_load_step_changes_its_load_by_its_size() {
    let spec = default_plant();
    for (bus, size) in [
        ("BUS-003", 0.3),
        ("BUS-003", -1.0),
        ("BUS-004", 0.5),
        ("BUS-005", 3.0),
        ("BUS-002", 0.3),
    ] {
        let settings = settings(4, JUNE_MIDNIGHT, 0.0, 0.0);
        let mut with = Plant::new(spec.clone(), &settings);
        let mut without = Plant::new(spec.clone(), &settings);
        let step = order(&spec, InjectionKind::LoadStep, bus, Some(size), None);
        with.step(std::iter::once(&step));
        without.step(std::iter::empty());
        let net = |plant: &Plant| sample(plant).bus(bus).measurement.active_power;
        let total = |plant: &Plant| -> f64 {
            sample(plant)
                .buses
                .iter()
                .map(|s| s.measurement.active_power)
                .sum()
        };
        if bus == "BUS-003" {
            // Nothing but load: in proportion to the voltage.
            let v = |plant: &Plant| sample(plant).bus(bus).measurement.voltage_magnitude;
            let expected = net(&without) * (1.0 + size) * v(&with) / v(&without);
            assert!(
                (net(&with) - expected).abs() < 1e-6 + 2e-4 * expected.abs(),
                "{bus}"
            );
        } else if bus != "BUS-002" {
            assert!((net(&with) - net(&without)) * size < 0.0, "{bus}");
        }
        // What goes in comes out, losses apart.
        assert!(
            (0.0..20.0).contains(&total(&with)),
            "{bus}: {} MW lost",
            total(&with)
        );
    }
}

#[test]
fn a_branch_trip_shows_in_the_topology_until_it_is_ended() {
    let mut driver = quiet(JUNE_EVENING);
    let placed = driver.disturb(InjectionKind::BranchTrip, "BRANCH-001", None, None);
    assert_eq!(placed.end_tick, None);
    driver.seconds(30);
    let updates = topologies(&driver);
    assert_eq!(updates.len(), 1);
    let (tick, topology) = &updates[0];
    assert_eq!(*tick, placed.start_tick.plus(1));
    let out = |topology: &Topology| -> Vec<_> {
        let branches = topology.branches.iter();
        branches.map(|branch| !branch.in_service).collect()
    };
    assert_eq!(out(topology), [true, false, false, false, false, false]);
    // A line of the ring: no limit is passed.
    assert!(driver.faults().is_empty(), "{:?}", driver.faults());
    let network = driver.machine.network().unwrap();
    assert!(network.flows[0].p_from_mw.abs() < 1e-12);
    driver.take();
    driver
        .command(Command::EndInjection {
            id: placed.id.clone(),
        })
        .unwrap();
    driver.seconds(5);
    let updates = topologies(&driver);
    assert_eq!(updates.len(), 1);
    assert_eq!(out(&updates[0].1), [false; 6]);
    assert_eq!(
        driver.command(Command::EndInjection { id: placed.id }),
        Err(Rejection::Ended)
    );
}

/// At full load the outage of transformer 3-4 leaves BUS-004 low and overloads the other transformer;
/// that of 2-5 leaves BUS-005 low and overloads nothing.
#[test]
fn the_outage_of_a_transformer_overloads_the_other_and_leaves_its_bus_low() {
    let mut driver = quiet(JUNE_EVENING);
    driver.disturb(InjectionKind::BranchTrip, "BRANCH-004", None, Some(30.0));
    driver.seconds(60);
    let under = life(&driver, FaultType::Undervoltage, "BUS-004");
    assert_eq!(
        under.first().map(|(phase, _)| *phase),
        Some(FaultPhase::Raised)
    );
    assert_eq!(
        under.last().map(|(phase, _)| *phase),
        Some(FaultPhase::Cleared)
    );
    let over = life(&driver, FaultType::Overload, "BRANCH-005");
    assert!(over[0].1 >= Severity::Medium, "{over:?}");
    assert_eq!(
        over.last().map(|(phase, _)| *phase),
        Some(FaultPhase::Cleared)
    );
    let (_, fault) = driver
        .faults()
        .into_iter()
        .find(|(_, fault)| fault.details.fault_type == FaultType::Overload)
        .unwrap();
    // Whoever listens to one of its ends hears of it.
    let catalogue = PlantSpec::default().catalogue().clone();
    let ends = ["BUS-002", "BUS-005"].map(|id| catalogue.find(id).unwrap());
    let audience = Audience::of(&fault.details.subject, &catalogue);
    assert_eq!(audience, Audience::Either(ends));

    let mut driver = quiet(JUNE_EVENING);
    driver.disturb(InjectionKind::BranchTrip, "BRANCH-005", None, Some(30.0));
    driver.seconds(60);
    let low = driver.series("BUS-005", "voltageMagnitude");
    let lowest = low.iter().map(|(_, v)| *v).fold(2.0, f64::min);
    assert!((0.92..0.96).contains(&lowest), "{lowest}");
    assert!(life(&driver, FaultType::Overload, "BRANCH-004").is_empty());
}

/// BUS-005 hangs on two branches: without both it has no voltage, is not sampled and raises nothing.
#[test]
fn an_island_without_slack_is_silent() {
    for size in [0.0, 1.0] {
        let mut driver = Driver::started(settings(21, JUNE_NOON, size, 0.0));
        driver.seconds(90);
        driver.take();
        driver.disturb(InjectionKind::BranchTrip, "BRANCH-005", None, Some(40.0));
        driver.disturb(InjectionKind::BranchTrip, "BRANCH-006", None, Some(40.0));
        driver.seconds(40);
        assert!(driver.samples("BUS-005").is_empty());
        assert_eq!(driver.samples("BUS-004").len(), 40);
        let about = |id: &str| id == "BUS-005";
        let faults = driver.faults();
        assert!(
            faults
                .iter()
                .all(|(_, fault)| !about(fault.details.location.as_str())),
            "{faults:?}"
        );
        let anomalies = driver.anomalies();
        assert!(
            anomalies
                .iter()
                .all(|(_, anomaly)| !about(anomaly.details.source.as_str())),
            "{anomalies:?}"
        );
        // Its converter and the turbines beside it have no grid.
        for (_, power) in driver.series("CONV-002", "activePower") {
            assert!(
                power.abs() < 1e-9 || size > 0.0,
                "{power} kW into a dead bus"
            );
        }
        driver.seconds(20);
        assert!(driver.samples("BUS-005").len() >= 19, "it is back");
        let last = driver.series("BUS-005", "voltageMagnitude").pop().unwrap();
        assert!((0.95..1.05).contains(&last.1), "{last:?}");
    }
}

#[test]
fn a_bus_that_loses_all_generators_is_a_load_bus() {
    let mut driver = quiet(JUNE_EVENING);
    let before = driver.machine.network().unwrap().flows[0].p_from_mw;
    driver.disturb(InjectionKind::GeneratorLoss, "BUS-002", None, Some(20.0));
    driver.seconds(19);
    let updates = topologies(&driver);
    assert_eq!(updates.len(), 1);
    assert_eq!(updates[0].1.buses[1].bus_type, EntityType::Pq);
    // Nothing but its load of 40 MW is left, and the slack bus has to send much more there.
    let power = driver.series("BUS-002", "activePower").pop().unwrap().1;
    assert!((-42.0..-36.0).contains(&power), "{power}");
    assert!(driver.machine.network().unwrap().flows[0].p_from_mw > before + 20.0);
    let frequency = driver.series("BUS-001", "frequency");
    let lowest = frequency.iter().map(|(_, f)| *f).fold(60.0, f64::min);
    // 120 MW on the 250 MVA that are left: 0.75 Hz by droop within the time, and three times that before
    // the reheaters follow.
    assert!((47.0..48.2).contains(&lowest), "{lowest}");
    assert!(!life(&driver, FaultType::FrequencyDeviation, "BUS-001").is_empty());
    driver.take();
    driver.seconds(60);
    let updates = topologies(&driver);
    assert_eq!(updates.len(), 1);
    assert_eq!(updates[0].1.buses[1].bus_type, EntityType::Pv);
    let voltage = driver
        .series("BUS-002", "voltageMagnitude")
        .pop()
        .unwrap()
        .1;
    assert!((voltage - 1.02).abs() < 1e-9, "{voltage}");
}

#[test]
fn a_partial_loss_of_generation_changes_no_topology() {
    let mut driver = quiet(JUNE_EVENING);
    let before = driver.series("BUS-002", "activePower");
    assert!(before.is_empty());
    driver.disturb(
        InjectionKind::GeneratorLoss,
        "BUS-002",
        Some(0.5),
        Some(20.0),
    );
    driver.seconds(10);
    assert!(topologies(&driver).is_empty());
    let voltage = driver
        .series("BUS-002", "voltageMagnitude")
        .pop()
        .unwrap()
        .1;
    assert!((voltage - 1.02).abs() < 1e-9, "{voltage}");
}

/// The mean of a field over the samples since the last `take`.
fn mean(driver: &Driver, entity: &str, field: &str) -> f64 {
    let values = driver.series(entity, field);
    values.iter().map(|(_, value)| value).sum::<f64>() / values.len() as f64
}

#[test]
fn a_cloud_front_takes_the_sun_from_its_unit_alone() {
    let mut driver = quiet(JUNE_NOON);
    let mut other = driver.clone();
    driver.disturb(
        InjectionKind::CloudFront,
        "SOLAR-001",
        Some(0.1),
        Some(120.0),
    );
    driver.seconds(110);
    other.seconds(110);
    for driver in [&mut driver, &mut other] {
        driver.take();
        driver.seconds(10);
    }
    let of = |entity: &str, field: &str| mean(&driver, entity, field) / mean(&other, entity, field);
    let share = of("SOLAR-001", "irradiance");
    assert!((0.07..0.2).contains(&share), "{share}");
    assert!(of("SOLAR-001", "generation") < 0.25);
    assert!((of("SOLAR-002", "irradiance") - 1.0).abs() < 1e-12);
    driver.seconds(120);
    other.seconds(120);
    let last = |driver: &Driver| driver.series("SOLAR-001", "irradiance").pop().unwrap().1;
    assert!(
        (last(&driver) / last(&other) - 1.0).abs() < 0.01,
        "the front has passed"
    );
}

#[test]
fn a_gust_blows_at_its_unit_alone() {
    let mut driver = quiet(JUNE_NOON);
    let mut other = driver.clone();
    driver.disturb(InjectionKind::Gust, "WIND-001", Some(1.5), Some(40.0));
    driver.seconds(30);
    other.seconds(30);
    for driver in [&mut driver, &mut other] {
        driver.take();
        driver.seconds(8);
    }
    let of = |entity: &str| mean(&driver, entity, "windSpeed") / mean(&other, entity, "windSpeed");
    assert!((of("WIND-001") - 1.5).abs() < 0.03, "{}", of("WIND-001"));
    assert!((of("WIND-002") - 1.0).abs() < 1e-12);
}

/// In June at noon, with the sun that such a day has, a converter without its fan gets too hot.
#[test]
fn without_its_fan_a_loaded_converter_gets_too_hot() {
    let hot = (0..12).find_map(|seed| {
        let mut driver = Driver::started(settings(seed, JUNE_NOON - 3_600_000, 0.0, 0.0));
        driver.seconds(10);
        let generation = driver.series("SOLAR-002", "generation").pop().unwrap().1;
        if generation < 200.0 {
            return None;
        }
        driver.disturb(
            InjectionKind::FanFailure,
            "CONV-002",
            Some(3.0),
            Some(1500.0),
        );
        driver.seconds(1400);
        let life = life(&driver, FaultType::Overtemperature, "CONV-002");
        (!life.is_empty()).then_some((seed, life, driver))
    });
    let (seed, found, mut driver) = hot.expect("no seed gives a sunny noon");
    assert_eq!(found[0].0, FaultPhase::Raised, "seed {seed}");
    // Derating from 90 degC keeps it from melting.
    let temperatures = driver.series("CONV-002", "temperature");
    let hottest = temperatures.iter().map(|(_, t)| *t).fold(0.0, f64::max);
    assert!((85.0..112.0).contains(&hottest), "{hottest}");
    driver.seconds(900);
    let found = life(&driver, FaultType::Overtemperature, "CONV-002");
    assert_eq!(found.last().unwrap().0, FaultPhase::Cleared);
}

#[test]
fn a_converter_that_loses_its_source_feeds_its_load_from_the_grid() {
    let mut driver = quiet(JUNE_NOON);
    driver.disturb(InjectionKind::DcSourceLoss, "CONV-001", None, Some(10.0));
    driver.seconds(9);
    let power = driver.series("CONV-001", "activePower");
    let load = driver.series("CONV-003", "activePower");
    // Half a second after the loss it has turned into a rectifier for the DC/DC converter.
    for ((_, power), (_, load)) in power.iter().zip(&load).skip(1) {
        let losses = -power - load;
        assert!(
            (0.0..4.0).contains(&losses),
            "{power} kW for a load of {load} kW"
        );
    }
    for (_, voltage) in driver.series("CONV-001", "voltage") {
        assert!((voltage / 750.0 - 1.0).abs() < 0.03, "{voltage} V");
    }
    for (_, voltage) in driver.series("CONV-003", "gridVoltage") {
        assert!((voltage / 400.0 - 1.0).abs() < 0.03, "{voltage} V");
    }
    assert!(driver.faults().is_empty(), "{:?}", driver.faults());
}

#[test]
fn the_same_kind_acts_once_at_one_place() {
    let mut driver = quiet(JUNE_NOON);
    let spec = driver.spec.clone();
    let dip = order(&spec, InjectionKind::VoltageDip, "BUS-004", None, Some(5.0));
    let first = driver.inject(dip.clone()).unwrap();
    assert_eq!(first.id, "VOLTAGE_DIP-BUS-004-C1");
    assert_eq!(driver.inject(dip.clone()), Err(Rejection::AlreadyActive));
    driver.seconds(2);
    assert_eq!(driver.inject(dip.clone()), Err(Rejection::AlreadyActive));
    let elsewhere = order(&spec, InjectionKind::VoltageDip, "BUS-005", None, Some(5.0));
    assert_eq!(
        driver.inject(elsewhere).unwrap().id,
        "VOLTAGE_DIP-BUS-005-C2"
    );
    driver.seconds(10);
    assert_eq!(
        driver.inject(dip.clone()).unwrap().id,
        "VOLTAGE_DIP-BUS-004-C3"
    );
    let unknown = Command::EndInjection {
        id: "VOLTAGE_DIP-BUS-004-C9".into(),
    };
    assert_eq!(driver.command(unknown), Err(Rejection::UnknownInjection));
    driver.command(Command::Stop).unwrap();
    assert_eq!(driver.inject(dip), Err(Rejection::Stopped));
    driver.tick();
    assert!(driver.machine.injections().iter().all(|view| !view.active));
    assert!(driver.machine.alerts().faults.is_empty());
}

/// A turbine that waits after a storm until the mean wind has calmed down has not tripped.
#[test]
fn waiting_after_a_storm_is_no_trip() {
    let mut driver = Driver::started(settings(11, JUNE_NOON, 1.0, 0.0));
    driver.seconds(60);
    driver.events.clear();
    driver.disturb(InjectionKind::Gust, "WIND-002", Some(3.0), Some(60.0));
    driver.seconds(360);
    let generation = driver.series("WIND-002", "generation");
    let stood = generation.iter().filter(|(_, kw)| *kw < 1.0).count();
    assert!(stood > 60, "it stood for {stood} samples");
    assert!(generation.last().unwrap().1 > 1.0, "it never started again");
    let trips = driver
        .anomalies()
        .into_iter()
        .filter(|(_, anomaly)| anomaly.details.anomaly_type == AnomalyType::Trip);
    assert_eq!(trips.collect::<Vec<_>>(), []);
}

/// What does not fit is refused with everything that is wrong with it.
#[test]
fn misplaced_injections_are_refused_with_all_their_problems() {
    use InjectionKind as K;
    let spec = default_plant();
    let place = |kind, entity: &str, size, duration_s, field: Option<&str>| {
        let request = InjectionRequest {
            kind,
            entity: entity.to_owned(),
            size,
            duration_s,
            field: field.map(str::to_owned),
        };
        spec.place(request)
    };
    let problems = |result| match result {
        Err(Misplaced::Problems(problems)) => problems.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        place(K::Gust, "WIND-009", None, None, None),
        Err(Misplaced::UnknownEntity)
    );
    // Numbers that no sensor says would end as none on the wire.
    assert_eq!(
        problems(place(K::LevelShift, "BUS-004", Some(1e7), None, None)),
        1
    );
    assert_eq!(
        problems(place(K::Drift, "BUS-004", Some(-1.7e308), None, None)),
        1
    );
    assert_eq!(problems(place(K::Gust, "SOLAR-001", None, None, None)), 1);
    assert_eq!(problems(place(K::LoadStep, "BUS-001", None, None, None)), 1);
    assert_eq!(
        problems(place(K::GeneratorLoss, "BUS-001", None, None, None)),
        1
    );
    assert_eq!(
        problems(place(K::DcSourceLoss, "CONV-003", None, None, None)),
        1
    );
    assert_eq!(problems(place(K::Spike, "BRANCH-001", None, None, None)), 1);
    // Size, duration (shorter than a step) and field at once.
    let wrong = place(
        K::LoadStep,
        "BUS-003",
        Some(f64::NAN),
        Some(0.09),
        Some("frequency"),
    );
    assert_eq!(problems(wrong), 3);
    assert_eq!(
        problems(place(K::VoltageDip, "BUS-001", Some(0.2), None, None)),
        1
    );
    assert!(place(K::VoltageDip, "BUS-003", Some(0.2), None, None).is_ok());
    assert_eq!(
        problems(place(K::Missing, "BUS-003", None, None, Some("frequency"))),
        1
    );
    assert_eq!(
        problems(place(K::Stuck, "BUS-003", Some(1.0), None, None)),
        1
    );
    assert_eq!(
        problems(place(K::Drift, "BUS-003", None, Some(86_401.0), None)),
        1
    );
    // A step is the shortest for what acts on the plant, a sample of a bus for what acts on sensors.
    assert!(place(K::VoltageDip, "BUS-003", None, Some(0.1), None).is_ok());
    assert!(place(K::LevelShift, "BUS-003", None, Some(1.0), None).is_ok());
    assert_eq!(
        problems(place(K::LevelShift, "BUS-003", None, Some(0.9), None)),
        1
    );
    let drift = place(K::Drift, "WIND-001", None, None, None).unwrap();
    assert_eq!(drift.field.as_deref(), Some("generation"));
    assert!((drift.size.unwrap() - 10.0 * 0.3).abs() < 1e-9, "{drift:?}");
}

/// Random ones come by the seed, are listed like the others, and end by themselves.
#[test]
fn random_disturbances_depend_on_the_seed_and_are_listed() {
    let run = |seed| {
        let mut driver = Driver::started(settings(seed, JUNE_NOON, 0.0, 360.0));
        driver.seconds(120);
        driver.machine.injections().as_ref().clone()
    };
    let (first, again, other) = (run(1), run(1), run(2));
    assert_eq!(first, again);
    assert_ne!(first, other);
    assert!(first.len() >= 5, "{} in two minutes", first.len());
    for view in &first {
        assert_eq!(view.cause, Cause::Random);
        assert!(view.id.contains("-R"), "{}", view.id);
        let lasts = view.end_tick.unwrap().since(view.start_tick) as f64;
        assert!(
            (lasts - 10.0 * view.duration_s.unwrap()).abs() < 0.5,
            "{view:?}"
        );
    }
}
