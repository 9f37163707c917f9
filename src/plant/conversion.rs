//! Steps the converters: between DC sources, DC links and the network.

use super::{
    acting::{Acting, at_place},
    converter::{
        BuckInput, GridConverterInput,
        unit::{ConverterKind, ConverterState},
    },
    system::Plant,
};

impl Plant {
    pub(super) fn ambient_c(&self, bus: usize) -> f64 {
        let solar = self.spec.solar.iter().zip(&self.state.solar);
        let near = solar.clone().find(|(unit, _)| unit.bus == bus);
        near.or_else(|| solar.clone().next())
            .map_or(20.0, |(_, (_, readings))| readings.air_c)
    }

    /// What acts on a DC/DC converter whose link gives it `supply_w`.
    pub(super) fn buck_input(
        &self,
        at: usize,
        rated_kw: f64,
        link: usize,
        supply_w: f64,
        acting: &Acting,
    ) -> BuckInput {
        let demand = match (&self.dc_loads[at], &self.state.dc_loads[at]) {
            (Some(load), Some(state)) => load.demand(state, self.fraction()),
            _ => 0.0,
        };
        BuckInput {
            input_v: self.state.converters[link].dc_v(),
            load_w: 1000.0 * rated_kw * demand,
            supply_w,
            ambient_c: self.ambient_c(self.spec.converters[at].bus),
            thermal_resistance_factor: at_place(&acting.fans, at, 1.0),
        }
    }

    /// What the DC/DC converter `at` wants of its link, in W.
    pub(super) fn demand_w(&self, at: usize, acting: &Acting) -> f64 {
        match (&self.spec.converters[at].kind, &self.state.converters[at]) {
            (
                ConverterKind::Buck {
                    converter, link, ..
                },
                ConverterState::Buck(state),
            ) => {
                let rated_kw = converter.parameters().rated_kw;
                let input = self.buck_input(at, rated_kw, *link, f64::INFINITY, acting);
                converter.demand_w(state, &input)
            }
            _ => 0.0,
        }
    }

    pub(super) fn step_converters(&mut self, acting: &Acting) {
        let spec = self.spec.clone();
        for (at, unit) in spec.converters.iter().enumerate() {
            let ConverterKind::Grid {
                converter,
                source,
                loads,
            } = &unit.kind
            else {
                continue;
            };
            let demand_w: f64 = loads.iter().map(|load| self.demand_w(*load, acting)).sum();
            let offered_w = source.map_or(0.0, |solar| 1000.0 * self.state.solar[solar].1.dc_kw);
            let (voltage_pu, frequency_hz) = self.grid_at(unit.bus);
            let input = GridConverterInput {
                grid_peak_v: voltage_pu * converter.parameters().nominal_peak_v(),
                grid_voltage_pu: voltage_pu,
                frequency_hz,
                source_w: offered_w * at_place(&acting.sources, at, 1.0),
                dc_load_w: demand_w,
                ambient_c: self.ambient_c(unit.bus),
                thermal_resistance_factor: at_place(&acting.fans, at, 1.0),
            };
            let mut given = 1.0;
            if let ConverterState::Grid(state) = &mut self.state.converters[at] {
                converter.step(state, &input);
                if demand_w > 0.0 {
                    given = state.readings().dc_load_w / demand_w;
                }
            }
            for load in loads {
                self.step_buck(*load, given, acting);
            }
        }
    }

    /// Steps a DC/DC converter whose link gives it the share `given` of what it wants.
    pub(super) fn step_buck(&mut self, at: usize, given: f64, acting: &Acting) {
        let spec = self.spec.clone();
        let ConverterKind::Buck {
            converter, link, ..
        } = &spec.converters[at].kind
        else {
            return;
        };
        let supply_w = given * self.demand_w(at, acting);
        let rated_kw = converter.parameters().rated_kw;
        let input = self.buck_input(at, rated_kw, *link, supply_w, acting);
        if let ConverterState::Buck(state) = &mut self.state.converters[at] {
            converter.step(state, &input);
        }
    }
}
