//! Brings the plant into balance at the beginning of a run.

use super::{Plant, acting::Acting};

/// Losses of the network over its load, for a first guess.
const LOSS_GUESS: f64 = 0.0075;
/// In so many steps the network is led from its case to a start that it does not reach at once.
const APPROACH_STEPS: u32 = 20;

impl Plant {
    /// Brings network, converters and schedule into balance at the beginning of a run.
    pub(super) fn settle(&mut self) {
        let acting = Acting::default();
        let guess_mw = {
            self.work_out_injections(&acting);
            self.state.demand_mw * (1.0 + LOSS_GUESS)
        };
        self.state.dispatch.generation_mw = guess_mw;
        self.state.dispatch.scheduled_mw = guess_mw;
        self.inject(&acting);
        self.network.solve();
        if !self.network.converged() {
            self.approach();
        }
        for _ in 0..3 {
            let generation_mw = self.generation_mw();
            self.state.dispatch.generation_mw = generation_mw;
            self.state.dispatch.scheduled_mw = generation_mw;
            self.inject(&acting);
            self.network.solve();
        }
        let flow = &self.network.flow;
        self.state.vm_pu.copy_from_slice(flow.vm_pu());
        self.state.va_rad.copy_from_slice(flow.va_rad());
        self.state.converged = self.network.converged();
    }

    /// Leads the network from its case to what is injected now, bit by bit.
    pub(super) fn approach(&mut self) {
        let case = self.spec.case.clone();
        for step in 1..=APPROACH_STEPS {
            let share = f64::from(step) / f64::from(APPROACH_STEPS);
            for (bus, given) in case.buses.iter().enumerate() {
                let mix = |from: f64, to: f64| from + (to - from) * share;
                let [p, q] = self.injected.load[bus];
                let (from_p, from_q) = if given.pd_mw < 0.0 {
                    (0.0, given.qd_mvar)
                } else {
                    (given.pd_mw, given.qd_mvar)
                };
                self.network
                    .flow
                    .set_load(bus, mix(from_p, p), mix(from_q, q));
                let stations = self.spec.dispatch.stations();
                let here = stations.iter().find(|s| s.bus == bus && !s.slack);
                let scheduled = here.map_or((0.0, 0.0), |s| (s.scheduled_mw, s.scheduled_mvar));
                let from_p = scheduled.0 - given.pd_mw.min(0.0);
                let [p, q] = self.injected.power[bus];
                self.network
                    .flow
                    .set_power(bus, mix(from_p, p), mix(scheduled.1, q));
                let [p, q] = self.injected.current[bus];
                self.network.flow.set_current(bus, share * p, share * q);
            }
            self.network.solve();
        }
    }
}
