//! Faults (a limit is exceeded) and anomalies (what no limit catches), as they go over the wire.

use std::{borrow::Cow, collections::HashMap};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, IgnoredAny},
    ser::SerializeMap,
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, RefOr, Schema, Type},
};

use super::{
    entity::{EntityId, EntityKind},
    stream::{STREAMS, id_key},
    time::Timestamp,
};

/// The entity that an alert is about, flat in the payload: `entityKind`, and its id under the name that
/// samples of its kind use (`busId`, `converterId`, `unitId`), or `branchId`.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// What it is.
    pub kind: EntityKind,
    /// Its id.
    pub id: EntityId,
    /// For a branch the ids of the buses that it connects (from, to), `busIds` on the wire: it is heard in
    /// the rooms of both.
    pub ends: Option<[EntityId; 2]>,
}

impl Subject {
    /// An entity that is no branch.
    #[must_use]
    pub fn of(kind: EntityKind, id: impl Into<EntityId>) -> Self {
        Self {
            kind,
            id: id.into(),
            ends: None,
        }
    }

    /// A branch between these buses.
    #[must_use]
    pub fn branch(id: impl Into<EntityId>, ends: [EntityId; 2]) -> Self {
        Self {
            kind: EntityKind::Branch,
            id: id.into(),
            ends: Some(ends),
        }
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("entityKind", &self.kind)?;
        map.serialize_entry(id_key(self.kind), &self.id)?;
        if let Some(ends) = &self.ends {
            map.serialize_entry("busIds", ends)?;
        }
        map.end()
    }
}

/// A value beside `entityKind` in the payload of an alert.
#[derive(Deserialize)]
#[serde(untagged)]
enum SubjectValue {
    Id(EntityId),
    Ends([EntityId; 2]),
    Other(IgnoredAny),
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Keys {
            #[serde(rename = "entityKind")]
            kind: EntityKind,
            #[serde(flatten)]
            others: HashMap<String, SubjectValue>,
        }
        let Keys { kind, mut others } = Keys::deserialize(deserializer)?;
        let key = id_key(kind);
        let Some(SubjectValue::Id(id)) = others.remove(key) else {
            return Err(D::Error::missing_field(key));
        };
        let ends = match others.remove("busIds") {
            Some(SubjectValue::Ends(ends)) => Some(ends),
            _ => None,
        };
        Ok(Self { kind, id, ends })
    }
}

impl PartialSchema for Subject {
    fn schema() -> RefOr<Schema> {
        let id = || {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some("The entity's id."))
        };
        let of = |kind: EntityKind| {
            let tag = ObjectBuilder::new()
                .schema_type(Type::String)
                .enum_values(Some([serde_json::json!(kind)]));
            let key = id_key(kind);
            let subject = ObjectBuilder::new()
                .property("entityKind", tag)
                .required("entityKind")
                .property(key, id())
                .required(key);
            if kind != EntityKind::Branch {
                return subject.build();
            }
            let ends = ArrayBuilder::new()
                .items(id())
                .min_items(Some(2))
                .max_items(Some(2))
                .description(Some("The ids of the buses it connects: from, to."));
            subject.property("busIds", ends).required("busIds").build()
        };
        let kinds = STREAMS.iter().map(|stream| stream.kind);
        let kinds = kinds.chain([EntityKind::Branch]);
        let one_of = kinds.fold(OneOfBuilder::new(), |one_of, kind| one_of.item(of(kind)));
        let about = "The entity: its kind, and its id under the name that samples of its kind use.";
        RefOr::T(one_of.description(Some(about)).build().into())
    }
}

impl ToSchema for Subject {
    fn name() -> Cow<'static, str> {
        "Subject".into()
    }
}

/// What kind of limit is exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FaultType {
    /// Bus voltage too low.
    Undervoltage,
    /// Bus voltage too high.
    Overvoltage,
    /// Frequency too far from nominal.
    FrequencyDeviation,
    /// Converter current too high.
    Overcurrent,
    /// DC-link voltage too high.
    DcLinkOvervoltage,
    /// DC-link voltage too low.
    DcLinkUndervoltage,
    /// Heat sink too hot.
    Overtemperature,
    /// Branch loaded beyond its rating.
    Overload,
}

