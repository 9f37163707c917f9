//! The power flow against the solutions of other tools, and what a plant needs of it beyond one
//! solution. `tests/cases/README.md` describes the folders.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::{fs, path::Path};

use gridcast::{
    maths, physics,
    powerflow::{Case, PowerFlow, PowerFlowError},
};
use serde_json::{Value, json};

fn read(case: &str, file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(case)
        .join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn value(case: &str, file: &str) -> Value {
    serde_json::from_str(&read(case, file)).unwrap()
}

fn case(name: &str) -> Case {
    Case::from_json(&read(name, "case.json")).unwrap()
}

fn names() -> Vec<String> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let entries = fs::read_dir(cases).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.path().join("solution.json").is_file());
    folders
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

/// Tolerances of the quantities: voltages in p.u. and degrees, powers in MW and MVAR.
const TOLERANCES: [(&str, f64); 9] = [
    ("vm_pu", 1e-8),
    ("va_degree", 1e-6),
    ("p_mw", 1e-5),
    ("q_mvar", 1e-5),
    ("p_from_mw", 1e-5),
    ("q_from_mvar", 1e-5),
    ("p_to_mw", 1e-5),
    ("q_to_mvar", 1e-5),
    ("loss_mw", 1e-5),
];

#[test]
fn every_case_has_the_solution_of_the_other_tools() {
    let names = names();
    assert!(names.len() >= 15, "{names:?}");
    for name in names {
        let found = physics::answer("powerflow", &value(&name, "case.json")).unwrap();
        let expected = value(&name, "solution.json");
        let converged = expected.get("converged").unwrap_or(&Value::Bool(true));
        assert_eq!(&found["converged"], converged, "{name}");
        if converged == &Value::Bool(false) {
            assert!(
                TOLERANCES.iter().all(|(field, _)| found[field].is_null()),
                "{name}"
            );
            continue;
        }
        assert_eq!(found["bus"], expected["bus"], "{name}");
        assert_eq!(found["slack_bus"], expected["slack_bus"], "{name}");
        let islands = expected.get("islands").cloned().unwrap_or(json!([]));
        assert_eq!(found["islands"], islands, "{name}");
        for (field, tolerance) in TOLERANCES {
            if let Some(expected) = expected.get(field) {
                compare(
                    &found[field],
                    expected,
                    tolerance,
                    &format!("{name} {field}"),
                );
            }
        }
    }
}

fn compare(found: &Value, expected: &Value, tolerance: f64, place: &str) {
    match (found, expected) {
        (Value::Array(found), Value::Array(expected)) => {
            assert_eq!(found.len(), expected.len(), "{place}");
            for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
                compare(found, expected, tolerance, &format!("{place}[{i}]"));
            }
        }
        (Value::Number(a), Value::Number(b)) => {
            let error = (a.as_f64().unwrap() - b.as_f64().unwrap()).abs();
            assert!(error <= tolerance, "{place}: {found}, expected {expected}");
        }
        _ => assert_eq!(found, expected, "{place}"),
    }
}

/// Numbers in 0..1, the same in every run.
struct Chance(u64);

