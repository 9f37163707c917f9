//! Topic `powerflow`: a case in, its solution out. Numbers are null where there is no voltage, and
//! whole arrays where there is no solution.

use serde_json::{Map, Value, json};

use super::TopicError;
use crate::powerflow::{Case, Flow, PowerFlow};

pub(super) fn answer(input: &Value) -> Result<Value, TopicError> {
    let case = Case::from_value(input)?;
    let mut flow = PowerFlow::new(&case)?;
    let outcome = flow.solve_exactly();
    let number = |bus: usize| case.buses[bus].number;
    let islands: Vec<Vec<u32>> = flow
        .islands()
        .into_iter()
        .map(|island| island.into_iter().map(number).collect())
        .collect();
    let mut answer = json!({
        "converged": outcome.is_ok(),
        "bus": case.buses.iter().map(|bus| bus.number).collect::<Vec<_>>(),
        "slack_bus": flow.slack_buses().map(number).collect::<Vec<_>>(),
        "islands": islands,
    });
    match &outcome {
        Ok(solved) => {
            answer["iterations"] = json!(solved.iterations);
            answer["mismatch_pu"] = json!(solved.mismatch_pu);
        }
        Err(error) => {
            answer["iterations"] = json!(error.iterations());
            answer["error"] = json!(error.to_string());
        }
    }
    for (name, values) in columns(&flow) {
        answer[name] = if outcome.is_ok() { values } else { Value::Null };
    }
    Ok(answer)
}

fn columns(flow: &PowerFlow) -> Map<String, Value> {
    let at_buses = |values: &[f64]| {
        let value = |(bus, value): (usize, &f64)| flow.energised(bus).then_some(*value);
        json!(values.iter().enumerate().map(value).collect::<Vec<_>>())
    };
    let at_branches = |part: fn(Flow) -> f64| json!(flow.flows().map(part).collect::<Vec<_>>());
    let (mut p_mw, mut q_mvar) = (vec![0.0; flow.buses()], vec![0.0; flow.buses()]);
    flow.injections(&mut p_mw, &mut q_mvar);
    let va_degree: Vec<f64> = flow
        .va_rad()
        .iter()
        .map(|angle| angle.to_degrees())
        .collect();
    let columns = [
        ("vm_pu", at_buses(flow.vm_pu())),
        ("va_degree", at_buses(&va_degree)),
        ("p_mw", at_buses(&p_mw)),
        ("q_mvar", at_buses(&q_mvar)),
        ("p_from_mw", at_branches(|flow| flow.p_from_mw)),
        ("q_from_mvar", at_branches(|flow| flow.q_from_mvar)),
        ("p_to_mw", at_branches(|flow| flow.p_to_mw)),
        ("q_to_mvar", at_branches(|flow| flow.q_to_mvar)),
        ("loss_mw", json!(flow.loss_mw())),
    ];
    columns
        .into_iter()
        .map(|(name, values)| (name.to_owned(), values))
        .collect()
}
