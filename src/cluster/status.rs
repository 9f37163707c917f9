//! How this instance and the others stand, always from memory.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::{
    grid::time::{Tick, Timestamp},
    health::{Health, TaskHealth},
};

use super::{
    checkpoint::{Fingerprint, Progress, StateHash},
    clock::{SharedTime, wall_us},
    submit_error::SubmitError,
};

/// How this instance stands with Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RedisState {
    /// It shares the log with others.
    Connected,
    /// Redis does not answer, or what it holds cannot be followed yet.
    Away,
    /// There is no Redis: it runs by itself.
    None,
}

/// One instance as it sees itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Name of the process, drawn at its start.
    #[schema(example = "5f0c9a3e")]
    pub instance: String,
    /// Its version, and as build metadata the fingerprint of plant and engine.
    #[schema(example = "0.1.0+9bd1c2aa07e3f514")]
    pub version: String,
    /// The newest tick divisible by 50.
    pub tick: Tick,
    /// Hash of the plant's state at that tick; null while nothing runs.
    #[schema(value_type = Option<String>, required, example = "c2d1a7740f6e9b38")]
    pub hash: StateHash,
    /// How far the shared time is ahead of the machine's clock in ms.
    #[schema(example = -0.42)]
    pub clock_offset_ms: f64,
    /// How often its state differed from another's at the same tick.
    #[schema(example = 0)]
    pub divergences: u64,
    /// How it stands with Redis.
    pub redis: RedisState,
    /// When `redis` took its present value.
    pub since: Timestamp,
    /// How far its newest tick is behind the clock, in ms.
    #[serde(default)]
    #[schema(example = 37)]
    pub lag_ms: u64,
    /// What Redis does not let it do, in its words, and the rule that lacks; absent while it may do
    /// all it needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacks_permission: Option<String>,
}

/// What Redis does not let this instance do on its channels, told by whoever uses them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Channels(Arc<watch::Sender<Option<String>>>);

impl Channels {
    fn new() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }

    /// Tells what lacks, or that nothing does. True if that is new.
    #[must_use]
    pub fn tell(&self, lacking: Option<String>) -> bool {
        self.0.send_if_modified(|present| {
            let new = *present != lacking;
            *present = lacking;
            new
        })
    }

    /// What lacks.
    #[must_use]
    pub fn lacking(&self) -> Option<String> {
        self.0.borrow().clone()
    }
}

/// Another instance, as it last told.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Peer {
    /// What it told.
    #[serde(flatten)]
    pub member: Member,
    /// How long ago it was last seen, in ms.
    #[schema(example = 212)]
    pub last_seen_ms: u64,
}

/// This instance's view of all.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Cluster {
    /// This instance.
    #[serde(flatten)]
    pub this: Member,
    /// Those seen within the last minute.
    pub peers: Vec<Peer>,
}

/// What the backend tells; [`Status`] is how others read it.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) redis: RedisState,
    pub(super) since: Timestamp,
    /// Why new clients are not welcome here; empty if they are.
    pub(super) unready: Vec<String>,
    /// Why a command cannot be placed though Redis is there.
    pub(super) refusal: Option<String>,
    /// What Redis does not let this instance do with the log.
    pub(super) lacking: Option<String>,
    pub(super) peers: Vec<(Member, Instant)>,
}

impl Standing {
    pub(super) fn set_redis(&mut self, state: RedisState) {
        if self.redis != state {
            self.redis = state;
            self.since = wall_clock();
        }
    }
}

/// How this instance and the others stand. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Status {
    instance: Arc<str>,
    fingerprint: Fingerprint,
    standing: watch::Receiver<Standing>,
    progress: watch::Receiver<Progress>,
    divergences: Arc<AtomicU64>,
    time: SharedTime,
    health: Health,
    channels: Channels,
}

impl Status {
    /// How long peers are shown after they were last seen.
    const FORGOTTEN_AFTER: Duration = Duration::from_mins(1);

    pub(super) fn new(
        redis: RedisState,
        fingerprint: Fingerprint,
        progress: watch::Receiver<Progress>,
        divergences: Arc<AtomicU64>,
        health: Health,
    ) -> (watch::Sender<Standing>, Self) {
        let unready = match redis {
            RedisState::None => Vec::new(),
            _ => vec!["the command log in Redis has not been read yet".to_owned()],
        };
        let (sender, standing) = watch::channel(Standing {
            redis,
            since: wall_clock(),
            unready,
            refusal: None,
            lacking: None,
            peers: Vec::new(),
        });
        let status = Self {
            instance: format!("{:08x}", rand::random::<u32>()).into(),
            fingerprint,
            standing,
            progress,
            divergences,
            time: SharedTime::unknown(),
            health,
            channels: Channels::new(),
        };
        (sender, status)
    }

