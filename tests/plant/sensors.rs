//! Sensor faults alter what is published and nothing else.

use gridcast::{
    grid::{
        alert::{AnomalyPhase, AnomalyType},
        event::Event,
        injection::{InjectionKind, InjectionOrder},
        telemetry::Sample,
        time::Tick,
    },
    plant::InjectionRequest,
};

use crate::support::{Driver, JUNE_NOON, default_plant, settings};

const ENTITY: &str = "BUS-004";
const FIELD: &str = "activePower";
const SIZE: f64 = 5.0;

fn order(kind: InjectionKind, duration_s: Option<f64>) -> InjectionOrder {
    InjectionOrder {
        kind,
        entity: ENTITY.into(),
        field: kind.rule().has_field.then(|| FIELD.to_owned()),
        size: (!matches!(kind, InjectionKind::Stuck | InjectionKind::Missing)).then_some(SIZE),
        duration_s,
    }
}

/// What was published with a fault of 8 s less what would have been without, sample by sample (none
/// where there is none), over 12 s. Everything else must be the same.
fn differences(kind: InjectionKind, duration_s: Option<f64>, noise: f64) -> Vec<Option<f64>> {
    let mut with = Driver::started(settings(8, JUNE_NOON, noise, 0.0));
    with.seconds(5);
    with.tick();
    with.take();
    let mut without = with.clone();
    with.inject(order(kind, duration_s)).unwrap();
    with.seconds(12);
    without.seconds(12);
    assert_eq!(
        with.machine.hash(),
        without.machine.hash(),
        "{kind:?} acts on the plant"
    );
    let samples = |driver: &Driver| -> Vec<(Tick, Sample)> {
        let events = driver.events.iter();
        let samples = events.filter_map(|(tick, event)| match &**event {
            Event::Sample(sample) => Some((*tick, sample.clone())),
            _ => None,
        });
        samples.collect()
    };
    let published = samples(&with);
    let mut differences = Vec::new();
    for (tick, truth) in samples(&without) {
        let found = published
            .iter()
            .find(|(at, sample)| *at == tick && sample.entity == truth.entity);
        if truth.entity.as_str() != ENTITY {
            assert_eq!(found.map(|(_, sample)| sample), Some(&truth));
            continue;
        }
        let Some((_, sample)) = found else {
            differences.push(None);
            continue;
        };
        let mut sample = sample.clone();
        let place = sample.place_of(FIELD).unwrap();
        let expected = truth.row.get(place);
        differences.push(Some(sample.row.get(place) - expected));
        sample.set(place, expected);
        assert_eq!(sample, truth, "{kind:?} alters another field");
    }
    assert_eq!(differences.len(), 12);
    differences
}

fn numbers(differences: &[Option<f64>]) -> Vec<f64> {
    differences.iter().map(|value| value.unwrap()).collect()
}

fn close(found: &[f64], expected: &[f64]) {
    let pairs = found.iter().zip(expected);
    assert!(
        pairs.clone().all(|(a, b)| (a - b).abs() < 1e-9) && found.len() == expected.len(),
        "{found:?} is not {expected:?}"
    );
}

#[test]
fn a_spike_is_one_sample() {
    let found = numbers(&differences(InjectionKind::Spike, None, 0.0));
    let mut expected = [0.0; 12];
    expected[0] = SIZE;
    close(&found, &expected);
}

#[test]
fn a_level_shift_is_an_offset_for_as_long_as_it_lasts() {
    for noise in [0.0, 1.0] {
        let found = numbers(&differences(InjectionKind::LevelShift, Some(8.0), noise));
        let mut expected = [SIZE; 12];
        expected[8..].fill(0.0);
        close(&found, &expected);
    }
}

/// It begins at tick 51 of the run, with the second tick of a period: 0.8 s before the first sample.
#[test]
fn a_drift_grows_to_its_size() {
    let found = numbers(&differences(InjectionKind::Drift, Some(8.0), 0.0));
    let mut expected = [0.0; 12];
    for (at, value) in expected.iter_mut().take(8).enumerate() {
        *value = SIZE * (at as f64 + 0.8) / 8.0;
    }
    close(&found, &expected);
}

#[test]
fn a_noise_burst_is_noise_of_its_size() {
    let found = numbers(&differences(InjectionKind::NoiseBurst, Some(8.0), 0.0));
    let (during, after) = found.split_at(8);
    assert!(after.iter().all(|value| *value == 0.0));
    let square = during.iter().map(|value| value * value).sum::<f64>() / 8.0;
    assert!((0.2..3.0).contains(&(square.sqrt() / SIZE)), "{during:?}");
    let first = during[0];
    assert!(
        during
            .iter()
            .skip(1)
            .all(|value| (value - first).abs() > 1e-6)
    );
}

#[test]
fn an_oscillation_swings_between_plus_and_minus_its_size() {
    let found = numbers(&differences(InjectionKind::Oscillation, Some(8.0), 0.0));
    let (during, after) = found.split_at(8);
    assert!(after.iter().all(|value| *value == 0.0));
    let highest = during.iter().copied().fold(f64::MIN, f64::max);
    let lowest = during.iter().copied().fold(f64::MAX, f64::min);
    assert!(highest > 0.9 * SIZE && lowest < -0.9 * SIZE, "{during:?}");
    assert!(during.iter().all(|value| value.abs() <= SIZE));
}

