//! Below HTTP: sockets, and connections that can be ended from outside.

pub mod connection;
pub mod listener;
pub mod serve;
