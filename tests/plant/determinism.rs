//! The same seed and commands give the same bits, whatever the pacing, and from a snapshot on.

use gridcast::{
    grid::{
        command::Command,
        event::Event,
        injection::{INJECTIONS, InjectionKind, InjectionOrder},
    },
    plant::{InjectionRequest, Plant, PlantState},
};
use proptest::prelude::*;

use crate::support::{Driver, JUNE_NOON, default_plant, order, settings};

/// The payloads of a driver's events, but for when they were sent.
fn payloads(driver: &Driver) -> Vec<String> {
    let payloads = driver.events.iter().map(|(tick, event)| {
        format!(
            "{} {} {}",
            tick.0,
            event.name(),
            serde_json::to_string(&**event).unwrap()
        )
    });
    payloads.collect()
}

#[test]
fn two_machines_agree_after_ten_minutes() {
    let run = || {
        let mut driver = Driver::started(settings(42, JUNE_NOON, 1.0, 60.0));
        driver.seconds(100);
        driver.disturb(InjectionKind::VoltageDip, "BUS-005", None, None);
        driver.seconds(500);
        (
            driver.machine.hash().unwrap(),
            driver.machine.snapshot(),
            payloads(&driver),
        )
    };
    let (first, second) = (run(), run());
    assert_eq!(first.0, second.0, "hashes of the plant");
    assert!(first.1 == second.1, "snapshots");
    assert!(first.2 == second.2, "events");
    assert!(first.2.len() > 7_000);
}

/// Ten simulated seconds a second: the plant goes the same way, and what is sampled at an instant of the
/// simulated time is the same.
#[test]
fn the_pacing_changes_nothing_but_which_samples_go_out() {
    let mut slow = Driver::started(settings(42, JUNE_NOON, 1.0, 360.0));
    let mut fast = Driver::started(gridcast::grid::run::RunSettings {
        speed: 10,
        ..settings(42, JUNE_NOON, 1.0, 360.0)
    });
    let values = |driver: &mut Driver| {
        let mut all = Vec::new();
        for (_, event) in driver.take() {
            if let Event::Sample(sample) = &*event {
                let mut value = serde_json::to_value(sample.payload()).unwrap();
                value.as_object_mut().unwrap().remove("timestamp");
                all.push((sample.entity.clone(), value));
            }
        }
        all
    };
    for round in 0..30 {
        slow.seconds(20);
        fast.seconds(2);
        assert_eq!(slow.machine.hash(), fast.machine.hash(), "round {round}");
        let (slow, fast) = (values(&mut slow), values(&mut fast));
        // At the end of a round all streams are due in both.
        for (entity, value) in fast.iter().rev().take(12) {
            let last = slow.iter().rev().find(|(id, _)| id == entity).unwrap();
            assert_eq!(last.1, *value, "{entity:?}");
        }
    }
    let views = |driver: &Driver| -> Vec<_> {
        let views = driver.machine.injections().iter().cloned();
        views
            .map(|view| (view.id, view.size, view.active))
            .collect()
    };
    assert_eq!(views(&slow), views(&fast));
}

#[test]
fn seeds_differ() {
    let hash = |seed| {
        let mut driver = Driver::started(settings(seed, JUNE_NOON, 1.0, 0.0));
        driver.seconds(2);
        driver.machine.hash()
    };
    assert_ne!(hash(1), hash(2));
}

/// Noise is added to what is published and does not act on the plant.
#[test]
fn noise_does_not_act_on_the_plant() {
    let hash = |noise| {
        let mut driver = Driver::started(settings(1, JUNE_NOON, noise, 60.0));
        driver.seconds(60);
        driver.machine.hash()
    };
    assert_eq!(hash(0.0), hash(10.0));
}

