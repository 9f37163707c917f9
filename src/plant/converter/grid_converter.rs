//! A converter between a DC source and the grid: one step of 100 ms.
//!
//! Within a step source, grid voltage, frequency and load are constant. The voltage loop acts every
//! millisecond and hands the current loop a reference; the current loop acts every Ts, and is advanced
//! by one block per millisecond (see [`current_loop`](super::current_loop)). Powers of a millisecond
//! come from the mean current, which is exact for the energy exchanged with the grid; the energy that
//! leaves the link is by construction the sum of what is reported.

use serde::{Deserialize, Serialize};

use super::{
    current_loop::{CurrentBlock, CurrentLoop, CurrentState},
    dc_link::{DcLink, DcLinkState},
    droop,
    losses::LossCurve,
    parameters::{GridConverterParameters, ParameterError, VOLTAGE_LOOP_S, whole_fraction},
    ripple,
    space_vector::SpaceVector,
    thermal::{HeatSink, ThermalState},
};
use crate::{grid::time::STEP_S, maths::exp};

/// Periods of the voltage loop in a step.
const PERIODS: usize = 100;
/// ln 10: a first-order lag has made nine tenths of a step after so many time constants.
const NINE_TENTHS: f64 = std::f64::consts::LN_10;
/// Below this grid voltage per unit the converter holds its reactive current rather than its power.
const CONSTANT_CURRENT_BELOW_PU: f64 = 0.9;
/// Below this grid voltage per unit there is nothing to exchange power with: the converter makes no
/// current.
const CEASES_BELOW_PU: f64 = 0.03;
/// Least share of available power that counts as not limited.
const UNLIMITED: f64 = 0.999;

/// What acts on a grid converter during a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GridConverterInput {
    /// Peak phase voltage of the grid at the terminals, V.
    pub grid_peak_v: f64,
    /// The same per unit of nominal, as the reactive-power characteristic sees it.
    pub grid_voltage_pu: f64,
    /// Grid frequency.
    pub frequency_hz: f64,
    /// DC power the source offers, W.
    pub source_w: f64,
    /// Power a load draws from the DC link, W.
    pub dc_load_w: f64,
    /// Air temperature, °C.
    pub ambient_c: f64,
    /// Factor on the thermal resistance: 1 with sound cooling.
    pub thermal_resistance_factor: f64,
}

/// A converter's state with what was read off its last step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GridConverterState {
    current: CurrentState,
    link: DcLinkState,
    reactive_pu: f64,
    thermal: ThermalState,
    readings: GridConverterReadings,
}

/// What one can read off a converter at the end of a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct GridConverterReadings {
    /// DC-link voltage.
    pub dc_v: f64,
    /// Current in the d axis, peak, towards the grid positive.
    pub current_d_a: f64,
    /// Current in the q axis.
    pub current_q_a: f64,
    /// Active power into the grid, 1.5 v i_d.
    pub active_w: f64,
    /// Reactive power into the grid, -1.5 v i_q.
    pub reactive_var: f64,
    /// Total harmonic distortion of the current.
    pub thd_percent: f64,
    /// Heat-sink temperature, °C.
    pub heat_sink_c: f64,
    /// Losses of the bridge, mean of the step.
    pub losses_w: f64,
    /// Power the source gave, mean of the step: less than offered when it had to yield.
    pub source_w: f64,
    /// Power the load on the link got, mean of the step.
    pub dc_load_w: f64,
    /// Whether the source gave less than it offered, or a current limit acted at the end of the step.
    pub limiting: bool,
    /// Where the energy of the step went.
    pub energy: EnergyBalance,
}

/// Energies of one step, J. `source = grid + filter + load + losses + link_change`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct EnergyBalance {
    /// From the source.
    pub source_j: f64,
    /// Into the grid.
    pub grid_j: f64,
    /// Into the filter: heat in its resistance, and what its field stores more than before.
    pub filter_j: f64,
    /// Into the load on the link.
    pub load_j: f64,
    /// Heat of the bridge.
    pub losses_j: f64,
    /// Stored in the link more than before.
    pub link_change_j: f64,
}

/// A grid converter: parameters and what can be computed from them once.
#[derive(Debug, Clone, PartialEq)]
pub struct GridConverter {
    parameters: GridConverterParameters,
    current_loop: CurrentLoop,
    control_periods: usize,
    link: DcLink,
    losses: LossCurve,
    heat_sink: HeatSink,
    nominal_peak_v: f64,
    rated_peak_a: f64,
    reactive_decay: f64,
}

