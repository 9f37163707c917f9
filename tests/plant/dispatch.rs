//! The plant begins at the case's own power flow and stays there, if loads stand still; the schedule
//! follows the load where they do not.

use std::{fs, path::Path, sync::Arc};

use gridcast::{
    grid::injection::InjectionKind,
    plant::{Plant, PlantSpec},
    powerflow::{Case, PowerFlow},
};

use crate::support::{
    Driver, JUNE_EVENING, JUNE_MIDNIGHT, JUNE_NOON, changed_plant, mismatch_pu, sample, settings,
    wire,
};

/// Loads as the case has them.
const STILL: &str = "case = \"case.json\"\n[load]\ndaily_shape = false\nsigma = 0.0\n";
/// Loads that follow the day, but nothing else.
const DAILY: &str = "case = \"case.json\"\n[load]\nsigma = 0.0\n";

/// A case beside this file, or of the folder `tests/cases`.
fn case_text(name: &str) -> String {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let own = tests.join(format!("plant/dispatch/{name}.json"));
    let shared = tests.join(format!("cases/{name}/case.json"));
    fs::read_to_string(own)
        .or_else(|_| fs::read_to_string(shared))
        .unwrap()
}

fn plant_of(name: &str, case: &str, plant: &str) -> Arc<PlantSpec> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("dispatch")
        .join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("case.json"), case).unwrap();
    let path = folder.join("plant.toml");
    fs::write(&path, plant).unwrap();
    Arc::new(PlantSpec::load(&path).unwrap())
}

/// What the power flow of a case says of a bus: V in p.u. and net injections in MW and MVAR.
struct Base {
    ids: Vec<String>,
    vm_pu: Vec<f64>,
    p_mw: Vec<f64>,
    q_mvar: Vec<f64>,
}

impl Base {
    fn of(case: &str) -> Self {
        let case = Case::from_json(case).unwrap();
        let mut flow = PowerFlow::new(&case).unwrap();
        flow.solve_exactly().unwrap();
        let (mut p_mw, mut q_mvar) = (vec![0.0; flow.buses()], vec![0.0; flow.buses()]);
        flow.injections(&mut p_mw, &mut q_mvar);
        let ids = case
            .buses
            .iter()
            .map(|bus| format!("BUS-{:03}", bus.number));
        Self {
            ids: ids.collect(),
            vm_pu: flow.vm_pu().to_vec(),
            p_mw,
            q_mvar,
        }
    }
}

/// A driver of a plant after its first `seconds` s, without noise and disturbances.
fn after(spec: &Arc<PlantSpec>, start_ms: i64, seconds: u64) -> Driver {
    let mut driver = Driver::new(spec.clone());
    driver.start(settings(1, start_ms, 0.0, 0.0));
    driver.tick();
    driver.seconds(seconds);
    driver
}

fn last(driver: &Driver, bus: &str, field: &str) -> f64 {
    driver.series(bus, field).last().unwrap().1
}

/// A minute of a case at rest, bus by bus.
fn rests(name: &str) -> Driver {
    let case = case_text(name);
    let base = Base::of(&case);
    let driver = after(&plant_of(name, &case, STILL), JUNE_MIDNIGHT, 60);
    for (at, id) in base.ids.iter().enumerate() {
        let samples = driver.samples(id);
        if base.vm_pu[at] == 0.0 {
            assert_eq!(samples, [], "{id} is dead");
            continue;
        }
        assert_eq!(samples.len(), 60, "{id}");
        for (tick, sample) in &samples {
            let sample = wire::bus(sample).unwrap();
            let found = &sample.measurement;
            assert!(!sample.stale, "{id} at {tick:?}");
            let near = |found: f64, right: f64, within: f64, what: &str| {
                let off = (found - right).abs();
                assert!(off <= within, "{name} {id}: {what} {found}, not {right}");
            };
            near(found.voltage_magnitude, base.vm_pu[at], 1e-8, "V");
            near(found.active_power, base.p_mw[at], 1e-3, "P");
            near(found.reactive_power, base.q_mvar[at], 1e-3, "Q");
            near(found.frequency, 50.0, 1e-6, "f");
        }
    }
    driver
}

#[test]
fn a_plant_whose_loads_stand_still_stays_at_the_power_flow_of_its_case() {
    for name in [
        "case9",
        "case14",
        "case30",
        "case118",
        "islands",
        "two_slacks",
        "outages",
        "scattered",
    ] {
        rests(name);
    }
}

#[test]
fn the_schedule_of_the_slack_is_what_the_power_flow_gives() {
    let driver = rests("slack_zero");
    assert!((last(&driver, "BUS-001", "activePower") - 218.4).abs() < 0.1);
    assert!((last(&driver, "BUS-003", "activePower") - 200.0).abs() < 0.01);
}

