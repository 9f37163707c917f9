//! No number that is none, over days and years.

use gridcast::{
    grid::telemetry::Sample,
    maths::sincos,
    plant::{
        solar::{SolarParameters, SolarPlant, SolarState},
        weather::{Site, Weather, WeatherParameters},
        wind::{WindParameters, WindTurbine},
    },
    powerflow::{Case, PowerFlow},
};

use crate::support::{
    Driver, JANUARY_MIDNIGHT, JUNE_MIDNIGHT, settings,
    wire::{self, Payload},
};

/// Runs the whole plant for a day with a disturbance a minute, and looks at all that it says once a
/// second through the machine: samples, flows, alerts.
fn live_through_a_day(seed: u64, start_ms: i64) {
    let mut driver = Driver::started(settings(seed, start_ms, 1.0, 60.0));
    driver
        .command(gridcast::grid::command::Command::SetSpeed { speed: 10 })
        .unwrap();
    let mut samples = 0_u32;
    for tick in 0..86_400 {
        let batch = driver.machine.tick();
        for event in &batch.events {
            let gridcast::grid::event::Event::Sample(sample) = event.event.as_ref() else {
                continue;
            };
            samples += 1;
            check(sample, tick);
        }
        if tick % 10 == 0
            && let Some(network) = driver.machine.network()
        {
            assert!(network.converged, "tick {tick}");
            for flow in &network.flows {
                let sum = flow.p_from_mw + flow.q_from_mvar + flow.p_to_mw + flow.q_to_mvar;
                assert!(sum.is_finite() && flow.loading_percent.is_some_and(f64::is_finite));
            }
        }
    }
    assert!(samples > 86_400, "{samples}");
}

fn check(sample: &Sample, tick: u32) {
    let finite = match wire::read(sample) {
        Payload::Bus(sample) => {
            let m = &sample.measurement;
            let sum = m.voltage_angle + m.active_power + m.reactive_power;
            sum.is_finite()
                && (0.0..1.3).contains(&m.voltage_magnitude)
                && (45.0..55.0).contains(&m.frequency)
        }
        Payload::Converter(sample) => {
            let s = &sample.state;
            let sum = s.current_d + s.current_q + s.active_power + s.reactive_power + s.thd;
            sum.is_finite()
                && s.voltage.is_finite()
                && s.grid_voltage.is_finite()
                && (-40.0..150.0).contains(&s.temperature)
                && (45.0..55.0).contains(&s.frequency)
        }
        Payload::Res(sample) => {
            let resource = sample.irradiance.or(sample.wind_speed);
            (0.0..=sample.capacity).contains(&sample.generation)
                && (0.0..=1.0).contains(&sample.utilization_factor)
                && resource.is_some_and(|value| (0.0..1600.0).contains(&value))
                && (-45.0..50.0).contains(&sample.temperature)
        }
    };
    assert!(finite, "tick {tick}: {sample:?}");
}

#[test]
fn a_day_in_june_at_seed_1() {
    live_through_a_day(1, JUNE_MIDNIGHT);
}

#[test]
fn a_day_in_january_at_seed_2() {
    live_through_a_day(2, JANUARY_MIDNIGHT);
}

#[test]
fn a_day_in_march_at_seed_3() {
    live_through_a_day(3, JANUARY_MIDNIGHT + 65 * 86_400_000);
}

/// Steps of the weather in an hour of the year's test.
const STEPS_PER_HOUR: u32 = 20;

/// The default climate for a weather whose steps last `step_s` instead of one second: the processes are
/// exact for any time constant, so what counts is how many steps one lasts.
fn climate(step_s: f64) -> WeatherParameters {
    let mut climate = WeatherParameters::default();
    let (clouds, wind) = (&mut climate.clouds, &mut climate.wind);
    for time_s in [
        &mut clouds.clear_dwell_s,
        &mut clouds.broken_dwell_s,
        &mut clouds.overcast_dwell_s,
        &mut clouds.passing_s,
        &mut clouds.slow_s,
        &mut clouds.array_low_pass_s,
        &mut wind.time_constant_s,
        &mut wind.smoothing_s,
        // Eddies last as long as the wind takes to carry them past.
        &mut wind.turbulence_length_m,
        &mut climate.temperature.time_constant_s,
    ] {
        *time_s /= step_s;
    }
    climate
}

