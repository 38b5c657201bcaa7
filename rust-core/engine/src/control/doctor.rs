//! What makes elasticity fail without anybody being told: told, each with its mend as a command or a line of configuration.
//!
//! It looks at what was observed and decided last, at the settings and at the store. What an engine's own configuration
//! says that does not come here is checked by `thalweg config check`.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use thalweg_core::model::{ComponentKind, Grouping, Observation, SlotRef, Topology};
use thalweg_core::settings::{Adopt, PolicyName, SlotRule};
use thalweg_store::{Mailbox, Reach, Store, StoreKind};

use crate::settings::EngineSettings;

/// From this busy share on an acker that cannot grow is in the way.
const ACKER_BUSY: f64 = 0.6;
/// Key groups of the fullest subtask over those of the emptiest, from which dividing them evenly is worth a word.
const UNEVEN: f64 = 1.25;
/// A window has at least so many reports.
const REPORTS: f64 = 3.0;

/// Reasons of decisions that stay until somebody does something, and what that is.
const MENDS: [(&str, &str); 9] = [
    (
        "METRICS_MISSING",
        "thalweg explain {name}; in storm.yaml executor.metrics.frequency.secs: 10",
    ),
    (
        "NOT_TIMED",
        "use a source of Flink's new kind (FLIP-27), such as KafkaSource: those of the old kind do not tell how busy they are",
    ),
    (
        "ADOPTION_NEEDED",
        "thalweg scale {name} --adopt   (or in storm.yaml thalweg.adopt: on-next-action)",
    ),
    ("STOP_NEEDED", "in storm.yaml thalweg.placement.workers: free"),
    (
        "CLUSTER_LIMITED",
        "in storm.yaml of each supervisor more supervisor.slots.ports; on Flink more taskmanager.numberOfTaskSlots",
    ),
    ("CHECKPOINTS_MISSING", "in the job's configuration execution.checkpointing.interval: 60 s"),
    (
        "POOLS_KEPT",
        "thalweg.delegate.scheduler keeps pools apart: run such topologies on a cluster without it",
    ),
    ("SOURCE_LIMITED", "kafka-topics.sh --alter --topic TOPIC --partitions MORE"),
    ("WORKERS_LIMITED", "in storm.yaml thalweg.placement.workers.free: [\"{name}\"]"),
];

/// One finding.
fn finding(code: &str, about: &str, text: impl Into<String>, mend: impl Into<String>) -> Value {
    json!({ "code": code, "about": about, "text": text.into(), "mend": mend.into() })
}

/// Everything that was found.
pub fn findings(
    settings: &EngineSettings,
    store: &dyn Store,
    status: &Value,
    seen: &Observation,
) -> Vec<Value> {
    let mut found = Vec::new();
    of_settings(settings, &mut found);
    of_store(settings, store, &mut found);
    of_nodes(seen, settings, &mut found);
    for topology in &seen.topologies {
        of_tasks(topology, settings, &mut found);
        of_streams(topology, &mut found);
        of_sources(topology, settings, &mut found);
        let decisions = status["decisions"].as_array().into_iter().flatten();
        let of_this = |decision: &&Value| decision["topology"] == *topology.id;
        if let Some(decision) = decisions.clone().find(of_this) {
            of_decision(decision, topology, settings, &mut found);
        }
    }
    found
}

fn of_settings(settings: &EngineSettings, found: &mut Vec<Value>) {
    for problem in &settings.problems {
        let mend = "mend the line, or take it out; thalweg config reference tells what is allowed";
        found.push(finding("CONFIGURATION_WRONG", "", problem, mend));
    }
    let window = settings.core.window.get() / 1000.0;
    if window < REPORTS * settings.report_secs {
        let text = format!(
            "executors report each {} s, so a window of {window} s has fewer than {REPORTS} reports",
            settings.report_secs
        );
        let mend = format!(
            "in storm.yaml executor.metrics.frequency.secs: {}",
            (window / REPORTS).max(1.0).floor()
        );
        found.push(finding("STATISTICS_COARSE", "", text, mend));
    }
}

fn of_store(settings: &EngineSettings, store: &dyn Store, found: &mut Vec<Value>) {
    if settings.store.kind != StoreKind::Redis {
        return;
    }
    if let Reach::Down(reason) = store.health().reach {
        let mend = "redis-cli -u URL PING, from this machine";
        found.push(finding("STORE_DOWN", "", reason, mend));
    }
    if settings.store.password.is_none() && !settings.store.url.contains('@') {
        let text = "Redis asks for no password, so whoever reaches it can move executors";
        let mend = "redis-cli ACL SETUSER thalweg on '>SECRET' '~thalweg:*' +@read +@write +@scripting +@transaction +@connection; thalweg.store.redis.user: thalweg; thalweg.store.redis.password.file: FILE";
        found.push(finding("STORE_OPEN", "", text, mend));
    }
    let told = Mailbox::new(&settings.store).and_then(|mailbox| mailbox.precautions());
    if let Ok(told) = told
        && !told.appends
        && told.saves.is_empty()
    {
        let text =
            "Redis keeps nothing over a restart; each leader then knows only what it wrote itself";
        let mend = "redis-cli CONFIG SET appendonly yes && redis-cli CONFIG REWRITE";
        found.push(finding("STORE_FORGETS", "", text, mend));
    }
}

