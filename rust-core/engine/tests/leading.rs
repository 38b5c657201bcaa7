//! What becomes of an action when whoever carried it out is gone.
#![allow(clippy::unwrap_used)]

#[path = "../../core/tests/support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use support::Model;
use thalweg_control::{Command, Request, Scale, call};
use thalweg_core::model::Observation;
use thalweg_core::units::Timestamp;
use thalweg_engine::Engine;

/// One scheduler on its own store, looking at a cluster of three nodes that an operator has given an order for.
struct Scheduler {
    engine: Option<Arc<Engine>>,
    folder: tempfile::TempDir,
    cluster: Model,
    /// As noted in the cluster.
    term_base: u64,
}

impl Scheduler {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut cluster = Model::new(3, 2, 2);
        cluster.rate = 50.0;
        let one = Self { engine: Some(open(folder.path())), folder, cluster, term_base: 0 };
        one.send(&json!({ "op": "lead", "term": 1 }));
        one
    }

    fn now(&self) -> Timestamp {
        self.cluster.now()
    }

    fn look(&mut self) -> Value {
        self.cluster.step();
        let engine = self.engine.as_ref().unwrap();
        let answer = engine.observe(self.cluster.observation.clone(), self.cluster.now()).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    /// Looks until a plan is decided and gives its id.
    fn plan(&mut self) -> String {
        self.look();
        self.order(4);
        for _ in 0..40 {
            let answer = self.look();
            if answer["decisions"][0]["verdict"] == "act" {
                return answer["decisions"][0]["plan"]["id"].as_str().unwrap().to_owned();
            }
        }
        panic!("no plan: {}", self.status()["decisions"]);
    }

    fn order(&self, split: u32) {
        let scale = Scale {
            topology: "wc-1".to_owned(),
            counts: [("split".to_owned(), split)].into(),
            ..Scale::default()
        };
        let socket = self.folder.path().join("control.sock");
        call(&socket, &Request::of(Command::Scale(scale)), Duration::from_secs(20)).unwrap();
    }

    fn tell(&self, mut request: Value, op: &str, plan: &str) -> Value {
        request["op"] = json!(op);
        request["plan"] = json!(plan);
        self.send(&request)
    }

    fn send(&self, request: &Value) -> Value {
        let engine = self.engine.as_ref().unwrap();
        let answer = engine.command(&request.to_string(), self.now());
        serde_json::from_str(&answer.unwrap_or_else(|error| panic!("{request}: {error}"))).unwrap()
    }

    fn status(&self) -> Value {
        self.send(&json!({ "op": "status" }))
    }

    /// Publishes a plan and stops the topology for it; the answer has the note for the cluster.
    fn drain(&self, plan: &str) -> Value {
        self.tell(json!({}), "publish", plan);
        self.tell(json!({ "strategy": "drain_and_restart" }), "begin", plan);
        self.tell(json!({ "done": { "what": "deactivated" } }), "intend", plan)
    }

    /// The process dies, and another begins to lead on the same store.
    fn succeed(&mut self, term: u64, note: &Value) -> Value {
        self.engine = None;
        self.engine = Some(open(self.folder.path()));
        let mut lead =
            json!({ "op": "lead", "term": term, "note": text(note), "term_base": self.term_base });
        let answer = self.send(&lead);
        let Some(base) = answer["term_base"].as_u64() else { return answer };
        // Noted first, as every shell does.
        self.term_base = base;
        lead["term_base"] = json!(base);
        self.send(&lead)
    }
}

fn text(note: &Value) -> String {
    if note.is_null() { String::new() } else { note.to_string() }
}

fn open(folder: &Path) -> Arc<Engine> {
    let settings = json!({ "thalweg.mode": "act", "thalweg.store.dir": folder,
        "thalweg.monitor.interval.secs": 2, "thalweg.metrics.settle.secs": 6, "thalweg.metrics.window.secs": 10,
        "thalweg.metrics.max.age.secs": 10 });
    Engine::open(&settings.to_string()).unwrap().serve()
}

