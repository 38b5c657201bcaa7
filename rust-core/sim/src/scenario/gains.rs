//! How many records a component gets for each that the sources bring in.

use thalweg_core::demand::Demand;
use thalweg_core::model::{ComponentKind, Grouping};

use super::spec::{ComponentSpec, EdgeSpec, EngineKind, Scenario};

/// Rounds in which what is sent back has to settle.
const ROUNDS: usize = 1000;
/// A change by less than this is none.
const SETTLED: f64 = 1e-9;

/// Records of each component for one source record of the job. What is behind copies that are broadcast is
/// computed for as many executors as a component begins with.
pub fn gains(scenario: &Scenario) -> Vec<Demand> {
    settled(scenario).unwrap_or_else(|| vec![Demand::default(); scenario.components.len()])
}

/// The same; nothing where more comes back than is sent.
pub fn settled(scenario: &Scenario) -> Option<Vec<Demand>> {
    let all: f64 = sources(scenario).map(|c| c.share).sum();
    let own = |c: &ComponentSpec| match c.kind {
        ComponentKind::Source => Demand::shared(c.share / all.max(1e-9)),
        _ => Demand::default(),
    };
    let own: Vec<Demand> = scenario.components.iter().map(own).collect();
    let mut gains = own.clone();
    // Without edges that lead back, the second round changes nothing.
    for _ in 0..ROUNDS {
        let before = gains.clone();
        for to in 0..own.len() {
            let id = &scenario.components[to].id;
            let into = scenario.edges.iter().filter(|edge| edge.to == *id);
            let sent = |edge: &EdgeSpec| {
                let from = scenario.component(&edge.from)?;
                let taken = gains[from].of(scenario.components[from].executors);
                let records = taken * edge.selectivity;
                let tasks = f64::from(scenario.components[to].tasks);
                Some(match copies(scenario, edge) {
                    Copies::One => Demand::shared(records),
                    Copies::PerTask => Demand::shared(records * tasks),
                    Copies::PerExecutor => Demand { shared: 0.0, each: records },
                })
            };
            gains[to] = into.filter_map(sent).fold(own[to], |sum, sent| sum + sent);
        }
        let change = gains.iter().zip(&before).map(|(is, was)| is.of(1) - was.of(1));
        let change = change.fold(0.0, f64::max);
        if change <= SETTLED {
            return Some(gains);
        }
    }
    None
}

/// How often a record of a stream is received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copies {
    /// Once.
    One,
    /// By every task.
    PerTask,
    /// By every executor.
    PerExecutor,
}

/// How often a record of an edge is received: Storm sends to tasks, Flink to subtasks.
pub fn copies(scenario: &Scenario, edge: &EdgeSpec) -> Copies {
    match edge.grouping {
        Grouping::All if scenario.engine == EngineKind::Storm => Copies::PerTask,
        Grouping::All | Grouping::Broadcast => Copies::PerExecutor,
        _ => Copies::One,
    }
}

fn sources(scenario: &Scenario) -> impl Iterator<Item = &ComponentSpec> {
    scenario.components.iter().filter(|c| c.kind == ComponentKind::Source)
}
