//! A plan that was shown is carried out as it was shown, or refused with what has changed.
#![allow(clippy::unwrap_used)]

#[path = "../../core/tests/support/mod.rs"]
mod support;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use support::Model;
use thalweg_control::{Apply, CallError, Command, ErrorCode, Refusal, Request, call};
use thalweg_core::model::TaskRange;
use thalweg_engine::Engine;

/// An engine that would change a busy topology, if it might.
struct Held {
    engine: Arc<Engine>,
    cluster: Model,
    folder: tempfile::TempDir,
}

impl Held {
    /// With a setting that keeps the policy's own plans from being carried out.
    fn by(setting: &str, value: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = json!({ "thalweg.mode": "act", "thalweg.store.dir": folder.path(),
            "thalweg.monitor.interval.secs": 2, "thalweg.metrics.settle.secs": 6,
            "thalweg.metrics.window.secs": 10, "thalweg.metrics.max.age.secs": 10 });
        settings[setting] = value;
        let mut cluster = Model::new(3, 2, 2);
        cluster.rate = 5_000.0;
        let engine = Engine::open(&settings.to_string()).unwrap().serve();
        engine.command(r#"{"op": "lead"}"#, cluster.now()).unwrap();
        Self { engine, cluster, folder }
    }

    fn look(&mut self) -> Value {
        self.cluster.step();
        let seen = self.cluster.observation.clone();
        let answer = self.engine.observe(seen, self.cluster.now()).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    /// The plan that is shown, with what it was made for.
    fn shown(&mut self) -> Value {
        let found =
            (0..60).map(|_| self.look()).find(|seen| seen["decisions"][0]["plan"].is_object());
        let decision = found.expect("a plan")["decisions"][0].clone();
        let components = decision["view"]["components"].as_array().unwrap();
        let executors: serde_json::Map<String, Value> = components
            .iter()
            .map(|c| (c["id"].as_str().unwrap().to_owned(), c["executors"].clone()))
            .collect();
        json!({ "plan": decision["plan"], "executors": executors })
    }

    fn ask(&self, command: Command) -> Result<Value, Refusal> {
        let socket = self.folder.path().join("control.sock");
        match call(&socket, &Request::of(command), Duration::from_secs(20)) {
            Ok(value) => Ok(value),
            Err(CallError::Refused(refusal)) => Err(refusal),
            Err(other) => panic!("{other}"),
        }
    }

    fn apply(&self, id: &Value, shown: Option<Value>) -> Result<Value, Refusal> {
        let plan = id.as_str().unwrap().to_owned();
        self.ask(Command::Apply(Apply { plan, shown, ..Apply::default() }))
    }

    /// The order's state, once it does not wait any more.
    fn fate(&mut self, accepted: &Value) -> Value {
        for _ in 0..60 {
            self.look();
            let status = self.ask(Command::Status {}).unwrap();
            let orders = status["orders"].as_array().unwrap();
            let order = orders.iter().find(|order| order["id"] == accepted["order"]).unwrap();
            if order["state"] != "waiting" {
                return order.clone();
            }
        }
        panic!("it waits on");
    }
}

#[test]
fn a_plan_that_the_policy_may_not_carry_out_is_carried_out_as_it_was_shown() {
    let mut held = Held::by("thalweg.action.daily.limit", json!(0));
    let shown = held.shown();
    let id = &shown["plan"]["id"];
    for _ in 0..5 {
        // Each look makes the same plan anew, under another name.
        assert_ne!(held.look()["decisions"][0]["plan"]["id"], *id);
    }
    let accepted = held.apply(id, None).unwrap();
    let again = held.apply(id, None).unwrap_err();
    assert!(again.text.contains("out already"), "answered once: {again}");
    let acting = held.fate(&accepted);
    assert_eq!(acting["state"], "acting", "{acting}");
    let status = held.ask(Command::Status {}).unwrap();
    let carried_out = &status["plan"]["plan"];
    assert_eq!(carried_out["rows"], shown["plan"]["rows"]);
    assert_eq!(carried_out["counts"], shown["plan"]["counts"]);
    assert_ne!(carried_out["id"], *id, "applied again later, it would be another plan");
}

#[test]
fn a_plan_whose_ground_has_changed_or_that_somebody_has_edited_is_refused_with_what_differs() {
    let mut held = Held::by("thalweg.action.daily.limit", json!(0));
    let shown = held.shown();
    let id = &shown["plan"]["id"];
    let refused = |held: &Held, path: &str, value: Value| {
        let mut edited = shown.clone();
        *edited.pointer_mut(path).unwrap() = value;
        let refusal = held.apply(id, Some(edited)).unwrap_err();
        (refusal.code, refusal.to_string())
    };
    for (path, value, code, says) in [
        ("/plan/rows/0/after/port", json!("x"), ErrorCode::BadRequest, "shown.plan.rows"),
        ("/plan/rows/0/last", json!(7), ErrorCode::Invalid, "do not name each task"),
        ("/plan/counts", json!({ "split": 7 }), ErrorCode::Invalid, "rows for 7 executors"),
        ("/plan/rows/0/component", json!("spilt"), ErrorCode::Invalid, "no component spilt"),
        (
            "/plan/rows/0/before",
            json!({ "node": "n9", "port": 1 }),
            ErrorCode::Invalid,
            "and ran at n9:1",
        ),
        ("/executors/split", json!(9), ErrorCode::Invalid, "split has 2 executors now and had 9"),
        ("/plan/id", json!("another"), ErrorCode::Invalid, "it is plan another"),
        ("/plan/topology", json!("wc-9"), ErrorCode::NotFound, "there is no wc-9"),
    ] {
        let (was, text) = refused(&held, path, value);
        assert!(was == code && text.contains(says), "{path}: {was:?} {text}");
    }
    let unknown = held.apply(&json!("wc-1-p1-1"), None).unwrap_err();
    assert_eq!(unknown.code, ErrorCode::NotFound);
    // Then the topology changes by other hands.
    let topology = &mut held.cluster.observation.topologies[0];
    let split = topology.executors.iter().position(|e| e.tasks.first == 2).unwrap();
    topology.executors[split].tasks = TaskRange::new(2, 9);
    topology.executors.remove(split + 1);
    held.look();
    for saved in [None, Some(shown.clone())] {
        let stale = held.apply(id, saved).unwrap_err();
        assert!(stale.text.contains("split has 1 executors now and had 2"), "{stale}");
    }
    assert_eq!(held.ask(Command::Status {}).unwrap()["orders"], json!([]));
}

#[test]
fn where_people_have_to_approve_an_applied_plan_waits_for_their_word() {
    let mut held = Held::by("thalweg.mode", json!("confirm"));
    let shown = held.shown();
    let accepted = held.apply(&shown["plan"]["id"], Some(shown.clone())).unwrap();
    let proposed = held.fate(&accepted);
    assert_eq!(proposed["state"], "proposed", "{proposed}");
    // It waits on while the policy itself wants nothing.
    (0..3).for_each(|_| drop(held.look()));
    assert_eq!(held.fate(&accepted)["state"], "proposed");
    let plan = held.fate(&accepted)["plan"].as_str().unwrap().to_owned();
    let said = json!({ "op": "approve", "plan": plan, "who": "ann" }).to_string();
    held.engine.command(&said, held.cluster.now()).unwrap();
    held.look();
    assert_eq!(held.fate(&accepted)["state"], "acting", "{}", held.fate(&accepted));
    let mut watched = Held::by("thalweg.mode", json!("advise"));
    let shown = watched.shown();
    let refusal = watched.apply(&shown["plan"]["id"], None).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::Mode);
}
