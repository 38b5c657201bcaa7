//! From the sources downstream: what is asked of every component.
//!
//! A component is asked for what its senders are asked for, times what each sends it for a record that it takes
//! in (DS2, equations 7 and 8). Where an engine counts all that a component sends as one number, the streams
//! into a receiver are told apart by [`parts`](super::parts). Components in a circle are asked for the fixed point
//! of the same equations.

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::asked::Demand;
use super::parts::{Part, Range, told_apart};

/// Rounds in which what goes round a circle has to settle: enough where at most four of five records come
/// back. Beyond, small errors in ratios come to count many times.
const ROUNDS: u32 = 64;
/// A change by less than this part is none.
const SETTLED: f64 = 1e-6;
/// A component of a circle that is sent so many times what it takes in does not keep up.
const KEEPS_UP: f64 = 1.25;

/// All of one kind that one component sends to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stream {
    /// Index of the sending component.
    pub from: usize,
    /// Index of the receiving component.
    pub to: usize,
    /// Whether every executor of the receiver gets a copy of every record.
    pub broadcast: bool,
    /// How much it is.
    pub carries: Carries,
}

/// How much a stream carries to all executors of its receiver together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Carries {
    /// So many records for each that its sender takes in.
    Ratio(f64),
    /// At most so many records per second: it is not counted by itself, or its sender takes in nothing.
    UpTo(f64),
}

impl Carries {
    /// Whether what it carries now is told by what its sender counts.
    pub fn is_told(self) -> bool {
        matches!(self, Self::Ratio(_)) || self == Self::UpTo(0.0)
    }
}

/// What the graph has to know of a component.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Node {
    /// Its executors.
    pub executors: u32,
    /// Records that it takes in per second; nothing where not measured.
    pub taken: Option<f64>,
    /// By how many records per second what waits before it grows.
    pub growth: f64,
}

/// Components and the streams between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph<'a> {
    /// By the index of the component.
    pub nodes: Vec<Node>,
    /// The streams.
    pub streams: &'a [Stream],
}

