//! A buck converter between a DC link and a DC load: one step of 100 ms.
//!
//! Averaged model in continuous conduction, with d the duty ratio:
//! L di/dt = d Vin - vo - R i;  C dvo/dt = i - vo/Rload. Between two actions of the control the filter is
//! solved exactly ([`LcFilter`]). The control acts every Ts: a proportional voltage loop with the load
//! current fed forward sets the inductor current, a proportional current loop with the output voltage
//! fed forward sets the duty ratio; neither needs an integrator, as the rest state satisfies both.

use serde::{Deserialize, Serialize};

use super::{
    lc_filter::{LcFilter, LcState},
    losses::{LossCurve, LossParameters},
    parameters::{ParameterError, check_common, positive, whole_fraction},
    ripple,
    thermal::{HeatSink, ThermalParameters, ThermalState},
};

use crate::grid::time::STEP_S;

/// Time constant of the current loop in control periods.
const CURRENT_LOOP_PERIODS: f64 = 2.0;
/// Time constant of the voltage loop in control periods.
const VOLTAGE_LOOP_PERIODS: f64 = 8.0;
/// Input voltage per unit of nominal between which the converter falls silent.
const LOCKOUT_PU: (f64, f64) = (0.75, 0.85);
/// Least input voltage per unit by which a voltage is turned into a duty ratio.
const LEAST_INPUT_PU: f64 = 1e-3;
/// A control period that moves neither current nor voltage by more than this fraction of their ratings
/// ends the transient: what is left of it is far below the resolution of anything published.
const AT_REST: f64 = 1e-12;

/// The link is short when it gives less than this share of the demand.
const SHORT: f64 = 1.0 - 1e-6;
/// A current is limited when more than this multiple of the limit is wanted.
const LIMITED: f64 = 1.0 + 1e-9;

/// A buck converter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuckParameters {
    /// Rated output power.
    pub rated_kw: f64,
    /// Nominal input voltage.
    pub input_nominal_v: f64,
    /// Output voltage it holds.
    pub output_v: f64,
    /// Inductance.
    pub l_h: f64,
    /// Resistance of the inductor.
    pub r_ohm: f64,
    /// Output capacitance.
    pub c_f: f64,
    /// Switching frequency.
    pub switching_hz: f64,
    /// Period of the control.
    pub sample_s: f64,
    /// Losses of the switches.
    pub losses: LossParameters,
    /// Cooling.
    pub thermal: ThermalParameters,
}

/// What acts on a buck converter during a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BuckInput {
    /// Input voltage: the DC link, V.
    pub input_v: f64,
    /// Load: what it draws at nominal output voltage, W. It is a resistance during the step.
    pub load_w: f64,
    /// Power the DC link can give, W: [`Buck::demand_w`] or more when it is not short.
    pub supply_w: f64,
    /// Air temperature, °C.
    pub ambient_c: f64,
    /// Factor on the thermal resistance: 1 with sound cooling.
    pub thermal_resistance_factor: f64,
}

/// A buck converter's state with what was read off its last step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BuckState {
    filter: LcState,
    thermal: ThermalState,
    readings: BuckReadings,
}

/// What one can read off a buck converter at the end of a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct BuckReadings {
    /// Input voltage.
    pub input_v: f64,
    /// Output voltage.
    pub output_v: f64,
    /// Inductor current, mean over a switching period.
    pub inductor_a: f64,
    /// Power into the load, output voltage times inductor current.
    pub output_w: f64,
    /// Power from the DC link, mean of the step, losses included.
    pub input_w: f64,
    /// Ripple of the inductor current, rms, in percent of its mean.
    pub ripple_percent: f64,
    /// Heat-sink temperature, °C.
    pub heat_sink_c: f64,
    /// Losses of the switches, mean of the step.
    pub losses_w: f64,
    /// Whether a current limit or the end of the duty ratio's range acted at the end of the step.
    pub limiting: bool,
}

/// A buck converter: parameters and what can be computed from them once.
#[derive(Debug, Clone, PartialEq)]
pub struct Buck {
    parameters: BuckParameters,
    periods: usize,
    current_gain_ohm: f64,
    voltage_gain_siemens: f64,
    losses: LossCurve,
    heat_sink: HeatSink,
}

/// What the control knows during a step.
struct Control {
    input_v: f64,
    load_siemens: f64,
    most_a: f64,
}

