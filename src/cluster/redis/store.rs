//! What instances keep in Redis, and the scripts that change it: each is one atomic step.
//!
//! | Key | What |
//! |---|---|
//! | `<prefix>:head` | where the log stands: fingerprint, lineage, newest position and effective tick, time |
//! | `<prefix>:log` | the commands, a stream whose ids are their positions |
//! | `<prefix>:snapshot` | the newest snapshot; log and snapshot together are the truth |
//! | `<prefix>:instances` | what each instance last told of itself |
//!
//! A *lineage* names one history of the log. It changes with the first command after a restart of
//! Redis, so that an instance that remembers more than Redis does tells whether that is the same
//! history's past or another one's.

use std::{sync::LazyLock, time::Duration};

use redis::{
    FromRedisValue, RedisError, Script, Value, aio::MultiplexedConnection, streams::StreamReadReply,
};

use crate::{
    cluster::{Fingerprint, Snapshot, StateHash, status::Member},
    grid::{
        command::{Command, Entry},
        time::{Tick, micros},
    },
};

/// How long instances have to tell of more than Redis knows, after it was restarted.
const SETTLING: Duration = Duration::from_secs(1);
/// How far ahead of its acceptance a command takes effect, in ticks.
const LEAD_TICKS: u64 = 3;
/// Length of a tick: instances share a log at their normal rate only.
const TICK_US: u64 = 100_000;
/// Commands kept behind the snapshot, for instances that are late.
const KEPT_BEHIND: u64 = 256;
/// After how long an instance that tells nothing is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(1);
/// How many commands are read at once.
pub(super) const READ_AT_ONCE: usize = 100;

macro_rules! script {
    ($file:literal) => {
        LazyLock::new(|| {
            Script::new(concat!(
                include_str!("scripts/prelude.lua"),
                include_str!(concat!("scripts/", $file))
            ))
        })
    };
}

static OPEN: LazyLock<Script> = script!("open.lua");
static RESTORE: LazyLock<Script> = script!("restore.lua");
static APPEND: LazyLock<Script> = script!("append.lua");
static BEAT: LazyLock<Script> = script!("beat.lua");
static PUT: LazyLock<Script> = script!("put.lua");
static LOAD: LazyLock<Script> = script!("load.lua");

/// The place of an instance in the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Place {
    /// The history it has read; empty before the first.
    pub(super) lineage: String,
    /// The newest command it has read.
    pub(super) position: u64,
}

/// How to go on after connecting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Opened {
    /// The log goes on from where this instance is.
    Follow,
    /// Redis has less than this instance: put its state there.
    Restore,
    /// Redis has another history: load its snapshot.
    Resync,
    /// Instances with another plant or engine use this log.
    Foreign(String),
}

/// What became of a command on its way to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Appended {
    /// It has its place.
    Placed,
    /// Nothing yet: instances have this long to tell of more than Redis knows.
    Settling(Duration),
    /// It came too late and has no place.
    Expired,
    /// The log is not the one this instance has read.
    Reopen,
    /// Instances with another plant or engine use this log.
    Foreign(String),
}

/// What became of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    /// It is there.
    Taken,
    /// It was not needed, or not fit to start from; the next one may be.
    Refused,
    /// The log is not the one this instance has read.
    Reopen,
}

/// An answer to a heartbeat.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Beat {
    /// The shared time in microseconds.
    pub(super) time_us: u64,
    pub(super) fingerprint: String,
    pub(super) lineage: String,
    pub(super) parent: String,
    pub(super) fork: u64,
    pub(super) position: u64,
    /// How much longer no command is taken.
    pub(super) settling: Duration,
    pub(super) snapshot_tick: Tick,
    /// Its size.
    pub(super) snapshot_bytes: u64,
    pub(super) snapshot_instance: String,
    /// What the others told, and how long ago.
    pub(super) others: Vec<(Duration, String)>,
}

impl Beat {
    /// Whether the log goes on from `place`.
    pub(super) fn continues(&self, place: &Place) -> bool {
        let known = !place.lineage.is_empty();
        let present = place.lineage == self.lineage && place.position <= self.position;
        let parent = place.lineage == self.parent && place.position <= self.fork;
        known && (present || parent)
    }
}

/// A command as it was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Read {
    pub(super) entry: Entry,
    /// Who submitted it.
    pub(super) origin: String,
    pub(super) lineage: String,
}

