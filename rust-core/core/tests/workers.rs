//! Decisions about topologies that may have no more workers than they ask for.

#![allow(missing_docs)]

mod support;

use std::collections::BTreeSet;

use support::{Model, settings};
use thalweg_core::model::SlotRef;
use thalweg_core::plan::PlanKind;
use thalweg_core::reason::ReasonCode;
use thalweg_core::settings::{Settings, WorkerLimit};

/// A topology of six executors that work and a source, all in one worker on the first node.
fn in_one_worker(nodes: usize) -> Model {
    let mut model = Model::new(nodes, 4, 2);
    model.settings = Settings { worker_limit: WorkerLimit::Asked, ..settings() };
    let topology = &mut model.observation.topologies[0];
    topology.desired_workers = 1;
    for executor in &mut topology.executors {
        executor.slot = Some(SlotRef { node: 0, port: 1 });
    }
    model.rate = 560.0;
    model
}

#[test]
fn what_one_worker_cannot_help_is_said_with_the_setting() {
    let mut model = in_one_worker(4);
    model.settings.scaling_enabled = false;
    let limited = (0..60).find_map(|_| {
        let decision = model.step().decisions.remove(0);
        assert!(decision.plan.is_none(), "{decision:?}");
        decision.reasons.into_iter().find(|reason| reason.code == ReasonCode::WorkersLimited)
    });
    let limited = limited.expect("four busy executors on one of four nodes");
    assert_eq!(limited.limit, Some(1.0));
    assert!(limited.measured > Some(1.0), "{limited:?}");
    assert_eq!(limited.setting.as_deref(), Some("thalweg.placement.workers"));
    assert!(limited.text.contains("it asks for 1"), "{}", limited.text);

    let mut free = in_one_worker(4);
    free.settings.scaling_enabled = false;
    free.settings.free_workers = BTreeSet::from(["wc-1".to_owned()]);
    assert!(free.until_plan(60).is_some(), "nothing else stands in the way");
}

#[test]
fn of_two_that_share_a_node_one_leaves_it_as_a_whole() {
    let mut model = in_one_worker(3);
    model.settings.scaling_enabled = false;
    model.add_topology("wc-2", 4, 2);
    let second = &mut model.observation.topologies[1];
    second.desired_workers = 1;
    for executor in &mut second.executors {
        executor.slot = Some(SlotRef { node: 0, port: 2 });
    }
    let decided = model.until_plan(60).expect("both are on one of three nodes");
    let plan = decided.decisions.into_iter().find_map(|decision| decision.plan);
    let plan = plan.expect("just looked for");
    assert_eq!((plan.workers, plan.kind), (1, PlanKind::Layout));
    let slots: BTreeSet<_> = plan.rows.iter().map(|row| &row.after).collect();
    assert!(slots.len() == 1 && plan.rows.iter().all(|row| row.moves()), "{slots:?}");
    model.carry_out(&plan);
    // Each has a node of its own now, and one worker can do no better.
    let rest = (0..60).all(|_| model.step().decisions.iter().all(|d| d.plan.is_none()));
    assert!(rest);
}

#[test]
fn what_another_topology_does_elsewhere_hides_no_imbalance() {
    // Two topologies, each of four executors that are busy for 70 % on a node of its own, of four nodes.
    let crowded = |topologies: usize| {
        let mut model = in_one_worker(4);
        model.settings = Settings { scaling_enabled: false, ..settings() };
        if topologies > 1 {
            model.add_topology("wc-2", 4, 2);
            for executor in &mut model.observation.topologies[1].executors {
                executor.slot = Some(SlotRef { node: 1, port: 3 });
            }
        }
        model
    };
    let moves_after = |mut model: Model| {
        (0..100).find(|_| model.step().decisions.iter().any(|d| d.plan.is_some()))
    };
    let alone = moves_after(crowded(1));
    assert!(alone.is_some());
    assert_eq!(moves_after(crowded(2)), alone);
}

#[test]
fn more_executors_are_planned_within_the_one_worker() {
    let mut model = in_one_worker(2);
    model.settings.imbalance_limit = 100.0;
    model.rate = 800.0;
    let decided = model.until_plan(120).expect("executors are busy");
    let plan = decided.decisions[0].plan.as_ref().expect("just looked for");
    assert!(!plan.counts.is_empty() && plan.workers == 1, "{plan:?}");
}
