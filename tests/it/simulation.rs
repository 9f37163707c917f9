//! Control of the simulation over REST, and what clients hear of it.

use serde_json::{Value, json};

use crate::support::{Exchange, Socket, TestServer};

const RUN: &str = "/api/v1/data/simulation";
const STATUS: &str = "/api/v1/data/simulation/status";
const START: &str = "/api/v1/data/simulation/start";
const STOP: &str = "/api/v1/data/simulation/stop";

fn status(is_running: bool) -> Value {
    json!({
        "grid": {"isRunning": is_running, "busCount": 5, "subscribers": 1},
        "converters": {"isRunning": is_running, "converterCount": 3, "subscribers": 1},
        "res": {"isRunning": is_running, "unitCount": 4, "solarUnits": 2, "windUnits": 2, "subscribers": 1},
    })
}

fn started() -> Value {
    json!({"success": true, "message": "Simulation started successfully", "status": status(true)})
}

fn stopped() -> Value {
    json!({"success": true, "message": "Simulation stopped successfully"})
}

/// The next notification, without its timestamp.
async fn notification(socket: &mut Socket) -> Value {
    let events = socket.events_until(|name, _| name == "notification").await;
    let mut payload = events.into_iter().next_back().unwrap().1;
    let timestamp = payload.as_object_mut().unwrap().remove("timestamp");
    unix_ms(&timestamp.unwrap());
    payload
}

/// A timestamp as the wire has it: UTC, three digits, a multiple of 100 ms.
#[track_caller]
fn assert_tick(timestamp: &Value) {
    let text = timestamp.as_str().unwrap();
    assert!(text.len() == 24 && text.ends_with("00Z"), "{text}");
    assert_eq!(&text[10..11], "T", "{text}");
}

fn begun() -> Value {
    json!({"type": "success", "title": "Simulation Started", "message": "All simulators are now running"})
}

fn ended() -> Value {
    json!({"type": "info", "title": "Simulation Stopped", "message": "All simulators have been stopped"})
}

#[tokio::test]
async fn start_and_stop_answer_and_notify_each_time() {
    let server = TestServer::start().await;
    let mut socket = server.join().await;
    let mut other = server.join().await;
    server.get(STATUS).await.expect(200, &status(false));
    for _ in 0..2 {
        server.request("POST", START).await.expect(200, &started());
        server.get(STATUS).await.expect(200, &status(true));
    }
    for _ in 0..2 {
        server.request("POST", STOP).await.expect(200, &stopped());
        server.get(STATUS).await.expect(200, &status(false));
    }
    for socket in [&mut socket, &mut other] {
        assert_tick(&socket.event().await.1["timestamp"]);
        for expected in [begun(), ended(), ended()] {
            assert_eq!(notification(socket).await, expected);
        }
    }
}

#[tokio::test]
async fn subscribers_do_not_count_clients() {
    let server = TestServer::start().await;
    let mut sockets = Vec::new();
    for _ in 0..5 {
        let mut socket = server.join().await;
        socket.ask("subscribe:buses", &["BUS-001"]).await;
        sockets.push(socket);
    }
    server.get(STATUS).await.expect(200, &status(false));
}

#[tokio::test]
async fn a_start_again_does_not_touch_the_run() {
    let server = TestServer::with(&[("RATE", "10")]).await;
    let mut socket = server.join().await;
    socket.ask("subscribe:converters", &["CONV-001"]).await;
    server.request("POST", START).await;
    let first = server.get(RUN).await.json();
    for _ in 0..3 {
        socket
            .events_until(|name, _| name == "converter:state")
            .await;
        server.request("POST", START).await.expect(200, &started());
    }
    let now = server.get(RUN).await.json();
    assert_eq!(now["runId"], first["runId"]);
    assert_eq!(now["seed"], first["seed"]);
    // The stream goes on at its own pace: at ten times the rate, one sample each 50 ms.
    let mut times = Vec::new();
    while times.len() < 10 {
        let (name, payload) = socket.event().await;
        if name == "converter:state" {
            times.push(unix_ms(&payload["timestamp"]));
        }
    }
    assert!(
        times.windows(2).all(|pair| pair[1] - pair[0] == 50),
        "{times:?}"
    );
}

