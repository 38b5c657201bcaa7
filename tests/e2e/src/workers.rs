//! Worker processes, and how work spreads over them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use thalweg_lab::control::TopologyInfo;
use thalweg_lab::process::marked;

/// How the kernel's tables call the state of a socket that listens.
const LISTENS: &str = "0A";

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

/// The TCP ports at which a process listens.
///
/// # Errors
/// When the process is gone.
pub fn listening(pid: u32) -> Result<BTreeSet<u16>> {
    let mut own = BTreeSet::new();
    for descriptor in fs::read_dir(format!("/proc/{pid}/fd"))? {
        // One that was closed meanwhile leads nowhere.
        let Ok(target) = fs::read_link(descriptor?.path()) else { continue };
        let target = target.display().to_string();
        let socket = target.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
        own.extend(socket.map(str::to_owned));
    }
    let mut ports = BTreeSet::new();
    for table in ["tcp", "tcp6"] {
        let table = fs::read_to_string(format!("/proc/{pid}/net/{table}"))?;
        for line in table.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            ensure!(fields.len() > 9, "{line}");
            if fields[3] == LISTENS && own.contains(fields[9]) {
                let port = fields[1].rsplit(':').next().with_context(|| line.to_owned())?;
                ports.insert(u16::from_str_radix(port, 16)?);
            }
        }
    }
    Ok(ports)
}

/// The process ids of all supervisors of a lab.
pub fn supervisors(lab: &Path) -> BTreeSet<u32> {
    daemons(lab, "org.apache.storm.daemon.supervisor.Supervisor")
}

/// The process ids of all masters of a lab.
pub fn masters(lab: &Path) -> BTreeSet<u32> {
    daemons(lab, "org.apache.storm.daemon.nimbus.Nimbus")
}

fn daemons(lab: &Path, class: &str) -> BTreeSet<u32> {
    let is_one = |command: &[String]| command.iter().any(|word| word == class);
    let found = marked(lab).into_iter().filter(|process| is_one(&process.command));
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
