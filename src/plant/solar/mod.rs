//! A photovoltaic plant: from the sun's position and the sky over the site to DC and AC power.

pub mod clear_sky;
pub mod irradiance;
pub mod position;
pub mod pv;
mod terms;
pub mod track;
pub(super) mod unit;

use serde::{Deserialize, Serialize};

use self::{
    clear_sky::{Ineichen, absolute_airmass, extraterrestrial_w_m2, standard_pressure_pa},
    irradiance::{Plane, under_clouds},
    position::{Geocentric, Place, SunPosition},
};
use super::{
    range,
    weather::{Ramp, SolarWeather},
};

/// What a photovoltaic plant is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SolarParameters {
    /// Latitude, north positive, -90..90.
    pub latitude_degree: f64,
    /// Longitude, east positive, -180..180.
    pub longitude_degree: f64,
    /// Altitude above sea level.
    pub altitude_m: f64,
    /// Tilt of the array from the horizontal, 0..180.
    pub tilt_degree: f64,
    /// Azimuth the array faces, from north over east, 0..360.
    pub azimuth_degree: f64,
    /// AC rating of the inverter in kW.
    pub capacity_kw: f64,
    /// DC rating of the array at 1000 W/m² and 25 °C, as a multiple of the capacity.
    pub dc_ratio: f64,
    /// Change of DC power per kelvin of cell temperature.
    pub gamma_per_k: f64,
    /// Share of DC power lost to soiling, mismatch, wiring, 0..1.
    pub losses: f64,
    /// Reflectance of the ground, 0..1.
    pub albedo: f64,
    /// Seconds in which the edge of a commanded cloud passes over the array.
    pub cloud_crossing_s: f64,
}

impl Default for SolarParameters {
    fn default() -> Self {
        Self {
            latitude_degree: 52.23,
            longitude_degree: 21.01,
            altitude_m: 110.0,
            tilt_degree: 35.0,
            azimuth_degree: 180.0,
            capacity_kw: 100.0,
            dc_ratio: 1.15,
            gamma_per_k: -0.0035,
            losses: 0.10,
            albedo: 0.2,
            cloud_crossing_s: 20.0,
        }
    }
}

impl SolarParameters {
    /// What is wrong with them, one sentence each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        range::problems([
            ("latitude_degree", self.latitude_degree, -90.0..=90.0),
            ("longitude_degree", self.longitude_degree, -180.0..=180.0),
            ("altitude_m", self.altitude_m, -500.0..=9000.0),
            ("tilt_degree", self.tilt_degree, 0.0..=180.0),
            ("azimuth_degree", self.azimuth_degree, 0.0..=360.0),
            ("capacity_kw", self.capacity_kw, 1e-3..=1e9),
            ("dc_ratio", self.dc_ratio, 0.0..=10.0),
            ("gamma_per_k", self.gamma_per_k, -0.01..=0.01),
            ("losses", self.losses, 0.0..=1.0),
            ("albedo", self.albedo, 0.0..=1.0),
            ("cloud_crossing_s", self.cloud_crossing_s, 1.0..=3600.0),
        ])
    }
}

/// What a photovoltaic plant carries from one second to the next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SolarState {
    remaining: Ramp,
}

impl Default for SolarState {
    fn default() -> Self {
        Self {
            remaining: Ramp::at(1.0),
        }
    }
}

/// What a photovoltaic plant measures and gives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct SolarReadings {
    /// Irradiance in the plane of the array.
    pub irradiance_w_m2: f64,
    /// Temperature of the cells.
    pub cell_c: f64,
    /// DC power of the array, what a converter may take.
    pub dc_kw: f64,
    /// AC power; exactly 0 while the sun is below the horizon.
    pub generation_kw: f64,
    /// Air temperature.
    pub air_c: f64,
}

/// A photovoltaic plant with what its parameters determine.
#[derive(Debug, Clone)]
pub struct SolarPlant {
    parameters: SolarParameters,
    place: Place,
    pressure_pa: f64,
    sky: Ineichen,
    plane: Plane,
}

