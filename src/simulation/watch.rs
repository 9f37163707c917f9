//! Watches what is published: limits and detectors see samples and flows, and nothing else.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    detect::{
        AnomalyChange, Detectors, DetectorsState, EntityModel, Row, StreamKind,
        fault::{self, Change, FaultLimits, Monitor},
    },
    grid::{
        alert::{
            Anomaly, AnomalyDetails, AnomalyPhase, AnomalyType, Fault, FaultDetails, FaultPhase,
            FaultType, Subject,
        },
        entity::{EntityId, EntityKind},
        event::Event,
        time::Timestamp,
        topology::{NetworkState, Topology},
    },
    plant::PlantSpec,
};

/// The faults and anomalies that are active, each as it was emitted last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Alerts {
    /// Faults.
    pub faults: Vec<Fault>,
    /// Anomalies.
    pub anomalies: Vec<Anomaly>,
}

/// What a watch has seen; with the plant's spec it is all that is needed to go on elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WatchState {
    detectors: DetectorsState,
    /// By entity of the models, then by branch.
    monitors: Vec<Vec<Monitor>>,
    overloads: Vec<Monitor>,
    alerts: Alerts,
}

/// Watches the samples and flows of one run.
#[derive(Debug, Clone)]
pub struct Watch {
    known: Arc<Known>,
    detectors: Arc<Detectors>,
    state: WatchState,
}

/// What is known of the entities.
#[derive(Debug)]
struct Known {
    models: Vec<EntityModel>,
    limits: FaultLimits,
    base_mva: f64,
    branches: Vec<(EntityId, [EntityId; 2])>,
}

/// An instant of a run.
#[derive(Debug, Clone, Copy)]
pub struct Instant {
    /// The step of the plant.
    pub step: u64,
    /// Simulated seconds since the samples of the same kind before.
    pub dt_s: f64,
    /// The time of the tick.
    pub timestamp: Timestamp,
}

impl Watch {
    /// A watch that has seen nothing.
    #[must_use]
    pub fn new(spec: &PlantSpec) -> Self {
        let models = spec.models();
        let mut detectors = Detectors::new(&models, spec.noise());
        detectors.set_network(spec.topology(), spec.base_mva());
        let monitors = |model: &EntityModel| {
            let types = fault::types_of(&model.nominal).iter();
            types.map(|fault_type| Monitor::new(*fault_type)).collect()
        };
        let topology = spec.topology();
        let branch = |at: usize| {
            let branch = &topology.branches[at];
            (branch.id.clone(), [branch.from.clone(), branch.to.clone()])
        };
        let branches: Vec<_> = (0..topology.branches.len()).map(branch).collect();
        Self {
            state: WatchState {
                detectors: detectors.state(),
                monitors: models.iter().map(monitors).collect(),
                overloads: vec![Monitor::new(FaultType::Overload); branches.len()],
                alerts: Alerts::default(),
            },
            detectors: Arc::new(detectors),
            known: Arc::new(Known {
                models,
                limits: FaultLimits::default(),
                base_mva: spec.base_mva(),
                branches,
            }),
        }
    }

    /// A watch that goes on where `state` was taken, over the network as it was then.
    #[must_use]
    pub fn resume(spec: &PlantSpec, topology: &Topology, state: WatchState) -> Self {
        let mut watch = Self::new(spec);
        watch.set_network(topology);
        watch.state = state;
        watch
    }

    /// What it has seen.
    #[must_use]
    pub fn state(&self) -> &WatchState {
        &self.state
    }

    /// What is active.
    #[must_use]
    pub fn alerts(&self) -> Arc<Alerts> {
        Arc::new(self.state.alerts.clone())
    }

    /// Takes the network as it is from now on.
    pub fn set_network(&mut self, topology: &Topology) {
        let base_mva = self.known.base_mva;
        Arc::make_mut(&mut self.detectors).set_network(topology, base_mva);
    }

