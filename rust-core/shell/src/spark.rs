//! Spark Structured Streaming, through the agent in its driver: queries get other numbers of executors, which Spark places.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thalweg_connect::Look;
use thalweg_connect::http::HttpError;
use thalweg_connect::spark::{Agent, COMPONENT, Reader, Told};
use thalweg_control::now_millis;
use thalweg_core::action::{Asked, Done, Fault};
use thalweg_core::plan::Plan;
use thalweg_core::units::{Millis, Timestamp};

use crate::cluster::{Eyes, Hands, Presence, Unseen, not_from_beside, refusal};

/// For so long executors have to be as many as were asked for.
const CALM: Duration = Duration::from_secs(4);
/// A request that nobody answered may still reach the driver within this time: the agent cuts connections off after ten seconds.
const ON_ITS_WAY: Duration = Duration::from_secs(15);

/// Looks at a driver.
pub struct Driver {
    agent: Arc<Agent>,
    reader: Reader,
}

impl Driver {
    /// Looks at this one, for somebody who changes nothing and judges over this window.
    pub fn watched(agent: Agent, window: Millis) -> Self {
        let reader = Reader::of_window(window.get() / 1000.0);
        Self { agent: Arc::new(agent), reader }
    }
}

impl Eyes for Driver {
    fn look(&mut self, _: Duration) -> Result<Look, Unseen> {
        let at = Timestamp::from_millis(now_millis());
        let told = self.agent.told().map_err(|error| Unseen(error.to_string()))?;
        Ok(self.reader.look(&told, at))
    }
}

/// Asks a driver for other numbers of executors.
pub struct Asker {
    agent: Arc<Agent>,
    /// Until when a request may be on its way: at first a predecessor's.
    on_its_way: Instant,
    watched: Option<Watched>,
}

/// What was asked for last.
#[derive(Debug)]
struct Watched {
    topology: String,
    executors: u32,
    /// Since when there are so many.
    calm_since: Option<Instant>,
}

/// Eyes and hands for a driver that is judged over this window.
pub fn of(agent: Agent, window: Millis) -> (Driver, Asker) {
    let eyes = Driver::watched(agent, window);
    let hands = Asker {
        agent: Arc::clone(&eyes.agent),
        on_its_way: Instant::now() + ON_ITS_WAY,
        watched: None,
    };
    (eyes, hands)
}

impl Asker {
    fn told(&self) -> Result<Told, Fault> {
        self.agent.told().map_err(fault)
    }

    fn ask_for(&mut self, executors: u32) -> Result<(), Fault> {
        let asked = self.agent.ask_for(executors);
        let answered = match &asked {
            Ok(()) => true,
            Err(error) => matches!(error, HttpError::Refused { .. } | HttpError::NotAllowed { .. }),
        };
        self.on_its_way = Instant::now() + if answered { Duration::ZERO } else { ON_ITS_WAY };
        asked.map_err(fault)
    }

    /// The way back from executors that were asked for, unless somebody has asked for others since.
    fn back(&mut self, told: &Told, asked: Asked) -> Result<(), Fault> {
        match told.executors.asked {
            Some(last) if last == asked.after => self.ask_for(asked.before),
            _ if Instant::now() < self.on_its_way => {
                Err(refusal("NOT_YET", "what was asked for may still be on its way to the driver"))
            }
            Some(last) if last != asked.before => {
                tracing::warn!(executors = last, "somebody else has asked for others; they stay");
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn fault(error: HttpError) -> Fault {
    // What the driver refuses says why.
    let code = if matches!(error, HttpError::Refused { .. }) { "DECLINED" } else { error.code() };
    refusal(code, error.to_string())
}

/// The number of executors that a plan desires.
fn desired(plan: &Plan) -> Option<u32> {
    plan.counts.get(COMPONENT).copied()
}

impl Hands for Asker {
    fn way(&self) -> &'static str {
        "request_executors"
    }

    fn lead(&mut self) -> Result<(), Fault> {
        // All that a predecessor has left stands in its actions, and what it asked for in the agent.
        Ok(())
    }

    fn ask(
        &mut self,
        plan: &Plan,
        intend: &mut dyn FnMut(Done) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let told = self.told()?;
        let gone = || refusal("TOPOLOGY_GONE", "the query has ended");
        let query = told.query(&plan.topology).ok_or_else(gone)?;
        if let Some(why) = told.left_alone(query) {
            return Err(refusal("DECLINED", why.text()));
        }
        let only_counts =
            || refusal("NO_WAY", "the number of executors is all that can be changed");
        let after = desired(plan).ok_or_else(only_counts)?;
        let (before, tasks) = (told.executors.wanted(), told.executors.count());
        let asked = Asked { before, after, tasks };
        intend(Done::CountsAsked { counts: BTreeMap::from([(COMPONENT.to_owned(), asked)]) })?;
        self.ask_for(after)?;
        let topology = plan.topology.clone();
        self.watched = Some(Watched { topology, executors: after, calm_since: None });
        Ok(())
    }

    fn runs(&mut self) -> Result<bool, Fault> {
        // Somebody who does not answer now may later.
        let Ok(told) = self.told() else { return Ok(false) };
        let Some(watched) = &mut self.watched else { return Ok(false) };
        if told.query(&watched.topology).is_none() {
            return Err(refusal("TOPOLOGY_GONE", "the query has ended meanwhile"));
        }
        if told.executors.asked != Some(watched.executors) {
            let text = "somebody else has asked for other executors meanwhile";
            return Err(refusal("DECLINED", text));
        }
        let has = told.executors.count() == watched.executors;
        watched.calm_since = if has { watched.calm_since.or(Some(Instant::now())) } else { None };
        Ok(watched.calm_since.is_some_and(|since| since.elapsed() >= CALM))
    }

    fn is_reached(&mut self, plan: &Plan) -> bool {
        let told = self.told().ok();
        told.is_some_and(|told| Some(told.executors.count()) == desired(plan))
    }

    fn undo(&mut self, topology: &str, done: &Done) -> Result<(), Fault> {
        let Done::CountsAsked { counts } = done else {
            return Err(not_from_beside(done));
        };
        let told = self.told()?;
        match counts.get(COMPONENT) {
            Some(asked) if told.query(topology).is_some() => self.back(&told, *asked),
            // What its executors do now is the business of what runs there now.
            _ => Ok(()),
        }
    }

    fn presence(&mut self, topology: &str) -> Presence {
        match self.told() {
            Ok(told) if told.query(topology).is_some() => Presence::Running,
            Ok(_) => Presence::Ended,
            Err(_) => Presence::Unknown,
        }
    }
}
