//! Spark at the edge and Flink in the cloud, with Thalweg beside the one and in the other, while parts of both die.
//!
//! A month of taxi trips comes into a folder at the edge, hour by hour; Spark cleans them and sums them by zone and
//! quarter of an hour; the sums go through Kafka to Flink, which makes demand and revenue by zone and hour of them. What
//! comes out has to be what a batch over all trips comes to.

mod answers;
mod fault;
mod feed;
mod report;
mod stage;

pub use report::Report;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use thalweg_lab::kafka::{progress, values};
use thalweg_lab::process::tails;
use thalweg_lab::text::Trips;
use thalweg_lab::wait::until_seen;

use crate::workplace::Workplace;
use answers::Answers;
use fault::FAULTS;
use feed::Feed;
use report::Recovery;
use stage::{Stage, TOPIC};

/// Pickups of one file.
const FILE_SECS: i64 = 3_600;
const LOOK: Duration = Duration::from_millis(200);
/// For what is left when the last file has come.
const END_LIMIT: Duration = Duration::from_secs(240);

/// What is to be gone through.
#[derive(Debug, Clone)]
pub struct Options {
    /// Days of the month, from its first on.
    pub days: usize,
    /// The time in which they come.
    pub length: Duration,
    /// Whether parts die on the way.
    pub faults: bool,
    /// The command `thalweg`.
    pub thalweg: PathBuf,
    /// Where all files are kept afterwards.
    pub keep: Option<PathBuf>,
}

/// Goes through the load, and leaves nothing running.
///
/// # Errors
/// When a process fails or is late.
pub fn run(options: &Options, say: impl Fn(&str)) -> Result<Report> {
    let workplace = Workplace::new(options.keep.clone())?;
    let trips = Trips::read(1)?;
    let files: Vec<_> = trips.by_file(FILE_SECS).into_iter().take(24 * options.days).collect();
    say("Kafka, Flink with Thalweg in its JobManager, Spark with Thalweg beside it");
    let mut stage = Stage::open(workplace.path(), &options.thalweg)?;
    say(&format!("{} hours of trips in {} s", files.len(), options.length.as_secs()));
    let feed = Feed::start(stage.trips(), &files, options.length)?;
    let mut report = Report { days: options.days, ..Report::default() };
    let begun = Instant::now();
    let mut faults = FAULTS.iter().filter(|_| options.faults).peekable();
    while !feed.is_over() {
        stage.look(&mut report);
        let share = begun.elapsed().as_secs_f64() / options.length.as_secs_f64();
        if let Some((_, fault)) = faults.next_if(|(at, _)| share >= *at) {
            say(&format!("{fault:?} dies"));
            let took = stage.survives(*fault)?;
            say(&format!("{fault:?}: the next result after {took:.1} s"));
            report.recoveries.push(Recovery { what: format!("{fault:?}"), secs: took });
        }
        std::thread::sleep(LOOK);
    }
    report.trips = feed.join()?;
    say("all trips have come; the rest is worked on");
    let batch = Answers::batch(&stage, options.days)?;
    let look = || {
        stage.look(&mut report);
        Ok(batch.compared(&Answers::streamed(&stage.out())?))
    };
    let limit = END_LIMIT + options.length;
    let compared = until_seen("all results", limit, look, |compared| compared.missing == 0)
        .with_context(|| tails(&stage.logs()))?;
    report.windows = batch.len();
    report.different = compared.different;
    report.records = progress(stage.bootstrap(), TOPIC, "nobody")?.written;
    let mut known: Vec<String> = values(stage.bootstrap(), TOPIC)?;
    known.sort_unstable();
    known.dedup();
    report.twice = report.records - known.len() as u64;
    stage.look(&mut report);
    report.seconds = begun.elapsed().as_secs_f64();
    stage.close()?;
    Ok(report)
}
