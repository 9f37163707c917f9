//! Messages of an operator to the clients of all instances.

use std::collections::BTreeMap;

use axum::{body::Bytes, extract::State, http::StatusCode};
use serde_json::{Value, value::RawValue};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::grid::event::{Notification, NotificationData, NotificationType};

use super::{
    App,
    error::{ApiError, ErrorBody, JsonBody},
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
#[utoipa::path(post, path = "/notifications", tag = "operation",
    request_body(content = Message),
    responses(
        (status = 202, description = "It is on its way; the body is what clients get.", body = Notification,
            example = json!({"type": "info", "title": "Maintenance", "message": "Switching at BUS-004 from 14:00 UTC",
                "timestamp": "2026-11-23T23:14:26.500Z"})),
        (status = 400, description = "The body cannot be used; nobody got anything.", body = ErrorBody,
            example = json!({"message": "title is missing; message is missing", "error": "Bad Request", "statusCode": 400})),
        (status = 413, description = "The body is larger than 100 kB.", body = ErrorBody,
            example = json!({"message": "request entity too large", "statusCode": 413})),
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
    let announced = app.announcer.announce(notification.clone()).await;
    announced.map_err(|away| ApiError::Unavailable(away.to_string()))?;
    Ok((StatusCode::ACCEPTED, JsonBody(notification)))
}

impl Message {
    /// Reads a body, whatever its content type. Unknown keys are ignored.
    fn read(body: &[u8]) -> Result<Self, ApiError> {
        let Ok(fields) = serde_json::from_slice::<BTreeMap<String, &RawValue>>(body) else {
            let wanted = "send a JSON object with type, title and message";
            return Err(ApiError::BadRequest(vec![wanted.into()]));
        };
        let mut problems = Vec::new();
        let notification_type = required(&fields, "type", &mut problems, |json| {
            serde_json::from_str(json)
                .map_err(|_| "one of info, warning, error, success".to_owned())
        });
        let title = required(&fields, "title", &mut problems, |json| {
            text(json, MAX_TITLE)
        });
        let message = required(&fields, "message", &mut problems, |json| {
            text(json, MAX_MESSAGE)
        });
        let data = fields.get("data").and_then(|json| {
            let data = data(json.get());
            if data.is_err() {
                problems.push(format!(
                    "data must be JSON of at most {MAX_DATA_BYTES} bytes"
                ));
            }
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
    fields: &BTreeMap<String, &RawValue>,
    key: &str,
    problems: &mut Vec<String>,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let Some(json) = fields.get(key) else {
        problems.push(format!("{key} is missing"));
        return None;
    };
    read(json.get())
        .map_err(|wanted| problems.push(format!("{key} must be {wanted}")))
        .ok()
}

fn text(json: &str, longest: usize) -> Result<String, String> {
    let text: Option<String> = serde_json::from_str(json).ok();
    text.filter(|text| !text.trim().is_empty() && text.chars().count() <= longest)
        .ok_or_else(|| format!("a text of 1 to {longest} characters"))
}

fn data(json: &str) -> Result<Value, ()> {
    if json.len() > MAX_DATA_BYTES {
        return Err(());
    }
    serde_json::from_str(json).map_err(drop)
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
    fn what_is_no_object_is_refused() {
        for body in ["", "[]", "null", "title=T", "{bad"] {
            assert!(problems(body).starts_with("send a JSON object"), "{body}");
        }
    }
}
