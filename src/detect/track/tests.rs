use super::*;
use crate::{maths::sin, random::Source};

const EXACT: Spec = Spec {
    level: Level::Exact { offset: 1.0 },
    jump: 6.0,
    floor: 0.4,
    noise: true,
};
const WANDERS: Spec = Spec {
    level: Level::Wanders {
        gain: 0.35,
        spread: 1.0,
        drift: 6.0,
        patience: PATIENCE,
    },
    ..EXACT
};
const BEGIN: u64 = 300;

/// Noise of standard deviation `sigma`, to which `disturb` adds what happens at each sample after
/// [`BEGIN`].
fn signals(
    spec: &Spec,
    sigma: f64,
    samples: u64,
    disturb: impl Fn(u64, f64) -> f64,
) -> Vec<(u64, Signal)> {
    let noise = Source::new(11, "track");
    let mut track = Track::new();
    (0..samples)
        .filter_map(|step| {
            let normal = noise.at(step).normal();
            let after = step.checked_sub(BEGIN);
            let value = sigma * (normal + after.map_or(0.0, |after| disturb(after, normal)));
            let signal = track.step(spec, &Input::new(value, 1.0), Gate::Open);
            signal.map(|signal| (step, signal))
        })
        .collect()
}

fn first_shape(signals: &[(u64, Signal)]) -> Option<(u64, Shape, u32)> {
    match signals.first()? {
        (step, Signal::Raised(Finding { shape, age, .. })) => Some((step - BEGIN, *shape, *age)),
        (_, Signal::Cleared) => None,
    }
}

#[test]
fn noise_alone_raises_nothing_whatever_its_strength() {
    for spec in [EXACT, WANDERS] {
        for sigma in [0.5, 1.0, 1.4] {
            assert_eq!(signals(&spec, sigma, 20_000, |_, _| 0.0), []);
        }
    }
}

#[test]
fn shapes_are_told_apart_within_five_samples() {
    let of = |disturb: fn(u64, f64) -> f64| first_shape(&signals(&EXACT, 1.0, 340, disturb));
    assert_eq!(
        of(|k, _| if k < 1 { 12.0 } else { 0.0 }),
        Some((3, Shape::Spike, 3))
    );
    assert_eq!(
        of(|k, _| if k < 2 { -12.0 } else { 0.0 }),
        Some((4, Shape::Spike, 4))
    );
    assert_eq!(of(|_, _| 12.0), Some((3, Shape::Shift, 3)));
    let (delay, shape, age) = of(|_, normal| 9.0 * normal).unwrap();
    assert!(delay <= 8 && age >= 2, "{delay} {age}");
    assert_eq!(shape, Shape::Burst);
    let (delay, shape, _) = of(|k, _| 9.0 * sin(k as f64 * 1.26)).unwrap();
    assert!(delay <= 8, "{delay}");
    assert_eq!(shape, Shape::Oscillation);
}

#[test]
fn a_drift_is_found_before_it_is_a_jump() {
    for spec in [EXACT, WANDERS] {
        let found = signals(&spec, 1.0, 480, |k, _| k as f64 * 0.11);
        let (delay, shape, _) = first_shape(&found).unwrap();
        assert_eq!(shape, Shape::Drift);
        assert!(delay < 160, "{delay}");
    }
    let found = signals(&EXACT, 1.0, 480, |k, _| k as f64 * 0.11);
    assert!(first_shape(&found).unwrap().0 < 50);
}

#[test]
fn what_is_over_is_cleared_and_was_not_learnt() {
    let found = signals(&EXACT, 1.0, 700, |k, _| match k {
        0..60 | 200..260 => 10.0,
        _ => 0.0,
    });
    let steps: Vec<u64> = found.iter().map(|(step, _)| step - BEGIN).collect();
    let raised = |at: usize| {
        matches!(
            found[at].1,
            Signal::Raised(Finding {
                shape: Shape::Shift,
                ..
            })
        )
    };
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(raised(0) && raised(2));
    assert_eq!((steps[0], steps[2]), (3, 203));
    assert!(
        (60..90).contains(&steps[1]) && (260..290).contains(&steps[3]),
        "{steps:?}"
    );
}

#[test]
fn a_wandering_level_that_moved_for_good_becomes_normal() {
    let found = signals(&WANDERS, 1.0, 1200, |_, _| 12.0);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[1].1, Signal::Cleared);
}

#[test]
fn what_another_alert_explains_raises_nothing_and_is_not_learnt() {
    let noise = Source::new(3, "explained");
    let mut track = Track::new();
    let step = |track: &mut Track, at: u64, offset: f64, gate| {
        let value = noise.at(at).normal() + offset;
        track.step(&EXACT, &Input::new(value, 1.0), gate)
    };
    for at in 0..200 {
        assert_eq!(step(&mut track, at, 0.0, Gate::Open), None);
    }
    let before = track.learnt.scale.variance();
    for at in 200..400 {
        assert_eq!(step(&mut track, at, 15.0, Gate::Explained), None);
    }
    assert!((track.learnt.scale.variance() - before).abs() < 1e-12);
    assert_eq!(step(&mut track, 400, 0.0, Gate::Open), None);
}
