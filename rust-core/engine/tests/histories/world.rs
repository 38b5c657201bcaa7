//! Two processes, their stores and shells, and the cluster, second by second.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use serde_json::Value;
use thalweg_core::explain::Verdict;
use thalweg_core::model::SlotRef;
use thalweg_core::plan::Slot;
use thalweg_core::units::Timestamp;
use thalweg_engine::{Assigned, Engine, EngineSettings, Reported, Request};
use thalweg_store::Store;

use super::brain::{Script, deciding};
use super::cluster::{Cluster, EXECUTORS, Held};
use super::rules::Rule;
use super::shell::{Around, Fate, Shell, note_of, subject};
use super::store::{Handle, Place, Trouble};
use super::tally::Tally;

/// Seconds in which faults happen.
const TROUBLE: u32 = 80;
/// Seconds after that until everything must have come to rest: longer than an action may be silent.
const CALM: u32 = 140;
/// Seconds of rest after which nothing more can happen: all that happens by itself has happened at least once.
const REST: u32 = 12;
/// Seconds after which a process that does not answer no longer leads.
const SESSION: u32 = 20;
/// Seconds after which nodes ask Nimbus by themselves what to run, and processes compare their stores.
const SYNC: u32 = 10;

const SETTINGS: &str = r#"{"thalweg.mode": "act", "thalweg.placement.workers": "free",
    "thalweg.monitor.interval.secs": 2, "thalweg.metrics.settle.secs": 6,
    "thalweg.action.step.timeout.secs": 10}"#;

/// The settings, which are read only once.
fn settings() -> EngineSettings {
    static READ: LazyLock<EngineSettings> = LazyLock::new(|| {
        let given: Value = serde_json::from_str(SETTINGS).unwrap();
        EngineSettings::read(given.as_object().unwrap())
    });
    READ.clone()
}

/// One process that may lead.
pub struct Process {
    pub engine: Option<Engine>,
    pub store: Arc<Handle>,
    pub shell: Shell,
    /// The term in which it believes to lead.
    pub term: Option<u64>,
    /// How often it began to lead.
    led: u64,
    /// Until when it does not run, and since when.
    paused: Option<(u32, u32)>,
    down_until: u32,
    /// By how much its clock is wrong, in ms.
    skew: i64,
}

/// A rule that was broken.
#[derive(Debug)]
pub struct Broken {
    pub rule: Rule,
    text: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.text)
    }
}

