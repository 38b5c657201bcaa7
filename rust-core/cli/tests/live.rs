//! The command against a running engine, as an operator meets it at night.
#![allow(clippy::unwrap_used)]

mod night;

use night::{Night, code, thalweg};
use serde_json::{Value, json};

#[test]
fn an_operator_looks_orders_and_reads_what_came_of_it() {
    let mut night = Night::new();
    night.look();
    let status = night.says(&["status"]);
    assert!(status.contains("mode act, leads") && status.contains("wc-1"), "{status}");
    let said = night.says(&["scale", "wc-1", "split=4", "--why", "sale at eight"]);
    assert!(said.contains("accepted as o"), "{said}");
    for _ in 0..40 {
        night.look();
    }
    let explained = night.says(&["explain", "wc-1", "--executor", "1"]);
    assert!(explained.contains("sale at eight") && explained.contains("measured"), "{explained}");
    assert!(explained.contains("runs on"), "{explained}");
    assert!(explained.contains("(here)") && explained.contains("FULLEST"), "{explained}");
    assert!(night.says(&["explain", "wc-1", "--why-not"]).contains("ACTION_RUNNING"));
    assert!(night.says(&["status"]).contains("under way:"));
    assert!(night.says(&["history"]).contains("sale at eight"));
    let status: Value = serde_json::from_str(&night.says(&["status", "--json"])).unwrap();
    assert_eq!(status["orders"][0]["state"], "acting");
    let plan: Value = serde_json::from_str(&night.says(&["plan", "--json"])).unwrap();
    assert_eq!(plan[0]["name"], "wc-1");
    let host = night.cluster.observation.nodes[0].host.clone();
    assert_eq!(night.says(&["drain", &host]).trim(), host);
    assert_eq!(night.says(&["drain"]).trim(), host);
    assert_eq!(night.says(&["undrain", &host]).trim(), "no host is drained");
    assert!(night.says(&["pause", "--for", "8h", "--only", "in"]).contains("wc-1"));
    assert!(night.says(&["resume"]).contains("resumed"));
}

#[test]
fn what_was_decided_at_an_earlier_moment_is_explained_from_the_ledger() {
    let mut night = Night::with(&json!({ "thalweg.action.daily.limit": 0 }));
    night.look();
    let calm = night.cluster.now().millis() / 1000;
    night.cluster.rate = 5_000.0;
    (0..40).for_each(|_| night.look());
    let then = night.says(&["explain", "wc-1", "--at", &calm.to_string()]);
    let now = night.says(&["explain", "wc-1"]);
    assert!(!then.contains("CAPACITY_HIGH") && now.contains("CAPACITY_HIGH"), "{then}\n{now}");
    for stage in ["signals", "diagnosis", "wanted", "planned", "guards", "no  daily actions: "] {
        assert!(now.contains(stage), "the way of the decision, to {stage}: {now}");
    }
    let told = night.says(&["explain", "wc-1", "--at", &calm.to_string(), "--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert!(told["decision"]["at"].as_i64() <= Some(calm * 1000), "{told}");
    // Before it was seen nothing was decided.
    assert_eq!(code(&night.run(&["explain", "wc-1", "--at", "0"])).0, Some(3));
}

#[test]
fn a_plan_that_was_saved_is_applied_unless_it_is_stale() {
    let mut night = Night::with(&json!({ "thalweg.action.daily.limit": 0 }));
    night.cluster.rate = 5_000.0;
    let plans = |night: &Night| night.says(&["plan", "--json"]);
    let saved = (0..60).find_map(|_| {
        night.look();
        let plans = plans(&night);
        plans.contains("\"rows\"").then_some(plans)
    });
    let file = night.folder.path().join("plan.json");
    std::fs::write(&file, saved.expect("a plan")).unwrap();
    let file = file.to_str().unwrap();
    let said = night.says(&["apply", file, "--why", "reviewed"]);
    assert!(said.contains("accepted as o"), "{said}");
    assert_eq!(code(&night.run(&["apply", file])).0, Some(3), "once");
    night.look();
    assert!(night.says(&["status"]).contains("as it was shown"));
    let mut stale: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let plan = &mut stale[0];
    (plan["plan"], plan["shown"]["plan"]["id"]) = (json!("wc-1-p0-0"), json!("wc-1-p0-0"));
    plan["shown"]["executors"]["split"] = json!(9);
    std::fs::write(file, stale.to_string()).unwrap();
    let (exit, said) = code(&night.run(&["apply", file]));
    assert!(exit == Some(3) && said.contains("split has 2 executors now and had 9"), "{said}");
    assert_eq!(code(&night.run(&["apply", "no-such-plan"])).0, Some(3));
    std::fs::write(file, "{}").unwrap();
    let (exit, said) = code(&night.run(&["apply", file]));
    assert!(exit == Some(1) && said.contains("thalweg plan --json"), "{said}");
}

#[test]
fn exit_codes_tell_what_went_wrong() {
    let mut night = Night::new();
    assert_eq!(code(&night.run(&["scale", "wc-1", "split=4"])).0, Some(5), "nothing was seen yet");
    night.look();
    let (exit, said) = code(&night.run(&["scale", "wc-1", "spilt=4"]));
    assert_eq!(exit, Some(3));
    assert!(said.contains("counts.spilt: wc-1 has no component spilt; it has"), "{said}");
    assert_eq!(code(&night.run(&["scale", "wc-1", "split"])).0, Some(2));
    assert_eq!(code(&night.run(&["explain", "nobody"])).0, Some(3));
    let elsewhere = tempfile::tempdir().unwrap();
    let (exit, said) = code(&thalweg(elsewhere.path(), &["status"]));
    assert_eq!(exit, Some(4));
    assert!(said.contains("there is no socket"), "{said}");
    for node in &mut night.cluster.observation.nodes {
        node.ports.clear();
    }
    night.look();
    let sick = night.run(&["doctor"]);
    assert_eq!(sick.status.code(), Some(6));
    assert!(String::from_utf8_lossy(&sick.stdout).contains("supervisor.slots.ports"));
}
