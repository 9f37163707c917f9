//! What clients have been told of the network and of faults and anomalies. After a gap, what has
//! changed meanwhile is made up for: they would take the last they heard for the present for ever.

use std::{collections::BTreeMap, sync::Arc};

use crate::grid::{
    alert::{Anomaly, AnomalyPhase, Fault, FaultPhase},
    entity::Catalogue,
    event::{Event, Outgoing, RunChange},
    time::Timestamp,
    topology::{Topology, TopologyUpdate},
};

use super::{alerts::Alerts, wording};

/// What was told last.
#[derive(Debug)]
pub(super) struct Told {
    topology: Arc<Topology>,
    faults: BTreeMap<String, Fault>,
    anomalies: BTreeMap<String, Anomaly>,
}

impl Told {
    /// Nothing but this network.
    pub(super) fn new(topology: Arc<Topology>) -> Self {
        Self {
            topology,
            faults: BTreeMap::new(),
            anomalies: BTreeMap::new(),
        }
    }

    /// Takes all this for told.
    pub(super) fn adopt(&mut self, topology: &Arc<Topology>, alerts: &Alerts) {
        *self = Self::new(topology.clone());
        for fault in &alerts.faults {
            self.faults.insert(fault.details.id.clone(), fault.clone());
        }
        for anomaly in &alerts.anomalies {
            let id = anomaly.details.id.clone();
            self.anomalies.insert(id, anomaly.clone());
        }
    }

    /// Notes what these events tell, and what becomes of the run after them.
    pub(super) fn note<'a>(&mut self, events: impl Iterator<Item = &'a Event>, run: RunChange) {
        for event in events {
            match event {
                Event::Topology(update) => self.topology = update.topology.clone(),
                Event::Fault(fault) => {
                    let id = fault.details.id.clone();
                    if fault.details.phase == FaultPhase::Cleared {
                        self.faults.remove(&id);
                    } else {
                        self.faults.insert(id, fault.clone());
                    }
                }
                Event::Anomaly(anomaly) => {
                    let id = anomaly.details.id.clone();
                    if anomaly.details.phase == AnomalyPhase::Cleared {
                        self.anomalies.remove(&id);
                    } else {
                        self.anomalies.insert(id, anomaly.clone());
                    }
                }
                Event::Sample(_) | Event::Notification(_) => {}
            }
        }
        if run != RunChange::None {
            // They end with the run, without events.
            self.faults.clear();
            self.anomalies.clear();
        }
    }

    /// What is still to be told so that clients know this network and these alerts of a plant.
    pub(super) fn missing(
        &self,
        topology: &Arc<Topology>,
        alerts: &Alerts,
        catalogue: &Catalogue,
        now: Timestamp,
    ) -> Vec<Outgoing> {
        let mut events = Vec::new();
        if *self.topology != **topology {
            events.push(Outgoing::to_everyone(Event::Topology(TopologyUpdate {
                topology: topology.clone(),
                timestamp: now,
            })));
        }
        let active = |id: &String| alerts.faults.iter().any(|fault| fault.details.id == *id);
        for (_, fault) in self.faults.iter().filter(|(id, _)| !active(id)) {
            let cleared = alerts
                .cleared
                .iter()
                .find(|one| one.details.id == fault.details.id);
            let ended = cleared.map_or_else(
                || wording::ended(fault, now),
                |cleared| Fault {
                    timestamp: now,
                    ..cleared.as_ref().clone()
                },
            );
            events.extend(Outgoing::announced(Event::Fault(ended), catalogue));
        }
        for fault in &alerts.faults {
            let mut fault = fault.clone();
            match self.faults.get(&fault.details.id) {
                Some(told) if told.details.severity == fault.details.severity => continue,
                Some(_) => {}
                None => fault.details.phase = FaultPhase::Raised,
            }
            events.extend(Outgoing::announced(Event::Fault(fault), catalogue));
        }
        let active = |id: &String| alerts.anomalies.iter().any(|one| one.details.id == *id);
        for (_, anomaly) in self.anomalies.iter().filter(|(id, _)| !active(id)) {
            let mut anomaly = anomaly.clone();
            anomaly.details.phase = AnomalyPhase::Cleared;
            anomaly.timestamp = now;
            events.extend(Outgoing::announced(Event::Anomaly(anomaly), catalogue));
        }
        for anomaly in &alerts.anomalies {
            if !self.anomalies.contains_key(&anomaly.details.id) {
                events.extend(Outgoing::announced(
                    Event::Anomaly(anomaly.clone()),
                    catalogue,
                ));
            }
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{
        alert::{FaultDetails, FaultType, Severity, Subject},
        entity::EntityKind,
    };

    fn fault(phase: FaultPhase) -> Fault {
        Fault {
            details: FaultDetails {
                id: "UNDERVOLTAGE-BUS-004-7".into(),
                fault_type: FaultType::Undervoltage,
                severity: Severity::High,
                phase,
                location: "BUS-004".into(),
                message: String::new(),
                subject: Subject::of(EntityKind::Bus, "BUS-004"),
                quantity: "voltageMagnitude".into(),
                value: 0.8,
                limit: 0.9,
                extreme: (phase == FaultPhase::Cleared).then_some(0.78),
                extreme_step: (phase == FaultPhase::Cleared).then_some(9),
            },
            timestamp: Timestamp::from_unix_ms(500),
        }
    }

    /// Who missed the end of a fault in a gap hears of it as it was, at the time of the telling.
    #[test]
    fn a_fault_that_ended_in_a_gap_is_told_with_its_worst_value() {
        let topology = Arc::new(Topology {
            buses: Vec::new(),
            branches: Vec::new(),
        });
        let mut told = Told::new(topology.clone());
        let raised = Event::Fault(fault(FaultPhase::Raised));
        told.note(std::iter::once(&raised), RunChange::None);
        let now = Timestamp::from_unix_ms(9_000);
        let cleared = |alerts: &Alerts| {
            let catalogue = Catalogue::new(Vec::new());
            let events = told.missing(&topology, alerts, &catalogue, now);
            let Event::Fault(fault) = events[0].event.as_ref() else {
                panic!("{events:?}");
            };
            assert_eq!(
                (fault.details.phase, fault.timestamp),
                (FaultPhase::Cleared, now)
            );
            (fault.details.extreme, fault.details.extreme_step)
        };
        let alerts = Alerts {
            cleared: [Arc::new(fault(FaultPhase::Cleared))].into(),
            ..Alerts::default()
        };
        assert_eq!(cleared(&alerts), (Some(0.78), Some(9)));
        // So long ago that nobody remembers.
        assert_eq!(cleared(&Alerts::default()), (None, None));
    }
}
