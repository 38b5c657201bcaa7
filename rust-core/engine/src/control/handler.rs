//! What is answered, and the book of orders with its place in the store.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, TryLockError};

use serde_json::{Value, json};
use thalweg_control::{Apply, Command, ErrorCode, Refusal, Request, Scale, VERSION};
use thalweg_core::explain::Decision;
use thalweg_core::model::Observation;
use thalweg_core::plan::Plan;
use thalweg_core::state::Order;
use thalweg_core::units::Timestamp;
use thalweg_ledger::Ask;
use thalweg_store::{Store, StoreError};

use super::apply::{self, ShownPlans};
use super::backlogs::Backlogs;
use super::others::OtherHands;
use super::reply::{Reply, merge, not_ready, now};
use super::{check, doctor, explain, sources};
use crate::locked::lock;
use crate::orders::{Book, By, Drained, Fate, GivenOrder};
use crate::records::{Records, Told};
use crate::settings::EngineSettings;
use crate::status::Shown;

/// Where the book is kept in the store, for the next leader.
pub(crate) const ORDERS_KEY: &str = "orders";
/// Seconds for which an order may wait unless it says otherwise.
const HOUR: u32 = 3600;
/// The most records that one answer has.
const MOST_RECORDS: usize = 1000;

/// Who takes what operators say of modes, pauses and plans: the engine.
pub trait Listens: Send + Sync {
    /// Takes it, as a request of the engine's in JSON, and answers once it is stored.
    ///
    /// # Errors
    /// Why it is refused.
    fn say(&self, said: Value, why: &str, now: Timestamp) -> Result<Value, Refusal>;
}

/// What the engine and the thread that answers share.
pub struct RequestHandler {
    settings: Arc<EngineSettings>,
    store: Arc<dyn Store>,
    records: Arc<Records>,
    /// Who takes what operators say, once the engine is there.
    engine: OnceLock<Box<dyn Listens>>,
    leads: Arc<AtomicBool>,
    term: AtomicU64,
    book: Mutex<Book>,
    /// Held while the book goes to the store, so that it is the newest that stays.
    storing: Mutex<()>,
    /// Whether the book has changed since it was stored.
    unstored: AtomicBool,
    /// What the engine showed of itself last.
    status: Mutex<Option<Arc<Shown>>>,
    /// The plans that it showed.
    plans: Mutex<ShownPlans>,
    /// What others have changed.
    others: Mutex<OtherHands>,
    /// What others count of what waits before sources.
    pub backlogs: Backlogs,
    /// What was observed last.
    seen: Mutex<Option<Arc<Observation>>>,
    /// Hosts that are being emptied, for scheduling rounds.
    drained: Mutex<Arc<BTreeSet<String>>>,
}

impl RequestHandler {
    /// The one of an engine that works with this store.
    pub fn new(
        settings: Arc<EngineSettings>,
        store: Arc<dyn Store>,
        records: Arc<Records>,
        leads: Arc<AtomicBool>,
    ) -> Self {
        let handler = Self {
            settings,
            store,
            backlogs: Backlogs::new(Arc::clone(&records)),
            records,
            engine: OnceLock::new(),
            leads,
            term: AtomicU64::new(0),
            book: Mutex::default(),
            storing: Mutex::default(),
            unstored: AtomicBool::new(false),
            status: Mutex::default(),
            plans: Mutex::default(),
            others: Mutex::default(),
            seen: Mutex::default(),
            drained: Mutex::default(),
        };
        handler.open_book();
        handler
    }

    /// From now on what operators say of modes, pauses and plans is taken.
    pub fn hear(&self, engine: Box<dyn Listens>) {
        // A second one would be the same engine.
        let _ = self.engine.set(engine);
    }

    /// The term in which this process leads, if it does.
    pub fn leading_term(&self) -> Option<u64> {
        self.leads.load(Ordering::SeqCst).then(|| self.term.load(Ordering::SeqCst))
    }

    /// This process begins to lead in a term: it goes on with the orders that its predecessor had.
    pub fn lead(&self, term: u64) {
        self.term.store(term, Ordering::SeqCst);
        self.open_book();
    }

    /// A successor knows which plans are not lost.
    pub fn take_over(&self, known: impl Fn(&str) -> bool, now: Timestamp) {
        self.book().take_over(known, now);
        self.record_fates();
        self.note_change();
    }

