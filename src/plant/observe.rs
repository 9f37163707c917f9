//! Samples of the whole plant at one instant.

use crate::{
    grid::{
        entity::EntityKind,
        telemetry::{Row, Sample},
        time::Timestamp,
    },
    random::Source,
};

use super::{
    bus::{self, BusTruth},
    converter::unit::ConverterTruth,
    measurement::Sampling,
    system::Plant,
};

impl Plant {
    /// Adds a sample of each entity of a kind.
    pub fn sample(&self, kind: EntityKind, timestamp: Timestamp, samples: &mut Vec<Sample>) {
        let sampling = Sampling {
            steps: self.state.steps,
            noise: self.settings.noise,
            stale: !self.converged(),
            timestamp,
        };
        match kind {
            EntityKind::Bus => self.sample_buses(&sampling, samples),
            EntityKind::Converter => self.sample_converters(&sampling, samples),
            EntityKind::ResUnit => self.sample_units(&sampling, samples),
            EntityKind::Branch => {}
        }
    }

    /// What limits look at of an entity, by its place among those of its kind, as its sensors would show it
    /// without noise; nothing where nothing is sampled, or limits look at nothing.
    #[must_use]
    pub fn noiseless(&self, kind: EntityKind, at: usize) -> Option<Row> {
        match kind {
            EntityKind::Bus => {
                let (voltage_pu, frequency_hz) = self.grid_at(at);
                let supplied = self.network.flow.energised(at);
                supplied.then(|| bus::noiseless(voltage_pu, frequency_hz))
            }
            EntityKind::Converter => self.truth_of(at).map(|truth| truth.noiseless()),
            EntityKind::ResUnit | EntityKind::Branch => None,
        }
    }

    fn truth_of(&self, converter: usize) -> Option<ConverterTruth> {
        let unit = self.spec.converters.get(converter)?;
        let (voltage_pu, frequency_hz) = self.grid_at(unit.bus);
        let state = self.state.converters.get(converter)?;
        ConverterTruth::of(unit, state, voltage_pu, frequency_hz)
    }

    fn sample_buses(&self, sampling: &Sampling, samples: &mut Vec<Sample>) {
        let flow = &self.network.flow;
        let count = flow.buses();
        let [p_mw, q_mvar] = if let Some(last) = &self.state.unsolved {
            // Voltages and powers of one solution, though the network may have changed since.
            last.net.clone()
        } else {
            let (mut p_mw, mut q_mvar) = (vec![0.0; count], vec![0.0; count]);
            flow.injections(&mut p_mw, &mut q_mvar);
            [p_mw, q_mvar]
        };
        let system_hz = self.spec.frequency.frequency_hz(&self.state.frequency);
        for (at, shown) in self.topology().buses.iter().enumerate() {
            if !flow.energised(at) {
                continue;
            }
            let truth = BusTruth {
                voltage_pu: flow.vm_pu()[at],
                angle_rad: flow.va_rad()[at],
                frequency_hz: system_hz + self.state.bus_frequency[at].deviation_hz,
                active_mw: p_mw[at],
                reactive_mvar: q_mvar[at],
            };
            let noise = sampling.noise(&self.sensors.buses[at]);
            samples.push(truth.sample(shown, sampling, noise, self.spec.bus_power_sigma(at)));
        }
    }

    fn sample_converters(&self, sampling: &Sampling, samples: &mut Vec<Sample>) {
        for (at, unit) in self.spec.converters.iter().enumerate() {
            if let Some(truth) = self.truth_of(at) {
                let noise = sampling.noise(&self.sensors.converters[at]);
                samples.push(unit.sample(&truth, sampling, noise));
            }
        }
    }

    fn sample_units(&self, sampling: &Sampling, samples: &mut Vec<Sample>) {
        let noise = |sensor: &Source| sampling.noise(sensor);
        let solar = self.spec.solar.iter().zip(&self.state.solar);
        for ((unit, (_, readings)), sensor) in solar.zip(&self.sensors.solar) {
            samples.push(unit.sample(readings, sampling, noise(sensor)));
        }
        let wind = self.spec.wind.iter().zip(&self.state.wind);
        for ((unit, (_, readings)), sensor) in wind.zip(&self.sensors.wind) {
            samples.push(unit.sample(readings, sampling, noise(sensor)));
        }
    }
}
