//! The server from outside, at the raw level: HTTP, websocket frames and TCP as no client library
//! would send them. Each test has a server of its own on a free port.
#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    clippy::expect_used,
    reason = "a test says what is wrong by ending, and tells one story"
)]

mod case_files;
mod determinism;
mod engineio_http;
mod engineio_polling;
mod engineio_timing;
mod engineio_websocket;
mod events;
mod health;
mod hostile;
mod joining;
mod limits;
mod openapi;
mod process;
mod rest;
mod rest_bodies;
mod simulation;
mod slow_readers;
mod snapshot;
mod socketio;
mod support;
