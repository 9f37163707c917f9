//! Samples: the state of the plant as sensors see it.

use crate::{
    grid::{
        entity::{EntityId, EntityKind, EntityType},
        stream::{self, bus, converter},
        telemetry::{Row, Sample},
        time::Timestamp,
    },
    random::{Draws, Source},
};

use super::{
    Plant,
    measurement::{
        BUS_ANGLE, BUS_VOLTAGE, FREQUENCY, GENERATION, IRRADIANCE, Scale, Sigma, TEMPERATURE, THD,
        WIND_SPEED,
    },
    spec::{ConverterKind, PlantSpec},
    state::ConverterState,
};

/// What sensors there are: the noise of each has its own random numbers.
#[derive(Debug)]
pub(super) struct Sensors {
    buses: Vec<Sensor>,
    converters: Vec<Sensor>,
    solar: Vec<Source>,
    wind: Vec<Source>,
}

#[derive(Debug)]
struct Sensor {
    source: Source,
    scale: Scale,
}

impl Sensors {
    pub(super) fn new(spec: &PlantSpec, seed: u64) -> Self {
        let source = |id: &EntityId| Source::new(seed, &format!("measurement/{id}"));
        let buses = spec.topology().buses.iter().enumerate();
        let converters = spec.converters.iter();
        Self {
            buses: buses
                .map(|(at, bus)| Sensor {
                    source: source(&bus.id),
                    scale: spec.bus_scale(at),
                })
                .collect(),
            converters: converters
                .map(|unit| Sensor {
                    source: source(&unit.id),
                    scale: unit.scale(),
                })
                .collect(),
            solar: spec.solar.iter().map(|unit| source(&unit.id)).collect(),
            wind: spec.wind.iter().map(|unit| source(&unit.id)).collect(),
        }
    }
}

/// The noise of one sample.
struct Noise {
    draws: Draws,
    factor: f64,
}

impl Noise {
    fn on(&mut self, value: f64, sigma: Sigma) -> f64 {
        if self.factor == 0.0 {
            return value;
        }
        value + self.factor * sigma.at(value) * self.draws.normal()
    }
}

/// Adds a sample of each entity of a kind.
pub(super) fn sample(
    plant: &Plant,
    kind: EntityKind,
    timestamp: Timestamp,
    samples: &mut Vec<Sample>,
) {
    match kind {
        EntityKind::Bus => buses(plant, timestamp, samples),
        EntityKind::Converter => converters(plant, timestamp, samples),
        EntityKind::ResUnit => {
            solar(plant, timestamp, samples);
            wind(plant, timestamp, samples);
        }
        EntityKind::Branch => {}
    }
}

/// What the sensors of an entity, by its place among those of its kind, would show without noise, as far as
/// limits look at it; nothing where nothing is sampled or no limit is known.
pub(super) fn noiseless(plant: &Plant, kind: EntityKind, at: usize) -> Option<Row> {
    let mut row = Row::EMPTY;
    match kind {
        EntityKind::Bus => {
            if !plant.network.flow.energised(at) {
                return None;
            }
            let (voltage_pu, frequency_hz) = plant.grid_at(at);
            row.values[bus::VOLTAGE] = voltage_pu;
            row.values[bus::FREQUENCY] = frequency_hz;
        }
        EntityKind::Converter => {
            let truth = Truth::of(plant, at)?;
            row.values[converter::DC_VOLTAGE] = truth.dc_v;
            row.values[converter::CURRENT_D] = truth.current_d_a;
            row.values[converter::CURRENT_Q] = truth.current_q_a.unwrap_or(0.0);
            row.values[converter::FREQUENCY] = truth.frequency_hz;
            row.values[converter::TEMPERATURE] = truth.heat_sink_c;
        }
        EntityKind::ResUnit | EntityKind::Branch => return None,
    }
    Some(row)
}

fn noise(plant: &Plant, source: &Source) -> Noise {
    Noise {
        draws: source.at(plant.state.steps),
        factor: plant.settings.noise,
    }
}

fn buses(plant: &Plant, timestamp: Timestamp, samples: &mut Vec<Sample>) {
    let flow = &plant.network.flow;
    let count = flow.buses();
    let [p_mw, q_mvar] = if let Some(last) = &plant.state.unsolved {
        // Voltages and powers of one solution, though the network may have changed since.
        last.net.clone()
    } else {
        let (mut p_mw, mut q_mvar) = (vec![0.0; count], vec![0.0; count]);
        flow.injections(&mut p_mw, &mut q_mvar);
        [p_mw, q_mvar]
    };
    let system_hz = plant.spec.frequency.frequency_hz(&plant.state.frequency);
    let topology = plant.topology();
    for (at, bus) in topology.buses.iter().enumerate() {
        if !flow.energised(at) {
            continue;
        }
        let sensor = &plant.sensors.buses[at];
        let mut noise = noise(plant, &sensor.source);
        let power = sensor.scale.bus_power();
        let frequency_hz = system_hz + plant.state.bus_frequency[at].deviation_hz;
        samples.push(Sample {
            entity: bus.id.clone(),
            stream: &stream::BUS,
            entity_type: bus.bus_type,
            capacity_kw: 0.0,
            row: Row::of(&[
                noise.on(flow.vm_pu()[at], BUS_VOLTAGE),
                noise.on(flow.va_rad()[at].to_degrees(), BUS_ANGLE),
                noise.on(frequency_hz, FREQUENCY),
                noise.on(p_mw[at], power),
                noise.on(q_mvar[at], power),
            ]),
            stale: !plant.converged(),
            timestamp,
        });
    }
}

