//! Whoever wants something done, by whatever way: nothing is done while it is frozen, or outside of the hours set for it.

mod support;

use std::collections::BTreeSet;

use proptest::prelude::*;
use support::{Model, STEP_SECS};
use thalweg_core::explain::{Decision, Verdict};
use thalweg_core::operator::Word;
use thalweg_core::settings::rules::Of;
use thalweg_core::settings::{ActionKind, Mode, PolicyName, Rules};
use thalweg_core::state::Order;

/// How long a history is, in seconds.
const END: u32 = 1_600;

/// How many histories are run: each takes a while.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(12)
}

/// A time in which something is not done: from one second to another.
type Span = (u32, u32);

/// A history of a cluster.
#[derive(Debug, Clone)]
struct History {
    policy: PolicyName,
    /// Whether plans wait for somebody's word, who gives it after so many seconds.
    confirms_after: Option<u32>,
    /// Tuples a second, each for a minute.
    rates: Vec<f64>,
    /// Freezes of one kind of action.
    of_kind: Vec<(ActionKind, Span)>,
    /// Freezes of a topology by its name; another topology's do not count.
    of_name: Vec<(bool, Span)>,
    /// The hours in which alone something is done.
    hours: Option<Span>,
    /// Seconds at which an order for so many executors of `split` comes.
    orders: Vec<(u32, u32)>,
}

fn span() -> impl Strategy<Value = Span> {
    (0u32..1_500, 20u32..400).prop_map(|(from, long)| (from, from + long))
}

fn history() -> impl Strategy<Value = History> {
    let policy = prop::sample::select(vec![PolicyName::MeStream, PolicyName::Thalweg]);
    let kind = prop::sample::select(ActionKind::ALL.to_vec());
    // Hours are told in minutes.
    let hours = (0u32..20, 3u32..15).prop_map(|(from, long)| (60 * from, 60 * (from + long)));
    (
        policy,
        prop::option::of(0u32..40),
        prop::collection::vec(20.0..700.0f64, 25),
        prop::collection::vec((kind, span()), 0..3),
        prop::collection::vec((any::<bool>(), span()), 0..3),
        prop::option::of(hours),
        prop::collection::vec((150u32..1_500, 1u32..8), 0..4),
    )
        .prop_map(|(policy, confirms_after, rates, of_kind, of_name, hours, orders)| History {
            policy,
            confirms_after,
            rates,
            of_kind,
            of_name,
            hours,
            orders,
        })
}

