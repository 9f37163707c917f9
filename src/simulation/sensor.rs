//! Sensor faults: what makes a published sample differ from what was measured.

use crate::{
    grid::{
        event::Event,
        injection::InjectionKind,
        telemetry::Sample,
        time::{STEP_MS, Tick},
    },
    maths::sin,
    random::Source,
};

use super::{ledger::Injection, period};

/// Samples in one period of an oscillation.
const OSCILLATION_SAMPLES: f64 = 8.0;

/// When and in which run a sample was taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instant {
    pub(super) seed: u64,
    pub(super) step: u64,
    pub(super) tick: Tick,
}

/// What the sensors say instead of `sample`: nothing if one of `faults` makes it missing. `previous`
/// is the sample that was published before.
pub(super) fn distort(
    mut sample: Sample,
    faults: &[Injection],
    previous: Option<&Event>,
    at: Instant,
) -> Option<Sample> {
    let concerns =
        |fault: &&Injection| fault.order.kind.is_sensor() && fault.order.entity == *sample.entity();
    let faults: Vec<_> = faults.iter().filter(concerns).collect();
    for fault in faults {
        if fault.order.kind == InjectionKind::Missing {
            return None;
        }
        if let Some(field) = &fault.order.field {
            distort_field(&mut sample, field, fault, previous, at);
        }
    }
    Some(sample)
}

fn distort_field(
    sample: &mut Sample,
    field: &str,
    fault: &Injection,
    previous: Option<&Event>,
    at: Instant,
) {
    let kind = sample.kind();
    let Some(value) = sample.field_mut(field) else {
        return;
    };
    let size = fault.order.size.unwrap_or(0.0);
    *value = match fault.order.kind {
        InjectionKind::Spike | InjectionKind::LevelShift => *value + size,
        InjectionKind::Drift => *value + size * progress(fault, at.step),
        InjectionKind::NoiseBurst => *value + size * noise(fault, at),
        InjectionKind::Oscillation => {
            let samples = at.tick.since(fault.start_tick) as f64 / period::of(kind) as f64;
            *value + size * sin(std::f64::consts::TAU * samples / OSCILLATION_SAMPLES)
        }
        InjectionKind::Stuck => previous
            .and_then(|event| match event {
                Event::Sample(previous) => previous.clone().field_mut(field).copied(),
                _ => None,
            })
            .unwrap_or(*value),
        _ => *value,
    };
    // The factor is computed from the generation as measured.
    if let (Sample::Res(sample), "generation") = (sample, field) {
        sample.utilization_factor = sample.generation / sample.capacity;
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
            time::Timestamp,
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

    fn generation(fault: &Injection, tick: u64) -> f64 {
        let previous = Event::Sample(sample(50.0));
        let at = Instant {
            seed: 1,
            step: tick,
            tick: Tick(tick),
        };
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
        let at = Instant {
            seed: 1,
            step: 20,
            tick: Tick(20),
        };
        let mut missing = fault(InjectionKind::Missing, None);
        assert!(distort(sample(60.0), std::slice::from_ref(&missing), None, at).is_none());
        missing.order.entity = "WIND-002".into();
        assert_eq!(
            distort(sample(60.0), &[missing], None, at),
            Some(sample(60.0))
        );
    }
}
