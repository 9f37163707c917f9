//! What can be measured at an entity: wire name, unit, meaning and normal range.

use serde::Serialize;
use utoipa::ToSchema;

/// One field of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Quantity {
    /// The field's name on the wire.
    #[schema(example = "voltageMagnitude")]
    pub field: &'static str,
    /// Its unit.
    #[schema(example = "p.u.")]
    pub unit: &'static str,
    /// What it is, with sign and reference where they matter.
    pub description: &'static str,
    /// Lower end of the normal range; values may leave it.
    pub min: f64,
    /// Upper end of the normal range; values may leave it.
    pub max: f64,
}

const fn quantity(
    field: &'static str,
    unit: &'static str,
    description: &'static str,
    min: f64,
    max: f64,
) -> Quantity {
    Quantity {
        field,
        unit,
        description,
        min,
        max,
    }
}

/// The quantities of a branch rated `rate_mva`.
#[must_use]
pub fn of_branch(rate_mva: f64) -> Vec<Quantity> {
    vec![
        quantity(
            "pFromMw",
            "MW",
            "Active power into the branch at its from end.",
            -rate_mva,
            rate_mva,
        ),
        quantity(
            "qFromMvar",
            "MVAR",
            "Reactive power into the branch at its from end.",
            -rate_mva,
            rate_mva,
        ),
        quantity(
            "pToMw",
            "MW",
            "Active power into the branch at its to end.",
            -rate_mva,
            rate_mva,
        ),
        quantity(
            "qToMvar",
            "MVAR",
            "Reactive power into the branch at its to end.",
            -rate_mva,
            rate_mva,
        ),
        quantity(
            "loadingPercent",
            "%",
            "Apparent power at the more loaded end over the rating.",
            0.0,
            100.0,
        ),
    ]
}
