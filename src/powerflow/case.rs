//! A case: the data of a network in MATPOWER's terms (Zimmerman et al. 2011, appendix B), and what
//! can be wrong with it.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

/// A network with its loads and schedules. Loads count positive when consuming, generators when
/// producing; [`from_json`](Case::from_json) and [`from_matpower`](Case::from_matpower) read one.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Its name; may be empty.
    pub name: String,
    /// What one per unit of power is, in MVA; above 0.
    pub base_mva: f64,
    /// Its buses, in any order, with any numbers.
    pub buses: Vec<Bus>,
    /// Its generators; several at one bus add up.
    pub generators: Vec<Generator>,
    /// Its lines and transformers.
    pub branches: Vec<Branch>,
}

/// What is given at a bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusType {
    /// Type 1: P and Q are given.
    Pq,
    /// Type 2: P and the voltage are given, as long as a generator there is in service.
    Pv,
    /// Type 3: voltage and angle are given.
    Slack,
    /// Type 4: connected to nothing.
    Isolated,
}

/// A bus.
#[derive(Debug, Clone, PartialEq)]
pub struct Bus {
    /// Its number, above 0 and unique.
    pub number: u32,
    /// What is given here.
    pub bus_type: BusType,
    /// Active load in MW.
    pub pd_mw: f64,
    /// Reactive load in MVAR.
    pub qd_mvar: f64,
    /// Shunt conductance: MW drawn at 1 p.u.
    pub gs_mw: f64,
    /// Shunt susceptance: MVAR injected at 1 p.u.
    pub bs_mvar: f64,
    /// Voltage to start from in p.u.
    pub vm_pu: f64,
    /// Angle to start from in degrees; at a slack bus the one that is held.
    pub va_degree: f64,
    /// Nominal voltage in kV.
    pub base_kv: f64,
    /// Upper voltage limit in p.u.; information only.
    pub vmax_pu: f64,
    /// Lower voltage limit in p.u.; information only.
    pub vmin_pu: f64,
}

/// A generator.
#[derive(Debug, Clone, PartialEq)]
pub struct Generator {
    /// The number of its bus.
    pub bus: u32,
    /// Active power in MW.
    pub pg_mw: f64,
    /// Reactive power in MVAR; counts only where its bus holds no voltage.
    pub qg_mvar: f64,
    /// Upper reactive limit in MVAR; not enforced.
    pub qmax_mvar: f64,
    /// Lower reactive limit in MVAR; not enforced.
    pub qmin_mvar: f64,
    /// Voltage it holds in p.u.; the last one in service at a bus counts.
    pub vg_pu: f64,
    /// Rating in MVA.
    pub mbase_mva: f64,
    /// Whether it runs.
    pub in_service: bool,
    /// Upper active limit in MW; not enforced.
    pub pmax_mw: f64,
    /// Lower active limit in MW; not enforced.
    pub pmin_mw: f64,
}

/// A line or transformer: a pi model with an ideal transformer at its from end.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// The number of the bus it starts at.
    pub from: u32,
    /// The number of the bus it ends at.
    pub to: u32,
    /// Series resistance in p.u.
    pub r_pu: f64,
    /// Series reactance in p.u.
    pub x_pu: f64,
    /// Total charging susceptance in p.u.
    pub b_pu: f64,
    /// Long-term rating in MVA, 0 if unlimited.
    pub rate_a_mva: f64,
    /// Turns ratio, from to to; 0 means 1.
    pub ratio: f64,
    /// Phase shift in degrees; positive delays the to end.
    pub shift_degree: f64,
    /// Whether it carries current.
    pub in_service: bool,
}

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
    #[error("is {found}, must be {expected}")]
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
    /// A second bus with the same number.
    #[error("bus {0} is there already, in row {1}")]
    DuplicateBus(u32, usize),
    /// A reference to a bus that does not exist.
    #[error("bus {0} does not exist")]
    UnknownBus(u32),
    /// A branch in service with r = x = 0.
    #[error("the branch from bus {0} to bus {1} has no impedance: merge the buses or give it some")]
    NoImpedance(u32, u32),
    /// A branch from a bus to itself.
    #[error("the branch starts and ends at bus {0}")]
    Loop(u32),
    /// No bus holds the angle.
    #[error("has no slack bus: give one bus type 3")]
    NoSlack,
}

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

const FINITE: &str = "a finite number";
const POSITIVE: &str = "a number above 0";

