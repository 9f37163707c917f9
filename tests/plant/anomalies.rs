//! Random sensor anomalies, in short: one run at speed 10. The long proof is `tests/prove/anomalies.rs`.

use crate::benchmark::{Truth, run};

#[test]
fn random_anomalies_of_sensors_are_found_at_speed_10() {
    let count = 20;
    let truth = Truth::of(3, 0.0, 30 + 60 * count);
    let outcome = run(&truth, 3, 10, 0.0, count);
    println!("{}", outcome.row());
    assert_eq!(outcome.injected(), 20);
    assert!(outcome.found() >= 17, "{:#?}", outcome.missed);
    assert!(outcome.named() >= 0.8, "{}", outcome.row());
    assert!(
        outcome.false_alarms.len() <= 1,
        "{:#?}",
        outcome.false_alarms
    );
}
