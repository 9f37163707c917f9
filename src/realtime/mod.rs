//! Socket.IO: the namespaces, what clients ask and what they get. The only module that names
//! socketioxide.
//!
//! All that is known of a client stands in [`client`]. What it asks comes in through [`inbound`] and is
//! served in place. What it gets goes out through its [`outbox`], whatever it is: [`publisher`] delivers
//! what the plant gives rise to, on every instance to its own clients, [`members`] tells to whom, and
//! [`packet`] encodes it once. What is meant for the clients of all instances goes through [`announcer`].
//! [`front`] is the thin HTTP layer ahead of the crate, [`home`] the threads on which the crate serves
//! clients. The type of the adapter does not leave this module: [`mount`] picks one and returns a plain
//! router. With Redis it is the crate's Redis adapter on a driver of ours, [`backplane`].

mod announcer;
mod backplane;
mod client;
mod common;
mod echo;
mod front;
mod home;
mod host;
mod inbound;
mod losses;
mod members;
pub mod messages;
mod names;
mod outbox;
mod packet;
mod publisher;
mod queue;
mod sessions;
mod stay;

use std::{convert::Infallible, future::ready, io, pin::Pin, sync::Arc, time::Duration};

use axum::Router;
use socketioxide::{
    ParserConfig, SocketIo, SocketIoBuilder, adapter::Adapter, handler::ConnectHandler,
    service::SocketIoService,
};
use socketioxide_redis::{CustomRedisAdapter, RedisAdapterConfig, RedisAdapterCtr};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::{
    cluster::{clock::SharedTime, redis::connection::Endpoint, status::Channels},
    config,
    grid::{entity::Catalogue, event::Batch},
    health::Health,
};

pub use self::{
    announcer::Announcer, backplane::Unreachable, host::Host, names::NAMESPACE, packet::Encoded,
};
use self::{
    announcer::Others,
    backplane::Backplane,
    client::{Client, StayGuard},
    common::Common,
    home::Homes,
    inbound::{Incoming, Joining},
    members::Members,
    queue::Bounds,
};

/// The largest message either way in bytes, over websocket and polling alike.
const MAX_MESSAGE_BYTES: usize = 1_000_000;
/// How long a connection may do without a namespace.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(45);
const PING_INTERVAL: Duration = Duration::from_secs(25);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// How many binary attachments one message may announce.
const MAX_ATTACHMENTS: usize = 100;
/// How many packets may wait for a client in the engine's queue, at the least.
const MIN_BUFFERED_PACKETS: usize = 1024;
/// As much of what a client sends is read at once, in bytes: clients say little.
const READ_BUFFER_BYTES: usize = 512;
/// How many messages may wait for the publisher.
const WAITING_MESSAGES: usize = 64;

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
///
/// # Errors
/// What the system says when it has no thread left.
pub async fn mount(
    catalogue: Arc<Catalogue>,
    batches: mpsc::Receiver<Batch>,
    host: Host,
    clients: &config::Clients,
    shared: Option<Shared>,
    health: &Health,
) -> io::Result<Realtime> {
    let entities = catalogue.all().len();
    let mount = Mount {
        homes: Homes::start(health)?,
        batches,
        state: Arc::new(Common {
            catalogue,
            members: Members::new(entities),
            bounds: Bounds::of_plant(entities),
            direct: clients.direct,
            stall: clients.stall,
            host,
        }),
    };
    let Some(Shared {
        redis,
        time,
        channels,
        shutdown,
    }) = shared
    else {
        let (service, io) = builder(entities).build_svc();
        io.ns("/", async || ());
        io.ns(NAMESPACE, joined.with(greet(mount.state.clone(), None)));
        return Ok(mount.serve(service, &io, None, health));
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
    let own_room = format!("instance:{}", mount.state.host.instance);
    let config = RedisAdapterConfig::new().with_prefix(rooms);
    let adapter = RedisAdapterCtr::new_with_driver(backplane.clone(), config);
    let (service, io) = builder(entities)
        .with_adapter::<CustomRedisAdapter<_, Backplane>>(adapter)
        .build_svc();
    let greet = greet(mount.state.clone(), Some(own_room.clone()));
    let namespaces = [
        io.ns("/", async || ()).await,
        io.ns(NAMESPACE, joined.with(greet)).await,
    ];
    for error in namespaces.into_iter().filter_map(Result::err) {
        error!(%error, "a namespace cannot be opened");
    }
    let others = Others {
        io: io.clone(),
        backplane,
        own_room,
    };
    Ok(mount.serve(service, &io, Some(others), health))
}

/// What goes around a server, whatever its adapter.
struct Mount {
    homes: Homes,
    batches: mpsc::Receiver<Batch>,
    state: Arc<Common<Client>>,
}

impl Mount {
    fn serve<S, A>(
        self,
        service: SocketIoService<S, A>,
        io: &SocketIo<A>,
        others: Option<Others<A>>,
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
        let Self {
            homes,
            batches,
            state,
        } = self;
        let (publisher, messages) = mpsc::channel(WAITING_MESSAGES);
        let _on_its_thread = homes.publisher().enter();
        health.spawn("publisher", |pulse| {
            publisher::publish(state.clone(), batches, messages, pulse)
        });
        Realtime {
            router: front::router(service, state, homes),
            closer: Closer::new(io.clone()),
            announcer: Announcer::new(publisher, others),
        }
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
        .ws_read_buffer_size(READ_BUFFER_BYTES)
        .ws_max_message_size(MAX_MESSAGE_BYTES)
        .ws_max_frame_size(MAX_MESSAGE_BYTES)
        .max_buffer_size(buffered_packets)
        .with_parser(parser)
}

/// Installs a client's handler ahead of its CONNECT packet: what it sends on receiving that packet
/// finds it in place, which a handler installed in the connect handler would not guarantee. From the
/// same moment on it is in `own_room`, if there is one.
///
/// There is no disconnect handler on purpose: with one the crate forgets the socket only later, and
/// a client that leaves and joins again at once would lose its new stay. The stay ends with its
/// [`StayGuard`], which the crate drops with the socket.
fn greet<A: Adapter>(
    shared: Arc<Common<Client>>,
    own_room: Option<String>,
) -> impl FnOnce(Joining<A>) -> std::future::Ready<Result<(), Infallible>> + Clone + Send + Sync {
    move |Joining(socket)| {
        let client = socket.req_parts().extensions.get::<Arc<Client>>().cloned();
        // Every session comes through the layer that gives it one.
        let client =
            client.unwrap_or_else(|| Client::new(shared, tokio::runtime::Handle::current()));
        if let Some(own_room) = own_room {
            socket.join(own_room);
        }
        let number = client.begin_stay(Box::new(Arc::downgrade(&socket)));
        let guard = StayGuard {
            client: client.clone(),
            number,
        };
        socket.extensions.insert(Arc::new(guard));
        socket.on_fallback(move |incoming: Incoming| {
            inbound::serve(&client, number, &incoming);
            ready(())
        });
        ready(Ok(()))
    }
}

/// Runs when the client's CONNECT packet is in the engine's queue.
fn joined<A: Adapter>(Joining(socket): Joining<A>) -> std::future::Ready<()> {
    if let Some(guard) = socket.extensions.get::<Arc<StayGuard>>() {
        guard.client.join(guard.number);
    }
    ready(())
}
