//! Entities: the things of the plant that have an id.

use std::{borrow::Borrow, collections::HashMap, fmt, ops::Range, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use super::quantity::Quantity;

/// The id of an entity, for instance `BUS-001`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, example = "BUS-001")]
pub struct EntityId(Arc<str>);

impl EntityId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for EntityId {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

impl From<String> for EntityId {
    fn from(id: String) -> Self {
        Self(id.into())
    }
}

impl Borrow<str> for EntityId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for EntityId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for EntityId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(String::deserialize(deserializer)?.into())
    }
}

/// What an entity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EntityKind {
    /// A node of the network.
    Bus,
    /// A power converter.
    Converter,
    /// A renewable energy source: a solar plant or a wind turbine.
    ResUnit,
    /// A line or a transformer; it has no stream of its own.
    Branch,
}

/// The type of an entity within its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EntityType {
    /// Bus that holds voltage and angle and balances the network.
    Slack,
    /// Bus whose generators hold the voltage.
    Pv,
    /// Bus with given active and reactive power.
    Pq,
    /// Two-level voltage source converter.
    TwoLevel,
    /// Three-level neutral point clamped converter.
    Npc,
    /// DC/DC step-down converter.
    Buck,
    /// Photovoltaic plant.
    Solar,
    /// Wind turbine.
    Wind,
    /// Overhead line or cable.
    Line,
    /// Transformer.
    Transformer,
}

impl EntityType {
    /// The type as it is written on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "SLACK",
            Self::Pv => "PV",
            Self::Pq => "PQ",
            Self::TwoLevel => "TWO_LEVEL",
            Self::Npc => "NPC",
            Self::Buck => "BUCK",
            Self::Solar => "SOLAR",
            Self::Wind => "WIND",
            Self::Line => "LINE",
            Self::Transformer => "TRANSFORMER",
        }
    }
}

/// The nameplate of an entity: what its kind has of these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Ratings {
    /// Base voltage of a bus in kV.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_kv: Option<f64>,
    /// Rated power of a converter in kW.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rated_power: Option<f64>,
    /// Capacity of a renewable unit in kW.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<f64>,
    /// Rating of a branch in MVA, 0 if unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_mva: Option<f64>,
}

/// One entity as the outside sees it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Entity {
    /// Its id; case matters.
    pub id: EntityId,
    /// What it is.
    pub kind: EntityKind,
    /// Its type within its kind.
    #[serde(rename = "type")]
    pub entity_type: EntityType,
    /// Its nameplate, flat beside the other keys: `baseKv`, `ratedPower`, `capacity` or `rateMva`.
    #[serde(flatten)]
    pub ratings: Ratings,
    /// What its samples measure.
    pub quantities: Vec<Quantity>,
    /// The Socket.IO room of its events, null for a branch.
    #[schema(required, example = "bus:BUS-001")]
    pub room: Option<String>,
    /// For a branch the bus it starts at, absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<EntityId>,
    /// For a branch the bus it ends at, absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<EntityId>,
}

/// Where an entity stands in its [`Catalogue`].
pub type EntityIndex = usize;

/// All entities of a plant, in the order of buses, converters, renewable units and branches.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    entities: Vec<Entity>,
    index: HashMap<EntityId, EntityIndex>,
    /// Where the entities of each kind stand.
    kinds: Vec<(EntityKind, Range<EntityIndex>)>,
}

impl Catalogue {
    /// A catalogue of `entities`, which keep their order. Those of one kind stand together.
    #[must_use]
    pub fn new(entities: Vec<Entity>) -> Self {
        let mut kinds: Vec<(EntityKind, Range<EntityIndex>)> = Vec::new();
        for (at, entity) in entities.iter().enumerate() {
            match kinds.last_mut() {
                Some((kind, range)) if *kind == entity.kind => range.end = at + 1,
                _ => kinds.push((entity.kind, at..at + 1)),
            }
        }
        let index = entities
            .iter()
            .enumerate()
            .map(|(at, entity)| (entity.id.clone(), at))
            .collect();
        Self {
            entities,
            index,
            kinds,
        }
    }

    /// All entities in order.
    #[must_use]
    pub fn all(&self) -> &[Entity] {
        &self.entities
    }

    /// The entity with this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Entity> {
        self.find(id).map(|at| &self.entities[at])
    }

    /// Where the entity with this id stands.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<EntityIndex> {
        self.index.get(id).copied()
    }

    /// Where the entities of one kind stand.
    #[must_use]
    pub fn range(&self, kind: EntityKind) -> Range<EntityIndex> {
        let mut kinds = self.kinds.iter();
        kinds
            .find(|(of, _)| *of == kind)
            .map_or(0..0, |(_, range)| range.clone())
    }

    /// Where the entity with this id stands among those of its kind; none if it is of another kind.
    #[must_use]
    pub fn place_in_kind(&self, kind: EntityKind, id: &str) -> Option<usize> {
        let range = self.range(kind);
        let at = self.find(id).filter(|at| range.contains(at))?;
        Some(at - range.start)
    }

    /// The entities of one kind, in order.
    pub fn of_kind(&self, kind: EntityKind) -> impl Iterator<Item = &Entity> + Clone {
        self.entities[self.range(kind)].iter()
    }

    /// How many entities have this type.
    #[must_use]
    pub fn count_type(&self, entity_type: EntityType) -> usize {
        self.entities
            .iter()
            .filter(|entity| entity.entity_type == entity_type)
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_as_they_serialise() {
        use EntityType::{Buck, Line, Npc, Pq, Pv, Slack, Solar, Transformer, TwoLevel, Wind};
        for entity_type in [
            Slack,
            Pv,
            Pq,
            TwoLevel,
            Npc,
            Buck,
            Solar,
            Wind,
            Line,
            Transformer,
        ] {
            let json = serde_json::to_string(&entity_type).unwrap();
            assert_eq!(json, format!("{:?}", entity_type.as_str()));
        }
    }
}
