//! Topic `buck`: a buck converter at a constant duty ratio, sample by sample, from rest.

use serde::{Deserialize, Serialize};

use crate::plant::converter::{LcFilter, LcState, ripple::buck_ripple_a};

/// Cases to compute.
#[derive(Debug, Clone, Deserialize)]
pub struct Input {
    cases: Vec<Case>,
}

/// One converter.
#[derive(Debug, Clone, Deserialize)]
struct Case {
    id: String,
    #[serde(rename = "L_h")]
    l_h: f64,
    #[serde(rename = "C_f")]
    c_f: f64,
    #[serde(rename = "R_ohm")]
    r_ohm: f64,
    /// Absent or null without a load.
    #[serde(rename = "R_load_ohm")]
    r_load_ohm: Option<f64>,
    vin_v: f64,
    duty: f64,
    #[serde(rename = "Ts_s")]
    sample_s: f64,
    steps: usize,
    fsw_hz: f64,
}

/// The response of each case.
#[derive(Debug, Clone, Serialize)]
pub struct Output {
    cases: Vec<Response>,
}

/// Inductor current in A and output voltage in V by sample, and the current's ripple, peak to peak, at
/// the ideal output voltage d Vin.
#[derive(Debug, Clone, Serialize)]
struct Response {
    id: String,
    i_l: Vec<f64>,
    v_out: Vec<f64>,
    ripple_pp_a: f64,
}

/// Computes every case.
#[must_use]
pub fn run(input: &Input) -> Output {
    Output {
        cases: input.cases.iter().map(respond).collect(),
    }
}

fn respond(case: &Case) -> Response {
    let switch_v = case.duty * case.vin_v;
    let load_siemens = case.r_load_ohm.map_or(0.0, f64::recip);
    let filter = LcFilter::new(case.l_h, case.c_f, case.r_ohm, load_siemens, case.sample_s);
    let mut state = LcState::default();
    let mut response = Response {
        id: case.id.clone(),
        i_l: Vec::new(),
        v_out: Vec::new(),
        ripple_pp_a: buck_ripple_a(case.vin_v, switch_v, case.duty, case.l_h, case.fsw_hz),
    };
    for _ in 0..case.steps {
        response.i_l.push(state.inductor_a);
        response.v_out.push(state.output_v);
        state = filter.advance(state, switch_v);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::physics::reference;

    #[test]
    fn the_reference_cases_hold() {
        reference::check("buck", run, 1e-9, 1e-9);
    }
}