/// Lets a machine and one restored from its snapshot go on side by side.
fn goes_on_alike(driver: &Driver, seconds: u64) {
    let mut original = driver.clone();
    original.take();
    let mut restored = original.restored();
    assert_eq!(restored.machine.topology(), original.machine.topology());
    assert_eq!(restored.machine.alerts(), original.machine.alerts());
    assert_eq!(restored.machine.injections(), original.machine.injections());
    assert_eq!(restored.machine.network(), original.machine.network());
    assert_eq!(restored.machine.view(), original.machine.view());
    for tick in 0..10 * seconds {
        assert_eq!(
            original.tick(),
            restored.tick(),
            "tick {tick} after the snapshot"
        );
        assert_eq!(original.machine.hash(), restored.machine.hash());
    }
    assert!(original.machine.snapshot() == restored.machine.snapshot());
}

#[test]
fn a_snapshot_goes_on_from_every_kind_of_moment() {
    let mut driver = Driver::started(settings(5, JUNE_NOON, 1.0, 120.0));
    goes_on_alike(&driver, 3);
    driver.seconds(61);
    goes_on_alike(&driver, 3);
    driver.disturb(InjectionKind::VoltageDip, "BUS-004", Some(0.4), Some(3.0));
    // Before its first step, within it, and at its end.
    goes_on_alike(&driver, 5);
    driver.seconds(1);
    driver.tick();
    goes_on_alike(&driver, 5);
    driver.seconds(6);
    driver.disturb(InjectionKind::BranchTrip, "BRANCH-005", None, None);
    driver.seconds(2);
    goes_on_alike(&driver, 5);
    driver.disturb(InjectionKind::BranchTrip, "BRANCH-006", None, Some(4.0));
    driver.seconds(1);
    goes_on_alike(&driver, 7);
    driver.seconds(6);
    driver.disturb(InjectionKind::GeneratorLoss, "BUS-002", None, Some(10.0));
    driver.seconds(2);
    goes_on_alike(&driver, 12);
    let mut fault = order(
        &driver.spec,
        InjectionKind::NoiseBurst,
        "CONV-001",
        None,
        Some(9.0),
    );
    fault.field = Some("current_d".into());
    driver.inject(fault).unwrap();
    driver.disturb(InjectionKind::Stuck, "WIND-001", None, Some(9.0));
    driver.disturb(InjectionKind::Missing, "BUS-003", None, Some(9.0));
    driver.seconds(3);
    goes_on_alike(&driver, 12);
    // Stopped, with a branch still out of service, and begun anew, which brings it back.
    driver.command(Command::Stop).unwrap();
    driver.seconds(1);
    goes_on_alike(&driver, 1);
    assert_ne!(driver.machine.topology(), driver.spec.topology());
    driver.take();
    driver.start(settings(6, JUNE_NOON, 1.0, 0.0));
    driver.seconds(2);
    let updates = driver
        .events
        .iter()
        .filter_map(|(_, event)| match &**event {
            Event::Topology(update) => Some(update.topology.clone()),
            _ => None,
        });
    assert_eq!(
        updates.collect::<Vec<_>>(),
        [driver.spec.topology().clone()]
    );
    goes_on_alike(&driver, 1);
}

/// The state of the plant alone, without a machine, restores at a step within a second.
#[test]
fn the_plants_state_restores_at_any_step() {
    let spec = default_plant();
    let settings = settings(77, JUNE_NOON, 0.0, 0.0);
    let orders: Vec<InjectionOrder> = vec![
        order(&spec, InjectionKind::VoltageDip, "BUS-005", Some(0.6), None),
        order(&spec, InjectionKind::BranchTrip, "BRANCH-002", None, None),
        order(
            &spec,
            InjectionKind::GeneratorLoss,
            "BUS-002",
            Some(1.0),
            None,
        ),
    ];
    let acting = |step: u64| orders.iter().filter(move |_| (20..60).contains(&step));
    let mut plant = Plant::new(spec.clone(), &settings);
    for step in 0..80 {
        if step % 7 == 0 {
            let text = serde_json::to_string(plant.state()).unwrap();
            let state: PlantState = serde_json::from_str(&text).unwrap();
            let mut original = plant.clone();
            let mut resumed = Plant::resume(spec.clone(), &settings, state);
            for later in step..step + 30 {
                original.step(acting(later));
                resumed.step(acting(later));
                assert_eq!(original.hash(), resumed.hash(), "step {later} from {step}");
                assert_eq!(original.topology(), resumed.topology());
            }
        }
        plant.step(acting(step));
    }
}

