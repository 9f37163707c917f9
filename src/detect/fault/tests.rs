use proptest::prelude::*;

use super::*;

const ALL: [FaultType; 8] = [
    FaultType::Undervoltage,
    FaultType::Overvoltage,
    FaultType::FrequencyDeviation,
    FaultType::Overcurrent,
    FaultType::DcLinkOvervoltage,
    FaultType::DcLinkUndervoltage,
    FaultType::Overtemperature,
    FaultType::Overload,
];

fn phases(fault_type: FaultType, values: &[f64]) -> Vec<Option<(FaultPhase, Severity, f64)>> {
    let mut monitor = Monitor::new(fault_type);
    let limits = FaultLimits::default();
    (0..)
        .zip(values)
        .map(|(step, &value)| {
            monitor
                .observe(limits.of(fault_type), step, value)
                .map(|change| (change.phase, change.severity, change.limit))
        })
        .collect()
}

#[test]
fn a_sag_is_raised_escalates_and_clears_beyond_the_hysteresis() {
    use FaultPhase::{Cleared, Escalated, Raised};
    use Severity::{High, Low, Medium};
    assert_eq!(
        phases(
            FaultType::Undervoltage,
            &[
                0.95, 0.9499, 0.94, 0.89, 0.93, 0.84, 0.955, 0.96, 0.9601, 0.97
            ]
        ),
        [
            None,
            Some((Raised, Low, 0.95)),
            None,
            Some((Escalated, Medium, 0.90)),
            None,
            Some((Escalated, High, 0.85)),
            None,
            None,
            Some((Cleared, High, 0.95)),
            None,
        ]
    );
}

#[test]
fn the_first_sample_may_already_be_severe() {
    assert_eq!(
        phases(FaultType::Overload, &[154.0, 99.0, 97.9]),
        [
            Some((FaultPhase::Raised, Severity::Critical, 150.0)),
            None,
            Some((FaultPhase::Cleared, Severity::Critical, 100.0)),
        ]
    );
}

#[test]
fn a_value_that_is_not_a_number_changes_nothing() {
    assert_eq!(
        phases(
            FaultType::Overtemperature,
            &[f64::NAN, 86.0, f64::NAN, f64::INFINITY, 82.0]
        ),
        [
            None,
            Some((FaultPhase::Raised, Severity::Low, 85.0)),
            None,
            None,
            Some((FaultPhase::Cleared, Severity::Low, 85.0)),
        ]
    );
}

#[test]
fn the_worst_value_is_told_at_the_end() {
    let limits = FaultLimits::default().undervoltage;
    let mut monitor = Monitor::new(FaultType::Undervoltage);
    let values = [0.94, 0.93, 0.91, 0.92, 0.91, 0.955, 0.97];
    let changes = (10..)
        .zip(values)
        .filter_map(|(step, value)| monitor.observe(&limits, step, value));
    let last = changes.last().unwrap();
    assert_eq!(last.phase, FaultPhase::Cleared);
    let worst = Extreme {
        value: 0.91,
        step: 12,
    };
    assert_eq!(last.extreme, worst);
}

#[test]
fn limits_of_the_case_widen_those_of_the_standard_and_odd_ones_do_not_count() {
    let of = |vmin_pu, vmax_pu| {
        let limits = FaultLimits::default().allowing(vmin_pu, vmax_pu);
        let list = |limits: Limits| [limits.low, limits.medium, limits.high, limits.critical];
        [list(limits.undervoltage), list(limits.overvoltage)]
    };
    let usual = [[0.95, 0.90, 0.85, 0.70], [1.05, 1.10, 1.15, 1.20]];
    assert_eq!(
        of(0.94, 1.06),
        [[0.94, 0.90, 0.85, 0.70], [1.06, 1.10, 1.15, 1.20]]
    );
    assert_eq!(
        of(0.87, 1.17),
        [[0.87, 0.87, 0.85, 0.70], [1.17, 1.17, 1.17, 1.20]]
    );
    // Narrower than the standard, or no limits at all.
    for (vmin_pu, vmax_pu) in [
        (0.97, 1.03),
        (1.0, 1.0),
        (0.0, 0.0),
        (0.0, f64::INFINITY),
        (-1.0, 1e6),
        (1.2, 0.8),
        (f64::NAN, f64::NAN),
    ] {
        assert_eq!(of(vmin_pu, vmax_pu), usual, "{vmin_pu} {vmax_pu}");
    }
    assert_eq!(of(0.0, 1.1), [usual[0], [1.10, 1.10, 1.15, 1.20]]);
}

proptest! {
    #[test]
    fn a_fault_is_raised_once_rises_and_is_cleared_once(
        which in 0_usize..8,
        relative in proptest::collection::vec(-0.2_f64..1.6, 1..80),
    ) {
        let fault_type = ALL[which];
        let limits = FaultLimits::default();
        let of = limits.of(fault_type);
        let mut monitor = Monitor::new(fault_type);
        let mut severity = None;
        let mut worst = 0.0_f64;
        for (step, share) in (0..).zip(relative) {
            let value = of.low + share * (of.critical - of.low);
            let beyond = super::severity(fault_type, of, value);
            let change = monitor.observe(of, step, value);
            if severity.is_none() {
                worst = share;
            }
            worst = worst.max(share);
            if let Some(change) = change {
                prop_assert!((change.extreme.value - of.low - worst * (of.critical - of.low)).abs() < 1e-9);
                prop_assert!(change.extreme.step <= step);
            }
            match change.map(|change| (change.phase, change.severity)) {
                Some((FaultPhase::Raised, now)) => {
                    prop_assert!(severity.is_none());
                    prop_assert_eq!(beyond, Some(now));
                    severity = Some(now);
                }
                Some((FaultPhase::Escalated, now)) => {
                    prop_assert!(severity.is_some_and(|before| before < now));
                    prop_assert_eq!(beyond, Some(now));
                    severity = Some(now);
                }
                Some((FaultPhase::Cleared, last)) => {
                    prop_assert_eq!(severity, Some(last));
                    prop_assert!(is_clear(fault_type, of, value));
                    severity = None;
                }
                None => prop_assert!(beyond <= severity),
            }
            prop_assert_eq!(monitor.active(), severity);
        }
    }
}
