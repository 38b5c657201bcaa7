//! `thalweg replay`: makes recorded decisions again, or asks what others would have decided.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value, json};
use thalweg_core::decide;
use thalweg_core::explain::{Decision, Verdict};
use thalweg_core::model::{ComponentKind, Observation};
use thalweg_core::operator::Operator;
use thalweg_core::settings::Settings;
use thalweg_core::state::State;
use thalweg_core::units::Timestamp;
use thalweg_engine::recording::Entry;

use crate::files::print_json;
use crate::settings::{self, Wanted};

/// Arguments of `thalweg replay`.
#[derive(Debug, Args)]
pub struct Replay {
    /// The recording, as `thalweg.recording.file` or `simulate --record` wrote it
    recording: PathBuf,
    #[command(flatten)]
    wanted: Wanted,
    /// Prints the result as JSON
    #[arg(long)]
    json: bool,
}

impl Replay {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let file = File::open(&self.recording)
            .with_context(|| format!("cannot read {}", self.recording.display()))?;
        let what_if = self.wanted.policy.is_some() || !self.wanted.set.is_empty();
        let mut player = Player::default();
        let mut others = Others::default();
        for (index, line) in BufReader::new(file).lines().enumerate() {
            let place = || format!("{}:{}", self.recording.display(), index + 1);
            let line = line.with_context(place)?;
            let entry: Entry<'_> = serde_json::from_str(&line)
                .with_context(|| format!("{}: expected a line of a recording", place()))?;
            if let Entry::Begun { settings, .. } = &entry
                && what_if
            {
                others.settings = Some(changed(settings, &self.wanted)?);
            }
            if what_if {
                others.take(&entry).with_context(place)?;
            } else {
                player.take(&entry).with_context(place)?;
            }
        }
        if what_if { others.report(self.json) } else { player.report(self.json) }
    }
}

/// The recorded settings with those of the command line over them.
///
/// Core settings have no way back to the names under which users set them, so only those that the
/// command line changes against the defaults are taken over. The mode is always the command line's,
/// or `act`: what would have been done is asked most often of a scheduler that only observed.
fn changed(recorded: &Settings, wanted: &Wanted) -> Result<Settings> {
    let as_map = |settings: &Settings| -> Result<Map<String, Value>> {
        match serde_json::to_value(settings)? {
            Value::Object(map) => Ok(map),
            _ => bail!("settings are an object"),
        }
    };
    let acting = Map::from_iter([("thalweg.mode".to_owned(), Value::from("act"))]);
    let (before, after) = (as_map(&settings::read(&acting)?)?, as_map(&wanted.over(&acting)?)?);
    let mut mixed = as_map(recorded)?;
    for (key, value) in after {
        if key == "mode" || before.get(&key) != Some(&value) {
            mixed.insert(key, value);
        }
    }
    Ok(serde_json::from_value(Value::Object(mixed))?)
}

/// Plays a recording with its own settings.
#[derive(Default)]
struct Player {
    settings: Option<Settings>,
    state: State,
    operator: Operator,
    same: u64,
    acts: u64,
    first_difference: Option<(Timestamp, String, String)>,
    different: u64,
}

