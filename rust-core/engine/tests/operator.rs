//! What an operator says while it runs: that it counts, outlives a restart and a change of leader, and is recorded.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use thalweg_core::model::{
    Component, ComponentKind, Counters, Executor, Node, Observation, SlotRef, TaskRange, Topology,
};
use thalweg_core::units::Timestamp;
use thalweg_engine::{Assigned, Engine};

fn at(secs: i64) -> Timestamp {
    Timestamp::from_millis(1_000_000_000 + secs * 1000)
}

/// A source and an operator whose one executor has no time left, on nodes with room.
fn overloaded(secs: u32) -> Observation {
    brought(secs, u64::from(1000 + secs) * 100, f64::from(1000 + secs) * 990.0)
}

/// The same with so many tuples brought in by then, and so many milliseconds that the operator was busy with them.
fn brought(secs: u32, total: u64, busy_ms: f64) -> Observation {
    let component = |id: &str, kind, first, last| Component {
        id: id.to_owned(),
        kind,
        tasks: TaskRange { first, last },
        ..Component::default()
    };
    let counters = |executed: u64, busy: f64| Counters {
        uptime_secs: 1000 + secs,
        executed,
        execute_ms: busy,
        acked: executed,
        process_ms: busy,
        emitted: executed,
        transferred: executed,
        ..Counters::default()
    };
    let executor = |component, tasks, port, busy| Executor {
        component,
        tasks,
        slot: Some(SlotRef { node: 0, port }),
        counters: Some(counters(total, busy)),
    };
    let node = |id: &str| Node {
        id: id.to_owned(),
        host: id.to_owned(),
        ports: vec![1, 2, 3, 4],
        ..Node::default()
    };
    Observation {
        at: at(i64::from(secs)),
        nodes: vec![node("n0"), node("n1")],
        topologies: vec![Topology {
            id: "words-1".to_owned(),
            name: "words".to_owned(),
            desired_workers: 4,
            components: vec![
                component("lines", ComponentKind::Source, 1, 1),
                component("split", ComponentKind::Operator, 2, 9),
            ],
            executors: vec![
                executor(0, TaskRange { first: 1, last: 1 }, 1, 0.0),
                executor(1, TaskRange { first: 2, last: 9 }, 2, busy_ms),
            ],
            edges: vec![thalweg_core::model::Edge { from: 0, to: 1, ..Default::default() }],
            ..Topology::default()
        }],
    }
}

fn engine(folder: &tempfile::TempDir, more: Value) -> Engine {
    let mut settings = json!({
        "thalweg.mode": "act",
        "thalweg.store.dir": folder.path(),
        "thalweg.policy": "me-stream",
        "thalweg.metrics.settle.secs": 10,
        "thalweg.metrics.window.secs": 20,
        "thalweg.me-stream.interval.secs": 20,
        "thalweg.placement.workers": "free",
    });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let engine = Engine::open(&settings.to_string()).unwrap();
    assert_eq!(status(&engine)["problems"], json!([]));
    say(&engine, &json!({"op": "lead"}), 0);
    engine
}

fn status(engine: &Engine) -> Value {
    serde_json::from_str(&engine.command(r#"{"op": "status"}"#, at(0)).unwrap()).unwrap()
}

fn say(engine: &Engine, request: &Value, secs: i64) -> Value {
    serde_json::from_str(&engine.command(&request.to_string(), at(secs)).unwrap()).unwrap()
}

/// Looks every five seconds until a decision fits, at most for so many looks; its time in seconds with it.
fn until(
    engine: &Engine,
    from: u32,
    looks: u32,
    fits: impl Fn(&Value) -> bool,
) -> Option<(u32, Value)> {
    (0..looks).map(|look| from + 5 * look).find_map(|secs| {
        let seen = overloaded(secs);
        let answer = engine.observe(seen, at(i64::from(secs))).unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let decision = answer["decisions"][0].clone();
        fits(&decision).then_some((secs, decision))
    })
}

fn has(decision: &Value, code: &str) -> bool {
    decision["reasons"].as_array().unwrap().iter().any(|reason| reason["code"] == code)
}

#[test]
fn a_pause_holds_outlives_a_restart_and_ends_at_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = engine(&folder, json!({}));
    until(&first, 0, 1, |_| true).unwrap();
    let request = json!({"op": "pause", "scope": "words", "for_secs": 400, "who": "ann"});
    assert_eq!(say(&first, &request, 0)["topologies"], json!(["words"]));
    let (_, held) = until(&first, 5, 40, |d| has(d, "PAUSED")).expect("it would have acted");
    assert_eq!(held["verdict"], "hold");
    drop(first);
    let second = engine(&folder, json!({}));
    assert_eq!(status(&second)["operator"]["pauses"][0]["who"], "ann");
    until(&second, 210, 36, |d| has(d, "PAUSED")).expect("it still would");
    let (secs, _) =
        until(&second, 390, 40, |d| d["verdict"] == "act").expect("it goes on by itself");
    assert!(secs >= 400, "{secs}");
    assert_eq!(status(&second)["operator"], json!({}));
}

#[test]
fn one_topology_may_go_on_while_all_are_paused_and_one_direction_may_be_paused_alone() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder, json!({}));
    say(&engine, &json!({"op": "pause", "scope": "*", "direction": "in"}), 0);
    say(&engine, &json!({"op": "pause", "scope": "*", "direction": "out"}), 0);
    until(&engine, 0, 40, |d| has(d, "PAUSED")).expect("it would have acted");
    say(&engine, &json!({"op": "resume", "scope": "words", "direction": "out"}), 200);
    until(&engine, 200, 40, |d| d["verdict"] == "act").expect("more may be given");
}

