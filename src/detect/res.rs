//! Renewable units: generation against the weather of the same sample.

mod air;
mod channels;
mod generation;
mod memory;
mod solar;
mod weather;
mod wind;

use super::{
    alert::{AnomalyChange, SampleAt},
    channel::Channel,
    model::{Noise, Nominal, Row, res},
    stuck,
    track::Gate,
};
use crate::grid::stream::RES_UNIT;
pub(super) use channels::UnitChannel;
use generation::{Generation, STANDS, explains_all};
pub(super) use memory::UnitState;

/// A unit that gives at least this share of its capacity is at its limit, where it repeats itself.
const FULL: f64 = 0.999;

/// What is known of all renewable units.
pub(super) struct UnitKnowledge<'a> {
    /// Standard deviations of the noise.
    pub(super) noise: &'a Noise,
    /// Ratings by unit.
    pub(super) models: &'a [Nominal],
    /// Simulated seconds since the previous samples.
    pub(super) dt_s: f64,
}

/// Takes one instant of all units.
pub(super) fn observe(
    known: &UnitKnowledge,
    states: &mut [UnitState],
    rows: &[Option<Row>],
    at: SampleAt,
    changes: &mut Vec<AnomalyChange>,
) {
    for (entity, ((state, row), model)) in states.iter_mut().zip(rows).zip(known.models).enumerate()
    {
        if let Some(row) = row {
            observe_unit(known, model, state, row, at.of(entity), changes);
        } else {
            state.memory.air.forget();
            state.memory.inertia.forget();
        }
    }
}

fn observe_unit(
    known: &UnitKnowledge,
    model: &Nominal,
    state: &mut UnitState,
    row: &Row,
    at: SampleAt,
    changes: &mut Vec<AnomalyChange>,
) {
    let noise = known.noise;
    let memory = &mut state.memory;
    let Some(generation) = Generation::new(noise, model, row, known.dt_s, memory) else {
        return;
    };
    watch_repeats(&generation, state, row, at, changes);
    changes.extend(generation.judge(state, at));
    changes.extend(judge_utilization(&generation, state, at));
    changes.extend(air::judge(noise, state, row, at));
}

/// A unit that is at its limit or stands repeats itself. Generation and weather speak against each other;
/// the air tells nothing of them.
fn watch_repeats(
    generation: &Generation,
    state: &mut UnitState,
    row: &Row,
    at: SampleAt,
    changes: &mut Vec<AnomalyChange>,
) {
    let allowed = generation.allowed();
    let stands = generation.possible() < STANDS;
    stuck::watch(
        state,
        at,
        &row.values[..RES_UNIT.fields.len()],
        |field, value| match field {
            res::GENERATION => value >= FULL * allowed.capacity_kw || stands,
            // It repeats what generation does.
            res::UTILIZATION => value >= FULL || stands,
            _ => false,
        },
        |state, field| field != res::TEMPERATURE && explains_all(state),
        |field, other| match field {
            res::GENERATION => other == allowed.resource,
            res::UTILIZATION | res::IRRADIANCE | res::WIND_SPEED => other == res::GENERATION,
            _ => true,
        },
        changes,
    );
}

/// Judges the utilization factor against generation over capacity.
fn judge_utilization(
    generation: &Generation,
    state: &mut UnitState,
    at: SampleAt,
) -> Option<AnomalyChange> {
    let channel = UnitChannel::Utilization;
    let input = generation.utilization();
    let gate = if explains_all(state) || state.is_stuck(channel.field()) {
        Gate::Explained
    } else {
        Gate::Open
    };
    let signal = if state.rests(channel) {
        None
    } else {
        state.tracks[channel].step(&channel.spec(0.0), &input, gate)
    };
    state.report(at, channel, signal)
}
