//! Whoever installs Thalweg and sets no mode is shown what it sees, and nothing is done.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use thalweg_core::model::{
    Component, ComponentKind, Executor, Node, Observation, SlotRef, TaskRange, Topology,
};
use thalweg_core::units::Timestamp;
use thalweg_engine::{Assigned, Engine};

fn now() -> Timestamp {
    Timestamp::from_millis(1_000_000)
}

/// One topology of a source and an operator, neither of them placed.
fn unplaced() -> Observation {
    let component = |id: &str, kind, task| Component {
        id: id.to_owned(),
        kind,
        tasks: TaskRange { first: task, last: task },
        ..Component::default()
    };
    let executor = |component, task| Executor {
        component,
        tasks: TaskRange { first: task, last: task },
        slot: None::<SlotRef>,
        counters: None,
    };
    Observation {
        nodes: vec![Node {
            id: "n1".to_owned(),
            host: "n1".to_owned(),
            ports: vec![6700, 6701],
            ..Node::default()
        }],
        topologies: vec![Topology {
            id: "words-1".to_owned(),
            name: "words".to_owned(),
            components: vec![
                component("lines", ComponentKind::Source, 1),
                component("split", ComponentKind::Operator, 2),
            ],
            executors: vec![executor(0, 1), executor(1, 2)],
            ..Topology::default()
        }],
        ..Observation::default()
    }
}

fn engine(folder: &tempfile::TempDir, mode: Value) -> Engine {
    let settings = json!({ "thalweg.mode": mode, "thalweg.store.dir": folder.path() });
    Engine::open(&settings.to_string()).unwrap()
}

fn mode(engine: &Engine) -> Value {
    let status = engine.command(r#"{"op": "status"}"#, now()).unwrap();
    serde_json::from_str::<Value>(&status).unwrap()["mode"].clone()
}

#[test]
fn an_engine_without_a_mode_observes() {
    let folder = tempfile::tempdir().unwrap();
    let shipped = engine(&folder, Value::Null);
    assert_eq!(mode(&shipped), "observe");
    assert_eq!(shipped.assign(&unplaced(), now()).unwrap(), [Assigned::NotOurs, Assigned::NotOurs]);
}

#[test]
fn an_engine_that_is_told_to_act_places() {
    let folder = tempfile::tempdir().unwrap();
    let acting = engine(&folder, json!("act"));
    assert_eq!(mode(&acting), "act");
    let placed = acting.assign(&unplaced(), now()).unwrap();
    assert!(placed.iter().all(|placed| matches!(placed, Assigned::To(_))), "{placed:?}");
}
