//! What a detector knows of an entity, and the form in which it takes samples.

mod fields;
mod noise;
mod nominal;

pub use crate::grid::{
    stream::{bus, converter, res},
    telemetry::{FIELDS_MAX, Row},
};
pub use fields::StreamKind;
pub use noise::Noise;
pub use nominal::{Converter, EntityModel, Inverter, Nominal, Solar, Thermal, Wind};
