//! What operators have ordered: what waits, what is carried out, and what became of the rest.
//!
//! One order at a time goes to the core, those that have to wait after the others. A later order for the same topology
//! takes the place of one that waits. Nothing here is stored or told; [`RequestHandler`](crate::control::RequestHandler) does that.

mod given;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize, de::Error as _};
use serde_json::Value;
use thalweg_core::explain::{Decision, Verdict};
use thalweg_core::plan::Plan;
use thalweg_core::state::Order;
use thalweg_core::units::Timestamp;

pub use given::{By, Fate, GivenOrder};

/// Orders that are over and still known.
const REMEMBERED: usize = 50;
/// The most orders that may wait.
const MOST_WAITING: usize = 64;

/// A host that is being emptied, and by whose word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drained {
    /// Who ordered it.
    pub by: By,
    /// Why, in the giver's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// Since when.
    pub at: Timestamp,
}

/// How a topology was before its last plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Former {
    /// The plan.
    pub plan: String,
    /// Executors of the components whose count it changed.
    pub counts: BTreeMap<String, u32>,
    /// Memory of each executor in MiB, of the components whose memory it changed.
    pub memory_mib: BTreeMap<String, u32>,
}

/// All orders, as they are stored.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Book {
    /// Those that are not over, the next one first.
    #[serde(default)]
    pub open: VecDeque<GivenOrder>,
    /// Those that are over, the last one first.
    #[serde(default)]
    pub over: VecDeque<GivenOrder>,
    /// Hosts that are being emptied.
    #[serde(default)]
    pub drained: BTreeMap<String, Drained>,
    /// How topologies were before their last plans, by id.
    #[serde(default)]
    pub former: BTreeMap<String, Former>,
    /// The same of the plan under way.
    #[serde(default)]
    pub pending: Option<(String, Former)>,
    /// The number of the next order.
    #[serde(default)]
    pub next: u64,
    /// Orders that only another version can read, as they were found: not obeyed here, and kept for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Value>,
}

impl Book {
    /// Reads a stored book. An order with something that this version does not know is not carried out without it, and keeps
    /// nobody from the others.
    ///
    /// # Errors
    /// What is wrong with the rest of it.
    pub fn read(bytes: &[u8]) -> serde_json::Result<Self> {
        let mut stored: Value = thalweg_bounds::read(bytes).map_err(serde_json::Error::custom)?;
        let mut unread = Vec::new();
        for part in ["open", "over"] {
            if let Some(orders) = stored.get_mut(part).and_then(Value::as_array_mut) {
                let (known, not) =
                    orders.drain(..).partition(|o| GivenOrder::deserialize(o).is_ok());
                *orders = known;
                unread.extend::<Vec<Value>>(not);
            }
        }
        let mut book: Self = serde_json::from_value(stored)?;
        for before in std::mem::take(&mut book.unread) {
            match GivenOrder::deserialize(&before) {
                Ok(given) if given.fate.is_over() => book.over.push_back(given),
                Ok(given) => book.take_back(given),
                Err(_) => unread.push(before),
            }
        }
        book.unread = unread;
        Ok(book)
    }

    /// Takes an order in again that was set aside, where it stood; what was ordered later for the same topology counts.
    fn take_back(&mut self, mut given: GivenOrder) {
        let waits = |given: &GivenOrder| matches!(given.fate, Fate::Waiting { .. });
        let same = |other: &&GivenOrder| other.order.topology == given.order.topology;
        let mut others = self.open.iter().chain(&self.over).filter(same);
        let later = others.rfind(|other| other.at >= given.at);
        if let (true, Some(later)) = (waits(&given), later) {
            (given.since, given.fate) = (later.at, Fate::Replaced { later: later.id.clone() });
            self.over.push_back(given);
            return;
        }
        self.open.insert(self.open.iter().take_while(|o| o.at <= given.at).count(), given);
    }

    /// Takes an order in; it takes the place of one that waits for the same topology.
    ///
    /// # Errors
    /// When too many wait.
    pub fn give(&mut self, given: GivenOrder) -> Result<(), usize> {
        let replaced = |other: &GivenOrder| {
            other.order.topology == given.order.topology
                && matches!(other.fate, Fate::Waiting { .. })
        };
        let waits = self.open.iter().filter(|other| !replaced(other)).count();
        if waits >= MOST_WAITING {
            return Err(waits);
        }
        let (by, now) = (given.id.clone(), given.at);
        for other in self.open.iter_mut().filter(|other| replaced(other)) {
            other.fate = Fate::Replaced { later: by.clone() };
            other.since = now;
        }
        self.open.push_back(given);
        self.sweep();
        Ok(())
    }

