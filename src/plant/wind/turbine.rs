//! The turbine as a machine: rotor, storm control, drive train.

use serde::{Deserialize, Serialize};

use super::{
    curve::{CURVE_150_KW, DEFAULT_CURVE_V_MS, PowerCurve},
    density::{barometric_kg_m3, pressure_pa},
    profile::temperature_at,
};
use crate::{
    maths::exp,
    plant::{
        range,
        solar::clear_sky::standard_pressure_pa,
        weather::{Ramp, WindWeather},
    },
};

/// Height above ground for which the air temperature holds.
const AIR_HEIGHT_M: f64 = 2.0;
const ZERO_CELSIUS_K: f64 = 273.15;
/// Power below this share of the capacity counts as standstill once the wind gives nothing.
const STANDSTILL: f64 = 1e-3;

/// What a turbine is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WindParameters {
    /// Altitude of the ground above sea level.
    pub altitude_m: f64,
    /// Height of the hub above ground.
    pub hub_height_m: f64,
    /// Rated power in kW.
    pub capacity_kw: f64,
    /// Wind speeds of the power curve, ascending.
    pub curve_v_ms: Vec<f64>,
    /// Power at those speeds in air of 1.225 kg/m³, in kW.
    pub curve_p_kw: Vec<f64>,
    /// Wind speed below which the turbine gives nothing.
    pub cut_in_ms: f64,
    /// Wind speed above which it stops.
    pub cut_out_ms: f64,
    /// Wind speed below which it starts again after that.
    pub restart_ms: f64,
    /// Time constant with which storm control averages the wind before it lets the turbine start again.
    pub restart_average_s: f64,
    /// Time constant with which the rotor averages the wind over its area.
    pub rotor_low_pass_s: f64,
    /// Time constant of pitch and drive train.
    pub drive_lag_s: f64,
    /// Seconds in which a commanded gust builds up.
    pub gust_rise_s: f64,
}

impl Default for WindParameters {
    fn default() -> Self {
        Self {
            altitude_m: 110.0,
            hub_height_m: 40.0,
            capacity_kw: 150.0,
            curve_v_ms: DEFAULT_CURVE_V_MS.to_vec(),
            curve_p_kw: CURVE_150_KW.to_vec(),
            cut_in_ms: 3.0,
            cut_out_ms: 25.0,
            restart_ms: 22.0,
            restart_average_s: 300.0,
            rotor_low_pass_s: 3.0,
            drive_lag_s: 1.5,
            gust_rise_s: 4.0,
        }
    }
}

impl WindParameters {
    /// What is wrong with them, one sentence each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = range::problems([
            ("altitude_m", self.altitude_m, -500.0..=9000.0),
            ("hub_height_m", self.hub_height_m, 2.0..=500.0),
            ("capacity_kw", self.capacity_kw, 1e-3..=1e9),
            ("cut_in_ms", self.cut_in_ms, 0.0..=self.cut_out_ms),
            ("cut_out_ms", self.cut_out_ms, 1.0..=100.0),
            ("restart_ms", self.restart_ms, 0.0..=self.cut_out_ms),
            ("restart_average_s", self.restart_average_s, 0.0..=3600.0),
            ("rotor_low_pass_s", self.rotor_low_pass_s, 0.0..=60.0),
            ("drive_lag_s", self.drive_lag_s, 0.0..=60.0),
            ("gust_rise_s", self.gust_rise_s, 1.0..=3600.0),
        ]);
        let rises = self.curve_v_ms.is_sorted_by(|low, high| low < high);
        if !rises || self.curve_v_ms.iter().any(|v| !(0.0..=100.0).contains(v)) {
            problems.push("curve_v_ms must rise, from 0 to 100".into());
        }
        let gives = |power: &f64| (0.0..=1e9).contains(power);
        if self.curve_p_kw.len() != self.curve_v_ms.len() || !self.curve_p_kw.iter().all(gives) {
            problems.push("curve_p_kw must give a power, 0 or more, for each of curve_v_ms".into());
        }
        problems
    }
}

/// What a turbine carries from one second to the next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindTurbineState {
    gust: Ramp,
    rotor_ms: f64,
    average_ms: f64,
    power_kw: f64,
    stopped_by_storm: bool,
}

/// What a turbine measures and gives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct WindReadings {
    /// Wind speed at hub height, averaged over the rotor.
    pub wind_speed_ms: f64,
    /// Power; exactly 0 at standstill.
    pub generation_kw: f64,
    /// Air temperature near the ground.
    pub air_c: f64,
    /// Whether the turbine stands because of a storm.
    pub stopped_by_storm: bool,
}

/// A turbine with what its parameters determine.
#[derive(Debug, Clone)]
pub struct WindTurbine {
    parameters: WindParameters,
    curve: PowerCurve,
    hub_pressure_pa: f64,
    rotor_gain: f64,
    average_gain: f64,
    drive_gain: f64,
}

