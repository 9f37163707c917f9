//! A plant that is ready to run, and what had to be learnt of it on this machine.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    grid::{
        run::Run,
        time::{Tick, Timestamp},
    },
    plant::{Plant, PlantSpec},
};

use super::{active::Active, course::Course};

/// Steps of a round: in so many each kind of entity is sampled.
const TIMED_STEPS: u32 = 20;
/// Rounds that are timed at the most.
const ROUNDS: u32 = 5;
/// After so long no further round is timed.
const ENOUGH: Duration = Duration::from_millis(200);

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

/// The typical time of a step with samples, limits and detectors, measured on a scratch copy: the quickest
/// of some rounds, since this process is not alone on the machine.
fn time_steps(spec: &Arc<PlantSpec>) -> Duration {
    let settings = Plant::trial_settings();
    let mut active = Active::begin(spec, &settings);
    let mut course = Course::begin(Run {
        id: String::new(),
        start: Tick(0),
        settings,
    });
    let begun = Instant::now();
    let mut quickest = Duration::MAX;
    for round in 0..ROUNDS {
        if round > 0 && begun.elapsed() > ENOUGH {
            break;
        }
        let begun = Instant::now();
        for _ in 0..TIMED_STEPS {
            active.advance(&mut course, spec, Timestamp::UNIX_EPOCH);
        }
        quickest = quickest.min(begun.elapsed() / TIMED_STEPS);
    }
    quickest
}
