//! One solve: from where it starts, what it tries, and what it keeps.

use std::f64::consts::{PI, TAU};

use super::{
    network::{Complex, unit},
    newton::End,
    power_flow::{BaseStatus, PowerFlow, PowerFlowError, Solved},
    state::Dependent,
};

/// The mismatch in p.u. that ends a solve. Half of what is promised, so that whoever computes it
/// again from rounded voltages finds less than 1e-8 as well.
const TOLERANCE_PU: f64 = 5e-9;
/// The largest mismatch in p.u. from which the base's Jacobian is tried.
const NEAR_PU: f64 = 10.0;

impl PowerFlow {
    /// From the last solution with the base's Jacobian; else by Newton's method from the base, which
    /// leads to the normal one of several solutions, say after a fault; else from the last solution.
    pub(super) fn iterate(&mut self) -> End {
        let mismatch = self.iteration.mismatch(&self.network, &self.state);
        let mut spent = 0;
        if self.base_status == BaseStatus::Usable {
            if mismatch <= NEAR_PU {
                let (network, state) = (&self.network, &mut self.state);
                let factors = &self.base_factors;
                let end = self
                    .iteration
                    .near(network, state, factors, mismatch, TOLERANCE_PU);
                if end.converged {
                    return end;
                }
                spent += end.iterations;
            }
            self.begin_at_base();
            let end = self.newton();
            if end.converged {
                return end.after(spent);
            }
            spent += end.iterations;
            self.begin();
        }
        self.newton().after(spent)
    }

    fn newton(&mut self) -> End {
        self.iteration
            .newton(&self.network, &mut self.state, TOLERANCE_PU)
    }

    /// Takes the case's voltages, which are in `base`, as the last solution.
    pub(super) fn start(&mut self) {
        for (place, &bus) in self.network.order.iter().enumerate() {
            let energised = self.network.energised[place];
            self.vm[bus] = if energised { self.base.vm[place] } else { 0.0 };
            self.va[bus] = if energised { self.base.va[place] } else { 0.0 };
            self.direction[place] = unit(self.va[bus]);
            self.voltage[place] = self.direction[place].map(|part| part * self.vm[bus]);
        }
    }

    /// Moves `base` from the case's voltages to its solution, if there is one.
    pub(super) fn find_base(&mut self) {
        self.begin();
        let end = self.newton();
        if end.converged {
            for place in 0..self.network.unknown {
                if self.network.energised[place] {
                    self.base.vm[place] = self.state.vm[place];
                    self.base.va[place] = self.state.va[place];
                }
            }
            self.base_status = BaseStatus::Outdated;
        }
    }

    /// Factorises the Jacobian at the base for the present switches and the load model. It is that of
    /// the case's own loads, so that it does not depend on what was solved before.
    fn factorise_base(&mut self) {
        let base = &mut self.base;
        base.free.copy_from_slice(&self.state.free);
        base.alpha = self.state.alpha;
        base.dependent.clear();
        for place in 0..self.network.order.len() {
            let energised = self.network.energised[place];
            let vm = if energised { base.vm[place] } else { 0.0 };
            base.v[place] = unit(base.va[place]).map(|part| part * vm);
            if place < self.network.unknown
                && energised
                && base.alpha.iter().any(|alpha| *alpha != 0.0)
            {
                let load = self.base_load[place];
                let v0 = self.inputs[place].v0;
                base.dependent.push((
                    place,
                    Dependent {
                        load,
                        v0,
                        ..Dependent::NONE
                    },
                ));
            }
        }
        self.base_status = if self.iteration.factorise(&self.network, base) {
            self.iteration.swap_factors(&mut self.base_factors);
            BaseStatus::Usable
        } else {
            BaseStatus::Singular
        };
    }

    /// Puts the last solution and the set-points into the working state.
    pub(super) fn begin(&mut self) {
        if std::mem::take(&mut self.inputs_changed) {
            self.state.dependent.clear();
            let inputs = self.inputs.iter().enumerate().take(self.network.unknown);
            let acting = inputs.filter(|(_, input)| input.acts());
            self.state
                .dependent
                .extend(acting.map(|(place, input)| (place, *input)));
        }
        if self.base_status == BaseStatus::Outdated {
            self.factorise_base();
        }
        for place in 0..self.network.order.len() {
            let bus = self.network.order[place];
            if self.network.is_slack(place) || self.vm[bus] <= 0.0 {
                self.begin_bus_at_base(place);
            } else {
                let va = self.va[bus];
                self.begin_bus(place, self.vm[bus], va, self.direction[place]);
            }
        }
    }

    /// Puts the base and the set-points into the working state.
    fn begin_at_base(&mut self) {
        for place in 0..self.network.order.len() {
            self.begin_bus_at_base(place);
        }
    }

    fn begin_bus_at_base(&mut self, place: usize) {
        let va = self.base.va[place];
        self.begin_bus(place, self.base.vm[place], va, unit(va));
    }

    fn begin_bus(&mut self, place: usize, vm: f64, va: f64, direction: Complex) {
        let energised = self.network.energised[place];
        let vm = if self.held[place] {
            self.set_point[place]
        } else {
            vm
        };
        let (vm, va) = if energised { (vm, va) } else { (0.0, 0.0) };
        self.state.vm[place] = vm;
        self.state.va[place] = va;
        self.state.v[place] = direction.map(|part| part * vm);
    }

    /// Keeps the working state as the solution.
    pub(super) fn end(&mut self, end: End) -> Result<Solved, PowerFlowError> {
        if !end.converged {
            return Err(PowerFlowError::NotConverged {
                iterations: end.iterations,
                mismatch_pu: end.mismatch,
            });
        }
        for (place, &bus) in self.network.order.iter().enumerate() {
            let va = wrapped(self.state.va[place]);
            let vm = self.state.vm[place];
            self.vm[bus] = vm;
            self.va[bus] = va;
            self.direction[place] = unit(va);
            self.voltage[place] = self.direction[place].map(|part| part * vm);
        }
        Ok(Solved {
            iterations: end.iterations,
            mismatch_pu: end.mismatch,
        })
    }

    /// Says what is free after a change of switches.
    pub(super) fn update_free(&mut self) {
        for place in 0..self.network.unknown {
            let energised = self.network.energised[place];
            let free = |free: bool| if free { 1.0 } else { 0.0 };
            self.state.free[place] = [free(energised), free(energised && !self.held[place])];
        }
        self.outdate_base();
    }

    /// Has the next solve factorise the base's Jacobian.
    pub(super) fn outdate_base(&mut self) {
        if self.base_status != BaseStatus::Absent {
            self.base_status = BaseStatus::Outdated;
        }
    }
}

/// The angle between -π and π.
fn wrapped(angle: f64) -> f64 {
    if angle.abs() <= PI {
        angle
    } else {
        angle - TAU * (angle / TAU).round()
    }
}
