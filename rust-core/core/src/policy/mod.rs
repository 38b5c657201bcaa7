//! Policies: from a measured topology to what should change.
//!
//! A policy is a function of a [`Situation`], its settings and its memory, and gives an [`Intent`].
//! All start from the same signals and the same [`Flow`](crate::demand::Flow); whether the evidence
//! allows asking a policy at all, and whether its intent may be carried out now, is decided outside.

pub mod conttune;
pub mod dhalion;
pub mod ds2;
pub mod flink_autoscaler;
mod gaussian;
pub mod me_stream;
#[cfg(test)]
pub(crate) mod testing;
pub mod thalweg;
pub mod threshold;
mod wish;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::demand::{ComponentFlow, Flow};
use crate::explain::{Reason, ReasonCode};
use crate::model::Topology;
use crate::settings::Settings;
use crate::units::{Millis, RatePerSec, Timestamp};
use wish::Wishes;

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
        /// Tasks wished for at the next submission, by component ordinal.
        wished_tasks: BTreeMap<u32, u32>,
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
}

/// Every policy.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyName {
    /// Changes nothing.
    Static,
    /// Keeps busy shares near a target.
    Threshold,
    /// One resolver a round.
    Dhalion,
    /// Executors for exactly what the sources bring.
    Ds2,
    /// The formulas of Flink's autoscaler.
    FlinkAutoscaler,
    /// A Gaussian process per operator.
    Conttune,
    /// Triggers and plans of the Me-Stream paper.
    #[default]
    MeStream,
    /// Learned capacity, demand at the lead time, and what an action costs.
    Thalweg,
}

impl PolicyName {
    /// Every policy, the simplest first.
    pub const ALL: [Self; 8] = [
        Self::Static,
        Self::Threshold,
        Self::Dhalion,
        Self::Ds2,
        Self::FlinkAutoscaler,
        Self::Conttune,
        Self::MeStream,
        Self::Thalweg,
    ];

    /// Its name in settings and decisions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Threshold => "threshold",
            Self::Dhalion => "dhalion",
            Self::Ds2 => "ds2",
            Self::FlinkAutoscaler => "flink-autoscaler",
            Self::Conttune => "conttune",
            Self::MeStream => "me-stream",
            Self::Thalweg => "thalweg",
        }
    }

    /// The policy of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == name)
    }
}

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
    /// Executors that a component may have at most, where each needs a slot that no other of them has.
    pub slots: Option<u32>,
    /// Cores of the nodes on which it runs, if all declare them.
    pub cores: Option<f64>,
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
}

/// What the policies remember of one topology.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memories {
    threshold: threshold::Memory,
    dhalion: dhalion::Memory,
    ds2: ds2::Memory,
    autoscaler: flink_autoscaler::Memory,
    conttune: conttune::Memory,
    thalweg: thalweg::Memory,
}

/// Asks the policy of the settings; `model` outlives a restart. `me-stream` also needs to know the
/// arrangement, so it is asked by its own function.
pub fn find(
    situation: &Situation<'_>,
    memories: &mut Memories,
    model: &mut thalweg::TopologyModel,
) -> Intent {
    match situation.settings.policy {
        PolicyName::Threshold => threshold::find(situation, &mut memories.threshold),
        PolicyName::Dhalion => dhalion::find(situation, &mut memories.dhalion),
        PolicyName::Ds2 => ds2::find(situation, &mut memories.ds2),
        PolicyName::FlinkAutoscaler => flink_autoscaler::find(situation, &mut memories.autoscaler),
        PolicyName::Conttune => conttune::find(situation, &mut memories.conttune),
        PolicyName::Thalweg => thalweg::find(situation, &mut memories.thalweg, model),
        PolicyName::Static | PolicyName::MeStream => {
            let text = "the policy leaves everything as it is";
            Intent::Stay(vec![Reason::plain(ReasonCode::PolicyStatic, text)])
        }
    }
}

/// Records per second that the policy, asked just now, believes each component can take in, where it
/// has a belief.
pub fn believed(situation: &Situation<'_>, memories: &Memories) -> Vec<Option<RatePerSec>> {
    let of = |(index, component): (usize, &ComponentFlow)| {
        let rate = match situation.settings.policy {
            PolicyName::Ds2 | PolicyName::Conttune => {
                Some(component.true_rate()? * f64::from(component.executors))
            }
            PolicyName::FlinkAutoscaler => flink_autoscaler::true_rate(component),
            PolicyName::Thalweg => memories.thalweg.believed(index),
            _ => None,
        };
        rate.map(RatePerSec::saturating)
    };
    situation.flow.components.iter().enumerate().map(of).collect()
}

/// Executors that the wishes add, as far as limits allow; below 0 when they take some away.
fn direction(situation: &Situation<'_>, wishes: &Wishes) -> i64 {
    let change = |(index, wish): (&usize, &u32)| {
        let component = &situation.flow.components[*index];
        i64::from((*wish).clamp(1, component.most().max(1))) - i64::from(component.executors)
    };
    let changes: Vec<i64> = wishes.iter().map(change).collect();
    // A component that is short matters more than others that have too much.
    changes.iter().copied().find(|c| *c > 0).unwrap_or_else(|| changes.iter().sum())
}

/// Why the wishes differ from what is: the component whose demand is furthest from its capacity.
fn main_reason(situation: &Situation<'_>, wishes: &Wishes, demand: &[Option<f64>]) -> Reason {
    let used = |index: usize| {
        let component = &situation.flow.components[index];
        let capacity = component.true_rate()? * f64::from(component.executors);
        Some((index, demand[index]?, capacity))
    };
    let changed = wishes
        .iter()
        .filter(|(index, wish)| situation.flow.components[**index].executors != **wish)
        .filter_map(|(index, _)| used(*index));
    let up = direction(situation, wishes) > 0;
    let furthest = changed.max_by(|a, b| {
        let (a, b) = (a.1 / a.2.max(1e-9), b.1 / b.2.max(1e-9));
        if up { a.total_cmp(&b) } else { b.total_cmp(&a) }
    });
    let Some((index, demand, capacity)) = furthest else { return unknown_rates() };
    let code = if up { ReasonCode::DemandAboveCapacity } else { ReasonCode::DemandBelowCapacity };
    let text = format!("records per second asked of {}, and what it can do", situation.id(index));
    Reason::compared(code, demand, capacity, text)
}

fn unknown_rates() -> Reason {
    Reason::plain(
        ReasonCode::RatesUnknown,
        "neither demand nor true rate of any component can be told from what was measured",
    )
}
