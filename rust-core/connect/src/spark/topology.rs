//! A query and its executors in the core's words.

use thalweg_core::model::{
    Component, ComponentKind, Counters, Edge, Executor, Grouping, Node, Obstacle, SlotRef,
    TaskRange, Topology, TopologyStatus,
};

use super::course::Course;
use super::told::{Executors, Query, Running, Told};

/// The component whose executors are Spark's.
pub const COMPONENT: &str = "query";
/// Tasks of a batch where nobody says into how many it falls.
const UNKNOWN_TASKS: u32 = 128;
/// More than so many count as so many: nobody splits a batch further.
const MOST_TASKS: u32 = 1 << 20;
/// So many executors may come at once, where nobody says how many a cluster has left.
const MOST_MORE: u32 = 1000;
/// Where the query is among the components, which come by their names,
const QUERY: u32 = 0;
/// and where its source is.
const SOURCE: u32 = 1;
/// Compute is counted in hundredths of a core.
const POINTS_PER_CORE: f64 = 100.0;
/// The driver's own place.
const DRIVER: &str = "driver";
/// Where executors would be that a cluster has not given yet: Spark does not tell what it has left.
const CLUSTER: &str = "cluster";

/// A query, as it is seen.
struct Seen<'a> {
    told: &'a Told,
    query: &'a Query,
    course: &'a Course,
    /// Whether the time that batches take says how busy executors are.
    timed: bool,
}

/// A query of which nothing is known but what stands against judging it.
pub fn bare(query: &Query, obstacle: Obstacle) -> Topology {
    Topology {
        id: query.run_id.clone(),
        name: query.name().to_owned(),
        status: TopologyStatus::Active,
        obstacle: Some(obstacle),
        ..Topology::default()
    }
}

/// A query as it was seen, where it may be told how busy its executors are or not.
pub fn of(told: &Told, query: &Query, course: &Course, timed: bool) -> Topology {
    let seen = Seen { told, query, course, timed };
    let tasks = seen.tasks();
    let executors = seen.executors(tasks);
    Topology {
        id: query.run_id.clone(),
        name: query.name().to_owned(),
        status: TopologyStatus::Active,
        desired_workers: ordinal(executors.len()),
        components: seen.components(tasks),
        edges: vec![Edge { from: SOURCE, to: QUERY, grouping: seen.grouping(), sent: None }],
        executors,
        ..Topology::default()
    }
}

impl Seen<'_> {
    /// The tasks that a batch falls into, and so many cores at most have something to do. Of state they are as many for as long
    /// as its checkpoint lives.
    fn tasks(&self) -> u32 {
        let of_source = || self.query.batches.last()?.partitions();
        let known = self.query.state().and_then(|state| state.partitions).or_else(of_source);
        known.unwrap_or(UNKNOWN_TASKS).min(MOST_TASKS).max(self.told.executors.count()).max(1)
    }

    /// More executors than that have nothing to do, or are not to be asked for.
    fn most(&self, tasks: u32) -> u32 {
        most_of(&self.told.executors, tasks)
    }

    fn grouping(&self) -> Grouping {
        if self.query.state().is_some() { Grouping::Fields } else { Grouping::Shuffle }
    }

    fn components(&self, tasks: u32) -> Vec<Component> {
        let query = Component {
            id: COMPONENT.to_owned(),
            kind: ComponentKind::Operator,
            tasks: TaskRange::new(1, tasks),
            least_executors: Some(1),
            most_executors: Some(self.most(tasks)),
            slot_group: 2,
            ..Component::default()
        };
        let source = Component {
            id: "source".to_owned(),
            kind: ComponentKind::Source,
            tasks: TaskRange::new(0, 0),
            backlog: self.query.batches.last().and_then(|batch| batch.behind()),
            least_executors: Some(1),
            most_executors: Some(1),
            slot_group: 1,
            ..Component::default()
        };
        vec![query, source]
    }

    /// The driver's, and those of the query in the order of their tasks.
    fn executors(&self, tasks: u32) -> Vec<Executor> {
        let source = Executor {
            component: SOURCE,
            tasks: TaskRange::new(0, 0),
            slot: Some(SlotRef { node: 0, port: 0 }),
            counters: self.arrived(),
        };
        let running = &self.told.executors.running;
        let count = self.told.executors.count().max(1);
        let hosts = hosts(running);
        let one = |(index, executor): (u32, &Running)| {
            let first =
                |index: u32| 1 + (u64::from(index) * u64::from(tasks) / u64::from(count)) as u32;
            let node = hosts.iter().position(|host| *host == executor.host);
            Executor {
                component: QUERY,
                tasks: TaskRange::new(first(index), first(index + 1).saturating_sub(1)),
                slot: node
                    .map(|node| SlotRef { node: ordinal(node) + 1, port: port(executor, index) }),
                counters: self.done(count),
            }
        };
        [source].into_iter().chain((0..).zip(running).map(one)).collect()
    }

    /// What has been brought in, by a driver that is busy with planning.
    fn arrived(&self) -> Option<Counters> {
        let totals = self.course.totals()?;
        let arrived = totals.arrived as u64;
        let planning_ms = totals.planning_ms;
        Some(Counters {
            uptime_secs: totals.secs,
            executed: arrived,
            execute_ms: planning_ms.unwrap_or(0.0),
            busy_ms: planning_ms,
            idle_ms: planning_ms.map(|ms| (f64::from(totals.secs) * 1000.0 - ms).max(0.0)),
            emitted: arrived,
            transferred: arrived,
            ..Counters::default()
        })
    }

    /// What each of so many executors has done: an even share, and busy while a batch ran.
    fn done(&self, count: u32) -> Option<Counters> {
        let totals = self.course.totals().filter(|_| self.timed)?;
        let executed = (totals.done / f64::from(count)) as u64;
        let idle_ms = (f64::from(totals.secs) * 1000.0 - totals.busy_ms).max(0.0);
        let state = self.query.state().and_then(|state| state.bytes);
        Some(Counters {
            uptime_secs: totals.secs,
            executed,
            execute_ms: totals.busy_ms,
            acked: executed,
            process_ms: totals.busy_ms,
            busy_ms: Some(totals.busy_ms),
            idle_ms: Some(idle_ms),
            state_bytes: state.map(|bytes| bytes / u64::from(count)),
            ..Counters::default()
        })
    }
}

