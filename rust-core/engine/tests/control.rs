//! What people and tools ask and order, over the real socket.
#![allow(clippy::unwrap_used)]

#[path = "../../core/tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::Model;
use thalweg_control::envelope::Envelope;
use thalweg_control::token::Token;
use thalweg_control::{
    Backlog, CallError, Command, ErrorCode, Peak, Refusal, Request, Waiting, call, line, token,
};
use thalweg_core::model::{ComponentKind, Observation, Obstacle, Topology};
use thalweg_core::units::Timestamp;
use thalweg_engine::Engine;

const PATIENCE: Duration = Duration::from_secs(20);

struct Served {
    engine: Option<Arc<Engine>>,
    folder: tempfile::TempDir,
    cluster: Model,
}

impl Served {
    fn new() -> Self {
        Self::set(&json!({}))
    }

    fn set(more: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut cluster = Model::new(3, 2, 2);
        cluster.rate = 50.0;
        let mut served = Self { engine: None, folder, cluster };
        served.open(more);
        served
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

/// What is answered to a line as it is.
fn answered(served: &Served, line: &impl serde::Serialize) -> Value {
    let mut stream = UnixStream::connect(served.socket()).unwrap();
    let end = Instant::now() + PATIENCE;
    line::write(&mut stream, &serde_json::to_vec(line).unwrap(), end).unwrap();
    serde_json::from_slice(&line::read(&mut stream, line::LONGEST_ANSWER, end).unwrap()).unwrap()
}

#[test]
fn who_speaks_for_somebody_else_signs_for_it_and_is_answered_once() {
    use std::os::unix::fs::PermissionsExt;
    let mut served = Served::new();
    let file = served.folder.path().join("tokens");
    let text = format!("dashboard delegate {}\n", token::secret().unwrap());
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    served.open(&json!({ "thalweg.control.tokens.file": file }));
    served.look();
    let pause =
        Command::Pause { scope: "*".to_owned(), direction: None, for_secs: None, until: None };
    let request = Request { on_behalf_of: "ann".to_owned(), ..Request::of(pause) };
    let plain = answered(&served, &request);
    assert_eq!(plain["error"]["field"], "on_behalf_of", "{plain}");
    let token = token::read(&file).unwrap().remove(0);
    let now = thalweg_control::now_millis();
    let sealed = Envelope::seal(&request, &token, now, 10_000).unwrap();
    assert_eq!(answered(&served, &sealed)["result"]["topologies"], json!(["wc-1"]));
    served.look();
    assert_eq!(served.status()["operator"]["pauses"][0]["who"], "ann");
    let again = answered(&served, &sealed);
    assert_eq!(
        (&again["error"]["code"], &again["error"]["field"]),
        (&json!("FORBIDDEN"), &json!("id"))
    );
}

#[test]
fn a_token_that_is_taken_out_of_its_file_is_worth_nothing_without_a_restart() {
    use std::os::unix::fs::PermissionsExt;
    let mut served = Served::new();
    let file = served.folder.path().join("tokens");
    let [night, day] = ["night", "day"].map(|name| {
        let line = format!("{name} operator {}\n", token::secret().unwrap());
        fs::write(&file, &line).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        (line, token::read(&file).unwrap().remove(0))
    });
    let keep = |text: &str| fs::write(&file, text).unwrap();
    keep(&night.0);
    served.open(&json!({ "thalweg.control.tokens.file": file }));
    served.look();
    let asks = |token: &Token| {
        let request = Request::of(Command::Status {});
        let now = thalweg_control::now_millis();
        let answer = answered(&served, &Envelope::seal(&request, token, now, 10_000).unwrap());
        answer["error"]["code"].as_str().map(str::to_owned)
    };
    let refused = Some("FORBIDDEN".to_owned());
    assert_eq!([asks(&night.1), asks(&day.1)], [None, refused.clone()]);
    keep(&day.0);
    assert_eq!([asks(&night.1), asks(&day.1)], [refused.clone(), None]);
    keep("what nobody can read");
    assert_eq!([asks(&night.1), asks(&day.1)], [refused.clone(), refused]);
    keep(&format!("{}{}", night.0, day.0));
    assert_eq!([asks(&night.1), asks(&day.1)], [None, None]);
}

fn id(accepted: &Value) -> String {
    accepted["order"].as_str().unwrap().to_owned()
}

#[test]
fn an_order_is_accepted_carried_out_and_its_fate_is_readable() {
    let mut served = Served::new();
    served.look();
    let accepted = served.order(json!({ "topology": "wc-1", "counts": { "split": 4 } })).unwrap();
    let id = id(&accepted);
    let waits = served.fate(&id);
    assert_eq!((&waits["state"], &waits["why"]), (&json!("waiting"), &json!("a test")));
    assert_eq!(waits["by"]["user"]["pid"], json!(std::process::id()));
    let acting = served.until(&id, "acting");
    let plan = acting["plan"].as_str().unwrap().to_owned();
    assert_eq!(served.status()["plan"]["plan"]["id"], plan);
    served.carry_out(&plan, 4);
    assert_eq!(served.fate(&id)["state"], "done");
    let history =
        served.ask(Command::History { topology: None, limit: 10, before: None, after: 0 }).unwrap();
    let kinds: Vec<&str> =
        history["records"].as_array().unwrap().iter().filter_map(|r| r["kind"].as_str()).collect();
    assert!(kinds.contains(&"order") && kinds.contains(&"action"), "{kinds:?}");
    let explained = served
        .ask(Command::Explain { topology: "wc-1".to_owned(), executor: Some("1".to_owned()) });
    let explained = explained.unwrap();
    assert_eq!(explained["former"]["counts"]["split"], 2);
    assert_eq!(explained["ended"][0]["plan"]["id"], plan);
    assert!(explained["executor"]["host"].is_string(), "{explained}");
    assert!(explained["decision"]["reasons"][0]["code"].is_string());
}

#[test]
fn who_reads_of_a_topology_in_the_status_can_order_for_it() {
    // Between the status and what orders are held against lies next to no time, so that it is tried again and again.
    for _ in 0..20 {
        let mut served = Served::new();
        served.cluster.step();
        let status = served.folder.path().join("status.json");
        let (engine, cluster) = (served.engine.as_ref().unwrap(), &served.cluster);
        std::thread::scope(|scope| {
            scope.spawn(|| engine.observe(cluster.observation.clone(), cluster.now()).unwrap());
            let began = Instant::now();
            let is_named = || fs::read_to_string(&status).is_ok_and(|text| text.contains("wc-1"));
            while !is_named() {
                assert!(began.elapsed() < PATIENCE, "no status");
            }
            let accepted = served.order(json!({ "topology": "wc-1", "counts": { "split": 4 } }));
            assert!(accepted.is_ok(), "{accepted:?}");
        });
    }
}

#[test]
fn a_wrong_order_is_refused_with_its_field_and_changes_nothing() {
    let mut served = Served::new();
    let early = served.order(json!({ "topology": "wc-1", "counts": { "split": 4 } })).unwrap_err();
    assert_eq!(early.code, ErrorCode::NotReady);
    served.look();
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
        let refusal = served.order(order.clone()).unwrap_err();
        assert_eq!((refusal.code, refusal.field.as_str()), (code, field), "{order}: {refusal}");
    }
    let host = served.ask(Command::Drain { host: "mars".to_owned() }).unwrap_err();
    assert_eq!((host.code, host.field.as_str()), (ErrorCode::NotFound, "host"));
    let none = served.ask(Command::Rollback { topology: "wc-1".to_owned() }).unwrap_err();
    assert_eq!(none.code, ErrorCode::NotFound);
    assert_eq!(served.status()["orders"], json!([]));
    assert_eq!(served.status()["drained"], json!({}));
}

#[test]
fn an_order_for_what_is_left_alone_is_refused_with_the_cause() {
    let mut served = Served::new();
    served.cluster.observation.topologies[0].obstacle = Some(Obstacle::Batch);
    served.look();
    let order = json!({ "topology": "wc-1", "counts": { "split": 4 } });
    let refusal = served.order(order).unwrap_err();
    assert_eq!((refusal.code, refusal.field.as_str()), (ErrorCode::Invalid, "topology"));
    assert!(refusal.to_string().contains("batch"), "{refusal}");
}

#[test]
fn how_a_topology_was_is_forgotten_in_the_store_too_when_it_is_gone() {
    let mut served = Served::new();
    served.look();
    let order = json!({ "topology": "wc-1", "counts": { "split": 4 } });
    let accepted = served.order(order).unwrap();
    let plan = served.until(&id(&accepted), "acting")["plan"].as_str().unwrap().to_owned();
    served.carry_out(&plan, 4);
    let explain = Command::Explain { topology: "wc-1".to_owned(), executor: None };
    assert_eq!(served.ask(explain.clone()).unwrap()["former"]["counts"]["split"], 2);
    let mut without = served.cluster.observation.clone();
    without.topologies.clear();
    served.engine.as_ref().unwrap().observe(without, served.cluster.now()).unwrap();
    served.open(&json!({}));
    served.look();
    assert_eq!(served.ask(explain).unwrap()["former"], json!(null));
}

#[test]
fn two_topologies_of_one_name_are_told_apart_by_id_only() {
    let mut served = Served::new();
    let twin =
        Topology { id: "wc-2".to_owned(), ..served.cluster.observation.topologies[0].clone() };
    served.cluster.observation.topologies.push(Topology { executors: Vec::new(), ..twin });
    let name = served.cluster.observation.topologies[0].name.clone();
    served.cluster.observation.topologies[1].name.clone_from(&name);
    let now = served.cluster.now();
    served.engine.as_ref().unwrap().observe(served.cluster.observation.clone(), now).unwrap();
    if name != "wc-1" {
        let refusal =
            served.order(json!({ "topology": name, "counts": { "split": 1 } })).unwrap_err();
        assert!(refusal.text.contains("wc-1, wc-2"), "{refusal}");
    }
    served.order(json!({ "topology": "wc-1", "counts": { "split": 1 } })).unwrap();
}

#[test]
fn a_mode_that_does_not_act_takes_no_orders_but_tells() {
    let mut served = Served::set(&json!({ "thalweg.mode": "advise" }));
    served.look();
    let refusal =
        served.order(json!({ "topology": "wc-1", "counts": { "split": 4 } })).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::Mode);
    assert_eq!(served.status()["mode"], "advise");
}

