//! Histories of the whole control plane, drawn from seeds: two processes that lead in turn, their stores, shells and
//! a cluster, with a fault at any step. Each history ends quiet, and then the rules must hold.
//!
//! `THALWEG_HISTORIES=n` runs so many, `THALWEG_SEED=n` the one of a seed.
#![allow(clippy::unwrap_used)]

mod brain;
mod cluster;
mod shell;
mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use brain::{Wish, deciding};
use cluster::{Cluster, Held};
use serde_json::{Value, json};
use shell::Shell;
use store::Memory;
use thalweg_core::units::Timestamp;
use thalweg_engine::{Assigned, Engine};
use thalweg_store::Store;

/// Seconds in which faults happen.
const TROUBLE: u32 = 160;
/// Seconds after that until everything must have come to rest: longer than an action may be silent.
const CALM: u32 = 140;
/// Seconds after which a process that does not answer no longer leads.
const SESSION: u32 = 20;

/// One process that may lead.
struct Process {
    engine: Option<Engine>,
    store: Arc<Memory>,
    shell: Shell,
    /// The term in which it believes to lead.
    term: Option<u64>,
    /// Until when it does not run, and since when.
    paused: Option<(u32, u32)>,
    down_until: u32,
    /// By how much its clock is wrong, in ms.
    skew: i64,
}

