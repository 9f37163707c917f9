use std::fmt::Write;

use proptest::prelude::*;
use serde_json::json;

use crate::powerflow::Case;

/// What files with other units than MATPOWER's do.
const UNITS: &str = "[PQ, PV, REF, NONE, BUS_I, BUS_TYPE, PD, QD, GS, BS, ...
    BUS_AREA, VM, VA, BASE_KV] = idx_bus;
[F_BUS, T_BUS, BR_R, BR_X] = idx_brch;
Vbase = mpc.bus(1, BASE_KV) * 1e3; Sbase = mpc.baseMVA * 1e6;
mpc.branch(:, [BR_R BR_X]) = mpc.branch(:, [BR_R BR_X]) / (Vbase^2 / Sbase);
pf = 0.85; fixed = 0;
mpc.bus(:, QD) = mpc.bus(:, PD) * sin(acos(pf));
if fixed
    k = find(isinf(mpc.gen(:, 4)) & ...
        1); mpc.gen(k, 4) = 3;
elseif pf == 0.85, mpc.bus(2, 1:3) = [2 1 60/sqrt(3)]; end
";

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
            "line 8, column 31: `x` has no value here",
            "bus row 2, column 2 (type) (line 4): is 5, must be 1 (PQ), 2 (PV), 3 (slack) or 4 (isolated)",
            "bus row 3 (line 5): has 3 columns, the other rows have 10",
        ]
    );
    let text = text
        .replace(" x ", " 0 ")
        .replace("(1, 3) = 2", "(1, 3) = 0");
    assert_eq!(
        problems(&text.replace(" 2 1 0;\n", "")),
        [
            "bus row 2, column 2 (type) (line 4): is 5, must be 1 (PQ), 2 (PV), 3 (slack) or 4 (isolated)",
            "baseMVA: is 0, must be a number above 0",
            "bus row 2, column 1 (bus_i) (line 4): bus 1 is there already, in row 1",
            "bus row 2, column 3 (Pd) (line 4): is NaN, must be a finite number",
            "case: has no slack bus: give one bus type 3",
            "gen row 1, column 1 (bus) (line 6): bus 9 does not exist",
            "branch row 1, column 2 (tbus) (line 7): bus 2 does not exist",
            "branch row 1 (line 7): the branch from bus 1 to bus 2 has no impedance: merge the buses or give it some",
        ]
    );
    assert_eq!(
        problems("mpc.bus = [1 2"),
        ["line 1, column 11: the matrix has no end"]
    );
    let missing = ["baseMVA", "bus", "gen", "branch"].map(|name| format!("{name}: is missing"));
    for text in ["", "function mpc = c\nbus = [1 2];\n", "function c\n"] {
        assert_eq!(problems(text), missing, "{text}");
    }
    assert_eq!(
        problems("mpc.baseMVA = 'x'; mpc.bus = {1}; mpc.gen = [1 2\n3]; mpc.branch = 7;"),
        [
            "baseMVA: must be a number",
            "bus: must be a matrix of numbers",
            "gen row 1 (line 1): has 2 columns, must have at least 8",
            "gen row 2 (line 2): has 1 columns, the other rows have 2",
            "branch row 1: has 1 columns, must have at least 11",
        ]
    );
}

/// A case of two buses, the load at the second 50 MW, and these statements behind its tables.
fn with(statements: &str) -> String {
    format!(
        "function mpc = c\nmpc.version = '2';\nmpc.baseMVA = 100;\n\
         mpc.bus = [\n1 3 0 0 0 0 1 1 0 110 1 1.1 0.9;\n2 1 50 10 0 0 1 1 0 110 1 1.1 0.9;\n];\n\
         mpc.gen = [1 80 0 99 -99 1.02 100 1 250 0];\n\
         mpc.branch = [1 2 0.01 0.1 0.02 0 0 0 0 0 1];\n{statements}"
    )
}

/// The first line behind the tables.
const LINE: usize = 10;

