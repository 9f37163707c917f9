//! The thin HTTP layer ahead of socketioxide: what clients expect of Engine.IO over HTTP and the
//! crate does not do.
//!
//! Error codes become numbers, answers are not cached, every answer may be read from any origin, a
//! preflight is answered. Each new session gets its [`Client`] in the extensions of the request that the
//! crate keeps, all its requests are served on that client's home, and the connection of its websocket
//! is handed to the client before the response that switches to it is written.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{self, Request},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS,
        ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS,
        CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, VARY,
    },
};
use hyper::upgrade::OnUpgrade;
use serde::{Deserialize, Serialize};
use socketioxide::{adapter::Adapter, service::SocketIoService};

use crate::net::connection::ConnectionHandle;

use super::{
    client::Client,
    common::Common,
    home::{Homes, serve_on},
    sessions::Sessions,
};

/// The path of the transport; the slash after it matters.
pub(super) const PATH: &str = "/socket.io";
/// Error bodies and open packets are far smaller.
const MAX_SMALL_BODY: usize = 4096;

/// What the layer knows.
#[derive(Clone)]
struct Front {
    shared: Arc<Common<Client>>,
    homes: Arc<Homes>,
    sessions: Sessions<Client>,
}

/// Routes everything below the transport's path to `service`.
pub(super) fn router<S, A>(
    service: SocketIoService<S, A>,
    shared: Arc<Common<Client>>,
    homes: Homes,
) -> Router
where
    A: Adapter,
    S: Clone + Send + Sync + 'static,
    SocketIoService<S, A>: tower::Service<
            Request,
            Response: IntoResponse,
            Error = std::convert::Infallible,
            Future: Send + 'static,
        >,
{
    let front = Front {
        shared,
        homes: Arc::new(homes),
        sessions: Sessions::default(),
    };
    Router::new()
        .route_service("/socket.io/", service.clone())
        .route_service("/socket.io/{*rest}", service)
        .layer(from_fn_with_state(front, mend))
}

async fn mend(
    extract::State(front): extract::State<Front>,
    mut request: Request,
    next: Next,
) -> Response {
    if request.method() == Method::OPTIONS {
        return preflight(request.headers());
    }
    let query = Query::of(request.uri());
    let connection = request.extensions_mut().remove::<ConnectionHandle>();
    let opens = query.sid.is_none();
    let client = match &query.sid {
        None => Some(Client::new(front.shared.clone(), front.homes.next())),
        Some(sid) => front.sessions.find(sid),
    };
    if let (Some(client), true) = (&client, opens) {
        detach(&mut request, client.clone());
    }
    let home = client
        .as_ref()
        .map_or_else(|| front.homes.next(), |client| client.home.clone());
    let mut response = serve_on(&home, next.run(request)).await;
    match (response.status(), &client) {
        (StatusCode::SWITCHING_PROTOCOLS, Some(client)) => {
            if let Some(connection) = connection {
                client.set_connection(&connection, opens);
            }
        }
        (StatusCode::OK, Some(client)) if opens => {
            response = registered(response, &front.sessions, client).await;
        }
        (StatusCode::BAD_REQUEST, _) => response = with_numeric_code(response).await,
        _ => {}
    }
    let headers = response.headers_mut();
    allow_any_origin(headers);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What the layer needs of the query.
struct Query {
    sid: Option<String>,
}

impl Query {
    fn of(uri: &Uri) -> Self {
        let pairs = || uri.query().unwrap_or_default().split('&');
        let value = |key: &str| pairs().find_map(|pair| pair.strip_prefix(key));
        Self {
            sid: value("sid=").map(str::to_owned),
        }
    }
}

/// Gives a request that opens a session its client. The crate keeps head and extensions of that request
/// for the life of the session; the copies here do not pin the connection's buffers.
fn detach(request: &mut Request, client: Arc<Client>) {
    let extensions = request.extensions_mut();
    let upgrade = extensions.remove::<OnUpgrade>();
    extensions.clear();
    extensions.insert(client);
    if let Some(upgrade) = upgrade {
        extensions.insert(upgrade);
    }
    if let Ok(uri) = request.uri().to_string().parse() {
        *request.uri_mut() = uri;
    }
    let copy = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
        Some((
            HeaderName::from_bytes(name.as_str().as_bytes()).ok()?,
            value,
        ))
    };
    let headers: HeaderMap = request.headers().iter().filter_map(copy).collect();
    *request.headers_mut() = headers;
}

/// Remembers the session of a polling handshake, whose id stands in the answer.
async fn registered(
    response: Response,
    sessions: &Sessions<Client>,
    client: &Arc<Client>,
) -> Response {
    #[derive(Deserialize)]
    struct Open {
        sid: String,
    }
    let (parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_SMALL_BODY).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let open = bytes
        .strip_prefix(b"0")
        .and_then(|json| serde_json::from_slice::<Open>(json).ok());
    if let Some(Open { sid }) = open {
        sessions.register(&sid, client, &client.registered);
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// The crate writes `{"code":"1",…}` where clients expect a number.
async fn with_numeric_code(response: Response) -> Response {
    #[derive(Deserialize)]
    struct Given {
        code: String,
        message: String,
    }
    #[derive(Serialize)]
    struct Expected {
        code: u8,
        message: String,
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_SMALL_BODY).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mended = serde_json::from_slice::<Given>(&bytes)
        .ok()
        .and_then(|Given { code, message }| {
            Some(Expected {
                code: code.parse().ok()?,
                message,
            })
        })
        .and_then(|expected| serde_json::to_vec(&expected).ok());
    let Some(mended) = mended else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    parts
        .headers
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(mended))
}

fn preflight(asked: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    allow_any_origin(headers);
    let methods = HeaderValue::from_static("GET,HEAD,PUT,PATCH,POST,DELETE");
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    headers.insert(
        VARY,
        HeaderValue::from_static("Access-Control-Request-Headers"),
    );
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    if let Some(wanted) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    response
}

/// Every origin may read every answer. Browsers refuse this pair for requests with credentials, and
/// existing clients send none.
fn allow_any_origin(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        ACCESS_CONTROL_ALLOW_CREDENTIALS,
        HeaderValue::from_static("true"),
    );
}
