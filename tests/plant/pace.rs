//! Whatever the speed, and however it changes: the same faults and anomalies at the same steps, and on the
//! wire nothing but samples that speed 1 has too.

use gridcast::grid::{
    alert::{AnomalyDetails, FaultDetails},
    command::Command,
    event::Event,
    injection::{InjectionKind, InjectionOrder},
    run::RunSettings,
    telemetry::Sample,
    time::Timestamp,
};

use crate::support::{Driver, JUNE_NOON, order, settings};

/// What is asked for, after which step.
fn orders(driver: &Driver) -> Vec<(u64, InjectionOrder)> {
    use InjectionKind as K;
    let order =
        |kind, entity, size, duration_s| order(&driver.spec, kind, entity, size, duration_s);
    let sensor = |kind, entity, field: &str, size, duration_s| InjectionOrder {
        field: Some(field.to_owned()),
        ..order(kind, entity, size, duration_s)
    };
    vec![
        (700, order(K::VoltageDip, "BUS-004", Some(0.8), Some(0.1))),
        (
            700,
            sensor(K::Spike, "BUS-003", "frequency", Some(0.3), None),
        ),
        (
            1400,
            sensor(
                K::LevelShift,
                "BUS-005",
                "voltageMagnitude",
                Some(0.06),
                Some(8.0),
            ),
        ),
        (
            2100,
            sensor(K::Stuck, "CONV-002", "temperature", None, Some(12.0)),
        ),
        (2800, order(K::Missing, "WIND-001", None, Some(7.0))),
        (
            2800,
            sensor(
                K::Oscillation,
                "BUS-004",
                "frequency",
                Some(0.25),
                Some(20.0),
            ),
        ),
        (3500, order(K::BranchTrip, "BRANCH-004", None, Some(0.5))),
        (3500, order(K::LoadStep, "BUS-003", Some(0.5), Some(0.3))),
        (
            4200,
            sensor(K::NoiseBurst, "CONV-001", "voltage", Some(20.0), Some(6.0)),
        ),
        (
            4900,
            sensor(
                K::Drift,
                "BUS-003",
                "voltageMagnitude",
                Some(-0.08),
                Some(15.0),
            ),
        ),
        (
            5600,
            order(K::GeneratorLoss, "BUS-002", Some(0.5), Some(30.0)),
        ),
    ]
}

/// How long the runs last, in steps.
const STEPS: u64 = 7000;

/// Lets a run take this course: after which step it has which speed from there on.
fn run(course: &[(u64, u32)]) -> Driver {
    let mut driver = Driver::started(RunSettings {
        speed: course[0].1,
        ..settings(17, JUNE_NOON, 1.0, 60.0)
    });
    let mut speed = course[0].1;
    let mut step = 0;
    while step < STEPS {
        // Commands take effect after the next tick's steps.
        step += u64::from(speed);
        for (_, order) in orders(&driver).into_iter().filter(|(at, _)| *at == step) {
            driver.inject(order).unwrap();
        }
        let change = course.iter().find(|(at, _)| *at == step);
        if let Some((_, new)) = change {
            driver.command(Command::SetSpeed { speed: *new }).unwrap();
            speed = *new;
        }
        driver.tick();
    }
    assert_eq!(step, STEPS, "{course:?}");
    driver
}

/// What a run has found, in order, but for when it was told.
fn found(driver: &Driver) -> (Vec<FaultDetails>, Vec<AnomalyDetails>) {
    let faults = driver.faults().into_iter().map(|(_, fault)| fault.details);
    let anomalies = driver.anomalies().into_iter();
    (
        faults.collect(),
        anomalies.map(|(_, anomaly)| anomaly.details).collect(),
    )
}

/// The samples of an entity, but for when they went out.
fn samples(driver: &Driver, entity: &str) -> Vec<Sample> {
    let never = Timestamp::from_unix_ms(0);
    let samples = driver.samples(entity).into_iter();
    samples.map(|(_, sample)| sample.stamped(never)).collect()
}

#[test]
fn the_speed_changes_neither_faults_nor_anomalies() {
    let slow = run(&[(0, 1)]);
    let expected = found(&slow);
    let (faults, anomalies) = &expected;
    assert!(faults.len() > 20, "{faults:#?}");
    assert!(anomalies.len() > 10, "{anomalies:#?}");
    let steady: [&[(u64, u32)]; 2] = [&[(0, 10)], &[(0, 100)]];
    let changing: [&[(u64, u32)]; 2] = [
        // The wire's periods and those of the samples fall apart.
        &[
            (0, 1),
            (343, 7),
            (1400, 100),
            (2200, 3),
            (2803, 1),
            (2857, 11),
            (3495, 1),
            (3600, 100),
        ],
        &[(0, 50), (3500, 1), (3533, 2), (3601, 1), (4200, 100)],
    ];
    for course in steady.into_iter().chain(changing) {
        let other = run(course);
        assert_eq!(slow.machine.hash(), other.machine.hash(), "{course:?}");
        let (others_faults, others_anomalies) = found(&other);
        assert_eq!(&others_faults, faults, "{course:?}");
        assert_eq!(&others_anomalies, anomalies, "{course:?}");
        if steady.contains(&course) {
            let entities = ["BUS-004", "CONV-001", "WIND-001", "SOLAR-002"];
            published_by_both(&slow, &other, &entities, 0);
        }
    }
}

