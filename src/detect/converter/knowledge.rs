//! What is known of all converters and of one of them.

use crate::detect::model::{Converter, Noise};

/// What is known of all converters at one instant.
pub(in crate::detect) struct ConverterKnowledge<'a> {
    /// Standard deviations of the noise.
    pub(in crate::detect) noise: &'a Noise,
    /// Ratings by converter.
    pub(in crate::detect) models: &'a [Converter],
    /// Voltages of the buses in p.u. where they have been measured at this instant and nothing speaks
    /// against them.
    pub(in crate::detect) bus_voltage_pu: &'a [Option<f64>],
    /// Generation of the renewable units in kW, likewise.
    pub(in crate::detect) generation_kw: &'a [Option<f64>],
    /// Temperature of the air at the renewable units in deg C, likewise.
    pub(in crate::detect) air_c: &'a [Option<f64>],
    /// Simulated seconds since the previous samples.
    pub(in crate::detect) dt_s: f64,
}

/// From this load on a converter may be at the limit of its current, which is at 1: the margin is for what
/// the load does between samples.
pub(super) const LIMITED: f64 = 0.93;

/// Whether a converter has an AC side with three phases; the others are DC/DC converters.
pub(super) fn is_three_phase(model: &Converter) -> bool {
    model.power_factor > 1.0
}

/// Power at rated voltage and current, kW.
pub(super) fn rated_kw(model: &Converter) -> f64 {
    model.power_factor * model.grid_voltage_v * model.rated_current_a / 1000.0
}
