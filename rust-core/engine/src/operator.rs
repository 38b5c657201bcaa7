//! What an operator says while it runs: pauses, modes, peaks that are expected, and a word on a plan.
//!
//! It is stored with the term's stamp before whoever said it is answered, so that it survives a restart and holds for
//! whoever leads next; it is written to the ledger, and to the recording, as decisions depend on it.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thalweg_core::operator::{Direction, Expected, Operator, Pause, Peak, SaidMode, Word};
use thalweg_core::pattern::{Pattern, Target};
use thalweg_core::settings::rules::Floor;
use thalweg_core::settings::{ActionKind, Mode};
use thalweg_core::units::{Millis, Timestamp};
use thalweg_core::windows::{self, Window};
use thalweg_store::StoreError;

use crate::engine::{Engine, Running};
use crate::error::EngineError;
use crate::recording::Entry;
use crate::records::Told;
use crate::said::{self, Kept};

/// The requests that are an operator's.
pub(crate) const OPS: [&str; 6] = ["pause", "resume", "mode", "expect", "approve", "reject"];

/// At most so many names under which peaks are expected.
const MOST_NAMES: usize = 100;
/// At most so many peaks under one name, and components in one peak.
const MOST_PEAKS: usize = 100;
/// The most letters of such a name.
const LONGEST_NAME: usize = 200;
/// How long before a peak its executors are to be there, unless it is said: as for events in the settings.
const LEAD_SECS: u32 = 600;

/// What an operator says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Said {
    /// Topologies are to be left as they are.
    Pause {
        /// The topologies, by a name, an id or a pattern; `*` are all.
        scope: Pattern,
        /// When the pause is over, in ms since 1970; until somebody says so if both this and the next are absent.
        #[serde(default)]
        until: Option<Timestamp>,
        /// How long it lasts, in place of that.
        #[serde(default)]
        for_secs: Option<u32>,
        /// Whether only changes that take executors, or give some, are paused.
        #[serde(default)]
        direction: Direction,
        /// Who says so.
        #[serde(default)]
        who: String,
    },
    /// They may be changed again.
    Resume {
        /// The topologies.
        scope: Pattern,
        /// Which changes.
        #[serde(default)]
        direction: Direction,
        /// Who says so.
        #[serde(default)]
        who: String,
    },
    /// For when much is expected of topologies, in place of what was said under the same name.
    Expect {
        /// What the peaks come of.
        name: String,
        /// The topologies.
        scope: Pattern,
        /// The peaks; none takes back what was said.
        #[serde(default)]
        peaks: Vec<thalweg_control::Peak>,
        /// How long before each its executors are to be there.
        #[serde(default)]
        lead_secs: Option<u32>,
        /// Who says so.
        #[serde(default)]
        who: String,
    },
    /// How far Thalweg may go with topologies.
    Mode {
        /// The topologies.
        scope: Pattern,
        /// The mode; absent if what is set counts again.
        #[serde(default)]
        mode: Option<Mode>,
        /// The kind of action; all if absent.
        #[serde(default)]
        kind: Option<ActionKind>,
        /// Who says so.
        #[serde(default)]
        who: String,
    },
    /// A plan that was proposed is to be carried out.
    Approve {
        /// The plan's id.
        plan: String,
        /// Whose word it is.
        #[serde(default)]
        who: String,
    },
    /// It is not.
    Reject {
        /// The plan's id.
        plan: String,
        /// Whose word it is.
        #[serde(default)]
        who: String,
    },
}

impl Engine {
    /// Takes what an operator says, and answers once it is stored.
    ///
    /// # Errors
    /// When this process does not lead, the plan is not one that waits for a word, or it cannot be stored.
    pub fn say(&self, said: Said, why: &str, now: Timestamp) -> Result<Value, EngineError> {
        if !self.leads.load(Ordering::SeqCst) {
            return Err(EngineError::Follows);
        }
        let (before, answer) = {
            let mut running = self.running();
            let before = running.operator.clone();
            let answer = self.take(&mut running, &said, now)?;
            running.operator.forget(now);
            (before, answer)
        };
        if let Err(error) = self.store_said(true) {
            // What was not stored was not said: whoever said it is told so.
            self.running().operator = before;
            return Err(error);
        }
        let operator = self.running().operator.clone();
        self.recorder.write(&Entry::Said { operator: Cow::Borrowed(&operator), now });
        self.note_said(&operator);
        let told = told(&said);
        tracing::info!(said = %told, "an operator said");
        self.record_said(&said, why, &json!({ "at": now, "said": told, "request": said }));
        Ok(answer)
    }