    /// The order whose turn it is, if one waits; one that came too late ends.
    pub fn turn(&mut self, now: Timestamp) -> Option<(String, Order)> {
        for given in &mut self.open {
            if matches!(given.fate, Fate::Waiting { .. }) && now >= given.expires {
                (given.fate, given.since) = (Fate::Expired, now);
            }
        }
        self.sweep();
        let waits = |given: &&GivenOrder| matches!(given.fate, Fate::Waiting { .. });
        self.open.iter().find(waits).map(|given| (given.id.clone(), given.order.clone()))
    }

    /// Notes what the core made of an order: whether it kept it for another time, and what was decided. Tells whether
    /// anything changed that has to be stored.
    pub fn decided(
        &mut self,
        id: &str,
        kept: bool,
        decisions: &[Decision],
        now: Timestamp,
    ) -> bool {
        let Some(at) = self.open.iter().position(|given| given.id == id) else { return false };
        let Some(mut given) = self.open.remove(at) else { return false };
        let before = given.fate.clone();
        let meant = |decision: &&Decision| {
            given.order.topology == decision.topology || given.order.topology == decision.name
        };
        let decision = decisions.iter().find(meant);
        given.fate = match decision {
            Some(decision) => Fate::of(decision, kept),
            // It was not seen this time; its order expires if it is not seen again.
            None => Fate::Waiting { text: "the topology was not seen by the last look".to_owned() },
        };
        let changed = std::mem::discriminant(&before) != std::mem::discriminant(&given.fate);
        if before != given.fate {
            given.since = now;
        }
        // Whoever has to wait lets the others go first.
        self.open.push_back(given);
        self.sweep();
        changed
    }

    /// Notes how things stand before a plan that has just been decided.
    pub fn begins(&mut self, plan: &Plan, decision: &Decision, memory: &BTreeMap<String, u32>) {
        let count = |id: &String| {
            let found = decision.view.components.iter().find(|component| component.id == *id);
            Some((id.clone(), found?.executors))
        };
        let former = Former {
            plan: plan.id.clone(),
            counts: plan.counts.keys().filter_map(count).collect(),
            memory_mib: memory.clone(),
        };
        self.pending = Some((plan.topology.clone(), former));
        for given in &mut self.open {
            if matches!(&given.fate, Fate::Proposed { plan: proposed } if *proposed == plan.id) {
                given.fate = Fate::Acting { plan: plan.id.clone(), stages_left: plan.stages_left };
                given.since = decision.at;
            }
        }
    }

    /// Ends orders whose plans wait for nobody's word any more: rejected, too late, or overtaken.
    pub fn unproposed(&mut self, decisions: &[Decision], now: Timestamp) -> bool {
        let mut changed = false;
        for given in &mut self.open {
            let Fate::Proposed { plan } = &given.fate else { continue };
            let waits = |decision: &Decision| {
                let offered = decision.offer.as_ref().is_some_and(|offer| offer.plan == *plan);
                let begins = decision.plan.as_ref().is_some_and(|begun| begun.id == *plan);
                offered || decision.verdict == Verdict::Act && begins
            };
            let meant = |decision: &&Decision| {
                given.order.topology == decision.topology || given.order.topology == decision.name
            };
            let decision = decisions.iter().find(meant);
            if decision.is_some_and(|decision| !waits(decision)) {
                let text = format!("its plan {plan} waits for nobody's word any more");
                (given.fate, given.since) = (Fate::Refused { text }, now);
                changed = true;
            }
        }
        self.sweep();
        changed
    }

    /// Notes the end of a plan; why it was given up, if it was, as code and text. Tells whether anything changed.
    pub fn ended(&mut self, plan: &str, fault: Option<(&str, &str)>, now: Timestamp) -> bool {
        let mut changed = false;
        if let Some((topology, former)) = self.pending.take_if(|(_, former)| former.plan == plan) {
            changed = true;
            if fault.is_none() {
                self.former.insert(topology, former);
            }
        }
        for given in &mut self.open {
            let Fate::Acting { plan: acting, stages_left } = &given.fate else { continue };
            if acting != plan {
                continue;
            }
            given.fate = match fault {
                None if *stages_left > 0 => {
                    Fate::Waiting { text: format!("{stages_left} stages are left") }
                }
                None => Fate::Done { plan: plan.to_owned() },
                Some((code, text)) => Fate::Failed {
                    plan: plan.to_owned(),
                    code: code.to_owned(),
                    text: text.to_owned(),
                },
            };
            given.since = now;
            changed = true;
        }
        self.sweep();
        changed
    }

