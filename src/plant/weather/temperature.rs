//! Air temperature: the course of the year and of the day, and slow changes of the weather.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::process::{OrnsteinUhlenbeck, Share};
use crate::{maths::cos, plant::range::NumberInRange, random::Source};

const YEAR_S: f64 = 365.2425 * DAY_S;
const DAY_S: f64 = 86_400.0;

/// The climate of a region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TemperatureClimate {
    /// Mean over the year.
    pub mean_c: f64,
    /// Half the difference between the warmest and the coldest time of the year.
    pub annual_amplitude_k: f64,
    /// Day of the year on which a northern winter is coldest, 0..365; a southern one half a year later.
    pub coldest_day: f64,
    /// Half the difference between day and night in spring and autumn.
    pub daily_amplitude_k: f64,
    /// How much more that is in midsummer, and less in midwinter.
    pub daily_seasonal_k: f64,
    /// Local solar hour at which the day is warmest, 0..24.
    pub warmest_hour: f64,
    /// Standard deviation of slow changes.
    pub deviation_k: f64,
    /// Time constant of slow changes.
    pub time_constant_s: f64,
    /// Distance over which their correlation falls to 1/e.
    pub correlation_length_km: f64,
}

impl Default for TemperatureClimate {
    fn default() -> Self {
        Self {
            mean_c: 8.9,
            annual_amplitude_k: 10.5,
            coldest_day: 18.0,
            daily_amplitude_k: 4.0,
            daily_seasonal_k: 2.0,
            warmest_hour: 15.0,
            deviation_k: 3.5,
            time_constant_s: 172_800.0,
            correlation_length_km: 200.0,
        }
    }
}

impl TemperatureClimate {
    pub(super) fn ranges(&self) -> [NumberInRange; 9] {
        [
            ("temperature.mean_c", self.mean_c, -60.0..=50.0),
            (
                "temperature.annual_amplitude_k",
                self.annual_amplitude_k,
                0.0..=50.0,
            ),
            ("temperature.coldest_day", self.coldest_day, 0.0..=366.0),
            (
                "temperature.daily_amplitude_k",
                self.daily_amplitude_k,
                0.0..=30.0,
            ),
            (
                "temperature.daily_seasonal_k",
                self.daily_seasonal_k,
                -30.0..=30.0,
            ),
            ("temperature.warmest_hour", self.warmest_hour, 0.0..=24.0),
            ("temperature.deviation_k", self.deviation_k, 0.0..=20.0),
            (
                "temperature.time_constant_s",
                self.time_constant_s,
                1.0..=1e9,
            ),
            (
                "temperature.correlation_length_km",
                self.correlation_length_km,
                1e-3..=1e9,
            ),
        ]
    }
}

/// The air of a region, with what its climate determines.
#[derive(Debug, Clone)]
pub(super) struct Air {
    climate: TemperatureClimate,
    coldest_s: f64,
    longitude_days: f64,
    deviation: OrnsteinUhlenbeck,
}

/// How the air over one site depends on the region's.
#[derive(Debug, Clone)]
pub(super) struct AirSite {
    source: Source,
    pub(super) share: Share,
}

impl Air {
    pub(super) fn new(
        climate: &TemperatureClimate,
        latitude_degree: f64,
        longitude_degree: f64,
    ) -> Self {
        let half_a_year_later = if latitude_degree < 0.0 {
            YEAR_S / 2.0
        } else {
            0.0
        };
        Self {
            coldest_s: climate.coldest_day * DAY_S + half_a_year_later,
            longitude_days: longitude_degree / 360.0,
            deviation: OrnsteinUhlenbeck::new(climate.time_constant_s),
            climate: climate.clone(),
        }
    }

    pub(super) fn site(&self, source: Source, distance_km: f64) -> AirSite {
        AirSite {
            source,
            share: Share::new(distance_km, self.climate.correlation_length_km),
        }
    }

    /// The deviation (standard normal) one second later.
    pub(super) fn step(&self, site: &AirSite, deviation: f64, common: f64, step: u64) -> f64 {
        let normal = site.share.mix(common, site.source.at(step).normal());
        self.deviation.step(deviation, normal)
    }

    /// What the calendar and the clock make of the temperature at `unix_s`, before any deviation.
    pub(super) fn expected_c(&self, unix_s: f64) -> f64 {
        let climate = &self.climate;
        let season = -cos(TAU * ((unix_s - self.coldest_s) / YEAR_S).rem_euclid(1.0));
        let solar_day = (unix_s / DAY_S + self.longitude_days).rem_euclid(1.0);
        let daytime = cos(TAU * (solar_day - climate.warmest_hour / 24.0));
        climate.mean_c
            + climate.annual_amplitude_k * season
            + (climate.daily_amplitude_k + climate.daily_seasonal_k * season) * daytime
    }

    /// Temperature where the calendar expects `expected_c` and the weather deviates.
    pub(super) fn air_c(&self, expected_c: f64, deviation: f64) -> f64 {
        expected_c + self.climate.deviation_k * deviation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summers_and_afternoons_are_warm_on_both_hemispheres() {
        let climate = TemperatureClimate::default();
        let july_noon = 1_784_203_200.0; // 16 July 2026, 12:00 UTC
        let january_noon = july_noon + 182.0 * DAY_S;
        for (latitude, warm, cold) in [
            (52.0, july_noon, january_noon),
            (-34.0, january_noon, july_noon),
        ] {
            let air = Air::new(&climate, latitude, 0.0);
            assert!(air.expected_c(warm) > 20.0);
            assert!(air.expected_c(cold) < 2.5);
            assert!(air.expected_c(warm) > air.expected_c(warm - 43_200.0) + 8.0);
        }
        let east = Air::new(&climate, 52.0, 90.0);
        let west = Air::new(&climate, 52.0, -90.0);
        assert!(east.expected_c(july_noon) > west.expected_c(july_noon) + 8.0);
    }
}