/// The most executors of a query whose batches fall into so many tasks.
fn most_of(executors: &Executors, tasks: u32) -> u32 {
    let useful = tasks.div_ceil(executors.cores_of_one());
    useful.min(executors.most.unwrap_or(u32::MAX)).max(executors.count()).max(1)
}

/// The driver, the hosts of executors, and what the cluster may still give.
///
/// Of cores each place has those of an executor, where they are told. The driver has none: what queries run on is told there, and
/// nothing else is to be counted, nor taken for cores that components share.
pub fn nodes(told: &Told, topologies: &[Topology]) -> Vec<Node> {
    let running = &told.executors.running;
    let node = |id: &str, ports: Vec<u32>, cores: Option<f64>| Node {
        id: id.to_owned(),
        host: id.to_owned(),
        ports,
        cpu_points: cores.map(|cores| cores * POINTS_PER_CORE),
        ..Node::default()
    };
    let mut nodes = vec![node(DRIVER, vec![0], None)];
    for host in hosts(running) {
        let here = (0..).zip(running).filter(|(_, executor)| executor.host == host);
        let mut ports: Vec<u32> = here.map(|(index, executor)| port(executor, index)).collect();
        ports.sort_unstable();
        let here = running.iter().filter(|executor| executor.host == host);
        let cores =
            here.map(|executor| executor.cores.or(told.executors.cores).map(f64::from)).sum();
        nodes.push(node(host, ports, cores));
    }
    let most = topologies.iter().filter_map(|one| one.components.first()?.most_executors).max();
    let more = most.unwrap_or(0).saturating_sub(told.executors.count()).min(MOST_MORE);
    let next = (0..).zip(running).map(|(index, one)| port(one, index)).max().unwrap_or(0) + 1;
    let cores = told.executors.known_cores().map(|cores| f64::from(cores) * f64::from(more));
    nodes.push(node(CLUSTER, (next..next.saturating_add(more)).collect(), cores));
    nodes
}

