//! Topologies that ask for executors in turn, round by round.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::queue::Queue;
use super::{Asking, Granted};
use crate::context::Context;
use crate::model::{Component, Executor, Observation, TaskRange, Topology};
use crate::namesakes::Namesakes;
use crate::operator::{Direction, Operator, Pause};
use crate::pattern::Pattern;
use crate::reason::ReasonCode;
use crate::settings::{Mode, Settings};
use crate::state::{State, TopologyState};
use crate::units::Timestamp;

/// Topologies of one operator each, and what they may have together.
struct Rounds {
    observation: Observation,
    state: State,
    settings: Settings,
    operator: Operator,
    now: i64,
}

impl Rounds {
    fn new(has: &[u32], budget: u32) -> Self {
        let one = |(index, &has): (usize, &u32)| Topology {
            id: format!("t{index}-1"),
            name: format!("t{index}"),
            components: vec![Component { tasks: TaskRange::new(1, 1000), ..Component::default() }],
            executors: (0..has).map(executor).collect(),
            ..Topology::default()
        };
        let topologies: Vec<Topology> = has.iter().enumerate().map(one).collect();
        let mut state = State::default();
        for topology in &topologies {
            state.topologies.insert(topology.id.clone(), TopologyState::default());
        }
        let settings = Settings { mode: Mode::Act, executor_budget: budget, ..Settings::default() };
        Self {
            observation: Observation { topologies, ..Observation::default() },
            state,
            settings,
            operator: Operator::default(),
            now: 0,
        }
    }

    fn has(&self, index: usize) -> u32 {
        self.observation.topologies[index].executors_of(0)
    }

    /// Asks all in this order for what they want; the first of them that may change does. Returns what was said to each.
    fn round(&mut self, order: &[usize], wants: &[u32]) -> BTreeMap<usize, Vec<ReasonCode>> {
        self.now += 10_000;
        let namesakes = Namesakes::of(&self.observation.topologies);
        let context = &Context {
            observation: &self.observation,
            namesakes: &namesakes,
            settings: &self.settings,
            operator: &self.operator,
            now: Timestamp::from_millis(self.now),
        };
        let queue = &Queue::of(context, &self.state);
        let (mut said, mut acts) = (BTreeMap::new(), None);
        for &index in order {
            let topology = &self.observation.topologies[index];
            let state = self.state.topologies.get_mut(&topology.id).expect("each is remembered");
            let waited = state.queued.take();
            if wants[index] == topology.executors_of(0) {
                continue;
            }
            let asking = Asking { context, index, queue, waited: waited.as_ref() };
            let Granted { counts, limited, queued } =
                asking.granted(BTreeMap::from([(0, wants[index])]));
            state.queued = queued;
            said.insert(index, limited.iter().map(|reason| reason.code).collect());
            acts = acts.or(counts.get(&0).map(|count| (index, *count)));
        }
        if let Some((index, count)) = acts {
            self.observation.topologies[index].executors = (0..count).map(executor).collect();
        }
        said
    }
}

fn executor(index: u32) -> Executor {
    Executor {
        component: 0,
        tasks: TaskRange::new(index + 1, index + 1),
        slot: None,
        counters: None,
    }
}

#[test]
fn what_comes_free_is_left_to_who_has_less_than_its_share() {
    // Twelve in all: the first has eleven and would take whatever there is, and is asked first.
    let mut rounds = Rounds::new(&[11, 1], 12);
    let said = rounds.round(&[0, 1], &[20, 6]);
    assert_eq!(said[&1], [ReasonCode::BudgetLimited, ReasonCode::WaitsForShare]);
    rounds.round(&[0, 1], &[9, 6]);
    assert_eq!([rounds.has(0), rounds.has(1)], [9, 1], "two are free");
    let said = rounds.round(&[0, 1], &[20, 6]);
    assert_eq!(said[&0], [ReasonCode::BudgetLimited, ReasonCode::ShareLimited]);
    assert_eq!([rounds.has(0), rounds.has(1)], [9, 3]);
    rounds.round(&[0, 1], &[8, 6]);
    let said = rounds.round(&[0, 1], &[9, 6]);
    assert_eq!(said[&0], [ReasonCode::ShareLimited]);
    assert_eq!([rounds.has(0), rounds.has(1)], [8, 4]);
}

