//! Reads and writes parts of a matrix.

use std::rc::Rc;

use super::value::{Matrix, Value};

/// What stands between the parentheses behind a matrix, for one dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Index {
    /// `:`
    All,
    /// Positions, from 0.
    Some(Vec<usize>),
}

impl Index {
    /// The positions that a value names.
    pub(super) fn of(value: &Value) -> Result<Self, String> {
        let position = |value: &f64| {
            let fits = *value >= 1.0 && *value < 1e9 && value.fract() == 0.0;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked beside it"
            )]
            fits.then(|| *value as usize - 1)
        };
        let positions = match value {
            Value::Number(number) => position(number).map(|position| vec![position]),
            Value::Matrix(matrix) if matrix.rows == 1 || matrix.columns == 1 => {
                matrix.values.iter().map(position).collect()
            }
            _ => None,
        };
        positions
            .map(Self::Some)
            .ok_or_else(|| "a position must be a whole number above 0".to_owned())
    }

    fn length(&self, all: usize) -> usize {
        match self {
            Self::All => all,
            Self::Some(positions) => positions.len(),
        }
    }

    fn positions(&self, all: usize) -> Result<Vec<usize>, String> {
        match self {
            Self::All => Ok((0..all).collect()),
            Self::Some(positions) => match positions.iter().find(|position| **position >= all) {
                Some(outside) => Err(format!("there is no row or column {}", outside + 1)),
                None => Ok(positions.clone()),
            },
        }
    }
}

/// How many numbers the indices name.
pub(super) fn size(matrix: &Matrix, indices: &[Index]) -> usize {
    match indices {
        [index] => index.length(matrix.values.len()),
        [row, column] => row
            .length(matrix.rows)
            .saturating_mul(column.length(matrix.columns)),
        _ => 0,
    }
}

/// The part of the matrix that the indices name.
pub(super) fn read(matrix: &Matrix, indices: &[Index]) -> Result<Value, String> {
    let (rows, columns) = positions(matrix, indices)?;
    let part = rows
        .iter()
        .flat_map(|row| columns.iter().map(|column| matrix.at(*row, *column)));
    let lines = rows.iter().filter_map(|row| matrix.lines.get(*row));
    Ok(Matrix {
        values: part.collect(),
        lines: lines.copied().collect(),
        rows: rows.len(),
        columns: columns.len(),
    }
    .into_value())
}

/// Writes a value to the part of the matrix that the indices name.
pub(super) fn write(matrix: &mut Matrix, indices: &[Index], value: &Value) -> Result<(), String> {
    let (rows, columns) = positions(matrix, indices)?;
    let source: Rc<Matrix> = match value {
        Value::Number(number) => Rc::new(Matrix {
            rows: rows.len(),
            columns: columns.len(),
            values: vec![*number; rows.len() * columns.len()],
            lines: Vec::new(),
        }),
        Value::Matrix(source) => Rc::clone(source),
        other => return Err(format!("what is assigned is {}", other.kind())),
    };
    if (source.rows, source.columns) != (rows.len(), columns.len()) {
        return Err(format!(
            "{} by {} numbers do not fit into {} by {}",
            source.rows,
            source.columns,
            rows.len(),
            columns.len()
        ));
    }
    for (i, row) in rows.iter().enumerate() {
        for (j, column) in columns.iter().enumerate() {
            matrix.values[row * matrix.columns + column] = source.at(i, j);
        }
    }
    Ok(())
}

/// Rows and columns, all inside of the matrix.
fn positions(matrix: &Matrix, indices: &[Index]) -> Result<(Vec<usize>, Vec<usize>), String> {
    match indices {
        [row, column] => Ok((
            row.positions(matrix.rows)?,
            column.positions(matrix.columns)?,
        )),
        [only] if matrix.rows == 1 => Ok((vec![0], only.positions(matrix.columns)?)),
        [only] if matrix.columns == 1 => Ok((only.positions(matrix.rows)?, vec![0])),
        _ => Err("a part of a matrix needs its rows and its columns".to_owned()),
    }
}
