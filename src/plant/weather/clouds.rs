//! The clear-sky index: how much of the cloudless sky's irradiance gets through the clouds.
//!
//! The sky over a site is clear, broken or overcast, a Markov chain of three states. Within a state the
//! index varies: little under a clear sky, by passing clouds under a broken one (brighter than clear
//! beside them, for they reflect), slowly under an overcast one. The array averages over its area.

use serde::{Deserialize, Serialize};

use super::process::{OrnsteinUhlenbeck, Share};
use crate::{
    maths::exp,
    plant::range::NumberInRange,
    random::{Draws, Source},
};

/// The brightest that reflection from clouds makes the sky.
const MAX_INDEX: f64 = 1.15;

/// How clouds behave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CloudParameters {
    /// Mean time a clear sky lasts.
    pub clear_dwell_s: f64,
    /// Mean time a broken sky lasts.
    pub broken_dwell_s: f64,
    /// Mean time an overcast sky lasts.
    pub overcast_dwell_s: f64,
    /// Share of the changes from clear or overcast that lead to a broken sky first, 0..1.
    pub through_broken: f64,
    /// Share of the ends of a broken sky that lead to a clear one, 0..1.
    pub clearing: f64,
    /// Index in the gaps of a broken sky.
    pub gap_index: f64,
    /// Index in the shade of a broken sky's clouds.
    pub shade_index: f64,
    /// Median index of an overcast sky.
    pub overcast_index: f64,
    /// Time constant of passing clouds.
    pub passing_s: f64,
    /// Time constant of slow changes within a state.
    pub slow_s: f64,
    /// Time constant with which an array averages over its area.
    pub array_low_pass_s: f64,
    /// Distance over which the correlation of the state falls to 1/e.
    pub correlation_length_km: f64,
    /// The same for single clouds.
    pub passing_correlation_length_km: f64,
}

impl Default for CloudParameters {
    fn default() -> Self {
        Self {
            clear_dwell_s: 1200.0,
            broken_dwell_s: 360.0,
            overcast_dwell_s: 1800.0,
            through_broken: 0.9,
            clearing: 0.5,
            gap_index: 1.07,
            shade_index: 0.4,
            overcast_index: 0.3,
            passing_s: 40.0,
            slow_s: 600.0,
            array_low_pass_s: 25.0,
            correlation_length_km: 20.0,
            passing_correlation_length_km: 1.0,
        }
    }
}

impl CloudParameters {
    pub(super) fn ranges(&self) -> [NumberInRange; 13] {
        let time_s = 1.0..=1e9;
        let distance_km = 1e-3..=1e9;
        [
            ("clouds.clear_dwell_s", self.clear_dwell_s, time_s.clone()),
            ("clouds.broken_dwell_s", self.broken_dwell_s, time_s.clone()),
            (
                "clouds.overcast_dwell_s",
                self.overcast_dwell_s,
                time_s.clone(),
            ),
            ("clouds.through_broken", self.through_broken, 0.0..=1.0),
            ("clouds.clearing", self.clearing, 0.0..=1.0),
            ("clouds.gap_index", self.gap_index, 0.0..=MAX_INDEX),
            ("clouds.shade_index", self.shade_index, 0.0..=MAX_INDEX),
            (
                "clouds.overcast_index",
                self.overcast_index,
                0.0..=MAX_INDEX,
            ),
            ("clouds.passing_s", self.passing_s, time_s.clone()),
            ("clouds.slow_s", self.slow_s, time_s),
            (
                "clouds.array_low_pass_s",
                self.array_low_pass_s,
                0.0..=3600.0,
            ),
            (
                "clouds.correlation_length_km",
                self.correlation_length_km,
                distance_km.clone(),
            ),
            (
                "clouds.passing_correlation_length_km",
                self.passing_correlation_length_km,
                distance_km,
            ),
        ]
    }
}

/// State of the sky.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Sky {
    /// No clouds.
    Clear,
    /// Single clouds.
    Broken,
    /// Nothing but clouds.
    Overcast,
}

/// The clouds over one site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CloudState {
    /// State of the sky.
    pub sky: Sky,
    passing: f64,
    slow: f64,
    /// Clear-sky index, averaged over the array, 0..1.15.
    pub index: f64,
}

