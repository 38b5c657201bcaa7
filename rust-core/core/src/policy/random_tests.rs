//! Graphs drawn at random, whose streams are hidden: what is judged of them is right, and the rest is unknown.

use proptest::prelude::*;

use super::testing::Case;
use super::thalweg::TopologyModel;
use super::{Intent, Memories, find};
use crate::demand::testing::{Sent, Step, graph};
use crate::demand::{Demand, Target};
use crate::model::Grouping;
use crate::settings::PolicyName;

/// Records per second that counts of a minute leave open.
const FEW: f64 = 1.0;
/// Records per second beyond which it is taken to grow for ever.
const MOST: f64 = 1e7;
/// Rounds after which what goes round in circles has settled, or grows for ever.
const ROUNDS: usize = 600;

/// The truth about a stream.
#[derive(Debug, Clone, Copy)]
struct Edge {
    from: usize,
    to: usize,
    grouping: Grouping,
    /// Records for each that its sender takes in.
    ratio: f64,
    /// Whether it carries the same records as the sender's other streams of which this holds, or others.
    same: bool,
}

/// The truth about a job.
#[derive(Debug, Clone)]
struct Job {
    /// Records per second that each source brings in, and how many times as many arrive.
    sources: Vec<(f64, f64)>,
    /// Executors of all components.
    executors: Vec<u32>,
    edges: Vec<Edge>,
    /// Whether the engine counts streams one by one.
    counted: bool,
    /// What is off in each count.
    noise: Vec<f64>,
}

impl Job {
    /// What every component takes in when sources bring in `rates`; nothing if it never settles.
    fn settled(&self, rates: impl Fn(usize) -> f64) -> Option<Vec<f64>> {
        let mut taken = vec![0.0; self.executors.len()];
        for round in 0..ROUNDS {
            let mut next: Vec<f64> = (0..taken.len())
                .map(|c| if c < self.sources.len() { rates(c) } else { 0.0 })
                .collect();
            for edge in &self.edges {
                next[edge.to] += taken[edge.from] * edge.ratio * self.copies(edge);
            }
            let change = next.iter().zip(&taken).map(|(a, b)| (a - b).abs() / (1.0 + a));
            let change = change.fold(0.0, f64::max);
            taken = next;
            if taken.iter().any(|rate| *rate > MOST) {
                return None;
            }
            if change < 1e-9 && round > 0 {
                return Some(taken);
            }
        }
        None
    }

    fn copies(&self, edge: &Edge) -> f64 {
        match edge.grouping {
            Grouping::Broadcast => f64::from(self.executors[edge.to]),
            Grouping::All => 128.0,
            _ => 1.0,
        }
    }

    /// Records that a component gives out for each that it takes in, as the engine counts them.
    fn output(&self, component: usize) -> f64 {
        let own = || self.edges.iter().filter(move |edge| edge.from == component);
        let others: f64 = own().filter(|edge| !edge.same).map(|edge| edge.ratio).sum();
        others + own().filter(|edge| edge.same).map(|edge| edge.ratio).fold(0.0, f64::max)
    }

    /// What the engine says of it.
    fn measured(&self, taken: &[f64]) -> (Vec<Step>, Vec<Sent>) {
        let off = |place: usize| 1.0 + self.noise[place % self.noise.len()];
        let step = |(index, rate): (usize, &f64)| {
            let (rate, output) = (rate * off(index), rate * self.output(index) * off(index + 7));
            let executors = self.executors[index];
            match self.sources.get(index) {
                Some((_, growth)) => {
                    // What arrives and is not brought in is left to wait; what comes in beyond it waited.
                    let more = rate * (growth - 1.0) * 60.0;
                    let backlog = Some([600_000, (600_000.0 + more) as u64]);
                    Step { source: true, executors, input: rate, output, busy: 0.05, backlog }
                }
                None => Step::operator(executors, rate, output, 0.05),
            }
        };
        let sent = |(place, edge): (usize, &Edge)| {
            let rate = taken[edge.from] * edge.ratio * self.copies(edge) * off(place + 3);
            let counted = self.counted.then_some(rate);
            (edge.from as u32, edge.to as u32, edge.grouping, counted)
        };
        let steps = taken.iter().enumerate().map(step).collect();
        (steps, self.edges.iter().enumerate().map(sent).collect())
    }

    /// Whether what a component sends comes back to it.
    fn in_circle(&self, component: usize) -> bool {
        let mut reached = vec![component];
        let mut next = 0;
        while let Some(&from) = reached.get(next) {
            next += 1;
            for edge in self.edges.iter().filter(|edge| edge.from == from) {
                if edge.to == component {
                    return true;
                }
                if !reached.contains(&edge.to) {
                    reached.push(edge.to);
                }
            }
        }
        false
    }
}

fn grouping(counted: bool) -> impl Strategy<Value = Grouping> {
    let copies = if counted { Grouping::All } else { Grouping::Broadcast };
    prop_oneof![
        3 => Just(Grouping::Shuffle),
        2 => Just(Grouping::Fields),
        2 => Just(Grouping::LocalOrShuffle),
        1 => Just(Grouping::Global),
        1 => Just(copies),
    ]
}

