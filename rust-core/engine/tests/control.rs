//! What people and tools ask and order, over the real socket.
#![allow(clippy::unwrap_used)]

#[path = "../../core/tests/support/mod.rs"]
mod support;

use std::fs;
use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::Model;
use thalweg_control::{CallError, Command, ErrorCode, Refusal, Request, call, line};
use thalweg_core::model::{Observation, Obstacle, Topology};
use thalweg_core::units::Timestamp;
use thalweg_engine::Engine;

const PATIENCE: Duration = Duration::from_secs(20);

struct Desk {
    engine: Option<Arc<Engine>>,
    folder: tempfile::TempDir,
    cluster: Model,
}

impl Desk {
    fn new() -> Self {
        Self::set(&json!({}))
    }

    fn set(more: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut cluster = Model::new(3, 2, 2);
        cluster.rate = 50.0;
        let mut desk = Self { engine: None, folder, cluster };
        desk.open(more);
        desk
    }

    fn open(&mut self, more: &Value) {
        let mut settings = json!({ "thalweg.mode": "act", "thalweg.store.dir": self.folder.path(),
            "thalweg.monitor.interval.secs": 2, "thalweg.metrics.settle.secs": 6,
            "thalweg.metrics.window.secs": 10, "thalweg.metrics.max.age.secs": 10 });
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.engine = None;
        self.engine = Some(Engine::open(&settings.to_string()).unwrap().serve());
        self.send(&json!({ "op": "lead" }));
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("control.sock")
    }

