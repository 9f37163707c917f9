//! The alerts of a run: which are active, which are over, and what is emitted of them.

use std::{collections::VecDeque, sync::Arc};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    detect::{
        AnomalyChange,
        fault::{self, Change},
    },
    grid::{
        alert::{
            Anomaly, AnomalyDetails, AnomalyPhase, Fault, FaultDetails, FaultPhase, FaultType,
            Subject,
        },
        event::Event,
        time::Timestamp,
    },
};

use super::wording::{anomaly_name, fault_name, message};

/// An instant of a run.
#[derive(Debug, Clone, Copy)]
pub struct Instant {
    /// The step of the plant.
    pub step: u64,
    /// The time of the tick.
    pub timestamp: Timestamp,
}

/// How many cleared faults are remembered.
const REMEMBERED: usize = 100;

/// The faults and anomalies that are active, each as it was emitted last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Alerts {
    /// Faults.
    pub faults: Vec<Fault>,
    /// Anomalies.
    pub anomalies: Vec<Anomaly>,
    /// The faults that were cleared last, for those who heard of them but not of their end.
    #[serde(skip)]
    pub cleared: VecDeque<Arc<Fault>>,
}

/// The alerts of a run, to go on elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Noted {
    active: Alerts,
    cleared: VecDeque<Arc<Fault>>,
}

impl Noted {
    /// What is active, and what was.
    pub(super) fn alerts(&self) -> Alerts {
        Alerts {
            cleared: self.cleared.clone(),
            ..self.active.clone()
        }
    }

    /// Notes what became of a fault, and adds the event to `found`.
    pub(super) fn fault(
        &mut self,
        fault_type: FaultType,
        subject: Subject,
        change: &Change,
        at: Instant,
        found: &mut Vec<Event>,
    ) {
        let location = subject.id.clone();
        let faults = &mut self.active.faults;
        let position = faults.iter().position(|fault| {
            fault.details.fault_type == fault_type && fault.details.location == location
        });
        let id = position.map_or_else(
            || format!("{}-{location}-{}", fault_name(fault_type), at.step),
            |position| faults[position].details.id.clone(),
        );
        let cleared = change.phase == FaultPhase::Cleared;
        let fault = Fault {
            details: FaultDetails {
                id,
                fault_type,
                severity: change.severity,
                phase: change.phase,
                message: message(fault_type, &location, change),
                location,
                subject,
                quantity: fault::quantity_of(fault_type).to_owned(),
                value: change.value,
                limit: change.limit,
                extreme: cleared.then_some(change.extreme.value),
                extreme_step: cleared.then_some(change.extreme.step),
            },
            timestamp: at.timestamp,
        };
        match (cleared, position) {
            (true, position) => {
                position.map(|position| faults.remove(position));
                if self.cleared.len() == REMEMBERED {
                    self.cleared.pop_front();
                }
                self.cleared.push_back(Arc::new(fault.clone()));
            }
            (false, Some(position)) => faults[position] = fault.clone(),
            (false, None) => faults.push(fault.clone()),
        }
        found.push(Event::Fault(fault));
    }

    /// Notes what became of an anomaly, and adds the event to `found`.
    pub(super) fn anomaly(
        &mut self,
        subject: Subject,
        change: &AnomalyChange,
        at: Instant,
        found: &mut Vec<Event>,
    ) {
        let id = subject.id.clone();
        let field = change.field_name();
        let name = format!(
            "{}-{id}{}-{}",
            anomaly_name(change.kind),
            field.map(|field| format!("-{field}")).unwrap_or_default(),
            change.onset_step
        );
        let anomaly = Anomaly {
            details: AnomalyDetails {
                id: name,
                anomaly_type: change.kind,
                source: id.clone(),
                phase: change.phase,
                field: field.map(str::to_owned),
                confidence: change.confidence,
                description: format!("{id}: {}", change.description),
                affected_equipment: vec![id],
                subject,
            },
            timestamp: at.timestamp,
        };
        let active = &mut self.active.anomalies;
        let known = active
            .iter()
            .position(|other| other.details.id == anomaly.details.id);
        match (change.phase, known) {
            (AnomalyPhase::Raised, Some(_)) | (AnomalyPhase::Cleared, None) => return,
            (AnomalyPhase::Raised, None) => active.push(anomaly.clone()),
            (AnomalyPhase::Cleared, Some(position)) => {
                active.remove(position);
            }
        }
        found.push(Event::Anomaly(anomaly));
    }
}
