//! What all detectors have learnt.

use serde::{Deserialize, Serialize};

use super::{
    alert::SampleAt,
    bus::BusState,
    channel::Channel,
    common::CommonMemory,
    converter::ConverterState,
    entity::EntityState,
    model::{Row, StreamKind},
    noise_level::NoiseLevel,
    res::UnitState,
    unrest::Unrest,
};

/// What the detectors have learnt, and what alarms. Restores bit-identically.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectorsState {
    /// By bus.
    pub(super) buses: StreamState<BusState>,
    /// The frequency that all buses have in common.
    pub(super) bus_frequency: CommonMemory,
    /// By converter.
    pub(super) converters: StreamState<ConverterState>,
    /// The frequency that all converters have in common.
    pub(super) converter_frequency: CommonMemory,
    /// By renewable unit.
    pub(super) units: StreamState<UnitState>,
    /// Whether the grid has jumped a moment ago.
    pub(super) unrest: Unrest,
}

impl DetectorsState {
    /// A state that has learnt nothing of so many entities.
    pub(super) fn new(buses: usize, converters: usize, units: usize) -> Self {
        Self {
            buses: StreamState::new(StreamKind::Bus, buses),
            bus_frequency: CommonMemory::default(),
            converters: StreamState::new(StreamKind::Converter, converters),
            converter_frequency: CommonMemory::default(),
            units: StreamState::new(StreamKind::Res, units),
            unrest: Unrest::default(),
        }
    }
}

/// What is known of the entities of one stream. `E` is the state of one of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct StreamState<E> {
    /// By entity, in the order of the models.
    pub(super) entities: Vec<E>,
    /// Step of the last row.
    last_step: Option<u64>,
    /// How strong the noise is.
    pub(super) noise: NoiseLevel,
}

impl<C: Channel, M: Clone + Default> StreamState<EntityState<C, M>> {
    fn new(kind: StreamKind, count: usize) -> Self {
        Self {
            entities: vec![EntityState::new(kind.stream().fields.len()); count],
            last_step: None,
            noise: NoiseLevel::new(),
        }
    }

    /// Whether the last row was that of this step.
    pub(super) fn is_at(&self, step: u64) -> bool {
        self.last_step == Some(step)
    }

    /// The rows of a step begin.
    pub(super) fn begin(&mut self, stream: StreamKind, step: u64) -> SampleAt {
        let stride = self.last_step.map_or(1, |last| step.saturating_sub(last));
        self.last_step = Some(step);
        SampleAt {
            stream,
            entity: 0,
            step,
            stride,
        }
    }

    /// Keeps the rows of a step that have been judged.
    pub(super) fn end(&mut self, rows: &[Option<Row>]) {
        self.noise.learn(&mut self.entities);
        for (state, row) in self.entities.iter_mut().zip(rows) {
            if let Some(row) = row {
                state.keep(row);
            }
        }
    }
}
