//! Messages of an operator to the clients of all instances.

use axum::{body::Bytes, extract::State, http::StatusCode};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::grid::event::{Notification, NotificationData, NotificationType};

use super::{
    App,
    error::{ApiError, ErrorBody, JsonBody},
    json::{self, Fields},
};

const MAX_TITLE: usize = 200;
const MAX_MESSAGE: usize = 2_000;
const MAX_DATA_BYTES: usize = 16_384;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(send))
}

/// A message to everybody.
#[derive(Debug, PartialEq, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are the wire's")]
#[schema(example = json!({"type": "info", "title": "Maintenance", "message": "Switching at BUS-004 from 14:00 UTC"}))]
struct Message {
    /// How it is to be shown.
    #[schema(rename = "type")]
    notification_type: NotificationType,
    /// A short title, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    /// What there is to say, 1 to 2000 characters.
    #[schema(min_length = 1, max_length = 2000)]
    message: String,
    /// Anything a program may want to know, up to 16 kB of JSON.
    data: Option<Value>,
}

/// Send a message to all clients of all instances.
///
/// Each gets it once, as a `notification` event.
#[utoipa::path(post, path = "/notifications", operation_id = "sendNotification", tag = "operation",
    request_body(content = Message),
    responses(
        (status = 202, description = "It is on its way; the body is what clients get.", body = Notification,
            example = json!({"type": "info", "title": "Maintenance", "message": "Switching at BUS-004 from 14:00 UTC",
                "timestamp": "2026-11-23T23:14:26.500Z"})),
        (status = 400, description = "The body cannot be used; nobody got anything.", body = ErrorBody,
            example = json!({"message": "title is missing; message is missing", "error": "Bad Request", "statusCode": 400})),
        (status = 413, description = "The body is larger than 100 kB.", body = ErrorBody,
            example = json!({"message": "request entity too large", "statusCode": 413})),
        (status = 415, description = "The body is compressed in another way than gzip or deflate.", body = ErrorBody,
            example = json!({"message": "unsupported content encoding \"br\": send gzip, deflate or identity", "error": "Unsupported Media Type", "statusCode": 415})),
        (status = 503, description = "The other instances cannot be reached for the moment; nobody got anything.", body = ErrorBody,
            example = json!({"message": "Redis does not answer: try again when it is back", "error": "Service Unavailable", "statusCode": 503}))),
    security((), ("bearer" = [])))]
async fn send(
    State(app): State<App>,
    body: Bytes,
) -> Result<(StatusCode, JsonBody<Notification>), ApiError> {
    let message = Message::read(&body)?;
    app.status.placeable()?;
    let notification = Notification {
        notification_type: message.notification_type,
        title: message.title,
        message: message.message,
        data: message.data.map(NotificationData::Other),
        timestamp: app.status.now(),
    };
    // What this instance lacks itself the announcer says.
    let unreached = app.status.unreached();
    let unreached = unreached.filter(|_| app.status.channels().lacking().is_none());
    if let Some((instance, why)) = unreached {
        let problem = format!(
            "the clients of instance {instance} cannot be reached: {why}; nobody got anything"
        );
        return Err(ApiError::Unavailable(problem));
    }
    let announced = app.announcer.announce(notification.clone()).await;
    announced.map_err(|unreachable| ApiError::Unavailable(unreachable.to_string()))?;
    Ok((StatusCode::ACCEPTED, JsonBody(notification)))
}

impl Message {
    /// Reads a body, whatever its content type. Unknown keys are ignored.
    fn read(body: &[u8]) -> Result<Self, ApiError> {
        let fields = json::fields(body, "send a JSON object with type, title and message")?;
        let mut problems = Vec::new();
        let notification_type = required(&fields, "type", &mut problems, |json| {
            serde_json::from_str(json)
                .map_err(|_| "type must be one of info, warning, error, success".to_owned())
        });
        let title = required(&fields, "title", &mut problems, |json| {
            text("title", json, MAX_TITLE)
        });
        let message = required(&fields, "message", &mut problems, |json| {
            text("message", json, MAX_MESSAGE)
        });
        let data = fields.get("data").and_then(|json| {
            let data = data(json.get()).map_err(|problem| problems.push(problem));
            data.ok().filter(|data| !data.is_null())
        });
        match (notification_type, title, message) {
            (Some(notification_type), Some(title), Some(message)) if problems.is_empty() => {
                Ok(Self {
                    notification_type,
                    title,
                    message,
                    data,
                })
            }
            _ => Err(ApiError::BadRequest(problems)),
        }
    }
}

