//! The reference cases of a topic, `tests/cases/<topic>/*.json`.

use std::{fs, path::Path};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Runs all cases of `topic` and compares every number with the one expected, which may differ by
/// `absolute + relative·|expected|`; in a list the largest number stands for all of them.
pub(super) fn check<I: DeserializeOwned, O: Serialize>(
    topic: &str,
    run: impl Fn(&I) -> O,
    absolute: f64,
    relative: f64,
) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(topic);
    let mut compared = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let mut file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let input = serde_json::from_value(file["input"].take()).unwrap();
        let answers = serde_json::to_value(run(&input)).unwrap();
        let [answers, expected] =
            [&answers, &file["expect"]].map(|cases| cases["cases"].as_array().unwrap());
        assert_eq!(answers.len(), expected.len());
        for (answer, expected) in answers.iter().zip(expected) {
            let [answer, expected] = [answer, expected].map(|case| case.as_object().unwrap());
            assert!(answer.keys().eq(expected.keys()));
            for (key, expected) in expected {
                let found = &answer[key];
                let id = &answer["id"];
                let (Some(found), Some(expected)) = (numbers(found), numbers(expected)) else {
                    assert_eq!(found, expected, "{id}, {key}");
                    continue;
                };
                assert_eq!(found.len(), expected.len(), "{id}, {key}");
                let largest = expected.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
                for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    assert!(
                        (found - expected).abs() <= absolute + relative * largest,
                        "{id}, {key}[{at}]: {found} where {expected} is expected"
                    );
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 100, "only {compared} numbers were compared");
}

/// A number, or a list of them.
fn numbers(value: &Value) -> Option<Vec<f64>> {
    match value {
        Value::Array(values) => values.iter().map(Value::as_f64).collect(),
        value => value.as_f64().map(|number| vec![number]),
    }
}
