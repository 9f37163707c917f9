//! Finds instances whose states differ, and which of them is to give way.

use std::{collections::BTreeMap, time::Duration};

use tracing::warn;

use crate::{
    cluster::{Checkpoint, StateHash},
    grid::time::Tick,
};

use super::store::{Beat, Told};

/// An instance that was silent for so long has no say.
const SILENT_AFTER: Duration = Duration::from_secs(15);
/// How many ticks to wait for a snapshot of the others.
const PATIENCE_TICKS: u64 = 300;

/// A state that differs from another instance's at the same tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Divergence {
    pub(super) tick: Tick,
    pub(super) instance: String,
    pub(super) own: StateHash,
    pub(super) other: StateHash,
}

/// Compares this instance's checkpoints with those the others tell.
#[derive(Debug)]
pub(super) struct Comparison {
    instance: String,
    /// What others told last.
    told: BTreeMap<String, Checkpoint>,
    /// The newest tick compared per instance.
    compared: BTreeMap<String, Tick>,
    /// A tick at which states differ, and what the others have told of it, until all have.
    disputed: Option<(Tick, BTreeMap<String, Checkpoint>)>,
    /// The tick at which this instance found itself wrong, while it waits for a snapshot.
    healing: Option<Tick>,
}

impl Comparison {
    pub(super) fn new(instance: &str) -> Self {
        Self {
            instance: instance.to_owned(),
            told: BTreeMap::new(),
            compared: BTreeMap::new(),
            disputed: None,
            healing: None,
        }
    }

    /// The tick at which this instance found itself wrong, until it goes on from a snapshot.
    pub(super) fn healing(&self) -> Option<Tick> {
        self.healing
    }

    /// Starts afresh: this instance's state is that of a snapshot now.
    pub(super) fn forget(&mut self) {
        self.disputed = None;
        self.healing = None;
    }

    /// Takes in what the others told, and how long ago.
    pub(super) fn hear(&mut self, others: &[(Told, Duration)]) {
        self.told = others
            .iter()
            .filter(|(told, ago)| told.joined && *ago < SILENT_AFTER)
            .filter_map(|(told, _)| Some((told.member.instance.clone(), told.checkpoint?)))
            .collect();
    }

    /// Compares, each tick of each instance once. States are comparable at the same tick after the
    /// same commands: an instance that has a command still to come will heal by itself.
    /// `snapshot` is the tick of the newest snapshot in Redis.
    pub(super) fn compare(&mut self, own: &[Checkpoint], snapshot: Tick) -> Vec<Divergence> {
        let mut divergences = Vec::new();
        for (instance, theirs) in &self.told {
            if self.compared.get(instance) >= Some(&theirs.tick) {
                continue;
            }
            let Some(ours) = at(own, theirs.tick).filter(|ours| ours.applied == theirs.applied)
            else {
                continue;
            };
            self.compared.insert(instance.clone(), theirs.tick);
            if ours.hash != theirs.hash {
                divergences.push(Divergence {
                    tick: theirs.tick,
                    instance: instance.clone(),
                    own: ours.hash,
                    other: theirs.hash,
                });
            }
        }
        self.compared
            .retain(|instance, _| self.told.contains_key(instance));
        if let Some(divergence) = divergences.first() {
            self.disputed
                .get_or_insert_with(|| (divergence.tick, BTreeMap::new()));
        }
        self.judge(own);
        let newest = own.last().map_or(Tick(0), |newest| newest.tick);
        if let Some(since) = self.healing
            && newest.since(since) > PATIENCE_TICKS
            && snapshot < since
        {
            warn!("no other instance has put a snapshot: this one goes on with its own state");
            self.healing = None;
        }
        divergences
    }

    /// Whether the snapshot in Redis is one that this instance can heal by.
    pub(super) fn can_heal(&self, beat: &Beat) -> bool {
        self.healing.is_some_and(|since| {
            beat.snapshot_tick >= since && beat.snapshot_instance != self.instance
        })
    }

    /// Decides a dispute as soon as all others have told of its tick.
    fn judge(&mut self, own: &[Checkpoint]) {
        let Some((tick, votes)) = &mut self.disputed else {
            return;
        };
        for (instance, theirs) in &self.told {
            if theirs.tick == *tick {
                votes.insert(instance.clone(), *theirs);
            }
        }
        if self.told.values().any(|theirs| theirs.tick < *tick) {
            return;
        }
        let gives_way = at(own, *tick).is_some_and(|ours| !prevails(&self.instance, ours, votes));
        if gives_way {
            self.healing = Some(*tick);
        }
        self.disputed = None;
    }
}

