//! The clients: those that stay, and those that come and go.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU8, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::{
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    options::{Mix, Options, Transport},
    polling,
    sample::{LastTime, Reader},
    tally::{Arrival, Tally},
    target::Target,
    websocket,
};

/// How long one that comes and goes stays.
const SHORT_STAY: Duration = Duration::from_millis(100);
/// How long a client may take to be answered.
pub(crate) const ANSWER: Duration = Duration::from_secs(30);

/// How far the measurement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Clients connect.
    Before,
    /// It goes on.
    Measuring,
    /// It is over, and what is under way still arrives.
    Ending,
    /// Everybody leaves.
    Over,
}

/// What all clients share.
pub(crate) struct Shared {
    pub(crate) target: Target,
    pub(crate) options: Options,
    pub(crate) tally: Tally,
    reader: Reader,
    phase: AtomicU8,
    begin_ms: AtomicI64,
    end_ms: AtomicI64,
    over: CancellationToken,
    connecting: Semaphore,
    ready: AtomicUsize,
    failed: AtomicUsize,
    /// Requests to subscribe that were not answered.
    pub(crate) unanswered: AtomicUsize,
    /// Clients that stayed and whose connection ended.
    pub(crate) ended: AtomicUsize,
    /// How many slow clients were cut off, and when the last of them was, in milliseconds after it stopped
    /// reading.
    pub(crate) cut_off: AtomicUsize,
    pub(crate) last_cut_ms: AtomicU64,
}

/// How many clients got as far as being subscribed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready {
    pub(crate) clients: usize,
    pub(crate) failed: usize,
    pub(crate) seconds: f64,
}

impl Shared {
    pub(crate) fn new(target: Target, options: Options) -> Self {
        Self {
            tally: Tally::new(target.entities.len()),
            reader: Reader::new(target.entities.iter().map(|entity| entity.id.as_str())),
            connecting: Semaphore::new(options.connecting.max(1)),
            target,
            options,
            phase: AtomicU8::new(Phase::Before as u8),
            begin_ms: AtomicI64::new(i64::MAX),
            end_ms: AtomicI64::new(i64::MAX),
            over: CancellationToken::new(),
            ready: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
            unanswered: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
            cut_off: AtomicUsize::new(0),
            last_cut_ms: AtomicU64::new(0),
        }
    }

    /// Begins the measurement.
    pub(crate) fn begin(&self) {
        self.begin_ms.store(now_us() / 1000, Ordering::Relaxed);
        self.set_phase(Phase::Measuring);
    }

    pub(crate) fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
        match phase {
            Phase::Ending => self.end_ms.store(now_us() / 1000, Ordering::Relaxed),
            Phase::Over => self.over.cancel(),
            Phase::Before | Phase::Measuring => {}
        }
    }

    /// From when to when it was measured, in milliseconds since the Unix epoch.
    pub(crate) fn window_ms(&self) -> (i64, i64) {
        let load = |time: &AtomicI64| time.load(Ordering::Relaxed);
        (load(&self.begin_ms), load(&self.end_ms))
    }

    pub(crate) fn over(&self) -> &CancellationToken {
        &self.over
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }

    /// Waits until every client that stays is ready or has failed.
    pub(crate) async fn wait_until_ready(&self, limit: Duration) -> Ready {
        let begun = Instant::now();
        let count = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        while count(&self.ready) + count(&self.failed) < self.options.clients
            && begun.elapsed() < limit
        {
            sleep(Duration::from_millis(10)).await;
        }
        Ready {
            clients: count(&self.ready),
            failed: count(&self.failed),
            seconds: begun.elapsed().as_secs_f64(),
        }
    }
}

/// Microseconds since the Unix epoch.
pub(crate) fn now_us() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(now.as_micros()).unwrap_or(i64::MAX)
}

/// What one client does once it is subscribed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It stays and reads.
    Stay,
    /// It stays and reads nothing.
    Slow,
    /// It leaves soon.
    Leave,
}

/// What one client knows.
pub(crate) struct Client {
    pub(crate) shared: Arc<Shared>,
    pub(crate) role: Role,
    pub(crate) entities: Vec<usize>,
    /// The time of the last sample of each entity.
    last_ms: Vec<i64>,
    last: LastTime,
    arrivals: Vec<Arrival>,
}

