//! A network without a solution: the last one stays, says so, and nothing is concluded from it.

use gridcast::grid::{event::Event, injection::InjectionKind};

use crate::support::{
    Driver, JUNE_EVENING, changed_plant, mismatch_pu, settings,
    wire::{self, BusSample},
};

fn buses(driver: &Driver) -> Vec<BusSample> {
    let events = driver.events.iter();
    let buses = events.filter_map(|(_, event)| match &**event {
        Event::Sample(sample) => wire::bus(sample),
        _ => None,
    });
    buses.collect()
}

#[test]
fn the_last_solution_stays_and_is_stale() {
    // Loads that draw the same at any voltage: beyond the nose of the curve there is nothing.
    let spec = changed_plant("unsolved", |text| {
        text.replace("alpha_p = 1.0", "alpha_p = 0.0")
            .replace("alpha_q = 1.8", "alpha_q = 0.0")
    });
    let mut driver = Driver::new(spec);
    driver.start(settings(3, JUNE_EVENING, 0.0, 0.0));
    driver.tick();
    driver.seconds(10);
    let before = buses(&driver).split_off(45);
    let solved = driver.machine.network().unwrap().clone();
    driver.take();
    // Four times the load behind one transformer instead of two.
    driver.disturb(InjectionKind::BranchTrip, "BRANCH-005", None, Some(10.0));
    for bus in ["BUS-003", "BUS-004", "BUS-005"] {
        driver.disturb(InjectionKind::LoadStep, bus, Some(3.0), Some(10.0));
    }
    driver.seconds(9);
    let stale = buses(&driver);
    assert_eq!(stale.len(), 45);
    let base_mva = driver.spec.base_mva();
    for (second, now) in stale.chunks(5).enumerate() {
        assert!(now.iter().all(|bus| bus.stale), "second {second}: {now:?}");
        // They solve the network as it was, and do not move.
        let mismatch = mismatch_pu(driver.spec.topology(), base_mva, now);
        assert!(mismatch < 1e-6, "second {second}: {mismatch} p.u.");
        for (now, before) in now.iter().zip(&before) {
            let (now, before) = (&now.measurement, &before.measurement);
            assert!((now.voltage_magnitude - before.voltage_magnitude).abs() < 1e-3);
            assert!((now.active_power - before.active_power).abs() < 1.0);
        }
        for (now, first) in now.iter().zip(&stale) {
            let of = |bus: &BusSample| {
                let m = &bus.measurement;
                [
                    m.voltage_magnitude,
                    m.voltage_angle,
                    m.active_power,
                    m.reactive_power,
                ]
            };
            assert_eq!(of(now), of(first));
        }
    }
    let network = driver.machine.network().unwrap();
    assert!(!network.converged);
    assert_eq!(network.flows, solved.flows);
    let told = driver.events.iter().filter(|(_, event)| {
        matches!(&**event, Event::Notification(told) if told.title == "Power Flow Not Converged")
    });
    assert_eq!(told.count(), 1);
    assert!(driver.faults().is_empty(), "{:?}", driver.faults());
    // A machine restored in between goes on alike.
    let mut restored = driver.restored();
    driver.take();
    restored.take();
    driver.seconds(20);
    restored.seconds(20);
    assert_eq!(driver.machine.hash(), restored.machine.hash());
    assert_eq!(buses(&driver), buses(&restored));
    let last = buses(&driver).pop().unwrap();
    assert!(!last.stale, "the network has a solution again");
    assert!((0.95..1.05).contains(&last.measurement.voltage_magnitude));
}
