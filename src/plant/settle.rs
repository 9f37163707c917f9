//! Brings the plant into balance at the beginning of a run: from the case's own power flow to what is
//! injected then.

use super::{Plant, acting::Acting, injected::Injected};

/// How often the schedule is fitted to what the generators have to feed in.
const REDISPATCHES: usize = 12;
/// Less than this share of the generation is no reason for another time.
const BALANCED: f64 = 1e-10;
/// How many solutions on the way are tried at most.
const APPROACH_TRIALS: usize = 24;
/// The shortest stretch of the way that is tried.
const SHORTEST_STRETCH: f64 = 1.0 / 64.0;

impl Plant {
    /// Brings network, converters and schedule into balance at the beginning of a run.
    pub(super) fn settle(&mut self) {
        let acting = Acting::default();
        let scheduled_mw = self.spec.dispatch.scheduled_mw();
        self.state.dispatch.generation_mw = scheduled_mw;
        self.state.dispatch.scheduled_mw = scheduled_mw;
        self.state.demand_mw = self.case_demand_mw();
        self.inject(&acting);
        // What loads, losses and units were in the case moves the schedule with it.
        let expected_mw = scheduled_mw + self.state.demand_mw - self.case_demand_mw();
        self.state.dispatch.generation_mw = expected_mw;
        self.state.dispatch.scheduled_mw = expected_mw;
        for _ in 0..REDISPATCHES {
            self.inject(&acting);
            self.network.solve();
            if !self.network.converged() {
                self.approach();
            }
            let generation_mw = self.generation_mw();
            if !self.network.converged() {
                break;
            }
            let change_mw = generation_mw - self.state.dispatch.scheduled_mw;
            self.state.dispatch.generation_mw = generation_mw;
            self.state.dispatch.scheduled_mw = generation_mw;
            if change_mw.abs() <= BALANCED * generation_mw.abs().max(1.0) {
                break;
            }
        }
        let flow = &self.network.flow;
        self.state.vm_pu.copy_from_slice(flow.vm_pu());
        self.state.va_rad.copy_from_slice(flow.va_rad());
        self.note_solution(&acting);
    }

    /// What the loads of the case draw where there is voltage, in MW.
    fn case_demand_mw(&self) -> f64 {
        let buses = self.spec.case.buses.iter().enumerate();
        let supplied = buses.filter(|(bus, _)| self.spec.flow.energised(*bus));
        supplied.map(|(_, given)| given.pd_mw).sum()
    }

    /// Leads the network from its case, of which it has the solution, to what is injected now: in stretches
    /// that are halved where one is too long.
    fn approach(&mut self) {
        let target = self.injected.clone();
        let base = Injected::at_base(&self.spec);
        let (vm, va) = (self.spec.flow.vm_pu(), self.spec.flow.va_rad());
        self.network.flow.set_voltages(vm, va);
        let (mut reached, mut stretch) = (0.0, 0.5);
        for _ in 0..APPROACH_TRIALS {
            let share = f64::min(reached + stretch, 1.0);
            self.injected.between(&base, &target, share);
            self.injected.give_to(&mut self.network.flow);
            self.network.solve();
            if self.network.converged() {
                reached = share;
                stretch *= 2.0;
            } else {
                stretch *= 0.5;
            }
            if reached >= 1.0 || stretch < SHORTEST_STRETCH {
                break;
            }
        }
        self.network.set_converged(reached >= 1.0);
        self.injected = target;
        self.injected.give_to(&mut self.network.flow);
    }
}