/// What stays constant during a step.
struct Frame {
    block: CurrentBlock,
    grid_v: SpaceVector,
    offered_w: f64,
    load_w: f64,
    reference_q_a: f64,
    most_d_a: f64,
    amperes_per_watt: f64,
}

impl GridConverter {
    /// A converter of these parameters.
    ///
    /// # Errors
    /// Parameters that no converter can have.
    pub fn new(parameters: GridConverterParameters) -> Result<Self, ParameterError> {
        parameters.check()?;
        let rated_peak_a = parameters.rated_peak_a();
        Ok(Self {
            current_loop: CurrentLoop::tuned(
                parameters.l_h,
                parameters.r_ohm,
                parameters.tau_s,
                parameters.sample_s,
            ),
            control_periods: whole_fraction(parameters.sample_s, VOLTAGE_LOOP_S)?,
            link: DcLink::new(
                parameters.dc_capacitance_f,
                parameters.dc_nominal_v,
                parameters.dc_bandwidth_hz,
                VOLTAGE_LOOP_S,
            ),
            losses: parameters.losses.curve(parameters.rated_va(), rated_peak_a),
            heat_sink: HeatSink::new(
                &parameters.thermal,
                parameters.losses.rated_fraction() * parameters.rated_va(),
                STEP_S,
            ),
            nominal_peak_v: parameters.nominal_peak_v(),
            rated_peak_a,
            reactive_decay: exp(-NINE_TENTHS * STEP_S / parameters.reactive_response_s),
            parameters,
        })
    }

    /// Its parameters.
    #[must_use]
    pub fn parameters(&self) -> &GridConverterParameters {
        &self.parameters
    }

