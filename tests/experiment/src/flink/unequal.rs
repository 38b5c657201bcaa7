//! Placement alone: nodes of unequal speed and the same parallelism, where Flink puts subtasks and where Thalweg does.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;
use thalweg_lab::counts::Output;
use thalweg_lab::load::{Generator, Load, Rate};
use thalweg_lab::wait::until;
use thalweg_lab::{FlinkCluster, FlinkJob, Kafka};

use super::run::{JOB, START_LIMIT, TOPIC, WORDS_PER_LINE, start, status_file};
use super::side::FlinkSide;
use crate::clock::now_ms;
use crate::status::Status;
use crate::workplace::Workplace;

const SPLIT: usize = 4;
/// Source, split and count: no more than these may run, whatever is desired.
const SUBTASKS: usize = SPLIT + 2;
/// Turns of the burning loop for each millisecond of work; the same on both sides, so they can be compared.
const TURNS_PER_MILLI: u64 = 300_000;
/// Thalweg has this long to act, and both sides to warm up.
const WARM_UP: Duration = Duration::from_secs(40);
const MEASURED: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(500);

/// What both sides get.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Unequal {
    /// Cores of each node.
    pub cores: [f64; 2],
    /// Lines per second, more than either side can do.
    pub rate: f64,
    /// Milliseconds of computing for each line.
    pub line_ms: f64,
}

/// One run of one side.
#[derive(Debug, Clone, Serialize)]
pub struct Placed {
    /// Who placed.
    pub side: FlinkSide,
    /// Lines counted per second.
    pub lines_per_sec: f64,
    /// Splitting subtasks on each node while that was measured.
    pub split: BTreeMap<String, usize>,
    /// Seconds from the start of the load to the end of the last plan.
    pub placed_after_s: Option<f64>,
}

/// Runs one side, and leaves nothing running.
///
/// # Errors
/// When some process fails, or the machine allows no limits of processor time.
pub fn run_unequal(
    side: FlinkSide,
    unequal: Unequal,
    settings: &[(String, String)],
    keep: Option<PathBuf>,
) -> Result<Placed> {
    let workplace = Workplace::new(keep)?;
    let mut settings = settings.to_vec();
    settings.push(("thalweg.scaling.executor.budget".to_owned(), SUBTASKS.to_string()));
    let flink = start(side, workplace.path(), &settings)?;
    let kafka = Kafka::start(flink.hub())?;
    kafka.create_topic(TOPIC, 2)?;
    let out = flink.dir().join("out");
    let job = FlinkJob::word_count(JOB)
        .kafka(kafka.bootstrap(), TOPIC)
        .set("split", SPLIT)
        .set("maxParallelism", SPLIT)
        .set("splitCost", unequal.line_ms)
        .set("iterationsPerMilli", TURNS_PER_MILLI)
        .out(&out);
    let info = flink.submit(&job, START_LIMIT)?;
    until("every subtask", START_LIMIT, || {
        let split = split(&flink, &info.id)?;
        Ok((split.values().sum::<usize>() == SPLIT).then_some(()))
    })?;
    for (n, cores) in (1..).zip(unequal.cores) {
        flink.require_cpu(n, cores)?;
    }
    let begun_ms = now_ms()?;
    let load = Load::new(kafka.bootstrap(), TOPIC, Rate::Constant(unequal.rate));
    let generator = Generator::start(&load.words(WORDS_PER_LINE))?;
    let begun = Instant::now();
    while begun.elapsed() < WARM_UP {
        std::thread::sleep(PAUSE);
    }
    let split = split(&flink, &info.id)?;
    let from = now_ms()?;
    std::thread::sleep(MEASURED);
    let measured = from..now_ms()?;
    generator.stop()?;
    let words = Output::read(&out)?.rate(&measured);
    let ended = Status::read(&status_file(workplace.path())).map(|s| s.ended).unwrap_or_default();
    let last = ended.iter().flat_map(|e| &e.steps).map(|step| step.started_at).max();
    Ok(Placed {
        side,
        lines_per_sec: words / WORDS_PER_LINE as f64,
        split,
        placed_after_s: last.map(|at| (at as f64 - begun_ms as f64) / 1_000.0),
    })
}

/// Running splitting subtasks on each node.
fn split(flink: &FlinkCluster, job: &str) -> Result<BTreeMap<String, usize>> {
    let vertex = flink.rest().job(job)?.vertex("split")?.id.clone();
    let mut nodes = BTreeMap::new();
    for task in flink.rest().subtasks(job, &vertex)? {
        if task.status == "RUNNING" {
            *nodes.entry(task.node).or_default() += 1;
        }
    }
    Ok(nodes)
}
