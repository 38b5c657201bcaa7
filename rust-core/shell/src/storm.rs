//! Storm, through its own client: topologies get other executor counts by Storm's own rebalance, which places them anew.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use thalweg_connect::Look;
use thalweg_connect::storm::{Beside, Client, Rebalance, Standing, StormError};
use thalweg_core::action::{Asked, Done, Fault};
use thalweg_core::plan::Plan;

use crate::cluster::{Eyes, Hands, Presence, Unseen, not_from_beside, refusal};

/// Nimbus tells how a topology stands from what executors report each few seconds at best.
const ASKED_EACH: Duration = Duration::from_secs(2);
/// A request that nobody answered may still reach Nimbus within this time: the client waits 30 s for an answer.
const ON_ITS_WAY: Duration = Duration::from_secs(40);
/// A Nimbus that has just begun to lead knows of no executors for some seconds; for longer they have no place.
const UNPLACED: Duration = Duration::from_secs(45);

/// A Nimbus that is looked at.
pub struct Nimbus(Beside);

impl Nimbus {
    /// Looks through this client.
    pub fn seen(beside: Beside) -> Self {
        Self(beside)
    }
}

impl Eyes for Nimbus {
    fn look(&mut self, _: Duration) -> Result<Look, Unseen> {
        self.0.look().map_err(|error| Unseen(error.to_string()))
    }
}

/// Asks Nimbus for other executor counts, by a client of its own, so that no look holds an action up.
pub struct Rebalancer {
    client: Client,
    limit: Duration,
    wait: Duration,
    beside: Option<Beside>,
    /// Since when it may be that a predecessor's request is on its way.
    begun: Instant,
    /// Of topologies that were asked for something here: until when that may be on its way.
    on_its_way: BTreeMap<String, Instant>,
    /// Topologies of which executors are not placed, and since when.
    unplaced: BTreeMap<String, Instant>,
    watched: Option<Watched>,
}

/// A topology that was asked to have other executors.
struct Watched {
    topology: String,
    counts: BTreeMap<String, Asked>,
    before: Standing,
    since: Instant,
    looked: Instant,
}

/// How the components that a change is about stand.
enum Counts {
    /// Not all of their tasks have a place, or Nimbus does not know it yet.
    Unplaced,
    /// As before.
    Before,
    /// As they were asked for, at least some of them; these would lead back.
    Ours(BTreeMap<String, u32>),
    /// As somebody else has asked for.
    Others,
}

impl Counts {
    fn of(counts: &BTreeMap<String, Asked>, now: &Standing) -> Self {
        let placed = |id: &String| now.placed(id);
        if counts.iter().any(|(id, asked)| placed(id).tasks < asked.tasks) {
            return Self::Unplaced;
        }
        if counts.iter().all(|(id, asked)| placed(id).executors == asked.before) {
            return Self::Before;
        }
        let ours = |(id, asked): (&String, &Asked)| {
            let is_ours = placed(id).executors == asked.after && asked.after != asked.before;
            is_ours.then(|| (id.clone(), asked.before))
        };
        let back: BTreeMap<String, u32> = counts.iter().filter_map(ours).collect();
        if back.is_empty() { Self::Others } else { Self::Ours(back) }
    }
}

impl Rebalancer {
    /// Asks through such a client, which has so long for an answer; sources stand still for `wait` before workers end.
    pub fn through(client: Client, limit: Duration, wait: Duration) -> Self {
        Self {
            client,
            limit,
            wait,
            beside: None,
            begun: Instant::now(),
            on_its_way: BTreeMap::new(),
            unplaced: BTreeMap::new(),
            watched: None,
        }
    }

    fn beside(&mut self) -> Result<&mut Beside, StormError> {
        let beside = match self.beside.take() {
            Some(beside) => beside,
            None => Beside::start(self.client.clone(), self.limit)?,
        };
        Ok(self.beside.insert(beside))
    }

