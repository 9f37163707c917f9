use super::*;
use crate::plant::{
    solar::{SolarParameters, SolarPlant, SolarReadings, SolarState},
    wind::{WindParameters, WindReadings, WindTurbine, WindTurbineState},
};

const START_S: f64 = 1_782_000_000.0;

fn site(id: &str, east_km: f64, height_m: f64) -> Site {
    Site {
        id: id.into(),
        east_km,
        north_km: 0.0,
        height_m,
    }
}

fn weather(parameters: &WeatherParameters, seed: u64) -> Weather {
    Weather::new(
        parameters,
        seed,
        &[site("SOLAR-001", 0.0, 2.0), site("SOLAR-002", 5.0, 2.0)],
        &[site("WIND-001", 0.0, 40.0), site("WIND-002", 5.0, 50.0)],
    )
}

/// Two photovoltaic plants and two turbines under one sky.
struct Park {
    weather: Weather,
    plants: Vec<SolarPlant>,
    turbine: WindTurbine,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ParkState {
    weather: WeatherState,
    plants: Vec<SolarState>,
    turbines: Vec<WindTurbineState>,
}

impl Park {
    fn new(latitude_degree: f64, seed: u64) -> Self {
        let parameters = WeatherParameters {
            latitude_degree,
            ..WeatherParameters::default()
        };
        let plant = |tilt_degree, azimuth_degree| {
            SolarPlant::new(SolarParameters {
                latitude_degree,
                tilt_degree,
                azimuth_degree,
                ..SolarParameters::default()
            })
        };
        Self {
            weather: weather(&parameters, seed),
            plants: vec![plant(35.0, 180.0), plant(90.0, 0.0)],
            turbine: WindTurbine::new(WindParameters::default()),
        }
    }

    fn start(&self, unix_s: f64) -> ParkState {
        let weather = self.weather.start(unix_s);
        let turbines = self.weather.wind(&weather);
        let turbines = turbines
            .map(|weather| self.turbine.start(&weather))
            .collect();
        ParkState {
            weather,
            plants: vec![SolarState::default(); 2],
            turbines,
        }
    }

