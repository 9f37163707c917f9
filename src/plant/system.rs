//! The coupled system: one step after another.

use std::sync::Arc;

use crate::grid::{
    injection::InjectionOrder,
    run::RunSettings,
    time::{STEP_S, STEPS_PER_SECOND, Timestamp},
    topology::{NetworkState, Topology},
};

use super::{
    acting::{Acting, at_place},
    converter::{
        EnergyBalance,
        unit::{ConverterKind, ConverterState},
    },
    dc_load::DcLoad,
    frequency::FREQUENCY_STEP_S,
    injected::Injected,
    inventory::Part,
    load::LoadModel,
    network::Network,
    sensors::Sensors,
    spec::PlantSpec,
    state::{Dip, PlantState},
    weather::{Site, Weather},
};

/// Steps of the swing equation in a step.
const FREQUENCY_STEPS: usize = 5;

/// The plant of one run.
#[derive(Debug, Clone)]
pub struct Plant {
    pub(super) spec: Arc<PlantSpec>,
    pub(super) settings: RunSettings,
    pub(super) weather: Weather,
    pub(super) loads: LoadModel,
    pub(super) dc_loads: Vec<Option<DcLoad>>,
    pub(super) sensors: Arc<Sensors>,
    pub(super) network: Network,
    pub(super) state: PlantState,
    /// What is injected, by bus: scratch.
    pub(super) injected: Injected,
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

    /// The loading of each branch in % of its rating; none where it has no rating.
    pub fn loadings_percent(&self) -> impl Iterator<Item = Option<f64>> {
        self.network.loadings_percent()
    }

    /// Where the energy of a converter's DC link went in the newest step; none where `id` is no
    /// converter with a link of its own. Samples carry neither source power nor losses.
    #[must_use]
    pub fn dc_link_energy(&self, id: &str) -> Option<EnergyBalance> {
        let Some(Part::Converter(at)) = self.spec.part_of(id) else {
            return None;
        };
        match self.state.converters.get(at)? {
            ConverterState::Grid(state) => Some(state.readings().energy),
            ConverterState::Buck(_) => None,
        }
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
        self.attempt(&acting);
        self.note_voltages();
        self.swing();
    }

    pub(super) fn unix_s(&self, steps: u64) -> f64 {
        self.settings.simulated_time(steps).unix_ms() as f64 / 1000.0
    }

    /// How much of the present second has passed when the present step is done.
    pub(super) fn fraction(&self) -> f64 {
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
            let station = self.spec.dispatch.station_at(bus);
            if station.is_some_and(|station| station.holds) {
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
    pub(super) fn grid_at(&self, bus: usize) -> (f64, f64) {
        let system_hz = self.spec.frequency.frequency_hz(&self.state.frequency);
        let deviation_hz = self.state.bus_frequency[bus].deviation_hz;
        (self.state.vm_pu[bus], system_hz + deviation_hz)
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
    }

    /// What the schedule does not cover moves the frequency.
    fn swing(&mut self) {
        if !self.network.converged() {
            return;
        }
        let generation_mw = self.generation_mw();
        let state = &mut self.state;
        let available_mw = state.dispatch.scheduled_mw - state.lost_mw;
        // A lost generator takes its inertia and its governor with it. The loads and their damping stay,
        // of which the model of the frequency knows what fits its base.
        let base_mva = state.rated_mva;
        let damping_mw = state.damping_mw * base_mva / self.spec.frequency.parameters().base_mva;
        let imbalance_pu = (generation_mw - damping_mw - available_mw) / base_mva;
        debug_assert!((STEP_S - FREQUENCY_STEPS as f64 * FREQUENCY_STEP_S).abs() < 1e-12);
        for _ in 0..FREQUENCY_STEPS {
            self.spec.frequency.step(&mut state.frequency, imbalance_pu);
        }
        state.dispatch.generation_mw = generation_mw;
        state
            .dispatch
            .take_over(&mut state.frequency, base_mva, STEP_S);
    }
}