    fn look(&mut self) -> Value {
        self.cluster.step();
        let seen = self.cluster.observation.clone();
        let answer = self.engine.as_ref().unwrap().observe(seen, self.cluster.now()).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    fn ask(&self, command: Command) -> Result<Value, Refusal> {
        let request = Request { why: "a test".to_owned(), ..Request::of(command) };
        match call(&self.socket(), &request, PATIENCE) {
            Ok(value) => Ok(value),
            Err(CallError::Refused(refusal)) => Err(refusal),
            Err(other) => panic!("{other}"),
        }
    }

    fn order(&self, scale: Value) -> Result<Value, Refusal> {
        self.ask(Command::Scale(serde_json::from_value(scale).unwrap()))
    }

    fn status(&self) -> Value {
        self.ask(Command::Status {}).unwrap()
    }

    /// The state of an order, as the status shows it.
    fn fate(&self, id: &str) -> Value {
        let status = self.status();
        let orders = status["orders"].as_array().unwrap();
        orders.iter().find(|order| order["id"] == id).unwrap_or(&Value::Null).clone()
    }

    fn send(&self, request: &Value) -> Value {
        let answer =
            self.engine.as_ref().unwrap().command(&request.to_string(), self.cluster.now());
        serde_json::from_str(&answer.unwrap_or_else(|error| panic!("{request}: {error}"))).unwrap()
    }

    /// Looks until an order is in a state.
    fn until(&mut self, id: &str, state: &str) -> Value {
        for _ in 0..60 {
            self.look();
            let order = self.fate(id);
            if order["state"] == state {
                return order;
            }
        }
        panic!("not {state}: {}", self.fate(id));
    }

    /// Carries a plan out as a shell does.
    fn carry_out(&mut self, plan: &str, split: u32) {
        self.send(&json!({ "op": "publish", "plan": plan }));
        self.send(&json!({ "op": "begin", "plan": plan, "strategy": "rebalance" }));
        self.send(&json!({ "op": "commit", "plan": plan }));
        let _ = split;
        self.send(&json!({ "op": "finish", "plan": plan, "how": "rebalance" }));
    }
}

fn id(accepted: &Value) -> String {
    accepted["order"].as_str().unwrap().to_owned()
}

#[test]
fn an_order_is_accepted_carried_out_and_its_fate_is_readable() {
    let mut desk = Desk::new();
    desk.look();
    let accepted = desk.order(json!({ "topology": "wc-1", "counts": { "split": 4 } })).unwrap();
    let id = id(&accepted);
    let waits = desk.fate(&id);
    assert_eq!((&waits["state"], &waits["why"]), (&json!("waiting"), &json!("a test")));
    assert_eq!(waits["by"]["user"]["pid"], json!(std::process::id()));
    let acting = desk.until(&id, "acting");
    let plan = acting["plan"].as_str().unwrap().to_owned();
    assert_eq!(desk.status()["plan"]["plan"]["id"], plan);
    desk.carry_out(&plan, 4);
    assert_eq!(desk.fate(&id)["state"], "done");
    let history = desk.ask(Command::History { topology: None, limit: 10 }).unwrap();
    let kinds: Vec<&str> =
        history["records"].as_array().unwrap().iter().filter_map(|r| r["kind"].as_str()).collect();
    assert!(kinds.contains(&"order") && kinds.contains(&"action"), "{kinds:?}");
    let explained =
        desk.ask(Command::Explain { topology: "wc-1".to_owned(), executor: Some("1".to_owned()) });
    let explained = explained.unwrap();
    assert_eq!(explained["former"]["counts"]["split"], 2);
    assert_eq!(explained["ended"][0]["plan"]["id"], plan);
    assert!(explained["executor"]["host"].is_string(), "{explained}");
    assert!(explained["decision"]["reasons"][0]["code"].is_string());
}

#[test]
fn a_wrong_order_is_refused_with_its_field_and_changes_nothing() {
    let mut desk = Desk::new();
    let early = desk.order(json!({ "topology": "wc-1", "counts": { "split": 4 } })).unwrap_err();
    assert_eq!(early.code, ErrorCode::NotReady);
    desk.look();
    for (order, code, field) in [
        (
            json!({ "topology": "nobody", "counts": { "split": 4 } }),
            ErrorCode::NotFound,
            "topology",
        ),
        (
            json!({ "topology": "wc-1", "counts": { "spilt": 4 } }),
            ErrorCode::NotFound,
            "counts.spilt",
        ),
        (
            json!({ "topology": "wc-1", "counts": { "split": 0 } }),
            ErrorCode::Invalid,
            "counts.split",
        ),
        (
            json!({ "topology": "wc-1", "counts": { "split": 400 } }),
            ErrorCode::Invalid,
            "counts.split",
        ),
        (
            json!({ "topology": "wc-1", "memory_mib": { "nothing": 4 } }),
            ErrorCode::NotFound,
            "memory_mib.nothing",
        ),
        (json!({ "topology": "wc-1", "leave": ["mars"] }), ErrorCode::NotFound, "leave.0"),
        (json!({ "topology": "wc-1" }), ErrorCode::Invalid, "counts"),
    ] {
        let refusal = desk.order(order.clone()).unwrap_err();
        assert_eq!((refusal.code, refusal.field.as_str()), (code, field), "{order}: {refusal}");
    }
    let host = desk.ask(Command::Drain { host: "mars".to_owned() }).unwrap_err();
    assert_eq!((host.code, host.field.as_str()), (ErrorCode::NotFound, "host"));
    let none = desk.ask(Command::Rollback { topology: "wc-1".to_owned() }).unwrap_err();
    assert_eq!(none.code, ErrorCode::NotFound);
    assert_eq!(desk.status()["orders"], json!([]));
    assert_eq!(desk.status()["drained"], json!({}));
}

#[test]
fn an_order_for_what_is_left_alone_is_refused_with_the_cause() {
    let mut desk = Desk::new();
    desk.cluster.observation.topologies[0].obstacle = Some(Obstacle::Batch);
    desk.look();
    let order = json!({ "topology": "wc-1", "counts": { "split": 4 } });
    let refusal = desk.order(order).unwrap_err();
    assert_eq!((refusal.code, refusal.field.as_str()), (ErrorCode::Invalid, "topology"));
    assert!(refusal.to_string().contains("batch"), "{refusal}");
}

#[test]
fn how_a_topology_was_is_forgotten_in_the_store_too_when_it_is_gone() {
    let mut desk = Desk::new();
    desk.look();
    let order = json!({ "topology": "wc-1", "counts": { "split": 4 } });
    let accepted = desk.order(order).unwrap();
    let plan = desk.until(&id(&accepted), "acting")["plan"].as_str().unwrap().to_owned();
    desk.carry_out(&plan, 4);
    let explain = Command::Explain { topology: "wc-1".to_owned(), executor: None };
    assert_eq!(desk.ask(explain.clone()).unwrap()["former"]["counts"]["split"], 2);
    let mut without = desk.cluster.observation.clone();
    without.topologies.clear();
    desk.engine.as_ref().unwrap().observe(without, desk.cluster.now()).unwrap();
    desk.open(&json!({}));
    desk.look();
    assert_eq!(desk.ask(explain).unwrap()["former"], json!(null));
}

#[test]
fn two_topologies_of_one_name_are_told_apart_by_id_only() {
    let mut desk = Desk::new();
    let twin = Topology { id: "wc-2".to_owned(), ..desk.cluster.observation.topologies[0].clone() };
    desk.cluster.observation.topologies.push(Topology { executors: Vec::new(), ..twin });
    let name = desk.cluster.observation.topologies[0].name.clone();
    desk.cluster.observation.topologies[1].name.clone_from(&name);
    let now = desk.cluster.now();
    desk.engine.as_ref().unwrap().observe(desk.cluster.observation.clone(), now).unwrap();
    if name != "wc-1" {
        let refusal =
            desk.order(json!({ "topology": name, "counts": { "split": 1 } })).unwrap_err();
        assert!(refusal.text.contains("wc-1, wc-2"), "{refusal}");
    }
    desk.order(json!({ "topology": "wc-1", "counts": { "split": 1 } })).unwrap();
}

#[test]
fn a_mode_that_does_not_act_takes_no_orders_but_tells() {
    let mut desk = Desk::set(&json!({ "thalweg.mode": "advise" }));
    desk.look();
    let refusal = desk.order(json!({ "topology": "wc-1", "counts": { "split": 4 } })).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::Mode);
    assert_eq!(desk.status()["mode"], "advise");
}