    fn standing(&mut self, topology: &str) -> Result<Option<Standing>, StormError> {
        self.beside()?.standing(topology)
    }

    fn ask_for(&mut self, topology: &str, executors: BTreeMap<String, u32>) -> Result<(), Fault> {
        let wait_secs = u32::try_from(self.wait.as_secs()).unwrap_or(u32::MAX);
        let order = Rebalance { topology: topology.to_owned(), executors, wait_secs };
        let asked = self.beside().and_then(|beside| beside.rebalance(&order));
        let is_on_its_way = asked.as_ref().err().is_some_and(|error| !error.is_answer());
        let until = if is_on_its_way { Instant::now() + ON_ITS_WAY } else { Instant::now() };
        self.on_its_way.insert(topology.to_owned(), until);
        asked.map_err(fault)
    }

    /// Whether a request for a topology may still reach Nimbus, though nobody knows.
    fn may_come(&self, topology: &str) -> bool {
        let until = self.on_its_way.get(topology).copied();
        Instant::now() < until.unwrap_or(self.begun + ON_ITS_WAY)
    }

    /// Whether executors of a topology had no place for longer than a Nimbus needs to know it; told at each look.
    fn stays_unplaced(&mut self, topology: &str, is_unplaced: bool) -> bool {
        if !is_unplaced {
            self.unplaced.remove(topology);
            return false;
        }
        let since = self.unplaced.entry(topology.to_owned()).or_insert_with(Instant::now);
        since.elapsed() >= UNPLACED
    }

    /// Whether what was asked for runs, or never will.
    fn runs_by_now(&mut self, watched: &Watched, now: &Standing) -> Result<bool, Fault> {
        let placed = |(id, asked): (&String, &Asked)| now.placed(id).tasks >= asked.tasks;
        let is_unplaced = now.is_active() && !watched.counts.iter().all(placed);
        if self.stays_unplaced(&watched.topology, is_unplaced) {
            let text = "Nimbus finds no place for all of its executors".to_owned();
            return Err(refusal("NOT_PLACED", text));
        }
        let has = |(id, asked): (&String, &Asked)| now.placed(id).executors == asked.after;
        Ok(watched.counts.iter().all(has)
            && now.runs_since(&watched.before, watched.since.elapsed(), self.wait))
    }

    /// The way back from counts that do not hold yet, or are no longer those that were asked for.
    fn back(
        &mut self,
        topology: &str,
        counts: &BTreeMap<String, Asked>,
        now: &Standing,
    ) -> Result<(), Fault> {
        let not_yet = |text: &str| Err(refusal("NOT_YET", text));
        let found = Counts::of(counts, now);
        let lost = self.stays_unplaced(topology, matches!(found, Counts::Unplaced));
        match found {
            Counts::Unplaced if lost => {
                // What was asked for has no room, or something else was lost: what ran before did have room.
                let before = counts.iter().map(|(id, asked)| (id.clone(), asked.before));
                self.ask_for(topology, before.collect())?;
                self.unplaced.remove(topology);
                not_yet("its executors had no place; those that it had were asked for")
            }
            Counts::Unplaced => not_yet("Nimbus does not tell yet where all of its executors are"),
            Counts::Before if self.may_come(topology) => {
                not_yet("what was asked for may still be on its way to Nimbus")
            }
            Counts::Before => Ok(()),
            Counts::Ours(before) => {
                self.ask_for(topology, before)?;
                not_yet("those that it had were asked for")
            }
            Counts::Others => {
                tracing::warn!(
                    topology,
                    "somebody else has changed its executors meanwhile; they stay"
                );
                Ok(())
            }
        }
    }
}

fn fault(error: StormError) -> Fault {
    refusal(error.code(), error.to_string())
}