#[test]
fn drained_hosts_and_waiting_orders_outlive_the_process() {
    let mut served = Served::new();
    served.look();
    let host = served.cluster.observation.nodes[0].host.clone();
    let drained = served.ask(Command::Drain { host: host.clone() }).unwrap();
    assert_eq!(drained["drained"], json!([host]));
    let again = served.ask(Command::Drain { host: host.clone() }).unwrap_err();
    assert_eq!(again.field, "host");
    let id = id(&served.order(json!({ "topology": "wc-1", "counts": { "split": 3 } })).unwrap());
    served.open(&json!({}));
    served.look();
    assert_eq!(served.fate(&id)["state"], "waiting");
    assert_eq!(served.status()["drained"][&host]["why"], "a test");
    served.ask(Command::Undrain { host }).unwrap();
    assert_eq!(served.status()["drained"], json!({}));
    served.ask(Command::Cancel { order: id.clone() }).unwrap();
    assert_eq!(served.fate(&id)["state"], "cancelled");
    assert_eq!(served.ask(Command::Cancel { order: id }).unwrap_err().field, "order");
}

#[test]
fn who_follows_takes_no_orders() {
    let mut served = Served::new();
    served.look();
    served.send(&json!({ "op": "follow" }));
    let refusal =
        served.order(json!({ "topology": "wc-1", "counts": { "split": 4 } })).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::NotLeading);
    assert_eq!(served.status()["leads"], false);
}

