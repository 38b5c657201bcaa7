//! One run: from an empty machine to what was measured, and back.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use thalweg_lab::control::TopologyInfo;
use thalweg_lab::counts::{Following, Output, Spouts};
use thalweg_lab::load::{Generator, Load, Rate};
use thalweg_lab::wait::until;
use thalweg_lab::{Kafka, Redis, StormBuilder, StormCluster, StormJob};
use thalweg_sim::calibrate::Recording;

use crate::clock::now_ms;
use crate::measure::{Measured, PathLatency, bolts, crossing, executors};
use crate::options::{Options, Store, storm_settings};
use crate::predict::storm::{Timing, predict};
use crate::record::{Executors, recording};
use crate::situation::{Change, Course, Engine, Side, Situation};
use crate::status::Status;
use crate::witness::{Phase, Vitals, Witness, phase_of};
use crate::workplace::Workplace;

const JAR: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../jvm-adapter/storm/build/libs/thalweg-storm-",
    env!("CARGO_PKG_VERSION"),
    ".jar"
);
pub(crate) const TOPOLOGY: &str = "words";
pub(crate) const TOPIC: &str = "lines";
/// Sender and receiver of each of the topology's streams.
const STREAMS: [(&str, &str); 2] = [("spout", "split"), ("split", "count")];
const START_LIMIT: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(500);
/// Output must flow this long before anything else happens.
const STEADY: Duration = Duration::from_secs(8);
/// With nothing done for this long, Thalweg has had its chance.
const QUIET: Duration = Duration::from_secs(30);
/// Whatever has not come to rest by then is measured as it is.
const SETTLE_LIMIT: Duration = Duration::from_secs(170);
/// A side that falls behind its load never catches up: it is measured once it had this long to.
const CATCH_UP_LIMIT: Duration = Duration::from_secs(60);
/// A backlog of less than this much load is none.
const BACKLOG_SECS: f64 = 2.0;
/// How often spouts write their journals; bolts do twice as often.
const JOURNAL_MS: u64 = 100;
/// Journals in which nothing comes for this long tell all there is.
const JOURNAL_LIMIT: Duration = Duration::from_secs(5);
/// An action's trace is looked for until this long after its end.
const AFTERMATH_MS: u64 = 8_000;

/// Goes through a situation with one side, and leaves nothing running.
///
/// # Errors
/// When some process fails, or output never flows.
pub fn run(
    side: Side,
    situation: &Situation,
    options: &Options,
    witness: &mut dyn Witness,
) -> Result<Measured> {
    if situation.engine == Engine::Flink {
        return crate::flink::show(side, situation, options, witness);
    }
    let workplace = Workplace::new(options.keep_in(situation, side)?)?;
    witness.phase(side, Phase::SetUp);
    let scene = Scene::set_up(side, situation, options, &workplace, witness)?;
    let outcome = scene.go_through(options, witness);
    witness.phase(side, Phase::TearDown);
    drop(scene);
    outcome
}

/// A running cluster with its topology.
pub(crate) struct Scene<'a> {
    pub(crate) side: Side,
    situation: &'a Situation,
    pub(crate) status_file: PathBuf,
    pub(crate) out: PathBuf,
    seen: RefCell<Executors>,
    journals: RefCell<Following>,
    // Dropped in this order.
    _redis: Option<Redis>,
    pub(crate) storm: StormCluster,
    pub(crate) kafka: Kafka,
}

/// What a stage takes.
#[derive(Default)]
struct Use {
    /// Executors of bolts when they were counted last.
    executors: u32,
    /// Each one's seconds, summed.
    executor_secs: f64,
    /// Seconds of load that wait, summed over time.
    backlog_secs: f64,
}

