//! Watching a cluster from beside: a look after the other, until it is told to end.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Map, Value};
use thalweg_connect::Look;
use thalweg_control::visible;
use thalweg_core::explain::{Decision, ReasonCode};
use thalweg_core::settings::{Mode, Settings};
use thalweg_core::state::State;
use thalweg_shell::{Eyes, Rhythm};
use thalweg_sim::Brain;

use super::ending::{Settled, ending};
use super::told::{Told, Watched};
use super::words::Words;
use crate::exit::Failure;
use crate::live::moments::seconds;
use crate::live::show::span;
use crate::record::Recorded;
use crate::settings::{self, Given};
use crate::signals::ended_by_signals;

/// For so long it is waited until all is settled, where nothing else is said.
const PATIENCE: Duration = Duration::from_secs(600);

/// Options of how long to watch, by which settings, and what to leave of it.
#[derive(Debug, Args)]
pub struct Watching {
    /// Watches for so long, as `90s` or `10m`, instead of until it is ended
    #[arg(long = "for", value_name = "DURATION", value_parser = seconds)]
    span: Option<u32>,
    /// Ends as soon as all that runs is judged and what is said of it has held for the window; gives up after ten minutes, or
    /// after the time of `--for`
    #[arg(long)]
    once_settled: bool,
    #[command(flatten)]
    given: Given,
    /// Records everything that goes into decisions there, for `thalweg replay`
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Prints JSON, a line for each job or topology that is seen otherwise than before, and one at the end
    #[arg(long)]
    json: bool,
}

/// Which cluster it is.
#[derive(Debug, Clone)]
pub struct Place {
    /// Where it is, for people.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Watching {
    /// What the user sets, in the file and on the command line.
    pub fn given(&self) -> Result<Map<String, Value>> {
        self.given.all()
    }

    /// Watches a cluster, with what the user sets over these settings. Nothing acts here, whatever they say.
    pub fn watch(
        &self,
        outside: impl Eyes,
        place: Place,
        words: Words,
        defaults: Map<String, Value>,
    ) -> Result<(), Failure> {
        let settings = advising(defaults, self.given()?)?;
        let long = self.span.map(|secs| Duration::from_secs(secs.into()));
        let patience = self.once_settled.then_some(PATIENCE);
        let mut watch = Watch {
            outside,
            brain: Recorded::to(self.record.as_deref(), &settings)?,
            state: State::default(),
            told: Told::new(self.json, words),
            ended: ended_by_signals().context("signals cannot be listened to")?,
            until: long.or(patience).map(|long| Instant::now() + long),
            settings,
            words,
        };
        if !self.json {
            let (each, window) = (watch.settings.sampling.get(), watch.settings.window.get());
            eprintln!(
                "thalweg: {} {} at {}: a look each {}, over a window of {}; Ctrl-C ends it",
                words.engine,
                visible(&place.version),
                visible(&place.name),
                span(each / 1000.0),
                span(window / 1000.0),
            );
        }
        let seen = watch.follow(self.once_settled);
        let Place { name, version } = place;
        let (secs, looks, failed) = (seen.secs, seen.looks, seen.failed);
        watch.end(&seen, Watched { place: name, version, secs, looks, failed })
    }
}

fn advising(mut all: Map<String, Value>, given: Map<String, Value>) -> Result<Settings> {
    all.extend(given);
    let mut settings = settings::read(&all)?;
    settings.mode = Mode::Advise;
    settings.rules.modes.clear();
    Ok(settings)
}

/// What was seen by the end.
#[derive(Debug, Default)]
struct SeenSoFar {
    looks: u64,
    failed: u64,
    secs: f64,
    /// What the last look came to, where somebody answered.
    last: Option<(Look, Vec<Decision>)>,
    /// Why the last one came to nothing.
    error: Option<String>,
    /// Whether all was settled, where that was waited for.
    settled: Option<bool>,
}

/// Looks at a cluster again and again.
struct Watch<O> {
    outside: O,
    settings: Settings,
    brain: Recorded,
    state: State,
    told: Told,
    /// Up once the command is told to end.
    ended: Arc<AtomicBool>,
    until: Option<Instant>,
    words: Words,
}

impl<O: Eyes> Watch<O> {
    /// Looks until it is told to end, the time is over, or all is settled if that is waited for.
    fn follow(&mut self, once_settled: bool) -> SeenSoFar {
        let begun = Instant::now();
        let mut seen = SeenSoFar { settled: once_settled.then_some(false), ..Default::default() };
        let mut settled = Settled::default();
        let mut failures = 0;
        let mut pause = Duration::ZERO;
        let rhythm = self.rhythm();
        while Rhythm::waits(pause, &self.ended, self.until) {
            let looking = Instant::now();
            seen.looks += 1;
            match self.look() {
                Ok((look, decisions)) => {
                    failures = 0;
                    self.told.tell(&look, &decisions);
                    let holds = settled.see(&decisions, &look.observation, self.settings.window);
                    if seen.error.take().is_some() {
                        eprintln!("thalweg: {} answers again", self.words.who);
                    }
                    seen.last = Some((look, decisions));
                    if once_settled && holds {
                        seen.settled = Some(true);
                        break;
                    }
                }
                Err(error) => {
                    failures += 1;
                    seen.failed += 1;
                    let text = format!("{error:#}");
                    if seen.error.is_none() {
                        eprintln!("thalweg: {}", visible(&text));
                    }
                    seen.error = Some(text);
                }
            }
            pause = rhythm.pause(failures, looking.elapsed());
        }
        seen.secs = begun.elapsed().as_secs_f64();
        seen
    }

    /// One look, and what is decided upon it.
    fn look(&mut self) -> Result<(Look, Vec<Decision>)> {
        let look = self.outside.look(self.rhythm().interval())?;
        let state = std::mem::take(&mut self.state);
        let at = look.observation.at;
        let decided = self.brain.decide(&look.observation, state, &self.settings, at);
        self.state = decided.state;
        let mut decisions = decided.decisions;
        // That nothing is done here is no reason for what is said.
        decisions.iter_mut().for_each(|decision| {
            decision.reasons.retain(|reason| reason.code != ReasonCode::ModeForbids);
        });
        Ok((look, decisions))
    }

    fn rhythm(&self) -> Rhythm {
        Rhythm::each(Duration::from_secs_f64(self.settings.sampling.get() / 1000.0))
    }

    /// Sums up, and tells how the command ends.
    fn end(&self, seen: &SeenSoFar, watched: Watched) -> Result<(), Failure> {
        let nothing = Vec::new();
        let decisions = seen.last.as_ref().map_or(&nothing, |(_, decisions)| decisions);
        self.told.sum_up(&watched, decisions);
        if let Some(error) = &seen.error {
            return Err(Failure::Unreachable(error.clone()));
        }
        match &seen.last {
            Some((look, decisions)) => {
                ending(decisions, &look.observation, seen.settled, self.words)
            }
            None => Err(Failure::NotYet("there was no time for a look".to_owned())),
        }
    }
}
