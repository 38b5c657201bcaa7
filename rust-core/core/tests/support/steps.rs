//! What tests of whole decisions do again and again.

use thalweg_core::explain::{Decision, Plan, ReasonCode, Verdict};
use thalweg_core::state::Order;

use super::Model;

pub fn codes(decision: &Decision) -> Vec<ReasonCode> {
    decision.reasons.iter().map(|reason| reason.code).collect()
}

pub fn planned(model: &mut Model) -> (Decision, Plan) {
    let decided = model.until_plan(40).expect("a plan within forty steps");
    let decision = decided.decisions.into_iter().find(|d| d.plan.is_some()).expect("it has one");
    let plan = decision.plan.clone().expect("it has one");
    (decision, plan)
}

pub fn holds(model: &mut Model, steps: usize) {
    for _ in 0..steps {
        let decision = &model.step().decisions[0];
        assert_eq!(decision.verdict, Verdict::Hold, "{:#?}", (&decision.reasons, &decision.view));
    }
}

pub fn order(topology: &str, split: u32) -> Order {
    let counts = [("split".to_owned(), split)].into();
    Order { topology: topology.to_owned(), counts, ..Order::default() }
}