    /// The state it would be in after a long time under `input`.
    #[must_use]
    pub fn settled(&self, input: &GridConverterInput) -> GridConverterState {
        let mut state = GridConverterState {
            current: CurrentState::default(),
            link: self.link.nominal(),
            reactive_pu: droop::reactive_power_pu(input.grid_voltage_pu),
            thermal: self.heat_sink.settled(0.0, 1.0, input.ambient_c),
            readings: GridConverterReadings::default(),
        };
        for _ in 0..10 {
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
    pub fn step(&self, state: &mut GridConverterState, input: &GridConverterInput) {
        let frame = self.frame(state, input);
        let energy_before_j = state.link.energy_j;
        let field_before_j = self.field_j(state);
        let mut energy = EnergyBalance::default();
        let mut limited = false;
        for _ in 0..PERIODS {
            limited = self.period(state, &frame, &mut energy);
        }
        energy.filter_j += self.field_j(state) - field_before_j;
        energy.link_change_j = state.link.energy_j - energy_before_j;

        let losses_w = energy.losses_j / STEP_S;
        self.heat_sink.advance(
            &mut state.thermal,
            losses_w,
            input.thermal_resistance_factor,
            input.ambient_c,
        );
        let source_w = energy.source_j / STEP_S;
        let current_a = state.current.current_a;
        state.readings = GridConverterReadings {
            dc_v: self.link.voltage_v(state.link.energy_j),
            current_d_a: current_a.d,
            current_q_a: current_a.q,
            active_w: 1.5 * frame.grid_v.d * current_a.d,
            reactive_var: 0.0 - 1.5 * frame.grid_v.d * current_a.q,
            thd_percent: self.thd_percent(state, &frame),
            heat_sink_c: state.thermal.heat_sink_c(),
            losses_w,
            source_w,
            dc_load_w: energy.load_j / STEP_S,
            limiting: limited || source_w < UNLIMITED * input.source_w,
            energy,
        };
    }

    fn frame(&self, state: &mut GridConverterState, input: &GridConverterInput) -> Frame {
        let parameters = &self.parameters;
        let step = self.current_loop.at(input.frequency_hz);
        let target_pu = droop::reactive_power_pu(input.grid_voltage_pu);
        state.reactive_pu = target_pu + (state.reactive_pu - target_pu) * self.reactive_decay;

        let least_v = CEASES_BELOW_PU * self.nominal_peak_v;
        let most_a = if input.grid_peak_v < least_v {
            0.0
        } else {
            self.rated_peak_a
                .min(parameters.rated_va() / (1.5 * input.grid_peak_v))
                * parameters.thermal.derating(state.thermal.heat_sink_c())
        };
        let reactive_v = input
            .grid_peak_v
            .max(CONSTANT_CURRENT_BELOW_PU * self.nominal_peak_v);
        let wanted_q_a = -state.reactive_pu * parameters.rated_va() / (1.5 * reactive_v);
        let reference_q_a = wanted_q_a.clamp(-most_a, most_a);
        let share = droop::active_power_share(
            input.frequency_hz,
            parameters.nominal_hz,
            parameters.overfrequency_start_hz,
            parameters.overfrequency_droop,
        );
        Frame {
            block: step.over(self.control_periods),
            grid_v: SpaceVector::new(input.grid_peak_v, 0.0),
            offered_w: share * input.source_w.max(0.0),
            load_w: input.dc_load_w,
            reference_q_a,
            most_d_a: (most_a * most_a - reference_q_a * reference_q_a)
                .max(0.0)
                .sqrt(),
            amperes_per_watt: 1.0 / (1.5 * input.grid_peak_v.max(least_v)),
        }
    }

    /// One period of the voltage loop. Returns whether the current limit acted.
    fn period(
        &self,
        state: &mut GridConverterState,
        frame: &Frame,
        energy: &mut EnergyBalance,
    ) -> bool {
        let link = &mut state.link;
        let operation = self.link.operation_share(link.energy_j);
        let source_w = frame.offered_w * self.link.source_share(link.energy_j);
        let load_w = frame.load_w * operation;

        let wanted_a = (source_w - load_w + self.link.wanted_w(link)) * frame.amperes_per_watt;
        let reference_a = SpaceVector::new(
            wanted_a.clamp(-frame.most_d_a, frame.most_d_a),
            frame.reference_q_a,
        );
        let excess_a = wanted_a - reference_a.d;
        self.link.integrate(link, excess_a);

        // Heat comes from the current the period begins with: it is known early, and so its root delays
        // nothing.
        let before_squared = state.current.current_a.length_squared();
        let losses_w = operation * self.losses.at_squared(before_squared);
        let copper_w = 1.5 * self.parameters.r_ohm * before_squared;
        let limit_v = self.link.largest_phase_v(link.energy_j);
        let mean_a = frame
            .block
            .advance(&mut state.current, reference_a, frame.grid_v, limit_v);
        let grid_w = 1.5 * frame.grid_v.d * mean_a.d;
        let after_squared = state.current.current_a.length_squared();
        let field_j = 0.75 * self.parameters.l_h * (after_squared - before_squared);
        link.energy_j +=
            VOLTAGE_LOOP_S * (source_w - load_w - losses_w - grid_w - copper_w) - field_j;

        energy.source_j += VOLTAGE_LOOP_S * source_w;
        energy.load_j += VOLTAGE_LOOP_S * load_w;
        energy.losses_j += VOLTAGE_LOOP_S * losses_w;
        energy.grid_j += VOLTAGE_LOOP_S * grid_w;
        energy.filter_j += VOLTAGE_LOOP_S * copper_w;
        excess_a != 0.0
    }

    /// Energy in the filter's field.
    fn field_j(&self, state: &GridConverterState) -> f64 {
        0.75 * self.parameters.l_h * state.current.current_a.length_squared()
    }

    fn thd_percent(&self, state: &GridConverterState, frame: &Frame) -> f64 {
        let parameters = &self.parameters;
        let current_a = state.current.current_a;
        let dc_v = self.link.voltage_v(state.link.energy_j);
        let terminal_v = frame.grid_v + frame.block.steady_drive_v(current_a);
        let modulation = 2.0 * terminal_v.length() / dc_v.max(1e-3 * parameters.dc_nominal_v);
        let ripple_rms_a = ripple::ripple_rms_a(
            parameters.topology,
            modulation,
            dc_v,
            parameters.l_h,
            parameters.switching_hz,
        );
        ripple::thd_percent(ripple_rms_a, current_a.length(), self.rated_peak_a)
    }
}

impl GridConverterState {
    /// What can be read off it.
    #[must_use]
    pub fn readings(&self) -> &GridConverterReadings {
        &self.readings
    }
}

#[cfg(test)]
mod tests;