impl<'a> Scene<'a> {
    pub(crate) fn set_up(
        side: Side,
        situation: &'a Situation,
        options: &Options,
        workplace: &Workplace,
        witness: &mut dyn Witness,
    ) -> Result<Self> {
        let folder = workplace.path();
        let site = thalweg_lab::process::Site::loopback(folder)?;
        let with_redis = side == Side::Thalweg && options.store == Store::Redis;
        let redis = if with_redis { Some(Redis::start(&site, &[])?) } else { None };
        let url = redis.as_ref().map(Redis::url);
        let thalweg = folder.join("thalweg");
        let storm = builder(side, situation, options, folder, &thalweg, url.as_deref())?.start()?;
        workplace.hosts(&storm);
        witness.note("Storm is up");
        let kafka = Kafka::start(storm.hub())?;
        kafka.create_topic(TOPIC, 2)?;
        witness.note("Kafka is up");
        let out = storm.dir().join("out");
        let mut topology = StormJob::word_count(TOPOLOGY, kafka.bootstrap(), TOPIC).out(&out);
        for (key, value) in &situation.arguments {
            topology = topology.set(key, value);
        }
        storm.submit(&topology, START_LIMIT)?;
        witness.note("the topology runs");
        let status_file = thalweg.join("status.json");
        let (seen, journals) = (RefCell::default(), RefCell::default());
        let scene =
            Self { side, situation, status_file, out, seen, journals, _redis: redis, storm, kafka };
        scene.limit_nodes()?;
        Ok(scene)
    }

    /// Gives each node its cores and its link, now that no worker needs them to start.
    fn limit_nodes(&self) -> Result<()> {
        for (n, cores) in (1..).zip(&self.situation.cores) {
            self.storm.require_cpu(n, *cores)?;
        }
        for &(n, kilobits) in &self.situation.links {
            self.storm.limit_network(n, Some(kilobits))?;
        }
        Ok(())
    }

    fn go_through(&self, options: &Options, witness: &mut dyn Witness) -> Result<Measured> {
        witness.phase(self.side, Phase::Load);
        let situation = self.situation;
        let mut generator = self.send(Rate::Constant(situation.rate))?;
        let (started, started_ms) = (Instant::now(), now_ms()?);
        self.wait_steady(&generator, witness)?;
        let mut notes = Vec::new();
        if let Some(change) = situation.change {
            notes.push(self.disturb(change)?);
            notes.iter().for_each(|note| witness.note(note));
        }
        let before_secs = started.elapsed().as_secs_f64();
        let rates = situation.course.rates(situation.rate)?;
        let stage = rates.as_ref().map_or(options.stage, |r| Duration::from_secs(r.len() as u64));
        if let Some(rates) = rates.clone() {
            generator.stop()?;
            generator = self.send(Course::load(rates))?;
        } else {
            witness.phase(self.side, Phase::Decide);
            notes.extend(self.wait_settled(&generator, witness)?);
        }
        let settled_secs = started.elapsed().as_secs_f64();

        witness.phase(self.side, Phase::Measure);
        let mut measured = self.stage(stage, started_ms, &generator, witness)?;
        measured.settled_secs = settled_secs;
        let sent = generator.stop()?;
        if sent.late > sent.records / 100 {
            notes.push(format!("{} of {} lines were sent late", sent.late, sent.records));
        }
        if let Some(status) = &self.status() {
            measured.account(status, &self.out, AFTERMATH_MS)?;
        }
        let timing = Timing { before_secs, settled_secs, stage_secs: stage.as_secs_f64() };
        measured.recording = Some(self.recorded(started_ms, timing, rates.as_deref())?);
        measured.predicted = predict(situation, self.side, options, timing, rates)?;
        measured.notes.append(&mut notes);
        Ok(measured)
    }

    /// The run so far.
    fn recorded(
        &self,
        started_ms: u64,
        timing: Timing,
        rates: Option<&[f64]>,
    ) -> Result<Recording> {
        let course = |secs: f64| rates.and_then(|r| r.get((secs - timing.before_secs) as usize));
        let offered = |secs: f64| match course(secs) {
            Some(rate) if secs >= timing.before_secs => *rate,
            _ => self.situation.rate,
        };
        let length = Duration::from_secs_f64(timing.settled_secs + timing.stage_secs);
        let window = started_ms..started_ms + length.as_millis() as u64;
        let words = f64::from(self.situation.words_per_line);
        recording(&window, &self.out, words, &self.seen.borrow(), &offered)
    }

    /// Starts to send lines.
    pub(crate) fn send(&self, rate: Rate) -> Result<Generator> {
        let load = Load::new(self.kafka.bootstrap(), TOPIC, rate);
        Generator::start(&load.words(self.situation.words_per_line as usize))
    }

