//! The driver below the Redis adapter: rooms that span all instances.
//!
//! It never makes the adapter wait and never fails: local clients are served first and whatever
//! becomes of Redis. One task owns the connection, connects again and subscribes again by itself.
//! What cannot be passed on at once is dropped and counted, on the way out and on the way in: a
//! message that is seconds old would only confuse.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::{FromRedisValue, Pipeline, PushInfo, PushKind, aio::MultiplexedConnection};
use socketioxide_redis::drivers::{ChanItem, Driver, MessageStream};
use thiserror::Error;
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::{
    cluster::{
        clock::SharedTime,
        redis::connection::{ConnectionError, Endpoint, RECONNECT_PAUSE, RESPONSE_TIMEOUT},
        status::Channels,
    },
    health::{Health, Pulse},
};

/// How many messages may wait for the connection.
const WAITING_MESSAGES: usize = 1024;
/// How many are sent at once.
const SENT_AT_ONCE: usize = 64;
/// How often to see whether Redis is still there.
const PING: Duration = Duration::from_secs(1);
/// A message older than this is not passed on to clients.
const OLDEST_US: u64 = 2_000_000;
/// Bytes ahead of each message that tell when it was sent.
const STAMP_BYTES: usize = size_of::<u64>();

/// Why the clients of the other instances cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unreachable {
    /// Redis does not answer.
    #[error("Redis does not answer: try again when it is back")]
    Away,
    /// Redis does not let this instance.
    #[error("messages do not pass between instances: {0}")]
    Refused(String),
}

/// The driver. Cheap to clone; all clones share one connection.
#[derive(Debug, Clone)]
pub(super) struct Backplane {
    shared: Arc<Shared>,
    outgoing: mpsc::Sender<Outgoing>,
}

#[derive(Debug)]
struct Shared {
    /// A channel that nobody listens to, below the same name as all others.
    probe: String,
    time: SharedTime,
    channels: Channels,
    subscribers: Mutex<HashMap<String, mpsc::Sender<ChanItem>>>,
    /// The subscribers have changed.
    changed: Notify,
    /// The connection has ended.
    ended: Notify,
    up: AtomicBool,
    dropped: AtomicU64,
}

#[derive(Debug)]
enum Outgoing {
    Message(String, Vec<u8>),
    Probe(oneshot::Sender<Result<(), Unreachable>>),
    Count(String, oneshot::Sender<u16>),
}

impl Backplane {
    /// A driver that reaches for `endpoint` until `shutdown`. The names of all channels begin with
    /// `rooms`, messages are stamped with `time`, and `channels` is told what Redis does not allow.
    pub(super) fn start(
        endpoint: Endpoint,
        rooms: String,
        time: SharedTime,
        channels: Channels,
        health: &Health,
        shutdown: CancellationToken,
    ) -> Self {
        let (outgoing, messages) = mpsc::channel(WAITING_MESSAGES);
        let shared = Arc::new(Shared {
            probe: rooms,
            time,
            channels,
            subscribers: Mutex::default(),
            changed: Notify::new(),
            ended: Notify::new(),
            up: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
        });
        health.spawn("messages", |pulse| {
            let running = run(endpoint, shared.clone(), messages, pulse);
            async move {
                shutdown.run_until_cancelled_owned(running).await;
            }
        });
        Self { shared, outgoing }
    }

    /// Makes sure that Redis is there right now and takes messages.
    pub(super) async fn reach(&self) -> Result<(), Unreachable> {
        let (reply, answered) = oneshot::channel();
        self.ask(Outgoing::Probe(reply), answered).await?
    }

    async fn ask<T>(
        &self,
        question: Outgoing,
        answer: oneshot::Receiver<T>,
    ) -> Result<T, Unreachable> {
        if !self.shared.up.load(Ordering::Acquire) {
            let refused = self.shared.channels.lacking();
            return Err(refused.map_or(Unreachable::Away, Unreachable::Refused));
        }
        let away = || Unreachable::Away;
        self.outgoing.try_send(question).map_err(|_| away())?;
        let answer = timeout(RESPONSE_TIMEOUT, answer).await;
        answer.map_err(|_| away())?.map_err(|_| away())
    }
}

