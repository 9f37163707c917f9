//! Who generates how much: a schedule that takes over what lasts, and governors that share the rest.

use serde::{Deserialize, Serialize};

use super::frequency::FrequencyState;
use crate::maths::exp;

/// Time constant with which the schedule takes over what lasts, in s: redispatch within minutes.
const REDISPATCH_TAU_S: f64 = 300.0;

/// The generators at one bus, taken together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Station {
    /// Index of the bus.
    pub(super) bus: usize,
    /// Scheduled active power of the case in MW.
    pub(super) scheduled_mw: f64,
    /// Reactive power of the case in MVAR; it counts where the bus holds no voltage.
    pub(super) scheduled_mvar: f64,
    /// Rating in MVA: the share in what the schedule does not cover.
    pub(super) rated_mva: f64,
    /// Whether the bus balances the network.
    pub(super) slack: bool,
    /// Whether it holds the voltage of its bus, a slack bus aside.
    pub(super) holds: bool,
    /// The voltage it holds in p.u.
    pub(super) set_point_pu: f64,
}

/// The generating stations of the network.
#[derive(Debug, Clone)]
pub(super) struct Dispatch {
    stations: Vec<Station>,
    scheduled_mw: f64,
    rated_mva: f64,
}

/// State of the dispatch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct DispatchState {
    /// What the schedule provides in MW.
    pub(super) scheduled_mw: f64,
    /// What all stations fed in at the last solution in MW.
    pub(super) generation_mw: f64,
}

impl DispatchState {
    /// Lets the schedule take over what automatic generation control provides, as far as that goes in
    /// `seconds`. The power stays where it is, so the frequency does not feel it.
    pub(super) fn take_over(
        &mut self,
        frequency: &mut FrequencyState,
        base_mva: f64,
        seconds: f64,
    ) {
        let moved_pu = frequency.agc_pu * (1.0 - exp(-seconds / REDISPATCH_TAU_S));
        self.scheduled_mw += base_mva * moved_pu;
        for beyond_schedule in [
            &mut frequency.agc_pu,
            &mut frequency.governor_pu,
            &mut frequency.turbine_pu,
            &mut frequency.reheat_pu,
        ] {
            *beyond_schedule -= moved_pu;
        }
    }
}

impl Dispatch {
    pub(super) fn new(stations: Vec<Station>) -> Self {
        let scheduled_mw: f64 = stations.iter().map(|s| s.scheduled_mw).sum();
        let rated_mva: f64 = stations.iter().map(|s| s.rated_mva).sum();
        Self {
            stations,
            scheduled_mw,
            rated_mva,
        }
    }

    pub(super) fn stations(&self) -> &[Station] {
        &self.stations
    }

    /// Rating of all stations in MVA, the base of the swing equation.
    pub(super) fn rated_mva(&self) -> f64 {
        self.rated_mva
    }

    /// What a station feeds in when all feed in `generation_mw`, of which `state` is scheduled, and
    /// it has lost the fraction `lost`. The schedule is shared as in the case, the rest by rating.
    pub(super) fn power_mw(
        &self,
        state: &DispatchState,
        station: &Station,
        lost: f64,
        available: Available,
        generation_mw: f64,
    ) -> f64 {
        let scale = self.scale(state);
        let rest_mw = generation_mw - available.scheduled_mw;
        let share = if available.rated_mva > 0.0 {
            station.rated_mva * (1.0 - lost) / available.rated_mva
        } else {
            0.0
        };
        (1.0 - lost) * station.scheduled_mw * scale + share * rest_mw
    }

    /// What is left when stations have lost the fractions that `lost` tells for each.
    pub(super) fn available(
        &self,
        state: &DispatchState,
        lost: impl Fn(&Station) -> f64,
    ) -> Available {
        let scale = self.scale(state);
        let mut available = Available {
            scheduled_mw: state.scheduled_mw,
            rated_mva: self.rated_mva,
        };
        for station in &self.stations {
            let lost = lost(station);
            available.scheduled_mw -= lost * station.scheduled_mw * scale;
            available.rated_mva -= lost * station.rated_mva;
        }
        available
    }

    fn scale(&self, state: &DispatchState) -> f64 {
        if self.scheduled_mw.abs() > 1e-9 {
            state.scheduled_mw / self.scheduled_mw
        } else {
            0.0
        }
    }
}

/// What the stations have left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Available {
    /// Of the schedule in MW.
    pub(super) scheduled_mw: f64,
    /// Of the rating in MVA.
    pub(super) rated_mva: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dispatch() -> Dispatch {
        let station = |bus, scheduled_mw, rated_mva| Station {
            bus,
            scheduled_mw,
            scheduled_mvar: 0.0,
            rated_mva,
            slack: bus == 0,
            holds: bus == 1,
            set_point_pu: 1.02,
        };
        Dispatch::new(vec![station(0, 150.0, 250.0), station(1, 120.0, 200.0)])
    }

    fn state(scheduled_mw: f64) -> DispatchState {
        DispatchState {
            scheduled_mw,
            generation_mw: scheduled_mw,
        }
    }

    #[test]
    fn the_stations_feed_in_what_is_needed() {
        let dispatch = dispatch();
        for (needed_mw, lost) in [(270.0, 0.0), (300.0, 0.0), (250.0, 0.4), (280.0, 1.0)] {
            let lost = |station: &Station| if station.bus == 1 { lost } else { 0.0 };
            let state = state(260.0);
            let available = dispatch.available(&state, lost);
            let total: f64 = dispatch
                .stations()
                .iter()
                .map(|s| dispatch.power_mw(&state, s, lost(s), available, needed_mw))
                .sum();
            assert!((total - needed_mw).abs() < 1e-9, "{total}");
        }
    }

    #[test]
    fn a_deviation_is_shared_by_rating() {
        let dispatch = dispatch();
        let state = state(270.0);
        let available = dispatch.available(&state, |_| 0.0);
        let power = |at: usize| {
            dispatch.power_mw(
                &state,
                &dispatch.stations()[at],
                0.0,
                available,
                270.0 + 45.0,
            )
        };
        assert!((power(0) - 175.0).abs() < 1e-9);
        assert!((power(1) - 140.0).abs() < 1e-9);
    }

    #[test]
    fn the_schedule_takes_over_what_lasts_and_nothing_moves() {
        let mut state = state(200.0);
        let provided_pu = 0.2;
        let mut frequency = FrequencyState {
            deviation_pu: 0.0,
            governor_pu: provided_pu,
            turbine_pu: provided_pu,
            reheat_pu: provided_pu,
            agc_pu: provided_pu,
        };
        for _ in 0..3000 {
            state.take_over(&mut frequency, 450.0, 0.1);
        }
        let expected_pu = provided_pu * exp(-1.0);
        assert!((frequency.agc_pu - expected_pu).abs() < 1e-9);
        assert!((frequency.reheat_pu - expected_pu).abs() < 1e-9);
        let total_mw = state.scheduled_mw + 450.0 * frequency.reheat_pu;
        assert!((total_mw - 290.0).abs() < 1e-6, "{total_mw}");
    }
}