#[test]
fn what_goes_into_the_conductance_of_a_shunt_is_generated() {
    let driver = rests("gs_shunt");
    // Both loads, and 1500 MW at 1 p.u.
    let v = last(&driver, "BUS-003", "voltageMagnitude");
    let fed_in = last(&driver, "BUS-001", "activePower") + last(&driver, "BUS-002", "activePower");
    assert!(fed_in > 50.0 + 1500.0 * v * v, "{fed_in} MW at {v} p.u.");
}

#[test]
fn what_nothing_connects_has_no_part_in_dispatch_and_frequency() {
    let driver = rests("dead_island_generator");
    assert!(driver.faults().is_empty(), "{:?}", driver.faults());
    // Nor while the load follows the day: half a day of it.
    let spec = plant_of("dead-daily", &case_text("dead_island_generator"), DAILY);
    let driver = after(&spec, JUNE_MIDNIGHT, 600);
    assert!((last(&driver, "BUS-001", "frequency") - 50.0).abs() < 0.01);
    let generators = spec.random_injection(1, 0, 3600.0);
    assert!(generators.is_some(), "there is something to happen");
    for second in 0..2000 {
        let order = spec.random_injection(1, second, 3600.0).unwrap();
        assert_ne!(order.entity.as_str(), "BUS-009", "{order:?}");
    }
}

#[test]
fn a_pump_takes_what_it_takes_at_any_load() {
    rests("pump");
    let case = case_text("pump");
    let spec = plant_of("pump-daily", &case, DAILY);
    for (start_ms, shape) in [(JUNE_MIDNIGHT + 3 * 3_600_000, 0.6), (JUNE_EVENING, 1.0)] {
        let mut driver = after(&spec, start_ms, 60);
        let pump = |driver: &Driver| last(driver, "BUS-003", "activePower") + 20.0;
        assert!(pump(&driver).abs() < 1e-5, "{}", pump(&driver));
        let load = last(&driver, "BUS-002", "activePower");
        assert!((load + 100.0 * shape).abs() < 1.5, "{load} MW");
        // Whoever governs makes up for a step, and the pump does not.
        driver.disturb(InjectionKind::LoadStep, "BUS-002", Some(0.3), None);
        driver.seconds(30);
        assert!(pump(&driver).abs() < 1e-5, "{}", pump(&driver));
        let frequency = last(&driver, "BUS-001", "frequency");
        assert!((frequency - 50.0).abs() < 0.2, "{frequency} Hz");
    }
}

#[test]
fn the_start_is_balanced_at_any_hour() {
    for name in [
        "default5",
        "case118",
        "two_slacks",
        "slack_zero",
        "gs_shunt",
    ] {
        let spec = plant_of(&format!("{name}-daily"), &case_text(name), DAILY);
        for start_ms in [JUNE_MIDNIGHT + 3 * 3_600_000, JUNE_NOON, JUNE_EVENING] {
            let driver = after(&spec, start_ms, 10);
            for bus in driver.spec.topology().buses.iter().map(|bus| &bus.id) {
                for (_, sample) in driver.samples(bus.as_str()) {
                    let sample = wire::bus(&sample).unwrap();
                    assert!(!sample.stale, "{name} {bus} at {start_ms}");
                    let frequency = sample.measurement.frequency;
                    assert!(
                        (frequency - 50.0).abs() < 0.01,
                        "{name} {bus}: {frequency} Hz"
                    );
                }
            }
        }
    }
}

#[test]
fn a_start_without_a_solution_says_where() {
    let spec = changed_plant("no-start", |text| {
        text.replace("fleet = 50", "fleet = 200000")
            .replace("alpha_p = 1.0", "alpha_p = 0.0")
    });
    let mut plant = Plant::new(spec.clone(), &settings(1, JUNE_NOON, 0.0, 0.0));
    for _ in 0..3 {
        assert!(!plant.converged());
        let unsolved = plant.unsolved().unwrap();
        let buses: Vec<_> = spec.topology().buses.iter().map(|bus| &bus.id).collect();
        assert!(buses.contains(&&unsolved.bus), "{unsolved:?}");
        assert!(unsolved.mismatch_pu > 0.1, "{unsolved:?}");
        // What is shown solves the network all the same.
        let samples = sample(&plant);
        assert!(samples.buses.iter().all(|bus| bus.stale));
        let worst = mismatch_pu(spec.topology(), spec.base_mva(), &samples.buses);
        assert!(worst < 1e-6, "{worst}");
        plant.step(std::iter::empty());
    }
    let plant = Plant::new(
        Arc::new(PlantSpec::default()),
        &settings(1, JUNE_NOON, 0.0, 0.0),
    );
    assert!(plant.converged());
    assert_eq!(plant.unsolved(), None);
}
