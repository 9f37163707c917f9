//! How often each kind of entity is sampled, in ticks.

use crate::grid::{entity::EntityKind, time::Tick};

/// Ticks between two samples of a converter.
pub const CONVERTER_PERIOD: u64 = 5;
/// Ticks between two samples of a bus.
pub const BUS_PERIOD: u64 = 10;
/// Ticks between two samples of a renewable unit.
pub const RES_PERIOD: u64 = 20;

/// Ticks between two samples of a kind; branches are looked at together with buses.
#[must_use]
pub fn of(kind: EntityKind) -> u64 {
    match kind {
        EntityKind::Converter => CONVERTER_PERIOD,
        EntityKind::Bus | EntityKind::Branch => BUS_PERIOD,
        EntityKind::ResUnit => RES_PERIOD,
    }
}

/// The first tick after `tick` at which a kind is sampled in a run that began at `start`.
#[must_use]
pub fn next_sample(kind: EntityKind, start: Tick, tick: Tick) -> Tick {
    let period = of(kind);
    start.plus((tick.since(start) / period + 1) * period)
}
