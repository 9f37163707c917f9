//! What disturbances do at present, each at its place in the models.

use serde::{Deserialize, Serialize};

use crate::grid::injection::{InjectionKind, InjectionOrder};

use super::{inventory::Part, spec::PlantSpec};

/// The index of a part, if it is of this kind.
macro_rules! matching {
    ($part:expr, $kind:path) => {
        match $part {
            $kind(at) => Some(at),
            _ => None,
        }
    };
}

/// What disturbances do at present, each at its place.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Acting {
    pub(super) load_steps: Vec<(usize, f64)>,
    pub(super) outages: Vec<usize>,
    pub(super) dips: Vec<(usize, f64)>,
    pub(super) losses: Vec<(usize, f64)>,
    pub(super) clouds: Vec<(usize, f64)>,
    pub(super) gusts: Vec<(usize, f64)>,
    pub(super) fans: Vec<(usize, f64)>,
    pub(super) sources: Vec<(usize, f64)>,
}

impl Acting {
    pub(super) fn of<'a>(
        spec: &PlantSpec,
        orders: impl Iterator<Item = &'a InjectionOrder>,
    ) -> Self {
        let mut acting = Self::default();
        for order in orders {
            if let Some(part) = spec.part_of(order.entity.as_str()) {
                acting.add(order.kind, part, order.size.unwrap_or(0.0));
            }
        }
        acting
    }

    /// Lets a kind act at a part of the plant. What is placed has been checked, so it stands where the kind may be.
    fn add(&mut self, kind: InjectionKind, part: Part, size: f64) {
        let bus = matching!(part, Part::Bus);
        let converter = matching!(part, Part::Converter);
        match kind {
            InjectionKind::LoadStep => self.load_steps.extend(bus.map(|at| (at, 1.0 + size))),
            InjectionKind::BranchTrip => self.outages.extend(matching!(part, Part::Branch)),
            InjectionKind::VoltageDip => self.dips.extend(bus.map(|at| (at, size))),
            InjectionKind::GeneratorLoss => self.losses.extend(bus.map(|at| (at, size))),
            InjectionKind::CloudFront => {
                let unit = matching!(part, Part::Solar);
                self.clouds.extend(unit.map(|at| (at, size)));
            }
            InjectionKind::Gust => {
                let unit = matching!(part, Part::Wind);
                self.gusts.extend(unit.map(|at| (at, size)));
            }
            InjectionKind::FanFailure => self.fans.extend(converter.map(|at| (at, size))),
            InjectionKind::DcSourceLoss => {
                self.sources.extend(converter.map(|at| (at, 1.0 - size)));
            }
            // What sensors show is altered where they are read.
            InjectionKind::Spike
            | InjectionKind::LevelShift
            | InjectionKind::Drift
            | InjectionKind::NoiseBurst
            | InjectionKind::Oscillation
            | InjectionKind::Stuck
            | InjectionKind::Missing => {}
        }
    }
}

/// The factor at a place, `neutral` where there is none.
pub(super) fn at_place(factors: &[(usize, f64)], place: usize, neutral: f64) -> f64 {
    let found = factors.iter().find(|(at, _)| *at == place);
    found.map_or(neutral, |(_, factor)| *factor)
}
