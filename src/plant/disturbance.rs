//! Random disturbances: what happens by itself in a run, as a function of its seed and the second.

use std::collections::HashMap;

use crate::{
    grid::{
        entity::{Entity, EntityId, EntityKind, EntityType},
        injection::{InjectionKind, InjectionOrder},
    },
    powerflow::{BusType, Case, PowerFlow},
    random::{Draws, Source},
};

use super::{bridges::bridges, dispatch::Dispatch, inventory::Part};

/// Where each kind of disturbance can happen by itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Candidates {
    /// Buses with load.
    pub(super) loads: Vec<EntityId>,
    /// Branches without which the network still holds together.
    pub(super) branches: Vec<EntityId>,
    /// Buses whose voltage nobody holds.
    pub(super) dips: Vec<EntityId>,
    /// Buses with generators, but the slack bus.
    pub(super) generators: Vec<EntityId>,
    /// Solar units.
    pub(super) solar: Vec<EntityId>,
    /// Wind units.
    pub(super) wind: Vec<EntityId>,
    /// Converters.
    pub(super) converters: Vec<EntityId>,
    /// Converters with a DC source of their own.
    pub(super) sources: Vec<EntityId>,
}

/// A kind of disturbance, how often it happens compared with the others, and from where to where its
/// size and its duration in s are drawn.
struct Habit {
    kind: InjectionKind,
    weight: f64,
    size: Option<(f64, f64)>,
    duration_s: (f64, f64),
}

const fn habit(
    kind: InjectionKind,
    weight: f64,
    size: Option<(f64, f64)>,
    duration_s: (f64, f64),
) -> Habit {
    Habit {
        kind,
        weight,
        size,
        duration_s,
    }
}

/// Weather and load move often, equipment fails seldom.
const HABITS: [Habit; 8] = [
    habit(
        InjectionKind::CloudFront,
        4.0,
        Some((0.15, 0.6)),
        (30.0, 180.0),
    ),
    habit(InjectionKind::Gust, 4.0, Some((1.2, 1.7)), (10.0, 40.0)),
    habit(
        InjectionKind::LoadStep,
        3.0,
        Some((-0.3, 0.4)),
        (30.0, 180.0),
    ),
    habit(
        InjectionKind::VoltageDip,
        2.0,
        Some((0.6, 0.93)),
        (1.0, 4.0),
    ),
    habit(InjectionKind::BranchTrip, 1.0, None, (20.0, 120.0)),
    habit(
        InjectionKind::GeneratorLoss,
        0.7,
        Some((0.2, 0.6)),
        (60.0, 180.0),
    ),
    habit(
        InjectionKind::DcSourceLoss,
        0.8,
        Some((0.4, 1.0)),
        (5.0, 20.0),
    ),
    habit(
        InjectionKind::FanFailure,
        0.5,
        Some((1.8, 2.6)),
        (300.0, 900.0),
    ),
];

impl Candidates {
    fn of(&self, kind: InjectionKind) -> &[EntityId] {
        match kind {
            InjectionKind::LoadStep => &self.loads,
            InjectionKind::BranchTrip => &self.branches,
            InjectionKind::VoltageDip => &self.dips,
            InjectionKind::GeneratorLoss => &self.generators,
            InjectionKind::CloudFront => &self.solar,
            InjectionKind::Gust => &self.wind,
            InjectionKind::FanFailure => &self.converters,
            InjectionKind::DcSourceLoss => &self.sources,
            InjectionKind::Spike
            | InjectionKind::LevelShift
            | InjectionKind::Drift
            | InjectionKind::NoiseBurst
            | InjectionKind::Oscillation
            | InjectionKind::Stuck
            | InjectionKind::Missing => &[],
        }
    }
}

