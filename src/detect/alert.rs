//! Alerts of one entity: what found them, how they begin and end, and in which words.

use serde::{Deserialize, Serialize};

use super::{
    model::StreamKind,
    shape::Shape,
    track::{Finding, Signal},
};
use crate::{
    grid::alert::{AnomalyPhase, AnomalyType},
    maths::exp,
};

/// Confidence that evidence without end comes to.
const CONFIDENCE_MOST: f64 = 0.98;

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
        self.field.and_then(|field| self.stream.field_name(field))
    }
}

/// Which sample of which entity is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct SampleAt {
    /// The stream.
    pub(super) stream: StreamKind,
    /// Index of the entity among the models of its stream.
    pub(super) entity: usize,
    /// Step or tick of the sample.
    pub(super) step: u64,
    /// Steps between samples.
    pub(super) stride: u64,
}

impl SampleAt {
    /// The sample of another entity at the same instant.
    pub(super) fn of(self, entity: usize) -> Self {
        Self { entity, ..self }
    }
}

/// What found an anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) enum AlertSource<C> {
    /// A residual.
    Channel(C),
    /// Repetitions of a field, by its index.
    Repeat(usize),
    /// The power of a source against that of its converter.
    Feed,
    /// Nothing came.
    Missing,
}

/// An alert to be raised.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewAlert<C> {
    /// What found it.
    pub(super) source: AlertSource<C>,
    /// The field at fault; none where it is the whole sample.
    pub(super) field: Option<usize>,
    /// What it looks like.
    pub(super) kind: AnomalyType,
    /// Samples since it began.
    pub(super) age: u32,
    /// How sure the detector is, 0..1.
    pub(super) confidence: f64,
}

impl<C> NewAlert<C> {
    /// One that a residual found.
    pub(super) fn found(channel: C, field: usize, finding: Finding) -> Self {
        Self {
            source: AlertSource::Channel(channel),
            field: Some(field),
            kind: kind_of(finding.shape),
            age: finding.age,
            confidence: confidence_of(finding.shape, finding.strength),
        }
    }
}

/// An alert that is not over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Alert<C> {
    source: AlertSource<C>,
    field: Option<usize>,
    kind: AnomalyType,
    onset_step: u64,
    confidence: f64,
}

impl<C> Alert<C> {
    fn change(&self, at: SampleAt, phase: AnomalyPhase) -> AnomalyChange {
        AnomalyChange {
            stream: at.stream,
            entity: at.entity,
            field: self.field,
            kind: self.kind,
            phase,
            onset_step: self.onset_step,
            confidence: self.confidence,
            description: describe(at.stream, self.field, self.kind),
        }
    }
}

/// The alerts of an entity that are not over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct OpenAlerts<C> {
    alerts: Vec<Alert<C>>,
}

impl<C: Copy + PartialEq> OpenAlerts<C> {
    /// None.
    pub(super) fn new() -> Self {
        Self { alerts: Vec::new() }
    }

    /// Whether something has found an anomaly that is not over.
    pub(super) fn has(&self, source: AlertSource<C>) -> bool {
        self.alerts.iter().any(|alert| alert.source == source)
    }

    /// Opens an alert.
    pub(super) fn raise(&mut self, at: SampleAt, new: NewAlert<C>) -> AnomalyChange {
        let alert = Alert {
            source: new.source,
            field: new.field,
            kind: new.kind,
            onset_step: at.step.saturating_sub(u64::from(new.age) * at.stride),
            confidence: new.confidence,
        };
        let change = alert.change(at, AnomalyPhase::Raised);
        self.alerts.push(alert);
        change
    }

    /// Closes the alert of a source.
    pub(super) fn clear(&mut self, at: SampleAt, source: AlertSource<C>) -> Option<AnomalyChange> {
        let position = self
            .alerts
            .iter()
            .position(|alert| alert.source == source)?;
        let alert = self.alerts.remove(position);
        Some(alert.change(at, AnomalyPhase::Cleared))
    }

    /// Turns what a residual signals into a change of the alert about `field`.
    pub(super) fn report(
        &mut self,
        at: SampleAt,
        channel: C,
        field: usize,
        signal: Option<Signal>,
    ) -> Option<AnomalyChange> {
        match signal? {
            Signal::Raised(finding) => {
                Some(self.raise(at, NewAlert::found(channel, field, finding)))
            }
            Signal::Cleared => self.clear(at, AlertSource::Channel(channel)),
        }
    }
}

/// The anomaly that a shape stands for.
fn kind_of(shape: Shape) -> AnomalyType {
    match shape {
        Shape::Spike => AnomalyType::Spike,
        Shape::Shift => AnomalyType::LevelShift,
        Shape::Drift => AnomalyType::Drift,
        Shape::Burst => AnomalyType::NoiseBurst,
        Shape::Oscillation => AnomalyType::Oscillation,
    }
}

/// Confidence from the evidence, 1 being just enough. The least confidence and the rate at which it grows
/// are fitted to how often alerts of a shape are true on the labelled streams of `tests/detect`, which test
/// that.
pub(super) fn confidence_of(shape: Shape, strength: f64) -> f64 {
    let (least, rate) = match shape {
        Shape::Spike | Shape::Shift => (0.75, 4.0),
        Shape::Drift => (0.85, 3.0),
        Shape::Burst | Shape::Oscillation => (0.8, 3.0),
    };
    let doubt = (1.0 - least) * exp(-rate * (strength - 1.0).max(0.0));
    (CONFIDENCE_MOST - doubt).clamp(0.0, 1.0)
}

fn describe(stream: StreamKind, field: Option<usize>, kind: AnomalyType) -> String {
    let field = field
        .and_then(|field| stream.field_name(field))
        .unwrap_or("sample");
    match kind {
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
