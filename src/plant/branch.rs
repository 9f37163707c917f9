//! Branches: their nameplates.

use crate::{
    grid::{
        entity::{Entity, EntityKind, EntityType, Ratings},
        quantity,
        topology::TopologyBranch,
    },
    powerflow::Branch,
};

/// A branch as the outside sees it; its ends have these base voltages in kV.
pub(super) fn entity(
    branch: &Branch,
    shown: &TopologyBranch,
    ends_kv: [Option<&f64>; 2],
) -> Entity {
    let transforms = branch.ratio != 0.0 || branch.shift_degree != 0.0 || ends_kv[0] != ends_kv[1];
    Entity {
        id: shown.id.clone(),
        kind: EntityKind::Branch,
        entity_type: if transforms {
            EntityType::Transformer
        } else {
            EntityType::Line
        },
        ratings: Ratings {
            rate_mva: Some(branch.rate_a_mva),
            ..Ratings::default()
        },
        quantities: quantity::of_branch(branch.rate_a_mva),
        room: None,
        from: Some(shown.from.clone()),
        to: Some(shown.to.clone()),
    }
}
