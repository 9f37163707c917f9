//! The plant: weather, renewable units, converters, loads, network and frequency as one coupled
//! system.
//!
//! A step is 100 ms of simulated time. Weather gives the units their power, which reaches the network
//! through converters; the power flow gives voltages and what the generators have to feed in; what
//! their schedule does not cover moves the frequency. All that is sampled at one instant comes from
//! one solution. The state after a step is a function of the seed, the settings and the injections
//! alone.
//!
//! [`spec`] says what a plant is made of, [`file`] reads it, [`state`] holds what changes, [`observe`]
//! makes samples of it. Disturbances act on causes: [`disturbance`] draws the random ones,
//! [`placement`] checks those that are asked for.

pub mod converter;
pub mod dc_load;
pub mod discrete;
mod dispatch;
mod disturbance;
mod file;
pub mod frequency;
mod inventory;
pub mod load;
mod measurement;
mod network;
mod observe;
mod placement;
mod range;
mod relations;
pub mod solar;
mod spec;
mod state;
pub mod weather;
pub mod wind;

use std::sync::Arc;

use crate::{
    grid::{
        entity::EntityKind,
        injection::{InjectionKind, InjectionOrder},
        run::RunSettings,
        telemetry::Sample,
        time::{STEP_MS, Timestamp},
        topology::{NetworkState, Topology},
    },
    maths::pow,
};

pub use file::PlantError;
pub use placement::{InjectionRequest, Misplaced};
pub use spec::PlantSpec;
pub use state::PlantState;

use self::{
    converter::{BuckInput, EnergyBalance, GridConverterInput},
    dc_load::DcLoad,
    frequency::FREQUENCY_STEP_S,
    load::LoadModel,
    network::Network,
    observe::Sensors,
    spec::{ConverterKind, Place},
    state::{ConverterState, Dip},
    weather::{Site, Weather},
};

/// Steps in a simulated second.
pub const STEPS_PER_SECOND: u64 = 1000 / STEP_MS;
/// A step in s.
const STEP_S: f64 = STEP_MS as f64 / 1000.0;
/// Steps of the swing equation in a step.
const FREQUENCY_STEPS: usize = 5;
/// Losses of the network over its load, for a first guess.
const LOSS_GUESS: f64 = 0.0075;
/// In so many steps the network is led from its case to a start that it does not reach at once.
const APPROACH_STEPS: u32 = 20;

/// The plant of one run.
#[derive(Debug, Clone)]
pub struct Plant {
    spec: Arc<PlantSpec>,
    settings: RunSettings,
    weather: Weather,
    loads: LoadModel,
    dc_loads: Vec<Option<DcLoad>>,
    sensors: Arc<Sensors>,
    network: Network,
    state: PlantState,
    /// What is injected, by bus: scratch.
    injected: Injected,
}

/// Active and reactive power by bus in MW and MVAR, part by part.
#[derive(Debug, Clone, Default)]
struct Injected {
    /// Whatever the voltage.
    power: Vec<[f64; 2]>,
    /// In proportion to the voltage, at 1 p.u.
    current: Vec<[f64; 2]>,
    /// Load at the voltage of the case.
    load: Vec<[f64; 2]>,
    /// What all stations but the slack inject, in MW.
    station_mw: f64,
    /// The net injections of the solution: active, reactive.
    net: [Vec<f64>; 2],
}

/// What disturbances do at present, each at its place.
#[derive(Debug, Default)]
struct Acting {
    load_steps: Vec<(usize, f64)>,
    outages: Vec<usize>,
    dips: Vec<(usize, f64)>,
    losses: Vec<(usize, f64)>,
    clouds: Vec<(usize, f64)>,
    gusts: Vec<(usize, f64)>,
    fans: Vec<(usize, f64)>,
    sources: Vec<(usize, f64)>,
}

impl Acting {
    fn of<'a>(spec: &PlantSpec, orders: impl Iterator<Item = &'a InjectionOrder>) -> Self {
        let mut acting = Self::default();
        for order in orders.filter(|order| !order.kind.is_sensor()) {
            let size = order.size.unwrap_or(0.0);
            match (order.kind, spec.place_of(order.entity.as_str())) {
                (InjectionKind::LoadStep, Some(Place::Bus(at))) => {
                    acting.load_steps.push((at, 1.0 + size));
                }
                (InjectionKind::BranchTrip, Some(Place::Branch(at))) => acting.outages.push(at),
                (InjectionKind::VoltageDip, Some(Place::Bus(at))) => acting.dips.push((at, size)),
                (InjectionKind::GeneratorLoss, Some(Place::Bus(at))) => {
                    acting.losses.push((at, size));
                }
                (InjectionKind::CloudFront, Some(Place::Solar(at))) => {
                    acting.clouds.push((at, size));
                }
                (InjectionKind::Gust, Some(Place::Wind(at))) => acting.gusts.push((at, size)),
                (InjectionKind::FanFailure, Some(Place::Converter(at))) => {
                    acting.fans.push((at, size));
                }
                (InjectionKind::DcSourceLoss, Some(Place::Converter(at))) => {
                    acting.sources.push((at, 1.0 - size));
                }
                _ => {}
            }
        }
        acting
    }
}