    /// What a successor makes of what was being carried out: a plan that nobody knows any more is over.
    pub fn take_over(&mut self, known: impl Fn(&str) -> bool, now: Timestamp) {
        for given in &mut self.open {
            let Fate::Acting { plan, .. } = &given.fate else { continue };
            if !known(plan) {
                let (code, text) =
                    ("LEADER_CHANGED", "another process led when it was carried out");
                given.fate = Fate::Failed {
                    plan: plan.clone(),
                    code: code.to_owned(),
                    text: text.to_owned(),
                };
                given.since = now;
            }
        }
        self.sweep();
    }

    /// Takes back an order that waits.
    ///
    /// # Errors
    /// What became of it already; nothing where there is no such order.
    pub fn cancel(&mut self, id: &str, now: Timestamp) -> Result<(), Option<Fate>> {
        if let Some(place) = self.unread.iter().position(|given| given["id"] == id) {
            self.unread.remove(place);
            return Ok(());
        }
        let found = self.open.iter_mut().find(|given| given.id == id);
        match found {
            Some(given) if matches!(given.fate, Fate::Waiting { .. }) => {
                (given.fate, given.since) = (Fate::Cancelled, now);
                self.sweep();
                Ok(())
            }
            _ => {
                let mut known = self.open.iter().chain(&self.over);
                Err(known.find(|given| given.id == id).map(|given| given.fate.clone()))
            }
        }
    }

    /// Hosts that are being emptied.
    pub fn drained_hosts(&self) -> BTreeSet<String> {
        self.drained.keys().cloned().collect()
    }

    /// Forgets how topologies were that are gone, and tells whether there was any.
    pub fn forget_gone(&mut self, present: impl Fn(&str) -> bool) -> bool {
        let before = self.former.len();
        self.former.retain(|topology, _| present(topology));
        self.former.len() < before
    }

    /// Takes those that are over to the others.
    fn sweep(&mut self) {
        let (over, open) = self.open.drain(..).partition(|given: &GivenOrder| given.fate.is_over());
        self.open = open;
        let over: VecDeque<GivenOrder> = over;
        over.into_iter().for_each(|given| self.over.push_front(given));
        self.over.truncate(REMEMBERED);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_millis(secs * 1000)
    }

    fn given(id: &str, topology: &str) -> GivenOrder {
        GivenOrder {
            id: id.to_owned(),
            by: By::Token("night".to_owned()),
            why: String::new(),
            at: at(0),
            expires: at(100),
            order: Order { topology: topology.to_owned(), ..Order::default() },
            fate: Fate::Waiting { text: String::new() },
            since: at(0),
        }
    }

    fn decision(topology: &str, verdict: &str, code: &str, plan: serde_json::Value) -> Decision {
        serde_json::from_value(json!({ "id": 1, "at": 0, "topology": topology, "name": topology, "policy": "static",
            "mode": "act", "verdict": verdict, "plan": plan, "view": { "coverage": 1.0, "level": 1, "latency": null,
            "expected_latency": null, "bottleneck": null, "components": [], "nodes": [] },
            "reasons": [{ "code": code, "text": code, "measured": null, "limit": null, "setting": null }] }))
        .unwrap()
    }

    fn plan(stages_left: u32) -> serde_json::Value {
        json!({ "id": "p1", "epoch": 0, "topology": "a", "name": "a", "kind": "counts", "counts": {},
            "wished_tasks": {}, "workers": 1, "stages_left": stages_left, "rows": [] })
    }

    fn ids(orders: &VecDeque<GivenOrder>) -> Vec<&str> {
        orders.iter().map(|given| given.id.as_str()).collect()
    }

    #[test]
    fn who_has_to_wait_lets_the_others_go_first() {
        let mut book = Book::default();
        book.give(given("o1", "a")).unwrap();
        book.give(given("o2", "b")).unwrap();
        assert_eq!(book.turn(at(1)).unwrap().0, "o1");
        let hold = decision("a", "hold", "SETTLING", json!(null));
        assert!(!book.decided("o1", true, &[hold], at(1)), "it waits as before");
        assert_eq!(book.turn(at(2)).unwrap().0, "o2");
        let no = decision("b", "hold", "ORDER_IMPOSSIBLE", json!(null));
        assert!(book.decided("o2", false, &[no], at(2)));
        assert_eq!((ids(&book.open), ids(&book.over)), (vec!["o1"], vec!["o2"]));
        assert_eq!(book.over[0].fate, Fate::Refused { text: "ORDER_IMPOSSIBLE".to_owned() });
        assert_eq!(book.turn(at(100)), None, "too late");
        assert_eq!(book.over[0].fate, Fate::Expired);
    }

