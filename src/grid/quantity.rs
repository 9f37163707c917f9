//! What can be measured at an entity: wire name, unit, meaning and normal range.

use std::ops::RangeInclusive;

use serde::Serialize;
use utoipa::ToSchema;

/// One field of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Quantity {
    /// The field's name on the wire.
    #[schema(example = "voltageMagnitude")]
    pub field: &'static str,
    /// Its unit.
    #[schema(example = "p.u.")]
    pub unit: &'static str,
    /// What it is, with sign and reference where they matter.
    pub description: &'static str,
    /// Lower end of the normal range; values may leave it.
    pub min: f64,
    /// Upper end of the normal range; values may leave it.
    pub max: f64,
}

const fn quantity(
    field: &'static str,
    unit: &'static str,
    description: &'static str,
    min: f64,
    max: f64,
) -> Quantity {
    Quantity {
        field,
        unit,
        description,
        min,
        max,
    }
}

/// The quantities of a bus whose voltage stays within `voltage_pu`, beyond which it is a fault, and whose
/// power within `p_mw` and `q_mvar` (both signs).
#[must_use]
pub fn of_bus(voltage_pu: RangeInclusive<f64>, p_mw: f64, q_mvar: f64) -> Vec<Quantity> {
    vec![
        quantity(
            "voltageMagnitude",
            "p.u.",
            "Voltage magnitude on the base voltage of the bus.",
            *voltage_pu.start(),
            *voltage_pu.end(),
        ),
        quantity(
            "voltageAngle",
            "deg",
            "Voltage angle against the slack bus.",
            -30.0,
            30.0,
        ),
        quantity(
            "frequency",
            "Hz",
            "Frequency as a phasor measurement unit at the bus sees it.",
            49.95,
            50.05,
        ),
        quantity(
            "activePower",
            "MW",
            "Net active power injected; generation positive, load negative.",
            -p_mw,
            p_mw,
        ),
        quantity(
            "reactivePower",
            "MVAR",
            "Net reactive power injected; the shunt of the bus counts as network.",
            -q_mvar,
            q_mvar,
        ),
    ]
}

/// The quantities of a grid-side converter of `rated_kw`, with its rated peak current, nominal
/// DC-link voltage and nominal peak phase voltage of the grid.
#[must_use]
pub fn of_grid_converter(
    rated_kw: f64,
    rated_a: f64,
    dc_link_v: f64,
    grid_peak_v: f64,
) -> Vec<Quantity> {
    vec![
        quantity(
            "voltage",
            "V",
            "DC-link voltage.",
            0.95 * dc_link_v,
            1.05 * dc_link_v,
        ),
        quantity(
            "current_d",
            "A",
            "Current in the d axis, on the grid voltage; towards the grid positive.",
            -rated_a,
            rated_a,
        ),
        quantity(
            "current_q",
            "A",
            "Current in the q axis; towards the grid positive.",
            -0.5 * rated_a,
            0.5 * rated_a,
        ),
        quantity(
            "activePower",
            "kW",
            "Active power into the grid, 1.5 v i_d.",
            -rated_kw,
            rated_kw,
        ),
        quantity(
            "reactivePower",
            "kVAR",
            "Reactive power into the grid, -1.5 v i_q.",
            -0.5 * rated_kw,
            0.5 * rated_kw,
        ),
        quantity(
            "frequency",
            "Hz",
            "Frequency at the converter's bus.",
            49.95,
            50.05,
        ),
        quantity(
            "thd",
            "%",
            "Total harmonic distortion of the current.",
            0.0,
            50.0,
        ),
        quantity(
            "temperature",
            "deg C",
            "Heat sink temperature.",
            -30.0,
            85.0,
        ),
        quantity(
            "gridVoltage",
            "V",
            "Peak phase voltage at the terminals.",
            0.95 * grid_peak_v,
            1.05 * grid_peak_v,
        ),
    ]
}

/// The quantities of a DC/DC converter of `rated_kw`, with its rated output current, input and
/// output voltage.
#[must_use]
pub fn of_dc_converter(rated_kw: f64, rated_a: f64, input_v: f64, output_v: f64) -> Vec<Quantity> {
    vec![
        quantity(
            "voltage",
            "V",
            "Input voltage: the DC link that feeds the converter.",
            0.95 * input_v,
            1.05 * input_v,
        ),
        quantity("current_d", "A", "Inductor current.", 0.0, rated_a),
        quantity("current_q", "A", "Always 0: there is no AC side.", 0.0, 0.0),
        quantity(
            "activePower",
            "kW",
            "Power into the DC load.",
            0.0,
            rated_kw,
        ),
        quantity(
            "reactivePower",
            "kVAR",
            "Always 0: there is no AC side.",
            0.0,
            0.0,
        ),
        quantity(
            "frequency",
            "Hz",
            "Frequency at the bus of the converter that holds the DC link.",
            49.95,
            50.05,
        ),
        quantity(
            "thd",
            "%",
            "Ripple of the inductor current: rms over mean.",
            0.0,
            50.0,
        ),
        quantity(
            "temperature",
            "deg C",
            "Heat sink temperature.",
            -30.0,
            85.0,
        ),
        quantity(
            "gridVoltage",
            "V",
            "Output voltage.",
            0.95 * output_v,
            1.05 * output_v,
        ),
    ]
}

/// The quantities of a solar plant of `capacity_kw`.
#[must_use]
pub fn of_solar(capacity_kw: f64) -> Vec<Quantity> {
    vec![
        quantity(
            "generation",
            "kW",
            "AC power of the plant; exactly 0 at night.",
            0.0,
            capacity_kw,
        ),
        quantity(
            "utilizationFactor",
            "1",
            "Generation over capacity.",
            0.0,
            1.0,
        ),
        quantity(
            "irradiance",
            "W/m2",
            "Irradiance in the plane of the array.",
            0.0,
            1200.0,
        ),
        quantity("temperature", "deg C", "Air temperature.", -30.0, 40.0),
    ]
}

/// The quantities of a wind turbine of `capacity_kw`.
#[must_use]
pub fn of_wind(capacity_kw: f64) -> Vec<Quantity> {
    vec![
        quantity(
            "generation",
            "kW",
            "Electrical power of the turbine.",
            0.0,
            capacity_kw,
        ),
        quantity(
            "utilizationFactor",
            "1",
            "Generation over capacity.",
            0.0,
            1.0,
        ),
        quantity("windSpeed", "m/s", "Wind speed at hub height.", 0.0, 30.0),
        quantity("temperature", "deg C", "Air temperature.", -30.0, 40.0),
    ]
}

/// The quantities of a branch rated `rate_mva`.
#[must_use]
pub fn of_branch(rate_mva: f64) -> Vec<Quantity> {
    vec![
        quantity(
            "pFromMw",
            "MW",
            "Active power into the branch at its from end.",
            -rate_mva,
            rate_mva,
        ),
        quantity(
            "qFromMvar",
            "MVAR",
            "Reactive power into the branch at its from end.",
            -rate_mva,
            rate_mva,
        ),
        quantity(
            "pToMw",
            "MW",
            "Active power into the branch at its to end.",
            -rate_mva,
            rate_mva,
        ),
        quantity(
            "qToMvar",
            "MVAR",
            "Reactive power into the branch at its to end.",
            -rate_mva,
            rate_mva,
        ),
        quantity(
            "loadingPercent",
            "%",
            "Apparent power at the more loaded end over the rating.",
            0.0,
            100.0,
        ),
    ]
}
