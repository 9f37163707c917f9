//! Goes back to a recent state when a command arrives after its tick, and replays.

use std::collections::VecDeque;

use crate::grid::{command::Entry, time::Tick};

use super::machine::Machine;

/// Ticks between two states that are kept; divides the period of checkpoints.
const PERIOD: u64 = 10;
/// How many states are kept.
const KEPT: usize = 12;

/// Recent states of the machine, and the commands since the oldest of them.
pub(super) struct Rewind {
    states: VecDeque<Machine>,
    entries: VecDeque<Entry>,
}

impl Rewind {
    /// Nothing to go back to but `machine`.
    pub(super) fn new(machine: &Machine) -> Self {
        Self {
            states: VecDeque::from([machine.clone()]),
            entries: VecDeque::new(),
        }
    }

    /// Keeps a command that the machine has accepted.
    pub(super) fn note_entry(&mut self, entry: &Entry) {
        self.entries.push_back(entry.clone());
    }

    /// Keeps the state of the machine, if it is time to.
    pub(super) fn note_tick(&mut self, machine: &Machine) {
        if !machine.done().0.is_multiple_of(PERIOD) {
            return;
        }
        self.states.push_back(machine.clone());
        if self.states.len() > KEPT {
            self.states.pop_front();
        }
        let oldest = self.states.front().map_or(0, Machine::position);
        while self
            .entries
            .pop_front_if(|entry| entry.position <= oldest)
            .is_some()
        {}
    }

    /// The state from which ticks from `tick` on can be computed again, with all commands accepted;
    /// `None` if none is old enough.
    pub(super) fn before(&mut self, tick: Tick) -> Option<Machine> {
        while self.states.back().is_some_and(|state| state.done() >= tick) {
            self.states.pop_back();
        }
        let mut machine = self.states.back()?.clone();
        let known = machine.position();
        for entry in self.entries.iter().filter(|entry| entry.position > known) {
            // What it came to is known since it was first accepted.
            let _ = machine.accept(entry);
        }
        Some(machine)
    }

    /// The newest state kept at a multiple of `period` ticks.
    pub(super) fn newest_at(&self, period: u64) -> Option<&Machine> {
        self.states
            .iter()
            .rev()
            .find(|state| state.done().0.is_multiple_of(period))
    }
}
