//! What the engine shows of itself.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::Value;
use thalweg_core::action::{Action, Done, Phase, Term};
use thalweg_core::explain::{Decision, Outcome};
use thalweg_core::operator::Operator;
use thalweg_core::plan::Plan;
use thalweg_core::settings::Mode;
use thalweg_core::units::{Share, Timestamp};

use crate::arrangement::{Arrangement, Arrangements, SeenNode};
use crate::error::EngineError;
use crate::under_way::{EndedPlan, UnderWay};

/// The plan under way.
#[derive(Debug, Serialize)]
pub(crate) struct ActivePlan<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) state: Phase,
    pub(crate) since: Timestamp,
    pub(crate) strategy: Option<&'a str>,
    /// How busy the busiest executor is expected to be afterwards, as far as that can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expected_busy: Option<Share>,
    /// What was done to the engine and is not taken back yet.
    pub(crate) done: &'a [Done],
    /// What the shell reported of each step.
    pub(crate) steps: &'a [Value],
}

impl<'a> ActivePlan<'a> {
    pub(crate) fn of(under_way: &'a UnderWay) -> Self {
        let Action { plan, phase, since, strategy, done, flight, .. } = &under_way.action;
        let (strategy, steps) = (strategy.as_deref(), &under_way.steps[..]);
        let expected_busy = flight.as_ref().and_then(|flight| flight.expected_busy);
        Self { plan, state: *phase, since: *since, strategy, expected_busy, done, steps }
    }
}

/// What is shown of the scheduler itself: as much for a large cluster as for a small one.
#[derive(Debug, Serialize)]
pub(crate) struct Summary<'a> {
    pub(crate) version: &'static str,
    pub(crate) at: Timestamp,
    pub(crate) mode: Mode,
    pub(crate) problems: &'a [String],
    pub(crate) store: Value,
    /// Where people and tools are answered, or why nowhere.
    pub(crate) control: Value,
    /// How the ledger does.
    pub(crate) ledger: Value,
    pub(crate) plan: Option<ActivePlan<'a>>,
    pub(crate) term: Term,
    pub(crate) leads: bool,
    pub(crate) ended: &'a VecDeque<EndedPlan>,
    pub(crate) outcomes: &'a VecDeque<Outcome>,
    pub(crate) counters: &'a BTreeMap<String, u64>,
    pub(crate) operator: &'a Operator,
}

/// Everything that is shown. What grows with the cluster is shared with what decides, and is JSON only while it is written:
/// as a tree of values it would take ten times as much.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// A [`Summary`].
    #[serde(flatten)]
    pub(crate) summary: Value,
    /// What operators have ordered, and the hosts that they have emptied.
    #[serde(flatten)]
    pub(crate) orders: Value,
    #[serde(serialize_with = "each")]
    pub(crate) decisions: Arc<[Decision]>,
    #[serde(serialize_with = "each")]
    pub(crate) nodes: Arc<[SeenNode]>,
    #[serde(serialize_with = "each")]
    pub(crate) arrangements: Arc<[Arrangement]>,
}

impl Shown {
    pub(crate) fn of(
        summary: &Summary<'_>,
        orders: Value,
        decisions: &Arc<[Decision]>,
        arrangements: &Arrangements,
    ) -> Result<Self, EngineError> {
        Ok(Self {
            summary: serde_json::to_value(summary)?,
            orders,
            decisions: Arc::clone(decisions),
            nodes: Arc::clone(&arrangements.nodes),
            arrangements: Arc::clone(&arrangements.topologies),
        })
    }

    /// What was decided about a topology.
    pub(crate) fn decision(&self, topology: &str) -> Option<&Decision> {
        self.decisions.iter().find(|decision| decision.topology == topology)
    }
}

/// Writes what is shared as if it were not.
pub(crate) fn each<T: Serialize, S: Serializer>(
    shared: &Arc<[T]>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(shared.iter())
}
