//! What changes in the plant from step to step; with the settings of the run it is all that is needed
//! to go on elsewhere, bit for bit.

use serde::{Deserialize, Serialize};

use crate::{fnv::Fnv, grid::run::RunSettings};

use super::{
    acting::Acting,
    converter::{
        BuckInput, GridConverterInput,
        unit::{ConverterKind, ConverterState},
    },
    dc_load::{DcLoad, DcLoadState},
    dispatch::DispatchState,
    frequency::{FrequencyState, PmuFilter},
    load::{LoadModel, LoadState},
    solar::{SolarReadings, SolarState},
    spec::PlantSpec,
    weather::{Weather, WeatherState},
    wind::{WindReadings, WindTurbineState},
};

/// The state of the plant after a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlantState {
    pub(super) steps: u64,
    pub(super) weather: WeatherState,
    pub(super) solar: Vec<(SolarState, SolarReadings)>,
    pub(super) wind: Vec<(WindTurbineState, WindReadings)>,
    pub(super) load: LoadState,
    pub(super) dc_loads: Vec<Option<DcLoadState>>,
    pub(super) converters: Vec<ConverterState>,
    pub(super) dispatch: DispatchState,
    pub(super) frequency: FrequencyState,
    pub(super) bus_frequency: Vec<PmuFilter>,
    pub(super) vm_pu: Vec<f64>,
    pub(super) va_rad: Vec<f64>,
    pub(super) converged: bool,
    /// While there is no newer solution: why, and what is shown.
    pub(super) unsolved: Option<UnsolvedState>,
    /// Load and damping less renewable power, as known before the last solution, in MW.
    pub(super) demand_mw: f64,
    /// What loads draw more because of the frequency, in MW.
    pub(super) damping_mw: f64,
    /// What is lost of the schedule, in MW.
    pub(super) lost_mw: f64,
    /// Rating of the generators that are left, in MVA: the base of [`Self::frequency`].
    pub(super) rated_mva: f64,
    /// Branches out of service that are in service in the case.
    pub(super) outages: Vec<usize>,
    /// Buses that have lost all their generators.
    pub(super) unheld: Vec<usize>,
    /// Faults that make a voltage dip.
    pub(super) dips: Vec<Dip>,
}

/// A fault at a bus.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Dip {
    pub(super) bus: usize,
    pub(super) g_pu: f64,
    pub(super) b_pu: f64,
}

/// Why there is no newer solution, and what is shown until there is one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct UnsolvedState {
    /// The net injections of the last solution, active and reactive in MW and MVAR by bus.
    pub(super) net: [Vec<f64>; 2],
    /// The bus with the largest mismatch.
    pub(super) bus: usize,
    pub(super) mismatch_pu: f64,
    /// What acted at the last attempt.
    pub(super) acting: Acting,
    /// The step of the next one, if nothing else acts before.
    pub(super) next_step: u64,
}

impl PlantState {
    /// The state at the beginning of a run, before network and schedule are in balance.
    pub(super) fn start(
        spec: &PlantSpec,
        settings: &RunSettings,
        weather: &Weather,
        loads: &LoadModel,
        dc_loads: &[Option<DcLoad>],
    ) -> Self {
        let unix_s = settings.simulated_start.unix_ms() as f64 / 1000.0;
        let sky = weather.start(unix_s);
        let solar: Vec<_> = spec
            .solar
            .iter()
            .zip(weather.solar(&sky))
            .map(|(unit, over)| {
                let readings = unit.plant.readings(sky.sun(), unix_s, &over, 1.0);
                (SolarState::default(), readings)
            })
            .collect();
        let wind: Vec<_> = spec
            .wind
            .iter()
            .zip(weather.wind(&sky))
            .map(|(unit, over)| {
                let state = unit.turbine.start(&over);
                let readings = unit.turbine.readings(&state, &over);
                (state, readings)
            })
            .collect();
        let dc_states: Vec<_> = dc_loads
            .iter()
            .map(|load| load.as_ref().map(DcLoad::start))
            .collect();
        let buses = spec.case.buses.len();
        Self {
            steps: 0,
            load: loads.start(),
            converters: converters(spec, &solar, dc_loads, &dc_states),
            dc_loads: dc_states,
            dispatch: DispatchState {
                scheduled_mw: 0.0,
                generation_mw: 0.0,
            },
            frequency: FrequencyState::default(),
            bus_frequency: vec![PmuFilter::default(); buses],
            vm_pu: spec.flow.vm_pu().to_vec(),
            va_rad: spec.flow.va_rad().to_vec(),
            converged: true,
            unsolved: None,
            demand_mw: 0.0,
            damping_mw: 0.0,
            lost_mw: 0.0,
            rated_mva: spec.frequency.parameters().base_mva,
            outages: Vec::new(),
            unheld: Vec::new(),
            dips: Vec::new(),
            weather: sky,
            solar,
            wind,
        }
    }

    /// FNV-1a over the state's binary form; equal on all machines for equal states.
    pub(super) fn hash(&self) -> u64 {
        // The state holds numbers, lists and texts only, which the form has all a place for; if it
        // ever failed, all instances would see the same 0.
        let bytes = postcard::to_allocvec(self).unwrap_or_default();
        Fnv::new().hash(bytes)
    }
}

/// Converters settled at the voltages of the case.
fn converters(
    spec: &PlantSpec,
    solar: &[(SolarState, SolarReadings)],
    dc_loads: &[Option<DcLoad>],
    dc_states: &[Option<DcLoadState>],
) -> Vec<ConverterState> {
    let ambient_c = solar.first().map_or(20.0, |(_, readings)| readings.air_c);
    let mut states: Vec<Option<ConverterState>> = vec![None; spec.converters.len()];
    for (at, unit) in spec.converters.iter().enumerate() {
        if let ConverterKind::Buck { converter, .. } = &unit.kind {
            let demand = match (&dc_loads[at], &dc_states[at]) {
                (Some(load), Some(state)) => load.demand(state, 0.0),
                _ => 0.0,
            };
            let parameters = converter.parameters();
            let input = BuckInput {
                input_v: parameters.input_nominal_v,
                load_w: 1000.0 * parameters.rated_kw * demand,
                supply_w: f64::INFINITY,
                ambient_c,
                thermal_resistance_factor: 1.0,
            };
            states[at] = Some(ConverterState::Buck(converter.settled(&input)));
        }
    }
    for (at, unit) in spec.converters.iter().enumerate() {
        if let ConverterKind::Grid {
            converter,
            source,
            loads,
        } = &unit.kind
        {
            let voltage_pu = spec.flow.vm_pu()[unit.bus];
            let drawn_w =
                |load: &usize| states[*load].as_ref().map_or(0.0, ConverterState::input_w);
            let input = GridConverterInput {
                grid_peak_v: voltage_pu * converter.parameters().nominal_peak_v(),
                grid_voltage_pu: voltage_pu,
                frequency_hz: spec.frequency.parameters().f0_hz,
                source_w: source.map_or(0.0, |unit| 1000.0 * solar[unit].1.dc_kw),
                dc_load_w: loads.iter().map(drawn_w).sum(),
                ambient_c,
                thermal_resistance_factor: 1.0,
            };
            states[at] = Some(ConverterState::Grid(converter.settled(&input)));
        }
    }
    // Each converter is of one of the two kinds.
    states.into_iter().flatten().collect()
}
