//! Streams: the table of all that is sampled. Each kind of entity with a stream stands in it once: how
//! clients ask for it, how often it is sampled, and what every field of its samples is.

use std::ops::RangeInclusive;

use super::{
    entity::{Entity, EntityId, EntityKind, EntityType, Ratings},
    quantity::Quantity,
    time::STEP_MS,
};

/// The stream of one kind of entity.
#[derive(Debug)]
pub struct Stream {
    /// The kind.
    pub kind: EntityKind,
    /// What an entity of the kind is called.
    pub noun: &'static str,
    /// The id and the type of an entity of the kind, as they may occur.
    pub example: (&'static str, EntityType),
    /// The request that joins the rooms of entities.
    pub subscribe: &'static str,
    /// The request that leaves them.
    pub unsubscribe: &'static str,
    /// What stands before the id in the name of an entity's room.
    pub room: &'static str,
    /// The key of the entity's id in samples and alerts.
    pub id_key: &'static str,
    /// The event that carries a sample.
    pub event: &'static str,
    /// Steps of the plant between two samples, and ticks between two that go out. At speed 1 a step is a
    /// tick.
    pub period: u64,
    /// The name of the payload in the documents.
    pub payload: &'static str,
    /// What the documents say of it.
    pub description: &'static str,
    /// The object that holds the fields; none where they stand beside the id.
    pub nested: Option<Nested>,
    /// The field that a sensor fault concerns where none is named.
    pub main_field: &'static str,
    /// What is measured, in the order of a [`Row`](super::telemetry::Row) and of the payload.
    pub fields: &'static [Field],
}

/// The object in a payload that holds the fields.
#[derive(Debug)]
pub struct Nested {
    /// Its key.
    pub key: &'static str,
    /// Its name in the documents.
    pub name: &'static str,
}

/// What is measured: one number of a sample.
#[derive(Debug)]
pub struct Field {
    /// Its name on the wire.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// A value as it may occur.
    pub example: f64,
    /// The normal range; none where it follows from the nameplate of the entity.
    pub normal: Option<(f64, f64)>,
    /// The only type of entity that has it; none for all.
    pub only: Option<EntityType>,
    /// The place of the field that holds this one over the entity's capacity: it follows this one.
    pub share: Option<usize>,
    /// What stands behind it in the payload and is not measured.
    pub then: &'static [Constant],
    description: &'static str,
    /// What it is at entities of other types.
    otherwise: &'static [(EntityType, &'static str)],
}

/// What a payload holds of the nameplate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constant {
    /// `type`, the type of the entity.
    Type,
    /// `capacity`, in kW.
    Capacity,
}

impl Field {
    const fn new(
        name: &'static str,
        unit: &'static str,
        description: &'static str,
        example: f64,
    ) -> Self {
        Self {
            name,
            unit,
            description,
            example,
            normal: None,
            only: None,
            share: None,
            then: &[],
            otherwise: &[],
        }
    }

    const fn within(mut self, min: f64, max: f64) -> Self {
        self.normal = Some((min, max));
        self
    }

    const fn only(mut self, entity_type: EntityType) -> Self {
        self.only = Some(entity_type);
        self
    }

    const fn at(mut self, otherwise: &'static [(EntityType, &'static str)]) -> Self {
        self.otherwise = otherwise;
        self
    }

    const fn shared_in(mut self, field: usize) -> Self {
        self.share = Some(field);
        self
    }

    const fn then(mut self, then: &'static [Constant]) -> Self {
        self.then = then;
        self
    }

    /// Whether an entity of this type has it.
    #[must_use]
    pub fn belongs_to(&self, entity_type: EntityType) -> bool {
        self.only.is_none_or(|only| only == entity_type)
    }

    /// What it is, with sign and reference where they matter, at an entity of this type.
    #[must_use]
    pub fn description(&self, entity_type: EntityType) -> &'static str {
        let mut otherwise = self.otherwise.iter();
        otherwise
            .find(|(other, _)| *other == entity_type)
            .map_or(self.description, |(_, description)| description)
    }

    /// What it is at entities of any type.
    #[must_use]
    pub fn general_description(&self) -> String {
        let otherwise = self.otherwise.iter();
        let otherwise = otherwise.map(|(at, text)| format!(" Of type {}: {text}", at.as_str()));
        std::iter::once(self.description.to_owned())
            .chain(otherwise)
            .collect()
    }
}