#[test]
fn a_topology_that_was_stopped_is_let_run_again_by_whoever_leads_next() {
    let mut one = Scheduler::new();
    let plan = one.plan();
    let note = one.drain(&plan)["note"].clone();
    assert_eq!(note["done"][0]["what"], "deactivated", "noted before it is done");
    let left = one.succeed(2, &note);
    assert_eq!(left["due"]["what"], "reverse");
    assert_eq!(left["due"]["done"], json!([{ "what": "deactivated" }]));
    assert_eq!(left["due"]["plan"]["name"], "wc-1");
    // Should that fail, it is due again: at the next look, and for a shell that cannot look yet.
    assert_eq!(one.look()["due"]["what"], "reverse");
    assert_eq!(one.send(&json!({ "op": "due" }))["due"], left["due"]);
    let after = one.tell(json!({ "done": { "what": "deactivated" } }), "undone", &plan);
    assert_eq!(after["note"], Value::Null);
    assert_eq!(one.look()["due"], Value::Null);
    assert_eq!(one.send(&json!({ "op": "due" }))["due"], Value::Null);
    let ended = one.status()["ended"][0].clone();
    assert_eq!((&ended["plan"]["id"], &ended["code"]), (&json!(plan), &json!("LEADER_CHANGED")));
}

#[test]
fn a_successor_with_a_store_of_its_own_finds_it_by_the_note_in_the_cluster() {
    let mut one = Scheduler::new();
    let plan = one.plan();
    let note = one.drain(&plan)["note"].clone();
    let other = Scheduler::new();
    let left = other.send(&json!({ "op": "lead", "term": 7, "note": text(&note) }));
    assert_eq!(left["due"]["what"], "reverse");
    assert_eq!(left["due"]["plan"]["topology"], "wc-1");
    other.tell(json!({ "done": { "what": "deactivated" } }), "undone", &plan);
    assert_eq!(other.status()["plan"], Value::Null);

    // The first one leads again: what its own store says of the plan is long over.
    let back = one.succeed(8, &Value::Null);
    assert_eq!((&back["due"], &one.status()["plan"]), (&Value::Null, &Value::Null));
    assert_eq!(one.status()["ended"][0]["code"], "LEADER_CHANGED", "it ends here too");
}

#[test]
fn a_committed_plan_is_carried_on_and_nothing_else_begins_meanwhile() {
    let mut one = Scheduler::new();
    let plan = one.plan();
    one.drain(&plan);
    let note = one.tell(json!({}), "commit", &plan)["note"].clone();
    let left = one.succeed(2, &note);
    assert_eq!(left["due"]["what"], "carry_on");
    assert_eq!(left["due"]["plan"]["counts"]["split"], 4);
    one.look();
    one.order(1);
    for _ in 0..20 {
        let decision = one.look()["decisions"][0].clone();
        assert_eq!(decision["verdict"], "hold");
        assert_eq!(decision["reasons"][0]["code"], "ACTION_RUNNING", "{decision}");
    }
    // What runs is what was desired, but its sources do not run yet: then it is not done.
    let asked = one.tell(json!({}), "finish", &plan);
    assert_eq!(asked["phase"], "committed");
    one.tell(json!({ "done": { "what": "deactivated" } }), "undone", &plan);
    let done = one.tell(json!({}), "finish", &plan);
    assert_eq!((&done["phase"], &done["note"]), (&json!("settled"), &Value::Null));
    let decision = one.look()["decisions"][0].clone();
    assert_eq!(decision["reasons"][0]["code"], "SETTLING", "{decision}");
}

