//! Topic `frequency`: what the frequency does after a step of load at t = 0.

use serde::{Deserialize, Serialize};

use crate::plant::frequency::{FrequencyModel, FrequencyParameters, FrequencyState};

/// Resolution with which the extremum is looked for, s.
const SEARCH_STEP_S: f64 = 0.01;

/// Cases to compute.
#[derive(Debug, Clone, Deserialize)]
pub struct Input {
    cases: Vec<Case>,
}

/// One synchronous area and its load step.
#[derive(Debug, Clone, Deserialize)]
struct Case {
    id: String,
    #[serde(rename = "H_s")]
    h_s: f64,
    #[serde(rename = "D_pu")]
    d_pu: f64,
    #[serde(rename = "R_pu")]
    r_pu: f64,
    #[serde(rename = "Tg_s")]
    tg_s: f64,
    #[serde(rename = "Tt_s")]
    tt_s: f64,
    #[serde(rename = "Ki_agc", default)]
    ki_per_s: f64,
    #[serde(rename = "F_hp", default = "without_reheat")]
    f_hp: f64,
    #[serde(rename = "T_rh_s", default)]
    trh_s: f64,
    #[serde(rename = "dPL_pu")]
    step_pu: f64,
    f0_hz: f64,
    t_end_s: f64,
    #[serde(default)]
    sample_t_s: Vec<f64>,
}

fn without_reheat() -> f64 {
    1.0
}

/// The response of each case.
#[derive(Debug, Clone, Serialize)]
pub struct Output {
    cases: Vec<Response>,
}

/// The frequency at the asked instants, its largest deviation until the end and when, its rate of change
/// at the beginning, and where it comes to rest.
#[derive(Debug, Clone, Serialize)]
struct Response {
    id: String,
    f_hz: Vec<f64>,
    extremum_hz: f64,
    extremum_t_s: f64,
    rocof0_hz_s: f64,
    f_ss_hz: f64,
}

/// Computes every case.
#[must_use]
pub fn run(input: &Input) -> Output {
    Output {
        cases: input.cases.iter().map(respond).collect(),
    }
}

fn respond(case: &Case) -> Response {
    let parameters = FrequencyParameters {
        h_s: case.h_s,
        d_pu: case.d_pu,
        r_pu: case.r_pu,
        tg_s: case.tg_s,
        tt_s: case.tt_s,
        trh_s: case.trh_s,
        f_hp: case.f_hp,
        ki_per_s: case.ki_per_s,
        deadband_hz: 0.0,
        f0_hz: case.f0_hz,
        ..FrequencyParameters::default()
    };
    let model = FrequencyModel::with_step(&parameters, SEARCH_STEP_S);
    let (extremum, extremum_t_s) = extremum(&model, case.step_pu, case.t_end_s);
    Response {
        id: case.id.clone(),
        f_hz: case
            .sample_t_s
            .iter()
            .map(|&t_s| {
                // A single exact step from rest: as long as the model is linear, its length is free.
                let mut state = FrequencyState::default();
                let model = FrequencyModel::with_step(&parameters, t_s);
                model.step(&mut state, case.step_pu);
                model.frequency_hz(&state)
            })
            .collect(),
        extremum_hz: model.frequency_hz(&extremum),
        extremum_t_s,
        rocof0_hz_s: model.initial_rocof_hz_per_s(case.step_pu),
        f_ss_hz: model.steady_frequency_hz(case.step_pu),
    }
}

/// The state of largest deviation, the first if there are several, and its time.
fn extremum(model: &FrequencyModel, step_pu: f64, t_end_s: f64) -> (FrequencyState, f64) {
    let mut state = FrequencyState::default();
    let mut largest = (state, 0.0);
    let mut k = 0.0;
    while (k + 1.0) * SEARCH_STEP_S <= t_end_s + 1e-9 {
        k += 1.0;
        model.step(&mut state, step_pu);
        if state.deviation_pu.abs() > largest.0.deviation_pu.abs() {
            largest = (state, k * SEARCH_STEP_S);
        }
    }
    largest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::physics::reference;

    #[test]
    fn the_reference_cases_hold() {
        reference::check("frequency", run, 1e-8, 0.0);
    }
}
