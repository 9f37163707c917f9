//! The page at `/`.

use axum::{Router, response::Html, routing::get};

use super::App;

pub(super) fn router() -> Router<App> {
    Router::new().route("/", get(async || Html(include_str!("page.html"))))
}
