//! Topic `sequence`: a case and its loads tick by tick in, voltages and solve times out. Each tick
//! starts from the voltages of the one before.

use std::time::Instant;

use serde_json::{Value, json};

use super::TopicError;
use crate::powerflow::{Case, PowerFlow};

pub(super) fn answer(input: &Value) -> Result<Value, TopicError> {
    let case = Case::from_value(field(input, "case", "")?)?;
    let mut flow = PowerFlow::new(&case)?;
    let generation = case.generation();
    // The first tick shall be as warm as the others. Without a solution the next solve says so.
    let _ = flow.solve();
    let ticks = field(input, "ticks", "")?
        .as_array()
        .ok_or_else(|| problem("ticks", "must be a list"))?;
    let mut answers = Vec::with_capacity(ticks.len());
    for (i, tick) in ticks.iter().enumerate() {
        let place = format!("ticks[{i}]");
        let pd_mw = numbers(tick, "Pd", &place, flow.buses())?;
        let qd_mvar = numbers(tick, "Qd", &place, flow.buses())?;
        for (bus, ([p_mw, q_mvar], (pd_mw, qd_mvar))) in generation
            .iter()
            .zip(pd_mw.iter().zip(&qd_mvar))
            .enumerate()
        {
            flow.set_power(bus, p_mw - pd_mw, q_mvar - qd_mvar);
        }
        let start = Instant::now();
        let outcome = flow.solve();
        let solve_us = start.elapsed().as_secs_f64() * 1e6;
        answers.push(match outcome {
            Ok(solved) => json!({
                "converged": true,
                "vm_pu": voltages(&flow, flow.vm_pu(), 1.0),
                "va_degree": voltages(&flow, flow.va_rad(), 1_f64.to_degrees()),
                "solve_us": solve_us,
                "iterations": solved.iterations,
                "mismatch_pu": solved.mismatch_pu,
            }),
            Err(error) => json!({
                "converged": false,
                "vm_pu": null,
                "va_degree": null,
                "solve_us": solve_us,
                "iterations": error.iterations(),
                "error": error.to_string(),
            }),
        });
    }
    Ok(json!({ "ticks": answers }))
}

fn voltages(flow: &PowerFlow, values: &[f64], unit: f64) -> Vec<Option<f64>> {
    let value = |(bus, value): (usize, &f64)| flow.energised(bus).then_some(value * unit);
    values.iter().enumerate().map(value).collect()
}

fn numbers(tick: &Value, name: &str, place: &str, buses: usize) -> Result<Vec<f64>, TopicError> {
    let wrong = || {
        problem(
            format!("{place}.{name}"),
            "must be a list with a number for each bus",
        )
    };
    let values = field(tick, name, place)?
        .as_array()
        .filter(|values| values.len() == buses);
    values
        .ok_or_else(wrong)?
        .iter()
        .map(|value| value.as_f64().ok_or_else(wrong))
        .collect()
}

fn field<'a>(input: &'a Value, name: &str, place: &str) -> Result<&'a Value, TopicError> {
    let place = if place.is_empty() {
        name.to_owned()
    } else {
        format!("{place}.{name}")
    };
    input.get(name).ok_or_else(|| problem(place, "is missing"))
}

fn problem(place: impl Into<String>, problem: &'static str) -> TopicError {
    let place = place.into();
    TopicError::Input { place, problem }
}
