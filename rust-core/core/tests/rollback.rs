//! Actions that make things worse, and their ways back, on a cluster that can be worked out by hand.

#![allow(missing_docs)]

mod support;

use std::collections::BTreeMap;

use support::Model;
use thalweg_core::explain::{Decision, Outcome, Plan, PlanKind, ReasonCode, Verdict};
use thalweg_core::model::Executor;
use thalweg_core::plan::partition::partition;
use thalweg_core::settings::Mode;
use thalweg_core::state::Order;

/// Steps within which an action is judged, the cool-down ends, and its way back begins.
const ENOUGH: usize = 30;

fn codes(decision: &Decision) -> Vec<ReasonCode> {
    decision.reasons.iter().map(|reason| reason.code).collect()
}

fn planned(model: &mut Model) -> Plan {
    let decided = model.until_plan(40).expect("a plan within forty steps");
    decided.decisions.into_iter().find_map(|d| d.plan).expect("it has one")
}

/// What so many steps brought, up to the first action.
#[derive(Default)]
struct Run {
    seen: Vec<ReasonCode>,
    outcome: Option<Outcome>,
    action: Option<Decision>,
}

fn run(model: &mut Model, steps: usize, mut each: impl FnMut(&mut Model)) -> Run {
    let mut run = Run::default();
    for _ in 0..steps {
        each(model);
        let mut decided = model.step();
        run.outcome = run.outcome.or(decided.outcomes.pop());
        let decision = decided.decisions.remove(0);
        run.seen.extend(codes(&decision));
        if decision.verdict == Verdict::Act {
            run.action = Some(decision);
            break;
        }
    }
    run
}

/// As `storm rebalance` by hand, to six executors of `split` instead of four.
fn rebalance_by_hand(model: &mut Model) {
    let topology = &mut model.observation.topologies[0];
    let tasks = topology.components[1].tasks;
    let kept = |e: &Executor| e.component != 1;
    let slots: Vec<_> = topology.executors.iter().filter(|e| !kept(e)).map(|e| e.slot).collect();
    topology.executors.retain(kept);
    let ranges = partition(tasks, 6).into_iter().zip(slots.into_iter().cycle());
    topology.executors.extend(ranges.map(|(tasks, slot)| Executor {
        component: 1,
        tasks,
        slot,
        counters: None,
    }));
    topology.executors.sort_by_key(|executor| executor.tasks);
}

#[test]
fn what_was_changed_by_hand_meanwhile_is_neither_judged_nor_undone() {
    let mut model = harmed();
    rebalance_by_hand(&mut model);
    let run = run(&mut model, 2 * ENOUGH, |_| {});
    let outcome = run.outcome.expect("every action is judged");
    assert!(outcome.text.contains("changed by hand"), "{}", outcome.text);
    assert!(!run.seen.contains(&ReasonCode::MadeWorse), "{:?}", run.seen);
}

fn backlog(model: &mut Model) -> &mut Option<u64> {
    &mut model.observation.topologies[0].components[0].backlog
}

/// `split` grew from two executors to four, and now all of them together do less than the two did.
fn harmed() -> Model {
    let mut model = Model::new(3, 2, 2);
    model.rate = 390.0;
    let plan = planned(&mut model);
    assert_eq!(plan.counts.get("split"), Some(&4));
    model.carry_out(&plan);
    do_less(&mut model);
    model
}

/// Four executors of 25 ms do 160/s at most.
fn do_less(model: &mut Model) {
    model.rate = 250.0;
    model.work_ms[0] = 25.0;
}

#[test]
fn growth_that_does_harm_is_undone_and_not_tried_again() {
    let mut model = harmed();
    let first = run(&mut model, ENOUGH, |_| {});
    let outcome = first.outcome.expect("it is judged");
    assert!(!outcome.helped && outcome.text.contains("harm"), "{}", outcome.text);
    assert!(first.seen.contains(&ReasonCode::CoolDown), "the way back waits like any plan");
    let action = first.action.expect("it is undone");
    assert_eq!(codes(&action), [ReasonCode::MadeWorse]);
    let reason = &action.reasons[0];
    assert_eq!((reason.measured, reason.limit), (Some(250.0), Some(0.8 * 390.0)));
    assert_eq!(reason.setting.as_deref(), Some("thalweg.action.rollback"));
    let plan = action.plan.expect("it has one");
    assert_eq!(plan.counts, BTreeMap::from([("split".to_owned(), 2)]));
    model.carry_out(&plan);
    // As before the growth, the two are too few; but more are not tried again.
    (model.rate, model.work_ms[0]) = (390.0, 5.0);
    let second = run(&mut model, ENOUGH, |_| {});
    assert!(second.seen.contains(&ReasonCode::Ineffective), "{:?}", second.seen);
    assert_eq!(second.action, None);
}

#[test]
fn what_was_undone_stays_undone_even_if_that_does_harm() {
    let mut model = harmed();
    let action = run(&mut model, ENOUGH, |_| {}).action.expect("it is undone");
    model.carry_out(&action.plan.expect("it has one"));
    model.rate = 100.0;
    let run = run(&mut model, 2 * ENOUGH, |_| {});
    let outcome = run.outcome.expect("the way back is judged as well");
    assert!(!outcome.helped && outcome.text.contains("harm"), "{}", outcome.text);
    assert!(!run.seen.contains(&ReasonCode::MadeWorse), "{:?}", run.seen);
}

#[test]
fn what_is_merely_useless_is_not_undone() {
    let mut model = Model::new(3, 2, 2);
    model.rate = 390.0;
    let plan = planned(&mut model);
    model.carry_out(&plan);
    (model.work_ms[0], model.complete_ms) = (10.0, 40.0);
    let run = run(&mut model, ENOUGH, |_| {});
    assert!(!run.outcome.expect("it is judged").helped);
    assert!(!run.seen.contains(&ReasonCode::MadeWorse), "{:?}", run.seen);
}

