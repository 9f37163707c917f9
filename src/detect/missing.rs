//! Samples that do not come, and fields that samples had before.

use super::{
    alert::{AlertSource, AnomalyChange, NewAlert, SampleAt},
    channel::Channel,
    entity::EntityState,
    model::Row,
};
use crate::grid::alert::AnomalyType;

/// Confidence of an alert. That a sample is not there is certain; what is left is the doubt whether it is
/// only late.
const CONFIDENCE: f64 = 0.95;

/// Takes one instant of all entities; `is_sampled` tells whether an entity has samples at all.
pub(super) fn watch<C: Channel, M>(
    states: &mut [EntityState<C, M>],
    rows: &[Option<Row>],
    at: SampleAt,
    is_sampled: impl Fn(usize) -> bool,
    changes: &mut Vec<AnomalyChange>,
) {
    for (entity, state) in states.iter_mut().enumerate() {
        let at = at.of(entity);
        let absent = match rows.get(entity).copied().flatten() {
            None => Some(None),
            Some(row) => lost_field(state, &row).map(Some),
        };
        match absent {
            Some(field) if is_sampled(entity) && !state.has(AlertSource::Missing) => {
                let new = NewAlert {
                    source: AlertSource::Missing,
                    field,
                    kind: AnomalyType::Missing,
                    age: 0,
                    confidence: CONFIDENCE,
                };
                changes.push(state.alerts.raise(at, new));
            }
            None => changes.extend(state.alerts.clear(at, AlertSource::Missing)),
            Some(_) => {}
        }
    }
}

/// The first field that samples had before and this one does not have.
fn lost_field<C: Channel, M>(state: &EntityState<C, M>, row: &Row) -> Option<usize> {
    (0..state.last.len()).find(|&field| state.last[field].is_some() && !row.get(field).is_finite())
}