/// Whatever `other` published of these entities was published by `slow` too, but for the first and last
/// `ends` samples of each.
fn published_by_both(slow: &Driver, other: &Driver, entities: &[&str], ends: usize) {
    for entity in entities {
        let mut all = samples(slow, entity).into_iter();
        let published = samples(other, entity);
        let published = &published[ends..published.len() - ends];
        assert!(!published.is_empty());
        for sample in published {
            assert!(
                all.any(|one| one == *sample),
                "{sample:?} is not a later sample of the slower run"
            );
        }
    }
}

/// Where a change of speed has shifted the wire's periods against those of the sensors, samples are of the
/// step at which they go out: at equal steps they are equal, whatever course led there.
#[test]
fn what_goes_out_is_of_the_present_step() {
    // Buses at the steps 17, 37, 57, ..., and at 17, 97, 177, ...; converters twice as often.
    let slow = run(&[(0, 1), (3, 2), (6997, 1)]);
    let fast = run(&[(0, 1), (9, 8), (6993, 1)]);
    published_by_both(&slow, &fast, &["BUS-004", "CONV-001"], 2);
    let native = samples(&run(&[(0, 1)]), "BUS-004");
    assert!(!native.contains(&samples(&slow, "BUS-004")[3]));
}

/// The periods on the wire and the timestamps do not change with the speed, whenever it changes.
#[test]
fn every_entity_goes_out_once_in_each_period() {
    let driver = run(&[
        (0, 1),
        (343, 7),
        (1400, 100),
        (2200, 3),
        (2803, 1),
        (2857, 11),
        (3495, 1),
        (3600, 100),
    ]);
    for (entity, period) in [("CONV-002", 5), ("BUS-001", 10), ("SOLAR-001", 20)] {
        let ticks: Vec<_> = driver
            .samples(entity)
            .iter()
            .map(|(tick, _)| tick.0)
            .collect();
        assert!(ticks.len() > 30);
        assert!(
            ticks.windows(2).all(|pair| pair[1] - pair[0] == period),
            "{ticks:?}"
        );
    }
    for (tick, event) in &driver.events {
        let expected = gridcast::grid::time::Timeline::default().timestamp(*tick);
        assert_eq!(event.timestamp(), expected, "{event:?}");
    }
}

/// A snapshot taken where the wire's periods and those of the samples have fallen apart restores all.
#[test]
fn a_snapshot_between_native_samples_goes_on_alike() {
    let mut driver = Driver::started(RunSettings {
        speed: 3,
        ..settings(23, JUNE_NOON, 1.0, 360.0)
    });
    driver.seconds(20);
    for speed in [7, 1, 100, 2, 1] {
        driver.command(Command::SetSpeed { speed }).unwrap();
        let stuck = order(
            &driver.spec,
            InjectionKind::Stuck,
            "BUS-003",
            None,
            Some(60.0),
        );
        let _ = driver.inject(stuck);
        for _ in 0..13 {
            driver.tick();
        }
        let (mut original, mut restored) = (driver.clone(), driver.restored());
        for _ in 0..45 {
            assert_eq!(original.tick(), restored.tick(), "speed {speed}");
        }
        assert!(original.machine.snapshot() == restored.machine.snapshot());
    }
    let samples = driver.events.iter();
    let samples = samples.filter(|(_, event)| matches!(&**event, Event::Sample(_)));
    assert!(samples.count() > 100);
}

/// A spike lasts for one native sample at any speed, and its end says so.
#[test]
fn a_spike_is_one_native_sample() {
    for speed in [1, 10, 100] {
        let mut driver = Driver::started(RunSettings {
            speed,
            ..settings(23, JUNE_NOON, 0.0, 0.0)
        });
        for _ in 0..3 {
            driver.tick();
        }
        let spike = driver.disturb(InjectionKind::Spike, "BUS-003", Some(50.0), None);
        assert_eq!(spike.duration_s, None);
        let lasts = spike.end_tick.unwrap().since(spike.start_tick);
        let step = 4 * u64::from(speed);
        let steps = 10 - step % 10;
        assert_eq!(lasts, steps.div_ceil(u64::from(speed)), "speed {speed}");
    }
}