    /// Waits until words come out and have done so for a while.
    pub(crate) fn wait_steady(
        &self,
        generator: &Generator,
        witness: &mut dyn Witness,
    ) -> Result<()> {
        let mut since = None;
        until("steady output", START_LIMIT, || {
            let (vitals, _) = self.look(generator, witness)?;
            let flows = vitals.words > 0.0;
            let since: &mut Option<Instant> = &mut since;
            match (flows, *since) {
                (false, _) => *since = None,
                (true, None) => *since = Some(Instant::now()),
                (true, Some(_)) => {}
            }
            std::thread::sleep(PAUSE);
            Ok(since.filter(|since| since.elapsed() >= STEADY).map(|_| ()))
        })
    }

    /// Lets the situation's change happen, to the last node that splits lines but reads none.
    fn disturb(&self, change: Change) -> Result<String> {
        let info = self.storm.control().info(TOPOLOGY)?;
        let reads = |host: &str| info.of("spout").any(|executor| executor.host == host);
        let splits = |host: &str| info.of("split").any(|executor| executor.host == host);
        let nodes = self.storm.nodes();
        let fits = |n: &usize| {
            let host = &nodes[n - 1].site.host;
            splits(host) && !reads(host)
        };
        let n = (1..=nodes.len()).rev().find(fits).context("no node only splits lines")?;
        let host = &nodes[n - 1].site.host;
        Ok(match change {
            Change::Cores(cores) => {
                self.storm.require_cpu(n, cores)?;
                format!("{host} is left {cores} cores")
            }
            Change::Kilobits(kilobits) => {
                self.storm.limit_network(n, Some(kilobits))?;
                format!("{host} sends {kilobits} kbit/s from now on")
            }
        })
    }

    /// Waits until Thalweg has done what it wants to do, and for both sides until no backlog is left.
    fn wait_settled(
        &self,
        generator: &Generator,
        witness: &mut dyn Witness,
    ) -> Result<Vec<String>> {
        let mut notes = Vec::new();
        if self.side == Side::Thalweg && !self.wait_calm(generator, witness)? {
            notes.push("not at rest when it was measured".to_owned());
        }
        let begun = Instant::now();
        let mut caught_up: Option<Instant> = None;
        // For a while, as what an action lost is replayed in one burst, a message timeout later.
        while caught_up.is_none_or(|since| since.elapsed() < STEADY) {
            let backlog = self.backlog()?;
            if begun.elapsed() >= CATCH_UP_LIMIT {
                notes.push(format!("behind its load by {backlog:.0} s"));
                break;
            }
            caught_up = (backlog <= BACKLOG_SECS).then(|| caught_up.unwrap_or_else(Instant::now));
            self.look(generator, witness)?;
            std::thread::sleep(PAUSE);
        }
        Ok(notes)
    }

    /// Returns whether calm came before the limit.
    fn wait_calm(&self, generator: &Generator, witness: &mut dyn Witness) -> Result<bool> {
        let begun = Instant::now();
        let mut calm_since: Option<Instant> = None;
        let mut phase = Phase::Decide;
        while begun.elapsed() < SETTLE_LIMIT {
            self.look(generator, witness)?;
            let status = self.status();
            let now = phase_of(status.as_ref());
            if now > phase {
                witness.phase(self.side, now);
                phase = now;
            }
            match (&status, calm_since) {
                (Some(status), None) if status.calm() => calm_since = Some(Instant::now()),
                (Some(status), Some(_)) if status.calm() => {}
                _ => calm_since = None,
            }
            let acted = status.is_some_and(|status| status.done().next().is_some());
            let enough = if acted { STEADY } else { QUIET };
            if calm_since.is_some_and(|since| since.elapsed() >= enough) {
                return Ok(true);
            }
            std::thread::sleep(PAUSE);
        }
        Ok(false)
    }

    /// Load not yet worked off, in seconds.
    fn backlog(&self) -> Result<f64> {
        let lag = self.kafka.progress(TOPIC, TOPOLOGY)?.lag();
        Ok(lag as f64 / self.situation.rate)
    }

    /// Looks on for so long, and adds up what is in use.
    fn watch(
        &self,
        length: Duration,
        generator: &Generator,
        witness: &mut dyn Witness,
    ) -> Result<Use> {
        let (begun, mut until) = (Instant::now(), Duration::ZERO);
        let mut used = Use::default();
        while begun.elapsed() < length {
            // Where Nimbus has nothing to say there are as many as before.
            if let (_, Some(info)) = self.look(generator, witness)? {
                used.executors = bolts(&executors(&info));
            }
            std::thread::sleep(PAUSE.min(length.saturating_sub(begun.elapsed())));
            let at = begun.elapsed();
            let past = (at - until).as_secs_f64();
            used.executor_secs += past * f64::from(used.executors);
            used.backlog_secs += past * self.backlog()?;
            until = at;
        }
        Ok(used)
    }

