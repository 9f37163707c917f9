//! A day at the highest speed: no voltage dip goes unnoticed.

use std::{sync::Arc, time::Instant};

use gridcast::{
    config::Config,
    grid::{
        alert::{FaultPhase, FaultType},
        command::{Command, Entry, Start, StartMode},
        event::Event,
        injection::{InjectionKind, InjectionOrder},
        time::{Tick, Timestamp},
    },
    plant::PlantSpec,
    simulation::machine::Machine,
};

const BUSES: [&str; 3] = ["BUS-003", "BUS-004", "BUS-005"];
const SPEED: u32 = 100;
/// Ticks of a simulated day at this speed.
const DAY: u64 = 864_000 / SPEED as u64;

/// Every four minutes a dip of 0.1 to 0.5 s, of 0.2 to 0.93 p.u.
fn dip(number: u64) -> InjectionOrder {
    InjectionOrder {
        kind: InjectionKind::VoltageDip,
        entity: BUSES[(number % 3) as usize].into(),
        field: None,
        size: Some(0.2 + 0.73 * (number % 37) as f64 / 36.0),
        duration_s: Some(0.1 * (1 + number % 5) as f64),
    }
}

#[test]
fn every_dip_of_a_day_is_a_fault() {
    let spec = Arc::new(PlantSpec::default());
    let defaults = Config::from_values(|_| None).unwrap().simulation;
    let mut machine = Machine::new(spec, &defaults, Tick(17_954_756_000));
    let mut position = 0;
    let mut place = |machine: &mut Machine, command| {
        position += 1;
        let effective = machine.done().plus(1);
        let entry = Entry {
            position,
            effective,
            command,
        };
        machine.accept(&entry).unwrap();
    };
    let start = Start {
        mode: StartMode::WithSettings,
        seed: 12,
        speed: SPEED,
        simulated_start: Some(Timestamp::from_unix_ms(1_782_000_000_000)),
        noise: 1.0,
        disturbances: 0.0,
    };
    place(&mut machine, Command::Start(start));
    machine.tick();
    let begun = Instant::now();
    let (mut asked, mut cleared) = (Vec::new(), Vec::new());
    for tick in 1..=DAY {
        if tick % 24 == 0 && tick < DAY {
            let order = dip(tick / 24);
            let onset = tick * u64::from(SPEED) + 1;
            asked.push((
                format!("UNDERVOLTAGE-{}-{onset}", order.entity),
                order.size.unwrap(),
            ));
            place(&mut machine, Command::Inject(order));
        }
        for event in machine.tick().events {
            if let Event::Fault(fault) = event.event.as_ref()
                && fault.details.fault_type == FaultType::Undervoltage
                && fault.details.phase == FaultPhase::Cleared
            {
                cleared.push(fault.details.clone());
            }
        }
    }
    let mut furthest = 0.0_f64;
    for (id, left_pu) in &asked {
        let fault = cleared.iter().find(|fault| fault.id == *id);
        let fault = fault.unwrap_or_else(|| panic!("{id} of {left_pu} p.u. is missing"));
        furthest = furthest.max((fault.extreme.unwrap() - left_pu).abs());
    }
    assert!(furthest < 0.03, "a dip is told {furthest} p.u. off");
    println!(
        "dips in a day at speed {SPEED}: {} of {}, the worst value at most {furthest:.4} p.u. off; {:.1} s",
        asked.len(),
        asked.len(),
        begun.elapsed().as_secs_f64(),
    );
}