impl Driver for Backplane {
    type Error = Unreachable;

    async fn publish(&self, channel: String, message: Vec<u8>) -> Result<(), Unreachable> {
        let stamp = self.shared.time.now_us();
        let up = self.shared.up.load(Ordering::Acquire);
        let (Some(stamp), true) = (stamp, up) else {
            self.shared.drop_one();
            return Ok(());
        };
        let mut stamped = Vec::with_capacity(STAMP_BYTES + message.len());
        stamped.extend_from_slice(&stamp.to_be_bytes());
        stamped.extend_from_slice(&message);
        if self
            .outgoing
            .try_send(Outgoing::Message(channel, stamped))
            .is_err()
        {
            self.shared.drop_one();
        }
        Ok(())
    }

    async fn subscribe(
        &self,
        channel: String,
        size: usize,
    ) -> Result<MessageStream<ChanItem>, Unreachable> {
        let (sender, receiver) = mpsc::channel(size);
        self.shared.subscribers().insert(channel, sender);
        self.shared.changed.notify_one();
        Ok(MessageStream::new(receiver))
    }

    async fn unsubscribe(&self, channel: String) -> Result<(), Unreachable> {
        self.shared.subscribers().remove(&channel);
        self.shared.changed.notify_one();
        Ok(())
    }

    async fn num_serv(&self, channel: &str) -> Result<u16, Unreachable> {
        let (reply, counted) = oneshot::channel();
        self.ask(Outgoing::Count(channel.to_owned(), reply), counted)
            .await
    }
}

impl Shared {
    /// Takes note of what Redis does not allow, or that it allows all.
    fn note(&self, lacking: Option<String>) {
        if self.channels.tell(lacking.clone())
            && let Some(lacking) = lacking
        {
            warn!("messages of operators do not reach the clients of this instance: {lacking}");
        }
    }

    /// Locks; the map is whole at every moment, so a panic elsewhere does not matter.
    fn subscribers(&self) -> MutexGuard<'_, HashMap<String, mpsc::Sender<ChanItem>>> {
        self.subscribers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn drop_one(&self) {
        let dropped = self.dropped.fetch_add(1, Ordering::Relaxed) + 1;
        if dropped.is_power_of_two() {
            warn!(
                messages.dropped = dropped,
                "messages between instances are dropped: Redis is away or behind"
            );
        }
    }

    /// Hands a message that Redis pushed to its subscriber. It runs on the connection's own task, so
    /// it must not wait.
    fn receive(&self, push: PushInfo) {
        match push.kind {
            PushKind::Message => {}
            PushKind::Disconnection => return self.ended.notify_one(),
            _ => return,
        }
        let mut parts = push.data.into_iter();
        let (Some(channel), Some(message)) = (parts.next(), parts.next()) else {
            return;
        };
        let (Ok(channel), Ok(message)) = (
            String::from_redis_value(channel),
            Vec::<u8>::from_redis_value(message),
        ) else {
            return;
        };
        let Some((stamp, message)) = message.split_first_chunk::<STAMP_BYTES>() else {
            return;
        };
        let now_us = self.time.now_us().unwrap_or(0);
        let subscriber = self.subscribers().get(&channel).cloned();
        let Some(subscriber) = subscriber else {
            return;
        };
        let too_old = now_us.saturating_sub(u64::from_be_bytes(*stamp)) > OLDEST_US;
        if too_old || subscriber.try_send((channel, message.to_vec())).is_err() {
            self.drop_one();
        }
    }
}

async fn run(
    endpoint: Endpoint,
    shared: Arc<Shared>,
    mut messages: mpsc::Receiver<Outgoing>,
    pulse: Pulse,
) {
    loop {
        pulse.beat();
        if let Err(error) = serve(&endpoint, &shared, &mut messages, &pulse).await {
            debug!(%error, "the channels in Redis are away");
            shared.note(endpoint.refusal(&error));
        }
        shared.up.store(false, Ordering::Release);
        tokio::time::sleep(RECONNECT_PAUSE).await;
        discard(&shared, &mut messages);
    }
}