    fn step(
        &self,
        state: &mut ParkState,
        step: u64,
        unix_s: f64,
    ) -> (Vec<SolarReadings>, Vec<WindReadings>) {
        self.weather.step(&mut state.weather, step, unix_s);
        let solar = self.plants.iter().zip(&mut state.plants);
        let solar = solar
            .zip(self.weather.solar(&state.weather))
            .map(|((plant, plant_state), weather)| {
                plant.step(plant_state, state.weather.sun(), unix_s, &weather, 1.0)
            })
            .collect();
        let wind = state.turbines.iter_mut();
        let wind = wind
            .zip(self.weather.wind(&state.weather))
            .map(|(turbine, weather)| self.turbine.step(turbine, &weather, 1.0))
            .collect();
        (solar, wind)
    }
}

fn assert_plausible(solar: &[SolarReadings], wind: &[WindReadings]) {
    for reading in solar {
        assert!(
            (0.0..1700.0).contains(&reading.irradiance_w_m2),
            "{reading:?}"
        );
        assert!((-60.0..110.0).contains(&reading.cell_c), "{reading:?}");
        assert!((-60.0..60.0).contains(&reading.air_c), "{reading:?}");
        assert!((0.0..200.0).contains(&reading.dc_kw), "{reading:?}");
        assert!(
            (0.0..=100.0).contains(&reading.generation_kw),
            "{reading:?}"
        );
    }
    for reading in wind {
        assert!((0.0..80.0).contains(&reading.wind_speed_ms), "{reading:?}");
        assert!(
            (0.0..=150.0).contains(&reading.generation_kw),
            "{reading:?}"
        );
    }
}

/// The clock runs through the year in steps of half an hour, the processes by one second each.
#[test]
fn a_year_at_twenty_seeds_is_plausible_anywhere() {
    let latitudes = [52.23, -90.0, 90.0, 0.0, -33.9, 69.6];
    for (seed, latitude) in (0..20).zip(latitudes.into_iter().cycle()) {
        let park = Park::new(latitude, seed);
        let start_s = 1_892_160_000.0 * seed as f64 / 10.0;
        let mut state = park.start(start_s);
        for step in 1..=17_600 {
            let unix_s = start_s + 1_797.0 * step as f64;
            let (solar, wind) = park.step(&mut state, step, unix_s);
            assert_plausible(&solar, &wind);
        }
    }
}

#[test]
fn a_restored_state_goes_on_to_the_last_bit() {
    let park = Park::new(52.23, 11);
    let mut state = park.start(START_S);
    for step in 1..=4_000 {
        park.step(&mut state, step, START_S + step as f64);
    }
    let text = serde_json::to_string(&state).unwrap();
    let mut restored: ParkState = serde_json::from_str(&text).unwrap();
    assert_eq!(restored, state);
    for step in 4_001..=8_000 {
        let readings = park.step(&mut state, step, START_S + step as f64);
        assert_eq!(
            park.step(&mut restored, step, START_S + step as f64),
            readings
        );
    }
    assert_eq!(
        serde_json::to_string(&restored).unwrap(),
        serde_json::to_string(&state).unwrap()
    );
}

#[test]
fn parameters_out_of_range_are_told() {
    assert_eq!(WeatherParameters::default().problems(), [""; 0]);
    let mut parameters = WeatherParameters::default();
    parameters.clouds.slow_s = f64::NAN;
    parameters.wind.weibull_shape = 0.0;
    parameters.linke_turbidity[3] = 0.0;
    assert_eq!(parameters.problems().len(), 3);
    let mut turbine = WindParameters::default();
    assert_eq!(turbine.problems(), [""; 0]);
    turbine.curve_v_ms.swap(3, 4);
    turbine.curve_p_kw.pop();
    assert_eq!(turbine.problems().len(), 2);
    assert_eq!(SolarParameters::default().problems(), [""; 0]);
}

#[test]
fn seeds_differ_and_one_seed_repeats() {
    let state = |seed| weather(&WeatherParameters::default(), seed).start(START_S);
    assert_eq!(state(1), state(1));
    assert_ne!(state(1), state(2));
}

#[test]
fn a_further_site_moves_none_of_the_others() {
    let sites = [site("A", 0.0, 2.0), site("B", 1.0, 2.0)];
    let parameters = WeatherParameters::default();
    let two = Weather::new(&parameters, 1, &sites, &[]);
    let three = Weather::new(&parameters, 1, &sites, &[site("C", 90.0, 40.0)]);
    let (mut few, mut more) = (two.start(START_S), three.start(START_S));
    for step in 1..100 {
        two.step(&mut few, step, START_S);
        three.step(&mut more, step, START_S);
    }
    assert!(two.solar(&few).eq(three.solar(&more)));
}

#[test]
fn neighbours_share_their_weather_and_the_far_ones_do_not() {
    // Of the wind and of the temperature, at the start and after it has been forgotten.
    let mut parameters = WeatherParameters::default();
    parameters.wind.time_constant_s = 4.0;
    parameters.wind.smoothing_s = 2.0;
    parameters.temperature.time_constant_s = 4.0;
    let correlation = |distance_km: f64, steps: u64, value: fn(&WindSiteState) -> f64| {
        let sites = [site("A", 0.0, 40.0), site("B", distance_km, 40.0)];
        let pairs: Vec<_> = (0..1_500)
            .map(|seed| {
                let weather = Weather::new(&parameters, seed, &[], &sites);
                let mut state = weather.start(START_S);
                for step in 1..=steps {
                    weather.step(&mut state, step, START_S);
                }
                [&state.wind[0], &state.wind[1]].map(value)
            })
            .collect();
        let mean = |value: &dyn Fn(&[f64; 2]) -> f64| {
            pairs.iter().map(value).sum::<f64>() / pairs.len() as f64
        };
        let middles = [mean(&|pair| pair[0]), mean(&|pair| pair[1])];
        let product =
            |i: usize, j: usize| mean(&|pair| (pair[i] - middles[i]) * (pair[j] - middles[j]));
        product(0, 1) / (product(0, 0) * product(1, 1)).sqrt()
    };
    for value in [
        |site: &WindSiteState| site.wind.mean.mean_ms,
        |site: &WindSiteState| site.deviation,
    ] {
        for steps in [0, 20] {
            assert!(correlation(5.0, steps, value) > 0.9);
            assert!(correlation(2_000.0, steps, value).abs() < 0.1);
        }
    }
}

#[test]
fn the_turbidity_is_each_months_own_in_its_middle() {
    let weather = weather(&WeatherParameters::default(), 1);
    assert!((weather.linke_turbidity(15.22 * 86_400.0) - 2.6).abs() < 0.001);
    assert!((weather.linke_turbidity(196.0 * 86_400.0) - 3.5).abs() < 0.03);
    assert!((weather.linke_turbidity(-1e-9) - 2.6).abs() < 0.001);
}
