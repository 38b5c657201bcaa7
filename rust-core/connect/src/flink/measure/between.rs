//! How many records wait between a step and its senders, in buffers: those sent less those taken in. Without it a step that
//! works off what has piled up seems to take in more than it is sent.

use std::collections::{BTreeMap, BTreeSet};

use super::super::json::rounded;
use super::super::view::{JobView, Totals, Vertex};
use super::seconds::Report;

/// A subtask that is idle for more than this share of the time has nothing waiting.
const IDLE: f64 = 0.1;

/// What each subtask of each vertex had done at one instant, as far as it is known.
pub type Reports = Vec<Vec<Option<Report>>>;

#[derive(Debug, Clone)]
struct Seen {
    /// Tells the run of the subtasks: their counters begin anew with each.
    run: String,
    /// What waited when the counters began, as far as it is known.
    offset: f64,
    waiting: u64,
    receivers: Vec<Report>,
}

/// What waits before steps that are no sources.
#[derive(Debug, Default)]
pub struct Between {
    /// By job and vertex.
    seen: BTreeMap<(String, String), Seen>,
    looked: BTreeSet<(String, String)>,
}

impl Between {
    /// Records that wait before the vertex at this index; nothing where that cannot be told.
    pub fn before(&mut self, job: &JobView, index: usize, reports: &Reports) -> Option<u64> {
        let vertex = &job.vertices[index];
        let key = (job.id.clone(), vertex.id.clone());
        self.looked.insert(key.clone());
        let receivers = whole(&reports[index])?;
        let senders = senders(job, vertex, reports)?;
        let before = self.seen.get(&key);
        if !at_one_instant(receivers.iter().chain(&senders)) {
            // Of a subtask whose counters came late the last report is older: nothing new can be told.
            return before.map(|before| before.waiting);
        }
        let sent: f64 = senders.iter().map(|report| report.totals.written).sum();
        let taken: f64 = receivers.iter().map(|report| report.totals.read).sum();
        let run = run(job, vertex);
        let goes_on = before.filter(|before| before.run == run);
        // What waited when a run ended was saved with its checkpoint, and waits again.
        let mut offset = match (goes_on, before) {
            (Some(same), _) => same.offset,
            (None, Some(former)) => former.waiting as f64,
            (None, None) => 0.0,
        };
        let nothing_waits = goes_on.is_some_and(|same| idle(&same.receivers, &receivers));
        if nothing_waits || sent - taken + offset < 0.0 {
            offset = taken - sent;
        }
        let waiting = rounded(sent - taken + offset);
        self.seen.insert(key, Seen { run, offset, waiting, receivers });
        Some(waiting)
    }

    /// Forgets what was not looked at since the last call.
    pub fn keep_looked(&mut self) {
        let looked = std::mem::take(&mut self.looked);
        self.seen.retain(|key, _| looked.contains(key));
    }
}

fn whole(reports: &[Option<Report>]) -> Option<Vec<Report>> {
    reports.iter().copied().collect()
}

/// The reports of all senders, where all that they write goes to this vertex once, and all counters are there.
fn senders(job: &JobView, vertex: &Vertex, reports: &Reports) -> Option<Vec<Report>> {
    let receivers = |from: usize| {
        let inputs = job.vertices.iter().flat_map(|other| &other.inputs);
        inputs.filter(|input| input.from == from).count()
    };
    let mut senders = Vec::new();
    for input in &vertex.inputs {
        if receivers(input.from) != 1 || input.ship_strategy == "BROADCAST" {
            return None;
        }
        senders.extend(whole(reports.get(input.from)?)?);
    }
    (!vertex.inputs.is_empty()).then_some(senders)
}

/// Whether all report of the same second.
fn at_one_instant<'a>(mut reports: impl Iterator<Item = &'a Report>) -> bool {
    let Some(first) = reports.next() else { return false };
    reports.all(|report| report.second == first.second)
}

/// Which run the subtasks of a vertex and of its senders are in.
fn run(job: &JobView, vertex: &Vertex) -> String {
    let senders = vertex.inputs.iter().filter_map(|input| job.vertices.get(input.from));
    let tasks = senders.chain([vertex]).flat_map(|vertex| &vertex.tasks);
    let named =
        tasks.map(|task| format!("{} {} ", task.attempt, task.node.as_deref().unwrap_or("")));
    named.collect()
}

/// Whether every subtask was idle for some of the time between these reports, if there is any.
fn idle(before: &[Report], now: &[Report]) -> bool {
    let idle_of = |totals: &Totals| totals.spent.map_or(f64::NAN, |spent| spent.idle);
    before.len() == now.len()
        && before.iter().zip(now).all(|(was, is)| {
            let idle = idle_of(&is.totals) - idle_of(&was.totals);
            idle > IDLE * (is.totals.time - was.totals.time)
        })
}

#[cfg(test)]
mod tests {
    use super::super::super::view::{Input, Spent, StateOf, Task, Waiting};
    use super::*;

