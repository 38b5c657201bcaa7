//! A simulated day with a freeze and a known event, with the settings as users write them.
#![allow(clippy::unwrap_used)]

use serde_json::{Map, Value, json};
use thalweg_core::settings::Settings;
use thalweg_engine::EngineSettings;
use thalweg_sim::scenario::Scenario;
use thalweg_sim::{RunResult, run};

/// The freeze's and the event's seconds, as the scenario's windows say.
const FREEZE: std::ops::Range<f64> = 1500.0..2700.0;
const EVENT: f64 = 1800.0;
const LEAD: f64 = 120.0;

fn scenario() -> Scenario {
    let text = include_str!("../../sim/scenarios/event.toml");
    thalweg_sim::scenario::read("event.toml", text, |file| Err(format!("no {file}"))).unwrap()
}

fn settings(policy: &str, without: &[&str]) -> Settings {
    let mut given: Map<String, Value> = scenario().given();
    given.insert("thalweg.policy".to_owned(), json!(policy));
    without.iter().for_each(|key| _ = given.remove(*key));
    let read = EngineSettings::read(&given);
    assert_eq!(read.problems, Vec::<String>::new());
    read.core
}

fn ran(policy: &str, without: &[&str]) -> RunResult {
    run(&scenario(), &settings(policy, without), 1).unwrap()
}

#[test]
fn a_floor_is_reached_before_the_freeze_that_lies_over_its_event() {
    for policy in ["thalweg", "me-stream"] {
        let with = ran(policy, &[]);
        let told: Vec<_> = with
            .actions
            .iter()
            .map(|action| (action.decided_secs, action.ended_secs, &action.counts))
            .collect();
        for action in &with.actions {
            assert!(!FREEZE.contains(&action.decided_secs), "{policy}: {told:?}");
            assert!(!FREEZE.contains(&action.ended_secs), "{policy}: {told:?}");
        }
        let by =
            |secs: f64| with.points.iter().rfind(|point| point.secs <= secs).unwrap().executors;
        assert!(by(EVENT - LEAD) >= 13, "{policy}: {} executors, {told:?}", by(EVENT - LEAD));
        let without = ran(policy, &["thalweg.windows.floors"]);
        let worst = |run: &RunResult| run.measures.worst_backlog_secs;
        assert!(
            worst(&with) < 0.2 * worst(&without),
            "{policy}: {} s of lines wait with the floor, {} s without",
            worst(&with),
            worst(&without)
        );
    }
}