#[test]
fn drained_hosts_and_waiting_orders_outlive_the_process() {
    let mut desk = Desk::new();
    desk.look();
    let host = desk.cluster.observation.nodes[0].host.clone();
    let drained = desk.ask(Command::Drain { host: host.clone() }).unwrap();
    assert_eq!(drained["drained"], json!([host]));
    let again = desk.ask(Command::Drain { host: host.clone() }).unwrap_err();
    assert_eq!(again.field, "host");
    let id = id(&desk.order(json!({ "topology": "wc-1", "counts": { "split": 3 } })).unwrap());
    desk.open(&json!({}));
    desk.look();
    assert_eq!(desk.fate(&id)["state"], "waiting");
    assert_eq!(desk.status()["drained"][&host]["why"], "a test");
    desk.ask(Command::Undrain { host }).unwrap();
    assert_eq!(desk.status()["drained"], json!({}));
    desk.ask(Command::Cancel { order: id.clone() }).unwrap();
    assert_eq!(desk.fate(&id)["state"], "cancelled");
    assert_eq!(desk.ask(Command::Cancel { order: id }).unwrap_err().field, "order");
}

#[test]
fn who_follows_takes_no_orders() {
    let mut desk = Desk::new();
    desk.look();
    desk.send(&json!({ "op": "follow" }));
    let refusal = desk.order(json!({ "topology": "wc-1", "counts": { "split": 4 } })).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::NotLeading);
    assert_eq!(desk.status()["leads"], false);
}

#[test]
fn the_last_plan_is_rolled_back_to_the_counts_before_it() {
    let mut desk = Desk::new();
    desk.look();
    let first = id(&desk.order(json!({ "topology": "wc-1", "counts": { "split": 4 } })).unwrap());
    let plan = desk.until(&first, "acting")["plan"].as_str().unwrap().to_owned();
    desk.carry_out(&plan, 4);
    let back = desk.ask(Command::Rollback { topology: "wc-1".to_owned() }).unwrap();
    assert_eq!((&back["undoes"], &back["counts"]), (&json!(plan), &json!({ "split": 2 })));
    assert_eq!(desk.fate(&id(&back))["order"]["counts"]["split"], 2);
}

#[test]
fn askers_who_are_slow_or_talk_nonsense_harm_nobody() {
    let mut desk = Desk::new();
    desk.look();
    let silent = UnixStream::connect(desk.socket()).unwrap();
    let said = |bytes: &[u8]| -> Value {
        let mut stream = UnixStream::connect(desk.socket()).unwrap();
        // It may be answered before it has said all.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(Shutdown::Write);
        let end = Instant::now() + PATIENCE;
        serde_json::from_slice(&line::read(&mut stream, line::LONGEST_ANSWER, end).unwrap())
            .unwrap()
    };
    assert_eq!(said(b"{\n")["error"]["code"], "BAD_REQUEST");
    assert_eq!(said(b"{\"v\": 9}\n")["error"]["code"], "VERSION");
    assert_eq!(said(&[b'x'; 70_000])["error"]["code"], "TOO_LARGE");
    // A look is not held up by the one who says nothing.
    let begun = Instant::now();
    let observation = Observation { at: desk.cluster.now(), ..desk.cluster.observation.clone() };
    desk.engine.as_ref().unwrap().observe(observation, Timestamp::from_millis(1)).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    drop(silent);
    assert!(desk.ask(Command::Ping {}).is_ok());
}

