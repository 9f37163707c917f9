//! A yardstick: the default plant's streams as a plain socketioxide server would send them, one emit for
//! each entity and period into its room. No plant is simulated; payloads have the shape and size of
//! gridcast's.
//!
//! ```text
//! PORT=3001 RATE=1 cargo run --release --example peer_socketioxide
//! ```

#![allow(
    clippy::unwrap_used,
    reason = "a yardstick ends where something is not as expected"
)]

use std::{env, future::ready, time::Duration};

use serde_json::{Value, json};
use socketioxide::{
    SocketIo,
    extract::{AckSender, Data, SocketRef},
};
use tokio::time::{MissedTickBehavior, interval};

const CONVERTERS: [&str; 3] = ["CONV-001", "CONV-002", "CONV-003"];
const BUSES: [&str; 5] = ["BUS-001", "BUS-002", "BUS-003", "BUS-004", "BUS-005"];
const UNITS: [&str; 4] = ["SOLAR-001", "SOLAR-002", "WIND-001", "WIND-002"];

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |given| given.parse().unwrap())
}

fn now() -> String {
    let format = "%Y-%m-%dT%H:%M:%S%.3fZ";
    chrono::DateTime::from_timestamp_millis(
        i64::try_from(
            std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap()
                .as_millis(),
        )
        .unwrap(),
    )
    .unwrap()
    .format(format)
    .to_string()
}

fn converter(id: &str, timestamp: &str) -> Value {
    json!({"converterId": id, "state": {"converterId": id, "voltage": 690.123, "current_d": 87.123, "current_q": -4.123,
        "activePower": 90.12, "reactivePower": 4.12, "frequency": 50.0012, "thd": 2.123, "temperature": 56.12,
        "gridVoltage": 563.12, "type": "TWO_LEVEL"}, "timestamp": timestamp})
}

fn bus(id: &str, timestamp: &str) -> Value {
    json!({"busId": id, "measurement": {"busId": id, "voltageMagnitude": 1.0123, "voltageAngle": -4.1234,
        "frequency": 50.0012, "activePower": -45.123, "reactivePower": -15.123}, "timestamp": timestamp})
}

fn unit(id: &str, timestamp: &str) -> Value {
    json!({"unitId": id, "generation": 57.31, "type": "SOLAR", "capacity": 100.0, "utilizationFactor": 0.5731,
        "irradiance": 612.12, "temperature": 21.41, "timestamp": timestamp})
}

/// Sends the samples of a kind, period after period.
async fn stream(
    io: SocketIo,
    (prefix, event): (&'static str, &'static str),
    ids: &'static [&'static str],
    period: Duration,
    sample: fn(&str, &str) -> Value,
) {
    let mut due = interval(period);
    due.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        due.tick().await;
        let now = now();
        for id in ids {
            let namespace = io.of("/realtime").unwrap();
            let room = format!("{prefix}:{id}");
            let _ = namespace.to(room).emit(event, &sample(id, &now)).await;
        }
    }
}

#[tokio::main]
async fn main() {
    let (layer, io) = SocketIo::builder().max_buffer_size(1024).build_layer();
    // Not an async handler: that would run later, and miss what clients ask at once.
    io.ns("/realtime", |socket: SocketRef| {
        for (event, prefix) in [
            ("subscribe:converters", "converter"),
            ("subscribe:buses", "bus"),
            ("subscribe:res-units", "res-unit"),
        ] {
            socket.on(
                event,
                async move |socket: SocketRef, Data::<Vec<String>>(ids), ack: AckSender| {
                    let rooms: Vec<_> = ids.iter().map(|id| format!("{prefix}:{id}")).collect();
                    socket.join(rooms);
                    let _ = ack.send(&json!({ "subscribed": ids }));
                },
            );
        }
        ready(())
    });
    let rate = number("RATE", 1);
    let period = |ms| Duration::from_millis(ms) / u32::try_from(rate).unwrap();
    let converters = ("converter", "converter:state");
    tokio::spawn(stream(
        io.clone(),
        converters,
        &CONVERTERS,
        period(500),
        converter,
    ));
    let buses = ("bus", "bus:measurement");
    tokio::spawn(stream(io.clone(), buses, &BUSES, period(1000), bus));
    let units = ("res-unit", "res:generation");
    tokio::spawn(stream(io, units, &UNITS, period(2000), unit));
    let port = u16::try_from(number("PORT", 3001)).unwrap();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port))
        .await
        .unwrap();
    axum::serve(listener, axum::Router::new().layer(layer))
        .await
        .unwrap();
}