#[test]
fn a_part_of_an_executor_is_kept_for_nobody() {
    // Each is owed three and a third of ten.
    let mut rounds = Rounds::new(&[3, 3, 3], 10);
    rounds.round(&[0, 1, 2], &[3, 9, 9]);
    assert_eq!([0, 1, 2].map(|index| rounds.has(index)), [3, 4, 3]);
    let mut rounds = Rounds::new(&[1; 10], 19);
    for _ in 0..10 {
        rounds.round(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], &[2; 10]);
    }
    assert_eq!((0..10).map(|index| rounds.has(index)).sum::<u32>(), 19);
}

#[test]
fn nothing_is_kept_for_one_that_is_paused() {
    let mut rounds = Rounds::new(&[7, 1], 12);
    rounds.round(&[1, 0], &[8, 20]);
    assert_eq!([rounds.has(0), rounds.has(1)], [7, 5], "all that is left");
    let mut rounds = Rounds::new(&[10, 1], 12);
    rounds.operator.pauses.push(Pause {
        scope: Pattern::new("t1"),
        direction: Direction::default(),
        paused: true,
        until: None,
        at: Timestamp::from_millis(0),
        who: String::new(),
    });
    rounds.round(&[1, 0], &[11, 1]);
    rounds.round(&[0, 1], &[11, 6]);
    assert_eq!(rounds.has(0), 11);
}

#[test]
fn shares_are_by_weight() {
    let mut rounds = Rounds::new(&[11, 1], 12);
    rounds.settings.budget.shares.insert("t0".to_owned(), 11.0);
    let said = rounds.round(&[0, 1], &[11, 6]);
    assert_eq!(said[&1], [ReasonCode::BudgetLimited, ReasonCode::WaitsForShare]);
    rounds.round(&[0, 1], &[10, 6]);
    rounds.round(&[0, 1], &[11, 6]);
    assert_eq!([rounds.has(0), rounds.has(1)], [11, 1], "one of twelve is all that it is owed");
}

proptest! {
    /// However many others ask first, and whatever they want: once they have what they want and leave enough, each has as
    /// much as it wants of its share.
    #[test]
    fn nobody_waits_for_ever(
        has in prop::collection::vec(1u32..8, 2..6),
        spare in 0u32..6,
        early in prop::collection::vec(prop::collection::vec(1u32..30, 6), 0..12),
        late in prop::collection::vec(1u32..30, 6),
        turn in 0usize..6,
    ) {
        let all = has.iter().sum::<u32>() + spare;
        let mut rounds = Rounds::new(&has, all);
        let order: Vec<usize> = (0..has.len()).map(|i| (i + turn) % has.len()).collect();
        for wants in &early {
            let before: Vec<u32> = (0..has.len()).map(|index| rounds.has(index)).collect();
            let waits: Vec<bool> = rounds.state.topologies.values().map(|t| t.queued.is_some()).collect();
            let said = rounds.round(&order, wants);
            let now: u32 = (0..has.len()).map(|index| rounds.has(index)).sum();
            prop_assert!(now <= all);
            let share = f64::from(all) / has.len() as f64;
            for index in 0..has.len() {
                let grew = rounds.has(index) > before[index] && f64::from(rounds.has(index)) > share;
                let short = |other: usize| {
                    other != index && waits[other] && f64::from(before[other]) + 1.0 <= share
                        && said.get(&other).is_some_and(|said| !said.is_empty())
                };
                // Whoever is beyond its share grew only by what was not kept for those that waited below theirs.
                if grew && (0..has.len()).any(short) {
                    let left: u32 = all - before.iter().sum::<u32>();
                    prop_assert!(rounds.has(index) - before[index] < left);
                }
            }
        }
        let share = all / has.len() as u32;
        let few: Vec<u32> = late.iter().map(|want| (*want).min(share.max(1))).collect();
        for _ in 0..3 * has.len() * has.len() {
            rounds.round(&order, &few);
        }
        for (index, few) in few.iter().take(has.len()).enumerate() {
            prop_assert_eq!(rounds.has(index), *few, "{} of {}", index, share);
        }
        // Nor does anything lie idle that somebody wants.
        for _ in 0..3 * has.len() * has.len() {
            rounds.round(&order, &late);
        }
        let used: u32 = (0..has.len()).map(|index| rounds.has(index)).sum();
        let short = late.iter().take(has.len()).enumerate().any(|(index, want)| rounds.has(index) < *want);
        prop_assert!(!short || used == all, "{} of {} while somebody wants more", used, all);
    }
}
