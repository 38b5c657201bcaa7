//! Looks at every engine again and again, and keeps what it said.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thalweg_core::explain::Decision;
use tokio::sync::watch;

use crate::charts::{Chart, Point};
use crate::engine::{Asker, Engine, Fault, FaultKind};
use crate::records::{KEPT, Records};
use crate::status::Status;
use crate::view::{Summary, summary};

/// Looks at the status for one at the ledger.
const LOOKS_PER_LEDGER: u64 = 2;
/// Records of one question.
const PAGE: u32 = 1000;
/// How long older pages are read for in one look, so that neither the next status is long in coming nor the engine has
/// much to do.
const OLDER: Duration = Duration::from_secs(1);

/// What is known of one engine.
#[derive(Default)]
pub struct Known {
    pub status: Option<Arc<Status>>,
    /// The overview of its topologies, sorted by their ids.
    pub summaries: Arc<Vec<Summary>>,
    pub fault: Option<String>,
    pub charts: BTreeMap<String, Chart>,
    /// Plans whose outcome is not known yet, by topology, with how busy the busiest executor is expected to be.
    awaited: BTreeMap<String, (String, f32)>,
    pub records: Records,
    /// Plans that ended since this server began, by how.
    pub ended: BTreeMap<&'static str, u64>,
    /// Outcomes since this server began, by whether they helped.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// How long the last look took.
    pub look: Duration,
}

/// One engine that is watched.
pub struct Watched {
    pub name: String,
    pub engine: Arc<dyn Engine>,
    known: RwLock<Known>,
}

impl Watched {
    pub fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the engine; says whether anything has changed.
    fn look(&self, number: u64) -> bool {
        let begun = Instant::now();
        let read = self.engine.ask(&json!({ "status": {} }), &Asker::default()).and_then(|value| {
            serde_json::from_value::<Status>(value)
                .map_err(|error| Fault::of(FaultKind::Unreachable, format!("its status: {error}")))
        });
        let due = number.is_multiple_of(LOOKS_PER_LEDGER);
        let due = due || self.known().records.wants_before().is_some();
        let told = due && self.look_into_ledger(&read);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.look = begun.elapsed();
        let seen = match read {
            Ok(status) => known.take(&self.name, status),
            Err(fault) => {
                let new = known.fault.as_ref() != Some(&fault.text);
                if new {
                    tracing::warn!(
                        engine = self.name,
                        fault = fault.text,
                        "engine does not answer"
                    );
                }
                known.fault = Some(fault.text);
                new
            }
        };
        seen || told
    }

    /// Takes in what is new in the ledger, and of what is older some more; says whether anything was new. Engines
    /// that show none have no history here.
    fn look_into_ledger(&self, read: &Result<Status, Fault>) -> bool {
        let newest = read.as_ref().ok().and_then(|status| Some(status.ledger.as_ref()?.seq));
        let mut last = self.known().records.last();
        // What the status tells may be older than what was read since; then the ledger itself is asked.
        let behind = newest.is_some_and(|newest| newest < last);
        if behind && self.newest().is_some_and(|newest| newest < last) {
            // It is another one, or was put back.
            self.write().records = Records::default();
            last = 0;
        }
        let mut pages: Vec<Value> = Vec::new();
        let mut before = None;
        while let Some(page) = self.page(last, before) {
            before = oldest(&page);
            // Without any, the older ones come below.
            let more = last > 0 && page["more"] == true && before.is_some();
            pages.push(page);
            if !more || pages.len() * PAGE as usize > KEPT {
                break;
            }
        }
        let mut told = false;
        for page in pages.iter().rev() {
            told |= self.write().records.take(&self.name, page);
        }
        let begun = Instant::now();
        while begun.elapsed() < OLDER {
            let Some(first) = self.known().records.wants_before() else { break };
            let Some(page) = self.page(0, Some(first)) else { break };
            told |= self.write().records.take_older(&self.name, &page);
        }
        told
    }

    /// The number of the newest record in the ledger, if it can be read.
    fn newest(&self) -> Option<u64> {
        let asked = json!({ "history": { "limit": 1 } });
        oldest(&self.engine.ask(&asked, &Asker::default()).ok()?)
    }

