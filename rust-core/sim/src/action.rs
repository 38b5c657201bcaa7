//! How a plan is carried out: what the actuator of each engine does, and how long that takes.

use thalweg_core::explain::{Plan, PlanKind};
use thalweg_core::model::{SlotRef, TopologyStatus};

use crate::environment::Start;
use crate::hidden::Hidden;
use crate::job::Job;
use crate::layout::{Change, Desired, Usable, changed_slots, rearrange, share_slots};
use crate::observe::{node_id, task_ranges};
use crate::random::Random;
use crate::scenario::{EngineKind, Method, Scenario};

/// A plan under way.
#[derive(Debug, Clone)]
pub struct Action {
    /// The plan.
    pub plan: Plan,
    desired: Vec<Desired>,
    phase: Phase,
    /// Whether it fails after its preparation.
    fails: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// New workers start beside the old ones.
    Preparing { until: f64 },
    /// Sources pause until nothing is on its way.
    Draining { until: f64 },
    /// Changed workers start.
    Starting { until: f64 },
}

/// What became of an action in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It goes on.
    Running,
    /// It is done.
    Done,
    /// It was given up, and nothing has changed.
    GivenUp,
}

/// What an action works on.
pub struct Site<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The truth.
    pub hidden: &'a Hidden,
    /// The job.
    pub job: &'a mut Job,
    /// What of the cluster the job may use.
    pub usable: Usable,
    /// Workers that are starting.
    pub starting: &'a mut Vec<Start>,
    /// Where times are drawn.
    pub random: &'a mut Random,
    /// Now, in seconds.
    pub now: f64,
}

impl Action {
    /// Begins to carry out a plan.
    pub fn begin(plan: Plan, site: &mut Site<'_>) -> Self {
        let mut desired = desired(site.scenario, &plan);
        if site.scenario.engine == EngineKind::Flink {
            share_slots(site.scenario, &site.usable, &mut desired);
        }
        let now = site.now;
        let storm = &site.scenario.storm;
        let mut fails = false;
        let phase = match (site.scenario.engine, method(storm.method, plan.kind)) {
            (EngineKind::Flink, _) => {
                let until = now + flink_restart(site);
                set_memory(site, &plan);
                restart_flink(site, &desired, until, site.scenario.flink.replay);
                Phase::Starting { until }
            }
            (EngineKind::Storm, Method::Drain) => {
                Phase::Draining { until: now + storm.message_timeout_secs }
            }
            (EngineKind::Storm, Method::Rebalance) => {
                let [low, high] = storm.restart_secs;
                let until = now + site.random.between(low, high);
                restart_storm(site, &desired, until);
                Phase::Starting { until }
            }
            (EngineKind::Storm, _) => {
                let [low, high] = storm.prepare_secs;
                fails = site.random.unit() < storm.failure_rate;
                start_workers(site, &desired);
                Phase::Preparing { until: now + site.random.between(low, high) }
            }
        };
        Self { plan, desired, phase, fails }
    }

    /// Goes on with it.
    pub fn step(&mut self, site: &mut Site<'_>) -> Progress {
        let now = site.now;
        let storm = &site.scenario.storm;
        match self.phase {
            Phase::Preparing { until } if now >= until && site.starting.is_empty() => {
                if self.fails {
                    return Progress::GivenUp;
                }
                self.phase = Phase::Starting { until: switch_storm(site, &self.desired) };
            }
            Phase::Draining { until } if now >= until || site.job.pending() < 1.0 => {
                let [low, high] = storm.restart_secs;
                let until = now + site.random.between(low, high);
                restart_storm(site, &self.desired, until);
                self.phase = Phase::Starting { until };
            }
            Phase::Starting { until } if now >= until && site.starting.is_empty() => {
                return Progress::Done;
            }
            _ => {}
        }
        Progress::Running
    }

    /// Lets an action end no earlier, as something else restarted the job meanwhile.
    pub fn wait_until(&mut self, instant: f64) {
        let (Phase::Preparing { until } | Phase::Draining { until } | Phase::Starting { until }) =
            &mut self.phase;
        *until = until.max(instant);
    }

    /// The slots that it is to lead to.
    pub fn slots(&self) -> impl Iterator<Item = SlotRef> + '_ {
        self.desired.iter().filter_map(|(_, _, slot)| *slot)
    }

    /// Whether sources are paused.
    pub fn pauses(&self) -> bool {
        matches!(self.phase, Phase::Draining { .. })
    }

    /// The status that the engine shows meanwhile.
    pub fn status(&self) -> TopologyStatus {
        match self.phase {
            Phase::Preparing { .. } => TopologyStatus::Active,
            Phase::Draining { .. } | Phase::Starting { .. } => TopologyStatus::Rebalancing,
        }
    }
}

