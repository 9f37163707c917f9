//! How often each kind of entity is sampled: in steps of the plant natively, and in ticks on the wire.
//! At speed 1 these are the same.

use crate::grid::entity::EntityKind;

/// Steps or ticks between two samples of a converter.
pub const CONVERTER_PERIOD: u64 = 5;
/// Steps or ticks between two samples of a bus.
pub const BUS_PERIOD: u64 = 10;
/// Steps or ticks between two samples of a renewable unit.
pub const RES_PERIOD: u64 = 20;

/// The kinds that are sampled, in the order in which their samples go out.
pub const SAMPLED: [EntityKind; 3] = [EntityKind::ResUnit, EntityKind::Bus, EntityKind::Converter];

/// Steps between two native samples of a kind, and ticks between two that are published; branches are
/// looked at together with buses.
#[must_use]
pub fn of(kind: EntityKind) -> u64 {
    match kind {
        EntityKind::Converter => CONVERTER_PERIOD,
        EntityKind::Bus | EntityKind::Branch => BUS_PERIOD,
        EntityKind::ResUnit => RES_PERIOD,
    }
}

/// The first step after `step` at which a kind is sampled.
#[must_use]
pub fn next_sample(kind: EntityKind, step: u64) -> u64 {
    let period = of(kind);
    (step / period + 1).saturating_mul(period)
}
