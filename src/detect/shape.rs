//! Shapes of disturbances, and robust statistics of a few values.

use serde::{Deserialize, Serialize};

use crate::maths::sincos;

/// Samples after a jump within which its shape is decided.
pub(super) const SPAN: usize = 7;
/// Samples after a spike that must be calm for it to be called one.
const CALM: usize = 3;
/// Standard deviations beyond which a sample is far off.
const FAR: f64 = 3.3;
/// Samples that must be alike for an offset to be called constant.
const ALIKE: usize = 4;
/// Share of the largest of them that alike ones have at least. A sine sampled eight times a period has no
/// four neighbours of that.
const ALIKE_SHARE: f64 = 0.55;
/// Share of the last of them by which they have grown when they drift.
const GROWTH: f64 = 0.35;
/// Periods, in samples, for which an oscillation is looked for.
const PERIODS: [f64; 8] = [4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 12.0];
/// Share of the energy that a sine must explain: noise alone leaves the best of [`PERIODS`] about a half.
const RHYTHMIC: f64 = 0.8;
/// Samples from which on it may be clear before all have come, and the shares that make it so.
const EARLY: usize = 6;
const SURELY_RHYTHMIC: f64 = 0.96;
const SURELY_NOISE: f64 = 0.7;

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
    let &[first, ..] = values else {
        return None;
    };
    let same_side = values.iter().all(|z| z * first > 0.0);
    let calm = values.iter().rev().take_while(|z| z.abs() < FAR).count();
    let far = values.len() - calm;
    if calm >= CALM && far <= 2 && values[..far].iter().all(|z| z * first > 0.0) {
        return Some(Shape::Spike);
    }
    let most = values.iter().fold(0.0_f64, |most, z| most.max(z.abs()));
    let alike = same_side && values.iter().all(|z| z.abs() > ALIKE_SHARE * most);
    if values.len() == ALIKE && alike {
        let grows = values.windows(2).all(|pair| pair[1].abs() > pair[0].abs());
        let by = values[ALIKE - 1].abs() - first.abs();
        return Some(if grows && by > GROWTH * most {
            Shape::Drift
        } else {
            Shape::Shift
        });
    }
    let far = values.iter().filter(|z| z.abs() > FAR).count();
    if values.len() <= SPAN {
        let open = values.len() < EARLY || same_side || far <= 2;
        return if open { None } else { early(values) };
    }
    Some(if same_side && far > values.len() / 2 {
        Shape::Shift
    } else if is_rhythmic(values) {
        Shape::Oscillation
    } else if far <= 2 {
        Shape::Spike
    } else {
        Shape::Burst
    })
}

/// Whether it is clear already if this is noise or an oscillation.
fn early(values: &[f64]) -> Option<Shape> {
    let share = rhythm(values);
    if share > SURELY_RHYTHMIC {
        Some(Shape::Oscillation)
    } else if share < SURELY_NOISE {
        Some(Shape::Burst)
    } else {
        None
    }
}

/// Whether a sine explains nearly all of what is seen.
pub(super) fn is_rhythmic(values: &[f64]) -> bool {
    rhythm(values) > RHYTHMIC
}

/// The share of the energy that the best of all sines explains.
fn rhythm(values: &[f64]) -> f64 {
    let energy: f64 = values.iter().map(|z| z * z).sum();
    let explained = PERIODS
        .into_iter()
        .map(|period| explained_by_sine(values, std::f64::consts::TAU / period));
    explained.fold(0.0, f64::max) / energy.max(f64::MIN_POSITIVE)
}

/// The energy that a sine of `step` radians a sample explains, fitted by least squares.
fn explained_by_sine(values: &[f64], step: f64) -> f64 {
    let (mut ss, mut cc, mut sc, mut sz, mut cz) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (at, z) in values.iter().enumerate() {
        let (s, c) = sincos(step * at as f64);
        ss += s * s;
        cc += c * c;
        sc += s * c;
        sz += s * z;
        cz += c * z;
    }
    let determinant = ss * cc - sc * sc;
    if determinant < 1e-9 {
        return 0.0;
    }
    (cc * sz * sz - 2.0 * sc * sz * cz + ss * cz * cz) / determinant
}

pub(super) fn square(x: f64) -> f64 {
    x * x
}

/// The middle value; of an even number the upper one of the two.
pub(super) fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}
