use super::*;
use crate::{
    detect::{
        DetectorsState, Row,
        model::{Converter, Thermal, Wind, bus, converter, res},
    },
    grid::alert::{AnomalyPhase, AnomalyType},
    random::Source,
};

fn buses(count: usize) -> Vec<EntityModel> {
    (0..count)
        .map(|at| EntityModel {
            id: format!("BUS-{at:03}").into(),
            nominal: Nominal::Bus {
                frequency_hz: 50.0,
                power_noise_mw: None,
            },
        })
        .collect()
}

fn turbine() -> Vec<EntityModel> {
    vec![EntityModel {
        id: "WIND-001".into(),
        nominal: Nominal::Wind(Wind {
            capacity_kw: 150.0,
            curve: vec![(3.0, 0.0), (12.5, 150.0), (25.0, 150.0)],
            pressure_hpa: None,
            lag_s: 0.0,
        }),
    }]
}

/// Noisy bus rows around nominal.
fn bus_row(source: &Source, step: u64) -> Row {
    let mut draws = source.at(step);
    let mut row = Row::EMPTY;
    row.values[bus::VOLTAGE] = 1.0 + 4e-4 * draws.normal();
    row.values[bus::ANGLE] = -3.0 + 0.02 * draws.normal();
    row.values[bus::FREQUENCY] = 50.0 + 2.2e-3 * draws.normal();
    row.values[bus::ACTIVE_POWER] = -90.0 + 0.3 * draws.normal();
    row.values[bus::REACTIVE_POWER] = -30.0 + 0.3 * draws.normal();
    row
}

fn wind_row(generation: f64, speed: f64, air: f64) -> Row {
    let mut row = Row::EMPTY;
    row.values[res::GENERATION] = generation;
    row.values[res::UTILIZATION] = generation / 150.0;
    row.values[res::WIND_SPEED] = speed;
    row.values[res::TEMPERATURE] = air;
    row
}

