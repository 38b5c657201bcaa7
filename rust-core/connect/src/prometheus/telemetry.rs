//! What is known of each node, and what was left out and why.

use std::collections::BTreeMap;

use thalweg_core::units::Timestamp;
use thiserror::Error;

use super::jvm;
use super::machine;
use super::machines::{Machine, TargetName, is_exactly, is_nearly, machines};
use super::names::is_of_machine;
use super::quantity::Quantity;
use super::reading::{Missing, Reading};
use super::series::{Series, Span};

/// A node that one wants to know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The engine's own id of it.
    pub id: String,
    /// The host it runs on.
    pub host: String,
}

/// What is known of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeTelemetry {
    /// The engine's own id of it; its host where no engine was asked.
    pub id: String,
    /// The host it runs on.
    pub host: String,
    /// Who told it.
    pub sources: Vec<String>,
    /// When it was so; each value has its own time beside it, which may be a little earlier.
    pub at: Timestamp,
    /// A value for each quantity, or the reason why there is none.
    pub readings: BTreeMap<Quantity, Reading>,
}

impl NodeTelemetry {
    /// One of its values, or the reason why there is none.
    pub fn reading(&self, quantity: Quantity) -> Reading {
        self.readings.get(&quantity).cloned().unwrap_or(Err(Missing::NotTold))
    }

    /// One of its values.
    pub fn value(&self, quantity: Quantity) -> Option<f64> {
        self.reading(quantity).ok().map(|value| value.value)
    }
}

/// What was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// What.
    pub who: Who,
    /// Why.
    pub why: Unfit,
}

/// A node or a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A node.
    Node(Known),
    /// A target, by its instance and job.
    Target(String),
}

/// Why something was left out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Unfit {
    /// No target is on the node's host.
    #[error(
        "no target has this host, in `instance`, `node`, `nodename`, `host` or node_uname_info"
    )]
    Unknown,
    /// Several machines have the node's host.
    #[error("several machines have this host: {}", machines.join("; "))]
    Ambiguous {
        /// Their names.
        machines: Vec<String>,
    },
    /// A target tells of several machines.
    #[error("it tells of several machines: {}", names.join(", "))]
    ManyNames {
        /// Their names.
        names: Vec<String>,
    },
    /// Another one tells the same of the same machine.
    #[error("{first} tells the same of the same machine")]
    Second {
        /// Which is read.
        first: String,
    },
    /// No node is on its machine.
    #[error("no node is on its machine")]
    NoNode,
}

impl Unfit {
    /// A word that stays, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Ambiguous { .. } => "AMBIGUOUS",
            Self::ManyNames { .. } => "MANY_NAMES",
            Self::Second { .. } => "SECOND",
            Self::NoNode => "NO_NODE",
        }
    }
}

/// What is known of all nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct Telemetry {
    /// When.
    pub at: Timestamp,
    /// Of each node, in the order in which they were asked for, or by their names.
    pub nodes: Vec<NodeTelemetry>,
    /// What was left out.
    pub left_out: Vec<LeftOut>,
}

/// Reads what series say of nodes at the end of a span: of these, or of whatever machines there are.
pub fn read(all: &[Series], known: Option<&[Known]>, span: Span) -> Telemetry {
    let machines = machines(all, span);
    let mut reader = Reader { span, nodes: Vec::new(), left_out: Vec::new() };
    for (target, names) in &machines.many_names {
        let names = names.iter().cloned().collect();
        reader.leave_out(target, Unfit::ManyNames { names });
    }
    match known {
        Some(known) => reader.known(known, &machines.found),
        None => machines.found.iter().for_each(|machine| {
            let name = machine.own_names.first().or(machine.names.first());
            let name = name.cloned().unwrap_or_default();
            let node = Known { id: name.clone(), host: name };
            reader.node(&node, machine, JvmsOf::All);
            reader.seconds(machine);
        }),
    }
    Telemetry { at: span.until, nodes: reader.nodes, left_out: reader.left_out }
}

/// Which JVMs of a machine are a node's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JvmsOf {
    /// All of them.
    All,
    /// Those of the node's id, or those without any: no other node is there.
    OneNode,
    /// Those of the node's id alone.
    SeveralNodes,
}

/// The label in which Flink's reporter names a TaskManager.
const TASK_MANAGER: &str = "tm_id";

struct Reader {
    span: Span,
    nodes: Vec<NodeTelemetry>,
    left_out: Vec<LeftOut>,
}

impl Reader {
    fn leave_out(&mut self, target: &TargetName, why: Unfit) {
        self.left_out.push(LeftOut { who: Who::Target(target.to_string()), why });
    }

