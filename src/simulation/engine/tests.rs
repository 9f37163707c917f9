//! The loop over all orders of timer, answer and command: whatever the log does and however often the
//! process is frozen, ticks go on, and every sample that goes out is the one that all instances have.

use std::{collections::BTreeMap, sync::LazyLock};

use proptest::prelude::*;
use tokio::time::{advance, sleep};

use crate::{
    cluster::{Question, clock::SharedTime},
    grid::command::{Command, Start, StartMode},
};

use super::*;

const BEGIN_US: u64 = 1_790_000_000_000_000;
const TICK_US: u64 = 100_000;
/// How far ahead commands are placed, in ticks.
const LEAD: u64 = 3;
/// How often the log tells how far it is read.
const COVER: Duration = Duration::from_millis(80);

static PLANT: LazyLock<Prepared> = LazyLock::new(|| Prepared::new(PlantSpec::default()));

/// How the log is for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Redis {
    /// It delivers and answers after some milliseconds.
    Well(u64),
    /// It takes everything and says nothing.
    Silent,
    /// It refuses connections.
    Refuses,
}

/// What happens, one after the other.
#[derive(Debug, Clone, Copy)]
enum Happening {
    /// Time passes.
    Pass(u64),
    /// Somebody places a command.
    Command(u32),
    /// The process stands still, and `commands` are placed meanwhile.
    Freeze { ms: u64, commands: u32 },
    /// From now on the log is like this.
    Turn(Redis),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (1_u64..400).prop_map(Happening::Pass),
        4 => (1_u32..9).prop_map(Happening::Command),
        2 => (20_u64..3_000, 0_u32..3).prop_map(|(ms, commands)| Happening::Freeze { ms, commands }),
        1 => (0_u64..60).prop_map(|ms| Happening::Turn(Redis::Well(ms))),
        1 => Just(Happening::Turn(Redis::Silent)),
        1 => Just(Happening::Turn(Redis::Refuses)),
    ]
}

/// The log as one instance sees it.
struct World {
    time: SharedTime,
    redis: watch::Sender<Redis>,
    placed: watch::Sender<Vec<Entry>>,
}

impl World {
    fn now_us(&self) -> u64 {
        self.time.now_us().unwrap()
    }

    /// Places a command as the script in Redis does.
    fn place(&self, command: Command, at_us: u64) {
        self.placed.send_modify(|placed| {
            let last = placed.last().map_or(Tick(0), |entry| entry.effective);
            placed.push(Entry {
                position: placed.len() as u64 + 1,
                effective: Tick(at_us / TICK_US + LEAD).max(last),
                command,
            });
        });
    }

