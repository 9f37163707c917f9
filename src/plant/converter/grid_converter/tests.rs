//! What a grid converter does in ordinary and in bad times.

use proptest::prelude::*;

use super::*;

fn both() -> [GridConverter; 2] {
    [
        GridConverterParameters::two_level_100_kva(),
        GridConverterParameters::npc_250_kva(),
    ]
    .map(|parameters| GridConverter::new(parameters).unwrap())
}

/// Ordinary conditions with a source of `source_pu` of rated power.
fn input(converter: &GridConverter, source_pu: f64) -> GridConverterInput {
    GridConverterInput {
        grid_peak_v: converter.nominal_peak_v,
        grid_voltage_pu: 1.0,
        frequency_hz: 50.0,
        source_w: source_pu * converter.parameters.rated_va(),
        dc_load_w: 0.0,
        ambient_c: 20.0,
        thermal_resistance_factor: 1.0,
    }
}

fn at_voltage(converter: &GridConverter, source_pu: f64, voltage_pu: f64) -> GridConverterInput {
    GridConverterInput {
        grid_peak_v: voltage_pu * converter.nominal_peak_v,
        grid_voltage_pu: voltage_pu,
        ..input(converter, source_pu)
    }
}

fn run(
    converter: &GridConverter,
    state: &mut GridConverterState,
    input: &GridConverterInput,
    steps: usize,
) -> GridConverterReadings {
    for _ in 0..steps {
        converter.step(state, input);
    }
    *state.readings()
}

fn dc_pu(converter: &GridConverter, readings: &GridConverterReadings) -> f64 {
    readings.dc_v / converter.parameters.dc_nominal_v
}

fn current_pu(converter: &GridConverter, readings: &GridConverterReadings) -> f64 {
    SpaceVector::new(readings.current_d_a, readings.current_q_a).length() / converter.rated_peak_a
}

// SciPy 1.17.1, solve_ivp (DOP853, rtol 1e-10): C dVdc/dt = (P_source - v_t·i - P_load - P_loss)/Vdc with the
// losses of the momentary current, between control actions; from rest at nominal voltage. The model here
// takes the losses of a period from its beginning, hence the tolerance.
#[test]
fn the_link_follows_an_independent_integration() {
    let [converter, _] = both();
    let mut state = GridConverterState {
        current: CurrentState::default(),
        link: converter.link.nominal(),
        reactive_pu: 0.0,
        thermal: ThermalState::default(),
        readings: GridConverterReadings::default(),
    };
    let expected = [
        (0.6, 749.880_179_211, 79.814_020_568, 0.004_626_234),
        (0.6, 749.999_341_840, 79.860_289_723, 0.001_717_234),
        (0.6, 750.000_003_881, 79.860_555_930, 0.000_631_513),
        (0.6, 750.000_002_806, 79.860_557_059, 0.000_232_204),
        (0.6, 750.000_001_046, 79.860_556_937, 0.000_085_380),
        (0.9, 749.922_347_527, 139.999_538_748, 0.003_524_734),
        (0.9, 749.999_574_733, 140.029_471_974, 0.001_306_474),
        (0.1, 750.195_321_149, -21.361_235_931, -0.008_885_040),
        (0.1, 750.000_922_397, -21.439_773_840, -0.003_294_852),
    ];
    for (source_pu, dc_v, current_d_a, current_q_a) in expected {
        let input = GridConverterInput {
            dc_load_w: 20e3,
            ..input(&converter, source_pu)
        };
        let found = run(&converter, &mut state, &input, 1);
        assert!((found.dc_v - dc_v).abs() < 0.01, "{found:?}");
        assert!((found.current_d_a - current_d_a).abs() < 0.005, "{found:?}");
        assert!((found.current_q_a - current_q_a).abs() < 0.005, "{found:?}");
    }
}

#[test]
fn a_settled_converter_exports_what_is_left_after_its_losses() {
    for converter in both() {
        let input = input(&converter, 0.6);
        let mut state = converter.settled(&input);
        let readings = run(&converter, &mut state, &input, 10);
        let squared = readings.current_d_a * readings.current_d_a;
        let copper_w = 1.5 * converter.parameters.r_ohm * squared;
        let left_w = input.source_w - readings.losses_w - copper_w;
        assert!((readings.active_w - left_w).abs() < 1e-6 * left_w);
        assert!((dc_pu(&converter, &readings) - 1.0).abs() < 1e-6);
        assert!(!readings.limiting);
        let power_w = 1.5 * input.grid_peak_v * readings.current_d_a;
        assert!((readings.active_w - power_w).abs() < 1e-9 * power_w);
    }
}