/// Whether most instances share the state `ours` of `instance`; with a draw, those among which is the
/// name that comes first.
fn prevails(instance: &str, ours: Checkpoint, others: &BTreeMap<String, Checkpoint>) -> bool {
    let mut camps: BTreeMap<StateHash, (usize, &str)> = BTreeMap::new();
    camps.insert(ours.hash, (1, instance));
    let comparable = others
        .iter()
        .filter(|(_, theirs)| theirs.applied == ours.applied);
    for (instance, theirs) in comparable {
        let (size, first) = camps.entry(theirs.hash).or_insert((0, instance));
        *size += 1;
        *first = (*first).min(instance);
    }
    let strongest = camps
        .iter()
        .max_by_key(|(_, (size, first))| (*size, std::cmp::Reverse(*first)));
    strongest.is_some_and(|(hash, _)| *hash == ours.hash)
}

fn at(checkpoints: &[Checkpoint], tick: Tick) -> Option<Checkpoint> {
    checkpoints.iter().copied().find(|one| one.tick == tick)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cluster::status::{Member, RedisState},
        grid::time::Timestamp,
    };

    fn checkpoint(tick: u64, applied: u64, hash: u64) -> Checkpoint {
        Checkpoint {
            tick: Tick(tick),
            applied,
            hash: StateHash(Some(hash)),
        }
    }

    fn told(instance: &str, checkpoint: Checkpoint) -> (Told, Duration) {
        let member = Member {
            instance: instance.into(),
            version: String::new(),
            tick: checkpoint.tick,
            hash: checkpoint.hash,
            clock_offset_ms: 0.0,
            divergences: 0,
            redis: RedisState::Connected,
            since: Timestamp::from_unix_ms(0),
            lag_ms: 0,
            lacks_permission: None,
        };
        let told = Told {
            member,
            joined: true,
            checkpoint: Some(checkpoint),
        };
        (told, Duration::ZERO)
    }

    fn compare(own: &[Checkpoint], others: &[(Told, Duration)]) -> (usize, Option<Tick>) {
        let mut comparison = Comparison::new("b");
        comparison.hear(others);
        let divergences = comparison.compare(own, Tick(0)).len();
        (divergences, comparison.healing())
    }

    #[test]
    fn equal_states_agree() {
        let own = [checkpoint(50, 1, 7), checkpoint(100, 1, 8)];
        let others = [told("a", own[0]), told("c", own[1])];
        assert_eq!(compare(&own, &others), (0, None));
    }

    #[test]
    fn the_odd_one_gives_way() {
        let own = [checkpoint(50, 1, 7)];
        let odd = [
            told("a", checkpoint(50, 1, 9)),
            told("c", checkpoint(50, 1, 9)),
        ];
        assert_eq!(compare(&own, &odd), (2, Some(Tick(50))));
        let right = [
            told("a", checkpoint(50, 1, 9)),
            told("c", checkpoint(50, 1, 7)),
        ];
        assert_eq!(compare(&own, &right), (1, None));
    }

    #[test]
    fn with_a_draw_the_first_name_prevails() {
        let own = [checkpoint(50, 1, 7)];
        let first = [told("a", checkpoint(50, 1, 9))];
        assert_eq!(compare(&own, &first), (1, Some(Tick(50))));
        let second = [told("c", checkpoint(50, 1, 9))];
        assert_eq!(compare(&own, &second), (1, None));
    }

    #[test]
    fn nobody_is_judged_before_all_have_told() {
        let own = [checkpoint(50, 1, 7)];
        let mut comparison = Comparison::new("b");
        let early = [
            told("a", checkpoint(50, 1, 9)),
            told("c", checkpoint(0, 1, 1)),
        ];
        comparison.hear(&early);
        assert_eq!(comparison.compare(&own, Tick(0)).len(), 1);
        assert_eq!(comparison.healing(), None);
        let all = [
            told("a", checkpoint(50, 1, 9)),
            told("c", checkpoint(50, 1, 7)),
        ];
        comparison.hear(&all);
        assert_eq!(
            comparison.compare(&own, Tick(0)).len(),
            0,
            "each tick counts once"
        );
        assert_eq!(comparison.healing(), None);
    }

    #[test]
    fn an_instance_with_a_command_still_to_come_does_not_diverge() {
        let own = [checkpoint(50, 1, 7)];
        assert_eq!(compare(&own, &[told("a", checkpoint(50, 2, 9))]), (0, None));
    }
}
