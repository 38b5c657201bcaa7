//! One run under a load that changes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::{Value, json};
use thalweg_lab::counts::{Moments, Spouts, Totals};
use thalweg_lab::flink::{Autoscaler, JobInfo, Vertex};
use thalweg_lab::load::{Generator, Load};
use thalweg_lab::wait::until;
use thalweg_lab::{FlinkBuilder, FlinkCluster, FlinkJob, Kafka};

use super::demand::Demand;
use super::measured::{Rescale, Sample, Stepped};
use super::side::{FlinkSide, SLOTS};
use crate::clock::now_ms;
use crate::predict::flink::predict;
use crate::record::{Executors, recording};
use crate::status::Status;
use crate::workplace::Workplace;

pub(super) const JOB: &str = "words";
pub(super) const TOPIC: &str = "lines";
pub(super) const WORDS_PER_LINE: usize = 7;
pub(super) const NODES: usize = 2;
pub(super) const START_LIMIT: Duration = Duration::from_secs(120);
const CATCH_UP_LIMIT: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(200);
/// A restart's gap is looked for from this long before its tasks are deployed ...
const GAP_BEFORE_MS: u64 = 2_000;
/// ... to this long after.
const GAP_AFTER_MS: u64 = 4_000;
/// Flink says this each time that a job's tasks are deployed.
const DEPLOYED: &str = "switched from state CREATED to RUNNING";

/// Goes through a load with one side, and leaves nothing running.
///
/// # Errors
/// When some process fails, or the job never runs.
pub fn run_demand(
    side: FlinkSide,
    demand: &Demand,
    settings: &[(String, String)],
    keep: Option<PathBuf>,
) -> Result<Stepped> {
    let workplace = Workplace::new(keep)?;
    let folder = workplace.path();
    let flink = start(side, folder, settings)?;
    let kafka = Kafka::start(flink.hub())?;
    kafka.create_topic(TOPIC, 2)?;
    let out = flink.dir().join("out");
    let job = FlinkJob::word_count(JOB)
        .kafka(kafka.bootstrap(), TOPIC)
        .set("splitWait", demand.line_ms())
        .set("count", NODES)
        .out(&out);
    let info = flink.submit(&job, START_LIMIT)?;
    // Flink may begin with the slots that come first, and rescale as the others do.
    until("the job on both nodes", START_LIMIT, || {
        let info = flink.rest().job(&info.id)?;
        Ok((info.runs() && info.vertex("count")?.parallelism as usize == NODES).then_some(()))
    })?;
    let autoscaler = match side {
        FlinkSide::Autoscaler => Some(Autoscaler::start(&flink, 1_000, &AUTOSCALER)?),
        _ => None,
    };

    let begun_ms = now_ms()?;
    let load = Load::new(kafka.bootstrap(), TOPIC, demand.rate()).lasting(demand.length());
    let generator = Generator::start(&load.words(WORDS_PER_LINE))?;
    let mut seen = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < demand.length() {
        seen.push(look(&flink, &info, &generator, begun)?);
        std::thread::sleep(PAUSE);
    }
    let sent = generator.join()?.records;
    let exactly_once = caught_up(&out, sent * WORDS_PER_LINE as u64)?;

    let totals = Totals::over_time(&out)?;
    let samples: Vec<Sample> = seen.iter().map(|seen| seen.sample(begun_ms, &totals)).collect();
    let asked = match (&autoscaler, side) {
        (Some(autoscaler), _) => autoscaler.changes()?,
        (None, FlinkSide::Static) => Vec::new(),
        _ => plans(&status_file(folder)),
    };
    let rescales = rescales(&flink, &out, begun_ms, &asked)?;
    let enough = |sample: &&Sample| sample.parallelism >= demand.enough();
    let time_to_right = demand.step().and_then(|step| {
        let mut within = samples.iter().filter(|sample| step.contains(&sample.at_s));
        Some(within.find(enough)?.at_s - step.start)
    });
    let end_ms = begun_ms + demand.length().as_millis() as u64;
    let mut executors = Executors::default();
    for seen in seen {
        executors.saw(begun_ms + (seen.at_s * 1_000.0) as u64, seen.counts);
    }
    let rate = demand.rate();
    let words = WORDS_PER_LINE as f64;
    let recording = recording(&(begun_ms..end_ms), &out, words, &executors, &|s| rate.at(s))?;
    let up = |rescale: &&Rescale| demand.step().is_none_or(|step| step.contains(&rescale.at_s));
    Ok(Stepped {
        side,
        time_to_right_s: time_to_right,
        rescales_up: u32::try_from(rescales.iter().filter(up).count())?,
        backlog_area: area(&samples, |sample| sample.backlog),
        slot_seconds: area(&samples, |sample| f64::from(sample.slots)),
        p99_ms: Spouts::read(&out)?.within(&(begun_ms..now_ms()?)).p99_ms as f64,
        exactly_once,
        predicted: predict(side, demand, settings)?,
        notes: notes(&status_file(folder)),
        rescales,
        samples,
        recording,
    })
}

