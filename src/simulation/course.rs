//! The course of one run without its plant: how steps lie on ticks, and which injections act.
//!
//! It is cheap to copy and to play ahead, which is how a command is judged for a tick that the plant
//! has not reached yet: by the commands placed before it, on every instance alike.

use serde::{Deserialize, Serialize};

use crate::{
    grid::{
        command::Rejection,
        injection::{DurationRule, InjectionOrder, InjectionView},
        run::Run,
        stream::stream_of,
        time::{STEPS_PER_SECOND, Tick},
    },
    plant::PlantSpec,
};

use super::{
    control::Effect,
    ledger::{End, Ledger},
    step_clock::StepClock,
};

/// The course of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// The run.
    pub run: Run,
    clock: StepClock,
    ledger: Ledger,
    /// The newest step done.
    step: u64,
    over: bool,
}

impl Course {
    /// A run that begins.
    #[must_use]
    pub fn begin(run: Run) -> Self {
        Self {
            clock: StepClock::new(run.start, run.settings.speed),
            ledger: Ledger::default(),
            step: 0,
            over: false,
            run,
        }
    }

    /// Steps per tick.
    #[must_use]
    pub fn speed(&self) -> u32 {
        self.clock.speed()
    }

    /// The newest step done.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Whether the run has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// The injections of the run.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Goes on by one step: injections that are over end, random ones begin.
    pub fn next_step(&mut self, spec: &PlantSpec) {
        self.ledger.retire(self.step, &self.clock);
        if self.step.is_multiple_of(STEPS_PER_SECOND) {
            let settings = &self.run.settings;
            let second = self.step / STEPS_PER_SECOND;
            if let Some(order) = spec.random_injection(settings.seed, second, settings.disturbances)
            {
                let next = self.clock.tick_of(self.step + 1);
                let done = Tick(next.0.saturating_sub(1));
                self.ledger.random(order, self.step, done);
            }
        }
        self.step += 1;
    }

    /// Goes on to `tick` as far as injections are concerned.
    pub fn play_to(&mut self, tick: Tick, spec: &PlantSpec) {
        if self.over {
            return;
        }
        let target = self.clock.step_at(tick);
        while self.step < target {
            self.next_step(spec);
            // Nothing happens before the next full second.
            let next = self.step.next_multiple_of(STEPS_PER_SECOND).min(target);
            self.step = self.step.max(next);
        }
    }

    /// Lets an effect act at `tick`, which the course has reached. What it says of an injection is
    /// returned.
    ///
    /// # Errors
    /// Why an injection cannot be placed or ended.
    pub fn take_effect(
        &mut self,
        effect: &Effect,
        tick: Tick,
        spec: &PlantSpec,
    ) -> Result<Option<InjectionView>, Rejection> {
        match effect {
            Effect::Inject(order) => self.inject(order, tick, spec).map(Some),
            Effect::EndInjection(id) => {
                self.ledger.retire(self.step, &self.clock);
                self.ledger.end(id, tick)?;
                Ok(self.find(id))
            }
            Effect::Speed(speed) => {
                self.clock.change_speed(tick, *speed);
                Ok(None)
            }
            Effect::End => {
                self.ledger.retire(self.step, &self.clock);
                self.ledger.end_all(tick);
                self.over = true;
                Ok(None)
            }
            Effect::Begin(run) => {
                *self = Self::begin(run.clone());
                Ok(None)
            }
            Effect::StartedAgain => Ok(None),
        }
    }

    /// All injections that are remembered, when the newest step is done.
    #[must_use]
    pub fn injections(&self) -> Vec<InjectionView> {
        self.ledger.views(self.step, &self.clock)
    }

    fn inject(
        &mut self,
        order: &InjectionOrder,
        tick: Tick,
        spec: &PlantSpec,
    ) -> Result<InjectionView, Rejection> {
        if self.over {
            return Err(Rejection::Stopped);
        }
        self.ledger.retire(self.step, &self.clock);
        let end = match (order.kind.rule().duration, order.duration_steps()) {
            (DurationRule::OneSample, _) => {
                let entity = spec.catalogue().get(order.entity.as_str());
                let kind = entity.ok_or(Rejection::UnknownInjection)?.kind;
                let stream = stream_of(kind).ok_or(Rejection::UnknownInjection)?;
                End::Step(stream.next_sample(self.step))
            }
            (_, Some(steps)) => End::Step(self.step.saturating_add(steps)),
            (_, None) => End::Open,
        };
        let placed = self.ledger.command(order.clone(), self.step, tick, end)?;
        let id = placed.id.clone();
        self.find(&id).ok_or(Rejection::UnknownInjection)
    }

    fn find(&self, id: &str) -> Option<InjectionView> {
        let views = self.injections();
        views.into_iter().find(|view| view.id == id)
    }
}
