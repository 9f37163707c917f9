//! Proofs that take longer than a test may: `make prove` runs them and prints their figures.

mod anomalies;
mod case_files;
mod dips;
mod instances;
