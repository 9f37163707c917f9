//! The detectors of one entity and the alerts they hold.

use serde::{Deserialize, Serialize};

use super::{
    model::StreamKind,
    past::Past,
    repeat::Repeat,
    shape,
    track::{Signal, Track},
};
use crate::grid::alert::{AnomalyPhase, AnomalyType};

/// An anomaly begins or ends.
#[derive(Debug, Clone, PartialEq)]
pub struct AnomalyChange {
    /// The stream.
    pub stream: StreamKind,
    /// Index of the entity among the models of its stream.
    pub entity: usize,
    /// Index into the fields of [`StreamKind::stream`]; none for [`AnomalyType::Missing`].
    pub field: Option<usize>,
    /// What it looks like.
    pub kind: AnomalyType,
    /// Raised or cleared.
    pub phase: AnomalyPhase,
    /// The step at which it began, as far as can be told; the same in both phases.
    pub onset_step: u64,
    /// How sure the detector is, 0..1.
    pub confidence: f64,
    /// One sentence for a person, without the entity's id.
    pub description: String,
}

impl AnomalyChange {
    /// The name of the field on the wire.
    #[must_use]
    pub fn field_name(&self) -> Option<&'static str> {
        self.field
            .and_then(|field| Some(self.stream.stream().fields.get(field)?.name))
    }
}

/// What found an anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Source {
    /// A residual, by its index.
    Track(usize),
    /// Repetitions of a field.
    Repeat(usize),
    /// The power of a source against that of its converter.
    Feed,
    /// Nothing came.
    Missing,
}

/// An alert that is not over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Alert {
    pub(super) source: Source,
    pub(super) field: Option<usize>,
    pub(super) kind: AnomalyType,
    pub(super) onset_step: u64,
    pub(super) confidence: f64,
}

/// How much an entity of a kind keeps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Residuals.
    pub(super) tracks: usize,
    /// Readings that are compared with their past.
    pub(super) pasts: usize,
    /// Other numbers.
    pub(super) memory: usize,
}

/// The state of one entity's detectors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct EntityState {
    pub(super) repeats: Vec<Repeat>,
    pub(super) tracks: Vec<Track>,
    pub(super) pasts: Vec<Past>,
    pub(super) alerts: Vec<Alert>,
    /// Last finite values by field.
    pub(super) last: Vec<Option<f64>>,
    /// What the relations of its kind need from earlier samples.
    pub(super) memory: Vec<f64>,
    /// Samples since the plant moved, for tracks that must follow.
    pub(super) still: u32,
}

impl EntityState {
    pub(super) fn new(fields: usize, shape: Shape) -> Self {
        Self {
            repeats: vec![Repeat::new(); fields],
            tracks: vec![Track::new(); shape.tracks],
            pasts: vec![Past::new(); shape.pasts],
            alerts: Vec::new(),
            last: vec![None; fields],
            memory: vec![0.0; shape.memory],
            still: u32::MAX,
        }
    }

    pub(super) fn has(&self, source: Source) -> bool {
        self.alerts.iter().any(|alert| alert.source == source)
    }

    /// Lets the past of a reading take a value, if its track is calm and nothing else is known against it.
    #[expect(
        clippy::too_many_arguments,
        reason = "one reading with all that was found of it"
    )]
    pub(super) fn follow(
        &mut self,
        past: usize,
        track: usize,
        value: f64,
        noise2: f64,
        natural: bool,
        off: bool,
        signal: Option<&Signal>,
    ) {
        let (Some(past), Some(track)) = (self.pasts.get_mut(past), self.tracks.get(track)) else {
            return;
        };
        match signal {
            // A drift has already been followed for a while, and after an alarm nothing is what it was.
            Some(
                Signal::Cleared
                | Signal::Raised {
                    shape: shape::Shape::Drift,
                    ..
                },
            ) => past.forget(),
            _ if off || track.is_disturbed() => past.hold(noise2),
            _ => past.take(value, noise2, natural),
        }
    }

    /// Lets a sample pass that did not come.
    pub(super) fn forget_pasts(&mut self) {
        for past in &mut self.pasts {
            past.forget();
        }
    }

    /// A sensor that repeats itself says nothing of its residual: whether that rests now, without a memory of
    /// what it seemed to show.
    pub(super) fn rest(&mut self, track: usize, field: usize) -> bool {
        let repeats = self.repeats[field].is_pausing() || self.is_stuck(field);
        let rests = repeats && !self.tracks[track].is_alarming();
        if rests && self.is_stuck(field) {
            self.tracks[track].explain();
        }
        rests
    }

    pub(super) fn is_stuck(&self, field: usize) -> bool {
        self.repeats.get(field).is_some_and(Repeat::is_stuck)
    }
}

/// Where in a stream a change happens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) stream: StreamKind,
    pub(super) entity: usize,
    pub(super) step: u64,
    /// Steps between samples.
    pub(super) stride: u64,
}