#[test]
fn what_another_load_made_worse_is_not_undone() {
    for (grows_by, undone) in [(0, true), (100, false)] {
        let mut model = Model::new(3, 2, 2);
        model.rate = 360.0;
        *backlog(&mut model) = Some(1000);
        let plan = planned(&mut model);
        model.carry_out(&plan);
        // Tuples take twice as long, and as many are brought in. But how many are asked for?
        (model.work_ms[0], model.complete_ms) = (10.0, 40.0);
        let waits_longer = |model: &mut Model| {
            let waiting = backlog(model);
            *waiting = waiting.map(|count| count + 2 * grows_by);
        };
        let run = run(&mut model, ENOUGH, waits_longer);
        assert_eq!(run.seen.contains(&ReasonCode::MadeWorse), undone, "{grows_by}: {:?}", run.seen);
        assert_eq!(run.action.is_some(), undone);
    }
}

#[test]
fn a_load_that_changes_before_the_way_back_begins_calls_for_another_judgement() {
    let mut model = harmed();
    let mut lower = |model: &mut Model| {
        if model.state.topologies["wc-1"].harm.is_some() {
            model.rate = 100.0;
        }
    };
    let run = run(&mut model, ENOUGH, &mut lower);
    assert!(run.outcome.expect("it is judged").text.contains("harm"));
    assert_eq!(run.action, None);
}

/// Executors left slow nodes, but now the others are slow.
fn moved() -> (Model, Plan) {
    let mut model = Model::new(4, 4, 4);
    model.rate = 400.0;
    model.abilities[2..].fill(0.25);
    *backlog(&mut model) = Some(0);
    let plan = planned(&mut model);
    assert_eq!(plan.kind, PlanKind::Move);
    model.carry_out(&plan);
    model.abilities = vec![0.1, 0.1, 1.0, 1.0];
    model.complete_ms = 200.0;
    (model, plan)
}

#[test]
fn after_a_move_executors_go_back_to_where_they_were() {
    let (mut model, plan) = moved();
    let action = run(&mut model, ENOUGH, |_| {}).action.expect("it is undone");
    assert_eq!(codes(&action), [ReasonCode::MadeWorse]);
    let back = action.plan.expect("it has one");
    assert!(back.counts.is_empty());
    for (there, back) in plan.rows.iter().zip(&back.rows) {
        assert_eq!(
            (&there.before, &there.after),
            (&Some(back.after.clone()), back.before.as_ref().expect("it ran"))
        );
    }
}

#[test]
fn executors_whose_former_places_are_gone_stay_while_others_go_back() {
    let (mut model, there) = moved();
    let gone = |model: &mut Model| model.observation.nodes[2].draining = true;
    let action = run(&mut model, ENOUGH, gone).action.expect("it is undone in part");
    assert_eq!(codes(&action), [ReasonCode::MadeWorse]);
    for (there, back) in there.rows.iter().zip(&action.plan.expect("it has one").rows) {
        let former = there.before.as_ref().expect("it ran");
        let goes_to = if former.node == "n2" { &there.after } else { former };
        assert_eq!(&back.after, goes_to);
    }
}

#[test]
fn where_no_former_place_is_left_there_is_no_way_back_and_the_policy_goes_on() {
    let (mut model, _) = moved();
    let gone = |model: &mut Model| {
        model.observation.nodes.iter_mut().for_each(|node| node.draining = true);
    };
    let run = run(&mut model, ENOUGH, gone);
    let told = run.seen.iter().position(|code| *code == ReasonCode::RollbackImpossible);
    let after = &run.seen[told.expect("it is told")..];
    assert_eq!(after[..2], [ReasonCode::RollbackImpossible, ReasonCode::MadeWorse]);
    assert!(!after[2..].is_empty() && !after[2..].contains(&ReasonCode::MadeWorse), "{after:?}");
}

#[test]
fn the_mode_and_the_setting_hold() {
    let mut model = harmed();
    model.settings.mode = Mode::Advise;
    let advised = run(&mut model, ENOUGH, |_| {});
    assert_eq!(advised.action, None);
    assert!(advised.seen.contains(&ReasonCode::MadeWorse), "{:?}", advised.seen);

    let mut model = Model::new(3, 2, 2);
    model.settings.rollback = false;
    model.rate = 390.0;
    let plan = planned(&mut model);
    model.carry_out(&plan);
    do_less(&mut model);
    let run = run(&mut model, ENOUGH, |_| {});
    assert!(!run.outcome.expect("it is judged").helped);
    assert!(!run.seen.contains(&ReasonCode::MadeWorse), "{:?}", run.seen);
}

#[test]
fn what_an_operator_ordered_is_not_undone() {
    let mut model = Model::new(3, 2, 2);
    model.rate = 390.0;
    model.state.order = Some(Order {
        topology: "wc-1".to_owned(),
        counts: [("split".to_owned(), 4)].into(),
        ..Order::default()
    });
    let decided = (0..10).map(|_| model.step()).find(|d| d.decisions[0].verdict == Verdict::Act);
    let decision = decided.expect("it is obeyed").decisions.remove(0);
    assert_eq!(codes(&decision), [ReasonCode::Ordered]);
    model.carry_out(&decision.plan.expect("it has one"));
    do_less(&mut model);
    let run = run(&mut model, ENOUGH, |_| {});
    assert!(run.outcome.expect("it is judged").text.contains("harm"));
    assert!(!run.seen.contains(&ReasonCode::MadeWorse), "{:?}", run.seen);
}
