//! All detectors at work: one row of samples in, what begins and ends out.

use super::{
    alert::AnomalyChange,
    bus::{self, BusChannel, BusKnowledge},
    converter::{self, ConverterChannel, ConverterKnowledge},
    elsewhere::Elsewhere,
    missing,
    model::{Converter, EntityModel, Noise, Nominal, Row, StreamKind},
    network::Parity,
    res::{self, UnitKnowledge},
    state::DetectorsState,
};
use crate::grid::topology::Topology;

/// What is known in advance of all entities. Cheap to keep, costly to build: it holds the factorised
/// network.
#[derive(Debug, Clone)]
pub struct Detectors {
    noise: Noise,
    buses: Vec<EntityModel>,
    converters: Vec<Converter>,
    units: Vec<Nominal>,
    parity: Option<Parity>,
}

impl Detectors {
    /// Detectors for these entities. Rows of a stream come in the order in which its entities stand here.
    #[must_use]
    pub fn new(models: &[EntityModel], noise: Noise) -> Self {
        let of = |kind| models.iter().filter(move |model| model.kind() == kind);
        Self {
            noise,
            buses: of(StreamKind::Bus).cloned().collect(),
            converters: of(StreamKind::Converter)
                .filter_map(|model| match &model.nominal {
                    Nominal::Converter(converter) => Some(*converter),
                    _ => None,
                })
                .collect(),
            units: of(StreamKind::Res)
                .map(|model| model.nominal.clone())
                .collect(),
            parity: None,
        }
    }

    /// Takes the network as it is from the next bus row on; to be called again when a branch or a generator
    /// goes out of or into service. Without a network, or with one that does not hold exactly the buses of
    /// the models, each bus is compared with its own past only.
    pub fn set_network(&mut self, topology: &Topology, base_mva: f64) {
        let ids: Vec<&str> = self.buses.iter().map(|bus| bus.id.as_str()).collect();
        let power: Vec<Option<f64>> = self
            .buses
            .iter()
            .map(|bus| match bus.nominal {
                Nominal::Bus { power_noise_mw, .. } => power_noise_mw,
                _ => None,
            })
            .collect();
        self.parity = Parity::new(topology, base_mva, &ids, &self.noise, &power);
    }

    /// A state that has learnt nothing.
    #[must_use]
    pub fn state(&self) -> DetectorsState {
        DetectorsState::new(self.buses.len(), self.converters.len(), self.units.len())
    }

    /// Takes all samples of one stream at one instant, in the order of the models; `None` where a sample is
    /// missing. `step` is the step or tick of the instant, `dt_s` the simulated seconds since the previous
    /// row of this stream.
    pub fn observe(
        &self,
        state: &mut DetectorsState,
        kind: StreamKind,
        step: u64,
        dt_s: f64,
        rows: &[Option<Row>],
    ) -> Vec<AnomalyChange> {
        let mut changes = Vec::new();
        match kind {
            StreamKind::Bus => self.observe_buses(state, step, rows, &mut changes),
            StreamKind::Converter => {
                self.observe_converters(state, step, dt_s, rows, &mut changes);
            }
            StreamKind::Res => self.observe_units(state, step, dt_s, rows, &mut changes),
        }
        let DetectorsState {
            unrest,
            buses,
            converters,
            ..
        } = state;
        unrest.explain(&mut buses.entities, BusChannel::Frequency);
        unrest.explain(&mut converters.entities, ConverterChannel::Frequency);
        changes
    }

    fn observe_buses(
        &self,
        state: &mut DetectorsState,
        step: u64,
        rows: &[Option<Row>],
        changes: &mut Vec<AnomalyChange>,
    ) {
        let stream = &mut state.buses;
        state.unrest.look(&stream.entities, rows);
        let at = stream.begin(StreamKind::Bus, step);
        let parity = self.parity.as_ref();
        let is_supplied = |bus| parity.is_none_or(|parity| parity.is_supplied(bus));
        let known = BusKnowledge {
            noise: &self.noise.scaled(stream.noise.factor()),
            factor: stream.noise.factor(),
            parity,
        };
        missing::watch(&mut stream.entities, rows, at, is_supplied, changes);
        let frequency = &mut state.bus_frequency;
        bus::observe(&known, &mut stream.entities, frequency, rows, at, changes);
        stream.end(rows);
    }

    fn observe_converters(
        &self,
        state: &mut DetectorsState,
        step: u64,
        dt_s: f64,
        rows: &[Option<Row>],
        changes: &mut Vec<AnomalyChange>,
    ) {
        let elsewhere = Elsewhere::at(step, state);
        let stream = &mut state.converters;
        let at = stream.begin(StreamKind::Converter, step);
        let known = ConverterKnowledge {
            noise: &self.noise.scaled(stream.noise.factor()),
            models: &self.converters,
            bus_voltage_pu: &elsewhere.bus_voltage_pu,
            generation_kw: &elsewhere.generation_kw,
            air_c: &elsewhere.air_c,
            dt_s,
        };
        missing::watch(&mut stream.entities, rows, at, |_| true, changes);
        let frequency = &mut state.converter_frequency;
        converter::observe(&known, &mut stream.entities, frequency, rows, at, changes);
        stream.end(rows);
    }

    fn observe_units(
        &self,
        state: &mut DetectorsState,
        step: u64,
        dt_s: f64,
        rows: &[Option<Row>],
        changes: &mut Vec<AnomalyChange>,
    ) {
        let stream = &mut state.units;
        let at = stream.begin(StreamKind::Res, step);
        let known = UnitKnowledge {
            noise: &self.noise.scaled(stream.noise.factor()),
            models: &self.units,
            dt_s,
        };
        missing::watch(&mut stream.entities, rows, at, |_| true, changes);
        res::observe(&known, &mut stream.entities, rows, at, changes);
        stream.end(rows);
    }
}

#[cfg(test)]
mod tests;
