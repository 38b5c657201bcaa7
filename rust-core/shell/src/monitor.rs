//! Looks at a cluster at even intervals, hands what is seen to the engine, and takes the decisions.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use thalweg_connect::Look;
use thalweg_control::{now_millis, visible};
use thalweg_core::action::Fault;
use thalweg_core::explain::{Decision, Verdict};
use thalweg_core::units::Timestamp;
use thalweg_engine::{Engine, Observed, Request};

use crate::actuator::Actuator;
use crate::cluster::{Eyes, Hands, Unseen};
use crate::reports::Reports;
use crate::rhythm::Rhythm;

/// Before the id of what a finding is about.
const FINDING: &str = "finding ";
/// What is said of no single topology.
const OF_ALL: [&str; 3] = ["looks", "engine", FINDING];

/// Why it watches no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was told to end.
    Asked,
    /// Another process leads on the same store.
    Followed,
}

/// Watches one cluster.
pub struct Monitor<E> {
    engine: Arc<Engine>,
    eyes: E,
    actuator: Actuator,
    reports: Reports,
    rhythm: Rhythm,
    /// What was last said of each topology, and of looks.
    said: BTreeMap<String, String>,
    ended: Arc<AtomicBool>,
}

impl<E: Eyes> Monitor<E> {
    /// Begins to lead on the engine's store. A look comes at this interval, a step of an action takes at most so long, and
    /// `ended` is up once the process is told to end.
    ///
    /// # Errors
    /// When the store does not let it lead, or there is no thread to be had.
    pub fn begin(
        engine: Arc<Engine>,
        eyes: E,
        mut hands: Box<dyn Hands>,
        (interval, step): (Duration, Duration),
        ended: Arc<AtomicBool>,
    ) -> Result<Self, Fault> {
        let reports = Reports::to(Arc::clone(&engine));
        reports.send(Request::Lead { term: 0, note: None, term_base: 0 })?;
        hands.lead()?;
        let actuator = Actuator::start(hands, reports.clone(), step, Arc::clone(&ended))
            .map_err(|error| Fault { code: "START".to_owned(), text: error.to_string() })?;
        let (rhythm, said) = (Rhythm::each(interval), BTreeMap::new());
        Ok(Self { engine, eyes, actuator, reports, rhythm, said, ended })
    }

    /// Watches until it is told to end, or another process leads.
    pub fn watch(&mut self) -> Ended {
        let (mut failures, mut pause) = (0, Duration::ZERO);
        while Rhythm::waits(pause, &self.ended, None) {
            let begun = Instant::now();
            // A panic must not end what watches.
            let interval = self.rhythm.interval();
            let looked = catch_unwind(AssertUnwindSafe(|| self.eyes.look(interval)));
            match looked.unwrap_or_else(|_| Err(Unseen("a look ended in a panic".to_owned()))) {
                Ok(look) => {
                    failures = 0;
                    self.say("looks", "the cluster answers".to_owned());
                    if !self.take(look) {
                        self.ended.store(true, Ordering::Relaxed);
                        return Ended::Followed;
                    }
                }
                Err(unseen) => {
                    failures += 1;
                    self.say("looks", format!("the cluster cannot be looked at: {unseen}"));
                }
            }
            pause = self.rhythm.pause(failures, begun.elapsed());
        }
        Ended::Asked
    }

    /// Hands in what was seen; false once another process leads.
    fn take(&mut self, look: Look) -> bool {
        for finding in look.findings {
            let words = format!("{}: {}", finding.about, finding.text);
            self.say(&format!("{FINDING}{}", finding.about), words);
        }
        let now = Timestamp::from_millis(now_millis());
        // A panic of the core must not end what watches; the engine has kept what was learned.
        let taken = catch_unwind(AssertUnwindSafe(|| self.engine.take_in(look.observation, now)));
        let observed = match taken {
            Ok(Ok(observed)) => observed,
            Ok(Err(error)) => {
                self.say("engine", format!("what was seen is not taken in: {error}"));
                return true;
            }
            Err(_) => {
                let text = "a look could not be judged".to_owned();
                self.reports.event("MONITOR_ERROR", text);
                return true;
            }
        };
        self.follow(&observed);
        observed.leads
    }

    fn follow(&mut self, observed: &Observed) {
        if !observed.leads {
            return;
        }
        for decision in observed.decisions.iter() {
            self.tell(decision);
            if let (Verdict::Act, Some(plan)) = (decision.verdict, &decision.plan) {
                self.actuator.offer(plan.clone());
            }
        }
        self.actuator.due(&observed.due);
        let is_of_one_that_is_there = |about: &str| {
            let about = about.strip_prefix(FINDING).unwrap_or(about);
            observed.decisions.iter().any(|one| one.topology == about)
        };
        self.said
            .retain(|about, _| OF_ALL.contains(&about.as_str()) || is_of_one_that_is_there(about));
    }

    fn tell(&mut self, decision: &Decision) {
        let verdict = word(&decision.verdict);
        let codes = decision.reasons.iter().map(|reason| word(&reason.code));
        let codes: Vec<String> = codes.collect();
        let words = format!("{}: {verdict}, {}", decision.name, codes.join(", "));
        self.say(&decision.topology, words);
    }

    /// Says what is new.
    fn say(&mut self, about: &str, words: String) {
        if self.said.get(about) != Some(&words) {
            tracing::info!("{}", visible(&words));
            self.said.insert(about.to_owned(), words);
        }
    }
}

/// A word as everything that is written has it.
fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