impl BuckParameters {
    /// 50 kW from a link of 750 V to 400 V.
    #[must_use]
    pub fn buck_50_kw() -> Self {
        Self {
            rated_kw: 50.0,
            input_nominal_v: 750.0,
            output_v: 400.0,
            l_h: 1e-3,
            r_ohm: 0.02,
            c_f: 1e-3,
            switching_hz: 20e3,
            sample_s: 50e-6,
            losses: LossParameters::TWO_LEVEL,
            thermal: ThermalParameters::default(),
        }
    }

    /// Rated output current, A.
    #[must_use]
    pub fn rated_a(&self) -> f64 {
        1e3 * self.rated_kw / self.output_v
    }

    /// # Errors
    /// The first thing that makes a converter of these parameters impossible.
    pub fn check(&self) -> Result<(), ParameterError> {
        positive(&[
            ("rated_kw", self.rated_kw),
            ("output_v", self.output_v),
            ("l_h", self.l_h),
            ("r_ohm", self.r_ohm),
            ("c_f", self.c_f),
            ("switching_hz", self.switching_hz),
            ("sample_s", self.sample_s),
            (
                "input_nominal_v - output_v",
                self.input_nominal_v - self.output_v,
            ),
        ])?;
        check_common(&self.losses, &self.thermal)?;
        whole_fraction(self.sample_s, STEP_S).map(|_| ())
    }
}

impl Buck {
    /// A converter of these parameters.
    ///
    /// # Errors
    /// Parameters that no converter can have.
    pub fn new(parameters: BuckParameters) -> Result<Self, ParameterError> {
        parameters.check()?;
        let rated_w = 1e3 * parameters.rated_kw;
        Ok(Self {
            periods: whole_fraction(parameters.sample_s, STEP_S)?,
            current_gain_ohm: parameters.l_h / (CURRENT_LOOP_PERIODS * parameters.sample_s),
            voltage_gain_siemens: parameters.c_f / (VOLTAGE_LOOP_PERIODS * parameters.sample_s),
            losses: parameters.losses.curve(rated_w, parameters.rated_a()),
            heat_sink: HeatSink::new(
                &parameters.thermal,
                parameters.losses.rated_fraction() * rated_w,
                STEP_S,
            ),
            parameters,
        })
    }

    /// Its parameters.
    #[must_use]
    pub fn parameters(&self) -> &BuckParameters {
        &self.parameters
    }

    /// The state it would be in after a long time under `input`.
    #[must_use]
    pub fn settled(&self, input: &BuckInput) -> BuckState {
        let mut state = BuckState {
            filter: LcState {
                inductor_a: 0.0,
                output_v: self.parameters.output_v,
            },
            thermal: self.heat_sink.settled(0.0, 1.0, input.ambient_c),
            readings: BuckReadings::default(),
        };
        for _ in 0..2 {
            self.step(&mut state, input);
        }
        state.thermal = self.heat_sink.settled(
            state.readings.losses_w,
            input.thermal_resistance_factor,
            input.ambient_c,
        );
        state.readings.heat_sink_c = state.thermal.heat_sink_c();
        state
    }

    /// Advances by [`STEP_S`].
    pub fn step(&self, state: &mut BuckState, input: &BuckInput) {
        self.step_until(state, input, AT_REST);
    }

    /// Power it wants from the DC link, losses included, whatever the supply, W.
    #[must_use]
    pub fn demand_w(&self, state: &BuckState, input: &BuckInput) -> f64 {
        let control = self.unsupplied_control(state, input);
        self.steady_input_w(&control, self.operation_share(input.input_v))
    }

    /// A step that looks away once a control period moves the state by less than `at_rest`.
    fn step_until(&self, state: &mut BuckState, input: &BuckInput, at_rest: f64) {
        let control = self.control(state, input);
        let (mean_a, mean_w) = self.run(&mut state.filter, &control, at_rest);
        let operation = self.operation_share(input.input_v);
        let losses_w = operation * self.losses.at_squared(mean_a * mean_a);
        self.heat_sink.advance(
            &mut state.thermal,
            losses_w,
            input.thermal_resistance_factor,
            input.ambient_c,
        );
        state.readings = self.readings(state, &control);
        state.readings.losses_w = losses_w;
        state.readings.input_w = mean_w + losses_w;
    }