/// Empties the queue: what waits in it would arrive too late.
fn discard(shared: &Shared, messages: &mut mpsc::Receiver<Outgoing>) {
    while let Ok(outgoing) = messages.try_recv() {
        if matches!(outgoing, Outgoing::Message(..)) {
            shared.drop_one();
        }
    }
}

/// Serves one connection until it fails.
async fn serve(
    endpoint: &Endpoint,
    shared: &Arc<Shared>,
    messages: &mut mpsc::Receiver<Outgoing>,
    pulse: &Pulse,
) -> Result<(), ConnectionError> {
    let receiver = shared.clone();
    let push = move |push| {
        receiver.receive(push);
        Ok::<(), std::convert::Infallible>(())
    };
    let mut redis = endpoint
        .connect(|config| config.set_push_sender(push))
        .await?;
    let mut subscribed = Vec::new();
    subscribe(&mut redis, shared, &mut subscribed).await?;
    probe(&mut redis, &shared.probe).await?;
    count(&mut redis, &shared.probe).await?;
    discard(shared, messages);
    shared.note(None);
    shared.up.store(true, Ordering::Release);
    let mut pings = interval(PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut outgoing = Vec::with_capacity(SENT_AT_ONCE);
    loop {
        pulse.beat();
        tokio::select! {
            () = shared.ended.notified() => return Err(ConnectionError::Silent),
            () = shared.changed.notified() => {
                subscribe(&mut redis, shared, &mut subscribed).await?;
            }
            _ = pings.tick() => redis::cmd("PING").exec_async(&mut redis).await?,
            _ = messages.recv_many(&mut outgoing, SENT_AT_ONCE) => {
                send(&mut redis, endpoint, shared, outgoing.drain(..)).await?;
            }
        }
    }
}

/// Subscribes to what is missing and unsubscribes from what is too much.
async fn subscribe(
    redis: &mut MultiplexedConnection,
    shared: &Shared,
    subscribed: &mut Vec<String>,
) -> Result<(), ConnectionError> {
    let wanted: Vec<String> = shared.subscribers().keys().cloned().collect();
    for channel in wanted.iter().filter(|one| !subscribed.contains(one)) {
        redis.subscribe(channel).await?;
    }
    for channel in subscribed.iter().filter(|one| !wanted.contains(one)) {
        redis.unsubscribe(channel).await?;
    }
    *subscribed = wanted;
    Ok(())
}

async fn send(
    redis: &mut MultiplexedConnection,
    endpoint: &Endpoint,
    shared: &Shared,
    outgoing: impl Iterator<Item = Outgoing>,
) -> Result<(), ConnectionError> {
    let mut messages = Pipeline::new();
    let mut questions = Vec::new();
    for one in outgoing {
        match one {
            Outgoing::Message(channel, message) => {
                messages.cmd("PUBLISH").arg(channel).arg(message).ignore();
            }
            question => questions.push(question),
        }
    }
    if !messages.is_empty() {
        messages.exec_async(redis).await?;
    }
    for question in questions {
        match question {
            Outgoing::Message(..) => {}
            Outgoing::Probe(reply) => {
                let probed = probe(redis, &shared.probe).await;
                let answer = probed.as_ref().map_err(|error| {
                    let refused = endpoint.refusal(error);
                    refused.map_or(Unreachable::Away, Unreachable::Refused)
                });
                let _ = reply.send(answer.copied());
                probed?;
            }
            Outgoing::Count(channel, reply) => {
                let _ = reply.send(count(redis, &channel).await?);
            }
        }
    }
    Ok(())
}

/// Publishes nothing to nobody, to see whether Redis takes messages.
async fn probe(redis: &mut MultiplexedConnection, channel: &str) -> Result<(), ConnectionError> {
    let mut publish = redis::cmd("PUBLISH");
    publish.arg(channel).arg("");
    Ok(publish.exec_async(redis).await?)
}

/// How many instances listen to a channel.
async fn count(redis: &mut MultiplexedConnection, channel: &str) -> Result<u16, ConnectionError> {
    let mut count = redis::cmd("PUBSUB");
    count.arg("NUMSUB").arg(channel);
    let (_, count): (String, u16) = count.query_async(redis).await?;
    Ok(count)
}
