//! This instance and the others, as it sees them.

use axum::extract::State;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::cluster::status::Cluster;

use super::{App, error::JsonBody};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(cluster))
}

/// This instance, and the others seen within the last minute.
///
/// Equal `version`s compute the same; instances whose `hash` differs at the same `tick` have
/// diverged, which they find out and mend by themselves. Answered from memory, also without Redis.
#[utoipa::path(get, path = "/cluster", operation_id = "getCluster", tag = "operation",
    responses((status = 200, description = "The instances.", body = Cluster,
        example = json!({"instance": "5f0c9a3e", "version": "0.1.0+9bd1c2aa07e3f514", "tick": 17_954_756_700_u64,
            "hash": "c2d1a7740f6e9b38", "clockOffsetMs": -0.42, "divergences": 0, "redis": "connected",
            "since": "2026-11-23T23:14:26.500Z",
            "peers": [{"instance": "a81d04b7", "version": "0.1.0+9bd1c2aa07e3f514", "tick": 17_954_756_700_u64,
                "hash": "c2d1a7740f6e9b38", "clockOffsetMs": 0.05, "divergences": 0, "redis": "connected",
                "since": "2026-11-23T23:14:20.100Z", "lastSeenMs": 212}]}))))]
async fn cluster(State(app): State<App>) -> JsonBody<Cluster> {
    JsonBody(app.status.cluster())
}
