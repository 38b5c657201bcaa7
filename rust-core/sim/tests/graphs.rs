//! Graphs of other shapes than a line: every policy that sizes by demand is right about them.

use std::collections::BTreeMap;

use thalweg_core::settings::{Mode, PolicyName, Settings, SlotRule, WorkerLimit};
use thalweg_core::units::Millis;
use thalweg_sim::scenario::{EngineKind, Scenario};
use thalweg_sim::{RunResult, run};

const BY_DEMAND: [PolicyName; 4] =
    [PolicyName::Ds2, PolicyName::Conttune, PolicyName::FlinkAutoscaler, PolicyName::Thalweg];
const SEED: u64 = 11;

/// A cluster with room for all.
const HEAD: &str = r#"
name = "graph"
duration_secs = 2400
step_millis = 1000
[[node]]
count = 4
cores = 8
slots = 16
"#;

fn scenario(text: &str) -> Scenario {
    let (engine, rest) = text.trim().split_once('\n').expect("the engine stands first");
    let head = HEAD.replace("duration_secs", &format!("{engine}\nduration_secs"));
    let (top, tables) = rest.split_once("[[").expect("components follow");
    let text = head.replace("[[node]]", &format!("{top}\n[[node]]")) + "[[" + tables;
    thalweg_sim::scenario::read("graph.toml", &text, |file| Err(format!("no {file}")))
        .unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The executors of each component at the end, and the run.
fn sized(scenario: &Scenario, policy: PolicyName) -> (BTreeMap<String, u32>, RunResult) {
    let flink = scenario.engine == EngineKind::Flink;
    let mut settings = Settings {
        policy,
        mode: Mode::Act,
        window: Millis::saturating(30_000.0),
        worker_limit: WorkerLimit::Free,
        slots: if flink { SlotRule::Engine } else { SlotRule::Workers },
        ..Settings::default()
    };
    // Within the hour that a run takes.
    settings.autoscaler.down_delay = Millis::saturating(600_000.0);
    let result = run(scenario, &settings, SEED).expect("no invariant is broken");
    let mut counts: BTreeMap<String, u32> =
        scenario.components.iter().map(|c| (c.id.clone(), c.executors)).collect();
    for action in result.actions.iter().filter(|action| action.done) {
        counts.extend(action.counts.clone());
    }
    (counts, result)
}

/// Five side outputs of a source, as in `parts`, each to a sink of `executors`.
fn side_outputs(executors: u32, parts: [f64; 5]) -> Scenario {
    let mut text = String::from(
        "engine = \"flink\"\nrate = 200\n[[component]]\nid = \"events\"\nkind = \"source\"\nwork_micros = 50\n",
    );
    for index in 0..parts.len() {
        text += &format!(
            "[[component]]\nid = \"sink-{index}\"\nexecutors = {executors}\nwork_micros = 2000\n"
        );
    }
    for (index, part) in parts.iter().enumerate() {
        text +=
            &format!("[[edge]]\nfrom = \"events\"\nto = \"sink-{index}\"\nselectivity = {part}\n");
    }
    scenario(&text)
}

#[test]
fn sinks_of_side_outputs_are_sized_for_what_they_get() {
    for policy in BY_DEMAND {
        let few = side_outputs(1, [0.6, 0.25, 0.1, 0.04, 0.01]);
        let (counts, result) = sized(&few, policy);
        assert!(counts.values().all(|count| *count == 1), "{policy:?} {counts:?}");
        assert_eq!(result.measures.reconfigurations, 0, "{policy:?}");
        let many = side_outputs(4, [0.6, 0.25, 0.1, 0.04, 0.01]);
        let (counts, result) = sized(&many, policy);
        let sinks = counts.iter().filter(|(id, _)| id.starts_with("sink"));
        assert!(
            sinks.clone().all(|(_, count)| *count <= 2),
            "{policy:?} {counts:?} {:?}",
            result.reasons
        );
    }
}

#[test]
fn rules_that_are_broadcast_count_once_for_each_subtask() {
    let text = r#"
engine = "flink"
rate = 110
[[component]]
id = "data"
kind = "source"
work_micros = 50
share = 10
[[component]]
id = "rules"
kind = "source"
work_micros = 50
share = 1
[[component]]
id = "match"
tasks = 128
work_micros = 3000
[[edge]]
from = "data"
to = "match"
grouping = "fields"
[[edge]]
from = "rules"
to = "match"
grouping = "broadcast"
"#;
    for policy in BY_DEMAND {
        let (counts, _) = sized(&scenario(text), policy);
        assert_eq!(counts["match"], 1, "{policy:?}");
        // Ten times as much: 1000/s are shared, and each gets 100/s, of the 333/s that it can do:
        // 1000 / (333 - 100) = 4.3 if it has nothing else to do.
        let (counts, result) = sized(&scenario(&text.replace("110", "1100")), policy);
        let last = result.points.last().expect("a run has points");
        assert!((5..=32).contains(&counts["match"]), "{policy:?} {counts:?}");
        assert!(last.completed > 0.95 * last.offered, "{policy:?} {last:?} {counts:?}");
    }
}

#[test]
fn a_source_that_is_silent_keeps_nobody_from_growing() {
    let text = r#"
engine = "ENGINE"
rate = 150
[[component]]
id = "lines"
kind = "source"
work_micros = 50
partitions = 8
[[component]]
id = "rules"
kind = "source"
work_micros = 50
share = 0
[[component]]
id = "split"
work_micros = 4000
[[component]]
id = "count"
executors = 2
work_micros = 150
[[edge]]
from = "lines"
to = "split"
[[edge]]
from = "rules"
to = "split"
grouping = "all"
[[edge]]
from = "split"
to = "count"
grouping = "fields"
selectivity = 7
[load.shape]
kind = "steps"
levels = [[0, 1], [900, 3]]
"#;
    for engine in ["storm", "flink"] {
        for policy in BY_DEMAND {
            let (counts, result) = sized(&scenario(&text.replace("ENGINE", engine)), policy);
            let last = result.points.last().expect("a run has points");
            assert!(counts["split"] >= 2, "{engine} {policy:?} {counts:?} {:?}", result.reasons);
            assert!(last.completed > 0.95 * last.offered, "{engine} {policy:?} {last:?}");
        }
    }
}

/// Queues are as short as Flink's buffers: it does not count what goes round, so that only what is taken in tells.
#[test]
fn what_comes_back_is_sized_for() {
    let text = r#"
engine = "ENGINE"
rate = 60
[[component]]
id = "orders"
kind = "source"
work_micros = 50
[[component]]
id = "try"
work_micros = 10000
queue = 500
[[component]]
id = "check"
work_micros = 1000
queue = 500
[[edge]]
from = "orders"
to = "try"
[[edge]]
from = "try"
to = "check"
[[edge]]
from = "check"
to = "try"
selectivity = 0.2
[[edge]]
from = "check"
to = "check"
selectivity = 0.1
[load.shape]
kind = "steps"
levels = [[0, 1], [900, 3]]
"#;
    for engine in ["storm", "flink"] {
        for policy in BY_DEMAND {
            let (counts, result) = sized(&scenario(&text.replace("ENGINE", engine)), policy);
            let last = result.points.last().expect("a run has points");
            // x = 180 + 0.2 y and y = x + 0.1 y give 231/s of 100/s for each executor.
            assert!(
                (3..=8).contains(&counts["try"]),
                "{engine} {policy:?} {counts:?} {:?}",
                result.reasons
            );
            assert!(last.completed > 0.95 * last.offered, "{engine} {policy:?} {last:?}");
        }
    }
}
