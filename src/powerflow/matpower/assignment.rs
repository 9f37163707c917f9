//! Assignments: to a variable, a field, or a part of one.

use std::rc::Rc;

use super::{
    blocks::Mode,
    columns,
    cursor::{reserved, starts_word},
    evaluator::Evaluator,
    expression::Within,
    index::{self, Index},
    refusal::{Refusal, shown},
    skip::Skip,
    value::Value,
};

/// What is assigned to.
#[derive(Debug)]
struct Target {
    place: (u32, usize),
    name: String,
    field: Option<String>,
    part: Part,
}

/// Which part of the variable or field.
#[derive(Debug)]
enum Part {
    Whole,
    /// These positions, or why they are not known.
    Indexed(Result<Vec<Index>, Value>),
}

impl Evaluator<'_> {
    /// Whether a statement that begins with a word assigns to something.
    pub(super) fn assigns(&mut self) -> bool {
        let mark = self.cursor.mark();
        self.cursor.word();
        let mut whole = true;
        let found = loop {
            let spaced = self.cursor.blanks();
            match self.cursor.peek() {
                Some(b'(' | b'{') => {
                    whole = false;
                    if self.cursor.skip_group(Skip::Idle).is_err() {
                        break false;
                    }
                }
                Some(b'.') if self.cursor.peek_at(1).is_some_and(starts_word) => {
                    self.cursor.advance(1);
                    self.cursor.word();
                }
                Some(b'.') if self.cursor.peek_at(1) == Some(b'(') => self.cursor.advance(1),
                Some(b'=') => break self.cursor.peek_at(1) != Some(b'='),
                Some(b'+' | b'-' | b'*' | b'/' | b'^' | b'|' | b'&') => {
                    let changes = self.cursor.peek_at(1) == Some(b'=');
                    let counts = self.cursor.sees("++") || self.cursor.sees("--");
                    break (changes && self.cursor.peek_at(2) != Some(b'='))
                        || (counts && (!spaced || !whole));
                }
                _ => break false,
            }
        };
        self.cursor.back_to(mark);
        found
    }

    /// `target = value`
    pub(super) fn assign(&mut self) -> Result<(), Refusal> {
        let target = self.target(Within::Statement)?;
        self.cursor.blanks();
        if self.cursor.peek() != Some(b'=') {
            let text = format!(
                "{} is changed by an operator that is not evaluated",
                shown(&target.name)
            );
            let unknown = Value::unknown(Refusal::at(target.place, text));
            self.cursor.skip_statement(Skip::Idle)?;
            self.store(target, unknown);
            return Ok(());
        }
        self.cursor.advance(1);
        let value = self.right_side()?;
        self.store(target, value);
        Ok(())
    }

    /// What is assigned. Where it is none of the expressions known here, it is not known, unless it
    /// might do more than give a value.
    fn right_side(&mut self) -> Result<Value, Refusal> {
        self.cursor.blanks();
        let mark = self.cursor.mark();
        let depth = self.depth;
        let refusal = match self.expression(Within::Statement) {
            Ok(value) => match self.statement_ends() {
                Ok(()) => return Ok(value),
                Err(refusal) => refusal,
            },
            Err(refusal) => refusal,
        };
        self.depth = depth;
        self.cursor.back_to(mark);
        match self.cursor.skip_statement(Skip::Harmless) {
            Ok(()) => Ok(Value::unknown(refusal)),
            Err(_) => Err(refusal),
        }
    }

    /// `[a, b] = function`
    pub(super) fn assign_several(&mut self) -> Result<(), Refusal> {
        self.cursor.advance(1);
        let mut targets = Vec::new();
        loop {
            self.cursor.blanks();
            match self.cursor.peek() {
                Some(b']') => {
                    self.cursor.advance(1);
                    break;
                }
                Some(b',') => self.cursor.advance(1),
                Some(b'~' | b'!') => {
                    self.cursor.advance(1);
                    targets.push(None);
                }
                _ => targets.push(Some(self.target(Within::Brackets)?)),
            }
        }
        self.close(b'=')?;
        self.cursor.blanks();
        let place = self.cursor.place();
        let values = self.outputs(targets.len())?;
        let mut values = values.into_iter();
        for target in targets {
            let value = values.next().unwrap_or_else(|| {
                Value::unknown(Refusal::at(
                    place,
                    "outputs of functions are not computed here",
                ))
            });
            if let Some(target) = target {
                self.store(target, value);
            }
        }
        Ok(())
    }

    /// The values that the right side has for several targets; fewer if they are not known.
    fn outputs(&mut self, wanted: usize) -> Result<Vec<Value>, Refusal> {
        let mark = self.cursor.mark();
        let name = self.cursor.word();
        if let Some((known, outputs)) = columns::outputs(name)
            && !self.known(name)
        {
            let bare = !self.cursor.take("(") || self.close(b')').is_ok();
            if bare && self.statement_ends().is_ok() && wanted <= outputs.len() {
                self.used.insert(known);
                return Ok(outputs
                    .iter()
                    .map(|(_, value)| Value::Number(*value))
                    .collect());
            }
        }
        self.cursor.back_to(mark);
        if wanted == 1 {
            return self.right_side().map(|value| vec![value]);
        }
        self.cursor.skip_statement(Skip::Harmless)?;
        Ok(Vec::new())
    }

    fn target(&mut self, within: Within) -> Result<Target, Refusal> {
        let place = self.cursor.place();
        let name = self.cursor.word().to_owned();
        if name.is_empty() || reserved(&name) {
            let text = format!("cannot assign to {}", self.cursor.shown());
            return Err(Refusal::at(place, text));
        }
        let (mut field, mut part) = (None, Part::Whole);
        loop {
            let mark = self.cursor.mark();
            if self.cursor.blanks() && within == Within::Brackets {
                break;
            }
            match self.cursor.peek() {
                Some(b'(') if matches!(part, Part::Whole) => {
                    let arguments = self.cursor.mark();
                    part = match self.arguments() {
                        Ok(indices) => Part::Indexed(indices),
                        Err(refusal) => {
                            self.cursor.back_to(arguments);
                            self.cursor.skip_group(Skip::Harmless)?;
                            Part::Indexed(Err(Value::unknown(refusal)))
                        }
                    };
                }
                Some(b'(' | b'{') => {
                    self.cursor.skip_group(Skip::Harmless)?;
                    part = unfollowed(place, "a part of a part is not evaluated");
                }
                Some(b'.') if self.cursor.peek_at(1).is_some_and(starts_word) => {
                    self.cursor.advance(1);
                    let word = self.cursor.word().to_owned();
                    if field.is_none() && matches!(part, Part::Whole) {
                        field = Some(word);
                    } else {
                        part = unfollowed(place, "a struct within a struct is not evaluated");
                    }
                }
                Some(b'.') if self.cursor.peek_at(1) == Some(b'(') => {
                    self.cursor.advance(1);
                    self.cursor.skip_group(Skip::Harmless)?;
                    part = unfollowed(place, "computed names of fields are not evaluated");
                }
                _ => {
                    self.cursor.back_to(mark);
                    break;
                }
            }
        }
        Ok(Target {
            place,
            name,
            field,
            part,
        })
    }

    /// Marks a variable as not known.
    pub(super) fn forget(&mut self, name: &str, refusal: Refusal) {
        self.set(name, Value::unknown(refusal));
    }

    fn store(&mut self, target: Target, value: Value) {
        let value = match self.mode() {
            Mode::Doubtful(refusal) => Value::Unknown(refusal),
            _ => value,
        };
        let Some(field) = target.field else {
            match target.part {
                Part::Whole => self.set(&target.name, value),
                Part::Indexed(indices) => {
                    let mut old = self.variable(&target.name);
                    self.set(&target.name, Value::Other);
                    self.change(&mut old, indices, &value, target.place);
                    if let Some(new) = old {
                        self.set(&target.name, new);
                    }
                }
            }
            return;
        };
        if let Some(Value::Struct(fields)) = self.variable_mut(&target.name)
            && Rc::get_mut(fields).is_none()
        {
            let copied = fields.len();
            if let Err(unknown) = self.spend(copied) {
                return self.set(&target.name, unknown);
            }
        }
        let old = match self.variable_mut(&target.name) {
            Some(Value::Struct(fields)) => Rc::make_mut(fields).remove(&field),
            Some(Value::Unknown(_)) => return,
            Some(_) => {
                let text = format!("{} is no struct", shown(&target.name));
                return self.forget(&target.name, Refusal::at(target.place, text));
            }
            None => {
                self.set(&target.name, Value::Struct(Rc::default()));
                None
            }
        };
        let new = match target.part {
            Part::Whole if matches!(value, Value::Struct(_)) => {
                let text = "a struct within a struct is not evaluated";
                Value::unknown(Refusal::at(target.place, text))
            }
            Part::Whole => value,
            Part::Indexed(indices) => {
                let mut old = old;
                self.change(&mut old, indices, &value, target.place);
                old.unwrap_or(Value::Other)
            }
        };
        if let Some(Value::Struct(fields)) = self.variable_mut(&target.name) {
            Rc::make_mut(fields).insert(field, new);
        }
    }

    /// Writes to a part of the value.
    fn change(
        &mut self,
        old: &mut Option<Value>,
        indices: Result<Vec<Index>, Value>,
        value: &Value,
        place: (u32, usize),
    ) {
        let unknown = |text: String| Some(Value::unknown(Refusal::at(place, text)));
        let new = match (&mut *old, indices, value) {
            (Some(Value::Unknown(_)), _, _) => return,
            (_, _, Value::Unknown(_)) => Some(value.clone()),
            (_, Err(unknown), _) => Some(unknown),
            (Some(Value::Matrix(matrix)), Ok(indices), _) => {
                let copied = match Rc::get_mut(matrix) {
                    Some(_) => 0,
                    None => matrix.values.len(),
                };
                let written = index::size(matrix, &indices);
                if let Err(unknown) = self.spend(written.saturating_add(copied)) {
                    *old = Some(unknown);
                    return;
                }
                match index::write(Rc::make_mut(matrix), &indices, value) {
                    Ok(()) => return,
                    Err(text) => unknown(format!("cannot follow this change: {text}")),
                }
            }
            (Some(old), Ok(_), _) => unknown(format!("cannot change a part of {}", old.kind())),
            (None, Ok(_), _) => unknown("cannot change a part of what has no value yet".to_owned()),
        };
        *old = new;
    }
}

fn unfollowed(place: (u32, usize), text: &str) -> Part {
    Part::Indexed(Err(Value::unknown(Refusal::at(place, text))))
}