    fn record_said(&self, said: &Said, why: &str, content: &Value) {
        let (kind, who, about) = match said {
            Said::Pause { scope, who, .. }
            | Said::Resume { scope, who, .. }
            | Said::Expect { scope, who, .. }
            | Said::Mode { scope, who, .. } => ("operator", who, scope.as_str().to_owned()),
            Said::Approve { plan, who } | Said::Reject { plan, who } => {
                let running = self.running();
                let mut proposed =
                    running.state.topologies.values().filter_map(|t| t.proposed.as_ref());
                let meant = proposed.find(|proposed| proposed.plan.id == *plan);
                let topology = meant.map(|proposed| proposed.plan.topology.clone());
                ("approval", who, topology.unwrap_or_default())
            }
        };
        let name = self.name_of(&about);
        self.records.tell(&Told { kind, topology: &about, name: &name, who, why }, content);
    }

    /// Lets scheduling rounds know what was said.
    pub(crate) fn note_said(&self, operator: &Operator) {
        self.routing().operator = Arc::new(operator.clone());
    }

    fn take(
        &self,
        running: &mut Running,
        said: &Said,
        now: Timestamp,
    ) -> Result<Value, EngineError> {
        match said.clone() {
            Said::Pause { scope, until, for_secs, direction, who } => {
                let length = for_secs.map(|secs| now.plus_secs(u64::from(secs)));
                let until = length.or(until);
                if until.is_some_and(|until| until <= now) {
                    return Err(EngineError::Request("the pause would be over at once".to_owned()));
                }
                let named = named(running, &scope)?;
                running.operator.pause(Pause {
                    scope,
                    direction,
                    paused: true,
                    until,
                    at: now,
                    who,
                });
                Ok(json!({ "topologies": named, "until": until }))
            }
            Said::Resume { scope, direction, who } => {
                let named = named(running, &scope)?;
                let resumed = Pause { scope, direction, paused: false, until: None, at: now, who };
                running.operator.pause(resumed);
                Ok(json!({ "topologies": named }))
            }
            Said::Expect { name, scope, peaks, lead_secs, who } => {
                let named = named(running, &scope)?;
                let peaks = expected(&scope, &name, &peaks, lead_secs.unwrap_or(LEAD_SECS), now)?;
                let others = running.operator.expected.iter().filter(|one| one.name != name);
                if !peaks.is_empty() && others.count() >= MOST_NAMES {
                    let text = format!("peaks are expected under {MOST_NAMES} names already");
                    return Err(EngineError::Request(text));
                }
                let count = peaks.len();
                running.operator.expect(Expected { name, scope, peaks, at: now, who });
                Ok(json!({ "topologies": named, "peaks": count }))
            }
            Said::Mode { scope, mode, kind, who } => {
                if self.core().faulty && mode.is_some_and(|mode| mode > Mode::Observe) {
                    let problems = self.settings.problems.join("; ");
                    let text =
                        format!("the mode stays observe while settings are wrong: {problems}");
                    return Err(EngineError::Request(text));
                }
                let named = named(running, &scope)?;
                running.operator.set_mode(SaidMode { scope, kind, mode, at: now, who });
                Ok(json!({ "topologies": named, "mode": mode }))
            }
            Said::Approve { plan, who } => self.take_word(running, plan, who, true, now),
            Said::Reject { plan, who } => self.take_word(running, plan, who, false, now),
        }
    }

    fn take_word(
        &self,
        running: &mut Running,
        plan: String,
        who: String,
        approves: bool,
        now: Timestamp,
    ) -> Result<Value, EngineError> {
        let mut waiting = running.state.topologies.values().filter_map(|t| t.proposed.as_ref());
        let proposed = waiting.find(|proposed| proposed.plan.id == plan);
        let proposed = proposed.filter(|proposed| now < proposed.expires);
        let Some(expires) = proposed.map(|proposed| proposed.expires) else {
            return Err(EngineError::NotProposed(plan));
        };
        let people = self.core().confirm.people;
        if people > 1 && who.trim().is_empty() {
            let text = format!("{people} people have to approve of a plan: say who does");
            return Err(EngineError::Request(text));
        }
        let before = running.operator.approving(&plan);
        if approves && before.len() < people as usize && before.contains(&&*who) {
            let text =
                format!("{who} approved of plan {plan} before: of {people} people others have to");
            return Err(EngineError::Request(text));
        }
        running.operator.say(Word { plan: plan.clone(), who, at: now, approves });
        let approved_by = running.operator.approving(&plan);
        let given = approved_by.len() >= people as usize;
        Ok(json!({ "plan": plan, "approved_by": approved_by, "people": people, "approved": given,
            "expires": expires }))
    }

