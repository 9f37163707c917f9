//! A run of the simulation and its settings.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::time::{STEP_MS, Tick, Timestamp};

/// The largest seed: 2^53 - 1, so that JavaScript reads it back exactly.
pub const MAX_SEED: u64 = (1 << 53) - 1;
/// The largest speed.
pub const MAX_SPEED: u32 = 100;
/// The largest factor on measurement noise.
pub const MAX_NOISE: f64 = 10.0;
/// The most random disturbances per simulated hour.
pub const MAX_DISTURBANCES: f64 = 3600.0;

/// What makes a run reproducible: equal settings and commands give equal values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunSettings {
    /// Seed of all random numbers, 0 to [`MAX_SEED`].
    pub seed: u64,
    /// Simulated seconds per second, 1 to [`MAX_SPEED`].
    pub speed: u32,
    /// Simulated time at the start of the run.
    pub simulated_start: Timestamp,
    /// Factor on measurement noise, 0 to [`MAX_NOISE`].
    pub noise: f64,
    /// Random disturbances per simulated hour, 0 to [`MAX_DISTURBANCES`].
    pub disturbances: f64,
}

impl RunSettings {
    /// Simulated time after `steps` steps of the run.
    #[must_use]
    pub fn simulated_time(&self, steps: u64) -> Timestamp {
        self.simulated_start
            .plus_ms(i64::try_from(steps.saturating_mul(STEP_MS)).unwrap_or(i64::MAX))
    }
}

/// A run: its settings and when it began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Its id: the tick of its start and the place of the start in the log.
    pub id: String,
    /// The tick at which it began.
    pub start: Tick,
    /// Its settings; `speed` is the one it began with.
    pub settings: RunSettings,
}

/// Answer of `GET` and `PATCH /data/simulation`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SimulationView {
    /// Id of the present or last run, null before the first.
    #[schema(required, example = "17954756665-1")]
    pub run_id: Option<String>,
    /// Whether the simulation runs, counting commands from when they were accepted.
    #[schema(example = true)]
    pub is_running: bool,
    /// Seed of the run, null before the first.
    #[schema(required, example = 42)]
    pub seed: Option<u64>,
    /// Simulated seconds per second.
    #[schema(example = 1)]
    pub speed: u32,
    /// Simulated time, null before the first run.
    #[schema(required)]
    pub simulated_time: Option<Timestamp>,
    /// The present tick: 100 ms of wall clock, counted from the Unix epoch.
    pub tick: Tick,
    /// Factor on measurement noise.
    #[schema(example = 1.0)]
    pub noise: f64,
    /// Random disturbances per simulated hour.
    #[schema(example = 12.0)]
    pub disturbances: f64,
}
