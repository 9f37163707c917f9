//! A plant and a machine to drive by hand, and the network equations once more.

use std::{
    fs,
    path::Path,
    sync::{Arc, LazyLock},
};

use gridcast::{
    config::Config,
    grid::{
        alert::{Anomaly, Fault},
        command::{Command, Entry, Rejection, Start, StartMode, Verdict},
        entity::{EntityId, EntityKind},
        event::{Batch, Event},
        injection::{InjectionKind, InjectionOrder, InjectionView},
        run::RunSettings,
        telemetry::Sample,
        time::{Tick, Timeline, Timestamp},
        topology::Topology,
    },
    plant::{InjectionRequest, Plant, PlantSpec},
    simulation::machine::Machine,
};

#[path = "wire.rs"]
pub(crate) mod wire;

use wire::{BusSample, ConverterSample, Payload, ResSample};

static DEFAULT: LazyLock<Arc<PlantSpec>> = LazyLock::new(|| Arc::new(PlantSpec::default()));

/// The default plant.
pub(crate) fn default_plant() -> Arc<PlantSpec> {
    DEFAULT.clone()
}

/// A plant file beside the default case, with `change` made to the default plant's text.
pub(crate) fn changed_plant(name: &str, change: impl Fn(String) -> String) -> Arc<PlantSpec> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/plant/default");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::copy(source.join("case.json"), folder.join("case.json")).unwrap();
    let text = fs::read_to_string(source.join("plant.toml")).unwrap();
    let changed = change(text.clone());
    assert_ne!(text, changed, "the change found nothing to change");
    let path = folder.join("plant.toml");
    fs::write(&path, changed).unwrap();
    Arc::new(PlantSpec::load(&path).unwrap())
}

/// Noon of a day in June, UTC.
pub(crate) const JUNE_NOON: i64 = 1_782_043_200_000;
/// 18:00 of the same day: in UTC+1 the hour of the highest load.
pub(crate) const JUNE_EVENING: i64 = JUNE_NOON + 6 * 3_600_000;
/// Midnight before a day in June.
pub(crate) const JUNE_MIDNIGHT: i64 = JUNE_NOON - 12 * 3_600_000;
/// Midnight before a day in January.
pub(crate) const JANUARY_MIDNIGHT: i64 = 1_768_435_200_000;

pub(crate) fn settings(seed: u64, start_ms: i64, noise: f64, disturbances: f64) -> RunSettings {
    RunSettings {
        seed,
        speed: 1,
        simulated_start: Timestamp::from_unix_ms(start_ms),
        noise,
        disturbances,
    }
}

/// The order for a request with these values.
pub(crate) fn order(
    spec: &PlantSpec,
    kind: InjectionKind,
    entity: &str,
    size: Option<f64>,
    duration_s: Option<f64>,
) -> InjectionOrder {
    let request = InjectionRequest {
        kind,
        entity: entity.to_owned(),
        size,
        duration_s,
        field: None,
    };
    spec.place(request).unwrap()
}

/// All samples of a plant at one instant, without noise if its run has none.
#[derive(Default)]
pub(crate) struct Samples {
    pub(crate) buses: Vec<BusSample>,
    pub(crate) converters: Vec<ConverterSample>,
    pub(crate) units: Vec<ResSample>,
}

pub(crate) fn sample(plant: &Plant) -> Samples {
    let mut all = Vec::new();
    for kind in [EntityKind::Bus, EntityKind::Converter, EntityKind::ResUnit] {
        plant.sample(kind, Timestamp::from_unix_ms(0), &mut all);
    }
    let mut samples = Samples::default();
    for sample in all {
        samples.add(&sample);
    }
    samples
}

impl Samples {
    pub(crate) fn add(&mut self, sample: &Sample) {
        match wire::read(sample) {
            Payload::Bus(sample) => self.buses.push(sample),
            Payload::Converter(sample) => self.converters.push(sample),
            Payload::Res(sample) => self.units.push(sample),
        }
    }

    pub(crate) fn bus(&self, id: &str) -> &BusSample {
        let found = self.buses.iter().find(|s| s.bus_id.as_str() == id);
        found.unwrap_or_else(|| panic!("{id} is not sampled"))
    }

    pub(crate) fn converter(&self, id: &str) -> &ConverterSample {
        let found = self
            .converters
            .iter()
            .find(|s| s.converter_id.as_str() == id);
        found.unwrap_or_else(|| panic!("{id} is not sampled"))
    }
}

