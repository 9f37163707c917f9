//! The log that all instances share, in Redis.
//!
//! [`Member`] is this instance's part in it, one task for the life of the process: it connects,
//! finds out how to go on ([`enter`](Member::enter)), reads the log, places commands, tells the
//! others how this instance stands and puts a snapshot when one is due. Whenever anything fails it
//! starts over; meanwhile the engine goes on with what it has. What is in Redis is the truth: an
//! instance that finds itself beside it loads the snapshot.

pub mod connection;
mod divergence;
mod session;
mod store;

use std::{collections::HashMap, time::Duration};

use redis::aio::MultiplexedConnection;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};
use tracing::{debug, info, warn};

use crate::{config, grid::time::Tick, health::Pulse};

use super::{
    Input, Progress, Question, Reply, Restore, Snapshot, Submission, SubmitError,
    clock::Measurements,
    status::{RedisState, Standing, Status},
};

use self::{
    connection::{ConnectionError, Endpoint, RECONNECT_PAUSE, RESPONSE_TIMEOUT},
    divergence::Comparison,
    store::{Beat, Opened, Place, Read, Store, Told},
};

/// How long a read waits for a command. With each answer the log is known to be read up to that moment;
/// so often that ticks never wait for it: less than the shortest lead of a command, 200 ms.
const BLOCK: Duration = Duration::from_micros(BLOCK_US);
const BLOCK_US: u64 = 80_000;
/// By how much this instance's idea of the shared time may be ahead of it.
const TIME_ERROR_US: u64 = 10_000;
/// How long to wait before looking again at a log that cannot be followed.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Round trips to learn the time before anything depends on it.
const FIRST_BEATS: usize = 4;

/// The channels between this instance's parts and its [`Member`].
pub(super) struct Ends {
    pub(super) submissions: mpsc::Receiver<Submission>,
    pub(super) inputs: mpsc::Sender<Input>,
    pub(super) questions: mpsc::Receiver<Question>,
    pub(super) progress: watch::Receiver<Progress>,
    pub(super) standing: watch::Sender<Standing>,
    pub(super) status: Status,
}

/// This instance's part in the shared log.
pub(super) struct Member {
    endpoint: Endpoint,
    store: Store,
    ends: Ends,
    place: Place,
    /// Whether it has ever had a place in the log.
    joined: bool,
    /// A restore that the engine works on.
    restoring: Option<oneshot::Receiver<Result<(), String>>>,
    /// Whoever waits for a command that has been sent, by its origin.
    pending: HashMap<String, (Reply, Instant)>,
    submitted: u64,
    measurements: Measurements,
    comparison: Comparison,
    said_lost: bool,
    /// The newest question that has been heard.
    heard: u64,
    pulse: Pulse,
}

/// The connections of one session: one to read with, which blocks, one for everything else.
#[derive(Clone)]
struct Connections {
    commands: MultiplexedConnection,
    blocking: MultiplexedConnection,
}

/// Why a session ended.
#[derive(Debug)]
enum End {
    /// Redis is away.
    Lost(ConnectionError),
    /// The log is another one than before.
    Reopen,
    /// The server shuts down.
    Over,
}

impl<E: Into<ConnectionError>> From<E> for End {
    fn from(error: E) -> Self {
        Self::Lost(error.into())
    }
}

impl Member {
    pub(super) fn new(config: &config::Redis, ends: Ends, pulse: Pulse) -> Self {
        let status = &ends.status;
        Self {
            endpoint: Endpoint::new(config),
            store: Store::new(&config.prefix, status.fingerprint(), status.instance()),
            measurements: Measurements::new(status.time().clone()),
            comparison: Comparison::new(status.instance()),
            ends,
            place: Place::default(),
            joined: false,
            restoring: None,
            pending: HashMap::new(),
            submitted: 0,
            said_lost: false,
            heard: 0,
            pulse,
        }
    }

    /// Takes part until the server ends.
    pub(super) async fn run(mut self) {
        loop {
            self.pulse.beat();
            self.hear_waiting();
            let end = match self.connect().await {
                Ok(mut connections) => loop {
                    match self.session(&mut connections).await {
                        End::Reopen => {
                            debug!("the log in Redis is another one than before");
                            self.rest(RECONNECT_PAUSE).await;
                        }
                        end => break end,
                    }
                },
                Err(error) => End::Lost(error),
            };
            match end {
                End::Over => return,
                End::Lost(error) => {
                    self.lost(&error);
                    // Only a refused attempt proves that there is nothing to wait for; what a broken
                    // connection brought has been read; silence proves nothing.
                    let heard = if error.is_refusal() { self.heard } else { 0 };
                    if !error.is_silence()
                        && self.input(Input::Unreachable { heard }).await.is_err()
                    {
                        return;
                    }
                }
                End::Reopen => {}
            }
            self.rest(RECONNECT_PAUSE).await;
        }
    }