    /// Looks at all samples of one kind at one instant: at those that were `published`, of the
    /// entities that were `sampled`. What it finds is added to `found`.
    pub fn observe(
        &mut self,
        kind: EntityKind,
        sampled: &[EntityId],
        published: &[Arc<Event>],
        at: Instant,
        found: &mut Vec<Event>,
    ) {
        let Some(stream) = stream_of(kind) else {
            return;
        };
        let known = self.known.clone();
        let first = known
            .models
            .partition_point(|model| rank(model.kind()) < rank(stream));
        let models = known.models[first..]
            .iter()
            .take_while(|model| model.kind() == stream);
        let mut rows = Vec::new();
        let mut samples = published.iter().filter_map(|event| match event.as_ref() {
            Event::Sample(sample) => Some(sample),
            _ => None,
        });
        let mut next = samples.next();
        for (offset, model) in models.enumerate() {
            let row = next
                .filter(|sample| *sample.entity() == model.id)
                .map(Row::from);
            if let Some(row) = &row {
                next = samples.next();
                for monitor in &mut self.state.monitors[first + offset] {
                    let value = fault::value_of(monitor.fault_type(), model, row);
                    if let Some(change) = monitor.observe(&known.limits, value) {
                        let fault_type = monitor.fault_type();
                        let subject = subject(kind, &model.id);
                        note_fault(
                            &mut self.state.alerts,
                            fault_type,
                            subject,
                            change,
                            at,
                            found,
                        );
                    }
                }
            }
            rows.push(row);
        }
        let changes =
            self.detectors
                .observe(&mut self.state.detectors, stream, at.step, at.dt_s, &rows);
        for change in changes {
            let id = &known.models[first + change.entity].id;
            if change.kind == AnomalyType::Missing && !sampled.contains(id) {
                continue;
            }
            self.note_anomaly(kind, id, &change, at, found);
        }
    }

    /// Looks at the loading of the branches.
    pub fn observe_flows(&mut self, network: &NetworkState, at: Instant, found: &mut Vec<Event>) {
        let known = self.known.clone();
        let branches = known.branches.iter().zip(&network.flows);
        for (monitor, ((id, ends), flow)) in self.state.overloads.iter_mut().zip(branches) {
            let Some(loading) = flow.loading_percent else {
                continue;
            };
            if let Some(change) = monitor.observe(&known.limits, loading) {
                let subject = Subject::Branch {
                    branch_id: id.clone(),
                    bus_ids: ends.clone(),
                };
                let alerts = &mut self.state.alerts;
                note_fault(alerts, FaultType::Overload, subject, change, at, found);
            }
        }
    }

