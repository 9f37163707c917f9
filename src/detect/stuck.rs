//! Sensors that are stuck: fields that repeat a value while others change.

use super::{
    alert::{AlertSource, AnomalyChange, NewAlert, SampleAt},
    channel::Channel,
    entity::EntityState,
};
use crate::grid::alert::AnomalyType;

/// Confidence of an alert. Chance alone makes a run as long as is needed once in 1e7 times; what is left is
/// the doubt whether the plant itself stands still.
const CONFIDENCE: f64 = 0.97;

/// Takes a row's values for the run lengths and says which fields are stuck from now on. `may_repeat`
/// tells which fields have a reason to repeat their value, `explained` which an alert already concerns, and
/// `speaks_against` whether a field (the first) should change where another one (the second) does.
pub(super) fn watch<C: Channel, M>(
    state: &mut EntityState<C, M>,
    at: SampleAt,
    values: &[f64],
    may_repeat: impl Fn(usize, f64) -> bool,
    explained: impl Fn(&EntityState<C, M>, usize) -> bool,
    speaks_against: impl Fn(usize, usize) -> bool,
    changes: &mut Vec<AnomalyChange>,
) {
    for (field, &value) in values.iter().enumerate().take(state.repeats.len()) {
        if state.repeats[field].observe(value) {
            changes.extend(state.alerts.clear(at, AlertSource::Repeat(field)));
        }
    }
    for (field, &value) in values.iter().enumerate().take(state.repeats.len()) {
        let repeat = &state.repeats[field];
        if !value.is_finite()
            || value == 0.0
            || !repeat.is_suspicious()
            || may_repeat(field, value)
            || explained(state, field)
        {
            continue;
        }
        let others_change = state.repeats.iter().enumerate().any(|(other, repeat)| {
            other != field && repeat.is_lively() && speaks_against(field, other)
        });
        if others_change {
            let new = NewAlert {
                source: AlertSource::Repeat(field),
                field: Some(field),
                kind: AnomalyType::Stuck,
                age: repeat.run(),
                confidence: CONFIDENCE,
            };
            state.repeats[field].declare_stuck();
            changes.push(state.alerts.raise(at, new));
        }
    }
}
