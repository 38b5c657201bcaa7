//! Puts what was seen of a cluster into the core's words: TaskManagers are nodes, slots ports, key groups tasks.

use std::collections::{BTreeMap, BTreeSet};

use thalweg_core::model::{
    Component, ComponentKind, Counters, Edge, Executor, Grouping, Node, Observation, SlotRef,
    TaskRange, Topology, TopologyStatus,
};
use thalweg_core::units::Timestamp;

use super::super::json::rounded;
use super::super::view::{JobView, NodeView, Task, Vertex};
use super::between::{Between, Reports};
use super::busy::BusyTimes;
use super::finished::Finished;
use super::ports::{Place, Ports, Seat};
use super::seconds::{EvenSeconds, Report};

/// Makes observations, and keeps what of the counters of one look is needed at the next.
#[derive(Debug, Default)]
pub struct Observer {
    busy: BusyTimes,
    seconds: EvenSeconds,
    between: Between,
    finished: Finished,
    ports: Ports,
}

/// Where subtasks run, and for how long garbage was collected there.
struct Places<'a> {
    of: BTreeMap<Seat, Place>,
    slots: BTreeMap<Place, SlotRef>,
    gc_ms: BTreeMap<&'a str, f64>,
}

impl Observer {
    /// The cluster as it was seen at this time, not later than its counters were as they were seen.
    ///
    /// Nodes come by their ids, jobs as given.
    pub fn observe(&mut self, at: Timestamp, nodes: &[NodeView], jobs: &[JobView]) -> Observation {
        let of = self.ports.of(jobs);
        let used: BTreeSet<&Place> = of.values().collect();
        let (nodes_seen, slots) = slots(nodes, &used);
        let gc = nodes.iter().filter_map(|node| Some((node.id.as_str(), node.gc_ms?)));
        let places = Places { gc_ms: gc.collect(), slots, of };
        let mut seen = BTreeSet::new();
        let topologies = (0..).zip(jobs).map(|(index, job)| {
            let reports = self.reports(job, at.millis(), &mut seen);
            self.topology(index, job, &places, &reports)
        });
        let topologies = topologies.collect();
        self.busy.keep(&seen);
        self.seconds.keep(&seen);
        self.finished.keep(&seen);
        self.between.keep_looked();
        Observation { at, nodes: nodes_seen, topologies }
    }

    /// What every subtask of every vertex had done at the last whole second, where that is known.
    fn reports(&mut self, job: &JobView, clock: i64, seen: &mut BTreeSet<String>) -> Reports {
        let mut all = Reports::new();
        for vertex in &job.vertices {
            let of = vertex.tasks.iter().map(|task| {
                let node = task.node.as_deref().unwrap_or_default();
                let key =
                    format!("{} {} {} {} {node}", job.id, vertex.id, task.index, task.attempt);
                let report = self.report(&key, task, clock);
                seen.insert(key);
                report
            });
            all.push(of.collect());
        }
        all
    }

    fn report(&mut self, key: &str, task: &Task, clock: i64) -> Option<Report> {
        let totals = match &task.totals {
            last if task.finished => self.finished.at(key, last.as_ref(), clock),
            Some(now) if task.running => *now,
            _ => return None,
        };
        let certain = self.busy.at(key, &totals);
        self.seconds.at(key, &certain, clock)
    }

    fn topology(
        &mut self,
        index: usize,
        job: &JobView,
        places: &Places<'_>,
        reports: &Reports,
    ) -> Topology {
        let components = (0..job.vertices.len()).map(|v| self.component(job, v, reports)).collect();
        let edges = (0..).zip(&job.vertices).flat_map(|(to, vertex)| {
            let inputs = vertex.inputs.iter();
            inputs.map(move |input| Edge {
                from: ordinal(input.from),
                to,
                grouping: grouping(&input.ship_strategy),
                sent: None,
            })
        });
        let seats = places.of.range((index, 0, 0)..(index + 1, 0, 0));
        let used: BTreeSet<&Place> = seats.map(|(_, place)| place).collect();
        Topology {
            id: job.id.clone(),
            name: job.name.clone(),
            status: status(&job.state),
            desired_workers: ordinal(used.len()),
            checkpoint: job.checkpoint,
            checkpoint_interval: job.checkpoint_interval,
            obstacle: job.obstacle,
            components,
            edges: edges.collect(),
            executors: executors(index, job, places, reports),
            ..Topology::default()
        }
    }