fn method(wanted: Method, kind: PlanKind) -> Method {
    match (wanted, kind) {
        (Method::Auto | Method::MakeBeforeBreak, PlanKind::Counts | PlanKind::Move) => {
            Method::MakeBeforeBreak
        }
        // Workers of sources cannot be replaced beside themselves.
        (Method::Auto | Method::MakeBeforeBreak, PlanKind::Layout) => Method::Drain,
        (other, _) => other,
    }
}

/// The executors that a plan asks for.
pub fn desired(scenario: &Scenario, plan: &Plan) -> Vec<Desired> {
    let nodes = scenario.node_count() as usize;
    let slot = |node: &str, port: u32| {
        let node = (0..nodes).find(|&index| node_id(index) == node)?;
        Some(SlotRef { node: node as u32, port })
    };
    let mut desired: Vec<Desired> = plan
        .rows
        .iter()
        .filter_map(|row| {
            let component = scenario.component(&row.component)?;
            Some((component, row.executor, slot(&row.after.node, row.after.port)))
        })
        .collect();
    desired.sort_by_key(|(_, tasks, _)| *tasks);
    debug_assert_eq!(
        desired.iter().map(|(_, tasks, _)| tasks.count()).sum::<u32>(),
        task_ranges(scenario).iter().map(|range| range.count()).sum::<u32>(),
        "a plan has a row for each task"
    );
    desired
}

/// The workers that a plan starts burn processor time on their nodes.
pub fn start_workers(site: &mut Site<'_>, desired: &[Desired]) {
    let cpu_secs = site.scenario.storm.start_cpu_secs;
    let slots = changed_slots(site.job, desired);
    site.starting.extend(slots.iter().map(|slot| Start { node: slot.node as usize, cpu_secs }));
}

/// Senders switch to changed workers, which have started beside those they replace. Returns when they work.
pub fn switch_storm(site: &mut Site<'_>, desired: &[Desired]) -> f64 {
    let (now, storm) = (site.now, &site.scenario.storm);
    let gap = site.random.between(storm.switch_secs[0], storm.switch_secs[1]);
    let loss = site.random.between(storm.switch_loss[0], storm.switch_loss[1]);
    rearrange(site.scenario, site.job, desired, Change { now, gap, loss });
    now + gap
}

/// Changed workers end at once, with all they hold, and work again from `until` on.
pub fn restart_storm(site: &mut Site<'_>, desired: &[Desired], until: f64) {
    start_workers(site, desired);
    let now = site.now;
    rearrange(site.scenario, site.job, desired, Change { now, gap: until - now, loss: 1.0 });
}

/// Executors that are about to restart get the memory that a plan gives them. Storm's workers have what
/// they were submitted with.
fn set_memory(site: &mut Site<'_>, plan: &Plan) {
    for (id, mib) in &plan.memory_mib {
        if let Some(component) = site.scenario.component(id) {
            site.job.set_memory(component, f64::from(*mib));
        }
    }
}

/// Seconds for which a restarting Flink job does not work.
pub fn flink_restart(site: &mut Site<'_>) -> f64 {
    let flink = &site.scenario.flink;
    let state: f64 = site.hidden.components.iter().filter_map(|c| c.state).map(|s| s.mib).sum();
    let managers = used_nodes(site.job).max(1) as f64;
    let restore = state / (flink.restore_mib * managers).max(1e-9);
    site.random.between(flink.restart_secs[0], flink.restart_secs[1]) + restore
}

/// The whole job stops, and works again from `until` on; with `replay` it goes back to its last
/// checkpoint, without it took a savepoint before it stopped.
pub fn restart_flink(site: &mut Site<'_>, desired: &[Desired], until: f64, replay: bool) {
    let now = site.now;
    rearrange(site.scenario, site.job, desired, Change { now, gap: until - now, loss: 0.0 });
    for executor in &mut site.job.executors {
        executor.started = until;
        executor.works_from = until;
        executor.totals = Default::default();
    }
    site.job.roll_back(replay);
}

/// Nodes that a job uses.
pub fn used_nodes(job: &Job) -> usize {
    let nodes: std::collections::BTreeSet<u32> =
        job.executors.iter().filter_map(|e| e.slot).map(|slot| slot.node).collect();
    nodes.len()
}
