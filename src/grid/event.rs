//! Everything the server emits: one enum, with the name, the audience and the payload of each event.

use std::{ops::Range, sync::Arc};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    alert::{Anomaly, AnomalyDetails, AnomalyPhase, Fault, FaultDetails, FaultPhase, Subject},
    emitted::names,
    entity::{Catalogue, EntityIndex},
    telemetry::{Sample, as_payload},
    time::{Tick, Timestamp},
    topology::TopologyUpdate,
};

/// An event as it goes over the wire; it serialises as its payload.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Event {
    /// What was measured at one entity.
    Sample(#[serde(serialize_with = "as_payload")] Sample),
    /// A fault that was raised, escalated or cleared.
    Fault(Fault),
    /// An anomaly that was raised or cleared.
    Anomaly(Anomaly),
    /// A message for everybody.
    Notification(Notification),
    /// A change of the network.
    Topology(TopologyUpdate),
}

/// Who gets an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Everybody in the namespace.
    Everyone,
    /// Whoever subscribes to this entity.
    Entity(EntityIndex),
    /// Whoever subscribes to one of these two, once.
    Either([EntityIndex; 2]),
    /// Nobody: it is about an entity that the plant does not have.
    Nobody,
}

impl Audience {
    /// Who hears of the entity that an alert is about: of a branch, whoever subscribes to one of its ends.
    #[must_use]
    pub fn of(subject: &Subject, catalogue: &Catalogue) -> Self {
        let find = |id: &str| catalogue.find(id);
        match &subject.ends {
            Some(ends) => {
                let [from, to] = ends.each_ref().map(|id| find(id.as_str()));
                match (from, to) {
                    (Some(from), Some(to)) => Self::Either([from, to]),
                    (Some(only), None) | (None, Some(only)) => Self::Entity(only),
                    (None, None) => Self::Nobody,
                }
            }
            None => find(subject.id.as_str()).map_or(Self::Nobody, Self::Entity),
        }
    }

    /// The entities whose subscribers get it; none where it goes to everyone.
    #[must_use]
    pub fn entities(&self) -> &[EntityIndex] {
        match self {
            Self::Everyone | Self::Nobody => &[],
            Self::Entity(entity) => std::slice::from_ref(entity),
            Self::Either(entities) => entities,
        }
    }
}

/// An event with those who get it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// Who gets it.
    pub audience: Audience,
    /// The event.
    pub event: Arc<Event>,
}

impl Outgoing {
    /// An event for everybody in the namespace.
    #[must_use]
    pub fn to_everyone(event: Event) -> Self {
        Self {
            audience: Audience::Everyone,
            event: Arc::new(event),
        }
    }

    /// A sample of `entity`.
    #[must_use]
    pub fn sample(entity: EntityIndex, sample: Sample) -> Self {
        Self {
            audience: Audience::Entity(entity),
            event: Arc::new(Event::Sample(sample)),
        }
    }

    /// A fault or an anomaly, for whoever hears of its entity.
    #[must_use]
    pub fn alert(alert: Event, catalogue: &Catalogue) -> Self {
        let audience = match &alert {
            Event::Fault(fault) => Audience::of(&fault.details.subject, catalogue),
            Event::Anomaly(anomaly) => Audience::of(&anomaly.details.subject, catalogue),
            _ => Audience::Everyone,
        };
        Self {
            audience,
            event: Arc::new(alert),
        }
    }

    /// A fault or an anomaly, and the notification that announces it to everybody, if it has one.
    pub fn announced(alert: Event, catalogue: &Catalogue) -> impl Iterator<Item = Self> + use<> {
        let notification = match &alert {
            Event::Fault(fault) => Notification::of_fault(fault),
            Event::Anomaly(anomaly) => Some(Notification::of_anomaly(anomaly)),
            _ => None,
        };
        let notification = notification.map(Event::Notification);
        std::iter::once(Self::alert(alert, catalogue)).chain(notification.map(Self::to_everyone))
    }

    /// The entity that was measured, if this is a sample.
    #[must_use]
    pub fn sampled(&self) -> Option<EntityIndex> {
        match (self.event.as_ref(), self.audience) {
            (Event::Sample(_), Audience::Entity(entity)) => Some(entity),
            _ => None,
        }
    }
}

impl Event {
    /// The event's name on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sample(sample) => sample.stream.event,
            Self::Fault(fault) if fault.details.phase == FaultPhase::Cleared => {
                names::FAULT_CLEARED
            }
            Self::Fault(_) => names::FAULT_DETECTED,
            Self::Anomaly(anomaly) if anomaly.details.phase == AnomalyPhase::Cleared => {
                names::ANOMALY_CLEARED
            }
            Self::Anomaly(_) => names::ANOMALY_DETECTED,
            Self::Notification(_) => names::NOTIFICATION,
            Self::Topology(_) => names::TOPOLOGY,
        }
    }

    /// When it happened.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        match self {
            Self::Sample(sample) => sample.timestamp,
            Self::Fault(fault) => fault.timestamp,
            Self::Anomaly(anomaly) => anomaly.timestamp,
            Self::Notification(notification) => notification.timestamp,
            Self::Topology(update) => update.timestamp,
        }
    }
}