    /// The name of this instance.
    #[must_use]
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// The time that all instances share.
    #[must_use]
    pub fn time(&self) -> &SharedTime {
        &self.time
    }

    /// Where to tell what Redis does not let this instance do on its channels.
    #[must_use]
    pub fn channels(&self) -> &Channels {
        &self.channels
    }

    /// What Redis does not let this instance do, if anything.
    #[must_use]
    pub fn lacking(&self) -> Option<String> {
        let lacking = self.standing.borrow().lacking.clone();
        lacking.or_else(|| self.channels.lacking())
    }

    /// Another instance whose clients get no message of an operator, and why: it follows the log, so
    /// what lacks is a permission for channels.
    #[must_use]
    pub fn unreached(&self) -> Option<(String, String)> {
        const PRESENT: Duration = Duration::from_secs(3);
        let standing = self.standing.borrow();
        let present = standing
            .peers
            .iter()
            .filter(|(_, seen)| seen.elapsed() < PRESENT);
        let connected = present.filter(|(member, _)| member.redis == RedisState::Connected);
        let mut lacking = connected.filter_map(|(member, _)| {
            Some((member.instance.clone(), member.lacks_permission.clone()?))
        });
        lacking.next()
    }

    /// The present: the time that all instances share, or else this machine's.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.time.now_us().map_or_else(wall_clock, timestamp)
    }

    /// How this instance stands with Redis, and since when.
    #[must_use]
    pub fn redis(&self) -> (RedisState, Timestamp) {
        let standing = self.standing.borrow();
        (standing.redis, standing.since)
    }

    /// Why new clients should not be sent to this instance; empty if they are welcome.
    #[must_use]
    pub fn unready(&self) -> Vec<String> {
        self.standing.borrow().unready.clone()
    }

    /// This instance and the others.
    #[must_use]
    pub fn cluster(&self) -> Cluster {
        let peers = self.standing.borrow().peers.clone();
        let peers = peers
            .into_iter()
            .map(|(member, seen)| (member, seen.elapsed()));
        Cluster {
            this: self.this(),
            peers: peers
                .filter(|(_, ago)| *ago < Self::FORGOTTEN_AFTER)
                .map(|(member, ago)| Peer {
                    member,
                    last_seen_ms: u64::try_from(ago.as_millis()).unwrap_or(u64::MAX),
                })
                .collect(),
        }
    }

    /// This instance.
    #[must_use]
    pub fn this(&self) -> Member {
        let newest = self.progress.borrow().checkpoints.last().copied();
        let (redis, since) = self.redis();
        Member {
            instance: self.instance.to_string(),
            version: self.fingerprint.version(),
            tick: newest.map_or(Tick(0), |newest| newest.tick),
            hash: newest.map_or(StateHash(None), |newest| newest.hash),
            clock_offset_ms: self.time.offset_ms(),
            divergences: self.divergences.load(Ordering::Relaxed),
            redis,
            since,
            lag_ms: self.lag_ms(),
            lacks_permission: self.lacking(),
        }
    }

    /// How far the newest tick of this instance is behind the clock, in ms.
    #[must_use]
    pub fn lag_ms(&self) -> u64 {
        self.health
            .lag_ms(self.time.now_us().unwrap_or_else(wall_us))
    }

    /// The long-lived tasks of this instance.
    #[must_use]
    pub fn tasks(&self) -> Vec<TaskHealth> {
        self.health.tasks()
    }

    /// Whether operator messages and commands can reach the other instances.
    ///
    /// # Errors
    /// [`SubmitError`] if they cannot.
    pub fn placeable(&self) -> Result<(), SubmitError> {
        let standing = self.standing.borrow();
        match (standing.redis, &standing.refusal) {
            (_, Some(why)) => Err(SubmitError::NotReady(why.clone())),
            (RedisState::Away, None) => Err(SubmitError::Away {
                since: standing.since,
            }),
            _ => Ok(()),
        }
    }

    /// Waits until [`Self::placeable`].
    pub(super) async fn until_placeable(&self) {
        let mut standing = self.standing.clone();
        let placeable = |now: &Standing| now.redis != RedisState::Away && now.refusal.is_none();
        // It fails only at the end of the server.
        let _ = standing.wait_for(placeable).await;
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    pub(super) fn count_divergence(&self) -> u64 {
        self.divergences.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// The present by this machine's clock.
#[must_use]
pub fn wall_clock() -> Timestamp {
    timestamp(wall_us())
}

fn timestamp(us: u64) -> Timestamp {
    Timestamp::from_unix_ms(i64::try_from(us / 1000).unwrap_or(i64::MAX))
}
