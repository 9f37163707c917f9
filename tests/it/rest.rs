//! REST: recorded exchanges, routes, headers, refusals.

use serde_json::{Value, json};

use crate::support::{Exchange, Response, TestServer, golden};

const STATUS: &str = "/api/v1/data/simulation/status";
const METHODS: &str = "GET,HEAD,PUT,PATCH,POST,DELETE";

/// Sends a recorded request; where the recording leaves out a large body, one of that size.
async fn replay(server: &TestServer, request: &Value) -> Response {
    let (method, path) = (request["method"].as_str(), request["path"].as_str());
    let mut exchange = Exchange::new(method.unwrap(), path.unwrap());
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        exchange = exchange.header(name, value.as_str().unwrap());
    }
    match request["body"].as_str() {
        None => {}
        Some("<200008 bytes>") => {
            let body = format!("{{\"x\":\"{}\"}}", "y".repeat(200_000));
            assert_eq!(body.len(), 200_008);
            exchange = exchange.body(body);
        }
        Some(body) => exchange = exchange.body(body),
    }
    exchange.send(server.address()).await
}

#[tokio::test]
async fn exchanges_are_the_recorded_ones() {
    let server = TestServer::start().await;
    for sample in golden("rest") {
        let name = sample["name"].as_str().unwrap();
        let answer = replay(&server, &sample["request"]).await;
        assert_eq!(json!(answer.status), sample["status"], "{name}");
        let content_type = sample["headers"]["content-type"].as_str();
        assert_eq!(answer.header("content-type"), content_type, "{name}");
        match &sample["body"] {
            // The parser's own words differ.
            body if body["error"] == "Bad Request" => {
                answer.refusal(400, "Bad Request");
            }
            Value::String(text) if text.ends_with(" bytes>") => {}
            Value::String(text) => assert_eq!(&answer.text(), text, "{name}"),
            body => {
                assert_eq!(&answer.json(), body, "{name}");
                let length = sample["headers"]["content-length"].as_str();
                assert_eq!(answer.header("content-length"), length, "{name}");
            }
        }
        check_cors(name, &sample["request"], &answer);
    }
}

/// Here the two layers of the original are one: a listed origin is named and may send credentials,
/// anybody else may read.
#[track_caller]
fn check_cors(name: &str, request: &Value, answer: &Response) {
    let listed = request["headers"]["origin"] == "http://localhost:5173";
    let preflight = request["method"] == "OPTIONS";
    let origin = match (listed, preflight) {
        (true, _) => Some("http://localhost:5173"),
        (false, true) => None,
        (false, false) => Some("*"),
    };
    let given = answer.header("access-control-allow-origin");
    assert_eq!(given, origin, "{name}");
    let credentials = answer.header("access-control-allow-credentials");
    assert_eq!(credentials == Some("true"), listed || preflight, "{name}");
    let vary = answer.header("vary").unwrap_or_default();
    assert!(vary.contains("Origin"), "{name}: {vary}");
}

#[tokio::test]
async fn listed_origins_are_named_and_may_send_credentials() {
    let listed = ["https://a.example", "http://b.example:8080"];
    let server = TestServer::with(&[("CORS_ORIGINS", &listed.join(","))]).await;
    for target in [STATUS, "/nope", "/healthz", "/api-json", "/", "/api"] {
        for origin in listed {
            let answer = from_origin("GET", target, origin)
                .send(server.address())
                .await;
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
            let credentials = answer.header("access-control-allow-credentials");
            assert_eq!(credentials, Some("true"), "{target}");
        }
        for origin in [
            "null",
            "http://localhost:5173",
            "https://a.example.evil",
            "http://a.example",
        ] {
            let answer = from_origin("GET", target, origin)
                .send(server.address())
                .await;
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
            assert_eq!(answer.header("access-control-allow-credentials"), None);
        }
    }
}

#[tokio::test]
async fn any_options_is_a_preflight() {
    let server = TestServer::start().await;
    for target in [STATUS, "/nope", "/", "/api", "/api/v1/entities/BUS-001"] {
        let answer = from_origin("OPTIONS", target, "http://localhost:5173")
            .header("access-control-request-headers", "content-type,x-own")
            .send(server.address())
            .await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (204, ""),
            "{target}"
        );
        assert_eq!(answer.header("access-control-allow-methods"), Some(METHODS));
        assert_eq!(
            answer.header("access-control-allow-headers"),
            Some("content-type,x-own")
        );
        let bare = server.request("OPTIONS", target).await;
        assert_eq!(bare.status, 204, "{target}");
        assert_eq!(bare.header("access-control-allow-origin"), None);
    }
}

