//! What each bus injects: loads, units, converters and the generators' schedule.

use crate::powerflow::PowerFlow;

use super::spec::PlantSpec;

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

    /// What is injected in the base power flow of a plant: loads as the case has them, generators by their
    /// schedule, nothing of units.
    pub(super) fn at_base(spec: &PlantSpec) -> Self {
        let mut base = Self::new(spec.case.buses.len());
        for (bus, given) in spec.case.buses.iter().enumerate() {
            base.add_load(bus, [given.pd_mw, given.qd_mvar]);
        }
        for station in spec.dispatch.stations().iter().filter(|s| !s.slack) {
            base.add_station(station.bus, [station.scheduled_mw, station.scheduled_mvar]);
        }
        base
    }

    /// What is the part `share` of the way from `from` to `to`.
    pub(super) fn between(&mut self, from: &Self, to: &Self, share: f64) {
        let mixed = |into: &mut [[f64; 2]], from: &[[f64; 2]], to: &[[f64; 2]]| {
            for ((into, from), to) in into.iter_mut().zip(from).zip(to) {
                *into = [0, 1].map(|part| from[part] + (to[part] - from[part]) * share);
            }
        };
        mixed(&mut self.power, &from.power, &to.power);
        mixed(&mut self.current, &from.current, &to.current);
        mixed(&mut self.load, &from.load, &to.load);
        self.station_mw = from.station_mw + (to.station_mw - from.station_mw) * share;
    }

    pub(super) fn give_to(&self, flow: &mut PowerFlow) {
        let parts = self.power.iter().zip(&self.current).zip(&self.load);
        for (bus, ((power, current), load)) in parts.enumerate() {
            flow.set_power(bus, power[0], power[1]);
            flow.set_current(bus, current[0], current[1]);
            flow.set_load(bus, load[0], load[1]);
        }
    }

    /// Adds what a bus's loads draw at the voltage of the case. Generation in the guise of a load does not
    /// follow the voltage.
    pub(super) fn add_load(&mut self, bus: usize, [p_mw, q_mvar]: [f64; 2]) {
        if p_mw < 0.0 {
            self.power[bus][0] -= p_mw;
            self.load[bus][1] += q_mvar;
        } else {
            self.load[bus][0] += p_mw;
            self.load[bus][1] += q_mvar;
        }
    }

    /// Adds what a station that is not the slack feeds in.
    pub(super) fn add_station(&mut self, bus: usize, [p_mw, q_mvar]: [f64; 2]) {
        self.station_mw += p_mw;
        self.power[bus][0] += p_mw;
        self.power[bus][1] += q_mvar;
    }

    pub(super) fn clear(&mut self) {
        self.power.fill([0.0; 2]);
        self.current.fill([0.0; 2]);
        self.load.fill([0.0; 2]);
        self.station_mw = 0.0;
    }
}
