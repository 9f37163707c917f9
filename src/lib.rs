//! gridcast: a realtime telemetry server for power systems that speaks Socket.IO.
//!
//! # The map
//!
//! A module may use those in the rows below its own, never one above it. In one row only
//! [`http`] uses [`realtime`] (to send messages and to document payloads), [`cli`] uses [`physics`],
//! [`config`] uses [`grid`], and [`random`] uses [`maths`].
//!
//! | Row | Modules | What they do |
//! |---|---|---|
//! | wiring | [`app`], [`cli`], [`healthcheck`], [`physics`] | put the parts together, once; the models by themselves |
//! | doors | [`http`], [`realtime`] | REST, and Socket.IO |
//! | work | [`simulation`] | the state machine and the loop that drives it |
//! | order | [`cluster`], [`net`] | the command log, the clock and the other instances; sockets |
//! | models | [`plant`] | the physics |
//! | mathematics | [`powerflow`], [`detect`] | AC power flow; what samples say of faults and anomalies |
//! | words | [`grid`], [`config`], [`maths`], [`random`], [`fnv`], [`health`], [`logging`] | plain values and the table of streams; settings; which tasks live; the log |
//!
//! What is absent matters most:
//!
//! - [`grid`], [`plant`] and [`simulation::machine`] know no clock, no I/O and no async: time comes in
//!   as an argument, randomness from the run's seed.
//! - The engine's task owns the world. Nothing is global but the process's log, nobody locks the plant.
//! - Every task that lives as long as the server is spawned by [`health`], which knows whether it goes on.
//! - [`realtime`] alone names socketioxide, and the type of its adapter does not leave it. [`http`]
//!   and the HTTP layer ahead of Socket.IO (`realtime/front.rs`, `realtime/home.rs`) alone name status
//!   codes. [`cli`] alone reads the environment. [`cluster::redis`] and the driver in [`realtime`] alone
//!   name Redis.
//! - There is no special instance: every command takes the way through the log, on one instance too.
//! - Telemetry never passes between instances: each computes all of it and serves its own clients.
//!
//! # A sample's way
//!
//! The [engine](simulation::engine) sleeps until the next tick, a multiple of 100 ms since the Unix
//! epoch. The [machine](simulation::machine) makes as many steps of the [plant](plant::Plant) as the speed
//! says. After each of them limits look at what sensors show; every 0.5, 1 and 2 simulated seconds all
//! entities of a kind are sampled, sensor faults distort that, and [detectors](detect) see it. When a
//! stream's period on the wire is over, what sensors show goes out: one [`Event`](grid::event::Event) per
//! entity, in a [`Batch`](grid::event::Batch) with the faults and anomalies, each with those it is for.
//! The batch passes a bounded channel that never makes the engine wait.
//!
//! From there to the client it takes seven files, on one thread of its own:
//!
//! 1. `realtime/publisher.rs` takes the batch, joined with others where it is late.
//! 2. `realtime/packet.rs` encodes its events once, into frames of a websocket.
//! 3. `realtime/members.rs` notes the newest samples and tells the groups: clients of equal subscriptions.
//!    The publisher joins the frames of each group once.
//! 4. `realtime/client.rs` is all that is known of a client, behind its only lock. Acks, snapshots and
//!    messages meet the samples here, so that all leave in one order.
//! 5. `realtime/outbox.rs` writes the block to the socket, where `net/frames.rs`
//! 6. says that the Socket.IO engine, which shares the socket, is between two frames.
//! 7. `realtime/queue.rs` keeps what the socket does not take, within bounds.
//!
//! A client that polls, and `DELIVERY=plain`, take the way through the engine's queue from `outbox.rs` on.
//!
//! # A command's way
//!
//! `POST …/simulation/start` reaches its handler in [`http`], which checks the body and fills in what
//! it leaves open. [`cluster::Log::submit`] appends the command; the log gives it a place and the tick at
//! which it takes effect. The engine reads it back in order, and the machine's
//! [control](simulation::control) judges it. [`http`] makes an answer of the
//! [verdict](grid::command::Verdict). At the effective tick the machine applies the command, and the
//! notification goes out with that tick's time.
//!
//! # Several instances
//!
//! With Redis the log is a stream that all instances read ([`cluster::redis`]). A script gives each
//! command its place and its tick, a little ahead, by the time of Redis, which all instances'
//! [clocks](cluster::clock) follow. What is in Redis, a snapshot and the commands after it, is the
//! truth; an instance that comes late or finds itself beside it goes on from there.
//!
//! - No tick is emitted before all its commands are known: the log tells through which tick that is, always
//!   a little ahead of the clock, and `simulation/pacing.rs` waits where it is not.
//! - A command arrives after its tick all the same, because the log could not be read for long: the engine
//!   goes back to a state that it kept and computes the
//!   ticks since then again. What was emitted for a tick is not emitted again.
//! - Redis is away: everybody goes on; what would change anything is refused.
//! - Redis has forgotten: the instances put the state back, and the one that has read most prevails.
//! - Two states differ: each instance tells a [hash](cluster::checkpoint) every 50 ticks, the odd one goes
//!   on from a snapshot.
//!
//! `docs/architecture.md` tells why, with the figures.
//!
//! # To add something
//!
//! `CONTRIBUTING.md` has the steps for the first six, and names the tests that fail where a step is missing.
//!
//! | What | Where |
//! |---|---|
//! | a setting | a row in [`config::SETTINGS`] and its line in [`config::Config::from_values`] |
//! | a REST route | a file in `http/` and its `.merge(…)` in `http/mod.rs` |
//! | an event we emit | a variant of [`grid::event::Event`] with its payload, and its name and example in [`grid::emitted`] |
//! | an injection | a row in [`grid::injection`], what it does in `plant/acting.rs` or `simulation/sensor.rs`; a new kind of place in `plant/placement.rs` |
//! | a detector channel | a row in the table of its stream, `detect/*/channels.rs`, and its value at each sample beside it |
//! | a kind of entity with a stream | a row in [`grid::stream::STREAMS`], a folder in `plant/`, a folder in `detect/` |
//! | an event we accept | its name in [`realtime::messages`], what it does in `realtime/inbound.rs`; those about entities come from [`grid::stream::STREAMS`] |
//! | a limit | [`detect::fault`] and its words in `simulation/wording.rs` |
//! | a topic of `gridcast physics` | a file in `physics/`, its row in [`physics::TOPICS`] and its arm in [`physics::answer`] |
//! | a command | a variant in [`grid::command`], its verdict in [`simulation::control`], its effect in `simulation/effects.rs` |

#![cfg_attr(test, allow(clippy::too_many_lines, reason = "a test tells one story"))]

pub mod app;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod detect;
pub mod fnv;
pub mod grid;
pub mod health;
pub mod healthcheck;
pub mod http;
pub mod logging;
pub mod maths;
pub mod net;
pub mod physics;
pub mod plant;
pub mod powerflow;
pub mod random;
pub mod realtime;
pub mod simulation;
