//! A converter of a plant: what it is, its nameplate, what its sensors show, and what detectors know of it.

use serde::{Deserialize, Serialize};

use super::{
    buck::{Buck, BuckState},
    grid_converter::{GridConverter, GridConverterState},
    losses::LossParameters,
    parameters::Topology::{Npc, TwoLevel},
    thermal::ThermalParameters,
};
use crate::{
    detect::{
        EntityModel, Nominal,
        model::{Converter, Thermal},
    },
    grid::{
        entity::{Entity, EntityId, EntityType, Ratings},
        stream::{self, converter},
        telemetry::{Row, Sample},
    },
    plant::{
        dc_load::DcLoadParameters,
        measurement::{FREQUENCY, Noise, Sampling, Sigma, TEMPERATURE},
    },
};

/// Noise of the DC-link voltage as a fraction of nominal.
pub(in crate::plant) const DC_VOLTAGE: f64 = 1e-3;
/// Noise of a current as a fraction of rated.
pub(in crate::plant) const CURRENT: f64 = 2e-3;
/// Noise of the AC terminal voltage as a fraction of nominal.
pub(in crate::plant) const TERMINAL_VOLTAGE: f64 = 5e-4;
/// Noise of a power as a fraction of rated.
pub(in crate::plant) const POWER: f64 = 2e-3;
/// THD in percentage points.
pub(in crate::plant) const THD: Sigma = Sigma::absolute(0.02);
/// How much a controlled DC link wanders over seconds, as a share of nominal.
const DC_SPREAD: f64 = 3e-4;

/// A converter.
#[derive(Debug, Clone)]
pub(in crate::plant) struct ConverterUnit {
    pub(in crate::plant) id: EntityId,
    /// The bus it is at; of a DC/DC converter that of the converter whose link it draws from.
    pub(in crate::plant) bus: usize,
    pub(in crate::plant) kind: ConverterKind,
}

/// What a converter is.
#[derive(Debug, Clone)]
pub(in crate::plant) enum ConverterKind {
    /// Between a DC source and the grid.
    Grid {
        converter: Box<GridConverter>,
        /// The solar unit behind it.
        source: Option<usize>,
        /// The DC/DC converters on its link.
        loads: Vec<usize>,
    },
    /// From the DC link of converter `link`.
    Buck {
        converter: Box<Buck>,
        link: usize,
        load: DcLoadParameters,
    },
}

/// State of a converter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::plant) enum ConverterState {
    Grid(GridConverterState),
    Buck(BuckState),
}

impl ConverterState {
    /// Voltage of its DC link in V.
    pub(in crate::plant) fn dc_v(&self) -> f64 {
        match self {
            Self::Grid(state) => state.readings().dc_v,
            Self::Buck(state) => state.readings().input_v,
        }
    }

    /// What it draws from the DC link of another, in W.
    pub(in crate::plant) fn input_w(&self) -> f64 {
        match self {
            Self::Grid(_) => 0.0,
            Self::Buck(state) => state.readings().input_w,
        }
    }
}

/// The nominal values of a converter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::plant) struct Nameplate {
    /// Nominal DC voltage in V.
    dc_v: f64,
    /// Rated current in A.
    current_a: f64,
    /// Nominal terminal voltage in V.
    terminal_v: f64,
    /// Rated power in kW.
    power_kw: f64,
}

impl ConverterUnit {
    /// Its type on the wire.
    pub(in crate::plant) fn entity_type(&self) -> EntityType {
        match &self.kind {
            ConverterKind::Buck { .. } => EntityType::Buck,
            ConverterKind::Grid { converter, .. } => match converter.parameters().topology {
                TwoLevel => EntityType::TwoLevel,
                Npc => EntityType::Npc,
            },
        }
    }

    fn nameplate(&self) -> Nameplate {
        match &self.kind {
            ConverterKind::Grid { converter, .. } => {
                let parameters = converter.parameters();
                Nameplate {
                    dc_v: parameters.dc_nominal_v,
                    current_a: parameters.rated_peak_a(),
                    terminal_v: parameters.nominal_peak_v(),
                    power_kw: parameters.rated_kva,
                }
            }
            ConverterKind::Buck { converter, .. } => {
                let parameters = converter.parameters();
                Nameplate {
                    dc_v: parameters.input_nominal_v,
                    current_a: parameters.rated_a(),
                    terminal_v: parameters.output_v,
                    power_kw: parameters.rated_kw,
                }
            }
        }
    }