fn unix_ms(timestamp: &Value) -> i64 {
    let time = chrono::DateTime::parse_from_rfc3339(timestamp.as_str().unwrap());
    time.unwrap().timestamp_millis()
}

#[tokio::test]
async fn streams_have_their_periods_order_and_fields() {
    let server = TestServer::start().await;
    let mut socket = server.join().await;
    let converters = ["CONV-001", "CONV-002", "CONV-003"];
    let buses = ["BUS-001", "BUS-002", "BUS-003", "BUS-004", "BUS-005"];
    let units = ["SOLAR-001", "SOLAR-002", "WIND-001", "WIND-002"];
    socket.ask("subscribe:converters", &converters).await;
    socket.ask("subscribe:buses", &buses).await;
    socket.ask("subscribe:res-units", &units).await;
    server.request("POST", START).await;
    let (name, payload) = socket.event().await;
    assert_eq!(name, "notification");
    let begin = unix_ms(&payload["timestamp"]);
    let done = |name: &str, payload: &Value| {
        name == "converter:state"
            && payload["converterId"] == "CONV-003"
            && unix_ms(&payload["timestamp"]) == begin + 4000
    };
    let events = socket.events_until(done).await;
    let mut times = std::collections::BTreeMap::<i64, Vec<String>>::new();
    for (name, payload) in &events {
        let Some(id) = check_sample(name, payload) else {
            continue;
        };
        assert_tick(&payload["timestamp"]);
        times
            .entry(unix_ms(&payload["timestamp"]) - begin)
            .or_default()
            .push(id);
    }
    // Every tick that is due, none else, each entity once and in order.
    let due = |period: i64| (1..=4000 / period).map(move |n| n * period);
    let mut expected = std::collections::BTreeMap::<i64, Vec<String>>::new();
    for (period, ids) in [
        (2000, &units[..]),
        (1000, &buses[..]),
        (500, &converters[..]),
    ] {
        for at in due(period) {
            let ids = ids.iter().map(ToString::to_string);
            expected.entry(at).or_default().extend(ids);
        }
    }
    assert_eq!(times, expected);
}

/// Checks a sample's shape and returns its entity; none if it is no sample.
fn check_sample(name: &str, payload: &Value) -> Option<String> {
    let keys = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    let sorted = |names: &[&str]| {
        let mut names: Vec<_> = names.iter().map(ToString::to_string).collect();
        names.sort();
        names
    };
    let numbers = |value: &Value, names: &[&str]| {
        assert!(
            names
                .iter()
                .all(|name| value[name].is_f64() || value[name].is_i64()),
            "{value}"
        );
    };
    match name {
        "converter:state" => {
            assert_eq!(
                keys(payload),
                sorted(&["converterId", "state", "timestamp"])
            );
            let state = &payload["state"];
            let fields = [
                "voltage",
                "current_d",
                "current_q",
                "activePower",
                "reactivePower",
                "frequency",
                "thd",
                "temperature",
                "gridVoltage",
            ];
            numbers(state, &fields);
            assert_eq!(
                keys(state),
                sorted(&[&fields[..], &["converterId", "type"]].concat())
            );
            assert_eq!(state["converterId"], payload["converterId"]);
            Some(payload["converterId"].as_str()?.into())
        }
        "bus:measurement" => {
            assert_eq!(
                keys(payload),
                sorted(&["busId", "measurement", "timestamp"])
            );
            let measurement = &payload["measurement"];
            let fields = [
                "voltageMagnitude",
                "voltageAngle",
                "frequency",
                "activePower",
                "reactivePower",
            ];
            numbers(measurement, &fields);
            assert_eq!(
                keys(measurement),
                sorted(&[&fields[..], &["busId"]].concat())
            );
            assert_eq!(measurement["busId"], payload["busId"]);
            Some(payload["busId"].as_str()?.into())
        }
        "res:generation" => {
            let id = payload["unitId"].as_str()?;
            let (resource, kind) = if id.starts_with("SOLAR") {
                ("irradiance", "SOLAR")
            } else {
                ("windSpeed", "WIND")
            };
            let fields = [
                "generation",
                "capacity",
                "utilizationFactor",
                resource,
                "temperature",
            ];
            numbers(payload, &fields);
            assert_eq!(
                keys(payload),
                sorted(&[&fields[..], &["unitId", "type", "timestamp"]].concat())
            );
            assert_eq!(payload["type"], kind);
            Some(id.into())
        }
        _ => None,
    }
}

