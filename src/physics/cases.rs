//! Holds the topics against the reference cases in `tests/cases`.

use std::{fs, path::Path};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{buck, dq, frequency};

/// Runs every case of a topic and hands each result of each case to `judge`, with what is expected: case
/// and key, expected, found. A single number comes as a list of one.
fn compare<I: DeserializeOwned, O: Serialize>(
    topic: &str,
    run: impl Fn(&I) -> O,
    judge: impl Fn(&str, &str, &[f64], &[f64]),
) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(topic);
    for name in ["given.json", "own.json"] {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        let file: Value = serde_json::from_str(&text).unwrap();
        let input = serde_json::from_value(file["input"].clone()).unwrap();
        let found = serde_json::to_value(run(&input)).unwrap();
        let expected = file["expect"]["cases"].as_array().unwrap();
        let found = found["cases"].as_array().unwrap();
        assert_eq!(expected.len(), found.len());
        for (expected, found) in expected.iter().zip(found) {
            assert_eq!(expected["id"], found["id"]);
            for (key, value) in expected.as_object().unwrap() {
                if key != "id" {
                    let label = format!("{topic}/{name} {} {key}", expected["id"]);
                    judge(&label, key, &numbers(value), &numbers(&found[key]));
                }
            }
        }
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().map(|value| value.as_f64().unwrap()).collect(),
        value => vec![value.as_f64().unwrap()],
    }
}

/// Largest difference between two lists of equal length.
fn distance(left: &[f64], right: &[f64]) -> f64 {
    assert_eq!(left.len(), right.len());
    left.iter()
        .zip(right)
        .map(|(left, right)| (left - right).abs())
        .fold(0.0, f64::max)
}

fn every_sample_agrees(label: &str, _: &str, expected: &[f64], found: &[f64]) {
    let largest = expected
        .iter()
        .fold(0.0, |largest: f64, value| largest.max(value.abs()));
    let error = distance(expected, found);
    // The cases are rounded to nine decimals.
    assert!(error < 1e-9 * largest.max(1.0), "{label}: {error:e}");
}

#[test]
fn current_loops_follow_their_cases() {
    compare("dq", dq::run, every_sample_agrees);
}

#[test]
fn buck_converters_follow_their_cases() {
    compare("buck", buck::run, every_sample_agrees);
}

#[test]
fn frequencies_follow_their_cases() {
    compare("frequency", frequency::run, |label, _, expected, found| {
        let error = distance(expected, found);
        assert!(error < 1e-8, "{label}: {error:e}");
    });
}