#[test]
fn the_last_plan_is_rolled_back_to_the_counts_before_it() {
    let mut served = Served::new();
    served.look();
    let first = id(&served.order(json!({ "topology": "wc-1", "counts": { "split": 4 } })).unwrap());
    let plan = served.until(&first, "acting")["plan"].as_str().unwrap().to_owned();
    served.carry_out(&plan, 4);
    let back = served.ask(Command::Rollback { topology: "wc-1".to_owned() }).unwrap();
    assert_eq!((&back["undoes"], &back["counts"]), (&json!(plan), &json!({ "split": 2 })));
    assert_eq!(served.fate(&id(&back))["order"]["counts"]["split"], 2);
}

#[test]
fn askers_who_are_slow_or_talk_nonsense_harm_nobody() {
    let mut served = Served::new();
    served.look();
    let silent = UnixStream::connect(served.socket()).unwrap();
    let said = |bytes: &[u8]| -> Value {
        let mut stream = UnixStream::connect(served.socket()).unwrap();
        // It may be answered before it has said all.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(Shutdown::Write);
        let end = Instant::now() + PATIENCE;
        serde_json::from_slice(&line::read(&mut stream, line::LONGEST_ANSWER, end).unwrap())
            .unwrap()
    };
    assert_eq!(said(b"{\n")["error"]["code"], "BAD_REQUEST");
    assert_eq!(said(b"{\"v\": 9}\n")["error"]["code"], "VERSION");
    assert_eq!(said(&vec![b'x'; line::LONGEST_REQUEST + 1])["error"]["code"], "TOO_LARGE");
    // A look is not held up by the one who says nothing.
    let begun = Instant::now();
    let observation =
        Observation { at: served.cluster.now(), ..served.cluster.observation.clone() };
    served.engine.as_ref().unwrap().observe(observation, Timestamp::from_millis(1)).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    drop(silent);
    assert!(served.ask(Command::Ping {}).is_ok());
}