    #[test]
    fn a_later_order_takes_the_place_of_one_that_waits_but_not_of_one_at_work() {
        let mut book = Book::default();
        book.give(given("o1", "a")).unwrap();
        book.decided("o1", false, &[decision("a", "act", "ORDERED", plan(0))], at(1));
        book.give(given("o2", "a")).unwrap();
        book.give(given("o3", "a")).unwrap();
        assert_eq!((ids(&book.open), ids(&book.over)), (vec!["o1", "o3"], vec!["o2"]));
        assert!(book.ended("p1", None, at(2)));
        assert_eq!(book.over[0].fate, Fate::Done { plan: "p1".to_owned() });
        assert_eq!(book.cancel("o3", at(3)), Ok(()));
        assert_eq!(book.cancel("o3", at(3)), Err(Some(Fate::Cancelled)));
        assert_eq!(book.cancel("o4", at(3)), Err(None));
    }

    #[test]
    fn stages_follow_each_other_and_what_is_given_up_says_why() {
        let mut book = Book::default();
        book.give(given("o1", "a")).unwrap();
        book.decided("o1", true, &[decision("a", "act", "ORDERED", plan(1))], at(1));
        assert_eq!(book.turn(at(2)), None, "it is at work");
        book.ended("p1", None, at(3));
        assert_eq!(book.turn(at(4)).unwrap().0, "o1");
        book.decided("o1", false, &[decision("a", "act", "ORDERED", plan(0))], at(4));
        book.ended("p1", Some(("STEP_DEADLINE", "late")), at(5));
        assert!(matches!(&book.over[0].fate, Fate::Failed { code, .. } if code == "STEP_DEADLINE"));
    }

    #[test]
    fn no_more_than_so_many_wait_and_a_book_comes_back_as_it_was() {
        let mut book = Book::default();
        for n in 0..MOST_WAITING {
            book.give(given(&format!("o{n}"), &format!("t{n}"))).unwrap();
        }
        assert_eq!(book.give(given("more", "another")), Err(MOST_WAITING));
        book.give(given("again", "t3")).unwrap();
        let bytes = serde_json::to_vec(&book).unwrap();
        assert_eq!(Book::read(&bytes).unwrap(), book);
    }

    #[test]
    fn an_order_of_another_version_is_kept_for_it_and_keeps_nobody_from_the_others() {
        let mut book = Book::default();
        for n in 0..3 {
            book.give(given(&format!("o{n}"), &format!("t{n}"))).unwrap();
        }
        let mut stored = serde_json::to_value(&book).unwrap();
        stored["open"][1]["order"]["by_moonlight"] = true.into();
        let strange = stored["open"][1].clone();
        let read = Book::read(stored.to_string().as_bytes()).unwrap();
        assert_eq!((ids(&read.open), &read.unread), (vec!["o0", "o2"], &vec![strange]));
        // It outlives being stored by the version that cannot read it ...
        let again = serde_json::to_vec(&read).unwrap();
        assert_eq!(Book::read(&again).unwrap(), read);
        // ... and the one that can has it back.
        let mut known = serde_json::to_value(&read).unwrap();
        known["unread"][0]["order"].as_object_mut().unwrap().remove("by_moonlight");
        let read = Book::read(known.to_string().as_bytes()).unwrap();
        assert_eq!((ids(&read.open), read.unread.len()), (vec!["o0", "o2", "o1"], 0));
        // Unless somebody has ordered something else for the topology since, or taken it back.
        let (mut later, mut cancelled) = (Book::read(&again).unwrap(), Book::read(&again).unwrap());
        later.give(given("o9", "t1")).unwrap();
        known = serde_json::to_value(&later).unwrap();
        known["unread"][0]["order"].as_object_mut().unwrap().remove("by_moonlight");
        let read = Book::read(known.to_string().as_bytes()).unwrap();
        assert_eq!((ids(&read.open), ids(&read.over)), (vec!["o0", "o2", "o9"], vec!["o1"]));
        assert_eq!(read.over[0].fate, Fate::Replaced { later: "o9".to_owned() });
        cancelled.cancel("o1", Timestamp::from_millis(0)).unwrap();
        assert_eq!(cancelled.unread, Vec::<Value>::new());
    }

    #[test]
    fn a_successor_does_not_wait_for_plans_that_nobody_knows() {
        let mut book = Book::default();
        book.give(given("o1", "a")).unwrap();
        book.decided("o1", false, &[decision("a", "act", "ORDERED", plan(0))], at(1));
        book.take_over(|plan| plan == "p1", at(2));
        assert_eq!(ids(&book.open), ["o1"]);
        book.take_over(|_| false, at(3));
        assert!(
            matches!(&book.over[0].fate, Fate::Failed { code, .. } if code == "LEADER_CHANGED")
        );
    }
}