    /// Stores what was said, and the plans that words may be about, if that differs from what is stored.
    pub(crate) fn store_said(&self, wait: bool) -> Result<(), EngineError> {
        let _storing = self.storing();
        let (kept, term, stored) = {
            let running = self.running();
            let proposals = running.state.proposals();
            let kept = Kept { operator: running.operator.clone(), proposals };
            (kept, running.term, running.kept_said.clone())
        };
        if stored.as_ref() == Some(&kept) {
            return Ok(());
        }
        let bytes = serde_json::to_vec(&kept)?;
        let put = if wait {
            let put = self.store.put_stamped_and_wait(
                said::KEY,
                term.0,
                &bytes,
                self.settings.publish_timeout,
            );
            put.map(drop)
        } else {
            self.store.put_stamped(said::KEY, term.0, &bytes)
        };
        match put {
            Ok(()) => {
                self.running().kept_said = Some(kept);
                Ok(())
            }
            Err(error @ StoreError::Deposed { .. }) => {
                self.follow();
                Err(error.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Reads what was said to whoever led before.
    pub(crate) fn said_to_the_last(&self) -> Kept {
        said::kept(self.store.as_ref())
    }
}

/// The topologies that are meant, as far as they were seen.
fn named(running: &Running, scope: &Pattern) -> Result<Vec<String>, EngineError> {
    if scope.as_str().is_empty() {
        return Err(EngineError::Request("no topology is named; * are all".to_owned()));
    }
    let seen = running.decisions.iter();
    let meant = seen.filter(|decision| scope.fits_either(&decision.name, &decision.topology));
    Ok(meant.map(|decision| decision.name.clone()).collect())
}

/// Peaks as the core has them; those that are over are left out.
fn expected(
    scope: &Pattern,
    name: &str,
    peaks: &[thalweg_control::Peak],
    lead_secs: u32,
    now: Timestamp,
) -> Result<Vec<Peak>, EngineError> {
    let wrong = EngineError::Request;
    if name.trim().is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(wrong(format!("the name of peaks has 1 to {LONGEST_NAME} letters")));
    }
    if peaks.len() > MOST_PEAKS || peaks.iter().any(|peak| peak.counts.len() > MOST_PEAKS) {
        return Err(wrong(format!("more than {MOST_PEAKS} peaks, or components in one of them")));
    }
    let lead = Millis::from_secs(lead_secs);
    let mut found = Vec::new();
    for peak in peaks {
        let (from, until) = (Timestamp::from_millis(peak.from), Timestamp::from_millis(peak.until));
        let window = Window::stretch(from, until)
            .map_err(|error| wrong(format!("the peak from {} on: {error}", windows::utc(from))))?;
        let floor = |(component, count): (&String, &u32)| Floor {
            target: Target { topology: scope.clone(), component: Pattern::new(component) },
            count: *count,
            window: window.clone(),
            lead,
        };
        if now < until {
            let floors = peak.counts.iter().map(floor).collect();
            found.push(Peak { from, until, floors });
        }
    }
    Ok(found)
}

/// Which changes are meant, if not all.
fn only(direction: Direction) -> &'static str {
    match direction {
        Direction::Both => "",
        Direction::In => ", only what takes executors,",
        Direction::Out => ", only what gives executors,",
    }
}

/// What was said, for people and for the ledger.
fn told(said: &Said) -> String {
    let by = |who: &str| if who.is_empty() { String::new() } else { format!(" by {who}") };
    match said {
        Said::Pause { scope, until, for_secs, direction, who } => {
            let length = for_secs.map(|secs| format!(" for {secs} s"));
            let length = length.or(until.map(|until| format!(" until {}", windows::utc(until))));
            let length = length.unwrap_or_default();
            format!("pause {}{}{length}{}", scope.as_str(), only(*direction), by(who))
        }
        Said::Resume { scope, direction, who } => {
            format!("resume {}{}{}", scope.as_str(), only(*direction), by(who))
        }
        Said::Expect { name, scope, peaks, who, .. } => {
            let scope = scope.as_str();
            match peaks.iter().map(|peak| peak.from).min().map(Timestamp::from_millis) {
                None => format!("no peaks of {scope} of {name}{}", by(who)),
                Some(first) => format!(
                    "{} peaks of {scope} of {name}, the first at {}{}",
                    peaks.len(),
                    windows::utc(first),
                    by(who)
                ),
            }
        }
        Said::Mode { scope, mode, kind, who } => {
            let kind = kind.map_or("all kinds", ActionKind::as_str);
            let mode = mode.map_or("as set", Mode::as_str);
            format!("mode of {kind} of {}: {mode}{}", scope.as_str(), by(who))
        }
        Said::Approve { plan, who } => format!("approve {plan}{}", by(who)),
        Said::Reject { plan, who } => format!("reject {plan}{}", by(who)),
    }
}
