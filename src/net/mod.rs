//! Below HTTP: sockets, connections that can be ended and written to from outside, and the frames on them.

pub mod connection;
pub mod frames;
pub mod listener;
pub mod serve;
