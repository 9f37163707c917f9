//! Routes ignore case and one trailing slash.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Path, Request, State},
    http::request::Parts,
    middleware::Next,
    response::Response,
};

use super::{error::ApiError, target::RequestTarget};

/// The id in a path.
pub(super) struct Id(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(id)) => Ok(Self(id)),
            // What is no text is nobody's id.
            Err(_) => Err(ApiError::NotFound(
                "the id in the path is not UTF-8: GET the list of all for their ids".into(),
            )),
        }
    }
}

/// The paths of all routes, as templates such as `/api/v1/entities/{id}`.
pub(super) struct Templates(Vec<Vec<String>>);

impl Templates {
    /// The paths of the document and some that are not in it. Fixed segments win over parameters.
    pub(super) fn new<'a>(
        documented: impl Iterator<Item = &'a String>,
        others: &[&'a str],
    ) -> Self {
        let split = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
        let mut templates: Vec<_> = documented
            .map(String::as_str)
            .chain(others.iter().copied())
            .map(split)
            .collect();
        templates.sort_by_key(|segments| segments.iter().filter(|s| is_parameter(s)).count());
        Self(templates)
    }

    /// `path` as the router knows it, if that is any different. Parameters keep their case.
    fn canonical(&self, path: &str) -> Option<String> {
        let trimmed = match path.strip_suffix('/') {
            Some(trimmed) if !trimmed.is_empty() && !trimmed.ends_with('/') => trimmed,
            _ => path,
        };
        let given: Vec<_> = trimmed.split('/').collect();
        let fits = |template: &&Vec<String>| {
            template.len() == given.len()
                && template.iter().zip(&given).all(|(segment, given)| {
                    is_parameter(segment) && !given.is_empty()
                        || segment.eq_ignore_ascii_case(given)
                })
        };
        let template = self.0.iter().find(fits)?;
        let segments = template.iter().zip(&given).map(|(segment, given)| {
            if is_parameter(segment) {
                *given
            } else {
                segment.as_str()
            }
        });
        let canonical = segments.collect::<Vec<_>>().join("/");
        (canonical != path).then_some(canonical)
    }
}

fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{')
}

/// Gives the request the path that the router knows.
pub(super) async fn canonical(
    State(templates): State<Arc<Templates>>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(path) = templates.canonical(request.uri().path()) {
        let query = request
            .uri()
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        if let Ok(uri) = format!("{path}{query}").parse() {
            let target = RequestTarget(std::mem::replace(request.uri_mut(), uri));
            request.extensions_mut().insert(target);
        }
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(path: &str) -> String {
        let documented = [
            "/api/v1",
            "/api/v1/entities/{id}",
            "/api/v1/data/simulation/status",
        ]
        .map(String::from);
        let templates = Templates::new(documented.iter(), &["/", "/api", "/api/{file}"]);
        templates.canonical(path).unwrap_or_else(|| path.to_owned())
    }

    #[test]
    fn case_and_one_trailing_slash_are_ignored() {
        assert_eq!(
            canonical("/API/v1/Data/SIMULATION/status/"),
            "/api/v1/data/simulation/status"
        );
        assert_eq!(canonical("/api/v1/"), "/api/v1");
        assert_eq!(canonical("/API/V1"), "/api/v1");
        assert_eq!(canonical("/"), "/");
    }

    #[test]
    fn parameters_keep_their_case() {
        assert_eq!(
            canonical("/API/V1/Entities/Bus-001"),
            "/api/v1/entities/Bus-001"
        );
        assert_eq!(canonical("/Api/swagger-UI.css"), "/api/swagger-UI.css");
    }

    #[test]
    fn anything_else_stays_as_it_is() {
        for path in [
            "/Nope",
            "/api/v1//",
            "/api/v1/entities/",
            "//",
            "",
            "/api/v1/data//status",
        ] {
            assert_eq!(canonical(path), path);
        }
    }
}
