//! The weather: clouds, wind and air temperature over the sites of a plant, and the sun above them.
//!
//! Every process is stepped by one simulated second, exactly, with random numbers that depend on the
//! seed, the site's name and the number of the second. Sites near each other share most of their weather.

mod clouds;
mod process;
mod ramp;
mod temperature;
mod wind_speed;

use serde::{Deserialize, Serialize};

use self::{
    clouds::{CloudDraws, CloudSite, Clouds},
    temperature::{Air, AirSite},
    wind_speed::{Wind, WindSite},
};
pub use self::{
    clouds::{CloudParameters, CloudState, Sky},
    ramp::Ramp,
    temperature::TemperatureClimate,
    wind_speed::{MeanWindState, WindClimate, WindState},
};
use super::{
    range,
    solar::{position::Geocentric, track::SunTrack},
};
use crate::random::Source;

/// The climate of a region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WeatherParameters {
    /// Latitude of the region, which decides when it is winter.
    pub latitude_degree: f64,
    /// Longitude of the region, which decides when it is noon.
    pub longitude_degree: f64,
    /// Linke turbidity in the middle of each month from January on, 1..8.
    pub linke_turbidity: [f64; 12],
    /// Clouds.
    pub clouds: CloudParameters,
    /// Wind.
    pub wind: WindClimate,
    /// Air temperature.
    pub temperature: TemperatureClimate,
}

impl Default for WeatherParameters {
    fn default() -> Self {
        Self {
            latitude_degree: 52.23,
            longitude_degree: 21.01,
            linke_turbidity: [2.6, 2.8, 3.1, 3.3, 3.4, 3.5, 3.5, 3.4, 3.2, 3.0, 2.8, 2.6],
            clouds: CloudParameters::default(),
            wind: WindClimate::default(),
            temperature: TemperatureClimate::default(),
        }
    }
}

impl WeatherParameters {
    /// What is wrong with them, one sentence each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let region = [
            ("latitude_degree", self.latitude_degree, -90.0..=90.0),
            ("longitude_degree", self.longitude_degree, -180.0..=180.0),
        ];
        let turbidity = self
            .linke_turbidity
            .map(|turbidity| ("linke_turbidity", turbidity, 1.0..=10.0));
        range::problems(
            region
                .into_iter()
                .chain(turbidity)
                .chain(self.clouds.ranges())
                .chain(self.wind.ranges())
                .chain(self.temperature.ranges()),
        )
    }
}

/// Where weather is wanted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Name, which keys the site's random numbers.
    pub id: String,
    /// How far east of the middle of the region it lies.
    pub east_km: f64,
    /// How far north of the middle of the region it lies.
    pub north_km: f64,
    /// Height above ground at which the wind is wanted: of the hub, or of the array.
    pub height_m: f64,
}

/// The weather over a photovoltaic plant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SolarWeather {
    /// Irradiance over that of a cloudless sky, 0..1.15.
    pub clear_sky_index: f64,
    /// Linke turbidity of the cloudless sky.
    pub linke_turbidity: f64,
    /// Air temperature.
    pub air_c: f64,
    /// Wind speed at the array.
    pub wind_speed_ms: f64,
}

/// The weather over a turbine.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WindWeather {
    /// Wind speed at a point at hub height, turbulence included.
    pub wind_speed_ms: f64,
    /// Air temperature near the ground.
    pub air_c: f64,
}

