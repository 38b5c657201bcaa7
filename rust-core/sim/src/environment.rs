//! The state of the cluster at an instant: speeds, faults, and what starting workers burn.

use crate::hidden::Hidden;
use crate::job::Environment;
use crate::scenario::{FaultKind, Scenario};

/// A worker that is starting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Start {
    /// Its node.
    pub node: usize,
    /// Processor seconds that it still needs.
    pub cpu_secs: f64,
}

/// Cores that a starting worker takes of a node: as one more thread among those that want it, never more than its half.
pub fn start_cores(cores: f64) -> f64 {
    1.0f64.min(cores / 2.0)
}

/// Finds the environment at an instant; `starting` workers take a core each.
pub fn at(
    scenario: &Scenario,
    hidden: &Hidden,
    starting: &[Start],
    paused: bool,
    now: f64,
) -> Environment {
    let mut environment = Environment {
        speed: hidden.nodes.iter().map(|node| node.ability).collect(),
        taken: vec![0.0; hidden.nodes.len()],
        others: vec![0.0; hidden.nodes.len()],
        round_trip: hidden.nodes.iter().map(|node| node.round_trip_secs).collect(),
        hop: 0.0,
        paused,
    };
    for fault in scenario.faults.iter().filter(|fault| fault.holds(now)) {
        match fault.kind {
            FaultKind::NodeDeath { node } => environment.speed[node] = 0.0,
            FaultKind::SlowNode { node, factor } => environment.speed[node] *= factor,
            FaultKind::SlowLink { node, round_trip_millis } => {
                environment.round_trip[node] = round_trip_millis / 1000.0;
            }
            FaultKind::SlowNetwork { millis } => environment.hop += millis / 1000.0,
            FaultKind::Interference { cores } => {
                environment.taken.iter_mut().for_each(|taken| *taken += cores);
            }
            FaultKind::Metrics { .. } | FaultKind::JobFailure | FaultKind::Restarts { .. } => {}
        }
    }
    for start in starting.iter().filter(|start| start.cpu_secs > 0.0) {
        environment.taken[start.node] += start_cores(hidden.nodes[start.node].cores);
    }
    for (taken, node) in environment.taken.iter_mut().zip(&hidden.nodes) {
        *taken = taken.min(node.cores * 0.9);
    }
    environment
}
