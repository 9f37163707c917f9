//! Jumps of the grid. Where a branch trips or a fault begins, angles jump, and what a bus or converter shows
//! as its frequency, the smoothed slope of its angle, leaves that of the others for a second: no sensor does
//! that by itself.

use serde::{Deserialize, Serialize};

use super::{
    channel::Channel,
    entity::EntityState,
    model::{Row, bus},
};

/// A change of the angle between two samples of a bus that shows in its frequency, deg: smoothed over 0.3 s
/// it is 0.7 / 360 / 0.3 = 6 mHz at first, three times what noise does.
const ANGLE_DEG: f64 = 0.7;
/// A change of the magnitude between two samples that a fault or a switched branch makes, p.u.: nearly 40
/// standard deviations of the nameplates' noise.
const VOLTAGE_PU: f64 = 0.015;
/// Samples of the buses for which it shows: the one that follows the jump and the next.
const SAMPLES: u8 = 2;

/// Whether the grid has jumped a moment ago.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Unrest {
    /// Samples of the buses for which the jump still shows.
    left: u8,
}

impl Unrest {
    /// Compares the samples of all buses with those before.
    pub(super) fn look<C, M>(&mut self, buses: &[EntityState<C, M>], rows: &[Option<Row>]) {
        let jumped = buses.iter().zip(rows).any(|(before, now)| {
            let change = |field: usize| match (before.last[field], now) {
                (Some(before), Some(now)) => (now.get(field) - before).abs(),
                _ => 0.0,
            };
            change(bus::ANGLE) > ANGLE_DEG || change(bus::VOLTAGE) > VOLTAGE_PU
        });
        self.left = if jumped {
            SAMPLES
        } else {
            self.left.saturating_sub(1)
        };
    }

    /// Takes what seems odd about the frequency, which `channel` judges, for the jump that it is.
    pub(super) fn explain<C: Channel, M>(&self, states: &mut [EntityState<C, M>], channel: C) {
        if self.left == 0 {
            return;
        }
        for state in states {
            if state.tracks[channel].is_suspicious() {
                state.tracks[channel].explain();
            }
        }
    }
}
