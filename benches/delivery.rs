//! What it costs to bring a tick to clients: computing it, encoding it, and delivering it. The last one is
//! the time from handing a tick over until each of the clients has read all of it, both ends in one process.

#![expect(clippy::unwrap_used, reason = "a benchmark stops where it fails")]

use std::{
    hint::black_box,
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gridcast::{
    config::{Clients, Config, Listen},
    grid::{
        command::{Command, Entry, Start, StartMode},
        event::{Batch, Outgoing, RunChange},
        time::{Tick, Timestamp},
    },
    health::Health,
    net::{listener::Listener, serve::serve},
    plant::{Plant, PlantSpec},
    realtime::{self, Encoded, Host},
    simulation::machine::Machine,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Runtime,
    sync::{mpsc, watch},
};
use tokio_util::sync::CancellationToken;

/// A machine with a run that has begun.
fn running(spec: &Arc<PlantSpec>) -> Machine {
    let now = Tick(17_954_756_000);
    let defaults = Config::from_values(|_| None).unwrap().simulation;
    let mut machine = Machine::new(spec.clone(), &defaults, now);
    let settings = Plant::trial_settings();
    let start = Start {
        mode: StartMode::WithSettings,
        seed: settings.seed,
        speed: 1,
        simulated_start: Some(settings.simulated_start),
        noise: 1.0,
        disturbances: 0.0,
    };
    let entry = Entry {
        position: 1,
        effective: now.plus(1),
        command: Command::Start(start),
    };
    machine.accept(&entry).unwrap();
    machine
}

/// The events of a tick at which all entities are sampled.
fn full_tick(spec: &Arc<PlantSpec>) -> Vec<Outgoing> {
    let mut machine = running(spec);
    let ticks = (0..21).map(|_| machine.tick().events);
    let largest = ticks.max_by_key(Vec::len).unwrap();
    largest
        .into_iter()
        .filter(|event| event.sampled().is_some())
        .collect()
}

fn plants() -> [(&'static str, Arc<PlantSpec>); 2] {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/case2869pegase/case.json");
    [
        ("12 entities", Arc::new(PlantSpec::default())),
        ("2869 buses", Arc::new(PlantSpec::load(&case).unwrap())),
    ]
}

fn tick(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tick");
    for (name, spec) in plants() {
        let mut machine = running(&spec);
        group.bench_function(name, |bencher| bencher.iter(|| machine.tick().events.len()));
    }
    group.finish();
}

fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    for (name, spec) in plants() {
        let events = full_tick(&spec);
        group.throughput(Throughput::Elements(events.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| Encoded::new(black_box(&events).iter().map(|event| (Tick(1), event))));
        });
    }
    group.finish();
}

/// A realtime service with clients that subscribe to everything and read all they get.
struct Fan {
    batches: mpsc::Sender<Batch>,
    clients: Vec<TcpStream>,
    events: Vec<Outgoing>,
    bytes: usize,
    tick: u64,
}

impl Fan {
    async fn new(spec: &Arc<PlantSpec>, clients: usize, direct: bool) -> Self {
        let host = Some("127.0.0.1".parse().unwrap());
        let listener = Listener::bind(&Listen { host, port: 0 }).unwrap();
        let address = listener.addresses()[0];
        let (batches, outlet) = mpsc::channel(16);
        let shutdown = CancellationToken::new();
        let health = Health::new(shutdown.clone());
        let host = Host {
            instance: "bench".into(),
            now: Arc::new(|| Timestamp::from_unix_ms(0)),
        };
        let served = Clients {
            direct,
            ..Clients::default()
        };
        let catalogue = spec.catalogue().clone();
        let realtime = realtime::mount(catalogue, outlet, host, &served, None, &health);
        let (_, router) = watch::channel(realtime.await.unwrap().router);
        health.spawn("http", |pulse| serve(listener, router, pulse, shutdown));
        let events = full_tick(spec);
        let encoded = Encoded::new(events.iter().map(|event| (Tick(1), event)));
        let mut fan = Self {
            batches,
            clients: Vec::new(),
            bytes: encoded.wire().len(),
            events,
            tick: 1,
        };
        for _ in 0..clients {
            fan.clients.push(join(address).await);
        }
        fan
    }

    /// Hands a tick over and returns when every client has read all of it.
    async fn deliver(&mut self) {
        self.tick += 1;
        let batch = Batch {
            tick: Tick(self.tick),
            run: RunChange::None,
            events: self.events.clone(),
            lost: Vec::new(),
            commands: Vec::new(),
        };
        self.batches.send(batch).await.unwrap();
        let mut buffer = vec![0; self.bytes];
        for client in &mut self.clients {
            client.read_exact(&mut buffer).await.unwrap();
        }
    }
}

/// A client that has joined and subscribed to all entities of the default plant.
async fn join(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let upgrade = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\n\
        connection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    stream.write_all(upgrade.as_bytes()).await.unwrap();
    let ids = r#"["CONV-001","CONV-002","CONV-003"]"#;
    let buses = r#"["BUS-001","BUS-002","BUS-003","BUS-004","BUS-005"]"#;
    let units = r#"["SOLAR-001","SOLAR-002","WIND-001","WIND-002"]"#;
    say(&mut stream, "40/realtime,").await;
    read_until(&mut stream, "40/realtime,{").await;
    say(
        &mut stream,
        &format!("42/realtime,[\"subscribe:converters\",{ids}]"),
    )
    .await;
    say(
        &mut stream,
        &format!("42/realtime,[\"subscribe:buses\",{buses}]"),
    )
    .await;
    say(
        &mut stream,
        &format!("42/realtime,7[\"subscribe:res-units\",{units}]"),
    )
    .await;
    read_until(&mut stream, "WIND-002\"]}]").await;
    stream
}

async fn say(stream: &mut TcpStream, text: &str) {
    let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
    frame.extend_from_slice(text.as_bytes());
    stream.write_all(&frame).await.unwrap();
}

async fn read_until(stream: &mut TcpStream, text: &str) {
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains(text) {
        read.push(stream.read_u8().await.unwrap());
    }
}

fn deliver(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let spec = Arc::new(PlantSpec::default());
    let mut group = criterion.benchmark_group("deliver 12 samples");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(5));
    for (way, direct) in [("direct", true), ("plain", false)] {
        let clients = 500;
        let mut fan = runtime.block_on(Fan::new(&spec, clients, direct));
        group.throughput(Throughput::Elements((clients * fan.events.len()) as u64));
        group.bench_function(BenchmarkId::new(way, clients), |bencher| {
            bencher.iter_custom(|ticks| {
                runtime.block_on(async {
                    let begun = Instant::now();
                    for _ in 0..ticks {
                        fan.deliver().await;
                    }
                    begun.elapsed()
                })
            });
        });
    }
    group.finish();
}

criterion_group!(benches, tick, encode, deliver);
criterion_main!(benches);
