//! Topologies.

use serde::Serialize;
use thalweg_core::explain::{ComponentView, Decision, Outcome, gauges};
use thalweg_core::model::ComponentKind;
use thalweg_core::units::{Millis, RatePerSec, Share};
use utoipa::ToSchema;

use super::chain::{ChainShown, chain};
use super::plan::{self, PlanView};
use super::reason::{ReasonShown, reasons};
use crate::names::word;
use crate::status::{Arrangement, Status};

/// How a topology stands with plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nothing is planned.
    None,
    /// A plan is shown and not carried out.
    Proposed,
    /// A plan waits for somebody's word.
    Waiting,
    /// A plan is being carried out.
    UnderWay,
}

/// A topology in the overview.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Summary {
    /// The engine.
    pub engine: String,
    /// The topology's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it runs.
    pub status: String,
    /// `hold`, `advise` or `act`.
    pub verdict: String,
    /// How far it may be changed.
    pub mode: String,
    /// When it was judged, in ms since 1970.
    pub at: i64,
    /// Its bottleneck level among the topologies.
    pub level: u32,
    /// The component that holds it up, where one does.
    pub bottleneck: Option<String>,
    /// Tuples that sources bring in per second; known where each of them is measured.
    pub throughput: Option<f64>,
    /// Mean process latency in ms.
    pub latency: Option<f64>,
    /// Mean complete latency in ms.
    pub complete_latency: Option<f64>,
    /// What the latency was expected to be, in ms.
    pub expected_latency: Option<f64>,
    /// Busy share of the busiest executor that is measured.
    pub busy: Option<f64>,
    /// Share of its executors that have fresh statistics.
    pub coverage: f64,
    /// Executors.
    pub executors: u32,
    /// Workers.
    pub workers: usize,
    /// Records that wait.
    pub backlog: Option<u64>,
    /// Tuples failed within the window.
    pub failed: u64,
    /// The first reason of the decision.
    pub reason: Option<ReasonShown>,
    /// How it stands with plans.
    pub plan: Standing,
}

/// A component.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ComponentShown {
    /// Its id.
    pub id: String,
    /// `source`, `operator` or `system`.
    pub kind: String,
    /// Its executors.
    pub executors: u32,
    /// Its tasks.
    pub tasks: u32,
    /// Executors with fresh statistics.
    pub measured: u32,
    /// Tuples per second.
    pub rate: Option<f64>,
    /// Tuples it is believed to be able to execute per second.
    pub believed_capacity: Option<f64>,
    /// Busy share of its busiest executor.
    pub busy: Option<f64>,
    /// Mean busy share of its executors.
    pub mean_busy: Option<f64>,
    /// Mean execute latency in ms.
    pub execute_latency: Option<f64>,
    /// Mean process latency in ms.
    pub process_latency: Option<f64>,
    /// Its bottleneck level; 0 where it has none.
    pub level: u32,
    /// Whether it holds the topology up.
    pub bottleneck: bool,
    /// Records that wait before it.
    pub backlog: Option<u64>,
    /// Memory of each executor, in MiB.
    pub memory_mib: Option<f64>,
    /// Tuples failed within the window.
    pub failed: u64,
}

/// A stream between two components.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StreamShown {
    /// The sending component.
    pub from: String,
    /// The receiving component.
    pub to: String,
    /// How tuples choose their receiver.
    pub grouping: String,
    /// Tuples received along it per second.
    pub rate: Option<f64>,
}

/// What runs in a slot.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WorkerShown {
    /// The node's id.
    pub node: String,
    /// The port there.
    pub port: u32,
    /// Executors by component.
    pub executors: std::collections::BTreeMap<String, u32>,
}

/// A node as one topology sees it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NodeShown {
    /// Its id.
    pub id: String,
    /// Its host.
    pub host: String,
    /// Its rack, where it is known.
    pub rack: String,
    /// The ports of its slots.
    pub ports: Vec<u32>,
    /// Whether it is being emptied.
    pub draining: bool,
    /// Work it can do, relative to the node that can do most.
    pub power: Option<f64>,
    /// Work of this topology on it.
    pub load: Option<f64>,
}

