//! Whole decisions on a cluster that can be worked out by hand.

#![allow(missing_docs)]

mod support;

use support::Model;
use support::steps::{codes, holds, order, planned};
use thalweg_core::explain::{Decision, PlanKind, ReasonCode, Verdict};
use thalweg_core::model::{Node, Observation, Obstacle, SlotRef};
use thalweg_core::settings::{Mode, PolicyName};
use thalweg_core::state::Order;
use thalweg_core::units::{Millis, Share};

#[test]
fn too_few_executors_grow_by_their_level_and_then_it_holds() {
    let mut model = Model::new(3, 2, 2);
    // 2 executors of 5 ms do 400/s at most.
    model.rate = 390.0;
    let (decision, plan) = planned(&mut model);
    assert_eq!(decision.verdict, Verdict::Act);
    assert_eq!(codes(&decision), [ReasonCode::CapacityHigh]);
    assert_eq!(decision.reasons[0].setting.as_deref(), Some("thalweg.me-stream.capacity.limit"));
    // split has the higher of two levels: 2 + 2.
    assert_eq!(plan.kind, PlanKind::Counts);
    assert_eq!(plan.counts.get("split"), Some(&4));
    assert_eq!(plan.counts.get("count"), None);
    assert_eq!(plan.desired_tasks.get("split"), Some(&16));
    let sources: Vec<_> = plan.rows.iter().filter(|row| row.component == "words").collect();
    assert!(sources.iter().all(|row| !row.moves()), "sources stay");
    model.carry_out(&plan);
    let mut outcomes = Vec::new();
    for _ in 0..60 {
        let decided = model.step();
        outcomes.extend(decided.outcomes);
        assert_eq!(
            decided.decisions[0].verdict,
            Verdict::Hold,
            "{:?}",
            decided.decisions[0].reasons
        );
    }
    assert_eq!(outcomes.len(), 1);
    assert!(outcomes[0].helped, "{}", outcomes[0].text);
}

#[test]
fn a_node_that_joins_before_the_others_unsettles_nobody_and_another_slot_does() {
    let mut model = Model::new(3, 3, 3);
    holds(&mut model, 10);
    let joined = |seen: &mut Observation| {
        seen.nodes.insert(0, Node { id: "a".to_owned(), ..seen.nodes[0].clone() });
        let executors = seen.topologies.iter_mut().flat_map(|topology| &mut topology.executors);
        executors.filter_map(|executor| executor.slot.as_mut()).for_each(|slot| slot.node += 1);
    };
    let decision = model.step_seen_through(joined).decisions.remove(0);
    assert_ne!(codes(&decision), [ReasonCode::Settling]);
    assert_eq!(decision.view.coverage, Share::saturating(1.0));
    let moved = |seen: &mut Observation| {
        joined(seen);
        let executor = &mut seen.topologies[0].executors[1];
        executor.slot = executor.slot.map(|slot| SlotRef { port: slot.port + 1, ..slot });
    };
    let decision = model.step_seen_through(moved).decisions.remove(0);
    assert_eq!(codes(&decision), [ReasonCode::Settling]);
    assert_eq!(decision.view.coverage, Share::ZERO);
}

#[test]
fn a_slow_node_is_left_without_new_executors() {
    let mut model = Model::new(3, 3, 3);
    model.rate = 300.0;
    model.abilities[2] = 0.25;
    let (decision, plan) = planned(&mut model);
    assert_eq!(codes(&decision), [ReasonCode::NodesImbalanced]);
    assert_eq!(plan.kind, PlanKind::Move);
    assert!(plan.counts.is_empty());
    let slow: Vec<_> = plan.rows.iter().filter(|row| row.after.node == "n2").collect();
    assert!(slow.iter().all(|row| row.component != "split"), "{slow:?}");
    model.carry_out(&plan);
    holds(&mut model, 60);
}

#[test]
fn a_source_leaves_a_node_that_is_far_slower_with_the_work() {
    let mut model = Model::new(3, 3, 3);
    // The slow node's executor is busy for 92 % of the time.
    model.rate = 55.0;
    model.abilities[0] = 0.1;
    let (decision, plan) = planned(&mut model);
    assert_eq!(codes(&decision), [ReasonCode::NodesImbalanced]);
    assert_eq!(plan.kind, PlanKind::Layout);
    assert!(plan.rows.iter().all(|row| row.after.node != "n0"), "{:?}", plan.rows);
    model.carry_out(&plan);
    holds(&mut model, 60);
}

