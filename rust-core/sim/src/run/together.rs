//! What topologies of one cluster share.

use thiserror::Error;

use super::tenant::Tenant;
use crate::job::Environment;
use crate::scenario::{EngineKind, Scenario};

/// Cores of a node that a topology gets at once when it begins to want some: its threads wait for no more than others.
const AT_ONCE: f64 = 0.25;
/// Makes seeds of further topologies that have nothing to do with each other.
const NEXT_SEED: u64 = 0x9E37_79B9_7F4A_7C15;

/// Why scenarios cannot be run in one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotTogether {
    /// There is none.
    #[error("no scenario is given")]
    Nothing,
    /// Two topologies have one name.
    #[error("{name}: two topologies of one cluster have this name")]
    NamedAlike {
        /// The name.
        name: String,
    },
    /// Something that the cluster gives is not as the first one's.
    #[error("{name}: {what} is not that of {first}, with which it is to share a cluster")]
    NotAlike {
        /// The scenario.
        name: String,
        /// What.
        what: &'static str,
        /// The first one.
        first: String,
    },
}

/// The topologies of a cluster, none of which has begun.
pub(super) fn tenants(scenarios: &[Scenario], seed: u64) -> Result<Vec<Tenant<'_>>, NotTogether> {
    let (first, others) = scenarios.split_first().ok_or(NotTogether::Nothing)?;
    for (index, other) in others.iter().enumerate() {
        let before = &scenarios[..=index];
        if before.iter().any(|one| one.name == other.name) {
            return Err(NotTogether::NamedAlike { name: other.name.clone() });
        }
        if let Some(what) = differs(first, other) {
            let (name, first) = (other.name.clone(), first.name.clone());
            return Err(NotTogether::NotAlike { name, what, first });
        }
    }
    let first = Tenant::new(first, seed, None);
    let nodes = first.nodes().to_vec();
    let mut tenants = vec![first];
    for (number, other) in (1..).zip(others) {
        let own = seed.wrapping_add(NEXT_SEED.wrapping_mul(number));
        let mut tenant = Tenant::new(other, own, Some(&nodes));
        tenant.recorder.is_of_run(seed);
        tenants.push(tenant);
    }
    Ok(tenants)
}

/// What of the cluster differs.
fn differs(first: &Scenario, other: &Scenario) -> Option<&'static str> {
    let checks = [
        (first.engine == other.engine, "engine"),
        (first.nodes == other.nodes, "node"),
        (first.duration_secs == other.duration_secs, "duration_secs"),
        (first.step_millis == other.step_millis, "step_millis"),
        (first.metrics.report_secs == other.metrics.report_secs, "report_secs"),
        (first.storm == other.storm || first.engine != EngineKind::Storm, "storm"),
        (first.flink == other.flink || first.engine != EngineKind::Flink, "flink"),
        (first.faults_of_nodes().eq(other.faults_of_nodes()), "fault of a node"),
    ];
    checks.iter().find(|(alike, _)| !alike).map(|(_, what)| *what)
}

/// Takes from each topology the cores that the others have. Where more are wanted than there are, each gets its part, as
/// all threads of a machine do.
pub(super) fn share_nodes(tenants: &[Tenant<'_>], environments: &mut [Environment]) {
    if tenants.len() < 2 {
        return;
    }
    for (node, of) in tenants[0].nodes().iter().enumerate() {
        let wanted: Vec<(f64, f64)> =
            tenants.iter().map(|tenant| tenant.wanted_cores(node)).collect();
        let all: f64 = wanted.iter().map(|(work, starts)| work + starts).sum();
        for (environment, (work, starts)) in environments.iter_mut().zip(&wanted) {
            let others = all - work - starts;
            // Its own starting workers are taken off already.
            let free = (of.cores - environment.taken[node]).max(0.0);
            let own = work.max(AT_ONCE);
            let part = if own + others > free { free / (own + others) } else { 1.0 };
            environment.others[node] = others * part;
            environment.taken[node] += others * part;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::template::tiny;

    fn named(name: &str) -> Scenario {
        Scenario { name: name.to_owned(), ..tiny() }
    }

    fn refused(scenarios: &[Scenario]) -> String {
        tenants(scenarios, 1).err().map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn what_cannot_share_a_cluster_is_refused_by_name() {
        assert_eq!(refused(&[]), "no scenario is given");
        assert_eq!(
            refused(&[named("a"), named("b"), named("b")]),
            "b: two topologies of one cluster have this name"
        );
        let mut other = named("b");
        other.nodes[0].cores = 2.0;
        assert_eq!(
            refused(&[named("a"), other]),
            "b: node is not that of a, with which it is to share a cluster"
        );
        assert_eq!(refused(&[named("a"), named("b")]), "");
    }

    #[test]
    fn a_full_node_is_shared_by_what_is_wanted() {
        let scenarios = [named("a"), named("b"), named("c")];
        let mut tenants = tenants(&scenarios, 1).expect("they are alike");
        let share = |tenants: &[Tenant<'_>]| -> Vec<f64> {
            let mut all: Vec<Environment> = tenants.iter().map(|t| t.environment(0.0)).collect();
            share_nodes(tenants, &mut all);
            all.iter().map(|environment| environment.taken[0]).collect()
        };
        // Of 64 cores.
        for (tenant, wanted) in tenants.iter_mut().zip([10.0, 20.0, 0.0]) {
            tenant.job.wanted_cores[0] = wanted;
        }
        assert_eq!(share(&tenants), [20.0, 10.0, 30.0], "there is room");
        for (tenant, wanted) in tenants.iter_mut().zip([32.0, 96.0, 0.0]) {
            tenant.job.wanted_cores[0] = wanted;
        }
        let taken = share(&tenants);
        assert_eq!(taken[..2], [48.0, 16.0], "a quarter, and three");
        assert!(taken[2] < 64.0, "who wants nothing yet gets some at once");
    }
}
