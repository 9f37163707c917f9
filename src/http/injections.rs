//! Injections: physical disturbances and sensor faults placed on the run.

use axum::{body::Bytes, extract::State, http::StatusCode};
use serde::{Serialize, de::DeserializeOwned};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, Ref, RefOr, Schema, Type, schema::SchemaType},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    grid::{
        command::{Command, Outcome, Rejection},
        injection::{INJECTIONS, InjectionKind, InjectionView, MAX_DURATION_S},
    },
    plant::{InjectionRequest, Misplaced},
};

use super::{
    App,
    error::{ApiError, ErrorBody, JsonBody},
    json::{self as body_json, Fields},
    path::Id,
};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, inject))
        .routes(routes!(one, end))
}

/// What to inject; it stands for the body in the document.
struct InjectionBody;

impl PartialSchema for InjectionBody {
    fn schema() -> RefOr<Schema> {
        let text = |description: &str| {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some(description))
        };
        let number = |description: String| {
            ObjectBuilder::new()
                .schema_type(SchemaType::from_iter([Type::Number, Type::Null]))
                .description(Some(description))
        };
        let field = "Sensor faults: the field of the samples. Where it is missing: activePower, or generation \
                     of a renewable unit. MISSING concerns the whole sample.";
        let object = ObjectBuilder::new()
            .property(
                "kind",
                Ref::from_schema_name(<InjectionKind as ToSchema>::name()),
            )
            .required("kind")
            .property("entityId", text("The id of the entity it acts on."))
            .required("entityId")
            .property("size", number(sizes()))
            .property("durationS", number(durations()))
            .property(
                "field",
                ObjectBuilder::new()
                    .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
                    .description(Some(field)),
            );
        RefOr::T(object.build().into())
    }
}

impl ToSchema for InjectionBody {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        let name = <InjectionKind as ToSchema>::name();
        schemas.push((name.into(), InjectionKind::schema()));
    }
}

/// What the size of each kind means.
fn sizes() -> String {
    let of = |kind: &InjectionKind| format!("`{}`: {}", kind.name(), kind.rule().size_in_words());
    let all: Vec<_> = INJECTIONS.iter().map(of).collect();
    format!(
        "How much (range, value where it is missing). {}.",
        all.join("; ")
    )
}

/// How long each kind lasts.
fn durations() -> String {
    let of =
        |kind: &InjectionKind| format!("`{}` {}", kind.name(), kind.rule().duration_in_words());
    let all: Vec<_> = INJECTIONS.iter().map(of).collect();
    format!(
        "How long in simulated seconds, whatever the speed: 0.1 to {MAX_DURATION_S}, for sensor faults 1 to \
         {MAX_DURATION_S}. Weather moves once a simulated second. Where it is missing: {}.",
        all.join(", ")
    )
}

/// All injections.
#[derive(Debug, Serialize, ToSchema)]
struct Injections {
    /// Those that are active and the last 100 that have ended, in the present or last run.
    faults: Vec<InjectionView>,
}

/// Reads a body; all that is wrong with its form is named.
fn read(body: &[u8]) -> Result<InjectionRequest, ApiError> {
    let given = body_json::fields(
        body,
        "send a JSON object such as {\"kind\": \"VOLTAGE_DIP\", \"entityId\": \"BUS-004\", \"size\": 0.8}",
    )?;
    let mut problems = Vec::new();
    let kind_name: Option<String> = value(&given, "kind", "a text", &mut problems);
    let kind = kind_name.as_deref().and_then(|name| {
        let mut all = INJECTIONS.iter().copied();
        all.find(|kind| kind.name() == name)
    });
    if kind.is_none() {
        let all: Vec<_> = INJECTIONS.iter().map(|kind| kind.name()).collect();
        problems.push(format!("kind must be one of {}", all.join(", ")));
    }
    let before = problems.len();
    let entity: Option<String> = value(&given, "entityId", "a text", &mut problems);
    if entity.is_none() && problems.len() == before {
        problems.push("entityId is missing".into());
    }
    let size = value(&given, "size", "a number", &mut problems);
    let duration_s = value(&given, "durationS", "a number", &mut problems);
    let field = value(&given, "field", "a text", &mut problems);
    match (kind, entity) {
        (Some(kind), Some(entity)) if problems.is_empty() => Ok(InjectionRequest {
            kind,
            entity,
            size,
            duration_s,
            field,
        }),
        _ => Err(ApiError::BadRequest(problems)),
    }
}

/// The value of `key`, if it is there and not null; what is wrong with it goes to `problems`.
fn value<T: DeserializeOwned>(
    given: &Fields<'_>,
    key: &str,
    wanted: &str,
    problems: &mut Vec<String>,
) -> Option<T> {
    let json = given.get(key)?.get();
    let read: Result<Option<T>, _> = serde_json::from_str(json);
    read.unwrap_or_else(|_| {
        problems.push(match body_json::flaw(key, json) {
            Some(flaw) => flaw.to_string(),
            None => format!("{key} must be {wanted}"),
        });
        None
    })
}

