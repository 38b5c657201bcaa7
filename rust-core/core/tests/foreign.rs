//! Components that other people's topologies bring: work that `execute` does not show, windows, ticks, workers that start
//! again and again, streams that leave executors idle. What cannot be judged is left alone and named; the rest is judged.

#![allow(missing_docs)]

use thalweg_core::explain::{Decision, Verdict};
use thalweg_core::model::{
    Component, ComponentKind, Counters, Edge, Executor, Grouping, Node, Observation, SlotRef,
    TaskRange, Topology,
};
use thalweg_core::reason::ReasonCode;
use thalweg_core::settings::{PolicyName, Settings};
use thalweg_core::state::State;
use thalweg_core::units::{Millis, Timestamp};
use thalweg_core::{Decided, decide};

/// Seconds between two looks.
const LOOK: u32 = 10;

/// What an executor does.
#[derive(Debug, Clone, Copy, Default)]
struct Does {
    /// Tuples executed per second, and the time of one in ms.
    executed: f64,
    execute_ms: f64,
    /// Time from execution to acknowledgement in ms, if that is not when it was executed.
    process_ms: Option<f64>,
    emitted: f64,
    /// Its worker ends after so many seconds, again and again.
    restarts: Option<u32>,
}

/// A topology in a line, seen at each interval.
struct Job {
    observation: Observation,
    does: Vec<Does>,
    counters: Vec<[f64; 6]>,
    uptimes: Vec<u32>,
    state: State,
    settings: Settings,
    seconds: u32,
}

impl Job {
    /// Components with what each of their executors does; the first is a source, and each sends to the next one.
    fn line(policy: PolicyName, components: &[(&str, &[Does])]) -> Self {
        let node = |index: u32| Node {
            id: format!("n{index}"),
            host: format!("host{index}"),
            ports: (1..=8).collect(),
            round_trip: Millis::new(0.3).ok(),
            ..Node::default()
        };
        let mut topology = Topology {
            id: "job-1".to_owned(),
            name: "job".to_owned(),
            desired_workers: 4,
            message_timeout: Millis::saturating(30_000.0),
            ..Topology::default()
        };
        let mut does = Vec::new();
        for (index, (id, executors)) in (0u32..).zip(components) {
            let first = 1 + 100 * index;
            let kind = if index == 0 { ComponentKind::Source } else { ComponentKind::Operator };
            topology.components.push(Component {
                id: (*id).to_owned(),
                kind,
                tasks: TaskRange::new(first, first + 31),
                backlog: (index == 0).then_some(0),
                ..Component::default()
            });
            let count = executors.len() as u32;
            for (place, one) in (0u32..).zip(*executors) {
                let from = first + place * 32 / count;
                let to = first + (place + 1) * 32 / count - 1;
                topology.executors.push(Executor {
                    component: index,
                    tasks: TaskRange::new(from, to),
                    slot: Some(SlotRef { node: place % 4, port: 1 + index }),
                    counters: None,
                });
                does.push(*one);
            }
            if index > 0 {
                topology.edges.push(Edge {
                    from: index - 1,
                    to: index,
                    sent: Some(0),
                    ..Edge::default()
                });
            }
        }
        Self {
            observation: Observation {
                nodes: (0..4).map(node).collect(),
                topologies: vec![topology],
                ..Observation::default()
            },
            counters: vec![[0.0; 6]; does.len()],
            uptimes: vec![1000; does.len()],
            does,
            state: State::default(),
            settings: Settings {
                sampling: Millis::from_secs(LOOK),
                ..Settings::recommended(policy)
            },
            seconds: 10_000,
        }
    }

    /// How the stream into a component chooses its receivers.
    fn grouped(mut self, to: usize, grouping: Grouping) -> Self {
        self.observation.topologies[0].edges[to - 1].grouping = grouping;
        self
    }

    fn look(&mut self) -> Decided {
        self.seconds += LOOK;
        let at = Timestamp::from_millis(i64::from(self.seconds) * 1000);
        self.observation.at = at;
        let topology = &mut self.observation.topologies[0];
        let mut sent = vec![0.0; topology.components.len()];
        for (index, executor) in topology.executors.iter_mut().enumerate() {
            let (does, sums) = (self.does[index], &mut self.counters[index]);
            self.uptimes[index] += LOOK;
            let mut span = f64::from(LOOK);
            if let Some(period) = does.restarts.filter(|period| self.uptimes[index] >= *period) {
                self.uptimes[index] %= period;
                span = f64::from(self.uptimes[index]);
                *sums = [0.0; 6];
            }
            let executed = does.executed * span;
            sums[0] += executed;
            sums[1] += executed * does.execute_ms;
            sums[2] += executed * does.process_ms.unwrap_or(does.execute_ms);
            sums[3] += does.emitted * span;
            sent[executor.component as usize] += does.emitted * f64::from(LOOK);
            executor.counters = Some(Counters {
                uptime_secs: self.uptimes[index],
                executed: sums[0] as u64,
                execute_ms: sums[1],
                acked: sums[0] as u64,
                process_ms: sums[2],
                emitted: sums[3] as u64,
                transferred: sums[3] as u64,
                ..Counters::default()
            });
        }
        for edge in &mut topology.edges {
            edge.sent = edge.sent.map(|so_far| so_far + sent[edge.from as usize] as u64);
        }
        let state = std::mem::take(&mut self.state);
        let decided = decide(
            &self.observation,
            state,
            &self.settings,
            thalweg_core::operator::Operator::SILENT,
            at,
        );
        self.state = decided.state.clone();
        decided
    }

