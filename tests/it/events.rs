//! Faults, anomalies, notifications and the topology: who hears of them, and in which order.

use std::sync::Arc;

use gridcast::grid::{
    alert::{
        Anomaly, AnomalyDetails, AnomalyPhase, AnomalyType, Fault, FaultDetails, FaultPhase,
        FaultType, Severity, Subject,
    },
    entity::{EntityKind, EntityType},
    event::Event,
    topology::{Topology, TopologyBranch, TopologyBus, TopologyUpdate},
};
use serde_json::{Value, json};

use crate::support::{Socket, Stage};

fn fault(phase: FaultPhase, subject: Subject) -> FaultDetails {
    FaultDetails {
        id: format!("UNDERVOLTAGE-{}-12", subject.id),
        fault_type: FaultType::Undervoltage,
        severity: Severity::Medium,
        phase,
        location: subject.id.clone(),
        message: format!("Undervoltage at {}", subject.id),
        subject,
        quantity: "voltageMagnitude".into(),
        value: 0.89,
        limit: 0.9,
        extreme: None,
        extreme_step: None,
    }
}

fn anomaly(phase: AnomalyPhase, subject: Subject) -> AnomalyDetails {
    AnomalyDetails {
        id: format!("SPIKE-{}-activePower-12", subject.id),
        anomaly_type: AnomalyType::Spike,
        source: subject.id.clone(),
        phase,
        field: Some("activePower".into()),
        confidence: 0.93,
        description: format!("Spike in {}", subject.id),
        affected_equipment: vec![subject.id.clone()],
        subject,
    }
}

fn bus(id: &str) -> Subject {
    Subject::of(EntityKind::Bus, id)
}

fn branch() -> Subject {
    Subject::branch("BRANCH-003", ["BUS-002".into(), "BUS-003".into()])
}

/// Emits a fault at a tick.
async fn report_fault(stage: &Stage, tick: u64, details: FaultDetails) {
    let timestamp = stage.timestamp(tick);
    let fault = Event::Fault(Fault { details, timestamp });
    stage.announce(tick, fault).await;
}

/// Emits an anomaly at a tick.
async fn report_anomaly(stage: &Stage, tick: u64, details: AnomalyDetails) {
    let timestamp = stage.timestamp(tick);
    let anomaly = Event::Anomaly(Anomaly { details, timestamp });
    stage.announce(tick, anomaly).await;
}

/// What a client hears up to this title's notification.
async fn heard(socket: &mut Socket, title: &str) -> Vec<(String, Value)> {
    let last = |name: &str, payload: &Value| name == "notification" && payload["title"] == title;
    socket.events_until(last).await
}

