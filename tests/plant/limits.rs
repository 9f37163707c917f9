//! Limits: at every step, at those of the case, and with the worst value at the end.

use std::{path::Path, sync::Arc};

use gridcast::{
    grid::{
        alert::{Fault, FaultPhase, FaultType, Severity},
        event::Event,
        injection::InjectionKind,
        run::RunSettings,
    },
    plant::PlantSpec,
};

use crate::support::{Driver, JUNE_NOON, changed_plant, settings};

fn at_speed(speed: u32, noise: f64) -> Driver {
    Driver::started(RunSettings {
        speed,
        ..settings(4, JUNE_NOON, noise, 0.0)
    })
}

/// The faults of one type at one place.
fn of(driver: &Driver, fault_type: FaultType, location: &str) -> Vec<Fault> {
    let faults = driver.faults().into_iter().map(|(_, fault)| fault);
    let here = faults.filter(|fault| {
        fault.details.fault_type == fault_type && fault.details.location.as_str() == location
    });
    here.collect()
}

#[test]
fn a_dip_of_a_tenth_of_a_second_is_raised_and_cleared_at_every_speed() {
    for speed in [1_u32, 10, 100] {
        let mut driver = at_speed(speed, 1.0);
        driver.tick();
        let asked = driver.disturb(InjectionKind::VoltageDip, "BUS-004", Some(0.8), Some(0.1));
        let onset = 2 * u64::from(speed) + 1;
        driver.seconds(2);
        let found = of(&driver, FaultType::Undervoltage, "BUS-004");
        let [raised, cleared] = &found[..] else {
            panic!("speed {speed}: {found:#?}");
        };
        assert_eq!(raised.details.phase, FaultPhase::Raised);
        assert_eq!(raised.details.severity, Severity::High);
        assert_eq!(raised.details.id, format!("UNDERVOLTAGE-BUS-004-{onset}"));
        assert_eq!(
            (raised.details.extreme, raised.details.extreme_step),
            (None, None)
        );
        assert_eq!(cleared.details.phase, FaultPhase::Cleared);
        assert_eq!(cleared.details.id, raised.details.id);
        assert_eq!(cleared.details.extreme, Some(raised.details.value));
        assert_eq!(cleared.details.extreme_step, Some(onset));
        assert!((raised.details.value - 0.8).abs() < 1e-3, "{raised:?}");
        // Both with the time of their tick, which is one where a tick is ten steps.
        let apart = cleared.timestamp.unix_ms() - raised.timestamp.unix_ms();
        assert_eq!(apart, if speed == 1 { 100 } else { 0 });
        let ends = asked.end_tick.unwrap().since(asked.start_tick);
        assert_eq!(ends, 1, "speed {speed}");
        // Each with its notification, in order.
        let titles: Vec<_> = driver
            .events
            .iter()
            .filter_map(|(_, event)| match &**event {
                Event::Notification(told) if told.message.ends_with("BUS-004") => {
                    Some(told.title.clone())
                }
                _ => None,
            })
            .collect();
        assert_eq!(titles, ["Fault Detected", "Fault Cleared"]);
    }
}

/// The worst value of a fault and its step are those of the voltage, whatever severity was told.
#[test]
fn the_worst_value_is_that_of_the_excursion() {
    let mut driver = at_speed(1, 0.0);
    driver.seconds(2);
    driver.disturb(InjectionKind::VoltageDip, "BUS-005", Some(0.93), Some(6.0));
    driver.seconds(2);
    driver.disturb(InjectionKind::VoltageDip, "BUS-004", Some(0.5), Some(0.3));
    driver.seconds(8);
    let found = of(&driver, FaultType::Undervoltage, "BUS-005");
    let (raised, cleared) = (&found[0].details, &found.last().unwrap().details);
    assert!(raised.severity < cleared.severity, "{found:#?}");
    assert_eq!(cleared.phase, FaultPhase::Cleared);
    let worst = cleared.extreme.unwrap();
    assert!(worst < 0.9 && worst < raised.value, "{found:#?}");
    // The second dip acts on three steps from the 41st on.
    assert!(
        (41..44).contains(&cleared.extreme_step.unwrap()),
        "{found:#?}"
    );
    assert!(found.iter().all(|fault| fault.details.value >= worst));
}

/// A voltage that noise moves across the limit in every other sample is one fault, not many.
#[test]
fn noise_at_a_limit_does_not_make_faults_flap() {
    let mut driver = at_speed(1, 1.0);
    driver.seconds(2);
    driver.disturb(InjectionKind::VoltageDip, "BUS-004", Some(0.95), Some(60.0));
    driver.seconds(70);
    let found = of(&driver, FaultType::Undervoltage, "BUS-004");
    let phases: Vec<_> = found.iter().map(|fault| fault.details.phase).collect();
    assert_eq!(
        phases,
        [FaultPhase::Raised, FaultPhase::Cleared],
        "{found:#?}"
    );
}

/// A trip of half a second overloads the transformer that is left, between two samples.
#[test]
fn an_overload_between_samples_is_found() {
    let mut driver = at_speed(1, 0.0);
    driver.seconds(1);
    driver.tick();
    driver.disturb(InjectionKind::BranchTrip, "BRANCH-004", None, Some(0.5));
    driver.seconds(2);
    let found = of(&driver, FaultType::Overload, "BRANCH-005");
    let phases: Vec<_> = found.iter().map(|fault| fault.details.phase).collect();
    assert_eq!(
        phases,
        [FaultPhase::Raised, FaultPhase::Cleared],
        "{found:#?}"
    );
    assert_eq!(found[0].details.id, "OVERLOAD-BRANCH-005-13");
}

