//! What disturbances do at present, each at its place in the models.

use serde::{Deserialize, Serialize};

use crate::grid::injection::{InjectionKind, InjectionOrder};

use super::{PlantSpec, spec::Place};

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
        for order in orders.filter(|order| !order.kind.is_sensor()) {
            let size = order.size.unwrap_or(0.0);
            match (order.kind, spec.place_of(order.entity.as_str())) {
                (InjectionKind::LoadStep, Some(Place::Bus(at))) => {
                    acting.load_steps.push((at, 1.0 + size));
                }
                (InjectionKind::BranchTrip, Some(Place::Branch(at))) => acting.outages.push(at),
                (InjectionKind::VoltageDip, Some(Place::Bus(at))) => acting.dips.push((at, size)),
                (InjectionKind::GeneratorLoss, Some(Place::Bus(at))) => {
                    acting.losses.push((at, size));
                }
                (InjectionKind::CloudFront, Some(Place::Solar(at))) => {
                    acting.clouds.push((at, size));
                }
                (InjectionKind::Gust, Some(Place::Wind(at))) => acting.gusts.push((at, size)),
                (InjectionKind::FanFailure, Some(Place::Converter(at))) => {
                    acting.fans.push((at, size));
                }
                (InjectionKind::DcSourceLoss, Some(Place::Converter(at))) => {
                    acting.sources.push((at, 1.0 - size));
                }
                _ => {}
            }
        }
        acting
    }
}

/// The factor at a place, `neutral` where there is none.
pub(super) fn at_place(factors: &[(usize, f64)], place: usize, neutral: f64) -> f64 {
    let found = factors.iter().find(|(at, _)| *at == place);
    found.map_or(neutral, |(_, factor)| *factor)
}