#[test]
fn what_can_be_read_of_another_versions_note_is_taken_back() {
    let mut one = Scheduler::new();
    let note = json!({ "plan": { "id": "p", "topology": "wc-1", "name": "wc-1", "more": 1 }, "phase": "flying",
        "done": [{ "what": "deactivated" }, { "what": "painted", "red": true }], "term": 3000 });
    let left = one.succeed(1, &note);
    assert_eq!(left["due"]["done"], json!([{ "what": "deactivated" }]));
    assert_eq!((&left["due"]["what"], &left["term"]), (&json!("reverse"), &json!(3002)));
    assert_eq!(one.term_base, 3001 - 256, "so that whoever is elected next is above");
    let left = one.succeed(9, &json!({ "nonsense": true }));
    assert_eq!((&left["due"], &left["note"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_plan_of_which_nothing_was_done_ends_with_its_leader() {
    let mut one = Scheduler::new();
    let plan = one.plan();
    one.tell(json!({}), "publish", &plan);
    one.succeed(2, &Value::Null);
    let ended = one.status()["ended"][0].clone();
    assert_eq!((&ended["plan"]["id"], &ended["code"]), (&json!(plan), &json!("LEADER_CHANGED")));
}

#[test]
fn an_action_whose_topology_is_gone_leaves_nothing_in_the_store() {
    let mut one = Scheduler::new();
    let plan = one.plan();
    one.drain(&plan);
    one.tell(json!({}), "commit", &plan);
    one.tell(json!({ "done": { "what": "deactivated" } }), "undone", &plan);
    one.tell(json!({}), "finish", &plan);
    one.cluster.observation.topologies.clear();
    one.look();
    one.engine = None;
    let store = thalweg_store::EmbeddedStore::open(one.folder.path()).unwrap();
    let stored = thalweg_store::Store::stamped(&store, "actions").unwrap().unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&stored.bytes).unwrap(),
        json!({ "under_way": null, "settled": [] })
    );
}

#[test]
fn what_ended_is_not_resumed() {
    let mut one = Scheduler::new();
    let plan = one.plan();
    one.drain(&plan);
    one.tell(json!({}), "commit", &plan);
    one.tell(json!({ "done": { "what": "deactivated" } }), "undone", &plan);
    one.tell(json!({ "how": "drain_and_restart" }), "finish", &plan);
    assert_eq!(one.status()["ended"][0]["how"], "drain_and_restart");
    let left = one.succeed(2, &Value::Null);
    assert_eq!((&left["due"], &one.status()["plan"]), (&Value::Null, &Value::Null));
    // But its outcome is still awaited: it would be judged against how things were before it.
    assert_eq!(one.look()["decisions"][0]["reasons"][0]["code"], "SETTLING");
}

#[test]
fn an_older_leader_changes_nothing_any_more() {
    let mut one = Scheduler::new();
    let plan = one.plan();
    one.tell(json!({}), "publish", &plan);
    one.send(&json!({ "op": "follow" }));
    let request = json!({ "op": "begin", "plan": plan, "strategy": "rebalance" });
    let refused = one.engine.as_ref().unwrap().command(&request.to_string(), one.now());
    assert_eq!(refused.unwrap_err().code(), "STATE");
}

#[test]
fn who_has_not_been_told_that_it_leads_says_and_stores_nothing_as_a_leader() {
    let mut one = Scheduler::new();
    one.look();
    let file = one.folder.path().join("status.json");
    let shown = || -> Value { serde_json::from_slice(&fs::read(&file).unwrap()).unwrap() };
    assert_eq!(shown()["leads"], true);
    // Another leads when this one starts again; what it said before is still there, until it says something else.
    one.engine = None;
    one.engine = Some(open(one.folder.path()));
    assert_eq!(one.status()["leads"], false);
    assert_eq!(shown()["leads"], false);
    assert_eq!(one.look()["leads"], false);
    assert_eq!(one.send(&json!({ "op": "lead", "term": 2 }))["term"], 2);
    assert_eq!((&one.look()["leads"], &shown()["leads"]), (&json!(true), &json!(true)));
}

#[test]
fn who_follows_shows_that_it_does() {
    let mut one = Scheduler::new();
    let plan = one.plan();
    one.tell(json!({}), "publish", &plan);
    one.look();
    let file = one.folder.path().join("status.json");
    let shown = || -> Value { serde_json::from_slice(&fs::read(&file).unwrap()).unwrap() };
    assert_eq!((&shown()["leads"], &shown()["plan"]["plan"]["id"]), (&json!(true), &json!(plan)));
    one.send(&json!({ "op": "follow" }));
    assert_eq!((&shown()["leads"], &shown()["plan"]), (&json!(false), &Value::Null));
}

#[test]
fn an_action_that_nobody_hears_of_is_taken_back() {
    let mut one = Scheduler::new();
    let plan = one.plan();
    one.drain(&plan);
    // Four times the 60 s that a step may take.
    for _ in 0..119 {
        assert_eq!(one.look()["due"], Value::Null);
    }
    let due = (0..4).map(|_| one.look()["due"].clone()).find(|due| !due.is_null());
    assert_eq!(due.unwrap()["what"], "reverse");
    one.tell(json!({ "done": { "what": "deactivated" } }), "undone", &plan);
    assert_eq!(one.status()["ended"][0]["code"], "ACTION_SILENT");
}

#[test]
fn a_leader_that_stood_still_does_not_take_one_look_without_a_topology_for_its_end() {
    let mut one = Scheduler::new();
    let plan = one.plan();
    one.drain(&plan);
    one.cluster.seconds += 600;
    // Nimbus goes on, and its first look misses the topology: no round has seen it yet.
    let nothing = Observation { topologies: Vec::new(), ..one.cluster.observation.clone() };
    let nothing = Observation { at: one.now(), ..nothing };
    one.engine.as_ref().unwrap().observe(nothing, one.now()).unwrap();
    let due = (0..4).map(|_| one.look()["due"].clone()).find(|due| !due.is_null());
    assert_eq!(due.unwrap()["what"], "reverse", "it is let run again: {}", one.status()["ended"]);
}

#[test]
fn whoever_takes_a_topology_over_places_it_by_the_committed_table() {
    let mut one = Scheduler::new();
    let ask =
        |one: &Scheduler| one.send(&json!({ "op": "table", "topology": "wc-1" }))["table"].clone();
    assert_eq!(ask(&one), Value::Null, "nobody has looked");
    one.look();
    let runs = ask(&one);
    assert_eq!((&runs["plan"], &runs["committed"]), (&json!("as-it-runs"), &json!(true)));
    let plan = one.plan();
    let rows = |one: &Scheduler, side: &str| -> Value {
        let plan = one.status()["plan"]["plan"].clone();
        let place = |row: &Value| {
            let slot = row.get(side).filter(|slot| !slot.is_null())?;
            Some(json!({ "component": row["component"], "first": row["first"], "last": row["last"],
                "node": slot["node"], "port": slot["port"] }))
        };
        json!(plan["rows"].as_array().unwrap().iter().filter_map(place).collect::<Vec<_>>())
    };
    one.drain(&plan);
    let (before, after) = (rows(&one, "before"), rows(&one, "after"));
    assert_ne!(before, after);
    // It is asked for before the successor leads, and after.
    for _ in 0..2 {
        let stored = ask(&one);
        assert_eq!((&stored["rows"], &stored["committed"]), (&before, &json!(false)));
        one.engine = None;
        one.engine = Some(open(one.folder.path()));
    }
    let mut two = Scheduler::new();
    let plan = two.plan();
    two.drain(&plan);
    two.tell(json!({}), "commit", &plan);
    let after = rows(&two, "after");
    let stored = ask(&two);
    assert_eq!((&stored["rows"], &stored["committed"]), (&after, &json!(true)));
}

#[test]
fn what_a_committed_plan_changed_for_good_is_not_taken_back_by_whoever_carries_it_on() {
    let mut one = Scheduler::new();
    let plan = one.plan();
    one.drain(&plan);
    let bounds = json!({ "what": "bounds_changed", "before": { "split": [1, 1] } });
    one.tell(json!({ "done": bounds }), "intend", &plan);
    let note = one.tell(json!({}), "commit", &plan)["note"].clone();
    let left = one.succeed(2, &note);
    assert_eq!(left["due"]["what"], "carry_on");
    assert_eq!(left["due"]["done"], json!([{ "what": "deactivated" }]));
}

#[test]
fn whoever_may_have_a_predecessor_that_only_a_store_out_of_reach_knows_of_does_not_lead() {
    let folder = tempfile::tempdir().unwrap();
    let settings = json!({ "thalweg.store.dir": folder.path(), "thalweg.store.kind": "redis",
        "thalweg.store.redis.url": "redis://127.0.0.1:1" });
    let engine = Engine::open(&settings.to_string()).unwrap();
    let lead = |request: Value| engine.command(&request.to_string(), Timestamp::from_millis(0));
    let refused = lead(json!({ "op": "lead", "term": 1 })).unwrap_err();
    assert_eq!(refused.code(), "STORE");
    assert!(refused.to_string().contains("out of reach"), "{refused}");
    let term = |answer: String| serde_json::from_str::<Value>(&answer).unwrap()["term"].clone();
    let elected = term(lead(json!({ "op": "lead", "term": 3, "note": "" })).unwrap());
    assert_eq!(elected, 3 * 256, "above all that earlier leaders had");
    assert_eq!(term(lead(json!({ "op": "lead", "term": 3, "note": "" })).unwrap()), 3 * 256 + 1);
    assert_eq!(term(lead(json!({ "op": "lead" })).unwrap()), 3 * 256 + 2, "nobody else could");
}
