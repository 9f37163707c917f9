//! Reads a case from JSON: `baseMVA`, and `bus`, `gen`, `branch` as rows of numbers with MATPOWER's
//! columns. Other keys are left alone.

use serde_json::Value;

use super::{
    case::{Case, CaseErrors, Fault, Place, Problems, Table},
    table::{Row, Tables},
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
                Some(base) => tables.base_mva = base,
                None => found.push(Place::Field("baseMVA"), Fault::Expected("a number")),
            },
        }
        tables.bus = rows(value, Table::Bus, &mut found);
        tables.generator = rows(value, Table::Gen, &mut found);
        tables.branch = rows(value, Table::Branch, &mut found);
        tables.into_case(found)
    }
}

fn rows(case: &Value, table: Table, found: &mut Problems) -> Vec<Row> {
    let place = Place::Field(table.name());
    let Some(value) = case.get(table.name()) else {
        found.push(place, Fault::Missing);
        return Vec::new();
    };
    let Some(rows) = value.as_array() else {
        found.push(place, Fault::Expected("a list of rows"));
        return Vec::new();
    };
    let row = |(i, row): (usize, &Value)| Row {
        values: numbers(row, table, i + 1, found),
        line: None,
    };
    rows.iter().enumerate().map(row).collect()
}

fn numbers(row: &Value, table: Table, number: usize, found: &mut Problems) -> Vec<f64> {
    let at = |column| Place::Row {
        table,
        row: number,
        column,
    };
    let Some(values) = row.as_array() else {
        found.push(at(0), Fault::Expected("a list of numbers"));
        return vec![1.0; table.columns().len()];
    };
    let number = |(i, value): (usize, &Value)| {
        value.as_f64().unwrap_or_else(|| {
            found.push(at(i + 1), Fault::Expected("a number"));
            f64::NAN
        })
    };
    values.iter().enumerate().map(number).collect()
}
