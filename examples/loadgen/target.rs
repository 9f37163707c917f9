//! The server under load and its entities.

use std::net::SocketAddr;

use serde::Deserialize;
use tokio::net::{TcpStream, lookup_host};

use super::{
    http::exchange,
    options::{Mix, Options},
};

/// The kinds that have a stream, with the request that subscribes to them.
const REQUESTS: [(&str, &str); 3] = [
    ("converter", "subscribe:converters"),
    ("bus", "subscribe:buses"),
    ("res-unit", "subscribe:res-units"),
];

/// An entity with a stream.
#[derive(Debug, Clone)]
pub(crate) struct Entity {
    pub(crate) id: String,
    /// Which of [`REQUESTS`] subscribes to it.
    kind: usize,
}

/// The server under load.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) host: String,
    pub(crate) entities: Vec<Entity>,
}

#[derive(Deserialize)]
struct Listed {
    entities: Vec<ListedEntity>,
}

#[derive(Deserialize)]
struct ListedEntity {
    id: String,
    kind: String,
}

impl Target {
    /// Finds the server and asks for its entities. One that has no such list is taken to have the twelve
    /// of the default plant.
    pub(crate) async fn find(options: &Options) -> Result<Self, String> {
        let host = options.url.strip_prefix("http://").unwrap_or(&options.url);
        let host = host.trim_end_matches('/').to_owned();
        let unreachable = |error| format!("{host} cannot be reached: {error}");
        let address = lookup_host(&host).await.map_err(unreachable)?.next();
        let address = address.ok_or_else(|| format!("{host} has no address"))?;
        let mut stream = TcpStream::connect(address).await.map_err(unreachable)?;
        let listed = exchange(&mut stream, &host, "GET /api/v1/entities", "").await;
        let entities = match listed {
            Ok((200, body)) => read(&body)?,
            _ => default_entities(),
        };
        Ok(Self {
            address,
            host,
            entities,
        })
    }

    /// Which entities the client with this number subscribes to.
    pub(crate) fn drawn(&self, mix: Mix, number: usize) -> Vec<usize> {
        let all = 0..self.entities.len();
        match mix {
            Mix::All => all.collect(),
            Mix::Some(count) => {
                // Equal runs draw equally.
                let mut state = number as u64;
                let mut all: Vec<_> = all.collect();
                for at in 0..count.min(all.len()) {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    let left = (all.len() - at) as u64;
                    let drawn = usize::try_from((state >> 33) % left).unwrap_or(0);
                    all.swap(at, at + drawn);
                }
                all.truncate(count);
                all
            }
        }
    }

    /// The requests that subscribe to entities, each the payload of a packet with its ack's id.
    pub(crate) fn requests(&self, entities: &[usize]) -> Vec<String> {
        let mut requests = Vec::new();
        for (kind, (_, event)) in REQUESTS.iter().enumerate() {
            let of_kind = entities.iter().map(|at| &self.entities[*at]);
            let ids: Vec<_> = of_kind
                .filter(|entity| entity.kind == kind)
                .map(|entity| entity.id.as_str())
                .collect();
            // The server takes 10,000 ids at once.
            for ids in ids.chunks(5_000) {
                let ack = requests.len();
                let list = serde_json::to_string(ids).unwrap_or_default();
                requests.push(format!("42/realtime,{ack}[\"{event}\",{list}]"));
            }
        }
        requests
    }
}

fn read(body: &[u8]) -> Result<Vec<Entity>, String> {
    let listed: Listed = serde_json::from_slice(body)
        .map_err(|error| format!("the list of entities cannot be read: {error}"))?;
    let entity = |ListedEntity { id, kind }| {
        let kind = REQUESTS.iter().position(|(name, _)| *name == kind)?;
        Some(Entity { id, kind })
    };
    Ok(listed.entities.into_iter().filter_map(entity).collect())
}

fn default_entities() -> Vec<Entity> {
    let ids = [
        ("CONV-", 3, 0),
        ("BUS-", 5, 1),
        ("SOLAR-", 2, 2),
        ("WIND-", 2, 2),
    ];
    let numbered = |(prefix, count, kind): (&str, usize, usize)| {
        let prefix = prefix.to_owned();
        (1..=count).map(move |number| Entity {
            id: format!("{prefix}{number:03}"),
            kind,
        })
    };
    ids.into_iter().flat_map(numbered).collect()
}