/// An action of a person at the controls.
#[derive(Debug, Clone)]
enum Action {
    Inject(InjectionRequest),
    End(usize),
    Speed(u32),
    Stop,
    Start(u64),
    Wait(u64),
}

fn any_action() -> impl Strategy<Value = Action> {
    let kind = prop::sample::select(INJECTIONS.to_vec());
    let entity = prop::sample::select(vec![
        "BUS-001",
        "BUS-002",
        "BUS-003",
        "BUS-004",
        "BUS-005",
        "CONV-001",
        "CONV-002",
        "CONV-003",
        "SOLAR-001",
        "SOLAR-002",
        "WIND-001",
        "WIND-002",
        "BRANCH-001",
        "BRANCH-004",
        "BRANCH-005",
        "BRANCH-006",
    ]);
    let size = prop::option::of(0.05..2.0_f64);
    let duration = prop::option::of(0.1..20.0_f64);
    let inject = (kind, entity, size, duration).prop_map(|(kind, entity, size, duration_s)| {
        Action::Inject(InjectionRequest {
            kind,
            entity: entity.to_owned(),
            size,
            duration_s,
            field: None,
        })
    });
    prop_oneof![
        12 => inject,
        2 => (0..8_usize).prop_map(Action::End),
        1 => (1..=8_u32).prop_map(Action::Speed),
        1 => Just(Action::Stop),
        1 => (0..5_u64).prop_map(Action::Start),
        12 => (1..40_u64).prop_map(Action::Wait),
    ]
}

fn act(driver: &mut Driver, action: &Action) -> String {
    match action {
        Action::Inject(request) => match driver.spec.place(request.clone()) {
            Ok(order) => format!("{:?}", driver.inject(order)),
            Err(problem) => format!("{problem:?}"),
        },
        Action::End(at) => {
            let id = driver
                .machine
                .injections()
                .get(*at)
                .map(|view| view.id.clone());
            let id = id.unwrap_or_default();
            format!("{:?}", driver.command(Command::EndInjection { id }))
        }
        Action::Speed(speed) => {
            format!("{:?}", driver.command(Command::SetSpeed { speed: *speed }))
        }
        Action::Stop => format!("{:?}", driver.command(Command::Stop)),
        Action::Start(seed) => {
            if !driver.machine.view().is_running {
                driver.start(settings(*seed, JUNE_NOON, 1.0, 120.0));
            }
            String::new()
        }
        Action::Wait(ticks) => {
            for _ in 0..*ticks {
                driver.tick();
            }
            String::new()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is done: a machine that is restored from a snapshot in between answers and goes on as
    /// the one that was not, and no number is none.
    #[test]
    fn any_history_can_be_cut_anywhere(
        actions in prop::collection::vec(any_action(), 1..40),
        cut in 0..40_usize,
    ) {
        let mut original = Driver::started(settings(9, JUNE_NOON, 1.0, 120.0));
        let mut other = original.clone();
        for (at, action) in actions.iter().enumerate() {
            if at % 40 == cut {
                other = other.restored();
            }
            prop_assert_eq!(act(&mut original, action), act(&mut other, action));
        }
        for driver in [&mut original, &mut other] {
            driver.seconds(3);
        }
        prop_assert_eq!(original.machine.hash(), other.machine.hash());
        prop_assert!(payloads(&original) == payloads(&other));
        for (_, event) in &original.events {
            if let Event::Sample(sample) = &**event {
                for (name, value) in crate::support::numbers(sample) {
                    prop_assert!(value.is_finite(), "{} of {:?}", name, sample.entity);
                }
            }
        }
    }
}