    fn note_anomaly(
        &mut self,
        kind: EntityKind,
        id: &EntityId,
        change: &AnomalyChange,
        at: Instant,
        found: &mut Vec<Event>,
    ) {
        let field = change.field_name();
        let name = format!(
            "{}-{id}{}-{}",
            name_of(change.kind),
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
                affected_equipment: vec![id.clone()],
                subject: subject(kind, id),
            },
            timestamp: at.timestamp,
        };
        let active = &mut self.state.alerts.anomalies;
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

fn note_fault(
    alerts: &mut Alerts,
    fault_type: FaultType,
    subject: Subject,
    change: Change,
    at: Instant,
    found: &mut Vec<Event>,
) {
    let location = subject.id().clone();
    let position = alerts.faults.iter().position(|fault| {
        fault.details.fault_type == fault_type && fault.details.location == location
    });
    let id = position.map_or_else(
        || format!("{}-{location}-{}", upper_name(fault_type), at.step),
        |position| alerts.faults[position].details.id.clone(),
    );
    let fault = Fault {
        details: FaultDetails {
            id,
            fault_type,
            severity: change.severity,
            phase: change.phase,
            message: message(fault_type, &location, &change),
            location,
            subject,
            quantity: fault::quantity_of(fault_type).to_owned(),
            value: change.value,
            limit: change.limit,
        },
        timestamp: at.timestamp,
    };
    match (change.phase, position) {
        (FaultPhase::Cleared, Some(position)) => {
            alerts.faults.remove(position);
        }
        (FaultPhase::Cleared, None) => {}
        (_, Some(position)) => alerts.faults[position] = fault.clone(),
        (_, None) => alerts.faults.push(fault.clone()),
    }
    found.push(Event::Fault(fault));
}

/// The end of a fault that nobody saw end.
pub(super) fn ended(fault: &Fault, timestamp: Timestamp) -> Fault {
    let (what, ..) = words(fault.details.fault_type);
    let mut ended = fault.clone();
    ended.details.phase = FaultPhase::Cleared;
    ended.details.message = format!("{what} at {} is over", fault.details.location);
    ended.timestamp = timestamp;
    ended
}

/// One sentence that names the entity, the value and the limit.
fn message(fault_type: FaultType, location: &EntityId, change: &Change) -> String {
    let (what, unit, decimals) = words(fault_type);
    let Change { value, limit, .. } = *change;
    if change.phase == FaultPhase::Cleared {
        return format!("{what} at {location} is over: {value:.decimals$}{unit}");
    }
    let side = if value < limit { "below" } else { "above" };
    format!("{what} at {location}: {value:.decimals$}{unit} is {side} {limit}{unit}")
}

/// What a fault is called, its unit, and how many decimals are worth showing.
fn words(fault_type: FaultType) -> (&'static str, &'static str, usize) {
    match fault_type {
        FaultType::Undervoltage => ("Undervoltage", " p.u.", 4),
        FaultType::Overvoltage => ("Overvoltage", " p.u.", 4),
        FaultType::FrequencyDeviation => ("Frequency deviation", " Hz", 3),
        FaultType::Overcurrent => ("Overcurrent", " of rated", 3),
        FaultType::DcLinkOvervoltage => ("DC-link overvoltage", " of nominal", 3),
        FaultType::DcLinkUndervoltage => ("DC-link undervoltage", " of nominal", 3),
        FaultType::Overtemperature => ("Overtemperature", " deg C", 1),
        FaultType::Overload => ("Overload", " %", 1),
    }
}

fn upper_name(fault_type: FaultType) -> &'static str {
    match fault_type {
        FaultType::Undervoltage => "UNDERVOLTAGE",
        FaultType::Overvoltage => "OVERVOLTAGE",
        FaultType::FrequencyDeviation => "FREQUENCY_DEVIATION",
        FaultType::Overcurrent => "OVERCURRENT",
        FaultType::DcLinkOvervoltage => "DC_LINK_OVERVOLTAGE",
        FaultType::DcLinkUndervoltage => "DC_LINK_UNDERVOLTAGE",
        FaultType::Overtemperature => "OVERTEMPERATURE",
        FaultType::Overload => "OVERLOAD",
    }
}

fn name_of(anomaly_type: AnomalyType) -> &'static str {
    match anomaly_type {
        AnomalyType::Spike => "SPIKE",
        AnomalyType::LevelShift => "LEVEL_SHIFT",
        AnomalyType::Drift => "DRIFT",
        AnomalyType::Stuck => "STUCK",
        AnomalyType::NoiseBurst => "NOISE_BURST",
        AnomalyType::Oscillation => "OSCILLATION",
        AnomalyType::Missing => "MISSING",
        AnomalyType::Inconsistent => "INCONSISTENT",
        AnomalyType::Trip => "TRIP",
        AnomalyType::Derate => "DERATE",
    }
}

fn subject(kind: EntityKind, id: &EntityId) -> Subject {
    let id = id.clone();
    match kind {
        EntityKind::Converter => Subject::Converter { converter_id: id },
        EntityKind::ResUnit => Subject::ResUnit { unit_id: id },
        // Branches have no samples.
        EntityKind::Bus | EntityKind::Branch => Subject::Bus { bus_id: id },
    }
}

fn stream_of(kind: EntityKind) -> Option<StreamKind> {
    match kind {
        EntityKind::Bus => Some(StreamKind::Bus),
        EntityKind::Converter => Some(StreamKind::Converter),
        EntityKind::ResUnit => Some(StreamKind::Res),
        EntityKind::Branch => None,
    }
}

/// The order in which the models of a plant stand.
fn rank(stream: StreamKind) -> u8 {
    match stream {
        StreamKind::Bus => 0,
        StreamKind::Converter => 1,
        StreamKind::Res => 2,
    }
}
