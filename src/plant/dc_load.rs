//! The load behind a DC/DC converter: chargers and batteries that come and go.

use serde::{Deserialize, Serialize};

use crate::{maths::exp, random::Source};

/// The least and the most that is drawn, as fractions of the rating.
const RANGE: (f64, f64) = (0.1, 0.95);

/// How a DC load behaves: a mean and Ornstein-Uhlenbeck deviations from it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DcLoadParameters {
    /// Mean as a fraction of the converter's rating.
    pub mean_fraction: f64,
    /// Standard deviation as a fraction of the rating.
    pub sigma_fraction: f64,
    /// Time constant in s.
    pub tau_s: f64,
}

impl Default for DcLoadParameters {
    fn default() -> Self {
        Self {
            mean_fraction: 0.5,
            sigma_fraction: 0.12,
            tau_s: 120.0,
        }
    }
}

/// A DC load of one run.
#[derive(Debug, Clone)]
pub(super) struct DcLoad {
    parameters: DcLoadParameters,
    source: Source,
    decay: f64,
}

/// Its deviation at the last and the next full second, as fractions of the rating.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct DcLoadState {
    last: f64,
    next: f64,
}

impl DcLoad {
    pub(super) fn new(parameters: DcLoadParameters, seed: u64, converter: &str) -> Self {
        Self {
            parameters,
            source: Source::new(seed, &format!("dc-load/{converter}")),
            decay: exp(-1.0 / parameters.tau_s.max(1e-3)),
        }
    }

    /// A state drawn from the stationary distribution.
    pub(super) fn start(&self) -> DcLoadState {
        let deviation = self.parameters.sigma_fraction * self.source.at(0).normal();
        DcLoadState {
            last: deviation,
            next: deviation,
        }
    }

    /// Goes on to the next full second, which is number `second` of the run.
    pub(super) fn next_second(&self, state: &mut DcLoadState, second: u64) {
        let spread = (1.0 - self.decay * self.decay).sqrt();
        let normal = self.source.at(second).normal();
        state.last = state.next;
        state.next = self.decay * state.last + self.parameters.sigma_fraction * spread * normal;
    }

    /// What is drawn as a fraction of the rating, a `fraction` of a second after the last full one.
    pub(super) fn demand(&self, state: &DcLoadState, fraction: f64) -> f64 {
        let deviation = state.last + (state.next - state.last) * fraction;
        (self.parameters.mean_fraction + deviation).clamp(RANGE.0, RANGE.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demand_stays_in_range_around_its_mean() {
        let load = DcLoad::new(DcLoadParameters::default(), 5, "CONV-003");
        let mut state = load.start();
        let mut sum = 0.0;
        for second in 1..=50_000 {
            load.next_second(&mut state, second);
            let demand = load.demand(&state, 0.3);
            assert!((RANGE.0..=RANGE.1).contains(&demand));
            sum += demand;
        }
        assert!((sum / 50_000.0 - 0.5).abs() < 0.03, "{sum}");
    }
}
