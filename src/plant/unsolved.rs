//! What is known where the network has no solution, and when another attempt is due.
//!
//! An attempt without success costs many times one with it. So the pause between attempts grows with
//! the network; whatever is switched or disturbed gives reason for one at once.

use super::{acting::Acting, state::UnsolvedState, system::Plant};
use crate::{
    grid::{entity::EntityId, time::STEPS_PER_SECOND},
    maths::pow,
};

/// A network of so many buses is tried at every step; a larger one pauses as much longer as it is larger.
const BUSES_PER_STEP: usize = 100;
/// The longest pause in steps.
const LONGEST_PAUSE: u64 = 10 * STEPS_PER_SECOND;

/// Where the present state is farthest from a solution.
#[derive(Debug, Clone, PartialEq)]
pub struct Unsolved {
    /// The bus with the largest mismatch.
    pub bus: EntityId,
    /// The mismatch there, in p.u.: what the bus is to inject less what it does at the last voltages that
    /// solved the network, of active and reactive power the larger one.
    pub mismatch_pu: f64,
}

impl Plant {
    /// Where the network is farthest from a solution; none where it has one.
    #[must_use]
    pub fn unsolved(&self) -> Option<Unsolved> {
        let unsolved = self.state.unsolved.as_ref()?;
        let bus = self.spec.topology().buses.get(unsolved.bus)?;
        Some(Unsolved {
            bus: bus.id.clone(),
            mismatch_pu: unsolved.mismatch_pu,
        })
    }

    /// Solves the network, if an attempt is due.
    pub(super) fn attempt(&mut self, acting: &Acting) {
        let due = match &self.state.unsolved {
            Some(unsolved) => unsolved.acting != *acting || unsolved.next_step <= self.state.steps,
            None => true,
        };
        if due {
            self.network.solve();
            self.note_solution(acting);
        }
    }

    /// Notes whether the network has been solved.
    pub(super) fn note_solution(&mut self, acting: &Acting) {
        self.state.converged = self.network.converged();
        if self.network.converged() {
            self.state.unsolved = None;
            return;
        }
        let (bus, mismatch_pu) = self.largest_mismatch();
        let pause = (self.injected.load.len() / BUSES_PER_STEP) as u64;
        let net = match self.state.unsolved.take() {
            Some(unsolved) => unsolved.net,
            None => self.injected.net.clone(),
        };
        self.state.unsolved = Some(UnsolvedState {
            net,
            bus,
            mismatch_pu,
            acting: acting.clone(),
            next_step: self.state.steps + pause.clamp(1, LONGEST_PAUSE),
        });
    }

    /// The bus where what is given differs most from what flows at the present voltages, and by how much
    /// in p.u.
    fn largest_mismatch(&self) -> (usize, f64) {
        let flow = &self.network.flow;
        let count = flow.buses();
        let (mut net_mw, mut net_mvar) = (vec![0.0; count], vec![0.0; count]);
        flow.injections(&mut net_mw, &mut net_mvar);
        let base_mva = self.spec.base_mva();
        let v0 = self.spec.flow.vm_pu();
        let alpha = [self.spec.load.alpha_p, self.spec.load.alpha_q];
        let mut worst = (0, 0.0);
        for bus in (0..count).filter(|bus| flow.energised(*bus)) {
            let station = self.spec.dispatch.station_at(bus);
            let holds = station.is_some_and(|s| s.holds) && !self.state.unheld.contains(&bus);
            if station.is_some_and(|s| s.slack) {
                continue;
            }
            let v = flow.vm_pu()[bus];
            let fault = self.state.dips.iter().find(|dip| dip.bus == bus);
            let fault = fault.map_or([0.0, 0.0], |dip| [-dip.g_pu, dip.b_pu]);
            for (part, net) in [net_mw[bus], net_mvar[bus]].into_iter().enumerate() {
                if part == 1 && holds {
                    continue;
                }
                let injected = &self.injected;
                let given = injected.power[bus][part] + injected.current[bus][part] * v
                    - injected.load[bus][part] * pow(v / v0[bus].max(1e-3), alpha[part])
                    + fault[part] * v * v * base_mva;
                let mismatch_pu = (given - net).abs() / base_mva;
                if mismatch_pu > worst.1 {
                    worst = (bus, mismatch_pu);
                }
            }
        }
        worst
    }
}
