//! Arithmetic that several detectors share.

/// The square of a number.
pub(super) fn square(x: f64) -> f64 {
    x * x
}

/// The root of the sum of two squares. The standard deviation of a sum of two independent errors, for
/// example, is the `hypot` of theirs.
pub(super) fn hypot(a: f64, b: f64) -> f64 {
    (a * a + b * b).sqrt()
}

/// The middle value; of an even number of values the upper one of the two in the middle.
pub(super) fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}