/// Opens an alert.
pub(super) fn raise(
    state: &mut EntityState,
    place: Place,
    source: Source,
    field: Option<usize>,
    kind: AnomalyType,
    age: u32,
    confidence: f64,
) -> AnomalyChange {
    let alert = Alert {
        source,
        field,
        kind,
        onset_step: place.step.saturating_sub(u64::from(age) * place.stride),
        confidence,
    };
    let change = change(place, &alert, AnomalyPhase::Raised);
    state.alerts.push(alert);
    change
}

/// Closes the alert of a source.
pub(super) fn clear(
    state: &mut EntityState,
    place: Place,
    source: Source,
) -> Option<AnomalyChange> {
    let at = state
        .alerts
        .iter()
        .position(|alert| alert.source == source)?;
    let alert = state.alerts.remove(at);
    Some(change(place, &alert, AnomalyPhase::Cleared))
}

/// Takes a row's values for the run lengths and says which fields are stuck from now on. `may_repeat`
/// tells which fields have a reason to repeat their value, `explained` which an alert already concerns, and
/// `speaks_against` whether a field that changes is evidence that another one should.
pub(super) fn watch_repeats(
    state: &mut EntityState,
    place: Place,
    values: &[f64],
    may_repeat: impl Fn(usize, f64) -> bool,
    explained: impl Fn(&EntityState, usize) -> bool,
    speaks_against: impl Fn(usize, usize) -> bool,
    changes: &mut Vec<AnomalyChange>,
) {
    for (field, &value) in values.iter().enumerate().take(state.repeats.len()) {
        if state.repeats[field].observe(value) {
            changes.extend(clear(state, place, Source::Repeat(field)));
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
            let age = repeat.run();
            state.repeats[field].declare_stuck();
            changes.push(raise(
                state,
                place,
                Source::Repeat(field),
                Some(field),
                AnomalyType::Stuck,
                age,
                0.97,
            ));
        }
    }
}

/// Turns a track's signal into a change.
pub(super) fn report(
    state: &mut EntityState,
    place: Place,
    track: usize,
    field: usize,
    signal: Option<Signal>,
    changes: &mut Vec<AnomalyChange>,
) {
    match signal {
        Some(Signal::Raised {
            shape,
            age,
            strength,
        }) => changes.push(raise(
            state,
            place,
            Source::Track(track),
            Some(field),
            kind_of(shape),
            age,
            confidence_of(shape, strength),
        )),
        Some(Signal::Cleared) => {
            changes.extend(clear(state, place, Source::Track(track)));
        }
        None => {}
    }
}

/// The anomaly that a shape stands for.
pub(super) fn kind_of(shape: shape::Shape) -> AnomalyType {
    use shape::Shape;
    match shape {
        Shape::Spike => AnomalyType::Spike,
        Shape::Shift => AnomalyType::LevelShift,
        Shape::Drift => AnomalyType::Drift,
        Shape::Burst => AnomalyType::NoiseBurst,
        Shape::Oscillation => AnomalyType::Oscillation,
    }
}

/// Confidence from the evidence, 1 being just enough.
pub(super) fn confidence_of(shape: shape::Shape, strength: f64) -> f64 {
    use shape::Shape;
    let (least, rate) = match shape {
        Shape::Spike | Shape::Shift => (0.75, 4.0),
        Shape::Drift => (0.85, 3.0),
        Shape::Burst | Shape::Oscillation => (0.8, 3.0),
    };
    let doubt = (1.0 - least) * crate::maths::exp(-rate * (strength - 1.0).max(0.0));
    (0.98 - doubt).clamp(0.0, 1.0)
}

fn change(place: Place, alert: &Alert, phase: AnomalyPhase) -> AnomalyChange {
    AnomalyChange {
        stream: place.stream,
        entity: place.entity,
        field: alert.field,
        kind: alert.kind,
        phase,
        onset_step: alert.onset_step,
        confidence: alert.confidence,
        description: describe(place.stream, alert),
    }
}

fn describe(stream: StreamKind, alert: &Alert) -> String {
    let field = alert
        .field
        .and_then(|field| Some(stream.stream().fields.get(field)?.name))
        .unwrap_or("sample");
    match alert.kind {
        AnomalyType::Spike => format!("{field} was far off for a sample or two"),
        AnomalyType::LevelShift => format!("{field} is offset"),
        AnomalyType::Drift => format!("{field} drifts away"),
        AnomalyType::Stuck => format!("{field} repeats the same value"),
        AnomalyType::NoiseBurst => format!("{field} is much noisier than before"),
        AnomalyType::Oscillation => format!("{field} oscillates"),
        AnomalyType::Missing => "no sample arrives".to_owned(),
        AnomalyType::Inconsistent => format!("{field} contradicts related quantities"),
        AnomalyType::Trip => "nothing is generated although the weather would allow it".to_owned(),
        AnomalyType::Derate => "less is generated than the weather would allow".to_owned(),
    }
}