/// The factor at a place, `neutral` where there is none.
fn at_place(factors: &[(usize, f64)], place: usize, neutral: f64) -> f64 {
    let found = factors.iter().find(|(at, _)| *at == place);
    found.map_or(neutral, |(_, factor)| *factor)
}

impl Plant {
    /// The plant at the beginning of a run.
    #[must_use]
    pub fn new(spec: Arc<PlantSpec>, settings: &RunSettings) -> Self {
        let sites = |sites: Vec<&Site>| sites.into_iter().cloned().collect::<Vec<_>>();
        let solar_sites = sites(spec.solar.iter().map(|unit| &unit.site).collect());
        let wind_sites = sites(spec.wind.iter().map(|unit| &unit.site).collect());
        let weather = Weather::new(&spec.weather, settings.seed, &solar_sites, &wind_sites);
        let names: Vec<_> = spec
            .topology()
            .buses
            .iter()
            .map(|bus| bus.id.to_string())
            .collect();
        let loads = LoadModel::new(spec.load, settings.seed, &names);
        let dc_loads: Vec<_> = spec
            .converters
            .iter()
            .map(|unit| match &unit.kind {
                ConverterKind::Buck { load, .. } => {
                    Some(DcLoad::new(*load, settings.seed, unit.id.as_str()))
                }
                ConverterKind::Grid { .. } => None,
            })
            .collect();
        let state = PlantState::start(&spec, settings, &weather, &loads, &dc_loads);
        let network = Network::new(&spec.case, spec.flow.clone(), spec.topology().clone());
        let mut plant = Self {
            sensors: Arc::new(Sensors::new(&spec, settings.seed)),
            injected: Injected::new(spec.case.buses.len()),
            spec,
            settings: *settings,
            weather,
            loads,
            dc_loads,
            network,
            state,
        };
        plant.settle();
        plant
    }

    /// The plant that goes on where `state` was taken. What acts is told with the next step.
    #[must_use]
    pub fn resume(spec: Arc<PlantSpec>, settings: &RunSettings, state: PlantState) -> Self {
        let mut plant = Self::new(spec, settings);
        plant.state = state;
        for at in 0..plant.spec.case.branches.len() {
            let in_service =
                plant.spec.case.branches[at].in_service && !plant.state.outages.contains(&at);
            plant.network.set_branch(at, in_service);
        }
        for station in plant.spec.dispatch.stations() {
            let lost = plant.state.unheld.contains(&station.bus);
            if station.holds {
                plant.network.set_held(station.bus, !lost);
            }
        }
        let (vm, va) = (&plant.state.vm_pu, &plant.state.va_rad);
        if vm.len() == plant.network.flow.buses() && va.len() == vm.len() {
            plant.network.flow.set_voltages(vm, va);
        }
        plant.network.set_converged(plant.state.converged);
        let [net_mw, net_mvar] = &mut plant.injected.net;
        plant.network.flow.injections(net_mw, net_mvar);
        plant
    }

    /// Settings by which steps are timed: whatever a run can hold, at its dearest.
    #[must_use]
    pub fn trial_settings() -> RunSettings {
        RunSettings {
            seed: 1,
            speed: 1,
            // Noon in June.
            simulated_start: Timestamp::from_unix_ms(1_782_039_600_000),
            noise: 1.0,
            disturbances: 0.0,
        }
    }

    /// What changes from step to step.
    #[must_use]
    pub fn state(&self) -> &PlantState {
        &self.state
    }

