//! Where the engine fills workers by itself, executor counts are all that can be changed.

#![allow(missing_docs)]

mod support;

use std::collections::BTreeMap;

use support::Model;
use thalweg_core::explain::{PlanKind, ReasonCode, Verdict};
use thalweg_core::model::SlotRef;
use thalweg_core::settings::{Adopt, Mode, PolicyName, SlotRule, WorkerLimit};
use thalweg_core::state::Order;
use thalweg_core::units::Share;

/// All executors deal out over two workers in turn, as Storm's own scheduler does it; nobody gave his word for a stop that
/// parts sources from operators.
fn filled_by_the_engine(policy: PolicyName) -> Model {
    let mut model = Model::new(3, 1, 3);
    let topology = &mut model.observation.topologies[0];
    let slots = [topology.executors[0].slot, topology.executors[1].slot];
    for (index, executor) in topology.executors.iter_mut().enumerate() {
        executor.slot = slots[index % 2];
    }
    model.settings.adopt = Adopt::Never;
    model.settings.worker_limit = WorkerLimit::Asked;
    model.settings.policy = policy;
    model.settings.slots = SlotRule::EngineWorkers;
    model
}

#[test]
fn a_component_that_is_short_gets_executors_and_no_layout() {
    for policy in [PolicyName::MeStream, PolicyName::Thalweg, PolicyName::Ds2] {
        let mut model = filled_by_the_engine(policy);
        model.rate = 300.0;
        let decided = model.until_plan(60).unwrap_or_else(|| panic!("{policy:?}"));
        let decision = &decided.decisions[0];
        let plan = decision.plan.as_ref().expect("just looked for");
        assert_eq!((decision.verdict, plan.kind), (Verdict::Act, PlanKind::Counts), "{policy:?}");
        assert!(plan.counts["split"] > 1, "{:?}", plan.counts);
        assert!(plan.workers <= 2, "it asks for two workers, not {}", plan.workers);
        let adopted = |code| decision.reasons.iter().any(|reason| reason.code == code);
        assert!(!adopted(ReasonCode::AdoptionNeeded), "{:?}", decision.reasons);
    }
}

#[test]
fn a_proposal_says_that_it_stops_the_topology() {
    let mut model = filled_by_the_engine(PolicyName::MeStream);
    model.settings.mode = Mode::Confirm;
    model.rate = 300.0;
    let offer = (0..60).find_map(|_| model.step().decisions.remove(0).offer);
    assert!(offer.expect("it is short").stops);
}

#[test]
fn what_lies_unevenly_is_left_to_the_engine() {
    for policy in [PolicyName::MeStream, PolicyName::Thalweg] {
        let mut model = filled_by_the_engine(policy);
        for executor in &mut model.observation.topologies[0].executors {
            executor.slot = executor.slot.map(|slot| SlotRef { node: 0, ..slot });
        }
        // All on one node of three, and far from short of executors.
        model.rate = 100.0;
        model.settings.imbalance_floor = Share::saturating(0.01);
        let plan = model.until_plan(60).map(|decided| decided.decisions[0].clone());
        assert!(plan.is_none(), "{policy:?}: {plan:?}");
    }
}

#[test]
fn an_order_of_counts_needs_no_word_for_a_stop_of_another_kind() {
    let mut model = filled_by_the_engine(PolicyName::Static);
    for _ in 0..10 {
        model.step();
    }
    let counts = BTreeMap::from([("split".to_owned(), 4)]);
    model.state.order = Some(Order { topology: "wc-1".to_owned(), counts, ..Order::default() });
    let decision = model.step().decisions.remove(0);
    assert_eq!(decision.verdict, Verdict::Act, "{:?}", decision.reasons);
    assert_eq!(decision.plan.expect("it acts").kind, PlanKind::Counts);
}