/// Renewable units: solar plants and wind turbines.
pub static RES_UNIT: Stream = Stream {
    kind: EntityKind::ResUnit,
    noun: "renewable unit",
    example: ("WIND-001", EntityType::Wind),
    subscribe: "subscribe:res-units",
    unsubscribe: "unsubscribe:res-units",
    room: "res-unit",
    id_key: "unitId",
    event: "res:generation",
    period: 20,
    payload: "ResSample",
    description: "Generation of a renewable unit, and the weather that drives it.",
    nested: None,
    main_field: "generation",
    fields: &[
        Field::new(
            "generation",
            "kW",
            "AC power of the plant; exactly 0 at night.",
            57.3,
        )
        .at(&[(EntityType::Wind, "Electrical power of the turbine.")])
        .shared_in(res::UTILIZATION)
        .then(&[Constant::Type, Constant::Capacity]),
        Field::new("utilizationFactor", "1", "Generation over capacity.", 0.573).within(0.0, 1.0),
        Field::new(
            "irradiance",
            "W/m2",
            "Irradiance in the plane of the array.",
            612.0,
        )
        .within(0.0, 1200.0)
        .only(EntityType::Solar),
        Field::new("windSpeed", "m/s", "Wind speed at hub height.", 8.2)
            .within(0.0, 30.0)
            .only(EntityType::Wind),
        Field::new("temperature", "deg C", "Air temperature.", 11.4).within(-30.0, 40.0),
    ],
};

/// Buses.
pub static BUS: Stream = Stream {
    kind: EntityKind::Bus,
    noun: "bus",
    example: ("BUS-004", EntityType::Pq),
    subscribe: "subscribe:buses",
    unsubscribe: "unsubscribe:buses",
    room: "bus",
    id_key: "busId",
    event: "bus:measurement",
    period: 10,
    payload: "BusSample",
    description: "Measurement at a bus. Powers are net injections: generation positive, load negative.",
    nested: Some(Nested {
        key: "measurement",
        name: "BusMeasurement",
    }),
    main_field: "activePower",
    fields: &[
        Field::new(
            "voltageMagnitude",
            "p.u.",
            "Voltage magnitude on the base voltage of the bus.",
            1.0125,
        ),
        Field::new(
            "voltageAngle",
            "deg",
            "Voltage angle against the slack bus.",
            -6.88,
        )
        .within(-30.0, 30.0),
        Field::new(
            "frequency",
            "Hz",
            "Frequency as a phasor measurement unit at the bus sees it.",
            50.004,
        )
        .within(49.95, 50.05),
        Field::new(
            "activePower",
            "MW",
            "Net active power injected; generation positive, load negative.",
            -80.0,
        ),
        Field::new(
            "reactivePower",
            "MVAR",
            "Net reactive power injected; the shunt of the bus counts as network.",
            -28.0,
        ),
    ],
};

