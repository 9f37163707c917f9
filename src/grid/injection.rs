//! Injections: physical disturbances and sensor faults placed on a run, drawn at random or asked for. A
//! kind stands once in [`INJECTIONS`]: where it may be, what its size and its duration are.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    entity::{EntityId, EntityKind},
    stream::STREAMS,
    time::{STEP_MS, Tick},
};

/// The longest duration in simulated seconds.
pub const MAX_DURATION_S: f64 = 86_400.0;
/// The shortest duration of a physical disturbance in simulated seconds: a step of the plant.
const MIN_DISTURBANCE_S: f64 = 0.1;
/// The shortest duration of a sensor fault in simulated seconds: a sample of a bus falls into it.
const MIN_SENSOR_FAULT_S: f64 = 1.0;
/// The largest size of a sensor fault either way, in the unit of its field: far beyond what any sensor
/// says, and far from where numbers end.
const MAX_SENSOR_SIZE: f64 = 1e6;

/// Makes the kinds of injections, and the table of what there is to say of each.
macro_rules! injections {
    ($($(#[$doc:meta])* $kind:ident => $rule:expr,)*) => {
        /// What is injected.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
        )]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum InjectionKind {
            $($(#[$doc])* $kind,)*
        }

        impl InjectionKind {
            /// What there is to say of it.
            #[must_use]
            pub fn rule(self) -> &'static InjectionRule {
                match self {
                    $(Self::$kind => {
                        static RULE: InjectionRule = $rule;
                        &RULE
                    })*
                }
            }
        }

        /// All kinds: the physical ones, then those of sensors.
        pub const INJECTIONS: &[InjectionKind] = &[$(InjectionKind::$kind),*];
    };
}

injections! {
    /// The load of a bus changes by a fraction of itself.
    LoadStep => disturbance("LOAD_STEP", Site::LoadBus, 60.0)
        .sized("change as a fraction of its load", "1", -1.0, 3.0, 0.3),
    /// A branch goes out of service; it returns at the end.
    BranchTrip => disturbance("BRANCH_TRIP", Site::Branch, 0.0).endless(),
    /// The voltage of a bus sags to a remaining value.
    VoltageDip => disturbance("VOLTAGE_DIP", Site::Bus, 2.0)
        .sized("voltage that remains", "p.u.", 0.05, 0.98, 0.8)
        .where_held(0.3),
    /// A bus loses a fraction of its generation.
    GeneratorLoss => disturbance("GENERATOR_LOSS", Site::GeneratorBus, 120.0)
        .sized("fraction lost", "1", 0.0, 1.0, 1.0),
    /// A cloud front leaves a fraction of the irradiance at a solar plant.
    CloudFront => disturbance("CLOUD_FRONT", Site::SolarUnit, 60.0)
        .sized("irradiance that remains", "1", 0.0, 1.0, 0.2),
    /// The wind at a turbine changes by a factor.
    Gust => disturbance("GUST", Site::WindUnit, 20.0)
        .sized("factor on wind speed", "1", 0.1, 3.0, 1.5),
    /// The thermal resistance of a converter's heat sink rises by a factor.
    FanFailure => disturbance("FAN_FAILURE", Site::Converter, 600.0)
        .sized("factor on thermal resistance", "1", 1.0, 5.0, 2.2),
    /// A converter loses a fraction of its DC source.
    DcSourceLoss => disturbance("DC_SOURCE_LOSS", Site::SourceConverter, 10.0)
        .sized("fraction lost", "1", 0.0, 1.0, 1.0),
    /// Sensor: one sample is off.
    Spike => sensor_fault("SPIKE").of_field("offset").for_one_sample(),
    /// Sensor: a constant offset.
    LevelShift => sensor_fault("LEVEL_SHIFT").of_field("offset"),
    /// Sensor: an offset that grows.
    Drift => sensor_fault("DRIFT").of_field("offset at the end"),
    /// Sensor: additional noise.
    NoiseBurst => sensor_fault("NOISE_BURST").of_field("standard deviation"),
    /// Sensor: a periodic disturbance.
    Oscillation => sensor_fault("OSCILLATION").of_field("amplitude"),
    /// Sensor: the same value again and again.
    Stuck => sensor_fault("STUCK").with_field(),
    /// Sensor: no samples at all.
    Missing => sensor_fault("MISSING"),
}

/// Where a kind may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// A bus with load.
    LoadBus,
    /// A branch in service.
    Branch,
    /// A bus of the network.
    Bus,
    /// A bus with generators, but the slack bus.
    GeneratorBus,
    /// A solar unit.
    SolarUnit,
    /// A wind unit.
    WindUnit,
    /// A converter.
    Converter,
    /// A converter with a DC source of its own.
    SourceConverter,
    /// Whatever is sampled.
    Sensor,
}

