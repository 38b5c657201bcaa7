//! What the engine shows of itself.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use serde_json::Value;
use thalweg_core::action::{Action, Done, Phase, Term};
use thalweg_core::explain::{Decision, Outcome};
use thalweg_core::operator::Operator;
use thalweg_core::plan::Plan;
use thalweg_core::settings::Mode;
use thalweg_core::units::Timestamp;

use crate::arrangement::{Arrangement, SeenNode};
use crate::under_way::{EndedPlan, UnderWay};

/// The plan under way.
#[derive(Debug, Serialize)]
pub(crate) struct ActivePlan<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) state: Phase,
    pub(crate) since: Timestamp,
    pub(crate) strategy: Option<&'a str>,
    /// What was done to the engine and is not taken back yet.
    pub(crate) done: &'a [Done],
    /// What the shell reported of each step.
    pub(crate) steps: &'a [Value],
}

impl<'a> ActivePlan<'a> {
    pub(crate) fn of(under_way: &'a UnderWay) -> Self {
        let Action { plan, phase, since, strategy, done, .. } = &under_way.action;
        let (strategy, steps) = (strategy.as_deref(), &under_way.steps[..]);
        Self { plan, state: *phase, since: *since, strategy, done, steps }
    }
}

/// Everything that is shown.
#[derive(Debug, Serialize)]
pub(crate) struct Status<'a> {
    pub(crate) version: &'static str,
    pub(crate) at: Timestamp,
    pub(crate) mode: Mode,
    pub(crate) problems: &'a [String],
    pub(crate) store: Value,
    /// Where people and tools are answered, or why nowhere.
    pub(crate) control: Value,
    /// How the ledger does.
    pub(crate) ledger: Value,
    /// What operators have ordered, and the hosts that they have emptied.
    #[serde(flatten)]
    pub(crate) orders: Value,
    pub(crate) decisions: &'a [Decision],
    pub(crate) nodes: &'a [SeenNode],
    pub(crate) arrangements: &'a [Arrangement],
    pub(crate) plan: Option<ActivePlan<'a>>,
    pub(crate) term: Term,
    pub(crate) leads: bool,
    pub(crate) ended: &'a VecDeque<EndedPlan>,
    pub(crate) outcomes: &'a VecDeque<Outcome>,
    pub(crate) counters: &'a BTreeMap<String, u64>,
    pub(crate) operator: &'a Operator,
}
