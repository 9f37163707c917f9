//! The OpenAPI document against what the server really answers and streams.

use std::collections::BTreeSet;

use gridcast::grid::{alert, topology};
use serde_json::{Map, Value, json};

use crate::support::{Exchange, Response, TestServer};

/// The document, and schemas taken out of it.
struct Document(Value);

impl Document {
    async fn of(server: &TestServer) -> Self {
        let answer = server.get("/api-json").await;
        let content_type = answer.header("content-type");
        assert_eq!(content_type, Some("application/json; charset=utf-8"));
        Self(answer.json())
    }

    /// Every operation: path, method, and what is said of it.
    fn operations(&self) -> Vec<(&str, String, &Value)> {
        let mut all = Vec::new();
        for (path, item) in self.0["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                all.push((path.as_str(), method.to_ascii_uppercase(), operation));
            }
        }
        all
    }

    /// Checks `value` against a schema of the document. Keys that the schema does not know are
    /// wrong too, at the top level.
    #[track_caller]
    fn check(&self, what: &str, schema: &Value, value: &Value) {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [schema],
            "unevaluatedProperties": false,
            "components": self.0["components"],
        });
        let validator = jsonschema::validator_for(&schema).unwrap();
        let problems: Vec<_> = validator
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(problems.is_empty(), "{what}: {problems:#?}\n{value:#}");
    }

    #[track_caller]
    fn check_component(&self, name: &str, value: &Value) {
        assert!(self.0["components"]["schemas"][name].is_object(), "{name}");
        let schema = json!({"$ref": format!("#/components/schemas/{name}")});
        self.check(name, &schema, value);
    }

    /// Checks that an answer is documented: status, content type and body.
    #[track_caller]
    fn check_answer(&self, method: &str, path: &str, answer: &Response) {
        let what = format!("{method} {path}: {}", answer.status);
        let operation = &self.0["paths"][path][method.to_ascii_lowercase()];
        let documented = &operation["responses"][answer.status.to_string()];
        assert!(documented.is_object(), "{what} is not documented");
        let content = documented["content"].as_object().unwrap();
        let (content_type, media) = content.iter().next().unwrap();
        let given = answer.header("content-type").unwrap();
        assert!(given.starts_with(content_type.as_str()), "{what}: {given}");
        if content_type == "application/json" {
            self.check(&what, &media["schema"], &answer.json());
        }
    }
}