fn converters(plant: &Plant, timestamp: Timestamp, samples: &mut Vec<Sample>) {
    for (at, unit) in plant.spec.converters.iter().enumerate() {
        let Sensor { source, scale } = &plant.sensors.converters[at];
        let mut noise = noise(plant, source);
        let Some(truth) = Truth::of(plant, at) else {
            continue;
        };
        samples.push(Sample {
            entity: unit.id.clone(),
            stream: &stream::CONVERTER,
            entity_type: unit.entity_type(),
            capacity_kw: 0.0,
            row: truth.measured(&mut noise, scale),
            stale: !plant.converged(),
            timestamp,
        });
    }
}

/// What is true of a converter; nothing where there is no AC side.
struct Truth {
    dc_v: f64,
    current_d_a: f64,
    current_q_a: Option<f64>,
    active_kw: f64,
    reactive_kvar: Option<f64>,
    thd_percent: f64,
    heat_sink_c: f64,
    terminal_v: f64,
    frequency_hz: f64,
}

impl Truth {
    /// What is true of the converter at a place.
    fn of(plant: &Plant, at: usize) -> Option<Self> {
        let unit = plant.spec.converters.get(at)?;
        let (voltage_pu, frequency_hz) = plant.grid_at(unit.bus);
        match (&unit.kind, plant.state.converters.get(at)?) {
            (ConverterKind::Grid { converter, .. }, ConverterState::Grid(state)) => {
                let readings = state.readings();
                // Currents are the converter's; its power is that at the bus's present voltage.
                let peak_v = voltage_pu * converter.parameters().nominal_peak_v();
                Some(Self {
                    dc_v: readings.dc_v,
                    current_d_a: readings.current_d_a,
                    current_q_a: Some(readings.current_q_a),
                    active_kw: 1.5e-3 * peak_v * readings.current_d_a,
                    reactive_kvar: Some(-1.5e-3 * peak_v * readings.current_q_a),
                    thd_percent: readings.thd_percent,
                    heat_sink_c: readings.heat_sink_c,
                    terminal_v: peak_v,
                    frequency_hz,
                })
            }
            (_, ConverterState::Buck(state)) => {
                let readings = state.readings();
                Some(Self {
                    dc_v: readings.input_v,
                    current_d_a: readings.inductor_a,
                    current_q_a: None,
                    active_kw: readings.output_w / 1000.0,
                    reactive_kvar: None,
                    thd_percent: readings.ripple_percent,
                    heat_sink_c: readings.heat_sink_c,
                    terminal_v: readings.output_v,
                    frequency_hz,
                })
            }
            // A converter and its state are of one kind.
            _ => None,
        }
    }

    fn measured(&self, noise: &mut Noise, scale: &Scale) -> Row {
        let (current, power) = (scale.current(), scale.converter_power());
        Row::of(&[
            noise.on(self.dc_v, scale.dc_voltage()),
            noise.on(self.current_d_a, current),
            self.current_q_a
                .map_or(0.0, |value| noise.on(value, current)),
            noise.on(self.active_kw, power),
            self.reactive_kvar
                .map_or(0.0, |value| noise.on(value, power)),
            noise.on(self.frequency_hz, FREQUENCY),
            noise.on(self.thd_percent, THD).max(0.0),
            noise.on(self.heat_sink_c, TEMPERATURE),
            noise.on(self.terminal_v, scale.terminal_voltage()).max(0.0),
        ])
    }
}

fn solar(plant: &Plant, timestamp: Timestamp, samples: &mut Vec<Sample>) {
    for (at, unit) in plant.spec.solar.iter().enumerate() {
        let mut noise = noise(plant, &plant.sensors.solar[at]);
        let readings = &plant.state.solar[at].1;
        let capacity = unit.plant.parameters().capacity_kw;
        let generation = noise
            .on(readings.generation_kw, GENERATION)
            .clamp(0.0, capacity);
        samples.push(Sample {
            entity: unit.id.clone(),
            stream: &stream::RES_UNIT,
            entity_type: EntityType::Solar,
            capacity_kw: capacity,
            row: Row::of(&[
                generation,
                generation / capacity,
                noise.on(readings.irradiance_w_m2, IRRADIANCE).max(0.0),
                f64::NAN,
                noise.on(readings.air_c, TEMPERATURE),
            ]),
            stale: false,
            timestamp,
        });
    }
}

fn wind(plant: &Plant, timestamp: Timestamp, samples: &mut Vec<Sample>) {
    for (at, unit) in plant.spec.wind.iter().enumerate() {
        let mut noise = noise(plant, &plant.sensors.wind[at]);
        let readings = &plant.state.wind[at].1;
        let capacity = unit.turbine.parameters().capacity_kw;
        let generation = noise
            .on(readings.generation_kw, GENERATION)
            .clamp(0.0, capacity);
        samples.push(Sample {
            entity: unit.id.clone(),
            stream: &stream::RES_UNIT,
            entity_type: EntityType::Wind,
            capacity_kw: capacity,
            row: Row::of(&[
                generation,
                generation / capacity,
                f64::NAN,
                noise.on(readings.wind_speed_ms, WIND_SPEED).max(0.0),
                noise.on(readings.air_c, TEMPERATURE),
            ]),
            stale: false,
            timestamp,
        });
    }
}
