//! Labelled streams by seed: telemetry of the default plant's kind, with ordinary events and with sensor
//! faults whose place is known.

mod bus;
mod converter;
mod dice;
mod draft;
mod network;
mod recipe;
mod res;

pub(crate) use bus::bus;
pub(crate) use converter::converter;
pub(crate) use recipe::Recipe;
pub(crate) use res::res;
