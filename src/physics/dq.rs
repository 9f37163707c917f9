//! Topic `dq`: the current loop of a grid converter, sample by sample.
//!
//! Sample k is the current at k Ts, before the control acts; currents and integrators start at 0. What an
//! event sets holds from its step on.

use serde::{Deserialize, Serialize};

use crate::plant::converter::{CurrentLoop, CurrentState, SpaceVector};

/// Cases to compute.
#[derive(Debug, Clone, Deserialize)]
pub struct Input {
    cases: Vec<Case>,
}

/// One converter and what happens to it.
#[derive(Debug, Clone, Deserialize)]
struct Case {
    id: String,
    #[serde(rename = "L_h")]
    l_h: f64,
    #[serde(rename = "R_ohm")]
    r_ohm: f64,
    #[serde(rename = "Kp")]
    proportional_ohm: f64,
    #[serde(rename = "Ki")]
    integral_ohm_per_s: f64,
    #[serde(rename = "Ts_s")]
    sample_s: f64,
    f_hz: f64,
    vs_peak_v: f64,
    vdc_v: f64,
    steps: usize,
    #[serde(default)]
    events: Vec<Event>,
}

/// A change at the beginning of a step.
#[derive(Debug, Clone, Deserialize)]
struct Event {
    step: usize,
    i_ref: Option<[f64; 2]>,
    #[serde(alias = "vs_peak_v", alias = "vs_v")]
    vs: Option<Voltage>,
    vdc_v: Option<f64>,
    f_hz: Option<f64>,
}

/// A grid voltage: its peak value, on the d axis, or both components.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Voltage {
    Peak(f64),
    Components([f64; 2]),
}

/// The currents of each case.
#[derive(Debug, Clone, Serialize)]
pub struct Output {
    cases: Vec<Response>,
}

/// The current of one case by sample, A peak.
#[derive(Debug, Clone, Serialize)]
struct Response {
    id: String,
    i_d: Vec<f64>,
    i_q: Vec<f64>,
}

/// Computes every case.
#[must_use]
pub fn run(input: &Input) -> Output {
    Output {
        cases: input.cases.iter().map(respond).collect(),
    }
}

fn respond(case: &Case) -> Response {
    let current_loop = CurrentLoop {
        l_h: case.l_h,
        r_ohm: case.r_ohm,
        proportional_ohm: case.proportional_ohm,
        integral_ohm_per_s: case.integral_ohm_per_s,
        sample_s: case.sample_s,
    };
    let mut step = current_loop.at(case.f_hz);
    let mut state = CurrentState::default();
    let mut reference_a = SpaceVector::ZERO;
    let mut grid_v = SpaceVector::new(case.vs_peak_v, 0.0);
    let mut dc_v = case.vdc_v;
    let mut response = Response {
        id: case.id.clone(),
        i_d: Vec::new(),
        i_q: Vec::new(),
    };
    for k in 0..case.steps {
        for event in case.events.iter().filter(|event| event.step == k) {
            if let Some([d, q]) = event.i_ref {
                reference_a = SpaceVector::new(d, q);
            }
            match event.vs {
                Some(Voltage::Peak(peak)) => grid_v = SpaceVector::new(peak, 0.0),
                Some(Voltage::Components([d, q])) => grid_v = SpaceVector::new(d, q),
                None => {}
            }
            dc_v = event.vdc_v.unwrap_or(dc_v);
            if let Some(f_hz) = event.f_hz {
                step = current_loop.at(f_hz);
            }
        }
        response.i_d.push(state.current_a.d);
        response.i_q.push(state.current_a.q);
        step.advance(&mut state, reference_a, grid_v, dc_v / 3.0_f64.sqrt());
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::physics::reference;

    #[test]
    fn the_reference_cases_hold() {
        reference::check("dq", run, 1e-9, 1e-9);
    }
}