/// The autoscaler at its quickest.
const AUTOSCALER: [(&str, &str); 6] = [
    ("job.autoscaler.stabilization.interval", "5s"),
    ("job.autoscaler.metrics.window", "15s"),
    ("job.autoscaler.restart.time", "3s"),
    ("job.autoscaler.catch-up.duration", "10s"),
    ("job.autoscaler.scale-down.interval", "10s"),
    ("job.autoscaler.utilization.target", "0.7"),
];

/// A cluster for one side.
pub(super) fn start(
    side: FlinkSide,
    folder: &Path,
    settings: &[(String, String)],
) -> Result<FlinkCluster> {
    let mut builder = FlinkBuilder::new(folder)
        .nodes(NODES)
        .slots(SLOTS)
        .set("execution.checkpointing.interval", "2s")
        // Or a checkpoint would wait behind all that is buffered, which is most when a rescale is due.
        .set("execution.checkpointing.unaligned.enabled", true)
        // And what waits in buffers is worked off by few before a rescaled job runs with all its subtasks.
        .set("taskmanager.network.memory.buffer-debloat.enabled", true)
        // So that the job has used both nodes before it is rescaled: loading classes is not what is measured.
        .set("taskmanager.load-balance.mode", "SLOTS");
    if matches!(side, FlinkSide::Level1 | FlinkSide::Level2) {
        builder = builder
            .library_jar(&jar()?)
            .set("thalweg.mode", "act")
            .set("thalweg.store.dir", thalweg_folder(folder).display().to_string())
            .set("thalweg.flink.level", if side == FlinkSide::Level1 { 1 } else { 2 });
        for (key, value) in settings {
            builder = builder.set(key, value.as_str());
        }
    }
    builder.start()
}

fn thalweg_folder(folder: &Path) -> PathBuf {
    folder.join("thalweg")
}

pub(super) fn status_file(folder: &Path) -> PathBuf {
    thalweg_folder(folder).join("status.json")
}

pub(crate) fn jar() -> Result<PathBuf> {
    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../jvm-adapter/flink/build/libs");
    let name = format!("thalweg-flink-{}.jar", env!("CARGO_PKG_VERSION"));
    let jar = Path::new(FOLDER).join(name);
    if !jar.exists() {
        bail!("no {}: run gradle :jvm-adapter:flink:assemble", jar.display());
    }
    Ok(jar)
}

/// What was seen while the load ran; what was counted by then is known later.
struct Seen {
    at_s: f64,
    slots: u32,
    parallelism: u32,
    counts: BTreeMap<String, u32>,
    sent: u64,
}

