//! The OpenAPI document and Swagger UI, both served from the binary.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{Path, Request},
    http::{
        HeaderValue,
        header::{CONTENT_ENCODING, CONTENT_TYPE},
    },
    response::{Html, IntoResponse, Response},
    routing::get,
};
use utoipa::{
    OpenApi,
    openapi::{
        self, InfoBuilder, Server,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{
    grid::{alert, event, telemetry, topology},
    realtime::messages,
};

use super::{App, error::no_such_route, target::RequestTarget};

/// Paths served here, which the document does not hold.
pub(super) const PATHS: &[&str] = &["/", "/api", "/api-json", "/api-yaml", "/api/{file}"];

/// The document, as seen from the page's folder.
const DOCUMENT: &str = "../api-json";

/// The script that starts the page.
const STARTER: &str = "swagger-initializer.js";

/// Types that are not the body of any route: the payloads of Socket.IO events and acks.
#[derive(OpenApi)]
#[openapi(components(schemas(
    telemetry::Sample,
    alert::Fault,
    alert::Anomaly,
    event::Notification,
    topology::TopologyUpdate,
    messages::Subscribed,
    messages::Unsubscribed,
    messages::Exception,
    messages::Hello,
    messages::Dropped,
)))]
struct Events;

/// What the document says besides routes.
pub(super) fn description() -> openapi::OpenApi {
    let mut document = Events::openapi();
    document.info = InfoBuilder::new()
        .title("Smart Power Systems API")
        .version("1.0")
        .description(Some(
            "Control of a simulated power system whose telemetry is streamed over Socket.IO, \
             namespace `/realtime`. All telemetry is simulated. Powers of buses are net injections \
             (generation positive, load negative); converters and renewable units count what they \
             feed into the grid. The payloads of Socket.IO events and acks are among the schemas.",
        ))
        .build();
    // Relative to the document's own address, as a proxy may have put all of it below a path.
    document.servers = Some(vec![Server::new(".")]);
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    document
}

/// Serves the document and the page that shows it.
pub(super) fn router(document: &openapi::OpenApi) -> Router<App> {
    // Both are made of strings and numbers only, so writing them cannot fail.
    let json = Bytes::from(document.to_json().unwrap_or_default());
    let yaml = Bytes::from(document.to_yaml().unwrap_or_default());
    let serve = |content_type: &'static str, text: Bytes| {
        get(move || async move { ([(CONTENT_TYPE, content_type)], text) })
    };
    let config = Arc::new(utoipa_swagger_ui::Config::from(DOCUMENT));
    let files = config.clone();
    Router::new()
        .route("/api-json", serve("application/json; charset=utf-8", json))
        .route("/api-yaml", serve("text/yaml; charset=utf-8", yaml))
        .route("/api", get(move |request| page(request, config)))
        .route(
            "/api/{file}",
            get(move |Path(file), request| asset(file, request, files)),
        )
}

type Config = Arc<utoipa_swagger_ui::Config<'static>>;

/// The page. Its links are relative, so without the trailing slash they have to name the folder.
async fn page(request: Request, config: Config) -> Response {
    let Ok(Some(file)) = utoipa_swagger_ui::serve("index.html", config) else {
        return no_such_route(request).await.into_response();
    };
    let mut html = String::from_utf8_lossy(&file.bytes).into_owned();
    if !RequestTarget::of(&request).path().ends_with('/') {
        html = html
            .replace("\"./", "\"./api/")
            .replace("\"index.css\"", "\"./api/index.css\"");
    }
    Html(html).into_response()
}

async fn asset(name: String, request: Request, config: Config) -> Response {
    let Ok(Some(file)) = utoipa_swagger_ui::serve(&name, config) else {
        return no_such_route(request).await.into_response();
    };
    let mut response = if name == STARTER {
        starter(&String::from_utf8_lossy(&file.bytes)).into_response()
    } else {
        file.bytes.into_owned().into_response()
    };
    let headers = response.headers_mut();
    if let Ok(content_type) = HeaderValue::try_from(file.content_type) {
        headers.insert(CONTENT_TYPE, content_type);
    }
    if file.gzpipped {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// The script with the document's whole address: the page may be known with or without the trailing
/// slash, but the script is always in its folder.
fn starter(script: &str) -> String {
    let address = script.replace(&format!("\"{DOCUMENT}\""), "documentAddress");
    format!(
        "const documentAddress = new URL('{DOCUMENT}', document.currentScript.src).href;\n{address}"
    )
}

#[cfg(test)]
mod tests {
    use crate::http::documented;

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let document = serde_json::to_value(documented("/api/v1").1).unwrap();
        let mut names = std::collections::BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let name = operation["operationId"].as_str().unwrap().to_owned();
                assert!(names.insert(name.clone()), "{method} {path}: {name} again");
            }
        }
        for name in ["startSimulation", "listEntities", "getEntity", "inject"] {
            assert!(names.contains(name), "{names:?}");
        }
    }

    #[test]
    fn the_readme_lists_every_route() {
        let readme = include_str!("../../README.md");
        let document = documented("/api/v1").1;
        for path in document.paths.paths.keys() {
            assert!(
                readme.contains(&format!("{path}`")),
                "README.md lacks {path}"
            );
        }
    }

    #[test]
    fn every_body_has_an_example() {
        let document = serde_json::to_value(documented("/api/v1").1).unwrap();
        let mut bodies = 0;
        let mut open = vec![&document["paths"]];
        while let Some(node) = open.pop() {
            for (key, value) in node.as_object().into_iter().flatten() {
                if key == "content" {
                    for (kind, media) in value.as_object().unwrap() {
                        let schema = media["schema"]["$ref"].as_str().unwrap_or_default();
                        let schema = document.pointer(schema.trim_start_matches('#'));
                        let shown = schema.is_some_and(|schema| schema.get("example").is_some());
                        assert!(media.get("example").is_some() || shown, "{kind}: {media}");
                        bodies += 1;
                    }
                } else {
                    open.push(value);
                }
            }
        }
        assert!(bodies > 20, "{bodies}");
    }

    #[test]
    fn every_schema_that_is_named_exists() {
        let json = documented("/api/v1").1.to_json().unwrap();
        let document: serde_json::Value = serde_json::from_str(&json).unwrap();
        for reference in json
            .split("\"#")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
        {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }
}