/// What a plan asks for, by component, where all of its tasks are placed.
fn asked(plan: &Plan, before: &Standing) -> Result<BTreeMap<String, Asked>, Fault> {
    let of = |(id, after): (&String, &u32)| {
        let rows = plan.rows.iter().filter(|row| row.component == *id);
        let tasks: u32 = rows.map(|row| row.executor.count()).sum();
        let placed = before.placed(id);
        if placed.tasks < tasks || placed.executors == 0 {
            let text = format!("of the {tasks} tasks of {id} {} have a place", placed.tasks);
            return Err(refusal("NOT_PLACED", text));
        }
        let asked = Asked { before: placed.executors, after: *after, tasks: placed.tasks };
        Ok((id.clone(), asked))
    };
    plan.counts.iter().map(of).collect()
}

impl Hands for Rebalancer {
    fn way(&self) -> &'static str {
        "rebalance"
    }

    fn lead(&mut self) -> Result<(), Fault> {
        // All that a predecessor has left stands in its actions.
        Ok(())
    }

    fn ask(
        &mut self,
        plan: &Plan,
        intend: &mut dyn FnMut(Done) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let gone = || refusal("TOPOLOGY_GONE", format!("{} has ended", plan.name));
        let before = self.standing(&plan.topology).map_err(fault)?.ok_or_else(gone)?;
        if !before.is_active() {
            let text = format!("{} is {}", plan.name, before.status);
            return Err(refusal("TOPOLOGY_NOT_ACTIVE", text));
        }
        let counts = asked(plan, &before)?;
        // Nothing is to be taken back where another action begins.
        self.on_its_way.clear();
        self.unplaced.clear();
        intend(Done::CountsAsked { counts: counts.clone() })?;
        self.ask_for(&plan.topology, plan.counts.clone())?;
        let (topology, now) = (plan.topology.clone(), Instant::now());
        self.watched = Some(Watched { topology, counts, before, since: now, looked: now });
        Ok(())
    }

    fn runs(&mut self) -> Result<bool, Fault> {
        let Some(watched) = self.watched.take_if(|one| one.looked.elapsed() >= ASKED_EACH) else {
            return Ok(false);
        };
        let watched = Watched { looked: Instant::now(), ..watched };
        let topology = watched.topology.clone();
        let runs = match self.standing(&topology) {
            Ok(None) => Err(refusal("TOPOLOGY_GONE", "it has ended meanwhile")),
            Ok(Some(now)) if now.is_killed() => {
                Err(refusal("TOPOLOGY_GONE", "it was killed meanwhile"))
            }
            Ok(Some(now)) => self.runs_by_now(&watched, &now),
            // Somebody who does not answer now may later.
            Err(_) => Ok(false),
        };
        self.watched = Some(watched);
        runs
    }

    fn is_reached(&mut self, plan: &Plan) -> bool {
        let standing = self.standing(&plan.topology).ok().flatten();
        let has = |now: &Standing| {
            plan.counts.iter().all(|(id, count)| now.placed(id).executors == *count)
        };
        standing.is_some_and(|now| !now.is_rebalancing() && has(&now))
    }

    fn undo(&mut self, topology: &str, done: &Done) -> Result<(), Fault> {
        let Done::CountsAsked { counts } = done else {
            return Err(not_from_beside(done));
        };
        match self.standing(topology).map_err(fault)? {
            None => Ok(()),
            Some(now) if now.is_killed() => Ok(()),
            Some(now) if now.is_rebalancing() => {
                let text = "Nimbus is still at it, and takes up no other change until then";
                Err(refusal("NOT_YET", text))
            }
            Some(now) => self.back(topology, counts, &now),
        }
    }

    fn presence(&mut self, topology: &str) -> Presence {
        match self.standing(topology) {
            Ok(Some(now)) if now.is_active() => Presence::Running,
            Ok(Some(now)) if now.is_killed() => Presence::Ended,
            Ok(Some(_)) => Presence::Other,
            Ok(None) => Presence::Ended,
            Err(_) => Presence::Unknown,
        }
    }
}
