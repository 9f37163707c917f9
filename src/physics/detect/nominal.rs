//! Ratings and relations of the entities that recorded streams are about: the default plant's, simplified
//! as the streams are (constant efficiency of the solar inverters, one thermal time constant).

use super::Error;
use crate::{
    detect::{
        EntityModel, Nominal, StreamKind,
        model::{Converter, Inverter, Solar, Thermal, Wind},
    },
    grid::{
        entity::{EntityId, EntityType},
        topology::{Topology, TopologyBranch, TopologyBus},
    },
};

/// Base of the network's per-unit values.
pub(super) const BASE_MVA: f64 = 100.0;
const FREQUENCY_HZ: f64 = 50.0;

/// Id, rated current (A), DC link (V), grid (V), phases' factor of power.
const CONVERTERS: [(&str, f64, f64, f64, f64); 3] = [
    ("CONV-001", 204.12, 750.0, 326.6, 1.5),
    ("CONV-002", 295.83, 1200.0, 563.4, 1.5),
    ("CONV-003", 125.0, 750.0, 400.0, 1.0),
];
const SOLAR: [(&str, f64); 2] = [("SOLAR-001", 100.0), ("SOLAR-002", 250.0)];
const WIND: [(&str, f64); 2] = [("WIND-001", 150.0), ("WIND-002", 300.0)];

/// Wind speed (m/s) and power (kW per kW of capacity at 12.5 m/s and above).
const CURVE: [(f64, f64); 26] = [
    (2.5, 0.0),
    (3.0, 0.0),
    (3.5, 1866.0),
    (4.0, 3645.8),
    (4.5, 6010.2),
    (5.0, 9000.9),
    (5.5, 12658.9),
    (6.0, 17022.6),
    (6.5, 22126.7),
    (7.0, 28003.2),
    (7.5, 34680.2),
    (8.0, 42183.3),
    (8.5, 50534.8),
    (9.0, 59754.8),
    (9.5, 69860.8),
    (10.0, 80868.8),
    (10.5, 92793.3),
    (11.0, 105_647.9),
    (11.5, 119_446.7),
    (12.0, 134_204.9),
    (12.5, 149_942.3),
    (13.0, 150_000.0),
    (14.0, 150_000.0),
    (15.0, 150_000.0),
    (20.0, 150_000.0),
    (25.0, 150_000.0),
];
/// Power of the turbine that [`CURVE`] describes, W.
const CURVE_RATED_W: f64 = 150_000.0;

/// Bus, its type, base voltage (kV), shunt (`MVAr`).
const BUSES: [(&str, EntityType, f64, f64); 5] = [
    ("BUS-001", EntityType::Slack, 220.0, 0.0),
    ("BUS-002", EntityType::Pv, 220.0, 0.0),
    ("BUS-003", EntityType::Pq, 220.0, 0.0),
    ("BUS-004", EntityType::Pq, 110.0, 10.0),
    ("BUS-005", EntityType::Pq, 110.0, 0.0),
];

/// From, to (indices), r, x, b (p.u.), ratio.
const BRANCHES: [(usize, usize, f64, f64, f64, f64); 6] = [
    (0, 1, 0.009752, 0.066116, 0.109478, 0.0),
    (0, 2, 0.012190, 0.082645, 0.136848, 0.0),
    (1, 2, 0.007314, 0.049587, 0.082109, 0.0),
    (2, 3, 0.001600, 0.075000, 0.0, 0.975),
    (1, 4, 0.002600, 0.120000, 0.0, 0.975),
    (3, 4, 0.023529, 0.094215, 0.010492, 0.0),
];

/// What is known of the entities `ids` of a stream.
pub(super) fn models(kind: StreamKind, ids: &[String]) -> Result<Vec<EntityModel>, Error> {
    ids.iter()
        .map(|id| {
            let nominal = match kind {
                StreamKind::Bus => Some(Nominal::Bus {
                    frequency_hz: FREQUENCY_HZ,
                    power_noise_mw: None,
                }),
                StreamKind::Converter => converter(id),
                StreamKind::Res => solar(id).or_else(|| wind(id)),
            };
            let nominal = nominal.ok_or_else(|| unknown(kind, id))?;
            Ok(EntityModel {
                id: id.as_str().into(),
                nominal,
            })
        })
        .collect()
}

/// The default network.
pub(super) fn network() -> Topology {
    let buses: Vec<TopologyBus> = BUSES
        .iter()
        .map(|&(id, bus_type, base_kv, bs_mvar)| TopologyBus {
            id: id.into(),
            bus_type,
            base_kv,
            gs_mw: 0.0,
            bs_mvar,
        })
        .collect();
    let branches = BRANCHES
        .iter()
        .enumerate()
        .map(|(at, &(from, to, r, x, b, ratio))| TopologyBranch {
            id: EntityId::from(format!("BRANCH-{:03}", at + 1)),
            from: buses[from].id.clone(),
            to: buses[to].id.clone(),
            r,
            x,
            b,
            ratio,
            shift_deg: 0.0,
            rate_mva: 0.0,
            in_service: true,
        })
        .collect();
    Topology { buses, branches }
}

fn converter(id: &str) -> Option<Nominal> {
    CONVERTERS.iter().find(|row| row.0 == id).map(
        |&(_, rated_current_a, dc_voltage_v, grid_voltage_v, power_factor)| {
            Nominal::Converter(Converter {
                rated_current_a,
                dc_voltage_v,
                dc_spread: 0.0018,
                grid_voltage_v,
                frequency_hz: FREQUENCY_HZ,
                power_factor,
                thermal: Thermal {
                    constant: 0.0,
                    linear: 0.0,
                    square: 1.0,
                    stages: [(28.0, 40.0), (0.0, 0.0)],
                    ambient_spread_k: 0.08,
                },
                bus: None,
                source: None,
                link: None,
            })
        },
    )
}

fn solar(id: &str) -> Option<Nominal> {
    SOLAR
        .iter()
        .find(|row| row.0 == id)
        .map(|&(_, capacity_kw)| {
            Nominal::Solar(Solar {
                capacity_kw,
                dc_ratio: 1.15,
                losses: 0.1,
                temperature_coefficient: -0.0035,
                heat_loss: 35.0,
                inverter: Inverter::Constant(0.96),
                uncertainty: 0.0,
            })
        })
}

fn wind(id: &str) -> Option<Nominal> {
    WIND.iter()
        .find(|row| row.0 == id)
        .map(|&(_, capacity_kw)| {
            Nominal::Wind(Wind {
                capacity_kw,
                curve: CURVE
                    .iter()
                    .map(|&(speed, power)| (speed, power / CURVE_RATED_W * capacity_kw))
                    .collect(),
                pressure_hpa: None,
                lag_s: 0.0,
            })
        })
}

fn unknown(kind: StreamKind, id: &str) -> Error {
    let (kind, known): (_, Vec<&str>) = match kind {
        StreamKind::Bus => ("bus", BUSES.iter().map(|row| row.0).collect()),
        StreamKind::Converter => ("converter", CONVERTERS.iter().map(|row| row.0).collect()),
        StreamKind::Res => ("res", SOLAR.iter().chain(&WIND).map(|row| row.0).collect()),
    };
    Error::UnknownEntity {
        id: id.to_owned(),
        kind,
        known: known.join(", "),
    }
}