/// A sensor fault shows between samples as well, but a spike is one sample.
#[test]
fn limits_see_what_sensors_show_between_samples() {
    let mut driver = at_speed(1, 0.0);
    driver.seconds(1);
    let shifted = |driver: &Driver, kind, duration_s| gridcast::grid::injection::InjectionOrder {
        field: Some("voltageMagnitude".into()),
        ..crate::support::order(&driver.spec, kind, "BUS-003", Some(0.2), duration_s)
    };
    let shift = shifted(&driver, InjectionKind::LevelShift, Some(2.0));
    driver.inject(shift).unwrap();
    driver.seconds(4);
    let found = of(&driver, FaultType::Overvoltage, "BUS-003");
    assert_eq!(found[0].details.id, "OVERVOLTAGE-BUS-003-12");
    assert_eq!(found.len(), 2, "{found:#?}");
    driver.take();
    let spike = shifted(&driver, InjectionKind::Spike, None);
    driver.inject(spike).unwrap();
    driver.seconds(4);
    let found = of(&driver, FaultType::Overvoltage, "BUS-003");
    assert_eq!(found[0].details.id, "OVERVOLTAGE-BUS-003-60");
    assert_eq!(found.len(), 2, "{found:#?}");
    let lasted = found[1].timestamp.unix_ms() - found[0].timestamp.unix_ms();
    assert_eq!(lasted, 100);
}

/// An hour at the highest speed: each dip below the limit is a fault from its first step on.
#[test]
fn no_dip_is_missed_at_the_highest_speed() {
    let mut driver = at_speed(100, 1.0);
    let mut step = 0;
    let mut expected = Vec::new();
    let buses = ["BUS-003", "BUS-004", "BUS-005"];
    for at in 0..40_u32 {
        // Every 90 s, at another bus, of another depth and length.
        for tick in 1..=9 {
            step += 100;
            if tick == 9 {
                let bus = buses[at as usize % 3];
                let depth = 0.5 + 0.01 * f64::from(at);
                let duration_s = 0.1 * f64::from(1 + at % 5);
                driver.disturb(
                    InjectionKind::VoltageDip,
                    bus,
                    Some(depth),
                    Some(duration_s),
                );
                expected.push((format!("UNDERVOLTAGE-{bus}-{}", step + 1), depth));
            }
            driver.tick();
        }
    }
    driver.tick();
    let faults: Vec<_> = driver
        .faults()
        .into_iter()
        .map(|(_, fault)| fault)
        .collect();
    for (id, depth) in expected {
        let mut own = faults.iter().filter(|fault| fault.details.id == id);
        let last = own.next_back().unwrap_or_else(|| panic!("{id} is missing"));
        assert_eq!(last.details.phase, FaultPhase::Cleared, "{id}");
        let worst = last.details.extreme.unwrap();
        assert!(
            (worst - depth).abs() < 0.02,
            "{id}: {worst} p.u. of {depth}"
        );
    }
}

/// A plant of a case as it stands: loads and units do not move.
fn standing(name: &str, case: &str) -> Arc<PlantSpec> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(root.join(case), folder.join("case.json")).unwrap();
    let path = folder.join("plant.toml");
    std::fs::write(
        &path,
        "case = \"case.json\"\n[load]\ndaily_shape = false\nsigma = 0.0\n",
    )
    .unwrap();
    Arc::new(PlantSpec::load(&path).unwrap())
}

fn range(spec: &PlantSpec, bus: &str) -> (f64, f64) {
    let entity = spec.catalogue().get(bus).unwrap();
    let voltage = entity.quantities.iter();
    let mut voltage = voltage.filter(|quantity| quantity.field == "voltageMagnitude");
    let voltage = voltage.next().unwrap();
    (voltage.min, voltage.max)
}

/// case14 allows 0.94 to 1.06 p.u.; three of its buses stand above that, and no other alarms.
#[test]
fn limits_are_those_of_the_case() {
    let spec = standing("case14", "tests/cases/case14/case.json");
    assert_eq!(range(&spec, "BUS-004"), (0.94, 1.06));
    let mut driver = Driver::new(spec);
    driver.start(settings(1, JUNE_NOON, 0.0, 0.0));
    driver.tick();
    driver.seconds(60);
    let faults: Vec<_> = driver
        .faults()
        .into_iter()
        .map(|(_, fault)| fault)
        .collect();
    let mut locations: Vec<_> = faults
        .iter()
        .map(|fault| fault.details.location.as_str())
        .collect();
    locations.sort_unstable();
    assert_eq!(locations, ["BUS-006", "BUS-007", "BUS-008"], "{faults:#?}");
    for fault in faults {
        assert_eq!(fault.details.severity, Severity::Low);
        assert_eq!(fault.details.limit, 1.06);
    }
    assert_eq!(
        range(&crate::support::default_plant(), "BUS-004"),
        (0.95, 1.05)
    );
}

/// Loads draw more than any voltage can bring, from the first step on.
#[test]
fn a_start_without_a_solution_is_told() {
    let spec = changed_plant("unsolved-start", |text| {
        text.replace("fleet = 50", "fleet = 100000")
    });
    let mut driver = Driver::new(spec);
    driver.start(settings(3, JUNE_NOON, 0.0, 0.0));
    driver.tick();
    driver.take();
    driver.seconds(5);
    let told: Vec<_> = driver
        .events
        .iter()
        .filter_map(|(tick, event)| match &**event {
            Event::Notification(told) if told.title == "Power Flow Not Converged" => Some(*tick),
            _ => None,
        })
        .collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0], driver.events[0].0, "with the first tick");
    assert!(!driver.machine.network().unwrap().converged);
}