impl Case {
    /// What the generators in service are scheduled to feed into each bus, in the order of the buses:
    /// MW and MVAR.
    #[must_use]
    pub fn generation(&self) -> Vec<[f64; 2]> {
        let numbers = self.buses.iter().enumerate();
        let index: HashMap<u32, usize> = numbers.map(|(i, bus)| (bus.number, i)).collect();
        let mut total = vec![[0.0; 2]; self.buses.len()];
        for generator in self
            .generators
            .iter()
            .filter(|generator| generator.in_service)
        {
            if let Some(&bus) = index.get(&generator.bus) {
                total[bus][0] += generator.pg_mw;
                total[bus][1] += generator.qg_mvar;
            }
        }
        total
    }

    /// Looks for everything that a power flow cannot live with.
    ///
    /// # Errors
    /// All problems found.
    pub fn check(&self) -> Result<(), CaseErrors> {
        let mut found = Problems::default();
        if !(self.base_mva.is_finite() && self.base_mva > 0.0) {
            found.number(Place::Field("baseMVA"), self.base_mva, POSITIVE);
        }
        self.check_buses(&mut found);
        let numbers: HashSet<u32> = self.buses.iter().map(|bus| bus.number).collect();
        self.check_generators(&numbers, &mut found);
        self.check_branches(&numbers, &mut found);
        found.into_result(())
    }

    fn check_buses(&self, found: &mut Problems) {
        let mut rows = HashMap::new();
        for (i, bus) in self.buses.iter().enumerate() {
            let at = |column| Place::Row {
                table: Table::Bus,
                row: i + 1,
                column,
            };
            if bus.number == 0 {
                found.number(at(1), 0.0, "a whole number above 0");
            } else if let Some(row) = rows.insert(bus.number, i + 1) {
                found.push(at(1), Fault::DuplicateBus(bus.number, row));
            }
            let values = [
                (3, bus.pd_mw),
                (4, bus.qd_mvar),
                (5, bus.gs_mw),
                (6, bus.bs_mvar),
                (9, bus.va_degree),
                (10, bus.base_kv),
            ];
            found.finite(at, &values);
            if bus.bus_type != BusType::Isolated && !(bus.vm_pu.is_finite() && bus.vm_pu > 0.0) {
                found.number(at(8), bus.vm_pu, POSITIVE);
            }
        }
        if !self.buses.iter().any(|bus| bus.bus_type == BusType::Slack) {
            found.push(Place::Case, Fault::NoSlack);
        }
    }

    fn check_generators(&self, buses: &HashSet<u32>, found: &mut Problems) {
        for (i, generator) in self.generators.iter().enumerate() {
            let at = |column| Place::Row {
                table: Table::Gen,
                row: i + 1,
                column,
            };
            if !buses.contains(&generator.bus) {
                found.push(at(1), Fault::UnknownBus(generator.bus));
            }
            found.finite(at, &[(2, generator.pg_mw), (3, generator.qg_mvar)]);
            let vg_pu = generator.vg_pu;
            if !vg_pu.is_finite() || (generator.in_service && vg_pu <= 0.0) {
                found.number(at(6), vg_pu, POSITIVE);
            }
        }
    }

    fn check_branches(&self, buses: &HashSet<u32>, found: &mut Problems) {
        for (i, branch) in self.branches.iter().enumerate() {
            let at = |column| Place::Row {
                table: Table::Branch,
                row: i + 1,
                column,
            };
            for (column, bus) in [(1, branch.from), (2, branch.to)] {
                if !buses.contains(&bus) {
                    found.push(at(column), Fault::UnknownBus(bus));
                }
            }
            if branch.from == branch.to {
                found.push(at(0), Fault::Loop(branch.from));
            }
            let values = [
                (3, branch.r_pu),
                (4, branch.x_pu),
                (5, branch.b_pu),
                (9, branch.ratio),
                (10, branch.shift_degree),
            ];
            found.finite(at, &values);
            if branch.rate_a_mva.is_nan() {
                found.number(at(6), branch.rate_a_mva, "a number");
            }
            if branch.in_service && branch.r_pu == 0.0 && branch.x_pu == 0.0 {
                found.push(at(0), Fault::NoImpedance(branch.from, branch.to));
            }
        }
    }
}

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

    pub(super) fn number(&mut self, place: Place, found: f64, expected: &'static str) {
        self.push(place, Fault::Number { found, expected });
    }

    fn finite(&mut self, at: impl Fn(usize) -> Place, values: &[(usize, f64)]) {
        for &(column, value) in values {
            if !value.is_finite() {
                self.number(at(column), value, FINITE);
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
