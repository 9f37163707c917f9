//! What a converter remembers.

use serde::{Deserialize, Serialize};

use super::{
    channels::{ConverterChannel, POWER_CHANNELS},
    heat::HeatMemory,
    load::LoadMemory,
};
use crate::detect::{channel::Channel, entity::EntityState, past::Past};

/// What a converter remembers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::detect) struct ConverterMemory {
    /// The pasts of the sensors of power, in the order of [`POWER_CHANNELS`].
    pasts: [Past; POWER_CHANNELS.len()],
    /// The thermal model.
    pub(super) heat: HeatMemory,
    /// The load.
    pub(super) load: LoadMemory,
    /// Samples for which a step of the grid voltage may still show.
    pub(super) grid_settling: u32,
    /// Whether the last sample was missing.
    pub(super) gap: bool,
}

impl ConverterMemory {
    /// The past of a sensor of power.
    pub(super) fn past(&self, channel: ConverterChannel) -> &Past {
        &self.pasts[channel.index()]
    }

    /// The past of a sensor of power, to be changed.
    pub(super) fn past_mut(&mut self, channel: ConverterChannel) -> &mut Past {
        &mut self.pasts[channel.index()]
    }

    /// Lets a sample pass that did not come.
    pub(super) fn forget_pasts(&mut self) {
        for past in &mut self.pasts {
            past.forget();
        }
    }
}

/// The state of one converter.
pub(in crate::detect) type ConverterState = EntityState<ConverterChannel, ConverterMemory>;