impl Graph<'_> {
    /// What is asked of each component when sources bring in `sources` records per second. Nothing where it
    /// depends on what was not measured, or cannot be told.
    pub fn demand(&self, sources: &[Option<f64>]) -> Vec<Option<Demand>> {
        let exactly = |rate: &f64| Range::exactly(Demand::shared(*rate));
        let mut demand: Vec<Option<Range>> =
            sources.iter().map(|rate| rate.as_ref().map(exactly)).collect();
        for members in self.circles() {
            match members[..] {
                [alone] if self.into(alone).all(|stream| stream.from != alone) => {
                    if self.into(alone).next().is_some() {
                        demand[alone] = self.asked(alone, &demand);
                    }
                }
                _ => self.go_round(&members, &mut demand),
            }
        }
        demand.into_iter().map(|range| Some(range?.most)).collect()
    }

    /// The same in records per second of the executors that run now.
    pub fn in_all(&self, demand: &[Option<Demand>]) -> Vec<Option<f64>> {
        let all = |(demand, node): (&Option<Demand>, &Node)| Some((*demand)?.of(node.executors));
        demand.iter().zip(&self.nodes).map(all).collect()
    }

    /// Components in an order in which senders come before receivers, as far as they are in no circle.
    pub fn order(&self) -> Vec<usize> {
        self.circles().into_iter().flatten().collect()
    }

    /// Components that lead to each other, each such set behind all that lead to it. Most sets hold one.
    fn circles(&self) -> Vec<Vec<usize>> {
        let mut graph = DiGraph::<(), ()>::with_capacity(self.nodes.len(), self.streams.len());
        let nodes: Vec<NodeIndex> = self.nodes.iter().map(|_| graph.add_node(())).collect();
        for stream in self.streams {
            graph.add_edge(nodes[stream.from], nodes[stream.to], ());
        }
        let sets = kosaraju_scc(&graph).into_iter().rev();
        sets.map(|set| set.into_iter().map(NodeIndex::index).collect()).collect()
    }

    fn into(&self, component: usize) -> impl Iterator<Item = &Stream> {
        self.streams.iter().filter(move |stream| stream.to == component)
    }

    /// How many times as much as now is asked of a component, at least and at most.
    fn growth(&self, component: usize, demand: &[Option<Range>]) -> Option<[f64; 2]> {
        let node = self.nodes[component];
        let (taken, asked) = (node.taken?, demand[component]?.of(node.executors));
        match taken > 0.0 {
            true => Some(asked.map(|asked| asked / taken)),
            // What it sends though it takes in nothing goes on as it is.
            false => (asked[1] <= 0.0).then_some([1.0; 2]),
        }
    }

    /// What its senders ask of a component.
    fn asked(&self, component: usize, demand: &[Option<Range>]) -> Option<Range> {
        let node = self.nodes[component];
        let (mut sum, mut told, mut parts) = (Range::default(), Some(0.0), Vec::new());
        for stream in self.into(component) {
            let sender = self.nodes[stream.from];
            match stream.carries {
                Carries::Ratio(ratio) => {
                    let [least, most] = demand[stream.from]?.of(sender.executors);
                    let of = |asked: f64| node.split(asked * ratio, stream.broadcast);
                    sum += Range { least: of(least), most: of(most) };
                    told = told.zip(sender.taken).map(|(told, taken)| told + taken * ratio);
                }
                Carries::UpTo(most) => parts.push(Part {
                    growth: self.growth(stream.from, demand)?,
                    most,
                    broadcast: stream.broadcast,
                }),
            }
        }
        if !parts.is_empty() {
            let rest = (node.taken? + node.growth - told?).max(0.0);
            sum += told_apart(&parts, rest, node.executors)?;
        }
        sum.told(node.executors)
    }

    /// What is asked of components that lead to each other.
    fn go_round(&self, members: &[usize], demand: &mut [Option<Range>]) {
        let told = |stream: &Stream| matches!(stream.carries, Carries::Ratio(_));
        if members.iter().flat_map(|member| self.into(*member)).all(told)
            && self.settles(members, demand)
        {
            return;
        }
        let growth = self.growth_from_outside(members, demand);
        for &member in members {
            let node = self.nodes[member];
            let of = |taken: f64, [least, most]: [f64; 2]| Range {
                least: Demand::shared(least * taken),
                most: Demand::shared(most * taken),
            };
            let range = node.taken.zip(growth).map(|(taken, growth)| of(taken, growth));
            demand[member] = range.and_then(|range| range.told(node.executors));
        }
    }

    /// Sends records round until they settle; tells whether they do.
    fn settles(&self, members: &[usize], demand: &mut [Option<Range>]) -> bool {
        for &member in members {
            demand[member] = Some(Range::default());
        }
        for _ in 0..ROUNDS {
            let mut settled = true;
            for &member in members {
                let executors = self.nodes[member].executors;
                let was = demand[member].map_or(0.0, |was| was.of(executors)[1]);
                demand[member] = self.asked(member, demand);
                let Some(is) = demand[member] else { return false };
                let is = is.of(executors)[1];
                settled &= is - was <= SETTLED * is;
            }
            if settled {
                return true;
            }
        }
        false
    }

    /// How many times as much as now comes to components that lead to each other: what they take in grows alike,
    /// whatever part of it comes back. Nothing where senders differ, or it is not all taken in.
    fn growth_from_outside(&self, members: &[usize], demand: &[Option<Range>]) -> Option<[f64; 2]> {
        let (mut least, mut most) = (f64::INFINITY, 0.0f64);
        for &member in members {
            let mut sent = 0.0;
            for stream in self.into(member) {
                if stream.broadcast {
                    return None;
                }
                if let Carries::Ratio(ratio) = stream.carries {
                    sent += ratio * self.nodes[stream.from].taken?;
                }
                if !members.contains(&stream.from) {
                    let growth = self.growth(stream.from, demand)?;
                    if matches!(stream.carries, Carries::Ratio(now) | Carries::UpTo(now) if now <= 0.0)
                    {
                        continue;
                    }
                    (least, most) = (least.min(growth[0]), most.max(growth[1]));
                }
            }
            if sent > KEEPS_UP * self.nodes[member].taken? {
                return None;
            }
        }
        // What nothing comes to is asked for nothing.
        Some([least.min(most), most])
    }
}

impl Node {
    /// Records per second of all executors, which they share or of which each gets its copies.
    fn split(&self, all: f64, broadcast: bool) -> Demand {
        match broadcast {
            true => Demand { shared: 0.0, each: all / f64::from(self.executors.max(1)) },
            false => Demand::shared(all),
        }
    }
}

#[cfg(test)]
#[path = "graph_tests.rs"]
mod tests;
