//! Who generates how much: a schedule that takes over what lasts, and governors that share the rest.

use serde::{Deserialize, Serialize};

use super::frequency::FrequencyState;
use crate::maths::exp;

/// Time constant with which the schedule takes over what lasts, in s: redispatch within minutes.
const REDISPATCH_TAU_S: f64 = 300.0;
/// Less than this in MW is no power to share by.
const NOTHING_MW: f64 = 1e-9;

/// The generators at one bus, taken together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Station {
    /// Index of the bus.
    pub(super) bus: usize,
    /// Scheduled active power in MW: what the case's power flow has, of a slack bus too.
    pub(super) scheduled_mw: f64,
    /// Reactive power of the case in MVAR; it counts where the bus holds no voltage.
    pub(super) scheduled_mvar: f64,
    /// Rating in MVA: its part of the inertia.
    pub(super) rated_mva: f64,
    /// Whether it has governors, which share what the schedule does not cover. A pump and a
    /// condenser have none.
    pub(super) governed: bool,
    /// Whether the bus balances the network.
    pub(super) slack: bool,
    /// Whether it holds the voltage of its bus, a slack bus aside.
    pub(super) holds: bool,
    /// The voltage it holds in p.u.
    pub(super) set_point_pu: f64,
}

impl Station {
    /// Its weight among those who share what the schedule does not cover, in MVA.
    fn governing_mva(&self) -> f64 {
        if self.governed { self.rated_mva } else { 0.0 }
    }
}

/// The generating stations of the network.
#[derive(Debug, Clone)]
pub(super) struct Dispatch {
    stations: Vec<Station>,
    /// Which station is at a bus.
    by_bus: Vec<Option<usize>>,
    scheduled_mw: f64,
    /// What those feed in that do feed in.
    feeding_mw: f64,
    rated_mva: f64,
    governing_mva: f64,
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
    /// The dispatch of these stations in a network of so many buses.
    pub(super) fn new(stations: Vec<Station>, buses: usize) -> Self {
        let mut by_bus = vec![None; buses];
        for (at, station) in stations.iter().enumerate() {
            if let Some(place) = by_bus.get_mut(station.bus) {
                *place = Some(at);
            }
        }
        Self {
            by_bus,
            scheduled_mw: stations.iter().map(|s| s.scheduled_mw).sum(),
            feeding_mw: stations.iter().map(|s| s.scheduled_mw.max(0.0)).sum(),
            rated_mva: stations.iter().map(|s| s.rated_mva).sum(),
            governing_mva: stations.iter().map(Station::governing_mva).sum(),
            stations,
        }
    }

    pub(super) fn stations(&self) -> &[Station] {
        &self.stations
    }

    /// The station at a bus.
    pub(super) fn station_at(&self, bus: usize) -> Option<&Station> {
        self.stations.get((*self.by_bus.get(bus)?)?)
    }

    /// What all stations feed in as the case has it, in MW.
    pub(super) fn scheduled_mw(&self) -> f64 {
        self.scheduled_mw
    }

    /// Rating of all stations in MVA, the base of the swing equation.
    pub(super) fn rated_mva(&self) -> f64 {
        self.rated_mva
    }

    /// What a station is to feed in by its schedule, in MW, when all are to feed in what `state` says.
    /// Those that feed in follow the load in proportion; what takes power, a pump, takes what it takes.
    pub(super) fn scheduled_of(&self, state: &DispatchState, station: &Station) -> f64 {
        let beyond_mw = state.scheduled_mw - self.scheduled_mw;
        let share = if self.feeding_mw > NOTHING_MW {
            station.scheduled_mw.max(0.0) / self.feeding_mw
        } else if self.governing_mva > 0.0 {
            station.governing_mva() / self.governing_mva
        } else {
            0.0
        };
        station.scheduled_mw + share * beyond_mw
    }

    /// What a station feeds in when all feed in `generation_mw`, of which `state` is scheduled, and
    /// it has lost the fraction `lost`. What is not scheduled is shared by rating.
    pub(super) fn power_mw(
        &self,
        state: &DispatchState,
        station: &Station,
        lost: f64,
        available: Available,
        generation_mw: f64,
    ) -> f64 {
        let left = 1.0 - lost;
        let rest_mw = generation_mw - available.scheduled_mw;
        let share = if available.governing_mva > 0.0 {
            left * station.governing_mva() / available.governing_mva
        } else {
            0.0
        };
        left * self.scheduled_of(state, station) + share * rest_mw
    }

    /// What is left when stations have lost the fractions that `lost` tells for each.
    pub(super) fn available(
        &self,
        state: &DispatchState,
        lost: impl Fn(&Station) -> f64,
    ) -> Available {
        let mut available = Available {
            scheduled_mw: state.scheduled_mw,
            rated_mva: self.rated_mva,
            governing_mva: self.governing_mva,
        };
        for station in &self.stations {
            let lost = lost(station);
            if lost > 0.0 {
                available.scheduled_mw -= lost * self.scheduled_of(state, station);
                available.rated_mva -= lost * station.rated_mva;
                available.governing_mva -= lost * station.governing_mva();
            }
        }
        available
    }
}

/// What the stations have left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Available {
    /// Of the schedule in MW.
    pub(super) scheduled_mw: f64,
    /// Of the rating in MVA.
    pub(super) rated_mva: f64,
    /// Of the rating of those with governors in MVA.
    pub(super) governing_mva: f64,
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the numbers are to be the very same")]
mod tests {
    use super::*;

    fn station(bus: usize, scheduled_mw: f64, rated_mva: f64) -> Station {
        Station {
            bus,
            scheduled_mw,
            scheduled_mvar: 0.0,
            rated_mva,
            governed: scheduled_mw >= 0.0,
            slack: bus == 0,
            holds: bus == 1,
            set_point_pu: 1.02,
        }
    }

    fn dispatch() -> Dispatch {
        Dispatch::new(vec![station(0, 150.0, 250.0), station(1, 120.0, 200.0)], 2)
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
    fn a_pump_takes_the_same_whatever_the_others_do() {
        let stations = vec![station(0, 100.0, 200.0), station(2, -20.0, 500.0)];
        let dispatch = Dispatch::new(stations, 3);
        for (scheduled_mw, generation_mw) in [(80.0, 80.0), (48.0, 48.0), (48.0, 60.0)] {
            let state = state(scheduled_mw);
            let available = dispatch.available(&state, |_| 0.0);
            let power = |bus: usize| {
                let station = dispatch.station_at(bus).unwrap();
                dispatch.power_mw(&state, station, 0.0, available, generation_mw)
            };
            assert_eq!(power(2), -20.0);
            assert!((power(0) - generation_mw - 20.0).abs() < 1e-9);
        }
        assert_eq!(dispatch.station_at(1), None);
    }

    #[test]
    fn without_power_to_follow_the_load_ratings_do() {
        let dispatch = Dispatch::new(vec![station(0, 0.0, 300.0), station(1, 0.0, 100.0)], 2);
        let state = state(40.0);
        let scheduled = |at: usize| dispatch.scheduled_of(&state, &dispatch.stations()[at]);
        assert_eq!([scheduled(0), scheduled(1)], [30.0, 10.0]);
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