impl Player {
    fn take(&mut self, entry: &Entry<'_>) -> Result<()> {
        if let Entry::Begun { settings, learned, operator, proposals, .. } = entry {
            self.settings = Some(settings.clone().into_owned());
            self.state = State { learned: learned.clone().into_owned(), ..State::default() };
            self.state.take_proposals(proposals.clone().into_owned());
            self.operator = operator.clone().into_owned();
            return Ok(());
        }
        let settings = self.settings.as_ref().context("expected the line `begun` first")?;
        match entry {
            Entry::Begun { .. } => {}
            Entry::Said { operator, .. } => self.operator = operator.clone().into_owned(),
            Entry::Observed { now, order, observation, decisions } => {
                let mut state = std::mem::take(&mut self.state);
                state.order.clone_from(order);
                let decided = decide(observation, state, settings, &self.operator, *now);
                self.state = decided.state;
                let again = serde_json::to_string(&decided.decisions)?;
                let acts = |d: &&Decision| d.verdict == Verdict::Act;
                self.acts += decided.decisions.iter().filter(acts).count() as u64;
                if again == decisions.get() {
                    self.same += 1;
                } else {
                    self.different += 1;
                    self.first_difference.get_or_insert((*now, decisions.get().to_owned(), again));
                }
            }
            Entry::Finished { plan, now } => self.state.finish(plan, *now, settings),
            Entry::Aborted { plan, now } => self.state.abort(plan, *now, settings),
            Entry::CouldNotRun { topology, change, now } => {
                self.state.cannot_rescale(topology, change, *now, settings);
            }
            Entry::Led { learned, next_decision, operator, proposals } => {
                let next_decision = *next_decision;
                let state = State::leading(learned.clone().into_owned());
                self.state = State { next_decision, ..state };
                self.state.take_proposals(proposals.clone().into_owned());
                self.operator = operator.clone().into_owned();
            }
            Entry::CarriedOn { topology, flight } => {
                self.state.carry_on(topology, flight.clone().into_owned());
            }
            Entry::Awaited { topology, flight, now } => {
                self.state.await_outcome(topology, flight.clone().into_owned(), *now, settings);
            }
            Entry::Happened { .. } => {}
        }
        Ok(())
    }

    fn report(self, as_json: bool) -> Result<()> {
        if as_json {
            let difference = self.first_difference.as_ref();
            print_json(&json!({
                "observations": self.same + self.different, "same": self.same, "different": self.different,
                "acts": self.acts, "first_difference_at": difference.map(|(at, ..)| at.millis()),
            }))?;
        } else {
            self.print();
        }
        self.first_difference.map_or(Ok(()), different)
    }

    fn print(&self) {
        println!(
            "{} observations: {} led to the same bytes, {} did not; {} decisions to act",
            self.same + self.different,
            self.same,
            self.different,
            self.acts
        );
    }
}

/// Shows where a recorded and a new decision part.
fn different((at, recorded, again): (Timestamp, String, String)) -> Result<()> {
    let apart = recorded.bytes().zip(again.bytes()).take_while(|(a, b)| a == b).count();
    let around = |text: &str| {
        let bytes = text.as_bytes();
        let (from, to) = (apart.saturating_sub(60), (apart + 60).min(bytes.len()));
        String::from_utf8_lossy(&bytes[from.min(to)..to]).into_owned()
    };
    bail!(
        "the first difference is at {} ms\n  recorded  …{}…\n  now       …{}…",
        at.millis(),
        around(&recorded),
        around(&again)
    );
}

/// What one side did or would have done.
#[derive(Default, Serialize)]
struct Deeds {
    #[serde(rename = "actions")]
    lines: Vec<String>,
    executor_hours: f64,
    /// Records that, at the rates measured, would have waited when the recording ended.
    #[serde(rename = "last_lag_records")]
    lag: f64,
    #[serde(rename = "worst_lag_records")]
    worst_lag: f64,
}

/// Plays a recording with other settings. What was observed does not answer to what they do, so each
/// plan counts as carried out at once, and its effect is computed from the rates measured.
#[derive(Default)]
struct Others {
    settings: Option<Settings>,
    state: State,
    counts: BTreeMap<(String, String), u32>,
    before: Option<Timestamp>,
    recorded: Deeds,
    others: Deeds,
}

