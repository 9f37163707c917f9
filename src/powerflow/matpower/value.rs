//! What a variable of a case file holds.

use std::{collections::BTreeMap, rc::Rc};

use super::refusal::Refusal;
use crate::powerflow::table::Rows;

/// What a variable or a field of the case holds.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// A number; true is 1, false is 0.
    Number(f64),
    Matrix(Rc<Matrix>),
    /// Rows of unequal length, which is no matrix.
    Uneven(Rc<Rows>),
    Struct(Rc<Fields>),
    /// Text, a cell array or the like, with which nothing is computed.
    Other,
    /// What is not evaluated, and why.
    Unknown(Rc<Refusal>),
}

/// The fields of a struct. None of them is a struct.
pub(super) type Fields = BTreeMap<String, Value>;

/// Numbers in rows and columns.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Matrix {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Row by row.
    pub(super) values: Vec<f64>,
    /// The line of the text on which each row stands; empty where that says nothing.
    pub(super) lines: Vec<u32>,
}

impl Matrix {
    pub(super) fn at(&self, row: usize, column: usize) -> f64 {
        self.values[row * self.columns + column]
    }

    /// The value of this matrix: a single number is one.
    pub(super) fn into_value(self) -> Value {
        match self.values[..] {
            [number] => Value::Number(number),
            _ => Value::Matrix(Rc::new(self)),
        }
    }

    pub(super) fn same_shape(&self, other: &Self) -> bool {
        (self.rows, self.columns) == (other.rows, other.columns)
    }

    /// The same shape with other values.
    pub(super) fn with(&self, values: Vec<f64>) -> Self {
        Self {
            values,
            lines: self.lines.clone(),
            ..*self
        }
    }
}

impl Value {
    pub(super) fn unknown(refusal: Refusal) -> Self {
        Self::Unknown(Rc::new(refusal))
    }

    /// What it is, for a message.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Number(_) => "a number",
            Self::Matrix(_) => "a matrix",
            Self::Uneven(_) => "a matrix with rows of unequal length",
            Self::Struct(_) => "a struct",
            Self::Other => "not a number",
            Self::Unknown(_) => "not known",
        }
    }
}
