//! What a client received, and whether it is what it should be.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use serde_json::Value;
use tokio::time::Instant;

/// One event.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) at: Instant,
    /// The number of the connection it came over.
    pub(crate) connection: usize,
    /// The wall clock on arrival, in ms.
    pub(crate) wall_ms: i64,
    pub(crate) name: String,
    /// The payload as it came.
    pub(crate) payload: String,
    /// The entity, if it is a sample.
    pub(crate) entity: Option<String>,
    pub(crate) timestamp_ms: i64,
}

impl Received {
    pub(crate) fn read(event: &str, connection: usize) -> Self {
        let parsed: Value = serde_json::from_str(event).unwrap();
        let name = parsed[0].as_str().unwrap().to_owned();
        let payload = &parsed[1];
        let keys: &[&str] = match name.as_str() {
            "converter:state" => &["converterId"],
            "bus:measurement" => &["busId"],
            "res:generation" => &["unitId"],
            _ => &[],
        };
        let entity = keys.iter().find_map(|key| payload[key].as_str());
        let head = event.find(',').unwrap() + 1;
        let timestamp = payload["timestamp"].as_str().unwrap();
        Self {
            at: Instant::now(),
            connection,
            wall_ms: chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now())
                .timestamp_millis(),
            entity: entity.map(str::to_owned),
            payload: event[head..event.len() - 1].to_owned(),
            timestamp_ms: DateTime::parse_from_rfc3339(timestamp)
                .unwrap()
                .timestamp_millis(),
            name,
        }
    }
}

/// Samples by entity, in the order of arrival.
pub(crate) fn by_entity(received: &[Received]) -> BTreeMap<String, Vec<Received>> {
    let mut entities: BTreeMap<String, Vec<Received>> = BTreeMap::new();
    for one in received {
        if let Some(entity) = &one.entity {
            entities
                .entry(entity.clone())
                .or_default()
                .push(one.clone());
        }
    }
    entities
}

/// Asserts that each entity's samples follow each other without gap, repetition or step back.
pub(crate) fn assert_gapless(who: &str, received: &[Received]) {
    let entities = by_entity(received);
    assert_eq!(entities.len(), 12, "{who}");
    for (entity, samples) in entities {
        let period_ms = period_ms(&samples[0].name);
        for pair in samples.windows(2) {
            let step_ms = pair[1].timestamp_ms - pair[0].timestamp_ms;
            assert_eq!(
                step_ms, period_ms,
                "{who}, {entity} after {}",
                pair[0].payload
            );
        }
    }
}

/// Asserts that each entity's samples come in order and once each; gaps are counted. A new connection
/// begins with the newest sample, which the one before may have had.
pub(crate) fn missing(who: &str, received: &[Received]) -> BTreeMap<String, i64> {
    let mut missing = BTreeMap::new();
    for (entity, samples) in by_entity(received) {
        let period_ms = period_ms(&samples[0].name);
        for pair in samples.windows(2) {
            let step_ms = pair[1].timestamp_ms - pair[0].timestamp_ms;
            let first = pair[1].connection > pair[0].connection;
            let in_order = step_ms > 0 || (first && step_ms == 0);
            assert!(
                in_order,
                "{who}, {entity}: {} after {}",
                pair[1].payload, pair[0].payload
            );
            *missing.entry(entity.clone()).or_default() += (step_ms / period_ms - 1).max(0);
        }
    }
    missing
}

/// Asserts that what several clients received at the same time of the plant is equal to the byte,
/// and returns how many samples all have in common.
pub(crate) fn assert_equal(clients: &[Vec<Received>]) -> usize {
    let map = |received: &[Received]| -> BTreeMap<(String, i64), String> {
        let samples = received.iter().filter_map(|one| {
            let key = (one.entity.clone()?, one.timestamp_ms);
            Some((key, one.payload.clone()))
        });
        samples.collect()
    };
    let maps: Vec<_> = clients.iter().map(|received| map(received)).collect();
    let keys = |map: &BTreeMap<(String, i64), String>| map.keys().cloned().collect::<BTreeSet<_>>();
    let common = maps
        .iter()
        .map(keys)
        .reduce(|a, b| a.intersection(&b).cloned().collect())
        .unwrap();
    for key in &common {
        let payloads: BTreeSet<_> = maps.iter().map(|map| &map[key]).collect();
        assert_eq!(payloads.len(), 1, "{payloads:?}");
    }
    common.len()
}

/// Asserts that whatever any two clients have of the same entity and time is equal to the byte, and returns
/// how many such samples there are.
pub(crate) fn assert_equal_pairwise(clients: &[Vec<Received>]) -> usize {
    let mut payloads: BTreeMap<(String, i64), Vec<(usize, &str)>> = BTreeMap::new();
    for (who, received) in clients.iter().enumerate() {
        for one in received {
            if let Some(entity) = &one.entity {
                let key = (entity.clone(), one.timestamp_ms);
                payloads.entry(key).or_default().push((who, &one.payload));
            }
        }
    }
    let mut common = 0;
    for (key, payloads) in payloads {
        let (_, first) = payloads[0];
        let unequal = payloads.iter().any(|(_, payload)| *payload != first);
        assert!(!unequal, "{key:?}: {payloads:#?}");
        common += usize::from(payloads.len() > 1);
    }
    common
}

/// The oldest sample, by its age in ms on arrival.
pub(crate) fn oldest_ms(received: &[Received]) -> i64 {
    let samples = received.iter().filter(|one| one.entity.is_some());
    let ages = samples.map(|one| one.wall_ms - one.timestamp_ms);
    ages.max().unwrap_or_default()
}

fn period_ms(name: &str) -> i64 {
    match name {
        "converter:state" => 500,
        "bus:measurement" => 1_000,
        "res:generation" => 2_000,
        _ => unreachable!("{name}"),
    }
}
