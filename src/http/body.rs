//! Request bodies: read once, bounded, and well-formed if they say they are JSON.

use std::{io::Read, time::Duration};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{
        HeaderMap,
        header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::IgnoredAny;

use super::error::ApiError;

/// The largest body that is read.
const MAX_BYTES: usize = 100 * 1024;
/// How much of a larger body is taken off the wire so that the client gets to read the refusal.
const MAX_DISCARDED_BYTES: usize = 2_000_000;
/// How long a client may take to send a body.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the body and hands it on in one piece, decompressed and without a byte order mark. A JSON
/// body must be an object or a list, on any route. A body of another type that is too large is taken
/// for none: no route needs it.
pub(super) async fn check(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let kind = Kind::of(&parts.headers);
    let coding = match Coding::of(&parts.headers) {
        Ok(coding) => coding,
        Err(refusal) => {
            let _ = discard(body).await;
            return refusal.into_response();
        }
    };
    let announced: Option<usize> = parts
        .headers
        .get(CONTENT_LENGTH)
        .and_then(|n| n.to_str().ok()?.parse().ok());
    let read = match announced {
        Some(length) if length > MAX_BYTES => Err(discard(body).await),
        _ => read(body).await,
    };
    let bytes = match read.and_then(|bytes| coding.decode(bytes)) {
        Ok(bytes) => bytes,
        Err(Unread::TooLarge) if kind == Kind::Other => Bytes::new(),
        Err(unread) => return ApiError::from(unread).into_response(),
    };
    let bytes = match as_text(bytes, kind) {
        Ok(bytes) => bytes,
        Err(problem) => return ApiError::BadRequest(vec![problem]).into_response(),
    };
    // They spoke of the body as it came.
    for header in [CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING] {
        parts.headers.remove(header);
    }
    next.run(Request::from_parts(parts, Body::from(bytes)))
        .await
}

/// The body without a byte order mark, if it is what its kind promises.
fn as_text(bytes: Bytes, kind: Kind) -> Result<Bytes, String> {
    if is_utf_16(&bytes) {
        return Err("the body is UTF-16: send it as UTF-8".into());
    }
    let bytes = match bytes.strip_prefix(BYTE_ORDER_MARK) {
        Some(text) => bytes.slice_ref(text),
        None => bytes,
    };
    if kind == Kind::Json {
        well_formed(&bytes)?;
    }
    Ok(bytes)
}

/// U+FEFF in UTF-8, with which some editors and shells begin a text.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Whether `bytes` are JSON in UTF-16, by its first two characters: a byte order mark or not, and the
/// bracket.
fn is_utf_16(bytes: &[u8]) -> bool {
    let (text, big_endian) = match bytes {
        [0xfe, 0xff, text @ ..] => (text, Some(true)),
        [0xff, 0xfe, text @ ..] => (text, Some(false)),
        text => (text, None),
    };
    match text {
        [0, b'{' | b'[', ..] => big_endian != Some(false),
        [b'{' | b'[', 0, ..] => big_endian != Some(true),
        _ => false,
    }
}

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Identity,
    Gzip,
    Deflate,
}

impl Coding {
    fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let named: Vec<_> = headers
            .get_all(CONTENT_ENCODING)
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .map(|name| name.trim_ascii().to_ascii_lowercase())
            .filter(|name| !name.is_empty() && name != b"identity")
            .collect();
        match named.iter().map(Vec::as_slice).collect::<Vec<_>>()[..] {
            [] => Ok(Self::Identity),
            [b"gzip" | b"x-gzip"] => Ok(Self::Gzip),
            [b"deflate"] => Ok(Self::Deflate),
            _ => Err(ApiError::UnknownCoding(
                String::from_utf8_lossy(&named.join(&b", "[..])).into_owned(),
            )),
        }
    }

    /// The body as it was, if that is not too large.
    fn decode(self, bytes: Bytes) -> Result<Bytes, Unread> {
        let mut read = Vec::new();
        // One byte more tells a body that is too large.
        let bound = MAX_BYTES as u64 + 1;
        let decoded = match self {
            Self::Identity => return Ok(bytes),
            Self::Gzip => MultiGzDecoder::new(&bytes[..])
                .take(bound)
                .read_to_end(&mut read),
            Self::Deflate => ZlibDecoder::new(&bytes[..])
                .take(bound)
                .read_to_end(&mut read),
        };
        match decoded {
            Ok(length) if length > MAX_BYTES => Err(Unread::TooLarge),
            Ok(_) => Ok(read.into()),
            Err(error) => Err(Unread::Compressed(error.to_string())),
        }
    }
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

/// Why there is no body to look at.
#[derive(Debug, PartialEq, Eq)]
enum Unread {
    TooLarge,
    Broken,
    /// It is not compressed as it says; why.
    Compressed(String),
}

impl From<Unread> for ApiError {
    fn from(unread: Unread) -> Self {
        let problem = match unread {
            Unread::TooLarge => return Self::TooLarge,
            Unread::Broken => "the body did not arrive whole: send it again".to_owned(),
            Unread::Compressed(why) => {
                format!("the body is not compressed as its content-encoding says: {why}")
            }
        };
        Self::BadRequest(vec![problem])
    }
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
    fn a_byte_order_mark_is_skipped_and_utf_16_is_named() {
        for kind in [Kind::Json, Kind::Form, Kind::Other] {
            let body = Bytes::from_static("\u{feff}{}".as_bytes());
            assert_eq!(as_text(body, kind), Ok(Bytes::from_static(b"{}")));
            let body = "{\"seed\": 5}";
            for mark in ["", "\u{feff}"] {
                let units: Vec<u16> = format!("{mark}{body}").encode_utf16().collect();
                let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
                let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
                for bytes in [little, big] {
                    let problem = as_text(bytes.into(), kind).unwrap_err();
                    assert!(problem.contains("UTF-16"), "{problem}");
                }
            }
        }
        assert!(!is_utf_16(b"{}") && !is_utf_16(b"\xff\xfe\x00{") && !is_utf_16(b"\xff\xfe"));
    }

    #[test]
    fn what_is_compressed_stays_bounded() {
        use std::io::Write;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&vec![b' '; 50_000_000]).unwrap();
        let bomb = Bytes::from(gzip.finish().unwrap());
        assert_eq!(Coding::Gzip.decode(bomb), Err(Unread::TooLarge));
        let cut = Bytes::from_static(b"\x1f\x8b\x08\0");
        assert!(matches!(
            Coding::Gzip.decode(cut),
            Err(Unread::Compressed(_))
        ));
    }

    #[test]
    fn deep_nesting_is_no_problem() {
        let depth = MAX_BYTES / 2;
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(well_formed(deep.as_bytes()), Ok(()));
    }
}
