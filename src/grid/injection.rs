//! Injections: physical disturbances and sensor faults placed on a run, drawn at random or asked for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    entity::EntityId,
    time::{STEP_MS, Tick},
};

/// The longest duration in simulated seconds.
pub const MAX_DURATION_S: f64 = 86_400.0;
/// The shortest duration of a physical disturbance in simulated seconds: a step of the plant.
pub const MIN_DISTURBANCE_S: f64 = 0.1;
/// The shortest duration of a sensor fault in simulated seconds: a sample of a bus falls into it.
pub const MIN_SENSOR_FAULT_S: f64 = 1.0;

/// What is injected.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum InjectionKind {
    /// The load of a bus changes by a fraction of itself.
    LoadStep,
    /// A branch goes out of service; it returns at the end.
    BranchTrip,
    /// The voltage of a bus sags to a remaining value.
    VoltageDip,
    /// A bus loses a fraction of its generation.
    GeneratorLoss,
    /// A cloud front leaves a fraction of the irradiance at a solar plant.
    CloudFront,
    /// The wind at a turbine changes by a factor.
    Gust,
    /// The thermal resistance of a converter's heat sink rises by a factor.
    FanFailure,
    /// A converter loses a fraction of its DC source.
    DcSourceLoss,
    /// Sensor: one sample is off.
    Spike,
    /// Sensor: a constant offset.
    LevelShift,
    /// Sensor: an offset that grows.
    Drift,
    /// Sensor: additional noise.
    NoiseBurst,
    /// Sensor: a periodic disturbance.
    Oscillation,
    /// Sensor: the same value again and again.
    Stuck,
    /// Sensor: no samples at all.
    Missing,
}

/// The values that a size may take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SizeRange {
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
    /// What holds where none is given.
    pub default: f64,
}

/// What the size of a kind means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SizeRule {
    /// There is none.
    None,
    /// A number within a range.
    Within(SizeRange),
    /// A number in the unit of the field; 10 standard deviations of its noise where none is given.
    OfField,
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

impl InjectionKind {
    /// All kinds: the physical ones, then those of sensors.
    pub const ALL: [Self; 15] = [
        Self::LoadStep,
        Self::BranchTrip,
        Self::VoltageDip,
        Self::GeneratorLoss,
        Self::CloudFront,
        Self::Gust,
        Self::FanFailure,
        Self::DcSourceLoss,
        Self::Spike,
        Self::LevelShift,
        Self::Drift,
        Self::NoiseBurst,
        Self::Oscillation,
        Self::Stuck,
        Self::Missing,
    ];

    /// The kind as it is written on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LoadStep => "LOAD_STEP",
            Self::BranchTrip => "BRANCH_TRIP",
            Self::VoltageDip => "VOLTAGE_DIP",
            Self::GeneratorLoss => "GENERATOR_LOSS",
            Self::CloudFront => "CLOUD_FRONT",
            Self::Gust => "GUST",
            Self::FanFailure => "FAN_FAILURE",
            Self::DcSourceLoss => "DC_SOURCE_LOSS",
            Self::Spike => "SPIKE",
            Self::LevelShift => "LEVEL_SHIFT",
            Self::Drift => "DRIFT",
            Self::NoiseBurst => "NOISE_BURST",
            Self::Oscillation => "OSCILLATION",
            Self::Stuck => "STUCK",
            Self::Missing => "MISSING",
        }
    }

    /// Whether it alters what a sensor says, not what is.
    #[must_use]
    pub fn is_sensor(self) -> bool {
        self >= Self::Spike
    }

    /// Whether it concerns one field of an entity's samples.
    #[must_use]
    pub fn has_field(self) -> bool {
        self.is_sensor() && self != Self::Missing
    }

    /// What its size means.
    #[must_use]
    pub fn size(self) -> SizeRule {
        let within = |min, max, default| SizeRule::Within(SizeRange { min, max, default });
        match self {
            Self::LoadStep => within(-1.0, 3.0, 0.3),
            Self::VoltageDip => within(0.05, 0.98, 0.8),
            Self::GeneratorLoss | Self::DcSourceLoss => within(0.0, 1.0, 1.0),
            Self::CloudFront => within(0.0, 1.0, 0.2),
            Self::Gust => within(0.1, 3.0, 1.5),
            Self::FanFailure => within(1.0, 5.0, 2.2),
            Self::BranchTrip | Self::Stuck | Self::Missing => SizeRule::None,
            Self::Spike | Self::LevelShift | Self::Drift | Self::NoiseBurst | Self::Oscillation => {
                SizeRule::OfField
            }
        }
    }

    /// The shortest duration that it may have, in simulated seconds.
    #[must_use]
    pub fn shortest_s(self) -> f64 {
        if self.is_sensor() {
            MIN_SENSOR_FAULT_S
        } else {
            MIN_DISTURBANCE_S
        }
    }

    /// How long it lasts where nothing is said.
    #[must_use]
    pub fn duration(self) -> DurationRule {
        match self {
            Self::BranchTrip => DurationRule::Endless,
            Self::Spike => DurationRule::OneSample,
            Self::VoltageDip => DurationRule::Seconds(2.0),
            Self::DcSourceLoss => DurationRule::Seconds(10.0),
            Self::Gust => DurationRule::Seconds(20.0),
            Self::LoadStep | Self::CloudFront => DurationRule::Seconds(60.0),
            Self::GeneratorLoss => DurationRule::Seconds(120.0),
            Self::FanFailure => DurationRule::Seconds(600.0),
            Self::LevelShift
            | Self::Drift
            | Self::NoiseBurst
            | Self::Oscillation
            | Self::Stuck
            | Self::Missing => DurationRule::Seconds(30.0),
        }
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
        for kind in InjectionKind::ALL {
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("{:?}", kind.name()));
        }
    }

    #[test]
    fn sensors_and_disturbances_are_told_apart() {
        let sensors = InjectionKind::ALL.iter().filter(|kind| kind.is_sensor());
        assert_eq!(sensors.count(), 7);
        assert!(!InjectionKind::DcSourceLoss.is_sensor());
        assert!(!InjectionKind::Missing.has_field());
    }

    #[test]
    fn defaults_lie_in_their_range() {
        for kind in InjectionKind::ALL {
            if let SizeRule::Within(SizeRange { min, max, default }) = kind.size() {
                assert!((min..=max).contains(&default), "{kind:?}");
            }
        }
    }
}