    /// The converter as the outside sees it.
    pub(in crate::plant) fn entity(&self) -> Entity {
        let Nameplate {
            dc_v,
            current_a: a,
            terminal_v,
            power_kw: kw,
        } = self.nameplate();
        let around = |nominal: f64| 0.95 * nominal..=1.05 * nominal;
        let within = |share: f64, rated: f64| -share * rated..=share * rated;
        let [current_d, current_q, active, reactive] = match &self.kind {
            ConverterKind::Grid { .. } => [-a..=a, within(0.5, a), -kw..=kw, within(0.5, kw)],
            ConverterKind::Buck { .. } => [0.0..=a, 0.0..=0.0, 0.0..=kw, 0.0..=0.0],
        };
        let ratings = Ratings {
            rated_power: Some(kw),
            ..Ratings::default()
        };
        let ranges = [
            around(dc_v),
            current_d,
            current_q,
            active,
            reactive,
            around(terminal_v),
        ];
        stream::CONVERTER.entity(&self.id, self.entity_type(), ratings, &ranges)
    }

    /// The noise of a field, in its unit.
    pub(in crate::plant) fn typical_sigma(&self, field: usize) -> Option<f64> {
        self.nameplate().sigma(field).map(|sigma| sigma.absolute)
    }

    /// What its sensors show of what is true.
    pub(in crate::plant) fn sample(
        &self,
        truth: &ConverterTruth,
        sampling: &Sampling,
        noise: Noise,
    ) -> Sample {
        Sample {
            entity: self.id.clone(),
            stream: &stream::CONVERTER,
            entity_type: self.entity_type(),
            capacity_kw: 0.0,
            row: truth.measured(noise, &self.nameplate()),
            stale: sampling.stale,
            timestamp: sampling.timestamp,
        }
    }

    /// What detectors know of it, on a grid of this frequency where the air around heat sinks wanders by
    /// `spread_k` over minutes.
    pub(in crate::plant) fn model(&self, frequency_hz: f64, spread_k: f64) -> EntityModel {
        let nameplate = self.nameplate();
        let (power_factor, losses, cooling, source, link) = match &self.kind {
            ConverterKind::Grid {
                converter, source, ..
            } => {
                let parameters = converter.parameters();
                (1.5, parameters.losses, parameters.thermal, *source, None)
            }
            ConverterKind::Buck {
                converter, link, ..
            } => {
                let parameters = converter.parameters();
                let link = Some(*link);
                (1.0, parameters.losses, parameters.thermal, None, link)
            }
        };
        EntityModel {
            id: self.id.clone(),
            nominal: Nominal::Converter(Converter {
                rated_current_a: nameplate.current_a,
                dc_voltage_v: nameplate.dc_v,
                dc_spread: DC_SPREAD,
                grid_voltage_v: nameplate.terminal_v,
                frequency_hz,
                power_factor,
                thermal: heat_sink(&losses, &cooling, spread_k),
                bus: Some(self.bus),
                source,
                link,
            }),
        }
    }
}

impl Nameplate {
    fn sigma(&self, field: usize) -> Option<Sigma> {
        Some(match field {
            converter::DC_VOLTAGE => Sigma::absolute(DC_VOLTAGE * self.dc_v),
            converter::CURRENT_D | converter::CURRENT_Q => {
                Sigma::absolute(CURRENT * self.current_a)
            }
            converter::ACTIVE_POWER | converter::REACTIVE_POWER => {
                Sigma::absolute(POWER * self.power_kw)
            }
            converter::FREQUENCY => FREQUENCY,
            converter::THD => THD,
            converter::TEMPERATURE => TEMPERATURE,
            converter::GRID_VOLTAGE => Sigma::absolute(TERMINAL_VOLTAGE * self.terminal_v),
            _ => return None,
        })
    }
}

