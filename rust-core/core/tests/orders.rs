//! What becomes of an operator's orders, on a cluster that can be worked out by hand.

#![allow(missing_docs)]

mod support;

use support::Model;
use support::steps::{codes, holds, order, planned};
use thalweg_core::explain::{Plan, PlanKind, ReasonCode, Verdict};
use thalweg_core::model::{Observation, Obstacle, SlotRef};
use thalweg_core::state::Order;

#[test]
fn an_order_is_obeyed_once_without_any_sign_of_trouble() {
    let mut model = Model::new(3, 2, 2);
    model.rate = 50.0;
    holds(&mut model, 20);
    let name = model.observation.topologies[0].name.clone();
    let order = |split: u32| Order {
        topology: name.clone(),
        counts: [("split".to_owned(), split)].into(),
        ..Order::default()
    };
    model.state.order = Some(order(400));
    let refused = model.step().decisions.remove(0);
    assert_eq!(
        (refused.verdict, codes(&refused)),
        (Verdict::Hold, vec![ReasonCode::OrderImpossible])
    );
    model.state.order = Some(order(4));
    let (decision, plan) = planned(&mut model);
    assert_eq!((decision.verdict, codes(&decision)), (Verdict::Act, vec![ReasonCode::Ordered]));
    assert_eq!(plan.counts.get("split"), Some(&4));
    model.carry_out(&plan);
    holds(&mut model, 20);
}

#[test]
fn an_order_changes_memory_that_is_known() {
    let mut model = Model::new(3, 2, 2);
    model.rate = 50.0;
    let topology = model.observation.topologies[0].name.clone();
    let order = || Order {
        topology: topology.clone(),
        memory_mib: [("count".to_owned(), 64)].into(),
        ..Order::default()
    };
    holds(&mut model, 20);
    model.state.order = Some(order());
    let refused = model.step().decisions.remove(0);
    assert_eq!(codes(&refused), [ReasonCode::OrderImpossible], "nobody tells its memory");
    let count = model.observation.topologies[0].components.iter_mut().find(|c| c.id == "count");
    count.expect("it is there").memory_mib = Some(32.0);
    model.state.order = Some(order());
    let (_, plan) = planned(&mut model);
    assert_eq!((plan.kind, &plan.memory_mib["count"]), (PlanKind::Counts, &64));
    assert!(plan.counts.is_empty() && plan.rows.iter().all(|row| !row.moves()), "{plan:?}");
}

#[test]
fn an_order_that_has_to_wait_says_why_and_is_not_lost() {
    let mut model = Model::new(3, 2, 2);
    let name = model.observation.topologies[0].name.clone();
    let counts = [("split".to_owned(), 4)].into();
    model.state.order = Some(Order { topology: name, counts, ..Order::default() });
    let waits = model.step().decisions.remove(0);
    assert_eq!(waits.verdict, Verdict::Hold);
    assert!(!waits.reasons.is_empty() && model.state.order.is_some(), "{waits:?}");
    let (decision, _) = planned(&mut model);
    assert_eq!(codes(&decision), [ReasonCode::Ordered]);
    assert_eq!(model.state.order, None);
}

#[test]
fn where_memory_is_tight_an_order_tells_that_the_topology_has_to_stop() {
    // Nodes hold three executors each: eight find room, but not beside the two that they replace.
    let mut model = Model::new(3, 2, 2);
    model.rate = 50.0;
    for node in &mut model.observation.nodes {
        node.memory_mib = Some(400.0);
    }
    let topology = &mut model.observation.topologies[0];
    for component in &mut topology.components {
        component.memory_mib = Some(128.0);
    }
    let (name, counts) = (topology.name.clone(), [("split".to_owned(), 4)].into());
    holds(&mut model, 20);
    model.state.order = Some(Order { topology: name, counts, ..Order::default() });
    let (decision, plan) = planned(&mut model);
    assert_eq!(codes(&decision), [ReasonCode::Ordered, ReasonCode::NoRoomBeside], "{plan:?}");
    assert!(plan.no_room_beside && plan.stages_left == 0);
}