impl SolarPlant {
    /// The plant with these parameters.
    #[must_use]
    pub fn new(parameters: SolarParameters) -> Self {
        let SolarParameters {
            latitude_degree,
            longitude_degree,
            altitude_m,
            tilt_degree,
            azimuth_degree,
            ..
        } = parameters;
        Self {
            place: Place::new(latitude_degree, longitude_degree, altitude_m),
            pressure_pa: standard_pressure_pa(altitude_m),
            sky: Ineichen::new(altitude_m),
            plane: Plane::new(tilt_degree, azimuth_degree),
            parameters,
        }
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &SolarParameters {
        &self.parameters
    }

    /// One second of simulated time that ends at `unix_s`. `remaining` is the share of irradiance that a
    /// commanded cloud leaves (1: no such cloud); it takes effect as the cloud's edge crosses the array.
    pub fn step(
        &self,
        state: &mut SolarState,
        sun: &Geocentric,
        unix_s: f64,
        weather: &SolarWeather,
        remaining: f64,
    ) -> SolarReadings {
        let remaining = state
            .remaining
            .step(remaining, self.parameters.cloud_crossing_s);
        self.readings(sun, unix_s, weather, remaining)
    }

    /// The readings at `unix_s` when a commanded cloud leaves the share `remaining` of the irradiance.
    #[must_use]
    pub fn readings(
        &self,
        sun: &Geocentric,
        unix_s: f64,
        weather: &SolarWeather,
        remaining: f64,
    ) -> SolarReadings {
        let air_c = weather.air_c;
        let sun = SunPosition::seen_from(&self.place, sun, unix_s, self.pressure_pa, air_c);
        let irradiance_w_m2 = self.irradiance_w_m2(&sun, unix_s, weather, remaining);
        let cell_c = pv::cell_c(irradiance_w_m2, air_c, weather.wind_speed_ms);
        let plant = &self.parameters;
        let dc_kw = pv::dc_power(
            irradiance_w_m2,
            cell_c,
            plant.dc_ratio * plant.capacity_kw,
            plant.gamma_per_k,
            plant.losses,
        );
        let generation_kw = if sun.elevation_degree > 0.0 {
            pv::ac_power(dc_kw, plant.capacity_kw)
        } else {
            0.0
        };
        SolarReadings {
            irradiance_w_m2,
            cell_c,
            dc_kw,
            generation_kw,
            air_c,
        }
    }

    fn irradiance_w_m2(
        &self,
        sun: &SunPosition,
        unix_s: f64,
        weather: &SolarWeather,
        remaining: f64,
    ) -> f64 {
        let airmass = absolute_airmass(sun.apparent_zenith_degree(), self.pressure_pa);
        if airmass.is_none() {
            return 0.0;
        }
        let extraterrestrial = extraterrestrial_w_m2(unix_s);
        let cos_zenith = sun.cos_apparent_zenith;
        let clear = self.sky.irradiance(
            cos_zenith,
            airmass,
            weather.linke_turbidity,
            extraterrestrial,
        );
        let index = weather.clear_sky_index * remaining;
        let sky = under_clouds(&clear, index, cos_zenith, extraterrestrial);
        self.plane
            .irradiance_w_m2(sun, &sky, extraterrestrial, self.parameters.albedo)
    }
}

#[cfg(test)]
mod tests {
    use super::{position::DELTA_T_S, *};

    const WEATHER: SolarWeather = SolarWeather {
        clear_sky_index: 1.0,
        linke_turbidity: 3.0,
        air_c: 15.0,
        wind_speed_ms: 3.0,
    };

    fn readings(plant: &SolarPlant, unix_s: f64, remaining: f64) -> SolarReadings {
        let sun = Geocentric::at(unix_s, DELTA_T_S);
        plant.readings(&sun, unix_s, &WEATHER, remaining)
    }

    #[test]
    fn night_gives_exactly_nothing_and_day_gives_something() {
        for (latitude_degree, altitude_m, tilt_degree) in
            [(52.23, 110.0, 35.0), (-66.0, 5000.0, 90.0), (0.0, 0.0, 0.0)]
        {
            let plant = SolarPlant::new(SolarParameters {
                latitude_degree,
                altitude_m,
                tilt_degree,
                ..SolarParameters::default()
            });
            let (mut nights, mut days) = (0, 0);
            for step in 0..20_000 {
                let unix_s = 1_767_225_600.0 + 1_571.0 * f64::from(step);
                let sun = Geocentric::at(unix_s, DELTA_T_S);
                let seen = SunPosition::seen_from(&plant.place, &sun, unix_s, 1e5, 15.0);
                let generation = readings(&plant, unix_s, 1.0).generation_kw;
                if seen.elevation_degree < 0.0 {
                    assert_eq!(generation.to_bits(), 0.0_f64.to_bits());
                    nights += 1;
                } else if seen.elevation_degree > 10.0 {
                    assert!(generation > 0.0);
                    days += 1;
                }
            }
            assert!(nights > 5_000 && days > 4_000, "{nights} {days}");
        }
    }

    #[test]
    fn a_clear_sky_through_the_plant_is_that_of_the_model() {
        let plant = SolarPlant::new(SolarParameters::default());
        let unix_s = 1_782_036_000.0;
        let sun = Geocentric::at(unix_s, DELTA_T_S);
        let sun = SunPosition::seen_from(&plant.place, &sun, unix_s, plant.pressure_pa, 15.0);
        let extraterrestrial = extraterrestrial_w_m2(unix_s);
        let airmass = absolute_airmass(sun.apparent_zenith_degree(), plant.pressure_pa);
        let sky = plant
            .sky
            .irradiance(sun.cos_apparent_zenith, airmass, 3.0, extraterrestrial);
        let expected = plant
            .plane
            .irradiance_w_m2(&sun, &sky, extraterrestrial, 0.2);
        let found = readings(&plant, unix_s, 1.0).irradiance_w_m2;
        assert!((found - expected).abs() < 1e-9 && found > 900.0, "{found}");
    }

    #[test]
    fn a_commanded_cloud_crosses_the_array_and_leaves_no_trace() {
        let plant = SolarPlant::new(SolarParameters::default());
        let unix_s = 1_782_036_000.0;
        let sun = Geocentric::at(unix_s, DELTA_T_S);
        let mut state = SolarState::default();
        let mut step = |remaining| plant.step(&mut state, &sun, unix_s, &WEATHER, remaining);
        let before = step(1.0);
        let edge: Vec<_> = (0..20).map(|_| step(0.2).irradiance_w_m2).collect();
        assert!(edge.is_sorted_by(|earlier, later| earlier > later));
        assert!(edge[0] > 0.9 * before.irradiance_w_m2);
        // All light is diffuse now, of which a tilted plane gets a little less.
        assert!(
            (0.12..0.22).contains(&(edge[19] / before.irradiance_w_m2)),
            "{edge:?}"
        );
        for _ in 0..20 {
            step(1.0);
        }
        assert_eq!(step(1.0), before);
        assert_eq!(state, SolarState::default());
    }
}
