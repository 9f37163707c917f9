//! The page at `/`.

use axum::{Router, response::Html, routing::get};

use super::App;

/// The page of a server whose REST routes are below `prefix`.
pub(super) fn router(prefix: &str) -> Router<App> {
    let page = include_str!("page.html").replace("{{api}}", prefix);
    Router::new().route("/", get(async || Html(page)))
}
