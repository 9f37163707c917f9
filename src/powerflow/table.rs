//! From rows of numbers, as files have them, to a [`Case`].

use super::{
    case::{Branch, Bus, BusType, Case, Generator},
    problem::{CaseErrors, Fault, Place, Problems, Table},
};

/// The rows of a table, as a file has them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Rows {
    /// Row after row; not a number where the file has something else, which is a known problem.
    pub(super) values: Vec<f64>,
    /// Where in `values` each row ends.
    ends: Vec<usize>,
    /// The line of the text on which each row stands; empty where there are none.
    pub(super) lines: Vec<u32>,
}

impl Rows {
    /// Makes a row of the values since the last one.
    pub(super) fn end_row(&mut self, line: Option<u32>) {
        self.ends.push(self.values.len());
        self.lines.extend(line);
    }

    /// Rows of equal length.
    pub(super) fn uniform(values: Vec<f64>, rows: usize, columns: usize, lines: Vec<u32>) -> Self {
        Self {
            values,
            ends: (1..=rows).map(|row| row * columns).collect(),
            lines,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    fn row(&self, row: usize) -> &[f64] {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.values[start..self.ends[row]]
    }

    /// The length of all rows, if it is the same.
    pub(super) fn width(&self) -> Option<usize> {
        let mut lengths = (0..self.len()).map(|row| self.row(row).len());
        let Some(first) = lengths.next() else {
            return Some(0);
        };
        lengths.all(|length| length == first).then_some(first)
    }

    /// The length that most rows have, the first row's among those that are equally frequent.
    fn usual_width(&self) -> usize {
        let mut counts: Vec<(usize, usize)> = Vec::new();
        for length in (0..self.len()).map(|row| self.row(row).len()) {
            match counts.iter_mut().find(|(known, _)| *known == length) {
                Some((_, count)) => *count += 1,
                None => counts.push((length, 1)),
            }
        }
        let most = counts.iter().map(|(_, count)| *count).max();
        let usual = counts.iter().find(|(_, count)| Some(*count) == most);
        usual.map_or(0, |(length, _)| *length)
    }

    fn line(&self, row: usize) -> Option<usize> {
        self.lines.get(row).map(|line| *line as usize)
    }
}

/// A case file, taken apart. What is absent is a known problem.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) name: String,
    pub(super) base_mva: Option<f64>,
    pub(super) bus: Option<Rows>,
    pub(super) generator: Option<Rows>,
    pub(super) branch: Option<Rows>,
}

impl Tables {
    /// The case, unless there are problems: those found on the way here and those of its contents. The
    /// tables are compared with each other only if all of them are there.
    pub(super) fn into_case(self, mut found: Problems) -> Result<Case, CaseErrors> {
        let case = Case {
            buses: read(self.bus.as_ref(), Table::Bus, &mut found, bus),
            generators: read(self.generator.as_ref(), Table::Gen, &mut found, generator),
            branches: read(self.branch.as_ref(), Table::Branch, &mut found, branch),
            base_mva: self.base_mva.unwrap_or_default(),
            name: self.name,
        };
        let tables = [&self.bus, &self.generator, &self.branch];
        let complete = self.base_mva.is_some() && tables.iter().all(|table| table.is_some());
        if complete && let Err(more) = case.check() {
            found.extend(more);
        }
        found.locate(|table, row| {
            let rows = match table {
                Table::Bus => &self.bus,
                Table::Gen => &self.generator,
                Table::Branch => &self.branch,
            };
            rows.as_ref()?.line(row - 1)
        });
        found.into_result(case)
    }
}

fn read<T>(
    rows: Option<&Rows>,
    table: Table,
    found: &mut Problems,
    item: impl Fn(&mut Reader<'_>) -> T,
) -> Vec<T> {
    let Some(rows) = rows else { return Vec::new() };
    let (usual, need) = (rows.usual_width(), table.columns().len());
    let mut items = Vec::with_capacity(rows.len());
    for row in 0..rows.len() {
        let mut reader = Reader {
            values: rows.row(row),
            table,
            row: row + 1,
            found,
        };
        let have = reader.values.len();
        let fault = if have == usual {
            (have < need && row == 0).then_some(Fault::ShortRow {
                found: have,
                expected: need,
            })
        } else {
            Some(Fault::UnevenRow {
                found: have,
                expected: usual,
            })
        };
        if let Some(fault) = fault {
            let place = reader.place(0);
            reader.found.push(place, fault);
        }
        items.push(item(&mut reader));
    }
    items
}

fn bus(row: &mut Reader<'_>) -> Bus {
    Bus {
        number: row.number(1),
        bus_type: row.bus_type(2),
        pd_mw: row.value(3),
        qd_mvar: row.value(4),
        gs_mw: row.value(5),
        bs_mvar: row.value(6),
        vm_pu: row.value(8),
        va_degree: row.value(9),
        base_kv: row.value(10),
        vmax_pu: row.optional(12, f64::INFINITY),
        vmin_pu: row.optional(13, 0.0),
    }
}

fn generator(row: &mut Reader<'_>) -> Generator {
    Generator {
        bus: row.number(1),
        pg_mw: row.value(2),
        qg_mvar: row.value(3),
        qmax_mvar: row.value(4),
        qmin_mvar: row.value(5),
        vg_pu: row.value(6),
        mbase_mva: row.value(7),
        in_service: row.status(8),
        pmax_mw: row.optional(9, f64::INFINITY),
        pmin_mw: row.optional(10, f64::NEG_INFINITY),
    }
}

fn branch(row: &mut Reader<'_>) -> Branch {
    Branch {
        from: row.number(1),
        to: row.number(2),
        r_pu: row.value(3),
        x_pu: row.value(4),
        b_pu: row.value(5),
        rate_a_mva: row.value(6),
        ratio: row.value(9),
        shift_degree: row.value(10),
        in_service: row.status(11),
    }
}

/// Reads columns of a row, by their number from 1. What a short row lacks reads as something
/// harmless, for the row is a problem already.
struct Reader<'a> {
    values: &'a [f64],
    table: Table,
    row: usize,
    found: &'a mut Problems,
}

impl Reader<'_> {
    fn place(&self, column: usize) -> Place {
        Place::Row {
            table: self.table,
            row: self.row,
            column,
        }
    }

