//! Plants from files: good ones run, bad ones are refused with everything that is wrong with them.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use gridcast::{
    grid::{entity::EntityKind, event::Event, injection::InjectionKind},
    plant::{Plant, PlantSpec},
};
use proptest::prelude::*;

use crate::support::{
    Driver, JUNE_EVENING, JUNE_MIDNIGHT, JUNE_NOON, default_plant, mismatch_pu, sample, settings,
    wire,
};

const CASE: &str = include_str!("../../src/plant/default/case.json");
const PLANT: &str = include_str!("../../src/plant/default/plant.toml");

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A folder of its own for one test, with these files.
fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("files")
        .join(name);
    fs::create_dir_all(&folder).unwrap();
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
    folder
}

fn refusal(path: &Path) -> String {
    match PlantSpec::load(path) {
        Ok(_) => panic!("{} is a plant", path.display()),
        Err(error) => error.to_string(),
    }
}

/// The plant of a changed plant file is refused, and the message names all of these.
fn refused_with(name: &str, change: impl Fn(String) -> String, wanted: &[&str]) {
    let changed = change(PLANT.to_owned());
    assert_ne!(changed, PLANT, "{name}: nothing to change");
    let folder = folder(name, &[("case.json", CASE), ("plant.toml", &changed)]);
    let message = refusal(&folder.join("plant.toml"));
    for wanted in wanted {
        assert!(
            message.contains(wanted),
            "{name}: {message:?} lacks {wanted:?}"
        );
    }
    assert!(message.contains("plant.toml"), "{message}");
}

#[test]
fn the_embedded_plant_is_the_one_in_the_files() {
    let loaded = PlantSpec::load(&root("src/plant/default/plant.toml")).unwrap();
    assert_eq!(loaded.fingerprint(), default_plant().fingerprint());
    let run = |spec: Arc<PlantSpec>| {
        let mut plant = Plant::new(spec, &settings(1, JUNE_NOON, 0.0, 0.0));
        for _ in 0..100 {
            plant.step(std::iter::empty());
        }
        plant.hash()
    };
    assert_eq!(run(Arc::new(loaded)), run(default_plant()));
}

