//! What each bus injects: loads, units, converters and the generators' schedule.

use crate::maths::pow;

use super::{
    Plant,
    acting::{Acting, at_place},
    spec::ConverterKind,
    state::ConverterState,
};

/// Active and reactive power by bus in MW and MVAR, part by part.
#[derive(Debug, Clone, Default)]
pub(super) struct Injected {
    /// Whatever the voltage.
    pub(super) power: Vec<[f64; 2]>,
    /// In proportion to the voltage, at 1 p.u.
    pub(super) current: Vec<[f64; 2]>,
    /// Load at the voltage of the case.
    pub(super) load: Vec<[f64; 2]>,
    /// What all stations but the slack inject, in MW.
    pub(super) station_mw: f64,
    /// The net injections of the solution: active, reactive.
    pub(super) net: [Vec<f64>; 2],
}

/// The least that is taken to be left of the generators, as a share of their rating: without inertia
/// there is no frequency.
const LEAST_LEFT: f64 = 0.05;

impl Injected {
    pub(super) fn new(buses: usize) -> Self {
        Self {
            power: vec![[0.0; 2]; buses],
            current: vec![[0.0; 2]; buses],
            load: vec![[0.0; 2]; buses],
            station_mw: 0.0,
            net: [vec![0.0; buses], vec![0.0; buses]],
        }
    }

    pub(super) fn clear(&mut self) {
        self.power.fill([0.0; 2]);
        self.current.fill([0.0; 2]);
        self.load.fill([0.0; 2]);
        self.station_mw = 0.0;
    }
}

impl Plant {
    /// Works out what each bus injects, and gives it to the network.
    pub(super) fn inject(&mut self, acting: &Acting) {
        self.work_out_injections(acting);
        for bus in 0..self.injected.power.len() {
            let [p, q] = self.injected.power[bus];
            self.network.flow.set_power(bus, p, q);
            let [p, q] = self.injected.current[bus];
            self.network.flow.set_current(bus, p, q);
            let [p, q] = self.injected.load[bus];
            self.network.flow.set_load(bus, p, q);
        }
        for station in self.spec.dispatch.stations() {
            if station.slack || station.holds {
                let held = at_place(&acting.dips, station.bus, station.set_point_pu);
                self.network
                    .flow
                    .set_voltage(station.bus, held.min(station.set_point_pu));
            }
        }
    }

    pub(super) fn work_out_injections(&mut self, acting: &Acting) {
        let shape = self.loads.shape(self.unix_s(self.state.steps));
        let fraction = self.fraction();
        let base_mva = self.spec.frequency.parameters().base_mva;
        let damping = self.spec.frequency.parameters().d_pu * base_mva;
        let mut total_mw = 0.0;
        self.injected.clear();
        for (bus, given) in self.spec.case.buses.iter().enumerate() {
            if given.pd_mw == 0.0 && given.qd_mvar == 0.0 {
                continue;
            }
            let (p, q) = self.state.load.factors(bus, fraction);
            let step = at_place(&acting.load_steps, bus, 1.0);
            let load = [
                given.pd_mw * shape * p * step,
                given.qd_mvar * shape * q * step,
            ];
            total_mw += load[0];
            if given.pd_mw < 0.0 {
                // Generation in the guise of a load does not follow the voltage.
                self.injected.power[bus][0] -= load[0];
                self.injected.load[bus][1] = load[1];
            } else {
                self.injected.load[bus] = load;
            }
        }
        // Loads follow the frequency; all together by the damping of the swing equation.
        let sensitivity = if total_mw > 1.0 {
            damping / total_mw
        } else {
            0.0
        };
        let frequency_factor = 1.0 + sensitivity * self.state.frequency.deviation_pu;
        for load in &mut self.injected.load {
            load[0] *= frequency_factor;
        }
        let damping_mw = total_mw * (frequency_factor - 1.0);
        let fleet = self.spec.fleet / 1000.0;
        let mut res_mw = 0.0;
        for (unit, (_, readings)) in self.spec.wind.iter().zip(&self.state.wind) {
            self.injected.power[unit.bus][0] += fleet * readings.generation_kw;
            res_mw += fleet * readings.generation_kw;
        }
        for (unit, (_, readings)) in self.spec.solar.iter().zip(&self.state.solar) {
            if unit.converter.is_none() {
                self.injected.power[unit.bus][0] += fleet * readings.generation_kw;
                res_mw += fleet * readings.generation_kw;
            }
        }
        for (unit, state) in self.spec.converters.iter().zip(&self.state.converters) {
            if let (ConverterKind::Grid { converter, .. }, ConverterState::Grid(state)) =
                (&unit.kind, state)
            {
                // Currents are what the converter controls: its power follows the voltage.
                let kilovolts = converter.parameters().nominal_peak_v() / 1000.0;
                let readings = state.readings();
                let p = 1.5 * kilovolts * readings.current_d_a * fleet;
                let q = -1.5 * kilovolts * readings.current_q_a * fleet;
                self.injected.current[unit.bus][0] += p;
                self.injected.current[unit.bus][1] += q;
                res_mw += p * self.state.vm_pu[unit.bus];
            }
        }
        let state = &mut self.state;
        // What is needed more than at the last solution, as far as it is known before the next one.
        let demand_mw = total_mw + damping_mw - res_mw;
        let needed_mw = state.dispatch.generation_mw + demand_mw - state.demand_mw;
        state.demand_mw = demand_mw;
        state.damping_mw = damping_mw;
        let dispatch = &self.spec.dispatch;
        let flow = &self.network.flow;
        let lost = |bus: usize| {
            if flow.energised(bus) {
                at_place(&acting.losses, bus, 0.0)
            } else {
                1.0
            }
        };
        let available = dispatch.available(&state.dispatch, |station| lost(station.bus));
        state.lost_mw = state.dispatch.scheduled_mw - available.scheduled_mw;
        let left_mva = available.rated_mva.max(LEAST_LEFT * base_mva);
        if left_mva > state.rated_mva {
            // Who comes back brings inertia and a governor, and no power beyond its schedule.
            state.frequency.spread(state.rated_mva / left_mva);
        }
        state.rated_mva = left_mva;
        for station in dispatch.stations().iter().filter(|station| !station.slack) {
            let lost = lost(station.bus);
            let p = dispatch.power_mw(&state.dispatch, station, lost, available, needed_mw);
            self.injected.station_mw += p;
            let power = &mut self.injected.power[station.bus];
            power[0] += p;
            power[1] += (1.0 - lost) * station.scheduled_mvar;
        }
    }

    /// What the generators feed in at the present solution in MW.
    pub(super) fn generation_mw(&mut self) -> f64 {
        let (alpha_p, v0) = (self.spec.load.alpha_p, self.spec.flow.vm_pu());
        let flow = &self.network.flow;
        let [net_mw, net_mvar] = &mut self.injected.net;
        flow.injections(net_mw, net_mvar);
        let mut total = self.injected.station_mw;
        let slack = self.spec.dispatch.stations().iter().filter(|s| s.slack);
        for station in slack {
            let bus = station.bus;
            let v = flow.vm_pu()[bus];
            let others = self.injected.power[bus][0] + self.injected.current[bus][0] * v
                - self.injected.load[bus][0] * pow(v / v0[bus].max(1e-3), alpha_p);
            total += net_mw[bus] - others;
        }
        total
    }
}
