//! Several instances that act as one, with real Redis and nginx, and what may become of them.
#![expect(
    clippy::unwrap_used,
    reason = "a test ends where something is not as expected"
)]

mod backends;
mod balancer;
mod connections;
mod freezes;
mod instances;
mod joining;
mod one;
mod outages;
mod permissions;
mod support;