    fn page(&self, after: u64, before: Option<u64>) -> Option<Value> {
        let mut asked = json!({ "limit": PAGE });
        if after > 0 {
            asked["after"] = json!(after);
        }
        if let Some(before) = before {
            asked["before"] = json!(before);
        }
        let asked = self.engine.ask(&json!({ "history": asked }), &Asker::default());
        asked.inspect_err(|fault| tracing::debug!(engine = self.name, %fault, "no history")).ok()
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number of the last record of a page.
fn oldest(page: &Value) -> Option<u64> {
    page["records"].as_array()?.last()?["seq"].as_u64()
}

impl Known {
    fn take(&mut self, engine: &str, status: Status) -> bool {
        let back = self.fault.take().is_some();
        let before = self.status.as_ref();
        if before.is_some_and(|before| before.at == status.at) {
            return back;
        }
        if let Some(before) = before {
            for (how, count) in newly_ended(before, &status) {
                *self.ended.entry(how).or_default() += count;
            }
            for (how, count) in newly_judged(before, &status) {
                *self.outcomes.entry(how).or_default() += count;
            }
        }
        let mut summaries: Vec<Summary> =
            status.decisions.iter().map(|decision| summary(engine, &status, decision)).collect();
        summaries.sort_by(|a, b| a.id.cmp(&b.id));
        self.awaited = awaited(std::mem::take(&mut self.awaited), &status);
        for one in &summaries {
            let expected_busy = self.awaited.get(&one.id).map(|(_, busy)| *busy);
            let chart = self.charts.entry(one.id.clone()).or_default();
            chart.push(Point { expected_busy, ..point(one) });
        }
        for decision in &status.decisions {
            let forecast = decision.view.load_forecast;
            if let Some((forecast, chart)) = forecast.zip(self.charts.get_mut(&decision.topology)) {
                chart.expect(forecast.due.millis(), forecast.expected.get() as f32);
            }
        }
        let here: BTreeSet<&str> = summaries.iter().map(|one| one.id.as_str()).collect();
        self.charts.retain(|id, _| here.contains(id.as_str()));
        self.summaries = Arc::new(summaries);
        self.status = Some(Arc::new(status));
        true
    }

    /// The decision about a topology, by its id, or by its name where no other has the same.
    pub fn decision<'a>(status: &'a Status, topology: &str) -> Option<&'a Decision> {
        let by_id = status.decisions.iter().find(|d| d.topology == topology);
        let mut named = status.decisions.iter().filter(|d| d.name == topology);
        by_id.or_else(|| named.next().filter(|_| named.next().is_none()))
    }
}

/// The plans whose outcome is awaited, after what an engine says now.
fn awaited(
    before: BTreeMap<String, (String, f32)>,
    now: &Status,
) -> BTreeMap<String, (String, f32)> {
    let mut awaited = before;
    awaited.retain(|_, (plan, _)| {
        let ended = now.ended.iter().find(|ended| ended.plan.id == *plan);
        let failed = ended.is_some_and(|ended| ended.code.is_some());
        !failed && !now.outcomes.iter().any(|outcome| outcome.plan == *plan)
    });
    if let Some(active) = &now.plan {
        // Of one that only moves, nothing is expected that could be drawn.
        let topology = active.plan.topology.clone();
        match active.expected_busy {
            Some(busy) => {
                awaited.insert(topology, (active.plan.id.clone(), busy.get() as f32));
            }
            None => drop(awaited.remove(&topology)),
        }
    }
    awaited
}

fn point(one: &Summary) -> Point {
    let small = |value: f64| value as f32;
    Point {
        at: one.at,
        throughput: one.throughput.map(small),
        latency: one.latency.map(small),
        complete_latency: one.complete_latency.map(small),
        expected_latency: one.expected_latency.map(small),
        busy: one.busy.map(small),
        executors: one.executors,
        backlog: one.backlog.map(|backlog| backlog as f32),
        ..Point::default()
    }
}

fn newly_ended(before: &Status, now: &Status) -> impl Iterator<Item = (&'static str, u64)> {
    let known: BTreeSet<String> = before.ended.iter().map(|ended| ended.plan.id.clone()).collect();
    let new = now.ended.iter().filter(move |ended| !known.contains(&ended.plan.id));
    new.map(|ended| (if ended.code.is_none() { "finished" } else { "given_up" }, 1))
}

