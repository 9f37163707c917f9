//! What other streams have said at the same instant, where nothing speaks against it.

use super::{
    alert::AlertSource,
    bus::BusChannel,
    channel::Channel,
    entity::EntityState,
    res::UnitChannel,
    state::{DetectorsState, StreamState},
};

/// What other streams have said of the surroundings of converters; none where a value is missing, stuck or
/// suspected.
#[derive(Debug)]
pub(super) struct Elsewhere {
    /// Voltage by bus, p.u.
    pub(super) bus_voltage_pu: Vec<Option<f64>>,
    /// Generation by renewable unit, kW.
    pub(super) generation_kw: Vec<Option<f64>>,
    /// Air temperature by renewable unit, deg C.
    pub(super) air_c: Vec<Option<f64>>,
}

impl Elsewhere {
    /// What was said at this step.
    pub(super) fn at(step: u64, state: &DetectorsState) -> Self {
        Self {
            bus_voltage_pu: sound_values(&state.buses, step, BusChannel::Voltage),
            generation_kw: sound_values(&state.units, step, UnitChannel::Generation),
            air_c: sound_values(&state.units, step, UnitChannel::Air),
        }
    }
}

/// The values of a channel's field at this step, where nothing speaks against them.
fn sound_values<C: Channel, M: Clone + Default>(
    stream: &StreamState<EntityState<C, M>>,
    step: u64,
    channel: C,
) -> Vec<Option<f64>> {
    let field = channel.field();
    let now = stream.is_at(step);
    let value = |entity: &EntityState<C, M>| {
        let sound = now
            && !entity.has(AlertSource::Missing)
            && !entity.repeats_itself(field)
            && !entity.tracks[channel].is_disturbed();
        entity.last[field].filter(|_| sound)
    };
    stream.entities.iter().map(value).collect()
}