    fn value(&mut self, column: usize) -> f64 {
        self.optional(column, 1.0)
    }

    fn optional(&mut self, column: usize, absent: f64) -> f64 {
        self.values.get(column - 1).copied().unwrap_or(absent)
    }

    fn number(&mut self, column: usize) -> u32 {
        let Some(&value) = self.values.get(column - 1) else {
            return 1;
        };
        if value >= 1.0 && value <= f64::from(u32::MAX) && value.fract() == 0.0 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked above"
            )]
            return value as u32;
        }
        let place = self.place(column);
        self.found.number(place, value, "a whole number above 0");
        1
    }

    fn bus_type(&mut self, column: usize) -> BusType {
        let value = self.value(column);
        let types = [
            (1.0, BusType::Pq),
            (2.0, BusType::Pv),
            (3.0, BusType::Slack),
            (4.0, BusType::Isolated),
        ];
        if let Some((_, bus_type)) = types.iter().find(|(code, _)| value.total_cmp(code).is_eq()) {
            return *bus_type;
        }
        let place = self.place(column);
        let expected = "1 (PQ), 2 (PV), 3 (slack) or 4 (isolated)";
        self.found.number(place, value, expected);
        BusType::Pq
    }

    fn status(&mut self, column: usize) -> bool {
        let value = self.value(column);
        if value.is_nan() {
            let place = self.place(column);
            self.found.number(place, value, "0 or 1");
        }
        value > 0.0
    }
}