/// What one tick gives rise to, in the order in which it is emitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The tick.
    pub tick: Tick,
    /// What became of the run at this tick, after these events.
    pub run: RunChange,
    /// The events.
    pub events: Vec<Outgoing>,
    /// How many samples of each entity there were since the last batch that nobody gets, and why.
    pub lost: Vec<Lost>,
    /// The commands that took effect at this tick, in order.
    pub commands: Vec<Effected>,
}

/// Samples of an entity that nobody gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// The entity.
    pub entity: EntityIndex,
    /// Why.
    pub reason: LossReason,
    /// How many.
    pub samples: u64,
}

/// Why a client does not get a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LossReason {
    /// The client did not keep up: a newer sample of the same entity has taken its place.
    Slow,
    /// A budget of the server was used up.
    Limit,
    /// The instance stood still, and the sample was more than 2 s old when it went on.
    Gap,
}

/// A command that took effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effected {
    /// Its place in the log.
    pub position: u64,
    /// Which of the batch's events it gave rise to.
    pub events: Range<usize>,
}

/// What becomes of the run at a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunChange {
    /// Nothing.
    None,
    /// A run has begun: samples of an earlier one are void.
    Began,
    /// The run has ended: its samples are void.
    Ended,
}

/// How a notification is to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum NotificationType {
    /// Worth knowing.
    Info,
    /// Worth a look.
    Warning,
    /// Needs action.
    Error,
    /// Done as asked.
    Success,
}

/// What a notification is about.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum NotificationData {
    /// The fault it announces.
    Fault(FaultDetails),
    /// The anomaly it announces.
    Anomaly(AnomalyDetails),
    /// What an operator has to add.
    #[schema(value_type = Object)]
    Other(serde_json::Value),
}

/// Payload of `notification`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Notification {
    /// How it is to be shown.
    #[serde(rename = "type")]
    pub notification_type: NotificationType,
    /// A short title.
    #[schema(example = "Simulation Started")]
    pub title: String,
    /// One sentence.
    #[schema(example = "All simulators are now running")]
    pub message: String,
    /// What it is about; absent if there is nothing to add.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<NotificationData>,
    /// When it was emitted.
    pub timestamp: Timestamp,
}

impl Notification {
    fn plain(kind: NotificationType, title: &str, message: &str, timestamp: Timestamp) -> Self {
        Self {
            notification_type: kind,
            title: title.into(),
            message: message.into(),
            data: None,
            timestamp,
        }
    }

    /// Announces that the simulation runs.
    #[must_use]
    pub fn simulation_started(timestamp: Timestamp) -> Self {
        Self::plain(
            NotificationType::Success,
            "Simulation Started",
            "All simulators are now running",
            timestamp,
        )
    }

    /// Announces that the simulation does not run any more.
    #[must_use]
    pub fn simulation_stopped(timestamp: Timestamp) -> Self {
        Self::plain(
            NotificationType::Info,
            "Simulation Stopped",
            "All simulators have been stopped",
            timestamp,
        )
    }

    /// Announces that the network has no solution any more.
    #[must_use]
    pub fn not_converged(timestamp: Timestamp) -> Self {
        Self::plain(
            NotificationType::Warning,
            "Power Flow Not Converged",
            "The power flow has no solution at present: samples of buses and converters are stale",
            timestamp,
        )
    }

    /// Announces a fault when it is raised or cleared; an escalation is not announced again.
    #[must_use]
    pub fn of_fault(fault: &Fault) -> Option<Self> {
        let location = &fault.details.location;
        let (notification_type, title, message) = match fault.details.phase {
            FaultPhase::Raised => (
                NotificationType::Error,
                "Fault Detected",
                format!("Fault detected at {location}"),
            ),
            FaultPhase::Escalated => return None,
            FaultPhase::Cleared => (
                NotificationType::Info,
                "Fault Cleared",
                format!("Fault cleared at {location}"),
            ),
        };
        Some(Self {
            notification_type,
            title: title.into(),
            message,
            data: Some(NotificationData::Fault(fault.details.clone())),
            timestamp: fault.timestamp,
        })
    }

    /// Announces an anomaly when it is raised or cleared.
    #[must_use]
    pub fn of_anomaly(anomaly: &Anomaly) -> Self {
        let source = &anomaly.details.source;
        let (notification_type, title, message) = match anomaly.details.phase {
            AnomalyPhase::Raised => (
                NotificationType::Warning,
                "Anomaly Detected",
                format!("Anomaly detected in {source}"),
            ),
            AnomalyPhase::Cleared => (
                NotificationType::Info,
                "Anomaly Cleared",
                format!("Anomaly cleared in {source}"),
            ),
        };
        Self {
            notification_type,
            title: title.into(),
            message,
            data: Some(NotificationData::Anomaly(anomaly.details.clone())),
            timestamp: anomaly.timestamp,
        }
    }
}