struct World {
    seed: u64,
    rng: fastrand::Rng,
    second: u32,
    cluster: Cluster,
    processes: Vec<Process>,
    wish: Wish,
    /// Where topologies were put that no plan was ever about.
    untouched: BTreeMap<String, Held>,
    submitted: u32,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let shared = rng.bool().then(|| Arc::new(Memory::default()));
        let wish = Wish::default();
        let process = |_| Process {
            engine: None,
            store: shared.clone().unwrap_or_default(),
            shell: Shell::default(),
            term: None,
            paused: None,
            down_until: 0,
            skew: 0,
        };
        let mut world = Self {
            seed,
            rng,
            second: 0,
            cluster: Cluster::default(),
            processes: (0..2).map(process).collect(),
            wish,
            untouched: BTreeMap::new(),
            submitted: 0,
        };
        for _ in 0..3 {
            world.submit();
        }
        world
    }

    fn fail(&self, rule: &str, what: impl std::fmt::Debug) -> ! {
        panic!("seed {}: second {}: {rule}: {what:?}", self.seed, self.second)
    }

    fn submit(&mut self) {
        if self.cluster.free().count() < 2 * cluster::EXECUTORS as usize {
            return;
        }
        self.submitted += 1;
        let id = format!("t{}", self.submitted);
        self.cluster.submit(&id);
        self.untouched.insert(id.clone(), self.cluster.topologies[&id].clone());
    }

    fn run(&mut self) {
        while self.second < TROUBLE + CALM {
            if self.second < TROUBLE {
                self.trouble();
            } else if self.second == TROUBLE {
                self.calm();
            }
            self.elect();
            for index in 0..self.processes.len() {
                self.process(index);
            }
            self.sync_nodes();
            self.check_others();
            self.second += 1;
        }
        self.check_rest();
    }

    /// Something goes wrong, or somebody does something.
    fn trouble(&mut self) {
        let span = self.rng.u32(1..60);
        let (index, second) = (self.rng.usize(0..self.processes.len()), self.second);
        let picked = self.rng.u32(0..1000);
        let process = &mut self.processes[index];
        match picked {
            0..20 => {
                process.engine = None;
                (process.shell, process.term) = (Shell::default(), None);
                process.down_until = second + span / 3;
            }
            20..40 => process.paused = Some((second, second + span)),
            40..50 => self.cluster.leader = None,
            50..70 => process.store.fail(1 + span / 12),
            70..76 => process.store.empty(),
            76..86 => process.skew = i64::from(span) * 500 - 15_000,
            86..110 => self.submit(),
            110..130 => self.kill(),
            130..330 => self.wish_for_something(),
            330..336 => self.wish.panic_next(),
            _ => {}
        }
    }

    /// Everything works again.
    fn calm(&mut self) {
        for process in &mut self.processes {
            process.store.fail(0);
            (process.paused, process.down_until, process.skew) = (None, 0, 0);
        }
        self.wish.clear();
    }

    fn kill(&mut self) {
        let ids: Vec<String> = self.cluster.topologies.keys().cloned().collect();
        if ids.len() > 1 {
            let id = &ids[self.rng.usize(0..ids.len())];
            self.cluster.topologies.remove(id);
            self.cluster.beside.remove(id);
            self.untouched.remove(id);
        }
    }

    fn wish_for_something(&mut self) {
        let ids: Vec<String> = self.cluster.topologies.keys().cloned().collect();
        self.wish.set(ids[self.rng.usize(0..ids.len())].clone());
    }

    /// Whoever does not answer for a whole session loses the lead to one that does.
    fn elect(&mut self) {
        let second = self.second;
        let lost = |process: &Process| {
            let silent = process.paused.is_some_and(|(since, _)| second - since > SESSION);
            second < process.down_until || silent
        };
        if self.cluster.leader.is_some_and(|leader| lost(&self.processes[leader])) {
            self.cluster.leader = None;
        }
        if self.cluster.leader.is_none() {
            let able = |index: &usize| {
                let process = &self.processes[*index];
                second >= process.down_until && process.paused.is_none()
            };
            let able: Vec<usize> = (0..self.processes.len()).filter(able).collect();
            if !able.is_empty() {
                self.cluster.leader = Some(able[self.rng.usize(0..able.len())]);
                self.cluster.term += 1;
            }
        }
    }

    fn now(&self, index: usize) -> Timestamp {
        Timestamp::from_millis(
            1_000_000 + i64::from(self.second) * 1000 + self.processes[index].skew,
        )
    }

    fn process(&mut self, index: usize) {
        let second = self.second;
        if self.processes[index].paused.is_some_and(|(_, until)| second >= until) {
            self.processes[index].paused = None;
        }
        if second < self.processes[index].down_until || self.processes[index].paused.is_some() {
            return;
        }
        if self.processes[index].engine.is_none() {
            let store: Arc<dyn Store> = self.processes[index].store.clone();
            let opened = Engine::assemble(SETTINGS, store, deciding(self.wish.clone()));
            self.processes[index].engine = opened.ok();
        }
        self.follow_the_election(index);
        for _ in 0..self.rng.u32(0..4) {
            self.shell(index);
        }
        if self.processes[index].term.is_some() && self.cluster.leader == Some(index) {
            if second.is_multiple_of(2) {
                self.look(index);
            }
            if second.is_multiple_of(3) {
                self.round(index);
            }
        }
    }

    fn follow_the_election(&mut self, index: usize) {
        let leads = (self.cluster.leader == Some(index)).then_some(self.cluster.term);
        let now = self.now(index);
        let process = &mut self.processes[index];
        let Some(engine) = &process.engine else { return };
        if process.term == leads {
            return;
        }
        if process.term.take().is_some() {
            // Whatever it led is over, also where it is to lead again.
            engine.command(r#"{"op": "follow"}"#, now).unwrap();
        }
        let Some(term) = leads else { return };
        if !process.shell.is_idle() {
            // It has yet to find that what it was at before is another's business.
            return;
        }
        let note = self.cluster.note.clone().unwrap_or_default();
        let request = json!({ "op": "lead", "term": term, "note": note });
        let Ok(answer) = engine.command(&request.to_string(), now) else { return };
        let answer: Value = serde_json::from_str(&answer).unwrap();
        self.cluster.note = answer["note"].is_object().then(|| answer["note"].to_string());
        process.term = Some(term);
        process.shell.due(&answer["due"]);
    }

    fn shell(&mut self, index: usize) {
        let now = self.now(index);
        let process = &mut self.processes[index];
        let leads = self.cluster.leader == Some(index) && process.term == Some(self.cluster.term);
        let fails = self.second < TROUBLE && self.rng.u32(0..100) < 5;
        // For a moment the coordination service does not answer whoever asks.
        let told = leads && !(self.second < TROUBLE && self.rng.u32(0..200) == 0);
        let before = self.cluster.note.clone();
        let Some(engine) = &process.engine else { return };
        let busy = !process.shell.is_idle();
        process.shell.go(engine, &mut self.cluster, told, fails, now);
        if busy && !told {
            engine.command(r#"{"op": "follow"}"#, now).unwrap();
            process.term = None;
        }
        self.check_one_at_a_time(before.as_deref());
    }

    fn look(&mut self, index: usize) {
        let (now, mut seen) = (self.now(index), self.cluster.observation(self.now(index)));
        if self.second < TROUBLE && self.rng.u32(0..20) == 0 {
            // What the last round did not see is missing from the look.
            seen.topologies.remove(self.rng.usize(0..seen.topologies.len()));
        }
        let strategy = self.rng.usize(0..3);
        let process = &mut self.processes[index];
        let Some(engine) = &process.engine else { return };
        // A panic is an exception in the JVM, and the monitor goes on.
        let Ok(Ok(answer)) = catch_unwind(AssertUnwindSafe(|| engine.observe(seen, now))) else {
            return;
        };
        let answer: Value = serde_json::from_str(&answer).unwrap();
        if answer["leads"] == false {
            process.term = None;
            return;
        }
        for decision in answer["decisions"].as_array().unwrap() {
            if decision["verdict"] != "act" {
                continue;
            }
            let plan = &decision["plan"];
            self.untouched.remove(plan["topology"].as_str().unwrap());
            if process.shell.is_idle() {
                process.shell.offer(plan, strategy);
            } else {
                let abort = json!({ "op": "abort", "plan": plan["id"], "code": "BUSY" });
                let _ = engine.command(&abort.to_string(), now);
            }
        }
        process.shell.due(&answer["due"]);
        // What could not be noted, or removed, in time is at the next look.
        self.cluster.note = answer["note"].is_object().then(|| answer["note"].to_string());
    }

    /// Nodes ask Nimbus by themselves what to run; only what a shell keeps telling them otherwise lasts.
    fn sync_nodes(&mut self) {
        if !self.second.is_multiple_of(10) {
            return;
        }
        let told: BTreeSet<String> = self
            .processes
            .iter()
            .filter(|process| process.paused.is_none())
            .map(|process| process.shell.name())
            .collect();
        self.cluster.beside.retain(|id| told.contains(id));
    }

    /// A scheduling round: the engine says where executors belong, Storm's own scheduler does the rest.
    fn round(&mut self, index: usize) {
        let mut seen = self.cluster.observation(self.now(index));
        for topology in &mut seen.topologies {
            if self.cluster.topologies[&topology.id].rebalancing {
                topology.executors.iter_mut().for_each(|executor| executor.slot = None);
            }
        }
        let Some(engine) = &self.processes[index].engine else { return };
        let mut answers = engine.assign(&seen, self.now(index)).unwrap().into_iter();
        for topology in &seen.topologies {
            let mut free = self.cluster.free();
            let held = self.cluster.topologies.get_mut(&topology.id).unwrap();
            for (slot, executor) in held.slots.iter_mut().zip(&topology.executors) {
                *slot = match answers.next().unwrap() {
                    Assigned::To(to) => Some(to),
                    Assigned::Keep => *slot,
                    Assigned::NotOurs => executor.slot.or(*slot).or_else(|| free.next()),
                    Assigned::NoRoom => None,
                };
            }
            held.rebalancing = false;
        }
    }

    /// What one action has left behind is not forgotten for another.
    fn check_one_at_a_time(&self, before: Option<&str>) {
        let noted = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let (Some(before), Some(after)) = (before, self.cluster.note.as_deref()) else { return };
        let (before, after) = (noted(before), noted(after));
        let topology = before["plan"]["topology"].as_str().unwrap_or("");
        let stopped = self.cluster.topologies.get(topology).is_some_and(|held| !held.active);
        let left = stopped || self.cluster.beside.contains(topology);
        if left && before["plan"]["id"] != after["plan"]["id"] {
            self.fail("never two actions at once", (before, after));
        }
    }

    /// No topology that nothing was decided about is touched.
    fn check_others(&self) {
        for (id, held) in &self.untouched {
            let now = &self.cluster.topologies[id];
            if now != held {
                self.fail("no other topology is touched", (id, held, now));
            }
        }
    }

    fn check_rest(&self) {
        for (id, held) in &self.cluster.topologies {
            if !held.active || held.rebalancing || held.slots.iter().any(Option::is_none) {
                self.fail("nothing stays stopped or unassigned", (id, held));
            }
        }
        if !self.cluster.beside.is_empty() || self.cluster.note.is_some() {
            self.fail("nothing is left behind", (&self.cluster.beside, &self.cluster.note));
        }
        let of = |held: &Held| -> BTreeSet<(u32, u32)> {
            held.slots.iter().flatten().map(|slot| (slot.node, slot.port)).collect()
        };
        let all: Vec<(u32, u32)> = self.cluster.topologies.values().flat_map(of).collect();
        if all.iter().collect::<BTreeSet<_>>().len() != all.len() {
            self.fail("no slot has two topologies", &self.cluster.topologies);
        }
        let leader = self.cluster.leader.unwrap_or_else(|| self.fail("somebody leads", ()));
        let engine = self.processes[leader].engine.as_ref().unwrap();
        let status = engine.command(r#"{"op": "status"}"#, self.now(leader)).unwrap();
        let status: Value = serde_json::from_str(&status).unwrap();
        if !status["plan"].is_null() {
            self.fail("every action ends", &status["plan"]);
        }
        let ended: Vec<&Value> =
            status["ended"].as_array().unwrap().iter().map(|ended| &ended["plan"]["id"]).collect();
        let once: BTreeSet<String> = ended.iter().map(|id| id.to_string()).collect();
        if once.len() != ended.len() {
            self.fail("every action ends once", ended);
        }
        self.check_tables(leader);
    }

    /// The stored tables say where executors run.
    fn check_tables(&self, leader: usize) {
        let store = &self.processes[leader].store;
        for (id, held) in &self.cluster.topologies {
            let table = store.table(id).unwrap().map(|loaded| loaded.table);
            let rows = table.as_ref().map_or(&[][..], |table| &table.rows);
            let stored: Vec<(String, u32)> =
                rows.iter().map(|row| (row.node.after.clone(), row.port.after)).collect();
            let truth: Vec<(String, u32)> = held
                .slots
                .iter()
                .flatten()
                .map(|slot| (format!("n{}", slot.node), slot.port))
                .collect();
            if stored != truth {
                self.fail("the table is the truth", (id, stored, truth));
            }
        }
        if let Some(gone) =
            store.tables().unwrap().iter().find(|id| !self.cluster.topologies.contains_key(*id))
        {
            self.fail("no table is of a topology that is gone", gone);
        }
    }
}

const SETTINGS: &str = r#"{"thalweg.mode": "act", "thalweg.placement.workers": "free",
    "thalweg.action.step.timeout.secs": 10}"#;

#[test]
fn every_history_ends_with_the_rules_kept() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("THALWEG_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("THALWEG_HISTORIES").unwrap_or(300),
    };
    // A decision that panics is part of the histories and would fill the output.
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.to_string();
        if !text.contains("decided to panic") {
            eprintln!("{text}");
        }
    }));
    let histories = seeds.end - seeds.start;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = &|thread: usize| -> Vec<u64> {
        let own = seeds.clone().skip(thread).step_by(threads);
        own.filter(|seed| catch_unwind(|| World::new(*seed).run()).is_err()).collect()
    };
    let mut failed: Vec<u64> = std::thread::scope(|scope| {
        let running: Vec<_> =
            (0..threads).map(|thread| scope.spawn(move || share(thread))).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    failed.sort_unstable();
    println!("{histories} histories, {} of them broke a rule", failed.len());
    assert!(failed.is_empty(), "seeds {failed:?}");
}
