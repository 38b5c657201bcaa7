//! Where an executor could run instead of where it runs, and what that would change: a function of what was observed and
//! measured last.
//!
//! The order is that of placement: first the load of the fullest node, then traffic that stays local, then what has to
//! restart. It weighs one executor on its own, whereas placement moves whole workers; so it tells why none would be gained
//! by it, not what the next plan is.

use serde::Serialize;
use serde_json::Value;
use thalweg_core::model::{ComponentKind, Executor, Node, Observation, SlotRef, Topology};

/// Loads that differ by less than this part count as the same: placement leaves workers where they are for it.
const SAME: f64 = 0.1;

/// A node on which an executor runs or could run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Seat {
    /// The node's host.
    pub host: String,
    /// Whether the executor runs there.
    pub here: bool,
    /// The node's load with it, where one executor of the reference node that is always busy is 1.
    pub load: f64,
    /// The load of the fullest node then.
    pub worst_load: f64,
    /// The part of what it exchanges that stays on the node.
    pub local: f64,
    /// Memory that would be left, as far as it was declared, in MiB.
    pub memory_left_mib: Option<f64>,
    /// Whether a worker would have to start for it: another slot is taken up by little.
    pub new_worker: bool,
    /// Executors that would restart, as its worker is replaced whole; none if it stays.
    pub restarts: usize,
    /// Whether sources are among these, so that the topology would stop for it.
    pub stops: bool,
    /// Why it cannot run there, if it cannot.
    pub barred: Option<String>,
}

/// The nodes for an executor, the best first, and those where it cannot run last.
pub fn seats(
    executor: &Executor,
    topology: &Topology,
    seen: &Observation,
    decision: &Value,
) -> Vec<Seat> {
    let demand = share(decision, "components", executor_id(executor, topology), "mean_capacity");
    let demand = demand.unwrap_or(0.0);
    let here = executor.slot.map(|slot| slot.node as usize);
    let power = |node: &Node| share(decision, "nodes", &node.id, "power").unwrap_or(1.0).max(0.01);
    let load = |node: &Node| share(decision, "nodes", &node.id, "load").unwrap_or(0.0);
    // The demand was measured where it runs, so it is that of a node of that power.
    let work = demand * here.and_then(|at| seen.nodes.get(at)).map_or(1.0, power);
    let without = |at: usize, node: &Node| {
        let own = if here == Some(at) { work / power(node) } else { 0.0 };
        (load(node) - own).max(0.0)
    };
    let with = |at: usize, node: &Node| without(at, node) + work / power(node);
    let workers: Vec<SlotRef> = topology.executors.iter().filter_map(|one| one.slot).collect();
    let beside: Vec<&Executor> =
        topology.executors.iter().filter(|one| one.slot == executor.slot).collect();
    let stops = beside.iter().any(|one| {
        let component = topology.components.get(one.component as usize);
        component.is_some_and(|component| component.kind != ComponentKind::Operator)
    });
    let mut seats: Vec<Seat> = seen
        .nodes
        .iter()
        .enumerate()
        .map(|(at, node)| {
            let is_here = here == Some(at);
            let others = seen.nodes.iter().enumerate().filter(|(other, _)| *other != at);
            let others = others.map(|(other, node)| without(other, node));
            let new_worker = !workers.iter().any(|slot| slot.node as usize == at);
            let memory_left_mib = memory_left(executor, topology, (at, node), seen);
            Seat {
                host: node.host.clone(),
                here: is_here,
                load: with(at, node),
                worst_load: others.fold(with(at, node), f64::max),
                local: local(executor, topology, at),
                memory_left_mib,
                new_worker,
                restarts: if is_here { 0 } else { beside.len() },
                stops: !is_here && stops,
                barred: barred((executor, topology), (at, node), seen, new_worker).or_else(|| {
                    let short = memory_left_mib.filter(|left| *left < 0.0 && !is_here)?;
                    Some(format!("its memory is short by {:.0} MiB", -short))
                }),
            }
        })
        .collect();
    best_first(&mut seats);
    seats
}

