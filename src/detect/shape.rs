//! What a disturbance looks like, from the scores that followed its first sample.
//!
//! A score is the number of standard deviations by which a value is off.

use serde::{Deserialize, Serialize};

use super::statistics::square;
use crate::maths::sincos;

/// Samples after a jump within which its shape is decided.
pub(super) const SPAN: usize = 7;
/// Samples after a spike that must be calm for it to be called one.
const CALM: usize = 3;
/// A spike is over after at most so many samples.
const SPIKE: usize = 2;
/// Standard deviations beyond which a sample is far off: normal noise exceeds them once in 1000 samples.
const FAR: f64 = 3.3;
/// Samples that must be alike for an offset to be called constant.
const ALIKE: usize = 4;
/// Alike samples have at least this share of the largest of them. A sine sampled eight times a period has no
/// four neighbours of that.
const ALIKE_SHARE: f64 = 0.55;
/// Alike samples that grow with each sample drift where the last exceeds the first by more than this share of
/// the largest.
const GROWTH: f64 = 0.35;
/// Periods, in samples, for which an oscillation is looked for. Below 4 there is nearly no wave to see, and
/// beyond 12 less than one comes within [`SPAN`].
const PERIODS: [f64; 8] = [4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 12.0];
/// Share of the energy that a sine must explain: noise alone leaves the best of [`PERIODS`] about a half.
const RHYTHMIC: f64 = 0.8;
/// Before all samples have come, the shape may be clear from so many on.
const EARLY: usize = 6;
/// It is clear that it is an oscillation if a sine explains this share of the energy.
const SURELY_RHYTHMIC: f64 = 0.96;
/// It is clear that it is noise if no sine explains this share of the energy.
const SURELY_NOISE: f64 = 0.7;
/// Two columns of a fit are the same below this determinant: a sine of a few samples then has no phase.
const SINGULAR: f64 = 1e-9;
/// Mean square of the scores above which noise is still more than usual, which is 1.
const STILL_NOISY: f64 = 2.0;
/// Share of the energy that the mean of the scores must explain for more noise to be a drift instead.
const ONE_SIDED: f64 = 0.5;

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
    if calm >= CALM && far <= SPIKE && values[..far].iter().all(|z| z * first > 0.0) {
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
        let open = values.len() < EARLY || same_side || far <= SPIKE;
        return if open { None } else { early(values) };
    }
    Some(if same_side && far > values.len() / 2 {
        Shape::Shift
    } else if is_rhythmic(values) {
        Shape::Oscillation
    } else if far <= SPIKE {
        Shape::Spike
    } else {
        Shape::Burst
    })
}

/// What more noise than usual turns out to be, from the scores since it was noticed; none if it is over.
pub(super) fn noisy_shape(values: &[f64]) -> Option<Shape> {
    let energy: f64 = values.iter().map(|z| z * z).sum();
    let sum: f64 = values.iter().sum();
    let count = values.len() as f64;
    if energy < STILL_NOISY * count {
        None
    } else if square(sum) > ONE_SIDED * energy * count {
        Some(Shape::Drift)
    } else if is_rhythmic(values) {
        Some(Shape::Oscillation)
    } else {
        Some(Shape::Burst)
    }
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
fn is_rhythmic(values: &[f64]) -> bool {
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
    if determinant < SINGULAR {
        return 0.0;
    }
    (cc * sz * sz - 2.0 * sc * sz * cz + ss * cz * cz) / determinant
}
