//! Nodes of unequal speed: a share of the processor for each, through control groups.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::wait::until;

const PERIOD_US: u32 = 100_000;
const ROOT: &str = "/sys/fs/cgroup";

/// What came of asking for a share of the processor.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum CpuLimit {
    /// The limit holds.
    Applied,
    /// This machine does not allow it, and why; tests that need it say so and stop.
    NotAvailable(String),
}

/// The name under which the groups of a cluster are kept.
pub fn group_name(id: u16) -> String {
    format!("thalweg{id}")
}

/// The control groups of one lab, removed when dropped.
#[derive(Debug)]
pub struct CpuGroups {
    groups: std::result::Result<Groups, String>,
}

#[derive(Debug)]
struct Groups {
    folder: PathBuf,
    version: Version,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl CpuGroups {
    /// Makes the parent group under this name, if the machine allows it.
    pub fn create(name: &str) -> Self {
        Self { groups: Groups::create(name).map_err(|e| format!("{e:#}")) }
    }

    /// The folder of a node's group, made if need be; a process joins by writing its id into the
    /// file `cgroup.procs` there. Nothing where groups are not available.
    ///
    /// # Errors
    /// When groups are available but this fails.
    pub fn group(&self, node: &str) -> Result<Option<PathBuf>> {
        match &self.groups {
            Ok(groups) => groups.group(node).map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Gives a node this many cores' worth of time (0.5 is half a core), or all it can get.
    ///
    /// # Errors
    /// When groups are available but this fails.
    pub fn limit(&self, node: &str, cores: Option<f64>) -> Result<CpuLimit> {
        match &self.groups {
            Ok(groups) => groups.limit(node, cores).map(|()| CpuLimit::Applied),
            Err(why) => Ok(CpuLimit::NotAvailable(why.clone())),
        }
    }

    /// Removes the groups of a lab that is gone.
    pub fn remove(name: &str) {
        for root in [Path::new(ROOT).join("cpu"), PathBuf::from(ROOT)] {
            remove_folder(&root.join(name));
        }
    }
}

impl Groups {
    fn create(name: &str) -> Result<Self> {
        let root = Path::new(ROOT);
        let (parent, version) = if root.join("cgroup.controllers").exists() {
            (root.to_owned(), Version::Two)
        } else {
            (root.join("cpu"), Version::One)
        };
        let folder = parent.join(name);
        remove_folder(&folder);
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        if version == Version::Two {
            let control = folder.join("cgroup.subtree_control");
            fs::write(&control, "+cpu")
                .with_context(|| format!("cannot write {}", control.display()))?;
        }
        Ok(Self { folder, version })
    }

    fn group(&self, node: &str) -> Result<PathBuf> {
        let group = self.folder.join(node);
        fs::create_dir_all(&group).with_context(|| format!("cannot make {}", group.display()))?;
        Ok(group)
    }

    fn limit(&self, node: &str, cores: Option<f64>) -> Result<()> {
        let quota = cores.map(|cores| quota_us(cores).to_string());
        let (file, text) = match self.version {
            Version::One => ("cpu.cfs_quota_us", quota.unwrap_or("-1".to_owned())),
            Version::Two => {
                ("cpu.max", format!("{} {PERIOD_US}", quota.unwrap_or("max".to_owned())))
            }
        };
        let path = self.folder.join(node).join(file);
        fs::write(&path, text).with_context(|| path.display().to_string())
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        remove_folder(&self.folder);
    }
}

/// The kernel takes no quota below 1 ms.
fn quota_us(cores: f64) -> u32 {
    // Cores are few and the product is rounded on purpose.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let quota = (cores * f64::from(PERIOD_US)).round() as u32;
    quota.max(1_000)
}

/// Groups vanish by removing their folders, children first, once the last process in them has ended.
fn remove_folder(folder: &Path) {
    const LIMIT: Duration = Duration::from_secs(2);
    let gone = until("the removal of a control group", LIMIT, || {
        try_remove(folder);
        Ok((!folder.exists()).then_some(()))
    });
    if let Err(error) = gone {
        tracing::warn!(%error, folder = %folder.display(), "left behind");
    }
}

fn try_remove(folder: &Path) {
    for child in fs::read_dir(folder).into_iter().flatten().flatten() {
        if child.path().is_dir() {
            let _ = fs::remove_dir(child.path());
        }
    }
    let _ = fs::remove_dir(folder);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::skipped;

    #[test]
    fn shares_become_quotas() {
        assert_eq!(quota_us(0.15), 15_000);
        assert_eq!(quota_us(2.0), 200_000);
        assert_eq!(quota_us(0.0), 1_000);
    }

    #[test]
    fn a_limited_process_gets_its_share_or_the_reason_is_told() {
        let name = format!("thalweg-test-{}", std::process::id());
        let groups = CpuGroups::create(&name);
        let mut busy =
            std::process::Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        if let Some(group) = groups.group("n1").unwrap() {
            fs::write(group.join("cgroup.procs"), busy.id().to_string()).unwrap();
        }
        match groups.limit("n1", Some(0.1)).unwrap() {
            CpuLimit::Applied => {
                let (before, begun) = (cpu_ticks(busy.id()), Instant::now());
                std::thread::sleep(Duration::from_secs(1));
                let used = cpu_ticks(busy.id()) - before;
                // The kernel grants a tenth of each tenth of a second, so one such slice more at either end.
                let granted = 10.0 * begun.elapsed().as_secs_f64() + 2.0;
                assert!(used as f64 <= granted, "{used} hundredths of a second, {granted} granted");
            }
            CpuLimit::NotAvailable(why) => skipped("a process with a share of the processor", &why),
        }
        busy.kill().unwrap();
        busy.wait().unwrap();
    }

    fn cpu_ticks(pid: u32) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }
}