fn of_nodes(seen: &Observation, settings: &EngineSettings, found: &mut Vec<Value>) {
    let executors = seen.topologies.iter().flat_map(|topology| &topology.executors);
    let taken: BTreeSet<SlotRef> = executors.filter_map(|executor| executor.slot).collect();
    let usable = (0_u32..).zip(&seen.nodes).filter(|(_, node)| !node.blacklisted && !node.draining);
    let mut slots =
        usable.flat_map(|(node, of)| of.ports.iter().map(move |&port| SlotRef { node, port }));
    if slots.all(|slot| taken.contains(&slot)) && !seen.topologies.is_empty() {
        let text = "no slot is free, so nothing can start beside what runs";
        let mend = match settings.core.slots {
            SlotRule::Workers => {
                "in storm.yaml of the supervisors more supervisor.slots.ports, as [6700, 6701, 6702, 6703, 6704]"
            }
            SlotRule::Shared | SlotRule::Engine => {
                "bin/taskmanager.sh start on another machine, or more taskmanager.numberOfTaskSlots"
            }
        };
        found.push(finding("NO_FREE_SLOTS", "", text, mend));
    }
}

fn of_tasks(topology: &Topology, settings: &EngineSettings, found: &mut Vec<Value>) {
    let shared = settings.core.slots != SlotRule::Workers;
    let mut full = Vec::new();
    for (ordinal, component) in (0_u32..).zip(&topology.components) {
        if component.kind != ComponentKind::Operator {
            continue;
        }
        let (count, tasks) = (topology.executors_of(ordinal), component.tasks.count());
        if !topology.is_single(ordinal as usize)
            && count >= tasks
            && component.most_executors.is_none_or(|most| most >= tasks)
        {
            full.push(component.id.clone());
        }
        let (most, least) = (tasks.div_ceil(count.max(1)), tasks / count.max(1));
        let uneven = f64::from(most) / f64::from(least.max(1));
        if shared && count < tasks && uneven >= UNEVEN {
            let text = format!(
                "{count} subtasks of {} share {tasks} key groups: one has {most}, another {least}",
                component.id
            );
            // 720 has the divisors 1 to 6, 8 to 10, 12, 15, 16, 18, 20, 24, 30, 36, 40, 45, 48, 60, 72, 80, 90, 120.
            let mend = "in the job's configuration pipeline.max-parallelism: 720 (a job that keeps state has to begin anew for it)";
            found.push(finding("KEY_GROUPS_UNEVEN", &topology.name, text, mend));
        }
    }
    if !full.is_empty() {
        let text =
            format!("as many executors as tasks, so these can never get more: {}", full.join(", "));
        let mend = match shared {
            true => "in the job's configuration a larger pipeline.max-parallelism".to_owned(),
            false => format!(
                "in storm.yaml nimbus.topology.validator: io.thalweg.storm.TaskHeadroom and thalweg.headroom.components: [{}]; then submit {} anew",
                full.join(", "),
                topology.name
            ),
        };
        found.push(finding("NO_TASKS_LEFT", &topology.name, text, mend));
    }
}

fn of_streams(topology: &Topology, found: &mut Vec<Value>) {
    let id = |index: u32| topology.components.get(index as usize).map_or("?", |c| &*c.id);
    let local = topology.edges.iter().filter(|edge| edge.grouping == Grouping::LocalOrShuffle);
    let local: Vec<String> =
        local.map(|edge| format!("{} to {}", id(edge.from), id(edge.to))).collect();
    if !local.is_empty() {
        let text = format!(
            "tuples stay in their worker where they can, so executors elsewhere get few: {}",
            local.join(", ")
        );
        let mend = "use shuffleGrouping there, and leave thalweg.shuffle.locality: spread";
        found.push(finding("SHUFFLE_STAYS_LOCAL", &topology.name, text, mend));
    }
}

fn of_sources(topology: &Topology, settings: &EngineSettings, found: &mut Vec<Value>) {
    use PolicyName::{Conttune, Ds2, FlinkAutoscaler, Thalweg};
    if !matches!(settings.core.policy, Thalweg | Ds2 | FlinkAutoscaler | Conttune) {
        return;
    }
    let silent = topology
        .components
        .iter()
        .filter(|component| component.kind == ComponentKind::Source && component.backlog.is_none());
    let silent: Vec<&str> = silent.map(|component| &*component.id).collect();
    if !silent.is_empty() {
        let text = format!(
            "these sources do not tell what waits before them, so a backlog is seen by its effects only: {}",
            silent.join(", ")
        );
        let mend =
            "use a source that tells its lag: storm-kafka-client 2.x, or Flink's KafkaSource";
        found.push(finding("SOURCES_WITHOUT_LAG", &topology.name, text, mend));
    }
}

fn of_decision(
    decision: &Value,
    topology: &Topology,
    settings: &EngineSettings,
    found: &mut Vec<Value>,
) {
    for reason in decision["reasons"].as_array().into_iter().flatten() {
        let code = reason["code"].as_str().unwrap_or_default();
        if code == "ADOPTION_NEEDED" && settings.core.adopt != Adopt::Never {
            continue;
        }
        if let Some((_, mend)) = MENDS.iter().find(|(known, _)| *known == code) {
            let text = reason["text"].as_str().unwrap_or_default();
            found.push(finding(code, &topology.name, text, mend.replace("{name}", &topology.name)));
        }
    }
    for view in decision.pointer("/view/components").and_then(Value::as_array).into_iter().flatten()
    {
        let number = |key: &str| view[key].as_f64().unwrap_or(0.0);
        let acker = view["id"] == "__acker";
        if acker && number("capacity") >= ACKER_BUSY && number("executors") >= number("tasks") {
            let text = format!(
                "ackers are busy to {:.0} % and have no more tasks: they do not follow when bolts are given more executors",
                100.0 * number("capacity")
            );
            let mend = format!(
                "submit {} anew with topology.acker.executors: {:.0}",
                topology.name,
                2.0 * number("executors")
            );
            found.push(finding("ACKERS_DO_NOT_FOLLOW", &topology.name, text, mend));
        }
    }
}
