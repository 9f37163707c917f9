//! Reads a case from JSON: `baseMVA`, and `bus`, `gen`, `branch` as rows of numbers with MATPOWER's
//! columns. Other keys are left alone.

use serde_json::Value;

use super::{
    case::Case,
    problem::{CaseErrors, Fault, Place, Problems, Table},
    table::{Rows, Tables},
};

impl Case {
    /// Reads a case from JSON text.
    ///
    /// # Errors
    /// All problems found.
    pub fn from_json(text: &str) -> Result<Self, CaseErrors> {
        match serde_json::from_str(text) {
            Ok(value) => Self::from_value(&value),
            Err(error) => {
                let mut found = Problems::default();
                let place = Place::Text {
                    line: error.line(),
                    column: error.column(),
                };
                found.push(place, Fault::Syntax(format!("no JSON: {error}")));
                Tables::default().into_case(found)
            }
        }
    }

    /// Reads a case from JSON.
    ///
    /// # Errors
    /// All problems found.
    pub fn from_value(value: &Value) -> Result<Self, CaseErrors> {
        let mut found = Problems::default();
        let mut tables = Tables::default();
        if let Some(name) = value.get("name").and_then(Value::as_str) {
            name.clone_into(&mut tables.name);
        }
        match value.get("baseMVA") {
            None => found.push(Place::Field("baseMVA"), Fault::Missing),
            Some(base) => match base.as_f64() {
                Some(base) => tables.base_mva = Some(base),
                None => found.push(Place::Field("baseMVA"), Fault::Expected("a number")),
            },
        }
        tables.bus = rows(value, Table::Bus, &mut found);
        tables.generator = rows(value, Table::Gen, &mut found);
        tables.branch = rows(value, Table::Branch, &mut found);
        tables.into_case(found)
    }
}