#[test]
fn an_effect_is_judged_only_of_what_runs_and_before_the_next_order() {
    let mut model = Model::new(3, 2, 2);
    model.rate = 390.0;
    let (_, plan) = planned(&mut model);
    model.carry_out(&plan);
    let name = model.observation.topologies[0].name.clone();
    let counts = [("split".to_owned(), 5)].into();
    model.state.order = Some(Order { topology: name, counts, ..Order::default() });
    // Its effect would be judged after 12 s, but nothing runs for a minute.
    for _ in 0..30 {
        let stopped = |seen: &mut Observation| {
            seen.topologies[0].status = thalweg_core::model::TopologyStatus::Inactive;
        };
        assert_eq!(model.step_seen_through(stopped).outcomes, []);
    }
    let mut outcomes = Vec::new();
    for _ in 0..20 {
        let decided = model.step();
        let acts = decided.decisions[0].verdict == Verdict::Act;
        assert!(!acts || !outcomes.is_empty(), "the first is not judged yet");
        outcomes.extend(decided.outcomes);
        if acts {
            break;
        }
    }
    assert!(outcomes.len() == 1 && outcomes[0].helped, "{outcomes:?}");
    assert_eq!(model.state.order, None, "the order had its turn");
}

#[test]
fn an_order_that_nodes_cannot_carry_at_once_is_carried_out_in_stages() {
    // `split` is to leave its node. Only the node of `count` can hold it, once `count` has gone to the fourth.
    let mut model = Model::new(4, 1, 1);
    model.rate = 50.0;
    for (node, mib) in model.observation.nodes.iter_mut().zip([200.0, 1000.0, 800.0, 400.0]) {
        node.memory_mib = Some(mib);
    }
    let topology = &mut model.observation.topologies[0];
    for (component, mib) in topology.components.iter_mut().zip([100.0, 600.0, 300.0]) {
        component.memory_mib = Some(mib);
    }
    for (executor, node) in topology.executors.iter_mut().zip([0, 1, 2]) {
        executor.slot = executor.slot.map(|slot| SlotRef { node, ..slot });
    }
    let leave = vec![model.observation.nodes[1].host.clone()];
    let order = Order { topology: topology.name.clone(), leave, ..Order::default() };
    holds(&mut model, 20);
    model.state.order = Some(order);
    let moving = |plan: &Plan| -> Vec<String> {
        let rows = plan.rows.iter().filter(|row| row.moves());
        rows.map(|row| format!("{} to {}", row.component, row.after.node)).collect()
    };
    let nodes: Vec<String> = model.observation.nodes.iter().map(|node| node.id.clone()).collect();
    let (decision, first) = planned(&mut model);
    assert_eq!(codes(&decision), [ReasonCode::Ordered, ReasonCode::Staged], "{first:?}");
    assert_eq!((first.stages_left, moving(&first)), (1, vec![format!("count to {}", nodes[3])]));
    assert!(model.state.order.is_some(), "the rest is still wanted");
    model.carry_out(&first);
    let (decision, last) = planned(&mut model);
    assert_eq!(codes(&decision), [ReasonCode::Ordered]);
    assert_eq!((last.stages_left, moving(&last)), (0, vec![format!("split to {}", nodes[2])]));
    assert_eq!(model.state.order, None);
}

#[test]
fn an_order_to_restart_what_could_not_be_restored_is_answered() {
    let mut model = Model::new(3, 2, 2);
    model.rate = 50.0;
    model.observation.topologies[0].obstacle = Some(Obstacle::CheckpointsOff);
    holds(&mut model, 20);
    model.state.order = Some(order("wc-1", 4));
    let refused = model.step().decisions.remove(0);
    assert_eq!(refused.verdict, Verdict::Hold);
    assert_eq!(codes(&refused), [ReasonCode::CheckpointsMissing, ReasonCode::Ordered]);
    assert_eq!(model.state.order, None);
    model.settings.without_checkpoints = true;
    model.state.order = Some(order("wc-1", 4));
    assert_eq!(planned(&mut model).0.verdict, Verdict::Act);
}

#[test]
fn an_order_names_one_topology_by_its_id_or_by_a_name_that_no_other_has() {
    let mut model = Model::new(3, 2, 2);
    model.rate = 50.0;
    model.add_topology("wc-2", 2, 2);
    for topology in &mut model.observation.topologies {
        topology.name = "words".to_owned();
    }
    holds(&mut model, 20);
    model.state.order = Some(order("words", 4));
    let refused = model.step().decisions;
    let codes_of: Vec<_> = refused.iter().flat_map(codes).collect();
    assert!(codes_of.contains(&ReasonCode::OrderImpossible), "{codes_of:?}");
    assert!(refused.iter().all(|decision| decision.plan.is_none()));
    assert_eq!(model.state.order, None);
    model.state.order = Some(order("wc-2", 4));
    let (decision, plan) = planned(&mut model);
    assert_eq!((decision.verdict, plan.topology.as_str()), (Verdict::Act, "wc-2"));
}
