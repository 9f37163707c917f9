//! Reads expressions and evaluates them on the way.
//!
//! A refusal says that the text is none of the expressions known here. What is one, but is not
//! computed, evaluates to an unknown value.

use super::{
    arithmetic::{self, Operator},
    evaluator::Evaluator,
    refusal::Refusal,
    value::{Matrix, Value},
};

/// What surrounds an expression: within `[]` a blank may separate two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    Statement,
    Brackets,
}

/// How deep expressions may be nested.
const DEEPEST: usize = 40;

/// The operators between two values, in levels from the loosest; longer ones before their beginnings.
const LEVELS: [&[(&str, Operator)]; 5] = [
    &[("||", Operator::Or), ("|", Operator::Or)],
    &[("&&", Operator::And), ("&", Operator::And)],
    &[
        ("==", Operator::Equal),
        ("~=", Operator::Unequal),
        ("!=", Operator::Unequal),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[
        (".*", Operator::TimesEach),
        ("./", Operator::OverEach),
        ("*", Operator::Times),
        ("/", Operator::Over),
    ],
];
/// The level whose operands may be ranges.
const COMPARISON: usize = 2;

impl Evaluator<'_> {
    /// An expression. It may end anywhere: the caller looks at what follows.
    pub(super) fn expression(&mut self, within: Within) -> Result<Value, Refusal> {
        self.cursor.blanks();
        self.nested(|evaluator| evaluator.level(0, within))
    }

    pub(super) fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        if self.depth >= DEEPEST {
            return Err(self.refusal("the expression is nested too deeply"));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// The operators of this level and those that bind stronger.
    fn level(&mut self, level: usize, within: Within) -> Result<Value, Refusal> {
        let Some(operators) = LEVELS.get(level) else {
            return self.unary(within);
        };
        let operand = |evaluator: &mut Self| match level {
            COMPARISON => evaluator.range(within),
            _ => evaluator.level(level + 1, within),
        };
        let mut left = operand(self)?;
        while let Some((operator, place)) = self.operator(operators, within) {
            self.cursor.blanks();
            let right = operand(self)?;
            left = self.join(operator, &left, &right, place);
        }
        Ok(left)
    }

    fn join(&mut self, operator: Operator, a: &Value, b: &Value, place: (u32, usize)) -> Value {
        if let Err(unknown) = self.spend(arithmetic::size(a, b)) {
            return unknown;
        }
        arithmetic::binary(operator, a, b)
            .unwrap_or_else(|text| Value::unknown(Refusal::at(place, text)))
    }

    /// `first:last`, or what is no range.
    fn range(&mut self, within: Within) -> Result<Value, Refusal> {
        let first = self.level(COMPARISON + 1, within)?;
        let mark = self.cursor.mark();
        self.cursor.blanks();
        if self.cursor.peek() != Some(b':') {
            self.cursor.back_to(mark);
            return Ok(first);
        }
        let place = self.cursor.place();
        self.cursor.advance(1);
        self.cursor.blanks();
        let last = self.level(COMPARISON + 1, within)?;
        self.cursor.blanks();
        if self.cursor.peek() == Some(b':') {
            return Err(self.refusal("a range with a step is not evaluated"));
        }
        let (Value::Number(first), Value::Number(last)) = (&first, &last) else {
            let text = "a range needs two known numbers";
            return Ok(first_unknown([first, last])
                .unwrap_or_else(|| Value::unknown(Refusal::at(place, text))));
        };
        if !(*first >= 1.0 && last >= first && *last < 1e9)
            || first.fract() != 0.0
            || last.fract() != 0.0
        {
            let text = "a range must go from a whole number up to another";
            return Ok(Value::unknown(Refusal::at(place, text)));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked above"
        )]
        let (first, last) = (*first as u32, *last as u32);
        if let Err(unknown) = self.spend((last - first) as usize + 1) {
            return Ok(unknown);
        }
        let values: Vec<f64> = (first..=last).map(f64::from).collect();
        Ok(Matrix {
            rows: 1,
            columns: values.len(),
            values,
            lines: Vec::new(),
        }
        .into_value())
    }

    /// Takes an operator, if one of these comes next and what follows is its operand; and its place.
    fn operator(
        &mut self,
        operators: &[(&str, Operator)],
        within: Within,
    ) -> Option<(Operator, (u32, usize))> {
        let mark = self.cursor.mark();
        let spaced = self.cursor.blanks();
        let found = operators.iter().find(|(text, _)| self.cursor.sees(text));
        if let Some((text, operator)) = found {
            let sign = matches!(operator, Operator::Add | Operator::Subtract);
            let next = self.cursor.peek_at(text.len());
            let own = next.is_none_or(|byte| byte.is_ascii_whitespace()) || !spaced;
            // `a +b` within brackets are two values, and `a =`, `a +=`, `a++` are no expressions.
            let value = within == Within::Statement || !sign || own;
            let changes = sign && matches!(next, Some(b'='));
            if value && !changes {
                let place = self.cursor.place();
                self.cursor.advance(text.len());
                return Some((*operator, place));
            }
        }
        self.cursor.back_to(mark);
        None
    }

    /// A sign binds weaker than a power: `-2^2` is -4.
    fn unary(&mut self, within: Within) -> Result<Value, Refusal> {
        let place = self.cursor.place();
        match self.cursor.peek() {
            Some(sign @ (b'+' | b'-' | b'~' | b'!')) => {
                self.cursor.advance(1);
                self.cursor.blanks();
                let value = self.nested(|evaluator| evaluator.unary(within))?;
                Ok(self.prefixed(sign, &value, place))
            }
            _ => self.power(within),
        }
    }

    fn prefixed(&mut self, sign: u8, value: &Value, place: (u32, usize)) -> Value {
        if let Err(unknown) = self.spend(arithmetic::size(value, value)) {
            return unknown;
        }
        match sign {
            b'-' => arithmetic::negated(value),
            b'+' => arithmetic::signed(value),
            _ => arithmetic::inverted(value),
        }
        .unwrap_or_else(|text| Value::unknown(Refusal::at(place, text)))
    }

    /// Powers and transpositions, from left to right.
    fn power(&mut self, within: Within) -> Result<Value, Refusal> {
        let mut left = self.operand(within)?;
        loop {
            let mark = self.cursor.mark();
            let spaced = self.cursor.blanks();
            let place = self.cursor.place();
            let apart = spaced && within == Within::Brackets;
            if !apart && (self.cursor.take("'") || self.cursor.take(".'")) {
                left = match self.spend(arithmetic::size(&left, &left)) {
                    Ok(()) => arithmetic::transposed(&left)
                        .unwrap_or_else(|text| Value::unknown(Refusal::at(place, text))),
                    Err(unknown) => unknown,
                };
            } else if self.cursor.take(".^") {
                let right = self.exponent(within)?;
                left = self.join(Operator::PowerEach, &left, &right, place);
            } else if self.cursor.take("^") {
                let right = self.exponent(within)?;
                left = self.join(Operator::Power, &left, &right, place);
            } else {
                self.cursor.back_to(mark);
                return Ok(left);
            }
        }
    }

    /// What stands behind `^`: it may have a sign, `2^-1`.
    fn exponent(&mut self, within: Within) -> Result<Value, Refusal> {
        self.cursor.blanks();
        let place = self.cursor.place();
        let sign = self
            .cursor
            .peek()
            .filter(|byte| matches!(byte, b'+' | b'-'));
        if sign.is_some() {
            self.cursor.advance(1);
        }
        let value = self.operand(within)?;
        Ok(match sign {
            Some(sign) => self.prefixed(sign, &value, place),
            None => value,
        })
    }
}

fn first_unknown(values: [Value; 2]) -> Option<Value> {
    values
        .into_iter()
        .find(|value| matches!(value, Value::Unknown(_)))
}
