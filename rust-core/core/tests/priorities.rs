//! Several topologies that want more of one cluster.

#![allow(missing_docs)]

mod support;

use support::Model;
use thalweg_core::explain::{ReasonCode, Verdict};
use thalweg_core::settings::{PolicyName, Settings};
use thalweg_core::units::Millis;

fn two_short_topologies() -> Model {
    let mut model = Model::new(3, 2, 2);
    model.settings = Settings {
        window: Millis::saturating(10_000.0),
        settle: Millis::saturating(6_000.0),
        ..Settings::recommended(PolicyName::Thalweg)
    };
    model.add_topology("wc-2", 2, 2);
    model.rate = 390.0;
    model
}

fn first_to_act(model: &mut Model) -> Option<String> {
    let decided = (0..60).flat_map(|_| model.step().decisions);
    decided.into_iter().find(|d| d.verdict == Verdict::Act).map(|d| d.topology)
}

#[test]
fn the_higher_priority_goes_first() {
    for (first, other) in [("wc-1", "wc-2"), ("wc-2", "wc-1")] {
        let mut model = two_short_topologies();
        model.settings.priorities.insert(first.to_owned(), 2);
        model.settings.priorities.insert(other.to_owned(), 1);
        assert_eq!(first_to_act(&mut model).as_deref(), Some(first));
    }
}

#[test]
fn nobody_goes_over_the_budget() {
    let mut model = two_short_topologies();
    // Both have five executors, and each wants a third one of the operator that is short.
    model.settings.executor_budget = 10;
    let codes: Vec<ReasonCode> = (0..60)
        .flat_map(|_| model.step().decisions)
        .inspect(|decision| assert_eq!(decision.verdict, Verdict::Hold))
        .flat_map(|decision| decision.reasons.into_iter().map(|reason| reason.code))
        .collect();
    assert!(codes.contains(&ReasonCode::BudgetLimited));
    model.settings.executor_budget = 20;
    assert!(first_to_act(&mut model).is_some());
}

#[test]
fn who_wants_more_than_is_left_gets_what_is_left() {
    let mut model = two_short_topologies();
    model.rate = 450.0;
    let desired = |model: &mut Model| {
        let decided = (0..60).flat_map(|_| model.step().decisions).find_map(|decision| {
            let plan = decision.plan.filter(|_| decision.verdict == Verdict::Act)?;
            Some((plan, decision.reasons))
        });
        decided.expect("a topology is short")
    };
    let (plan, _) = desired(&mut model);
    let all: u32 = plan.counts.values().sum();
    assert!(all > 4, "{plan:?}");
    let mut model = two_short_topologies();
    model.rate = 450.0;
    model.settings.executor_budget = 12;
    let (plan, reasons) = desired(&mut model);
    assert_eq!(plan.counts.values().sum::<u32>(), 4, "two executors and two more: {plan:?}");
    let limited = reasons.iter().find(|reason| reason.code == ReasonCode::BudgetLimited);
    assert_eq!(limited.and_then(|reason| reason.limit), Some(12.0));
}

#[test]
fn who_waits_is_told_since_when_and_who_has_more_than_its_share() {
    let mut model = two_short_topologies();
    // Both have five executors; whoever is first gets the one that is left, and each would be owed five and a half.
    model.settings.executor_budget = 11;
    let decided = (0..60)
        .map(|_| model.step())
        .find(|decided| decided.decisions.iter().any(|decision| decision.verdict == Verdict::Act));
    let plan = decided.and_then(|decided| decided.decisions.into_iter().find_map(|d| d.plan));
    let plan = plan.expect("one of both grows");
    model.carry_out(&plan);
    let waits = (0..60).flat_map(|_| model.step().decisions).find_map(|decision| {
        assert_eq!(decision.verdict, Verdict::Hold, "{:?}", decision.reasons);
        let other = decision.topology != plan.topology;
        decision.reasons.into_iter().find(|r| other && r.code == ReasonCode::WaitsForShare)
    });
    let waits = waits.expect("the other one waits");
    assert_eq!((waits.measured, waits.limit), (Some(5.0), Some(5.5)));
    let over = format!("over their shares: {} by 0.5", plan.name);
    assert!(waits.text.contains(&over), "{}", waits.text);
}