fn rows(case: &Value, table: Table, found: &mut Problems) -> Option<Rows> {
    let place = Place::Field(table.name());
    let Some(value) = case.get(table.name()) else {
        found.push(place, Fault::Missing);
        return None;
    };
    let Some(list) = value.as_array() else {
        found.push(place, Fault::Expected("a list of rows"));
        return None;
    };
    let mut rows = Rows::default();
    let mut sound = true;
    for (i, row) in list.iter().enumerate() {
        let at = |column| Place::Row {
            table,
            row: i + 1,
            column,
        };
        if let Some(values) = row.as_array() {
            for (j, value) in values.iter().enumerate() {
                rows.values.push(value.as_f64().unwrap_or_else(|| {
                    found.push(at(j + 1), Fault::Expected("a number"));
                    f64::NAN
                }));
            }
            rows.end_row(None);
        } else {
            found.push(at(0), Fault::Expected("a list of numbers"));
            sound = false;
        }
    }
    sound.then_some(rows)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn problems(value: &Value) -> Vec<String> {
        let errors = Case::from_value(value).unwrap_err();
        errors.0.iter().map(ToString::to_string).collect()
    }

    fn small() -> Value {
        json!({
            "baseMVA": 100, "origin": "elsewhere",
            "bus": [[1, 3, 0, 0, 0, 0, 1, 1, 0, 220], [2, 1, 10, 5, 0, 0, 1, 1, 0, 220]],
            "gen": [[1, 0, 0, 0, 0, 1.01, 100, 1]],
            "branch": [[1, 2, 0.01, 0.1, 0, 0, 0, 0, 0, 0, 1]],
        })
    }

    #[test]
    fn other_keys_and_columns_do_not_matter() {
        let case = Case::from_value(&small()).unwrap();
        let mut more = small();
        more["extra"] = json!({ "a": [null] });
        more["gen"][0].as_array_mut().unwrap().extend([
            json!(1e9),
            json!(-1e9),
            json!(0),
            json!(0),
        ]);
        let mut expected = case;
        expected.generators[0].pmax_mw = 1e9;
        expected.generators[0].pmin_mw = -1e9;
        assert_eq!(Case::from_value(&more), Ok(expected));
    }

    #[test]
    fn names_every_problem_with_its_place() {
        let mut case = small();
        case["baseMVA"] = json!("100");
        case["bus"][0][0] = json!(1.5);
        case["bus"][1][2] = json!("much");
        case["bus"][1][7] = json!(0);
        case["gen"][0] = json!(7);
        case["branch"] = json!([
            [2, 2, 0.1, 0.1, 0, 0, 0, 0, 0, 0, 1],
            [2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 1]
        ]);
        assert_eq!(
            problems(&case),
            [
                "baseMVA: must be a number",
                "bus row 2, column 3 (Pd): must be a number",
                "gen row 1: must be a list of numbers",
                "bus row 1, column 1 (bus_i): is 1.5, must be a whole number above 0",
            ]
        );
        case["baseMVA"] = json!(100);
        case["gen"] = json!([
            [1, 0, 0, 0, 0, 1.01, 100, 1],
            [1, 0, 0, 0, 0, 1.01, 100, 1, 5]
        ]);
        assert_eq!(
            problems(&case),
            [
                "bus row 2, column 3 (Pd): must be a number",
                "bus row 1, column 1 (bus_i): is 1.5, must be a whole number above 0",
                "gen row 2: has 9 columns, the other rows have 8",
                "bus row 2, column 8 (Vm): is 0, must be a number above 0",
                "branch row 1: the branch starts and ends at bus 2",
                "branch row 2, column 2 (tbus): bus 3 does not exist",
                "branch row 2: the branch from bus 2 to bus 3 has no impedance: merge the buses or give it some",
            ]
        );
        assert_eq!(
            problems(&json!([])),
            [
                "baseMVA: is missing",
                "bus: is missing",
                "gen: is missing",
                "branch: is missing"
            ]
        );
        let text = Case::from_json("{\n\"baseMVA\": }")
            .unwrap_err()
            .to_string();
        assert!(
            text.starts_with("the case cannot be used: line 2, column 12: no JSON:"),
            "{text}"
        );
    }

    #[test]
    fn numbers_that_leave_no_finite_powers_are_refused() {
        let refused = |table: &str, column: usize, value: f64| {
            let mut case = small();
            case[table][0][column] = json!(value);
            problems(&case)
        };
        let too_large = "must be at most 1e12: give it more impedance, or a ratio nearer to 1";
        assert_eq!(
            refused("branch", 8, 1e-7),
            [format!(
                "branch row 1: its admittance is 9.90e14 p.u., {too_large}"
            )]
        );
        assert!(refused("branch", 8, 1e-300)[0].ends_with(too_large));
        let mut thin = small();
        (thin["branch"][0][2], thin["branch"][0][3]) = (json!(1e-200), json!(0));
        assert!(problems(&thin)[0].ends_with(too_large));
        assert_eq!(
            refused("bus", 7, 1e200),
            ["bus row 1, column 8 (Vm): is 1e200, must be above 0 and at most 1e12"]
        );
        assert_eq!(
            refused("bus", 2, 1e308),
            ["bus row 1, column 3 (Pd): is 1e308, must be between -1e12 and 1e12"]
        );
        let mut case = small();
        case["baseMVA"] = json!(1e-300);
        assert_eq!(
            problems(&case),
            ["baseMVA: is 1e-300, must be between 1e-6 and 1e12"]
        );
    }

    proptest! {
        #[test]
        fn no_value_makes_it_panic(
            table in prop::sample::select(vec!["bus", "gen", "branch"]),
            row in 0..2_usize,
            column in 0..11_usize,
            new in prop::sample::select(vec![
                json!(null), json!("x"), json!(-1), json!(0), json!(1), json!(2), json!(3), json!(1e300), json!(-1e-300),
                json!([]), json!(true),
            ]),
        ) {
            let mut case = small();
            if let Some(value) = case[table].get_mut(row).and_then(|row| row.get_mut(column)) {
                *value = new;
            }
            if let Ok(case) = Case::from_value(&case) {
                let mut flow = crate::powerflow::PowerFlow::new(&case).unwrap();
                if flow.solve().is_ok() {
                    prop_assert!(flow.vm_pu().iter().all(|vm| vm.is_finite()));
                }
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}") {
            let _ = Case::from_json(&text);
        }
    }
}