/// The hosts of executors, each once, in their order.
fn hosts(running: &[Running]) -> Vec<&str> {
    let mut hosts: Vec<&str> = running.iter().map(|executor| executor.host.as_str()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

/// Spark numbers executors; the driver has 0 here.
fn port(executor: &Running, index: u32) -> u32 {
    executor.id.parse().ok().filter(|id| *id < u32::MAX / 2).unwrap_or(index) + 1
}

fn ordinal(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::told::tests::told;
    use super::*;

    fn two_batches() -> (Told, Course) {
        let mut told = told();
        let first = told.queries[0].batches[0].clone();
        let start = first.at_ms.map(|at| at + 2000);
        told.queries[0].batches.push(super::super::told::Batch {
            id: Some(4),
            at_ms: start,
            rows: Some(120),
            ..first
        });
        let mut course = Course::default();
        course.take(&told.queries[0].batches, None, told.executors.changed_at_ms);
        (told, course)
    }

    #[test]
    fn a_query_is_a_source_in_the_driver_and_work_that_executors_share() {
        let (told, course) = two_batches();
        let seen = of(&told, &told.queries[0], &course, true);
        let names: Vec<&str> = seen.components.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(names, ["query", "source"]);
        assert_eq!((seen.components[0].backlog, seen.components[1].backlog), (None, Some(0)));
        let tasks: Vec<String> = seen.executors.iter().map(|one| one.tasks.to_string()).collect();
        assert_eq!(tasks, ["[0-0]", "[1-3]", "[4-6]"]);
        let counted = |index: usize| seen.executors[index].counters.expect("counters");
        assert_eq!((counted(0).executed, counted(0).busy_ms), (220, Some(236.0)));
        assert_eq!((counted(1).executed, counted(1).uptime_secs), (50, 2));
        assert_eq!((counted(1).busy_ms, counted(1).idle_ms), (Some(1704.0), Some(296.0)));
        assert_eq!(counted(2).state_bytes, Some(1756));
        assert_eq!(seen.edges[0].grouping, Grouping::Fields);
        let places: Vec<_> = seen.executors.iter().filter_map(|one| one.slot).collect();
        let nodes = nodes(&told, std::slice::from_ref(&seen));
        let hosts: Vec<&str> = nodes.iter().map(|node| node.id.as_str()).collect();
        assert_eq!(hosts, ["driver", "10.0.0.1", "10.0.0.2", "cluster"]);
        for place in places {
            assert!(nodes[place.node as usize].ports.contains(&place.port), "{place:?}");
        }
        assert_eq!(nodes[3].ports, [5, 6, 7], "five at most, and two are there");
    }

    #[test]
    fn each_place_has_the_cores_of_an_executor_where_they_are_told() {
        let (mut told, course) = two_batches();
        let points = |told: &Told| -> Vec<Option<f64>> {
            let seen = of(told, &told.queries[0], &course, true);
            nodes(told, &[seen]).iter().map(|node| node.cpu_points).collect()
        };
        for host in 0..2 {
            told.executors.running[host].cores = Some(4);
            told.executors.running[host].host = "10.0.0.1".to_owned();
        }
        told.executors.cores = Some(4);
        told.executors.most = Some(3);
        // A third executor would have nothing to do: of six tasks a batch has, two run four each.
        assert_eq!(points(&told), [None, Some(800.0), Some(0.0)]);
        told.executors.cores = Some(2);
        assert_eq!(points(&told), [None, Some(800.0), Some(200.0)]);
        told.executors.cores = None;
        told.executors.running[0].cores = None;
        assert_eq!(points(&told)[..2], [None, None], "not all are told");
    }

    #[test]
    fn executors_beyond_the_tasks_of_a_batch_have_nothing_to_do() {
        let (mut told, course) = two_batches();
        told.executors.most = None;
        let most =
            |told: &Told| of(told, &told.queries[0], &course, true).components[0].most_executors;
        assert_eq!(most(&told), Some(6));
        told.executors.cores = Some(4);
        assert_eq!(most(&told), Some(2), "two executors of four cores are one for each of six");
    }

    #[test]
    fn no_number_that_is_told_makes_more_places_than_anybody_needs() {
        let (mut told, course) = two_batches();
        told.executors.most = None;
        told.queries[0].batches[1].state = Some(super::super::told::StateTold {
            bytes: Some(u64::MAX),
            partitions: Some(u32::MAX),
        });
        let seen = of(&told, &told.queries[0], &course, true);
        assert_eq!(seen.components[0].tasks.count(), MOST_TASKS);
        let nodes = nodes(&told, std::slice::from_ref(&seen));
        assert_eq!(nodes[3].ports.len(), MOST_MORE as usize);
    }

    #[test]
    fn where_time_says_nothing_the_executors_are_not_measured() {
        let (told, course) = two_batches();
        let seen = of(&told, &told.queries[0], &course, false);
        assert!(seen.executors[0].counters.is_some() && seen.executors[1].counters.is_none());
    }
}
