//! `bench-workers`: what the start of a Storm worker costs, with and without an archive of its classes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use serde_json::json;
use thalweg_experiment::summary::Summary;
use thalweg_experiment::workplace::clean_up_when_interrupted;
use thalweg_lab::counts::Output;
use thalweg_lab::load::{Generator, Load, Rate};
use thalweg_lab::process::marked;
use thalweg_lab::wait::until;
use thalweg_lab::{Kafka, StormBuilder, StormCluster, StormJob};

const LIMIT: Duration = Duration::from_secs(90);
const TOPIC: &str = "lines";
const LINES: f64 = 50.0;
/// As old as a worker is when it has long been at work.
const SETTLED_SECS: f64 = 20.0;
const LOOK: Duration = Duration::from_millis(20);
/// Of the times in `/proc`.
const TICKS: f64 = 100.0;

/// Measures the start of a Storm worker with and without an archive of its classes, in turn.
#[derive(Parser)]
struct Cli {
    /// Starts of each side
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// The command thalweg, which makes the archive
    #[arg(long, default_value = "target/debug/thalweg")]
    thalweg: PathBuf,
    /// Only writes the names of the classes that a worker loads into this file
    #[arg(long)]
    list: Option<PathBuf>,
}

/// One start.
#[derive(Debug, Clone, Copy)]
struct Start {
    /// Seconds from the launch of the process to the first tuple that was counted.
    secs: f64,
    /// Processor seconds until then, of the worker and of the process that writes its log.
    cpu: f64,
    /// Processor seconds within the first seconds of its life.
    settled: f64,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    clean_up_when_interrupted()?;
    let folder = tempfile::tempdir()?;
    let storm = StormBuilder::new(folder.path()).nodes(1).start()?;
    let kafka = Kafka::start(storm.hub())?;
    kafka.create_topic(TOPIC, 1)?;
    let load = Load::new(kafka.bootstrap(), TOPIC, Rate::Constant(LINES));
    let _load = Generator::start(&load)?;
    let bench = Bench { storm, kafka, folder: folder.path().to_owned() };
    if let Some(list) = &cli.list {
        return bench.list(list);
    }
    let archive = bench.archive(&cli.thalweg)?;
    let with = format!("-Xshare:auto -XX:SharedArchiveFile={}", archive.display());
    let mut sides: BTreeMap<&str, Vec<Start>> = BTreeMap::new();
    for round in 0..cli.rounds {
        let mut pair = [("without", ""), ("with", &*with)];
        if round % 2 == 1 {
            pair.reverse();
        }
        for (side, flags) in pair {
            let start = bench.start(&format!("{side}-{round}"), flags)?;
            eprintln!("  round {} {side:<8} {start:.2?}", round + 1);
            sides.entry(side).or_default().push(start);
        }
    }
    report(&sides)
}

struct Bench {
    storm: StormCluster,
    kafka: Kafka,
    folder: PathBuf,
}

impl Bench {
    /// Makes the archive as a user does.
    fn archive(&self, thalweg: &Path) -> Result<PathBuf> {
        let out = self.folder.join("workers.jsa");
        let home = self.folder.join("storm/home");
        let mut command = Command::new(thalweg);
        let output = command.arg("worker-archive").arg(home).arg("--out").arg(&out).output();
        let output = output.context("thalweg")?;
        ensure!(output.status.success(), "no archive was made: {output:?}");
        Ok(out)
    }

    /// Starts a topology of one worker, measures it, and ends it.
    fn start(&self, name: &str, flags: &str) -> Result<Start> {
        let journals = self.folder.join(name);
        let topology = StormJob::word_count(name, self.kafka.bootstrap(), TOPIC)
            .set("workers", 1)
            .out(&journals);
        let topology = match flags {
            "" => topology,
            flags => topology
                .set("topology.worker.childopts", flags)
                .set("topology.worker.logwriter.childopts", format!("-Xmx16m {flags}")),
        };
        self.storm.hand_in(&topology)?;
        until("the first tuple", LIMIT, || Ok(Output::read(&journals)?.first()))?;
        let processes = self.worker()?;
        let (secs, cpu) = spent(&processes)?;
        while spent(&processes)?.0 < SETTLED_SECS {
            sleep(LOOK);
        }
        let settled = spent(&processes)?.1;
        self.storm.control().kill(name, 0)?;
        until("the end of the worker", LIMIT, || Ok(self.worker()?.is_empty().then_some(())))?;
        Ok(Start { secs, cpu, settled })
    }

    /// The processes of the only worker there is.
    fn worker(&self) -> Result<Vec<u32>> {
        let found = marked(self.storm.dir());
        let of_worker = |words: &[String]| words.iter().any(|w| w.starts_with("-Dworker.port="));
        Ok(found.into_iter().filter(|p| of_worker(&p.command)).map(|p| p.pid).collect())
    }

    /// Writes the classes that a worker loads, without those that come with the topology.
    fn list(&self, file: &Path) -> Result<()> {
        let raw = self.folder.join("classes");
        self.start("listed", &format!("-XX:DumpLoadedClassList={}", raw.display()))?;
        let text = fs::read_to_string(&raw).with_context(|| raw.display().to_string())?;
        // Lines with other signs belong to the process that wrote them.
        let plain =
            |line: &&str| line.chars().all(|c| c.is_ascii_alphanumeric() || "/$_".contains(c));
        let users = ["io/thalweg/", "org/apache/kafka/", "com/fasterxml/"];
        let own = |line: &&str| !users.iter().any(|start| line.starts_with(start));
        let names: BTreeSet<&str> = text.lines().filter(plain).filter(own).collect();
        let names: Vec<&str> = names.into_iter().collect();
        eprintln!("{} classes", names.len());
        Ok(fs::write(file, names.join("\n") + "\n")?)
    }
}

/// The age of the oldest of some processes, and what all of them have had of processors, both in seconds.
fn spent(processes: &[u32]) -> Result<(f64, f64)> {
    let uptime = fs::read_to_string("/proc/uptime")?;
    let uptime: f64 = uptime.split(' ').next().context("no uptime")?.parse()?;
    let (mut age, mut cpu) = (0.0_f64, 0.0);
    for pid in processes {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("a worker has ended")?;
        // Its name, in brackets, may have blanks.
        let (_, fields) = stat.rsplit_once(')').context("no name")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks = |field: usize| -> Result<f64> {
            Ok(fields.get(field).context("too few fields")?.parse::<f64>()? / TICKS)
        };
        age = age.max(uptime - ticks(19)?);
        cpu += ticks(11)? + ticks(12)?;
    }
    Ok((age, cpu))
}

/// Tells people on the error channel, and programs on the other.
fn report(sides: &BTreeMap<&str, Vec<Start>>) -> Result<()> {
    type Measure = (&'static str, fn(&Start) -> f64);
    const MEASURES: [Measure; 3] = [
        ("secs_to_first_tuple", |start| start.secs),
        ("core_secs_to_first_tuple", |start| start.cpu),
        ("core_secs_settled", |start| start.settled),
    ];
    let mut told = json!({});
    for (side, starts) in sides {
        for (name, of) in MEASURES {
            let values: Vec<f64> = starts.iter().map(of).collect();
            let summary = Summary::of(&values).context("no rounds")?;
            eprintln!("{side:<8} {name:<26} {summary}");
            told[*side][name] = json!({ "summary": summary, "values": values });
        }
    }
    println!("{told}");
    Ok(())
}
