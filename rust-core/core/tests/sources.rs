//! Sources as Flink has them: chained to what works on their records, without busy time, held up by a long record.

#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::ops::Range;

use thalweg_core::decide;
use thalweg_core::explain::{Decision, Verdict};
use thalweg_core::model::{
    Component, ComponentKind, Counters, Edge, Executor, Grouping, Node, Observation, SlotRef,
    TaskRange, Topology,
};
use thalweg_core::reason::ReasonCode;
use thalweg_core::settings::{PolicyName, Settings, SlotRule};
use thalweg_core::state::{FailedChange, State};
use thalweg_core::units::{Millis, Timestamp};

fn secs(seconds: f64) -> Millis {
    Millis::saturating(seconds * 1000.0)
}

/// As quick as on Flink.
fn settings(policy: PolicyName) -> Settings {
    Settings {
        sampling: secs(1.0),
        window: secs(5.0),
        max_age: secs(10.0),
        settle: secs(5.0),
        interval: secs(3.0),
        cool_down: secs(5.0),
        slots: SlotRule::Shared,
        policy,
        ..Settings::recommended(policy)
    }
}

/// What each executor of a component does in a second.
#[derive(Debug, Clone, Copy, Default)]
struct Second {
    taken: f64,
    given: f64,
    /// Nothing where it is not measured; the rest of the second goes to a wait.
    busy: Option<f64>,
    held_up: bool,
}

impl Second {
    fn counters(self, seconds: u32) -> Counters {
        let so_far = |each: f64| (each * f64::from(seconds)) as u64;
        let all = f64::from(seconds) * 1000.0;
        let busy = self.busy.map(|share| share * all);
        let waited = busy.map(|busy| all - busy);
        let work = busy.unwrap_or(0.0);
        Counters {
            uptime_secs: seconds,
            executed: so_far(self.taken),
            acked: so_far(self.taken),
            emitted: so_far(self.given),
            transferred: so_far(self.given),
            execute_ms: work,
            process_ms: work,
            busy_ms: busy,
            backpressured_ms: waited.map(|waited| if self.held_up { waited } else { 0.0 }),
            idle_ms: waited.map(|waited| if self.held_up { 0.0 } else { waited }),
            ..Counters::default()
        }
    }
}

/// A job of vertices in a line, each with one subtask on a node with eight slots.
struct Job {
    vertices: Vec<(Component, Second)>,
    /// By how much what waits before the source grows in a second.
    growth: u64,
}

impl Job {
    fn new(vertices: &[(&str, Second)]) -> Self {
        let vertex = |(index, (id, second)): (u32, &(&str, Second))| {
            let kind = if index == 0 { ComponentKind::Source } else { ComponentKind::Operator };
            let (first, id) = (index * 16, (*id).to_owned());
            let tasks = TaskRange::new(first, first + 15);
            (Component { id, kind, tasks, ..Component::default() }, *second)
        };
        Self { vertices: (0..).zip(vertices).map(vertex).collect(), growth: 0 }
    }

    fn at(&self, seconds: u32) -> Observation {
        let at = Timestamp::from_millis(i64::from(seconds) * 1000);
        let node = Node { id: "n1".to_owned(), ports: (0..8).collect(), ..Node::default() };
        let mut components: Vec<Component> =
            self.vertices.iter().map(|(component, _)| component.clone()).collect();
        if self.growth > 0 {
            components[0].backlog = Some(self.growth * u64::from(seconds));
        }
        let executor = |(index, (component, second)): (u32, &(Component, Second))| Executor {
            component: index,
            tasks: component.tasks,
            slot: Some(SlotRef { node: 0, port: 0 }),
            counters: Some(second.counters(seconds)),
        };
        let edge = |to: u32| Edge { from: to - 1, to, grouping: Grouping::Shuffle, sent: None };
        let topology = Topology {
            id: "job".to_owned(),
            name: "job".to_owned(),
            edges: (1..self.vertices.len() as u32).map(edge).collect(),
            executors: (0..).zip(&self.vertices).map(executor).collect(),
            components,
            ..Topology::default()
        };
        Observation { at, nodes: vec![node], topologies: vec![topology] }
    }

