//! How one topology stands, before and after it was asked for other executor counts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A start may be told this much too early.
const CLOCKS: Duration = Duration::from_secs(2);

/// What Nimbus is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rebalance {
    /// The topology's id.
    pub topology: String,
    /// Executors of components.
    pub executors: BTreeMap<String, u32>,
    /// For so long sources stand still before workers end.
    pub wait_secs: u32,
}

/// What Nimbus says of a topology.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// As Storm calls it.
    pub status: String,
    /// Where its executors run.
    pub executors: Vec<Running>,
}

/// The same as it is answered: one that has ended has no status.
#[derive(Debug, Deserialize)]
pub(super) struct Told {
    status: Option<String>,
    #[serde(default)]
    executors: Vec<Running>,
}

impl From<Told> for Option<Standing> {
    fn from(Told { status, executors }: Told) -> Self {
        status.map(|status| Standing { status, executors })
    }
}

/// An executor, and where it runs for how long.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Running {
    /// Its component.
    pub component: String,
    /// Its first task.
    pub first: u32,
    /// Its last task.
    pub last: u32,
    /// Host and port of its worker.
    pub slot: String,
    /// For how long it ran at its last heartbeat; 0 where there was none yet.
    pub uptime_secs: u64,
}

/// What of a component is placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Placed {
    /// Its executors.
    pub executors: u32,
    /// Their tasks.
    pub tasks: u32,
}

impl Standing {
    /// Whether it works.
    pub fn is_active(&self) -> bool {
        self.status == "ACTIVE"
    }

    /// Whether it is about to be placed anew: until that is over, Nimbus takes up no other change.
    pub fn is_rebalancing(&self) -> bool {
        self.status == "REBALANCING"
    }

    /// Whether somebody has ended it.
    pub fn is_killed(&self) -> bool {
        self.status == "KILLED"
    }

    /// Executors of a component that are placed. A Nimbus that has just begun to lead tells none for a moment, and those
    /// that there is no room for are missing as well.
    pub fn placed(&self, component: &str) -> Placed {
        let mut placed = Placed::default();
        for one in self.executors.iter().filter(|one| one.component == component) {
            placed.executors += 1;
            placed.tasks += one.last.saturating_sub(one.first).saturating_add(1);
        }
        placed
    }

    /// Whether all executors run as they are placed now, where they stood otherwise so long ago and no worker ended earlier
    /// than `waited` later. A worker that has the same executors as before went on; any other was started since, and an
    /// older heartbeat is one of its predecessor.
    pub fn runs_since(&self, before: &Self, elapsed: Duration, waited: Duration) -> bool {
        let (now, then) = (self.workers(), before.workers());
        let longest = (elapsed.saturating_sub(waited) + CLOCKS).as_secs();
        let is_up = |one: &Running| {
            let slot = one.slot.as_str();
            let went_on = now.get(slot) == then.get(slot);
            one.uptime_secs > 0 && (went_on || one.uptime_secs <= longest)
        };
        self.is_active() && self.executors.iter().all(is_up)
    }

    /// Executors of each worker, by their tasks.
    fn workers(&self) -> BTreeMap<&str, BTreeSet<(u32, u32)>> {
        let mut workers: BTreeMap<&str, BTreeSet<(u32, u32)>> = BTreeMap::new();
        for one in &self.executors {
            workers.entry(&one.slot).or_default().insert((one.first, one.last));
        }
        workers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(executors: &[(&str, (u32, u32), &str, u64)]) -> Standing {
        let running =
            |&(component, (first, last), slot, uptime_secs): &(&str, _, &str, u64)| Running {
                component: component.to_owned(),
                first,
                last,
                slot: slot.to_owned(),
                uptime_secs,
            };
        let executors = executors.iter().map(running).collect();
        Standing { status: "ACTIVE".to_owned(), executors }
    }

    #[test]
    fn a_worker_with_other_executors_has_to_have_started_since() {
        let before = standing(&[("lines", (1, 1), "n:1", 900), ("split", (2, 5), "n:2", 900)]);
        let elapsed = Duration::from_secs(40);
        let after = |uptimes: [u64; 3]| {
            let now = standing(&[
                ("lines", (1, 1), "n:1", uptimes[0]),
                ("split", (2, 3), "n:2", uptimes[1]),
                ("split", (4, 5), "n:2", uptimes[2]),
            ]);
            now.runs_since(&before, elapsed, Duration::from_secs(30))
        };
        assert!(after([940, 5, 5]), "the worker of lines went on");
        assert!(!after([940, 905, 5]), "a heartbeat of the worker before");
        assert!(!after([940, 25, 5]), "no worker ends that early");
        assert!(!after([940, 5, 0]), "one has not told yet that it runs");
    }

    #[test]
    fn what_is_placed_is_counted_by_tasks() {
        let now = standing(&[("split", (2, 3), "n:2", 1), ("split", (4, 4), "n:2", 1)]);
        assert_eq!(now.placed("split"), Placed { executors: 2, tasks: 3 });
        assert_eq!(now.placed("lines"), Placed::default());
    }
}