/// An edge to the component at `to` from one of those before it, or one that leads back if `back` says so.
fn edge(to: usize, all: usize, counted: bool) -> impl Strategy<Value = Edge> {
    let ratio = prop_oneof![3 => 0.05..1.5f64, 1 => Just(1.0), 1 => 0.0..0.02f64];
    let forward = (0..to, ratio).prop_map(|(from, ratio)| (from, ratio));
    let back = (to..all, 0.02..0.4f64);
    let ends = prop_oneof![6 => forward, 1 => back];
    (ends, grouping(counted), any::<bool>()).prop_map(move |((from, ratio), grouping, same)| {
        // Copies that come back would never settle.
        let copies = matches!(grouping, Grouping::All | Grouping::Broadcast);
        let grouping = if copies && from >= to { Grouping::Shuffle } else { grouping };
        Edge { from, to, grouping, ratio, same }
    })
}

fn job() -> impl Strategy<Value = Job> {
    let rate = prop_oneof![4 => 10.0..3000.0f64, 1 => Just(0.0)];
    let source = (rate, prop_oneof![1 => Just(1.0), 2 => 0.5..3.0f64]);
    (prop::collection::vec(source, 1..4), 1usize..7, any::<bool>(), any::<bool>())
        .prop_flat_map(|(sources, operators, counted, alike)| {
            let first = sources.len();
            let all = first + operators;
            let fed: Vec<_> = (first..all)
                .map(|to| prop::collection::vec(edge(to, all, counted), 1..4))
                .collect();
            let executors = prop::collection::vec(1u32..9, all);
            let noise = prop::collection::vec(-0.003..0.003f64, 23);
            (Just((sources, counted, alike)), executors, fed, noise)
        })
        .prop_map(|((mut sources, counted, alike), executors, fed, noise)| {
            let growth = sources[0].1;
            sources.iter_mut().filter(|_| alike).for_each(|source| source.1 = growth);
            let mut edges: Vec<Edge> = fed.into_iter().flatten().collect();
            // Streams that carry the same records carry as many.
            for index in 0..edges.len() {
                let from = edges[index].from;
                let twin =
                    edges[..index].iter().find(|e| e.same && e.from == from).map(|e| e.ratio);
                if let (true, Some(ratio)) = (edges[index].same, twin) {
                    edges[index].ratio = ratio;
                }
            }
            Job { sources, executors, edges, counted, noise }
        })
}

fn close(judged: Demand, executors: u32, truth: f64) -> bool {
    (judged.of(executors) - truth).abs() <= 0.1 * truth + FEW * f64::from(executors)
}

/// Whether the reasons of a policy tell that it is unknown what is asked of a component.
fn is_named(case: &Case, component: usize) -> bool {
    let (mut memories, mut model) = (Memories::default(), TopologyModel::default());
    let intent = case.intent(|situation| find(situation, &mut memories, &mut model));
    let (Intent::Stay(reasons) | Intent::Move(reasons) | Intent::Scale { reasons, .. }) = intent;
    let id = format!("c{component}");
    let names = |text: &str| text.split([' ', ',']).any(|word| word == id);
    reasons.iter().any(|reason| names(&reason.text) || reason.text.contains("any component"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, max_global_rejects: 50_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_judged_is_right_and_what_is_not_is_named(job in job()) {
        let now = job.settled(|source| job.sources[source].0);
        let then = job.settled(|source| job.sources[source].0 * job.sources[source].1);
        let Some((now, then)) = now.zip(then) else { return Err(TestCaseError::reject("it grows for ever")) };
        let (steps, streams) = job.measured(&now);
        let mut case = Case::of(graph(&steps, &streams));
        let demand = case.flow.graph(&case.flow.streams).demand(&case.flow.sources(Target::arrival));
        let alike = job.sources.iter().all(|s| s.0 == 0.0 || s.1 == job.sources[0].1)
            && job.sources[0].0 > 0.0;
        let few = now.iter().zip(&job.executors).any(|(c, e)| *c > 0.0 && *c < FEW * f64::from(*e));
        case.settings.policy = PolicyName::Ds2;
        for component in job.sources.len()..now.len() {
            let executors = job.executors[component];
            let Some(judged) = demand[component] else {
                prop_assert!(is_named(&case, component), "{component} is unknown and not named");
                let copies = job.edges.iter().any(|edge| edge.grouping == Grouping::Broadcast);
                let circles = (0..now.len()).any(|c| job.in_circle(c));
                let told = job.counted && !circles || alike && !copies;
                prop_assert!(!told || few, "{component}: it does not matter who sends what");
                continue;
            };
            if few {
                // A record a minute more or less is told by nobody.
                continue;
            }
            let truth = then[component];
            prop_assert!(close(judged, executors, truth), "{component}: {judged:?} of {executors}, truth {truth}");
            if job.in_circle(component) {
                continue;
            }
            // With other executors only copies change.
            let mut planned = job.clone();
            planned.executors[component] = executors * 2;
            let then = planned.settled(|source| job.sources[source].0 * job.sources[source].1);
            let truth = then.expect("it is in no circle")[component];
            prop_assert!(close(judged, executors * 2, truth), "{component}: {judged:?} of twice {executors}, truth {truth}");
        }
    }
}
