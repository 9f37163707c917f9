//! Watches one bus over a plain websocket, without a Socket.IO library: the protocol in 60 lines.
//!
//! ```sh
//! cargo run --example watch_bus -- BUS-004 [HOST:PORT]
//! ```

use std::{env, error::Error};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::{connect_async, tungstenite::Message};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let bus = arguments.next().unwrap_or_else(|| "BUS-001".into());
    let server = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".into());
    let url = format!("ws://{server}/socket.io/?EIO=4&transport=websocket");
    let (mut socket, _) = connect_async(url).await?;
    while let Some(message) = socket.next().await {
        let Message::Text(packet) = message? else {
            continue;
        };
        // The first digit is Engine.IO's packet type, the second Socket.IO's.
        let answer = if packet.starts_with('0') {
            Some("40/realtime,".to_owned())
        } else if packet.as_str() == "2" {
            Some("3".to_owned())
        } else if packet.starts_with("40/realtime,") {
            Some(format!(
                "42/realtime,1{}",
                json!(["subscribe:buses", [bus]])
            ))
        } else {
            if let Some(event) = packet.strip_prefix("42/realtime,") {
                show(&serde_json::from_str(event)?);
            }
            None
        };
        if let Some(answer) = answer {
            socket.send(Message::text(answer)).await?;
        }
    }
    Ok(())
}

fn show(event: &Value) {
    let (name, payload) = (&event[0], &event[1]);
    if name == "bus:measurement" {
        let measured = &payload["measurement"];
        println!(
            "{} {} {:.4} p.u. {:7.3} deg {:.3} Hz {:8.2} MW {:8.2} MVAR",
            payload["timestamp"].as_str().unwrap_or_default(),
            payload["busId"].as_str().unwrap_or_default(),
            measured["voltageMagnitude"].as_f64().unwrap_or(f64::NAN),
            measured["voltageAngle"].as_f64().unwrap_or(f64::NAN),
            measured["frequency"].as_f64().unwrap_or(f64::NAN),
            measured["activePower"].as_f64().unwrap_or(f64::NAN),
            measured["reactivePower"].as_f64().unwrap_or(f64::NAN),
        );
    } else {
        println!("{name} {payload}");
    }
}