fn heat_sink(losses: &LossParameters, cooling: &ThermalParameters, spread_k: f64) -> Thermal {
    let rated = losses.rated_fraction();
    let stage = |at: usize| (cooling.rise_k[at], cooling.tau_s[at]);
    Thermal {
        constant: losses.constant_fraction / rated,
        linear: losses.linear_fraction / rated,
        square: losses.quadratic_fraction / rated,
        stages: [stage(0), stage(1)],
        ambient_spread_k: spread_k,
    }
}

/// What is true of a converter.
pub(in crate::plant) struct ConverterTruth {
    dc_v: f64,
    current_d_a: f64,
    /// None where there is no AC side.
    current_q_a: Option<f64>,
    active_kw: f64,
    /// None where there is no AC side.
    reactive_kvar: Option<f64>,
    thd_percent: f64,
    heat_sink_c: f64,
    terminal_v: f64,
    frequency_hz: f64,
}

impl ConverterTruth {
    /// What is true of a unit in this state, at a bus of this voltage and frequency.
    pub(in crate::plant) fn of(
        unit: &ConverterUnit,
        state: &ConverterState,
        voltage_pu: f64,
        frequency_hz: f64,
    ) -> Option<Self> {
        match (&unit.kind, state) {
            (ConverterKind::Grid { converter, .. }, ConverterState::Grid(state)) => {
                let readings = state.readings();
                // Currents are the converter's; its power is that at the bus's present voltage.
                let peak_v = voltage_pu * converter.parameters().nominal_peak_v();
                Some(Self {
                    dc_v: readings.dc_v,
                    current_d_a: readings.current_d_a,
                    current_q_a: Some(readings.current_q_a),
                    active_kw: 1.5e-3 * peak_v * readings.current_d_a,
                    reactive_kvar: Some(-1.5e-3 * peak_v * readings.current_q_a),
                    thd_percent: readings.thd_percent,
                    heat_sink_c: readings.heat_sink_c,
                    terminal_v: peak_v,
                    frequency_hz,
                })
            }
            (ConverterKind::Buck { .. }, ConverterState::Buck(state)) => {
                let readings = state.readings();
                Some(Self {
                    dc_v: readings.input_v,
                    current_d_a: readings.inductor_a,
                    current_q_a: None,
                    active_kw: readings.output_w / 1000.0,
                    reactive_kvar: None,
                    thd_percent: readings.ripple_percent,
                    heat_sink_c: readings.heat_sink_c,
                    terminal_v: readings.output_v,
                    frequency_hz,
                })
            }
            // A converter and its state are of one kind.
            _ => None,
        }
    }

    fn measured(&self, mut noise: Noise, nameplate: &Nameplate) -> Row {
        let mut on = |value: f64, field: usize| {
            let sigma = nameplate.sigma(field);
            sigma.map_or(value, |sigma| noise.on(value, sigma))
        };
        Row::of(&[
            on(self.dc_v, converter::DC_VOLTAGE),
            on(self.current_d_a, converter::CURRENT_D),
            self.current_q_a
                .map_or(0.0, |value| on(value, converter::CURRENT_Q)),
            on(self.active_kw, converter::ACTIVE_POWER),
            self.reactive_kvar
                .map_or(0.0, |value| on(value, converter::REACTIVE_POWER)),
            on(self.frequency_hz, converter::FREQUENCY),
            on(self.thd_percent, converter::THD).max(0.0),
            on(self.heat_sink_c, converter::TEMPERATURE),
            on(self.terminal_v, converter::GRID_VOLTAGE).max(0.0),
        ])
    }

    /// What limits look at, as the sensors would show it without noise.
    pub(in crate::plant) fn noiseless(&self) -> Row {
        let mut row = Row::EMPTY;
        row.values[converter::DC_VOLTAGE] = self.dc_v;
        row.values[converter::CURRENT_D] = self.current_d_a;
        row.values[converter::CURRENT_Q] = self.current_q_a.unwrap_or(0.0);
        row.values[converter::FREQUENCY] = self.frequency_hz;
        row.values[converter::TEMPERATURE] = self.heat_sink_c;
        row
    }
}