    fn open_book(&self) {
        let stored = self.store.stamped(ORDERS_KEY);
        let stored = stored.inspect_err(|error| tracing::warn!(%error, "orders cannot be read"));
        let Ok(Some(stamped)) = stored else { return };
        match Book::read(&stamped.bytes) {
            Ok(book) => {
                for order in &book.unread {
                    let order = order["id"].as_str().unwrap_or("?");
                    tracing::warn!(
                        order,
                        "an order of another version is not carried out, and kept for it"
                    );
                }
                lock(&self.drained).clone_from(&Arc::new(book.drained_hosts()));
                self.records.know_fates(&book);
                *self.book() = book;
            }
            Err(error) => tracing::warn!(%error, "the orders left behind are unreadable"),
        }
    }

    /// The engine shows what it knows of itself.
    pub fn show(&self, status: Arc<Shown>) {
        lock(&self.plans).note(&status.decisions);
        *lock(&self.status) = Some(status);
    }

    /// The engine has seen the cluster.
    pub fn saw(&self, observation: Observation) {
        let seen = Arc::new(observation);
        let present = |id: &str| seen.topologies.iter().any(|topology| topology.id == id);
        if self.book().forget_gone(present) {
            self.unstored.store(true, Ordering::SeqCst);
        }
        if let Ok(status) = self.shown() {
            lock(&self.others).note(&seen, &status.summary);
        }
        *lock(&self.seen) = Some(seen);
        self.record_fates();
        if self.unstored.load(Ordering::SeqCst) {
            self.note_change();
        }
    }

    /// Hosts that are being emptied.
    pub fn drained(&self) -> Arc<BTreeSet<String>> {
        Arc::clone(&lock(&self.drained))
    }

    /// The order whose turn it is.
    pub fn turn(&self, now: Timestamp) -> Option<(String, Order)> {
        self.book().turn(now)
    }

    /// What the core made of an order.
    pub fn decided(&self, id: &str, kept: bool, decisions: &[Decision], now: Timestamp) {
        if self.book().decided(id, kept, decisions, now) {
            self.unstored.store(true, Ordering::SeqCst);
        }
    }

    /// What was decided about orders whose plans wait for somebody's word.
    pub fn unproposed(&self, decisions: &[Decision], now: Timestamp) {
        if self.book().unproposed(decisions, now) {
            self.unstored.store(true, Ordering::SeqCst);
        }
    }

    /// A plan was decided.
    pub fn begins(&self, plan: &Plan, decision: &Decision, seen: &Observation) {
        let topology = seen.topologies.iter().find(|topology| topology.id == plan.topology);
        let memory = topology.map(|topology| check::memory(topology, &plan.memory_mib));
        self.book().begins(plan, decision, &memory.unwrap_or_default());
        self.unstored.store(true, Ordering::SeqCst);
    }

    /// A plan is over.
    pub fn ended(&self, plan: &str, fault: Option<(&str, &str)>, now: Timestamp) {
        if self.book().ended(plan, fault, now) {
            self.unstored.store(true, Ordering::SeqCst);
        }
    }

    /// The orders, for the status.
    pub fn orders(&self) -> Value {
        let book = self.book();
        let shown: Vec<&GivenOrder> = book.open.iter().chain(&book.over).collect();
        json!({ "orders": shown, "drained": book.drained })
    }

