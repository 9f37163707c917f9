//! The root of the REST routes.

use axum::response::Html;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::App;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(hello))
}

/// A sign of life, as the original service gives it.
#[utoipa::path(get, path = "/", operation_id = "getGreeting", tag = "app",
    responses((status = 200, description = "The service is there.", body = String,
        content_type = "text/html", example = json!("Hello World!"))))]
async fn hello() -> Html<&'static str> {
    Html("Hello World!")
}