/// Puts the best seat first, and those where the executor cannot run last. Loads are the same that differ by little from the
/// least of them: that two in a row do would not do, as the last of a row may be far from the first.
fn best_first(seats: &mut Vec<Seat>) {
    seats.sort_by(|one, other| one.worst_load.total_cmp(&other.worst_load));
    let (mut rank, mut least) = (0, f64::NEG_INFINITY);
    let ranked = std::mem::take(seats).into_iter().map(|seat| {
        if seat.worst_load * (1.0 - SAME) > least {
            (rank, least) = (rank + 1, seat.worst_load);
        }
        (rank, seat)
    });
    let mut ranked: Vec<(u32, Seat)> = ranked.collect();
    ranked.sort_by(|(rank, one), (others_rank, other)| {
        let barred = one.barred.is_some().cmp(&other.barred.is_some());
        let by_load = barred.then(rank.cmp(others_rank));
        by_load.then(other.local.total_cmp(&one.local)).then(one.restarts.cmp(&other.restarts))
    });
    seats.extend(ranked.into_iter().map(|(_, seat)| seat));
}

/// Why it stays, or what speaks for another node, and what would change the answer.
pub fn verdict(seats: &[Seat]) -> String {
    let Some(here) = seats.iter().find(|seat| seat.here) else {
        return "it runs nowhere".to_owned();
    };
    let elsewhere = seats.iter().filter(|seat| !seat.here && seat.barred.is_none());
    let Some(best) = elsewhere.min_by(|one, other| one.worst_load.total_cmp(&other.worst_load))
    else {
        return "no other node can take it: a free slot or a node more would change that"
            .to_owned();
    };
    let limit = here.worst_load * (1.0 - SAME);
    if best.worst_load < limit {
        return format!(
            "on {} the fullest node would have {:.2} instead of {:.2}: a plan that moves workers may take that up",
            best.host, best.worst_load, here.worst_load
        );
    }
    format!(
        "it stays: elsewhere the fullest node would have {:.2} at best (on {}), and less than {limit:.2} would be worth a restart of {} executors",
        best.worst_load, best.host, best.restarts
    )
}

fn executor_id<'a>(executor: &Executor, topology: &'a Topology) -> &'a str {
    topology.components.get(executor.component as usize).map_or("", |component| &*component.id)
}

/// A number of a decision's view.
fn share(decision: &Value, list: &str, id: &str, what: &str) -> Option<f64> {
    let all = decision.pointer(&format!("/view/{list}"))?.as_array()?;
    all.iter().find(|one| one["id"] == id)?[what].as_f64()
}

/// The part of what an executor exchanges that stays on a node: streams by what they carry, their ends equally.
fn local(executor: &Executor, topology: &Topology, node: usize) -> f64 {
    let (mut all, mut kept) = (0.0, 0.0);
    for edge in &topology.edges {
        let peer = match (edge.from == executor.component, edge.to == executor.component) {
            (true, _) => edge.to,
            (_, true) => edge.from,
            _ => continue,
        };
        let peers = || {
            let others = topology.executors.iter().filter(|one| one.tasks != executor.tasks);
            others.filter(|one| one.component == peer)
        };
        let there = peers().filter(|one| one.slot.is_some_and(|slot| slot.node as usize == node));
        let weight = edge.sent.map_or(1.0, |sent| sent as f64);
        let count = peers().count().max(1);
        all += weight;
        kept += weight * there.count() as f64 / count as f64;
    }
    if all > 0.0 { kept / all } else { 0.0 }
}

