//! Topic `wind`: wind, air and power at the hub of a turbine.

use serde::{Deserialize, Serialize};

use crate::plant::wind::{
    curve::{PowerCurve, STANDARD_DENSITY_KG_M3},
    density::{barometric_kg_m3, ideal_gas_kg_m3, pressure_pa},
    profile::{Profile, temperature_at},
};

/// The cases asked for.
#[derive(Debug, Clone, Deserialize)]
pub struct Input {
    cases: Vec<Case>,
}

/// A turbine and the weather measured near it.
#[derive(Debug, Clone, Deserialize)]
struct Case {
    id: String,
    wind_speed_ms: f64,
    wind_speed_height_m: f64,
    hub_height_m: f64,
    roughness_m: f64,
    hellman_exponent: f64,
    temp_k: f64,
    temp_height_m: f64,
    pressure_pa: f64,
    pressure_height_m: f64,
    curve_v_ms: Vec<f64>,
    curve_p_w: Vec<f64>,
}

/// The answers, in the order of the cases.
#[derive(Debug, Clone, Serialize)]
pub struct Output {
    cases: Vec<Answer>,
}

/// What the models say to a case.
#[derive(Debug, Clone, Serialize)]
struct Answer {
    id: String,
    v_hub_log_ms: f64,
    v_hub_hellman_ms: f64,
    temp_hub_k: f64,
    rho_barometric: f64,
    rho_ideal_gas: f64,
    /// By the logarithmic profile, in standard air.
    p_w: f64,
    /// By the logarithmic profile, in air of the barometric density.
    p_density_corrected_w: f64,
}

/// Answers all cases.
#[must_use]
pub fn run(input: &Input) -> Output {
    Output {
        cases: input.cases.iter().map(answer).collect(),
    }
}

fn answer(case: &Case) -> Answer {
    let speed_by = |profile: Profile| {
        case.wind_speed_ms * profile.factor(case.hub_height_m, case.wind_speed_height_m)
    };
    let v_hub_log_ms = speed_by(Profile::Logarithmic {
        roughness_m: case.roughness_m,
    });
    let temp_hub_k = temperature_at(case.temp_k, case.hub_height_m, case.temp_height_m);
    let pressure = pressure_pa(case.pressure_pa, case.hub_height_m - case.pressure_height_m);
    let rho_barometric = barometric_kg_m3(pressure, temp_hub_k);
    let curve = PowerCurve::new(&case.curve_v_ms, &case.curve_p_w);
    Answer {
        v_hub_log_ms,
        v_hub_hellman_ms: speed_by(Profile::Hellman {
            exponent: case.hellman_exponent,
        }),
        temp_hub_k,
        rho_barometric,
        rho_ideal_gas: ideal_gas_kg_m3(pressure, temp_hub_k),
        p_w: curve.power(v_hub_log_ms, STANDARD_DENSITY_KG_M3),
        p_density_corrected_w: curve.power(v_hub_log_ms, rho_barometric),
        id: case.id.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::physics::reference;

    /// The reference is rounded to nine digits after the point.
    #[test]
    fn the_reference_cases_hold() {
        reference::check("wind", run, 1e-9, 1e-7);
    }
}
