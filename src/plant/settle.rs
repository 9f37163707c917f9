//! Brings the plant into balance at the beginning of a run: from the case's own power flow, of which it has
//! the solution, to what is injected then.
//!
//! The schedule goes with it: what load, losses and units change is shared by all generators at every
//! point of the way. Left to the slack bus, a percent of the load of a large network is more than the
//! lines around that bus carry.

use super::{acting::Acting, dispatch::DispatchState, injected::Injected, system::Plant};

/// How often the schedule is fitted at one point.
const REDISPATCHES: usize = 12;
/// The share of the generation that is left to the slack bus in the end, and on the way.
const BALANCED: f64 = 1e-10;
const NEARLY_BALANCED: f64 = 1e-4;
/// How many points are tried at most.
const TRIALS: usize = 24;
/// The shortest stretch of the way that is tried.
const SHORTEST_STRETCH: f64 = 1.0 / 64.0;

/// The way from the power flow of the case to what is injected at the beginning of a run.
struct Way {
    /// What is injected at either end; the schedule is that of the case at both.
    from: Injected,
    to: Injected,
    /// What loads draw less what units feed in at either end, in MW.
    demand_mw: [f64; 2],
}

/// A point of the way that has a solution.
struct Reached {
    /// 0 at the beginning of the way, 1 at its end.
    share: f64,
    scheduled_mw: f64,
    vm_pu: Vec<f64>,
    va_rad: Vec<f64>,
}

impl Plant {
    /// Brings network, converters and schedule into balance at the beginning of a run.
    pub(super) fn settle(&mut self) {
        let acting = Acting::default();
        self.schedule(self.spec.dispatch.scheduled_mw());
        // The first time tells what is needed, the second takes it as what was needed before.
        self.inject(&acting);
        self.inject(&acting);
        let way = Way {
            from: Injected::at_base(&self.spec),
            to: self.injected.clone(),
            demand_mw: [self.case_demand_mw(), self.state.demand_mw],
        };
        self.lead(&way);
        let flow = &self.network.flow;
        self.state.vm_pu.copy_from_slice(flow.vm_pu());
        self.state.va_rad.copy_from_slice(flow.va_rad());
        self.note_solution(&acting);
    }

    /// Has the stations feed in what the schedule says, which is so much.
    fn schedule(&mut self, scheduled_mw: f64) {
        self.state.dispatch = DispatchState {
            scheduled_mw,
            generation_mw: scheduled_mw,
        };
    }

    /// What the loads of the case draw where there is voltage, in MW.
    fn case_demand_mw(&self) -> f64 {
        let buses = self.spec.case.buses.iter().enumerate();
        let supplied = buses.filter(|(bus, _)| self.spec.flow.energised(*bus));
        supplied.map(|(_, given)| given.pd_mw).sum()
    }

    /// Leads network and schedule along the way, at once where that succeeds, else in stretches. They end at
    /// the last point that has a solution.
    fn lead(&mut self, way: &Way) {
        let [case_mw, demand_mw] = way.demand_mw;
        let mut slope_mw = demand_mw - case_mw + self.loss_change_mw(way);
        let mut reached = self.reached(0.0);
        let mut stretch = 1.0;
        for _ in 0..TRIALS {
            let share = f64::min(reached.share + stretch, 1.0);
            let expected_mw = reached.scheduled_mw + (share - reached.share) * slope_mw;
            if self.balance(way, share, expected_mw) {
                let next = self.reached(share);
                slope_mw =
                    (next.scheduled_mw - reached.scheduled_mw) / (next.share - reached.share);
                reached = next;
                stretch *= 2.0;
                if share >= 1.0 {
                    break;
                }
            } else {
                let Reached { vm_pu, va_rad, .. } = &reached;
                self.network.flow.set_voltages(vm_pu, va_rad);
                stretch = 0.5 * (share - reached.share);
                if stretch < SHORTEST_STRETCH {
                    break;
                }
            }
        }
        self.generation_mw();
        if reached.share < 1.0 {
            let left = 1.0 - reached.share;
            self.schedule(reached.scheduled_mw + left * slope_mw);
            self.place_on(way, 1.0);
            self.network.set_converged(false);
        }
    }

    fn reached(&self, share: f64) -> Reached {
        Reached {
            share,
            scheduled_mw: self.state.dispatch.scheduled_mw,
            vm_pu: self.network.flow.vm_pu().to_vec(),
            va_rad: self.network.flow.va_rad().to_vec(),
        }
    }

    /// By how much losses may be expected to change: with the square of what is carried.
    fn loss_change_mw(&self, way: &Way) -> f64 {
        let [case_mw, demand_mw] = way.demand_mw;
        let ratio = demand_mw / case_mw;
        if (0.0..2.0).contains(&ratio) {
            (ratio * ratio - 1.0) * self.network.flow.loss_mw()
        } else {
            0.0
        }
    }

    /// Solves the network at a point of the way, and fits the schedule until the slack bus feeds in what it
    /// is to. Whether that succeeded.
    fn balance(&mut self, way: &Way, share: f64, expected_mw: f64) -> bool {
        let tolerance = if share < 1.0 {
            NEARLY_BALANCED
        } else {
            BALANCED
        };
        self.schedule(expected_mw);
        for _ in 0..REDISPATCHES {
            self.place_on(way, share);
            self.network.solve();
            if !self.network.converged() {
                return false;
            }
            let generation_mw = self.generation_mw();
            let change_mw = generation_mw - self.state.dispatch.scheduled_mw;
            self.schedule(generation_mw);
            if change_mw.abs() <= tolerance * generation_mw.abs().max(1.0) {
                break;
            }
        }
        true
    }

    /// Injects what is at a point of the way, with the present schedule.
    fn place_on(&mut self, way: &Way, share: f64) {
        self.injected.between(&way.from, &way.to, share);
        for station in self.spec.dispatch.stations().iter().filter(|s| !s.slack) {
            let scheduled_mw = self
                .spec
                .dispatch
                .scheduled_of(&self.state.dispatch, station);
            let change_mw = scheduled_mw - station.scheduled_mw;
            self.injected.add_station(station.bus, [change_mw, 0.0]);
        }
        self.injected.give_to(&mut self.network.flow);
    }
}
