//! Sensor faults: what makes that which a sensor shows differ from what is measured.

use crate::{
    detect::Row,
    grid::{entity::EntityKind, injection::InjectionKind, telemetry::Sample, time::STEP_MS},
    maths::sin,
    random::Source,
};

use super::{ledger::Injection, period, watch::stream_of};

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
        |fault: &&Injection| fault.order.kind.is_sensor() && fault.order.entity == *sample.entity();
    let faults: Vec<_> = faults.iter().filter(concerns).collect();
    let period = period::of(sample.kind());
    for fault in faults {
        if fault.order.kind == InjectionKind::Missing {
            return None;
        }
        let Some(field) = &fault.order.field else {
            continue;
        };
        let Some(value) = sample.field_mut(field) else {
            continue;
        };
        let last = || previous?.clone().field_mut(field).copied();
        *value = distorted(*value, fault, period, last, at);
        // The factor is computed from the generation as measured.
        if let (Sample::Res(sample), "generation") = (&mut sample, field.as_str()) {
            sample.utilization_factor = sample.generation / sample.capacity;
        }
    }
    Some(sample)
}

/// What the sensors would say between two samples instead of `row`. A spike is one sample, so there is
/// none in between.
pub(super) fn distort_row<'a>(
    mut row: Row,
    kind: EntityKind,
    faults: impl Iterator<Item = &'a Injection>,
    previous: Option<&Sample>,
    at: Instant,
) -> Option<Row> {
    let period = period::of(kind);
    let fields = stream_of(kind).map_or(&[][..], |stream| stream.fields());
    for fault in faults {
        match fault.order.kind {
            InjectionKind::Missing => return None,
            InjectionKind::Spike => continue,
            _ => {}
        }
        let wanted = fault.order.field.as_deref();
        let field = fields.iter().position(|field| wanted == Some(field));
        if let Some(field) = field {
            let last = || previous.map(|previous| Row::from(previous).get(field));
            row.values[field] = distorted(row.values[field], fault, period, last, at);
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
        _ => value,
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
            telemetry::{ResSample, Resource},
            time::{Tick, Timestamp},
        },
        simulation::ledger::End,
    };

    fn sample(generation: f64) -> Sample {
        Sample::Res(ResSample {
            unit_id: "WIND-001".into(),
            generation,
            unit_type: EntityType::Wind,
            capacity: 150.0,
            utilization_factor: generation / 150.0,
            resource: Resource::WindSpeed(8.0),
            temperature: 10.0,
            timestamp: Timestamp::from_unix_ms(0),
        })
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
        let Some(Sample::Res(sample)) = distort(sample(60.0), faults, Some(&previous), at) else {
            panic!("the sample is missing");
        };
        assert_eq!(sample.utilization_factor, sample.generation / 150.0);
        sample.generation
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
