//! Power-electronic converters: averaged models in the dq frame, with their control, losses and heat.
//!
//! A [`GridConverter`] joins a DC source to the grid over a DC link; a [`Buck`] feeds a DC load from such
//! a link. Both advance by [`STEP_S`](crate::grid::time::STEP_S) at once and solve their linear parts exactly, so the result does
//! not depend on a time step. Parameters hold what a plant file says, converters what can be computed
//! from it once, states what changes.
//!
//! Currents and powers are positive towards the grid; the reactive power is positive when the converter
//! supplies it.

mod buck;
mod current_loop;
mod dc_link;
pub mod droop;
pub(super) mod entry;
mod grid_converter;
mod lc_filter;
mod losses;
mod parameters;
pub mod ripple;
mod space_vector;
mod thermal;
pub(super) mod unit;

pub use buck::{Buck, BuckInput, BuckParameters, BuckReadings, BuckState};
pub use current_loop::{CurrentBlock, CurrentLoop, CurrentState, CurrentStep};
pub use dc_link::DcLinkState;
pub use grid_converter::{
    EnergyBalance, GridConverter, GridConverterInput, GridConverterReadings, GridConverterState,
};
pub use lc_filter::{LcFilter, LcState};
pub use losses::LossParameters;
pub use parameters::{GridConverterParameters, ParameterError, Topology};
pub use space_vector::SpaceVector;
pub use thermal::{ThermalParameters, ThermalState};