    /// Delivers, covers and answers as this instance's part in the log does.
    async fn serve(
        time: SharedTime,
        inputs: mpsc::Sender<Input>,
        mut questions: mpsc::Receiver<Question>,
        mut redis: watch::Receiver<Redis>,
        mut placed: watch::Receiver<Vec<Entry>>,
    ) {
        let (mut delivered, mut heard) = (0, 0);
        loop {
            tokio::select! {
                () = sleep(COVER) => {}
                _ = placed.changed() => {}
                _ = redis.changed() => {}
                question = questions.recv() => match question {
                    Some(Question::Covered(number)) => heard = number,
                    Some(Question::Restore) => panic!("nothing was lost"),
                    None => return,
                },
            }
            let state = *redis.borrow();
            match state {
                Redis::Silent => {}
                Redis::Refuses => {
                    if inputs.send(Input::Unreachable { heard }).await.is_err() {
                        return;
                    }
                }
                Redis::Well(latency_ms) => {
                    let asked_us = time.now_us().unwrap();
                    let entries = placed.borrow_and_update()[delivered..].to_vec();
                    sleep(Duration::from_millis(latency_ms)).await;
                    delivered += entries.len();
                    for entry in entries {
                        let delivery = Delivery { entry, reply: None };
                        if inputs.send(Input::Command(delivery)).await.is_err() {
                            return;
                        }
                    }
                    let through = Tick(asked_us / TICK_US + LEAD - 1);
                    if inputs.send(Input::Covered { through }).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

/// The samples of each tick: `(entity, payload)`.
type Samples = BTreeMap<Tick, Vec<(String, String)>>;

fn note(samples: &mut Samples, batch: &Batch) {
    for event in &batch.events {
        if let Event::Sample(sample) = event.event.as_ref() {
            let payload = serde_json::to_string(&sample.payload()).unwrap();
            let of_tick = samples.entry(batch.tick).or_default();
            of_tick.push((sample.entity.to_string(), payload));
        }
    }
}

/// What an instance that misses nothing emits.
fn expected(entries: &[Entry], defaults: &config::Simulation, through: Tick) -> Samples {
    let mut machine = Machine::new(PLANT.spec.clone(), defaults, Tick(BEGIN_US / TICK_US));
    let mut entries = entries.iter().peekable();
    let mut samples = Samples::new();
    while machine.done() < through {
        while let Some(entry) = entries.next_if(|entry| entry.effective <= machine.done().plus(1)) {
            let _ = machine.accept(entry);
        }
        note(&mut samples, &machine.tick());
    }
    samples
}

async fn play(happenings: Vec<Happening>) {
    let defaults = config::Config::from_values(|_| None).unwrap().simulation;
    let time = SharedTime::known(BEGIN_US);
    let (inputs, input) = mpsc::channel(256);
    let (question, questions) = mpsc::channel(256);
    let (redis, state) = watch::channel(Redis::Well(1));
    let (placed, entries) = watch::channel(Vec::new());
    let world = World {
        time: time.clone(),
        redis,
        placed,
    };
    let shutdown = CancellationToken::new();
    let mut clock = Clock::shared(time.clone());
    clock.adopt();
    let health = Health::new(shutdown.clone());
    let feed = Feed::bare(input, question);
    let log = Log::closed();
    let (_, mut batches) = start(
        PLANT.clone(),
        defaults.clone(),
        log,
        feed,
        clock,
        &health,
        shutdown.clone(),
    );
    tokio::spawn(World::serve(time, inputs, questions, state, entries));
    let collected = tokio::spawn(async move {
        let mut samples = Samples::new();
        while let Some(batch) = batches.recv().await {
            note(&mut samples, &batch);
        }
        samples
    });
    let begin = Command::Start(Start {
        mode: StartMode::Plain,
        seed: 7,
        speed: 1,
        simulated_start: None,
        noise: 1.0,
        disturbances: 0.0,
    });
    sleep(Duration::from_millis(400)).await;
    world.place(begin, world.now_us());
    sleep(Duration::from_millis(500)).await;
    for happening in happenings {
        let well = matches!(*world.redis.borrow(), Redis::Well(_));
        match happening {
            Happening::Pass(ms) => sleep(Duration::from_millis(ms)).await,
            Happening::Command(speed) if well => {
                world.place(Command::SetSpeed { speed }, world.now_us());
                // It is on its way when anything else happens to the log.
                sleep(Duration::from_millis(65)).await;
            }
            Happening::Command(_) => {}
            Happening::Freeze { ms, commands } => {
                let begin_us = world.now_us();
                for count in 1..=u64::from(if well { commands } else { 0 }) {
                    let at_us = begin_us + ms * 1_000 * count / 4;
                    let speed = 2 + u32::try_from(count).unwrap();
                    world.place(Command::SetSpeed { speed }, at_us);
                }
                advance(Duration::from_millis(ms)).await;
                if well {
                    // Whatever the log did before, it answers now.
                    sleep(Duration::from_millis(950)).await;
                    let lag_ms = health.lag_ms(world.now_us());
                    assert!(lag_ms < 300, "{lag_ms} ms behind after a freeze of {ms} ms");
                }
            }
            Happening::Turn(redis) => {
                world.redis.send_replace(redis);
                sleep(Duration::from_millis(5)).await;
            }
        }
    }
    // It goes on with a log and without one.
    for redis in [Redis::Silent, Redis::Refuses, Redis::Well(1)] {
        world.redis.send_replace(redis);
        sleep(Duration::from_millis(2_300)).await;
        let lag_ms = health.lag_ms(world.now_us());
        assert!(lag_ms < 300, "{lag_ms} ms behind while {redis:?}");
    }
    let through = Tick(world.now_us() / TICK_US);
    let entries = world.placed.borrow().clone();
    shutdown.cancel();
    drop(world);
    let emitted = collected.await.unwrap();
    let expected = expected(&entries, &defaults, through);
    assert!(emitted.len() > 10, "{} ticks with samples", emitted.len());
    for (tick, samples) in emitted {
        assert_eq!(Some(&samples), expected.get(&tick), "at {tick:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn ticks_go_on_and_samples_are_those_of_all(
        happenings in proptest::collection::vec(happening(), 1..30)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(play(happenings));
    }
}
