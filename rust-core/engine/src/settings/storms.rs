//! What Storm's own configuration says of a scheduler that Thalweg has replaced, and of other Nimbuses.

use serde_json::{Map, Value};
use thalweg_core::settings::Mode;

/// The keys by which Storm's schedulers keep machines or pools apart, and whose they are.
const KEPT_APART: [(&str, &str); 3] = [
    ("isolation.scheduler.machines", "org.apache.storm.scheduler.IsolationScheduler"),
    (
        "multitenant.scheduler.user.pools",
        "org.apache.storm.scheduler.multitenant.MultitenantScheduler",
    ),
    (
        "resource.aware.scheduler.user.pools",
        "org.apache.storm.scheduler.resource.ResourceAwareScheduler",
    ),
];
/// Since Storm 3.0: lets its schedulers move what runs to a supervisor that idles.
const IDLE_REBALANCE: &str = "nimbus.even.rebalance.idle.supervisor.enabled";
/// Who is left what Thalweg does not place.
const DELEGATE: &str = "thalweg.delegate.scheduler";
/// How the names of Storm's own schedulers begin.
const STORMS: &str = "org.apache.storm.";

/// What becomes of a key whose scheduler is not there.
const REPLACED: &str = "is set for a scheduler that Thalweg has replaced, and does not hold";
/// What becomes of a key of the scheduler that Thalweg leaves things to.
const LEFT_ONLY: &str = "holds only for what Thalweg leaves, which is nothing while it works";

/// A key that is set, and that nobody holds to while Thalweg is the scheduler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unheld {
    /// The key.
    pub key: &'static str,
    /// What becomes of it.
    pub text: &'static str,
    /// A line of configuration that makes it hold, or takes it out.
    pub mend: String,
}

/// The keys that no longer hold, of a configuration in which Thalweg is the scheduler.
pub fn unheld(given: &Map<String, Value>) -> Vec<Unheld> {
    let delegate = given.get(DELEGATE).and_then(Value::as_str).unwrap_or_default().trim();
    let is_set = |key: &str| match given.get(key) {
        Some(Value::Object(map)) => !map.is_empty(),
        _ => false,
    };
    // A scheduler of somebody's own may be one of these with something more.
    let reads =
        |owner: &str| delegate == owner || !delegate.is_empty() && !delegate.starts_with(STORMS);
    let mut found: Vec<Unheld> = KEPT_APART
        .into_iter()
        .filter(|(key, owner)| is_set(key) && !reads(owner))
        .map(|(key, owner)| Unheld { key, text: REPLACED, mend: format!("{DELEGATE}: {owner}") })
        .collect();
    if given.get(IDLE_REBALANCE) == Some(&Value::Bool(true)) && places(given) {
        let mend = format!("{IDLE_REBALANCE}: false");
        found.push(Unheld { key: IDLE_REBALANCE, text: LEFT_ONLY, mend });
    }
    found
}

/// Whether Thalweg places anything: while it only looks, Storm's own scheduler has all.
fn places(given: &Map<String, Value>) -> bool {
    let mode = given.get("thalweg.mode").and_then(Value::as_str).and_then(Mode::named);
    let some = given.get("thalweg.mode.rules").is_some_and(|rules| !rules.is_null());
    some || mode.is_some_and(Mode::changes)
}

/// How many Nimbuses there are; none where Storm's configuration does not say.
pub fn nimbuses(given: &Map<String, Value>) -> usize {
    given.get("nimbus.seeds").and_then(Value::as_array).map_or(0, Vec::len)
}