#[test]
fn rated_power_makes_the_expected_distortion_and_heat() {
    let [two_level, npc] = both();
    for (converter, thd, losses_pu) in [(&two_level, 2.26, 0.018), (&npc, 1.26, 0.0144)] {
        let input = input(converter, 1.0 + losses_pu);
        let state = converter.settled(&input);
        let readings = state.readings();
        assert!((readings.thd_percent - thd).abs() < 0.05, "{readings:?}");
        let rated_w = losses_pu * converter.parameters.rated_va();
        assert!((readings.losses_w / rated_w - 1.0).abs() < 0.01);
        assert!((readings.heat_sink_c - 48.0).abs() < 0.5);
    }
}

#[test]
fn the_books_of_the_link_balance_over_ten_seconds() {
    for converter in both() {
        let rated_va = converter.parameters.rated_va();
        let stored_j = |readings: &GridConverterReadings| {
            0.5 * converter.parameters.dc_capacitance_f * readings.dc_v * readings.dc_v
        };
        let mut state = converter.settled(&input(&converter, 0.5));
        let before_j = stored_j(state.readings());
        let mut moved_j = 0.0;
        let mut turnover_j = 0.0;
        for k in 0..100_u32 {
            let sway = f64::from(k % 13) / 13.0;
            let voltage_pu = if (40..60).contains(&k) {
                0.2
            } else {
                1.0 + 0.02 * sway
            };
            let input = GridConverterInput {
                dc_load_w: 0.2 * sway * rated_va,
                frequency_hz: 50.0 + 0.3 * sway,
                ..at_voltage(&converter, 0.5 + 0.6 * sway, voltage_pu)
            };
            converter.step(&mut state, &input);
            let EnergyBalance {
                source_j,
                grid_j,
                filter_j,
                load_j,
                losses_j,
                link_change_j,
            } = state.readings().energy;
            let left_j = source_j - grid_j - filter_j - load_j - losses_j;
            assert!((left_j - link_change_j).abs() < 1e-9 * source_j);
            moved_j += left_j;
            turnover_j += source_j;
        }
        let change_j = stored_j(state.readings()) - before_j;
        assert!((change_j - moved_j).abs() < 1e-9 * turnover_j);
    }
}

#[test]
fn a_deep_dip_leaves_currents_limited_and_the_link_bounded() {
    for converter in both() {
        let mut state = converter.settled(&input(&converter, 1.0));
        let mut highest_pu: f64 = 0.0;
        for _ in 0..20 {
            let dip = at_voltage(&converter, 1.0, 0.05);
            let readings = run(&converter, &mut state, &dip, 1);
            assert!(current_pu(&converter, &readings) < 1.001);
            assert!(readings.limiting);
            highest_pu = highest_pu.max(dc_pu(&converter, &readings));
        }
        assert!((1.10..1.14).contains(&highest_pu), "{highest_pu}");
        let readings = run(&converter, &mut state, &input(&converter, 0.9), 5);
        assert!((dc_pu(&converter, &readings) - 1.0).abs() < 1e-3);
        assert!(readings.active_w > 0.87 * converter.parameters.rated_va());
    }
}

#[test]
fn at_night_the_grid_feeds_the_load_on_the_link() {
    for converter in both() {
        let rated_va = converter.parameters.rated_va();
        let night = GridConverterInput {
            dc_load_w: 0.5 * rated_va,
            ..input(&converter, 0.0)
        };
        let mut state = converter.settled(&night);
        let readings = run(&converter, &mut state, &night, 10);
        assert!((-0.53 * rated_va..-0.5 * rated_va).contains(&readings.active_w));
        assert!((readings.dc_load_w - night.dc_load_w).abs() < 1e-6 * rated_va);

        // With the grid nearly gone the link gives the load only what it gets.
        let dip = GridConverterInput {
            grid_peak_v: 0.05 * converter.nominal_peak_v,
            grid_voltage_pu: 0.05,
            ..night
        };
        let readings = run(&converter, &mut state, &dip, 20);
        assert!((0.8..0.9).contains(&dc_pu(&converter, &readings)));
        assert!(readings.dc_load_w < 0.06 * rated_va);
        assert!(current_pu(&converter, &readings) < 1.001);

        // Without any, everything rests.
        let dead = GridConverterInput {
            grid_peak_v: 0.0,
            grid_voltage_pu: 0.0,
            ..night
        };
        let readings = run(&converter, &mut state, &dead, 100);
        assert!((0.79..0.9).contains(&dc_pu(&converter, &readings)));
        assert!(current_pu(&converter, &readings) < 1e-6);

        let readings = run(&converter, &mut state, &night, 5);
        assert!((dc_pu(&converter, &readings) - 1.0).abs() < 1e-3);
    }
}

#[test]
fn the_source_yields_when_the_grid_has_too_much() {
    for converter in both() {
        let mut state = converter.settled(&input(&converter, 0.8));
        let fast = GridConverterInput {
            frequency_hz: 51.2,
            ..input(&converter, 0.8)
        };
        let readings = run(&converter, &mut state, &fast, 10);
        assert!((readings.source_w - 0.6 * fast.source_w).abs() < 1e-3 * fast.source_w);
        assert!(readings.limiting);
    }
}

