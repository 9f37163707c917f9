//! Real servers to test with: instances, Redis, a balancer and a cable that can be cut.

pub(crate) mod cable;
pub(crate) mod client;
pub(crate) mod http;
pub(crate) mod process;
pub(crate) mod stream;

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::Command,
    time::Duration,
};

use serde_json::Value;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};

use self::process::Process;

/// How long to wait for what is sure to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A port that is free at the moment.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

pub(crate) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// Waits until `look` finds something.
pub(crate) async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    within(PATIENCE, what, look).await
}

/// The same for what takes longer.
async fn within<T>(patience: Duration, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + patience;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "{what}: not within {patience:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// A folder for one test, removed at its end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let name = format!("gridcast-test-{}-{}", std::process::id(), free_port());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A redis-server that keeps nothing.
pub(crate) struct Redis {
    pub(crate) port: u16,
    process: Process,
    folder: Folder,
}

impl Redis {
    pub(crate) async fn start() -> Self {
        let folder = Folder::new();
        let port = free_port();
        let process = Self::spawn(port, &folder);
        let redis = Self {
            port,
            process,
            folder,
        };
        redis.answers().await;
        redis
    }

    /// One with settings of its own.
    pub(crate) async fn start_with(settings: &[&str]) -> Self {
        let folder = Folder::new();
        let port = free_port();
        let mut command = Self::command(&folder);
        command.arg("--port").arg(port.to_string()).args(settings);
        let process = Process::spawn(command, &folder.0.join("redis.log"));
        let redis = Self {
            port,
            process,
            folder,
        };
        redis.answers().await;
        redis
    }

    /// One that asks for a password and, where `tls` is a folder with `cert.pem` and `key.pem`,
    /// speaks TLS only.
    pub(crate) async fn start_guarded(password: &str, tls: Option<&Folder>) -> Self {
        let folder = Folder::new();
        let port = free_port();
        let mut command = Self::command(&folder);
        command.arg("--requirepass").arg(password);
        if let Some(tls) = tls {
            command.arg("--port").arg("0");
            command.arg("--tls-port").arg(port.to_string());
            command.arg("--tls-cert-file").arg(tls.0.join("cert.pem"));
            command.arg("--tls-key-file").arg(tls.0.join("key.pem"));
            command.args(["--tls-auth-clients", "no"]);
        } else {
            command.arg("--port").arg(port.to_string());
        }
        let process = Process::spawn(command, &folder.0.join("redis.log"));
        eventually("Redis listens", async || {
            TcpStream::connect(loopback(port)).await.ok()
        })
        .await;
        Self {
            port,
            process,
            folder,
        }
    }

    fn command(folder: &Folder) -> Command {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.arg("--dir").arg(&folder.0);
        command
    }

    fn spawn(port: u16, folder: &Folder) -> Process {
        let mut command = Self::command(folder);
        command.arg("--port").arg(port.to_string());
        Process::spawn(command, &folder.0.join("redis.log"))
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts again, empty.
    pub(crate) async fn restart(&mut self) {
        self.process = Self::spawn(self.port, &self.folder);
        self.answers().await;
    }

    pub(crate) fn freeze(&self) {
        self.process.signal("STOP");
    }

    pub(crate) fn thaw(&self) {
        self.process.signal("CONT");
    }

    async fn answers(&self) {
        eventually("Redis answers", async || {
            let mut redis = self.connect().await?;
            redis::cmd("PING").exec_async(&mut redis).await.ok()
        })
        .await;
    }

    pub(crate) async fn connect(&self) -> Option<redis::aio::MultiplexedConnection> {
        let client = redis::Client::open(self.url()).unwrap();
        client.get_multiplexed_async_connection().await.ok()
    }

    /// How often each command was called so far, by the server's own count.
    pub(crate) async fn calls(&self) -> u64 {
        let mut redis = self.connect().await.unwrap();
        let mut info = redis::cmd("INFO");
        let info: String = info
            .arg("commandstats")
            .query_async(&mut redis)
            .await
            .unwrap();
        let calls = info.lines().filter_map(|line| {
            let (name, rest) = line.split_once(":calls=")?;
            let external = ["evalsha", "xread", "ping", "publish", "eval"];
            let name = name.strip_prefix("cmdstat_")?;
            external
                .contains(&name)
                .then(|| rest.split(',').next()?.parse::<u64>().ok())?
        });
        calls.sum()
    }
}

/// One instance of the server.
pub(crate) struct Instance {
    pub(crate) address: SocketAddr,
    environment: Vec<(String, String)>,
    process: Process,
    folder: Folder,
}

impl Instance {
    /// Starts one that shares the Redis at `redis_url`.
    pub(crate) async fn start(redis_url: &str, settings: &[(&str, &str)]) -> Self {
        let port = free_port();
        let mut environment = vec![
            ("HOST".to_owned(), "127.0.0.1".to_owned()),
            ("PORT".to_owned(), port.to_string()),
            ("REDIS_URL".to_owned(), redis_url.to_owned()),
            ("DISTURBANCES".to_owned(), "0".to_owned()),
            ("NO_COLOR".to_owned(), "1".to_owned()),
        ];
        let settings = settings.iter();
        environment.extend(settings.map(|(name, value)| ((*name).into(), (*value).into())));
        let folder = Folder::new();
        let process = Self::spawn(&environment, &folder);
        let instance = Self {
            address: loopback(port),
            environment,
            process,
            folder,
        };
        instance.listens().await;
        instance
    }

    fn spawn(environment: &[(String, String)], folder: &Folder) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gridcast"));
        command.envs(environment.iter().cloned());
        Process::spawn(command, &folder.0.join("gridcast.log"))
    }

    async fn listens(&self) {
        eventually("an instance serves", async || {
            let (status, _) = http::get(self.address, "/api/v1/cluster").await.ok()?;
            (status == 200).then_some(())
        })
        .await;
    }

    pub(crate) async fn is_ready(&self) -> bool {
        let answer = http::get(self.address, "/readyz").await;
        answer.is_ok_and(|(status, _)| status == 200)
    }

    pub(crate) async fn ready(&self) {
        eventually("an instance is ready", async || {
            self.is_ready().await.then_some(())
        })
        .await;
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    pub(crate) fn freeze(&self) {
        self.process.signal("STOP");
    }

    pub(crate) fn thaw(&self) {
        self.process.signal("CONT");
    }

    /// Freezes it, and waits until it is at the present again after that; returns how long it took.
    pub(crate) async fn freeze_for(&self, frozen: Duration) -> Duration {
        self.freeze();
        sleep(frozen).await;
        self.thaw();
        let woken = Instant::now();
        eventually("a frozen instance goes on", async || {
            (self.cluster().await["lagMs"].as_u64()? < 300).then_some(())
        })
        .await;
        woken.elapsed()
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn terminate(&mut self) {
        self.process.signal("TERM");
        eventually("an instance ends", async || {
            self.process.ended().then_some(())
        })
        .await;
    }

    /// Starts it again at the same address.
    pub(crate) async fn restart(&mut self) {
        self.process = Self::spawn(&self.environment, &self.folder);
        self.listens().await;
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.0.join("gridcast.log")).unwrap_or_default()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = http::get(self.address, path).await.unwrap();
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> (u16, Value) {
        http::request(self.address, "POST", path, body)
            .await
            .unwrap()
    }

    pub(crate) async fn patch(&self, path: &str, body: &str) -> (u16, Value) {
        http::request(self.address, "PATCH", path, body)
            .await
            .unwrap()
    }

    pub(crate) async fn command(&self, path: &str) -> u16 {
        self.post(&format!("/api/v1/data/simulation/{path}"), "")
            .await
            .0
    }

    pub(crate) async fn cluster(&self) -> Value {
        self.get("/api/v1/cluster").await
    }

    pub(crate) async fn redis_state(&self) -> String {
        self.cluster().await["redis"].as_str().unwrap().to_owned()
    }
}

/// Several instances that share a Redis.
pub(crate) struct Cluster {
    pub(crate) redis: Redis,
    pub(crate) instances: Vec<Instance>,
}

impl Cluster {
    pub(crate) async fn start(count: usize) -> Self {
        Self::start_with(count, &[]).await
    }

    pub(crate) async fn start_with(count: usize, settings: &[(&str, &str)]) -> Self {
        let redis = Redis::start().await;
        let mut instances = Vec::new();
        for _ in 0..count {
            instances.push(Instance::start(&redis.url(), settings).await);
        }
        for instance in &instances {
            instance.ready().await;
        }
        Self { redis, instances }
    }

    /// Waits until all instances have the same hash at the same tick, and returns both.
    pub(crate) async fn agree(&self) -> (u64, String) {
        agree(&self.instances.iter().collect::<Vec<_>>()).await
    }

    /// Waits until all instances have lived through `ticks` more.
    pub(crate) async fn pass(&self, ticks: u64) {
        pass(&self.instances.iter().collect::<Vec<_>>(), ticks).await;
    }

    pub(crate) async fn all_connected(&self) {
        for instance in &self.instances {
            eventually("all instances see Redis", async || {
                (instance.redis_state().await == "connected").then_some(())
            })
            .await;
        }
    }
}

/// Waits until these instances have the same hash at the same tick, and returns both.
pub(crate) async fn agree(instances: &[&Instance]) -> (u64, String) {
    eventually("all instances agree", async || {
        let mut seen = Vec::new();
        for instance in instances {
            let view = instance.cluster().await;
            let hash = view["hash"].as_str()?.to_owned();
            seen.push((view["tick"].as_u64()?, hash));
        }
        let first = seen.first()?.clone();
        seen.iter().all(|one| *one == first).then_some(first)
    })
    .await
}

/// How long the plant takes for one tick, in milliseconds.
const TICK_MS: u64 = 100;

/// Waits until each of these instances has lived through `ticks` more: long enough for what must not
/// come to have come.
pub(crate) async fn pass(instances: &[&Instance], ticks: u64) {
    let tick = async |instance: &Instance| instance.cluster().await["tick"].as_u64();
    let patience = PATIENCE + Duration::from_millis(ticks * TICK_MS);
    let mut newest = Some(0);
    for instance in instances {
        newest = newest.max(tick(instance).await);
    }
    let last = newest.unwrap() + ticks;
    for instance in instances {
        within(patience, "an instance goes on", async || {
            (tick(instance).await? >= last).then_some(())
        })
        .await;
    }
}

/// nginx with the configuration that the containers use.
pub(crate) struct Balancer {
    pub(crate) address: SocketAddr,
    _process: Process,
    _folder: Folder,
}

impl Balancer {
    pub(crate) async fn start(instances: &[Instance]) -> Self {
        let folder = Folder::new();
        let port = free_port();
        let server =
            |one: &Instance| format!("server {} max_fails=1 fail_timeout=2s;", one.address);
        let servers: Vec<_> = instances.iter().map(server).collect();
        let file = |name: &str| folder.0.join(name);
        fs::write(
            file("nginx.conf"),
            include_str!("../../../deploy/nginx.conf"),
        )
        .unwrap();
        fs::write(file("instances.conf"), servers.join("\n")).unwrap();
        fs::write(file("listen.conf"), format!("listen 127.0.0.1:{port};\n")).unwrap();
        // Debian puts it where only root looks.
        let installed = "/usr/sbin/nginx";
        let nginx = std::path::Path::new(installed).exists();
        let mut command = Command::new(if nginx { installed } else { "nginx" });
        command
            .arg("-p")
            .arg(&folder.0)
            .arg("-c")
            .arg(file("nginx.conf"));
        command.arg("-e").arg(file("error.log"));
        let globals = format!("daemon off; pid {};", file("pid").display());
        command.arg("-g").arg(globals);
        let process = Process::spawn(command, &file("nginx.log"));
        let balancer = Self {
            address: loopback(port),
            _process: process,
            _folder: folder,
        };
        eventually("nginx answers", async || {
            http::get(balancer.address, "/healthz").await.ok()
        })
        .await;
        balancer
    }
}