    /// Answers a request.
    ///
    /// # Errors
    /// Why it is refused; then nothing of it was done.
    pub fn answer(&self, request: Request, by: By) -> Result<Reply, Refusal> {
        let Request { command, why, .. } = request;
        if command.is_order() && !self.leads.load(Ordering::SeqCst) {
            let text = "another process leads: give the order there";
            return Err(Refusal::of(ErrorCode::NotLeading, "", text));
        }
        let answer = match command {
            Command::Ping {} => {
                Ok(json!({ "version": env!("CARGO_PKG_VERSION"), "protocol": VERSION }))
            }
            // What came in since is in it.
            Command::Status {} => {
                let shown = Shown { orders: self.orders(), ..(*self.shown()?).clone() };
                return Ok(Reply::Status(Box::new(shown)));
            }
            Command::Explain { topology, executor } => self.explain(&topology, executor.as_deref()),
            Command::History { topology, limit, before, after } => self.history(Ask {
                before,
                after,
                topology: topology.as_deref(),
                kind: None,
                limit: limit as usize,
                bytes: 0,
            }),
            Command::Doctor {} => {
                let (status, seen) = (self.shown()?, self.seen()?);
                // A copy: Redis is asked meanwhile, and a look must not wait for that.
                let others = lock(&self.others).clone();
                let facts = doctor::Facts {
                    settings: &self.settings,
                    store: self.store.as_ref(),
                    status: &status.summary,
                    decision: &|topology| status.decision(topology).map(|found| json!(found)),
                    seen: &seen,
                    others: &others,
                    now: now(),
                };
                Ok(json!({ "findings": doctor::findings(&facts) }))
            }
            Command::Scale(scale) => self.scale(&scale, by, why),
            Command::Apply(wanted) => self.apply(&wanted, by, why),
            Command::Rollback { topology } => self.rollback(&topology, by, why),
            Command::Drain { host } => {
                let done = self.drain(host.clone(), by.clone(), why.clone());
                self.record(done, &format!("drain {host}"), &by, &why)
            }
            Command::Undrain { host } => {
                self.record(self.undrain(&host), &format!("undrain {host}"), &by, &why)
            }
            Command::Sources { topology } => {
                sources::listed(topology.as_deref(), &*self.seen()?, &self.backlogs)
            }
            Command::Backlog(told) => {
                self.backlogs.tell(&told, &*self.seen()?, &by.to_string(), now())
            }
            Command::Cancel { order } => {
                let done = self.record(self.cancel(&order), &format!("cancel {order}"), &by, &why);
                self.record_fates();
                done
            }
            Command::Pause { scope, direction, for_secs, until } => self.say(
                json!({ "op": "pause", "scope": scope, "for_secs": for_secs, "until": until,
                    "direction": direction.unwrap_or("both".to_owned()) }),
                &by,
                &why,
            ),
            Command::Resume { scope, direction } => self.say(
                json!({ "op": "resume", "scope": scope,
                    "direction": direction.unwrap_or("both".to_owned()) }),
                &by,
                &why,
            ),
            Command::Expect { name, scope, peaks, lead_secs } => {
                let said = json!({ "op": "expect", "name": name, "scope": scope, "peaks": peaks,
                    "lead_secs": lead_secs });
                self.say(said, &by, &why)
            }
            Command::Mode { scope, mode, kind } => {
                let said = json!({ "op": "mode", "scope": scope, "mode": mode, "kind": kind });
                self.say(said, &by, &why)
            }
            Command::Approve { plan } => {
                self.say(json!({ "op": "approve", "plan": plan }), &by, &why)
            }
            Command::Reject { plan } => {
                self.say(json!({ "op": "reject", "plan": plan }), &by, &why)
            }
        };
        answer.map(Reply::Value)
    }

    /// Has the engine take what an operator says.
    fn say(&self, mut said: Value, by: &By, why: &str) -> Result<Value, Refusal> {
        let text = "this engine takes orders only";
        let engine = self.engine.get();
        let engine = engine.ok_or_else(|| Refusal::of(ErrorCode::NotReady, "", text))?;
        said["who"] = json!(by.to_string());
        engine.say(said, why, now())
    }

    fn explain(&self, wanted: &str, executor: Option<&str>) -> Result<Value, Refusal> {
        let (status, seen) = (self.shown()?, self.seen()?);
        let topology = check::topology(wanted, &seen)?;
        let mut told = explain::topology(topology, &status);
        if let Some(executor) = executor {
            let of = (topology, &told["decision"]);
            let place = explain::executor(executor, of, &seen, self.store.as_ref())?;
            told["executor"] = place;
        }
        let book = self.book();
        let mine = |given: &&GivenOrder| given.order.may_mean(topology);
        told["orders"] = json!(book.open.iter().chain(&book.over).filter(mine).collect::<Vec<_>>());
        told["former"] = json!(book.former.get(&topology.id));
        Ok(told)
    }

    fn history(&self, ask: Ask<'_>) -> Result<Value, Refusal> {
        let limit = ask.limit.min(MOST_RECORDS);
        let read = self.records.page(Ask { limit, ..ask });
        let page = read.map_err(|error| Refusal::of(ErrorCode::Internal, "", error.to_string()))?;
        let mut answer = json!({ "records": page.records, "more": page.more });
        merge(&mut answer, self.orders());
        Ok(answer)
    }

    fn scale(&self, scale: &Scale, by: By, why: String) -> Result<Value, Refusal> {
        let seen = self.seen()?;
        let order = check::order(scale, &seen)?;
        self.may_change(&order.topology, &seen)?;
        self.accept(order, scale.expires_secs, by, why)
    }

