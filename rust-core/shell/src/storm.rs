//! Storm, through its own client: topologies get other executor counts by Storm's own rebalance, which places them anew.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use thalweg_connect::Look;
use thalweg_connect::storm::{Beside, Rebalance, Standing, StormError};
use thalweg_core::action::{Done, Fault};
use thalweg_core::plan::Plan;

use crate::cluster::{Eyes, Hands, Presence, Unseen};

/// Nimbus tells how a topology stands from what executors report each few seconds at best.
const ASKED_EACH: Duration = Duration::from_secs(2);

/// A Nimbus that is asked, by one question at a time.
#[derive(Clone)]
pub struct Nimbus(Arc<Mutex<Beside>>);

impl Nimbus {
    /// Asks through this client.
    pub fn asked(beside: Beside) -> Self {
        Self(Arc::new(Mutex::new(beside)))
    }

    fn beside(&self) -> MutexGuard<'_, Beside> {
        // Whatever panicked with it has lost its answer, and the next question has a number of its own.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Eyes for Nimbus {
    fn look(&mut self, _: Duration) -> Result<Look, Unseen> {
        self.beside().look().map_err(|error| Unseen(error.to_string()))
    }
}

/// Asks Nimbus for other executor counts.
pub struct Rebalancer {
    nimbus: Nimbus,
    wait_secs: u32,
    watched: Option<Watched>,
}

/// A topology that was asked to have other executors.
struct Watched {
    topology: String,
    counts: BTreeMap<String, u32>,
    before: Standing,
    since: Instant,
    looked: Instant,
}

impl Rebalancer {
    /// Asks this Nimbus; sources stand still for so long before workers end.
    pub fn asking(nimbus: Nimbus, wait_secs: u32) -> Self {
        Self { nimbus, wait_secs, watched: None }
    }

    fn standing(&self, topology: &str) -> Result<Option<Standing>, StormError> {
        self.nimbus.beside().standing(topology)
    }

    fn ask_for(&self, topology: &str, executors: &BTreeMap<String, u32>) -> Result<(), Fault> {
        let (topology, executors) = (topology.to_owned(), executors.clone());
        let order = Rebalance { topology, executors, wait_secs: self.wait_secs };
        self.nimbus.beside().rebalance(&order).map_err(fault)
    }
}

fn fault(error: StormError) -> Fault {
    refusal(error.code(), error.to_string())
}

fn refusal(code: &str, text: String) -> Fault {
    Fault { code: code.to_owned(), text }
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
        let count = |id: &String| (id.clone(), before.count(id));
        intend(Done::CountsAsked { before: plan.counts.keys().map(count).collect() })?;
        self.ask_for(&plan.topology, &plan.counts)?;
        let now = Instant::now();
        self.watched = Some(Watched {
            topology: plan.topology.clone(),
            counts: plan.counts.clone(),
            before,
            since: now,
            looked: now,
        });
        Ok(())
    }

    fn runs(&mut self) -> Result<bool, Fault> {
        let Some(watched) = &mut self.watched else { return Ok(false) };
        if watched.looked.elapsed() < ASKED_EACH {
            return Ok(false);
        }
        watched.looked = Instant::now();
        let standing = self.nimbus.beside().standing(&watched.topology);
        match standing {
            Ok(Some(now)) if now.is_killed() => {
                Err(refusal("TOPOLOGY_GONE", "it was killed meanwhile".to_owned()))
            }
            Ok(Some(now)) => Ok(now.has(&watched.counts)
                && now.runs_since(&watched.before, watched.since.elapsed())),
            Ok(None) => Err(refusal("TOPOLOGY_GONE", "it has ended meanwhile".to_owned())),
            // Somebody who does not answer now may later.
            Err(_) => Ok(false),
        }
    }

    fn is_reached(&mut self, plan: &Plan) -> bool {
        let standing = self.standing(&plan.topology).ok().flatten();
        standing.is_some_and(|now| !now.is_rebalancing() && now.has(&plan.counts))
    }

    fn undo(&mut self, topology: &str, done: &Done) -> Result<(), Fault> {
        let Done::CountsAsked { before } = done else {
            let text = format!("nobody knows how to take back {done:?} from beside");
            return Err(refusal("ENGINE_REFUSED", text));
        };
        match self.standing(topology).map_err(fault)? {
            None => Ok(()),
            Some(now) if now.is_killed() => Ok(()),
            Some(now) if now.is_rebalancing() => {
                let text = "Nimbus is still at it, and takes up no other change until then";
                Err(refusal("NOT_YET", text.to_owned()))
            }
            Some(now) if now.has(before) => Ok(()),
            Some(_) => self.ask_for(topology, before),
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
