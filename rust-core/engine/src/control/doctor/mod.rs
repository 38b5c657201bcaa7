//! What makes elasticity fail without anybody being told: told, each with its mend as a command or a line of configuration.
//!
//! It looks at what was observed and decided last, at the settings and at the store. What an engine's own configuration
//! says that does not come here is checked by `thalweg config check`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use thalweg_core::model::{
    Component, ComponentKind, Grouping, Node, Observation, SlotRef, Topology,
};
use thalweg_core::settings::{Adopt, PolicyName};
use thalweg_core::units::Timestamp;
use thalweg_store::{Mailbox, Precautions, Reach, Store, StoreKind};

use self::ackers::of_ackers;
use self::checkpoints::{of_checkpoints, of_recovery, of_slow_checkpoints};
use self::finding::{MENDS, finding};
use self::word::word;
use super::others::OtherHands;
use crate::settings::{EngineSettings, Unheld, sampled_coarsely};

/// Key groups of the fullest subtask over those of the emptiest, from which dividing them evenly is worth a word.
const UNEVEN: f64 = 1.25;
/// How far clocks may be apart before what is signed on one machine is refused on another. Of nodes less cannot be told, as
/// their clocks are known by heartbeats, which come every few seconds.
const CLOCKS_APART_MS: i64 = 30_000;
/// How far a machine's clock may seem to be behind by its last heartbeat: that may be as old as
/// `nimbus.supervisor.timeout.secs` lets it be, a minute.
const BEHIND_MS: f64 = 60_000.0 + CLOCKS_APART_MS as f64;
/// From so many changes by other hands within an hour on they are a habit.
const OTHERS_CHANGES: usize = 3;
/// A window has at least so many reports.
const REPORTS: f64 = 3.0;

mod ackers;
mod checkpoints;
mod finding;
#[cfg(test)]
mod tests;
mod word;

/// What is looked at.
pub struct Facts<'a> {
    /// What is set.
    pub settings: &'a EngineSettings,
    /// The store.
    pub store: &'a dyn Store,
    /// What the engine showed last of itself.
    pub status: &'a Value,
    /// What it decided last about a topology.
    pub decision: &'a dyn Fn(&str) -> Option<Value>,
    /// What was observed last.
    pub seen: &'a Observation,
    /// Changes by other hands.
    pub others: &'a OtherHands,
    /// When it is looked at.
    pub now: Timestamp,
}

/// Everything that was found.
pub fn findings(facts: &Facts<'_>) -> Vec<Value> {
    let &Facts { settings, seen, status, decision, others, now, .. } = facts;
    let mut found = Vec::new();
    of_settings(settings, &mut found);
    of_store(facts, &mut found);
    of_ledger(status, &mut found);
    of_nodes(seen, settings, &mut found);
    found.extend(seen.nodes.iter().filter_map(of_clock));
    for topology in &seen.topologies {
        of_tasks(topology, settings, &mut found);
        if is_storm(settings) {
            of_streams(topology, &mut found);
        }
        of_sources(topology, settings, &mut found);
        of_partitions(topology, &mut found);
        of_heap(topology, seen, &mut found);
        of_others(topology, settings, others.within_an_hour(&topology.id, now), &mut found);
        if let Some(decision) = decision(&topology.id) {
            of_decision(&decision, topology, settings, &mut found);
        }
        of_checkpoints(topology, settings, &mut found);
        found.extend(of_slow_checkpoints(topology, settings));
    }
    found
}

fn of_settings(settings: &EngineSettings, found: &mut Vec<Value>) {
    for problem in &settings.problems {
        let mend = "mend the line, or take it out; thalweg config reference tells what is allowed";
        found.push(finding("CONFIGURATION_WRONG", "", problem, mend));
    }
    for Unheld { key, text, mend } in &settings.unheld {
        let (text, mend) = (format!("{key} {text}"), format!("in storm.yaml {mend}"));
        found.push(finding("SCHEDULER_REPLACED", "", text, mend));
    }
    if is_storm(settings) {
        of_statistics(settings, found);
    }
}

/// Whether the engine is Storm, where executors report by themselves, count samples, and send tuples to any receiver.
fn is_storm(settings: &EngineSettings) -> bool {
    !settings.core.slots.is_shared()
}

fn of_statistics(settings: &EngineSettings, found: &mut Vec<Value>) {
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
    if let Some(part) = settings.counted_part.filter(|part| sampled_coarsely(*part, window)) {
        let text = format!(
            "where a topology sets nothing else, executors count {part} of all tuples, in steps of {:.0}, which is too coarse for a window of {window} s",
            1.0 / part.max(f64::MIN_POSITIVE)
        );
        let mend = "in storm.yaml topology.stats.sample.rate: 1.0, for topologies that are submitted from then on";
        found.push(finding("STATISTICS_COARSE", "", text, mend));
    }
}