/// Every number of a sample, by its name on the wire.
pub(crate) fn numbers(sample: &Sample) -> Vec<(String, f64)> {
    let value = serde_json::to_value(sample.payload()).unwrap();
    let mut found = Vec::new();
    let mut todo = vec![&value];
    while let Some(value) = todo.pop() {
        if let Some(object) = value.as_object() {
            for (name, value) in object {
                // A number that is none is written as null.
                match value.as_f64() {
                    Some(number) => found.push((name.clone(), number)),
                    None if value.is_null() => found.push((name.clone(), f64::NAN)),
                    None => todo.push(value),
                }
            }
        }
    }
    found
}

/// Net injections by the network equations, S = V conj(Y V), with Y built from a published topology:
/// for each bus its active and reactive power in MW and MVAR. Buses without a sample have no voltage.
pub(crate) fn injections_by_network(
    topology: &Topology,
    base_mva: f64,
    samples: &[BusSample],
) -> Vec<[f64; 2]> {
    let count = topology.buses.len();
    let place = |id: &EntityId| topology.buses.iter().position(|bus| bus.id == *id).unwrap();
    let mut voltage = vec![Complex(0.0, 0.0); count];
    for sample in samples {
        let angle = sample.measurement.voltage_angle.to_radians();
        let (sin, cos) = gridcast::maths::sincos(angle);
        let magnitude = sample.measurement.voltage_magnitude;
        voltage[place(&sample.bus_id)] = Complex(magnitude * cos, magnitude * sin);
    }
    let mut current = vec![Complex(0.0, 0.0); count];
    for (at, bus) in topology.buses.iter().enumerate() {
        let shunt = Complex(bus.gs_mw / base_mva, bus.bs_mvar / base_mva);
        current[at] = current[at].plus(shunt.times(voltage[at]));
    }
    for branch in topology.branches.iter().filter(|branch| branch.in_service) {
        let (from, to) = (place(&branch.from), place(&branch.to));
        let series = Complex(1.0, 0.0).over(Complex(branch.r, branch.x));
        let charging = Complex(0.0, 0.5 * branch.b);
        let ratio = if branch.ratio == 0.0 {
            1.0
        } else {
            branch.ratio
        };
        let (sin, cos) = gridcast::maths::sincos(branch.shift_deg.to_radians());
        let tap = Complex(ratio * cos, ratio * sin);
        let own = series.plus(charging);
        let from_from = own.over(Complex(ratio * ratio, 0.0));
        let from_to = Complex(0.0, 0.0).minus(series).over(tap.conjugate());
        let to_from = Complex(0.0, 0.0).minus(series).over(tap);
        current[from] = current[from]
            .plus(from_from.times(voltage[from]))
            .plus(from_to.times(voltage[to]));
        current[to] = current[to]
            .plus(to_from.times(voltage[from]))
            .plus(own.times(voltage[to]));
    }
    let power = voltage.iter().zip(&current).map(|(v, i)| {
        let s = v.times(i.conjugate());
        [s.0 * base_mva, s.1 * base_mva]
    });
    power.collect()
}

/// The largest difference between published and computed injection of a bus, in p.u.
pub(crate) fn mismatch_pu(topology: &Topology, base_mva: f64, samples: &[BusSample]) -> f64 {
    let computed = injections_by_network(topology, base_mva, samples);
    let mut worst = 0.0_f64;
    for sample in samples {
        let at = topology
            .buses
            .iter()
            .position(|bus| bus.id == sample.bus_id)
            .unwrap();
        let [p, q] = computed[at];
        let measured = &sample.measurement;
        worst = worst.max((measured.active_power - p).abs() / base_mva);
        worst = worst.max((measured.reactive_power - q).abs() / base_mva);
    }
    worst
}

#[derive(Clone, Copy)]
struct Complex(f64, f64);

impl Complex {
    fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0, self.1 + other.1)
    }

    fn minus(self, other: Self) -> Self {
        Self(self.0 - other.0, self.1 - other.1)
    }

    fn times(self, other: Self) -> Self {
        Self(
            self.0 * other.0 - self.1 * other.1,
            self.0 * other.1 + self.1 * other.0,
        )
    }

    fn conjugate(self) -> Self {
        Self(self.0, -self.1)
    }

    fn over(self, other: Self) -> Self {
        let square = other.0 * other.0 + other.1 * other.1;
        let product = self.times(other.conjugate());
        Self(product.0 / square, product.1 / square)
    }
}

