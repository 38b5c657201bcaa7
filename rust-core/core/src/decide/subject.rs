//! One topology on its way through the stages.

use crate::arrange::{ClusterView, PlacementContext};
use crate::assess::Assessment;
use crate::background::{BackgroundLoad, ClusterDemand};
use crate::budget::queue::Queue;
use crate::explain::Chain;
use crate::state::{Learned, Order, State, TopologyState};

/// What all topologies have around them.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The cluster.
    pub cluster: &'a ClusterView,
    /// What all topologies ask of each node.
    pub demands: &'a ClusterDemand,
    /// How they stand to what they may have together.
    pub queue: &'a Queue,
}

/// A topology as measured, what is remembered of it, and the cluster around it.
pub struct Subject<'a> {
    /// The topology as measured.
    pub assessment: Assessment<'a>,
    /// The cluster.
    pub cluster: &'a ClusterView,
    /// What all topologies ask of each node.
    pub demands: &'a ClusterDemand,
    /// How all topologies stand to what they may have together.
    pub queue: &'a Queue,
    /// What is remembered of the topology.
    pub remembered: &'a mut TopologyState,
    /// What was learned of all.
    pub learned: &'a mut Learned,
    /// What an operator ordered, of whichever topology.
    pub order: &'a mut Option<Order>,
    /// Whether an action is under way, or was decided upon just now.
    pub busy: bool,
    /// The number of the decision.
    pub number: u64,
    /// How the decision is come to.
    pub chain: Chain,
}

impl<'a> Subject<'a> {
    /// The topology of an assessment; nothing if it is not remembered.
    pub fn of(
        assessment: Assessment<'a>,
        around: Surroundings<'a>,
        state: &'a mut State,
        busy: bool,
    ) -> Option<Self> {
        let remembered = state.topologies.get_mut(&assessment.topology.id)?;
        let number = state.next_decision;
        state.next_decision += 1;
        let (learned, order) = (&mut state.learned, &mut state.order);
        let Surroundings { cluster, demands, queue } = around;
        Some(Self {
            assessment,
            cluster,
            demands,
            queue,
            remembered,
            learned,
            order,
            busy,
            number,
            chain: Chain::default(),
        })
    }
}

/// The cluster as a topology finds it.
pub fn placing<'a>(
    assessment: &'a Assessment<'_>,
    cluster: &'a ClusterView,
    demands: &'a ClusterDemand,
) -> PlacementContext<'a> {
    PlacementContext {
        cluster,
        own: assessment.index,
        demands: BackgroundLoad::AllBut(demands, &assessment.node_demands),
        memory: None,
        promised: None,
        most_slots: None,
    }
}
