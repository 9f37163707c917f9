//! What is no fault of a sensor: a lost source and a failed fan are one anomaly each, a storm, a branch and a
//! dip none that jumps.

use gridcast::grid::{
    alert::{Anomaly, AnomalyPhase, AnomalyType},
    injection::InjectionKind,
    time::Tick,
};

use crate::support::{Driver, JUNE_NOON, settings};

const SEEDS: std::ops::Range<u64> = 1..5;

/// The anomalies raised in `seconds` from a disturbance of `entity` on, whose tick is returned.
fn raised(
    seed: u64,
    before_s: u64,
    (kind, entity, size, duration_s): (InjectionKind, &str, Option<f64>, f64),
    seconds: u64,
) -> (Tick, Vec<(Tick, Anomaly)>) {
    let mut driver = Driver::started(settings(seed, JUNE_NOON, 1.0, 0.0));
    driver.seconds(before_s);
    driver.take();
    driver.disturb(kind, entity, size, Some(duration_s));
    let begun = driver.machine.done();
    driver.seconds(seconds);
    let mut anomalies = driver.anomalies();
    anomalies.retain(|(_, anomaly)| anomaly.details.phase == AnomalyPhase::Raised);
    (begun, anomalies)
}

#[test]
fn a_lost_source_contradicts_its_converter_within_five_samples() {
    const FIVE_SAMPLES: u64 = 25;
    for seed in SEEDS {
        for converter in ["CONV-001", "CONV-002"] {
            let lost = (InjectionKind::DcSourceLoss, converter, Some(1.0), 10.0);
            let (begun, anomalies) = raised(seed, 90, lost, 10);
            let found = anomalies.iter().any(|(at, anomaly)| {
                anomaly.details.source.as_str() == converter
                    && anomaly.details.anomaly_type == AnomalyType::Inconsistent
                    // The disturbance acts from the tick after its command on.
                    && at.since(begun) <= FIVE_SAMPLES + 1
            });
            assert!(found, "seed {seed}, {converter}: {anomalies:#?}");
        }
    }
}

#[test]
fn a_failed_fan_is_one_alert() {
    for seed in SEEDS {
        for converter in ["CONV-001", "CONV-002", "CONV-003"] {
            let failed = (InjectionKind::FanFailure, converter, Some(2.2), 600.0);
            let (_, anomalies) = raised(seed, 90, failed, 1_500);
            let of_it = anomalies
                .iter()
                .filter(|(_, anomaly)| anomaly.details.source.as_str() == converter);
            assert!(
                of_it.count() <= 1,
                "seed {seed}, {converter}: {anomalies:#?}"
            );
        }
    }
}

/// A gust stops both turbines as a storm does; they start again when it is over.
#[test]
fn a_turbine_that_starts_again_is_no_spike() {
    for seed in SEEDS {
        for turbine in ["WIND-001", "WIND-002"] {
            let storm = (InjectionKind::Gust, turbine, Some(3.0), 120.0);
            no_spike(seed, raised(seed, 90, storm, 600).1);
        }
    }
}

#[test]
fn a_branch_that_trips_and_a_dip_are_no_spikes() {
    for seed in SEEDS {
        for branch in 1..=6 {
            let branch = format!("BRANCH-{branch:03}");
            let trip = (InjectionKind::BranchTrip, branch.as_str(), None, 30.0);
            no_spike(seed, raised(seed, 90, trip, 60).1);
        }
        for (bus, remains_pu) in [("BUS-003", 0.5), ("BUS-004", 0.3), ("BUS-005", 0.8)] {
            let dip = (InjectionKind::VoltageDip, bus, Some(remains_pu), 1.5);
            no_spike(seed, raised(seed, 90, dip, 60).1);
        }
    }
}

fn no_spike(seed: u64, anomalies: Vec<(Tick, Anomaly)>) {
    let spikes: Vec<_> = anomalies
        .into_iter()
        .filter(|(_, anomaly)| anomaly.details.anomaly_type == AnomalyType::Spike)
        .collect();
    assert!(spikes.is_empty(), "seed {seed}: {spikes:#?}");
}