impl WindTurbine {
    /// The turbine with these parameters.
    #[must_use]
    pub fn new(parameters: WindParameters) -> Self {
        let gain = |time_constant_s: f64| {
            if time_constant_s > 0.0 {
                1.0 - exp(-1.0 / time_constant_s)
            } else {
                1.0
            }
        };
        Self {
            curve: PowerCurve::new(&parameters.curve_v_ms, &parameters.curve_p_kw),
            hub_pressure_pa: pressure_pa(
                standard_pressure_pa(parameters.altitude_m),
                parameters.hub_height_m,
            ),
            rotor_gain: gain(parameters.rotor_low_pass_s),
            average_gain: gain(parameters.restart_average_s),
            drive_gain: gain(parameters.drive_lag_s),
            parameters,
        }
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &WindParameters {
        &self.parameters
    }

    /// A turbine that has settled in this weather.
    #[must_use]
    pub fn start(&self, weather: &WindWeather) -> WindTurbineState {
        let stopped_by_storm = weather.wind_speed_ms > self.parameters.cut_out_ms;
        WindTurbineState {
            gust: Ramp::at(1.0),
            rotor_ms: weather.wind_speed_ms,
            average_ms: weather.wind_speed_ms,
            power_kw: if stopped_by_storm {
                0.0
            } else {
                self.power_kw(weather.wind_speed_ms, weather.air_c)
            },
            stopped_by_storm,
        }
    }

    /// One second of simulated time. `gust` is a commanded factor on the wind speed (1: none); it takes
    /// effect as a gust builds up.
    pub fn step(
        &self,
        state: &mut WindTurbineState,
        weather: &WindWeather,
        gust: f64,
    ) -> WindReadings {
        let turbine = &self.parameters;
        let wind_ms = weather.wind_speed_ms * state.gust.step(gust, turbine.gust_rise_s);
        state.rotor_ms += self.rotor_gain * (wind_ms - state.rotor_ms);
        state.average_ms += self.average_gain * (state.rotor_ms - state.average_ms);
        if state.rotor_ms > turbine.cut_out_ms {
            // The average begins anew at each gust, so that a turbine that stopped stands for minutes.
            state.average_ms = state.rotor_ms;
            state.stopped_by_storm = true;
        } else if state.rotor_ms.max(state.average_ms) < turbine.restart_ms {
            state.stopped_by_storm = false;
        }
        let aim_kw = if state.stopped_by_storm {
            0.0
        } else {
            self.power_kw(state.rotor_ms, weather.air_c)
        };
        state.power_kw += self.drive_gain * (aim_kw - state.power_kw);
        if aim_kw <= 0.0 && state.power_kw < STANDSTILL * turbine.capacity_kw {
            state.power_kw = 0.0;
        }
        self.readings(state, weather)
    }

    /// The readings of a state in this weather.
    #[must_use]
    pub fn readings(&self, state: &WindTurbineState, weather: &WindWeather) -> WindReadings {
        WindReadings {
            wind_speed_ms: state.rotor_ms,
            generation_kw: state.power_kw,
            air_c: weather.air_c,
            stopped_by_storm: state.stopped_by_storm,
        }
    }

    /// Steady power of the running turbine, kW.
    fn power_kw(&self, v_ms: f64, air_c: f64) -> f64 {
        if v_ms < self.parameters.cut_in_ms {
            return 0.0;
        }
        let air_k = ZERO_CELSIUS_K + air_c;
        let hub_k = temperature_at(air_k, self.parameters.hub_height_m, AIR_HEIGHT_M);
        let density = barometric_kg_m3(self.hub_pressure_pa, hub_k);
        // In dense air the corrected curve ends before the turbine stops: it stays at rated power.
        let v_ms = v_ms.min(self.curve.end_ms(density));
        self.curve
            .power(v_ms, density)
            .clamp(0.0, self.parameters.capacity_kw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(turbine: &WindTurbine, state: &mut WindTurbineState, v: f64, gust: f64) -> f64 {
        let weather = WindWeather {
            wind_speed_ms: v,
            air_c: 10.0,
        };
        (0..900)
            .map(|_| turbine.step(state, &weather, gust).generation_kw)
            .last()
            .unwrap()
    }

    fn calm(turbine: &WindTurbine) -> WindTurbineState {
        turbine.start(&WindWeather {
            wind_speed_ms: 0.0,
            air_c: 10.0,
        })
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "standstill is exactly 0")]
    fn it_stops_in_a_storm_and_restarts_well_below() {
        let turbine = WindTurbine::new(WindParameters::default());
        let mut state = calm(&turbine);
        assert_eq!(settle(&turbine, &mut state, 2.0, 1.0), 0.0);
        let powers = [24.0, 25.5, 23.0, 21.5].map(|v| settle(&turbine, &mut state, v, 1.0));
        assert!((powers[0] - 150.0).abs() < 0.01, "{powers:?}");
        assert_eq!(powers[1], 0.0);
        assert_eq!(powers[2], 0.0);
        assert!((powers[3] - 150.0).abs() < 0.01, "{powers:?}");
    }

    #[test]
    fn a_gust_scales_the_wind_and_leaves_no_trace() {
        let turbine = WindTurbine::new(WindParameters::default());
        let (mut gusty, mut calm) = (calm(&turbine), calm(&turbine));
        let before = settle(&turbine, &mut calm, 8.0, 1.0);
        assert!(settle(&turbine, &mut gusty, 8.0, 1.5) > 2.0 * before);
        for _ in 0..10 {
            settle(&turbine, &mut gusty, 8.0, 1.0);
            settle(&turbine, &mut calm, 8.0, 1.0);
        }
        assert!((gusty.power_kw - calm.power_kw).abs() < 1e-9);
        assert_eq!(gusty.gust, calm.gust);
    }

    #[test]
    fn the_rotor_and_the_drive_train_lag() {
        let turbine = WindTurbine::new(WindParameters::default());
        let mut state = calm(&turbine);
        let weather = WindWeather {
            wind_speed_ms: 10.0,
            air_c: 10.0,
        };
        let first = turbine.step(&mut state, &weather, 1.0);
        assert!((first.wind_speed_ms - 10.0 * (1.0 - exp(-1.0 / 3.0))).abs() < 1e-9);
        assert!(first.generation_kw < 10.0);
    }
}
