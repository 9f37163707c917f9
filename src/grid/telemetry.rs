//! Samples: what is measured at one entity at one instant, and how it goes over the wire.

use std::borrow::Cow;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        KnownFormat, Object, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, SchemaFormat, Type,
    },
};

use super::{
    entity::{EntityId, EntityKind, EntityType},
    stream::{Constant, Field, STREAMS, Stream, stream_of},
    time::Timestamp,
};

/// The most fields that a sample has.
pub const FIELDS_MAX: usize = 9;

/// The numbers of a sample in the order of [`Stream::fields`]; NaN where a field is absent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// The values.
    pub values: [f64; FIELDS_MAX],
}

impl Row {
    /// A row without any value.
    pub const EMPTY: Self = Self {
        values: [f64::NAN; FIELDS_MAX],
    };

    /// A row of these values, those of the first fields.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let mut row = Self::EMPTY;
        for (place, value) in row.values.iter_mut().zip(values) {
            *place = *value;
        }
        row
    }

    /// The value of a field; NaN where the sample has none.
    #[must_use]
    pub fn get(&self, field: usize) -> f64 {
        self.values.get(field).copied().unwrap_or(f64::NAN)
    }
}

/// As a list of numbers, null for what is absent, without what is absent at its end.
impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let last = self.values.iter().rposition(|value| !value.is_nan());
        let present = &self.values[..last.map_or(0, |last| last + 1)];
        let mut list = serializer.serialize_seq(Some(present.len()))?;
        for value in present {
            list.serialize_element(&Some(value).filter(|value| !value.is_nan()))?;
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = Vec::<Option<f64>>::deserialize(deserializer)?;
        let values: Vec<_> = values
            .into_iter()
            .map(|value| value.unwrap_or(f64::NAN))
            .collect();
        Ok(Self::of(&values))
    }
}

/// What is measured at one entity at one instant. [`Self::payload`] is what goes over the wire.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sample {
    /// The entity.
    pub entity: EntityId,
    /// The stream that it belongs to; written as its kind.
    #[serde(with = "by_kind")]
    pub stream: &'static Stream,
    /// Its type within its kind.
    pub entity_type: EntityType,
    /// The capacity of a renewable unit in kW, 0 for all others.
    pub capacity_kw: f64,
    /// What is measured.
    pub row: Row,
    /// Whether the network's last solution is older than this sample.
    pub stale: bool,
    /// The time of the sample's tick.
    pub timestamp: Timestamp,
}

mod by_kind {
    use super::{Deserialize, Deserializer, EntityKind, Serialize, Serializer, Stream, stream_of};

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde asks for a reference"
    )]
    pub(super) fn serialize<S: Serializer>(
        stream: &&'static Stream,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        stream.kind.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<&'static Stream, D::Error> {
        let kind = EntityKind::deserialize(deserializer)?;
        stream_of(kind).ok_or_else(|| serde::de::Error::custom("this kind has no stream"))
    }
}

/// Equal to the bit, so that a field that is absent in both is equal.
impl PartialEq for Sample {
    fn eq(&self, other: &Self) -> bool {
        let bits = |row: &Row| row.values.map(f64::to_bits);
        bits(&self.row) == bits(&other.row)
            && self.entity == other.entity
            && self.stream == other.stream
            && self.entity_type == other.entity_type
            && self.capacity_kw.to_bits() == other.capacity_kw.to_bits()
            && self.stale == other.stale
            && self.timestamp == other.timestamp
    }
}

impl Sample {
    /// The measured value under `name` on the wire; none where the sample has no such field.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<f64> {
        self.place_of(name).map(|place| self.row.get(place))
    }

    /// Puts `value` in the place of what was measured at a place of the row, and what follows from it.
    pub fn set(&mut self, place: usize, value: f64) {
        if let Some(slot) = self.row.values.get_mut(place) {
            *slot = value;
        }
        let field = self.stream.fields.get(place);
        if let Some(share) = field.and_then(|field| field.share) {
            self.row.values[share] = value / self.capacity_kw;
        }
    }

    /// Where the value under `name` on the wire stands in the row; none where the sample has no such field.
    #[must_use]
    pub fn place_of(&self, name: &str) -> Option<usize> {
        let place = self.stream.place_of(name)?;
        let field = &self.stream.fields[place];
        field.belongs_to(self.entity_type).then_some(place)
    }

    /// The sample as it goes out at `now`.
    #[must_use]
    pub fn stamped(mut self, now: Timestamp) -> Self {
        self.timestamp = now;
        self
    }

    /// The sample as it goes over the wire.
    #[must_use]
    pub fn payload(&self) -> Payload<'_> {
        Payload(self)
    }
}

/// Writes a sample as its payload.
pub(super) fn as_payload<S: Serializer>(sample: &Sample, serializer: S) -> Result<S::Ok, S::Error> {
    sample.payload().serialize(serializer)
}

/// A sample in the shape that its stream gives it on the wire.
#[derive(Debug, Clone, Copy)]
pub struct Payload<'a>(&'a Sample);

/// The object within a payload that holds the fields.
struct Inner<'a>(&'a Sample);

impl Serialize for Payload<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sample = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(sample.stream.id_key, &sample.entity)?;
        match &sample.stream.nested {
            Some(nested) => map.serialize_entry(nested.key, &Inner(sample))?,
            None => write_fields(&mut map, sample)?,
        }
        if sample.stale {
            map.serialize_entry("stale", &true)?;
        }
        map.serialize_entry("timestamp", &sample.timestamp)?;
        map.end()
    }
}

impl Serialize for Inner<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(self.0.stream.id_key, &self.0.entity)?;
        write_fields(&mut map, self.0)?;
        map.end()
    }
}

