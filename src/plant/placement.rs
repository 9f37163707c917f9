//! Which injections can act where: checks what is asked for, and fills in what is left open.

use crate::grid::{
    entity::{Entity, EntityKind, EntityType},
    injection::{
        DEFAULT_SIGMAS, DurationRule, InjectionKind, InjectionOrder, MAX_DURATION_S, Site, SizeRule,
    },
    stream::stream_of,
};

use super::spec::PlantSpec;

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
        if !self.fits(kind.rule().site, entity) {
            let wanted = kind.rule().site.wanted();
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

    /// Whether an entity is such a place.
    fn fits(&self, site: Site, entity: &Entity) -> bool {
        let id = entity.id.as_str();
        match site {
            Site::LoadBus => self.has_load(id),
            Site::Branch => self.branch_in_service(id),
            Site::Bus => entity.kind == EntityKind::Bus && !self.is_isolated(id),
            Site::GeneratorBus => self.has_generator_to_lose(id),
            Site::SolarUnit => entity.entity_type == EntityType::Solar,
            Site::WindUnit => entity.entity_type == EntityType::Wind,
            Site::Converter => entity.kind == EntityKind::Converter,
            Site::SourceConverter => {
                matches!(entity.entity_type, EntityType::TwoLevel | EntityType::Npc)
            }
            Site::Sensor => stream_of(entity.kind).is_some(),
        }
    }

    fn place_size(
        &self,
        kind: InjectionKind,
        entity: &Entity,
        field: Option<&str>,
        size: Option<f64>,
        problems: &mut Vec<String>,
    ) -> Option<f64> {
        let SizeRule::Within(range) = kind.rule().size else {
            if size.is_some() {
                problems.push(format!("{} has no size", kind.name()));
            }
            return None;
        };
        let held = matches!(entity.entity_type, EntityType::Slack | EntityType::Pv);
        let min = if held {
            range.min_where_held
        } else {
            range.min
        };
        let of_noise = || {
            let sigma = self.typical_sigma(entity, field?)?;
            Some(DEFAULT_SIGMAS * sigma)
        };
        let Some(size) = size else {
            return Some(range.default.or_else(of_noise).unwrap_or(0.0));
        };
        if !(min..=range.max).contains(&size) {
            let max = range.max;
            problems.push(format!("size must be a number from {min} to {max}"));
        }
        Some(size)
    }
}

fn place_field(
    kind: InjectionKind,
    entity: &Entity,
    field: Option<String>,
    problems: &mut Vec<String>,
) -> Option<String> {
    if !kind.rule().has_field {
        if field.is_some() {
            problems.push(format!("{} has no field", kind.name()));
        }
        return None;
    }
    let main_field = stream_of(entity.kind).map(|stream| stream.main_field);
    let field = field.unwrap_or_else(|| main_field.unwrap_or_default().to_owned());
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
    let shortest = kind.rule().shortest_s;
    if let Some(given) = duration_s
        && !(shortest..=MAX_DURATION_S).contains(&given)
    {
        problems.push(format!(
            "durationS must be a number from {shortest} to {MAX_DURATION_S}"
        ));
    }
    match kind.rule().duration {
        DurationRule::Endless => duration_s,
        DurationRule::OneSample => None,
        DurationRule::Seconds(default) => Some(duration_s.unwrap_or(default)),
    }
}
