//! Reads a matrix that is written out.

use std::rc::Rc;

use super::{
    evaluator::Evaluator,
    expression::Within,
    refusal::Refusal,
    value::{Matrix, Value},
};
use crate::powerflow::table::Rows;

/// The elements read so far.
#[derive(Default)]
struct Elements {
    rows: Rows,
    /// Elements of the present row.
    count: usize,
    /// The line on which the present row begins.
    line: u32,
    /// The first element that is no number.
    odd: Option<Value>,
    /// Whether the present row ended in a comma, behind which an element may stand.
    comma: bool,
}

impl Elements {
    fn push(&mut self, number: f64, line: u32) {
        if self.count == 0 {
            self.line = line;
        }
        self.rows.values.push(number);
        self.count += 1;
        self.comma = false;
    }

    fn end_row(&mut self) {
        if self.count > 0 {
            self.rows.end_row(Some(self.line));
        }
        self.count = 0;
        self.comma = false;
    }

    fn into_value(mut self, place: (u32, usize)) -> Value {
        if let Some(odd) = self.odd {
            return match odd {
                Value::Unknown(_) => odd,
                _ if self.rows.values.len() == 1 => odd,
                _ => {
                    let text = format!("the matrix contains what is {}", odd.kind());
                    Value::unknown(Refusal::at(place, text))
                }
            };
        }
        self.rows.values.shrink_to_fit();
        match self.rows.width() {
            Some(columns) => Matrix {
                rows: self.rows.len(),
                columns,
                values: self.rows.values,
                lines: self.rows.lines,
            }
            .into_value(),
            None => Value::Uneven(Rc::new(self.rows)),
        }
    }
}

impl Evaluator<'_> {
    /// A matrix from its `[` to its `]`.
    pub(super) fn literal(&mut self) -> Result<Value, Refusal> {
        let start = self.cursor.place();
        self.cursor.advance(1);
        let mut elements = Elements::default();
        loop {
            self.cursor.blanks();
            match self.cursor.peek() {
                None => return Err(Refusal::at(start, "the matrix has no end")),
                Some(b']') => {
                    self.cursor.advance(1);
                    elements.end_row();
                    return Ok(elements.into_value(start));
                }
                Some(b';') => {
                    self.cursor.advance(1);
                    elements.end_row();
                }
                Some(b'\n' | b'\r') => {
                    self.cursor.take_line_end();
                    elements.end_row();
                }
                Some(b',') => {
                    if elements.count == 0 || elements.comma {
                        return Err(self.refusal("a value is missing before the comma"));
                    }
                    elements.comma = true;
                    self.cursor.advance(1);
                }
                Some(_) => self.element(&mut elements)?,
            }
        }
    }

    fn element(&mut self, elements: &mut Elements) -> Result<(), Refusal> {
        let line = self.cursor.line();
        if let Some(number) = self.cursor.plain_element() {
            elements.push(number, line);
            return Ok(());
        }
        match self.expression(Within::Brackets)? {
            Value::Number(number) => elements.push(number, line),
            odd => {
                elements.push(f64::NAN, line);
                elements.odd.get_or_insert(odd);
            }
        }
        Ok(())
    }
}
