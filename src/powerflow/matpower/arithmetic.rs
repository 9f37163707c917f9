//! Computes with numbers and matrices as MATLAB does, or says that it does not.

use std::rc::Rc;

use super::value::{Matrix, Value};
use crate::maths;

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    /// `*`
    Times,
    /// `/`
    Over,
    /// `.*`
    TimesEach,
    /// `./`
    OverEach,
    /// `^`
    Power,
    /// `.^`
    PowerEach,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
}

impl Operator {
    fn compares(self) -> bool {
        use Operator as Op;
        !matches!(
            self,
            Op::Add
                | Op::Subtract
                | Op::Times
                | Op::Over
                | Op::TimesEach
                | Op::OverEach
                | Op::Power
                | Op::PowerEach
        )
    }

    fn apply(self, a: f64, b: f64) -> Option<f64> {
        let truth = |is: bool| Some(f64::from(u8::from(is)));
        match self {
            Self::Add => Some(a + b),
            Self::Subtract => Some(a - b),
            Self::Times | Self::TimesEach => Some(a * b),
            Self::Over | Self::OverEach => Some(a / b),
            Self::Power | Self::PowerEach => power(a, b),
            Self::Less => truth(a < b),
            Self::LessOrEqual => truth(a <= b),
            Self::Greater => truth(a > b),
            Self::GreaterOrEqual => truth(a >= b),
            #[expect(clippy::float_cmp, reason = "as the file asks")]
            Self::Equal => truth(a == b),
            #[expect(clippy::float_cmp, reason = "as the file asks")]
            Self::Unequal => truth(a != b),
            _ if a.is_nan() || b.is_nan() => None,
            Self::And => truth(a != 0.0 && b != 0.0),
            Self::Or => truth(a != 0.0 || b != 0.0),
        }
    }
}

#[expect(clippy::float_cmp, reason = "exponents that need no power")]
fn power(base: f64, exponent: f64) -> Option<f64> {
    if exponent == 2.0 {
        return Some(base * base);
    }
    let real = base >= 0.0 || exponent.fract() == 0.0;
    real.then(|| maths::pow(base, exponent))
}

const COMPLEX: &str = "the result is not a real number";

/// How many numbers an operation makes.
pub(super) fn size(a: &Value, b: &Value) -> usize {
    let size = |value: &Value| match value {
        Value::Matrix(matrix) => matrix.values.len(),
        _ => 1,
    };
    size(a).max(size(b))
}

/// The two values joined by the operator, or why that is not computed.
pub(super) fn binary(operator: Operator, a: &Value, b: &Value) -> Result<Value, String> {
    match (a, b) {
        (Value::Unknown(_), _) => Ok(a.clone()),
        (_, Value::Unknown(_)) => Ok(b.clone()),
        (Value::Number(a), Value::Number(b)) => operator
            .apply(*a, *b)
            .map(Value::Number)
            .ok_or_else(|| COMPLEX.to_owned()),
        (Value::Matrix(_) | Value::Number(_), Value::Matrix(_) | Value::Number(_))
            if operator.compares() =>
        {
            Err("only numbers are compared, not matrices".to_owned())
        }
        (Value::Matrix(a), Value::Number(b)) if operator != Operator::Power => {
            each(a, |a| operator.apply(a, *b))
        }
        (Value::Number(a), Value::Matrix(b))
            if !matches!(operator, Operator::Power | Operator::Over) =>
        {
            each(b, |b| operator.apply(*a, b))
        }
        (Value::Matrix(a), Value::Matrix(b)) => match operator {
            Operator::Times | Operator::Over | Operator::Power => {
                Err("products and quotients of two matrices are not computed".to_owned())
            }
            _ if a.same_shape(b) => pairs(a, b, operator),
            _ => Err(format!(
                "the matrices are of unequal size: {} by {} and {} by {}",
                a.rows, a.columns, b.rows, b.columns
            )),
        },
        (Value::Matrix(_) | Value::Number(_), Value::Matrix(_) | Value::Number(_)) => {
            Err("powers and inverses of matrices are not computed".to_owned())
        }
        (Value::Matrix(_) | Value::Number(_), other) | (other, _) => {
            Err(format!("cannot compute with what is {}", other.kind()))
        }
    }
}