    /// The first decision to act within this time, else the last one.
    fn decided(&self, settings: &Settings, within: u32) -> Decision {
        self.decided_with(&mut State::default(), settings, 100..100 + within)
    }

    fn decided_with(&self, state: &mut State, settings: &Settings, time: Range<u32>) -> Decision {
        let mut last = None;
        for seconds in time {
            let observation = self.at(seconds);
            let before = std::mem::take(state);
            let decided = decide(
                &observation,
                before,
                settings,
                thalweg_core::operator::Operator::SILENT,
                observation.at,
            );
            *state = decided.state;
            last = decided.decisions.into_iter().next();
            if last.as_ref().is_some_and(|decision| decision.verdict == Verdict::Act) {
                break;
            }
        }
        last.expect("there is a job")
    }
}

fn counts(decision: &Decision) -> BTreeMap<String, u32> {
    decision.plan.as_ref().map(|plan| plan.counts.clone()).unwrap_or_default()
}

fn codes(decision: &Decision) -> Vec<ReasonCode> {
    decision.reasons.iter().map(|reason| reason.code).collect()
}

#[test]
fn a_source_that_does_all_the_work_gets_more_executors_from_every_policy() {
    let chained = Second { taken: 200.0, busy: Some(0.98), ..Second::default() };
    let job = Job { growth: 100, ..Job::new(&[("all", chained)]) };
    for policy in [
        PolicyName::MeStream,
        PolicyName::Thalweg,
        PolicyName::Threshold,
        PolicyName::Ds2,
        PolicyName::FlinkAutoscaler,
    ] {
        let decision = job.decided(&settings(policy), 200);
        assert!(counts(&decision).get("all") > Some(&1), "{policy:?}: {:?}", decision.reasons);
        assert_eq!(decision.view.components[0].rate.expect("it is measured").get(), 200.0);
    }
}

#[test]
fn a_source_gets_no_more_executors_than_partitions() {
    let chained = Second { taken: 200.0, busy: Some(0.98), ..Second::default() };
    let mut job = Job { growth: 100, ..Job::new(&[("all", chained)]) };
    job.vertices[0].0.partitions = Some(1);
    let decision = job.decided(&settings(PolicyName::MeStream), 30);
    assert_eq!(counts(&decision), BTreeMap::new(), "{:?}", decision.reasons);
}

#[test]
fn what_waits_before_a_source_is_worked_off_by_what_its_filter_lets_through() {
    // 1000 records a second, of which a hundredth comes to an operator that takes 50 ms for each.
    let source = Second { taken: 1000.0, given: 10.0, busy: Some(0.2), held_up: true };
    let operator = Second { taken: 10.0, busy: Some(0.5), ..Second::default() };
    let job = Job { growth: 2000, ..Job::new(&[("filter", source), ("work", operator)]) };
    for policy in [PolicyName::Thalweg, PolicyName::Ds2] {
        let decision = job.decided(&settings(policy), 60);
        // Three times as many arrive: 30 a second to the operator, each 50 ms, and what waits.
        let work = counts(&decision).get("work").copied();
        assert!(
            (2..=6).contains(&work.unwrap_or(0)),
            "{policy:?}: {:?} {work:?}",
            decision.reasons
        );
    }
}

#[test]
fn a_source_without_busy_time_is_named_and_the_rest_is_judged() {
    let source = Second { taken: 190.0, given: 190.0, ..Second::default() };
    let operator = Second { taken: 190.0, busy: Some(0.97), ..Second::default() };
    let job = Job { growth: 100, ..Job::new(&[("datagen", source), ("work", operator)]) };
    for policy in [PolicyName::MeStream, PolicyName::Thalweg, PolicyName::Ds2] {
        let decision = job.decided(&settings(policy), 60);
        assert!(counts(&decision).get("work") > Some(&1), "{policy:?}: {:?}", decision.reasons);
        assert_eq!(counts(&decision).get("datagen"), None);
        let reason = decision.reasons.iter().find(|r| r.code == ReasonCode::NotTimed);
        assert!(reason.is_some_and(|r| r.text.contains("datagen")), "{:?}", decision.reasons);
    }
}

