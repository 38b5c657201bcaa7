//! Worker processes, and how work spreads over them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use thalweg_lab::control::TopologyInfo;
use thalweg_lab::process::marked;

/// The process ids of all workers of a lab, by their slots' ports, which are unique within it.
pub fn pids(lab: &Path) -> BTreeMap<u16, u32> {
    let port = |command: &[String]| {
        let own = |word: &&String| word.starts_with("-Dworker.port=");
        let launcher = command.iter().any(|word| word.ends_with("LogWriter"));
        let port = command.iter().find(own).filter(|_| !launcher)?;
        port.rsplit('=').next()?.parse().ok()
    };
    marked(lab).into_iter().filter_map(|p| Some((port(&p.command)?, p.pid))).collect()
}

/// The same of these slots' workers only.
pub fn pids_of(lab: &Path, ports: &BTreeSet<u16>) -> BTreeMap<u16, u32> {
    let mut pids = pids(lab);
    pids.retain(|port, _| ports.contains(port));
    pids
}

/// The ports of a topology's slots.
pub fn ports(info: &TopologyInfo) -> BTreeSet<u16> {
    info.executors.iter().map(|executor| executor.port).collect()
}

/// The process ids of all supervisors of a lab.
pub fn supervisors(lab: &Path) -> BTreeSet<u32> {
    let is_supervisor = |command: &[String]| {
        command.iter().any(|word| word == "org.apache.storm.daemon.supervisor.Supervisor")
    };
    let found = marked(lab).into_iter().filter(|process| is_supervisor(&process.command));
    found.map(|process| process.pid).collect()
}

/// Tuples that each executor of a component executed between two looks, by its first task.
pub fn executed(
    earlier: &TopologyInfo,
    later: &TopologyInfo,
    component: &str,
) -> BTreeMap<u32, u64> {
    let counts = |info: &TopologyInfo| -> BTreeMap<u32, u64> {
        let count = |e: &thalweg_lab::control::Executor| e.stats.as_ref()?.executed;
        info.of(component).map(|e| (e.first_task, count(e).unwrap_or(0))).collect()
    };
    let before = counts(earlier);
    let since = |(task, count): (u32, u64)| {
        (task, count.saturating_sub(before.get(&task).copied().unwrap_or(0)))
    };
    counts(later).into_iter().map(since).collect()
}
