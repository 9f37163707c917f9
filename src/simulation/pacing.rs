//! When a tick may be computed: not before it is due, and not before every command that takes effect at
//! it has been read.
//!
//! The log tells again and again through which tick all commands have been delivered. Commands are placed
//! two to three ticks ahead, so on a healthy instance that is always ahead of the clock and nothing waits.
//! An instance that was frozen, or whose log is silent, finds it behind: it asks, and waits for the answer.
//!
//! | Why the log has told nothing | How long a tick waits |
//! |---|---|
//! | this instance was frozen, or the log is silent: others may have read commands that it has not | 1.9 s: what is older than 2 s is not emitted any more |
//! | the connection has broken while this instance was awake: what was sent before has been read | not |
//! | nobody listens where the log should be, so nobody places a command | not |
//!
//! After that it goes on alone until the log answers again, so nothing waits for ever.

use std::time::Duration;

use tokio::time::Instant;

use crate::grid::time::Tick;

/// Whoever wakes so late was frozen, or far too busy to have read the log.
const FROZEN: Duration = Duration::from_millis(150);
/// How long a tick waits for the log.
const PATIENCE: Duration = Duration::from_millis(1_900);
/// How often to look whether this process was frozen while it waits.
const LOOK: Duration = Duration::from_millis(50);

/// What is known of the commands to come.
#[derive(Debug)]
pub(super) struct Pacing {
    /// Whether others place commands too. Without them the log places a command when it is read, so none
    /// can be missed.
    shared: bool,
    /// All commands that take effect at or before this tick have been delivered.
    covered: Tick,
    /// The log does not answer, and ticks do not wait for it any more.
    alone: bool,
    /// The log has told nothing since this instance was frozen.
    frozen: bool,
    /// Until when to wait for the answer to the newest question.
    waiting_until: Option<Instant>,
    /// The number of the newest question.
    question: u64,
    /// When the loop went round last.
    seen: Instant,
}

/// What to do about ticks that are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// To compute them, up to this one.
    Compute(Tick),
    /// To ask the log, with this number.
    Ask(u64),
    /// To wait for the answer.
    Wait,
}

impl Pacing {
    pub(super) fn new(shared: bool, now: Instant) -> Self {
        Self {
            shared,
            covered: Tick(0),
            alone: false,
            frozen: false,
            waiting_until: None,
            question: 0,
            seen: now,
        }
    }

    /// When to look at ticks again of which the next is `due`.
    pub(super) fn wake(&self, due: Instant) -> Instant {
        match self.waiting_until {
            Some(until) => until.min(self.seen + LOOK),
            None => due,
        }
    }

    /// Notes that the loop goes round at `now`, having slept until `wake` at the most. What was known
    /// before a freeze is not enough after it.
    pub(super) fn look(&mut self, now: Instant, wake: Instant) {
        if now.saturating_duration_since(wake.max(self.seen)) > FROZEN {
            self.frozen = true;
            self.alone = false;
            self.waiting_until = None;
            self.question += 1;
        }
        self.seen = now;
    }

    /// What to do at `now`, when the ticks through `done` are computed and those through `due` are due.
    pub(super) fn pace(&mut self, now: Instant, done: Tick, due: Tick) -> Pace {
        if !self.shared || self.alone {
            return Pace::Compute(due);
        }
        let covered = due.min(self.covered);
        if covered > done || due <= done {
            return Pace::Compute(covered);
        }
        match self.waiting_until {
            None => {
                if !self.frozen {
                    self.question += 1;
                }
                self.waiting_until = Some(now + PATIENCE);
                Pace::Ask(self.question)
            }
            Some(until) if now < until => Pace::Wait,
            Some(_) => {
                self.go_alone();
                Pace::Compute(due)
            }
        }
    }

    /// All commands that take effect at or before `tick` have been delivered.
    pub(super) fn cover(&mut self, tick: Tick) {
        self.covered = self.covered.max(tick);
        self.alone = false;
        self.frozen = false;
        self.waiting_until = None;
    }