/// Power converters.
pub static CONVERTER: Stream = Stream {
    kind: EntityKind::Converter,
    noun: "converter",
    example: ("CONV-001", EntityType::TwoLevel),
    subscribe: "subscribe:converters",
    unsubscribe: "unsubscribe:converters",
    room: "converter",
    id_key: "converterId",
    event: "converter:state",
    period: 5,
    payload: "ConverterSample",
    description: "State of a power converter. Active power is 1.5 v i_d, reactive power -1.5 v i_q, with v the \
             peak phase voltage of the grid (amplitude-invariant Park transform, d axis on the grid voltage, \
             currents towards the grid positive). A DC/DC converter has no q axis and no reactive power.",
    nested: Some(Nested {
        key: "state",
        name: "ConverterState",
    }),
    main_field: "activePower",
    fields: &[
        Field::new("voltage", "V", "DC-link voltage.", 751.2).at(&[(
            EntityType::Buck,
            "Input voltage: the DC link that feeds the converter.",
        )]),
        Field::new(
            "current_d",
            "A",
            "Current in the d axis, on the grid voltage; towards the grid positive.",
            96.4,
        )
        .at(&[(EntityType::Buck, "Inductor current.")]),
        Field::new(
            "current_q",
            "A",
            "Current in the q axis; towards the grid positive.",
            -3.1,
        )
        .at(&[(EntityType::Buck, "Always 0: there is no AC side.")]),
        Field::new(
            "activePower",
            "kW",
            "Active power into the grid, 1.5 v i_d.",
            47.2,
        )
        .at(&[(EntityType::Buck, "Power into the DC load.")]),
        Field::new(
            "reactivePower",
            "kVAR",
            "Reactive power into the grid, -1.5 v i_q.",
            1.5,
        )
        .at(&[(EntityType::Buck, "Always 0: there is no AC side.")]),
        Field::new(
            "frequency",
            "Hz",
            "Frequency at the converter's bus.",
            50.004,
        )
        .at(&[(
            EntityType::Buck,
            "Frequency at the bus of the converter that holds the DC link.",
        )])
        .within(49.95, 50.05),
        Field::new("thd", "%", "Total harmonic distortion of the current.", 2.6)
            .at(&[(
                EntityType::Buck,
                "Ripple of the inductor current: rms over mean.",
            )])
            .within(0.0, 50.0),
        Field::new("temperature", "deg C", "Heat sink temperature.", 41.7).within(-30.0, 85.0),
        Field::new(
            "gridVoltage",
            "V",
            "Peak phase voltage at the terminals.",
            326.6,
        )
        .at(&[(EntityType::Buck, "Output voltage.")])
        .then(&[Constant::Type]),
    ],
};

/// All streams, in the order in which the samples of one tick go out.
pub static STREAMS: [&Stream; 3] = [&RES_UNIT, &BUS, &CONVERTER];

/// Places of the fields of a bus.
pub mod bus {
    /// Voltage magnitude, p.u.
    pub const VOLTAGE: usize = 0;
    /// Voltage angle, deg.
    pub const ANGLE: usize = 1;
    /// Frequency, Hz.
    pub const FREQUENCY: usize = 2;
    /// Net active injection, MW.
    pub const ACTIVE_POWER: usize = 3;
    /// Net reactive injection, MVAR.
    pub const REACTIVE_POWER: usize = 4;
}

/// Places of the fields of a converter.
pub mod converter {
    /// DC-link voltage, V.
    pub const DC_VOLTAGE: usize = 0;
    /// Current in the d axis, A.
    pub const CURRENT_D: usize = 1;
    /// Current in the q axis, A.
    pub const CURRENT_Q: usize = 2;
    /// Active power, kW.
    pub const ACTIVE_POWER: usize = 3;
    /// Reactive power, kVAR.
    pub const REACTIVE_POWER: usize = 4;
    /// Frequency, Hz.
    pub const FREQUENCY: usize = 5;
    /// Total harmonic distortion of the current, %.
    pub const THD: usize = 6;
    /// Heat sink, deg C.
    pub const TEMPERATURE: usize = 7;
    /// Peak phase voltage of the grid (DC/DC: output voltage), V.
    pub const GRID_VOLTAGE: usize = 8;
}

/// Places of the fields of a renewable unit.
pub mod res {
    /// Generation, kW.
    pub const GENERATION: usize = 0;
    /// Generation over capacity.
    pub const UTILIZATION: usize = 1;
    /// Irradiance in the plane of the array, W/m2; a wind turbine has none.
    pub const IRRADIANCE: usize = 2;
    /// Wind speed at hub height, m/s; a solar plant has none.
    pub const WIND_SPEED: usize = 3;
    /// Air temperature, deg C.
    pub const TEMPERATURE: usize = 4;
}