fn required<T>(
    fields: &Fields<'_>,
    key: &str,
    problems: &mut Vec<String>,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let Some(json) = fields.get(key) else {
        problems.push(format!("{key} is missing"));
        return None;
    };
    read(json.get())
        .map_err(|problem| problems.push(problem))
        .ok()
}

fn text(key: &str, json: &str, longest: usize) -> Result<String, String> {
    let wanted = || format!("{key} must be a text of 1 to {longest} characters");
    let text: String = serde_json::from_str(json).map_err(|_| match json::flaw(key, json) {
        Some(flaw) if json.starts_with('"') => flaw.to_string(),
        _ => wanted(),
    })?;
    let length = text.chars().count();
    if length > longest {
        Err(format!("{}, it has {length}", wanted()))
    } else if text.is_empty() {
        Err(wanted())
    } else if text.trim().is_empty() {
        Err(format!("{}, not of blanks alone", wanted()))
    } else {
        Ok(text)
    }
}

fn data(json: &str) -> Result<Value, String> {
    if json.len() > MAX_DATA_BYTES {
        return Err(format!(
            "data must be JSON of at most {MAX_DATA_BYTES} bytes, it has {}",
            json.len()
        ));
    }
    serde_json::from_str(json).map_err(|error| {
        json::flaw("data", json).map_or_else(
            || format!("data cannot be used: {error}"),
            |flaw| flaw.to_string(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(body: &str) -> String {
        match Message::read(body.as_bytes()) {
            Err(ApiError::BadRequest(problems)) => problems.join("; "),
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn a_whole_message_is_read() {
        let body = r#"{"type": "warning", "title": "T", "message": "M", "data": {"bus": [1]}, "other": 1}"#;
        let expected = Message {
            notification_type: NotificationType::Warning,
            title: "T".into(),
            message: "M".into(),
            data: Some(serde_json::json!({"bus": [1]})),
        };
        assert_eq!(Message::read(body.as_bytes()), Ok(expected));
    }

    #[test]
    fn all_problems_are_named() {
        assert_eq!(
            problems(r#"{"type": "loud", "title": ""}"#),
            "type must be one of info, warning, error, success; \
             title must be a text of 1 to 200 characters; message is missing"
        );
        let long = format!(
            r#"{{"type": "info", "title": "T", "message": "{}", "data": "{}"}}"#,
            "m".repeat(MAX_MESSAGE + 1),
            "d".repeat(MAX_DATA_BYTES)
        );
        let problems = problems(&long);
        assert!(problems.contains("message must be") && problems.contains("data must be"));
    }

    #[test]
    fn the_true_cause_is_named() {
        let message = |title: &str, data: &str| {
            problems(&format!(
                r#"{{"type": "info", "title": {title}, "message": "M", "data": {data}}}"#
            ))
        };
        for (title, data, cause) in [
            (
                r#""T \ud83d""#,
                "0",
                "title: character 3 is \\ud83d, half of one",
            ),
            (r#""T""#, r#"{"a": [1e400]}"#, "data.a[0]: 1e400 is beyond"),
            (r#""T""#, r#"{"a": "\udc00"}"#, "data.a: character 1 is"),
            (r#""  ""#, "0", "not of blanks alone"),
            ("5", "0", "title must be a text of 1 to 200 characters"),
        ] {
            let said = message(title, data);
            assert!(said.contains(cause), "{said}");
        }
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert!(message(r#""T""#, &deep).contains("more than 127 brackets"));
        let long = format!("{:?}", "t".repeat(201));
        assert!(message(&long, "0").ends_with("it has 201"));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for body in ["", "[]", "null", "title=T", "{bad"] {
            assert!(problems(body).starts_with("send a JSON object"), "{body}");
        }
        assert!(problems("{bad").contains("line 1 column 2"));
    }
}