#[tokio::test]
async fn the_document_names_itself_and_every_route() {
    let server = TestServer::start().await;
    let document = Document::of(&server).await;
    assert_eq!(document.0["openapi"].as_str().map(|v| &v[..3]), Some("3.1"));
    assert_eq!(document.0["info"]["title"], "Smart Power Systems API");
    assert_eq!(document.0["info"]["version"], "1.0");
    let bearer = &document.0["components"]["securitySchemes"]["bearer"];
    assert_eq!(
        bearer,
        &json!({"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})
    );
    let servers = &document.0["servers"];
    assert_eq!(servers, &json!([{"url": "."}]), "relative to the document");
    let operations = document.operations();
    let names: BTreeSet<_> = operations
        .iter()
        .map(|(_, _, operation)| operation["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), operations.len(), "{names:?}");
    for (path, method, tag) in [
        ("/api/v1/data/simulation/status", "GET", Some("data")),
        ("/api/v1/data/simulation/start", "POST", Some("data")),
        ("/api/v1/data/simulation/stop", "POST", Some("data")),
        ("/api/v1/data/simulation", "GET", None),
        ("/api/v1/data/simulation", "PATCH", None),
        ("/api/v1/entities", "GET", None),
        ("/api/v1/entities/{id}", "GET", None),
        ("/healthz", "GET", None),
        ("/readyz", "GET", None),
    ] {
        let found = operations
            .iter()
            .find(|(p, m, _)| *p == path && *m == method);
        let (_, _, operation) = found.unwrap_or_else(|| panic!("{method} {path}"));
        if let Some(tag) = tag {
            assert_eq!(operation["tags"], json!([tag]), "{path}");
            assert!(operation["responses"]["200"].is_object(), "{path}");
        }
    }
    // The root of the routes, with or without its slash.
    assert!(
        operations
            .iter()
            .any(|(path, ..)| path.trim_end_matches('/') == "/api/v1")
    );
}

#[tokio::test]
async fn every_documented_example_fits_its_schema() {
    let server = TestServer::start().await;
    let document = Document::of(&server).await;
    let mut examples = 0;
    for (path, method, operation) in document.operations() {
        let answers = operation["responses"].as_object().into_iter().flatten();
        let body = operation.get("requestBody");
        let described = answers.map(|(status, answer)| (status.as_str(), answer));
        for (status, part) in described.chain(body.map(|body| ("body", body))) {
            let what = format!("{method} {path}: {status}");
            assert!(
                part.get("description").is_some() || status == "body",
                "{what}"
            );
            for (content_type, media) in part["content"].as_object().into_iter().flatten() {
                assert!(media["schema"].is_object(), "{what}");
                // A request's example may stand at its schema.
                let example = media
                    .get("example")
                    .or_else(|| document.example(&media["schema"]));
                let example = example.unwrap_or_else(|| panic!("{what} has no example"));
                if content_type == "application/json" {
                    document.check(&what, &media["schema"], example);
                }
                examples += 1;
            }
        }
    }
    assert!(examples >= 20, "{examples}");
}

impl Document {
    fn example<'a>(&'a self, schema: &'a Value) -> Option<&'a Value> {
        let name = schema["$ref"].as_str()?.rsplit('/').next()?;
        self.0["components"]["schemas"][name].get("example")
    }
}

#[tokio::test]
async fn answers_are_as_documented() {
    const RUN: &str = "/api/v1/data/simulation";
    const START: &str = "/api/v1/data/simulation/start";
    let server = TestServer::with(&[("RATE", "20")]).await;
    let document = Document::of(&server).await;
    let exchange = async |method: &str, path: &str, target: &str, body: Option<&str>| {
        let mut exchange = Exchange::new(method, target);
        if let Some(body) = body {
            exchange = exchange
                .header("content-type", "application/json")
                .body(body);
        }
        let answer = exchange.send(server.address()).await;
        document.check_answer(method, path, &answer);
        answer.status
    };
    for _ in 0..2 {
        // Before, during and after a run.
        for (path, method, operation) in document.operations() {
            if method == "GET" && !path.contains('{') {
                assert!(operation["responses"].is_object());
                exchange("GET", path, path, None).await;
            }
        }
        for id in ["BUS-001", "CONV-003", "SOLAR-001", "WIND-001", "nobody"] {
            let target = format!("/api/v1/entities/{id}");
            exchange("GET", "/api/v1/entities/{id}", &target, None).await;
        }
        assert_eq!(
            exchange("PATCH", RUN, RUN, Some("{\"speed\":2}")).await,
            409
        );
        assert_eq!(
            exchange("POST", START, START, Some("{\"speed\":0}")).await,
            400
        );
        assert_eq!(exchange("POST", START, START, None).await, 200);
        assert_eq!(
            exchange("POST", START, START, Some("{\"speed\":2}")).await,
            409
        );
        assert_eq!(
            exchange("PATCH", RUN, RUN, Some("{\"speed\":2}")).await,
            200
        );
        assert_eq!(
            exchange("PATCH", RUN, RUN, Some("{\"speed\":0}")).await,
            400
        );
        let mut socket = server.join().await;
        socket.ask("subscribe:res-units", &["WIND-001"]).await;
        socket
            .events_until(|name, _| name == "res:generation")
            .await;
        for id in ["BUS-001", "CONV-003", "SOLAR-001", "WIND-001"] {
            let target = format!("/api/v1/entities/{id}");
            assert_eq!(
                exchange("GET", "/api/v1/entities/{id}", &target, None).await,
                200
            );
        }
        exchange("GET", RUN, RUN, None).await;
        let stop = "/api/v1/data/simulation/stop";
        assert_eq!(exchange("POST", stop, stop, None).await, 200);
        let large = format!("[\"{}\"]", "x".repeat(110_000));
        assert_eq!(exchange("POST", START, START, Some(&large)).await, 413);
        assert_eq!(exchange("PATCH", RUN, RUN, Some(&large)).await, 413);
    }
}

#[tokio::test]
async fn streamed_payloads_acks_and_exceptions_are_as_documented() {
    let server = TestServer::with(&[("RATE", "20"), ("AUTOSTART", "1")]).await;
    let document = Document::of(&server).await;
    let mut socket = server.join().await;
    socket
        .ask("subscribe:converters", &["CONV-001", "CONV-003"])
        .await;
    socket.ask("subscribe:buses", &["BUS-002"]).await;
    socket
        .ask("subscribe:res-units", &["SOLAR-001", "WIND-001"])
        .await;
    socket.send(r#"42/realtime,["subscribe:buses",7]"#).await;
    let mut met = BTreeSet::new();
    while met.len() < 4 {
        let (name, payload) = socket.event().await;
        let events = gridcast::grid::emitted::events();
        let event = events.iter().find(|event| event.name == name).unwrap();
        document.check_component(event.payload, &payload);
        if [
            "converter:state",
            "bus:measurement",
            "res:generation",
            "exception",
        ]
        .contains(&name.as_str())
        {
            met.insert(name);
        }
    }
    server.request("POST", "/api/v1/data/simulation/stop").await;
    let events = socket.events_until(|name, _| name == "notification").await;
    document.check_component("Notification", &events.last().unwrap().1);
    document.check_component("Subscribed", &json!({"subscribed": ["CONV-001"]}));
    document.check_component("Unsubscribed", &json!({"unsubscribed": []}));
    socket.send(r#"42/realtime,5["gridcast:hello"]"#).await;
    let hello = socket.ack(5).await;
    document.check_component("Hello", &hello[0]);
    let dropped = json!({"counts": {"slow": 3, "gap": 1}, "since": "2026-11-23T23:14:26.500Z",
        "timestamp": "2026-11-23T23:14:27.500Z"});
    document.check_component("Dropped", &dropped);
}

/// Every event that a client can get has a payload among the schemas, and its example fits it.
#[tokio::test]
async fn examples_of_events_are_as_documented() {
    let server = TestServer::start().await;
    let document = Document::of(&server).await;
    for event in gridcast::grid::emitted::events() {
        document.check_component(event.payload, &event.example);
    }
}

/// The types behind the schemas read what the schemas describe.
#[tokio::test]
async fn alerts_and_topologies_are_as_documented() {
    let server = TestServer::start().await;
    let document = Document::of(&server).await;
    let common = |phase: &str| {
        let mut alert = Map::new();
        alert.insert("phase".into(), phase.into());
        alert.insert("timestamp".into(), "2026-11-23T23:14:26.500Z".into());
        alert
    };
    for subject in [
        json!({"entityKind": "bus", "busId": "BUS-001"}),
        json!({"entityKind": "converter", "converterId": "CONV-001"}),
        json!({"entityKind": "res-unit", "unitId": "WIND-001"}),
        json!({"entityKind": "branch", "branchId": "BRANCH-001", "busIds": ["BUS-001", "BUS-002"]}),
    ] {
        let mut fault = common("escalated");
        fault.extend(object(
            json!({"id": "OVERLOAD-BRANCH-001-7", "type": "OVERLOAD",
            "severity": "CRITICAL", "location": "BRANCH-001", "message": "Overload",
            "quantity": "loadingPercent", "value": 140.5, "limit": 140.0}),
        ));
        fault.extend(object(subject.clone()));
        let fault = Value::from(fault);
        document.check_component("Fault", &fault);
        let read: alert::Fault = serde_json::from_value(fault.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), fault);

        let mut anomaly = common("raised");
        anomaly.extend(object(json!({"id": "MISSING-BUS-001-7", "type": "MISSING",
            "source": "BUS-001", "field": null, "confidence": 1.0, "description": "Nothing came",
            "affected_equipment": ["BUS-001"]})));
        anomaly.extend(object(subject));
        let anomaly = Value::from(anomaly);
        document.check_component("Anomaly", &anomaly);
        let read: alert::Anomaly = serde_json::from_value(anomaly.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), anomaly);
    }
    let update = json!({"timestamp": "2026-11-23T23:14:26.500Z", "topology": {
        "buses": [{"id": "BUS-001", "type": "PQ", "baseKv": 220.0, "gsMw": 0.0, "bsMvar": 0.0}],
        "branches": [{"id": "BRANCH-001", "from": "BUS-001", "to": "BUS-002", "r": 0.0, "x": 0.1,
            "b": 0.0, "ratio": 0.98, "shiftDeg": 0.0, "rateMva": 0.0, "inService": true}]}});
    document.check_component("TopologyUpdate", &update);
    let read: topology::TopologyUpdate = serde_json::from_value(update.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), update);
    let stale = json!({"busId": "BUS-001", "stale": true, "timestamp": "2026-11-23T23:14:26.500Z",
        "measurement": {"busId": "BUS-001", "voltageMagnitude": 1.0, "voltageAngle": 0.0,
            "frequency": 50.0, "activePower": 0.0, "reactivePower": 0.0}});
    document.check_component("BusSample", &stale);
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_document_is_there_as_yaml_too() {
    let server = TestServer::start().await;
    let answer = server.get("/api-yaml").await;
    assert_eq!(answer.status, 200);
    let yaml = answer.text();
    assert!(yaml.contains("openapi: 3.1"), "{}", &yaml[..100]);
    for (path, ..) in Document::of(&server).await.operations() {
        assert!(yaml.contains(&format!("{path}:")), "{path}");
    }
}

#[tokio::test]
async fn the_page_and_all_it_links_are_served_from_the_binary() {
    let server = TestServer::start().await;
    for base in ["/api", "/api/"] {
        let page = server.get(base).await;
        assert_eq!(page.status, 200);
        let content_type = page.header("content-type").unwrap();
        assert!(content_type.starts_with("text/html"), "{content_type}");
        let html = page.text();
        let links: Vec<_> = ["src=\"", "href=\""]
            .iter()
            .flat_map(|attribute| html.split(attribute).skip(1))
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert!(links.len() >= 3, "{html}");
        for link in links {
            assert!(!link.contains("//"), "{link} is elsewhere");
            // Resolved as a browser does against the page's address.
            let folder = &base[..=base.rfind('/').unwrap()];
            let target = format!("{folder}{}", link.trim_start_matches("./"));
            let answer = server.get(&target).await;
            assert_eq!(answer.status, 200, "{base}: {link}");
            assert!(!answer.body.is_empty(), "{link}");
        }
    }
    let message = server.get("/api/nope.css").await.refusal(404, "Not Found");
    assert_eq!(message, "Cannot GET /api/nope.css");
}
