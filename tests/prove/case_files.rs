//! Every solvable case file of MATPOWER streams at its own power flow, and keeps up.

use std::{fs, time::Instant};

#[path = "../it/support/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    clippy::expect_used,
    reason = "made for other tests too"
)]
mod support;

use support::case_file::{self, Solved};

/// Larger networks than this are beyond what is promised.
const BUSES_MAX: usize = 13_659;
/// At least so many of the package's files have no more buses than that, and a solution.
const SOLVABLE: usize = 74;
/// How long each is watched.
const SECONDS: u64 = 10;
/// Within so many seconds a server of a case streams, and within so many that of the five largest.
const BEGIN_S: f64 = 10.0;
const BEGIN_LARGEST_S: f64 = 60.0;
const LARGEST: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn every_case_file_streams_at_its_own_power_flow() {
    // For a second look at the large ones: `BUSES_MIN=6000 make prove`.
    let least = std::env::var("BUSES_MIN").map_or(0, |least| least.parse().unwrap());
    let mut cases: Vec<_> = fs::read_dir(case_file::folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            // The three that are larger take minutes to solve for nothing.
            let larger = ["case_ACTIVSg25k", "case_ACTIVSg70k", "case_SyntheticUSA"];
            name.starts_with("case")
                && name.ends_with(".m")
                && !larger.iter().any(|larger| name.starts_with(larger))
        })
        .filter_map(|path| Solved::of(&path))
        .filter(|case| case.buses <= BUSES_MAX)
        .filter(|case| case.buses >= least)
        .collect();
    cases.sort_by_key(|case| case.buses);
    println!("case, buses, seconds until ready, until the first sample, rounds of samples");
    let begun = Instant::now();
    let mut late = Vec::new();
    for (at, case) in cases.iter().enumerate() {
        let seen = case.watch(SECONDS).await;
        println!(
            "{:20} {:6} {:7.2} {:7.2} {:4}",
            case.name,
            case.buses,
            seen.ready_s,
            seen.first_sample_s,
            seen.rounds()
        );
        seen.check(case, SECONDS);
        let bound_s = if at + LARGEST < cases.len() {
            BEGIN_S
        } else {
            BEGIN_LARGEST_S
        };
        if seen.first_sample_s > bound_s {
            late.push(case.name.clone());
        }
    }
    println!(
        "{} cases in {:.0} s",
        cases.len(),
        begun.elapsed().as_secs_f64()
    );
    assert!(late.is_empty(), "late: {late:?}");
    assert!(least > 0 || cases.len() >= SOLVABLE, "{}", cases.len());
}
