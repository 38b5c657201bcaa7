//! What the ledger is told: decisions that say something new, actions and what came of them, orders and their fates, what
//! operators say, who leads, and settings.
//!
//! Nobody waits here: what is told lies in memory until the ledger's own thread writes it.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use thalweg_core::explain::gauges::LedgerHealth;
use thalweg_core::explain::{Decision, Outcome};
use thalweg_core::model::Observation;
use thalweg_ledger::{Ask, Entry, FOLDER, Files, Ledger, Pace, Page, Settings};
use thalweg_store::{Store, StoreKind};

use crate::locked::lock;
use crate::noted::Noted;
use crate::orders::{Book, Fate, GivenOrder};
use crate::present::forget_absent;
use crate::settings::EngineSettings;
use crate::under_way::EndedPlan;

/// Who decides where no person does.
const OURSELVES: &str = "thalweg";
/// How long a reader waits for what was told just before.
const PATIENCE: Duration = Duration::from_millis(500);
/// The most bytes of a page: whoever asks over a shared store gets 8 MiB at most.
const PAGE_BYTES: usize = 4 << 20;
/// The longest content that is kept whole.
const LONGEST: usize = 256 << 10;

/// What a person said, or what happened to the engine itself.
#[derive(Debug, Default)]
pub(crate) struct Told<'a> {
    pub(crate) kind: &'static str,
    pub(crate) topology: &'a str,
    pub(crate) name: &'a str,
    pub(crate) who: &'a str,
    pub(crate) why: &'a str,
}

/// Tells the ledger, where there is one.
#[derive(Default)]
pub(crate) struct Records {
    ledger: Option<Ledger>,
    term: AtomicU64,
    /// The fates of orders that were told last.
    fates: Mutex<BTreeMap<String, std::mem::Discriminant<Fate>>>,
    /// The settings of topologies that were told last.
    own: Mutex<BTreeMap<String, BTreeMap<String, Vec<String>>>>,
    /// What is noted in the shared store, if there is one.
    noted: Option<Noted>,
}

impl Records {
    /// Opens the ledger beside the status file. A scheduler without one works all the same, and its log says why.
    pub(crate) fn open(settings: &EngineSettings, folder: &Path) -> Self {
        let shared = settings.store.kind != StoreKind::Embedded;
        let settings = Settings {
            folder: folder.join(FOLDER),
            key_file: settings.ledger.key_file.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            limits: settings.ledger.limits,
        };
        let opened = Ledger::open(settings, Pace::default(), || Box::new(Files));
        let ledger = opened.inspect_err(|error| tracing::warn!(%error, "there is no ledger")).ok();
        Self { ledger, noted: shared.then(Noted::default), ..Self::default() }
    }

    /// Notes in a shared store up to where the ledger goes.
    pub(crate) fn note_head(&self, store: &dyn Store) {
        if let (Some(ledger), Some(noted)) = (&self.ledger, &self.noted) {
            noted.keep(ledger, store);
        }
    }

    /// Whether anything is kept.
    pub(crate) fn is_on(&self) -> bool {
        self.ledger.is_some()
    }

    /// Something that says itself what it is about.
    pub(crate) fn tell(&self, told: &Told<'_>, content: &impl Serialize) {
        let Some(ledger) = &self.ledger else { return };
        let content = match serde_json::to_value(content) {
            Ok(content) => shortened(content),
            Err(error) => json!({ "unreadable": error.to_string() }),
        };
        ledger.append(Entry {
            term: self.term.load(Ordering::SeqCst),
            topology: told.topology.to_owned(),
            name: told.name.to_owned(),
            who: told.who.to_owned(),
            why: told.why.to_owned(),
            ..Entry::of(told.kind, &content)
        });
    }

    /// A decision that says something new.
    pub(crate) fn decision(&self, decision: &Decision) {
        let why = decision.reasons.first().map(|reason| reason.text.as_str()).unwrap_or_default();
        let (topology, name) = (decision.topology.as_str(), decision.name.as_str());
        self.tell(&Told { kind: "decision", topology, name, who: OURSELVES, why }, decision);
    }

    /// What came of an action.
    pub(crate) fn outcome(&self, outcome: &Outcome, name: &str) {
        let (topology, why) = (outcome.topology.as_str(), outcome.text.as_str());
        self.tell(&Told { kind: "outcome", topology, name, who: OURSELVES, why }, outcome);
    }

    /// How a plan ended.
    pub(crate) fn action(&self, ended: &EndedPlan) {
        let (topology, name) = (ended.plan.topology.as_str(), ended.plan.name.as_str());
        let told = Told { kind: "action", topology, name, who: OURSELVES, why: &ended.how };
        self.tell(&told, ended);
    }

    /// An order, with what has become of it.
    pub(crate) fn order(&self, given: &GivenOrder, seen: Option<&Observation>) {
        let topology = given.order.topology.as_str();
        let mut all = seen.iter().flat_map(|seen| &seen.topologies);
        let meant = all.find(|one| one.id == topology || one.name == topology);
        let name = meant.map_or(topology, |meant| meant.name.as_str());
        let topology = meant.map_or(topology, |meant| meant.id.as_str());
        let who = given.by.to_string();
        self.tell(&Told { kind: "order", topology, name, who: &who, why: &given.why }, given);
        lock(&self.fates).insert(given.id.clone(), std::mem::discriminant(&given.fate));
    }