fn names(events: &[(String, Value)]) -> Vec<&str> {
    events.iter().map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn a_fault_is_heard_in_its_room_and_announced_to_all() {
    let stage = Stage::start().await;
    let mut inside = stage.join().await;
    inside.ask("subscribe:buses", &["BUS-004"]).await;
    let mut outside = stage.join().await;
    outside.ask("subscribe:buses", &["BUS-005"]).await;
    outside.ask("subscribe:converters", &["CONV-001"]).await;
    let mut nowhere = stage.join().await;
    report_fault(&stage, 12, fault(FaultPhase::Raised, bus("BUS-004"))).await;

    let events = heard(&mut inside, "Fault Detected").await;
    assert_eq!(names(&events), ["fault:detected", "notification"]);
    let mut details = json!({
        "id": "UNDERVOLTAGE-BUS-004-12", "type": "UNDERVOLTAGE", "severity": "MEDIUM",
        "phase": "raised", "location": "BUS-004", "message": "Undervoltage at BUS-004",
        "entityKind": "bus", "busId": "BUS-004", "quantity": "voltageMagnitude",
        "value": 0.89, "limit": 0.9,
    });
    let timestamp = events[0].1["timestamp"].clone();
    let notification = json!({
        "type": "error", "title": "Fault Detected", "message": "Fault detected at BUS-004",
        "data": details, "timestamp": timestamp,
    });
    details["timestamp"] = timestamp;
    assert_eq!(events[0].1, details);
    assert_eq!(events[1].1, notification);
    for socket in [&mut outside, &mut nowhere] {
        let events = heard(socket, "Fault Detected").await;
        assert_eq!(events, [("notification".to_owned(), notification.clone())]);
    }
}

#[tokio::test]
async fn an_escalation_is_not_announced_again_and_an_end_is() {
    let stage = Stage::start().await;
    let mut inside = stage.join().await;
    inside.ask("subscribe:converters", &["CONV-002"]).await;
    let mut outside = stage.join().await;
    let converter = || Subject::of(EntityKind::Converter, "CONV-002");
    let phases = [
        FaultPhase::Raised,
        FaultPhase::Escalated,
        FaultPhase::Cleared,
    ];
    for (tick, phase) in (12..).zip(phases) {
        report_fault(&stage, tick, fault(phase, converter())).await;
    }
    let events = heard(&mut inside, "Fault Cleared").await;
    assert_eq!(
        names(&events),
        [
            "fault:detected",
            "notification",
            "fault:detected",
            "fault:cleared",
            "notification"
        ]
    );
    let phases: Vec<_> = events
        .iter()
        .map(|(_, payload)| payload["phase"].clone())
        .collect();
    assert_eq!(
        phases,
        [
            json!("raised"),
            json!(null),
            json!("escalated"),
            json!("cleared"),
            json!(null)
        ]
    );
    let (_, cleared) = &events[4];
    assert_eq!(cleared["type"], "info");
    assert_eq!(cleared["message"], "Fault cleared at CONV-002");
    assert_eq!(cleared["data"]["phase"], "cleared");
    assert!(cleared["data"].get("timestamp").is_none());
    assert_eq!(events[0].1["converterId"], "CONV-002");
    let events = heard(&mut outside, "Fault Cleared").await;
    assert_eq!(names(&events), ["notification", "notification"]);
}

#[tokio::test]
async fn a_fault_of_a_branch_is_heard_once_at_either_end() {
    let stage = Stage::start().await;
    let mut both = stage.join().await;
    both.ask("subscribe:buses", &["BUS-002", "BUS-003", "BUS-001"])
        .await;
    let mut from = stage.join().await;
    from.ask("subscribe:buses", &["BUS-002"]).await;
    let mut to = stage.join().await;
    to.ask("subscribe:buses", &["BUS-003"]).await;
    let mut outside = stage.join().await;
    outside.ask("subscribe:buses", &["BUS-001"]).await;
    report_fault(&stage, 12, fault(FaultPhase::Raised, branch())).await;
    for socket in [&mut both, &mut from, &mut to] {
        let events = heard(socket, "Fault Detected").await;
        assert_eq!(names(&events), ["fault:detected", "notification"]);
        let payload = &events[0].1;
        assert_eq!(payload["entityKind"], "branch");
        assert_eq!(payload["branchId"], "BRANCH-003");
        assert_eq!(payload["busIds"], json!(["BUS-002", "BUS-003"]));
    }
    let events = heard(&mut outside, "Fault Detected").await;
    assert_eq!(names(&events), ["notification"]);
}

#[tokio::test]
async fn an_anomaly_is_heard_in_its_room_and_announced_to_all() {
    let stage = Stage::start().await;
    let unit = || Subject::of(EntityKind::ResUnit, "WIND-001");
    let mut inside = stage.join().await;
    inside.ask("subscribe:res-units", &["WIND-001"]).await;
    let mut outside = stage.join().await;
    outside.ask("subscribe:res-units", &["WIND-002"]).await;
    for (tick, phase) in [(12, AnomalyPhase::Raised), (13, AnomalyPhase::Cleared)] {
        report_anomaly(&stage, tick, anomaly(phase, unit())).await;
    }
    let events = heard(&mut inside, "Anomaly Cleared").await;
    assert_eq!(
        names(&events),
        [
            "anomaly:detected",
            "notification",
            "anomaly:cleared",
            "notification"
        ]
    );
    let details = json!({
        "id": "SPIKE-WIND-001-activePower-12", "type": "SPIKE", "source": "WIND-001",
        "phase": "raised", "field": "activePower", "confidence": 0.93,
        "description": "Spike in WIND-001", "affected_equipment": ["WIND-001"],
        "entityKind": "res-unit", "unitId": "WIND-001",
    });
    let mut payload = events[0].1.clone();
    let timestamp = payload
        .as_object_mut()
        .unwrap()
        .remove("timestamp")
        .unwrap();
    assert_eq!(payload, details);
    assert_eq!(
        events[1].1,
        json!({
            "type": "warning", "title": "Anomaly Detected", "message": "Anomaly detected in WIND-001",
            "data": details, "timestamp": timestamp,
        })
    );
    assert_eq!(events[3].1["type"], "info");
    assert_eq!(events[3].1["message"], "Anomaly cleared in WIND-001");
    let events = heard(&mut outside, "Anomaly Cleared").await;
    assert_eq!(names(&events), ["notification", "notification"]);
}

#[tokio::test]
async fn a_missing_field_is_null() {
    let stage = Stage::start().await;
    let mut socket = stage.join().await;
    socket.ask("subscribe:buses", &["BUS-001"]).await;
    let missing = AnomalyDetails {
        anomaly_type: AnomalyType::Missing,
        field: None,
        ..anomaly(AnomalyPhase::Raised, bus("BUS-001"))
    };
    report_anomaly(&stage, 12, missing).await;
    let events = heard(&mut socket, "Anomaly Detected").await;
    assert_eq!(events[0].1.get("field"), Some(&Value::Null));
    assert_eq!(events[1].1["data"].get("field"), Some(&Value::Null));
}

#[tokio::test]
async fn who_has_unsubscribed_hears_the_announcement_only() {
    let stage = Stage::start().await;
    let mut socket = stage.join().await;
    socket.ask("subscribe:buses", &["BUS-001", "BUS-004"]).await;
    socket.ask("unsubscribe:buses", &["BUS-004"]).await;
    report_fault(&stage, 12, fault(FaultPhase::Raised, bus("BUS-004"))).await;
    let events = heard(&mut socket, "Fault Detected").await;
    assert_eq!(names(&events), ["notification"]);
}

#[tokio::test]
async fn a_change_of_the_network_goes_to_all() {
    let stage = Stage::start().await;
    let mut one = stage.join().await;
    let mut two = stage.join().await;
    two.ask("subscribe:converters", &["CONV-001"]).await;
    let topology = Topology {
        buses: vec![TopologyBus {
            id: "BUS-001".into(),
            bus_type: EntityType::Slack,
            base_kv: 220.0,
            gs_mw: 0.0,
            bs_mvar: 12.5,
        }],
        branches: vec![TopologyBranch {
            id: "BRANCH-001".into(),
            from: "BUS-001".into(),
            to: "BUS-002".into(),
            r: 0.01,
            x: 0.05,
            b: 0.1,
            ratio: 0.0,
            shift_deg: 0.0,
            rate_mva: 250.0,
            in_service: false,
        }],
    };
    let timestamp = stage.timestamp(10);
    let update = TopologyUpdate {
        topology: Arc::new(topology),
        timestamp,
    };
    stage.emit(10, vec![Event::Topology(update)]).await;
    let expected = json!({
        "topology": {
            "buses": [{"id": "BUS-001", "type": "SLACK", "baseKv": 220.0, "gsMw": 0.0, "bsMvar": 12.5}],
            "branches": [{"id": "BRANCH-001", "from": "BUS-001", "to": "BUS-002", "r": 0.01,
                "x": 0.05, "b": 0.1, "ratio": 0.0, "shiftDeg": 0.0, "rateMva": 250.0,
                "inService": false}],
        },
        "timestamp": "1970-01-01T00:00:01.000Z",
    });
    for socket in [&mut one, &mut two] {
        let event = socket.event().await;
        assert_eq!(
            event,
            ("network:topology:update".to_owned(), expected.clone())
        );
    }
}