fn from_origin(method: &str, target: &str, origin: &str) -> Exchange {
    Exchange::new(method, target).header("origin", origin)
}

#[tokio::test]
async fn what_is_not_there_is_named_as_it_was_asked_for() {
    let server = TestServer::start().await;
    for (method, target) in [
        ("GET", "/api/v1/nope?x=1&y=%20z"),
        ("GET", "/nope"),
        ("GET", "/api/nope"),
        ("GET", "/api/v1/"),
        ("GET", "/API/v1/NOPE/"),
        ("GET", "/api/v1//data/simulation/status"),
        ("GET", "/api/v1/data/simulation/start"),
        ("POST", STATUS),
        ("PUT", "/api/v1/data/simulation"),
        ("PATCH", STATUS),
        ("DELETE", "/api/v1/data/simulation/stop"),
        ("DELETE", "/api/v1/entities/BUS-001"),
        ("POST", "/healthz"),
        ("POST", "/api-json"),
        ("POST", "/"),
        ("BREW", "/api/v1/coffee"),
        ("GET", "/api/v1/data/simulation/status//"),
        ("GET", "/api/v2/data/simulation/status"),
    ] {
        if target == "/api/v1/" {
            continue;
        }
        let answer = server.request(method, target).await;
        let message = format!("Cannot {method} {target}");
        answer.expect(
            404,
            &json!({"message": message, "error": "Not Found", "statusCode": 404}),
        );
    }
}

#[tokio::test]
async fn case_and_one_trailing_slash_do_not_matter() {
    let server = TestServer::start().await;
    for target in [
        STATUS,
        "/api/v1",
        "/api/v1/entities",
        "/api/v1/entities/BUS-001",
        "/api/v1/data/simulation",
        "/healthz",
        "/readyz",
        "/api-json",
        "/api-yaml",
    ] {
        let plain = server.get(target).await;
        assert_eq!(plain.status, 200, "{target}");
        for variant in [
            format!("{target}/"),
            target.replace("data", "DATA").replace("api", "Api"),
            format!("{}/?x=1", target.replace("simulation", "SimUlation")),
            target.replace("healthz", "HealthZ").replace("json", "JSON"),
        ] {
            let answer = server.get(&variant).await;
            assert_eq!(answer.status, 200, "{variant}");
            assert_eq!(
                answer.header("content-type"),
                plain.header("content-type"),
                "{variant}"
            );
        }
    }
    let stop = server
        .request("POST", "/API/V1/Data/Simulation/STOP/")
        .await;
    assert_eq!(stop.status, 200);
    // Ids are not routes.
    let answer = server.get("/api/v1/entities/bus-001").await;
    let message = answer.refusal(404, "Not Found");
    assert!(message.contains("bus-001"), "{message}");
}

#[tokio::test]
async fn head_answers_where_get_does_and_without_a_body() {
    let server = TestServer::start().await;
    for target in [
        STATUS,
        "/api/v1",
        "/healthz",
        "/api-json",
        "/api",
        "/",
        "/nope",
    ] {
        let get = server.get(target).await;
        let head = server.request("HEAD", target).await;
        assert_eq!(head.status, get.status, "{target}");
        assert!(head.body.is_empty(), "{target}");
        for header in ["content-type", "access-control-allow-origin"] {
            assert_eq!(head.header(header), get.header(header), "{target}");
        }
    }
    let wrong = server
        .request("HEAD", "/api/v1/data/simulation/start")
        .await;
    assert_eq!(wrong.status, 404);
}

#[tokio::test]
async fn the_prefix_is_a_setting() {
    let server = TestServer::with(&[("API_PREFIX", "rest/v9")]).await;
    assert_eq!(server.get("/rest/v9").await.text(), "Hello World!");
    assert_eq!(
        server.get("/REST/v9/data/simulation/status").await.status,
        200
    );
    assert_eq!(server.get("/api/v1").await.status, 404);
    let document = server.get("/api-json").await.json();
    assert!(document["paths"]["/rest/v9/data/simulation/start"].is_object());
}

#[tokio::test]
async fn the_root_is_a_page() {
    let server = TestServer::start().await;
    let answer = server.get("/").await;
    assert_eq!(answer.status, 200);
    let content_type = answer.header("content-type").unwrap();
    assert!(content_type.starts_with("text/html"), "{content_type}");
    assert!(answer.text().contains("<html"));
}