impl Candidates {
    /// Where disturbances can happen by themselves among these entities of a plant, whose base power flow
    /// is `flow`.
    pub(super) fn new(
        case: &Case,
        flow: &PowerFlow,
        dispatch: &Dispatch,
        entities: &[Entity],
        parts: &HashMap<EntityId, Part>,
    ) -> Self {
        let ids = |wanted: &dyn Fn(&Entity, Part) -> bool| -> Vec<EntityId> {
            let known = entities.iter().filter_map(|entity| {
                let part = *parts.get(&entity.id)?;
                wanted(entity, part).then(|| entity.id.clone())
            });
            known.collect()
        };
        let bridges = bridges(case);
        let is_bus = |part: Part, wanted: &dyn Fn(usize) -> bool| matches!(part, Part::Bus(at) if wanted(at));
        let connected =
            |id: &EntityId| matches!(parts.get(id), Some(Part::Bus(at)) if flow.energised(*at));
        let loaded = |at: usize| {
            let bus = &case.buses[at];
            (bus.pd_mw != 0.0 || bus.qd_mvar != 0.0) && flow.energised(at)
        };
        let unheld = |at: usize| flow.energised(at) && case.buses[at].bus_type == BusType::Pq;
        let generates = |at: usize| {
            dispatch
                .station_at(at)
                .is_some_and(|station| !station.slack)
        };
        Self {
            loads: ids(&|_, part| is_bus(part, &loaded)),
            branches: ids(&|entity, part| {
                let ready = matches!(part, Part::Branch(at)
                    if case.branches[at].in_service && !bridges[at]);
                ready && entity.from.as_ref().is_some_and(connected)
            }),
            dips: ids(&|entity, part| {
                entity.entity_type == EntityType::Pq && is_bus(part, &unheld)
            }),
            generators: ids(&|entity, part| {
                entity.entity_type == EntityType::Pv && is_bus(part, &generates)
            }),
            solar: ids(&|entity, _| entity.entity_type == EntityType::Solar),
            wind: ids(&|entity, _| entity.entity_type == EntityType::Wind),
            converters: ids(&|entity, _| entity.kind == EntityKind::Converter),
            sources: ids(&|entity, _| {
                matches!(entity.entity_type, EntityType::TwoLevel | EntityType::Npc)
            }),
        }
    }

    /// The disturbance that begins by itself in second `second` of a run, at `per_hour` of them a
    /// simulated hour on average (Bernoulli trials, one a second).
    pub(super) fn draw(&self, seed: u64, second: u64, per_hour: f64) -> Option<InjectionOrder> {
        if per_hour <= 0.0 {
            return None;
        }
        let mut draws = Source::new(seed, "disturbances").at(second);
        if draws.uniform() >= per_hour / 3600.0 {
            return None;
        }
        let possible = |habit: &&Habit| !self.of(habit.kind).is_empty();
        let total: f64 = HABITS
            .iter()
            .filter(possible)
            .map(|habit| habit.weight)
            .sum();
        let mut left = draws.uniform() * total;
        let habit = HABITS.iter().filter(possible).find(|habit| {
            left -= habit.weight;
            left < 0.0
        })?;
        let entity = pick(self.of(habit.kind), draws.uniform())?.clone();
        let size = habit.size.map(|range| between(range, &mut draws));
        let duration_s = between(habit.duration_s, &mut draws);
        Some(InjectionOrder {
            kind: habit.kind,
            entity,
            field: None,
            size: size.map(|size| (size * 100.0).round() / 100.0),
            duration_s: Some(duration_s.round()),
        })
    }
}

/// The id of the entity that an injection acts on, by its place among those that it could.
fn pick(candidates: &[EntityId], uniform: f64) -> Option<&EntityId> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0..1 times a length"
    )]
    let at = (uniform * candidates.len() as f64) as usize;
    candidates.get(at.min(candidates.len().saturating_sub(1)))
}

fn between((min, max): (f64, f64), draws: &mut Draws) -> f64 {
    min + (max - min) * draws.uniform()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{grid::injection::SizeRule, plant::PlantSpec};

    #[test]
    fn they_come_at_the_given_rate_and_in_every_kind() {
        let spec = PlantSpec::default();
        let mut kinds = BTreeMap::new();
        let hours = 200;
        for second in 0..hours * 3600 {
            if let Some(order) = spec.random_injection(3, second, 12.0) {
                *kinds.entry(order.kind).or_insert(0_u32) += 1;
                if let (SizeRule::Within(range), Some(size)) = (order.kind.rule().size, order.size)
                {
                    assert!((range.min..=range.max).contains(&size), "{order:?}");
                }
            }
        }
        let count: u32 = kinds.values().sum();
        assert!((2200..2600).contains(&count), "{count} in {hours} hours");
        assert_eq!(kinds.len(), HABITS.len(), "{kinds:?}");
    }

    #[test]
    fn they_depend_on_seed_and_second_alone() {
        let spec = PlantSpec::default();
        let run = |seed| -> Vec<_> {
            (0..3600)
                .map(|second| spec.random_injection(seed, second, 60.0))
                .collect()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        assert!((0..3600).all(|second| spec.random_injection(1, second, 0.0).is_none()));
    }
}