    /// Reads what is told of these nodes.
    fn known(&mut self, known: &[Known], machines: &[Machine<'_>]) {
        let homes: Vec<Result<usize, Unfit>> =
            known.iter().map(|node| home(node, machines)).collect();
        for (node, found) in known.iter().zip(&homes) {
            let found = found.as_ref().map(|at| (*at, machines.get(*at)));
            match found {
                Ok((at, Some(machine))) => {
                    let there = homes.iter().filter(|home| home.as_ref().ok() == Some(&at)).count();
                    let jvms = if there == 1 { JvmsOf::OneNode } else { JvmsOf::SeveralNodes };
                    self.node(node, machine, jvms);
                }
                Ok((_, None)) => {}
                Err(why) => {
                    self.left_out.push(LeftOut { who: Who::Node(node.clone()), why: why.clone() });
                }
            }
        }
        for (at, machine) in machines.iter().enumerate() {
            if homes.iter().any(|home| home.as_ref().ok() == Some(&at)) {
                self.seconds(machine);
            } else {
                machine.targets.iter().for_each(|(name, _)| self.leave_out(name, Unfit::NoNode));
            }
        }
    }

    /// Reads what is told of a node on this machine.
    fn node(&mut self, node: &Known, machine: &Machine<'_>, jvms: JvmsOf) {
        let exporter = exporter(machine);
        let of_machine = exporter.map_or(&[][..], |(_, series)| series);
        let mut sources: Vec<String> = exporter.iter().map(|(name, _)| name.to_string()).collect();
        let mut readings = machine::readings(of_machine, self.span);
        let (of_jvms, told_by) = self.jvms(node, machine, jvms);
        readings.extend(of_jvms);
        sources.extend(told_by);
        sources.dedup();
        self.nodes.push(NodeTelemetry {
            id: node.id.clone(),
            host: node.host.clone(),
            sources,
            at: self.span.until,
            readings,
        });
    }

    fn jvms(
        &self,
        node: &Known,
        machine: &Machine<'_>,
        which: JvmsOf,
    ) -> (BTreeMap<Quantity, Reading>, Vec<String>) {
        let told = machine.targets.iter().flat_map(|(name, series)| {
            let of_jvms = series.iter().filter(|one| !is_of_machine(&one.name));
            of_jvms.map(move |one| (name, *one))
        });
        let told: Vec<(&TargetName, &Series)> = told.collect();
        let as_label = filtered(&node.id);
        let is_own = |label: &str| label == node.id || label == as_label;
        let mut own = told.clone();
        own.retain(|(_, one)| is_own(one.label(TASK_MANAGER)));
        let labelled = told.iter().any(|(_, one)| !one.label(TASK_MANAGER).is_empty());
        let found = match which {
            JvmsOf::All => told,
            _ if !own.is_empty() => own,
            // What names other TaskManagers is not this one's, nor is what names none beside it.
            JvmsOf::OneNode if labelled => Vec::new(),
            JvmsOf::OneNode => told,
            JvmsOf::SeveralNodes if told.is_empty() => Vec::new(),
            JvmsOf::SeveralNodes => return (jvm::missing(Missing::Shared), Vec::new()),
        };
        let series: Vec<&Series> = found.iter().map(|(_, one)| *one).collect();
        let mut sources: Vec<String> = found.iter().map(|(name, _)| name.to_string()).collect();
        sources.dedup();
        (jvm::readings(&series, self.span), sources)
    }

    /// Names those who tell of a machine what is read from another one.
    fn seconds(&mut self, machine: &Machine<'_>) {
        let Some((first, _)) = exporter(machine) else { return };
        for (name, series) in &machine.targets {
            if name != first && series.iter().any(|one| is_of_machine(&one.name)) {
                self.leave_out(name, Unfit::Second { first: first.to_string() });
            }
        }
    }
}

/// An id as Flink's reporter writes it into a label, unless its filter of characters is off.
fn filtered(id: &str) -> String {
    let kept = |letter: char| letter.is_ascii_alphanumeric() || letter == ':' || letter == '_';
    id.chars().map(|letter| if kept(letter) { letter } else { '_' }).collect()
}

/// Who tells of the machine itself: of several the one that was scraped last.
fn exporter<'m, 'a>(machine: &'m Machine<'a>) -> Option<(&'m TargetName, &'m [&'a Series])> {
    let newest = |series: &[&Series]| {
        let of_machine = series.iter().filter(|one| is_of_machine(&one.name));
        of_machine.filter_map(|one| one.points.last().map(|point| point.at)).max()
    };
    let mut best: Option<(Timestamp, &TargetName, &[&Series])> = None;
    for (name, series) in &machine.targets {
        let Some(at) = newest(series) else { continue };
        if best.as_ref().is_none_or(|(latest, ..)| at > *latest) {
            best = Some((at, name, series));
        }
    }
    best.map(|(_, name, series)| (name, series))
}

/// The one machine that is the node's.
fn home(node: &Known, machines: &[Machine<'_>]) -> Result<usize, Unfit> {
    let those = |fits: fn(&Machine<'_>, &str) -> bool| {
        let found = machines.iter().enumerate().filter(|(_, machine)| fits(machine, &node.host));
        found.collect::<Vec<_>>()
    };
    let exactly = those(is_exactly);
    let found = if exactly.is_empty() { those(is_nearly) } else { exactly };
    match found[..] {
        [] => Err(Unfit::Unknown),
        [(at, _)] => Ok(at),
        _ => {
            let names = |machine: &Machine<'_>| {
                machine.names.iter().cloned().collect::<Vec<_>>().join(", ")
            };
            Err(Unfit::Ambiguous { machines: found.iter().map(|(_, one)| names(one)).collect() })
        }
    }
}