#[tokio::test]
async fn after_a_stop_nothing_more_comes() {
    let server = TestServer::with(&[("RATE", "50"), ("AUTOSTART", "1")]).await;
    let mut socket = server.join().await;
    socket.ask("subscribe:converters", &["CONV-001"]).await;
    socket
        .events_until(|name, _| name == "converter:state")
        .await;
    server.request("POST", STOP).await;
    assert_eq!(notification(&mut socket).await, ended());
    // A second stop takes effect many ticks later and is the next thing to come.
    let tick = |run: Value| run["tick"].as_u64().unwrap();
    let stopped_at = tick(server.get(RUN).await.json());
    while tick(server.get(RUN).await.json()) < stopped_at + 20 {
        server.get(STATUS).await;
    }
    server.request("POST", STOP).await;
    let (name, _) = socket.event().await;
    assert_eq!(name, "notification");
}

#[tokio::test]
async fn a_start_takes_its_settings() {
    let server = TestServer::start().await;
    let before = server.get(RUN).await.json();
    let expected = json!({"runId": null, "isRunning": false, "seed": null, "speed": 1,
        "simulatedTime": null, "tick": before["tick"], "noise": 1.0, "disturbances": 12.0});
    assert_eq!(before, expected);
    let settings = json!({"seed": 9_007_199_254_740_991_u64, "speed": 3, "noise": 0.5,
        "disturbances": 0, "simulatedStart": "2026-06-21T12:00:00+02:00", "unknown": [1]});
    server
        .send_json("POST", START, &settings)
        .await
        .expect(200, &started());
    let run = server.get(RUN).await.json();
    for (key, value) in [
        ("seed", json!(9_007_199_254_740_991_u64)),
        ("speed", json!(3)),
        ("noise", json!(0.5)),
        ("disturbances", json!(0.0)),
        ("isRunning", json!(true)),
    ] {
        assert_eq!(run[key], value);
    }
    assert!(run["runId"].is_string());
    let time = run["simulatedTime"].as_str().unwrap();
    assert!(time.starts_with("2026-06-21T10:00:0"), "{time}");
    server.request("POST", STOP).await;
    // A fresh run: its own seed and id, the settings of the server.
    server.request("POST", START).await;
    let next = server.get(RUN).await.json();
    assert_ne!(next["runId"], run["runId"]);
    assert_ne!(next["seed"], run["seed"]);
    assert_eq!(
        (next["speed"].clone(), next["noise"].clone()),
        (json!(1), json!(1.0))
    );
}