#[test]
fn a_source_stays_while_an_executor_has_no_time_left() {
    let mut model = Model::new(3, 3, 3);
    model.rate = 300.0;
    model.abilities[0] = 0.2;
    let (_, plan) = planned(&mut model);
    assert!(
        plan.rows.iter().all(|row| row.component != "words" || !row.moves()),
        "{:?}",
        plan.rows
    );
}

#[test]
fn a_surer_sign_that_may_yet_last_is_waited_for() {
    let mut model = Model::new(3, 3, 3);
    // 3 executors of 5 ms do 600/s at most.
    model.rate = 560.0;
    let waiting = (0..20).map(|_| model.step()).find(|decided| {
        codes(&decided.decisions[0]) == [ReasonCode::NotYetPersistent, ReasonCode::CapacityHigh]
    });
    assert!(waiting.is_some(), "executors are busy, but not for long yet");
    model.abilities[2] = 0.1;
    let (decision, plan) = planned(&mut model);
    assert_eq!(codes(&decision), [ReasonCode::NodesImbalanced]);
    assert!(plan.counts.is_empty());
}

#[test]
fn where_counts_may_not_change_executors_are_moved_all_the_same() {
    let mut model = Model::new(3, 2, 2);
    model.settings.scaling_enabled = false;
    model.rate = 390.0;
    holds(&mut model, 40);
    let reasons = codes(&model.step().decisions[0]);
    assert_eq!(reasons, [ReasonCode::ScalingForbidden, ReasonCode::CapacityHigh]);

    for policy in [PolicyName::MeStream, PolicyName::Thalweg] {
        let mut model = Model::new(3, 3, 3);
        model.settings.scaling_enabled = false;
        model.settings.policy = policy;
        model.rate = 300.0;
        model.abilities[2] = 0.25;
        assert_eq!(planned(&mut model).1.kind, PlanKind::Move, "{policy:?}");
    }
}

#[test]
fn a_move_that_did_not_help_does_not_keep_one_for_another_reason_from_it() {
    for policy in [PolicyName::MeStream, PolicyName::Thalweg] {
        let mut model = Model::new(3, 3, 3);
        model.settings.policy = policy;
        model.rate = 300.0;
        model.observation.nodes[1].round_trip = Millis::new(400.0).ok();
        let (decision, plan) = planned(&mut model);
        assert_eq!(codes(&decision), [ReasonCode::LinkSlow]);
        model.carry_out(&plan);
        // One of the nodes that took the executors turns out to be slow.
        model.abilities[2] = 0.25;
        let mut helped = None;
        let mut next = None;
        for _ in 0..60 {
            let decided = model.step();
            helped = helped.or(decided.outcomes.first().map(|outcome| outcome.helped));
            next = next.or(decided.decisions.into_iter().find(|d| d.verdict == Verdict::Act));
        }
        assert_eq!(helped, Some(false));
        let next = next.expect("a second action");
        assert_eq!(codes(&next), [ReasonCode::NodesImbalanced]);
    }
}

#[test]
fn a_node_that_is_reached_too_slowly_is_left() {
    let mut model = Model::new(3, 3, 3);
    model.observation.nodes[1].round_trip = Millis::new(400.0).ok();
    let (decision, plan) = planned(&mut model);
    assert_eq!(codes(&decision), [ReasonCode::LinkSlow]);
    assert!(plan.rows.iter().all(|row| row.after.node != "n1"));
    model.carry_out(&plan);
    // The link is idle now and answers at once, but it is not forgotten.
    model.observation.nodes[1].round_trip = Millis::new(0.3).ok();
    holds(&mut model, 60);
}

#[test]
fn a_calm_topology_is_left_alone_and_looked_at_less_often() {
    let mut model = Model::new(3, 4, 4);
    let mut last = None;
    for _ in 0..100 {
        let decided = model.step();
        assert_eq!(decided.decisions[0].verdict, Verdict::Hold);
        assert!(!decided.decisions[0].reasons.is_empty());
        last = Some(decided);
    }
    let last = last.expect("a hundred steps");
    assert_eq!(codes(&last.decisions[0]), [ReasonCode::LatencyStable]);
    assert_eq!(last.next_in.get(), 12_000.0);
}

