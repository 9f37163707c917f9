//! A session: as long as one connection to Redis lives.

use std::time::Duration;

use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};
use tracing::{info, warn};

use crate::cluster::{Input, Question, Reply, Snapshot, Submission, SubmitError};

use super::{
    BLOCK, BLOCK_US, Connections, End, Member,
    connection::{ConnectionError, RESPONSE_TIMEOUT},
    snapshot_due,
    store::{Appended, Beat, Put, READ_AT_ONCE, Read},
};

/// How often an instance tells how it stands.
const BEAT: Duration = Duration::from_millis(500);
/// How long after its submission a command may still be placed.
const PLACED_WITHIN_US: u64 = 600_000;
/// How long after its submission a command is given up.
const CONFIRMED_WITHIN: Duration = Duration::from_millis(2_500);

/// What goes on beside the session's own loop.
enum Done {
    /// Of a read that began when the shared time was as given.
    Read(Option<u64>, Result<Vec<Read>, ConnectionError>),
    Appended(String, Result<Appended, ConnectionError>),
    Put(Result<Put, ConnectionError>),
}

impl Member {
    /// Takes part as long as the connections live.
    pub(super) async fn session(&mut self, redis: &mut Connections) -> End {
        match self.take_part(redis).await {
            Ok(never) => never,
            Err(end) => end,
        }
    }

