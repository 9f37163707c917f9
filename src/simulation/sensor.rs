//! Sensor faults: what makes that which a sensor shows differ from what is measured.

use crate::{
    grid::{
        injection::InjectionKind,
        stream::Stream,
        telemetry::{Row, Sample},
        time::STEP_MS,
    },
    maths::sin,
    random::Source,
};

use super::ledger::Injection;

/// Samples in one period of an oscillation.
const OSCILLATION_SAMPLES: f64 = 8.0;

/// When and in which run something is measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instant {
    pub(super) seed: u64,
    pub(super) step: u64,
}

/// What the sensors say instead of `sample`: nothing if one of `faults` makes it missing. `previous`
/// is what they said last.
pub(super) fn distort(
    mut sample: Sample,
    faults: &[Injection],
    previous: Option<&Sample>,
    at: Instant,
) -> Option<Sample> {
    let concerns =
        |fault: &&Injection| fault.order.kind.is_sensor() && fault.order.entity == sample.entity;
    let faults: Vec<_> = faults.iter().filter(concerns).collect();
    let period = sample.stream.period;
    for fault in faults {
        if fault.order.kind == InjectionKind::Missing {
            return None;
        }
        let Some(field) = &fault.order.field else {
            continue;
        };
        let Some(place) = sample.place_of(field) else {
            continue;
        };
        let last = || Some(previous?.row.get(place));
        let value = distorted(sample.row.get(place), fault, period, last, at);
        sample.set(place, value);
    }
    Some(sample)
}

/// What the sensors would say between two samples instead of `row`. A spike is one sample, so there is
/// none in between.
pub(super) fn distort_row<'a>(
    mut row: Row,
    stream: &Stream,
    faults: impl Iterator<Item = &'a Injection>,
    previous: Option<&Sample>,
    at: Instant,
) -> Option<Row> {
    for fault in faults {
        match fault.order.kind {
            InjectionKind::Missing => return None,
            InjectionKind::Spike => continue,
            _ => {}
        }
        let field = fault.order.field.as_deref();
        if let Some(place) = field.and_then(|field| stream.place_of(field)) {
            let last = || previous.map(|previous| previous.row.get(place));
            row.values[place] = distorted(row.get(place), fault, stream.period, last, at);
        }
    }
    Some(row)
}

fn distorted(
    value: f64,
    fault: &Injection,
    period: u64,
    last: impl FnOnce() -> Option<f64>,
    at: Instant,
) -> f64 {
    let size = fault.order.size.unwrap_or(0.0);
    match fault.order.kind {
        InjectionKind::Spike | InjectionKind::LevelShift => value + size,
        InjectionKind::Drift => value + size * progress(fault, at.step),
        InjectionKind::NoiseBurst => value + size * noise(fault, at),
        InjectionKind::Oscillation => {
            let steps = at.step.saturating_sub(fault.start_step);
            let samples = steps as f64 / period as f64;
            value + size * sin(std::f64::consts::TAU * samples / OSCILLATION_SAMPLES)
        }
        InjectionKind::Stuck => last().unwrap_or(value),
        InjectionKind::Missing
        | InjectionKind::LoadStep
        | InjectionKind::BranchTrip
        | InjectionKind::VoltageDip
        | InjectionKind::GeneratorLoss
        | InjectionKind::CloudFront
        | InjectionKind::Gust
        | InjectionKind::FanFailure
        | InjectionKind::DcSourceLoss => value,
    }
}

/// How much of its duration has passed, 0..1.
fn progress(fault: &Injection, step: u64) -> f64 {
    let passed_s = (step.saturating_sub(fault.start_step) * STEP_MS) as f64 / 1000.0;
    fault
        .order
        .duration_s
        .map_or(1.0, |duration| (passed_s / duration).min(1.0))
}

fn noise(fault: &Injection, at: Instant) -> f64 {
    Source::new(at.seed, &format!("sensor/{}", fault.id))
        .at(at.step)
        .normal()
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the numbers are to be the very same")]
mod tests {
    use super::*;
    use crate::{
        grid::{
            entity::EntityType,
            injection::{Cause, InjectionOrder},
            stream::{RES_UNIT, res},
            time::{Tick, Timestamp},
        },
        simulation::ledger::End,
    };

    fn sample(generation: f64) -> Sample {
        Sample {
            entity: "WIND-001".into(),
            stream: &RES_UNIT,
            entity_type: EntityType::Wind,
            capacity_kw: 150.0,
            row: Row::of(&[generation, generation / 150.0, f64::NAN, 8.0, 10.0]),
            stale: false,
            timestamp: Timestamp::from_unix_ms(0),
        }
    }

    fn fault(kind: InjectionKind, field: Option<&str>) -> Injection {
        Injection {
            id: "X".into(),
            order: InjectionOrder {
                kind,
                entity: "WIND-001".into(),
                field: field.map(str::to_owned),
                size: Some(30.0),
                duration_s: Some(30.0),
            },
            cause: Cause::Command,
            start_step: 0,
            start_tick: Tick(0),
            end: End::Step(300),
        }
    }

    fn generation(fault: &Injection, step: u64) -> f64 {
        let previous = sample(50.0);
        let at = Instant { seed: 1, step };
        let faults = std::slice::from_ref(fault);
        let sample = distort(sample(60.0), faults, Some(&previous), at).unwrap();
        let generation = sample.row.get(res::GENERATION);
        assert_eq!(sample.row.get(res::UTILIZATION), generation / 150.0);
        generation
    }

    #[test]
    fn each_kind_does_what_it_says() {
        let of = |kind| fault(kind, Some("generation"));
        assert_eq!(generation(&of(InjectionKind::Spike), 20), 90.0);
        assert_eq!(generation(&of(InjectionKind::LevelShift), 20), 90.0);
        assert_eq!(generation(&of(InjectionKind::Stuck), 20), 50.0);
        assert_eq!(generation(&of(InjectionKind::Drift), 100), 70.0);
        assert_eq!(generation(&of(InjectionKind::Drift), 300), 90.0);
        assert!((generation(&of(InjectionKind::Oscillation), 40) - 90.0).abs() < 1e-9);
        assert!((generation(&of(InjectionKind::Oscillation), 80) - 60.0).abs() < 1e-9);
        assert_ne!(generation(&of(InjectionKind::NoiseBurst), 20), 60.0);
    }

    #[test]
    fn a_missing_sample_is_missing_and_others_are_not() {
        let at = Instant { seed: 1, step: 20 };
        let mut missing = fault(InjectionKind::Missing, None);
        assert!(distort(sample(60.0), std::slice::from_ref(&missing), None, at).is_none());
        missing.order.entity = "WIND-002".into();
        assert_eq!(
            distort(sample(60.0), &[missing], None, at),
            Some(sample(60.0))
        );
    }
}