    /// Has a plan carried out as it was shown, once.
    fn apply(&self, wanted: &Apply, by: By, why: String) -> Result<Value, Refusal> {
        let (seen, status) = (self.seen()?, self.shown()?);
        let refuse = |text: String| Err(Refusal::of(ErrorCode::Invalid, "plan", text));
        let id = &wanted.plan;
        if status.summary.pointer("/plan/plan/id").and_then(Value::as_str) == Some(id) {
            return refuse(format!("plan {id} is under way already"));
        }
        let same = |given: &&GivenOrder| {
            given.order.plan.as_ref().is_some_and(|shown| shown.plan.id == *id)
        };
        if let Some(given) = self.book().open.iter().find(same) {
            return refuse(format!("order {} carries plan {id} out already", given.id));
        }
        let shown = apply::wanted(wanted, &lock(&self.plans))?;
        let topology = check::topology(&shown.plan.topology, &seen)?;
        check::judged(topology)?;
        let slots = self.settings.core.slots;
        let order = apply::order(shown, wanted.adopt, (topology, &seen), slots)?;
        self.may_change(&order.topology, &seen)?;
        self.accept(order, wanted.expires_secs, by, why)
    }

    fn rollback(&self, wanted: &str, by: By, why: String) -> Result<Value, Refusal> {
        let seen = self.seen()?;
        let topology = check::topology(wanted, &seen)?;
        let former = self.book().former.get(&topology.id).cloned();
        let refuse = |text: String| Refusal::of(ErrorCode::NotFound, "topology", text);
        let Some(former) = former else {
            return Err(refuse(format!(
                "no plan of {} is known that could be undone",
                topology.name
            )));
        };
        if former.counts.is_empty() && former.memory_mib.is_empty() {
            let text = format!(
                "plan {} only moved executors; scale with leave moves them again",
                former.plan
            );
            return Err(refuse(text));
        }
        self.may_change(&topology.id, &seen)?;
        let scale = Scale {
            topology: wanted.to_owned(),
            counts: former.counts,
            memory_mib: former.memory_mib,
            ..Scale::default()
        };
        let mut accepted = self.accept(check::order(&scale, &seen)?, None, by, why)?;
        accepted["undoes"] = json!(former.plan);
        accepted["counts"] = json!(scale.counts);
        Ok(accepted)
    }

    /// Whether an order for a topology can be carried out at all: not where nothing but a mode that changes nothing is
    /// set. Where modes differ by topology, kind or an operator's word, the core judges the plan.
    fn may_change(&self, topology: &str, seen: &Observation) -> Result<(), Refusal> {
        let core = &self.settings.core;
        let said = self.shown().is_ok_and(|status| {
            status
                .summary
                .pointer("/operator/modes")
                .and_then(Value::as_array)
                .is_some_and(|m| !m.is_empty())
        });
        let own = seen.topologies.iter().any(|t| t.id == topology && !t.settings.is_empty());
        let refined = said || own || !core.rules.modes.is_empty();
        if core.faulty || (!core.mode.changes() && !refined) {
            let text = format!(
                "the mode is {}: orders are carried out where thalweg.mode is act",
                if core.faulty { "observe, as settings are wrong" } else { core.mode.as_str() }
            );
            return Err(Refusal::of(ErrorCode::Mode, "", text));
        }
        Ok(())
    }

    /// Takes an order in, once it is stored.
    fn accept(
        &self,
        order: Order,
        secs: Option<u32>,
        by: By,
        why: String,
    ) -> Result<Value, Refusal> {
        let now = now();
        let change = |book: &mut Book| {
            book.next += 1;
            let given = GivenOrder {
                id: format!("o{}-{}", self.term.load(Ordering::SeqCst), book.next),
                by: by.clone(),
                why: why.clone(),
                at: now,
                expires: now.plus_secs(u64::from(secs.unwrap_or(HOUR))),
                order: order.clone(),
                fate: Fate::Waiting { text: "for the next look at the cluster".to_owned() },
                since: now,
            };
            let full =
                |waits| Refusal::of(ErrorCode::Full, "", format!("{waits} orders wait already"));
            book.give(given.clone()).map_err(full).map(|()| given)
        };
        let given = self.change_stored(change)?;
        tracing::info!(order = given.id, by = ?given.by, why = given.why, what = ?given.order, "order accepted");
        self.records.order(&given, lock(&self.seen).as_deref());
        Ok(json!({ "order": given.id, "expires": given.expires }))
    }

