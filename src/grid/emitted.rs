//! Every event that a client can get: its name, who gets it, what its payload is called in the documents,
//! and an example.

use serde_json::{Value, json};

use super::{
    stream::{STREAMS, Stream},
    telemetry::{Row, Sample},
    time::Timestamp,
};

/// The events that are no samples, by name.
pub mod names {
    /// A fault is raised or grows worse.
    pub const FAULT_DETECTED: &str = "fault:detected";
    /// A fault is over.
    pub const FAULT_CLEARED: &str = "fault:cleared";
    /// An anomaly is found.
    pub const ANOMALY_DETECTED: &str = "anomaly:detected";
    /// An anomaly is gone.
    pub const ANOMALY_CLEARED: &str = "anomaly:cleared";
    /// A message for a person.
    pub const NOTIFICATION: &str = "notification";
    /// The network has changed.
    pub const TOPOLOGY: &str = "network:topology:update";
    /// A request cannot be served.
    pub const EXCEPTION: &str = "exception";
    /// Samples did not reach the client.
    pub const DROPPED: &str = "gridcast:dropped";
}

/// Who gets an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hearers {
    /// Whoever has subscribed to the entity that it is about.
    Subscribers,
    /// Everybody in the namespace.
    Everyone,
    /// The one client that it is about.
    Client,
}

/// What there is to say of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Emitted {
    /// Its name.
    pub name: &'static str,
    /// Who gets it.
    pub hearers: Hearers,
    /// The name of its payload in the documents.
    pub payload: &'static str,
    /// A payload as it may occur.
    pub example: Value,
}

/// All events, samples first.
#[must_use]
pub fn events() -> Vec<Emitted> {
    let samples = STREAMS.iter().map(|stream| Emitted {
        name: stream.event,
        hearers: Hearers::Subscribers,
        payload: stream.payload,
        example: json!(example(stream).payload()),
    });
    samples.chain(alerts()).chain(others()).collect()
}

/// When the examples happen.
fn instant() -> Timestamp {
    Timestamp::from_unix_ms(1_795_475_666_500)
}

fn example(stream: &'static Stream) -> Sample {
    let (id, entity_type) = stream.example;
    let value = |field: &super::stream::Field| {
        if field.belongs_to(entity_type) {
            field.example
        } else {
            f64::NAN
        }
    };
    let values: Vec<_> = stream.fields.iter().map(value).collect();
    Sample {
        entity: id.into(),
        stream,
        entity_type,
        capacity_kw: 100.0,
        row: Row::of(&values),
        stale: false,
        timestamp: instant(),
    }
}

fn alerts() -> [Emitted; 4] {
    let fault = |phase: &str| {
        json!({"id": "UNDERVOLTAGE-BUS-004-1260", "type": "UNDERVOLTAGE", "severity": "HIGH", "phase": phase,
            "location": "BUS-004", "message": "Undervoltage at BUS-004: 0.8012 p.u. is below 0.85 p.u.",
            "entityKind": "bus", "busId": "BUS-004", "quantity": "voltageMagnitude", "value": 0.8012,
            "limit": 0.85, "timestamp": instant()})
    };
    let mut over = fault("cleared");
    over["message"] = json!("Undervoltage at BUS-004 is over: 0.9912 p.u.");
    over["value"] = json!(0.9912);
    over["limit"] = json!(0.95);
    over["extreme"] = json!(0.8009);
    over["extremeStep"] = json!(1273);
    let anomaly = |phase: &str| {
        json!({"id": "LEVEL_SHIFT-BUS-004-activePower-1260", "type": "LEVEL_SHIFT", "source": "BUS-004",
            "phase": phase, "field": "activePower", "confidence": 0.93,
            "description": "activePower is offset at BUS-004", "affected_equipment": ["BUS-004"],
            "entityKind": "bus", "busId": "BUS-004", "timestamp": instant()})
    };
    let alert = |name, payload, example| Emitted {
        name,
        hearers: Hearers::Subscribers,
        payload,
        example,
    };
    [
        alert(names::FAULT_DETECTED, "Fault", fault("raised")),
        alert(names::FAULT_CLEARED, "Fault", over),
        alert(names::ANOMALY_DETECTED, "Anomaly", anomaly("raised")),
        alert(names::ANOMALY_CLEARED, "Anomaly", anomaly("cleared")),
    ]
}

fn others() -> [Emitted; 4] {
    let topology = json!({"topology": {
        "buses": [{"id": "BUS-001", "type": "SLACK", "baseKv": 220.0, "gsMw": 0.0, "bsMvar": 0.0}],
        "branches": [{"id": "BRANCH-001", "from": "BUS-001", "to": "BUS-002", "r": 0.01, "x": 0.06, "b": 0.06,
            "ratio": 0.0, "shiftDeg": 0.0, "rateMva": 250.0, "inService": true}]}, "timestamp": instant()});
    [
        Emitted {
            name: names::NOTIFICATION,
            hearers: Hearers::Everyone,
            payload: "Notification",
            example: json!({"type": "success", "title": "Simulation Started",
                "message": "All simulators are now running", "timestamp": instant()}),
        },
        Emitted {
            name: names::TOPOLOGY,
            hearers: Hearers::Everyone,
            payload: "TopologyUpdate",
            example: topology,
        },
        Emitted {
            name: names::EXCEPTION,
            hearers: Hearers::Client,
            payload: "Exception",
            example: json!({"status": "error", "message": "Internal server error",
                "cause": {"pattern": "subscribe:buses", "data": 7}}),
        },
        Emitted {
            name: names::DROPPED,
            hearers: Hearers::Client,
            payload: "Dropped",
            example: json!({"counts": {"slow": 26}, "since": instant(), "timestamp": instant()}),
        },
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_event_stands_once() {
        let names: Vec<_> = events().into_iter().map(|event| event.name).collect();
        let unique: HashSet<_> = names.iter().collect();
        assert_eq!(unique.len(), names.len(), "{names:?}");
    }

    #[test]
    fn the_readme_has_every_event() {
        let readme = include_str!("../../README.md");
        for Emitted { name, .. } in events() {
            assert!(
                readme.contains(&format!("`{name}`")),
                "README.md lacks {name}"
            );
        }
    }
}