fn placed(outcome: Outcome) -> Result<InjectionView, ApiError> {
    // Every accepted command about an injection says which one.
    let missing = || ApiError::Unavailable("the injection was not placed: try again".into());
    outcome.injection.ok_or_else(missing)
}

fn unknown(id: &str) -> ApiError {
    ApiError::NotFound(format!(
        "there is no injection {id:?}: GET the list of all for their ids"
    ))
}

/// Inject a physical disturbance or a sensor fault.
///
/// It begins within half a second and counts from the moment it was accepted.
#[utoipa::path(post, path = "/data/simulation/faults", operation_id = "inject", tag = "data",
    request_body(content = InjectionBody,
        example = json!({"kind": "VOLTAGE_DIP", "entityId": "BUS-004", "size": 0.8, "durationS": 2})),
    responses(
        (status = 201, description = "It is placed.", body = InjectionView,
            example = json!({"id": "VOLTAGE_DIP-BUS-004-C1", "kind": "VOLTAGE_DIP", "entityId": "BUS-004", "size": 0.8,
                "durationS": 2.0, "startTick": 17_954_756_715_u64, "endTick": 17_954_756_735_u64, "active": true, "cause": "command"})),
        (status = 400, description = "It cannot be placed; all problems.", body = ErrorBody,
            example = json!({"message": "size must be a number from 0.05 to 0.98", "error": "Bad Request", "statusCode": 400})),
        (status = 404, description = "There is no such entity.", body = ErrorBody,
            example = json!({"message": "there is no entity \"BUS-9\": GET the list of all entities for their ids", "error": "Not Found", "statusCode": 404})),
        (status = 409, description = "The simulation is stopped, or the same acts there already.", body = ErrorBody,
            example = json!({"message": "the simulation is stopped: start it first", "error": "Conflict", "statusCode": 409})),
        (status = 413, description = "The body is larger than 100 kB.", body = ErrorBody,
            example = json!({"message": "request entity too large", "statusCode": 413})),
        (status = 415, description = "The body is compressed in another way than gzip or deflate.", body = ErrorBody,
            example = json!({"message": "unsupported content encoding \"br\": send gzip, deflate or identity", "error": "Unsupported Media Type", "statusCode": 415})),
        (status = 503, description = "The command cannot be placed for the moment.", body = ErrorBody,
            example = json!({"message": "the server is shutting down: try again on another instance", "error": "Service Unavailable", "statusCode": 503}))),
    security((), ("bearer" = [])))]
async fn inject(
    State(app): State<App>,
    body: Bytes,
) -> Result<(StatusCode, JsonBody<InjectionView>), ApiError> {
    let request = read(&body)?;
    let id = request.entity.clone();
    let order = app.simulation.plant().place(request);
    let order = order.map_err(|misplaced| match misplaced {
        Misplaced::UnknownEntity => ApiError::NotFound(format!(
            "there is no entity {id:?}: GET the list of all entities for their ids"
        )),
        Misplaced::Problems(problems) => ApiError::BadRequest(problems),
    })?;
    let outcome = app.simulation.submit(Command::Inject(order)).await??;
    Ok((StatusCode::CREATED, JsonBody(placed(outcome)?)))
}

/// The injections that are active, and the last 100 that have ended.
#[utoipa::path(get, path = "/data/simulation/faults", operation_id = "listInjections", tag = "data",
    responses((status = 200, description = "The injections.", body = Injections,
        example = json!({"faults": [{"id": "CLOUD_FRONT-SOLAR-001-R4210", "kind": "CLOUD_FRONT", "entityId": "SOLAR-001", "size": 0.35,
            "durationS": 74.0, "startTick": 17_954_756_715_u64, "endTick": 17_954_757_455_u64, "active": true, "cause": "random"}]}))))]
async fn list(State(app): State<App>) -> JsonBody<Injections> {
    JsonBody(Injections {
        faults: app.simulation.injections().to_vec(),
    })
}

/// One injection.
#[utoipa::path(get, path = "/data/simulation/faults/{id}", operation_id = "getInjection", tag = "data",
    params(("id" = String, Path, description = "The injection's id; case matters.", example = "VOLTAGE_DIP-BUS-004-C1")),
    responses(
        (status = 200, description = "The injection.", body = InjectionView,
            example = json!({"id": "VOLTAGE_DIP-BUS-004-C1", "kind": "VOLTAGE_DIP", "entityId": "BUS-004", "size": 0.8,
                "durationS": 2.0, "startTick": 17_954_756_715_u64, "endTick": 17_954_756_735_u64, "active": true, "cause": "command"})),
        (status = 404, description = "There is no such injection, or it is not remembered any more.", body = ErrorBody,
            example = json!({"message": "there is no injection \"X\": GET the list of all for their ids", "error": "Not Found", "statusCode": 404}))))]