#[test]
fn a_case_alone_is_a_plant_without_units() {
    let matpower = "function mpc = two\nmpc.version = '2';\nmpc.baseMVA = 100;\n\
        mpc.bus = [\n 7 3 0 0 0 0 1 1 0 110 1 1.1 0.9;\n 1200 1 50 10 0 0 1 1 0 110 1 1.1 0.9;\n];\n\
        mpc.gen = [\n 7 50 0 100 -100 1.01 100 1 100 0;\n];\n\
        mpc.branch = [\n 7 1200 0.01 0.05 0.02 100 100 100 0 0 1 -360 360;\n];\n";
    let folder = folder("alone", &[("two.m", matpower), ("TWO.M", matpower)]);
    for path in [
        folder.join("two.m"),
        folder.join("TWO.M"),
        root("tests/cases/default5/case.json"),
    ] {
        let spec = Arc::new(PlantSpec::load(&path).unwrap());
        assert_eq!(spec.catalogue().of_kind(EntityKind::Converter).count(), 0);
        let buses = spec.catalogue().of_kind(EntityKind::Bus);
        let buses: Vec<_> = buses.map(|bus| bus.id.to_string()).collect();
        assert!(
            ["BUS-001", "BUS-007"].contains(&buses[0].as_str()),
            "{buses:?}"
        );
        let mut driver = Driver::new(spec);
        driver.start(settings(1, JUNE_NOON, 1.0, 60.0));
        driver.seconds(30);
        for id in &buses {
            assert_eq!(driver.samples(id).len(), 29, "{id}");
        }
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let empty = folder("unreadable", &[("plant.txt", CASE)]);
    assert!(refusal(&empty.join("none.json")).contains("cannot read"));
    assert!(refusal(&empty.join("plant.txt")).contains("plant.txt ends neither"));
    assert!(refusal(&empty).contains("unreadable"));
    refused_with(
        "no-case",
        |text| text.replace("case = \"case.json\"\n", ""),
        &["case is missing"],
    );
    let other = folder("other-case", &[("plant.toml", "case = \"none.json\"\n")]);
    assert!(refusal(&other.join("plant.toml")).contains("none.json"));
}

#[test]
fn every_problem_of_a_plant_file_is_named() {
    refused_with(
        "syntax",
        |text| text.replace("fleet = 50", "fleet = ="),
        &["line 7"],
    );
    refused_with(
        "unknown",
        |text| text.replace("fleet = 50", "fleets = 50"),
        &["fleets", "line"],
    );
    refused_with(
        "type",
        |text| text.replace("fleet = 50", "fleet = \"50\""),
        &["line 7"],
    );
    refused_with(
        "several",
        |text| {
            text.replace("fleet = 50", "fleet = -1")
                .replace("tau_s = 300.0", "tau_s = 0.0")
                .replace("h_s = 4.5", "h_s = nan")
                .replace("capacity_kw = 150.0", "capacity_kw = 0.0")
                .replace("id = \"SOLAR-002\"", "id = \"SOLAR-001\"")
                .replace("source = \"SOLAR-002\"", "source = \"SOLAR-009\"")
                .replace("id = \"WIND-002\"\nbus = 5", "id = \"WIND-002\"\nbus = 77")
                .replace("link = \"CONV-001\"", "link = \"CONV-009\"")
                .replace("rated_kva = 250.0", "rated_kva = 0.0")
                .replace("restart_ms = 22.0", "restart_ms = 26.0")
        },
        &[
            "fleet",
            "tau_s",
            "h_s",
            "WIND-001",
            "SOLAR-001 stands there twice",
            "SOLAR-009",
            "WIND-002: the case has no bus 77",
            "CONV-003: link",
            "CONV-002",
            "restart_ms",
        ],
    );
    refused_with(
        "parts",
        |text| {
            text.replace("[converter.buck]", "[converter.grid]")
                .replace("id = \"WIND-001\"", "id = \"SOLAR-7\"")
        },
        &["line"],
    );
}

#[test]
fn every_problem_of_a_case_is_named() {
    let wrong = CASE
        .replace("[2, 2, 40,", "[2, 2, \"x\",")
        .replace("[3, 4, 0.0016", "[3, 44, 0.0016")
        .replace("[2, 120, 0, 120, -60, 1.02", "[9, 120, 0, 120, -60, -1");
    let folder = folder("bad-case", &[("case.json", &wrong)]);
    let message = refusal(&folder.join("case.json"));
    for wanted in ["case.json", "bus", "44", "9"] {
        assert!(message.contains(wanted), "{message}");
    }
}

/// What a day asks of a plant: its lowest, its middle and its highest load.
fn lives(name: &str, base: &str) {
    let spec = Arc::new(PlantSpec::load(&root(&format!("tests/cases/{name}/case.json"))).unwrap());
    for start_ms in [JUNE_MIDNIGHT + 3 * 3_600_000, JUNE_NOON, JUNE_EVENING] {
        let mut driver = Driver::new(spec.clone());
        driver.start(settings(1, start_ms, 0.0, 0.0));
        driver.seconds(3);
        driver.tick();
        let buses: Vec<_> = driver
            .events
            .iter()
            .filter_map(|(_, event)| match &**event {
                Event::Sample(sample) => wire::bus(sample),
                _ => None,
            })
            .collect();
        let count = spec.topology().buses.len();
        assert_eq!(buses.len(), 3 * count, "{name} at {start_ms}");
        assert!(
            buses.iter().all(|bus| !bus.stale),
            "{name} at {start_ms}: not converged"
        );
        let last = &buses[2 * count..];
        let worst = mismatch_pu(driver.machine.topology(), spec.base_mva(), last);
        assert!(worst < 1e-6, "{name} at {start_ms}: {worst} p.u.");
        assert!(last.iter().any(|bus| bus.bus_id.as_str() == base));
        let frequency = last[0].measurement.frequency;
        assert!((frequency - 50.0).abs() < 0.05, "{name}: {frequency} Hz");
    }
}

#[test]
fn a_case_of_118_buses_lives_through_a_day() {
    lives("case118", "BUS-118");
}

#[test]
fn a_case_of_2869_buses_lives_through_a_day() {
    lives("case2869pegase", "BUS-9239");
}

/// Disturbances of all kinds that a plain case allows, at many places.
#[test]
fn a_case_of_118_buses_lives_through_disturbances() {
    let spec = Arc::new(PlantSpec::load(&root("tests/cases/case118/case.json")).unwrap());
    let mut driver = Driver::new(spec);
    driver.start(settings(1, JUNE_NOON, 1.0, 1200.0));
    driver.seconds(120);
    driver.disturb(InjectionKind::VoltageDip, "BUS-011", Some(0.7), None);
    driver.seconds(2);
    let samples = driver.series("BUS-011", "voltageMagnitude");
    let lowest = samples.iter().map(|(_, v)| *v).fold(2.0, f64::min);
    assert!((lowest - 0.7).abs() < 0.005, "{lowest}");
    for (_, event) in &driver.events {
        if let Event::Sample(sample) = &**event {
            let numbers = crate::support::numbers(sample);
            assert!(
                numbers.iter().all(|(_, value)| value.is_finite()),
                "{sample:?}"
            );
        }
    }
}

/// Every bus of a network can be sampled and no plant panics on what was read.
fn survives(path: &Path) {
    if let Ok(spec) = PlantSpec::load(path) {
        let mut plant = Plant::new(Arc::new(spec), &settings(1, JUNE_NOON, 0.0, 0.0));
        for _ in 0..3 {
            plant.step(std::iter::empty());
        }
        sample(&plant);
    }
}

/// Text with a few characters, lines or numbers exchanged.
fn mangled(text: &str, cuts: &[(usize, u8, String)]) -> String {
    let mut text = text.to_owned();
    for (at, how, with) in cuts {
        let at = at % text.len().max(1);
        let Some(at) = (at..text.len()).find(|at| text.is_char_boundary(*at)) else {
            continue;
        };
        match how % 4 {
            0 => text.insert_str(at, with),
            1 => text.truncate(at),
            2 => {
                // A whole number gives way.
                let digit = |c: char| c.is_ascii_digit() || c == '.' || c == '-';
                let Some(start) = text[at..].find(digit).map(|start| at + start) else {
                    continue;
                };
                let end = text[start..]
                    .find(|c| !digit(c))
                    .map_or(text.len(), |end| start + end);
                text.replace_range(start..end, with);
            }
            _ => {
                let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
                text.replace_range(at..end, "");
            }
        }
    }
    text
}

fn cuts() -> impl Strategy<Value = Vec<(usize, u8, String)>> {
    let with = prop_oneof![
        Just("0".to_owned()),
        Just("-1".to_owned()),
        Just("1e308".to_owned()),
        Just("nan".to_owned()),
        Just("inf".to_owned()),
        Just("1e-300".to_owned()),
        Just("99999999999".to_owned()),
        "[ -~]{0,5}",
        "\\PC{0,3}",
    ];
    prop::collection::vec((0..6000_usize, 0..8_u8, with), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mangled_plant_file_is_refused_or_runs(cuts in cuts()) {
        let text = mangled(PLANT, &cuts);
        let folder = folder("mangled-plant", &[("case.json", CASE), ("plant.toml", &text)]);
        survives(&folder.join("plant.toml"));
    }

    #[test]
    fn a_mangled_case_is_refused_or_runs(cuts in cuts()) {
        let text = mangled(CASE, &cuts);
        let folder = folder("mangled-case", &[("case.json", &text)]);
        survives(&folder.join("case.json"));
    }
}