    async fn take_part(
        &mut self,
        Connections { commands, blocking }: &mut Connections,
    ) -> Result<End, End> {
        self.enter(commands).await?;
        self.show();
        self.said_lost = false;
        info!(
            log.position = self.place.position,
            "following the log in Redis at {}", self.endpoint
        );
        let mut jobs = JoinSet::new();
        let mut beats = interval(BEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut putting = false;
        self.spawn_read(&mut jobs, blocking);
        loop {
            tokio::select! {
                submission = self.ends.submissions.recv() => match submission {
                    Some(submission) => self.submit(&mut jobs, commands, submission),
                    None => return Err(End::Over),
                },
                Some(question) = self.ends.questions.recv() => {
                    self.answer(question, commands).await?;
                }
                _ = beats.tick() => {
                    let beat = self.beat(commands).await?;
                    self.look_at(&beat, commands).await?;
                    if !putting && self.should_put(&beat) {
                        putting = true;
                        self.spawn_put(&mut jobs, commands).await?;
                    }
                }
                restored = restored(&mut self.restoring) => {
                    self.restored(restored).await?;
                }
                Some(Ok(done)) = jobs.join_next() => match done {
                    Done::Read(asked_us, read) => {
                        self.take_read(asked_us, read?, commands).await?;
                        self.spawn_read(&mut jobs, blocking);
                    }
                    Done::Appended(origin, appended) => self.appended(&origin, &appended?)?,
                    Done::Put(put) => {
                        putting = false;
                        if put? == Put::Reopen {
                            return Err(End::Reopen);
                        }
                    }
                },
            }
        }
    }

    /// Answers a question of the engine.
    async fn answer(
        &mut self,
        question: Question,
        commands: &mut super::MultiplexedConnection,
    ) -> Result<(), End> {
        let covered = match question {
            Question::Covered(_) => {
                self.hear(question);
                true
            }
            Question::Restore => self.resync(commands).await?,
        };
        if covered {
            self.poll(commands).await?;
        }
        Ok(())
    }

    /// The engine has come to the present from a snapshot, or says why it cannot.
    async fn restored(&mut self, restored: Result<(), String>) -> Result<(), End> {
        self.restoring = None;
        if let Err(why) = restored {
            warn!("the snapshot in Redis cannot be used: {why}");
            self.place = super::Place::default();
            self.refuse(format!("the snapshot in Redis cannot be used: {why}"));
            self.rest(super::LOOK_AGAIN).await;
            return Err(End::Reopen);
        }
        self.show();
        Ok(())
    }

    fn spawn_read(&self, jobs: &mut JoinSet<Done>, blocking: &super::MultiplexedConnection) {
        let (store, position) = (self.store.clone(), self.place.position);
        let asked_us = self.ends.status.time().now_us();
        let mut redis = blocking.clone();
        jobs.spawn(async move {
            let read = store.read(&mut redis, position, Some(BLOCK)).await;
            Done::Read(asked_us, read.map_err(ConnectionError::from))
        });
    }

    /// Delivers what a blocking read brought, and tells up to when it has read the log.
    async fn take_read(
        &mut self,
        asked_us: Option<u64>,
        read: Vec<Read>,
        commands: &mut super::MultiplexedConnection,
    ) -> Result<(), End> {
        let (count, empty) = (read.len(), read.is_empty());
        if !self.deliver(read).await? || count == READ_AT_ONCE {
            return self.poll(commands).await;
        }
        // An empty answer comes after the whole wait.
        let waited_us = if empty { BLOCK_US } else { 0 };
        self.cover(asked_us.map(|us| us + waited_us)).await
    }

    fn submit(
        &mut self,
        jobs: &mut JoinSet<Done>,
        commands: &super::MultiplexedConnection,
        Submission { command, reply }: Submission,
    ) {
        let time = self.ends.status.time().clone();
        let (Ok(command), Some(_)) = (serde_json::to_string(&command), time.now_us()) else {
            return reply.refuse(SubmitError::Busy);
        };
        self.submitted += 1;
        let origin = format!("{}-{}", self.ends.status.instance(), self.submitted);
        self.pending.insert(origin.clone(), (reply, Instant::now()));
        let (store, place) = (self.store.clone(), self.place.clone());
        let mut redis = commands.clone();
        jobs.spawn(async move {
            loop {
                let now_us = time.now_us().unwrap_or(0);
                let deadline_us = now_us + PLACED_WITHIN_US;
                let append = store.append(&mut redis, &place, deadline_us, &origin, &command);
                match append.await {
                    Ok(Appended::Settling(time)) => tokio::time::sleep(time).await,
                    appended => {
                        let appended = appended.map_err(ConnectionError::from);
                        return Done::Appended(origin, appended);
                    }
                }
            }
        });
    }

    fn appended(&mut self, origin: &str, appended: &Appended) -> Result<(), End> {
        let why = match appended {
            Appended::Placed | Appended::Settling(_) => return Ok(()),
            Appended::Expired => SubmitError::Unconfirmed,
            Appended::Reopen => SubmitError::NotReady("the log in Redis has changed".into()),
            Appended::Foreign(fingerprint) => SubmitError::NotReady(self.foreign(fingerprint)),
        };
        if let Some((reply, _)) = self.pending.remove(origin) {
            reply.refuse(why);
        }
        match appended {
            Appended::Reopen | Appended::Foreign(_) => Err(End::Reopen),
            _ => Ok(()),
        }
    }

    /// Draws the consequences from what Redis and the others say.
    async fn look_at(
        &mut self,
        beat: &Beat,
        commands: &mut super::MultiplexedConnection,
    ) -> Result<(), End> {
        self.give_up_old();
        if !beat.continues(&self.place) {
            // Commands may have been read since, so the place is looked at again.
            return Err(End::Reopen);
        }
        let own = self.ends.progress.borrow().checkpoints.clone();
        let divergences = self.comparison.compare(&own, beat.snapshot_tick);
        for divergence in &divergences {
            let count = self.ends.status.count_divergence();
            warn!(
                cluster.tick = divergence.tick.0,
                hash = %divergence.own,
                "the state of {} is {} at the same tick: divergence {count} of this instance",
                divergence.instance,
                divergence.other,
            );
        }
        if self.comparison.can_heal(beat) && self.resync(commands).await? {
            self.poll(commands).await?;
        }
        self.show();
        Ok(())
    }

    fn give_up_old(&mut self) {
        let old = |since: &Instant| since.elapsed() > CONFIRMED_WITHIN;
        let given_up: Vec<Reply> = self
            .pending
            .extract_if(|_, (_, since)| old(since))
            .map(|(_, (reply, _))| reply)
            .collect();
        for reply in given_up {
            reply.refuse(SubmitError::Unconfirmed);
        }
    }

    fn should_put(&self, beat: &Beat) -> bool {
        let newest = self.ends.progress.borrow().checkpoints.last().copied();
        let newest = newest.is_some_and(|newest| snapshot_due(newest.tick, beat));
        newest && self.restoring.is_none() && self.comparison.healing().is_none()
    }

    /// Puts the newest snapshot at a checkpoint into Redis.
    async fn spawn_put(
        &mut self,
        jobs: &mut JoinSet<Done>,
        commands: &super::MultiplexedConnection,
    ) -> Result<(), End> {
        let (reply, snapshot) = tokio::sync::oneshot::channel::<Snapshot>();
        let input = Input::Snapshot {
            present: false,
            reply,
        };
        self.input(input).await?;
        let (store, lineage) = (self.store.clone(), self.place.lineage.clone());
        let mut redis = commands.clone();
        jobs.spawn(async move {
            // The engine drops the question if it has no such snapshot.
            let Ok(snapshot) = snapshot.await else {
                return Done::Put(Ok(Put::Refused));
            };
            let put = store.put(&mut redis, &lineage, &snapshot).await;
            Done::Put(put.map_err(ConnectionError::from))
        });
        Ok(())
    }
}

/// What the engine made of a restore that it works on.
async fn restored(
    restoring: &mut Option<tokio::sync::oneshot::Receiver<Result<(), String>>>,
) -> Result<(), String> {
    match restoring {
        Some(done) => done.await.unwrap_or(Ok(())),
        None => std::future::pending().await,
    }
}

const _: () = assert!((PLACED_WITHIN_US as u128) < RESPONSE_TIMEOUT.as_micros());