/// The clouds of a region, with what their parameters determine.
#[derive(Debug, Clone)]
pub(super) struct Clouds {
    parameters: CloudParameters,
    /// Chance that something may change within a second, the same in all states.
    event_chance: f64,
    passing: OrnsteinUhlenbeck,
    slow: OrnsteinUhlenbeck,
    array_gain: f64,
}

/// How the clouds over one site depend on the region's.
#[derive(Debug, Clone)]
pub(super) struct CloudSite {
    source: Source,
    state: Share,
    passing: Share,
}

/// The region's random numbers of one second.
#[derive(Debug, Clone, Copy)]
pub(super) struct CloudDraws {
    event: f64,
    mark: f64,
    normals: [f64; 2],
}

impl CloudDraws {
    pub(super) fn new(draws: &mut Draws) -> Self {
        Self {
            event: draws.uniform(),
            mark: draws.uniform(),
            normals: [draws.normal(), draws.normal()],
        }
    }
}

impl Clouds {
    pub(super) fn new(parameters: &CloudParameters) -> Self {
        let shortest = parameters
            .clear_dwell_s
            .min(parameters.broken_dwell_s)
            .min(parameters.overcast_dwell_s)
            .max(1.0);
        Self {
            event_chance: 1.0 / shortest,
            passing: OrnsteinUhlenbeck::new(parameters.passing_s),
            slow: OrnsteinUhlenbeck::new(parameters.slow_s),
            array_gain: 1.0 - exp(-1.0 / parameters.array_low_pass_s.max(1e-3)),
            parameters: parameters.clone(),
        }
    }

    pub(super) fn site(&self, source: Source, distance_km: f64) -> CloudSite {
        let clouds = &self.parameters;
        CloudSite {
            source,
            state: Share::new(distance_km, clouds.correlation_length_km),
            passing: Share::new(distance_km, clouds.passing_correlation_length_km),
        }
    }

    /// Clouds from the stationary distribution.
    pub(super) fn start(
        &self,
        site: &CloudSite,
        common: &CloudDraws,
        draws: &mut Draws,
    ) -> CloudState {
        let own = CloudDraws::new(draws);
        let mark = if own.event < site.state.common {
            common.mark
        } else {
            own.mark
        };
        let [clear, broken] = self.stationary();
        let sky = if mark < clear {
            Sky::Clear
        } else if mark < clear + broken {
            Sky::Broken
        } else {
            Sky::Overcast
        };
        let mut state = CloudState {
            sky,
            passing: site.passing.mix(common.normals[0], own.normals[0]),
            slow: site.state.mix(common.normals[1], own.normals[1]),
            index: 0.0,
        };
        state.index = self.index(&state);
        state
    }

    /// One second.
    pub(super) fn step(
        &self,
        site: &CloudSite,
        state: &mut CloudState,
        common: &CloudDraws,
        step: u64,
    ) {
        let mut draws = site.source.at(step);
        let accepts = draws.uniform() < site.state.common;
        let own = CloudDraws::new(&mut draws);
        // Events of the region and of the site add up to the same chance at every site. Those of the
        // region carry one mark for all and bring sites together again that had parted.
        let common_chance = self.event_chance * site.state.common;
        let own_chance = (self.event_chance - common_chance) / (1.0 - common_chance).max(1e-9);
        if accepts && common.event < self.event_chance {
            state.sky = self.after_event(state.sky, common.mark);
        } else if own.event < own_chance {
            state.sky = self.after_event(state.sky, own.mark);
        }
        let normal = site.passing.mix(common.normals[0], own.normals[0]);
        state.passing = self.passing.step(state.passing, normal);
        let normal = site.state.mix(common.normals[1], own.normals[1]);
        state.slow = self.slow.step(state.slow, normal);
        state.index += self.array_gain * (self.index(state) - state.index);
    }

