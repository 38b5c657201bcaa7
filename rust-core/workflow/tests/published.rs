//! The setting of AGORA rebuilt: two DAGs on one cluster, time and cost weighing the same.
#![allow(clippy::unwrap_used)]

use thalweg_workflow::{Budget, Plan, plan, read};

fn planned() -> Plan {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/workflow/two-dags.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let workflow = read("two-dags.yaml", &text).unwrap();
    plan(&workflow, &mut Budget::new(1_000_000, &mut || false)).unwrap()
}

#[test]
fn two_dags_are_at_least_as_much_faster_and_cheaper_than_their_defaults_as_was_published() {
    let plan = planned();
    let time = 1.0 - plan.makespan_secs.planned.units() / plan.makespan_secs.default.units();
    let cost = 1.0 - plan.cost.planned.units() / plan.cost.default.units();
    println!(
        "{:.1} % faster, {:.1} % cheaper, {} % {}",
        time * 100.0,
        cost * 100.0,
        plan.within_percent,
        plan.objective
    );
    assert!(time >= 0.15, "{time}");
    assert!(cost >= 0.24, "{cost}");
}

#[test]
fn every_choice_and_every_start_has_its_reason() {
    let plan = planned();
    assert_eq!(plan.tasks.len(), 13);
    for task in &plan.tasks {
        // Twelve configurations were measured.
        assert_eq!(task.others.len(), 11);
        assert!(task.measured.planned.runs == 3);
    }
    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!(json["tasks"][0]["starts_because"]["code"], "AT_ONCE");
}