#[tokio::test]
async fn the_entities_are_the_contracts() {
    let server = TestServer::start().await;
    let answer = server.get("/api/v1/entities").await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    let entities = body["entities"].as_array().unwrap();
    for (id, kind, entity_type, rating, value, room) in [
        ("BUS-001", "bus", "SLACK", "baseKv", 220.0, "bus:BUS-001"),
        ("BUS-002", "bus", "PV", "baseKv", 220.0, "bus:BUS-002"),
        ("BUS-003", "bus", "PQ", "baseKv", 220.0, "bus:BUS-003"),
        ("BUS-004", "bus", "PQ", "baseKv", 110.0, "bus:BUS-004"),
        ("BUS-005", "bus", "PQ", "baseKv", 110.0, "bus:BUS-005"),
        (
            "CONV-001",
            "converter",
            "TWO_LEVEL",
            "ratedPower",
            100.0,
            "converter:CONV-001",
        ),
        (
            "CONV-002",
            "converter",
            "NPC",
            "ratedPower",
            250.0,
            "converter:CONV-002",
        ),
        (
            "CONV-003",
            "converter",
            "BUCK",
            "ratedPower",
            50.0,
            "converter:CONV-003",
        ),
        (
            "SOLAR-001",
            "res-unit",
            "SOLAR",
            "capacity",
            100.0,
            "res-unit:SOLAR-001",
        ),
        (
            "SOLAR-002",
            "res-unit",
            "SOLAR",
            "capacity",
            250.0,
            "res-unit:SOLAR-002",
        ),
        (
            "WIND-001",
            "res-unit",
            "WIND",
            "capacity",
            150.0,
            "res-unit:WIND-001",
        ),
        (
            "WIND-002",
            "res-unit",
            "WIND",
            "capacity",
            300.0,
            "res-unit:WIND-002",
        ),
    ] {
        let entity = entities.iter().find(|entity| entity["id"] == id).unwrap();
        assert_eq!(entity["kind"], kind, "{id}");
        assert_eq!(entity["type"], entity_type, "{id}");
        assert_eq!(entity[rating], value, "{id}");
        assert_eq!(entity["room"], room, "{id}");
        let quantities = entity["quantities"].as_array().unwrap();
        assert!(!quantities.is_empty(), "{id}");
        for quantity in quantities {
            for text in ["field", "unit", "description"] {
                assert!(quantity[text].is_string(), "{id}: {quantity}");
            }
            let range = (quantity["min"].as_f64(), quantity["max"].as_f64());
            assert!(range.0.unwrap() <= range.1.unwrap(), "{id}: {quantity}");
        }
        let mut alone = server.get(&format!("/api/v1/entities/{id}")).await.json();
        let latest = alone.as_object_mut().unwrap().remove("latest");
        assert_eq!(latest, Some(Value::Null), "{id}");
        assert_eq!(&alone, entity, "{id}");
    }
    for branch in entities.iter().filter(|entity| entity["kind"] == "branch") {
        assert_eq!(branch["room"], Value::Null);
        assert!(branch["rateMva"].is_number(), "{branch}");
        assert!(["LINE", "TRANSFORMER"].contains(&branch["type"].as_str().unwrap()));
        let id = branch["id"].as_str().unwrap();
        let alone = server.get(&format!("/api/v1/entities/{id}")).await.json();
        assert!(
            alone["from"].is_string() && alone["to"].is_string(),
            "{alone}"
        );
        assert!(alone.as_object().unwrap().contains_key("flow"), "{alone}");
        assert_eq!(alone["latest"], Value::Null);
    }
    let unknown = server.get("/api/v1/entities/BUS-999").await;
    unknown.refusal(404, "Not Found");
    // An id that is no text is nobody's either.
    for target in [
        "/api/v1/entities/%ff",
        "/api/v1/entities/%ff/history",
        "/api/v1/data/simulation/faults/%ff",
    ] {
        server.get(target).await.refusal(404, "Not Found");
    }
}