    /// The state after an event with a mark of 0..1. Low marks mean more clouds in every state, so that
    /// equal marks lead different states to the same one.
    fn after_event(&self, sky: Sky, mark: f64) -> Sky {
        let clouds = &self.parameters;
        let leaves = |dwell_s: f64| 1.0 / (dwell_s.max(1.0) * self.event_chance);
        let (overcast, broken) = match sky {
            Sky::Clear => {
                let leaves = leaves(clouds.clear_dwell_s);
                (
                    leaves * (1.0 - clouds.through_broken),
                    leaves * clouds.through_broken,
                )
            }
            Sky::Broken => {
                let leaves = leaves(clouds.broken_dwell_s);
                (leaves * (1.0 - clouds.clearing), 1.0 - leaves)
            }
            Sky::Overcast => {
                let leaves = leaves(clouds.overcast_dwell_s);
                (1.0 - leaves, leaves * clouds.through_broken)
            }
        };
        if mark < overcast {
            Sky::Overcast
        } else if mark < overcast + broken {
            Sky::Broken
        } else {
            Sky::Clear
        }
    }

    /// Shares of time with a clear and with a broken sky.
    fn stationary(&self) -> [f64; 2] {
        let clouds = &self.parameters;
        let direct = 1.0 - clouds.through_broken;
        // Visits per visit of the broken state, from the balance of the clear and the overcast one.
        let divisor = (1.0 - direct * direct).max(1e-9);
        let clear_visits = (clouds.clearing + direct * (1.0 - clouds.clearing)) / divisor;
        let overcast_visits = (1.0 - clouds.clearing + direct * clouds.clearing) / divisor;
        let clear = clear_visits * clouds.clear_dwell_s;
        let overcast = overcast_visits * clouds.overcast_dwell_s;
        let all = clear + clouds.broken_dwell_s + overcast;
        [clear / all, clouds.broken_dwell_s / all]
    }

    /// The index at a point, before the array averages.
    fn index(&self, state: &CloudState) -> f64 {
        let clouds = &self.parameters;
        let index = match state.sky {
            Sky::Clear => 1.0 + 0.01 * state.slow,
            Sky::Broken => {
                let shaded = 1.0 / (1.0 + exp(-6.0 * (state.passing - 0.2)));
                let gap = clouds.gap_index + 0.03 * state.slow;
                let shade = clouds.shade_index + 0.06 * state.slow;
                gap + shaded * (shade - gap)
            }
            Sky::Overcast => clouds.overcast_index * exp(0.3 * state.slow),
        };
        index.clamp(0.02, MAX_INDEX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dwell_times_and_shares_are_those_asked_for() {
        let clouds = Clouds::new(&CloudParameters::default());
        let sites = [0.0, 2.5, 2.5]
            .map(|distance| clouds.site(Source::new(3, &format!("clouds/{distance}")), distance));
        let region = Source::new(3, "clouds");
        let common = CloudDraws::new(&mut region.at(0));
        let mut states = sites
            .each_ref()
            .map(|site| clouds.start(site, &common, &mut site.source.at(0)));
        let seconds = 2_000_000;
        let (mut in_sky, mut left, mut together) = ([0.0; 3], [0.0; 3], 0.0);
        for step in 1..=seconds {
            let common = CloudDraws::new(&mut region.at(step));
            let before = states[1].sky;
            for (site, state) in sites.iter().zip(&mut states) {
                clouds.step(site, state, &common, step);
                assert!((0.0..=MAX_INDEX).contains(&state.index));
            }
            in_sky[before as usize] += 1.0;
            if states[1].sky != before {
                left[before as usize] += 1.0;
            }
            if states[0].sky == states[1].sky {
                together += 1.0;
            }
        }
        for (sky, dwell) in [1200.0, 360.0, 1800.0].into_iter().enumerate() {
            let found = in_sky[sky] / left[sky];
            assert!((found / dwell - 1.0_f64).abs() < 0.12, "{sky}: {found}");
        }
        let [clear, broken] = clouds.stationary();
        assert!(
            (in_sky[0] / seconds as f64 - clear).abs() < 0.03,
            "{clear} {in_sky:?}"
        );
        assert!(
            (in_sky[1] / seconds as f64 - broken).abs() < 0.02,
            "{broken} {in_sky:?}"
        );
        // Unrelated skies would agree for 0.37 of the time.
        assert!(together / seconds as f64 > 0.7, "{together}");
    }
}