/// What came of a plan.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OutcomeShown {
    /// The plan.
    pub plan: String,
    /// When it was judged, in ms since 1970.
    pub at: i64,
    /// Whether it helped.
    pub helped: bool,
    /// Why so.
    pub text: String,
    /// Tuples per second before and after.
    pub throughput: [f64; 2],
    /// Mean process latency before and after, in ms.
    pub latency: [Option<f64>; 2],
    /// Busy share of the busiest executor before and after.
    pub busy: [f64; 2],
    /// What that was expected to be after, where the plan changed how many executors there are.
    pub expected_busy: Option<f64>,
}

impl OutcomeShown {
    /// Shows an outcome.
    pub fn of(outcome: &Outcome) -> Self {
        let (before, after) = (&outcome.before, &outcome.after);
        Self {
            plan: outcome.plan.clone(),
            at: outcome.at.millis(),
            helped: outcome.helped,
            text: outcome.text.clone(),
            throughput: [before.throughput.get(), after.throughput.get()],
            latency: [millis(before.process_latency), millis(after.process_latency)],
            busy: [before.capacity.get(), after.capacity.get()],
            expected_busy: outcome.expected_busy.map(Share::get),
        }
    }
}

/// What the sources of a topology together are expected to bring.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct ForecastShown {
    /// For when: an action decided now would take effect then. In ms since 1970.
    pub due: i64,
    /// Tuples per second that are expected.
    pub expected: f64,
    /// Tuples per second that the policy reckons with.
    pub upper: f64,
}

/// A topology.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TopologyShown {
    /// What the overview shows of it.
    pub summary: Summary,
    /// The policy that judges it.
    pub policy: String,
    /// Why it was decided so.
    pub reasons: Vec<ReasonShown>,
    /// How that came about.
    pub chain: ChainShown,
    /// Its components.
    pub components: Vec<ComponentShown>,
    /// Its streams.
    pub streams: Vec<StreamShown>,
    /// Where it runs.
    pub workers: Vec<WorkerShown>,
    /// The nodes of the cluster.
    pub nodes: Vec<NodeShown>,
    /// Executors that run nowhere.
    pub unassigned: u32,
    /// What its sources are expected to bring, where its policy expects anything.
    pub forecast: Option<ForecastShown>,
    /// The plan under way, or the one proposed.
    pub plan: Option<PlanView>,
    /// What came of its last plans, the last one first.
    pub outcomes: Vec<OutcomeShown>,
}

fn millis(value: Option<Millis>) -> Option<f64> {
    value.map(Millis::get)
}

/// The operator with the highest level, if it is above all others, or else the busiest of those.
fn bottleneck(components: &[ComponentView]) -> Option<&str> {
    let operators = components.iter().filter(|c| c.kind == ComponentKind::Operator);
    let worst = operators
        .filter(|c| c.level > 0)
        .max_by(|a, b| a.level.cmp(&b.level).then(a.capacity.cmp(&b.capacity)))?;
    Some(worst.id.as_str())
}

/// Shows a topology in the overview.
pub fn summary(engine: &str, status: &Status, decision: &Decision) -> Summary {
    let arrangement = arrangement(status, decision);
    let view = &decision.view;
    let backlog = arrangement.map(|a| &a.backlog).filter(|backlog| !backlog.is_empty());
    let under_way = status.plan.as_ref().is_some_and(|p| p.plan.topology == decision.topology);
    Summary {
        engine: engine.to_owned(),
        id: decision.topology.clone(),
        name: decision.name.clone(),
        status: arrangement.map(|a| word(&a.status)).unwrap_or_default(),
        verdict: word(&decision.verdict),
        mode: word(&decision.mode),
        at: decision.at.millis(),
        level: view.level,
        bottleneck: bottleneck(&view.components).map(str::to_owned),
        throughput: gauges::throughput(decision).map(RatePerSec::get),
        latency: millis(view.latency),
        complete_latency: millis(gauges::complete_latency(decision)),
        expected_latency: view.expected_latency,
        busy: gauges::busy(decision).map(Share::get),
        coverage: view.coverage.get(),
        executors: gauges::executors(decision),
        workers: arrangement.map_or(0, |a| a.workers.len()),
        backlog: backlog.map(|backlog| backlog.values().sum()),
        failed: gauges::failed(decision),
        reason: reasons(decision.reasons.get(..1).unwrap_or_default()).pop(),
        plan: match (under_way, &decision.plan) {
            (true, _) => Standing::UnderWay,
            (false, Some(_)) if decision.offer.is_some() => Standing::Waiting,
            (false, Some(_)) => Standing::Proposed,
            (false, None) => Standing::None,
        },
    }
}

