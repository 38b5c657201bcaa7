//! Topologies whose sources share workers with operators, as an engine's own scheduler places them: what it costs to
//! change that is said before, and needs a word.

#![allow(missing_docs)]

mod support;

use std::collections::BTreeMap;

use support::Model;
use thalweg_core::explain::{Decision, PlanKind, ReasonCode, Verdict};
use thalweg_core::model::SlotRef;
use thalweg_core::settings::{Adopt, Mode};
use thalweg_core::state::Order;

fn codes(decision: &Decision) -> Vec<ReasonCode> {
    decision.reasons.iter().map(|reason| reason.code).collect()
}

/// The source together with an executor of `split` in the first worker; the others run alone.
fn placed_by_storm(adopt: Adopt) -> Model {
    let mut model = Model::new(3, 3, 3);
    model.settings.adopt = adopt;
    model.observation.topologies[0].desired_workers = 3;
    let executors = &mut model.observation.topologies[0].executors;
    let shared = executors[0].slot;
    for executor in executors.iter_mut().filter(|e| e.slot.is_some_and(|slot| slot.node == 0)) {
        executor.slot = shared;
    }
    model
}

fn ordered(model: &mut Model, order: Order) -> Decision {
    for _ in 0..10 {
        model.step();
    }
    model.state.order = Some(Order { topology: "wc-1".to_owned(), ..order });
    model.step().decisions.remove(0)
}

fn counts(split: u32) -> Order {
    Order { counts: BTreeMap::from([("split".to_owned(), split)]), ..Order::default() }
}

#[test]
fn what_the_first_change_will_cost_is_said_before_there_is_one() {
    for (adopt, text) in [(Adopt::Never, "is held until"), (Adopt::OnNextAction, "first change")] {
        let mut model = placed_by_storm(adopt);
        let decision = (0..10).map(|_| model.step().decisions.remove(0)).last().expect("ten");
        let cost = decision.reasons.iter().find(|r| r.code == ReasonCode::AdoptionNeeded);
        let cost = cost.unwrap_or_else(|| panic!("{:?}", decision.reasons));
        assert_eq!((decision.verdict, cost.measured), (Verdict::Hold, Some(30.0)));
        assert_eq!(cost.setting.as_deref(), Some("thalweg.adopt"));
        assert!(cost.text.contains(text), "{}", cost.text);
    }
    let mut ours = Model::new(3, 3, 3);
    let decision = (0..10).map(|_| ours.step().decisions.remove(0)).last().expect("ten");
    assert!(!codes(&decision).contains(&ReasonCode::AdoptionNeeded), "{:?}", decision.reasons);
}

#[test]
fn an_order_stops_nothing_that_nobody_was_asked_for() {
    let decision = ordered(&mut placed_by_storm(Adopt::Never), counts(6));
    assert_eq!(decision.verdict, Verdict::Hold);
    assert_eq!(codes(&decision)[..2], [ReasonCode::AdoptionNeeded, ReasonCode::Ordered]);
    assert_eq!(decision.plan.expect("it is shown").kind, PlanKind::Layout);
    let order = Order { adopt: true, ..counts(6) };
    let decision = ordered(&mut placed_by_storm(Adopt::Never), order);
    assert_eq!(decision.verdict, Verdict::Act, "{:?}", decision.reasons);
    assert_eq!(codes(&decision)[..2], [ReasonCode::Ordered, ReasonCode::AdoptionNeeded]);
    let decision = ordered(&mut placed_by_storm(Adopt::OnNextAction), counts(6));
    assert_eq!(decision.verdict, Verdict::Act, "{:?}", decision.reasons);
}

#[test]
fn where_the_mode_forbids_acting_that_comes_first() {
    let mut model = placed_by_storm(Adopt::Never);
    model.settings.mode = Mode::Observe;
    let decision = ordered(&mut model, counts(6));
    assert_eq!(decision.verdict, Verdict::Hold);
    let wanted = [ReasonCode::ModeForbids, ReasonCode::AdoptionNeeded, ReasonCode::Ordered];
    assert_eq!(codes(&decision)[..3], wanted);
}

#[test]
fn what_can_be_had_without_a_stop_is_taken() {
    for adopt in [Adopt::Never, Adopt::OnNextAction, Adopt::Now] {
        let order = Order { leave: vec!["host2".to_owned()], ..Order::default() };
        let mut model = placed_by_storm(adopt);
        model.settings.mode = if adopt == Adopt::Now { Mode::Advise } else { Mode::Act };
        let plan = ordered(&mut model, order).plan.expect("it can leave");
        assert_eq!(plan.kind, PlanKind::Move, "{adopt:?}");
        assert!(plan.rows.iter().all(|row| row.after.node != "n2"));
    }
}

#[test]
fn an_adoption_for_its_own_sake_is_made_when_it_is_asked_for_and_made_once() {
    let mut model = placed_by_storm(Adopt::Now);
    let decided = model.until_plan(20).expect("nothing speaks against it");
    let decision = &decided.decisions[0];
    assert_eq!((decision.verdict, codes(decision)[0]), (Verdict::Act, ReasonCode::AdoptionNeeded));
    let plan = decision.plan.clone().expect("just looked for");
    assert_eq!((plan.kind, plan.counts.len()), (PlanKind::Layout, 0));
    model.carry_out(&plan);
    for _ in 0..60 {
        let decision = model.step().decisions.remove(0);
        assert_eq!(decision.verdict, Verdict::Hold, "{:?}", decision.reasons);
        assert!(!codes(&decision).contains(&ReasonCode::AdoptionNeeded), "{:?}", decision.reasons);
    }
    let mut by_order = placed_by_storm(Adopt::Never);
    let decision = ordered(&mut by_order, Order { adopt: true, ..Order::default() });
    assert_eq!(decision.plan.expect("it was ordered").kind, PlanKind::Layout);
}

#[test]
fn of_one_worker_it_is_said_that_every_change_stops_it_and_nothing_is_held() {
    let mut model = Model::new(2, 2, 2);
    model.settings.adopt = Adopt::Never;
    model.settings.worker_limit = thalweg_core::settings::WorkerLimit::Asked;
    model.observation.topologies[0].desired_workers = 1;
    for executor in &mut model.observation.topologies[0].executors {
        executor.slot = Some(SlotRef { node: 0, port: 1 });
    }
    let decision = ordered(&mut model, counts(3));
    assert_eq!(decision.verdict, Verdict::Act);
    assert_eq!(codes(&decision).first(), Some(&ReasonCode::Ordered));
    assert_eq!(codes(&decision).last(), Some(&ReasonCode::StopNeeded));
}