#[test]
fn the_socket_is_gone_with_its_engine_and_one_that_was_left_is_replaced() {
    let mut served = Served::new();
    assert!(served.ask(Command::Ping {}).is_ok());
    served.engine = None;
    assert!(!served.socket().exists());
    drop(std::os::unix::net::UnixListener::bind(served.socket()).unwrap());
    served.open(&json!({}));
    assert!(served.ask(Command::Ping {}).is_ok());
}

#[test]
fn a_folder_whose_path_is_too_long_is_told_and_another_place_can_be_set() {
    let mut served = Served::new();
    let deep = served.folder.path().join("x".repeat(100));
    served.open(&json!({ "thalweg.store.dir": deep }));
    served.look();
    let shown: Value =
        serde_json::from_slice(&fs::read(deep.join("status.json")).unwrap()).unwrap();
    assert!(shown["control"]["problems"][0].as_str().unwrap().contains("thalweg.control.socket"));
    let short = served.folder.path().join("short.sock");
    served.open(&json!({ "thalweg.store.dir": deep, "thalweg.control.socket": short }));
    assert!(call(&short, &Request::of(Command::Ping {}), PATIENCE).is_ok());
    served.open(&json!({ "thalweg.store.dir": deep, "thalweg.control.socket": "off" }));
    assert!(!short.exists());
}

#[test]
fn pauses_and_modes_are_said_over_the_socket() {
    let mut served = Served::new();
    served.look();
    let paused = served.ask(Command::Pause {
        scope: "*".to_owned(),
        direction: None,
        for_secs: Some(3600),
        until: None,
    });
    assert!(paused.unwrap()["until"].is_i64());
    let said = served.status()["operator"]["pauses"][0].clone();
    assert!(said["who"].as_str().unwrap().starts_with("user "), "{said}");
    served.ask(Command::Resume { scope: "*".to_owned(), direction: None }).unwrap();
    assert_eq!(served.status()["operator"]["pauses"], Value::Null);
    let mode = |mode: &str| Command::Mode {
        scope: "wc-1".to_owned(),
        mode: Some(mode.to_owned()),
        kind: None,
    };
    served.ask(mode("advise")).unwrap();
    assert_eq!(served.ask(mode("dance")).unwrap_err().code, ErrorCode::Invalid);
    let none = served.ask(Command::Approve { plan: "p9".to_owned() }).unwrap_err();
    assert_eq!((none.code, none.field.as_str()), (ErrorCode::NotFound, "plan"));
}

#[test]
fn peaks_are_expected_under_a_name_and_what_cannot_be_one_is_refused() {
    let mut served = Served::new();
    served.look();
    let peak =
        |from: i64, until: i64| Peak { from, until, counts: [("split".to_owned(), 4)].into() };
    let expect = |name: &str, peaks: Vec<Peak>| Command::Expect {
        name: name.to_owned(),
        scope: "wc-1".to_owned(),
        peaks,
        lead_secs: None,
    };
    let later = 4_000_000_000_000;
    let told =
        served.ask(expect("dag", vec![peak(later, later + 60_000), peak(1000, 2000)])).unwrap();
    assert_eq!(told["peaks"], 1, "one that is over is none");
    let said = served.status()["operator"]["expected"].clone();
    assert_eq!(said[0]["peaks"][0]["floors"][0]["count"], 4, "{said}");
    assert!(said[0]["who"].as_str().unwrap().starts_with("user "), "{said}");
    let many = vec![peak(later, later + 1000); 101];
    for wrong in [expect("dag", vec![peak(later, later)]), expect("dag", many), expect(" ", vec![])]
    {
        assert_eq!(served.ask(wrong).unwrap_err().code, ErrorCode::Invalid);
    }
    for name in 1..100 {
        served.ask(expect(&format!("dag {name}"), vec![peak(later, later + 1000)])).unwrap();
    }
    let full = served.ask(expect("one more", vec![peak(later, later + 1000)])).unwrap_err();
    assert!(full.text.contains("100 names"), "{full:?}");
    served.ask(expect("dag", vec![])).unwrap();
    assert_eq!(served.status()["operator"]["expected"].as_array().unwrap().len(), 99);
}

