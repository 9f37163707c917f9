//! Reads a case from a MATPOWER case file (`.m`).
//!
//! A case file is a program. Many only write their tables down; others convert units afterwards. This
//! evaluates, statement by statement, what such files consist of: numbers and matrices, parts of them
//! by row and column, arithmetic, a few functions of one number, MATPOWER's column numbers and `if`.
//!
//! A statement that is passed over would leave a wrong number behind, so what is not evaluated makes
//! the variables that it assigns to unknown. A case of which anything is unknown is refused, with line
//! and reason, and so is what could change variables that the statement does not name. What touches
//! other variables and fields only, such as `bus_name`, is of no concern.

mod arithmetic;
mod assignment;
mod blocks;
mod columns;
mod cursor;
mod evaluator;
mod expression;
mod functions;
mod index;
mod literal;
mod number;
mod operand;
mod refusal;
mod skip;
mod statement;
#[cfg(test)]
mod tests;
mod value;

use std::rc::Rc;

use self::{evaluator::Evaluator, refusal::Refusal, value::Value};
use super::{
    case::Case,
    problem::{CaseErrors, Fault, Place, Problems, Table},
    table::{Rows, Tables},
};

impl Case {
    /// Reads a case from a MATPOWER case file, version 1 or 2. Comments and texts may hold any bytes.
    ///
    /// # Errors
    /// All problems found.
    pub fn from_matpower(text: impl AsRef<[u8]>) -> Result<Self, CaseErrors> {
        let mut evaluator = Evaluator::new(text.as_ref());
        let mut found = Problems::default();
        if let Err(refusal) = evaluator.run() {
            refuse(&refusal, &mut found);
            return Tables::default().into_case(found);
        }
        tables(&evaluator, &mut found).into_case(found)
    }
}

const NAMES: [&str; 4] = ["baseMVA", "bus", "gen", "branch"];

fn tables(evaluator: &Evaluator<'_>, found: &mut Problems) -> Tables {
    let fields = match given(evaluator) {
        Ok(fields) => fields,
        Err(refusal) => {
            refuse(&refusal, found);
            return Tables::default();
        }
    };
    let [base_mva, bus, generator, branch] = fields;
    Tables {
        name: match &evaluator.header {
            Some(header) => header.name.clone(),
            None => String::new(),
        },
        base_mva: number(base_mva, found),
        bus: rows(bus, Table::Bus, found),
        generator: rows(generator, Table::Gen, found),
        branch: rows(branch, Table::Branch, found),
    }
}

/// The values of the case's parts, none for those that the file does not give; or why that is not known.
///
/// A function gives them in a struct, or as outputs one by one (version 1); a file without a function
/// in `mpc` or in variables of their names.
fn given(evaluator: &Evaluator<'_>) -> Result<[Option<Value>; 4], Rc<Refusal>> {
    let outputs: Vec<&str> = match &evaluator.header {
        Some(header) => header.outputs.iter().map(String::as_str).collect(),
        None if evaluator.known("mpc") => vec!["mpc"],
        None => NAMES.to_vec(),
    };
    let first = outputs.first().and_then(|name| evaluator.variable(name));
    match first {
        Some(Value::Struct(fields)) => Ok(NAMES.map(|name| fields.get(name).cloned())),
        Some(Value::Unknown(refusal)) => Err(refusal),
        _ if outputs.len() < NAMES.len() => Ok([const { None }; 4]),
        _ => Ok([0, 1, 2, 3].map(|output| evaluator.variable(outputs[output]))),
    }
}

fn refuse(refusal: &Refusal, found: &mut Problems) {
    let place = Place::Text {
        line: refusal.line as usize,
        column: refusal.column,
    };
    found.push(place, Fault::Syntax(refusal.text.clone()));
}

fn number(value: Option<Value>, found: &mut Problems) -> Option<f64> {
    let fault = match value {
        Some(Value::Number(number)) => return Some(number),
        Some(Value::Unknown(refusal)) => {
            refuse(&refusal, found);
            return None;
        }
        Some(_) => Fault::Expected("a number"),
        None => Fault::Missing,
    };
    found.push(Place::Field(NAMES[0]), fault);
    None
}

fn rows(value: Option<Value>, table: Table, found: &mut Problems) -> Option<Rows> {
    let fault = match value {
        Some(Value::Number(number)) => return Some(Rows::uniform(vec![number], 1, 1, Vec::new())),
        Some(Value::Matrix(matrix)) => {
            let matrix = Rc::unwrap_or_clone(matrix);
            let (rows, columns) = (matrix.rows, matrix.columns);
            return Some(Rows::uniform(matrix.values, rows, columns, matrix.lines));
        }
        Some(Value::Uneven(rows)) => return Some(Rc::unwrap_or_clone(rows)),
        Some(Value::Unknown(refusal)) => {
            refuse(&refusal, found);
            return None;
        }
        Some(_) => Fault::Expected("a matrix of numbers"),
        None => Fault::Missing,
    };
    found.push(Place::Field(table.name()), fault);
    None
}
