//! The channels of a renewable unit.

use serde::{Deserialize, Serialize};

use crate::detect::{
    channel::Channel,
    model::res,
    track::{Level, PATIENCE, Spec},
};

/// A residual of a renewable unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::detect) enum UnitChannel {
    /// Generation against weather, kW. Where the model is not exact, their ratio less 1.
    Generation,
    /// Utilization factor against generation over capacity. No unit.
    Utilization,
    /// Air temperature against its own past, K.
    Air,
}

/// Channel, the field at fault, and how the channel is judged for a unit of whose model the share `uncertainty`
/// is not known. An alert about generation may instead concern the field of the weather.
const CHANNELS: [(UnitChannel, usize, SpecOf); 3] = [
    (UnitChannel::Generation, res::GENERATION, generation),
    (UnitChannel::Utilization, res::UTILIZATION, utilization),
    (UnitChannel::Air, res::TEMPERATURE, air),
];

/// How a channel is judged, from the uncertainty of the unit's model.
type SpecOf = fn(f64) -> Spec;

/// A residual that should be zero. Normal noise makes a jump once in 5e8 samples. A run whose noise is weaker
/// than 0.4 times that of the nameplates is judged as if it were not.
const EXACT: Spec = Spec {
    level: Level::Exact { offset: 1.0 },
    jump: 6.0,
    floor: 0.4,
    noise: true,
};
/// Generation of a turbine: wind does between samples what no model knows, so more is needed for a jump.
const TURBINE: Spec = Spec { jump: 6.5, ..EXACT };
/// Share of a new value in the level of an inexact relation, which so covers the last 3 samples.
const LOOSE_GAIN: f64 = 0.35;
/// Standard deviations of that level that make a drift: more than elsewhere, since such models err slowly.
const LOOSE_DRIFT: f64 = 7.0;
/// Samples after which air that stays other than it was is taken for what it is: 200 s at speed 1.
const AIR_PATIENCE: u32 = 100;
/// The air against its own past. The level is known less well than one that a relation gives, so the noise is
/// taken to be at least half of that of the nameplates.
const AIR: Spec = Spec {
    level: Level::Past {
        patience: AIR_PATIENCE,
    },
    jump: 6.0,
    floor: 0.5,
    noise: true,
};

/// Generation relative to a model that is not exact wanders.
fn generation(uncertainty: f64) -> Spec {
    if uncertainty > 0.0 {
        Spec {
            level: Level::Wanders {
                gain: LOOSE_GAIN,
                spread: uncertainty,
                drift: LOOSE_DRIFT,
                patience: PATIENCE,
            },
            ..EXACT
        }
    } else {
        TURBINE
    }
}

fn utilization(_: f64) -> Spec {
    EXACT
}

fn air(_: f64) -> Spec {
    AIR
}

impl UnitChannel {
    /// How it is judged.
    pub(super) fn spec(self, uncertainty: f64) -> Spec {
        CHANNELS[self.index()].2(uncertainty)
    }
}

impl Channel for UnitChannel {
    const ALL: &'static [Self] = &[CHANNELS[0].0, CHANNELS[1].0, CHANNELS[2].0];

    fn index(self) -> usize {
        self as usize
    }

    fn field(self) -> usize {
        CHANNELS[self.index()].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_order_of_the_channels() {
        for (at, channel) in UnitChannel::ALL.iter().enumerate() {
            assert_eq!(channel.index(), at);
        }
    }
}
