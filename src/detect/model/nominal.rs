//! Ratings and relations of the entities that detectors watch.

use serde::{Deserialize, Serialize};

use super::fields::StreamKind;
use crate::grid::entity::EntityId;

/// What is known of an entity apart from its samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntityModel {
    /// Its id.
    pub id: EntityId,
    /// Its ratings and relations.
    pub nominal: Nominal,
}

impl EntityModel {
    /// The stream its samples come in.
    #[must_use]
    pub fn kind(&self) -> StreamKind {
        match self.nominal {
            Nominal::Bus { .. } => StreamKind::Bus,
            Nominal::Converter(_) => StreamKind::Converter,
            Nominal::Solar(_) | Nominal::Wind(_) => StreamKind::Res,
        }
    }
}

/// Ratings and relations by kind of entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Nominal {
    /// A bus.
    Bus {
        /// Nominal frequency in Hz.
        frequency_hz: f64,
        /// Standard deviation of the noise of its powers in MW and `MVAr`, where it is not that of
        /// [`Noise`](super::Noise).
        power_noise_mw: Option<f64>,
    },
    /// A converter.
    Converter(Converter),
    /// A solar plant.
    Solar(Solar),
    /// A wind turbine.
    Wind(Wind),
}

/// Ratings of a converter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Converter {
    /// Rated current in A: peak of the phase current, or the output current of a DC/DC converter.
    pub rated_current_a: f64,
    /// Nominal DC-link voltage in V.
    pub dc_voltage_v: f64,
    /// Standard deviation of the DC-link voltage over seconds, as a share of nominal.
    pub dc_spread: f64,
    /// Nominal peak phase voltage of the grid in V, or the output voltage of a DC/DC converter. Used
    /// where samples carry no grid voltage.
    pub grid_voltage_v: f64,
    /// Nominal frequency in Hz.
    pub frequency_hz: f64,
    /// Power over voltage times current in the d axis: 1.5 with three phases, 1 for DC/DC.
    pub power_factor: f64,
    /// Heating of the heat sink.
    pub thermal: Thermal,
    /// Index of the bus it is at among the models of buses, if that is known.
    pub bus: Option<usize>,
    /// Index of the renewable unit that feeds it among the models of units.
    pub source: Option<usize>,
    /// Index of the converter whose DC link it draws from among the models of converters.
    pub link: Option<usize>,
}

/// Heating of a heat sink: stages of first order in series with the ambient (Foster network), driven
/// by the loss that belongs to the load.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Thermal {
    /// Loss over loss at rated current = `constant + linear x + square x²`, x the load.
    pub constant: f64,
    /// Share of the loss that grows with the load.
    pub linear: f64,
    /// Share of the loss that grows with its square.
    pub square: f64,
    /// Steady temperature rise at rated loss (K) and time constant (s) of each stage.
    pub stages: [(f64, f64); 2],
    /// Standard deviation of the ambient temperature over minutes, K.
    pub ambient_spread_k: f64,
}

/// Relation between weather and generation of a solar plant (`PVWatts`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Solar {
    /// Capacity on the AC side in kW.
    pub capacity_kw: f64,
    /// DC rating over capacity.
    pub dc_ratio: f64,
    /// DC losses as a share.
    pub losses: f64,
    /// Temperature coefficient of power in 1/K, negative.
    pub temperature_coefficient: f64,
    /// Rise of the cell above the air, W/m2 per K.
    pub heat_loss: f64,
    /// Efficiency of the inverter.
    pub inverter: Inverter,
    /// By which share real generation may slowly differ from this model: the wind that cools the cells,
    /// dirt. 0 if not at all.
    pub uncertainty: f64,
}

/// Efficiency of a solar inverter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Inverter {
    /// The same at every load.
    Constant(f64),
    /// `PVWatts` version 5 with nominal efficiency 0.96 (Dobos 2014).
    PvWatts,
}

/// Relation between weather and generation of a wind turbine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wind {
    /// Capacity in kW.
    pub capacity_kw: f64,
    /// Power curve: wind speed at hub height in m/s, power in kW; 0 outside.
    pub curve: Vec<(f64, f64)>,
    /// Air pressure at hub height in hPa, if generation follows air density (Svenningsen 2010); the
    /// density comes from it and the sample's air temperature.
    pub pressure_hpa: Option<f64>,
    /// Time constant with which generation follows the power curve, s.
    pub lag_s: f64,
}