    async fn connect(&self) -> Result<Connections, ConnectionError> {
        let slower = |config: redis::AsyncConnectionConfig| {
            config.set_response_timeout(Some(BLOCK + RESPONSE_TIMEOUT))
        };
        let (commands, blocking) = tokio::try_join!(
            self.endpoint.connect(|config| config),
            self.endpoint.connect(slower)
        )?;
        Ok(Connections { commands, blocking })
    }

    /// Finds out how to go on and comes to the end of the log.
    async fn enter(&mut self, redis: &mut MultiplexedConnection) -> Result<(), End> {
        for _ in 0..FIRST_BEATS {
            self.beat(redis).await?;
        }
        loop {
            let time_us = self.known_time_us();
            match self.store.open(redis, &self.place, time_us).await? {
                Opened::Follow => break,
                Opened::Restore => self.restore(redis).await?,
                Opened::Resync => {
                    if self.resync(redis).await? {
                        break;
                    }
                    self.refuse("Redis holds no snapshot to start from yet".into());
                    self.look_again(redis).await?;
                }
                Opened::Foreign(fingerprint) => {
                    self.refuse(self.foreign(&fingerprint));
                    self.look_again(redis).await?;
                }
            }
        }
        self.poll(redis).await
    }

    /// The shared time, if this instance has shown it to anybody.
    fn known_time_us(&self) -> Option<u64> {
        self.joined.then(|| self.ends.status.time().now_us())?
    }

    /// Puts this instance's state into a Redis that has less.
    async fn restore(&mut self, redis: &mut MultiplexedConnection) -> Result<(), End> {
        if !self.joined {
            self.input(Input::Begin).await?;
        }
        let snapshot = self.snapshot(true).await?;
        let mut place = Place {
            position: snapshot.position,
            ..self.place.clone()
        };
        if place.lineage.is_empty() {
            place.lineage = store::new_lineage();
        }
        let time_us = self.known_time_us();
        if self
            .store
            .restore(redis, &place, time_us, &snapshot)
            .await?
        {
            info!(
                log.position = place.position,
                "the state of this instance is the one in Redis now"
            );
            self.place = place;
            self.joined = true;
        }
        Ok(())
    }

    /// Loads the snapshot in Redis. False if there is none.
    async fn resync(&mut self, redis: &mut MultiplexedConnection) -> Result<bool, End> {
        let Some((place, snapshot)) = self.store.load(redis).await? else {
            return Ok(false);
        };
        info!(
            log.position = place.position,
            snapshot.tick = snapshot.tick.0,
            "going on from the snapshot in Redis"
        );
        let (done, restored) = oneshot::channel();
        let first = !self.joined;
        self.input(Input::Restore(Restore {
            snapshot,
            first,
            done,
        }))
        .await?;
        self.place = place;
        self.joined = true;
        self.restoring = Some(restored);
        self.comparison.forget();
        Ok(true)
    }

    /// Reads all that is in the log by now.
    async fn poll(&mut self, redis: &mut MultiplexedConnection) -> Result<(), End> {
        loop {
            let asked_us = self.ends.status.time().now_us();
            let read = self.store.read(redis, self.place.position, None).await?;
            if read.is_empty() {
                return self.cover(asked_us).await;
            }
            if !self.deliver(read).await? && !self.resync(redis).await? {
                return Err(End::Reopen);
            }
        }
    }

    /// Hands commands to the engine. False if some are missing in between.
    async fn deliver(&mut self, read: Vec<Read>) -> Result<bool, End> {
        for Read {
            entry,
            origin,
            lineage,
        } in read
        {
            if entry.position <= self.place.position {
                continue;
            }
            if entry.position > self.place.position + 1 {
                return Ok(false);
            }
            self.place = Place {
                lineage,
                position: entry.position,
            };
            let reply = self.pending.remove(&origin).map(|(reply, _)| reply);
            self.input(Input::Command(super::Delivery { entry, reply }))
                .await?;
        }
        Ok(true)
    }

    /// Tells the engine that all commands placed before `time_us`, the shared time, have been delivered.
    async fn cover(&mut self, time_us: Option<u64>) -> Result<(), End> {
        let Some(time_us) = time_us else {
            return Ok(());
        };
        let through = store::covered(time_us.saturating_sub(TIME_ERROR_US));
        self.input(Input::Covered { through }).await
    }

    /// Takes note of the questions that wait; who asks for a snapshot gets one on entering the log.
    fn hear_waiting(&mut self) {
        while let Ok(question) = self.ends.questions.try_recv() {
            self.hear(question);
        }
    }

    fn hear(&mut self, question: Question) {
        if let Question::Covered(number) = question {
            self.heard = self.heard.max(number);
        }
    }

