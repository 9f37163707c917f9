//! A solar unit and the converter behind it tell the same power, as far as the converter is not limited.

use super::{
    channels::ConverterChannel,
    knowledge::{ConverterKnowledge, LIMITED, rated_kw},
    memory::ConverterState,
};
use crate::{
    detect::{
        alert::{AlertSource, AnomalyChange, NewAlert, SampleAt, confidence_of},
        model::{Converter, Row, converter},
        shape::Shape,
    },
    grid::alert::AnomalyType,
};

/// Share of the expected power that may be missing: losses, and the time that converters need to follow.
const TOLERANCE: f64 = 0.1;
/// Share of the rating that may be missing besides.
const LEAST: f64 = 0.03;
/// Below this share of the rating a source says nothing of its converter.
const WORTH: f64 = 0.06;
/// Share of the tolerance within which the two agree again: less than 1, so that noise at the tolerance does
/// not end and raise the alert by turns.
const AGREED: f64 = 0.7;
/// Heat sinks above this do not allow full power, deg C.
const HOT_C: f64 = 85.0;
/// So far above nominal frequency the converter may hold power back, Hz.
const HOLDS_BACK_HZ: f64 = 0.15;

/// Takes one instant of all converters at which their sources have been measured too.
pub(super) fn observe(
    known: &ConverterKnowledge,
    states: &mut [ConverterState],
    rows: &[Option<Row>],
    at: SampleAt,
    changes: &mut Vec<AnomalyChange>,
) {
    for (entity, model) in known.models.iter().enumerate() {
        let (Some(source), Some(row)) = (model.source, rows[entity]) else {
            continue;
        };
        let Some(offered_kw) = known.generation_kw.get(source).copied().flatten() else {
            continue;
        };
        let Some(drawn_kw) = drawn_kw(known, rows, entity) else {
            continue;
        };
        let missing_kw = offered_kw - drawn_kw - row.get(converter::ACTIVE_POWER);
        let state = &mut states[entity];
        changes.extend(compare(
            model,
            state,
            &row,
            at.of(entity),
            offered_kw,
            missing_kw,
        ));
    }
}

/// Compares what a source offers with what is missing of it behind the converter.
fn compare(
    model: &Converter,
    state: &mut ConverterState,
    row: &Row,
    at: SampleAt,
    offered_kw: f64,
    missing_kw: f64,
) -> Option<AnomalyChange> {
    let rated_kw = rated_kw(model);
    if offered_kw < WORTH * rated_kw {
        return state.alerts.clear(at, AlertSource::Feed);
    }
    let tolerance_kw = TOLERANCE * offered_kw + LEAST * rated_kw;
    if state.has(AlertSource::Feed) {
        return if missing_kw.abs() < AGREED * tolerance_kw {
            state.alerts.clear(at, AlertSource::Feed)
        } else {
            None
        };
    }
    let doubtful = state.repeats_itself(converter::ACTIVE_POWER)
        || state.tracks[ConverterChannel::ActivePower].is_alarming();
    if missing_kw > tolerance_kw && !is_limited(model, state, row) && !doubtful {
        let new = NewAlert {
            source: AlertSource::Feed,
            field: Some(converter::ACTIVE_POWER),
            kind: AnomalyType::Inconsistent,
            age: 0,
            confidence: confidence_of(Shape::Shift, missing_kw / tolerance_kw),
        };
        return Some(state.alerts.raise(at, new));
    }
    None
}

/// Whether something keeps the converter from giving what its source offers.
fn is_limited(model: &Converter, state: &ConverterState, row: &Row) -> bool {
    let excess_hz = row.get(converter::FREQUENCY) - model.frequency_hz;
    state.memory.load.now > LIMITED
        || row.get(converter::TEMPERATURE) > HOT_C
        || excess_hz > HOLDS_BACK_HZ
}

/// What the converters on a link draw from it, kW.
fn drawn_kw(known: &ConverterKnowledge, rows: &[Option<Row>], link: usize) -> Option<f64> {
    let on_link = known.models.iter().zip(rows);
    on_link
        .filter(|(model, _)| model.link == Some(link))
        .map(|(_, row)| row.map(|row| row.get(converter::ACTIVE_POWER)))
        .sum()
}
