//! Cross-origin requests to the REST routes.
//!
//! Origins in the list may send credentials and are named; all others may read answers to requests
//! without. By hand, as no layer at hand does both.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{
            ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS,
            ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
            ACCESS_CONTROL_REQUEST_HEADERS, CONTENT_LENGTH, ORIGIN, VARY,
        },
    },
    middleware::Next,
    response::{IntoResponse, Response},
};

/// The origins that may send credentials.
pub(super) struct Origins {
    listed: Vec<String>,
    any: bool,
}

impl Origins {
    pub(super) fn new(listed: &[String]) -> Self {
        Self {
            listed: listed.to_vec(),
            any: listed.iter().any(|origin| origin == "*"),
        }
    }

    fn listed<'a>(&self, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        let named = |listed: &String| listed.as_bytes() == origin.as_bytes();
        (self.any || self.listed.iter().any(named)).then_some(origin)
    }
}

/// Answers a preflight, and adds to every other answer who may read it.
pub(super) async fn apply(
    State(origins): State<Arc<Origins>>,
    request: Request,
    next: Next,
) -> Response {
    if request.method() == Method::OPTIONS {
        return preflight(&origins, request.headers());
    }
    let origin = origins.listed(request.headers()).cloned();
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    match origin {
        Some(origin) => allow(headers, origin),
        None => set(headers, ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    }
    headers.append(VARY, HeaderValue::from_static("Origin"));
    response
}

fn preflight(origins: &Origins, asked: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    set(
        headers,
        ACCESS_CONTROL_ALLOW_METHODS,
        "GET,HEAD,PUT,PATCH,POST,DELETE",
    );
    set(headers, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    set(headers, VARY, "Origin, Access-Control-Request-Headers");
    set(headers, CONTENT_LENGTH, "0");
    if let Some(wanted) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    if let Some(origin) = origins.listed(asked) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    response
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    set(headers, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}