/// Everything there is in one history.
pub struct World {
    pub seed: u64,
    rng: fastrand::Rng,
    pub second: u32,
    pub cluster: Cluster,
    pub processes: Vec<Process>,
    pub script: Script,
    /// Where topologies were put that no plan was ever about.
    pub untouched: BTreeMap<String, Held>,
    submitted: u32,
    /// Whether what is unfinished is noted in the cluster, where leaders are also numbered. Otherwise they need a store
    /// that all share and that loses nothing.
    notes: bool,
    /// Since when nothing was left to happen.
    resting: u32,
    pub tally: Tally,
    /// Whether each thing that happens is printed.
    pub told: bool,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let used = if rng.u8(0..4) == 0 { 100_000 } else { 0 };
        let (shared, journal) = (rng.bool().then(|| Place::used(used)), rng.bool());
        let notes = shared.is_none() || rng.u8(0..3) > 0;
        let process = |index| Process {
            engine: None,
            store: Arc::new(Handle::new(index, shared.clone(), journal)),
            shell: Shell::default(),
            term: None,
            led: 0,
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
            script: Script::default(),
            untouched: BTreeMap::new(),
            submitted: 0,
            notes,
            resting: 0,
            tally: Tally::default(),
            told: false,
        };
        for _ in 0..3 {
            world.submit();
        }
        world
    }

    pub fn broken(&self, rule: Rule, what: impl fmt::Debug) -> Broken {
        Broken { rule, text: format!("seed {}: second {}: {what:?}", self.seed, self.second) }
    }

    /// Prints what happens, if that is asked for.
    fn tell(&self, index: usize, what: impl FnOnce() -> String) {
        if self.told {
            println!("second {}, process {index}: {}", self.second, what());
        }
    }

    fn submit(&mut self) {
        if self.cluster.free().count() < 2 * EXECUTORS as usize {
            return;
        }
        self.submitted += 1;
        let id = format!("t{}", self.submitted);
        self.cluster.submit(&id);
        self.untouched.insert(id.clone(), self.cluster.topologies[&id].clone());
    }

    /// Runs until all is quiet, and says which rule was broken, if one was.
    pub fn run(&mut self) -> Result<(), Broken> {
        while self.second < TROUBLE + CALM && !(self.resting >= REST && self.is_idle()) {
            if self.second < TROUBLE {
                self.trouble();
            } else if self.second == TROUBLE {
                self.calm();
            }
            self.elect();
            for index in 0..self.processes.len() {
                self.process(index)?;
                if let Some(replaced) = self.processes[index].store.replaced() {
                    return Err(self.broken(Rule::FormerLeadersStoreNothing, replaced));
                }
            }
            self.sync();
            self.check_others()?;
            let rests = self.second > TROUBLE && self.rests();
            self.resting = if rests { self.resting + 1 } else { 0 };
            self.second += 1;
        }
        self.check_rest()
    }

    /// Whether nothing is at work, awaited, or left to be done.
    fn rests(&self) -> bool {
        let quiet = |held: &Held| held.active && !held.rebalancing;
        self.script.rests()
            && self.processes.iter().all(|process| process.shell.is_idle())
            && self
                .cluster
                .leader
                .is_some_and(|leader| self.processes[leader].term == Some(self.cluster.term))
            && self.cluster.note.is_none()
            && self.cluster.beside.is_empty()
            && self.cluster.topologies.values().all(quiet)
    }

    /// Whether the leader has no action under way, also none of a topology that is gone.
    fn is_idle(&self) -> bool {
        let leader = self.cluster.leader.map(|leader| (leader, &self.processes[leader]));
        leader.is_some_and(|(index, process)| {
            let engine = process.engine.as_ref();
            let status = engine.and_then(|e| e.request(Request::Status, self.now(index)).ok());
            status.is_some_and(|status| status["plan"].is_null())
        })
    }

    /// Something goes wrong, or somebody does something.
    fn trouble(&mut self) {
        let span = self.rng.u32(1..60);
        let (index, second) = (self.rng.usize(0..self.processes.len()), self.second);
        let picked = self.rng.u32(0..1000);
        let process = &mut self.processes[index];
        let what = match picked {
            0..20 => {
                self.crash(index, span / 3);
                "process ended"
            }
            20..40 => {
                process.paused = Some((second, second + span));
                "process paused"
            }
            40..50 => {
                self.cluster.leader = None;
                "lead lost"
            }
            50..60 => {
                process.store.trouble(Trouble::Fail(1 + span / 12));
                "writes failed"
            }
            60..66 => {
                process.store.trouble(Trouble::Torn(1 + span / 12));
                "writes torn"
            }
            66..76 => {
                process.store.trouble(Trouble::Dies(span / 5));
                "process ends within a write"
            }
            76..82 => {
                if !self.notes {
                    return;
                }
                process.store.empty();
                "store emptied"
            }
            82..90 => {
                let out_of_reach = self.rng.bool();
                process.store.set_out_of_reach(out_of_reach);
                "store in or out of reach"
            }
            90..100 => {
                process.skew = i64::from(span) * 500 - 15_000;
                "clock changed"
            }
            100..120 => {
                self.submit();
                "topology submitted"
            }
            120..140 => {
                self.kill();
                "topology killed"
            }
            140..440 => {
                self.ask_for_something();
                return;
            }
            440..446 => {
                self.script.panic_next();
                "decision panics"
            }
            _ => return,
        };
        self.tell(index, || what.to_owned());
        self.tally.count(what);
    }

    /// Everything works again.
    fn calm(&mut self) {
        for process in &mut self.processes {
            process.store.trouble(Trouble::None);
            process.store.set_out_of_reach(false);
            (process.paused, process.down_until, process.skew) = (None, 0, 0);
        }
        self.script.clear();
    }

    /// A process ends, and is started again after a while.
    fn crash(&mut self, index: usize, down: u32) {
        let process = &mut self.processes[index];
        process.engine = None;
        (process.shell, process.term, process.led) = (Shell::default(), None, 0);
        process.down_until = self.second + down;
        process.store.trouble(Trouble::None);
        process.store.has_died();
    }

    fn kill(&mut self) {
        let ids: Vec<String> = self.cluster.topologies.keys().cloned().collect();
        if ids.len() > 1 {
            let id = &ids[self.rng.usize(0..ids.len())];
            self.cluster.topologies.remove(id);
            self.cluster.beside.remove(id);
            self.cluster.committed.remove(id);
            self.untouched.remove(id);
        }
    }

    fn ask_for_something(&mut self) {
        let ids: Vec<&String> = self.cluster.topologies.keys().collect();
        self.script.set(ids[self.rng.usize(0..ids.len())].clone());
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

    pub fn now(&self, index: usize) -> Timestamp {
        Timestamp::from_millis(
            1_000_000 + i64::from(self.second) * 1000 + self.processes[index].skew,
        )
    }

    fn process(&mut self, index: usize) -> Result<(), Broken> {
        let second = self.second;
        let goes_on = self.processes[index].paused.take_if(|(_, until)| second >= *until).is_some();
        if second < self.processes[index].down_until || self.processes[index].paused.is_some() {
            return Ok(());
        }
        if self.processes[index].engine.is_none() {
            let store: Arc<dyn Store> = self.processes[index].store.clone();
            let opened = Engine::assemble(settings(), store, deciding(self.script.clone(), index));
            self.script.begins_term(index);
            self.processes[index].engine = opened.ok();
        }
        if goes_on && self.processes[index].term.is_some() && self.rng.bool() {
            // It had asked who leads before it stood still.
            self.look(index)?;
        }
        self.follow_the_election(index)?;
        for _ in 0..self.rng.u32(0..4) {
            self.shell(index)?;
        }
        if self.processes[index].term.is_some() && self.cluster.leader == Some(index) {
            if second.is_multiple_of(2) {
                self.look(index)?;
            }
            if second.is_multiple_of(3) {
                self.round(index)?;
            }
        }
        if self.processes[index].store.has_died() {
            let down = self.rng.u32(0..20);
            self.crash(index, down);
        }
        Ok(())
    }

    fn follow_the_election(&mut self, index: usize) -> Result<(), Broken> {
        let leads = (self.cluster.leader == Some(index)).then_some(self.cluster.term);
        let now = self.now(index);
        let process = &mut self.processes[index];
        let Some(engine) = &process.engine else { return Ok(()) };
        if process.term == leads {
            return Ok(());
        }
        if process.term.take().is_some() {
            // Whatever it led is over, also where it is to lead again.
            engine.request(Request::Follow, now).unwrap();
        }
        let Some(term) = leads else { return Ok(()) };
        if !process.shell.is_idle() {
            // It has yet to find that what it was at before is another's business.
            return Ok(());
        }
        self.script.begins_term(index);
        process.led += 1;
        process.store.led_by(term);
        let note = self.notes.then(|| self.cluster.note.clone().unwrap_or_default());
        let (elected, term_base) =
            if self.notes { (term, self.cluster.term_base) } else { (process.led, 0) };
        let lead = Request::Lead { term: elected, note, term_base };
        let Ok(answer) = engine.request(lead, now) else { return Ok(()) };
        if let Some(base) = answer["term_base"].as_u64() {
            // It says that it leads once more a second later, if it still does.
            self.cluster.term_base = base;
            return Ok(());
        }
        process.term = Some(term);
        process.shell.due(&answer["due"]);
        if self.notes {
            let left = process.shell.plan.as_ref().map(|plan| plan.id.clone());
            let noted = self.cluster.note.as_deref().map(|note| subject(note).0);
            if left.is_some() && left.as_deref() != noted {
                return Err(self.broken(Rule::NotedIsTakenUp, (left, noted)));
            }
            self.cluster.note = note_of(&answer);
        }
        let left = if !answer["due"].is_object() {
            "lead begun"
        } else if answer["due"]["what"] == "carry_on" {
            "lead begun with an action to carry on"
        } else {
            "lead begun with an action to take back"
        };
        self.tell(index, || format!("{left}, in term {term}: {answer}"));
        self.tally.count(left);
        Ok(())
    }

    fn shell(&mut self, index: usize) -> Result<(), Broken> {
        if self.processes[index].shell.is_idle() || self.processes[index].engine.is_none() {
            return Ok(());
        }
        let now = self.now(index);
        let leads = self.cluster.leader == Some(index)
            && self.processes[index].term == Some(self.cluster.term);
        let trouble = self.second < TROUBLE;
        let (fate, crashes) = match self.rng.u32(0..1000) {
            0..40 if trouble => (Fate::Fails, false),
            40..60 if trouble => (Fate::AnswerLost, false),
            60..66 if trouble => (Fate::Done, true),
            66..70 if trouble => (Fate::AnswerLost, true),
            _ => (Fate::Done, false),
        };
        // For a moment the coordination service does not answer whoever asks.
        let told_to_lead = leads && !(trouble && self.rng.u32(0..200) == 0);
        let asked_before = !told_to_lead && trouble && self.rng.bool();
        let before = self.cluster.note.clone();
        let Process { engine: Some(engine), shell, store, term, .. } = &mut self.processes[index]
        else {
            return Ok(());
        };
        let lacks = |plan: &str, done: &str| store.lacks(plan, done);
        let notes = self.notes;
        let around =
            Around { engine, told_to_lead, asked_before, leads, lacks: &lacks, notes, now };
        let step = shell.next().cloned();
        shell.go(&around, &mut self.cluster, fate);
        if !told_to_lead && shell.is_idle() {
            engine.request(Request::Follow, now).unwrap();
            *term = None;
        }
        let broken = shell.broken.take();
        self.tell(index, || {
            let crashes = if crashes { ", and the process ends" } else { "" };
            format!("{step:?}: {fate:?}, told to lead {told_to_lead}, leads {leads}{crashes}")
        });
        if let Some((rule, what)) = broken {
            return Err(self.broken(rule, what));
        }
        match fate {
            Fate::Done => {}
            Fate::Fails => self.tally.count("step failed"),
            Fate::AnswerLost => self.tally.count("answer to a step lost"),
        }
        if crashes {
            self.tally.count("process ended after a step");
            let down = self.rng.u32(0..20);
            self.crash(index, down);
        }
        self.check_one_at_a_time(before)
    }

    fn look(&mut self, index: usize) -> Result<(), Broken> {
        let (now, mut seen) = (self.now(index), self.cluster.observation(self.now(index)));
        if self.second < TROUBLE && self.rng.u32(0..20) == 0 {
            // What the last round did not see is missing from the look.
            seen.topologies.remove(self.rng.usize(0..seen.topologies.len()));
        }
        let strategy = self.rng.usize(0..4);
        let process = &mut self.processes[index];
        let Some(engine) = &process.engine else { return Ok(()) };
        // A panic is an exception in the JVM, and the monitor goes on.
        let seen = catch_unwind(AssertUnwindSafe(|| engine.take_in(seen, now)));
        if let Some(lost) = self.script.lost() {
            return Err(self.broken(Rule::LearnedKept, lost));
        }
        let Ok(Ok(answer)) = seen else { return Ok(()) };
        if !answer.leads {
            process.term = None;
            return Ok(());
        }
        for decision in answer.decisions.iter().cloned() {
            let Some(plan) = decision.plan.filter(|_| decision.verdict == Verdict::Act) else {
                continue;
            };
            if self.told {
                println!("second {}, process {index}: decided {}", self.second, plan.id);
            }
            self.tally.count("action decided");
            self.untouched.remove(&plan.topology);
            if process.shell.is_idle() {
                process.shell.offer(plan, strategy);
            } else {
                let fault = Reported { code: "BUSY".to_owned(), text: String::new() };
                let abort = Request::Abort { plan: plan.id, fault, steps: Vec::new() };
                let _ = engine.request(abort, now);
            }
        }
        if self.cluster.leader != Some(index) {
            // Only whoever leads does anything upon it.
            return Ok(());
        }
        let process = &mut self.processes[index];
        process.shell.due(&answer.due);
        // What could not be noted, or removed, in time is at the next look.
        let before = self.cluster.note.take();
        let note = answer.note.filter(|_| self.notes);
        self.cluster.note = note.map(|note| serde_json::to_string(&note).unwrap());
        self.check_one_at_a_time(before)
    }

    /// Nodes ask Nimbus by themselves what to run; only what a shell keeps telling them otherwise lasts. Processes
    /// compare what they stored with what others did.
    fn sync(&mut self) {
        if !self.second.is_multiple_of(SYNC) {
            return;
        }
        let running = || self.processes.iter().filter(|process| process.paused.is_none());
        let told: BTreeSet<String> =
            running().map(|process| process.shell.topology().to_owned()).collect();
        self.cluster.beside.retain(|id| told.contains(id));
        running().filter(|process| process.engine.is_some()).for_each(|p| p.store.compare());
    }

    /// A scheduling round: the engine says where executors belong, Storm's own scheduler does the rest.
    fn round(&mut self, index: usize) -> Result<(), Broken> {
        let mut seen = self.cluster.observation(self.now(index));
        for topology in &mut seen.topologies {
            if self.cluster.topologies[&topology.id].rebalancing {
                topology.executors.iter_mut().for_each(|executor| executor.slot = None);
            }
        }
        let Some(engine) = &self.processes[index].engine else { return Ok(()) };
        let mut answers = engine.assign(&seen, self.now(index)).unwrap().into_iter();
        for topology in &seen.topologies {
            let mut free = None;
            let mut held = self.cluster.topologies[&topology.id].clone();
            let before = held.slots.clone();
            for (slot, executor) in held.slots.iter_mut().zip(&topology.executors) {
                *slot = match answers.next().unwrap() {
                    Assigned::To(to) => Some(to),
                    Assigned::Keep => *slot,
                    Assigned::NotOurs => executor
                        .slot
                        .or(*slot)
                        .or_else(|| free.get_or_insert_with(|| self.cluster.free()).next()),
                    Assigned::NoRoom => None,
                };
            }
            if !held.rebalancing {
                self.check_moves(&topology.id, &before, &held.slots)?;
            }
            held.rebalancing = false;
            if let Some(place) = self.cluster.topologies.get_mut(&topology.id) {
                *place = held;
            }
        }
        Ok(())
    }

    /// A round that was not asked to place a topology anew moves only what a committed plan moves, and only to where the
    /// plan says; unless another topology has got that slot meanwhile.
    fn check_moves(
        &self,
        id: &str,
        before: &[Option<SlotRef>],
        after: &[Option<SlotRef>],
    ) -> Result<(), Broken> {
        for (index, (before, after)) in before.iter().zip(after).enumerate() {
            let (Some(before), Some(after)) = (before, after) else { continue };
            let rows = self.cluster.committed.get(id);
            let wanted = rows.and_then(|rows| rows.get(index)).map(|row| &row.after);
            let is = |slot: &Slot, place: &SlotRef| {
                slot.port == place.port && slot.node == format!("n{}", place.node)
            };
            let others = self.cluster.topologies.iter().filter(|(other, _)| *other != id);
            let mut taken = others.flat_map(|(_, held)| held.slots.iter().flatten());
            let follows = wanted
                .is_some_and(|wanted| is(wanted, after) || taken.any(|slot| is(wanted, slot)));
            if before != after && !follows {
                return Err(self.broken(Rule::MovedByCommit, (id, before, after, wanted)));
            }
        }
        Ok(())
    }
}