#[test]
fn lost_statistics_hold_and_are_no_zero() {
    let mut model = Model::new(3, 2, 2);
    model.rate = 390.0;
    for _ in 0..40 {
        model.step();
        for executor in &mut model.observation.topologies[0].executors {
            executor.counters = None;
        }
        let state = std::mem::take(&mut model.state);
        let decided = thalweg_core::decide(
            &model.observation,
            state,
            &model.settings,
            &model.operator,
            model.now(),
        );
        model.state = Default::default();
        assert_eq!(decided.decisions[0].verdict, Verdict::Hold);
        assert_eq!(codes(&decided.decisions[0]), [ReasonCode::MetricsMissing]);
    }
}

#[test]
fn a_topology_without_head_room_says_so() {
    let mut model = Model::new(3, 8, 8);
    model.rate = 1_590.0;
    for _ in 0..40 {
        let decided = model.step();
        assert_eq!(decided.decisions[0].verdict, Verdict::Hold);
    }
    let decision = &model.step().decisions[0];
    assert_eq!(codes(decision)[0], ReasonCode::TaskLimited);
    let reason = &decision.reasons[0];
    assert!(reason.text.contains("split"), "{reason:?}");
    // Equation 7 adds its level, 2.
    assert_eq!((reason.measured, reason.limit), (Some(10.0), Some(8.0)));
}

#[test]
fn advice_shows_the_plan_and_observation_does_not() {
    for (mode, shows) in [(Mode::Advise, true), (Mode::Observe, false)] {
        let mut model = Model::new(3, 2, 2);
        model.rate = 390.0;
        model.settings.mode = mode;
        let mut seen = false;
        for _ in 0..40 {
            let decision = model.step().decisions.remove(0);
            assert_ne!(decision.verdict, Verdict::Act);
            seen |= decision.plan.is_some();
        }
        assert_eq!(seen, shows);
    }
}

#[test]
fn nothing_else_is_started_while_a_plan_is_under_way() {
    let mut model = Model::new(4, 2, 2);
    model.add_topology("wc-2", 2, 2);
    model.rate = 390.0;
    let (_, plan) = planned(&mut model);
    for _ in 0..20 {
        for decision in model.step().decisions {
            assert_eq!(decision.verdict, Verdict::Hold);
        }
    }
    model.carry_out(&plan);
    let (next, _) = planned(&mut model);
    assert_ne!(next.topology, plan.topology, "now it is the other one's turn");
}

#[test]
fn an_action_that_did_not_help_is_not_repeated() {
    let mut model = Model::new(3, 2, 2);
    model.rate = 390.0;
    let (_, plan) = planned(&mut model);
    // As if adding executors had changed nothing: each tuple needs twice the work now.
    model.carry_out(&plan);
    model.work_ms[0] = 10.0;
    let mut outcomes = Vec::new();
    let mut refused = false;
    for _ in 0..60 {
        let decided = model.step();
        assert_eq!(decided.decisions[0].verdict, Verdict::Hold);
        outcomes.extend(decided.outcomes);
        refused |= codes(&decided.decisions[0]).contains(&ReasonCode::Ineffective);
    }
    assert_eq!(outcomes.len(), 1);
    assert!(!outcomes[0].helped, "{}", outcomes[0].text);
    assert!(refused, "the same kind of action was wanted again, and refused");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let run = || {
        let mut model = Model::new(3, 2, 2);
        model.rate = 390.0;
        let steps: Vec<String> = (0..30)
            .map(|_| serde_json::to_string(&model.step().decisions).expect("plain data"))
            .collect();
        steps
    };
    assert_eq!(run(), run());
}

#[test]
fn what_will_soon_have_caught_up_gets_no_more_executors() {
    let mut model = Model::new(3, 2, 2);
    model.rate = 390.0;
    let mut step = |waiting: u64| {
        let seen = |o: &mut Observation| o.topologies[0].components[0].backlog = Some(waiting);
        model.step_seen_through(seen).decisions.remove(0)
    };
    // A hundred less each second: 290 are asked for.
    let decisions: Vec<Decision> = (0..20).map(|n| step(20_000 - 200 * n)).collect();
    assert!(decisions.iter().all(|decision| decision.verdict == Verdict::Hold));
    let last = decisions.last().expect("there are twenty");
    assert_eq!(codes(last), [ReasonCode::CatchingUp, ReasonCode::CapacityHigh]);
    assert!((last.reasons[0].measured.expect("seconds") - 162.0).abs() < 1.0, "{:?}", last.reasons);
    assert!((0..20).any(|_| step(16_000).verdict == Verdict::Act), "nothing is caught up with");
}

