//! The plant: weather, renewable units, converters, loads, network and frequency as one coupled
//! system.
//!
//! A step is 100 ms of simulated time. Weather gives the units their power, which reaches the network
//! through converters; the power flow gives voltages and what the generators have to feed in; what
//! their schedule does not cover moves the frequency. All that is sampled at one instant comes from
//! one solution. The state after a step is a function of the seed, the settings and the injections
//! alone.
//!
//! `spec.rs` says what a plant is made of, `file.rs` reads it, `system.rs` steps it, `state.rs` holds what
//! changes, `observe.rs` makes samples of it. The folder of a kind (`solar`, `wind`, `converter`; `bus.rs`,
//! `branch.rs`) holds its entry in the plant file, its checks, its model, its sample and its nameplate. Disturbances act on causes: `disturbance.rs` draws the random ones,
//! `placement.rs` checks those that are asked for.

mod acting;
mod branch;
mod bridges;
mod bus;
mod conversion;
pub mod converter;
pub mod dc_load;
pub mod discrete;
mod dispatch;
mod disturbance;
mod entry;
mod file;
pub mod frequency;
mod inject;
mod injected;
mod inventory;
pub mod load;
mod measurement;
mod nameplates;
mod network;
mod observe;
mod placement;
mod range;
mod sensors;
mod settle;
pub mod solar;
mod spec;
mod state;
mod stations;
mod system;
mod units;
mod unsolved;
pub mod weather;
pub mod wind;

pub use file::{PlantError, read_case};
pub use placement::{InjectionRequest, Misplaced};
pub use spec::PlantSpec;
pub use state::PlantState;
pub use system::Plant;
pub use unsolved::Unsolved;
