//! The browser's Socket.IO client, as Node's socket.io serves it.
//!
//! The files come from the npm package at build time, where it is installed under `web/`; without it
//! the server works and says what to do.

use axum::{
    Router,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
    },
    response::{IntoResponse, Response},
    routing::get,
};

use super::error::{ApiError, no_such_route};

/// A file of the client.
struct ClientFile {
    name: &'static str,
    bytes: &'static [u8],
}

// `VERSION: &str` and `FILES: &[ClientFile]`, empty without the package.
include!(concat!(env!("OUT_DIR"), "/client_files.rs"));

/// The names under which the client is known, built in or not.
const NAMES: [&str; 6] = [
    "socket.io.js",
    "socket.io.js.map",
    "socket.io.min.js",
    "socket.io.min.js.map",
    "socket.io.esm.min.js",
    "socket.io.esm.min.js.map",
];

pub(super) fn router() -> Router {
    NAMES.into_iter().fold(Router::new(), |router, name| {
        router.route(
            &format!("/socket.io/{name}"),
            get(move |headers: HeaderMap| async move { serve(name, &headers) })
                .options(|| async { with_headers(StatusCode::NO_CONTENT.into_response()) })
                .fallback(async |request| {
                    with_headers(no_such_route(request).await.into_response())
                }),
        )
    })
}

fn serve(name: &str, asked: &HeaderMap) -> Response {
    let Some(file) = FILES.iter().find(|file| file.name == name) else {
        let advice = format!(
            "/socket.io/{name} is missing: this server was built without the browser client. \
             Run `make build` where npm is installed, or load socket.io-client from elsewhere"
        );
        return with_headers(ApiError::NotFound(advice).into_response());
    };
    let tag = format!("\"{VERSION}\"");
    let known = asked.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let fresh = known.is_some_and(|tags| {
        tags.split(',')
            .any(|t| t.trim().trim_start_matches("W/") == tag)
    });
    let mut response = if fresh {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        file.bytes.into_response()
    };
    let content_type = if name.ends_with("map") {
        "application/json; charset=utf-8"
    } else {
        "application/javascript; charset=utf-8"
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=0"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    with_headers(response)
}

fn with_headers(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