    /// The state is another one: its commands are delivered anew.
    pub(super) fn uncover(&mut self) {
        self.covered = Tick(0);
        self.alone = false;
        self.waiting_until = None;
    }

    /// The log cannot be reached, as was found after question `heard`. What was found before a freeze says
    /// nothing of the time after it.
    pub(super) fn lose(&mut self, heard: u64) {
        if !self.frozen || heard >= self.question {
            self.go_alone();
        }
    }

    fn go_alone(&mut self) {
        self.alone = true;
        self.frozen = false;
        self.waiting_until = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn at(begin: Instant, ms: u32) -> Instant {
        begin + ms * MS
    }

    #[test]
    fn alone_in_the_world_nothing_waits() {
        let begin = Instant::now();
        let mut pacing = Pacing::new(false, begin);
        pacing.look(at(begin, 5_000), at(begin, 100));
        assert_eq!(
            pacing.pace(at(begin, 5_000), Tick(7), Tick(57)),
            Pace::Compute(Tick(57))
        );
    }

    #[test]
    fn a_tick_that_is_covered_is_computed_and_the_next_is_asked_for() {
        let begin = Instant::now();
        let mut pacing = Pacing::new(true, begin);
        pacing.cover(Tick(8));
        assert_eq!(pacing.pace(begin, Tick(7), Tick(9)), Pace::Compute(Tick(8)));
        assert_eq!(pacing.pace(begin, Tick(8), Tick(9)), Pace::Ask(1));
        assert_eq!(pacing.pace(at(begin, 1_899), Tick(8), Tick(9)), Pace::Wait);
        assert_eq!(pacing.wake(begin), at(begin, 50));
        assert_eq!(
            pacing.pace(at(begin, 1_900), Tick(8), Tick(9)),
            Pace::Compute(Tick(9))
        );
        // It goes on alone until the log answers.
        assert_eq!(
            pacing.pace(at(begin, 2_000), Tick(9), Tick(10)),
            Pace::Compute(Tick(10))
        );
        pacing.cover(Tick(8));
        assert_eq!(
            pacing.pace(at(begin, 2_100), Tick(9), Tick(10)),
            Pace::Ask(2)
        );
    }

    #[test]
    fn a_freeze_while_it_waits_makes_it_wait_anew() {
        let begin = Instant::now();
        let mut pacing = Pacing::new(true, begin);
        assert_eq!(pacing.pace(begin, Tick(8), Tick(9)), Pace::Ask(1));
        let woken = at(begin, 1_950);
        pacing.look(woken, pacing.wake(begin));
        assert_eq!(pacing.pace(woken, Tick(8), Tick(28)), Pace::Ask(2));
        assert_eq!(pacing.pace(at(begin, 2_000), Tick(8), Tick(28)), Pace::Wait);
    }

    #[test]
    fn after_a_freeze_only_an_answer_to_a_new_question_counts() {
        let begin = Instant::now();
        let mut pacing = Pacing::new(true, begin);
        pacing.lose(0);
        let woken = at(begin, 1_000);
        pacing.look(woken, at(begin, 100));
        pacing.lose(0);
        assert_eq!(pacing.pace(woken, Tick(1), Tick(10)), Pace::Ask(1));
        pacing.lose(0);
        assert_eq!(pacing.pace(woken, Tick(1), Tick(10)), Pace::Wait);
        pacing.lose(1);
        assert_eq!(
            pacing.pace(woken, Tick(1), Tick(10)),
            Pace::Compute(Tick(10))
        );
    }

    #[test]
    fn what_is_computed_at_a_stretch_is_no_freeze() {
        let begin = Instant::now();
        let mut pacing = Pacing::new(true, begin);
        pacing.lose(0);
        for round in 1..100 {
            // A tick that is long due: the loop sleeps not at all, and computes 60 ms a round.
            pacing.look(at(begin, 60 * round), begin);
            assert_eq!(
                pacing.pace(at(begin, 60 * round), Tick(1), Tick(100)),
                Pace::Compute(Tick(100))
            );
        }
    }
}