#[test]
fn a_mode_may_be_said_and_taken_back_and_places_follow_it() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder, json!({"thalweg.mode": "observe"}));
    let mut unplaced = overloaded(0);
    unplaced.topologies[0].executors[1].slot = None;
    let places = |secs| engine.assign(&unplaced, at(secs)).unwrap()[1];
    assert_eq!(places(0), Assigned::NotOurs);
    say(&engine, &json!({"op": "mode", "scope": "words", "mode": "act", "who": "ann"}), 0);
    assert!(matches!(places(0), Assigned::To(_)), "{:?}", places(0));
    until(&engine, 0, 40, |d| d["verdict"] == "act" && d["mode"] == "act").expect("it acts");
    say(&engine, &json!({"op": "mode", "scope": "words", "mode": null}), 0);
    assert_eq!(places(0), Assigned::NotOurs);
}

#[test]
fn with_settings_that_are_wrong_nobody_makes_it_act() {
    let folder = tempfile::tempdir().unwrap();
    let settings = json!({"thalweg.mode": "act", "thalweg.store.dir": folder.path(),
        "thalweg.windows.freeze": "every now and then"});
    let engine = Engine::open(&settings.to_string()).unwrap();
    say(&engine, &json!({"op": "lead"}), 0);
    let problems = status(&engine)["problems"].as_array().unwrap().clone();
    let told = problems[0].as_str().unwrap();
    assert!(
        told.starts_with("thalweg.windows.freeze: \"every now and then\" is not allowed"),
        "{told}"
    );
    let request = json!({"op": "mode", "scope": "*", "mode": "act"}).to_string();
    let error = engine.command(&request, at(0)).unwrap_err();
    assert_eq!(error.code(), "STATE");
    assert!(error.to_string().contains("every now and then"), "{error}");
}

#[test]
fn a_plan_waits_for_two_people_outlives_a_restart_and_is_carried_out_as_it_was_shown() {
    let folder = tempfile::tempdir().unwrap();
    let confirm = json!({"thalweg.mode": "confirm", "thalweg.confirm.people": 2});
    let first = engine(&folder, confirm.clone());
    let (secs, asked) = until(&first, 0, 40, |d| d["verdict"] == "propose").expect("a proposal");
    let (plan, id) = (&asked["plan"], &asked["plan"]["id"]);
    assert_eq!(asked["offer"]["plan"], *id);
    assert_eq!(asked["offer"]["diff"][0]["component"], "split");
    assert!(has(&asked, "APPROVAL_NEEDED"));
    let word = |who: &str| json!({"op": "approve", "plan": id, "who": who});
    let now = i64::from(secs);
    let nobody = first.command(&word("").to_string(), at(now)).unwrap_err();
    assert!(nobody.to_string().contains("2 people"), "{nobody}");
    assert_eq!(say(&first, &word("ann"), now)["approved"], false);
    let again = first.command(&word("ann").to_string(), at(now)).unwrap_err();
    assert!(again.to_string().contains("ann approved of plan"), "one counts once: {again}");
    drop(first);
    let second = engine(&folder, confirm);
    let (secs, waiting) = until(&second, secs + 5, 1, |_| true).unwrap();
    assert_eq!(waiting["offer"]["approved_by"], json!(["ann"]));
    assert_eq!(say(&second, &word("bob"), i64::from(secs))["approved"], true);
    let (_, acts) = until(&second, secs + 5, 40, |d| d["verdict"] == "act").expect("it is done");
    assert!(has(&acts, "APPROVED"), "{}", acts["reasons"]);
    assert_eq!((&acts["plan"]["id"], &acts["plan"]["rows"]), (id, &plan["rows"]));
}

