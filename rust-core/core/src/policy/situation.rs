//! What policies are asked, and what they answer.

use std::collections::BTreeMap;

use crate::demand::{ComponentFlow, Demand, Flow, Target, asked, whole_executors};
use crate::model::Topology;
use crate::reason::Reason;
use crate::settings::Settings;
use crate::units::{Millis, Timestamp};

/// What a policy is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The topology.
    pub topology: &'a Topology,
    /// What its components did.
    pub flow: &'a Flow,
    /// The shortest time over which one of its executors was measured.
    pub span: Millis,
    /// The age of the oldest measurement of an executor.
    pub age: Millis,
    /// Whether other places for its executors may soon be found to be better.
    pub may_move: bool,
    /// Slots that the topology may have, where components share them.
    pub slots: Option<u32>,
    /// Slots that each group of components that share them uses.
    pub used_slots: &'a BTreeMap<u32, u32>,
    /// Cores of the nodes on which it runs, if all declare them.
    pub cores: Option<f64>,
    /// Cores of the nodes on which it may run, if all declare them.
    pub most_cores: Option<f64>,
    /// The settings.
    pub settings: &'a Settings,
    /// Now.
    pub now: Timestamp,
}

impl<'a> Situation<'a> {
    /// The name of a component.
    pub fn id(&self, index: usize) -> &'a str {
        self.topology.components.get(index).map_or("?", |component| component.id.as_str())
    }

    /// The executors that a component may have at most: by its tasks or partitions, its user, and the cluster's slots.
    pub fn most(&self, index: usize) -> u32 {
        let most = self.flow.components[index].most();
        let Some(slots) = self.slots else { return most.max(1) };
        let own = self.topology.slot_group(index);
        let others = self.used_slots.iter().filter(|(group, _)| **group != own);
        let others: u32 = others.map(|(_, used)| used).sum();
        most.min(slots.saturating_sub(others)).max(1)
    }

    /// The slots of each group of components that share them, when users' components have so many executors.
    pub fn slots_of_groups(&self, executors: impl Fn(usize) -> u32) -> BTreeMap<u32, u32> {
        slots_of_groups(self.topology, self.flow, executors)
    }

    /// The demand on each component when sources bring in what `rate` says, as far as components that cannot do what
    /// is asked of them let it through.
    pub fn demand(&self, rate: impl Fn(&Target) -> f64) -> Vec<Option<Demand>> {
        let graph = self.flow.graph(&self.flow.streams);
        asked(&graph, &self.flow.sources(rate), &self.ceilings())
    }

    /// A component of which more is asked than it does with all executors that it may have, and the executors that it
    /// would need: what it leaves undone is no reason for more executors elsewhere.
    pub fn limit(&self, demand: &[Option<Demand>]) -> Option<(usize, u32)> {
        let over = |(index, (asked, most)): (usize, (&Option<f64>, &Option<f64>))| {
            let (asked, most) = (*asked).zip(*most).filter(|(asked, most)| asked > most)?;
            Some((index, asked / most))
        };
        let ceilings = self.ceilings();
        let demand = self.flow.graph(&self.flow.streams).in_all(demand);
        let all = demand.iter().zip(&ceilings).enumerate();
        let (index, factor) = all.filter_map(over).max_by(|a, b| a.1.total_cmp(&b.1))?;
        Some((index, whole_executors(f64::from(self.most(index)) * factor)))
    }

    /// Records per second that each component does with all executors that it may have, if each does what one does
    /// now.
    fn ceilings(&self) -> Vec<Option<f64>> {
        let of = |(index, component): (usize, &ComponentFlow)| {
            let least = if component.single { 1 } else { component.executors };
            let rate = component.true_rate().filter(|_| !component.unseen)?;
            Some(rate * f64::from(self.most(index).max(least)))
        };
        self.flow.components.iter().enumerate().map(of).collect()
    }
}

/// The slots of each group of components that share them, when users' components have so many executors.
fn slots_of_groups(
    topology: &Topology,
    flow: &Flow,
    executors: impl Fn(usize) -> u32,
) -> BTreeMap<u32, u32> {
    let system = |index: usize| flow.components.get(index).is_none_or(|c| c.system);
    topology.shared_slots(|index| if system(index) { 0 } else { executors(index) })
}

/// The slots that each group uses.
pub fn used_slots(topology: &Topology, flow: &Flow) -> BTreeMap<u32, u32> {
    slots_of_groups(topology, flow, |index| flow.components[index].executors)
}

/// What a policy wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Intent {
    /// Nothing, and why.
    Stay(Vec<Reason>),
    /// New executor counts, or new memory for executors, of some components.
    Scale {
        /// By component ordinal.
        counts: BTreeMap<u32, u32>,
        /// New memory of each executor in MiB, by component ordinal.
        memory_mib: BTreeMap<u32, u32>,
        /// Tasks asked for at the next submission, by component ordinal.
        desired_tasks: BTreeMap<u32, u32>,
        /// By component ordinal: how many times its present work it is expected to have, where that is
        /// known. What runs at its limit does not show what it will do once it is relieved.
        growth: BTreeMap<u32, f64>,
        /// Why.
        reasons: Vec<Reason>,
    },
    /// The same executors in better places.
    Move(Vec<Reason>),
}

impl Intent {
    /// Whether executors get other counts or other memory, and with that new places.
    pub fn scales(&self) -> bool {
        matches!(self, Self::Scale { .. })
    }

    /// The same with these reasons before its own.
    pub fn preceded_by(mut self, mut first: Vec<Reason>) -> Self {
        first.append(self.reasons());
        *self.reasons() = first;
        self
    }

    /// The same with these reasons after its own.
    pub fn followed_by(mut self, mut last: Vec<Reason>) -> Self {
        self.reasons().append(&mut last);
        self
    }

    fn reasons(&mut self) -> &mut Vec<Reason> {
        let (Self::Stay(reasons) | Self::Move(reasons) | Self::Scale { reasons, .. }) = self;
        reasons
    }
}