    fn drain(&self, host: String, by: By, why: String) -> Result<Value, Refusal> {
        check::host("host", &host, &*self.seen()?)?;
        let drained = Drained { by, why, at: now() };
        self.change_drained(|book| match book.drained.contains_key(&host) {
            true => {
                Err(Refusal::of(ErrorCode::Invalid, "host", format!("{host} is drained already")))
            }
            false => {
                book.drained.insert(host.clone(), drained.clone());
                Ok(())
            }
        })
    }

    fn undrain(&self, host: &str) -> Result<Value, Refusal> {
        self.change_drained(|book| match book.drained.remove(host) {
            None => Err(Refusal::of(ErrorCode::NotFound, "host", format!("{host} is not drained"))),
            Some(_) => Ok(()),
        })
    }

    fn change_drained(
        &self,
        change: impl Fn(&mut Book) -> Result<(), Refusal>,
    ) -> Result<Value, Refusal> {
        self.change_stored(change)?;
        let hosts = self.book().drained_hosts();
        tracing::info!(?hosts, "drained hosts");
        let answer = json!({ "drained": hosts });
        *lock(&self.drained) = Arc::new(hosts);
        Ok(answer)
    }

    fn cancel(&self, id: &str) -> Result<Value, Refusal> {
        let now = now();
        let refuse = |fate: Option<Fate>| {
            let state = fate.map(|fate| json!(fate)["state"].as_str().unwrap_or("?").to_owned());
            match state {
                None => {
                    Refusal::of(ErrorCode::NotFound, "order", format!("there is no order {id}"))
                }
                Some(state) => {
                    let text = format!("{id} does not wait any more: it is {state}");
                    Refusal::of(ErrorCode::Invalid, "order", text)
                }
            }
        };
        self.change_stored(|book| book.cancel(id, now).map_err(refuse))?;
        Ok(json!({ "order": id, "state": "cancelled" }))
    }

    /// Changes the book once the change is stored: whoever is answered can rely on it, and who is refused has changed
    /// nothing. The engine may go on meanwhile, so the change is made first to a copy that is stored.
    fn change_stored<T>(
        &self,
        change: impl Fn(&mut Book) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let _storing = lock(&self.storing);
        let before = self.book().clone();
        let mut changed = before.clone();
        change(&mut changed)?;
        let term = self.term.load(Ordering::SeqCst);
        let bytes = serde_json::to_vec(&changed)
            .map_err(|error| Refusal::of(ErrorCode::Internal, "", error.to_string()))?;
        let stored = self.store.put_stamped_and_wait(
            ORDERS_KEY,
            term,
            &bytes,
            self.settings.publish_timeout,
        );
        stored.map_err(|error| match error {
            StoreError::Deposed { .. } => {
                let text = "another process has begun to lead: give the order there";
                Refusal::of(ErrorCode::NotLeading, "", text)
            }
            other => Refusal::of(ErrorCode::NotStored, "", other.to_string()),
        })?;
        let mut book = self.book();
        if *book != before {
            self.unstored.store(true, Ordering::SeqCst);
        }
        change(&mut book)
    }

    /// Stores the book now, or at the next look where that is at work already; nobody waits here for another.
    fn note_change(&self) {
        self.unstored.store(true, Ordering::SeqCst);
        let _storing = match self.storing.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        self.unstored.store(false, Ordering::SeqCst);
        let Ok(bytes) = serde_json::to_vec(&*self.book()) else { return };
        let term = self.term.load(Ordering::SeqCst);
        if let Err(error) = self.store.put_stamped(ORDERS_KEY, term, &bytes) {
            tracing::warn!(%error, "what became of orders is not stored");
            self.unstored.store(!matches!(error, StoreError::Deposed { .. }), Ordering::SeqCst);
        }
    }

    /// Records what was done at an operator's word; what was refused was not done.
    fn record(
        &self,
        done: Result<Value, Refusal>,
        said: &str,
        by: &By,
        why: &str,
    ) -> Result<Value, Refusal> {
        let answer = done?;
        let who = by.to_string();
        let told = Told { kind: "operator", who: &who, why, ..Told::default() };
        self.records.tell(&told, &json!({ "at": now(), "said": format!("{said} by {who}") }));
        Ok(answer)
    }

    /// Records what became of orders since it was recorded last.
    fn record_fates(&self) {
        let seen = lock(&self.seen).clone();
        self.records.fates(&self.book(), seen.as_deref());
    }

    fn shown(&self) -> Result<Arc<Shown>, Refusal> {
        lock(&self.status).clone().ok_or_else(not_ready)
    }

    fn seen(&self) -> Result<Arc<Observation>, Refusal> {
        lock(&self.seen).clone().ok_or_else(not_ready)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }
}