/// The stream of a kind of entity; branches have none.
#[must_use]
pub fn stream_of(kind: EntityKind) -> Option<&'static Stream> {
    STREAMS.into_iter().find(|stream| stream.kind == kind)
}

/// The key of an entity's id in samples and alerts.
#[must_use]
pub fn id_key(kind: EntityKind) -> &'static str {
    stream_of(kind).map_or("branchId", |stream| stream.id_key)
}

/// There is one stream of a kind.
impl PartialEq for Stream {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl Eq for Stream {}

impl Stream {
    /// The place of the field with this name on the wire.
    #[must_use]
    pub fn place_of(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// Simulated seconds between two samples.
    #[must_use]
    pub fn interval_s(&self) -> f64 {
        (self.period * STEP_MS) as f64 / 1000.0
    }

    /// Whether samples are due at a step, or go out so many ticks after the start of a run.
    #[must_use]
    pub fn is_due(&self, step: u64) -> bool {
        step.is_multiple_of(self.period)
    }

    /// The first step after `step` at which samples are due.
    #[must_use]
    pub fn next_sample(&self, step: u64) -> u64 {
        (step / self.period + 1).saturating_mul(self.period)
    }

    /// An entity of this stream as the outside sees it. `rated` are the normal ranges of the fields that
    /// have none of their own, in order.
    #[must_use]
    pub fn entity(
        &self,
        id: &EntityId,
        entity_type: EntityType,
        ratings: Ratings,
        rated: &[RangeInclusive<f64>],
    ) -> Entity {
        Entity {
            id: id.clone(),
            kind: self.kind,
            entity_type,
            ratings,
            quantities: self.quantities(entity_type, rated),
            room: Some(format!("{}:{id}", self.room)),
            from: None,
            to: None,
        }
    }

    /// What is measured at an entity of this type. `rated` are the normal ranges of the fields that have
    /// none of their own, in order.
    #[must_use]
    pub fn quantities(
        &self,
        entity_type: EntityType,
        rated: &[RangeInclusive<f64>],
    ) -> Vec<Quantity> {
        let mut rated = rated.iter();
        let fields = self.fields.iter();
        fields
            .filter(|field| field.belongs_to(entity_type))
            .map(|field| {
                let (min, max) = field.normal.unwrap_or_else(|| {
                    let range = rated.next();
                    range.map_or((0.0, 0.0), |range| (*range.start(), *range.end()))
                });
                Quantity {
                    field: field.name,
                    unit: field.unit,
                    description: field.description(entity_type),
                    min,
                    max,
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_on_the_wire_are_unique() {
        let mut seen = HashSet::new();
        for stream in STREAMS {
            for name in [
                stream.subscribe,
                stream.unsubscribe,
                stream.room,
                stream.id_key,
                stream.event,
                stream.payload,
            ] {
                assert!(seen.insert(name), "{name}");
            }
            let fields: HashSet<_> = stream.fields.iter().map(|field| field.name).collect();
            assert_eq!(fields.len(), stream.fields.len());
            assert!(fields.contains(stream.main_field));
            assert_eq!(
                stream.subscribe.strip_prefix("subscribe:"),
                stream.unsubscribe.strip_prefix("unsubscribe:")
            );
        }
    }

    #[test]
    fn samples_are_due_at_multiples_of_the_period() {
        let bus = &BUS;
        assert!(bus.is_due(20) && !bus.is_due(25));
        assert_eq!((bus.next_sample(19), bus.next_sample(20)), (20, 30));
        assert!((bus.interval_s() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_turbine_has_wind_and_no_irradiance() {
        let res = &RES_UNIT;
        let quantities = res.quantities(EntityType::Wind, &[0.0..=150.0]);
        let names: Vec<_> = quantities.iter().map(|quantity| quantity.field).collect();
        assert_eq!(
            names,
            [
                "generation",
                "utilizationFactor",
                "windSpeed",
                "temperature"
            ]
        );
        assert!((quantities[0].max - 150.0).abs() < 1e-12);
        assert_eq!(
            quantities[0].description,
            "Electrical power of the turbine."
        );
    }
}
