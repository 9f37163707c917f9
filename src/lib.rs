//! gridcast
pub mod app;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod grid;
pub mod healthcheck;
pub mod http;
pub mod maths;
pub mod net;
pub mod plant;
pub mod random;
pub mod realtime;
pub mod simulation;
