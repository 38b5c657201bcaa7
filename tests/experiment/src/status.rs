//! What Thalweg's engine shows of itself, as it lies in `status.json`.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use thalweg_core::explain::{Decision, Outcome, Plan, ReasonCode, Verdict};

/// The engine's own account.
#[derive(Debug, Clone, Deserialize)]
pub struct Status {
    /// Complaints about the configuration.
    pub problems: Vec<String>,
    /// Where routing tables are kept, and how that goes.
    pub store: Value,
    /// The latest decision on each topology.
    pub decisions: Vec<Decision>,
    /// The plan under way.
    pub plan: Option<Active>,
    /// Plans that ended, the latest first.
    pub ended: Vec<Ended>,
    /// What came of plans, the latest first.
    pub outcomes: Vec<Outcome>,
}

/// The plan under way.
#[derive(Debug, Clone, Deserialize)]
pub struct Active {
    /// The plan.
    pub plan: Plan,
    /// `decided`, `published` or `committed`.
    pub state: String,
}

/// A plan that ended.
#[derive(Debug, Clone, Deserialize)]
pub struct Ended {
    /// The plan.
    pub plan: Plan,
    /// When, in milliseconds since the epoch.
    pub at: u64,
    /// The way it was carried out; of one given up, the last words.
    pub how: String,
    /// Why it was given up; nothing when it was carried out.
    pub code: Option<String>,
    /// What was done.
    #[serde(default)]
    pub steps: Vec<Step>,
}

/// One step of an action.
#[derive(Debug, Clone, Deserialize)]
pub struct Step {
    /// The way and its phase.
    pub step: String,
    /// When it began, in milliseconds since the epoch.
    #[serde(default)]
    pub started_at: u64,
    /// How long it took.
    #[serde(default)]
    pub ms: u64,
    /// Whether it went well.
    #[serde(default)]
    pub ok: bool,
    /// What went wrong.
    #[serde(default)]
    pub text: String,
}

/// A hold for one of these reasons will not end by itself.
const CALM: [ReasonCode; 9] = [
    ReasonCode::NoBottleneck,
    ReasonCode::DemandMet,
    ReasonCode::CostAboveGain,
    ReasonCode::LatencyStable,
    ReasonCode::NoGain,
    ReasonCode::GainTooSmall,
    ReasonCode::TaskLimited,
    ReasonCode::ClusterLimited,
    ReasonCode::Ineffective,
];

impl Status {
    /// Reads the file; nothing while it is not there yet or says what this version does not know.
    pub fn read(file: &Path) -> Option<Self> {
        serde_json::from_str(&fs::read_to_string(file).ok()?).ok()
    }

    /// Plans that were carried out.
    pub fn done(&self) -> impl Iterator<Item = &Ended> {
        self.ended.iter().filter(|ended| ended.code.is_none())
    }

    /// Whether the last plan carried out was judged.
    pub fn judged(&self) -> bool {
        self.done().next().is_none_or(|ended| self.outcomes.iter().any(|o| o.plan == ended.plan.id))
    }

    /// Whether nothing is under way and nothing more is to be expected.
    pub fn calm(&self) -> bool {
        let holds = |decision: &Decision| {
            decision.verdict == Verdict::Hold
                && decision.reasons.iter().any(|reason| CALM.contains(&reason.code))
        };
        self.plan.is_none()
            && self.judged()
            && !self.decisions.is_empty()
            && self.decisions.iter().all(holds)
    }
}
