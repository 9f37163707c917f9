//! The page at `/`.

use axum::{Router, response::Html, routing::get};

use super::App;

/// The page of a server whose REST routes are below `prefix`. All its addresses are relative: a proxy
/// may have put it below a path.
pub(super) fn router(prefix: &str) -> Router<App> {
    let page = include_str!("page.html").replace("{{api}}", prefix.trim_start_matches('/'));
    Router::new().route("/", get(async || Html(page)))
}