fn clock(secs: u32) -> String {
    format!("{:02}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60)
}

/// The history's rules as a user writes them.
fn rules(history: &History) -> Rules {
    let window =
        |(from, to): Span| format!("1970-01-01T{} until 1970-01-01T{}", clock(from), clock(to));
    let of_kind = history.of_kind.iter();
    let of_kind = of_kind.map(|(kind, span)| format!("*/{}={}", kind.as_str(), window(*span)));
    let name = |ours: bool| if ours { "wc-*" } else { "other-*" };
    let of_name = history.of_name.iter();
    let of_name = of_name.map(|(ours, span)| format!("{}={}", name(*ours), window(*span)));
    let freezes: Vec<String> = of_kind.chain(of_name).collect();
    let minutes = |secs: u32| format!("{:02}:{:02}", secs / 3600, secs / 60 % 60);
    let hours = history.hours.map(|(from, to)| format!("wc-1={}-{}", minutes(from), minutes(to)));
    let of = |key: &str| -> Vec<&str> {
        match key {
            "thalweg.windows.freeze" => freezes.iter().map(String::as_str).collect(),
            "thalweg.windows.hours" => hours.as_deref().into_iter().collect(),
            _ => Vec::new(),
        }
    };
    let (rules, problems) = Rules::read(Of::Cluster, of, "UTC");
    assert_eq!(problems, Vec::<String>::new());
    rules
}

/// What an action changes, seen from outside: the executors of each component before and after.
fn kinds(model: &Model, decision: &Decision) -> BTreeSet<ActionKind> {
    let plan = decision.plan.as_ref().expect("it acts");
    let topology = &model.observation.topologies[0];
    let changed = plan.counts.iter().filter_map(|(id, count)| {
        let component = topology.components.iter().position(|c| c.id == *id)?;
        let present = topology.executors_of(component as u32);
        let out = *count > present;
        (*count != present).then_some(if out { ActionKind::ScaleOut } else { ActionKind::ScaleIn })
    });
    let changed: BTreeSet<ActionKind> = changed.collect();
    let only_memory = !plan.memory_mib.is_empty();
    match (changed.is_empty(), only_memory) {
        (false, _) => changed,
        (true, true) => [ActionKind::Memory].into(),
        (true, false) => [ActionKind::Move].into(),
    }
}

/// Runs a history; each action with its second and what it changed.
fn run(history: &History) -> Vec<(u32, BTreeSet<ActionKind>)> {
    let mut model = Model::new(3, 3, 3);
    model.settings.policy = history.policy;
    model.settings.rules = rules(history);
    if history.confirms_after.is_some() {
        model.settings.mode = Mode::Confirm;
    }
    let mut proposed: Option<(String, u32)> = None;
    let mut acted = Vec::new();
    while model.seconds < END {
        let now = model.seconds + STEP_SECS;
        model.rate = history.rates[(now / 64) as usize % history.rates.len()];
        for (_, count) in history.orders.iter().filter(|(at, _)| at / 2 == now / 2) {
            let counts = [("split".to_owned(), *count)].into();
            model.state.order =
                Some(Order { topology: "wc-1".to_owned(), counts, ..Order::default() });
        }
        if let (Some(wait), Some((plan, since))) = (history.confirms_after, &proposed)
            && now >= since + wait
        {
            let (who, at) = ("ada".to_owned(), model.now());
            model.operator.say(Word { plan: plan.clone(), who, at, approves: true });
        }
        let decision = model.step().decisions.remove(0);
        if decision.verdict == Verdict::Act {
            acted.push((model.seconds, kinds(&model, &decision)));
            let plan = decision.plan.expect("it acts");
            model.carry_out(&plan);
            proposed = None;
        } else if let Some(id) = decision.plan.map(|plan| plan.id)
            && proposed.as_ref().is_none_or(|(known, _)| *known != id)
        {
            proposed = Some((id, model.seconds));
        }
    }
    acted
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_done_while_it_is_frozen_or_outside_its_hours(history in history()) {
        let within = |at: u32, (from, to): Span| from <= at && at < to;
        for (at, kinds) in run(&history) {
            for (kind, span) in &history.of_kind {
                prop_assert!(!(kinds.contains(kind) && within(at, *span)), "{kinds:?} at {at} in {span:?}");
            }
            for (_, span) in history.of_name.iter().filter(|(ours, _)| *ours) {
                prop_assert!(!within(at, *span), "{kinds:?} at {at} in {span:?}");
            }
            if let Some(hours) = history.hours {
                prop_assert!(within(at, hours), "{kinds:?} at {at} outside of {hours:?}");
            }
        }
    }
}

/// Or the histories above would show nothing.
#[test]
fn things_are_done_in_such_histories() {
    let rates = [100.0, 400.0, 650.0, 300.0, 60.0].repeat(5);
    for confirms_after in [None, Some(2)] {
        let history = History {
            policy: PolicyName::MeStream,
            confirms_after,
            rates: rates.clone(),
            of_kind: vec![(ActionKind::ScaleIn, (0, 600))],
            of_name: vec![(false, (0, END)), (true, (0, 200))],
            hours: Some((0, 1_500)),
            orders: vec![(880, 8)],
        };
        let acted = run(&history);
        assert!(acted.len() > 1, "{confirms_after:?}: {acted:?}");
    }
}
