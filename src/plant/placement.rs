//! Which injections can act where: checks what is asked for, and fills in what is left open.

use crate::grid::{
    entity::{Entity, EntityId, EntityKind, EntityType},
    injection::{DurationRule, InjectionKind, InjectionOrder, MAX_DURATION_S, SizeRange, SizeRule},
};

use super::{PlantSpec, measurement::typical_sigma};

/// The lowest set-point at a bus whose voltage is held, in p.u.
const MIN_SET_POINT_PU: f64 = 0.3;
/// A sensor fault without a size is so many standard deviations of its field's noise.
const DEFAULT_SIGMAS: f64 = 10.0;
/// The largest size of a sensor fault either way, in the unit of its field: far beyond what any sensor
/// says, and far from where numbers end.
const MAX_SENSOR_SIZE: f64 = 1e6;

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct InjectionRequest {
    /// What.
    pub kind: InjectionKind,
    /// The id of the entity.
    pub entity: String,
    /// How much, in the unit of the kind.
    pub size: Option<f64>,
    /// How long in simulated seconds.
    pub duration_s: Option<f64>,
    /// The field of the samples, for sensors.
    pub field: Option<String>,
}

/// Why it cannot be placed.
#[derive(Debug, Clone, PartialEq)]
pub enum Misplaced {
    /// There is no such entity.
    UnknownEntity,
    /// All that is wrong with it.
    Problems(Vec<String>),
}

impl PlantSpec {
    /// Checks a request against the plant and fills in what it leaves open.
    ///
    /// # Errors
    /// Why it cannot be placed.
    pub fn place(&self, request: InjectionRequest) -> Result<InjectionOrder, Misplaced> {
        let InjectionRequest {
            kind,
            entity: id,
            size,
            duration_s,
            field,
        } = request;
        let entity = self.catalogue().get(&id).ok_or(Misplaced::UnknownEntity)?;
        let mut problems = Vec::new();
        if let Some(wanted) = self.misfit(kind, entity) {
            problems.push(format!("{} acts on {wanted}, not on {id}", kind.name()));
            return Err(Misplaced::Problems(problems));
        }
        let field = place_field(kind, entity, field, &mut problems);
        let size = self.place_size(kind, entity, field.as_deref(), size, &mut problems);
        let duration_s = place_duration(kind, duration_s, &mut problems);
        if problems.is_empty() {
            Ok(InjectionOrder {
                kind,
                entity: entity.id.clone(),
                field,
                size,
                duration_s,
            })
        } else {
            Err(Misplaced::Problems(problems))
        }
    }

    /// What a kind acts on, if `entity` is not that.
    fn misfit(&self, kind: InjectionKind, entity: &Entity) -> Option<&'static str> {
        let id = entity.id.as_str();
        let (fits, wanted) = match kind {
            InjectionKind::LoadStep => (self.has_load(id), "a bus with load"),
            InjectionKind::BranchTrip => (
                self.branch_in_service(id),
                "a branch that is in service in the case",
            ),
            InjectionKind::VoltageDip => (
                entity.kind == EntityKind::Bus && !self.is_isolated(id),
                "a bus of the network",
            ),
            InjectionKind::GeneratorLoss => (
                self.has_generator_to_lose(id),
                "a bus with a generator in service that is not the slack bus",
            ),
            InjectionKind::CloudFront => (entity.entity_type == EntityType::Solar, "a solar unit"),
            InjectionKind::Gust => (entity.entity_type == EntityType::Wind, "a wind unit"),
            InjectionKind::FanFailure => (entity.kind == EntityKind::Converter, "a converter"),
            InjectionKind::DcSourceLoss => (
                matches!(entity.entity_type, EntityType::TwoLevel | EntityType::Npc),
                "a converter with a DC source",
            ),
            _ => (
                entity.kind != EntityKind::Branch,
                "a bus, a converter or a renewable unit",
            ),
        };
        (!fits).then_some(wanted)
    }

    fn place_size(
        &self,
        kind: InjectionKind,
        entity: &Entity,
        field: Option<&str>,
        size: Option<f64>,
        problems: &mut Vec<String>,
    ) -> Option<f64> {
        match kind.size() {
            SizeRule::None => {
                if size.is_some() {
                    problems.push(format!("{} has no size", kind.name()));
                }
                None
            }
            SizeRule::OfField => {
                let sigma = || typical_sigma(entity, &self.scale(entity), field?);
                match size {
                    Some(size) if size.abs() <= MAX_SENSOR_SIZE => Some(size),
                    Some(_) => {
                        problems.push(format!(
                            "size must be a number from -{MAX_SENSOR_SIZE} to {MAX_SENSOR_SIZE}"
                        ));
                        None
                    }
                    None => Some(DEFAULT_SIGMAS * sigma().unwrap_or(0.0)),
                }
            }
            SizeRule::Within(SizeRange { min, max, default }) => {
                let held = matches!(entity.entity_type, EntityType::Slack | EntityType::Pv);
                let min = if kind == InjectionKind::VoltageDip && held {
                    MIN_SET_POINT_PU
                } else {
                    min
                };
                let size = size.unwrap_or(default);
                if !(min..=max).contains(&size) {
                    problems.push(format!("size must be a number from {min} to {max}"));
                }
                Some(size)
            }
        }
    }
}

fn place_field(
    kind: InjectionKind,
    entity: &Entity,
    field: Option<String>,
    problems: &mut Vec<String>,
) -> Option<String> {
    if !kind.has_field() {
        if field.is_some() {
            problems.push(format!("{} has no field", kind.name()));
        }
        return None;
    }
    let default = if entity.kind == EntityKind::ResUnit {
        "generation"
    } else {
        "activePower"
    };
    let field = field.unwrap_or_else(|| default.to_owned());
    let known = entity
        .quantities
        .iter()
        .any(|quantity| quantity.field == field);
    if !known {
        let all: Vec<_> = entity
            .quantities
            .iter()
            .map(|quantity| quantity.field)
            .collect();
        problems.push(format!("field must be one of {}", all.join(", ")));
    }
    Some(field)
}

fn place_duration(
    kind: InjectionKind,
    duration_s: Option<f64>,
    problems: &mut Vec<String>,
) -> Option<f64> {
    let shortest = kind.shortest_s();
    if let Some(given) = duration_s
        && !(shortest..=MAX_DURATION_S).contains(&given)
    {
        problems.push(format!(
            "durationS must be a number from {shortest} to {MAX_DURATION_S}"
        ));
    }
    match kind.duration() {
        DurationRule::Endless => duration_s,
        DurationRule::OneSample => None,
        DurationRule::Seconds(default) => Some(duration_s.unwrap_or(default)),
    }
}

/// The id of the entity that an injection acts on, by its place among those that it could.
pub(super) fn pick(candidates: &[EntityId], uniform: f64) -> Option<&EntityId> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0..1 times a length"
    )]
    let at = (uniform * candidates.len() as f64) as usize;
    candidates.get(at.min(candidates.len().saturating_sub(1)))
}