#[tokio::test]
async fn an_entity_shows_the_newest_payload_of_its_stream() {
    let server = TestServer::with(&[("RATE", "20"), ("AUTOSTART", "1")]).await;
    let mut socket = server.join().await;
    for (event, id, stream) in [
        ("subscribe:converters", "CONV-001", "converter:state"),
        ("subscribe:buses", "BUS-004", "bus:measurement"),
        ("subscribe:res-units", "WIND-002", "res:generation"),
    ] {
        socket.ask(event, &[id]).await;
        socket.events_until(|name, _| name == stream).await;
        let latest = server.get(&format!("/api/v1/entities/{id}")).await.json()["latest"].take();
        // The stream may be behind this or ahead of it, but it has the same payload.
        let at = latest["timestamp"].as_str().unwrap().to_owned();
        let events = socket
            .events_until(|name, payload| {
                name == stream && payload["timestamp"].as_str() >= Some(&at)
            })
            .await;
        let same = events
            .iter()
            .find(|(_, payload)| payload["timestamp"] == at.as_str());
        if let Some((_, payload)) = same {
            assert_eq!(payload, &latest);
        }
        // The last values stay when the run has ended.
        assert!(latest.is_object(), "{id}");
    }
    server.request("POST", "/api/v1/data/simulation/stop").await;
    socket.events_until(|name, _| name == "notification").await;
    let entity = server.get("/api/v1/entities/BUS-004").await.json();
    assert_eq!(entity["latest"]["busId"], "BUS-004");
}

/// The kinds of injections with their ranges and defaults, as the contract has them.
#[tokio::test]
async fn the_kinds_of_injections_are_described() {
    let server = TestServer::start().await;
    let answer = server.get("/api/v1/injections").await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    let kinds = body["kinds"].as_array().unwrap();
    let of = |name: &str| {
        let found = kinds.iter().find(|kind| kind["kind"] == name);
        found.unwrap_or_else(|| panic!("{name} is missing"))
    };
    assert_eq!(kinds.len(), 15);
    let rows = [
        ("LOAD_STEP", "bus", -1.0, 3.0, 0.3, json!(60.0)),
        ("VOLTAGE_DIP", "bus", 0.05, 0.98, 0.8, json!(2.0)),
        ("GENERATOR_LOSS", "bus", 0.0, 1.0, 1.0, json!(120.0)),
        ("CLOUD_FRONT", "res-unit", 0.0, 1.0, 0.2, json!(60.0)),
        ("GUST", "res-unit", 0.1, 3.0, 1.5, json!(20.0)),
        ("FAN_FAILURE", "converter", 1.0, 5.0, 2.2, json!(600.0)),
        ("DC_SOURCE_LOSS", "converter", 0.0, 1.0, 1.0, json!(10.0)),
    ];
    for (name, at, min, max, default, duration) in rows {
        let kind = of(name);
        assert_eq!(kind["entityKinds"], json!([at]), "{name}");
        assert_eq!(kind["fields"], Value::Null, "{name}");
        let size = &kind["size"];
        assert!(size["meaning"].is_string() && size["unit"].is_string());
        assert_eq!(
            (&size["min"], &size["max"], &size["default"]),
            (&json!(min), &json!(max), &json!(default)),
            "{name}"
        );
        let lasts = json!({"min": 0.1, "max": 86400.0, "default": duration});
        assert_eq!(kind["durationS"], lasts, "{name}");
    }
    let trip = of("BRANCH_TRIP");
    assert_eq!(trip["size"], Value::Null);
    assert_eq!(trip["durationS"]["default"], Value::Null);
    let spike = of("SPIKE");
    assert_eq!(spike["durationS"], Value::Null);
    assert_eq!(spike["size"]["default"], Value::Null);
    let fields = spike["fields"].as_array().unwrap();
    for field in ["generation", "voltageMagnitude", "current_d"] {
        assert!(fields.contains(&json!(field)), "{fields:?}");
    }
    assert_eq!(of("MISSING")["fields"], Value::Null);
    // What is described as possible is possible: every kind with its default at an entity of its kind.
    server
        .request("POST", "/api/v1/data/simulation/start")
        .await;
    let faults = "/api/v1/data/simulation/faults";
    for (name, entity) in [
        ("LOAD_STEP", "BUS-003"),
        ("BRANCH_TRIP", "BRANCH-001"),
        ("VOLTAGE_DIP", "BUS-004"),
        ("GENERATOR_LOSS", "BUS-002"),
        ("CLOUD_FRONT", "SOLAR-001"),
        ("GUST", "WIND-001"),
        ("FAN_FAILURE", "CONV-001"),
        ("DC_SOURCE_LOSS", "CONV-001"),
    ] {
        let order = json!({"kind": name, "entityId": entity});
        let placed = server.send_json("POST", faults, &order).await;
        assert_eq!(placed.status, 201, "{}", placed.text());
        let placed = placed.json();
        assert_eq!(
            placed["size"],
            *of(name)
                .get("size")
                .and_then(|size| size.get("default"))
                .unwrap_or(&Value::Null)
        );
        assert_eq!(placed["durationS"], of(name)["durationS"]["default"]);
    }
}