async fn one(State(app): State<App>, Id(id): Id) -> Result<JsonBody<InjectionView>, ApiError> {
    let all = app.simulation.injections();
    let found = all.iter().find(|injection| injection.id == id);
    found.cloned().map(JsonBody).ok_or_else(|| unknown(&id))
}

/// End an injection.
#[utoipa::path(delete, path = "/data/simulation/faults/{id}", operation_id = "endInjection", tag = "data",
    params(("id" = String, Path, description = "The injection's id; case matters.", example = "VOLTAGE_DIP-BUS-004-C1")),
    responses(
        (status = 200, description = "It is ended.", body = InjectionView,
            example = json!({"id": "VOLTAGE_DIP-BUS-004-C1", "kind": "VOLTAGE_DIP", "entityId": "BUS-004", "size": 0.8,
                "durationS": 2.0, "startTick": 17_954_756_715_u64, "endTick": 17_954_756_721_u64, "active": false, "cause": "command"})),
        (status = 400, description = "There is a body, and it is no well-formed JSON; nothing was changed.", body = ErrorBody,
            example = json!({"message": "the body is not a JSON object or list", "error": "Bad Request", "statusCode": 400})),
        (status = 413, description = "The body is larger than 100 kB; nothing was changed.", body = ErrorBody,
            example = json!({"message": "request entity too large", "statusCode": 413})),
        (status = 415, description = "The body is compressed in another way than gzip or deflate.", body = ErrorBody,
            example = json!({"message": "unsupported content encoding \"br\": send gzip, deflate or identity", "error": "Unsupported Media Type", "statusCode": 415})),
        (status = 404, description = "There is no such injection, or it is not remembered any more.", body = ErrorBody,
            example = json!({"message": "there is no injection \"X\": GET the list of all for their ids", "error": "Not Found", "statusCode": 404})),
        (status = 409, description = "It has ended already, or the simulation is stopped.", body = ErrorBody,
            example = json!({"message": "it has ended already", "error": "Conflict", "statusCode": 409})),
        (status = 503, description = "The command cannot be placed for the moment.", body = ErrorBody,
            example = json!({"message": "the server is shutting down: try again on another instance", "error": "Service Unavailable", "statusCode": 503}))),
    security((), ("bearer" = [])))]
async fn end(State(app): State<App>, Id(id): Id) -> Result<JsonBody<InjectionView>, ApiError> {
    let command = Command::EndInjection { id: id.clone() };
    let outcome = app.simulation.submit(command).await?;
    let outcome = outcome.map_err(|rejection| match rejection {
        Rejection::UnknownInjection => unknown(&id),
        other => other.into(),
    })?;
    Ok(JsonBody(placed(outcome)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(body: &str) -> Vec<String> {
        match read(body.as_bytes()) {
            Err(ApiError::BadRequest(problems)) => problems,
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn all_that_is_wrong_with_the_form_is_named() {
        let problems = problems(r#"{"kind": "NOPE", "size": "1", "durationS": [], "field": 5}"#);
        for key in ["kind", "entityId", "size", "durationS", "field"] {
            assert!(
                problems.iter().any(|p| p.starts_with(key)),
                "{key}: {problems:?}"
            );
        }
    }

    #[test]
    fn the_true_cause_is_named() {
        for (value, cause) in [
            (r#""size": 1e400"#, "size: 1e400 is beyond"),
            (
                r#""field": "\ud83d""#,
                "field: character 1 is \\ud83d, half",
            ),
            (r#""\ud83d": 1"#, "\\ud83d, half of one"),
        ] {
            let body = format!(r#"{{"kind": "SPIKE", "entityId": "BUS-001", {value}}}"#);
            let problems = problems(&body);
            assert!(problems[0].contains(cause), "{problems:?}");
        }
        // What is not read does no harm.
        let body = br#"{"kind": "SPIKE", "entityId": "BUS-001", "x": [1e400, "\ud83d"]}"#;
        assert!(read(body).is_ok());
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for body in ["", "[]", "null", "{", "\"x\""] {
            assert_eq!(problems(body).len(), 1, "{body}");
        }
    }

    #[test]
    fn a_request_is_read() {
        let body = r#"{"kind":"SPIKE","entityId":"BUS-001","size":5,"field":"frequency","durationS":null,"x":1}"#;
        let request = read(body.as_bytes()).unwrap();
        assert_eq!(request.kind, InjectionKind::Spike);
        assert_eq!(request.size, Some(5.0));
        assert_eq!(
            (request.duration_s, request.field.as_deref()),
            (None, Some("frequency"))
        );
    }
}