#[test]
fn the_socket_is_gone_with_its_engine_and_one_that_was_left_is_replaced() {
    let mut desk = Desk::new();
    assert!(desk.ask(Command::Ping {}).is_ok());
    desk.engine = None;
    assert!(!desk.socket().exists());
    drop(std::os::unix::net::UnixListener::bind(desk.socket()).unwrap());
    desk.open(&json!({}));
    assert!(desk.ask(Command::Ping {}).is_ok());
}

#[test]
fn a_folder_whose_path_is_too_long_is_told_and_another_place_can_be_set() {
    let mut desk = Desk::new();
    let deep = desk.folder.path().join("x".repeat(100));
    desk.open(&json!({ "thalweg.store.dir": deep }));
    desk.look();
    let shown: Value =
        serde_json::from_slice(&fs::read(deep.join("status.json")).unwrap()).unwrap();
    assert!(shown["control"]["problems"][0].as_str().unwrap().contains("thalweg.control.socket"));
    let short = desk.folder.path().join("short.sock");
    desk.open(&json!({ "thalweg.store.dir": deep, "thalweg.control.socket": short }));
    assert!(call(&short, &Request::of(Command::Ping {}), PATIENCE).is_ok());
    desk.open(&json!({ "thalweg.store.dir": deep, "thalweg.control.socket": "off" }));
    assert!(!short.exists());
}

#[test]
fn pauses_and_modes_are_said_over_the_socket() {
    let mut desk = Desk::new();
    desk.look();
    let paused = desk.ask(Command::Pause {
        scope: "*".to_owned(),
        direction: None,
        for_secs: Some(3600),
        until: None,
    });
    assert!(paused.unwrap()["until"].is_i64());
    let said = desk.status()["operator"]["pauses"][0].clone();
    assert!(said["who"].as_str().unwrap().starts_with("user "), "{said}");
    desk.ask(Command::Resume { scope: "*".to_owned(), direction: None }).unwrap();
    assert_eq!(desk.status()["operator"]["pauses"], Value::Null);
    let mode = |mode: &str| Command::Mode {
        scope: "wc-1".to_owned(),
        mode: Some(mode.to_owned()),
        kind: None,
    };
    desk.ask(mode("advise")).unwrap();
    assert_eq!(desk.ask(mode("dance")).unwrap_err().code, ErrorCode::Invalid);
    let none = desk.ask(Command::Approve { plan: "p9".to_owned() }).unwrap_err();
    assert_eq!((none.code, none.field.as_str()), (ErrorCode::NotFound, "plan"));
}

#[test]
fn the_doctor_finds_what_keeps_a_topology_from_growing_and_says_how_to_mend_it() {
    let mut desk = Desk::new();
    desk.look();
    let codes = |desk: &Desk| -> Vec<String> {
        let found = desk.ask(Command::Doctor {}).unwrap();
        let findings = found["findings"].as_array().unwrap().clone();
        assert!(findings.iter().all(|f| !f["mend"].as_str().unwrap().is_empty()), "{findings:?}");
        findings.iter().map(|f| f["code"].as_str().unwrap().to_owned()).collect()
    };
    assert!(!codes(&desk).contains(&"NO_TASKS_LEFT".to_owned()), "{:?}", codes(&desk));
    let topology = &mut desk.cluster.observation.topologies[0];
    for component in &mut topology.components {
        component.tasks.last = component.tasks.first;
    }
    topology.edges[0].grouping = thalweg_core::model::Grouping::LocalOrShuffle;
    for node in &mut desk.cluster.observation.nodes {
        node.ports.clear();
    }
    desk.look();
    let found = codes(&desk);
    for code in ["NO_TASKS_LEFT", "SHUFFLE_STAYS_LOCAL", "NO_FREE_SLOTS"] {
        assert!(found.contains(&code.to_owned()), "{code}: {found:?}");
    }
}
