//! Shapes of disturbances, and robust statistics of a few values.

use serde::{Deserialize, Serialize};

/// Samples after a jump within which its shape is decided.
pub(super) const SPAN: usize = 5;

/// What a disturbance looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Shape {
    /// Gone after one or two samples.
    Spike,
    /// A constant offset.
    Shift,
    /// A growing offset.
    Drift,
    /// More noise.
    Burst,
    /// Periodic.
    Oscillation,
}

/// The shape of what followed a jump, the jump first; none while it is open.
pub(super) fn shape_of(values: &[f64]) -> Option<Shape> {
    let &[first, .., last] = values else {
        return None;
    };
    let far = values.iter().filter(|z| z.abs() > 3.5).count();
    let same = values
        .iter()
        .all(|z| z * first > 0.0 && (0.45..2.2).contains(&(z / first)));
    if values.len() == 3 {
        let returned = last.abs() < 3.5;
        if far == 1 || (far == 2 && returned && values[1] * first > 0.0) {
            return Some(Shape::Spike);
        }
        return same.then_some(Shape::Shift);
    }
    if values.len() <= SPAN {
        return None;
    }
    let one_sided = values.iter().all(|z| z * first > 0.0);
    Some(if one_sided {
        Shape::Shift
    } else if is_rhythmic(values) {
        Shape::Oscillation
    } else if far <= 2 {
        Shape::Spike
    } else {
        Shape::Burst
    })
}

/// Whether neighbours are alike, as in an oscillation sampled several times a period; those of noise
/// are not.
pub(super) fn is_rhythmic(values: &[f64]) -> bool {
    let energy: f64 = values.iter().map(|z| z * z).sum();
    let lagged: f64 = values.windows(2).map(|pair| pair[0] * pair[1]).sum();
    lagged > 0.15 * energy
}

pub(super) fn square(x: f64) -> f64 {
    x * x
}

/// Variance of values about zero, those beyond three robust standard deviations counting as three.
pub(super) fn robust_variance(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let mut distances: Vec<f64> = values.map(f64::abs).collect();
    let cut = 3.0 * 1.4826 * median(&mut distances);
    let sum: f64 = distances.iter().map(|value| square(value.min(cut))).sum();
    sum / distances.len().max(1) as f64
}

/// The middle value; of an even number the upper one of the two.
pub(super) fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}