fn of_ledger(status: &Value, found: &mut Vec<Value>) {
    let told = |name: &str| status.pointer(&format!("/ledger/{name}")).and_then(Value::as_str);
    if let Some(fault) = told("fault") {
        let text = format!("what is decided and done is not recorded: {fault}");
        let mend = "df -h, and ls -l of the folder that is named; what waits is written as soon as it can be";
        found.push(finding("LEDGER_NOT_WRITTEN", "", text, mend));
    }
    if let Some(missing) = told("missing") {
        let text = format!("the ledger was cut off or replaced: {missing}");
        found.push(finding("LEDGER_CUT", "", text, "thalweg ledger verify DIR --redis URL"));
    }
}

fn of_store(facts: &Facts<'_>, found: &mut Vec<Value>) {
    let &Facts { settings, store, status, now, .. } = facts;
    if settings.store.kind != StoreKind::Redis {
        found.extend(of_own_store(settings, status));
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
    if let Ok(told) = told {
        of_precautions(&told, now, found);
    }
}

/// A store of this process's own, where others take over from it.
fn of_own_store(settings: &EngineSettings, status: &Value) -> Option<Value> {
    let text = if status["leads"] == false {
        "another process leads, and this one's store is its own: what is learned and ordered there is not known here".to_owned()
    } else if settings.nimbuses > 1 {
        format!(
            "nimbus.seeds names {} Nimbuses, and each one's store is its own: orders, pauses and what was learned do not go over when another one leads",
            settings.nimbuses
        )
    } else {
        return None;
    };
    let mend = "on each of them thalweg.store.kind: redis, and the same thalweg.store.redis.url";
    Some(finding("STORE_NOT_SHARED", "", text, mend))
}

/// What Redis does against loss, and whether its clock is ours.
fn of_precautions(told: &Precautions, now: Timestamp, found: &mut Vec<Value>) {
    if !told.appends && told.saves.is_empty() {
        let text =
            "Redis keeps nothing over a restart; each leader then knows only what it wrote itself";
        let mend = "redis-cli CONFIG SET appendonly yes && redis-cli CONFIG REWRITE";
        found.push(finding("STORE_FORGETS", "", text, mend));
    }
    let apart = told.time.map_or(0, |time| (now.millis() - time).abs());
    if apart > CLOCKS_APART_MS {
        let text = format!(
            "the clocks here and at Redis are {:.0} s apart, and what is signed is good for minutes only",
            apart as f64 / 1000.0
        );
        let mend = "timedatectl set-ntp true, on both machines";
        found.push(finding("CLOCKS_APART", "", text, mend));
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
        let mend = match is_storm(settings) {
            true => {
                "in storm.yaml of the supervisors more supervisor.slots.ports, as [6700, 6701, 6702, 6703, 6704]"
            }
            false => {
                "bin/taskmanager.sh start on another machine, or more taskmanager.numberOfTaskSlots"
            }
        };
        found.push(finding("NO_FREE_SLOTS", "", text, mend));
    }
}

/// A machine whose clock is another: what its workers and its log tell of times does not fit together with anybody else's.
fn of_clock(node: &Node) -> Option<Value> {
    let apart = |ahead: &f64| *ahead > CLOCKS_APART_MS as f64 || -*ahead > BEHIND_MS;
    let ahead = node.clock_ahead_ms.filter(apart)?;
    let host = &node.host;
    let text = format!(
        "the clock of {host} is {:.0} s {} the one here, as its last heartbeat tells: times in logs and reports do not fit together",
        ahead.abs() / 1000.0,
        if ahead > 0.0 { "ahead of" } else { "behind" }
    );
    let mend = format!("timedatectl set-ntp true, on {host} and here");
    Some(finding("CLOCKS_APART", host, text, mend))
}

fn of_tasks(topology: &Topology, settings: &EngineSettings, found: &mut Vec<Value>) {
    let shared = !is_storm(settings);
    let mut full = Vec::new();
    for (ordinal, component) in (0_u32..).zip(&topology.components) {
        if component.kind != ComponentKind::Operator {
            continue;
        }
        let (count, tasks) = (topology.executors_of(ordinal), component.tasks.count());
        // On Flink what has one key group cannot be divided, as a window over everything.
        let single = topology.is_single(ordinal as usize) || shared && tasks == 1;
        if !single && count >= tasks && component.most_executors.is_none_or(|most| most >= tasks) {
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
    let silent = (0_u32..).zip(&topology.components).filter(|(ordinal, component)| {
        let source = component.kind == ComponentKind::Source && component.backlog.is_none();
        // Some tell it only once something has come.
        source && has_worked(topology, *ordinal)
    });
    let silent: Vec<&Component> = silent.map(|(_, component)| component).collect();
    if !silent.is_empty() {
        let ids: Vec<&str> = silent.iter().map(|component| &*component.id).collect();
        let text = format!(
            "these sources do not tell what waits before them, so a backlog is seen by its effects only: {}",
            ids.join(", ")
        );
        let mend = match is_storm(settings) {
            true if silent.iter().all(|component| component.feed.contains_key("groupid")) => {
                "thalweg lag --found   (beside the cluster, as a service)".to_owned()
            }
            true => format!(
                "thalweg lag --bootstrap HOST:PORT --topic TOPIC --group GROUP --tell {}={}   (beside the cluster, as a service)",
                word(&topology.name),
                word(ids[0])
            ),
            false => "use a source that tells its lag, as Flink's KafkaSource".to_owned(),
        };
        found.push(finding("SOURCES_WITHOUT_LAG", &topology.name, text, mend));
    }
}

/// Whether anything was executed, or sent, by a component's executors.
fn has_worked(topology: &Topology, ordinal: u32) -> bool {
    let own = topology.executors.iter().filter(|executor| executor.component == ordinal);
    own.filter_map(|executor| executor.counters).any(|c| c.executed + c.emitted > 0)
}

fn of_partitions(topology: &Topology, found: &mut Vec<Value>) {
    for (ordinal, component) in (0_u32..).zip(&topology.components) {
        let count = topology.executors_of(ordinal);
        let Some(partitions) = component.partitions.filter(|some| *some > 0 && *some < count)
        else {
            continue;
        };
        let id = &component.id;
        let text = format!(
            "{id} has {count} executors for {partitions} partitions, so {} have nothing to read",
            count - partitions
        );
        let mend = format!(
            "kafka-topics.sh --alter --topic TOPIC --partitions {count}   (or thalweg scale {} {}={partitions})",
            word(&topology.name),
            word(id)
        );
        found.push(finding("PARTITIONS_FEW", &topology.name, text, mend));
    }
}

/// A worker whose executors declare more heap than it has: more executors come, and its flags do not follow.
fn of_heap(topology: &Topology, seen: &Observation, found: &mut Vec<Value>) {
    let Some(most) = topology.worker_heap_mib else { return };
    let mut declared: BTreeMap<SlotRef, f64> = BTreeMap::new();
    for executor in &topology.executors {
        let component = topology.components.get(executor.component as usize);
        if let (Some(slot), Some(heap)) = (executor.slot, component.and_then(|c| c.heap_mib)) {
            *declared.entry(slot).or_default() += heap;
        }
    }
    let Some((slot, heap)) = declared.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)) else {
        return;
    };
    if heap <= most {
        return;
    }
    let host = seen.nodes.get(slot.node as usize).map_or("?", |node| &*node.host);
    let text = format!(
        "executors in one worker, at {host}:{}, declare {heap:.0} MiB of heap, and it has at most {most:.0}",
        slot.port
    );
    let mend = format!(
        "submit {} anew with topology.worker.max.heap.size.mb: {heap:.0}, and -Xmx in topology.worker.childopts to match",
        topology.name
    );
    found.push(finding("HEAP_DOES_NOT_FOLLOW", &topology.name, text, mend));
}

/// Changes that nobody ordered here: another autoscaler, or a script.
fn of_others(
    topology: &Topology,
    settings: &EngineSettings,
    changes: usize,
    found: &mut Vec<Value>,
) {
    if changes < OTHERS_CHANGES {
        return;
    }
    let text =
        format!("its executors were changed {changes} times within an hour, and not by Thalweg");
    let name = &topology.name;
    let mend = match is_storm(settings) {
        true => {
            format!(
                "find who calls storm rebalance {name}   (until then thalweg pause {name})",
                name = word(name)
            )
        }
        false => format!(
            "in the job's configuration job.autoscaler.enabled: false   (until then thalweg pause {})",
            word(name)
        ),
    };
    found.push(finding("ANOTHER_SCALES", name, text, mend));
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
            found.push(finding(
                code,
                &topology.name,
                text,
                mend.replace("{name}", &topology.name).replace("{word}", &word(&topology.name)),
            ));
        }
    }
    found.extend(of_recovery(&decision["view"], topology, settings));
    if let Some((text, mend)) = of_ackers(&decision["view"], topology) {
        found.push(finding("ACKERS_DO_NOT_FOLLOW", &topology.name, text, mend));
    }
}
