//! Detectors: what telemetry alone says of faults and anomalies.
//!
//! A fault is a quantity beyond a limit ([`fault`]). An anomaly is what no limit catches: a sensor that
//! jumps, drifts, sticks or grows noisy, quantities that contradict each other, a unit that gives less than
//! the weather allows. [`Detectors`] find them with residuals, values freed of everything that is known
//! about them: the network equations across all buses, one frequency for all, power against voltage and
//! current, distortion against current, temperature against loss, generation against weather. Ramps,
//! clouds, load steps, dips and frequency events leave them alone, so they are no anomalies.
//!
//! Detectors see samples only. They know no plant, no clock, no injected fault.
//!
//! The residuals of a stream are its channels. Each stream (`bus`, `converter`, `res`) has a table of them in
//! its `channels.rs`: which field is at fault where a channel is off, and how the channel is judged. The stream
//! computes the value of each channel at each sample, a `track` judges the values over time, and `alert` turns
//! what the track says into the beginning or the end of an anomaly. What a relation needs from earlier samples
//! is in the `memory` of the entity's state.

mod alert;
mod bus;
mod channel;
mod common;
mod converter;
mod detectors;
mod elsewhere;
mod entity;
pub mod fault;
mod missing;
pub mod model;
mod network;
mod noise_level;
mod past;
mod repeat;
mod res;
mod sensor;
mod shape;
mod state;
mod statistics;
mod stuck;
mod track;
mod unrest;

pub use alert::AnomalyChange;
pub use detectors::Detectors;
pub use model::{EntityModel, Noise, Nominal, Row, StreamKind};
pub use state::DetectorsState;