impl Client {
    fn new(shared: Arc<Shared>, role: Role, number: usize) -> Self {
        let mix = if role == Role::Leave {
            Mix::All
        } else {
            shared.options.mix
        };
        let entities = shared.target.drawn(mix, number);
        Self {
            last_ms: vec![i64::MIN; shared.target.entities.len()],
            shared,
            role,
            entities,
            last: LastTime::default(),
            arrivals: Vec::new(),
        }
    }

    /// It is subscribed to all it wants.
    pub(crate) fn is_ready(&self) {
        if self.role == Role::Stay {
            self.shared.tally.subscribe(&self.entities);
        }
        if self.role != Role::Leave {
            self.shared.ready.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes a packet that came at this time, in microseconds since the Unix epoch.
    pub(crate) fn take(&mut self, packet: &[u8], now_us: i64) {
        let Some((entity, unix_ms)) = self.shared.reader.read(packet, &mut self.last) else {
            return;
        };
        let begin = self.shared.begin_ms.load(Ordering::Relaxed);
        let end = self.shared.end_ms.load(Ordering::Relaxed);
        let measured = (begin..end).contains(&unix_ms);
        let latency_us = u64::try_from(now_us - unix_ms * 1000).unwrap_or(0);
        self.arrivals.push(Arrival {
            entity,
            unix_ms,
            latency_us: measured.then_some(latency_us),
            last_ms: self.last_ms[entity],
        });
        self.last_ms[entity] = unix_ms;
    }

    /// Counts what was taken.
    pub(crate) fn count(&mut self) {
        if self.role == Role::Stay {
            self.shared.tally.note(&self.arrivals);
        }
        self.arrivals.clear();
    }
}

/// Starts the clients that stay.
pub(crate) fn start_all(shared: &Arc<Shared>) -> Vec<JoinHandle<()>> {
    let mut clients = Vec::with_capacity(shared.options.clients);
    for number in 0..shared.options.clients {
        let slow = number >= shared.options.clients.saturating_sub(shared.options.slow);
        let role = if slow { Role::Slow } else { Role::Stay };
        let shared = shared.clone();
        clients.push(tokio::spawn(async move {
            let client = Client::new(shared.clone(), role, number);
            if run(client).await.is_none() && !shared.is_over() {
                shared.failed.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    clients
}

/// One client from its connection to its end. `None` if it did not become ready.
async fn run(mut client: Client) -> Option<()> {
    let shared = client.shared.clone();
    let permit = shared.connecting.acquire().await.ok()?;
    match shared.options.transport {
        Transport::Websocket => {
            let joined = timeout(ANSWER, websocket::join(&mut client)).await;
            drop(permit);
            let line = joined.ok()?.ok()?;
            client.is_ready();
            websocket::stay(&mut client, line).await;
        }
        Transport::Polling => {
            let joined = timeout(ANSWER, polling::join(&mut client)).await;
            drop(permit);
            let session = joined.ok()?.ok()?;
            client.is_ready();
            polling::stay(&mut client, session).await;
        }
    }
    Some(())
}

/// Clients that come and go.
pub(crate) struct Churn(JoinHandle<Churned>);

/// How many clients came and went, and how many could not.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Churned {
    pub(crate) served: u64,
    pub(crate) failed: u64,
}

impl Churn {
    /// Waits until all of them have gone.
    pub(crate) async fn finish(self) -> Churned {
        self.0.await.unwrap_or_default()
    }
}

/// Lets clients come and go until the end.
pub(crate) fn churn(shared: &Arc<Shared>) -> Churn {
    let shared = shared.clone();
    Churn(tokio::spawn(async move {
        let mut churned = Churned::default();
        if shared.options.churn == 0 {
            return churned;
        }
        let mut due = interval(Duration::from_secs(1) / shared.options.churn);
        due.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut clients = JoinSet::new();
        let mut number = 0;
        while !shared.is_over() {
            tokio::select! {
                _ = due.tick() => {
                    number += 1;
                    clients.spawn(run(Client::new(shared.clone(), Role::Leave, number)));
                }
                Some(gone) = clients.join_next() => churned.count(gone.is_ok_and(|served| served.is_some())),
            }
        }
        while let Some(gone) = clients.join_next().await {
            churned.count(gone.is_ok_and(|served| served.is_some()));
        }
        churned
    }))
}

impl Churned {
    fn count(&mut self, served: bool) {
        if served {
            self.served += 1;
        } else {
            self.failed += 1;
        }
    }
}

/// How long a client that comes and goes stays; none for those that stay.
pub(crate) fn short_stay(role: Role) -> Option<Duration> {
    (role == Role::Leave).then_some(SHORT_STAY)
}