    /// Steps since the beginning of the run.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.state.steps
    }

    /// A hash of the state: equal states have equal hashes, on every machine.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.state.hash()
    }

    /// The network as it is now.
    #[must_use]
    pub fn topology(&self) -> &Arc<Topology> {
        self.network.topology()
    }

    /// Whether the voltages solve the network as it is.
    #[must_use]
    pub fn converged(&self) -> bool {
        self.network.converged()
    }

    /// What flows in the network.
    #[must_use]
    pub fn network(&self, timestamp: Timestamp) -> NetworkState {
        self.network.state(timestamp)
    }

    /// Where the energy of a converter's DC link went in the newest step; none where `id` is no
    /// converter with a link of its own. Samples carry neither source power nor losses.
    #[must_use]
    pub fn dc_link_energy(&self, id: &str) -> Option<EnergyBalance> {
        let Some(Place::Converter(at)) = self.spec.place_of(id) else {
            return None;
        };
        match self.state.converters.get(at)? {
            ConverterState::Grid(state) => Some(state.readings().energy),
            ConverterState::Buck(_) => None,
        }
    }

    /// Adds a sample of each entity of a kind.
    pub fn sample(&self, kind: EntityKind, timestamp: Timestamp, samples: &mut Vec<Sample>) {
        observe::sample(self, kind, timestamp, samples);
    }

    /// Goes on by one step, while `orders` act.
    pub fn step<'a>(&mut self, orders: impl Iterator<Item = &'a InjectionOrder>) {
        let acting = Acting::of(&self.spec, orders);
        if self.state.steps.is_multiple_of(STEPS_PER_SECOND) {
            self.next_second(&acting);
        }
        self.state.steps += 1;
        self.switch(&acting);
        self.step_converters(&acting);
        self.inject(&acting);
        self.place_dips(&acting);
        self.network.solve();
        self.note_voltages();
        self.swing();
    }

    fn unix_s(&self, steps: u64) -> f64 {
        self.settings.simulated_time(steps).unix_ms() as f64 / 1000.0
    }

    /// How much of the present second has passed when the present step is done.
    fn fraction(&self) -> f64 {
        let within = self.state.steps.saturating_sub(1) % STEPS_PER_SECOND + 1;
        if self.state.steps == 0 {
            0.0
        } else {
            within as f64 / STEPS_PER_SECOND as f64
        }
    }

    /// Weather, units and loads go on by a second.
    fn next_second(&mut self, acting: &Acting) {
        let second = self.state.steps / STEPS_PER_SECOND + 1;
        let unix_s = self.unix_s(self.state.steps + STEPS_PER_SECOND);
        let state = &mut self.state;
        self.weather.step(&mut state.weather, second, unix_s);
        let sun = *state.weather.sun();
        let skies = self.weather.solar(&state.weather);
        for (at, (unit, sky)) in self.spec.solar.iter().zip(skies).enumerate() {
            let remaining = at_place(&acting.clouds, at, 1.0);
            let readings = unit
                .plant
                .step(&mut state.solar[at].0, &sun, unix_s, &sky, remaining);
            state.solar[at].1 = readings;
        }
        let winds = self.weather.wind(&state.weather);
        for (at, (unit, wind)) in self.spec.wind.iter().zip(winds).enumerate() {
            let gust = at_place(&acting.gusts, at, 1.0);
            state.wind[at].1 = unit.turbine.step(&mut state.wind[at].0, &wind, gust);
        }
        self.loads.next_second(&mut state.load, second);
        for (load, state) in self.dc_loads.iter().zip(&mut state.dc_loads) {
            if let (Some(load), Some(state)) = (load, state) {
                load.next_second(state, second);
            }
        }
    }

    /// Branches and generators go out of service and come back.
    fn switch(&mut self, acting: &Acting) {
        let state = &mut self.state;
        if state.outages != acting.outages {
            for at in state.outages.iter().chain(&acting.outages) {
                let in_service = self.spec.case.branches[*at].in_service;
                self.network
                    .set_branch(*at, in_service && !acting.outages.contains(at));
            }
            state.outages.clone_from(&acting.outages);
        }
        let is_lost = |bus: usize| at_place(&acting.losses, bus, 0.0) >= 1.0;
        let lost = acting.losses.iter().map(|(bus, _)| *bus);
        for bus in state.unheld.iter().copied().chain(lost) {
            let stations = self.spec.dispatch.stations();
            if stations.iter().any(|s| s.bus == bus && s.holds) {
                self.network.set_held(bus, !is_lost(bus));
            }
        }
        state.unheld.clear();
        let lost = acting
            .losses
            .iter()
            .filter(|(_, fraction)| *fraction >= 1.0);
        state.unheld.extend(lost.map(|(bus, _)| *bus));
    }

    /// What acts on the converters of a bus: peak factor on nominal voltage and frequency.
    fn grid_at(&self, bus: usize) -> (f64, f64) {
        let system_hz = self.spec.frequency.frequency_hz(&self.state.frequency);
        let deviation_hz = self.state.bus_frequency[bus].deviation_hz;
        (self.state.vm_pu[bus], system_hz + deviation_hz)
    }

    fn ambient_c(&self, bus: usize) -> f64 {
        let solar = self.spec.solar.iter().zip(&self.state.solar);
        let near = solar.clone().find(|(unit, _)| unit.bus == bus);
        near.or_else(|| solar.clone().next())
            .map_or(20.0, |(_, (_, readings))| readings.air_c)
    }

    /// What acts on a DC/DC converter whose link gives it `supply_w`.
    fn buck_input(
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
    fn demand_w(&self, at: usize, acting: &Acting) -> f64 {
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

    fn step_converters(&mut self, acting: &Acting) {
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
    fn step_buck(&mut self, at: usize, given: f64, acting: &Acting) {
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

    /// Works out what each bus injects, and gives it to the network.
    fn inject(&mut self, acting: &Acting) {
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

    fn work_out_injections(&mut self, acting: &Acting) {
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
        for station in dispatch.stations().iter().filter(|station| !station.slack) {
            let lost = lost(station.bus);
            let p = dispatch.power_mw(&state.dispatch, station, lost, available, needed_mw);
            self.injected.station_mw += p;
            let power = &mut self.injected.power[station.bus];
            power[0] += p;
            power[1] += (1.0 - lost) * station.scheduled_mvar;
        }
    }

    /// Puts faults where voltages dip: at first so that what is asked for remains, then unchanged.
    fn place_dips(&mut self, acting: &Acting) {
        let wanted = |bus: usize| acting.dips.iter().any(|(at, _)| *at == bus);
        for dip in &self.state.dips {
            let kept = wanted(dip.bus);
            let (g, b) = if kept {
                (dip.g_pu, dip.b_pu)
            } else {
                (0.0, 0.0)
            };
            self.network.flow.set_fault_shunt(dip.bus, g, b);
        }
        self.state.dips.retain(|dip| wanted(dip.bus));
        for &(bus, target_pu) in &acting.dips {
            if self.state.dips.iter().any(|dip| dip.bus == bus) {
                continue;
            }
            let admittance = self.network.fault_admittance(bus, target_pu);
            let (g_pu, b_pu) = admittance.unwrap_or((0.0, 0.0));
            self.network.flow.set_fault_shunt(bus, g_pu, b_pu);
            self.state.dips.push(Dip { bus, g_pu, b_pu });
        }
    }

    fn note_voltages(&mut self) {
        let flow = &self.network.flow;
        let (vm, va) = (flow.vm_pu(), flow.va_rad());
        let state = &mut self.state;
        let before = state.vm_pu.iter().zip(&state.va_rad);
        for (filter, ((vm_before, va_before), va)) in
            state.bus_frequency.iter_mut().zip(before.zip(va))
        {
            // A bus that was dead a moment ago has no angle to compare with.
            let before = if *vm_before > 0.0 { *va_before } else { *va };
            *filter = filter.step(before, *va, STEP_S);
        }
        state.vm_pu.copy_from_slice(vm);
        state.va_rad.copy_from_slice(va);
        state.converged = self.network.converged();
    }

    /// What the generators feed in at the present solution in MW.
    fn generation_mw(&mut self) -> f64 {
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

    /// What the schedule does not cover moves the frequency.
    fn swing(&mut self) {
        if !self.network.converged() {
            let last = &self.injected.net;
            self.state.unsolved.get_or_insert_with(|| last.clone());
            return;
        }
        self.state.unsolved = None;
        let generation_mw = self.generation_mw();
        let state = &mut self.state;
        let available_mw = state.dispatch.scheduled_mw - state.lost_mw;
        let base_mva = self.spec.frequency.parameters().base_mva;
        let imbalance_pu = (generation_mw - state.damping_mw - available_mw) / base_mva;
        debug_assert!((STEP_S - FREQUENCY_STEPS as f64 * FREQUENCY_STEP_S).abs() < 1e-12);
        for _ in 0..FREQUENCY_STEPS {
            self.spec.frequency.step(&mut state.frequency, imbalance_pu);
        }
        state.dispatch.generation_mw = generation_mw;
        state
            .dispatch
            .take_over(&mut state.frequency, base_mva, STEP_S);
    }

    /// Brings network, converters and schedule into balance at the beginning of a run.
    fn settle(&mut self) {
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
    fn approach(&mut self) {
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

impl Injected {
    fn new(buses: usize) -> Self {
        Self {
            power: vec![[0.0; 2]; buses],
            current: vec![[0.0; 2]; buses],
            load: vec![[0.0; 2]; buses],
            station_mw: 0.0,
            net: [vec![0.0; buses], vec![0.0; buses]],
        }
    }

    fn clear(&mut self) {
        self.power.fill([0.0; 2]);
        self.current.fill([0.0; 2]);
        self.load.fill([0.0; 2]);
        self.station_mw = 0.0;
    }
}