#[test]
fn an_operator_that_works_on_one_record_while_others_wait_is_busy() {
    let source = Second { busy: Some(0.0), held_up: true, ..Second::default() };
    let operator = Second { busy: Some(1.0), ..Second::default() };
    let job = Job::new(&[("lines", source), ("work", operator)]);
    let decision = job.decided(&settings(PolicyName::Thalweg), 60);
    assert_eq!(codes(&decision), [ReasonCode::Backpressure], "{:?}", decision.reasons);
    assert!(decision.reasons[0].text.contains("work"), "{:?}", decision.reasons);
    assert_eq!(decision.reasons[0].measured, Some(1.0));
    let decision = job.decided(&settings(PolicyName::MeStream), 60);
    assert!(counts(&decision).get("work") > Some(&1), "{:?}", decision.reasons);
    // One that is not held up may have lost its statistics.
    let silent = Second { busy: Some(0.0), ..Second::default() };
    let job = Job::new(&[("lines", silent), ("work", Second { busy: Some(0.0), ..silent })]);
    let decision = job.decided(&settings(PolicyName::Thalweg), 60);
    assert_eq!(codes(&decision), [ReasonCode::MetricsInconsistent]);
}

/// A source and an operator that are both short.
fn short_everywhere() -> Job {
    let source = Second { taken: 100.0, given: 100.0, busy: Some(0.98), ..Second::default() };
    let operator = Second { taken: 100.0, busy: Some(0.98), ..Second::default() };
    Job { growth: 100, ..Job::new(&[("lines", source), ("work", operator)]) }
}

#[test]
fn a_source_that_is_not_to_be_scaled_stays_as_it_is_and_the_rest_is_scaled() {
    let base = settings(PolicyName::Thalweg);
    let named = Settings { fixed_components: ["lines".to_owned()].into(), ..base.clone() };
    let all = Settings { scale_sources: false, ..base.clone() };
    for (settings, setting) in
        [(named, "thalweg.scaling.fixed.components"), (all, "thalweg.scaling.sources")]
    {
        let decision = short_everywhere().decided(&settings, 60);
        assert_eq!(counts(&decision).keys().collect::<Vec<_>>(), ["work"]);
        let reason = decision.reasons.iter().find(|r| r.code == ReasonCode::CountFixed);
        assert_eq!(reason.and_then(|r| r.setting.as_deref()), Some(setting));
    }
    let decision = short_everywhere().decided(&base, 60);
    assert_eq!(counts(&decision).keys().collect::<Vec<_>>(), ["lines", "work"]);
}

#[test]
fn a_source_with_which_a_job_did_not_run_again_is_not_scaled_again() {
    for policy in [PolicyName::Thalweg, PolicyName::Ds2] {
        is_not_scaled_again(&settings(policy));
    }
}

fn is_not_scaled_again(settings: &Settings) {
    let job = short_everywhere();
    let mut state = State::default();
    let first = job.decided_with(&mut state, settings, 100..160);
    let plan = first.plan.expect("both are short");
    let now = job.at(160).at;
    let change = FailedChange::of(&plan, |id| id == "lines");
    state.cannot_rescale("job", &change, now, settings);
    state.abort(&plan.id, now, settings);
    let second = job.decided_with(&mut state, settings, 160..220);
    assert_eq!(counts(&second).keys().collect::<Vec<_>>(), ["work"], "{:?}", second.reasons);
    let reason = second.reasons.iter().find(|r| r.code == ReasonCode::RescaleFailed);
    let setting = reason.and_then(|reason| reason.setting.as_deref());
    assert_eq!(setting, Some("thalweg.action.blacklist.secs"));
}
