//! The undisturbed plant: it stays within the limits of normal operation, and nobody cries wolf.

use gridcast::grid::event::Event;

use crate::support::{Driver, JUNE_MIDNIGHT, JUNE_NOON, settings, wire};

/// What two quiet hours look like.
#[derive(Debug)]
struct Report {
    sigma_mhz: f64,
    within_50_mhz: f64,
    voltage: (f64, f64),
    faults: Vec<String>,
    anomalies: Vec<String>,
}

fn two_hours(seed: u64, start_ms: i64) -> Report {
    let mut driver = Driver::started(settings(seed, start_ms, 1.0, 0.0));
    let (mut sum, mut squares, mut within, mut count) = (0.0, 0.0, 0.0, 0.0);
    let mut voltage = (f64::MAX, f64::MIN);
    for _ in 0..7200 {
        driver.seconds(1);
        driver.events.retain(|(_, event)| {
            let Event::Sample(sample) = &**event else {
                return true;
            };
            if let Some(bus) = wire::bus(sample) {
                let v = bus.measurement.voltage_magnitude;
                voltage = (voltage.0.min(v), voltage.1.max(v));
                if bus.bus_id.as_str() == "BUS-001" {
                    let mhz = 1000.0 * (bus.measurement.frequency - 50.0);
                    sum += mhz;
                    squares += mhz * mhz;
                    within += f64::from(u8::from(mhz.abs() < 50.0));
                    count += 1.0;
                }
            }
            false
        });
    }
    let raised = |phase: String| phase == "Raised";
    let faults = driver.faults().into_iter();
    let anomalies = driver.anomalies().into_iter();
    let mean = sum / count;
    Report {
        sigma_mhz: (squares / count - mean * mean).sqrt(),
        within_50_mhz: within / count,
        voltage,
        faults: faults
            .filter(|(_, fault)| raised(format!("{:?}", fault.details.phase)))
            .map(|(_, fault)| fault.details.id)
            .collect(),
        anomalies: anomalies
            .filter(|(_, anomaly)| raised(format!("{:?}", anomaly.details.phase)))
            .map(|(_, anomaly)| format!("{} {}", anomaly.details.id, anomaly.details.description))
            .collect(),
    }
}

/// No limit is passed, the frequency is that of a quiet system, and at most two false alarms come in two
/// hours.
fn stays_quiet(seeds: std::ops::Range<u64>, start_ms: i64) {
    let reports: Vec<_> = seeds.map(|seed| two_hours(seed, start_ms)).collect();
    println!("{reports:#?}");
    for report in &reports {
        assert!(report.faults.is_empty(), "{report:#?}");
        assert!(report.anomalies.len() <= 2, "{report:#?}");
        // The windiest hours are the least quiet ones.
        assert!((8.0..32.0).contains(&report.sigma_mhz), "{report:#?}");
        assert!(report.within_50_mhz > 0.9, "{report:#?}");
        assert!(
            report.voltage.0 > 0.95 && report.voltage.1 < 1.05,
            "{report:#?}"
        );
    }
    let count = reports.len() as f64;
    let mean_mhz = reports.iter().map(|report| report.sigma_mhz).sum::<f64>() / count;
    assert!((14.0..26.0).contains(&mean_mhz), "{mean_mhz} mHz");
}

#[test]
fn two_hours_at_noon() {
    stays_quiet(1..6, JUNE_NOON);
}

#[test]
fn two_hours_in_the_morning() {
    stays_quiet(11..16, JUNE_NOON - 6 * 3_600_000);
}

#[test]
fn two_hours_of_the_night() {
    stays_quiet(21..26, JUNE_MIDNIGHT);
}
