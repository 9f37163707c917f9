use super::*;
use crate::grid::{
    entity::{EntityId, EntityType},
    topology::{TopologyBranch, TopologyBus},
};

const IDS: [&str; 5] = ["BUS-001", "BUS-002", "BUS-003", "BUS-004", "BUS-005"];
/// Solved with PYPOWER.
const SOLVED: [BusReading; 5] = [
    solved(1.020000, 0.000000, 112.884841, -3.418338),
    solved(1.020000, -1.472847, 80.000000, 51.303127),
    solved(1.000975, -3.297123, -90.000000, -30.000000),
    solved(1.013115, -5.434563, -67.500000, -28.000000),
    solved(1.017730, -4.639767, -34.000000, -21.000000),
];

const fn solved(voltage_pu: f64, angle_deg: f64, active_mw: f64, reactive_mvar: f64) -> BusReading {
    BusReading {
        voltage_pu,
        angle_deg,
        active_mw,
        reactive_mvar,
    }
}

fn topology() -> Topology {
    use EntityType::{Pq, Pv, Slack};
    let branches = [
        (0, 1, 0.009752, 0.066116, 0.109478, 0.0),
        (0, 2, 0.012190, 0.082645, 0.136848, 0.0),
        (1, 2, 0.007314, 0.049587, 0.082109, 0.0),
        (2, 3, 0.001600, 0.075000, 0.0, 0.975),
        (1, 4, 0.002600, 0.120000, 0.0, 0.975),
        (3, 4, 0.023529, 0.094215, 0.010492, 0.0),
    ];
    Topology {
        buses: IDS
            .iter()
            .zip([Slack, Pv, Pq, Pq, Pq])
            .map(|(&id, bus_type)| TopologyBus {
                id: id.into(),
                bus_type,
                base_kv: 110.0,
                gs_mw: 0.0,
                bs_mvar: if id == "BUS-004" { 10.0 } else { 0.0 },
            })
            .collect(),
        branches: branches
            .iter()
            .map(|&(from, to, r, x, b, ratio)| TopologyBranch {
                id: EntityId::from("BRANCH"),
                from: IDS[from].into(),
                to: IDS[to].into(),
                r,
                x,
                b,
                ratio,
                shift_deg: 0.0,
                rate_mva: 0.0,
                in_service: true,
            })
            .collect(),
    }
}

fn parity() -> Parity {
    Parity::new(&topology(), 100.0, &IDS, &Noise::default(), &[None; 5]).unwrap()
}

#[test]
fn a_solution_of_the_network_equations_leaves_nothing() {
    for value in parity().vector(&SOLVED) {
        assert!(value.abs() < 0.02, "{value}");
    }
}

#[test]
fn an_error_points_at_its_sensor() {
    let parity = parity();
    for wrong in SensorAt::all(IDS.len()) {
        let mut readings = SOLVED;
        *readings[wrong.bus].of_mut(wrong.sensor) += 12.0 * parity.noise_of(wrong);
        let vector = parity.vector(&readings);
        let none = Excluded::default();
        let score = |at: SensorAt| {
            let found = normalised(&vector, parity.signature(at), &none);
            found.unwrap().score.abs()
        };
        let worst = SensorAt::all(IDS.len()).max_by(|&a, &b| score(a).total_cmp(&score(b)));
        assert_eq!(worst, Some(wrong));
        assert!(score(wrong) > 2.0);
    }
}

#[test]
fn an_excluded_sensor_does_not_show_in_the_others() {
    let parity = parity();
    let at = |bus, sensor| SensorAt { bus, sensor };
    let wrong = at(2, Sensor::Voltage);
    let mut readings = SOLVED;
    readings[2].voltage_pu += 12.0 * parity.noise_of(wrong);
    let vector = parity.vector(&readings);
    let mut excluded = Excluded::default();
    excluded.add(parity.signature(wrong));
    for other in [
        at(1, Sensor::Voltage),
        at(2, Sensor::ReactivePower),
        at(3, Sensor::Voltage),
        at(0, Sensor::ReactivePower),
    ] {
        let found = normalised(&vector, parity.signature(other), &excluded).unwrap();
        assert!(found.score.abs() < 1.5, "{other:?} {found:?}");
    }
}

#[test]
fn buses_that_are_cut_off_are_known() {
    let mut topology = topology();
    for branch in [3, 5] {
        topology.branches[branch].in_service = false;
    }
    let parity = Parity::new(&topology, 100.0, &IDS, &Noise::default(), &[None; 5]).unwrap();
    let supplied: Vec<bool> = (0..5).map(|bus| parity.is_supplied(bus)).collect();
    assert_eq!(supplied, [true, true, true, false, true]);
}

#[test]
fn a_network_of_other_buses_is_not_taken() {
    let noise = Noise::default();
    assert!(Parity::new(&topology(), 100.0, &IDS[..4], &noise, &[None; 4]).is_none());
    let others = ["A", "B", "C", "D", "E"];
    assert!(Parity::new(&topology(), 100.0, &others, &noise, &[None; 5]).is_none());
}