    fn stage(
        &self,
        length: Duration,
        started_ms: u64,
        generator: &Generator,
        witness: &mut dyn Witness,
    ) -> Result<Measured> {
        let control = self.storm.control();
        let (from, before) = (now_ms()?, control.info(TOPOLOGY)?);
        let used = self.watch(length, generator, witness)?;
        let (to, after) = (now_ms()?, control.info(TOPOLOGY)?);
        let seconds = (to - from) as f64 / 1_000.0;
        std::fs::write(self.storm.dir().join("executors.txt"), format!("{:#?}", after.executors))?;
        let path = PathLatency::between(&before, &after);
        self.wait_journals(to)?;
        let spouts = Spouts::read(&self.out)?;
        let measured = Measured {
            side: self.side,
            execute_ms: path.execute_ms,
            process_ms: path.process_ms,
            throughput: Output::read(&self.out)?.rate(&(from..to)),
            crossing: crossing(&before, &after, &STREAMS) / seconds,
            executors: executors(&after),
            executor_secs: used.executor_secs,
            backlog_secs: used.backlog_secs / seconds,
            ..Measured::default()
        };
        let replayed = spouts.within(&(started_ms..to)).failed;
        Ok(measured.with_completed(&spouts.within(&(from..to)), replayed))
    }

    /// Waits until the journals tell all until an instant: lines stand for what was done before them, and each task
    /// writes its own at its own pace. Where nothing is acknowledged any more there is nothing to wait for.
    pub(crate) fn wait_journals(&self, to: u64) -> Result<()> {
        let told = to + JOURNAL_MS;
        let begun = Instant::now();
        while begun.elapsed() < JOURNAL_LIMIT {
            let mut journals = self.journals.borrow_mut();
            let (_, spouts) = journals.look(&self.out)?;
            if spouts.newest().is_some_and(|newest| newest >= told) {
                break;
            }
            drop(journals);
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn look(
        &self,
        generator: &Generator,
        witness: &mut dyn Witness,
    ) -> Result<(Vitals, Option<TopologyInfo>)> {
        const BACK_MS: u64 = 3_000;
        let now = now_ms()?;
        let window = now.saturating_sub(BACK_MS)..now;
        let vitals = {
            let mut journals = self.journals.borrow_mut();
            let (output, spouts) = journals.look(&self.out)?;
            let completed = spouts.within(&window);
            Vitals {
                words: output.rate(&window),
                complete_ms: completed.mean_ms,
                p99_ms: completed.p99_ms,
                sent: generator.records(),
            }
        };
        // While workers are replaced Nimbus may have nothing to say.
        let info = self.storm.control().info(TOPOLOGY).ok();
        if let Some(info) = &info {
            self.seen.borrow_mut().saw(now, executors(info));
        }
        witness.look(vitals, self.status().as_ref(), info.as_ref());
        Ok((vitals, info))
    }

    pub(crate) fn status(&self) -> Option<Status> {
        match self.side {
            Side::Default => None,
            Side::Thalweg => Status::read(&self.status_file),
        }
    }
}

fn builder(
    side: Side,
    situation: &Situation,
    options: &Options,
    folder: &Path,
    thalweg: &Path,
    redis: Option<&str>,
) -> Result<StormBuilder> {
    let mut builder = StormBuilder::new(folder)
        .nodes(situation.cores.len())
        .network(situation.network)
        .set("executor.metrics.frequency.secs", 2)
        .set("topology.stats.sample.rate", 1.0);
    if situation.declared {
        builder = builder.declared_cores(&situation.cores);
    }
    if side == Side::Thalweg {
        let jar = Path::new(JAR);
        if !jar.exists() {
            bail!("no {}: run gradle :jvm-adapter:storm:jar", jar.display());
        }
        builder = builder.daemon_jar(jar);
    }
    let mut settings: BTreeMap<_, _> =
        storm_settings(side, options, thalweg, redis).into_iter().collect();
    if side == Side::Thalweg {
        let needed = situation.settings.iter();
        settings.extend(needed.map(|(key, value)| ((*key).to_owned(), value.clone())));
    }
    Ok(settings.into_iter().fold(builder, |builder, (key, value)| builder.set(&key, value)))
}