fn each(matrix: &Matrix, apply: impl Fn(f64) -> Option<f64>) -> Result<Value, String> {
    let values: Option<Vec<f64>> = matrix.values.iter().map(|value| apply(*value)).collect();
    let values = values.ok_or_else(|| COMPLEX.to_owned())?;
    Ok(Value::Matrix(Rc::new(matrix.with(values))))
}

fn pairs(a: &Matrix, b: &Matrix, operator: Operator) -> Result<Value, String> {
    let pairs = a.values.iter().zip(&b.values);
    let values: Option<Vec<f64>> = pairs.map(|(a, b)| operator.apply(*a, *b)).collect();
    let values = values.ok_or_else(|| COMPLEX.to_owned())?;
    Ok(Value::Matrix(Rc::new(a.with(values))))
}

/// The value with the sign changed.
pub(super) fn negated(value: &Value) -> Result<Value, String> {
    match value {
        Value::Number(number) => Ok(Value::Number(-number)),
        Value::Matrix(matrix) => each(matrix, |value| Some(-value)),
        _ => signed(value),
    }
}

/// The value behind a plus sign: itself, if it has a sign.
pub(super) fn signed(value: &Value) -> Result<Value, String> {
    match value {
        Value::Number(_) | Value::Matrix(_) | Value::Unknown(_) => Ok(value.clone()),
        other => Err(format!("cannot compute with what is {}", other.kind())),
    }
}

/// Whether the value is 0.
pub(super) fn inverted(value: &Value) -> Result<Value, String> {
    match value {
        Value::Number(number) if !number.is_nan() => {
            Ok(Value::Number(f64::from(u8::from(*number == 0.0))))
        }
        Value::Unknown(_) => Ok(value.clone()),
        _ => Err("only a number is true or false".to_owned()),
    }
}

pub(super) fn transposed(value: &Value) -> Result<Value, String> {
    let Value::Matrix(matrix) = value else {
        return signed(value);
    };
    let columns = (0..matrix.columns).flat_map(|c| (0..matrix.rows).map(move |r| (r, c)));
    Ok(Value::Matrix(Rc::new(Matrix {
        rows: matrix.columns,
        columns: matrix.rows,
        values: columns.map(|(r, c)| matrix.at(r, c)).collect(),
        lines: Vec::new(),
    })))
}

type Function = fn(f64) -> Option<f64>;

/// The functions of one number: their names and what they give, none for a complex number.
const FUNCTIONS: [(&str, Function); 13] = [
    ("sqrt", |x| (x >= 0.0 || x.is_nan()).then(|| x.sqrt())),
    ("sin", |x| Some(maths::sin(x))),
    ("cos", |x| Some(maths::cos(x))),
    ("tan", |x| Some(maths::tan(x))),
    ("asin", |x| (x.abs() <= 1.0).then(|| maths::asin(x))),
    ("acos", |x| (x.abs() <= 1.0).then(|| maths::acos(x))),
    ("atan", |x| Some(maths::atan(x))),
    ("exp", |x| Some(maths::exp(x))),
    ("log", |x| (x >= 0.0).then(|| maths::log(x))),
    ("log10", |x| (x >= 0.0).then(|| maths::log10(x))),
    ("abs", |x| Some(x.abs())),
    ("floor", |x| Some(x.floor())),
    ("ceil", |x| Some(x.ceil())),
];

/// The name in the program's own memory, if it is a function's.
pub(super) fn function(name: &str) -> Option<&'static str> {
    let found = FUNCTIONS.iter().find(|(known, _)| *known == name)?;
    Some(found.0)
}

/// What a function gives for a value.
pub(super) fn call(name: &str, argument: &Value) -> Result<Value, String> {
    let Some((_, apply)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
        return Err(format!("{name} is not known"));
    };
    match argument {
        Value::Number(x) => apply(*x)
            .map(Value::Number)
            .ok_or_else(|| COMPLEX.to_owned()),
        Value::Matrix(matrix) => each(matrix, apply),
        _ => signed(argument),
    }
}

/// A name that stands for a number.
pub(super) fn constant(name: &str) -> Option<(&'static str, f64)> {
    let constants = [
        ("pi", std::f64::consts::PI),
        ("Inf", f64::INFINITY),
        ("inf", f64::INFINITY),
        ("NaN", f64::NAN),
        ("nan", f64::NAN),
        ("eps", f64::EPSILON),
        ("true", 1.0),
        ("false", 0.0),
    ];
    constants.into_iter().find(|(known, _)| *known == name)
}
