//! The state of one entity's detectors, whatever its kind.

use serde::{Deserialize, Serialize};

use super::{
    alert::{AlertSource, AnomalyChange, OpenAlerts, SampleAt},
    channel::{Channel, PerChannel},
    model::Row,
    repeat::Repeat,
    track::{Signal, Track},
};

/// The state of one entity's detectors. `C` are the channels of its stream, `M` is what the relations of its
/// kind need from earlier samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct EntityState<C, M> {
    /// Repetitions by field.
    pub(super) repeats: Vec<Repeat>,
    /// Residuals over time.
    pub(super) tracks: PerChannel<C, Track>,
    /// What was found and is not over.
    pub(super) alerts: OpenAlerts<C>,
    /// Last finite values by field, in the units of the row.
    pub(super) last: Vec<Option<f64>>,
    /// What the relations need from earlier samples.
    pub(super) memory: M,
}

impl<C: Channel, M: Default> EntityState<C, M> {
    /// A state that has learnt nothing of an entity with so many fields.
    pub(super) fn new(fields: usize) -> Self {
        Self {
            repeats: vec![Repeat::new(); fields],
            tracks: PerChannel::filled(Track::new()),
            alerts: OpenAlerts::new(),
            last: vec![None; fields],
            memory: M::default(),
        }
    }
}

impl<C: Channel, M> EntityState<C, M> {
    /// Whether something has found an anomaly that is not over.
    pub(super) fn has(&self, source: AlertSource<C>) -> bool {
        self.alerts.has(source)
    }

    /// Whether a field was called stuck and has not changed since.
    pub(super) fn is_stuck(&self, field: usize) -> bool {
        self.repeats.get(field).is_some_and(Repeat::is_stuck)
    }

    /// Whether a field is stuck or may soon be.
    pub(super) fn repeats_itself(&self, field: usize) -> bool {
        self.repeats[field].is_pausing() || self.is_stuck(field)
    }

    /// Whether a residual rests now, because its sensor repeats itself and so says nothing of it. Where the
    /// sensor is stuck, the track drops what the sensor seemed to show.
    pub(super) fn rests(&mut self, channel: C) -> bool {
        let field = channel.field();
        let rests = self.repeats_itself(field) && !self.tracks[channel].is_alarming();
        if rests && self.is_stuck(field) {
            self.tracks[channel].explain();
        }
        rests
    }

    /// Turns what a residual signals into a change.
    pub(super) fn report(
        &mut self,
        at: SampleAt,
        channel: C,
        signal: Option<Signal>,
    ) -> Option<AnomalyChange> {
        self.alerts.report(at, channel, channel.field(), signal)
    }

    /// Keeps the values of a row that are finite.
    pub(super) fn keep(&mut self, row: &Row) {
        for (last, &value) in self.last.iter_mut().zip(&row.values) {
            if value.is_finite() {
                *last = Some(value);
            }
        }
    }
}
