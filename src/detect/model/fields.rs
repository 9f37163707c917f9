//! The streams that detectors know.

use serde::{Deserialize, Serialize};

use crate::grid::{
    entity::EntityKind,
    stream::{BUS, CONVERTER, RES_UNIT, Stream},
};

/// Which stream a row belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StreamKind {
    /// Bus measurements.
    Bus,
    /// Converter states.
    Converter,
    /// Generation of renewable units.
    Res,
}

impl StreamKind {
    /// The stream of a kind of entity, if it has one.
    #[must_use]
    pub fn of(kind: EntityKind) -> Option<Self> {
        match kind {
            EntityKind::Bus => Some(Self::Bus),
            EntityKind::Converter => Some(Self::Converter),
            EntityKind::ResUnit => Some(Self::Res),
            EntityKind::Branch => None,
        }
    }

    /// What the stream holds.
    #[must_use]
    pub fn stream(self) -> &'static Stream {
        match self {
            Self::Bus => &BUS,
            Self::Converter => &CONVERTER,
            Self::Res => &RES_UNIT,
        }
    }

    /// The name of a field on the wire, by its place in the row.
    #[must_use]
    pub fn field_name(self, field: usize) -> Option<&'static str> {
        self.stream().fields.get(field).map(|field| field.name)
    }
}