#[test]
fn statements_change_the_tables() {
    for (statements, pd_mw) in [
        ("", 50.0),
        ("mpc.bus(2, 3) = 7;", 7.0),
        ("x = 1, mpc.bus(2,3) = 100", 100.0),
        ("x = 1; if x mpc.bus(2,3) = 3; end", 3.0),
        (
            "x = 1; if x == 2, mpc.bus(2,3) = 3; else, mpc.bus(2,3) = 4; end",
            4.0,
        ),
        (
            "x = 2; if x == 1\nelseif x > 1\nmpc.bus(2,3) = 5;\nelse\nmpc.bus(2,3) = 6;\nend",
            5.0,
        ),
        (
            "if 0\nif 1\nmpc.bus(2,3) = 5;\nend\nfor k = 1:3 mpc.bus = []; end\nend",
            50.0,
        ),
        ("if false, return, end, mpc.bus(2,3) = 8;", 8.0),
        ("mpc.bus(2,3) = 9; return; mpc.bus(2,3) = 8;", 9.0),
        ("mpc.bus(:, 3) = mpc.bus(:, 3) * 2;", 100.0),
        ("mpc.bus(:, [3 4]) = mpc.bus(:, [3, 4]) / 1e3;", 0.05),
        ("mpc.bus(:, 3:4) = -mpc.bus(:, 3:4);", -50.0),
        ("mpc.bus(2, :) = mpc.bus(2, :) + 0;", 50.0),
        (
            "[a, b, c, d, e, f, P] = idx_bus;\nmpc.bus(2, P) = 2^3^2 - -2^2;",
            68.0,
        ),
        ("[a, ~, P] = idx_brch; mpc.bus(2, P) = 2^-1;", 0.5),
        (
            "define_constants; mpc.bus(:, PD) = mpc.bus(:, QD) * sin(acos(0.6));",
            8.0,
        ),
        ("m = mpc; m.bus(2, 3) = 1; m.bus(2, 3) = 2;", 50.0),
        ("m = mpc; m.bus(2, 3) = 1; mpc = m;", 1.0),
        ("bus = mpc.bus; bus(2, 3) = 4 - 1; mpc.bus = bus;", 3.0),
        ("v = [3 - 1, 3 -1, 3-1]; mpc.bus(2, 3) = v(3);", -1.0),
        ("v = [1 2; 3 4]'; mpc.bus(2, 3) = v(2, 1);", 2.0),
        ("v = [1;2;3]; v(2) = 8; mpc.bus(2, 3) = v(2);", 8.0),
        (
            "mpc.bus = mpc.bus .* [1 1 1 1 1 1 1 1 1 1 1 1 1; 1 1 2 1 1 1 1 1 1 1 1 1 1];",
            100.0,
        ),
        ("mpc.bus(2, 3) = 1.5d1 + 3.*2 + .5e1 + 1e-0;", 27.0),
        ("mpc.bus(2, 3) = ... a comment\n 5;", 5.0),
        ("x = 3; %{\nmpc.bus(2, 3) = x;\n%}", 3.0),
        ("%{\nmpc.bus(2, 3) = 3;\n%{\n%}\n%}", 50.0),
        ("% mpc.bus(2, 3) = 3;\n# mpc.bus(2, 3) = 3;", 50.0),
        ("fprintf('%d; [\\n', mpc.bus'), mpc.bus(2, 3) = 4;", 4.0),
        (
            "disp 'mpc.bus(2, 3) = 4'; x.y = mpc.bus'; mpc.bus(2, 3) = 6;",
            6.0,
        ),
        (
            "mpc.bus_name = {'a;b'; 'it''s'}; mpc.gencost = [1 2; 3]; mpc.if = struct('a', [1 2]);",
            50.0,
        ),
        ("for k = 1:2, mpc.bus_name{k} = 'x'; y(k) = k; end", 50.0),
        (
            "try, x = 1; catch err, disp(err.message), end; x = @(a) a + 1; s = \"a 'b\";",
            50.0,
        ),
        (
            "if nargin > 1, x = 2; else x = 3; end, mpc.extra = x;",
            50.0,
        ),
        (
            "if nargin > 1, mpc.bus(2, 3) = 2; end, mpc.bus = [1 3 0 0 0 0 1 1 0 1; 2 1 9 0 0 0 1 1 0 1];",
            9.0,
        ),
        (
            "function r = f(x)\nbus = [1 2 3]; r = bus'; if x, mpc.bus = 3; end",
            50.0,
        ),
        (
            "end\nfunction r = f(x)\nmpc.bus = [1 2 3];\nif x, r = 'end'; end\nend\n",
            50.0,
        ),
    ] {
        let case = Case::from_matpower(with(statements))
            .unwrap_or_else(|error| panic!("{statements}: {error}"));
        let found = case.buses[1].pd_mw;
        assert!((found - pd_mw).abs() < 1e-12, "{statements}: {found}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn statements_that_may_change_the_case_are_refused() {
    for (statements, column, words) in [
        (
            "mpc = scale_load(2, mpc);",
            7,
            "`scale_load` is not computed here",
        ),
        (
            "mpc.bus(2, 3) = rand(1);",
            17,
            "`rand` is not computed here",
        ),
        (
            "x = 1; x = f(2); mpc.bus(2,3) = x;",
            12,
            "`f` is not computed here",
        ),
        (
            "[mpc.bus(2,3), q] = deal(100, 1);",
            21,
            "outputs of functions",
        ),
        ("[mpc.bus, q] = idx_bus(3);", 16, "outputs of functions"),
        (
            "eval('mpc.bus(2,3) = 1;');",
            1,
            "cannot follow what `eval` does",
        ),
        (
            "x = eval('mpc.bus(2,3) = 1;');",
            5,
            "`eval` may change any variable",
        ),
        (
            "x = cellfun(@(k) evalin('caller', k), {'a'});",
            18,
            "`evalin` may change any variable",
        ),
        ("load('other.mat');", 1, "cannot follow what `load` does"),
        ("my_script", 1, "cannot follow what `my_script` does"),
        ("clear mpc", 1, "cannot follow what `clear` does"),
        ("global mpc", 1, "cannot follow `global` here"),
        (
            "for k = 1:2 mpc.bus(k,3) = 1; end",
            1,
            "what happens within `for`",
        ),
        (
            "for (k = 1:2) mpc.bus(k,3) = 1; end",
            1,
            "what happens within `for`",
        ),
        (
            "while 1, mpc.bus(2,3) = 1; end",
            1,
            "what happens within `while`",
        ),
        (
            "switch 1, case 1, mpc.bus(2,3) = 1; end",
            1,
            "what happens within `switch`",
        ),
        (
            "try, mpc.bus(2,3) = 1; catch, end",
            1,
            "what happens within `try`",
        ),
        (
            "if nargin > 0, mpc.bus(2,3) = 1; end",
            1,
            "the condition is not evaluated",
        ),
        (
            "if nargin > 0, return; end",
            16,
            "cannot follow `return` here",
        ),
        (
            "if nargin > 0, x = 3; else x = 4; end; mpc.bus(2,3) = x;",
            1,
            "the condition is not evaluated",
        ),
        (
            "mpc.bus(3, :) = mpc.bus(2, :);",
            1,
            "there is no row or column 3",
        ),
        ("mpc.bus(end, 3) = 1;", 9, "`end` is not a value here"),
        (
            "mpc.bus(2, :) = [];",
            1,
            "0 by 0 numbers do not fit into 1 by 13",
        ),
        ("mpc.bus(2, 3) += 5;", 1, "changed by an operator"),
        ("mpc.bus(2, 3)++;", 1, "changed by an operator"),
        ("mpc.bus(:, 3) *= 2;", 1, "changed by an operator"),
        ("x = (mpc.bus(2, 3) = 5);", 20, "expected `)`, found `=`"),
        (
            "mpc.bus(0, 3) = 1;",
            9,
            "a position must be a whole number above 0",
        ),
        (
            "mpc.bus(2, 3) = sqrt(-1);",
            17,
            "the result is not a real number",
        ),
        ("mpc.bus(2, 3) = 2i;", 17, "`2i` is not a number"),
        ("mpc.bus(2, 3) = i;", 17, "`i` has no value here"),
        (
            "mpc.bus(:, 3) = mpc.bus(:, 3) * mpc.bus(:, 3);",
            31,
            "products and quotients of two matrices",
        ),
        ("mpc.('bus') = 3;", 1, "computed names of fields"),
        ("mpc(2).bus = 3;", 1, "a struct within a struct"),
        ("mpc.bus.x = 3;", 1, "a struct within a struct"),
        ("mpc.bus{2} = 3;", 1, "a part of a part"),
        ("mpc.bus(2,3) = 'a';", 1, "what is assigned is not a number"),
        ("mpc.bus(2,3) = [1 2](1);", 21, "is not understood here"),
        (
            "x = \"a\\\"; mpc.bus(2,3) = 1; y = \"\";",
            5,
            "is ambiguous",
        ),
        ("disp('a", 6, "the text in quotes has no end"),
        (
            "disp(3\nmpc.bus(2,3) = 5;)",
            5,
            "the parenthesis has no end",
        ),
        (
            "fprintf(mpc.bus(2,3) = 5);",
            22,
            "an assignment within a statement",
        ),
        ("if 1, mpc.bus(2,3) = 5;", 1, "`if` has no end"),
        ("%{\nmpc.bus(2,3) = 5;", 1, "the comment has no end"),
        (
            "end\nmpc.bus(2,3) = 5;",
            1,
            "nothing but functions may follow here",
        ),
        (
            "function f\nmpc.bus(2,3) = 5; end\nend",
            1,
            "a function within the function",
        ),
        (
            "define_constants; function f = define_constants\nf = 1;",
            19,
            "is defined anew here",
        ),
        ("!rm x", 5, "`x` is not understood here"),
        ("mpc.bus(2,3) = 1 2;", 18, "`2` is not understood here"),
    ] {
        let text = with(statements);
        let found = problems(&text);
        let place = format!(", column {column}: ");
        assert!(
            found.len() == 1 && found[0].contains(words) && found[0].contains(&place),
            "{statements}: {found:?}"
        );
        let line: usize = found[0]["line ".len()..found[0].find(',').unwrap()]
            .parse()
            .unwrap();
        assert!(line == LINE || line == LINE + 1, "{statements}: {found:?}");
    }
}

#[test]
fn lines_end_in_whatever_ends_lines() {
    let text = with("x = 2; % comment\nmpc.bus(2, 3) = x;\n");
    let expected = Case::from_matpower(&text).unwrap();
    for end in ["\r\n", "\r"] {
        assert_eq!(
            Case::from_matpower(text.replace('\n', end)),
            Ok(expected.clone())
        );
        let wrong = text.replace("= x;", "= y;").replace('\n', end);
        assert_eq!(
            problems(&wrong),
            ["line 11, column 17: `y` has no value here"]
        );
    }
    let mut marked = b"\xef\xbb\xbf".to_vec();
    marked.extend(text.bytes());
    assert_eq!(Case::from_matpower(&marked), Ok(expected.clone()));
    let latin1: Vec<u8> = text
        .bytes()
        .flat_map(|byte| {
            if byte == b'%' {
                vec![b'%', 0xe9, 0xff]
            } else {
                vec![byte]
            }
        })
        .collect();
    assert_eq!(Case::from_matpower(&latin1), Ok(expected));
}

#[test]
fn a_function_may_give_the_tables_one_by_one() {
    let text = with("").replace("mpc.", "").replace(
        "function mpc",
        "function [baseMVA, bus, gen, ...\n branch, areas]",
    );
    let mut expected = Case::from_matpower(with("")).unwrap();
    assert_eq!(Case::from_matpower(&text), Ok(expected.clone()));
    "".clone_into(&mut expected.name);
    let script = text[text.find("version").unwrap()..].to_owned();
    assert_eq!(Case::from_matpower(&script), Ok(expected));
}

#[test]
fn no_nesting_and_no_size_is_too_much() {
    for piece in [
        "(", "[", "{", "-", "2^", "x(", "a.b.", "if 1\n", "~", "f(", "1:", "[1 -", "'", "...\n",
        "%{\n",
    ] {
        let _ = Case::from_matpower(with(&piece.repeat(100_000)));
        let _ = Case::from_matpower(with(&format!("x = {}", piece.repeat(100_000))));
    }
    let twice = "x = 1:9999999;\n".repeat(3) + &"m = mpc; m.a = 1; y = x';\n".repeat(10_000);
    assert_eq!(Case::from_matpower(with(&twice)).unwrap().buses.len(), 2);
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
    fn no_damage_makes_it_panic(
        units in any::<bool>(),
        at in 0..10_000_usize,
        length in 0..40_usize,
        new in "(\\PC|[\\[\\](){};,'\"%=:^*/+-]|\n|end|if|for|mpc|\\.\\.\\.){0,5}",
    ) {
        let whole = if units { with(UNITS) } else { SMALL.to_owned() };
        let at = at % whole.len();
        let end = (at + length).min(whole.len());
        let text = format!("{}{new}{}", &whole[..at], &whole[end..]);
        if let Ok(case) = Case::from_matpower(&text) {
            let mut flow = crate::powerflow::PowerFlow::new(&case).unwrap();
            if flow.solve().is_ok() {
                prop_assert!(flow.vm_pu().iter().all(|vm| vm.is_finite()));
            }
        }
    }
}