    fn vertex(id: &str, inputs: &[(usize, &str)], attempt: u64, totals: Totals) -> Vertex {
        let inputs = inputs
            .iter()
            .map(|(from, how)| Input { from: *from, ship_strategy: (*how).to_owned() });
        Vertex {
            id: id.to_owned(),
            name: id.to_owned(),
            first_task: 0,
            max_parallelism: 4,
            inputs: inputs.collect(),
            tasks: vec![Task {
                index: 0,
                attempt,
                node: Some("n1".to_owned()),
                running: true,
                finished: false,
                totals: Some(totals),
                state: StateOf::default(),
            }],
            waiting: Waiting::default(),
            slot_group: String::new(),
            bounds: None,
        }
    }

    fn totals(read: f64, written: f64, idle: f64) -> Totals {
        Totals::timed(read, written, Spent { busy: 1000.0, backpressured: 0.0, idle })
    }

    /// A source that sent so much to a step that took in so much and was idle so long.
    fn job(attempt: u64, sent: f64, taken: f64, idle: f64, how: &str) -> JobView {
        let source = vertex("source", &[], attempt, totals(0.0, sent, 0.0));
        let split = vertex("split", &[(0, how)], attempt, totals(taken, 0.0, idle));
        JobView {
            id: "job".to_owned(),
            name: "words".to_owned(),
            state: "RUNNING".to_owned(),
            checkpoint: None,
            checkpoint_interval: None,
            obstacle: None,
            vertices: vec![source, split],
        }
    }

    fn reports(job: &JobView) -> Reports {
        let report = |totals| Report { second: 1, uptime_secs: 1, totals };
        let of =
            |vertex: &Vertex| vertex.tasks.iter().map(|task| task.totals.map(report)).collect();
        job.vertices.iter().map(of).collect()
    }

    fn waiting(between: &mut Between, job: &JobView) -> Option<u64> {
        between.before(job, 1, &reports(job))
    }

    fn hashed(attempt: u64, sent: f64, taken: f64, idle: f64) -> JobView {
        job(attempt, sent, taken, idle, "HASH")
    }

    #[test]
    fn what_was_sent_and_not_taken_in_waits() {
        let mut between = Between::default();
        assert_eq!(waiting(&mut between, &hashed(0, 100.0, 100.0, 500.0)), Some(0));
        assert_eq!(waiting(&mut between, &hashed(0, 220.0, 160.0, 500.0)), Some(60));
        assert_eq!(waiting(&mut between, &hashed(0, 250.0, 230.0, 500.0)), Some(20));
    }

    #[test]
    fn nothing_waits_before_a_subtask_that_is_idle() {
        let mut between = Between::default();
        // 40 records were in its checkpoint when it began, which the sender did not count.
        assert_eq!(waiting(&mut between, &hashed(0, 100.0, 140.0, 0.0)), Some(0));
        assert_eq!(waiting(&mut between, &hashed(0, 200.0, 230.0, 0.0)), Some(10));
        assert_eq!(waiting(&mut between, &hashed(0, 300.0, 335.0, 300.0)), Some(0));
        assert_eq!(waiting(&mut between, &hashed(0, 400.0, 430.0, 300.0)), Some(5));
    }

    #[test]
    fn what_waited_before_a_restart_waits_after_it() {
        let mut between = Between::default();
        waiting(&mut between, &hashed(0, 100.0, 100.0, 500.0));
        assert_eq!(waiting(&mut between, &hashed(0, 500.0, 200.0, 500.0)), Some(300));
        assert_eq!(waiting(&mut between, &hashed(1, 50.0, 100.0, 0.0)), Some(250));
    }

    #[test]
    fn counters_that_came_late_are_not_held_against_others_of_today() {
        let mut between = Between::default();
        assert_eq!(waiting(&mut between, &hashed(0, 220.0, 160.0, 0.0)), Some(60));
        let later = hashed(0, 220.0, 260.0, 0.0);
        // The sender is still where it was a second ago, and seems to have sent less than was taken in.
        let mut late = reports(&later);
        late[1][0].as_mut().expect("a report").second = 2;
        assert_eq!(between.before(&later, 1, &late), Some(60));
        assert_eq!(waiting(&mut between, &hashed(0, 430.0, 360.0, 0.0)), Some(70));
    }

    #[test]
    fn what_goes_to_several_or_is_not_counted_is_not_told() {
        let mut between = Between::default();
        assert_eq!(waiting(&mut between, &job(0, 100.0, 50.0, 0.0, "BROADCAST")), None);
        let mut two = hashed(0, 100.0, 50.0, 0.0);
        assert_eq!(between.before(&two, 0, &reports(&two)), None, "nothing is sent to a source");
        let mut silent = reports(&two);
        silent[0][0] = None;
        assert_eq!(between.before(&two, 1, &silent), None);
        two.vertices.push(vertex("other", &[(0, "HASH")], 0, totals(50.0, 0.0, 0.0)));
        assert_eq!(waiting(&mut between, &two), None);
    }
}
