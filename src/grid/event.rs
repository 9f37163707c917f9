//! Everything the server emits: one enum, with the name, the audience and the payload of each event.

use std::{ops::Range, sync::Arc};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    alert::{Anomaly, AnomalyDetails, AnomalyPhase, Fault, FaultDetails, FaultPhase},
    telemetry::Sample,
    time::{Tick, Timestamp},
    topology::TopologyUpdate,
};

/// An event as it goes over the wire; it serialises as its payload.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Event {
    /// What was measured at one entity.
    Sample(Sample),
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Everybody in the namespace.
    Everyone,
    /// Whoever is in one of these rooms, once.
    Rooms(Vec<String>),
}

impl Event {
    /// The event's name on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sample(Sample::Converter(_)) => "converter:state",
            Self::Sample(Sample::Bus(_)) => "bus:measurement",
            Self::Sample(Sample::Res(_)) => "res:generation",
            Self::Fault(fault) if fault.details.phase == FaultPhase::Cleared => "fault:cleared",
            Self::Fault(_) => "fault:detected",
            Self::Anomaly(anomaly) if anomaly.details.phase == AnomalyPhase::Cleared => {
                "anomaly:cleared"
            }
            Self::Anomaly(_) => "anomaly:detected",
            Self::Notification(_) => "notification",
            Self::Topology(_) => "network:topology:update",
        }
    }

    /// When it happened.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        match self {
            Self::Sample(Sample::Converter(sample)) => sample.timestamp,
            Self::Sample(Sample::Bus(sample)) => sample.timestamp,
            Self::Sample(Sample::Res(sample)) => sample.timestamp,
            Self::Fault(fault) => fault.timestamp,
            Self::Anomaly(anomaly) => anomaly.timestamp,
            Self::Notification(notification) => notification.timestamp,
            Self::Topology(update) => update.timestamp,
        }
    }

    /// Who gets it.
    #[must_use]
    pub fn audience(&self) -> Audience {
        match self {
            Self::Fault(fault) => Audience::Rooms(fault.details.subject.rooms()),
            Self::Anomaly(anomaly) => Audience::Rooms(anomaly.details.subject.rooms()),
            Self::Notification(_) | Self::Topology(_) => Audience::Everyone,
            Self::Sample(sample) => Audience::Rooms(
                sample
                    .kind()
                    .room(sample.entity().as_str())
                    .into_iter()
                    .collect(),
            ),
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
    pub events: Vec<Arc<Event>>,
    /// The commands that took effect at this tick, in order.
    pub commands: Vec<Effected>,
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