fn newly_judged(before: &Status, now: &Status) -> impl Iterator<Item = (&'static str, u64)> {
    let known: BTreeSet<String> = before.outcomes.iter().map(|one| one.plan.clone()).collect();
    let new = now.outcomes.iter().filter(move |one| !known.contains(&one.plan));
    new.map(|one| (if one.helped { "helped" } else { "did_not_help" }, 1))
}

/// All engines.
pub struct World {
    engines: Vec<Arc<Watched>>,
    changed: watch::Sender<u64>,
}

impl World {
    /// Engines that were not looked at yet.
    pub fn of(engines: Vec<(String, Arc<dyn Engine>)>) -> Self {
        let watched = |(name, engine)| {
            Arc::new(Watched { name, engine, known: RwLock::new(Known::default()) })
        };
        let mut engines: Vec<_> = engines.into_iter().map(watched).collect();
        engines.sort_by(|a, b| a.name.cmp(&b.name));
        Self { engines, changed: watch::Sender::new(0) }
    }

    pub fn engines(&self) -> &[Arc<Watched>] {
        &self.engines
    }

    pub fn engine(&self, name: &str) -> Option<&Arc<Watched>> {
        self.engines.iter().find(|engine| engine.name == name)
    }

    /// Tells whenever anything has changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Says that something has changed.
    pub fn tell(&self) {
        self.changed.send_modify(|number| *number += 1);
    }

    /// Looks at one engine for ever.
    pub async fn follow(self: Arc<Self>, place: usize, pause: Duration) {
        let mut number = 0;
        loop {
            let watched = Arc::clone(&self.engines[place]);
            let looked = tokio::task::spawn_blocking(move || watched.look(number)).await;
            match looked {
                Ok(true) => self.tell(),
                Ok(false) => {}
                Err(error) => tracing::error!(%error, "a look at an engine failed"),
            }
            number += 1;
            tokio::time::sleep(pause).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// An engine whose status tells of fewer records than its ledger has by now.
    struct Busy {
        at: AtomicU64,
        told: AtomicU64,
        kept: AtomicU64,
        /// How often it was asked for all records.
        whole: AtomicU64,
    }

    impl Engine for Busy {
        fn ask(&self, command: &Value, _: &Asker) -> Result<Value, Fault> {
            let Some(asked) = command.get("history") else {
                let at = self.at.fetch_add(1, Ordering::SeqCst);
                let ledger = json!({ "seq": self.told.load(Ordering::SeqCst), "written": 0, "lost": 0, "failures": 0 });
                return Ok(json!({ "version": "1", "at": at, "mode": "act", "ledger": ledger,
                    "store": { "kind": "embedded", "up": true } }));
            };
            let number = |key: &str| asked.get(key).and_then(Value::as_u64);
            let kept = self.kept.load(Ordering::SeqCst);
            let (after, before) =
                (number("after").unwrap_or(0), number("before").unwrap_or(u64::MAX));
            let asked_for = (after + 1..=kept).rev().filter(|seq| *seq < before);
            let limit = number("limit").unwrap_or(10) as usize;
            let whole = after == 0 && before == u64::MAX && limit > 1;
            self.whole.fetch_add(u64::from(whole), Ordering::SeqCst);
            let record = |seq| json!({ "seq": seq, "kind": "outcome", "content": {} });
            let records: Vec<Value> = asked_for.take(limit).map(record).collect();
            Ok(json!({ "records": records, "more": false }))
        }
    }

    #[test]
    fn a_status_that_is_behind_the_ledger_makes_nobody_read_all_of_it_anew() {
        let busy = Arc::new(Busy {
            at: AtomicU64::new(1),
            told: AtomicU64::new(5),
            kept: AtomicU64::new(7),
            whole: AtomicU64::new(0),
        });
        let engine: Arc<dyn Engine> = Arc::clone(&busy) as Arc<dyn Engine>;
        let watched =
            Watched { name: "a".to_owned(), engine, known: RwLock::new(Known::default()) };
        watched.look(0);
        assert_eq!(watched.known().records.last(), 7);
        watched.look(2);
        assert_eq!(busy.whole.load(Ordering::SeqCst), 1, "it is the same ledger");
        // One that was put back is read anew.
        busy.kept.store(3, Ordering::SeqCst);
        watched.look(4);
        assert_eq!(watched.known().records.last(), 3);
        assert_eq!(busy.whole.load(Ordering::SeqCst), 2);
    }
}
