//! A wind turbine: wind at hub height, density of air, power curve and the machine's own dynamics.

pub mod curve;
pub mod density;
pub mod profile;
mod turbine;
pub(super) mod unit;

pub use turbine::{WindParameters, WindReadings, WindTurbine, WindTurbineState};