#[test]
fn one_executor_without_time_left_is_too_few_where_sources_fall_behind() {
    for (growth, acts) in [(0, false), (100, true)] {
        let mut model = Model::new(3, 3, 3);
        // One of three does a hundred in a second and is asked for so many; the others are half idle.
        model.abilities[2] = 0.5;
        model.settings.imbalance_limit = 100.0;
        model.rate = 300.0;
        let mut step = |secs: u64| {
            let seen = |o: &mut Observation| {
                o.topologies[0].components[0].backlog = Some(10_000 + growth * secs);
            };
            model.step_seen_through(seen).decisions.remove(0)
        };
        let decisions: Vec<Decision> = (0..20).map(|n| step(2 * n)).collect();
        let acted = decisions.iter().find(|decision| decision.verdict == Verdict::Act);
        assert_eq!(acted.is_some(), acts, "{:?}", decisions.last());
        if let Some(decision) = acted {
            assert_eq!(codes(decision), [ReasonCode::CapacityHigh]);
            assert!(decision.reasons[0].text.contains("sources fall behind"), "{decision:?}");
        }
    }
}

#[test]
fn fewer_executors_are_judged_by_what_they_can_do_and_forbid_no_growth() {
    let mut model = Model::new(3, 4, 2);
    model.rate = 300.0;
    holds(&mut model, 10);
    let name = model.observation.topologies[0].name.clone();
    model.state.order = Some(Order {
        topology: name,
        counts: [("split".to_owned(), 2)].into(),
        ..Order::default()
    });
    let (_, plan) = planned(&mut model);
    model.carry_out(&plan);
    // Two executors of 5 ms do the 300/s while busy for three quarters of the time: nothing is spoiled.
    let outcome = (0..20).find_map(|_| model.step().outcomes.pop()).expect("it is judged");
    assert!(outcome.helped, "{}", outcome.text);
    // Now the load outgrows them, and executors come back at once.
    model.rate = 395.0;
    let (growth, plan) = planned(&mut model);
    assert!(plan.counts.get("split").is_some_and(|count| *count > 2), "{:?}", growth.reasons);
    assert!(!codes(&growth).contains(&ReasonCode::Ineffective), "{:?}", growth.reasons);
}

#[test]
fn two_topologies_that_seem_to_hold_one_slot_are_judged_and_the_second_gets_another() {
    let mut model = Model::new(2, 2, 2);
    model.add_topology("wc-2", 2, 2);
    model.rate = 390.0;
    let slots: Vec<_> = model.observation.topologies[0].executors.iter().map(|e| e.slot).collect();
    for (executor, slot) in model.observation.topologies[1].executors.iter_mut().zip(slots) {
        executor.slot = slot;
    }
    for topology in &mut model.observation.topologies {
        topology.worker_heap_mib = Some(512.0);
        for component in &mut topology.components {
            (component.memory_mib, component.heap_mib) = (Some(128.0), Some(128.0));
        }
    }
    let held: Vec<_> = model.observation.topologies[0].executors.iter().map(|e| e.slot).collect();
    let mut plans = Vec::new();
    for _ in 0..60 {
        let decided = model.step();
        plans.extend(decided.decisions.into_iter().filter_map(|decision| decision.plan));
    }
    assert!(!plans.is_empty(), "both are short of executors");
    let nodes = &model.observation.nodes;
    for row in plans.iter().filter(|plan| plan.topology == "wc-2").flat_map(|plan| &plan.rows) {
        let taken = held.iter().flatten().any(|slot| {
            nodes[slot.node as usize].id == row.after.node && slot.port == row.after.port
        });
        assert!(!taken, "{row:?}");
    }
}

