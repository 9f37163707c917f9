//! Samples recorded from the original service; `tests/golden/README.md` says how.

use serde_json::Value;

/// The samples of a file under `tests/golden/`.
pub(crate) fn golden(name: &str) -> Vec<Value> {
    let text = match name {
        "engineio_http" => include_str!("../../golden/engineio_http.json"),
        "frames" => include_str!("../../golden/frames.json"),
        "rest" => include_str!("../../golden/rest.json"),
        _ => panic!("there are no samples called {name}"),
    };
    serde_json::from_str(text).unwrap()
}