/// A machine with its log, and all that it has emitted since [`Driver::take`].
#[derive(Clone)]
pub(crate) struct Driver {
    pub(crate) machine: Machine,
    pub(crate) spec: Arc<PlantSpec>,
    position: u64,
    pub(crate) events: Vec<(Tick, Arc<Event>)>,
}

/// The tick before the first one of a [`Driver`].
const BEFORE: Tick = Tick(17_954_756_000);

impl Driver {
    /// A machine of a plant, stopped.
    pub(crate) fn new(spec: Arc<PlantSpec>) -> Self {
        let defaults = Config::from_values(|_| None).unwrap().simulation;
        Self {
            machine: Machine::new(spec.clone(), &defaults, BEFORE),
            spec,
            position: 0,
            events: Vec::new(),
        }
    }

    /// A machine of the default plant whose run has begun: no step has been made.
    pub(crate) fn started(settings: RunSettings) -> Self {
        let mut driver = Self::new(default_plant());
        driver.start(settings);
        driver.tick();
        driver.events.clear();
        driver
    }

    pub(crate) fn start(&mut self, settings: RunSettings) {
        let start = Start {
            mode: StartMode::WithSettings,
            seed: settings.seed,
            speed: settings.speed,
            simulated_start: Some(settings.simulated_start),
            noise: settings.noise,
            disturbances: settings.disturbances,
        };
        self.command(Command::Start(start)).unwrap();
    }

    /// Places a command on the next tick.
    pub(crate) fn command(&mut self, command: Command) -> Verdict {
        self.position += 1;
        let entry = Entry {
            position: self.position,
            effective: self.machine.done().plus(1),
            command,
        };
        self.machine.accept(&entry)
    }

    pub(crate) fn inject(&mut self, order: InjectionOrder) -> Result<InjectionView, Rejection> {
        let outcome = self.command(Command::Inject(order))?;
        Ok(outcome.injection.unwrap())
    }

    /// Asks for an injection that the plant's rules allow.
    pub(crate) fn disturb(
        &mut self,
        kind: InjectionKind,
        entity: &str,
        size: Option<f64>,
        duration_s: Option<f64>,
    ) -> InjectionView {
        let order = order(&self.spec, kind, entity, size, duration_s);
        self.inject(order).unwrap()
    }

    pub(crate) fn tick(&mut self) -> Batch {
        let batch = self.machine.tick();
        let tick = batch.tick;
        let events = batch.events.iter().map(|event| (tick, event.event.clone()));
        self.events.extend(events);
        batch
    }

    /// Goes on by simulated seconds at speed 1.
    pub(crate) fn seconds(&mut self, seconds: u64) {
        for _ in 0..10 * seconds {
            self.tick();
        }
    }

    /// What has been emitted since the last call.
    pub(crate) fn take(&mut self) -> Vec<(Tick, Arc<Event>)> {
        std::mem::take(&mut self.events)
    }

    pub(crate) fn faults(&self) -> Vec<(Tick, Fault)> {
        let faults = self
            .events
            .iter()
            .filter_map(|(tick, event)| match &**event {
                Event::Fault(fault) => Some((*tick, fault.clone())),
                _ => None,
            });
        faults.collect()
    }

    pub(crate) fn anomalies(&self) -> Vec<(Tick, Anomaly)> {
        let anomalies = self
            .events
            .iter()
            .filter_map(|(tick, event)| match &**event {
                Event::Anomaly(anomaly) => Some((*tick, anomaly.clone())),
                _ => None,
            });
        anomalies.collect()
    }

    /// The samples of one entity.
    pub(crate) fn samples(&self, entity: &str) -> Vec<(Tick, Sample)> {
        let samples = self
            .events
            .iter()
            .filter_map(|(tick, event)| match &**event {
                Event::Sample(sample) if sample.entity.as_str() == entity => {
                    Some((*tick, sample.clone()))
                }
                _ => None,
            });
        samples.collect()
    }

    /// One field of the samples of one entity.
    pub(crate) fn series(&self, entity: &str, field: &str) -> Vec<(Tick, f64)> {
        let samples = self.samples(entity).into_iter();
        samples
            .map(|(tick, sample)| (tick, sample.value(field).unwrap()))
            .collect()
    }

    /// Puts the machine through a snapshot in JSON.
    pub(crate) fn restored(&self) -> Self {
        let text = serde_json::to_string(&self.machine.snapshot()).unwrap();
        let snapshot = serde_json::from_str(&text).unwrap();
        Self {
            machine: Machine::restore(self.spec.clone(), Timeline::default(), snapshot),
            ..self.clone()
        }
    }
}