    /// The control periods of a step. Returns the inductor's mean current and mean power from the switch.
    fn run(&self, state: &mut LcState, control: &Control, at_rest: f64) -> (f64, f64) {
        let parameters = &self.parameters;
        let filter = LcFilter::new(
            parameters.l_h,
            parameters.c_f,
            parameters.r_ohm,
            control.load_siemens,
            parameters.sample_s,
        );
        let rest_a = at_rest * parameters.rated_a();
        let rest_v = at_rest * parameters.output_v;
        let (mut sum_a, mut sum_w) = (0.0, 0.0);
        let mut left = self.periods;
        while left > 0 {
            let (switch_v, _) = self.switch_v(*state, control);
            let next = filter.advance(*state, switch_v);
            let mean_a = 0.5 * (state.inductor_a + next.inductor_a);
            let still = (next.inductor_a - state.inductor_a).abs() < rest_a
                && (next.output_v - state.output_v).abs() < rest_v;
            let periods = if still { left } else { 1 };
            sum_a += periods as f64 * mean_a;
            sum_w += periods as f64 * (switch_v * mean_a);
            left -= periods;
            *state = next;
        }
        let per_period = 1.0 / self.periods as f64;
        (sum_a * per_period, sum_w * per_period)
    }

    /// What can be read off a state, means of the step aside.
    fn readings(&self, state: &BuckState, control: &Control) -> BuckReadings {
        let parameters = &self.parameters;
        let LcState {
            inductor_a,
            output_v,
        } = state.filter;
        let (switch_v, limiting) = self.switch_v(state.filter, control);
        let least_v = LEAST_INPUT_PU * parameters.input_nominal_v;
        let ripple_a = ripple::buck_ripple_a(
            control.input_v,
            output_v,
            switch_v / control.input_v.max(least_v),
            parameters.l_h,
            parameters.switching_hz,
        );
        BuckReadings {
            input_v: control.input_v,
            output_v,
            inductor_a,
            output_w: output_v * inductor_a,
            ripple_percent: ripple::dc_ripple_percent(
                ripple_a.max(0.0),
                inductor_a,
                parameters.rated_a(),
            ),
            heat_sink_c: state.thermal.heat_sink_c(),
            limiting,
            ..BuckReadings::default()
        }
    }

    /// 1 in operation, less towards undervoltage lockout.
    fn operation_share(&self, input_v: f64) -> f64 {
        let input_pu = input_v / self.parameters.input_nominal_v;
        ((input_pu - LOCKOUT_PU.0) / (LOCKOUT_PU.1 - LOCKOUT_PU.0)).clamp(0.0, 1.0)
    }

    /// Limits of the converter itself.
    fn unsupplied_control(&self, state: &BuckState, input: &BuckInput) -> Control {
        let parameters = &self.parameters;
        let derating = parameters.thermal.derating(state.thermal.heat_sink_c());
        Control {
            input_v: input.input_v.max(0.0),
            load_siemens: input.load_w.max(0.0) / (parameters.output_v * parameters.output_v),
            most_a: parameters.rated_a() * self.operation_share(input.input_v) * derating,
        }
    }

    /// Those limits, and no more current than a link that is short can feed.
    fn control(&self, state: &BuckState, input: &BuckInput) -> Control {
        let mut control = self.unsupplied_control(state, input);
        let demand_w = self.steady_input_w(&control, self.operation_share(input.input_v));
        if control.load_siemens > 0.0 && input.supply_w < SHORT * demand_w {
            let ohmic = 1.0 / control.load_siemens + self.parameters.r_ohm;
            let supplied_a = self.losses.current_of(input.supply_w, ohmic);
            control.most_a = control.most_a.min(supplied_a);
        }
        control
    }

    /// Input power once the load's voltage has settled, W.
    fn steady_input_w(&self, control: &Control, operation: f64) -> f64 {
        let wanted_a = control.load_siemens * self.parameters.output_v;
        let current_a = wanted_a.min(control.most_a);
        let squared = current_a * current_a;
        let load_w = if current_a > 0.0 {
            squared / control.load_siemens
        } else {
            0.0
        };
        load_w + self.parameters.r_ohm * squared + operation * self.losses.at_squared(squared)
    }

    /// Mean voltage at the switch the control asks for, and whether a limit shaped it.
    fn switch_v(&self, state: LcState, control: &Control) -> (f64, bool) {
        let parameters = &self.parameters;
        let wanted_a = state.output_v * control.load_siemens
            + self.voltage_gain_siemens * (parameters.output_v - state.output_v);
        let reference_a = wanted_a.clamp(0.0, control.most_a);
        let wanted_v = state.output_v
            + parameters.r_ohm * state.inductor_a
            + self.current_gain_ohm * (reference_a - state.inductor_a);
        let switch_v = wanted_v.clamp(0.0, control.input_v);
        (
            switch_v,
            wanted_a > control.most_a * LIMITED || wanted_v > control.input_v,
        )
    }
}

impl BuckState {
    /// What can be read off it.
    #[must_use]
    pub fn readings(&self) -> &BuckReadings {
        &self.readings
    }
}

#[cfg(test)]
mod tests;
