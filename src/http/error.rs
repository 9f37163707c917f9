//! Refusals: what is wrong, once, in words that tell the user what to do.

use axum::{
    Json,
    extract::Request,
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{cluster::SubmitError, grid::command::Rejection};

use super::target::RequestTarget;

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ApiError {
    /// What the request says is wrong; all problems.
    BadRequest(Vec<String>),
    /// There is no such thing.
    NotFound(String),
    /// It does not fit the present state.
    Conflict(String),
    /// The body is too large.
    TooLarge,
    /// The body is compressed in a way that is not known here.
    UnknownCoding(String),
    /// It cannot be done for the moment.
    Unavailable(String),
}

/// The body of a refusal.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorBody {
    /// What is wrong; several problems are joined by `; `.
    #[schema(example = "speed must be a whole number from 1 to 100")]
    message: String,
    /// The status in words; absent for 413.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Bad Request")]
    error: Option<&'static str>,
    /// The status.
    #[schema(example = 400)]
    status_code: u16,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, error, message) = match self {
            Self::BadRequest(problems) => (
                StatusCode::BAD_REQUEST,
                Some("Bad Request"),
                problems.join("; "),
            ),
            Self::NotFound(message) => (StatusCode::NOT_FOUND, Some("Not Found"), message),
            Self::Conflict(message) => (StatusCode::CONFLICT, Some("Conflict"), message),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                None,
                "request entity too large".into(),
            ),
            Self::UnknownCoding(name) => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                Some("Unsupported Media Type"),
                format!("unsupported content encoding {name:?}: send gzip, deflate or identity"),
            ),
            Self::Unavailable(message) => (
                StatusCode::SERVICE_UNAVAILABLE,
                Some("Service Unavailable"),
                message,
            ),
        };
        let body = ErrorBody {
            message,
            error,
            status_code: status.as_u16(),
        };
        (status, JsonBody(body)).into_response()
    }
}

impl From<Rejection> for ApiError {
    fn from(rejection: Rejection) -> Self {
        let advice = match rejection {
            Rejection::Running => "stop it first, or change its speed with PATCH",
            Rejection::Stopped => "start it first",
            Rejection::AlreadyActive => "DELETE it first, or wait for its end",
            Rejection::TooMany => "DELETE some first",
            Rejection::Ended => return Self::Conflict(rejection.to_string()),
            Rejection::UnknownInjection => {
                return Self::NotFound(format!("{rejection}: GET the list of all for their ids"));
            }
        };
        Self::Conflict(format!("{rejection}: {advice}"))
    }
}

impl From<SubmitError> for ApiError {
    fn from(error: SubmitError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// A JSON body with the content type that the original service gives.
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: Serialize> IntoResponse for JsonBody<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.0).into_response();
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, json);
        response
    }
}

/// The answer where no route fits, wrong methods included.
pub(super) async fn no_such_route(request: Request) -> ApiError {
    let target = RequestTarget::of(&request);
    ApiError::NotFound(format!("Cannot {} {target}", request.method()))
}
