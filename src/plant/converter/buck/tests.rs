//! What a buck converter does with its load, its link and its limits.

use super::*;

fn buck() -> Buck {
    Buck::new(BuckParameters::buck_50_kw()).unwrap()
}

fn input(load_w: f64) -> BuckInput {
    BuckInput {
        input_v: 750.0,
        load_w,
        supply_w: f64::INFINITY,
        ambient_c: 20.0,
        thermal_resistance_factor: 1.0,
    }
}

fn run(buck: &Buck, state: &mut BuckState, input: &BuckInput, steps: usize) -> BuckReadings {
    for _ in 0..steps {
        buck.step(state, input);
    }
    *state.readings()
}

#[test]
fn a_settled_converter_holds_its_voltage_and_draws_what_it_says() {
    let buck = buck();
    for load_w in [0.0, 5e3, 30e3, 49e3] {
        let mut state = buck.settled(&input(load_w));
        let readings = run(&buck, &mut state, &input(load_w), 1);
        assert!((readings.output_v - 400.0).abs() < 1e-6);
        assert!((readings.output_w - load_w).abs() < 1e-3);
        let copper_w = 0.02 * readings.inductor_a * readings.inductor_a;
        let expected_w = load_w + copper_w + readings.losses_w;
        assert!((readings.input_w - expected_w).abs() < 1e-3);
        let demand_w = buck.demand_w(&state, &input(load_w));
        assert!((readings.input_w - demand_w).abs() < 1e-3);
        assert!(!readings.limiting);
    }
    // Ripple at rated load: (750 - 400)·(402.5/750)/(1 mH · 20 kHz)/√12 on 125 A.
    let readings = run(&buck, &mut buck.settled(&input(50e3)), &input(50e3), 1);
    let expected = 100.0 * 350.0 * 402.5 / 750.0 / 20.0 / 12.0_f64.sqrt() / 125.0;
    assert!((readings.ripple_percent - expected).abs() < 1e-6);
    assert!((readings.losses_w - 900.0).abs() < 1e-3);
    assert!((readings.heat_sink_c - 48.0).abs() < 1e-3);
}

#[test]
fn looking_away_at_rest_changes_nothing() {
    let buck = buck();
    let mut short = buck.settled(&input(10e3));
    let mut whole = short.clone();
    for (input_v, load_w) in [
        (750.0, 30e3),
        (742.0, 49e3),
        (700.0, 60e3),
        (590.0, 45e3),
        (750.0, 100.0),
        (500.0, 20e3),
        (750.0, 20e3),
    ] {
        let input = BuckInput {
            input_v,
            ..input(load_w)
        };
        buck.step(&mut short, &input);
        buck.step_until(&mut whole, &input, 0.0);
        let (short, whole) = (short.readings(), whole.readings());
        assert!((short.output_v - whole.output_v).abs() < 4e-7);
        assert!((short.inductor_a - whole.inductor_a).abs() < 1.25e-7);
        assert!((short.input_w - whole.input_w).abs() < 5e-5);
    }
}

#[test]
fn a_rising_load_costs_little_voltage() {
    let buck = buck();
    let filter = |load_w: f64| LcFilter::new(1e-3, 1e-3, 0.02, load_w / 160e3, 50e-6);
    let mut state = buck.settled(&input(10e3)).filter;
    let control = Control {
        input_v: 750.0,
        load_siemens: 40e3 / 160e3,
        most_a: 125.0,
    };
    let mut lowest_v = state.output_v;
    for _ in 0..400 {
        let (switch_v, _) = buck.switch_v(state, &control);
        state = filter(40e3).advance(state, switch_v);
        lowest_v = state.output_v.min(lowest_v);
        assert!((0.0..126.0).contains(&state.inductor_a));
    }
    assert!(lowest_v > 380.0, "{lowest_v}");
    assert!((state.output_v - 400.0).abs() < 1e-6);
}

#[test]
fn an_overload_meets_the_rated_current() {
    let buck = buck();
    let mut state = buck.settled(&input(70e3));
    let readings = run(&buck, &mut state, &input(70e3), 10);
    assert!((readings.inductor_a - 125.0).abs() < 1e-6);
    assert!((readings.output_v - 125.0 * 160e3 / 70e3).abs() < 1e-6);
    assert!(readings.limiting);
}

#[test]
fn a_short_link_is_not_asked_for_more() {
    let buck = buck();
    let mut state = buck.settled(&input(30e3));
    let short = BuckInput {
        input_v: 610.0,
        supply_w: 4500.0,
        ..input(30e3)
    };
    let readings = run(&buck, &mut state, &short, 3);
    assert!(readings.input_w < 4501.0, "{readings:?}");
    assert!(readings.input_w > 4300.0, "{readings:?}");
    let nothing = BuckInput {
        supply_w: 0.0,
        ..short
    };
    let readings = run(&buck, &mut state, &nothing, 3);
    assert!(readings.output_w < 1e-3, "{readings:?}");
    let readings = run(&buck, &mut state, &input(30e3), 2);
    assert!((readings.output_w - 30e3).abs() < 1e-3);
}

#[test]
fn without_input_it_falls_silent() {
    let buck = buck();
    let mut state = buck.settled(&input(30e3));
    let dead = BuckInput {
        input_v: 0.0,
        ..input(30e3)
    };
    let readings = run(&buck, &mut state, &dead, 10);
    assert!(readings.output_v.abs() < 1e-6 && readings.inductor_a.abs() < 1e-6);
    assert!(readings.losses_w.abs() < 1e-9 && readings.ripple_percent.abs() < 1e-9);
}

#[test]
fn a_restored_state_goes_on_identically() {
    let buck = buck();
    let mut state = buck.settled(&input(30e3));
    run(&buck, &mut state, &input(35e3), 1);
    let text = serde_json::to_string(&state).unwrap();
    let mut restored: BuckState = serde_json::from_str(&text).unwrap();
    run(&buck, &mut state, &input(20e3), 3);
    run(&buck, &mut restored, &input(20e3), 3);
    assert_eq!(restored, state);
}