/// The keys, and who uses them. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Store {
    head: String,
    log: String,
    snapshot: String,
    instances: String,
    fingerprint: String,
    instance: String,
}

impl Store {
    pub(super) fn new(prefix: &str, fingerprint: Fingerprint, instance: &str) -> Self {
        Self {
            head: format!("{prefix}:head"),
            log: format!("{prefix}:log"),
            snapshot: format!("{prefix}:snapshot"),
            instances: format!("{prefix}:instances"),
            fingerprint: fingerprint.to_string(),
            instance: instance.to_owned(),
        }
    }

    /// Asks how to go on from `place`. `time_us` is the shared time as this instance knows it.
    pub(super) async fn open(
        &self,
        redis: &mut MultiplexedConnection,
        place: &Place,
        time_us: Option<u64>,
    ) -> Result<Opened, RedisError> {
        let answer: Vec<String> = self
            .invoke(&OPEN)
            .arg(&self.fingerprint)
            .arg(&place.lineage)
            .arg(place.position)
            .arg(time_us.unwrap_or(0))
            .arg(micros(SETTLING))
            .invoke_async(redis)
            .await?;
        Ok(match word(&answer) {
            "follow" => Opened::Follow,
            "empty" | "restore" => Opened::Restore,
            "resync" => Opened::Resync,
            _ => Opened::Foreign(second(answer)),
        })
    }

    /// Puts this instance's state where Redis has none or an older one. True if it was taken.
    pub(super) async fn restore(
        &self,
        redis: &mut MultiplexedConnection,
        place: &Place,
        time_us: Option<u64>,
        snapshot: &Snapshot,
    ) -> Result<bool, RedisError> {
        let answer: Vec<String> = self
            .invoke(&RESTORE)
            .arg(&self.fingerprint)
            .arg(&place.lineage)
            .arg(place.position)
            .arg(time_us.unwrap_or(0))
            .arg(micros(SETTLING))
            .arg(snapshot.tick.0)
            .arg(snapshot.hash.to_string())
            .arg(&self.instance)
            .arg(&snapshot.state)
            .invoke_async(redis)
            .await?;
        Ok(word(&answer) == "restored")
    }

    /// Gives a command its place, unless the shared time has passed `deadline_us` by then.
    pub(super) async fn append(
        &self,
        redis: &mut MultiplexedConnection,
        place: &Place,
        deadline_us: u64,
        origin: &str,
        command: &str,
    ) -> Result<Appended, RedisError> {
        let answer: Vec<String> = self
            .invoke(&APPEND)
            .arg(&self.fingerprint)
            .arg(&place.lineage)
            .arg(place.position)
            .arg(deadline_us)
            .arg(origin)
            .arg(command)
            .arg(new_lineage())
            .arg(LEAD_TICKS)
            .invoke_async(redis)
            .await?;
        Ok(match word(&answer) {
            "appended" => Appended::Placed,
            "settling" => {
                let us = answer.get(1).and_then(|us| us.parse().ok());
                Appended::Settling(us.map_or(SETTLING, Duration::from_micros))
            }
            "expired" => Appended::Expired,
            "foreign" => Appended::Foreign(second(answer)),
            _ => Appended::Reopen,
        })
    }

    /// Tells `told` of this instance.
    pub(super) async fn beat(
        &self,
        redis: &mut MultiplexedConnection,
        told: &str,
    ) -> Result<Beat, RedisError> {
        type Answer = (
            (u64, String, String, String, u64, u64, u64),
            (u64, String, u64, Vec<String>),
        );
        let answer: Vec<Value> = self
            .invoke(&BEAT)
            .arg(&self.instance)
            .arg(told)
            .arg(micros(FORGOTTEN_AFTER))
            .invoke_async(redis)
            .await?;
        let (first, last) = answer.split_at_checked(7).unwrap_or_default();
        let (
            (time_us, fingerprint, lineage, parent, fork, position, settling_us),
            (snapshot_tick, snapshot_instance, snapshot_bytes, others),
        ): Answer = (
            FromRedisValue::from_redis_value(Value::Array(first.to_vec()))?,
            FromRedisValue::from_redis_value(Value::Array(last.to_vec()))?,
        );
        let others = others.chunks_exact(2).filter_map(|pair| {
            let ago = Duration::from_micros(pair[0].parse().ok()?);
            Some((ago, pair[1].clone()))
        });
        Ok(Beat {
            time_us,
            fingerprint,
            lineage,
            parent,
            fork,
            position,
            settling: Duration::from_micros(settling_us),
            snapshot_tick: Tick(snapshot_tick),
            snapshot_bytes,
            snapshot_instance,
            others: others.collect(),
        })
    }