/// Memory that would be left on a node with an executor; nothing where none is known.
fn memory_left(
    executor: &Executor,
    topology: &Topology,
    (at, node): (usize, &Node),
    seen: &Observation,
) -> Option<f64> {
    let of = |one: &Executor, of: &Topology| of.components.get(one.component as usize)?.memory_mib;
    let own = of(executor, topology)?;
    let there = |one: &&Executor| one.slot.is_some_and(|slot| slot.node as usize == at);
    let taken: f64 = seen
        .topologies
        .iter()
        .map(|all| all.executors.iter().filter(there).filter_map(|one| of(one, all)).sum::<f64>())
        .sum();
    let is_here = executor.slot.is_some_and(|slot| slot.node as usize == at);
    Some(node.memory_mib? - taken - if is_here { 0.0 } else { own })
}

/// Why an executor cannot run on a node.
fn barred(
    (executor, topology): (&Executor, &Topology),
    (at, node): (usize, &Node),
    seen: &Observation,
    new_worker: bool,
) -> Option<String> {
    let is_here = executor.slot.is_some_and(|slot| slot.node as usize == at);
    if node.blacklisted || node.draining {
        return Some(if node.draining { "it is drained" } else { "it is blacklisted" }.to_owned());
    }
    if is_here {
        return None;
    }
    let all = seen.topologies.iter().flat_map(|topology| &topology.executors);
    let taken: Vec<SlotRef> = all.filter_map(|one| one.slot).collect();
    let free =
        node.ports.iter().any(|port| !taken.contains(&SlotRef { node: at as u32, port: *port }));
    if new_worker && !free {
        return Some("no slot is free".to_owned());
    }
    let most = topology.components.get(executor.component as usize)?.most_per_node?;
    let alike = topology.executors.iter().filter(|one| one.component == executor.component);
    let there = alike.filter(|one| one.slot.is_some_and(|slot| slot.node as usize == at)).count();
    (there as u32 >= most).then(|| format!("it has {there} of its kind, and {most} are allowed"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;
    use thalweg_core::model::{Component, Edge, Grouping, TaskRange};

    /// `lines` feeds two of `split`: `lines` and the first `split` on node 0, the second on node 1; node 2 is empty.
    fn cluster() -> (Observation, Value) {
        let node = |at: usize| Node {
            id: format!("n{at}"),
            host: format!("host-{at}"),
            ports: vec![6700],
            ..Node::default()
        };
        let component = |id: &str, kind, first, last| Component {
            id: id.to_owned(),
            kind,
            tasks: TaskRange::new(first, last),
            ..Component::default()
        };
        let executor = |component, task, node| Executor {
            component,
            tasks: TaskRange::new(task, task),
            slot: Some(SlotRef { node, port: 6700 }),
            counters: None,
        };
        let topology = Topology {
            id: "w-1".to_owned(),
            name: "w".to_owned(),
            components: vec![
                component("lines", ComponentKind::Source, 1, 1),
                component("split", ComponentKind::Operator, 2, 3),
            ],
            edges: vec![Edge { from: 0, to: 1, grouping: Grouping::Shuffle, sent: Some(100) }],
            executors: vec![executor(0, 1, 0), executor(1, 2, 0), executor(1, 3, 1)],
            ..Topology::default()
        };
        let decision = json!({ "view": {
            "components": [{ "id": "lines", "mean_capacity": 0.1 }, { "id": "split", "mean_capacity": 0.8 }],
            "nodes": [{ "id": "n0", "power": 1.0, "load": 0.9 }, { "id": "n1", "power": 1.0, "load": 0.8 },
                      { "id": "n2", "power": 0.5, "load": 0.0 }] } });
        let seen = Observation {
            nodes: (0..3).map(node).collect(),
            topologies: vec![topology],
            ..Observation::default()
        };
        (seen, decision)
    }

    #[test]
    fn an_executor_stays_where_the_fullest_node_is_least_full_and_its_sender_is() {
        let (seen, decision) = cluster();
        let topology = &seen.topologies[0];
        let seats = seats(&topology.executors[1], topology, &seen, &decision);
        let hosts: Vec<&str> = seats.iter().map(|seat| &*seat.host).collect();
        // 0.1 + 0.8 here; 0.8 + 0.8 beside the other; 0.8 on a node half as fast is 1.6.
        assert_eq!(hosts, ["host-0", "host-1", "host-2"]);
        let loads: Vec<String> =
            seats.iter().map(|seat| format!("{:.1}", seat.worst_load)).collect();
        assert_eq!(loads, ["0.9", "1.6", "1.6"]);
        assert_eq!(seats.iter().map(|seat| seat.local).collect::<Vec<_>>(), [1.0, 0.0, 0.0]);
        assert_eq!((seats[1].new_worker, seats[2].new_worker), (false, true));
        assert!(seats[1].restarts == 2 && seats[1].stops, "it shares its worker with the source");
        assert!(
            verdict(&seats).starts_with("it stays: elsewhere the fullest node would have 1.60")
        );
    }

    #[test]
    fn a_hundred_nodes_have_an_order_whatever_their_loads() {
        let (mut seen, mut decision) = cluster();
        let node = |at: usize| Node {
            id: format!("n{at}"),
            host: format!("host-{at}"),
            ports: vec![6700, 6701],
            ..Node::default()
        };
        seen.nodes = (0..100).map(node).collect();
        let topology = &seen.topologies[0];
        for seed in 1..=100_u64 {
            let mut drawn = seed;
            let loads = (0..100).map(|at| {
                drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let load = (drawn >> 33) as f64 / f64::from(1_u32 << 31);
                json!({ "id": format!("n{at}"), "power": 1.0, "load": 2.0 * load })
            });
            decision["view"]["nodes"] = loads.collect();
            let seats = seats(&topology.executors[1], topology, &seen, &decision);
            assert_eq!(seats.len(), 100);
            let least = seats.iter().map(|seat| seat.worst_load).fold(f64::INFINITY, f64::min);
            assert!(seats[0].worst_load * (1.0 - SAME) <= least, "seed {seed}: {:?}", seats[0]);
        }
    }

    #[test]
    fn a_faster_empty_node_speaks_for_a_move_unless_nothing_fits_there() {
        let (mut seen, mut decision) = cluster();
        decision["view"]["nodes"][0]["load"] = json!(1.7);
        decision["view"]["nodes"][2]["power"] = json!(2.0);
        let of = |seen: &Observation| {
            let topology = &seen.topologies[0];
            seats(&topology.executors[1], topology, seen, &decision)
        };
        // 1.7 here; away it is 0.9 on the node that it leaves, and 0.4 on the new one.
        assert_eq!(
            (&*of(&seen)[0].host, format!("{:.1}", of(&seen)[0].worst_load)),
            ("host-2", "0.9".to_owned())
        );
        assert!(
            verdict(&of(&seen))
                .starts_with("on host-2 the fullest node would have 0.90 instead of 1.70")
        );
        seen.nodes[2].ports.clear();
        seen.nodes[1].draining = true;
        assert_eq!(of(&seen)[0].host, "host-0");
        assert!(verdict(&of(&seen)).starts_with("no other node can take it"));
        let barred: Vec<_> = of(&seen).into_iter().filter_map(|seat| seat.barred).collect();
        assert_eq!(barred.len(), 2);
        assert!(
            barred.contains(&"no slot is free".to_owned())
                && barred.contains(&"it is drained".to_owned())
        );
        // Memory is a bound too.
        seen.nodes[1].draining = false;
        seen.nodes[1].memory_mib = Some(150.0);
        seen.topologies[0].components[1].memory_mib = Some(100.0);
        let short = of(&seen).into_iter().find(|seat| seat.host == "host-1").unwrap();
        assert_eq!(short.barred.as_deref(), Some("its memory is short by 50 MiB"));
    }
}