#[test]
fn a_plan_that_is_rejected_is_not_proposed_again_and_one_that_expired_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let confirm = json!({"thalweg.mode": "confirm", "thalweg.confirm.expiry.secs": 60});
    let engine = engine(&folder, confirm);
    let (secs, asked) = until(&engine, 0, 40, |d| d["verdict"] == "propose").expect("a proposal");
    let late = json!({"op": "approve", "plan": asked["plan"]["id"], "who": "ann"}).to_string();
    let error = engine.command(&late, at(i64::from(secs) + 60)).unwrap_err();
    assert!(error.to_string().contains("has expired"), "{error}");
    let (secs, gone) = until(&engine, secs + 60, 1, |_| true).unwrap();
    assert!(has(&gone, "APPROVAL_STALE"), "{}", gone["reasons"]);
    let (secs, again) = until(&engine, secs, 40, |d| d["verdict"] == "propose").expect("another");
    assert_ne!(again["plan"]["id"], asked["plan"]["id"]);
    let no = json!({"op": "reject", "plan": again["plan"]["id"], "who": "bob"});
    say(&engine, &no, i64::from(secs));
    let again =
        until(&engine, secs + 5, 40, |d| d["verdict"] == "propose" || d["verdict"] == "act");
    assert_eq!(again, None);
    let (_, held) = until(&engine, secs + 210, 1, |_| true).unwrap();
    assert!(has(&held, "REJECTED"), "{}", held["reasons"]);
    let unknown = json!({"op": "approve", "plan": "words-1-p7", "who": "ann"}).to_string();
    assert!(engine.command(&unknown, at(300)).unwrap_err().to_string().contains("never was"));
}

#[test]
fn whoever_leads_next_knows_what_was_said_and_whoever_follows_is_told_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder, json!({}));
    say(&engine, &json!({"op": "lead", "term": 1}), 0);
    say(&engine, &json!({"op": "pause", "scope": "*", "who": "ann"}), 0);
    say(&engine, &json!({"op": "follow"}), 0);
    let error = engine.command(r#"{"op": "resume", "scope": "*"}"#, at(0)).unwrap_err();
    assert!(error.to_string().contains("does not lead"), "{error}");
    say(&engine, &json!({"op": "lead", "term": 2}), 0);
    assert_eq!(status(&engine)["operator"]["pauses"][0]["who"], "ann");
    until(&engine, 0, 40, |d| has(d, "PAUSED")).expect("it would have acted");
}

/// What the sources bring comes in bursts, and its operator is full in each: whoever reads the plan has time to approve.
#[test]
fn a_plan_stays_while_the_same_is_wanted_and_goes_once_it_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&folder, json!({"thalweg.mode": "confirm"}));
    let (mut secs, mut total, mut busy) = (0, 100_000, 990_000.0);
    let mut look = |tuples_per_sec: u64, busy_ms_per_sec: f64| {
        secs += 5;
        total += 5 * tuples_per_sec;
        busy += 5.0 * busy_ms_per_sec;
        let answer = engine.observe(brought(secs, total, busy), at(i64::from(secs))).unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer["decisions"][0].clone()
    };
    let asked = (0..40).map(|_| look(100, 990.0)).find(|d| d["verdict"] == "propose");
    let asked = asked.expect("a proposal");
    for n in 0..40 {
        // As long as the window that rates are measured in.
        let burst = if n / 4 % 2 == 0 { 200 } else { 100 };
        let now = look(burst, 990.0);
        assert_eq!(now["offer"]["plan"], asked["plan"]["id"], "{}", now["reasons"]);
    }
    let calm: Vec<Value> = (0..20).map(|_| look(20, 100.0)).collect();
    assert!(calm.iter().any(|decision| has(decision, "APPROVAL_STALE")), "{:?}", calm.last());
    // Until it goes it is to be seen, though the policy wants nothing at that moment.
    let held = calm.iter().filter(|one| one["verdict"] == "hold" && one["offer"].is_object());
    let held: Vec<&Value> = held.collect();
    assert!(!held.is_empty(), "{calm:?}");
    assert!(held.iter().all(|one| one["plan"]["id"] == one["offer"]["plan"]), "{held:?}");
    assert_eq!(calm.last().unwrap()["offer"], Value::Null);
}
