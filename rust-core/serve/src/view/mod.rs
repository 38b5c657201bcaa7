//! What is shown, in the words of the HTTP interface.

mod chain;
mod plan;
mod reason;
mod topology;

pub use plan::{PlanView, active, ended};
pub use reason::ReasonShown;
pub use topology::{Standing, Summary, TopologyShown, plan_of, summary, topology};

use serde::Serialize;
use thalweg_core::operator::{Expected, Pause, Peak};
use thalweg_core::units::Timestamp;
use utoipa::ToSchema;

use crate::names::word;
use crate::status::Status;

/// An engine as it is shown.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EngineShown {
    /// Its name.
    pub name: String,
    /// Whether it answers.
    pub up: bool,
    /// Why it does not.
    pub fault: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// How far it may go.
    pub mode: Option<String>,
    /// Whether it leads.
    pub leads: bool,
    /// When it spoke last, in ms since 1970.
    pub at: Option<i64>,
    /// What is wrong with its settings.
    pub problems: Vec<String>,
    /// Its store.
    pub store: Option<StoreShown>,
    /// Its topologies.
    pub topologies: usize,
    /// What operators have paused.
    pub pauses: Vec<PauseShown>,
    /// For when they expect much, by the name under which they said so.
    pub peaks: Vec<PeakShown>,
    /// What happened how often.
    pub counters: std::collections::BTreeMap<String, u64>,
}

/// A pause.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PauseShown {
    /// The topologies, by a name, an id or a pattern; `*` are all.
    pub scope: String,
    /// `both`, `in` or `out`.
    pub direction: String,
    /// When it is over, in ms since 1970; absent if somebody has to end it.
    pub until: Option<i64>,
    /// When it was said, in ms since 1970.
    pub at: i64,
    /// Who said it.
    pub who: String,
}

/// A time at which much is expected of topologies.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PeakShown {
    /// What it comes of.
    pub name: String,
    /// The topologies, by a name, an id or a pattern; `*` are all.
    pub scope: String,
    /// When it begins, in ms since 1970.
    pub from: i64,
    /// When it is over, in ms since 1970.
    pub until: i64,
    /// Executors that components are to have at least.
    pub counts: std::collections::BTreeMap<String, u32>,
    /// How long before its beginning they are to be there, in seconds.
    pub lead_secs: f64,
    /// Who said so.
    pub who: String,
}

fn peaks(status: &Status) -> Vec<PeakShown> {
    let shown = |of: &Expected, peak: &Peak| PeakShown {
        name: of.name.clone(),
        scope: word(&of.scope),
        from: peak.from.millis(),
        until: peak.until.millis(),
        counts: peak.floors.iter().map(|one| (word(&one.target.component), one.count)).collect(),
        lead_secs: peak.floors.first().map_or(0.0, |one| one.lead.get() / 1000.0),
        who: of.who.clone(),
    };
    let expected = status.operator.expected.iter();
    expected.flat_map(|of| of.peaks.iter().map(move |peak| shown(of, peak))).collect()
}

fn pauses(status: &Status) -> Vec<PauseShown> {
    let shown = |pause: &Pause| PauseShown {
        scope: word(&pause.scope),
        direction: word(&pause.direction),
        until: pause.until.map(Timestamp::millis),
        at: pause.at.millis(),
        who: pause.who.clone(),
    };
    status.operator.pauses.iter().filter(|pause| pause.paused).map(shown).collect()
}

/// A store as it is shown.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StoreShown {
    /// `embedded` or `redis`.
    pub kind: String,
    /// Whether it is in reach.
    pub up: bool,
    /// Why not.
    pub reason: Option<String>,
}

/// Shows an engine by what it said last.
pub fn engine(name: &str, status: Option<&Status>, fault: Option<&str>) -> EngineShown {
    EngineShown {
        name: name.to_owned(),
        up: fault.is_none() && status.is_some(),
        fault: fault.map(str::to_owned),
        version: status.map(|status| status.version.clone()),
        mode: status.map(|status| word(&status.mode)),
        leads: status.is_some_and(|status| status.leads),
        at: status.map(|status| status.at.millis()),
        problems: status.map(|status| status.problems.clone()).unwrap_or_default(),
        store: status.map(|status| StoreShown {
            kind: status.store.kind.clone(),
            up: status.store.up,
            reason: status.store.reason.clone(),
        }),
        topologies: status.map_or(0, |status| status.decisions.len()),
        pauses: status.map(pauses).unwrap_or_default(),
        peaks: status.map(peaks).unwrap_or_default(),
        counters: status.map(|status| status.counters.clone()).unwrap_or_default(),
    }
}
