//! The injections of a run: which are active, which have been, and why a new one is refused.
//!
//! An injection that starts at step s acts on the steps after s, up to and including its last one.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::grid::{
    command::Rejection,
    injection::{Cause, InjectionOrder, InjectionView},
    time::Tick,
};

use super::step_clock::StepClock;

/// How many injections that have ended are remembered.
const REMEMBERED: usize = 100;
/// How many may be active at once: far more than a person places, and a bound on what a step costs.
const MAX_ACTIVE: usize = 1000;

/// When an injection ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// With this step.
    Step(u64),
    /// Not.
    Open,
}

/// An injection where it has been placed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Injection {
    /// Its id, unique within the run.
    pub id: String,
    /// What was asked for.
    pub order: InjectionOrder,
    /// Who asked.
    pub cause: Cause,
    /// The newest step before it acts.
    pub start_step: u64,
    /// The tick at which it began.
    pub start_tick: Tick,
    /// When it ends.
    pub end: End,
}

impl Injection {
    fn is_over(&self, step: u64) -> bool {
        match self.end {
            End::Step(last) => last <= step,
            End::Open => false,
        }
    }

    fn end_tick(&self, clock: &StepClock) -> Option<Tick> {
        match self.end {
            End::Step(last) => Some(clock.tick_of(last)),
            End::Open => None,
        }
    }

    fn view(&self, end_tick: Option<Tick>, active: bool) -> InjectionView {
        InjectionView {
            id: self.id.clone(),
            kind: self.order.kind,
            entity_id: self.order.entity.clone(),
            field: self.order.field.clone(),
            size: self.order.size,
            duration_s: self.order.duration_s,
            start_tick: self.start_tick,
            end_tick,
            active,
            cause: self.cause,
        }
    }
}

/// An injection that is over, and when that was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Ended {
    injection: Injection,
    tick: Tick,
}

/// All injections of one run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    active: Vec<Injection>,
    ended: VecDeque<Ended>,
    commanded: u64,
}

impl Ledger {
    /// Those that act on the next step, or have acted on the present one and not been
    /// [retired](Self::retire).
    #[must_use]
    pub fn active(&self) -> &[Injection] {
        &self.active
    }

    /// Places an injection asked for by a command.
    ///
    /// # Errors
    /// [`Rejection::AlreadyActive`] if the same acts there already, [`Rejection::TooMany`] if too
    /// many are active.
    pub fn command(
        &mut self,
        order: InjectionOrder,
        step: u64,
        tick: Tick,
        end: End,
    ) -> Result<&Injection, Rejection> {
        if self.clashes(&order) {
            return Err(Rejection::AlreadyActive);
        }
        if self.active.len() >= MAX_ACTIVE {
            return Err(Rejection::TooMany);
        }
        self.commanded += 1;
        let id = format!("{}-{}-C{}", order.kind.name(), order.entity, self.commanded);
        self.active.push(Injection {
            id,
            order,
            cause: Cause::Command,
            start_step: step,
            start_tick: tick,
            end,
        });
        // Pushed a line above.
        self.active.last().ok_or(Rejection::TooMany)
    }

    /// Places a random injection, unless the same acts there already.
    pub fn random(&mut self, order: InjectionOrder, step: u64, tick: Tick) {
        if self.clashes(&order) || self.active.len() >= MAX_ACTIVE {
            return;
        }
        let end = order
            .duration_steps()
            .map_or(End::Open, |steps| End::Step(step.saturating_add(steps)));
        let id = format!("{}-{}-R{step}", order.kind.name(), order.entity);
        self.active.push(Injection {
            id,
            order,
            cause: Cause::Random,
            start_step: step,
            start_tick: tick,
            end,
        });
    }

    /// Ends an injection at `tick`.
    ///
    /// # Errors
    /// [`Rejection::Ended`] if it has ended already, [`Rejection::UnknownInjection`] if it has never
    /// been or is not remembered any more.
    pub fn end(&mut self, id: &str, tick: Tick) -> Result<(), Rejection> {
        if let Some(at) = self.active.iter().position(|injection| injection.id == id) {
            let injection = self.active.remove(at);
            self.remember(injection, tick);
            Ok(())
        } else if self.ended.iter().any(|ended| ended.injection.id == id) {
            Err(Rejection::Ended)
        } else {
            Err(Rejection::UnknownInjection)
        }
    }

    /// Ends those that are over when `step` is done.
    pub fn retire(&mut self, step: u64, clock: &StepClock) {
        let over = |injection: &Injection| injection.is_over(step);
        while let Some(at) = self.active.iter().position(over) {
            let injection = self.active.remove(at);
            let ended = injection
                .end_tick(clock)
                .unwrap_or_else(|| clock.tick_of(step));
            self.remember(injection, ended);
        }
    }

