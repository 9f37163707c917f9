//! A sensor that its relations to other sensors and its own past judge together.

use super::{
    past::Past,
    shape::Shape,
    track::{Finding, Input, Signal, Track},
};

/// Standard deviations by which a reading must leave its past to count as moved. Normal noise does so once
/// in 1.5e5 samples.
pub(super) const MOVE: f64 = 4.5;
/// Where more readings than this move at once, the grid or the plant has moved: sensors fail one at a time,
/// and an error of one sensor can show in the estimate of another.
pub(super) const SENSORS_AT_ONCE: usize = 2;

/// What relations and past say of a reading.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judged {
    /// By how much it seems to be off.
    pub(super) input: Input,
    /// The reading has moved with the grid or the plant.
    pub(super) natural: bool,
}

/// A reading, and whether it is to be trusted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// The value; NaN where there is none.
    pub(super) value: f64,
    /// Variance of its noise, in its squared unit.
    pub(super) noise2: f64,
    /// It has moved with the grid or the plant.
    pub(super) natural: bool,
    /// Something else than its track is known against it, for example that it is stuck.
    pub(super) doubtful: bool,
}

/// Lets the past of a reading take a value, if its track is calm and nothing else is known against it.
pub(super) fn follow(past: &mut Past, track: &Track, signal: Option<&Signal>, reading: Reading) {
    match signal {
        // A drift has already been followed for a while, and after an alarm nothing is what it was.
        Some(
            Signal::Cleared
            | Signal::Raised(Finding {
                shape: Shape::Drift,
                ..
            }),
        ) => past.forget(),
        _ if reading.doubtful || track.is_disturbed() => past.hold(reading.noise2),
        _ => past.take(reading.value, reading.noise2, reading.natural),
    }
}
