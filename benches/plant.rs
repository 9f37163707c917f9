//! The plant and the machine around it. One simulated second of the default plant is to take no more than
//! 1 ms on one core; 0.2 ms is the goal.

#![expect(clippy::unwrap_used, reason = "a benchmark stops where it fails")]

use std::{path::Path, sync::Arc};

use criterion::{Criterion, criterion_group, criterion_main};
use gridcast::{
    config::Config,
    grid::{
        command::{Command, Entry, Start, StartMode},
        time::Tick,
    },
    plant::{Plant, PlantSpec},
    simulation::machine::Machine,
};

/// A machine whose run has gone on for a simulated minute, so that detectors and histories are at work.
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
    for _ in 0..601 {
        machine.tick();
    }
    machine
}

fn default_plant(criterion: &mut Criterion) {
    let spec = Arc::new(PlantSpec::default());
    let mut plant = Plant::new(spec.clone(), &Plant::trial_settings());
    criterion.bench_function("default plant, one simulated second", |bencher| {
        bencher.iter(|| {
            for _ in 0..10 {
                plant.step(std::iter::empty());
            }
        });
    });
    let mut machine = running(&spec);
    criterion.bench_function(
        "default plant, one simulated second with samples and detectors",
        |bencher| {
            bencher.iter(|| {
                let events = (0..10).map(|_| machine.tick().events.len());
                events.sum::<usize>()
            });
        },
    );
    let plant = Plant::new(spec, &Plant::trial_settings());
    criterion.bench_function("default plant, hash of the state", |bencher| {
        bencher.iter(|| plant.hash());
    });
}

fn large_plant(criterion: &mut Criterion) {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/case2869pegase/case.json");
    let spec = Arc::new(PlantSpec::load(&case).unwrap());
    let mut plant = Plant::new(spec.clone(), &Plant::trial_settings());
    let mut group = criterion.benchmark_group("2869 buses");
    group.sample_size(20);
    group.bench_function("one step", |bencher| {
        bencher.iter(|| plant.step(std::iter::empty()));
    });
    let mut machine = running(&spec);
    group.bench_function(
        "one simulated second with samples and detectors",
        |bencher| {
            bencher.iter(|| {
                let events = (0..10).map(|_| machine.tick().events.len());
                events.sum::<usize>()
            });
        },
    );
    group.finish();
}

criterion_group!(benches, default_plant, large_plant);
criterion_main!(benches);
