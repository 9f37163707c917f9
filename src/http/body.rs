//! Request bodies: read once, bounded, and well-formed if they say they are JSON.

use std::time::Duration;

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{
        HeaderMap,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::IgnoredAny;

use super::error::ApiError;

/// The largest body that is read.
const MAX_BYTES: usize = 100 * 1024;
/// How much of a larger body is taken off the wire so that the client gets to read the refusal.
const MAX_DISCARDED_BYTES: usize = 2_000_000;
/// How long a client may take to send a body.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the body and hands it on in one piece. A JSON body must be an object or a list, on any
/// route. A body of another type that is too large is taken for none: no route needs it.
pub(super) async fn check(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let kind = Kind::of(&parts.headers);
    let announced: Option<usize> = parts
        .headers
        .get(CONTENT_LENGTH)
        .and_then(|n| n.to_str().ok()?.parse().ok());
    let read = match announced {
        Some(length) if length > MAX_BYTES => Err(discard(body).await),
        _ => read(body).await,
    };
    let bytes = match (read, kind) {
        (Ok(bytes), Kind::Json) => match well_formed(&bytes) {
            Ok(()) => bytes,
            Err(problem) => return ApiError::BadRequest(vec![problem]).into_response(),
        },
        (Ok(bytes), _) => bytes,
        (Err(Unread::TooLarge), Kind::Other) => Bytes::new(),
        (Err(Unread::TooLarge), _) => return ApiError::TooLarge.into_response(),
        (Err(Unread::Broken), _) => {
            let problem = "the body did not arrive whole: send it again".to_owned();
            return ApiError::BadRequest(vec![problem]).into_response();
        }
    };
    next.run(Request::from_parts(parts, Body::from(bytes)))
        .await
}

/// What the content type says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Form,
    Other,
}

impl Kind {
    fn of(headers: &HeaderMap) -> Self {
        let content_type = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let essence = content_type
            .and_then(|text| text.split(';').next())
            .unwrap_or_default()
            .trim();
        if essence.eq_ignore_ascii_case("application/json") {
            Self::Json
        } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            Self::Form
        } else {
            Self::Other
        }
    }
}

enum Unread {
    TooLarge,
    Broken,
}

async fn read(body: Body) -> Result<Bytes, Unread> {
    let limited = Limited::new(body, MAX_BYTES).collect();
    match tokio::time::timeout(TIMEOUT, limited).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        _ => Err(Unread::Broken),
    }
}

async fn discard(mut body: Body) -> Unread {
    let taken = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, Bytes::len);
            if bytes > MAX_DISCARDED_BYTES {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(TIMEOUT, taken).await;
    Unread::TooLarge
}

/// Whether `bytes` are a well-formed JSON object, whatever its keys and numbers.
pub(super) fn is_object(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'{')
        && serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
}

/// Whether `bytes` are a JSON object or list; nothing at all will do too.
fn well_formed(bytes: &[u8]) -> Result<(), String> {
    if std::str::from_utf8(bytes).is_err() {
        return Err("the body is not UTF-8".into());
    }
    let text = bytes.trim_ascii_start();
    match text.first() {
        None if bytes.is_empty() => Ok(()),
        Some(b'{' | b'[') => serde_json::from_slice::<IgnoredAny>(text)
            .map(drop)
            .map_err(|error| error.to_string()),
        _ => Err("the body is not a JSON object or list".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_and_lists_are_well_formed() {
        for good in ["", "{}", " [1]\n", r#"{"a":{"b":[]}}"#] {
            assert_eq!(well_formed(good.as_bytes()), Ok(()), "{good}");
        }
        for bad in ["{bad", "\"text\"", "1", "null", " ", "{} {}", "[1,]"] {
            assert!(well_formed(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(well_formed(b"{\"a\": \"\xff\"}").is_err());
    }

    #[test]
    fn deep_nesting_is_no_problem() {
        let depth = MAX_BYTES / 2;
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(well_formed(deep.as_bytes()), Ok(()));
    }
}