/// Shows a topology with all that is known of it.
pub fn topology(engine: &str, status: &Status, decision: &Decision) -> TopologyShown {
    let arrangement = arrangement(status, decision);
    let view = &decision.view;
    let holds_up = bottleneck(&view.components);
    let component = |c: &ComponentView| ComponentShown {
        id: c.id.clone(),
        kind: word(&c.kind),
        executors: c.executors,
        tasks: c.tasks,
        measured: c.measured,
        rate: c.rate.map(RatePerSec::get),
        believed_capacity: c.believed_capacity.map(RatePerSec::get),
        busy: c.capacity.map(Share::get),
        mean_busy: c.mean_capacity.map(Share::get),
        execute_latency: millis(c.execute_latency),
        process_latency: millis(c.process_latency.or(c.complete_latency)),
        level: c.level,
        bottleneck: holds_up == Some(c.id.as_str()),
        backlog: arrangement.and_then(|a| a.backlog.get(&c.id).copied()),
        memory_mib: arrangement.and_then(|a| a.memory_mib.get(&c.id).copied()),
        failed: c.failed,
    };
    TopologyShown {
        summary: summary(engine, status, decision),
        policy: decision.policy.clone(),
        reasons: reasons(&decision.reasons),
        chain: chain(&decision.chain),
        components: view.components.iter().map(component).collect(),
        streams: arrangement.map(streams).unwrap_or_default(),
        workers: arrangement.map(workers).unwrap_or_default(),
        nodes: nodes(status, decision),
        unassigned: arrangement.map_or(0, |a| a.unassigned),
        forecast: view.load_forecast.map(|forecast| ForecastShown {
            due: forecast.due.millis(),
            expected: forecast.expected.get(),
            upper: forecast.upper.get(),
        }),
        plan: plan_of(engine, status, decision),
        outcomes: status
            .outcomes
            .iter()
            .filter(|outcome| outcome.topology == decision.topology)
            .map(OutcomeShown::of)
            .collect(),
    }
}

/// Shows the plan for a topology that is under way, or else the one that is proposed.
pub fn plan_of(engine: &str, status: &Status, decision: &Decision) -> Option<PlanView> {
    let under_way = status.plan.as_ref().filter(|p| p.plan.topology == decision.topology);
    match (under_way, &decision.plan) {
        (Some(under_way), _) => Some(plan::active((engine, status), under_way)),
        (None, Some(plan)) => {
            let arrangement = arrangement(status, decision);
            Some(plan::proposed((engine, status), plan, decision, arrangement))
        }
        (None, None) => None,
    }
}

fn arrangement<'a>(status: &'a Status, decision: &Decision) -> Option<&'a Arrangement> {
    // Both come in the order of the observation.
    let place = status.decisions.iter().position(|other| std::ptr::eq(other, decision));
    let same = |a: &&Arrangement| a.topology == decision.topology;
    let near = place.and_then(|place| status.arrangements.get(place)).filter(same);
    near.or_else(|| status.arrangements.iter().find(same))
}

fn streams(arrangement: &Arrangement) -> Vec<StreamShown> {
    let shown = |stream: &crate::status::Stream| StreamShown {
        from: stream.from.clone(),
        to: stream.to.clone(),
        grouping: word(&stream.grouping),
        rate: stream.rate.map(RatePerSec::get),
    };
    arrangement.streams.iter().map(shown).collect()
}

fn workers(arrangement: &Arrangement) -> Vec<WorkerShown> {
    let shown = |worker: &crate::status::Worker| WorkerShown {
        node: worker.node.clone(),
        port: worker.port,
        executors: worker.executors.clone(),
    };
    arrangement.workers.iter().map(shown).collect()
}

fn nodes(status: &Status, decision: &Decision) -> Vec<NodeShown> {
    let judged = |id: &str| decision.view.nodes.iter().find(|node| node.id == id);
    let shown = |node: &crate::status::Node| NodeShown {
        id: node.id.clone(),
        host: node.host.clone(),
        rack: node.rack.clone(),
        ports: node.ports.clone(),
        draining: node.draining,
        power: judged(&node.id).map(|node| node.power.get()),
        load: judged(&node.id).map(|node| node.load.get()),
    };
    status.nodes.iter().map(shown).collect()
}