#[tokio::test]
async fn wrong_settings_are_all_named_and_start_nothing() {
    let server = TestServer::start().await;
    let instant = "simulatedStart must be an ISO 8601 time";
    for (body, problems) in [
        (
            json!({"seed": -1}),
            vec!["seed must be a whole number from 0 to 9007199254740991"],
        ),
        (
            json!({"seed": 9_007_199_254_740_992_u64}),
            vec!["seed must be a whole number"],
        ),
        (json!({"seed": "1"}), vec!["seed must be"]),
        (json!({"seed": 1.5}), vec!["seed must be"]),
        (json!({"seed": null}), vec!["seed must be"]),
        (
            json!({"speed": 0}),
            vec!["speed must be a whole number from 1 to 100"],
        ),
        (
            json!({"speed": 101}),
            vec!["speed must be a whole number from 1 to 100"],
        ),
        (json!({"speed": 1.5}), vec!["speed must be"]),
        (json!({"speed": "2"}), vec!["speed must be"]),
        (
            json!({"noise": -0.1}),
            vec!["noise must be a number from 0 to 10"],
        ),
        (
            json!({"noise": 10.1}),
            vec!["noise must be a number from 0 to 10"],
        ),
        (json!({"noise": true}), vec!["noise must be"]),
        (
            json!({"disturbances": 3601}),
            vec!["disturbances must be a number from 0 to 3600"],
        ),
        (json!({"disturbances": -1}), vec!["disturbances must be"]),
        (json!({"simulatedStart": "tomorrow"}), vec![instant]),
        (json!({"simulatedStart": 1_000_000}), vec![instant]),
        (
            json!({"simulatedStart": "1969-12-31T23:59:59Z"}),
            vec![instant],
        ),
        (
            json!({"simulatedStart": "2101-01-01T00:00:00Z"}),
            vec![instant],
        ),
        (
            json!({"seed": [], "speed": {}, "noise": "x", "disturbances": null, "simulatedStart": false}),
            vec![
                "seed must be",
                "speed must be",
                "noise must be",
                "disturbances must be",
                instant,
            ],
        ),
    ] {
        let answer = server.send_json("POST", START, &body).await;
        let message = answer.refusal(400, "Bad Request");
        assert_eq!(message.split("; ").count(), problems.len(), "{message}");
        for problem in problems {
            assert!(message.contains(problem), "{body}: {message}");
        }
    }
    server.get(STATUS).await.expect(200, &status(false));
    assert_eq!(server.get(RUN).await.json()["runId"], Value::Null);
}

#[tokio::test]
async fn settings_for_a_run_that_is_on_are_refused() {
    let server = TestServer::start().await;
    server.start_run(&json!({"seed": 1})).await;
    let before = server.get(RUN).await.json();
    for settings in [json!({"seed": 1}), json!({"noise": 2}), json!({"speed": 1})] {
        let answer = server.send_json("POST", START, &settings).await;
        let message = answer.refusal(409, "Conflict");
        assert!(message.contains("stop it first"), "{message}");
    }
    // What is wrong by itself is told first.
    server
        .send_json("POST", START, &json!({"seed": -1}))
        .await
        .refusal(400, "Bad Request");
    server
        .send_json("POST", START, &json!({"unknown": 1}))
        .await
        .expect(200, &started());
    let after = server.get(RUN).await.json();
    assert_eq!(
        (&after["runId"], &after["seed"]),
        (&before["runId"], &before["seed"])
    );
}

#[tokio::test]
async fn the_speed_of_a_run_can_be_changed_and_nothing_else() {
    let server = TestServer::start().await;
    let faster = json!({"speed": 2});
    let message = server
        .send_json("PATCH", RUN, &faster)
        .await
        .refusal(409, "Conflict");
    assert!(message.contains("start it first"), "{message}");
    server.start_run(&json!({"seed": 5})).await;
    for body in [
        json!({}),
        json!([]),
        json!({"speed": 0}),
        json!({"speed": 101}),
        json!({"speed": 2.5}),
        json!({"speed": "2"}),
        json!({"seed": 1}),
        json!({"speed": 2, "seed": 1}),
    ] {
        let answer = server.send_json("PATCH", RUN, &body).await;
        answer.refusal(400, "Bad Request");
    }
    let bare = Exchange::new("PATCH", RUN).send(server.address()).await;
    bare.refusal(400, "Bad Request");
    assert_eq!(server.get(RUN).await.json()["speed"], 1);
    let answer = server.send_json("PATCH", RUN, &faster).await;
    assert_eq!(answer.status, 200);
    let changed = answer.json();
    assert_eq!(
        (&changed["speed"], &changed["seed"]),
        (&json!(2), &json!(5))
    );
    let run = server.get(RUN).await.json();
    assert_eq!(
        (&run["speed"], &run["runId"]),
        (&json!(2), &changed["runId"])
    );
}