fn write_fields<M: SerializeMap>(map: &mut M, sample: &Sample) -> Result<(), M::Error> {
    for (field, value) in sample.stream.fields.iter().zip(&sample.row.values) {
        if !field.belongs_to(sample.entity_type) {
            continue;
        }
        map.serialize_entry(field.name, value)?;
        for constant in field.then {
            match constant {
                Constant::Type => map.serialize_entry("type", &sample.entity_type)?,
                Constant::Capacity => map.serialize_entry("capacity", &sample.capacity_kw)?,
            }
        }
    }
    Ok(())
}

impl PartialSchema for Sample {
    fn schema() -> RefOr<Schema> {
        let one_of = STREAMS.iter().fold(OneOfBuilder::new(), |one_of, stream| {
            one_of.item(Ref::from_schema_name(stream.payload))
        });
        RefOr::T(one_of.build().into())
    }
}

impl ToSchema for Sample {
    fn name() -> Cow<'static, str> {
        "Sample".into()
    }

    /// The payloads of all streams, and the objects within them.
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        for stream in STREAMS {
            let id = text("The entity's id.");
            let payload = ObjectBuilder::new()
                .description(Some(stream.description))
                .property(stream.id_key, id.clone())
                .required(stream.id_key);
            let payload = match &stream.nested {
                None => with_fields(payload, stream),
                Some(nested) => {
                    let inner = ObjectBuilder::new()
                        .description(Some(stream.description))
                        .property(stream.id_key, id)
                        .required(stream.id_key);
                    let inner = with_fields(inner, stream).build();
                    schemas.push((nested.name.into(), inner.into()));
                    payload
                        .property(nested.key, Ref::from_schema_name(nested.name))
                        .required(nested.key)
                }
            };
            let stale = ObjectBuilder::new().schema_type(Type::Boolean).description(Some(
                "True where the network's last solution is older than this sample; absent otherwise.",
            ));
            let payload = payload
                .property("stale", stale)
                .property("timestamp", Timestamp::schema())
                .required("timestamp")
                .build();
            schemas.push((stream.payload.into(), payload.into()));
        }
        schemas.push((
            <EntityType as ToSchema>::name().into(),
            EntityType::schema(),
        ));
    }
}

fn text(description: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .build()
}

fn with_fields(mut object: ObjectBuilder, stream: &Stream) -> ObjectBuilder {
    for field in stream.fields {
        object = object.property(field.name, number(field));
        if field.only.is_none() {
            object = object.required(field.name);
        }
        for constant in field.then {
            object = match constant {
                Constant::Type => object
                    .property(
                        "type",
                        Ref::from_schema_name(<EntityType as ToSchema>::name()),
                    )
                    .required("type"),
                Constant::Capacity => object
                    .property("capacity", described("Capacity in kW.", 100.0))
                    .required("capacity"),
            };
        }
    }
    object
}

fn number(field: &Field) -> Object {
    let only = field
        .only
        .map(|only| format!(" Only of type {}.", only.as_str()));
    let text = format!(
        "{} In {}.{}",
        field.general_description(),
        field.unit,
        only.unwrap_or_default()
    );
    described(&text, field.example)
}

fn described(text: &str, example: f64) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Number)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Double)))
        .description(Some(text))
        .examples([serde_json::json!(example)])
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::stream::{BUS, RES_UNIT};

    fn turbine() -> Sample {
        Sample {
            entity: "WIND-001".into(),
            stream: &RES_UNIT,
            entity_type: EntityType::Wind,
            capacity_kw: 150.0,
            row: Row::of(&[60.0, 0.4, f64::NAN, 8.0, 11.5]),
            stale: false,
            timestamp: Timestamp::from_unix_ms(1_700),
        }
    }

    #[test]
    fn a_flat_payload_holds_what_its_type_has() {
        assert_eq!(
            serde_json::to_string(&turbine().payload()).unwrap(),
            r#"{"unitId":"WIND-001","generation":60.0,"type":"WIND","capacity":150.0,"utilizationFactor":0.4,"windSpeed":8.0,"temperature":11.5,"timestamp":"1970-01-01T00:00:01.700Z"}"#
        );
    }

    #[test]
    fn a_nested_payload_repeats_the_id() {
        let bus = Sample {
            entity: "BUS-001".into(),
            stream: &BUS,
            entity_type: EntityType::Slack,
            capacity_kw: 0.0,
            row: Row::of(&[1.0, 0.0, 50.0, 9.0, -2.0]),
            stale: true,
            timestamp: Timestamp::from_unix_ms(0),
        };
        assert_eq!(
            serde_json::to_string(&bus.payload()).unwrap(),
            r#"{"busId":"BUS-001","measurement":{"busId":"BUS-001","voltageMagnitude":1.0,"voltageAngle":0.0,"frequency":50.0,"activePower":9.0,"reactivePower":-2.0},"stale":true,"timestamp":"1970-01-01T00:00:00.000Z"}"#
        );
    }

    #[test]
    fn a_factor_follows_the_generation_that_is_set() {
        let mut sample = turbine();
        let place = sample.place_of("generation").unwrap();
        sample.set(place, 90.0);
        assert_eq!(sample.value("utilizationFactor"), Some(0.6));
        assert_eq!(sample.value("irradiance"), None);
    }

    #[test]
    fn a_sample_is_kept_to_the_bit() {
        for text in [false, true] {
            let sample = turbine();
            let again: Sample = if text {
                serde_json::from_str(&serde_json::to_string(&sample).unwrap()).unwrap()
            } else {
                rmp_serde::from_slice(&rmp_serde::to_vec_named(&sample).unwrap()).unwrap()
            };
            assert_eq!(again, sample);
        }
    }
}