    /// Looks for so many seconds, or until something is to be done; the last decision, and when it was made.
    fn run(&mut self, secs: u32) -> (Decision, u32) {
        let mut last = None;
        for second in (LOOK..=secs).step_by(LOOK as usize) {
            let decision = self.look().decisions.remove(0);
            let acts = decision.verdict == Verdict::Act;
            last = Some((decision, second));
            if acts {
                break;
            }
        }
        last.expect("it looks at least once")
    }
}

fn source(rate: f64) -> Does {
    Does { emitted: rate, ..Does::default() }
}

/// An executor that is busy for this part of the time with so many tuples a second.
fn busy(rate: f64, share: f64) -> Does {
    Does { executed: rate, execute_ms: 1000.0 * share / rate, emitted: rate, ..Does::default() }
}

fn count(decision: &Decision, id: &str) -> Option<u32> {
    decision.plan.as_ref()?.counts.get(id).copied()
}

fn names(decision: &Decision, code: ReasonCode, id: &str) -> bool {
    decision.reasons.iter().any(|reason| reason.code == code && reason.text.contains(id))
}

#[test]
fn work_that_execute_does_not_show_takes_no_executor_away_and_is_named() {
    for policy in [PolicyName::Thalweg, PolicyName::Ds2, PolicyName::Threshold, PolicyName::Dhalion]
    {
        for execute_ms in [0.1, 0.5] {
            let one =
                Does { executed: 60.0, execute_ms, process_ms: Some(30_000.0), ..Does::default() };
            let mut job = Job::line(policy, &[("in", &[source(960.0)]), ("async", &[one; 16])]);
            let (decision, _) = job.run(3600);
            assert_eq!(decision.verdict, Verdict::Hold, "{policy:?}: {:?}", decision.reasons);
            assert!(names(&decision, ReasonCode::WorkUnseen, "async"), "{:?}", decision.reasons);
        }
    }
}

#[test]
fn a_window_that_acknowledges_late_is_not_served_before_what_is_short() {
    let window = Does { process_ms: Some(1_800_000.0), ..busy(410.0, 0.82) };
    let components: [(&str, &[Does]); 3] =
        [("in", &[source(820.0)]), ("split", &[busy(410.0, 0.99); 2]), ("window", &[window; 2])];
    for policy in [PolicyName::MeStream, PolicyName::Thalweg] {
        let mut job = Job::line(policy, &components);
        let (decision, _) = job.run(1800);
        assert!(count(&decision, "split") > Some(2), "{policy:?}: {:?}", decision.reasons);
        let level = |id| decision.view.components.iter().find(|c| c.id == id).map(|c| c.level);
        assert!(level("split") > level("window"), "{:?}", decision.view.components);
    }
}

#[test]
fn the_rest_is_judged_while_a_worker_starts_again_and_again() {
    for period in [50, 25, 15] {
        let flaps = Does { restarts: Some(period), ..busy(20.0, 0.5) };
        let components: [(&str, &[Does]); 3] = [
            ("in", &[source(80.0)]),
            ("flaps", &[busy(20.0, 0.5), busy(20.0, 0.5), busy(20.0, 0.5), flaps]),
            ("idle", &[busy(10.0, 0.02); 8]),
        ];
        let mut job = Job::line(PolicyName::Thalweg, &components);
        let (decision, at) = job.run(300);
        assert!(
            names(&decision, ReasonCode::ExecutorsRestarting, "flaps"),
            "{:?}",
            decision.reasons
        );
        assert!(at <= 600);
        let (decision, _) = job.run(1800);
        let plan =
            decision.plan.as_ref().unwrap_or_else(|| panic!("{period}: {:?}", decision.reasons));
        assert_eq!(plan.counts.get("idle"), Some(&1), "{plan:?}");
        assert_eq!(plan.counts.get("flaps"), None, "{plan:?}");
    }
}