/// What the weather carries from one second to the next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeatherState {
    track: SunTrack,
    sun: Geocentric,
    linke_turbidity: f64,
    expected_c: f64,
    solar: Vec<SolarSiteState>,
    wind: Vec<WindSiteState>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SolarSiteState {
    clouds: CloudState,
    wind: MeanWindState,
    deviation: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct WindSiteState {
    wind: WindState,
    deviation: f64,
}

/// The weather of a region, with what its parameters and sites determine.
#[derive(Debug, Clone)]
pub struct Weather {
    seed: u64,
    region: Source,
    linke_turbidity: [f64; 12],
    clouds: Clouds,
    wind: Wind,
    air: Air,
    solar_sites: Vec<SolarSite>,
    wind_sites: Vec<TurbineSite>,
}

#[derive(Debug, Clone)]
struct SolarSite {
    id: String,
    clouds: CloudSite,
    wind: WindSite,
    air: AirSite,
}

#[derive(Debug, Clone)]
struct TurbineSite {
    id: String,
    wind: WindSite,
    air: AirSite,
}

/// The region's random numbers of one second.
struct Common {
    clouds: CloudDraws,
    wind: [f64; 2],
    air: f64,
}

impl Common {
    fn new(source: &Source, step: u64) -> Self {
        let mut draws = source.at(step);
        Self {
            clouds: CloudDraws::new(&mut draws),
            wind: [draws.normal(), draws.normal()],
            air: draws.normal(),
        }
    }
}

impl Weather {
    /// The weather over these sites under `seed`.
    #[must_use]
    pub fn new(
        parameters: &WeatherParameters,
        seed: u64,
        solar_sites: &[Site],
        wind_sites: &[Site],
    ) -> Self {
        let clouds = Clouds::new(&parameters.clouds);
        let wind = Wind::new(&parameters.wind);
        let air = Air::new(
            &parameters.temperature,
            parameters.latitude_degree,
            parameters.longitude_degree,
        );
        let source =
            |what: &str, site: &Site| Source::new(seed, &format!("weather/{what}/{}", site.id));
        let air_site = |site: &Site| air.site(source("air", site), distance_km(site));
        let wind_site =
            |site: &Site| wind.site(source("wind", site), distance_km(site), site.height_m);
        let solar_sites = solar_sites.iter().map(|site| SolarSite {
            id: site.id.clone(),
            clouds: clouds.site(source("clouds", site), distance_km(site)),
            wind: wind_site(site),
            air: air_site(site),
        });
        let wind_sites = wind_sites.iter().map(|site| TurbineSite {
            id: site.id.clone(),
            wind: wind_site(site),
            air: air_site(site),
        });
        Self {
            seed,
            region: Source::new(seed, "weather"),
            linke_turbidity: parameters.linke_turbidity,
            solar_sites: solar_sites.collect(),
            wind_sites: wind_sites.collect(),
            clouds,
            wind,
            air,
        }
    }

    /// Weather as it may well be at `unix_s`: drawn from what it is in the long run.
    #[must_use]
    pub fn start(&self, unix_s: f64) -> WeatherState {
        let source = |id: &str| Source::new(self.seed, &format!("weather/start/{id}"));
        let common = Common::new(&Source::new(self.seed, "weather/start"), 0);
        let solar = self.solar_sites.iter().map(|site| {
            let mut draws = source(&site.id).at(0);
            SolarSiteState {
                clouds: self.clouds.start(&site.clouds, &common.clouds, &mut draws),
                wind: self.wind.start_mean(&site.wind, common.wind, &mut draws),
                deviation: site.air.share.mix(common.air, draws.normal()),
            }
        });
        let wind = self.wind_sites.iter().map(|site| {
            let mut draws = source(&site.id).at(0);
            WindSiteState {
                wind: self.wind.start(&site.wind, common.wind, &mut draws),
                deviation: site.air.share.mix(common.air, draws.normal()),
            }
        });
        let mut track = SunTrack::new(unix_s);
        let sun = track.at(unix_s);
        WeatherState {
            track,
            sun,
            linke_turbidity: self.linke_turbidity(unix_s),
            expected_c: self.air.expected_c(unix_s),
            solar: solar.collect(),
            wind: wind.collect(),
        }
    }

    /// One second of simulated time, the `step`th of the run, that ends at `unix_s`.
    pub fn step(&self, state: &mut WeatherState, step: u64, unix_s: f64) {
        let common = Common::new(&self.region, step);
        for (site, state) in self.solar_sites.iter().zip(&mut state.solar) {
            self.clouds
                .step(&site.clouds, &mut state.clouds, &common.clouds, step);
            self.wind
                .step_mean(&site.wind, &mut state.wind, common.wind[0], step);
            state.deviation = self.air.step(&site.air, state.deviation, common.air, step);
        }
        for (site, state) in self.wind_sites.iter().zip(&mut state.wind) {
            self.wind
                .step(&site.wind, &mut state.wind, common.wind[0], step);
            state.deviation = self.air.step(&site.air, state.deviation, common.air, step);
        }
        state.sun = state.track.at(unix_s);
        state.linke_turbidity = self.linke_turbidity(unix_s);
        state.expected_c = self.air.expected_c(unix_s);
    }

    /// The weather over the photovoltaic plants, in the order of their sites.
    pub fn solar<'a>(&'a self, state: &'a WeatherState) -> impl Iterator<Item = SolarWeather> + 'a {
        state.solar.iter().map(|site| SolarWeather {
            clear_sky_index: site.clouds.index,
            linke_turbidity: state.linke_turbidity,
            air_c: self.air.air_c(state.expected_c, site.deviation),
            wind_speed_ms: site.wind.mean_ms,
        })
    }

    /// The weather over the turbines, in the order of their sites.
    pub fn wind<'a>(&'a self, state: &'a WeatherState) -> impl Iterator<Item = WindWeather> + 'a {
        state.wind.iter().map(|site| WindWeather {
            wind_speed_ms: site.wind.wind_ms,
            air_c: self.air.air_c(state.expected_c, site.deviation),
        })
    }

    /// Linke turbidity between the middles of two months.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a month is 0..12"
    )]
    fn linke_turbidity(&self, unix_s: f64) -> f64 {
        const MONTH_S: f64 = 365.2425 * 86_400.0 / 12.0;
        let months = (unix_s / MONTH_S - 0.5).rem_euclid(12.0);
        let month = (months.floor() as usize).min(11);
        let [from, to] = [month, (month + 1) % 12].map(|month| self.linke_turbidity[month]);
        from + (months - month as f64) * (to - from)
    }
}

impl WeatherState {
    /// Where the sun stands.
    #[must_use]
    pub fn sun(&self) -> &Geocentric {
        &self.sun
    }

    /// State of the sky over a photovoltaic plant, by its place in the list of sites.
    #[must_use]
    pub fn sky(&self, site: usize) -> Option<Sky> {
        self.solar.get(site).map(|site| site.clouds.sky)
    }
}

/// Distance from the middle of the region.
fn distance_km(site: &Site) -> f64 {
    (site.east_km * site.east_km + site.north_km * site.north_km).sqrt()
}

#[cfg(test)]
mod tests;