impl Others {
    fn take(&mut self, entry: &Entry<'_>) -> Result<()> {
        match entry {
            Entry::Begun { learned, .. } | Entry::Led { learned, .. } => {
                self.state = State { learned: learned.clone().into_owned(), ..State::default() };
            }
            Entry::Observed { now, observation, decisions, .. } => {
                let settings = self.settings.clone().context("expected the line `begun` first")?;
                let recorded: Vec<Decision> = serde_json::from_str(decisions.get())?;
                let state = std::mem::take(&mut self.state);
                let decided = decide(observation, state, &settings, Operator::SILENT, *now);
                self.state = decided.state;
                let secs = self.before.map_or(0.0, |before| now.since(before).get() / 1000.0);
                self.before = Some(*now);
                self.reckon(observation, &decided.decisions, secs);
                for decision in recorded.iter().filter(|d| d.verdict == Verdict::Act) {
                    self.recorded.lines.push(deed(decision));
                }
                for decision in decided.decisions.iter().filter(|d| d.verdict == Verdict::Act) {
                    self.others.lines.push(deed(decision));
                    if let Some(plan) = &decision.plan {
                        for (component, count) in &plan.counts {
                            let key = (plan.topology.clone(), component.clone());
                            self.counts.insert(key, *count);
                        }
                        self.state.finish(&plan.id, *now, &settings);
                    }
                }
            }
            Entry::Said { .. }
            | Entry::Finished { .. }
            | Entry::Aborted { .. }
            | Entry::CouldNotRun { .. }
            | Entry::Happened { .. }
            | Entry::CarriedOn { .. }
            | Entry::Awaited { .. } => {}
        }
        Ok(())
    }

    /// Adds executor-hours, and the lag that either side's capacity would let grow or fall.
    fn reckon(&mut self, observation: &Observation, decisions: &[Decision], secs: f64) {
        let (mut real, mut desired) = (0u32, 0u32);
        let (mut shortage, mut desired_shortage) = (0.0f64, 0.0f64);
        for topology in &observation.topologies {
            let view = decisions.iter().find(|d| d.topology == topology.id).map(|d| &d.view);
            for (index, component) in topology.components.iter().enumerate() {
                if component.kind != ComponentKind::Operator {
                    continue;
                }
                let of = |e: &&thalweg_core::model::Executor| e.component as usize == index;
                let now = topology.executors.iter().filter(of).count() as u32;
                let key = (topology.id.clone(), component.id.clone());
                let then = self.counts.get(&key).copied().unwrap_or(now);
                real += now;
                desired += then;
                let Some(seen) = view.and_then(|v| v.components.get(index)) else { continue };
                let (Some(rate), Some(busy)) = (seen.rate, seen.mean_capacity) else { continue };
                let (rate, busy) = (rate.get(), busy.get());
                // A full component does what it can; so what it could do is its rate over its load.
                let each = rate / busy.max(0.01) / f64::from(seen.executors.max(1));
                let demand = if busy > 0.95 { rate * 1.1 } else { rate };
                shortage = shortage.max(demand - each * f64::from(now));
                desired_shortage = desired_shortage.max(demand - each * f64::from(then));
            }
        }
        for (deeds, executors, short) in
            [(&mut self.recorded, real, shortage), (&mut self.others, desired, desired_shortage)]
        {
            deeds.executor_hours += f64::from(executors) * secs / 3600.0;
            deeds.lag = (deeds.lag + short * secs).max(0.0);
            deeds.worst_lag = deeds.worst_lag.max(deeds.lag);
        }
    }

    fn report(self, as_json: bool) -> Result<()> {
        if as_json {
            return print_json(&json!({ "recorded": self.recorded, "would_be": self.others }));
        }
        for (who, deeds) in [("recorded", &self.recorded), ("would be", &self.others)] {
            println!(
                "{who}: {} actions, {:.2} executor-hours, predicted lag up to {:.0} records",
                deeds.lines.len(),
                deeds.executor_hours,
                deeds.worst_lag
            );
            deeds.lines.iter().for_each(|line| println!("  {line}"));
        }
        println!(
            "difference: {:+} actions, {:+.2} executor-hours, {:+.0} records of predicted lag",
            self.others.lines.len() as i64 - self.recorded.lines.len() as i64,
            self.others.executor_hours - self.recorded.executor_hours,
            self.others.worst_lag - self.recorded.worst_lag
        );
        Ok(())
    }
}

fn deed(decision: &Decision) -> String {
    let counts = decision.plan.iter().flat_map(|plan| &plan.counts);
    let counts: Vec<String> = counts.map(|(id, count)| format!("{id} to {count}")).collect();
    let counts = if counts.is_empty() { "a move".to_owned() } else { counts.join(", ") };
    let reason = decision.reasons.first().map_or("", |reason| reason.text.as_str());
    format!("{} ms {}: {counts}, because {reason}", decision.at.millis(), decision.name)
}
