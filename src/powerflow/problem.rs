//! What can be wrong with a case, and where.

use std::{collections::HashSet, fmt};

/// One of a case's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// Buses.
    Bus,
    /// Generators.
    Gen,
    /// Branches.
    Branch,
}

impl Table {
    /// Its name in a case file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bus => "bus",
            Self::Gen => "gen",
            Self::Branch => "branch",
        }
    }

    /// MATPOWER's names of the columns that a row must have.
    #[must_use]
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Bus => &[
                "bus_i", "type", "Pd", "Qd", "Gs", "Bs", "area", "Vm", "Va", "baseKV",
            ],
            Self::Gen => &["bus", "Pg", "Qg", "Qmax", "Qmin", "Vg", "mBase", "status"],
            Self::Branch => &[
                "fbus", "tbus", "r", "x", "b", "rateA", "rateB", "rateC", "ratio", "angle",
                "status",
            ],
        }
    }
}

/// Where in a case a problem lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// The case as a whole.
    Case,
    /// The field with this name.
    Field(&'static str),
    /// A character of the text; both count from 1.
    Text {
        /// Line.
        line: usize,
        /// Column.
        column: usize,
    },
    /// A row of a table.
    Row {
        /// The table.
        table: Table,
        /// The row, from 1.
        row: usize,
        /// The column, from 1; 0 for the row as a whole.
        column: usize,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Case => f.write_str("case"),
            Self::Field(name) => f.write_str(name),
            Self::Text { line, column } => write!(f, "line {line}, column {column}"),
            Self::Row { table, row, column } => {
                write!(f, "{} row {row}", table.name())?;
                match column.checked_sub(1).map(|c| table.columns().get(c)) {
                    None => Ok(()),
                    Some(None) => write!(f, ", column {column}"),
                    Some(Some(name)) => write!(f, ", column {column} ({name})"),
                }
            }
        }
    }
}

/// What is wrong there.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Fault {
    /// The text is not what it should be.
    #[error("{0}")]
    Syntax(String),
    /// Absent.
    #[error("is missing")]
    Missing,
    /// Not of the form that is needed.
    #[error("must be {0}")]
    Expected(&'static str),
    /// Not of the form that is needed, but this number.
    #[error("is {}, must be {expected}", short(*found))]
    Number {
        /// What is there.
        found: f64,
        /// What should be.
        expected: &'static str,
    },
    /// A row with too few columns.
    #[error("has {found} columns, must have at least {expected}")]
    ShortRow {
        /// What is there.
        found: usize,
        /// What should be.
        expected: usize,
    },
    /// A row that is longer or shorter than the others.
    #[error("has {found} columns, the other rows have {expected}")]
    UnevenRow {
        /// What is there.
        found: usize,
        /// What the other rows have.
        expected: usize,
    },
    /// A second bus with the same number.
    #[error("bus {0} is there already, in row {1}")]
    DuplicateBus(u32, usize),
    /// A reference to a bus that does not exist.
    #[error("bus {0} does not exist")]
    UnknownBus(u32),
    /// A branch in service with r = x = 0.
    #[error("the branch from bus {0} to bus {1} has no impedance: merge the buses or give it some")]
    NoImpedance(u32, u32),
    /// A branch with so little impedance, or so small a ratio, that powers are lost in rounding.
    #[error(
        "its admittance is {0:.2e} p.u., must be at most 1e12: give it more impedance, or a ratio nearer to 1"
    )]
    Admittance(f64),
    /// A branch from a bus to itself.
    #[error("the branch starts and ends at bus {0}")]
    Loop(u32),
    /// No bus holds the angle.
    #[error("has no slack bus: give one bus type 3")]
    NoSlack,
}

/// The number as people write it: 0, not 0.0, and 1e300, not a 1 with 300 zeros.
fn short(number: f64) -> String {
    match number.abs() {
        0.0 | 1e-5..1e15 => number.to_string(),
        _ => format!("{number:e}"),
    }
}

/// What base powers and voltages must be.
pub(super) const POSITIVE: &str = "a number above 0";

/// The largest number that is taken, in the column's unit, and the largest admittance, in p.u. Powers
/// of a network with larger ones are not finite, or are rounding errors.
pub(super) const LARGEST: f64 = 1e12;

/// One problem of a case.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseError {
    /// Where it is.
    pub place: Place,
    /// The line of the text, from 1, where known.
    pub line: Option<usize>,
    /// What it is.
    pub fault: Fault,
}

impl fmt::Display for CaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{} (line {line}): {}", self.place, self.fault),
            None => write!(f, "{}: {}", self.place, self.fault),
        }
    }
}

/// All problems of a case; at least one.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("the case cannot be used: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct CaseErrors(pub Vec<CaseError>);

/// The problems found so far.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<CaseError>);

impl Problems {
    pub(super) fn push(&mut self, place: Place, fault: Fault) {
        self.0.push(CaseError {
            place,
            line: None,
            fault,
        });
    }

    /// A voltage set-point, in p.u., must be above 0 and no larger than [`LARGEST`].
    pub(super) fn voltage(&mut self, place: Place, vm_pu: f64) {
        if !(vm_pu.is_finite() && vm_pu > 0.0) {
            self.number(place, vm_pu, POSITIVE);
        } else if vm_pu > LARGEST {
            self.number(place, vm_pu, "above 0 and at most 1e12");
        }
    }

    pub(super) fn number(&mut self, place: Place, found: f64, expected: &'static str) {
        self.push(place, Fault::Number { found, expected });
    }

    /// Each of these columns must be finite and no larger than [`LARGEST`].
    pub(super) fn finite(&mut self, at: impl Fn(usize) -> Place, values: &[(usize, f64)]) {
        for &(column, value) in values {
            if !value.is_finite() {
                self.number(at(column), value, "a finite number");
            } else if value.abs() > LARGEST {
                self.number(at(column), value, "between -1e12 and 1e12");
            }
        }
    }

    /// Adds what is not yet known of a place.
    pub(super) fn extend(&mut self, more: CaseErrors) {
        let known: HashSet<Place> = self.0.iter().map(|error| error.place).collect();
        let new = |error: &CaseError| !known.contains(&error.place);
        self.0.extend(more.0.into_iter().filter(new));
    }

    /// Says on which line each row of the tables stands.
    pub(super) fn locate(&mut self, line: impl Fn(Table, usize) -> Option<usize>) {
        for error in &mut self.0 {
            if let Place::Row { table, row, .. } = error.place {
                error.line = line(table, row);
            }
        }
    }

    pub(super) fn into_result<T>(self, value: T) -> Result<T, CaseErrors> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(CaseErrors(self.0))
        }
    }
}