impl Site {
    /// What it is, in words.
    #[must_use]
    pub fn wanted(self) -> String {
        let wanted = match self {
            Self::LoadBus => "a bus with load",
            Self::Branch => "a branch that is in service in the case",
            Self::Bus => "a bus of the network",
            Self::GeneratorBus => "a bus with a generator in service that is not the slack bus",
            Self::SolarUnit => "a solar unit",
            Self::WindUnit => "a wind unit",
            Self::Converter => "a converter",
            Self::SourceConverter => "a converter with a DC source",
            Self::Sensor => return sampled(),
        };
        wanted.to_owned()
    }

    /// The kinds of entities that are, or may be, such a place.
    #[must_use]
    pub fn entity_kinds(self) -> Vec<EntityKind> {
        match self {
            Self::LoadBus | Self::Bus | Self::GeneratorBus => vec![EntityKind::Bus],
            Self::Branch => vec![EntityKind::Branch],
            Self::SolarUnit | Self::WindUnit => vec![EntityKind::ResUnit],
            Self::Converter | Self::SourceConverter => vec![EntityKind::Converter],
            Self::Sensor => STREAMS.iter().map(|stream| stream.kind).collect(),
        }
    }
}

/// All that is sampled, in words.
fn sampled() -> String {
    let nouns: Vec<_> = STREAMS.iter().map(|stream| stream.noun).collect();
    match nouns.split_last() {
        Some((last, others)) if !others.is_empty() => {
            format!("a {} or a {last}", others.join(", a "))
        }
        _ => format!("a {}", nouns.concat()),
    }
}

/// What there is to say of a kind.
#[derive(Debug, PartialEq)]
pub struct InjectionRule {
    /// The kind as it is written on the wire.
    pub name: &'static str,
    /// Where it may be.
    pub site: Site,
    /// Whether it concerns one field of an entity's samples.
    pub has_field: bool,
    /// What its size means.
    pub size: SizeRule,
    /// The shortest duration that it may have, in simulated seconds.
    pub shortest_s: f64,
    /// How long it lasts where nothing is said.
    pub duration: DurationRule,
}

/// The values that a size may take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SizeRange {
    /// What it is.
    pub meaning: &'static str,
    /// In which unit.
    pub unit: &'static str,
    /// Smallest.
    pub min: f64,
    /// Smallest at a bus whose voltage a generator holds.
    pub min_where_held: f64,
    /// Largest.
    pub max: f64,
    /// What holds where none is given; none for [`DEFAULT_SIGMAS`] standard deviations of the field's noise.
    pub default: Option<f64>,
}

/// A sensor fault without a size is so many standard deviations of its field's noise.
pub const DEFAULT_SIGMAS: f64 = 10.0;

/// What the size of a kind means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SizeRule {
    /// There is none.
    None,
    /// A number within a range.
    Within(SizeRange),
}

/// How long a kind lasts where no duration is given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DurationRule {
    /// Until it is ended.
    Endless,
    /// So many simulated seconds.
    Seconds(f64),
    /// For one native sample, whatever duration is given.
    OneSample,
}

