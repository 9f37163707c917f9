//! AC power flow of a balanced network.
//!
//! A [`Case`] is data; a [`PowerFlow`] is a case compiled for solving it again and again while loads,
//! schedules, set-points and switches change. Neither knows time, telemetry or the plant.
//!
//! # Model
//!
//! With V the complex bus voltages and Y the admittance matrix of pi-model branches and shunts, each
//! bus injects S = V·conj(Y·V). A PQ bus has P and Q given, a *held* bus P and |V|, a slack bus the
//! complex voltage. Powers are positive into the network, angles in radians, everything else in per
//! unit inside and in the units of the names outside.
//!
//! # Method
//!
//! Newton's method in polar coordinates (Tinney & Hart 1967). The unknowns of a bus, its angle and the
//! logarithm of its magnitude, are eliminated together as a 2x2 block in an order of minimum degree. A
//! solve that starts close to its end, as each does that follows another, takes no new Jacobian at all:
//! it uses one factorised beforehand at the solution of the case, and corrects for the difference by
//! Broyden's rank-one updates (Kelley 2003, *Solving Nonlinear Equations with Newton's Method*, ch. 4).
//! Where that does not pay, Newton's method starts over at the solution of the case: from voltages that a
//! fault pulled down it would often end at the low one of two solutions. Either way the result is
//! accepted on the mismatch of the full equations alone.
//!
//! The result is a function of the case, the inputs, the switches and the voltages it starts from, to
//! the last bit: nothing else is remembered from one solve to the next.

mod blocks;
mod case;
mod check;
mod jacobian;
mod json;
mod matpower;
mod network;
mod newton;
mod ordering;
mod pivoting;
mod power_flow;
mod problem;
mod roles;
mod solving;
mod state;
mod table;

pub use case::{Branch, Bus, BusType, Case, Generator};
pub use power_flow::{Flow, PowerFlow, PowerFlowError, Solved};
pub use problem::{CaseError, CaseErrors, Fault, Place, Table};