    /// Tells which orders have met another fate than they had.
    pub(crate) fn fates(&self, book: &Book, seen: Option<&Observation>) {
        let mut before = std::mem::take(&mut *lock(&self.fates));
        for given in book.open.iter().chain(&book.over) {
            let fate = std::mem::discriminant(&given.fate);
            let told = before.remove(&given.id).is_some_and(|told| told == fate);
            if told || matches!(given.fate, Fate::Waiting { .. }) {
                lock(&self.fates).insert(given.id.clone(), fate);
            } else {
                self.order(given, seen);
            }
        }
    }

    /// The orders that a predecessor has told of, or this process before it ended.
    pub(crate) fn know_fates(&self, book: &Book) {
        let known = book.open.iter().chain(&book.over);
        let known = known.map(|given| (given.id.clone(), std::mem::discriminant(&given.fate)));
        *lock(&self.fates) = known.collect();
    }

    /// This process begins to lead, or ceases to.
    pub(crate) fn leads(&self, leads: bool, term: u64) {
        self.term.store(term, Ordering::SeqCst);
        let told = Told { kind: "leader", who: OURSELVES, ..Told::default() };
        self.tell(&told, &json!({ "leads": leads, "term": term }));
    }

    /// The settings that this process has, if they differ from those that the one before it had.
    pub(crate) fn settings(&self, now: &EngineSettings, before: &BTreeMap<String, Value>) {
        let changed = changes(before, &now.written);
        let content = json!({ "changed": changed, "settings": now.written,
            "problems": now.problems, "version": env!("CARGO_PKG_VERSION") });
        self.tell(&Told { kind: "config", who: "configuration", ..Told::default() }, &content);
    }

    /// The topologies' own settings, where they have changed.
    pub(crate) fn own_settings(&self, seen: &Observation) {
        if !self.is_on() {
            return;
        }
        let mut known = lock(&self.own);
        forget_absent(&mut known, seen);
        for topology in &seen.topologies {
            let before = known.get(&topology.id);
            if before.map_or(topology.settings.is_empty(), |before| *before == topology.settings) {
                continue;
            }
            let changed = changes(before.unwrap_or(&BTreeMap::new()), &topology.settings);
            let (id, name) = (topology.id.as_str(), topology.name.as_str());
            let told = Told { kind: "config", topology: id, name, who: "its user", why: "" };
            self.tell(&told, &json!({ "changed": changed, "settings": topology.settings }));
            known.insert(id.to_owned(), topology.settings.clone());
        }
    }

    /// Some records, the newest first.
    pub(crate) fn page(&self, ask: Ask<'_>) -> std::io::Result<Page> {
        let Some(ledger) = &self.ledger else { return Ok(Page::default()) };
        // What was told before the question is in the answer, unless the disk is away.
        if ledger.condition().fault.is_none() {
            ledger.settle(PATIENCE);
        }
        match thalweg_ledger::page(ledger.folder(), &Ask { bytes: PAGE_BYTES, ..ask }) {
            // There is none yet, and the status says why.
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Ok(Page::default())
            }
            read => read,
        }
    }

    /// How the ledger does, in figures.
    pub(crate) fn health(&self) -> Option<LedgerHealth> {
        let condition = self.ledger.as_ref()?.condition();
        Some(LedgerHealth { failures: condition.failures, lost: condition.lost })
    }

    /// How the ledger does, for the status.
    pub(crate) fn status(&self) -> Value {
        let Some(ledger) = &self.ledger else { return Value::Null };
        let mut status = json!(ledger.condition());
        status["folder"] = json!(ledger.folder());
        if let Some(noted) = &self.noted {
            status["missing"] = noted.missing();
        }
        status
    }
}

/// What differs, with both values.
fn changes<V: PartialEq + Serialize>(
    before: &BTreeMap<String, V>,
    now: &BTreeMap<String, V>,
) -> BTreeMap<String, Value> {
    let keys = before.keys().chain(now.keys());
    let differs = keys.filter(|key| before.get(*key) != now.get(*key));
    let both =
        |key: &String| (key.clone(), json!({ "before": before.get(key), "now": now.get(key) }));
    differs.map(both).collect()
}

/// The content without what makes it too long for a record: where each executor is to go stands in the routing table.
fn shortened(mut content: Value) -> Value {
    let length = content.to_string().len();
    if length <= LONGEST {
        return content;
    }
    if let Some(rows) = content.pointer_mut("/plan/rows") {
        let left_out = rows.as_array().map_or(0, Vec::len);
        *rows = json!([]);
        content["rows_left_out"] = json!(left_out);
    }
    if content.to_string().len() <= LONGEST { content } else { json!({ "bytes_left_out": length }) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told_with_both_values() {
        let map = |text: &str| serde_json::from_str::<BTreeMap<String, Value>>(text).unwrap();
        let found = changes(&map(r#"{"a": 1, "b": 2}"#), &map(r#"{"b": 3, "c": 4}"#));
        let expected = json!({ "a": { "before": 1, "now": null },
            "b": { "before": 2, "now": 3 }, "c": { "before": null, "now": 4 } });
        assert_eq!(json!(found), expected);
    }

    #[test]
    fn a_plan_of_very_many_rows_is_kept_without_them() {
        let rows = vec!["x".repeat(100); 5000];
        let short = shortened(json!({ "verdict": "act", "plan": { "id": "p1", "rows": rows } }));
        assert_eq!(short["plan"], json!({ "id": "p1", "rows": [] }));
        assert_eq!(short["rows_left_out"], 5000);
        let short = shortened(json!({ "text": "x".repeat(LONGEST) }));
        assert!(short["bytes_left_out"].as_u64().unwrap() > LONGEST as u64);
        assert_eq!(shortened(json!({ "n": 1 })), json!({ "n": 1 }));
    }
}