impl Chance {
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Moves every load by up to this share of it.
fn vary(flow: &mut PowerFlow, case: &Case, share: f64, chance: &mut Chance) {
    for (i, (bus, [p_mw, q_mvar])) in case.buses.iter().zip(case.generation()).enumerate() {
        let load = 1.0 + share * (2.0 * chance.next() - 1.0);
        flow.set_power(i, p_mw - load * bus.pd_mw, q_mvar - load * bus.qd_mvar);
    }
}

fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

#[test]
fn warm_solves_agree_with_exact_ones() {
    for name in [
        "default5",
        "case9",
        "case30",
        "case118",
        "outages",
        "islands",
        "case2869pegase",
    ] {
        for share in [0.01, 0.3] {
            let case = case(name);
            let mut warm = PowerFlow::new(&case).unwrap();
            let mut exact = warm.clone();
            let (mut chance, mut same) = (Chance(1), Chance(1));
            for tick in 0..20 {
                vary(&mut warm, &case, share, &mut chance);
                vary(&mut exact, &case, share, &mut same);
                let solved = warm.solve().unwrap();
                assert!(solved.mismatch_pu < 1e-8, "{name} {tick}: {solved:?}");
                exact.solve_exactly().unwrap();
                let vm = largest_difference(warm.vm_pu(), exact.vm_pu());
                let va = largest_difference(warm.va_rad(), exact.va_rad());
                assert!(
                    vm <= 1e-7 && va.to_degrees() <= 1e-5,
                    "{name} {tick}: {vm:e} {va:e}"
                );
            }
        }
    }
}

#[test]
fn a_sequence_is_solved_tick_by_tick() {
    let case = value("case14", "case.json");
    let buses = case["bus"].as_array().unwrap().clone();
    let column = |i: usize, scale: f64| -> Vec<f64> {
        buses
            .iter()
            .map(|bus| bus[i].as_f64().unwrap() * scale)
            .collect()
    };
    let scales = [1.0, 1.01, 0.6, 1.0];
    let ticks: Vec<Value> = scales
        .iter()
        .map(|&scale| json!({ "Pd": column(2, scale), "Qd": column(3, scale) }))
        .collect();
    let found = physics::answer("sequence", &json!({ "case": case, "ticks": ticks })).unwrap();
    for (tick, scale) in found["ticks"].as_array().unwrap().iter().zip(scales) {
        let mut scaled = case.clone();
        for bus in scaled["bus"].as_array_mut().unwrap() {
            bus[2] = json!(bus[2].as_f64().unwrap() * scale);
            bus[3] = json!(bus[3].as_f64().unwrap() * scale);
        }
        let expected = physics::answer("powerflow", &scaled).unwrap();
        compare(&tick["vm_pu"], &expected["vm_pu"], 1e-7, "vm_pu");
        compare(
            &tick["va_degree"],
            &expected["va_degree"],
            1e-5,
            "va_degree",
        );
        assert!(tick["solve_us"].as_f64().unwrap() > 0.0);
        assert!(tick["iterations"].as_u64().unwrap() < 10);
    }
    let short = json!({ "case": case, "ticks": [{ "Pd": [1.0], "Qd": [1.0] }] });
    let error = physics::answer("sequence", &short).unwrap_err().to_string();
    assert_eq!(
        error,
        "ticks[0].Pd: must be a list with a number for each bus"
    );
}

#[test]
fn the_same_inputs_and_voltages_continue_with_the_same_bits() {
    let case = case("case118");
    let inputs = |flow: &mut PowerFlow, tick: u64| {
        vary(flow, &case, 0.02, &mut Chance(tick));
        flow.set_load_model(1.0, 1.8, &[0.98; 118]);
        flow.set_load(20, 15.0, 4.0);
        flow.set_fault_shunt(50, 0.0, if tick % 7 < 2 { -8.0 } else { 0.0 });
        flow.set_branch(30, tick % 11 < 5);
        flow.set_held(9, tick < 12);
    };
    let mut first = PowerFlow::new(&case).unwrap();
    for tick in 0..25 {
        let mut second = PowerFlow::new(&case).unwrap();
        inputs(&mut second, tick);
        second.set_voltages(first.vm_pu(), first.va_rad());
        inputs(&mut first, tick);
        assert_eq!(first.solve().unwrap(), second.solve().unwrap(), "{tick}");
        let bits = |flow: &PowerFlow| -> Vec<u64> {
            let (mut p, mut q) = (vec![0.0; 118], vec![0.0; 118]);
            flow.injections(&mut p, &mut q);
            let voltages = flow.vm_pu().iter().chain(flow.va_rad());
            voltages
                .chain(&p)
                .chain(&q)
                .map(|value| value.to_bits())
                .collect()
        };
        assert!(bits(&first) == bits(&second), "{tick}");
    }
}

#[test]
fn a_failed_solve_leaves_the_last_solution() {
    let case = case("default5");
    let mut flow = PowerFlow::new(&case).unwrap();
    flow.solve().unwrap();
    let before = (flow.vm_pu().to_vec(), flow.va_rad().to_vec());
    for p_mw in [-1e6, f64::NAN, f64::INFINITY] {
        flow.set_power(4, p_mw, 0.0);
        assert!(
            matches!(flow.solve(), Err(PowerFlowError::NotConverged { .. })),
            "{p_mw}"
        );
        assert_eq!(
            (flow.vm_pu(), flow.va_rad()),
            (&before.0[..], &before.1[..])
        );
    }
    flow.set_power(4, -55.0, -18.0);
    flow.solve().unwrap();
    assert!(largest_difference(flow.vm_pu(), &before.0) < 1e-8);
}

/// From the sagged voltages of a fault, Newton's method often ends at the low one of two solutions.
#[test]
fn voltages_return_after_a_fault() {
    for name in ["default5", "case14"] {
        let case = case(name);
        let mut flow = PowerFlow::new(&case).unwrap();
        flow.solve_exactly().unwrap();
        let before = flow.vm_pu().to_vec();
        let mut faults = 0;
        for bus in 0..case.buses.len() {
            for b_pu in [1.0, 3.0, 10.0, 30.0, 60.0] {
                flow.set_fault_shunt(bus, 0.0, -b_pu);
                faults += usize::from(flow.solve().is_ok());
                flow.set_fault_shunt(bus, 0.0, 0.0);
                flow.solve_exactly().unwrap();
                let change = largest_difference(flow.vm_pu(), &before);
                assert!(change < 1e-8, "{name}: bus {bus}, {b_pu} p.u.: {change}");
            }
        }
        assert!(faults > 15, "{name}: {faults}");
    }
}

/// The diagonal of the inverse of the admittance matrix among the buses that are not held, by numpy 2.4.6.
const THEVENIN: [(usize, f64, f64); 3] = [
    (2, 0.004_002_358_188_435_496, 0.027_989_480_996_421_755),
    (3, 0.005_858_805_981_652_121, 0.072_284_018_323_965_78),
    (4, 0.005_156_546_692_440_088, 0.075_748_727_164_778_12),
];

#[test]
fn thevenin_impedances() {
    let mut flow = PowerFlow::new(&case("default5")).unwrap();
    assert_eq!(flow.thevenin(0), None);
    assert_eq!(flow.thevenin(1), None);
    for (bus, r, x) in THEVENIN {
        let found = flow.thevenin(bus).unwrap();
        assert!(
            (found.0 - r).abs() < 1e-12 && (found.1 - x).abs() < 1e-12,
            "{bus}: {found:?}"
        );
    }
    flow.set_held(1, false);
    assert!(flow.thevenin(1).is_some());
}

#[test]
fn injections_follow_the_voltage_as_they_should() {
    let case = case("default5");
    let mut flow = PowerFlow::new(&case).unwrap();
    let v0 = [1.0, 1.0, 0.99, 1.0, 1.01];
    flow.set_load_model(1.0, 1.8, &v0);
    flow.set_power(2, 5.0, 1.0);
    flow.set_load(2, 90.0, 30.0);
    flow.set_current(3, -60.0, -20.0);
    flow.set_power(3, 0.0, 0.0);
    flow.set_fault_shunt(4, 0.3, -0.5);
    flow.solve_exactly().unwrap();
    let (mut p_mw, mut q_mvar) = ([0.0; 5], [0.0; 5]);
    flow.injections(&mut p_mw, &mut q_mvar);
    let vm = flow.vm_pu();
    let expected = [
        (
            2,
            5.0 - 90.0 * vm[2] / 0.99,
            1.0 - 30.0 * maths::pow(vm[2] / 0.99, 1.8),
        ),
        (3, -60.0 * vm[3], -20.0 * vm[3]),
        (
            4,
            -55.0 - 30.0 * vm[4] * vm[4],
            -18.0 - 50.0 * vm[4] * vm[4],
        ),
    ];
    for (bus, p, q) in expected {
        assert!((p_mw[bus] - p).abs() < 1e-8, "{bus}: {} {p}", p_mw[bus]);
        assert!((q_mvar[bus] - q).abs() < 1e-8, "{bus}: {} {q}", q_mvar[bus]);
    }
    assert!((p_mw.iter().sum::<f64>() - flow.loss_mw()).abs() < 1e-9);
}

#[test]
fn switching_cuts_off_and_brings_back() {
    let case = case("default5");
    let mut flow = PowerFlow::new(&case).unwrap();
    flow.solve_exactly().unwrap();
    let before = flow.vm_pu().to_vec();
    flow.set_branch(4, false);
    flow.set_branch(5, false);
    assert_eq!(flow.islands(), [vec![4]]);
    flow.solve().unwrap();
    assert!(!flow.energised(4) && flow.energised(3));
    assert_eq!((flow.vm_pu()[4], flow.va_rad()[4]), (0.0, 0.0));
    let flows: Vec<_> = flow.flows().collect();
    assert_eq!(flows[4], gridcast::powerflow::Flow::default());
    let (mut p_mw, mut q_mvar) = ([1.0; 5], [1.0; 5]);
    flow.injections(&mut p_mw, &mut q_mvar);
    assert_eq!((p_mw[4], q_mvar[4]), (0.0, 0.0));
    flow.set_branch(4, true);
    flow.set_branch(5, true);
    assert!(flow.islands().is_empty());
    flow.solve_exactly().unwrap();
    assert!(largest_difference(flow.vm_pu(), &before) < 1e-10);
}

#[test]
fn set_points_hold_only_where_a_bus_is_held() {
    let case = case("default5");
    let mut flow = PowerFlow::new(&case).unwrap();
    flow.set_voltage(1, 1.03);
    flow.solve().unwrap();
    assert!((flow.vm_pu()[1] - 1.03).abs() < 1e-15);
    flow.set_held(1, false);
    flow.solve_exactly().unwrap();
    assert!(flow.vm_pu()[1] < 1.02);
    let (mut p_mw, mut q_mvar) = ([0.0; 5], [0.0; 5]);
    flow.injections(&mut p_mw, &mut q_mvar);
    assert!((q_mvar[1] + 12.0).abs() < 1e-9, "{q_mvar:?}");
    flow.set_held(0, false);
    flow.set_held(1, true);
    flow.solve().unwrap();
    assert!((flow.vm_pu()[0] - 1.02).abs() < 1e-15 && (flow.vm_pu()[1] - 1.03).abs() < 1e-15);
}

/// Whatever is switched: what comes out is finite and balanced, or it is an error.
#[test]
fn random_switching_leaves_balanced_buses_or_an_error() {
    for name in ["case14", "case30"] {
        let case = case(name);
        let index = |number: u32| {
            case.buses
                .iter()
                .position(|bus| bus.number == number)
                .unwrap()
        };
        let mut flow = PowerFlow::new(&case).unwrap();
        let mut chance = Chance(3);
        let (mut solved, mut cut) = (0, 0);
        for round in 0..200 {
            for branch in 0..case.branches.len() {
                flow.set_branch(branch, chance.next() > 0.1);
            }
            vary(&mut flow, &case, 0.0, &mut chance);
            if flow.solve().is_err() {
                continue;
            }
            solved += 1;
            cut += flow.islands().len();
            let buses = case.buses.len();
            let (mut p_mw, mut q_mvar) = (vec![0.0; buses], vec![0.0; buses]);
            flow.injections(&mut p_mw, &mut q_mvar);
            let mut left = p_mw.clone();
            for (branch, ends) in case.branches.iter().zip(flow.flows()) {
                left[index(branch.from)] -= ends.p_from_mw;
                left[index(branch.to)] -= ends.p_to_mw;
            }
            for (i, (bus, [pg_mw, _])) in case.buses.iter().zip(case.generation()).enumerate() {
                let vm = flow.vm_pu()[i];
                assert_eq!(vm > 0.0, flow.energised(i), "{name} {round}: {vm}");
                assert!(
                    (left[i] - bus.gs_mw * vm * vm).abs() < 1e-9,
                    "{name} {round} {i}"
                );
                let given = if flow.energised(i) {
                    pg_mw - bus.pd_mw
                } else {
                    0.0
                };
                let slack = flow.slack_buses().any(|slack| slack == i);
                assert!(
                    slack || (p_mw[i] - given).abs() < 1e-6,
                    "{name} {round} {i}"
                );
            }
        }
        assert!(
            solved > 100 && cut > 20,
            "{name}: {solved} solved, {cut} islands"
        );
    }
}
