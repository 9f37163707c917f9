//! Several instances that act as one, with real Redis and nginx, and what may become of them.
#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test ends where something is not as expected, and tells one story"
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
