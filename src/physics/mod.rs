//! The models by themselves, for verification: a topic's input in, its answer out, both JSON.
//!
//! Each topic calls what the plant calls; it has no model of its own.

pub mod buck;
pub mod detect;
pub mod dq;
pub mod frequency;
mod powerflow;
#[cfg(test)]
mod reference;
mod sequence;
pub mod solar;
pub mod wind;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use thiserror::Error;

use crate::powerflow::CaseErrors;

/// All topics, with what each is about.
pub const TOPICS: &[(&str, &str)] = &[
    (
        "powerflow",
        "a case in MATPOWER's form -> its AC power flow",
    ),
    (
        "sequence",
        "a case and loads tick by tick -> voltages, warm started",
    ),
    (
        "solar",
        "time, place, weather and array -> sun, irradiance and power",
    ),
    (
        "wind",
        "wind, air and turbine -> hub speed, density and power",
    ),
    (
        "dq",
        "a converter's current loop -> currents, sample by sample",
    ),
    (
        "buck",
        "a DC/DC converter -> current and voltage, sample by sample",
    ),
    (
        "frequency",
        "a power step -> frequency, nadir and rate of change",
    ),
    ("detect", "a stream of samples -> faults and anomalies"),
];

/// Why a topic has no answer.
#[derive(Debug, Error)]
pub enum TopicError {
    /// No such topic.
    #[error("there is no topic {0:?}: give one of {names}", names = names())]
    Unknown(String),
    /// The input is no JSON.
    #[error("the input is not JSON: {0}")]
    Syntax(#[source] serde_json::Error),
    /// The input has not the form of the topic.
    #[error("the input has not the form of this topic: {0}")]
    Form(#[source] serde_json::Error),
    /// The case cannot be used.
    #[error(transparent)]
    Case(#[from] CaseErrors),
    /// A stream cannot be used.
    #[error(transparent)]
    Stream(#[from] detect::Error),
    /// Something else of the input cannot be used.
    #[error("{place}: {problem}")]
    Input {
        /// Where.
        place: String,
        /// What is wrong and what is needed.
        problem: &'static str,
    },
}

fn names() -> String {
    let names: Vec<_> = TOPICS.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

/// Answers a topic's input given as JSON text.
///
/// # Errors
/// The topic does not exist or its input cannot be used.
pub fn answer_text(topic: &str, input: &str) -> Result<Value, TopicError> {
    let input = serde_json::from_str(input).map_err(TopicError::Syntax)?;
    answer(topic, &input)
}

/// Answers a topic's input, which may stand under the key `input`.
///
/// # Errors
/// The topic does not exist or its input cannot be used.
pub fn answer(topic: &str, input: &Value) -> Result<Value, TopicError> {
    let input = input.get("input").unwrap_or(input);
    match topic {
        "powerflow" => powerflow::answer(input),
        "sequence" => sequence::answer(input),
        "solar" => run(input, solar::run),
        "wind" => run(input, wind::run),
        "dq" => run(input, dq::run),
        "buck" => run(input, buck::run),
        "frequency" => run(input, frequency::run),
        "detect" => written(&detect::detect(input)?),
        _ => Err(TopicError::Unknown(topic.to_owned())),
    }
}

fn run<I: DeserializeOwned, O: Serialize>(
    input: &Value,
    topic: impl Fn(&I) -> O,
) -> Result<Value, TopicError> {
    let input = I::deserialize(input).map_err(TopicError::Form)?;
    written(&topic(&input))
}

fn written<O: Serialize>(output: &O) -> Result<Value, TopicError> {
    serde_json::to_value(output).map_err(TopicError::Form)
}
