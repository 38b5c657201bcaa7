//! Each fault is seeded into a healthy cluster, and is found with its mend.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, json};
use thalweg_core::model::{
    Checkpoint, Component, Counters, Edge, Executor, Node, Obstacle, TaskRange, TopologyStatus,
};
use thalweg_core::units::Millis;

use super::*;

/// What the doctor looks at, and may be made ill.
struct Patient {
    given: Map<String, Value>,
    status: Value,
    seen: Observation,
    others: OtherHands,
    folder: tempfile::TempDir,
}

fn noon() -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000)
}

fn component(id: &str, kind: ComponentKind, tasks: (u32, u32)) -> Component {
    let tasks = TaskRange::new(tasks.0, tasks.1);
    Component { id: id.to_owned(), kind, tasks, ..Component::default() }
}

fn executor(component: u32, tasks: (u32, u32), port: u32) -> Executor {
    let slot = Some(SlotRef { node: 0, port });
    Executor { component, tasks: TaskRange::new(tasks.0, tasks.1), slot, counters: None }
}

fn checkpoint(millis: f64) -> Checkpoint {
    Checkpoint { duration: Millis::new(millis).unwrap(), bytes: None }
}

/// A source with its lag, and an operator with tasks to spare, in one of three slots.
fn healthy() -> Patient {
    let lines = Component {
        backlog: Some(0),
        partitions: Some(8),
        ..component("lines", ComponentKind::Source, (1, 2))
    };
    let split = component("split", ComponentKind::Operator, (3, 10));
    let topology = Topology {
        id: "words-1".to_owned(),
        name: "words".to_owned(),
        status: TopologyStatus::Active,
        components: vec![lines, split],
        edges: vec![Edge { from: 0, to: 1, grouping: Grouping::Shuffle, sent: None }],
        checkpoint: Some(checkpoint(29_000.0)),
        executors: vec![
            executor(0, (1, 2), 6700),
            executor(1, (3, 6), 6701),
            executor(1, (7, 10), 6701),
        ],
        ..Topology::default()
    };
    let node = Node {
        id: "node-1".to_owned(),
        host: "host-1".to_owned(),
        ports: vec![6700, 6701, 6702],
        ..Node::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let given =
        json!({ "thalweg.store.dir": folder.path(), "executor.metrics.frequency.secs": 10 });
    Patient {
        given: given.as_object().unwrap().clone(),
        status: json!({ "leads": true, "decisions": [{ "topology": "words-1", "reasons": [] }] }),
        seen: Observation { at: noon(), nodes: vec![node], topologies: vec![topology] },
        others: OtherHands::default(),
        folder,
    }
}

impl Patient {
    fn set(&mut self, key: &str, value: Value) {
        self.given.insert(key.to_owned(), value);
    }

    fn topology(&mut self) -> &mut Topology {
        &mut self.seen.topologies[0]
    }

    /// What a failure would cost, in ms: until all is caught up with, and the longest interval with which that is allowed.
    fn recovery(&mut self, takes: Option<f64>, longest: Option<f64>) {
        self.status["decisions"][0]["view"]["recovery"] = json!({ "away": 20_000.0, "away_is_measured": true,
            "interval": 480_000.0, "busy": 0.75, "takes": takes, "longest_interval": longest });
    }

    fn reason(&mut self, code: &str) {
        let reason = json!({ "code": code, "text": "because" });
        self.status["decisions"][0]["reasons"] = json!([reason]);
    }

    fn findings_with(&self, store: &dyn Store) -> Vec<Value> {
        let settings = EngineSettings::read(&self.given);
        let Self { status, seen, others, .. } = self;
        let decision = |id: &str| {
            let mut decisions = status["decisions"].as_array()?.iter();
            decisions.find(|decision| decision["topology"] == *id).cloned()
        };
        let decision = &decision;
        findings(&Facts { settings: &settings, store, status, decision, seen, others, now: noon() })
    }

    fn findings(&self) -> Vec<Value> {
        let settings = EngineSettings::read(&self.given);
        let store: Arc<dyn Store> = thalweg_store::open(&settings.store).unwrap();
        self.findings_with(store.as_ref())
    }
}

fn codes(found: &[Value]) -> Vec<&str> {
    found.iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

#[test]
fn checkpoints_are_brought_closer_only_where_that_helps() {
    for (takes, longest) in [
        (Some(299_000.0), Some(600_000.0)),
        // Too busy to catch up, too long away, and no time left between two.
        (None, None),
        (Some(800_000.0), None),
        (Some(800_000.0), Some(100_000.0)),
    ] {
        let mut patient = healthy();
        patient.recovery(takes, longest);
        assert!(codes(&patient.findings()).is_empty(), "{takes:?} {longest:?}");
    }
}

#[test]
fn a_healthy_cluster_has_no_finding() {
    let healthy = healthy();
    assert_eq!(healthy.findings(), Vec::<Value>::new());
    assert!(healthy.folder.path().is_dir());
}

/// A fault: what makes it, its code, and what its mend says.
type Fault = (fn(&mut Patient), &'static str, &'static str);

#[test]
fn each_fault_is_found_with_its_mend_and_nothing_else_is() {
    let faults: [Fault; 30] = [
        (
            |p| p.set("thalweg.mode", json!("dance")),
            "CONFIGURATION_WRONG",
            "thalweg config reference",
        ),
        (
            |p| p.set("executor.metrics.frequency.secs", json!(600)),
            "STATISTICS_COARSE",
            "executor.metrics.frequency.secs: ",
        ),
        (
            |p| {
                p.set("topology.stats.sample.rate", json!(0.05));
                p.set("thalweg.metrics.window.secs", json!(15));
                p.set("executor.metrics.frequency.secs", json!(5));
            },
            "STATISTICS_COARSE",
            "topology.stats.sample.rate: 1.0",
        ),
        (
            |p| p.status["ledger"]["fault"] = json!("/var/thalweg/ledger: no space left"),
            "LEDGER_NOT_WRITTEN",
            "df -h",
        ),
        (
            |p| p.status["ledger"]["missing"] = json!("record 7 is not in the ledger any more"),
            "LEDGER_CUT",
            "thalweg ledger verify DIR --redis",
        ),
        (|p| p.status["leads"] = json!(false), "STORE_NOT_SHARED", "thalweg.store.kind: redis"),
        (
            |p| p.set("nimbus.seeds", json!(["nimbus-1", "nimbus-2"])),
            "STORE_NOT_SHARED",
            "thalweg.store.kind: redis",
        ),
        (
            |p| p.set("isolation.scheduler.machines", json!({ "words": 2 })),
            "SCHEDULER_REPLACED",
            "thalweg.delegate.scheduler: org.apache.storm.scheduler.IsolationScheduler",
        ),
        (
            |p| p.set("multitenant.scheduler.user.pools", json!({ "ann": 2 })),
            "SCHEDULER_REPLACED",
            "thalweg.delegate.scheduler: org.apache.storm.scheduler.multitenant.MultitenantScheduler",
        ),
        (
            |p| {
                let pools = json!({ "ann": { "cpu": 100 } });
                p.set("resource.aware.scheduler.user.pools", pools);
                let other = "org.apache.storm.scheduler.IsolationScheduler";
                p.set("thalweg.delegate.scheduler", json!(other));
            },
            "SCHEDULER_REPLACED",
            "thalweg.delegate.scheduler: org.apache.storm.scheduler.resource.ResourceAwareScheduler",
        ),
        (
            |p| {
                p.set("thalweg.mode", json!("act"));
                p.set("nimbus.even.rebalance.idle.supervisor.enabled", json!(true));
            },
            "SCHEDULER_REPLACED",
            "nimbus.even.rebalance.idle.supervisor.enabled: false",
        ),
        (
            |p| p.seen.nodes[0].clock_ahead_ms = Some(31_000.0),
            "CLOCKS_APART",
            "timedatectl set-ntp true, on host-1 and here",
        ),
        (
            |p| p.seen.nodes[0].clock_ahead_ms = Some(-95_000.0),
            "CLOCKS_APART",
            "timedatectl set-ntp true, on host-1 and here",
        ),
        (|p| p.seen.nodes[0].ports = vec![6700, 6701], "NO_FREE_SLOTS", "supervisor.slots.ports"),
        (|p| p.seen.nodes[0].draining = true, "NO_FREE_SLOTS", "supervisor.slots.ports"),
        (
            |p| {
                p.set("thalweg.placement.slots", json!("shared"));
                p.seen.nodes[0].ports = vec![6700, 6701];
            },
            "NO_FREE_SLOTS",
            "taskmanager.numberOfTaskSlots",
        ),
        (
            |p| p.topology().components[1].tasks = TaskRange::new(3, 4),
            "NO_TASKS_LEFT",
            "thalweg.headroom.components: [split]",
        ),
        (
            |p| {
                p.set("thalweg.placement.slots", json!("shared"));
                p.topology().components[1].tasks = TaskRange::new(3, 5);
            },
            "KEY_GROUPS_UNEVEN",
            "pipeline.max-parallelism: 720",
        ),
        (
            |p| p.topology().edges[0].grouping = Grouping::LocalOrShuffle,
            "SHUFFLE_STAYS_LOCAL",
            "shuffleGrouping",
        ),
        (
            |p| {
                p.set("thalweg.policy", json!("ds2"));
                p.set("executor.metrics.frequency.secs", json!(3));
                p.topology().components[0].backlog = None;
                p.topology().executors[0].counters =
                    Some(Counters { executed: 1, ..Counters::default() });
            },
            "SOURCES_WITHOUT_LAG",
            "--tell words=lines",
        ),
        (
            |p| {
                p.set("thalweg.policy", json!("ds2"));
                p.set("executor.metrics.frequency.secs", json!(3));
                p.topology().components[0].backlog = None;
                p.topology().components[0].feed = [("groupid".to_owned(), "g".to_owned())].into();
                p.topology().executors[0].counters =
                    Some(Counters { executed: 1, ..Counters::default() });
            },
            "SOURCES_WITHOUT_LAG",
            "thalweg lag --found",
        ),
        (
            |p| {
                p.topology().components[0].partitions = Some(1);
                p.topology().executors[0].tasks = TaskRange::new(1, 1);
                let second = executor(0, (2, 2), 6700);
                p.topology().executors.push(second);
            },
            "PARTITIONS_FEW",
            "--partitions 2   (or thalweg scale words lines=1)",
        ),
        (
            |p| {
                p.topology().worker_heap_mib = Some(768.0);
                p.topology().components[1].heap_mib = Some(512.0);
            },
            "HEAP_DOES_NOT_FOLLOW",
            "topology.worker.max.heap.size.mb: 1024",
        ),
        (changed_by_others, "ANOTHER_SCALES", "storm rebalance words"),
        (
            |p| {
                p.set("thalweg.placement.slots", json!("engine"));
                changed_by_others(p);
            },
            "ANOTHER_SCALES",
            "job.autoscaler.enabled: false",
        ),
        (
            |p| p.topology().obstacle = Some(Obstacle::CheckpointsOff),
            "CHECKPOINTS_MISSING",
            "execution.checkpointing.interval",
        ),
        (
            |p| {
                p.topology().obstacle = Some(Obstacle::CheckpointsFail);
                p.reason("CHECKPOINTS_MISSING");
            },
            "CHECKPOINTS_MISSING",
            "execution.checkpointing.interval",
        ),
        (|p| p.reason("SOURCE_LIMITED"), "SOURCE_LIMITED", "kafka-topics.sh"),
        (
            // A step may take a minute.
            |p| p.topology().checkpoint = Some(checkpoint(31_000.0)),
            "CHECKPOINTS_SLOW",
            "execution.checkpointing.unaligned.enabled: true",
        ),
        (
            |p| p.recovery(Some(800_000.0), Some(146_666.7)),
            "CHECKPOINTS_FAR_APART",
            "execution.checkpointing.interval: 146 s",
        ),
    ];
    for (number, (seed, code, mend)) in faults.into_iter().enumerate() {
        let mut patient = healthy();
        seed(&mut patient);
        let found = patient.findings();
        assert_eq!(codes(&found), [code], "fault {number}: {found:?}");
        let said = found[0]["mend"].as_str().unwrap();
        assert!(said.contains(mend), "fault {number}: {said}");
    }
}

/// Kafka's sources tell their lag once they have read something.
#[test]
fn a_source_that_nothing_came_to_yet_may_tell_its_lag_later() {
    let mut patient = healthy();
    patient.set("thalweg.policy", json!("ds2"));
    patient.set("executor.metrics.frequency.secs", json!(3));
    patient.topology().components[0].backlog = None;
    patient.topology().executors[0].counters = Some(Counters::default());
    assert_eq!(patient.findings(), Vec::<Value>::new());
}

/// Flink's subtasks are asked at each look and count everything, and a stream that stays local is a user's own choice there.
#[test]
fn what_only_storm_has_is_not_found_on_flink() {
    let mut patient = healthy();
    patient.set("thalweg.placement.slots", json!("shared"));
    patient.given.remove("executor.metrics.frequency.secs");
    patient.set("thalweg.metrics.window.secs", json!(15));
    patient.topology().components[1].tasks = TaskRange::new(3, 130);
    patient.topology().edges[0].grouping = Grouping::LocalOrShuffle;
    assert_eq!(patient.findings(), Vec::<Value>::new());
    patient.topology().components[1].tasks = TaskRange::new(3, 3);
    patient.topology().executors.truncate(2);
    assert_eq!(patient.findings(), Vec::<Value>::new(), "a window over everything");
}

#[test]
fn what_storm_reads_as_its_users_mean_it_is_no_finding() {
    let mut patient = healthy();
    patient.set("nimbus.seeds", json!(["nimbus-1"]));
    // Its supervisor may have reported a minute ago.
    patient.seen.nodes[0].clock_ahead_ms = Some(-89_000.0);
    patient.set("isolation.scheduler.machines", json!({}));
    patient.set("nimbus.even.rebalance.idle.supervisor.enabled", json!(false));
    patient.set("resource.aware.scheduler.user.pools", json!({ "ann": { "cpu": 100 } }));
    let aware = "org.apache.storm.scheduler.resource.ResourceAwareScheduler";
    patient.set("thalweg.delegate.scheduler", json!(aware));
    assert_eq!(patient.findings(), Vec::<Value>::new());
    // While Thalweg only looks, Storm's own scheduler holds to it.
    patient.set("nimbus.even.rebalance.idle.supervisor.enabled", json!(true));
    assert_eq!(patient.findings(), Vec::<Value>::new());
    // Nobody here can tell what a scheduler of somebody's own reads.
    patient.set("thalweg.delegate.scheduler", json!("com.example.OurScheduler"));
    assert_eq!(patient.findings(), Vec::<Value>::new());
    // Where the store is shared, or this one's own has been named once, nothing more is said of it.
    let mut patient = healthy();
    patient.set("nimbus.seeds", json!(["nimbus-1", "nimbus-2"]));
    patient.status["leads"] = json!(false);
    assert_eq!(codes(&patient.findings()), ["STORE_NOT_SHARED"]);
}

/// Somebody gives and takes an executor, again and again.
fn changed_by_others(patient: &mut Patient) {
    let mut seen = patient.seen.clone();
    for minutes in 0..4 {
        let executors = &mut seen.topologies[0].executors;
        match minutes % 2 {
            0 => executors.push(executor(1, (11, 11), 6701)),
            _ => drop(executors.pop()),
        }
        seen.at = Timestamp::from_millis(noon().millis() - 600_000 + minutes * 60_000);
        patient.others.note(&seen, &patient.status);
    }
}

#[test]
fn changes_of_ours_and_those_long_ago_are_nobody_elses() {
    let mut patient = healthy();
    patient.status["plan"] = json!({ "plan": { "topology": "words-1" } });
    changed_by_others(&mut patient);
    assert_eq!(patient.findings(), Vec::<Value>::new(), "ours is under way");
    let mut patient = healthy();
    patient.status["ended"] =
        json!([{ "plan": { "topology": "words-1" }, "at": noon().millis() - 600_000 }]);
    changed_by_others(&mut patient);
    assert_eq!(
        patient.others.within_an_hour("words-1", noon()),
        2,
        "the last ones came too late to be ours"
    );
    assert_eq!(patient.others.within_an_hour("words-1", noon().plus_secs(7_200)), 0);
}

#[test]
fn reasons_that_stay_until_somebody_acts_have_a_mend_that_names_the_topology() {
    for (code, _) in MENDS {
        let mut patient = healthy();
        patient.reason(code);
        let found = patient.findings();
        assert_eq!(codes(&found), [code]);
        assert!(!found[0]["mend"].as_str().unwrap().contains("{name}"), "{found:?}");
    }
    let mut accepting = healthy();
    accepting.topology().obstacle = Some(Obstacle::CheckpointsOff);
    accepting.set("thalweg.flink.rescale.without.checkpoints", json!("true"));
    assert_eq!(accepting.findings(), Vec::<Value>::new(), "its user allows it");
    let mut adopting = healthy();
    adopting.set("thalweg.adopt", json!("on-next-action"));
    adopting.reason("ADOPTION_NEEDED");
    assert_eq!(adopting.findings(), Vec::<Value>::new(), "it is going to be done");
}

#[test]
fn a_redis_that_is_away_or_open_is_found() {
    let mut patient = healthy();
    patient.set("thalweg.store.kind", json!("redis"));
    // Nobody listens at port 1.
    patient.set("thalweg.store.redis.url", json!("redis://127.0.0.1:1"));
    let settings = EngineSettings::read(&patient.given);
    let store = thalweg_store::open(&settings.store).unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while !matches!(store.health().reach, Reach::Down(_)) {
        assert!(Instant::now() < end, "{:?}", store.health());
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(codes(&patient.findings_with(store.as_ref())), ["STORE_DOWN", "STORE_OPEN"]);
    patient.set("thalweg.store.redis.url", json!("redis://user:secret@127.0.0.1:1"));
    assert_eq!(codes(&patient.findings_with(store.as_ref())), ["STORE_DOWN"]);
}

#[test]
fn a_redis_that_forgets_or_lives_at_another_time_is_found() {
    let of = |appends: bool, saves: &str, time: Option<i64>| {
        let mut found = Vec::new();
        of_precautions(&Precautions { appends, saves: saves.to_owned(), time }, noon(), &mut found);
        found
    };
    let now = noon().millis();
    assert_eq!(of(true, "", Some(now - 1_000)), Vec::<Value>::new());
    assert_eq!(of(false, "3600 1", None), Vec::<Value>::new());
    let forgets = of(false, "", Some(now));
    assert_eq!(codes(&forgets), ["STORE_FORGETS"]);
    assert!(forgets[0]["mend"].as_str().unwrap().contains("CONFIG SET appendonly yes"));
    for time in [now - 90_000, now + 90_000] {
        let apart = of(true, "", Some(time));
        assert_eq!(codes(&apart), ["CLOCKS_APART"]);
        assert!(apart[0]["text"].as_str().unwrap().contains("90 s apart"), "{apart:?}");
    }
}
