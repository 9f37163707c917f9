use std::fmt::Write;

use proptest::prelude::*;
use serde_json::json;

use crate::powerflow::Case;

const SMALL: &str = "\
function mpc = small_case  % a comment with [ and '
%{
mpc.bus = [ this is a comment ];
%}
mpc.version = '2'; names = {'a;b', 'it''s'; \"x]\" , 1}; d = [1 2; 3 4]';
mpc.baseMVA = 100;
if true, disp('no [ matrix'); end
mpc.bus = [ % number, type
\t10, 3, 0, 0, 0, 0, 1, 1.02, 0, 220, 1, 1.1, .9; 7 1 50 10 ...  the rest follows
\t0 19.5 1 1.0 -1.5e0 110 1 Inf -Inf

];
mpc.gen = [10 20 0 Inf -Inf 1.02 100 1 250 0];
mpc.branch = [
\t10\t7\t0.01\t0.1\t+0.02\t0\t0\t0\t0.975\t-30\t1;
\t10\t7\t0\t0\t0\t0\t0\t0\t0\t0\t0
];
mpc.gencost = [2 0 0 3 0.1 5 0];
";

#[test]
fn reads_what_matpower_writes() {
    let case = Case::from_matpower(SMALL).unwrap();
    assert_eq!((case.name.as_str(), case.base_mva), ("small_case", 100.0));
    let json = json!({
        "name": "small_case", "baseMVA": 100,
        "bus": [
            [10, 3, 0, 0, 0, 0, 1, 1.02, 0, 220, 1, 1.1, 0.9],
            [7, 1, 50, 10, 0, 19.5, 1, 1, -1.5, 110, 1, 1.1, 0.9],
        ],
        "gen": [[10, 20, 0, 1e9, -1e9, 1.02, 100, 1, 250, 0]],
        "branch": [
            [10, 7, 0.01, 0.1, 0.02, 0, 0, 0, 0.975, -30, 1],
            [10, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ],
    });
    let mut expected = Case::from_value(&json).unwrap();
    expected.buses[1].vmax_pu = f64::INFINITY;
    expected.buses[1].vmin_pu = f64::NEG_INFINITY;
    expected.generators[0].qmax_mvar = f64::INFINITY;
    expected.generators[0].qmin_mvar = f64::NEG_INFINITY;
    assert_eq!(case, expected);
}

fn problems(text: &str) -> Vec<String> {
    let errors = Case::from_matpower(text).unwrap_err();
    errors.0.iter().map(ToString::to_string).collect()
}

#[test]
fn names_every_problem_with_its_place() {
    let text = "mpc.baseMVA = 0;\nmpc.bus = [\n 1 1 0 0 0 0 1 1 0 220;\n 1 5 NaN 0 0 0 1 1 0 220;\n 2 1 0;\n];\n\
                mpc.gen = [9 0 0 0 0 1 100 1];\nmpc.branch = [1 2 0 0 0 0 0 0 x 0 1];\nmpc.branch(1, 3) = 2;\n";
    assert_eq!(
        problems(text),
        [
            "line 8, column 31: `x` is not a number",
            "line 9, column 11: cannot follow a change to a part of branch",
            "bus row 2, column 2 (type) (line 4): is 5, must be 1 (PQ), 2 (PV), 3 (slack) or 4 (isolated)",
            "bus row 3 (line 5): has 3 columns, must have at least 10",
            "baseMVA: is 0, must be a number above 0",
            "bus row 2, column 1 (bus_i) (line 4): bus 1 is there already, in row 1",
            "bus row 2, column 3 (Pd) (line 4): is NaN, must be a finite number",
            "case: has no slack bus: give one bus type 3",
            "gen row 1, column 1 (bus) (line 7): bus 9 does not exist",
            "branch row 1 (line 8): the branch from bus 1 to bus 2 has no impedance: merge the buses or give it some",
        ]
    );
    assert_eq!(
        problems("mpc.bus = [1 2"),
        [
            "line 1, column 11: the matrix has no end",
            "baseMVA: is missing",
            "bus: is missing",
            "gen: is missing",
            "branch: is missing",
            "case: has no slack bus: give one bus type 3",
        ]
    );
}

fn written(case: &serde_json::Value, separator: &str, end: &str) -> String {
    let mut text = format!("function mpc = c\nmpc.baseMVA = {};\n", case["baseMVA"]);
    for table in ["bus", "gen", "branch"] {
        let row = |row: &serde_json::Value| {
            let numbers = row.as_array().unwrap().iter().map(ToString::to_string);
            numbers.collect::<Vec<_>>().join(separator)
        };
        let rows: Vec<String> = case[table].as_array().unwrap().iter().map(row).collect();
        writeln!(text, "mpc.{table} = [{}];", rows.join(end)).unwrap();
    }
    text
}

proptest! {
    #[test]
    fn both_forms_of_a_case_read_the_same(
        values in prop::collection::vec(-1e3..1e3_f64, 12),
        separator in prop::sample::select(vec![" ", ",", "\t, ", " ...\n"]),
        end in prop::sample::select(vec![";", "\n", ";\n", " ; % comment\n"]),
    ) {
        let v = &values;
        let case = json!({
            "name": "c", "baseMVA": 100,
            "bus": [
                [5, 3, v[0], v[1], v[2], v[3], 1, 1.0, v[4], 220, 1, 1.1, 0.9],
                [2, 1, v[5], v[6], v[7], v[8], 1, 1.0, v[9], 110, 1, 1.1, 0.9],
            ],
            "gen": [[5, v[10], 0, 10, -10, 1.02, 100, 1, 250, 0]],
            "branch": [[5, 2, 0.01, 0.1, v[11], 0, 0, 0, 0, 0, 1]],
        });
        let text = written(&case, separator, end);
        prop_assert_eq!(Case::from_matpower(&text), Case::from_value(&case), "{}", text);
    }

    #[test]
    fn no_text_makes_it_panic(text in "(mpc\\.|bus|gen|branch|baseMVA|=|\\[|\\]|;|\n|%\\{|%|'|\"|\\.\\.\\.|[0-9.eE+-]{1,4}|[ (){},]|\\PC){0,60}") {
        let _ = Case::from_matpower(&text);
    }

    #[test]
    fn no_damage_makes_it_panic(at in 0..SMALL.len(), length in 0..40_usize, new in "\\PC{0,5}") {
        let end = (at + length).min(SMALL.len());
        let text = format!("{}{new}{}", &SMALL[..at], &SMALL[end..]);
        if let Ok(case) = Case::from_matpower(&text) {
            let mut flow = crate::powerflow::PowerFlow::new(&case).unwrap();
            if flow.solve().is_ok() {
                prop_assert!(flow.vm_pu().iter().all(|vm| vm.is_finite()));
            }
        }
    }
}
