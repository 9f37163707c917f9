//! The models by themselves, for verification: a topic's input in, its answer out, both JSON.

use serde_json::Value;

use crate::powerflow::CaseErrors;

mod powerflow;
mod sequence;

/// Why a topic has no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TopicError {
    /// No such topic.
    #[error("there is no topic `{0}`")]
    Unknown(String),
    /// The case cannot be used.
    #[error(transparent)]
    Case(#[from] CaseErrors),
    /// Something else of the input cannot be used.
    #[error("{place}: {problem}")]
    Input {
        /// Where.
        place: String,
        /// What is wrong and what is needed.
        problem: &'static str,
    },
}

/// Answers a topic's input.
///
/// # Errors
/// The topic does not exist or its input cannot be used.
pub fn answer(topic: &str, input: &Value) -> Result<Value, TopicError> {
    match topic {
        "powerflow" => powerflow::answer(input),
        "sequence" => sequence::answer(input),
        _ => Err(TopicError::Unknown(topic.to_owned())),
    }
}