#[tokio::test]
async fn simulated_time_passes_as_fast_as_the_speed_says() {
    let server = TestServer::with(&[("RATE", "10")]).await;
    server
        .start_run(&json!({"speed": 2, "simulatedStart": "2026-01-01T00:00:00Z"}))
        .await;
    let (start, mut last) = (1_767_225_600_000, 0);
    let begin = server.get(RUN).await.json()["runId"]
        .as_str()
        .unwrap()
        .to_owned();
    let first: i64 = begin.split('-').next().unwrap().parse().unwrap();
    while last < 5_000 {
        let run = server.get(RUN).await.json();
        last = unix_ms(&run["simulatedTime"]) - start;
        let ticks = run["tick"].as_i64().unwrap() - first;
        assert_eq!(last, ticks.max(0) * 200);
    }
}

#[tokio::test]
async fn times_without_an_offset_are_utc() {
    let server = TestServer::start().await;
    for (given, expected) in [
        ("2026-06-21T10:00:00", "2026-06-21T10:00:0"),
        ("2026-06-21", "2026-06-21T00:00:0"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:0"),
        ("2100-12-31T23:59:00Z", "2100-12-31T23:59:0"),
    ] {
        server.start_run(&json!({"simulatedStart": given})).await;
        let run = server.get(RUN).await.json();
        let time = run["simulatedTime"].as_str().unwrap();
        assert!(time.starts_with(expected), "{given}: {time}");
        server.request("POST", STOP).await;
    }
}

#[tokio::test]
async fn the_defaults_of_a_run_are_settings() {
    let server = TestServer::with(&[
        ("SEED", "77"),
        ("SPEED", "4"),
        ("NOISE", "0.25"),
        ("DISTURBANCES", "60"),
        ("AUTOSTART", "1"),
    ])
    .await;
    let run = server.get(RUN).await.json();
    for (key, value) in [
        ("seed", json!(77)),
        ("speed", json!(4)),
        ("noise", json!(0.25)),
        ("disturbances", json!(60.0)),
        ("isRunning", json!(true)),
    ] {
        assert_eq!(run[key], value);
    }
    server.request("POST", STOP).await;
    server.start_run(&json!({"noise": 0})).await;
    let run = server.get(RUN).await.json();
    assert_eq!((&run["seed"], &run["noise"]), (&json!(77), &json!(0.0)));
}

#[tokio::test]
async fn alerts_end_with_the_stop_as_soon_as_it_is_accepted() {
    let server =
        TestServer::with(&[("RATE", "10"), ("AUTOSTART", "1"), ("DISTURBANCES", "0")]).await;
    let mut socket = server.join().await;
    socket.ask("subscribe:buses", &["BUS-004"]).await;
    let dip = json!({"kind": "VOLTAGE_DIP", "entityId": "BUS-004", "size": 0.5, "durationS": 600});
    let placed = server
        .send_json("POST", "/api/v1/data/simulation/faults", &dip)
        .await;
    assert_eq!(placed.status, 201, "{}", placed.text());
    socket
        .events_until(|name, _| name == "fault:detected")
        .await;
    let faults = async || server.get("/api/v1/alerts").await.json()["faults"].take();
    assert_ne!(faults().await, json!([]));
    server.request("POST", "/api/v1/data/simulation/stop").await;
    assert_eq!(faults().await, json!([]));
}