impl Seen {
    fn sample(&self, begun_ms: u64, totals: &[(u64, u64)]) -> Sample {
        let now = begun_ms as f64 + self.at_s * 1_000.0;
        let counted = totals.iter().take_while(|(at, _)| *at as f64 <= now).last();
        let counted = counted.map_or(0.0, |(_, words)| *words as f64 / WORDS_PER_LINE as f64);
        let backlog = (self.sent as f64 - counted).max(0.0);
        Sample { at_s: self.at_s, slots: self.slots, parallelism: self.parallelism, backlog }
    }
}

fn look(
    flink: &FlinkCluster,
    job: &JobInfo,
    generator: &Generator,
    begun: Instant,
) -> Result<Seen> {
    let info = flink.rest().job(&job.id)?;
    let count = |v: &Vertex| (v.name.trim_start_matches("Source: ").to_owned(), v.parallelism);
    let running = |v: &Vertex| v.tasks.get("RUNNING").copied().unwrap_or(0);
    Ok(Seen {
        at_s: begun.elapsed().as_secs_f64(),
        slots: info.vertices.iter().map(|vertex| vertex.parallelism).max().unwrap_or(0),
        parallelism: running(info.vertex("split")?),
        counts: info.vertices.iter().map(count).collect(),
        sent: generator.records(),
    })
}

/// Whether all words come to be counted, and none twice.
fn caught_up(out: &Path, words: u64) -> Result<bool> {
    let counted = until("all words", CATCH_UP_LIMIT, || {
        let counted = Totals::read(out)?.sum();
        Ok((counted >= words).then_some(counted))
    });
    Ok(counted.is_ok_and(|counted| counted == words))
}

/// When Thalweg began to carry out a plan.
fn plans(status: &Path) -> Vec<u64> {
    let ended = Status::read(status).map(|status| status.ended).unwrap_or_default();
    let first = |ended: crate::status::Ended| {
        ended.steps.iter().map(|step| step.started_at).filter(|at| *at > 0).min()
    };
    ended.into_iter().filter_map(first).collect()
}

fn rescales(
    flink: &FlinkCluster,
    out: &Path,
    begun_ms: u64,
    asked: &[u64],
) -> Result<Vec<Rescale>> {
    let log = fs::read_to_string(flink.job_manager_log())?;
    let moments = Moments::read(out)?;
    let time = |line: &str| line.split(' ').next()?.parse::<u64>().ok();
    let deployed = log.lines().filter(|line| line.contains(DEPLOYED)).filter_map(time);
    let rescale = |at: u64| {
        let window = at.saturating_sub(GAP_BEFORE_MS)..at + GAP_AFTER_MS;
        let (gap, end) = moments.longest_gap(&window)?;
        let open = asked.iter().copied().filter(|asked| *asked <= end).max();
        let secs = |ms: u64| ms as f64 / 1_000.0;
        Some(Rescale {
            at_s: (at as f64 - begun_ms as f64) / 1_000.0,
            gap_s: secs(gap),
            stop_s: secs((at + gap).saturating_sub(end).min(gap)),
            open_s: open.map(|asked| secs(end - asked)),
        })
    };
    // Before the load there is only the job's start.
    Ok(deployed.filter(|at| *at > begun_ms).filter_map(rescale).collect())
}

fn area(samples: &[Sample], of: impl Fn(&Sample) -> f64) -> f64 {
    let parts = samples.windows(2).map(|two| of(&two[0]) * (two[1].at_s - two[0].at_s));
    parts.sum()
}

fn notes(status: &Path) -> Vec<String> {
    let Some(status) = Status::read(status) else { return Vec::new() };
    let ended = status.ended.iter().rev().map(|ended| {
        let counts: Value = json!(ended.plan.counts);
        match &ended.code {
            None => format!("{counts} by {}", ended.how),
            Some(code) => format!("{counts} given up: {code} {}", ended.how),
        }
    });
    ended.chain(status.problems.iter().cloned()).collect()
}