    fn component(&mut self, job: &JobView, index: usize, reports: &Reports) -> Component {
        let vertex = &job.vertices[index];
        let source = vertex.is_source();
        let own = ordinal(vertex.tasks.len());
        let bounds = match vertex.has_finished() {
            true => Some((own, own)),
            false => vertex.bounds.map(|bounds| (bounds.lower, bounds.upper)),
        };
        Component {
            id: vertex.name.clone(),
            kind: if source { ComponentKind::Source } else { ComponentKind::Operator },
            tasks: TaskRange::new(vertex.first_task, vertex.last_task()),
            backlog: match source {
                true => vertex.waiting.backlog,
                false => self.between.before(job, index, reports),
            },
            partitions: vertex.waiting.partitions,
            least_executors: bounds.map(|(least, _)| least),
            most_executors: bounds.map(|(_, most)| most),
            slot_group: slot_group(&job.vertices, index),
            ..Component::default()
        }
    }
}

/// Slots that are in use, and as many others as Flink says are free: jobs that are not read here hold the rest.
fn slots(nodes: &[NodeView], used: &BTreeSet<&Place>) -> (Vec<Node>, BTreeMap<Place, SlotRef>) {
    let mut slots = BTreeMap::new();
    let one = |(index, node): (u32, &NodeView)| {
        let mut left = used.iter().filter(|(id, _)| *id == node.id).count();
        let mut free = node.free;
        let mut ports = Vec::new();
        for port in 0.. {
            if left == 0 && (port >= node.slots || free == 0) {
                break;
            }
            let place = (node.id.clone(), port);
            if used.contains(&place) {
                left -= 1;
            } else if port < node.slots && free > 0 {
                free -= 1;
            } else {
                continue;
            }
            slots.insert(place, SlotRef { node: index, port });
            ports.push(port);
        }
        Node {
            id: node.id.clone(),
            host: node.host.clone(),
            ports,
            cpu_points: node.cpu_points,
            memory_mib: node.memory_mib,
            ..Node::default()
        }
    };
    let nodes = (0..).zip(nodes).map(one).collect();
    (nodes, slots)
}

fn executors(index: usize, job: &JobView, places: &Places<'_>, reports: &Reports) -> Vec<Executor> {
    let mut all = Vec::new();
    for (v, vertex) in job.vertices.iter().enumerate() {
        let count = ordinal(vertex.tasks.len());
        for (t, task) in vertex.tasks.iter().enumerate() {
            let (first, next) = (
                vertex.first_of(task.index, count),
                vertex.first_of(task.index.saturating_add(1), count),
            );
            let place = places.of.get(&(index, v, t));
            let gc = task.node.as_deref().and_then(|node| places.gc_ms.get(node)).copied();
            let report = reports.get(v).and_then(|of| *of.get(t)?);
            all.push(Executor {
                component: ordinal(v),
                tasks: TaskRange::new(first.min(vertex.last_task()), next.saturating_sub(1)),
                slot: place.and_then(|place| places.slots.get(place)).copied(),
                counters: report.map(|report| counters(&report, task, gc)),
            });
        }
    }
    all
}

/// A record counts as executed once it was taken in; by a source, once it was brought in.
fn counters(report: &Report, task: &Task, gc_ms: Option<f64>) -> Counters {
    let totals = &report.totals;
    let (executed, written) = (rounded(totals.read), rounded(totals.written));
    let spent = totals.spent;
    Counters {
        uptime_secs: report.uptime_secs,
        executed,
        execute_ms: spent.map_or(0.0, |spent| spent.busy),
        acked: executed,
        process_ms: spent.map_or(0.0, |spent| spent.busy + spent.backpressured),
        emitted: written,
        transferred: written,
        busy_ms: spent.map(|spent| spent.busy),
        backpressured_ms: spent.map(|spent| spent.backpressured),
        idle_ms: spent.map(|spent| spent.idle),
        gc_ms,
        state_bytes: task.state.bytes,
        state_accesses: task.state.lookups,
        state_hits: task.state.hits,
        ..Counters::default()
    }
}

/// A group has the number of its first vertex, counted from 1; 0 is that of all whose group is not told.
fn slot_group(vertices: &[Vertex], index: usize) -> u32 {
    let group = &vertices[index].slot_group;
    if group.is_empty() {
        return 0;
    }
    let first = vertices.iter().position(|vertex| vertex.slot_group == *group);
    ordinal(first.unwrap_or(index) + 1)
}

fn status(state: &str) -> TopologyStatus {
    match state {
        "RUNNING" => TopologyStatus::Active,
        "SUSPENDED" => TopologyStatus::Inactive,
        "CANCELLING" | "FAILING" => TopologyStatus::Killed,
        _ => TopologyStatus::Rebalancing,
    }
}

