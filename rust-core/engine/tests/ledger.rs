//! What of a running engine stands in its ledger, and how it is asked for.
#![allow(clippy::unwrap_used)]

#[path = "../../core/tests/support/mod.rs"]
mod support;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::Model;
use thalweg_control::{Command, Request, call, now_millis};
use thalweg_engine::Engine;
use thalweg_ledger::{Entry, Files, Limits, Settings, Writer};

const PATIENCE: Duration = Duration::from_secs(20);

struct Running {
    engine: Option<Arc<Engine>>,
    folder: tempfile::TempDir,
    cluster: Model,
}

impl Running {
    fn new() -> Self {
        let mut cluster = Model::new(3, 2, 2);
        cluster.rate = 50.0;
        let folder = tempfile::tempdir().unwrap();
        let mut running = Self { engine: None, folder, cluster };
        running.open(&json!({}));
        running
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

    fn ledger(&self) -> PathBuf {
        self.folder.path().join("ledger")
    }

    fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    fn send(&self, request: &Value) {
        self.engine().command(&request.to_string(), self.cluster.now()).unwrap();
    }

    /// Looks once, and tells what was answered.
    fn look(&mut self) -> Value {
        self.cluster.step();
        let seen = self.cluster.observation.clone();
        let answer = self.engine().observe(seen, self.cluster.now()).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    fn order(&self, command: Value) -> Value {
        let request = Request {
            why: "a test".to_owned(),
            ..Request::of(serde_json::from_value(command).unwrap())
        };
        call(&self.folder.path().join("control.sock"), &request, PATIENCE).unwrap()
    }

    fn page(&self, limit: u32, before: Option<u64>, after: u64) -> Value {
        let history = Command::History { topology: None, limit, before, after };
        self.order(serde_json::to_value(history).unwrap())
    }

    /// All records of a kind, the oldest first.
    fn of_kind(&self, kind: &str) -> Vec<Value> {
        let page = self.page(1000, None, 0);
        let all = page["records"].as_array().unwrap().iter().rev();
        all.filter(|record| record["kind"] == kind).cloned().collect()
    }
}

fn whole(running: &Running) -> thalweg_ledger::Report {
    let report = thalweg_ledger::verify(&running.ledger(), &[], &[]).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    report
}

#[test]
fn who_ordered_what_and_why_and_what_became_of_it_stands_in_the_ledger() {
    let mut running = Running::new();
    running.look();
    running.order(json!({ "pause": { "scope": "words-*", "for_secs": 60 } }));
    running.order(json!({ "drain": { "host": "host0" } }));
    running.order(json!({ "undrain": { "host": "host0" } }));
    let order = json!({ "scale": { "topology": "wc-1", "counts": { "split": 4 } } });
    let first = running.order(order.clone())["order"].clone();
    running.order(json!({ "cancel": { "order": first } }));
    let second = running.order(order)["order"].clone();
    let plan = loop {
        running.look();
        let status: Value = serde_json::from_str(
            &running.engine().command(r#"{"op": "status"}"#, running.cluster.now()).unwrap(),
        )
        .unwrap();
        if let Some(plan) = status["plan"]["plan"]["id"].as_str() {
            break plan.to_owned();
        }
        assert!(running.cluster.now().millis() < 1_000_000_000, "no plan");
    };
    for op in ["publish", "begin", "commit", "finish"] {
        running
            .send(&json!({ "op": op, "plan": plan, "strategy": "rebalance", "how": "rebalance" }));
    }
    running.look();

    let orders = running.of_kind("order");
    let states: Vec<(&Value, &str)> = orders
        .iter()
        .map(|order| (&order["content"]["id"], order["content"]["state"].as_str().unwrap()))
        .collect();
    let expected = [
        (&first, "waiting"),
        (&first, "cancelled"),
        (&second, "waiting"),
        (&second, "acting"),
        (&second, "done"),
    ];
    assert_eq!(states, expected);
    let order = &orders[0];
    assert_eq!((&order["topology"], &order["why"]), (&json!("wc-1"), &json!("a test")));
    assert!(order["who"].as_str().unwrap().starts_with("user "));
    assert!(order["term"].as_u64().unwrap() > 0 && order["engine"].is_string());
    let said = running.of_kind("operator");
    let said: Vec<&str> = said.iter().map(|r| r["content"]["said"].as_str().unwrap()).collect();
    assert!(said[0].starts_with("pause words-* for 60 s by user "), "{said:?}");
    assert!(said[1].starts_with("drain host0") && said[2].starts_with("undrain host0"), "{said:?}");
    assert!(said[3].starts_with("cancel "), "{said:?}");
    assert_eq!(running.of_kind("operator")[0]["why"], "a test");
    let actions = running.of_kind("action");
    assert_eq!((actions.len(), &actions[0]["content"]["plan"]["id"]), (1, &json!(plan)));
    assert_eq!(running.of_kind("leader")[0]["content"]["leads"], true);
    whole(&running);
    running.engine = None;
    assert_eq!(whole(&running).unsigned, 0);
}

#[test]
fn looks_that_say_the_same_add_nothing() {
    let mut running = Running::new();
    for _ in 0..30 {
        running.look();
    }
    let decisions = running.of_kind("decision").len();
    for _ in 0..30 {
        running.look();
    }
    assert!(decisions > 0);
    assert_eq!(running.of_kind("decision").len(), decisions);
}

#[test]
fn settings_that_changed_between_two_processes_or_of_a_topology_are_told_once() {
    let mut running = Running::new();
    running.look();
    assert_eq!(running.of_kind("config").len(), 1, "all of them are new");
    running.open(&json!({}));
    assert_eq!(running.of_kind("config").len(), 1);
    running.open(&json!({ "thalweg.action.cool.down.secs": 7 }));
    let told = running.of_kind("config");
    let changed = json!({ "thalweg.action.cool.down.secs": { "before": null, "now": 7 } });
    assert_eq!((told.len(), &told[1]["content"]["changed"]), (2, &changed));
    let own = [("thalweg.mode".to_owned(), vec!["advise".to_owned()])];
    running.cluster.observation.topologies[0].settings = own.into();
    running.look();
    running.look();
    let told = running.of_kind("config");
    let changed = json!({ "thalweg.mode": { "before": null, "now": ["advise"] } });
    assert_eq!((told.len(), &told[2]["content"]["changed"]), (3, &changed));
    assert_eq!(told[2]["topology"], "wc-1");
}

#[test]
fn history_goes_page_by_page_beyond_this_process() {
    let mut running = Running::new();
    running.engine = None;
    let settings = Settings {
        folder: running.ledger(),
        key_file: None,
        version: "an earlier one".to_owned(),
        limits: Limits { bytes: 1 << 30, age_ms: 0 },
    };
    let mut writer = Writer::open(settings, Box::new(Files)).unwrap();
    let entries: Vec<Entry> =
        (0..3500).map(|n| Entry::of("decision", &json!({ "n": n }))).collect();
    writer.append(&entries).unwrap();
    drop(writer);
    running.open(&json!({}));
    let (mut before, mut all) = (None, Vec::new());
    loop {
        let page = running.page(5000, before, 0);
        let records = page["records"].as_array().unwrap();
        assert!(records.len() <= 1000);
        all.extend(records.iter().map(|record| record["seq"].as_u64().unwrap()));
        before = all.last().copied();
        if page["more"] != true {
            break;
        }
    }
    assert!(all.len() > 3500, "{}", all.len());
    assert!(all.is_sorted_by(|one, next| one > next));
    let newest = all[0];
    assert_eq!(running.page(10, None, newest)["records"], json!([]));
    assert_eq!(running.page(10, None, newest - 1)["records"][0]["seq"], newest);
}

#[test]
fn a_ledger_that_cannot_be_written_stops_nothing_and_the_status_says_so() {
    let mut running = Running::new();
    running.engine = None;
    fs::remove_dir_all(running.ledger()).unwrap();
    fs::write(running.ledger(), "in the way").unwrap();
    running.open(&json!({}));
    let end = Instant::now() + PATIENCE;
    loop {
        running.look();
        running.order(json!({ "resume": { "scope": "*" } }));
        let status = running.order(json!({ "status": {} }));
        if status["ledger"]["fault"].as_str().is_some_and(|fault| fault.contains("ledger")) {
            assert!(status["ledger"]["waiting"].as_u64().unwrap() > 0);
            break;
        }
        assert!(Instant::now() < end, "{}", status["ledger"]);
    }
    assert_eq!(running.page(10, None, 0)["records"], json!([]));
}

impl Running {
    /// Looks until the decision about the topology is of a kind.
    fn decides(&mut self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..100 {
            let answer = self.look();
            if is(&answer["decisions"][0]) {
                return answer["decisions"][0].clone();
            }
        }
        panic!("never {what}");
    }
}

#[test]
fn whose_word_a_plan_had_and_what_came_of_it_stands_in_the_ledger() {
    let mut running = Running::new();
    running.open(&json!({ "thalweg.mode": "confirm", "thalweg.confirm.people": 1 }));
    // A word is given at the time of this machine.
    running.cluster.seconds = u32::try_from(now_millis() / 1000).unwrap();
    running.cluster.rate = 5_000.0;
    let offered = running.decides("a plan to approve", |one| one["offer"].is_object());
    let first = offered["offer"]["plan"].clone();
    running.order(json!({ "reject": { "plan": first } }));
    running.cluster.rate = 390.0;
    let another = |one: &Value| one["offer"].is_object() && one["offer"]["plan"] != first;
    let second = running.decides("another plan", another)["offer"]["plan"].clone();
    running.order(json!({ "approve": { "plan": second } }));
    let acted = running.decides("what was approved", |one| one["verdict"] == "act");
    let plan: thalweg_core::plan::Plan = serde_json::from_value(acted["plan"].clone()).unwrap();
    for op in ["publish", "begin", "commit", "finish"] {
        running.send(&json!({ "op": op, "plan": second, "strategy": "rebalance" }));
    }
    running.cluster.carry_out(&plan);
    for _ in 0..60 {
        running.look();
    }

    let words = running.of_kind("approval");
    let told: Vec<(&str, &Value)> =
        words.iter().map(|w| (w["content"]["said"].as_str().unwrap(), &w["topology"])).collect();
    assert!(told[0].0.starts_with(&format!("reject {}", first.as_str().unwrap())), "{told:?}");
    assert!(told[1].0.starts_with(&format!("approve {}", second.as_str().unwrap())), "{told:?}");
    assert!(told.iter().all(|(_, topology)| **topology == "wc-1"), "{told:?}");
    assert!(words.iter().all(|word| word["who"].as_str().unwrap().starts_with("user ")));
    assert_eq!(words[1]["why"], "a test");
    let outcomes = running.of_kind("outcome");
    assert_eq!((outcomes.len(), &outcomes[0]["content"]["plan"]), (1, &second));
    assert!(!outcomes[0]["why"].as_str().unwrap().is_empty(), "{outcomes:?}");
    whole(&running);
}
