//! `thalweg advise flink`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Map, Value};
use signal_hook::consts::{SIGINT, SIGTERM};
use thalweg_connect::flink::{Cluster, Look, Reader, Rest, defaults};
use thalweg_connect::http::{Address, HttpError};
use thalweg_control::{now_millis, visible};
use thalweg_core::explain::{Decision, ReasonCode};
use thalweg_core::settings::{Mode, Settings};
use thalweg_core::state::State;
use thalweg_core::units::Timestamp;
use thalweg_sim::Brain;

use super::ending::{Settled, ending};
use super::told::{Told, Watched};
use crate::config;
use crate::exit::Failure;
use crate::live::moments::seconds;
use crate::live::show::span;
use crate::record::Recorded;
use crate::settings::{self, Wanted};
use crate::speaking::Speaking;

/// Within this time TaskManagers have answered with their counters,
const FETCHING: Duration = Duration::from_millis(200);
/// and within this one also where that takes long: where looks are rare, there is time.
const LONGEST_FETCHING: Duration = Duration::from_secs(1);
/// How often it is looked whether the command is told to end.
const NAP: Duration = Duration::from_millis(100);
/// For so long it is waited until all is settled, where nothing else is said.
const PATIENCE: Duration = Duration::from_secs(600);
/// Looks are at most so many intervals apart while nobody answers.
const MOST_DOUBLINGS: u32 = 3;

/// Watches a Flink cluster, from 1.18 on, through its REST interface: only asks, changes nothing
#[derive(Debug, Args)]
pub struct Flink {
    /// The JobManager's REST interface, as `http://jobmanager:8081`, with the path that a proxy has for it
    #[arg(value_name = "URL")]
    url: String,
    /// Watches for so long, as `90s` or `10m`, instead of until it is ended
    #[arg(long = "for", value_name = "DURATION", value_parser = seconds)]
    span: Option<u32>,
    /// Ends as soon as all jobs are judged and what is said of them has held for the window; gives up after ten minutes, or
    /// after the time of `--for`
    #[arg(long)]
    once_settled: bool,
    #[command(flatten)]
    wanted: Wanted,
    /// Settings in a file, as Flink's `config.yaml` has them; those of `--set` win
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Records everything that goes into decisions there, for `thalweg replay`
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Prints JSON, a line for each job that is seen otherwise than before, and one at the end
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    speaking: Speaking,
}

impl Flink {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let address = Address::parse(&self.url).context("the address of the JobManager")?;
        let place = address.to_string();
        let given = self.given()?;
        let rest = Rest::new(self.speaking.to(address, &given))?;
        let cluster = Cluster::read(&rest, &place)?;
        let settings = self.advising(&cluster, &given)?;
        let long = self.span.map(|secs| Duration::from_secs(secs.into()));
        let patience = self.once_settled.then_some(PATIENCE);
        let mut watch = Watch {
            rest,
            reader: Reader::new(&cluster),
            brain: Recorded::to(self.record.as_deref(), &settings)?,
            state: State::default(),
            told: Told::new(self.json),
            ended: ended_by_signals().context("signals cannot be listened to")?,
            until: long.or(patience).map(|long| Instant::now() + long),
            settings,
        };
        if !self.json {
            let (each, window) = (watch.settings.sampling.get(), watch.settings.window.get());
            eprintln!(
                "thalweg: Flink {} at {place}: a look each {}, over a window of {}; Ctrl-C ends it",
                visible(&cluster.version),
                span(each / 1000.0),
                span(window / 1000.0),
            );
        }
        let seen = watch.follow(self.once_settled);
        watch.end(&seen, Watched::of(place, cluster.version, &seen))
    }

    /// What the user sets, in the file and on the command line.
    fn given(&self) -> Result<Map<String, Value>> {
        let of_file = self.settings.as_deref().map(config::read).transpose()?;
        self.wanted.onto(&of_file.unwrap_or_default())
    }

    /// The settings that hold: those of the shell, with what the user sets over them; but nothing acts here, whatever they
    /// say.
    fn advising(&self, cluster: &Cluster, given: &Map<String, Value>) -> Result<Settings> {
        let mut all = defaults(cluster.fetches_each);
        all.insert("thalweg.policy".to_owned(), "thalweg".into());
        all.extend(given.clone());
        let mut settings = settings::read(&all)?;
        settings.mode = Mode::Advise;
        settings.rules.modes.clear();
        Ok(settings)
    }
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