/// A year at 20 seeds in steps of 180 s: sun, clouds, wind and temperature, and both kinds of units. Each
/// hour ends with a power flow of the default network that carries the units' power and a load that
/// varies.
#[test]
fn a_year_of_weather_units_and_power_flows_at_20_seeds() {
    let case = Case::from_json(include_str!("../../src/plant/default/case.json")).unwrap();
    let site = |id: &str, east_km, height_m| Site {
        id: id.to_owned(),
        east_km,
        north_km: 0.0,
        height_m,
    };
    let suns = [site("SOLAR-001", 0.0, 2.0), site("SOLAR-002", 5.0, 2.0)];
    let winds = [site("WIND-001", 2.0, 40.0), site("WIND-002", 6.0, 50.0)];
    let solar = SolarPlant::new(SolarParameters::default());
    let turbine = WindTurbine::new(WindParameters::default());
    let climate = climate(3600.0 / f64::from(STEPS_PER_HOUR));
    let (mut calm, mut stormy, mut dark, mut bright) = (0, 0, 0, 0);
    for seed in 0..20 {
        let weather = Weather::new(&climate, seed, &suns, &winds);
        let mut flow = PowerFlow::new(&case).unwrap();
        let mut unix_s = JANUARY_MIDNIGHT as f64 / 1000.0;
        let mut state = weather.start(unix_s);
        let mut arrays = [SolarState::default(), SolarState::default()];
        let mut rotors: Vec<_> = weather
            .wind(&state)
            .map(|wind| turbine.start(&wind))
            .collect();
        let mut second = 0;
        for hour in 0..365 * 24_u32 {
            let mut units_kw = [0.0; 2];
            for _ in 0..STEPS_PER_HOUR {
                unix_s += 3600.0 / f64::from(STEPS_PER_HOUR);
                second += 1;
                weather.step(&mut state, second, unix_s);
                units_kw = [0.0; 2];
                let skies = weather.solar(&state);
                for (at, (array, sky)) in arrays.iter_mut().zip(skies).enumerate() {
                    let found = solar.step(array, state.sun(), unix_s, &sky, 1.0);
                    let numbers = [
                        found.generation_kw,
                        found.irradiance_w_m2,
                        found.dc_kw,
                        found.air_c,
                    ];
                    assert!(
                        numbers.iter().all(|n| n.is_finite()),
                        "{found:?} at {unix_s}"
                    );
                    assert!((0.0..=100.0).contains(&found.generation_kw) && found.dc_kw >= 0.0);
                    dark += u32::from(found.generation_kw == 0.0);
                    bright += u32::from(found.generation_kw > 50.0);
                    units_kw[at] += found.generation_kw;
                }
                let winds = weather.wind(&state);
                for (at, (rotor, wind)) in rotors.iter_mut().zip(winds).enumerate() {
                    let found = turbine.step(rotor, &wind, 1.0);
                    let numbers = [found.generation_kw, found.wind_speed_ms, found.air_c];
                    assert!(
                        numbers.iter().all(|n| n.is_finite()),
                        "{found:?} at {unix_s}"
                    );
                    assert!((0.0..=150.0).contains(&found.generation_kw));
                    calm += u32::from(found.generation_kw == 0.0);
                    stormy += u32::from(found.wind_speed_ms > 20.0);
                    units_kw[at] += found.generation_kw;
                }
            }
            let shape = 0.8 - 0.2 * sincos(f64::from(hour) * std::f64::consts::TAU / 24.0).1;
            for (at, bus) in case.buses.iter().enumerate() {
                let units_mw = at.checked_sub(3).map_or(0.0, |unit| 0.05 * units_kw[unit]);
                let generation_mw = if at == 1 { 120.0 * shape } else { 0.0 };
                let (p, q) = (shape * bus.pd_mw, shape * bus.qd_mvar);
                flow.set_power(at, generation_mw + units_mw - p, -q);
            }
            flow.solve()
                .unwrap_or_else(|error| panic!("{error} in hour {hour} of seed {seed}"));
            let voltages = flow.vm_pu().iter();
            assert!(
                voltages.clone().all(|v| (0.95..1.05).contains(v)),
                "{:?}",
                flow.vm_pu()
            );
        }
    }
    // The year had its nights and its summer, calms and strong winds.
    let all = 20 * 365 * 24 * STEPS_PER_HOUR * 2;
    let share = |count: u32| f64::from(count) / f64::from(all);
    assert!((0.4..0.6).contains(&share(dark)), "{}", share(dark));
    assert!((0.05..0.3).contains(&share(bright)), "{}", share(bright));
    assert!((0.02..0.3).contains(&share(calm)), "{}", share(calm));
    assert!(share(stormy) > 0.0005, "{}", share(stormy));
}