#[test]
fn pools_that_another_scheduler_keeps_are_not_broken_whoever_wants_it() {
    let mut model = Model::new(3, 2, 2);
    model.rate = 390.0;
    model.observation.topologies[0].obstacle = Some(Obstacle::KeptApart);
    let (decision, plan) = planned(&mut model);
    assert_eq!(decision.verdict, Verdict::Hold);
    assert_eq!(codes(&decision), [ReasonCode::PoolsKept, ReasonCode::CapacityHigh]);
    assert_eq!(decision.reasons[0].setting.as_deref(), Some("thalweg.delegate.scheduler"));
    assert_eq!(plan.counts.get("split"), Some(&4), "what it would do is shown");
    model.state.order = Some(Order {
        topology: "wc-1".to_owned(),
        counts: [("split".to_owned(), 3)].into(),
        ..Order::default()
    });
    let decision = model.step().decisions.remove(0);
    assert_eq!(decision.verdict, Verdict::Hold);
    assert_eq!(codes(&decision), [ReasonCode::PoolsKept, ReasonCode::Ordered]);
}

#[test]
fn what_could_not_be_restored_is_not_restarted_without_its_users_word() {
    for obstacle in [Obstacle::CheckpointsOff, Obstacle::NoCheckpointYet, Obstacle::CheckpointsFail]
    {
        let mut model = Model::new(3, 2, 2);
        model.rate = 390.0;
        model.observation.topologies[0].obstacle = Some(obstacle);
        let (decision, plan) = planned(&mut model);
        assert_eq!(decision.verdict, Verdict::Hold, "{obstacle:?}");
        assert_eq!(codes(&decision), [ReasonCode::CheckpointsMissing, ReasonCode::CapacityHigh]);
        let setting = decision.reasons[0].setting.as_deref();
        assert_eq!(setting, Some("thalweg.flink.rescale.without.checkpoints"));
        assert_eq!(plan.counts.get("split"), Some(&4), "what it would do is shown");
        model.settings.without_checkpoints_of = ["wc-1".to_owned()].into();
        assert_eq!(planned(&mut model).0.verdict, Verdict::Act);
    }
}

#[test]
fn what_is_of_another_kind_is_named_and_left_alone() {
    for obstacle in [Obstacle::Batch, Obstacle::OtherScheduler, Obstacle::Unreadable] {
        let mut model = Model::new(3, 2, 2);
        model.rate = 390.0;
        model.add_topology("other", 2, 2);
        let other = &mut model.observation.topologies[1];
        other.obstacle = Some(obstacle);
        other.components.clear();
        other.edges.clear();
        other.executors.clear();
        model.state.order = Some(order("other", 4));
        let decided = model.step();
        let about = |name: &str| decided.decisions.iter().find(|d| d.name == name).expect("named");
        assert_eq!(codes(about("other")), [ReasonCode::LeftAlone], "{obstacle:?}");
        // What may be readable at the next look can still be obeyed then.
        assert_eq!(model.state.order.is_some(), obstacle == Obstacle::Unreadable, "{obstacle:?}");
        let (decision, _) = planned(&mut model);
        assert_eq!((decision.name.as_str(), decision.verdict), ("wc-1", Verdict::Act));
    }
}

#[test]
fn nothing_grows_or_shrinks_beyond_what_its_user_allows() {
    let bounded = |least, most| {
        let mut model = Model::new(3, 2, 2);
        model.rate = 390.0;
        let split = &mut model.observation.topologies[0].components[1];
        split.least_executors = least;
        split.most_executors = most;
        model
    };
    let (decision, plan) = planned(&mut bounded(None, Some(3)));
    assert_eq!(plan.counts.get("split"), Some(&3));
    assert_eq!(codes(&decision), [ReasonCode::BoundsLimited, ReasonCode::CapacityHigh]);
    assert_eq!((decision.reasons[0].measured, decision.reasons[0].limit), (Some(4.0), Some(3.0)));
    let mut model = bounded(Some(2), Some(2));
    holds(&mut model, 40);
    assert!(codes(&model.step().decisions[0]).contains(&ReasonCode::BoundsLimited));
    for desired in [1, 5] {
        let mut model = bounded(Some(2), Some(4));
        model.rate = 50.0;
        holds(&mut model, 20);
        model.state.order = Some(order("wc-1", desired));
        let refused = model.step().decisions.remove(0);
        assert_eq!(codes(&refused), [ReasonCode::BoundsLimited, ReasonCode::Ordered]);
        assert_eq!((refused.verdict, &model.state.order), (Verdict::Hold, &None));
    }
}