const fn disturbance(name: &'static str, site: Site, seconds: f64) -> InjectionRule {
    InjectionRule {
        name,
        site,
        has_field: false,
        size: SizeRule::None,
        shortest_s: MIN_DISTURBANCE_S,
        duration: DurationRule::Seconds(seconds),
    }
}

const fn sensor_fault(name: &'static str) -> InjectionRule {
    InjectionRule {
        shortest_s: MIN_SENSOR_FAULT_S,
        ..disturbance(name, Site::Sensor, 30.0)
    }
}

impl InjectionRule {
    const fn sized(
        self,
        meaning: &'static str,
        unit: &'static str,
        min: f64,
        max: f64,
        default: f64,
    ) -> Self {
        Self {
            size: SizeRule::Within(SizeRange {
                meaning,
                unit,
                min,
                min_where_held: min,
                max,
                default: Some(default),
            }),
            ..self
        }
    }

    const fn where_held(mut self, min: f64) -> Self {
        if let SizeRule::Within(range) = &mut self.size {
            range.min_where_held = min;
        }
        self
    }

    const fn with_field(self) -> Self {
        Self {
            has_field: true,
            ..self
        }
    }

    const fn of_field(self, meaning: &'static str) -> Self {
        let size = SizeRange {
            meaning,
            unit: "unit of the field",
            min: -MAX_SENSOR_SIZE,
            min_where_held: -MAX_SENSOR_SIZE,
            max: MAX_SENSOR_SIZE,
            default: None,
        };
        Self {
            size: SizeRule::Within(size),
            ..self.with_field()
        }
    }

    const fn endless(self) -> Self {
        Self {
            duration: DurationRule::Endless,
            ..self
        }
    }

    const fn for_one_sample(self) -> Self {
        Self {
            duration: DurationRule::OneSample,
            ..self
        }
    }

    /// The names of the fields that it may concern; none where it concerns none.
    #[must_use]
    pub fn fields(&self) -> Option<Vec<&'static str>> {
        let mut names = Vec::new();
        for field in STREAMS.iter().flat_map(|stream| stream.fields) {
            if !names.contains(&field.name) {
                names.push(field.name);
            }
        }
        self.has_field.then_some(names)
    }

    /// Its size in words, for example `voltage that remains, p.u. (0.05..0.98, 0.8)`.
    #[must_use]
    pub fn size_in_words(&self) -> String {
        let SizeRule::Within(range) = &self.size else {
            return "none".into();
        };
        let mut text = range.meaning.to_owned();
        if range.unit != "1" {
            let _ = write!(text, ", {}", range.unit);
        }
        let _ = match range.default {
            Some(default) => write!(text, " ({}..{}, {default}", range.min, range.max),
            None => write!(
                text,
                " ({}..{}, {DEFAULT_SIGMAS} standard deviations of its noise",
                range.min, range.max
            ),
        };
        if range.min_where_held > range.min {
            let _ = write!(
                text,
                "; where a generator holds it {}..{}",
                range.min_where_held, range.max
            );
        }
        text + ")"
    }

    /// How long it lasts where nothing is said, in words.
    #[must_use]
    pub fn duration_in_words(&self) -> String {
        match self.duration {
            DurationRule::Endless => "until it is ended".into(),
            DurationRule::OneSample => "one sample in any case".into(),
            DurationRule::Seconds(seconds) => format!("{seconds} s"),
        }
    }
}

impl InjectionKind {
    /// The kind as it is written on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.rule().name
    }

    /// Whether it alters what a sensor says, not what is.
    #[must_use]
    pub fn is_sensor(self) -> bool {
        self.rule().site == Site::Sensor
    }
}

