//! What a track takes at each sample, and what it answers.

use crate::detect::shape::Shape;

/// One value of a residual.
#[derive(Debug, Clone, Copy)]
pub(in crate::detect) struct Input {
    /// The residual; NaN where it cannot be told.
    pub(in crate::detect) residual: f64,
    /// The standard deviation that nominal noise gives the residual, in its unit.
    pub(in crate::detect) std: f64,
    /// Standard deviation that has nothing to do with the noise, such as that of a coarse model, in the unit
    /// of the residual.
    pub(in crate::detect) coarse: f64,
    /// How far the long-term level may have moved for known reasons, in the unit of the residual.
    pub(in crate::detect) doubt: f64,
    /// What else speaks for more noise than usual: a factor on the evidence, 1 or more.
    pub(in crate::detect) support: f64,
    /// Standard deviations by which a relation alone is violated, where the residual rests on the past too: a
    /// reading that its past has followed can still drift away from the relation. NaN where the relation says
    /// nothing.
    pub(in crate::detect) steady: Option<f64>,
}

impl Input {
    /// A residual of which nothing but its nominal noise is known.
    pub(in crate::detect) fn new(residual: f64, std: f64) -> Self {
        Self {
            residual,
            std,
            coarse: 0.0,
            doubt: 0.0,
            support: 1.0,
            steady: None,
        }
    }

    /// A residual that this sample does not tell.
    pub(in crate::detect) fn absent() -> Self {
        Self::new(f64::NAN, 1.0)
    }
}

/// Whether a disturbance may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::detect) enum Gate {
    /// It may.
    Open,
    /// It may not, because another alert explains what is seen. The track learns nothing from large values.
    Explained,
    /// It may not, because the plant itself moves. A level that wanders follows.
    Moving,
}

/// What a sample brought.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::detect) enum Signal {
    /// A disturbance was found.
    Raised(Finding),
    /// The disturbance is over.
    Cleared,
}

/// A disturbance that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::detect) struct Finding {
    /// What it looks like.
    pub(in crate::detect) shape: Shape,
    /// Samples since its onset.
    pub(in crate::detect) age: u32,
    /// Evidence over what was needed, 1 or more.
    pub(in crate::detect) strength: f64,
}
