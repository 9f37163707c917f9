//! Limits as a client meets them: short dips at any speed, those of the case, and a plant without a
//! solution.

use std::{fs, path::Path};

use serde_json::json;

use crate::support::{Process, TestServer};

const FAULTS: &str = "/api/v1/data/simulation/faults";

#[tokio::test]
async fn a_dip_of_a_tenth_of_a_second_is_told_at_the_highest_speed() {
    let server = TestServer::with(&[("DISTURBANCES", "0"), ("SPEED", "20")]).await;
    server
        .start_run(&json!({"simulatedStart": "2026-06-21T10:00:00Z"}))
        .await;
    let mut socket = server.join().await;
    socket.ask("subscribe:buses", &["BUS-004"]).await;
    let dip = json!({"kind": "VOLTAGE_DIP", "entityId": "BUS-004", "size": 0.8, "durationS": 0.1});
    let answer = server.send_json("POST", FAULTS, &dip).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let mut events = socket
        .events_until(|name, fault| name == "fault:cleared" && fault["type"] == "UNDERVOLTAGE")
        .await;
    events.retain(|(_, payload)| payload["type"] == "UNDERVOLTAGE");
    let [(detected, raised), (_, cleared)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(detected, "fault:detected");
    assert_eq!(raised["timestamp"], cleared["timestamp"]);
    assert!(raised.get("extreme").is_none() && raised.get("extremeStep").is_none());
    assert_eq!(cleared["extreme"], raised["value"]);
    let onset = raised["id"].as_str().unwrap().rsplit('-').next().unwrap();
    assert_eq!(cleared["extremeStep"].to_string(), onset);
    // Too short for a sensor fault, and for anything at all.
    for (kind, duration_s, wanted) in [("LEVEL_SHIFT", 0.5, "1"), ("VOLTAGE_DIP", 0.05, "0.1")] {
        let body = json!({"kind": kind, "entityId": "BUS-004", "durationS": duration_s});
        let answer = server.send_json("POST", FAULTS, &body).await;
        let expected = format!("durationS must be a number from {wanted} to 86400");
        assert_eq!(
            (answer.status, &answer.json()["message"]),
            (400, &json!(expected))
        );
    }
}

#[tokio::test]
async fn entities_show_the_limits_in_force() {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/case14/case.json");
    let server = TestServer::with(&[("CASE", case.to_str().unwrap())]).await;
    let bus = server.get("/api/v1/entities/BUS-009").await.json();
    let voltage = &bus["quantities"][0];
    assert_eq!(voltage["field"], "voltageMagnitude");
    assert_eq!(
        (&voltage["min"], &voltage["max"]),
        (&json!(0.94), &json!(1.06))
    );
}

#[tokio::test]
async fn a_start_without_a_solution_is_told() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/plant/default");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("unsolved-start-door");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(source.join("case.json"), folder.join("case.json")).unwrap();
    let text = fs::read_to_string(source.join("plant.toml")).unwrap();
    // Parks far larger than the network can take.
    let text = text.replace("fleet = 50", "fleet = 100000");
    let file = folder.join("plant.toml");
    fs::write(&file, text).unwrap();
    let server = TestServer::with(&[("CASE", file.to_str().unwrap())]).await;
    let mut socket = server.join().await;
    server
        .start_run(&json!({"simulatedStart": "2026-06-21T10:00:00Z"}))
        .await;
    let told = |name: &str, payload: &serde_json::Value| {
        name == "notification" && payload["title"] == "Power Flow Not Converged"
    };
    let events = socket.events_until(told).await;
    assert_eq!(events[0].1["title"], "Simulation Started");
    assert_eq!(events.last().unwrap().1["type"], "warning");
    socket.ask("subscribe:buses", &["BUS-003"]).await;
    let events = socket
        .events_until(|name, _| name == "bus:measurement")
        .await;
    assert_eq!(events.last().unwrap().1["stale"], true);
    // The log says where it lacks.
    let settings = [("CASE", file.to_str().unwrap()), ("AUTOSTART", "1")];
    let mut process = Process::serve(&settings).await;
    let line = process.logged("the power flow has not converged").await;
    assert!(line.contains("largest at BUS-00"), "{line}");
    assert!(line.contains("mismatch_pu"), "{line}");
}
