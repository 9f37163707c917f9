//! Reads what operators stand between: numbers, matrices, variables and their parts, functions.

use std::rc::Rc;

use super::{
    arithmetic, columns,
    cursor::{reserved, starts_word},
    evaluator::Evaluator,
    expression::Within,
    index::{self, Index},
    refusal::{Refusal, shown},
    skip::{POWERFUL, Skip, powerful},
    value::{Matrix, Value},
};

impl Evaluator<'_> {
    pub(super) fn operand(&mut self, within: Within) -> Result<Value, Refusal> {
        match self.cursor.peek() {
            Some(b'(') => {
                self.cursor.advance(1);
                let value = self.expression(Within::Statement)?;
                self.close(b')')?;
                Ok(value)
            }
            Some(b'[') => self.nested(Self::literal),
            Some(b'{') => self
                .cursor
                .skip_group(Skip::Harmless)
                .map(|()| Value::Other),
            Some(quote @ (b'\'' | b'"')) => self.cursor.string(quote).map(|()| Value::Other),
            Some(b'0'..=b'9') => self.number(),
            Some(b'.') if self.cursor.peek_at(1).is_some_and(|c| c.is_ascii_digit()) => {
                self.number()
            }
            Some(byte) if starts_word(byte) => self.named(within),
            Some(b'\n' | b'\r') | None => Err(self.refusal("a value is missing")),
            Some(_) => {
                let text = format!("{} is not understood here", self.cursor.shown());
                Err(self.refusal(text))
            }
        }
    }

    /// Takes the bracket that closes.
    pub(super) fn close(&mut self, bracket: u8) -> Result<(), Refusal> {
        self.cursor.blanks();
        if self.cursor.peek() == Some(bracket) {
            self.cursor.advance(1);
            return Ok(());
        }
        let text = format!(
            "expected `{}`, found {}",
            char::from(bracket),
            self.cursor.shown()
        );
        Err(self.refusal(text))
    }

    /// A variable, a function or a constant, with what is asked of it.
    fn named(&mut self, within: Within) -> Result<Value, Refusal> {
        let place = self.cursor.place();
        let name = self.cursor.word();
        if reserved(name) {
            let text = format!("{} is not a value here", shown(name));
            return Err(Refusal::at(place, text));
        }
        if POWERFUL.contains(&name) {
            return Err(powerful(name, place));
        }
        let Some(value) = self.variable(name) else {
            return self.function(name, place, within);
        };
        self.parts(value, within)
    }

    /// `(…)` and `.field` behind a value, one after the other.
    fn parts(&mut self, mut value: Value, within: Within) -> Result<Value, Refusal> {
        loop {
            let mark = self.cursor.mark();
            if self.cursor.blanks() && within == Within::Brackets {
                self.cursor.back_to(mark);
                return Ok(value);
            }
            let place = self.cursor.place();
            match self.cursor.peek() {
                Some(b'(') => {
                    let indices = self.nested(Self::arguments)?;
                    value = self.part(&value, indices, place);
                }
                Some(b'.') if self.cursor.peek_at(1).is_some_and(starts_word) => {
                    self.cursor.advance(1);
                    let field = self.cursor.word();
                    value = match value {
                        Value::Struct(fields) => fields.get(field).cloned().unwrap_or_else(|| {
                            let text = format!("{} has no value here", shown(field));
                            Value::unknown(Refusal::at(place, text))
                        }),
                        Value::Unknown(_) => value,
                        _ => Value::unknown(Refusal::at(place, "only a struct has fields")),
                    };
                }
                Some(b'{') => return Err(self.refusal("cell arrays are not evaluated")),
                Some(b'.') if self.cursor.peek_at(1) == Some(b'(') => {
                    return Err(self.refusal("computed names of fields are not evaluated"));
                }
                _ => {
                    self.cursor.back_to(mark);
                    return Ok(value);
                }
            }
        }
    }

    fn part(
        &mut self,
        value: &Value,
        indices: Result<Vec<Index>, Value>,
        place: (u32, usize),
    ) -> Value {
        let single;
        let matrix = match value {
            Value::Matrix(matrix) => matrix,
            Value::Number(number) => {
                single = Rc::new(Matrix {
                    rows: 1,
                    columns: 1,
                    values: vec![*number],
                    lines: Vec::new(),
                });
                &single
            }
            Value::Unknown(_) => return value.clone(),
            other => {
                let text = format!("cannot take a part of what is {}", other.kind());
                return Value::unknown(Refusal::at(place, text));
            }
        };
        let indices = match indices {
            Ok(indices) => indices,
            Err(unknown) => return unknown,
        };
        if let Err(unknown) = self.spend(index::size(matrix, &indices)) {
            return unknown;
        }
        index::read(matrix, &indices)
            .unwrap_or_else(|text| Value::unknown(Refusal::at(place, text)))
    }

    /// What stands between parentheses as positions; an unknown value if one is not known.
    pub(super) fn arguments(&mut self) -> Result<Result<Vec<Index>, Value>, Refusal> {
        self.cursor.advance(1);
        let mut indices = Ok(Vec::new());
        loop {
            self.cursor.blanks();
            let place = self.cursor.place();
            let index = match self.cursor.peek() {
                Some(b')') if matches!(&indices, Ok(list) if list.is_empty()) => {
                    self.cursor.advance(1);
                    return Ok(indices);
                }
                Some(b':') => {
                    self.cursor.advance(1);
                    Ok(Index::All)
                }
                _ => match self.expression(Within::Statement)? {
                    unknown @ Value::Unknown(_) => Err(unknown),
                    value => {
                        Index::of(&value).map_err(|text| Value::unknown(Refusal::at(place, text)))
                    }
                },
            };
            match (&mut indices, index) {
                (Ok(list), Ok(index)) => list.push(index),
                (Ok(_), Err(unknown)) => indices = Err(unknown),
                (Err(_), _) => {}
            }
            self.cursor.blanks();
            if self.cursor.peek() != Some(b',') {
                self.close(b')')?;
                return Ok(indices);
            }
            self.cursor.advance(1);
        }
    }

    /// A name that is no variable.
    fn function(
        &mut self,
        name: &str,
        place: (u32, usize),
        within: Within,
    ) -> Result<Value, Refusal> {
        if let Some((known, value)) = arithmetic::constant(name) {
            self.used.insert(known);
            return self.parts(Value::Number(value), within);
        }
        let mark = self.cursor.mark();
        let apart = self.cursor.blanks() && within == Within::Brackets;
        if apart || self.cursor.peek() != Some(b'(') {
            self.cursor.back_to(mark);
            let what = if columns::outputs(name).is_some() {
                format!(
                    "{} needs names for its outputs: [PQ, …] = {name}",
                    shown(name)
                )
            } else {
                format!("{} has no value here", shown(name))
            };
            return Ok(Value::unknown(Refusal::at(place, what)));
        }
        let Some(known) = arithmetic::function(name) else {
            self.cursor.skip_group(Skip::Harmless)?;
            let text = format!(
                "{} is not computed here: write its result into the file",
                shown(name)
            );
            return Ok(Value::unknown(Refusal::at(place, text)));
        };
        self.used.insert(known);
        self.cursor.advance(1);
        let argument = self.expression(Within::Statement)?;
        self.close(b')')?;
        if let Err(unknown) = self.spend(arithmetic::size(&argument, &argument)) {
            return Ok(unknown);
        }
        Ok(arithmetic::call(known, &argument)
            .unwrap_or_else(|text| Value::unknown(Refusal::at(place, text))))
    }

    /// A number without a sign.
    fn number(&mut self) -> Result<Value, Refusal> {
        let place = self.cursor.place();
        match self.cursor.number() {
            Some(number) => Ok(Value::Number(number)),
            None => Err(Refusal::at(
                place,
                format!("{} is not a number", self.cursor.shown()),
            )),
        }
    }

    pub(super) fn refusal(&self, text: impl std::fmt::Display) -> Refusal {
        Refusal::at(self.cursor.place(), text)
    }
}
