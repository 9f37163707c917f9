//! The same log, in memory and in Redis: the same functions run over both.

use gridcast::{
    cluster::{
        self, Checkpoint, Feed, Fingerprint, Input, Membership, Snapshot, StateHash, SubmitError,
    },
    config::Config,
    grid::{
        command::{Command, Entry, Outcome},
        run::SimulationView,
        time::Tick,
    },
    health::Health,
};
use tokio_util::sync::CancellationToken;

use crate::support::{Redis, eventually};

/// An engine that does nothing but read.
struct Reader {
    feed: Feed,
    position: u64,
    tick: Tick,
    /// The log has said that no command will take effect at this tick or before it any more.
    covered: Tick,
}

impl Reader {
    fn new(feed: Feed) -> Self {
        Self {
            feed,
            position: 0,
            tick: Tick(17_000_000_000),
            covered: Tick(0),
        }
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            tick: self.tick,
            position: self.position,
            hash: StateHash(None),
            state: b"state".to_vec(),
        }
    }

    /// The next command, answered; none when there can be none any more. What else is asked is done.
    async fn next(&mut self) -> Option<Entry> {
        loop {
            match self.feed.next(self.tick).await? {
                Input::Command(delivery) => {
                    let entry = delivery.entry;
                    let Tick(covered) = self.covered;
                    assert!(
                        entry.effective.0 > covered,
                        "{entry:?} came after {covered}"
                    );
                    self.position = entry.position;
                    self.tick = self.tick.max(entry.effective);
                    if let Some(reply) = delivery.reply {
                        reply.send(Ok(outcome(self.tick)));
                    }
                    return Some(entry);
                }
                Input::Snapshot { reply, .. } => drop(reply.send(self.snapshot())),
                Input::Restore(restore) => {
                    self.position = restore.snapshot.position;
                    let _ = restore.done.send(Ok(()));
                }
                Input::Covered { through } => self.covered = self.covered.max(through),
                Input::Begin | Input::Unreachable { .. } => {}
            }
        }
    }
}

fn outcome(tick: Tick) -> Outcome {
    Outcome {
        simulation: SimulationView {
            run_id: None,
            is_running: false,
            seed: None,
            speed: 1,
            simulated_time: None,
            tick,
            noise: 0.0,
            disturbances: 0.0,
        },
        injection: None,
    }
}

/// Joins the log at `url`, or one in memory.
fn join(url: Option<&str>) -> Membership {
    let config = Config::from_values(|setting| {
        (setting.variable == "REDIS_URL").then(|| url.map(str::to_owned))?
    });
    let fingerprint = Fingerprint::new(1);
    let shutdown = CancellationToken::new();
    let health = Health::new(shutdown.clone());
    cluster::join(
        config.unwrap().redis.as_ref(),
        fingerprint,
        &health,
        shutdown,
    )
}

async fn commands_keep_their_order(url: Option<&str>) {
    let Membership { log, feed, .. } = join(url);
    let reading = tokio::spawn(async move {
        let mut reader = Reader::new(feed);
        let mut entries = Vec::new();
        for _ in 0..20 {
            entries.push(reader.next().await.unwrap());
        }
        entries
    });
    log.ready().await;
    let mut submitted = Vec::new();
    for speed in 1..=20 {
        let log = log.clone();
        let command = Command::SetSpeed { speed };
        submitted.push(tokio::spawn(async move { log.submit(command).await }));
    }
    for one in submitted {
        assert!(matches!(one.await.unwrap(), Ok(Ok(_))));
    }
    let entries = reading.await.unwrap();
    let positions: Vec<_> = entries.iter().map(|entry| entry.position).collect();
    assert_eq!(positions, (1..=20).collect::<Vec<_>>());
    assert!(entries.is_sorted_by_key(|entry| entry.effective));
    let mut speeds: Vec<_> = entries
        .iter()
        .map(|entry| format!("{:?}", entry.command))
        .collect();
    speeds.sort_unstable();
    speeds.dedup();
    assert_eq!(speeds.len(), 20, "each command has one place");
}

async fn an_answer_is_what_the_reader_says(url: Option<&str>) {
    let Membership { log, feed, .. } = join(url);
    tokio::spawn(async move {
        let mut reader = Reader::new(feed);
        while reader.next().await.is_some() {}
    });
    log.ready().await;
    let verdict = log.submit(Command::Stop).await.unwrap().unwrap();
    assert!(!verdict.simulation.is_running);
}

async fn without_a_reader_there_is_no_answer(url: Option<&str>) {
    let Membership { log, feed, .. } = join(url);
    drop(feed);
    let answer = log.submit(Command::Stop).await;
    assert!(
        matches!(
            answer,
            Err(SubmitError::ShuttingDown | SubmitError::Away { .. })
        ),
        "{answer:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory() {
    commands_keep_their_order(None).await;
    an_answer_is_what_the_reader_says(None).await;
    without_a_reader_there_is_no_answer(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_redis() {
    for number in 0..3 {
        let redis = Redis::start().await;
        let url = redis.url();
        match number {
            0 => commands_keep_their_order(Some(&url)).await,
            1 => an_answer_is_what_the_reader_says(Some(&url)).await,
            _ => without_a_reader_there_is_no_answer(Some(&url)).await,
        }
    }
}

/// Three instances share a log; one computes something else, is found out and handed a snapshot.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_one_that_differs_goes_on_from_a_snapshot() {
    let redis = Redis::start().await;
    let url = redis.url();
    let mut statuses = Vec::new();
    let mut restored = Vec::new();
    let mut logs = Vec::new();
    for number in 0..3_u64 {
        let Membership {
            log,
            mut feed,
            status,
            ..
        } = join(Some(&url));
        let (healed, heard) = tokio::sync::watch::channel(0_u32);
        let time = status.time().clone();
        tokio::spawn(async move {
            let mut wrong = number == 1;
            let mut told = Tick(0);
            loop {
                let now = Tick(time.now_us().unwrap_or(0) / 100_000);
                let tick = Tick(now.0 - now.0 % 50);
                let hash = StateHash(Some(if wrong { 666 } else { 1 }));
                if tick > told && tick.0 > 0 {
                    told = tick;
                    feed.report(Checkpoint {
                        tick,
                        applied: 0,
                        hash,
                    });
                }
                let pause = tokio::time::sleep(std::time::Duration::from_millis(50));
                let input = tokio::select! {
                    input = feed.next(now) => input,
                    () = pause => continue,
                };
                match input {
                    Some(Input::Snapshot { reply, .. }) => {
                        let _ = reply.send(Snapshot {
                            tick: told,
                            position: 0,
                            hash,
                            state: b"state".to_vec(),
                        });
                    }
                    Some(Input::Restore(restore)) => {
                        if !restore.first {
                            wrong = false;
                            healed.send_modify(|times| *times += 1);
                        }
                        let _ = restore.done.send(Ok(()));
                    }
                    Some(_) => {}
                    None => return,
                }
            }
        });
        log.ready().await;
        logs.push(log);
        statuses.push(status);
        restored.push(heard);
    }
    eventually("the wrong one is handed a snapshot", async || {
        (*restored[1].borrow() > 0).then_some(())
    })
    .await;
    assert_eq!((*restored[0].borrow(), *restored[2].borrow()), (0, 0));
    assert!(statuses[1].this().divergences > 0);
    eventually("all agree", async || {
        let hashes: Vec<_> = statuses.iter().map(|status| status.this().hash).collect();
        (hashes == [StateHash(Some(1)); 3] && statuses[1].unready().is_empty()).then_some(())
    })
    .await;
}
