//! REST: routes, bodies, errors and their documentation, which is generated from the handlers.
//!
//! A request passes, from the outside in: [`cors`], [`path`] (case and trailing slash), [`body`]
//! (size and well-formedness), then the router. Every refusal is an [`error::ApiError`].

mod alerts;
mod body;
mod client_files;
mod cluster;
mod cors;
mod docs;
mod entities;
mod error;
mod health;
mod injection_kinds;
mod injections;
mod json;
mod network;
mod notifications;
mod page;
mod path;
mod readiness;
mod root;
mod simulation;
mod start;
mod status;
mod target;
mod variants;

use std::sync::Arc;

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
};
use tokio::sync::watch;
use tower::ServiceBuilder;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    cluster::status::{RedisState, Status},
    config,
    health::Health,
    realtime::Announcer,
    simulation::Simulation,
};

pub use readiness::Readiness;

/// What the handlers act on. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The simulation.
    pub simulation: Simulation,
    /// Whether new clients are welcome.
    pub readiness: Readiness,
    /// How the instances stand.
    pub status: Status,
    /// The way to the clients of all instances.
    pub announcer: Announcer,
}

/// What a server answers that is not yet what it will be: that it is starting, `doing` something.
pub fn starting(
    doing: watch::Receiver<String>,
    api: &config::Api,
    redis: RedisState,
    health: Health,
) -> Router {
    let origins = Arc::new(cors::Origins::new(&api.cors_origins));
    health::starting(doing, redis, health).layer(from_fn_with_state(origins, cors::apply))
}

/// All routes but those of the Socket.IO transport, which are merged in from `realtime`.
pub fn router(app: App, api: &config::Api, realtime: Router) -> Router {
    let (rest, document) = documented(&api.prefix);
    let paths = path::Templates::new(document.paths.paths.keys(), docs::PATHS);
    let rest = rest
        .merge(docs::router(&document))
        .merge(page::router(&api.prefix))
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::no_such_route)
        .with_state(app);
    let service = ServiceBuilder::new()
        .layer(from_fn_with_state(
            Arc::new(cors::Origins::new(&api.cors_origins)),
            cors::apply,
        ))
        .layer(from_fn_with_state(Arc::new(paths), path::canonical))
        .layer(from_fn(body::check))
        .service(rest);
    realtime
        .merge(client_files::router())
        .fallback_service(service)
}

/// The documented routes, and the document made from them.
fn documented(prefix: &str) -> (Router<App>, utoipa::openapi::OpenApi) {
    let prefixed = root::router()
        .merge(simulation::router())
        .merge(injections::router())
        .merge(injection_kinds::router())
        .merge(entities::router())
        .merge(network::router())
        .merge(alerts::router())
        .merge(notifications::router())
        .merge(cluster::router());
    let (router, mut document) = OpenApiRouter::with_openapi(docs::description())
        .nest(prefix, prefixed)
        .merge(health::router())
        .split_for_parts();
    if let Some(components) = &mut document.components {
        variants::spread(components);
    }
    (router, document)
}
