//! A client that polls: it asks for packets with one request after the other, and never upgrades.

use std::{io, sync::atomic::Ordering};

use tokio::{net::TcpStream, time::sleep};

use super::{
    client::{Client, now_us, short_stay},
    http::exchange,
};

/// What separates the packets of one answer.
const SEPARATOR: u8 = 0x1e;

/// A session that has joined and subscribed.
pub(crate) struct Session {
    /// The connection that asks for packets.
    asking: TcpStream,
    /// The connection that sends them.
    sending: TcpStream,
    host: String,
    path: String,
}

/// Connects, joins the namespace, and subscribes as soon as it has joined.
pub(crate) async fn join(client: &mut Client) -> io::Result<Session> {
    let target = &client.shared.target;
    let mut asking = TcpStream::connect(target.address).await?;
    let sending = TcpStream::connect(target.address).await?;
    let path = "/socket.io/?EIO=4&transport=polling";
    let host = target.host.clone();
    let (_, open) = exchange(&mut asking, &host, &format!("GET {path}"), "").await?;
    let open: serde_json::Value = serde_json::from_slice(open.get(1..).unwrap_or_default())?;
    let sid = open["sid"].as_str().unwrap_or_default();
    let mut session = Session {
        asking,
        sending,
        path: format!("{path}&sid={sid}"),
        host,
    };
    session.send("40/realtime,").await?;
    session.wait_for(client, "40/realtime,").await?;
    let requests = client.shared.target.requests(&client.entities);
    client
        .shared
        .unanswered
        .fetch_add(requests.len(), Ordering::Relaxed);
    for (ack, request) in requests.iter().enumerate() {
        session.send(request).await?;
        session
            .wait_for(client, &format!("43/realtime,{ack}["))
            .await?;
        client.shared.unanswered.fetch_sub(1, Ordering::Relaxed);
    }
    Ok(session)
}

/// Reads until the end.
pub(crate) async fn stay(client: &mut Client, mut session: Session) {
    let shared = client.shared.clone();
    let short = short_stay(client.role);
    let leave = async {
        match short {
            Some(stay) => sleep(stay).await,
            None => shared.over().cancelled().await,
        }
    };
    tokio::pin!(leave);
    loop {
        tokio::select! {
            () = &mut leave => return,
            read = session.read(client, "") => {
                if read.is_err() {
                    shared.ended.fetch_add(1, Ordering::Relaxed);
                    return;
                }
            }
        }
    }
}

impl Session {
    async fn send(&mut self, packet: &str) -> io::Result<()> {
        let request = format!("POST {}", self.path);
        let answer = exchange(&mut self.sending, &self.host, &request, packet).await?;
        if answer.0 == 200 {
            Ok(())
        } else {
            Err(io::Error::other("the server refused a packet"))
        }
    }

    async fn wait_for(&mut self, client: &mut Client, begin: &str) -> io::Result<()> {
        while !self.read(client, begin).await? {}
        Ok(())
    }

    /// Takes what one request brings. Returns whether a packet among that begins with `begin`.
    async fn read(&mut self, client: &mut Client, begin: &str) -> io::Result<bool> {
        let request = format!("GET {}", self.path);
        let (status, packets) = exchange(&mut self.asking, &self.host, &request, "").await?;
        if status != 200 {
            return Err(io::Error::other("the server has ended the session"));
        }
        let (mut found, mut pinged) = (false, false);
        let now_us = now_us();
        for packet in packets.split(|byte| *byte == SEPARATOR) {
            client.take(packet, now_us);
            found |= packet.starts_with(begin.as_bytes());
            pinged |= packet == b"2";
        }
        client.count();
        if pinged {
            self.send("3").await?;
        }
        Ok(found)
    }
}
