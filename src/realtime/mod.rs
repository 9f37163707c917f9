//! Socket.IO: the namespaces, what clients ask and what they get. The only module that names
//! socketioxide.
//!
//! While a client joins nothing is read from it ([`joining`]). Events come in through [`inbound`], wait their turn in the client's [`inbox`], are served by
//! [`subscription`], and what the plant gives rise to goes out through [`publisher`], on every instance
//! to its own clients. What is meant for the clients of all instances goes out through [`announcer`].
//! [`front`] is the thin HTTP layer ahead of the crate. The type of the adapter does not leave this
//! module: [`mount`] picks one and returns a plain router. With Redis it is the crate's Redis adapter
//! on a driver of ours, [`backplane`].

mod announcer;
mod backplane;
mod client;
mod echo;
mod front;
mod inbound;
mod inbox;
mod joining;
pub mod messages;
mod publisher;
mod session;
mod subscription;

use std::{convert::Infallible, future::ready, pin::Pin, sync::Arc, time::Duration};

use axum::Router;
use socketioxide::{
    ParserConfig, SocketIo, SocketIoBuilder, adapter::Adapter, extract::SocketRef,
    handler::ConnectHandler, service::SocketIoService,
};
use socketioxide_redis::{CustomRedisAdapter, RedisAdapterConfig, RedisAdapterCtr};
use tokio::sync::{RwLock, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::{
    cluster::{clock::SharedTime, redis::connection::Endpoint, status::Channels},
    config,
    grid::{entity::Catalogue, event::Batch},
    health::Health,
};

pub use self::{announcer::Announcer, backplane::Unreachable};
use self::{
    backplane::Backplane,
    client::Client,
    inbound::{Incoming, Joined},
    inbox::Inbox,
    publisher::Published,
    session::{Emitting, Session, Sessions},
};

/// The namespace of everything that is streamed.
pub const NAMESPACE: &str = "/realtime";
/// The largest message either way in bytes, over websocket and polling alike.
const MAX_MESSAGE_BYTES: usize = 1_000_000;
/// How long a connection may do without a namespace.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(45);
const PING_INTERVAL: Duration = Duration::from_secs(25);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// How many binary attachments one message may announce.
const MAX_ATTACHMENTS: usize = 100;
/// How many packets may wait for a client, at the least.
const MIN_BUFFERED_PACKETS: usize = 1024;

/// What all clients share: the entities, and what has been emitted so far.
struct State {
    catalogue: Arc<Catalogue>,
    published: RwLock<Published>,
    emitting: Emitting,
}

/// The mounted realtime service.
pub struct Realtime {
    /// Serves everything below `/socket.io/`.
    pub router: Router,
    /// Ends all connections.
    pub closer: Closer,
    /// Sends messages to the clients of all instances.
    pub announcer: Announcer,
}

/// Ends all connections, so that clients see a closed transport and reconnect elsewhere.
pub struct Closer(Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>);

impl Closer {
    fn new<A: Adapter>(io: SocketIo<A>) -> Self {
        Self(Box::new(move || {
            let io = io.clone();
            Box::pin(async move { io.close().await })
        }))
    }

    /// Ends them and returns when they have ended.
    pub async fn close(&self) {
        (self.0)().await;
    }
}

/// What connects the clients of several instances.
#[derive(Debug)]
pub struct Shared {
    /// The Redis that they share.
    pub redis: config::Redis,
    /// The time that they share.
    pub time: SharedTime,
    /// Where to tell what Redis does not let this instance do.
    pub channels: Channels,
    /// When to let go of Redis.
    pub shutdown: CancellationToken,
}

/// Builds the Socket.IO server and starts to publish `batches`. With `shared`, rooms span all
/// instances.
pub async fn mount(
    catalogue: Arc<Catalogue>,
    batches: mpsc::Receiver<Batch>,
    shared: Option<Shared>,
    health: &Health,
) -> Realtime {
    let entities = catalogue.all().len();
    let state = Arc::new(State {
        catalogue,
        published: RwLock::new(Published::new(entities)),
        emitting: Emitting::default(),
    });
    let Some(Shared {
        redis,
        time,
        channels,
        shutdown,
    }) = shared
    else {
        let (service, io) = builder(entities).build_svc();
        io.ns("/", async || ());
        io.ns(NAMESPACE, joined.with(greet(state.clone())));
        return serve(service, &io, state, batches, None, health);
    };
    let rooms = format!("{}:rooms", redis.prefix);
    let backplane = Backplane::start(
        Endpoint::new(&redis),
        rooms.clone(),
        time,
        channels,
        health,
        shutdown,
    );
    let config = RedisAdapterConfig::new().with_prefix(rooms);
    let adapter = RedisAdapterCtr::new_with_driver(backplane.clone(), config);
    let (service, io) = builder(entities)
        .with_adapter::<CustomRedisAdapter<_, Backplane>>(adapter)
        .build_svc();
    let namespaces = [
        io.ns("/", async || ()).await,
        io.ns(NAMESPACE, joined.with(greet(state.clone()))).await,
    ];
    for error in namespaces.into_iter().filter_map(Result::err) {
        error!(%error, "a namespace cannot be opened");
    }
    serve(service, &io, state, batches, Some(backplane), health)
}

/// Puts the parts that every adapter has around a server.
fn serve<S, A>(
    service: SocketIoService<S, A>,
    io: &SocketIo<A>,
    state: Arc<State>,
    batches: mpsc::Receiver<Batch>,
    backplane: Option<Backplane>,
    health: &Health,
) -> Realtime
where
    A: Adapter,
    S: Clone + Send + Sync + 'static,
    SocketIoService<S, A>: tower::Service<
            axum::extract::Request,
            Response: axum::response::IntoResponse,
            Error = Infallible,
            Future: Send + 'static,
        >,
{
    if let Some(namespace) = io.of(NAMESPACE) {
        health.spawn("publisher", |pulse| {
            publisher::publish(namespace, state, batches, pulse)
        });
    }
    Realtime {
        router: front::router(service, Sessions::default()),
        closer: Closer::new(io.clone()),
        announcer: Announcer::new(io.clone(), backplane),
    }
}

fn builder(entities: usize) -> SocketIoBuilder {
    // The largest tick has a sample of each entity, and so has a snapshot on subscribe.
    let buffered_packets = (5 * entities).max(MIN_BUFFERED_PACKETS);
    let parser = ParserConfig::common()
        .max_incoming_binary_buf_size(MAX_MESSAGE_BYTES)
        .max_incoming_binaries(MAX_ATTACHMENTS);
    SocketIo::builder()
        .req_path(front::PATH)
        .ping_interval(PING_INTERVAL)
        .ping_timeout(PING_TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        .max_payload(MAX_MESSAGE_BYTES as u64)
        .ws_max_message_size(MAX_MESSAGE_BYTES)
        .ws_max_frame_size(MAX_MESSAGE_BYTES)
        .max_buffer_size(buffered_packets)
        .with_parser(parser)
}

/// Installs a client's handler ahead of its CONNECT packet: what it sends on receiving that packet
/// finds it in place, which a handler installed in the connect handler would not guarantee.
///
/// There is no disconnect handler on purpose: with one the crate forgets the socket only later, and
/// a client that leaves and joins again at once would not be let in.
fn greet<A: Adapter>(
    shared: Arc<State>,
) -> impl FnOnce(SocketRef<A>) -> std::future::Ready<Result<(), Infallible>> + Clone + Send + Sync {
    move |socket| {
        let session = socket.req_parts().extensions.get::<Arc<Session>>().cloned();
        let session = session.unwrap_or_default();
        let joining = session.begin_joining();
        let inbox = Arc::new(Inbox::new(Client::new(shared, session), joining));
        socket.extensions.insert(inbox.clone());
        socket.on_fallback(move |incoming: Incoming<A>| {
            inbox.receive(incoming);
            ready(())
        });
        ready(Ok(()))
    }
}

/// Runs when the client has its CONNECT packet and can be sent events.
fn joined<A: Adapter>(Joined(socket): Joined<A>) -> std::future::Ready<()> {
    if let Some(inbox) = socket.extensions.get::<Arc<Inbox>>() {
        inbox.open(socket);
    }
    ready(())
}
