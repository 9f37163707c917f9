//! What the grid does to all converters at one instant.

use super::{
    channels::ConverterChannel,
    knowledge::{ConverterKnowledge, is_three_phase},
    memory::ConverterState,
    powers::noise_of,
};
use crate::detect::{
    common::{Common, CommonMemory},
    model::{Row, converter},
    statistics::square,
};

/// A step of the grid voltage between two samples, as a share of nominal: that moves DC links and modulation.
/// The difference of two samples has a tenth of that as its standard deviation.
const STEP: f64 = 0.015;
/// Standard deviations by which the voltage at another converter moves when it is the grid that moves. Normal
/// noise does so once in 80 samples.
const MOVE_ELSEWHERE: f64 = 2.5;

/// What the grid does at one instant.
pub(super) struct GridNow {
    /// Whether the voltage has stepped somewhere. That moves also DC links that another converter feeds.
    pub(super) steps: bool,
    /// By how many standard deviations the voltage of each converter has moved.
    voltage_moves: Vec<f64>,
    /// The frequency.
    pub(super) frequency: Common<ConverterChannel>,
}

impl GridNow {
    /// What the samples of all converters show.
    pub(super) fn new(
        known: &ConverterKnowledge,
        states: &[ConverterState],
        frequency: &mut CommonMemory,
        rows: &[Option<Row>],
    ) -> Self {
        let channel = ConverterChannel::Frequency;
        Self {
            steps: steps(known, states, rows),
            voltage_moves: voltage_moves(known, states, rows),
            frequency: Common::new(known.noise, frequency, states, rows, channel),
        }
    }

    /// Whether the voltage moves at another converter than this.
    pub(super) fn voltage_moves_elsewhere(&self, entity: usize) -> bool {
        self.voltage_moves
            .iter()
            .enumerate()
            .any(|(other, moves)| other != entity && *moves > MOVE_ELSEWHERE)
    }
}

fn steps(known: &ConverterKnowledge, states: &[ConverterState], rows: &[Option<Row>]) -> bool {
    let mut all = known.models.iter().zip(states).zip(rows);
    all.any(|((model, state), row)| {
        let (Some(row), Some(last)) = (row, state.last[converter::GRID_VOLTAGE]) else {
            return false;
        };
        (row.get(converter::GRID_VOLTAGE) - last).abs() > STEP * model.grid_voltage_v
    })
}

fn voltage_moves(
    known: &ConverterKnowledge,
    states: &[ConverterState],
    rows: &[Option<Row>],
) -> Vec<f64> {
    let channel = ConverterChannel::GridVoltage;
    let all = known.models.iter().zip(states).zip(rows);
    all.map(|((model, state), row)| {
        let noise2 = square(noise_of(known.noise, model, channel));
        match row {
            Some(row) if is_three_phase(model) => {
                let past = state.memory.past(channel);
                past.moved(row.get(converter::GRID_VOLTAGE), noise2)
            }
            _ => 0.0,
        }
    })
    .collect()
}
