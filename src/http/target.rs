//! The target of a request as the client wrote it.

use std::fmt;

use axum::{
    extract::Request,
    http::{Uri, uri::PathAndQuery},
};

/// The target as the client wrote it: path and query.
#[derive(Debug, Clone)]
pub(super) struct RequestTarget(pub(super) Uri);

impl RequestTarget {
    pub(super) fn of(request: &Request) -> Self {
        let given = request.extensions().get::<Self>().cloned();
        given.unwrap_or_else(|| Self(request.uri().clone()))
    }

    /// The path alone.
    pub(super) fn path(&self) -> &str {
        self.0.path()
    }
}

impl fmt::Display for RequestTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.path_and_query().map_or("/", PathAndQuery::as_str))
    }
}
