//! A plant that is ready to run, and what had to be learnt of it on this machine.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::plant::{Plant, PlantSpec};

/// Steps that are timed to learn what the machine can do.
const TIMED_STEPS: u32 = 20;

/// A plant, and what had to be learnt of it on this machine.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub(super) spec: Arc<PlantSpec>,
    /// The typical time of a step.
    pub(super) step_time: Duration,
}

impl Prepared {
    /// Times some steps of `spec`: for a large network that takes seconds.
    #[must_use]
    pub fn new(spec: PlantSpec) -> Self {
        let spec = Arc::new(spec);
        Self {
            step_time: time_steps(&spec),
            spec,
        }
    }

    /// The plant.
    #[must_use]
    pub fn spec(&self) -> &Arc<PlantSpec> {
        &self.spec
    }
}

/// The typical time of a step of the plant, measured on a scratch copy.
fn time_steps(spec: &Arc<PlantSpec>) -> Duration {
    let mut plant = Plant::new(spec.clone(), &Plant::trial_settings());
    let mut times: Vec<_> = (0..TIMED_STEPS)
        .map(|_| {
            let begun = Instant::now();
            plant.step(std::iter::empty());
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}
