//! Works out what each bus injects: loads, units, converters and the generators' schedule.

use crate::maths::pow;

use super::{
    acting::{Acting, at_place},
    converter::unit::{ConverterKind, ConverterState},
    system::Plant,
};

/// Loads answer to a change of the frequency by at most so many times what the damping says, however small
/// they are beside the machines.
const MOST_SENSITIVE: f64 = 3.0;
/// The least that is taken to be left of the generators, as a share of their rating: without inertia
/// there is no frequency.
const LEAST_LEFT: f64 = 0.05;

impl Plant {
    /// Works out what each bus injects, and gives it to the network.
    pub(super) fn inject(&mut self, acting: &Acting) {
        self.work_out_injections(acting);
        self.injected.give_to(&mut self.network.flow);
        for station in self.spec.dispatch.stations() {
            if station.slack || station.holds {
                let held = at_place(&acting.dips, station.bus, station.set_point_pu);
                self.network
                    .flow
                    .set_voltage(station.bus, held.min(station.set_point_pu));
            }
        }
    }

    fn work_out_injections(&mut self, acting: &Acting) {
        self.injected.clear();
        let load_mw = self.add_loads(acting);
        let damping_mw = self.add_damping(load_mw);
        let units_mw = self.add_units();
        let state = &mut self.state;
        // What is needed more than at the last solution, as far as it is known before the next one.
        let demand_mw = load_mw + damping_mw - units_mw;
        let needed_mw = state.dispatch.generation_mw + demand_mw - state.demand_mw;
        state.demand_mw = demand_mw;
        state.damping_mw = damping_mw;
        self.add_stations(acting, needed_mw);
    }

    /// Adds the loads; how much they are in MW where there is voltage.
    fn add_loads(&mut self, acting: &Acting) -> f64 {
        let shape = self.loads.shape(self.unix_s(self.state.steps));
        let fraction = self.fraction();
        let mut total_mw = 0.0;
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
            if self.network.flow.energised(bus) {
                total_mw += load[0];
            }
            self.injected.add_load(bus, load);
        }
        total_mw
    }

    /// Lets loads of `load_mw` follow the frequency, all together by the damping of the swing equation; how
    /// much more they draw, in MW.
    fn add_damping(&mut self, load_mw: f64) -> f64 {
        let parameters = self.spec.frequency.parameters();
        let damping_mw = parameters.d_pu * parameters.base_mva;
        let sensitivity = if load_mw > 0.0 {
            (damping_mw / load_mw).min(parameters.d_pu * MOST_SENSITIVE)
        } else {
            0.0
        };
        let factor = 1.0 + sensitivity * self.state.frequency.deviation_pu;
        for load in &mut self.injected.load {
            load[0] *= factor;
        }
        load_mw * (factor - 1.0)
    }

    /// Adds what renewable units and converters feed in; how much it is in MW where there is voltage.
    fn add_units(&mut self) -> f64 {
        let fleet = self.spec.fleet / 1000.0;
        let flow = &self.network.flow;
        let mut units_mw = 0.0;
        let wind = self.spec.wind.iter().zip(&self.state.wind);
        let wind = wind.map(|(unit, (_, readings))| (unit.bus, readings.generation_kw));
        let solar = self.spec.solar.iter().zip(&self.state.solar);
        let solar = solar
            .filter(|(unit, _)| unit.converter.is_none())
            .map(|(unit, (_, readings))| (unit.bus, readings.generation_kw));
        for (bus, generation_kw) in wind.chain(solar) {
            self.injected.power[bus][0] += fleet * generation_kw;
            if flow.energised(bus) {
                units_mw += fleet * generation_kw;
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
                units_mw += p * self.state.vm_pu[unit.bus];
            }
        }
        units_mw
    }

    /// Adds what the stations feed in when all together feed in `needed_mw`.
    fn add_stations(&mut self, acting: &Acting, needed_mw: f64) {
        let base_mva = self.spec.frequency.parameters().base_mva;
        let state = &mut self.state;
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
            let q = (1.0 - lost) * station.scheduled_mvar;
            self.injected.add_station(station.bus, [p, q]);
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