#[test]
fn a_shortage_is_seen_while_a_worker_starts_again_and_again() {
    let flaps = Does { restarts: Some(25), ..busy(20.0, 0.2) };
    let components: [(&str, &[Does]); 3] = [
        ("in", &[source(40.0)]),
        ("flaps", &[busy(20.0, 0.2), flaps]),
        ("full", &[busy(40.0, 0.98)]),
    ];
    let (decision, _) = Job::line(PolicyName::Thalweg, &components).run(600);
    assert!(count(&decision, "full") >= Some(2), "{:?}", decision.reasons);
}

#[test]
fn one_restart_is_waited_for() {
    let mut job =
        Job::line(PolicyName::Thalweg, &[("in", &[source(100.0)]), ("one", &[busy(50.0, 0.5); 2])]);
    job.run(100);
    job.uptimes[1] = 0;
    job.counters[1] = [0.0; 6];
    let decision = job.look().decisions.remove(0);
    assert_eq!(decision.reasons[0].code, ReasonCode::Settling);
}

#[test]
fn idle_executors_behind_streams_that_may_leave_them_idle_are_too_many() {
    let idle = Does::default();
    let mut one_of_eight = [idle; 8];
    one_of_eight[0] = busy(200.0, 0.5);
    for grouping in [Grouping::Global, Grouping::LocalOrShuffle, Grouping::Custom] {
        let components: [(&str, &[Does]); 2] = [("in", &[source(200.0)]), ("some", &one_of_eight)];
        let mut job = Job::line(PolicyName::Thalweg, &components).grouped(1, grouping);
        let (decision, at) = job.run(1800);
        assert_eq!(count(&decision, "some"), Some(1), "{grouping:?}: {:?}", decision.reasons);
        assert!(at <= 700, "{grouping:?}: {at}");
    }
    let mut spouts = [source(0.0); 8];
    spouts[3] = source(200.0);
    let mut job =
        Job::line(PolicyName::Thalweg, &[("in", &spouts), ("some", &[busy(25.0, 0.05); 8])]);
    // As long as that has been to spare, it is expected to be so: then it pays for the stop.
    let (decision, _) = job.run(7200);
    assert_eq!(count(&decision, "some"), Some(1), "{:?}", decision.reasons);
}

#[test]
fn a_shuffle_that_leaves_an_executor_idle_is_doubted() {
    let mut one_of_eight = [busy(25.0, 0.05); 8];
    one_of_eight[2] = Does::default();
    let components: [(&str, &[Does]); 2] = [("in", &[source(175.0)]), ("some", &one_of_eight)];
    let (decision, _) = Job::line(PolicyName::Thalweg, &components).run(1800);
    assert_eq!(decision.verdict, Verdict::Hold, "{:?}", decision.plan);
    assert!(names(&decision, ReasonCode::MetricsInconsistent, "some"), "{:?}", decision.reasons);
}

#[test]
fn ticks_are_no_load_and_hide_none() {
    // A tick a second each, besides 5 tuples/s in all.
    let ticked =
        |sent: f64, share: f64| Does { emitted: sent / 8.0, ..busy(1.0 + sent / 8.0, share) };
    let components: [(&str, &[Does]); 2] =
        [("in", &[source(5.0)]), ("ticked", &[ticked(5.0, 0.01); 8])];
    let (decision, at) = Job::line(PolicyName::Thalweg, &components).run(1800);
    assert_eq!(count(&decision, "ticked"), Some(1), "{:?}", decision.reasons);
    assert!(at <= 660, "{at}");
    let components: [(&str, &[Does]); 2] =
        [("in", &[source(20.0)]), ("ticked", &[ticked(20.0, 0.98); 8])];
    let (decision, at) = Job::line(PolicyName::Thalweg, &components).run(600);
    assert!(count(&decision, "ticked") > Some(8), "{:?}", decision.reasons);
    assert!(at <= 120, "{at}");
}

#[test]
fn the_strategy_is_told_by_bottleneck_times_and_not_by_execution_alone() {
    // Tuples of the first take 40 ms on their way besides 4.5 ms of work, those of the second next to none.
    let first = Does { process_ms: Some(44.5), emitted: 100.0, ..busy(200.0, 0.9) };
    let second = busy(100.0, 0.4);
    let components: [(&str, &[Does]); 3] =
        [("in", &[source(4.0 * first.executed)]), ("first", &[first; 4]), ("second", &[second; 2])];
    let mut job = Job::line(PolicyName::MeStream, &components);
    let (decision, _) = job.run(1800);
    assert!(count(&decision, "first") > Some(4), "{:?}", decision.reasons);
    let times: Vec<f64> = decision.view.components[1..]
        .iter()
        .map(|c| c.bottleneck_time.map_or(0.0, Millis::get).round())
        .collect();
    assert_eq!(times, [40.0, 4.0]);
    assert_eq!(count(&decision, "second"), None, "{:?}", decision.reasons);
}
