//! What is known of a residual in advance, and so how a track judges it.

/// What is known of a residual in advance.
#[derive(Debug, Clone, Copy)]
pub(in crate::detect) struct Spec {
    /// How its level moves.
    pub(in crate::detect) level: Level,
    /// A single score beyond this is a jump. Standard deviations.
    pub(in crate::detect) jump: f64,
    /// The real noise is at least this share of the nominal noise, whatever the samples show: a score would
    /// become arbitrarily large where a sensor happens to be quiet.
    pub(in crate::detect) floor: f64,
    /// Whether more noise than usual is a disturbance.
    pub(in crate::detect) noise: bool,
}

/// How the level of a residual moves.
#[derive(Debug, Clone, Copy)]
pub(in crate::detect) enum Level {
    /// The level is zero but for a constant offset. The residual of a relation that holds exactly is of this
    /// kind, for example power less voltage times current.
    Exact {
        /// The largest offset, in nominal standard deviations.
        offset: f64,
    },
    /// The level is zero because the residual is the distance of a reading from its own past.
    Past {
        /// After so many alarming samples the reading is taken for what it is.
        patience: u32,
    },
    /// The level can be anywhere and moves slowly, as the DC voltage does.
    Wanders {
        /// Share of a new value in the present level, at first.
        gain: f64,
        /// Least standard deviation of the present level about the long-term one, in the unit of the
        /// residual.
        spread: f64,
        /// The present level drifts when it is so many of its standard deviations from the long-term one;
        /// infinite where a drift is no disturbance.
        drift: f64,
        /// After so many alarming samples the level follows what it sees.
        patience: u32,
    },
}

impl Level {
    /// Whether the level can be anywhere.
    pub(super) fn wanders(self) -> bool {
        matches!(self, Self::Wanders { .. })
    }
}