#[test]
fn missing_samples_are_raised_once_and_cleared() {
    let detectors = Detectors::new(&buses(2), Noise::default());
    let mut state = detectors.state();
    let sources = [Source::new(1, "a"), Source::new(1, "b")];
    let mut changes = Vec::new();
    for step in 0..40 {
        let rows = [0, 1].map(|at| {
            let missing = at == 1 && (20..25).contains(&step);
            (!missing).then(|| bus_row(&sources[at], step))
        });
        changes.extend(detectors.observe(&mut state, StreamKind::Bus, 10 * step, 1.0, &rows));
    }
    let seen: Vec<_> = changes
        .iter()
        .map(|change| {
            (
                change.entity,
                change.field,
                change.kind,
                change.phase,
                change.onset_step,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (1, None, AnomalyType::Missing, AnomalyPhase::Raised, 200),
            (1, None, AnomalyType::Missing, AnomalyPhase::Cleared, 200),
        ]
    );
}

#[test]
fn the_frequency_of_one_bus_cannot_leave_the_others() {
    let detectors = Detectors::new(&buses(4), Noise::default());
    let mut state = detectors.state();
    let sources: Vec<Source> = (0..4).map(|at| Source::new(at, "bus")).collect();
    let mut changes = Vec::new();
    for step in 0..300 {
        let rows: Vec<_> = (0..4)
            .map(|at| {
                let mut row = bus_row(&sources[at], step);
                // All fall together at 100; the third alone jumps at 200.
                if step >= 100 {
                    row.values[bus::FREQUENCY] -= 0.3;
                }
                if at == 2 && (200..240).contains(&step) {
                    row.values[bus::FREQUENCY] += 0.03;
                }
                Some(row)
            })
            .collect();
        changes.extend(detectors.observe(&mut state, StreamKind::Bus, step, 1.0, &rows));
    }
    assert_eq!(changes.len(), 2, "{changes:?}");
    assert_eq!(
        (
            changes[0].entity,
            changes[0].field_name(),
            changes[0].kind,
            changes[0].onset_step
        ),
        (2, Some("frequency"), AnomalyType::LevelShift, 200)
    );
    assert!(changes[0].confidence > 0.8 && changes[0].confidence <= 1.0);
    assert_eq!(changes[1].phase, AnomalyPhase::Cleared);
}

#[test]
fn a_quiet_plant_is_not_stuck() {
    let detectors = Detectors::new(&buses(3), Noise::default());
    let mut state = detectors.state();
    let row = |level: f64| {
        let mut row = bus_row(&Source::new(1, "still"), 0);
        row.values[bus::ACTIVE_POWER] += level;
        row
    };
    for step in 0..2000 {
        let rows = [Some(row((step / 100) as f64)); 3];
        let changes = detectors.observe(&mut state, StreamKind::Bus, step, 1.0, &rows);
        assert_eq!(changes, [], "at {step}");
    }
}

#[test]
fn a_turbine_at_rated_power_or_becalmed_is_not_stuck_but_one_that_ignores_the_wind_is() {
    let detectors = Detectors::new(&turbine(), Noise::default());
    let mut state = detectors.state();
    let source = Source::new(2, "wind");
    let mut found = Vec::new();
    for step in 0..900_u64 {
        let mut draws = source.at(step);
        let gust = draws.normal();
        let (speed, frozen) = match step {
            0..200 | 400..600 => (8.0 + gust, false),
            200..400 => (18.0 + gust, false),
            600..800 => (1.5 + 0.2 * gust, false),
            _ => (8.0 + gust, step > 850),
        };
        let power = ((speed - 3.0) / 9.5 * 150.0).clamp(0.0, 150.0);
        let generation = if frozen { 61.7 } else { power };
        let row = wind_row(generation, speed, 12.0 + 0.04 * draws.normal());
        let rows = [Some(row)];
        for change in detectors.observe(&mut state, StreamKind::Res, step, 2.0, &rows) {
            found.push((step, change.entity, change.phase));
        }
    }
    assert!(
        matches!(found[..], [(851..=860, 0, AnomalyPhase::Raised)]),
        "{found:?}"
    );
}

#[test]
fn a_state_continues_from_its_serialised_form() {
    let detectors = Detectors::new(&buses(4), Noise::default());
    let sources: Vec<Source> = (0..4).map(|at| Source::new(at, "bus")).collect();
    let row = |at: usize, step: u64| {
        let mut row = bus_row(&sources[at], step);
        if at == 1 && (150..220).contains(&step) {
            row.values[bus::FREQUENCY] += 0.03;
            row.values[bus::VOLTAGE] = 1.002;
        }
        Some(row)
    };
    let rows = |step| (0..4).map(|at| row(at, step)).collect::<Vec<_>>();
    let mut through = detectors.state();
    let mut restored = detectors.state();
    for step in 0..300 {
        let a = detectors.observe(&mut through, StreamKind::Bus, step, 1.0, &rows(step));
        let b = detectors.observe(&mut restored, StreamKind::Bus, step, 1.0, &rows(step));
        assert_eq!(a, b);
        let text = serde_json::to_string(&restored).unwrap();
        restored = serde_json::from_str(&text).unwrap();
        assert_eq!(through, restored);
    }
}

#[test]
fn another_pace_raises_nothing() {
    let detectors = Detectors::new(&buses(4), Noise::default());
    let mut state = detectors.state();
    let sources: Vec<Source> = (0..4).map(|at| Source::new(at, "pace")).collect();
    for step in 0..600 {
        let level = if step < 300 { 0.0 } else { (step % 7) as f64 };
        let dt_s = if step < 300 { 1.0 } else { 100.0 };
        let rows: Vec<_> = sources
            .iter()
            .map(|source| {
                let mut row = bus_row(source, step);
                row.values[bus::ACTIVE_POWER] += 8.0 * level;
                row.values[bus::ANGLE] += 0.4 * level;
                Some(row)
            })
            .collect();
        let changes = detectors.observe(&mut state, StreamKind::Bus, step, dt_s, &rows);
        assert_eq!(changes, [], "at {step}");
    }
}

/// A converter at the first bus that the first unit feeds.
fn fed_converter() -> EntityModel {
    EntityModel {
        id: "CONV-001".into(),
        nominal: Nominal::Converter(Converter {
            rated_current_a: 204.12,
            dc_voltage_v: 750.0,
            dc_spread: 0.0017,
            grid_voltage_v: 326.6,
            frequency_hz: 50.0,
            power_factor: 1.5,
            thermal: Thermal {
                constant: 0.1,
                linear: 0.3,
                square: 0.6,
                stages: [(20.0, 10.0), (15.0, 600.0)],
                ambient_spread_k: 0.3,
            },
            bus: Some(0),
            source: Some(0),
            link: None,
        }),
    }
}

/// Noisy converter rows at half load.
fn converter_row(source: &Source, step: u64) -> Row {
    let mut draws = source.at(step);
    let mut row = Row::EMPTY;
    let (d, volts) = (100.0 + draws.normal(), 326.6);
    row.values[converter::DC_VOLTAGE] = 750.0 + 0.4 * draws.normal();
    row.values[converter::CURRENT_D] = d;
    row.values[converter::CURRENT_Q] = 5.0 + 0.2 * draws.normal();
    row.values[converter::ACTIVE_POWER] = 1.5e-3 * volts * d + 0.1 * draws.normal();
    row.values[converter::REACTIVE_POWER] = -1.5e-3 * volts * 5.0 + 0.1 * draws.normal();
    row.values[converter::FREQUENCY] = 50.0 + 2.2e-3 * draws.normal();
    row.values[converter::THD] = 3.4 + 0.015 * draws.normal();
    row.values[converter::TEMPERATURE] = 35.0 + 0.05 * draws.normal();
    row.values[converter::GRID_VOLTAGE] = volts + 0.3 * draws.normal();
    row
}

#[test]
fn every_kind_of_memory_continues_from_its_binary_form() {
    let mut models = buses(2);
    models.extend(turbine());
    models.push(fed_converter());
    if let Nominal::Wind(wind) = &mut models[2].nominal {
        wind.lag_s = 4.0;
    }
    let detectors = Detectors::new(&models, Noise::default());
    let sources: Vec<Source> = (0..4).map(|at| Source::new(at, "memory")).collect();
    let observe = |state: &mut DetectorsState, step: u64| {
        let here = |row: Row| (step % 50 != 30).then_some(row);
        let wind = sources[2].at(step).normal();
        let off = if step > 150 { 20.0 } else { 0.0 };
        let unit = wind_row(70.0 + wind + off, 8.7 + 0.1 * wind, 12.0 + 0.04 * wind);
        let pair = [0, 1].map(|at| here(bus_row(&sources[at], step)));
        let mut converter = converter_row(&sources[3], step);
        converter.values[converter::CURRENT_D] += off;
        let mut changes = detectors.observe(state, StreamKind::Bus, step, 1.0, &pair);
        let units = [here(unit)];
        changes.extend(detectors.observe(state, StreamKind::Res, step, 2.0, &units));
        let converters = [here(converter)];
        changes.extend(detectors.observe(state, StreamKind::Converter, step, 0.5, &converters));
        changes
    };
    let mut through = detectors.state();
    let mut restored = detectors.state();
    let mut found = 0;
    for step in 0..250 {
        let changes = observe(&mut through, step);
        assert_eq!(observe(&mut restored, step), changes);
        found += changes.len();
        let bytes = rmp_serde::to_vec_named(&restored).unwrap();
        restored = rmp_serde::from_slice(&bytes).unwrap();
        assert_eq!(through, restored);
        assert_eq!(rmp_serde::to_vec_named(&restored).unwrap(), bytes);
    }
    assert!(found > 0);
}
