//! A machine's state as bytes, to go on with elsewhere.
//!
//! Self-describing, because samples do not say what kind they are, and compressed, because they
//! repeat their keys. Numbers keep every bit.

use std::io::Read;

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use thiserror::Error;

use super::snapshot::Snapshot;

/// A state that cannot be written or read.
#[derive(Debug, Error)]
pub enum TransferError {
    /// It cannot be written.
    #[error("it cannot be written: {0}")]
    Write(#[from] rmp_serde::encode::Error),
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] rmp_serde::decode::Error),
    /// It is not whole.
    #[error("it is not whole: {0}")]
    Torn(#[from] std::io::Error),
}

/// The state as bytes.
///
/// # Errors
/// [`TransferError`] if it holds what cannot be written.
pub fn pack(snapshot: &Snapshot) -> Result<Vec<u8>, TransferError> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    rmp_serde::encode::write_named(&mut encoder, snapshot)?;
    Ok(encoder.finish()?)
}

/// The state that `bytes` were made of.
///
/// # Errors
/// [`TransferError`] if they were not made by [`pack`].
pub fn unpack(bytes: &[u8]) -> Result<Snapshot, TransferError> {
    let mut packed = Vec::new();
    DeflateDecoder::new(bytes).read_to_end(&mut packed)?;
    Ok(rmp_serde::from_slice(&packed)?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        config::Config,
        grid::{
            command::{Command, Entry, Start, StartMode},
            time::{Tick, Timeline},
        },
        plant::PlantSpec,
        simulation::machine::Machine,
    };

    /// A machine that goes on from the bytes goes on as the one that they were made of.
    #[test]
    fn nothing_is_lost_on_the_way() {
        let spec = Arc::new(PlantSpec::default());
        let defaults = Config::from_values(|_| None).unwrap().simulation;
        let mut machine = Machine::new(spec.clone(), &defaults, Tick(1_000));
        let start = Start {
            mode: StartMode::Plain,
            seed: 11,
            speed: 7,
            simulated_start: None,
            noise: 1.0,
            disturbances: 3_600.0,
        };
        let entry = Entry {
            position: 1,
            effective: Tick(1_003),
            command: Command::Start(start),
        };
        machine.accept(&entry).unwrap();
        for _ in 0..250 {
            machine.tick();
        }
        let snapshot = machine.snapshot();
        let bytes = pack(&snapshot).unwrap();
        println!("{} bytes", bytes.len());
        let unpacked = unpack(&bytes).unwrap();
        assert_eq!(unpacked, snapshot);
        let mut other = Machine::restore(spec, Timeline::default(), unpacked);
        for _ in 0..100 {
            assert_eq!(other.tick(), machine.tick());
            assert_eq!(other.hash(), machine.hash());
        }
        assert_eq!(other.snapshot(), machine.snapshot());
    }

    #[test]
    fn other_bytes_are_refused() {
        assert!(unpack(b"").is_err());
        assert!(unpack(b"state").is_err());
    }
}
