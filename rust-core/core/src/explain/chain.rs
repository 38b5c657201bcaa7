//! The way of a decision: signal, diagnosis, what the policy wanted, each guard, and what came of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::plan::Plan;
use crate::reason::Reason;
use crate::units::Timestamp;

/// Something that was measured, and what it was held against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// What it is of: a component, or the topology.
    pub of: String,
    /// What was measured.
    pub what: Cow<'static, str>,
    /// The value.
    pub measured: f64,
    /// What it is held against, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// The setting that moves the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<Cow<'static, str>>,
}

/// What was wanted before anything was held against it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Desired {
    /// Executor counts by component.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, u32>,
    /// Memory of each executor in MiB, by component.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub memory_mib: BTreeMap<String, u32>,
    /// Whether the executors are to be placed anew.
    pub places: bool,
}

/// Something that a plan is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// One action at a time.
    OneAtATime,
    /// The topology's own scheduler keeps machines or pools apart.
    Pools,
    /// It can be restored.
    Restorable,
    /// Its components have as many executors as they may.
    Bounds,
    /// The last action was long enough ago.
    CoolDown,
    /// Few enough actions within a day.
    DailyActions,
    /// Little enough time within a day was spent on actions.
    DailyDisruption,
    /// The same did not fail before.
    InVain,
    /// Nobody has paused it.
    Pause,
    /// No freeze.
    Freeze,
    /// The hours in which something may be done.
    Hours,
    /// The mode, and whose word it needs.
    Mode,
    /// What the user has given his word for.
    Adoption,
}

/// A guard's answer: why it lets a plan pass, or does not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The guard.
    pub guard: Guard,
    /// Whether the plan may pass.
    pub passed: bool,
    /// Why.
    pub text: String,
    /// What was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<f64>,
    /// What it was held against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// The setting that moves the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<String>,
}

impl Check {
    /// The plan may pass.
    pub fn passes(guard: Guard, text: impl Into<String>) -> Self {
        Self { guard, passed: true, text: text.into(), measured: None, limit: None, setting: None }
    }

    /// The same with what was measured and its limit.
    pub fn measured(self, measured: f64, limit: f64) -> Self {
        Self { measured: Some(measured), limit: Some(limit), ..self }
    }

    /// The same with the setting that would change it.
    pub fn changed_by(self, setting: &str) -> Self {
        Self { setting: Some(setting.to_owned()), ..self }
    }

    /// The plan must not pass.
    pub fn stops(guard: Guard, reason: &Reason) -> Self {
        let Reason { text, measured, limit, setting, .. } = reason.clone();
        Self { guard, passed: false, text, measured, limit, setting }
    }
}

/// The way of a decision.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Chain {
    /// What was measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<Signal>,
    /// What that was taken for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnosis: Vec<Reason>,
    /// What was wanted, if anything.
    #[serde(default, alias = "wish", skip_serializing_if = "Option::is_none")]
    pub desired: Option<Desired>,
    /// What of it may be, and would have been done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<Desired>,
    /// What the plan was held against; nothing where there is no plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
}

/// What a plan changes of a component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The component's id.
    pub component: String,
    /// Its executors before and after.
    pub executors: (u32, u32),
    /// Its memory before and after in MiB, where that changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<(f64, u32)>,
    /// Executors that run elsewhere afterwards.
    pub moved: u32,
    /// How busy its executors are on average, and will be at the same load; nothing where they are not measured.
    pub busy: Option<(f64, f64)>,
}

/// A plan that waits for somebody's word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// The plan's id.
    pub plan: String,
    /// What it changes.
    pub diff: Vec<Change>,
    /// About how long it will take, in seconds.
    pub takes_secs: f64,
    /// Whether the topology stops for it.
    pub stops: bool,
    /// When it was proposed.
    pub at: Timestamp,
    /// When it is no longer to be had.
    pub expires: Timestamp,
    /// Who has approved of it so far.
    pub approved_by: Vec<String>,
    /// How many have to.
    pub people: u32,
}

impl From<&Plan> for Desired {
    fn from(plan: &Plan) -> Self {
        let places = plan.rows.iter().any(crate::plan::MigrationRow::moves);
        Self { counts: plan.counts.clone(), memory_mib: plan.memory_mib.clone(), places }
    }
}