/// How bad a fault is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// Beyond the operating range.
    Low,
    /// Beyond the first limit of the standard.
    Medium,
    /// Beyond the second.
    High,
    /// Equipment or load is about to be disconnected.
    Critical,
}

/// Where a fault is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FaultPhase {
    /// Beyond the limit for the first time.
    Raised,
    /// The severity rose.
    Escalated,
    /// Back inside the limit by more than the hysteresis.
    Cleared,
}

/// What there is to say of a fault, apart from when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FaultDetails {
    /// `<TYPE>-<entity id>-<step of onset>`, the same through all phases.
    #[schema(example = "UNDERVOLTAGE-BUS-004-1260")]
    pub id: String,
    /// What kind of limit is exceeded.
    #[serde(rename = "type")]
    pub fault_type: FaultType,
    /// How bad it is now; the last one when cleared.
    pub severity: Severity,
    /// Where the fault is in its life.
    pub phase: FaultPhase,
    /// The entity's id.
    pub location: EntityId,
    /// One sentence for a person; names the entity.
    pub message: String,
    /// The entity: `entityKind` and `busId`, `converterId`, or `branchId` with `busIds`.
    #[serde(flatten)]
    pub subject: Subject,
    /// `voltageMagnitude`, `frequency`, `current`, `voltage`, `temperature` or `loadingPercent`.
    #[schema(example = "voltageMagnitude")]
    pub quantity: String,
    /// The value at this moment: p.u., Hz of deviation, ratio to nominal, deg C or %.
    #[schema(example = 0.9332)]
    pub value: f64,
    /// The limit of the present severity in the same unit; that of LOW when cleared.
    #[schema(example = 0.95)]
    pub limit: f64,
    /// The worst value of the excursion in the same unit; absent until cleared, and where nobody saw how it
    /// ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 0.9128)]
    pub extreme: Option<f64>,
    /// The step of the run at which that was; absent likewise.
    #[serde(
        rename = "extremeStep",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(example = 1284)]
    pub extreme_step: Option<u64>,
}

/// Payload of `fault:detected` (raised, escalated) and `fault:cleared` (cleared).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// The fault, flat beside the timestamp.
    #[serde(flatten)]
    pub details: FaultDetails,
    /// The time of the tick.
    pub timestamp: Timestamp,
}

/// What an anomaly looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AnomalyType {
    /// One sample far off.
    Spike,
    /// A constant offset.
    LevelShift,
    /// An offset that grows.
    Drift,
    /// The same value again and again.
    Stuck,
    /// Much more noise than before.
    NoiseBurst,
    /// A periodic disturbance.
    Oscillation,
    /// No sample at all.
    Missing,
    /// Quantities contradict each other.
    Inconsistent,
    /// A unit that should generate does not.
    Trip,
    /// A unit generates less than it should.
    Derate,
}

/// Where an anomaly is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AnomalyPhase {
    /// Found.
    Raised,
    /// Gone.
    Cleared,
}

/// What there is to say of an anomaly, apart from when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AnomalyDetails {
    /// `<TYPE>-<entity id>-<field>-<step of onset>`, the same in both phases.
    #[schema(example = "SPIKE-BUS-004-activePower-1260")]
    pub id: String,
    /// What it looks like.
    #[serde(rename = "type")]
    pub anomaly_type: AnomalyType,
    /// The entity's id.
    pub source: EntityId,
    /// Where the anomaly is in its life.
    pub phase: AnomalyPhase,
    /// The field concerned, null for `MISSING`.
    #[schema(required, example = "activePower")]
    pub field: Option<String>,
    /// How sure the detector is, 0..1.
    #[schema(example = 0.93)]
    pub confidence: f64,
    /// One sentence for a person; names the entity.
    pub description: String,
    /// The ids of all entities concerned.
    pub affected_equipment: Vec<EntityId>,
    /// The entity: `entityKind` and `busId`, `converterId` or `unitId`.
    #[serde(flatten)]
    pub subject: Subject,
}

/// Payload of `anomaly:detected` (raised) and `anomaly:cleared` (cleared).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Anomaly {
    /// The anomaly, flat beside the timestamp.
    #[serde(flatten)]
    pub details: AnomalyDetails,
    /// The time of the sample's tick.
    pub timestamp: Timestamp,
}
