//! Equal seeds and commands give equal payloads, and a restored machine goes on bit for bit.

use std::sync::Arc;

use gridcast::{
    config::Config,
    grid::{
        command::{Command, Entry, Start, StartMode},
        event::{Batch, Outgoing},
        time::{Tick, Timestamp},
    },
    plant::PlantSpec,
    simulation::{machine::Machine, snapshot::Snapshot},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Socket, TestServer};

/// 2026-06-21 10:00 UTC: the sun shines.
const MIDSUMMER: i64 = 1_782_036_000_000;

fn machine(spec: &Arc<PlantSpec>, now: Tick) -> Machine {
    let config = Config::from_values(|_| None).unwrap();
    Machine::new(spec.clone(), &config.simulation, now)
}

fn start(seed: u64, speed: u32) -> Command {
    Command::Start(Start {
        mode: StartMode::Plain,
        seed,
        speed,
        simulated_start: Some(Timestamp::from_unix_ms(MIDSUMMER)),
        noise: 1.0,
        disturbances: 3600.0,
    })
}

/// Everything of a batch that goes over the wire, with its names and without its times.
fn wire(batch: &Batch) -> Vec<Value> {
    let one = |outgoing: &Outgoing| {
        let event = outgoing.event.as_ref();
        let mut payload = serde_json::to_value(event).unwrap();
        payload.as_object_mut().unwrap().remove("timestamp");
        json!([event.name(), payload])
    };
    batch.events.iter().map(one).collect()
}

/// The payloads of a run, tick after tick.
fn run(spec: &Arc<PlantSpec>, begin: u64, seed: u64, ticks: u64) -> Vec<Vec<Value>> {
    let mut machine = machine(spec, Tick(begin));
    let entry = Entry {
        position: 1,
        effective: Tick(begin + 1),
        command: start(seed, 1),
    };
    machine.accept(&entry).unwrap();
    (0..=ticks).map(|_| wire(&machine.tick())).collect()
}

#[test]
fn equal_seeds_give_equal_payloads() {
    let spec = Arc::new(PlantSpec::default());
    // 20 simulated seconds; begun at another time of day, the simulated one is the same.
    let first = run(&spec, 17_000_000_000, 42, 200);
    let samples: usize = first.iter().map(Vec::len).sum();
    assert!(samples >= 40 * 3 + 20 * 5 + 10 * 4, "{samples}");
    assert_eq!(first, run(&spec, 18_765_432_101, 42, 200));
    assert_ne!(first, run(&spec, 17_000_000_000, 43, 200));
}

/// What a client of everything gets of a run: payloads of samples without their times.
async fn streamed(seed: u64, count: usize) -> Vec<Value> {
    let server = TestServer::with(&[("RATE", "20")]).await;
    let mut socket: Socket = server.join().await;
    for (kind, ids) in [
        ("converters", &["CONV-001", "CONV-002", "CONV-003"][..]),
        (
            "buses",
            &["BUS-001", "BUS-002", "BUS-003", "BUS-004", "BUS-005"],
        ),
        (
            "res-units",
            &["SOLAR-001", "SOLAR-002", "WIND-001", "WIND-002"],
        ),
    ] {
        socket.ask(&format!("subscribe:{kind}"), ids).await;
    }
    let settings = json!({"seed": seed, "simulatedStart": "2026-06-21T10:00:00Z"});
    server.start_run(&settings).await;
    let mut payloads = Vec::new();
    while payloads.len() < count {
        let (name, mut payload) = socket.event().await;
        payload.as_object_mut().unwrap().remove("timestamp");
        payloads.push(json!([name, payload]));
    }
    payloads
}

#[tokio::test]
async fn equal_seeds_stream_equal_payloads() {
    // 20 simulated seconds hold 40 x 3 + 20 x 5 + 10 x 4 samples.
    let first = streamed(7, 260).await;
    assert_eq!(first, streamed(7, 260).await);
}

/// A command and how many ticks after the one before.
fn commands() -> impl Strategy<Value = Vec<(u64, Command)>> {
    let command = prop_oneof![
        3 => (0..5_u64, 1..=3_u32).prop_map(|(seed, speed)| start(seed, speed)),
        1 => Just(Command::Stop),
        2 => (1..=4_u32).prop_map(|speed| Command::SetSpeed { speed }),
    ];
    prop::collection::vec((0..25_u64, command), 1..8)
}

/// Runs `machine` along `commands` for `ticks` ticks, from the command at `next`.
fn follow(
    machine: &mut Machine,
    commands: &[(Tick, Command)],
    next: &mut usize,
    ticks: u64,
) -> Vec<Batch> {
    let mut batches = Vec::new();
    for _ in 0..ticks {
        while let Some((effective, command)) = commands.get(*next)
            && *effective <= machine.done().plus(1)
        {
            *next += 1;
            let entry = Entry {
                position: *next as u64,
                effective: *effective,
                command: command.clone(),
            };
            // A command that does not fit is refused alike everywhere.
            let _ = machine.accept(&entry);
        }
        batches.push(machine.tick());
    }
    batches
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// A machine restored from the text of a snapshot goes on as the one it was taken of.
    #[test]
    fn a_restored_machine_goes_on_bit_for_bit(
        commands in commands(),
        before in 1..60_u64,
        after in 1..60_u64,
    ) {
        let spec = Arc::new(PlantSpec::default());
        let config = Config::from_values(|_| None).unwrap();
        let mut at = Tick(1_000_000);
        let placed: Vec<_> = commands
            .into_iter()
            .map(|(later, command)| { at = at.plus(later + 1); (at, command) })
            .collect();
        let mut next = 0;
        let mut original = machine(&spec, Tick(1_000_000));
        follow(&mut original, &placed, &mut next, before);

        let snapshot = original.snapshot();
        let text = serde_json::to_string(&snapshot).unwrap();
        let read: Snapshot = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&read, &snapshot);
        let mut restored = Machine::restore(spec, config.simulation.timeline, read);
        prop_assert_eq!(restored.view(), original.view());
        prop_assert_eq!(restored.hash(), original.hash());

        let mut again = next;
        let expected = follow(&mut original, &placed, &mut next, after);
        let given = follow(&mut restored, &placed, &mut again, after);
        prop_assert_eq!(given, expected);
        prop_assert_eq!(restored.hash(), original.hash());
        prop_assert_eq!(restored.snapshot(), original.snapshot());
    }
}