    /// Tells the others how this instance stands, and learns how they do.
    async fn beat(&mut self, redis: &mut MultiplexedConnection) -> Result<Beat, End> {
        let told = Told {
            member: self.ends.status.this(),
            joined: self.joined && self.restoring.is_none(),
            checkpoint: self.ends.progress.borrow().checkpoints.last().copied(),
        };
        let told = serde_json::to_string(&told).unwrap_or_default();
        self.pulse.beat();
        let sent = Instant::now();
        let beat = self.store.beat(redis, &told).await?;
        self.measurements.add(sent, beat.time_us);
        let now = std::time::Instant::now();
        let others: Vec<(Told, Duration)> = beat
            .others
            .iter()
            .filter_map(|(ago, told)| Some((serde_json::from_str(told).ok()?, *ago)))
            .collect();
        self.comparison.hear(&others);
        self.ends.standing.send_modify(|standing| {
            let seen = |(told, ago): (Told, Duration)| Some((told.member, now.checked_sub(ago)?));
            standing.peers = others.into_iter().filter_map(seen).collect();
        });
        Ok(beat)
    }

    /// Asks the engine for a snapshot: of the present, or the newest one at a checkpoint.
    async fn snapshot(&self, present: bool) -> Result<Snapshot, End> {
        let (reply, snapshot) = oneshot::channel();
        self.input(Input::Snapshot { present, reply }).await?;
        snapshot.await.map_err(|_| End::Over)
    }

    async fn input(&self, input: Input) -> Result<(), End> {
        self.ends.inputs.send(input).await.map_err(|_| End::Over)
    }

    /// Shows that this instance takes part, or what keeps it.
    fn show(&self) {
        let mut unready = Vec::new();
        if self.restoring.is_some() {
            unready.push("it is on its way from a snapshot to the present".to_owned());
        }
        if let Some(tick) = self.comparison.healing() {
            unready.push(format!(
                "its state differed from the others' at tick {}: it waits for a snapshot of theirs",
                tick.0
            ));
        }
        self.ends.standing.send_if_modified(|standing| {
            let before = (standing.redis, standing.unready.clone());
            standing.set_redis(RedisState::Connected);
            standing.unready = unready;
            standing.refusal = None;
            standing.lacking = None;
            before != (standing.redis, standing.unready.clone())
        });
    }

    /// Shows that Redis is there and what keeps this instance from taking part nevertheless.
    fn refuse(&self, why: String) {
        self.ends.standing.send_if_modified(|standing| {
            let new = standing.refusal.as_ref() != Some(&why);
            if new {
                warn!("not ready: {why}");
            }
            standing.set_redis(RedisState::Connected);
            standing.unready = vec![why.clone()];
            standing.refusal = Some(why);
            standing.lacking = None;
            new
        });
    }

    fn foreign(&self, fingerprint: &str) -> String {
        let Self { endpoint, ends, .. } = self;
        format!(
            "the log at {endpoint} belongs to instances with another plant or engine, fingerprint {fingerprint} instead of {}: \
             set another REDIS_PREFIX, or stop those instances and delete the keys {}:*",
            ends.status.fingerprint(),
            endpoint.prefix()
        )
    }

    fn lost(&mut self, error: &ConnectionError) {
        let lacking = self.endpoint.refusal(error);
        let new = lacking.is_some() && self.ends.standing.borrow().lacking != lacking;
        if !std::mem::replace(&mut self.said_lost, true) || new {
            match &lacking {
                Some(lacking) => warn!("{lacking}; the simulation goes on as it is"),
                None => {
                    warn!(%error, "Redis at {} is away: the simulation goes on as it is", self.endpoint);
                }
            }
        }
        self.ends.standing.send_modify(|standing| {
            standing.set_redis(RedisState::Away);
            standing.refusal.clone_from(&lacking);
            if !self.joined {
                let why = lacking.clone().unwrap_or_else(|| {
                    format!("Redis at {} does not answer ({error})", self.endpoint)
                });
                standing.unready = vec![format!("the command log has not been read yet: {why}")];
            }
            standing.lacking = lacking;
        });
        for (_, (reply, _)) in self.pending.drain() {
            reply.refuse(SubmitError::Unconfirmed);
        }
    }

    /// Waits before the next attempt. No command waits with it: it would come as a surprise later.
    async fn rest(&mut self, pause: Duration) {
        let end = Instant::now() + pause;
        let since = self.ends.status.redis().1;
        self.pulse.beat();
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(end) => return,
                Some(submission) = self.ends.submissions.recv() => {
                    submission.reply.refuse(SubmitError::Away { since });
                }
                Some(question) = self.ends.questions.recv() => self.hear(question),
            }
        }
    }

    async fn look_again(&mut self, redis: &mut MultiplexedConnection) -> Result<(), End> {
        self.rest(LOOK_AGAIN).await;
        self.beat(redis).await.map(drop)
    }
}

/// Whether a snapshot at the checkpoint `newest` is due: a large one less often.
fn snapshot_due(newest: Tick, beat: &Beat) -> bool {
    const BYTES_PER_TICK: u64 = 20_000;
    let period = super::CHECKPOINT_PERIOD.max(beat.snapshot_bytes / BYTES_PER_TICK);
    newest.0 >= beat.snapshot_tick.0 + period
}
