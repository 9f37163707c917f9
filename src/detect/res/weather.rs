//! What the weather of a sample allows a unit to generate.

use super::{solar::solar_power, wind::wind_power};
use crate::detect::model::{Noise, Nominal, Row, Solar, Wind, res};

/// How far the wind over the rotor leaves a straight line between samples at most, over its speed.
const BEND: f64 = 0.035;

/// What the weather of a sample allows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowed {
    /// Capacity, kW.
    pub(super) capacity_kw: f64,
    /// Settled generation, kW.
    pub(super) settled_kw: f64,
    /// Standard deviation that noise of the weather gives it, kW.
    pub(super) slope_kw: f64,
    /// The field of the weather.
    pub(super) resource: usize,
    /// By which share the unit may differ from its model.
    pub(super) uncertainty: f64,
    /// Time constant with which the unit follows, s.
    pub(super) lag_s: f64,
    /// How much less a turbine gives on average over winds that differ, kW.
    pub(super) bend_kw: f64,
}

impl Allowed {
    /// What the weather allows a unit; none where it was not measured.
    pub(super) fn new(noise: &Noise, model: &Nominal, row: &Row) -> Option<Self> {
        let found = match model {
            Nominal::Solar(solar) => Self::solar(noise, solar, row),
            Nominal::Wind(wind) => Self::wind(noise, wind, row),
            Nominal::Bus { .. } | Nominal::Converter(_) => return None,
        };
        (found.settled_kw.is_finite() && found.capacity_kw > 0.0).then_some(found)
    }

    fn solar(noise: &Noise, solar: &Solar, row: &Row) -> Self {
        let air = row.get(res::TEMPERATURE);
        let irradiance = row.get(res::IRRADIANCE);
        let settled_kw = solar_power(solar, irradiance, air);
        let step = noise.irradiance + noise.irradiance_share * irradiance;
        let above = solar_power(solar, irradiance + step, air);
        Self {
            capacity_kw: solar.capacity_kw,
            settled_kw,
            slope_kw: (above - settled_kw).abs(),
            resource: res::IRRADIANCE,
            uncertainty: solar.uncertainty,
            lag_s: 0.0,
            bend_kw: 0.0,
        }
    }

    fn wind(noise: &Noise, wind: &Wind, row: &Row) -> Self {
        let air = row.get(res::TEMPERATURE);
        let speed = row.get(res::WIND_SPEED);
        let settled_kw = wind_power(wind, speed, air);
        let above = wind_power(wind, speed + noise.wind_speed, air);
        let below = wind_power(wind, speed - noise.wind_speed, air);
        // Where the curve bends, what the wind does between samples does not cancel out.
        let away = BEND * speed;
        let bend = wind_power(wind, speed - away, air) + wind_power(wind, speed + away, air)
            - 2.0 * settled_kw;
        Self {
            capacity_kw: wind.capacity_kw,
            settled_kw,
            slope_kw: (above - settled_kw).abs().max((settled_kw - below).abs()),
            resource: res::WIND_SPEED,
            uncertainty: 0.0,
            lag_s: wind.lag_s,
            bend_kw: if wind.lag_s > 0.0 { bend.abs() } else { 0.0 },
        }
    }
}
