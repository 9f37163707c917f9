//! Warm solves: all loads move by up to 1 % from one solve to the next, which starts from the voltages
//! of the one before. Only the solve is timed. `compare.sh` sets this beside lightsim2grid.

#![expect(clippy::unwrap_used, reason = "a benchmark stops where it fails")]

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group, criterion_main};
use gridcast::powerflow::{Case, PowerFlow};

const CASES: [&str; 4] = ["default5", "case118", "case2869pegase", "case9241pegase"];
/// Different sets of loads.
const TICKS: usize = 16;

/// Numbers in 0..1, the same as in `lightsim2grid_warm.py`.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The net injection in MW and MVAR of each bus.
fn injections(case: &Case, chance: &mut Chance) -> Vec<[f64; 2]> {
    let buses = case.buses.iter().zip(case.generation());
    let injection = |(bus, [p_mw, q_mvar]): (&gridcast::powerflow::Bus, [f64; 2])| {
        let load = 1.0 + 0.01 * (2.0 * chance.next() - 1.0);
        [p_mw - load * bus.pd_mw, q_mvar - load * bus.qd_mvar]
    };
    buses.map(injection).collect()
}

fn warm(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("warm");
    for name in CASES {
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/cases/{name}/case.json"));
        let case = Case::from_json(&fs::read_to_string(file).unwrap()).unwrap();
        let mut flow = PowerFlow::new(&case).unwrap();
        let mut chance = Chance(1);
        let ticks: Vec<_> = (0..TICKS).map(|_| injections(&case, &mut chance)).collect();
        let mut next = ticks.iter().cycle();
        flow.solve().unwrap();
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|solves| {
                let mut total = Duration::ZERO;
                for _ in 0..solves {
                    for (bus, [p_mw, q_mvar]) in next.next().unwrap().iter().enumerate() {
                        flow.set_power(bus, *p_mw, *q_mvar);
                    }
                    let start = Instant::now();
                    flow.solve().unwrap();
                    total += start.elapsed();
                }
                total
            });
        });
    }
    group.finish();
}

criterion_group!(benches, warm);
criterion_main!(benches);