    /// Puts a snapshot, if it is newer than the one there and can be started from.
    pub(super) async fn put(
        &self,
        redis: &mut MultiplexedConnection,
        lineage: &str,
        snapshot: &Snapshot,
    ) -> Result<Put, RedisError> {
        let answer: String = self
            .invoke(&PUT)
            .arg(&self.fingerprint)
            .arg(lineage)
            .arg(snapshot.position)
            .arg(snapshot.tick.0)
            .arg(snapshot.hash.to_string())
            .arg(&self.instance)
            .arg(&snapshot.state)
            .arg(KEPT_BEHIND)
            .invoke_async(redis)
            .await?;
        Ok(match answer.as_str() {
            "put" => Put::Taken,
            "reopen" => Put::Reopen,
            _ => Put::Refused,
        })
    }

    /// The newest snapshot and the lineage of the log after it, if there is one.
    pub(super) async fn load(
        &self,
        redis: &mut MultiplexedConnection,
    ) -> Result<Option<(Place, Snapshot)>, RedisError> {
        type Answer = (String, u64, u64, String, Vec<u8>);
        let answer: Vec<Value> = self
            .invoke(&LOAD)
            .arg(&self.fingerprint)
            .invoke_async(redis)
            .await?;
        if answer.is_empty() {
            return Ok(None);
        }
        let (lineage, position, tick, hash, state): Answer =
            FromRedisValue::from_redis_value(Value::Array(answer))?;
        let snapshot = Snapshot {
            tick: Tick(tick),
            position,
            hash: StateHash::parse(&hash).unwrap_or(StateHash(None)),
            state,
        };
        Ok(Some((Place { lineage, position }, snapshot)))
    }

    /// The commands after `position`; waits up to `block` for one.
    pub(super) async fn read(
        &self,
        redis: &mut MultiplexedConnection,
        position: u64,
        block: Option<Duration>,
    ) -> Result<Vec<Read>, RedisError> {
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(READ_AT_ONCE);
        if let Some(block) = block {
            command.arg("BLOCK").arg(micros(block) / 1_000);
        }
        command
            .arg("STREAMS")
            .arg(&self.log)
            .arg(format!("{position}-0"));
        let answer: Option<StreamReadReply> = command.query_async(redis).await?;
        let streams = answer.map(|answer| answer.keys).unwrap_or_default();
        let ids = streams.into_iter().flat_map(|stream| stream.ids);
        ids.map(|id| {
            let (position, _) = id.id.split_once('-').unwrap_or_default();
            let field = |name: &str| id.get::<String>(name).unwrap_or_default();
            let effective = field("effective").parse().map(Tick);
            let command: Result<Command, _> = serde_json::from_str(&field("command"));
            match (position.parse(), effective, command) {
                (Ok(position), Ok(effective), Ok(command)) => Ok(Read {
                    entry: Entry {
                        position,
                        effective,
                        command,
                    },
                    origin: field("origin"),
                    lineage: field("lineage"),
                }),
                _ => Err(RedisError::from((
                    redis::ErrorKind::UnexpectedReturnType,
                    "an entry of the log cannot be read",
                    id.id.clone(),
                ))),
            }
        })
        .collect()
    }

    fn invoke<'a>(&'a self, script: &'a Script) -> redis::ScriptInvocation<'a> {
        let mut invocation = script.key(&self.head);
        invocation
            .key(&self.log)
            .key(&self.snapshot)
            .key(&self.instances);
        invocation
    }
}

/// What an instance tells the others of itself: the view of it, and its checkpoint in full.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Told {
    pub(super) member: Member,
    /// Whether it follows the log.
    pub(super) joined: bool,
    pub(super) checkpoint: Option<crate::cluster::Checkpoint>,
}

/// The last tick at which no command can take effect that is placed at `time_us` of the shared time or
/// later.
pub(super) fn covered(time_us: u64) -> Tick {
    Tick(time_us / TICK_US + LEAD_TICKS - 1)
}

/// A name for a history of the log.
pub(super) fn new_lineage() -> String {
    format!("{:016x}", rand::random::<u64>())
}

fn word(answer: &[String]) -> &str {
    answer.first().map_or("", String::as_str)
}

fn second(answer: Vec<String>) -> String {
    answer.into_iter().nth(1).unwrap_or_default()
}