fn grouping(ship_strategy: &str) -> Grouping {
    match ship_strategy {
        "HASH" => Grouping::Fields,
        "REBALANCE" | "SHUFFLE" => Grouping::Shuffle,
        "RESCALE" | "FORWARD" => Grouping::LocalOrShuffle,
        "BROADCAST" => Grouping::Broadcast,
        "GLOBAL" => Grouping::Global,
        _ => Grouping::Custom,
    }
}

fn ordinal(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::super::view::{Input, Spent, StateOf, Totals, Waiting};
    use super::*;

    /// The observation that the shell in Java writes of the same job; the JNI library reads its bytes.
    const VECTOR: &str = include_str!("../../../../../tests/vectors/of-flink.json");

    fn node(id: &str, host: &str, free: u32) -> NodeView {
        NodeView {
            id: id.to_owned(),
            host: host.to_owned(),
            slots: 4,
            free,
            cpu_points: Some(100.0),
            memory_mib: Some(1024.0),
            gc_ms: None,
        }
    }

    fn task(index: u32, node: &str, totals: Totals) -> Task {
        Task {
            index,
            attempt: 0,
            node: Some(node.to_owned()),
            running: true,
            finished: false,
            totals: Some(totals),
            state: StateOf::default(),
        }
    }

    fn vertex(id: &str, name: &str, first_task: u32, max: u32, tasks: Vec<Task>) -> Vertex {
        Vertex {
            id: id.to_owned(),
            name: name.to_owned(),
            first_task,
            max_parallelism: max,
            inputs: Vec::new(),
            tasks,
            waiting: Waiting::default(),
            slot_group: String::new(),
            bounds: None,
        }
    }

    fn job(id: &str, vertices: Vec<Vertex>) -> JobView {
        JobView {
            id: id.to_owned(),
            name: "words".to_owned(),
            state: "RUNNING".to_owned(),
            checkpoint: None,
            checkpoint_interval: None,
            obstacle: None,
            vertices,
        }
    }

    /// A source on n1 that feeds two subtasks, one on each node, which are busy for 95 % of the time.
    fn words(seconds: f64) -> JobView {
        let of = |read: f64, written: f64, busy: f64| {
            let spent =
                Spent { busy: busy * seconds, backpressured: 0.0, idle: (1000.0 - busy) * seconds };
            Totals::timed(read * seconds, written * seconds, spent)
        };
        let source = vertex("aa", "lines", 0, 1, vec![task(0, "n1", of(100.0, 100.0, 500.0))]);
        let half = of(50.0, 350.0, 950.0);
        let split = vertex("bb", "split", 1, 4, vec![task(0, "n1", half), task(1, "n2", half)]);
        let inputs = vec![Input { from: 0, ship_strategy: "REBALANCE".to_owned() }];
        job("job", vec![source, Vertex { inputs, ..split }])
    }

    #[test]
    fn a_job_is_observed_as_the_shell_in_the_jobmanager_observes_it() {
        let nodes = [node("n1", "h1", 4), node("n2", "h2", 4)];
        let mut observer = Observer::default();
        observer.observe(Timestamp::from_millis(1_000), &nodes, &[words(9.0)]);
        let seen = observer.observe(Timestamp::from_millis(2_500), &nodes, &[words(11.0)]);
        let shell: Observation = serde_json::from_str(VECTOR).expect("an observation");
        assert_eq!(seen, shell);
    }

    fn ports(free: u32, jobs: &[JobView]) -> Vec<u32> {
        let nodes = [node("n1", "h1", free)];
        let seen = Observer::default().observe(Timestamp::from_millis(0), &nodes, jobs);
        seen.nodes[0].ports.clone()
    }

    #[test]
    fn only_slots_in_use_and_those_that_flink_calls_free_are_there() {
        let nothing = Totals::untimed(0.0, 0.0, 0.0);
        let one =
            |id: &str| job(id, vec![vertex("aa", "lines", 0, 1, vec![task(0, "n1", nothing)])]);
        let jobs = [one("one"), one("two")];
        assert_eq!(ports(2, &jobs), [0, 1, 2, 3]);
        // A job that is not read, as a batch job, holds the others.
        assert_eq!(ports(0, &jobs), [0, 1]);
        assert_eq!(ports(1, &jobs), [0, 1, 2]);
        assert!(ports(0, &[]).is_empty());
    }

    #[test]
    fn vertices_that_share_slots_have_the_number_of_the_first() {
        let groups = ["", "g", "h", "g"].map(|group| Vertex {
            slot_group: group.to_owned(),
            ..vertex("v", "v", 0, 1, Vec::new())
        });
        let numbers: Vec<u32> = (0..4).map(|index| slot_group(&groups, index)).collect();
        assert_eq!(numbers, [0, 2, 3, 2]);
    }
}
