//! A solar unit and the converter behind it tell the same power, as far as the converter is not limited.

use super::{ACTIVE, Known, LIMITED, LOAD, converter};
use crate::{
    detect::{
        entity::{self, AnomalyChange, EntityState, Place, Source},
        model::Row,
    },
    grid::alert::AnomalyType,
};

/// Share of the expected power that may be missing.
const TOLERANCE: f64 = 0.1;
/// Share of the rating that may be missing besides.
const LEAST: f64 = 0.03;
/// Below this share of the rating a source says nothing of its converter.
const WORTH: f64 = 0.06;
/// Share of the tolerance within which the two agree again.
const AGREED: f64 = 0.7;
/// Heat sinks above this do not allow full power, deg C.
const HOT_C: f64 = 85.0;
/// So far above nominal frequency the converter may hold power back, Hz.
const HOLDS_BACK_HZ: f64 = 0.15;

/// Takes one instant of all converters at which their sources have been measured too.
pub(super) fn observe(
    known: &Known,
    states: &mut [EntityState],
    rows: &[Option<Row>],
    place: Place,
    changes: &mut Vec<AnomalyChange>,
) {
    for (at, model) in known.models.iter().enumerate() {
        let (Some(source), Some(row)) = (model.source, rows[at]) else {
            continue;
        };
        let Some(offered_kw) = known.generation_kw.get(source).copied().flatten() else {
            continue;
        };
        let Some(drawn_kw) = drawn_kw(known, rows, at) else {
            continue;
        };
        let place = Place {
            entity: at,
            ..place
        };
        let rated_kw = model.power_factor * model.grid_voltage_v * model.rated_current_a / 1000.0;
        if offered_kw < WORTH * rated_kw {
            changes.extend(entity::clear(&mut states[at], place, Source::Feed));
            continue;
        }
        let missing_kw = offered_kw - drawn_kw - row.get(converter::ACTIVE_POWER);
        let tolerance_kw = TOLERANCE * offered_kw + LEAST * rated_kw;
        let state = &mut states[at];
        if state.has(Source::Feed) {
            if missing_kw.abs() < AGREED * tolerance_kw {
                changes.extend(entity::clear(state, place, Source::Feed));
            }
            continue;
        }
        let doubtful = state.is_stuck(converter::ACTIVE_POWER)
            || state.repeats[converter::ACTIVE_POWER].is_pausing()
            || state.tracks[ACTIVE].is_alarming();
        let excess_hz = row.get(converter::FREQUENCY) - model.frequency_hz;
        let limited = state.memory[LOAD] > LIMITED
            || row.get(converter::TEMPERATURE) > HOT_C
            || excess_hz > HOLDS_BACK_HZ;
        if missing_kw > tolerance_kw && !limited && !doubtful {
            changes.push(entity::raise(
                state,
                place,
                Source::Feed,
                Some(converter::ACTIVE_POWER),
                AnomalyType::Inconsistent,
                0,
                entity::confidence_of(
                    crate::detect::shape::Shape::Shift,
                    missing_kw / tolerance_kw,
                ),
            ));
        }
    }
}

/// What the converters on a link draw from it, kW.
fn drawn_kw(known: &Known, rows: &[Option<Row>], link: usize) -> Option<f64> {
    let on_link = known.models.iter().zip(rows);
    on_link
        .filter(|(model, _)| model.link == Some(link))
        .map(|(_, row)| row.map(|row| row.get(converter::ACTIVE_POWER)))
        .sum()
}
