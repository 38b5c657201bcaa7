//! Clusters by hand: `thalweg-lab up --dir D`, then `submit`, `load`, `status`, `counts`, and `down --dir D`.

mod lab;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use thalweg_lab::load::{Generator, Load, Rate};
use thalweg_lab::{Network, Profile, kafka};

use lab::Lab;

#[derive(Parser)]
#[command(about = "Starts real clusters on this machine, loads them, and stops them")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Starts Kafka and a Storm cluster in a work folder
    Up(Up),
    /// Holds what `up` started; not for hand use
    #[command(hide = true)]
    Hold(Up),
    /// Stops everything that was started in a work folder
    Down(Dir),
    /// Shows supervisors, topologies and where executors run
    Status(Dir),
    /// Submits a WordCount; further arguments are its own `key=value` settings
    Submit(Submit),
    /// Sends lines to Kafka
    Load(LoadArguments),
    /// Shows output and latencies of the last seconds from the journals in `<dir>/out`
    Counts(Counts),
}

#[derive(Args)]
struct Dir {
    /// The work folder
    #[arg(long)]
    dir: PathBuf,
}

#[derive(Args)]
struct Up {
    /// The work folder, made if absent
    #[arg(long)]
    dir: PathBuf,
    #[arg(long, default_value_t = 2)]
    nodes: usize,
    /// Slots on each node
    #[arg(long, default_value_t = 4)]
    slots: u16,
    /// Class of Storm's scheduler
    #[arg(long)]
    scheduler: Option<String>,
    /// A jar for the daemons' class path; may be repeated
    #[arg(long = "jar")]
    jars: Vec<PathBuf>,
    /// A key of storm.yaml, `key=json`; may be repeated
    #[arg(long = "set")]
    settings: Vec<String>,
    /// Timings: fast, default or ultra
    #[arg(long, default_value = "fast")]
    profile: Profile,
    /// Gives each node its own network namespace
    #[arg(long)]
    namespaces: bool,
    /// The JDK of daemons and workers
    #[arg(long)]
    java_home: Option<PathBuf>,
    /// Also starts a Redis server
    #[arg(long)]
    redis: bool,
}

#[derive(Args)]
struct Submit {
    /// The work folder
    #[arg(long)]
    dir: PathBuf,
    #[arg(long, default_value = "wordcount")]
    name: String,
    /// The topic, made with four partitions if absent
    #[arg(long, default_value = "lines")]
    topic: String,
    /// `split=2 splitTasks=8 splitCost=2 workers=3 ...`
    settings: Vec<String>,
}

#[derive(Args)]
struct LoadArguments {
    /// The work folder
    #[arg(long)]
    dir: PathBuf,
    #[arg(long, default_value = "lines")]
    topic: String,
    /// Mean records per second
    #[arg(long, default_value_t = 200.0)]
    rate: f64,
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
    /// Follows this series (`time,value` lines, one step each), scaled to the mean rate
    #[arg(long)]
    csv: Option<PathBuf>,
    /// Sends the taxi trips of a month instead, in their order and so many times faster, until all are sent
    #[arg(long, value_name = "SPEEDUP", conflicts_with_all = ["rate", "seconds", "csv"])]
    trips: Option<f64>,
    /// Sends each trip so many times
    #[arg(long, default_value_t = 1, requires = "trips")]
    copies: u64,
}

#[derive(Args)]
struct Counts {
    /// The work folder
    #[arg(long)]
    dir: PathBuf,
    /// How far to look back
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

fn main() -> Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    match Cli::parse().verb {
        Verb::Up(up) => up.start(),
        Verb::Hold(up) => up.hold(),
        Verb::Down(dir) => Lab::down(&dir.dir),
        Verb::Status(dir) => Lab::open(&dir.dir)?.print_status(),
        Verb::Submit(submit) => submit.run(),
        Verb::Load(load) => load.run(),
        Verb::Counts(counts) => {
            Lab::open(&counts.dir)?.print_counts(Duration::from_secs(counts.seconds))
        }
    }
}

impl Up {
    fn start(&self) -> Result<()> {
        // The holder gets this very command line, with its own verb.
        let arguments: Vec<_> = std::env::args_os().skip(2).collect();
        let lab = Lab::spawn_holder(&self.dir, &arguments)?;
        println!("nimbus {}  kafka {}  conf {}", lab.nimbus, lab.kafka, lab.conf.display());
        if let Some(redis) = lab.redis {
            println!("redis {redis}");
        }
        Ok(())
    }

    fn hold(&self) -> Result<()> {
        let mut builder = thalweg_lab::StormBuilder::new(&self.dir)
            .nodes(self.nodes)
            .slots(self.slots)
            .profile(self.profile);
        if self.namespaces {
            builder = builder.network(Network::Namespaces);
        }
        if let Some(class) = &self.scheduler {
            builder = builder.scheduler(class);
        }
        if let Some(home) = &self.java_home {
            builder = builder.java_home(home);
        }
        for jar in &self.jars {
            builder = builder.daemon_jar(jar);
        }
        for setting in &self.settings {
            let (key, value) =
                setting.split_once('=').with_context(|| format!("not key=value: {setting}"))?;
            let value: serde_json::Value =
                serde_json::from_str(value).unwrap_or_else(|_| value.into());
            builder = builder.set(key, value);
        }
        Lab::hold(&builder, self.redis)
    }
}

impl Submit {
    fn run(&self) -> Result<()> {
        let lab = Lab::open(&self.dir)?;
        if kafka::create_topic(&lab.kafka, &self.topic, 4).is_ok() {
            println!("made topic {}", self.topic);
        }
        lab.submit(&self.name, &self.topic, &self.settings)
    }
}

impl LoadArguments {
    fn run(&self) -> Result<()> {
        let lab = Lab::open(&self.dir)?;
        let sent = Generator::start(&self.load(&lab.kafka)?)?.join()?;
        println!("sent {} records, {} late", sent.records, sent.late);
        Ok(())
    }

    fn load(&self, bootstrap: &str) -> Result<Load> {
        if let Some(speedup) = self.trips {
            return Load::trips(bootstrap, &self.topic, speedup, self.copies);
        }
        let rate = match &self.csv {
            None => Rate::Constant(self.rate),
            Some(file) => Rate::from_csv(file, self.rate, self.seconds)?,
        };
        let lasting = Duration::from_secs_f64(self.seconds);
        Ok(Load::new(bootstrap, &self.topic, rate).lasting(lasting))
    }
}
