//! What a stream is to contain.

/// What a stream is to contain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe {
    /// Whether there are anomalies.
    pub(crate) anomalies: bool,
    /// Samples per entity.
    pub(crate) ticks: usize,
    /// Factor on all noise.
    pub(crate) noise: f64,
}

impl Recipe {
    /// A labelled stream with the usual noise.
    pub(crate) fn labelled(ticks: usize) -> Self {
        Self {
            anomalies: true,
            ticks,
            noise: 1.0,
        }
    }

    /// A stream without anomalies.
    pub(crate) fn clean(ticks: usize) -> Self {
        Self {
            anomalies: false,
            ..Self::labelled(ticks)
        }
    }
}