impl Watched {
    fn of(place: String, version: String, seen: &SeenSoFar) -> Self {
        Self { place, version, secs: seen.secs, looks: seen.looks, failed: seen.failed }
    }
}

/// Looks at a cluster again and again.
struct Watch {
    rest: Rest,
    reader: Reader,
    settings: Settings,
    brain: Recorded,
    state: State,
    told: Told,
    /// Up once the command is told to end.
    ended: Arc<AtomicBool>,
    until: Option<Instant>,
}

impl Watch {
    /// Looks until it is told to end, the time is over, or all is settled if that is waited for.
    fn follow(&mut self, once_settled: bool) -> SeenSoFar {
        let begun = Instant::now();
        let mut seen = SeenSoFar { settled: once_settled.then_some(false), ..Default::default() };
        let mut settled = Settled::default();
        let mut failures = 0;
        let mut pause = Duration::ZERO;
        while self.sleeps(pause) {
            let looking = Instant::now();
            seen.looks += 1;
            match self.look() {
                Ok((look, decisions)) => {
                    failures = 0;
                    self.told.tell(&look, &decisions);
                    let holds = settled.see(&decisions, &look.observation, self.settings.window);
                    if seen.error.take().is_some() {
                        eprintln!("thalweg: the JobManager answers again");
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
                    let text = error.to_string();
                    if seen.error.is_none() {
                        eprintln!("thalweg: {}", visible(&text));
                    }
                    seen.error = Some(text);
                }
            }
            pause = self.pause(failures, looking.elapsed());
        }
        seen.secs = begun.elapsed().as_secs_f64();
        seen
    }

    /// One look, and what is decided upon it.
    fn look(&mut self) -> Result<(Look, Vec<Decision>), HttpError> {
        let at = Timestamp::from_millis(now_millis());
        Reader::refresh(&self.rest)?;
        let interval = Duration::from_secs_f64(self.settings.sampling.get() / 1000.0);
        std::thread::sleep((interval / 5).clamp(FETCHING, LONGEST_FETCHING));
        let look = self.reader.look(&self.rest, at)?;
        let state = std::mem::take(&mut self.state);
        let decided = self.brain.decide(&look.observation, state, &self.settings, at);
        self.state = decided.state;
        let mut decisions = decided.decisions;
        // That nothing is done here is no reason for what is said.
        decisions.iter_mut().for_each(|decision| {
            decision.reasons.retain(|reason| reason.code != ReasonCode::ModeForbids);
        });
        Ok((look, decisions))
    }

    /// The time until the next look: they come at whole intervals of the clock, so that each sees one more and sees it at
    /// once; but a JobManager is not asked for more than half of the time, and seldom while it does not answer.
    fn pause(&self, failures: u32, took: Duration) -> Duration {
        let interval = (self.settings.sampling.get() as u64).max(1);
        let since = u64::try_from(now_millis()).unwrap_or(0) % interval;
        let next = Duration::from_millis((interval << failures.min(MOST_DOUBLINGS)) - since);
        if took.as_millis() > u128::from(interval) { next.max(took) } else { next }
    }

    /// Waits; false once the time is over or the command is told to end.
    fn sleeps(&self, pause: Duration) -> bool {
        let wakes = Instant::now() + pause;
        loop {
            let now = Instant::now();
            if self.ended.load(Ordering::Relaxed) || self.until.is_some_and(|until| now >= until) {
                return false;
            }
            if now >= wakes {
                return true;
            }
            std::thread::sleep(NAP.min(wakes - now));
        }
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
            Some((look, decisions)) => ending(decisions, &look.observation, seen.settled),
            None => Err(Failure::NotYet("there was no time for a look".to_owned())),
        }
    }
}

/// A flag that is up once this process is told to end; the second time it does so at once.
fn ended_by_signals() -> std::io::Result<Arc<AtomicBool>> {
    let ended = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&ended))?;
        signal_hook::flag::register(signal, Arc::clone(&ended))?;
    }
    Ok(ended)
}