#[test]
fn the_doctor_finds_what_keeps_a_topology_from_growing_and_says_how_to_mend_it() {
    let mut served = Served::new();
    served.look();
    let codes = |served: &Served| -> Vec<String> {
        let found = served.ask(Command::Doctor {}).unwrap();
        let findings = found["findings"].as_array().unwrap().clone();
        assert!(findings.iter().all(|f| !f["mend"].as_str().unwrap().is_empty()), "{findings:?}");
        findings.iter().map(|f| f["code"].as_str().unwrap().to_owned()).collect()
    };
    assert!(!codes(&served).contains(&"NO_TASKS_LEFT".to_owned()), "{:?}", codes(&served));
    let topology = &mut served.cluster.observation.topologies[0];
    for component in &mut topology.components {
        component.tasks.last = component.tasks.first;
    }
    topology.edges[0].grouping = thalweg_core::model::Grouping::LocalOrShuffle;
    for node in &mut served.cluster.observation.nodes {
        node.ports.clear();
    }
    served.look();
    let found = codes(&served);
    for code in ["NO_TASKS_LEFT", "SHUFFLE_STAYS_LOCAL", "NO_FREE_SLOTS"] {
        assert!(found.contains(&code.to_owned()), "{code}: {found:?}");
    }
}

#[test]
fn what_waits_before_a_source_is_told_from_outside_and_seen_with_the_next_look() {
    let mut served = Served::new();
    served.look();
    let topology = served.cluster.observation.topologies[0].clone();
    let source = topology.components.iter().find(|c| c.kind == ComponentKind::Source).unwrap();
    let tell = |served: &Served, topology: &str, secs: u32| {
        let waiting = Waiting { records: 512, partitions: Some(4) };
        let sources = BTreeMap::from([(source.id.clone(), waiting)]);
        served.ask(Command::Backlog(Backlog { topology: topology.to_owned(), sources, secs }))
    };
    let seen = |served: &Served| {
        let pair = format!("\"{}\":512", source.id);
        served.status().to_string().contains(&pair)
    };
    assert_eq!(tell(&served, "nobody", 30).unwrap_err().field, "topology");
    assert_eq!(tell(&served, &topology.name, 0).unwrap_err().field, "secs");
    served.look();
    assert!(!seen(&served), "nothing was taken in");
    let answer = tell(&served, &topology.name, 30).unwrap();
    assert_eq!(answer["topology"], *topology.id);
    served.look();
    assert!(seen(&served), "{}", served.status());
    assert_eq!(served.status()["orders"], json!([]), "it is no order");

    tell(&served, &topology.name, 30).unwrap();
    let ask = |topology: Option<&str>| {
        served.ask(Command::Sources { topology: topology.map(str::to_owned) })
    };
    let sources = ask(None).unwrap();
    let told = &sources["sources"][0];
    assert_eq!((&told["source"], &told["backlog"]), (&json!(source.id), &json!(512)));
    assert!(told["told_until"].is_i64() && told["feed"] == json!({}), "{told}");
    assert_eq!(ask(Some("nobody")).unwrap_err().field, "topology");
    let history = Command::History { topology: None, limit: 100, before: None, after: 0 };
    let history = served.ask(history).unwrap();
    let records = history["records"].as_array().unwrap();
    let recorded: Vec<&Value> = records.iter().filter(|one| one["kind"] == "backlog").collect();
    assert_eq!(recorded.len(), 1, "who tells it, not each count: {recorded:?}");
    assert_eq!(recorded[0]["content"]["source"], *source.id);
}
