//! The way of a decision, as it is shown: what was measured, what that was taken for, what was wanted, what of it was
//! planned, and what each guard said.

use std::collections::BTreeMap;

use serde::Serialize;
use thalweg_core::explain::{Chain, Check, Desired, Signal};
use utoipa::ToSchema;

use super::reason::{ReasonShown, reasons};
use crate::names::word;

/// The way of a decision.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ChainShown {
    /// What was measured.
    pub signals: Vec<SignalShown>,
    /// What that was taken for.
    pub diagnosis: Vec<ReasonShown>,
    /// What the policy wanted, if anything.
    pub wanted: Option<DesiredShown>,
    /// What of it may be, and would have been done.
    pub planned: Option<DesiredShown>,
    /// What each guard said of that; nothing where nothing was planned.
    pub guards: Vec<GuardShown>,
}

/// Something that was measured, and what it was held against.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SignalShown {
    /// The component that it is of, or the topology.
    pub of: String,
    /// What was measured.
    pub what: String,
    /// The value.
    pub measured: f64,
    /// What it was held against, if anything.
    pub limit: Option<f64>,
    /// The setting that moves the limit.
    pub setting: Option<String>,
}

/// What was to become of the topology.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DesiredShown {
    /// Executor counts by component.
    pub counts: BTreeMap<String, u32>,
    /// Memory of each executor in MiB, by component.
    pub memory_mib: BTreeMap<String, u32>,
    /// Whether executors were to be placed anew.
    pub places: bool,
}

/// What a guard said.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct GuardShown {
    /// Its name.
    pub guard: String,
    /// Whether it lets the plan pass.
    pub passed: bool,
    /// Why.
    pub text: String,
    /// What was measured.
    pub measured: Option<f64>,
    /// What it was held against.
    pub limit: Option<f64>,
    /// The setting that moves the limit.
    pub setting: Option<String>,
}

/// Shows the way of a decision.
pub fn chain(chain: &Chain) -> ChainShown {
    ChainShown {
        signals: chain.signals.iter().map(signal).collect(),
        diagnosis: reasons(&chain.diagnosis),
        wanted: chain.desired.as_ref().map(desired),
        planned: chain.planned.as_ref().map(desired),
        guards: chain.checks.iter().map(guard).collect(),
    }
}

fn signal(signal: &Signal) -> SignalShown {
    SignalShown {
        of: signal.of.clone(),
        what: signal.what.to_string(),
        measured: signal.measured,
        limit: signal.limit,
        setting: signal.setting.as_ref().map(ToString::to_string),
    }
}

fn desired(desired: &Desired) -> DesiredShown {
    DesiredShown {
        counts: desired.counts.clone(),
        memory_mib: desired.memory_mib.clone(),
        places: desired.places,
    }
}

fn guard(check: &Check) -> GuardShown {
    GuardShown {
        guard: word(&check.guard),
        passed: check.passed,
        text: check.text.clone(),
        measured: check.measured,
        limit: check.limit,
        setting: check.setting.clone(),
    }
}
