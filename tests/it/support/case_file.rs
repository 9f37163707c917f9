//! A case file of MATPOWER's, served by the binary and watched over a websocket.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use gridcast::powerflow::{Case, PowerFlow};
use serde_json::{Value, json};

use super::{Exchange, Process, Socket};

/// As many ids as go into one request.
const IDS: usize = 5000;

/// The folder of the case files, which `tests/install.sh` fills.
pub(crate) fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/matpower/matpower/data");
    assert!(folder.exists(), "run sh tests/install.sh");
    folder
}

/// A case with its power flow.
pub(crate) struct Solved {
    pub(crate) name: String,
    path: PathBuf,
    pub(crate) buses: usize,
    /// Magnitudes in p.u. of those buses that have voltage.
    vm_pu: HashMap<String, f64>,
    /// Between which magnitudes in p.u. a bus raises no fault.
    limits_pu: HashMap<String, (f64, f64)>,
}

impl Solved {
    /// Reads and solves a case file; none where it is refused or has no solution.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let case = Case::from_matpower(fs::read_to_string(path).unwrap()).ok()?;
        let mut flow = PowerFlow::new(&case).ok()?;
        flow.solve_exactly().ok()?;
        let named = |(at, vm_pu): (usize, &f64)| {
            let id = format!("BUS-{:03}", case.buses[at].number);
            flow.energised(at).then_some((id, *vm_pu))
        };
        let limits_pu = case.buses.iter().map(|bus| {
            let (min, max) = (bus.vmin_pu.min(0.95), bus.vmax_pu.max(1.05));
            (format!("BUS-{:03}", bus.number), (min, max))
        });
        Some(Self {
            limits_pu: limits_pu.collect(),
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            path: path.to_owned(),
            buses: case.buses.len(),
            vm_pu: flow.vm_pu().iter().enumerate().filter_map(named).collect(),
        })
    }

    /// Serves it with loads that stand still, and watches all its buses for `seconds` from the first sample
    /// on.
    pub(crate) async fn watch(&self, seconds: u64) -> Seen {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("case-files");
        fs::create_dir_all(&folder).unwrap();
        let plant = folder.join(format!("{}.toml", self.name));
        let text = "[load]\ndaily_shape = false\nsigma = 0.0\n";
        fs::write(&plant, format!("case = '{}'\n{text}", self.path.display())).unwrap();
        let begun = Instant::now();
        let settings = [
            ("CASE", plant.to_str().unwrap()),
            ("NOISE", "0"),
            ("DISTURBANCES", "0"),
            ("SEED", "1"),
            ("HOST", "127.0.0.1"),
        ];
        let server = Process::serve(&settings).await;
        let ready = Exchange::new("GET", "/readyz").send(server.address()).await;
        assert_eq!(ready.status, 200, "{}: {}", self.name, ready.text());
        let ready_s = begun.elapsed().as_secs_f64();
        let mut socket = Socket::join(server.address()).await;
        let ids: Vec<_> = self.vm_pu.keys().map(String::as_str).collect();
        for ids in ids.chunks(IDS) {
            socket.ask("subscribe:buses", ids).await;
        }
        let start = Exchange::new("POST", "/api/v1/data/simulation/start")
            .header("content-type", "application/json")
            .body(json!({}).to_string());
        assert_eq!(start.send(server.address()).await.status, 200);
        let mut seen = Seen {
            ready_s,
            ..Seen::default()
        };
        let mut until = None;
        loop {
            let (name, payload) = socket.event().await;
            if name == "bus:measurement" {
                let now = Instant::now();
                if until.is_none() {
                    seen.first_sample_s = begun.elapsed().as_secs_f64();
                }
                let until = *until.get_or_insert(now + Duration::from_secs(seconds));
                seen.sample(self, &payload);
                if now >= until {
                    break;
                }
            } else if name != "simulation:status" {
                seen.events.push((name, payload));
            }
        }
        let ready = Exchange::new("GET", "/readyz").send(server.address()).await;
        seen.ready_at_end = ready.status == 200;
        seen
    }
}

/// What came of a case file.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Seconds from the start of the process until it was ready.
    pub(crate) ready_s: f64,
    /// Seconds until the first sample: a run that is asked for begins within half a second, its first
    /// samples follow a second later.
    pub(crate) first_sample_s: f64,
    first: HashMap<String, u64>,
    /// Samples that no solution belongs to.
    pub(crate) stale: usize,
    /// The largest difference of a bus's first magnitude from the power flow's, in p.u.
    pub(crate) off_pu: f64,
    /// The largest difference of a later one.
    pub(crate) later_off_pu: f64,
    /// What came beside samples.
    pub(crate) events: Vec<(String, Value)>,
    ready_at_end: bool,
}

impl Seen {
    fn sample(&mut self, case: &Solved, payload: &Value) {
        let id = payload["busId"].as_str().unwrap();
        let vm_pu = payload["measurement"]["voltageMagnitude"].as_f64();
        let off_pu = (vm_pu.unwrap() - case.vm_pu[id]).abs();
        let count = self.first.entry(id.to_owned()).or_default();
        *count += 1;
        if *count == 1 {
            self.off_pu = self.off_pu.max(off_pu);
        }
        self.later_off_pu = self.later_off_pu.max(off_pu);
        self.stale += usize::from(payload["stale"].as_bool() == Some(true));
    }

    /// Samples of the bus that had the fewest.
    pub(crate) fn rounds(&self) -> u64 {
        self.first.values().copied().min().unwrap_or_default()
    }

    /// Checks that at rest only what lies beyond a limit raises anything.
    #[track_caller]
    fn check_alerts(&self, case: &Solved) {
        const ROUNDING_PU: f64 = 1e-9;
        for (event, payload) in &self.events {
            let vm_pu = |id: &Value| case.vm_pu[id.as_str().unwrap()];
            let limits_pu = |id: &Value| case.limits_pu[id.as_str().unwrap()];
            let bus = &payload["busId"];
            let right = match (event.as_str(), payload["type"].as_str().unwrap_or_default()) {
                ("fault:detected", "UNDERVOLTAGE") => vm_pu(bus) < limits_pu(bus).0 + ROUNDING_PU,
                ("fault:detected", "OVERVOLTAGE") => vm_pu(bus) > limits_pu(bus).1 - ROUNDING_PU,
                ("fault:detected", "OVERLOAD") => payload["value"].as_f64().unwrap() > 100.0,
                ("notification", "error") => payload["title"] == "Fault Detected",
                ("notification", "success") => payload["title"] == "Simulation Started",
                _ => false,
            };
            assert!(right, "{}: {event} {payload}", case.name);
        }
    }

    /// Checks what must hold of every case.
    #[track_caller]
    pub(crate) fn check(&self, case: &Solved, seconds: u64) {
        let name = &case.name;
        assert_eq!(self.first.len(), case.vm_pu.len(), "{name}: buses");
        assert_eq!(self.stale, 0, "{name}: stale samples");
        assert!(self.off_pu < 1e-8, "{name}: {} p.u. off", self.off_pu);
        assert!(self.later_off_pu < 1e-7, "{name}: drifts");
        // Whether it keeps up: a round more or less is due to the clock.
        assert!(self.rounds() + 2 >= seconds, "{name}: {}", self.rounds());
        assert!(self.ready_at_end, "{name}: not ready any more");
        self.check_alerts(case);
    }
}