/// An injection to be placed, checked and with everything filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InjectionOrder {
    /// What.
    pub kind: InjectionKind,
    /// Where.
    pub entity: EntityId,
    /// The field of the samples, for sensors but [`InjectionKind::Missing`].
    pub field: Option<String>,
    /// How much, in the unit of the kind.
    pub size: Option<f64>,
    /// How long in simulated seconds; absent for one sample, or until it is ended.
    pub duration_s: Option<f64>,
}

impl InjectionOrder {
    /// Whether both act at the same place in the same way: only one of them can be active.
    #[must_use]
    pub fn clashes_with(&self, other: &Self) -> bool {
        self.kind == other.kind && self.entity == other.entity && self.field == other.field
    }

    /// The duration in steps of the plant.
    #[must_use]
    pub fn duration_steps(&self) -> Option<u64> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped"
        )]
        let steps = |seconds: f64| {
            (seconds.clamp(0.0, MAX_DURATION_S) * 1000.0 / STEP_MS as f64).round() as u64
        };
        self.duration_s.map(steps)
    }
}

/// Who asked for an injection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = InjectionCause)]
pub enum Cause {
    /// A person or a program.
    Command,
    /// The run's own random disturbances.
    Random,
}

/// An injection as the outside sees it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InjectionView {
    /// Its id, unique within the run.
    #[schema(example = "VOLTAGE_DIP-BUS-004-C1")]
    pub id: String,
    /// What.
    pub kind: InjectionKind,
    /// The entity it acts on.
    #[schema(example = "BUS-004")]
    pub entity_id: EntityId,
    /// The field of the samples; absent where the kind concerns none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "activePower")]
    pub field: Option<String>,
    /// How much, in the unit of the kind; null where that does not apply.
    #[schema(required, example = 0.8)]
    pub size: Option<f64>,
    /// How long in simulated seconds; null for one sample, and for one that lasts until it is ended.
    #[schema(required, example = 2.0)]
    pub duration_s: Option<f64>,
    /// The tick at which it begins.
    pub start_tick: Tick,
    /// The tick at which it ends or ended, at the present speed; null where it lasts until it is ended.
    #[schema(required)]
    pub end_tick: Option<Tick>,
    /// Whether it is active, counted from when it was accepted.
    #[schema(example = true)]
    pub active: bool,
    /// Who asked for it.
    pub cause: Cause,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named_as_they_serialise() {
        for kind in INJECTIONS {
            let json = serde_json::to_string(kind).unwrap();
            assert_eq!(json, format!("{:?}", kind.name()));
        }
    }

    #[test]
    fn sensors_and_disturbances_are_told_apart() {
        let sensors = INJECTIONS.iter().filter(|kind| kind.is_sensor());
        assert_eq!(sensors.count(), 7);
        assert!(!InjectionKind::DcSourceLoss.is_sensor());
        assert!(!InjectionKind::Missing.rule().has_field);
    }

    #[test]
    fn defaults_lie_in_their_range() {
        for kind in INJECTIONS {
            let rule = kind.rule();
            if let SizeRule::Within(range) = rule.size {
                let default = range.default.unwrap_or(range.min);
                assert!((range.min..=range.max).contains(&default), "{kind:?}");
                assert!(range.min_where_held >= range.min, "{kind:?}");
            }
            if let DurationRule::Seconds(seconds) = rule.duration {
                assert!(
                    (rule.shortest_s..=MAX_DURATION_S).contains(&seconds),
                    "{kind:?}"
                );
            }
        }
    }

    /// A kind's row of the README's table.
    fn row(kind: InjectionKind) -> String {
        let rule = kind.rule();
        format!(
            "| `{}` | {} | {} | {} |",
            rule.name,
            rule.site.wanted(),
            rule.size_in_words(),
            rule.duration_in_words()
        )
    }

    #[test]
    fn the_readme_has_every_kind() {
        let readme = include_str!("../../README.md");
        for kind in INJECTIONS {
            let row = row(*kind);
            assert!(readme.contains(&row), "README.md lacks the row\n{row}");
        }
    }
}
