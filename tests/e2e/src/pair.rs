//! Two Nimbuses of one cluster, of which one leads until something happens to it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use thalweg_lab::control::TopologyInfo;

use crate::product::{FOLDER, LIMIT, Product, read_status, remove_if_there};
use crate::status::{ActivePlan, Status};
use crate::workers::pids;

/// As long as a full collection of garbage, or a machine that swaps.
const PAUSE: Duration = Duration::from_secs(45);
/// Short against the shortest state of a plan.
const GLANCE: Duration = Duration::from_millis(1);

/// What becomes of the leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It ends at once.
    Killed,
    /// It ends as its service is stopped.
    Stopped,
    /// It stands still, and goes on when another leads.
    Paused,
    /// Its machine is cut off, and comes back when another leads.
    CutOff,
}

impl Fault {
    /// Whether the process is another one afterwards.
    fn ends(self) -> bool {
        matches!(self, Self::Killed | Self::Stopped)
    }
}

/// How far a plan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// It is known to the leader and its store, and nothing was done.
    Published,
    /// Something is noted as done for it, which may not be done yet.
    Preparing,
    /// Its topology is stopped for it.
    Stopped,
    /// New workers run beside the old ones.
    Started,
    /// Senders use the new workers.
    Switched,
    /// From now on it is what shall run, but Nimbus may not have been asked yet.
    Committed,
    /// Nimbus holds it.
    Held,
}

impl Moment {
    /// How far this plan is, by what its leader says.
    pub fn of(plan: &ActivePlan) -> Self {
        match plan.state.as_str() {
            "preparing" if !plan.done.is_empty() => Self::Preparing,
            "switched" => Self::Switched,
            "committed" => Self::Committed,
            "settled" => Self::Held,
            _ => Self::Published,
        }
    }

    /// What its leader says of a plan that is so far.
    fn said(self) -> Self {
        match self {
            Self::Stopped | Self::Started => Self::Preparing,
            Self::Held => Self::Committed,
            said => said,
        }
    }
}

/// Which of both leads.
///
/// # Errors
/// Here and below: when nobody does in time, or a process cannot be started.
pub fn leader(product: &Product) -> Result<usize> {
    product.wait("a leader", || {
        let term = |which| status(product, which).map_or(0, |status: Status| status.term);
        let leads = |which: &usize| {
            status(product, *which)
                .is_ok_and(|status| status.leads && status.term >= term(1 - which))
        };
        Ok([0, 1].iter().find(|which| leads(which)).copied())
    })
}

/// Waits until a plan for a topology has come to a moment, or just past it.
///
/// # Errors
/// When it does not in time.
pub fn awaited(
    product: &Product,
    topology: &str,
    leader: usize,
    moment: Moment,
) -> Result<ActivePlan> {
    let before = pids(product.storm.dir());
    let plan = said(product, leader, moment.said())?;
    let wait = |what: &str, seen: &dyn Fn(&TopologyInfo) -> bool| {
        product.wait(what, || Ok(seen(&product.storm.control().info(topology)?).then_some(())))
    };
    match moment {
        Moment::Stopped => wait("a stopped topology", &|info| info.status == "INACTIVE")?,
        Moment::Started => wait("new workers beside the old ones", &|_| {
            let now = pids(product.storm.dir());
            now.len() > before.len() && before.keys().all(|port| now.contains_key(port))
        })?,
        Moment::Held => wait("Nimbus to hold the plan", &|info| {
            plan.plan.counts.iter().all(|(component, n)| info.of(component).count() == *n)
        })?,
        _ => {}
    }
    Ok(plan)
}

fn said(product: &Product, leader: usize, moment: Moment) -> Result<ActivePlan> {
    let begun = Instant::now();
    let last = |status: &Status| status.ended.first().map(|ended| ended.plan.id.clone());
    let before = last(&status(product, leader)?);
    while begun.elapsed() < LIMIT {
        let Ok(now) = status(product, leader) else { continue };
        if now.plan.is_none() && last(&now) != before {
            bail!("over before it was {moment:?}: {:?}", now.ended.first());
        }
        if let Some(plan) = now.plan.filter(|plan| Moment::of(plan) >= moment) {
            let took = begun.elapsed().as_secs_f64();
            eprintln!("{took:6.1} s for a plan to be {moment:?}");
            return Ok(plan);
        }
        std::thread::sleep(GLANCE);
    }
    bail!("no plan came to be {moment:?}\n{}", product.evidence())
}

/// Something happens to the leader, and the other one leads.
///
/// # Errors
/// As for [`leader`].
pub fn fails(product: &mut Product, old: usize, fault: Fault) -> Result<()> {
    let term = status(product, old)?.term;
    match fault {
        Fault::Killed => product.storm.kill_nimbus_of(old),
        Fault::Stopped => product.storm.stop_nimbus_of(old)?,
        Fault::Paused => product.storm.nimbuses()[old].pause()?,
        Fault::CutOff => product.storm.plug_standby(false)?,
    }
    let failed_at = Instant::now();
    product.wait("another leader", || {
        let now = status(product, 1 - old)?;
        Ok((now.leads && now.term > term).then_some(()))
    })?;
    if fault == Fault::Paused {
        // The pause itself, not a wait for anything.
        std::thread::sleep(PAUSE.saturating_sub(failed_at.elapsed()));
    }
    Ok(())
}

/// What happened to a Nimbus is over, and it says that it does not lead.
///
/// # Errors
/// As for [`leader`].
pub fn returns(product: &mut Product, old: usize, fault: Fault) -> Result<()> {
    if fault.ends() {
        // What the ended process said last stays until the new one says something.
        remove_if_there(&folder(product, old).join("status.json"))?;
        product.storm.start_nimbus_of(old)?;
    } else if fault == Fault::Paused {
        product.storm.nimbuses()[old].resume()?;
    } else {
        product.storm.plug_standby(true)?;
    }
    product
        .wait("a former leader that says so", || Ok((!status(product, old)?.leads).then_some(())))
}

/// What one of both says of itself.
///
/// # Errors
/// When it has said nothing yet.
pub fn status(product: &Product, which: usize) -> Result<Status> {
    read_status(&folder(product, which).join("status.json"))
}

/// Where one of both keeps its files, and takes orders.
pub fn folder(product: &Product, which: usize) -> PathBuf {
    product.storm.nimbuses()[which].local_dir().join(FOLDER)
}
