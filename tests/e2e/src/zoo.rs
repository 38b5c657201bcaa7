//! Topologies of many kinds on one Storm cluster, and what is right for each.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use thalweg_lab::StormJob;
use thalweg_lab::control::TopologyInfo;

use crate::doctor::{finding, finds};
use crate::product::Product;
use crate::status::{CALM, EndedPlan};
use crate::workers::{pids_of, ports, supervisors};

/// The one whose load changes, and the file that says how many tuples come per second.
const BUSY: &str = "busy";
const RATE: &str = "rate";
/// As long as a plan that was late and one that moves it may take before the one that has it grow.
const GROWTH: Duration = Duration::from_secs(300);
/// More than two executors of it can do.
const TOO_MUCH: &str = "250";
const NODES: usize = 2;

/// One of the zoo's topologies, and what is right for it.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// The most workers that it may have.
    pub workers: usize,
    /// The component whose work is its result.
    pub result: &'static str,
    /// How many tasks components are to have, where the product could have given them others.
    pub tasks: &'static [(&'static str, u32)],
    /// What is to be said of it.
    pub says: &'static [&'static str],
    /// What the doctor is to find.
    pub ails: &'static [&'static str],
}

const fn member(name: &'static str, says: &'static [&'static str]) -> Member {
    // Each has a component without tasks for more.
    Member { name, workers: 1, result: "sink", tasks: &[], says, ails: &["NO_TASKS_LEFT"] }
}

/// Every change of a topology with one worker stops it, which may be said of any besides.
const STOPS: &[&str] = &["STOP_NEEDED"];
/// Every change of it stops it, as it asks for one worker.
const ONE: &[&str] = &["STOP_NEEDED"];
/// Besides, its work does not show.
const UNSEEN: &[&str] = &["WORK_UNSEEN", "STOP_NEEDED"];

/// All of them.
pub const MEMBERS: &[Member] = &[
    member("plain", ONE),
    member("wide", ONE),
    // Resources are declared, so sources have a worker of their own, as long as there are slots.
    Member { workers: 2, ..member("declared", &[]) },
    member("flux", ONE),
    Member { tasks: &[("shout", 4)], ..member("shell", UNSEEN) },
    Member { tasks: &[("windows", 2)], ..member("windowed", UNSEEN) },
    Member { tasks: &[("ledger", 2)], ..member("stateful", UNSEEN) },
    Member { tasks: &[("b-0", 2)], result: "b-0", ..member("trident", ONE) },
    member("ticking", ONE),
    Member { tasks: &[("relay", 8), ("sieve", 8)], ..member("looping", ONE) },
    member("later", UNSEEN),
    member("failing", &["TUPLES_FAILED", "TASK_LIMITED", "STOP_NEEDED"]),
    Member { ails: &["NO_TASKS_LEFT", "SHUFFLE_STAYS_LOCAL"], ..member("unacked", ONE) },
    member("metered", ONE),
    Member { ails: &[], ..member("grouped", ONE) },
    Member { result: "beat", ails: &[], ..member("alone", &[]) },
    Member { workers: 2, tasks: &[("heavy", 4)], ..member(BUSY, &[]) },
];

/// The members of these names, in the order of the list.
pub fn named(names: &[&str]) -> Vec<Member> {
    MEMBERS.iter().filter(|member| names.contains(&member.name)).copied().collect()
}

/// A cluster with some of the zoo on it.
pub struct Zoo {
    product: Product,
    members: Vec<Member>,
    /// Where each executor was once all ran.
    placed: BTreeMap<&'static str, TopologyInfo>,
}

impl Zoo {
    /// Submits the members to a cluster with one slot for each worker that they may have, and a few more, which
    /// topologies of the plain kind fill until all run.
    ///
    /// # Errors
    /// Here and below: names what is not as it should be, with the ends of the logs.
    pub fn open(members: Vec<Member>, more: usize, settings: &[(&str, Value)]) -> Result<Self> {
        let wanted: usize = members.iter().map(|member| member.workers).sum();
        let slots = (wanted + more).div_ceil(NODES);
        let asked = ("thalweg.placement.workers", json!("asked"));
        let settings: Vec<_> = settings.iter().cloned().chain([asked]).collect();
        let product = Product::with_slots(u16::try_from(slots)?, &settings)?;
        let mut zoo = Self { product, members, placed: BTreeMap::new() };
        let fillers: Vec<String> =
            (1..=NODES * slots - wanted).map(|number| format!("plain-{number}")).collect();
        let names = zoo.members.iter().map(|member| member.name);
        let names: Vec<&str> = names.chain(fillers.iter().map(String::as_str)).collect();
        let rate = zoo.rate().display().to_string();
        zoo.product.storm.hand_in(&StormJob::zoo(&names).set("rate", rate))?;
        for filler in &fillers {
            zoo.runs(filler, 1)?;
        }
        for member in zoo.members.clone() {
            let info = zoo.runs(member.name, member.workers)?;
            for &(component, tasks) in member.tasks {
                let found: u32 = info.of(component).map(|e| e.last_task - e.first_task + 1).sum();
                ensure!(found == tasks, "{found} tasks of {component}: {info:?}");
            }
            zoo.placed.insert(member.name, info);
        }
        for filler in &fillers {
            zoo.product.storm.control().kill(filler, 0)?;
        }
        Ok(zoo)
    }

    /// Waits until all of a topology runs and reports, in no more workers than it may have.
    fn runs(&self, name: &str, workers: usize) -> Result<TopologyInfo> {
        let info = self.product.wait(&format!("all executors of {name}"), || {
            let info = self.product.storm.control().info(name)?;
            Ok((info.status == "ACTIVE" && info.all_report()).then_some(info))
        })?;
        let used = slots(&info).len();
        ensure!(used <= workers, "{used} workers of {name}: {info:?}");
        Ok(info)
    }

    /// Waits until each member can be judged.
    ///
    /// # Errors
    /// As for [`Zoo::open`].
    pub fn settles(&self) -> Result<()> {
        self.product.wait("the judgement of all topologies", || {
            let status = self.product.status()?;
            for member in &self.members {
                let decision = status.decision(member.name).context(member.name)?;
                let early = decision.early();
                ensure!(early.is_none(), "{}: {early:?}", member.name);
            }
            Ok(Some(()))
        })
    }

    /// Sees to it that each member runs on for a while where it is, works, and is told of what is right.
    ///
    /// # Errors
    /// As for [`Zoo::open`].
    pub fn all_is_well(&self, span: Duration) -> Result<()> {
        let before = self.worked()?;
        let running = self.workers();
        let daemons = supervisors(self.product.storm.dir());
        let mut said: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        self.product.stays(span, || {
            let status = self.product.status()?;
            for member in &self.members {
                let decision = status.decision(member.name).context(member.name)?;
                ensure!(decision.verdict == "hold", "{decision:?}");
                let codes = decision.reasons.iter().map(|reason| reason.code.clone());
                said.entry(member.name).or_default().extend(codes);
                let now = self.product.storm.control().info(member.name)?;
                ensure!(now.status == "ACTIVE", "{now:?}");
                let (was, is) = (self.placed[member.name].assignment(), now.assignment());
                ensure!(was == is, "{}: {was:?} became {is:?}", member.name);
            }
            Ok(())
        })?;
        eprintln!("said: {said:?}");
        for member in &self.members {
            let said = &said[member.name];
            let fits = |code: &String| [CALM, STOPS, member.says].concat().contains(&code.as_str());
            let lacks = member.says.iter().find(|code| !said.contains(**code));
            ensure!(lacks.is_none(), "of {}: {said:?} without {lacks:?}", member.name);
            ensure!(said.iter().all(fits), "of {}: {said:?}", member.name);
        }
        let after = self.worked()?;
        for (name, count) in &before {
            ensure!(after[name] > *count, "{name} stands still\n{}", self.product.evidence());
        }
        ensure!(running == self.workers(), "restarted\n{}", self.product.evidence());
        ensure!(
            daemons == supervisors(self.product.storm.dir()),
            "halted\n{}",
            self.product.evidence()
        );
        Ok(())
    }

    /// Sees to it that the doctor finds what is wrong with each member, and nothing else.
    ///
    /// # Errors
    /// As for [`Zoo::open`], and as [`finds`].
    pub fn the_doctor_is_right(&self) -> Result<()> {
        let ails = |member: &Member| member.ails.iter().map(|code| finding(member.name, code));
        let expected = self.members.iter().flat_map(ails).collect();
        finds(&self.product.folder(), &expected, STOPS)
    }

    /// Has more come to one of them than its executors can do, and sees to it that it gets more of them while nobody else
    /// is touched.
    ///
    /// # Errors
    /// As for [`Zoo::open`].
    pub fn one_grows(&mut self) -> Result<()> {
        let others = |zoo: &Self| {
            let own: BTreeSet<u16> = ports(&zoo.placed[BUSY]);
            let mut workers = zoo.workers();
            workers.retain(|port, _| !own.contains(port));
            workers
        };
        let before = others(self);
        fs::write(self.rate(), TOO_MUCH)?;
        // It may be placed elsewhere first, and a step may be late on a busy machine.
        let grew =
            |ended: &EndedPlan| ended.code.is_none() && ended.plan.counts.contains_key("heavy");
        let plan = self.product.wait_within(GROWTH, "a plan that grows", || {
            Ok(self.product.status()?.ended.into_iter().find(grew))
        })?;
        let ended = self.product.status()?.ended;
        ensure!(ended.iter().all(|ended| ended.plan.name == BUSY), "{ended:?}");
        let heavy = plan.plan.counts["heavy"];
        let info = self.product.wait_assigned(BUSY, plan.plan.rows.len())?;
        ensure!(info.of("heavy").count() == heavy && heavy > 1, "{info:?}");
        ensure!(slots(&info).len() <= 2, "{info:?}");
        let after = others(self);
        ensure!(after == before, "{before:?} became {after:?}\n{}", self.product.evidence());
        self.placed.insert(BUSY, info);
        Ok(())
    }

    /// Stops everything.
    ///
    /// # Errors
    /// As [`Product::stop`], and for what the logs tell of rounds and looks that failed.
    pub fn close(self) -> Result<()> {
        const SIGNS: [&str; 3] = [
            "multiple topologies assigned to one port",
            "this round is left to Storm's own scheduler",
            "i.t.s.Monitor thalweg-monitor [ERROR]",
        ];
        for log in self.product.storm.logs() {
            let text = fs::read_to_string(&log).unwrap_or_default();
            let bad = text.lines().find(|line| SIGNS.iter().any(|sign| line.contains(sign)));
            ensure!(bad.is_none(), "{}: {bad:?}", log.display());
        }
        self.product.stop()
    }

    fn rate(&self) -> PathBuf {
        self.product.storm.dir().join(RATE)
    }

    /// What each member's result counts.
    fn worked(&self) -> Result<BTreeMap<&'static str, u64>> {
        let count = |member: &Member| {
            let info = self.product.storm.control().info(member.name)?;
            let stats = info.of(member.result).filter_map(|executor| executor.stats.as_ref());
            let done = stats.map(|stats| stats.executed.unwrap_or(stats.emitted)).sum();
            Ok((member.name, done))
        };
        self.members.iter().map(count).collect()
    }

    /// The worker processes of all members, by their ports, which are unique in a lab.
    fn workers(&self) -> BTreeMap<u16, u32> {
        let ports: BTreeSet<u16> = self.placed.values().flat_map(ports).collect();
        pids_of(self.product.storm.dir(), &ports)
    }
}

fn slots(info: &TopologyInfo) -> BTreeSet<(&str, u16)> {
    info.executors.iter().map(|executor| (executor.host.as_str(), executor.port)).collect()
}