#[test]
fn a_stuck_sensor_repeats_what_it_said_last() {
    for noise in [0.0, 1.0] {
        let mut driver = Driver::started(settings(8, JUNE_NOON, noise, 0.0));
        driver.seconds(5);
        driver
            .inject(order(InjectionKind::Stuck, Some(8.0)))
            .unwrap();
        driver.seconds(12);
        let values: Vec<_> = driver.series(ENTITY, FIELD).into_iter().collect();
        let bits: Vec<_> = values.iter().map(|(_, value)| value.to_bits()).collect();
        // The sample before it, then eight that repeat it.
        assert!(
            bits[4..13].iter().all(|value| *value == bits[4]),
            "{values:?}"
        );
        assert_ne!(bits[3], bits[4]);
        assert_ne!(bits[13], bits[4], "{values:?}");
        assert!(
            driver
                .series(ENTITY, "reactivePower")
                .windows(2)
                .all(|pair| (pair[0].1 - pair[1].1).abs() > 0.0)
        );
    }
}

#[test]
fn missing_samples_are_missing() {
    let found = differences(InjectionKind::Missing, Some(8.0), 1.0);
    assert!(found[..8].iter().all(Option::is_none), "{found:?}");
    assert!(
        found[8..].iter().all(|value| *value == Some(0.0)),
        "{found:?}"
    );
}

/// What is kept is what was published.
#[test]
fn the_history_holds_what_was_published() {
    let mut driver = Driver::started(settings(8, JUNE_NOON, 1.0, 0.0));
    driver
        .inject(order(InjectionKind::LevelShift, Some(8.0)))
        .unwrap();
    driver
        .inject(order(InjectionKind::Missing, Some(3.0)))
        .unwrap();
    driver.seconds(20);
    for id in ["BUS-004", "CONV-001", "WIND-002"] {
        let at = driver.machine.catalogue().find(id).unwrap();
        let kept: Vec<_> = driver.machine.history().of(at);
        let published: Vec<_> = driver
            .samples(id)
            .into_iter()
            .map(|(_, sample)| sample)
            .collect();
        let kept: Vec<_> = kept
            .iter()
            .map(|event| match &**event {
                Event::Sample(sample) => sample.clone(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(kept, published, "{id}");
        assert!(!kept.is_empty());
    }
}

/// Anomalies raised at an entity within so many seconds from now: ticks from now, kind, field.
fn raised(driver: &mut Driver, entity: &str, seconds: u64) -> Vec<(u64, AnomalyType, String)> {
    driver.take();
    let now = driver.machine.done();
    driver.seconds(seconds);
    let found = driver.anomalies().into_iter();
    found
        .filter(|(_, anomaly)| {
            let details = &anomaly.details;
            details.source.as_str() == entity && details.phase == AnomalyPhase::Raised
        })
        .map(|(tick, anomaly)| {
            let field = anomaly.details.field.unwrap_or_default();
            (tick.since(now), anomaly.details.anomaly_type, field)
        })
        .collect()
}

fn shift(entity: &str, field: &str) -> InjectionOrder {
    let request = InjectionRequest {
        kind: InjectionKind::LevelShift,
        entity: entity.into(),
        size: None,
        duration_s: None,
        field: Some(field.into()),
    };
    default_plant().place(request).unwrap()
}

/// Nothing has been learnt then: five buses share one frequency, and the nameplates tell the noise.
#[test]
fn a_frequency_that_shifts_in_the_first_seconds_is_found_within_five_samples() {
    for seed in 1..=4 {
        for second in [1, 2, 8] {
            let mut driver = Driver::started(settings(seed, JUNE_NOON, 1.0, 0.0));
            driver.seconds(second);
            driver.inject(shift("BUS-004", "frequency")).unwrap();
            let found = raised(&mut driver, "BUS-004", 6);
            assert!(
                matches!(&found[..], [(1..=50, _, field)] if field == "frequency"),
                "seed {seed}, after {second} s: {found:?}"
            );
        }
    }
}

/// What was shifted is not learnt as normal.
#[test]
fn the_same_shift_is_found_again_and_again() {
    let mut driver = Driver::started(settings(8, JUNE_NOON, 1.0, 0.0));
    driver.seconds(8);
    for pause in [42, 50, 100] {
        driver.inject(shift("BUS-004", "frequency")).unwrap();
        let found = raised(&mut driver, "BUS-004", pause);
        assert!(
            matches!(&found[..], [(1..=50, AnomalyType::LevelShift, field)] if field == "frequency"),
            "{found:?}"
        );
    }
}

/// Through the network equations, and in the mean of the frequencies, a large error of one sensor shows in
/// the residuals of all others. It is that sensor's alone.
#[test]
fn a_large_error_of_one_sensor_raises_nothing_elsewhere() {
    let mut calm = Driver::started(settings(5, JUNE_NOON, 1.0, 0.0));
    calm.seconds(120);
    calm.take();
    for (field, sizes) in [
        ("voltageMagnitude", [0.02, -0.04, 0.1]),
        ("frequency", [0.05, -0.3, 1.0]),
    ] {
        for (bus, size) in (1..=5).flat_map(|bus| sizes.map(|size| (bus, size))) {
            let mut driver = calm.clone();
            let entity = format!("BUS-{bus:03}");
            let order = InjectionOrder {
                kind: InjectionKind::LevelShift,
                entity: entity.as_str().into(),
                field: Some(field.to_owned()),
                size: Some(size),
                duration_s: Some(30.0),
            };
            driver.inject(order).unwrap();
            driver.seconds(90);
            let anomalies = driver.anomalies();
            let raised: Vec<_> = anomalies
                .iter()
                .map(|(_, anomaly)| &anomaly.details)
                .filter(|details| details.phase == AnomalyPhase::Raised)
                .map(|details| {
                    (
                        details.source.to_string(),
                        details.field.clone(),
                        details.anomaly_type,
                    )
                })
                .collect();
            let expected = (entity, Some(field.to_owned()), AnomalyType::LevelShift);
            assert_eq!(raised, [expected], "{field} {size}");
            assert_eq!(anomalies.len(), 2, "{field} {size}: it ends");
        }
    }
}