    /// Ends all: the run is over.
    pub fn end_all(&mut self, tick: Tick) {
        for injection in std::mem::take(&mut self.active) {
            self.remember(injection, tick);
        }
    }

    /// All that are remembered, oldest start first; those that are over when `step` is done count as
    /// ended.
    #[must_use]
    pub fn views(&self, step: u64, clock: &StepClock) -> Vec<InjectionView> {
        let ended = self
            .ended
            .iter()
            .map(|ended| ended.injection.view(Some(ended.tick), false));
        let active = self
            .active
            .iter()
            .map(|injection| injection.view(injection.end_tick(clock), !injection.is_over(step)));
        ended.chain(active).collect()
    }

    fn clashes(&self, order: &InjectionOrder) -> bool {
        self.active
            .iter()
            .any(|injection| injection.order.clashes_with(order))
    }

    fn remember(&mut self, injection: Injection, tick: Tick) {
        if self.ended.len() == REMEMBERED {
            self.ended.pop_front();
        }
        self.ended.push_back(Ended { injection, tick });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::injection::InjectionKind;

    fn order(kind: InjectionKind, duration_s: Option<f64>) -> InjectionOrder {
        InjectionOrder {
            kind,
            entity: "BUS-004".into(),
            field: None,
            size: Some(0.8),
            duration_s,
        }
    }

    fn dip() -> InjectionOrder {
        order(InjectionKind::VoltageDip, Some(2.0))
    }

    #[test]
    fn an_injection_lasts_as_long_as_it_says() {
        let clock = StepClock::new(Tick(1000), 1);
        let mut ledger = Ledger::default();
        let id = ledger
            .command(dip(), 5, Tick(1005), End::Step(25))
            .unwrap()
            .id
            .clone();
        assert_eq!(id, "VOLTAGE_DIP-BUS-004-C1");
        ledger.retire(24, &clock);
        assert_eq!(ledger.active().len(), 1);
        assert!(!ledger.views(25, &clock)[0].active);
        ledger.retire(25, &clock);
        assert!(ledger.active().is_empty());
        let view = &ledger.views(30, &clock)[0];
        assert_eq!((view.active, view.end_tick), (false, Some(Tick(1025))));
        assert_eq!(ledger.end(&id, Tick(1030)), Err(Rejection::Ended));
    }

    #[test]
    fn the_same_cannot_act_twice_at_one_place() {
        let mut ledger = Ledger::default();
        let mut place = |order| {
            ledger
                .command(order, 0, Tick(0), End::Open)
                .map(|injection| injection.id.clone())
        };
        place(dip()).unwrap();
        assert_eq!(place(dip()), Err(Rejection::AlreadyActive));
        let mut spike = order(InjectionKind::Spike, None);
        spike.field = Some("activePower".into());
        place(spike.clone()).unwrap();
        assert_eq!(place(spike.clone()), Err(Rejection::AlreadyActive));
        spike.field = Some("frequency".into());
        place(spike).unwrap();
    }

    #[test]
    fn a_random_one_gives_way_to_a_command() {
        let mut ledger = Ledger::default();
        ledger.command(dip(), 0, Tick(0), End::Step(20)).unwrap();
        ledger.random(dip(), 10, Tick(10));
        assert_eq!(ledger.active().len(), 1);
    }

    #[test]
    fn the_end_follows_the_speed() {
        let mut clock = StepClock::new(Tick(0), 1);
        let mut ledger = Ledger::default();
        ledger.command(dip(), 0, Tick(0), End::Step(20)).unwrap();
        assert_eq!(ledger.views(0, &clock)[0].end_tick, Some(Tick(20)));
        clock.change_speed(Tick(10), 5);
        assert_eq!(ledger.views(10, &clock)[0].end_tick, Some(Tick(12)));
    }

    #[test]
    fn no_more_than_a_hundred_ended_ones_are_remembered() {
        let mut ledger = Ledger::default();
        for _ in 0..150 {
            let id = ledger
                .command(dip(), 0, Tick(0), End::Open)
                .unwrap()
                .id
                .clone();
            ledger.end(&id, Tick(1)).unwrap();
        }
        let clock = StepClock::new(Tick(0), 1);
        assert_eq!(ledger.views(0, &clock).len(), 100);
        assert_eq!(
            ledger.end("VOLTAGE_DIP-BUS-004-C1", Tick(2)),
            Err(Rejection::UnknownInjection)
        );
    }
}