#[test]
fn more_sun_than_rated_power_moves_the_array_off_its_best_point() {
    for converter in both() {
        let rated_va = converter.parameters.rated_va();
        let bright = input(&converter, 1.2);
        let mut state = converter.settled(&bright);
        let readings = run(&converter, &mut state, &bright, 10);
        assert!((readings.active_w / rated_va - 1.0).abs() < 1e-3);
        assert!((1.03..1.05).contains(&dc_pu(&converter, &readings)));
        assert!(readings.limiting);
    }
}

#[test]
fn voltage_is_answered_with_reactive_power_in_five_seconds() {
    for converter in both() {
        let rated_va = converter.parameters.rated_va();
        let mut state = converter.settled(&input(&converter, 0.5));
        let low = at_voltage(&converter, 0.5, 0.95);
        let readings = run(&converter, &mut state, &low, 50);
        assert!((readings.reactive_var / rated_va - 0.9 * 0.22).abs() < 1e-3);
        let readings = run(&converter, &mut state, &low, 1000);
        assert!((readings.reactive_var / rated_va - 0.22).abs() < 1e-4);
        let high = at_voltage(&converter, 0.5, 1.05);
        let readings = run(&converter, &mut state, &high, 1000);
        assert!((readings.reactive_var / rated_va + 0.22).abs() < 1e-4);
        assert!(readings.current_q_a > 0.0);
    }
}

#[test]
fn without_its_fan_a_hot_converter_reduces_its_current() {
    for converter in both() {
        let hot = GridConverterInput {
            ambient_c: 40.0,
            thermal_resistance_factor: 2.2,
            ..input(&converter, 1.02)
        };
        let mut state = converter.settled(&input(&converter, 1.02));
        let readings = run(&converter, &mut state, &hot, 20_000);
        assert!((90.0..96.0).contains(&readings.heat_sink_c), "{readings:?}");
        let derating = converter.parameters.thermal.derating(readings.heat_sink_c);
        assert!((current_pu(&converter, &readings) - derating).abs() < 1e-3);
    }
}

#[test]
fn a_restored_state_goes_on_identically() {
    for converter in both() {
        let mut state = converter.settled(&input(&converter, 0.7));
        run(&converter, &mut state, &at_voltage(&converter, 0.9, 0.3), 3);
        let text = serde_json::to_string(&state).unwrap();
        let mut restored: GridConverterState = serde_json::from_str(&text).unwrap();
        assert_eq!(restored, state);
        let input = input(&converter, 0.4);
        run(&converter, &mut state, &input, 5);
        run(&converter, &mut restored, &input, 5);
        assert_eq!(restored, state);
    }
}

#[test]
fn impossible_parameters_are_named() {
    let mut parameters = GridConverterParameters::two_level_100_kva();
    parameters.sample_s = 300e-6;
    let error = GridConverter::new(parameters.clone()).unwrap_err();
    assert!(matches!(error, ParameterError::Period { .. }));
    parameters.sample_s = 100e-6;
    parameters.dc_nominal_v = 500.0;
    let error = GridConverter::new(parameters.clone()).unwrap_err();
    assert!(matches!(error, ParameterError::LinkTooLow { .. }));
    parameters.l_h = f64::NAN;
    let error = GridConverter::new(parameters).unwrap_err();
    assert!(error.to_string().starts_with("l_h must be"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happens, numbers stay finite and the converter within its limits.
    #[test]
    fn no_history_breaks_a_converter(
        history in prop::collection::vec(
            (0.0..1.3_f64, 45.0..55.0_f64, 0.0..1.5_f64, 0.0..0.6_f64, -30.0..50.0_f64, 1.0..5.0_f64),
            1..40,
        ),
    ) {
        for converter in both() {
            let mut state = converter.settled(&input(&converter, 0.5));
            for &(voltage_pu, frequency_hz, source_pu, load_pu, ambient_c, factor) in &history {
                // A grid beyond what the link can counter is not part of the model.
                let input = GridConverterInput {
                    frequency_hz,
                    dc_load_w: load_pu * converter.parameters.rated_va(),
                    ambient_c,
                    thermal_resistance_factor: factor,
                    ..at_voltage(&converter, source_pu, voltage_pu.min(1.18))
                };
                let readings = run(&converter, &mut state, &input, 3);
                let dc_pu = dc_pu(&converter, &readings);
                prop_assert!((0.78..1.15).contains(&dc_pu), "{readings:?}");
                prop_assert!(current_pu(&converter, &readings) < 1.02, "{readings:?}");
                prop_assert!(readings.thd_percent.is_finite());
                prop_assert!((-30.0..200.0).contains(&readings.heat_sink_c));
            }
        }
    }
}
