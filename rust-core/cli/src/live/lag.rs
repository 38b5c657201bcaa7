//! `thalweg lag`: counts what waits in Kafka, and tells the scheduler.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum, value_parser};
use serde_json::{Value, json};
use thalweg_connect::kafka::{self, Group, LagReader, read_properties};
use thalweg_control::{Backlog, Command, Waiting};

use super::ask::Live;
use crate::exit::Failure;

/// Where a group begins that has not committed anything.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Begin {
    /// At the oldest record
    Earliest,
    /// Behind the newest
    Latest,
}

/// Counts what waits in Kafka before a topology's source, and tells the scheduler, which cannot count it on Storm
#[derive(Debug, Args)]
pub struct Lag {
    /// Kafka's address; else `bootstrap.servers` of the properties
    #[arg(long, value_name = "HOST:PORT")]
    bootstrap: Option<String>,
    /// A topic that the source reads; may be given several times
    #[arg(long = "topic", value_name = "TOPIC", required = true)]
    topics: Vec<String>,
    /// The consumer group of the source
    #[arg(long, value_name = "GROUP")]
    group: String,
    /// Where the group begins without a commit
    #[arg(long, value_enum, default_value = "earliest")]
    begin: Begin,
    /// Properties of Kafka clients (`security.protocol`, `sasl.…`, `ssl.…`), as the source's own file has them
    #[arg(long, value_name = "FILE")]
    properties: Option<PathBuf>,
    /// Tells the scheduler that this is what waits before a source of a topology; without, it is only printed
    #[arg(long, value_name = "TOPOLOGY=SOURCE", value_parser = source)]
    tell: Option<(String, String)>,
    /// Seconds between two counts. What was told counts for three times as long
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = value_parser!(u32).range(1..=200))]
    every: u32,
    /// Counts once, and ends
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    live: Live,
}

fn source(text: &str) -> Result<(String, String), String> {
    let (topology, source) = text.split_once('=').ok_or("expected TOPOLOGY=SOURCE")?;
    Ok((topology.to_owned(), source.to_owned()))
}

impl Lag {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let mut reader = self.reader()?;
        let mut said = String::new();
        loop {
            let looked = self.look(&mut reader);
            if self.once {
                return looked.map(|line| println!("{line}"));
            }
            let (line, fine) = match looked {
                Ok(line) => (line, true),
                Err(failure) => (failure.to_string(), false),
            };
            // What does not change is said once.
            if line != said {
                if fine {
                    println!("{line}")
                } else {
                    eprintln!("thalweg: {line}")
                }
                said = line;
            }
            thread::sleep(Duration::from_secs(u64::from(self.every)));
        }
    }

    fn reader(&self) -> Result<LagReader, Failure> {
        let mut properties = match &self.properties {
            None => BTreeMap::new(),
            Some(file) => {
                let place = || file.display().to_string();
                let text = fs::read_to_string(file).with_context(place)?;
                read_properties(&text).map_err(|error| anyhow!("{}: {error}", place()))?
            }
        };
        if let Some(bootstrap) = &self.bootstrap {
            properties.insert("bootstrap.servers".to_owned(), bootstrap.clone());
        }
        if !properties.contains_key("bootstrap.servers") {
            return Err(
                anyhow!("where is Kafka? Give --bootstrap HOST:PORT, or --properties").into()
            );
        }
        let begin = match self.begin {
            Begin::Earliest => kafka::Begin::Earliest,
            Begin::Latest => kafka::Begin::Latest,
        };
        let group = Group { id: self.group.clone(), topics: self.topics.clone(), begin };
        Ok(LagReader::new(&properties, group).map_err(|error| anyhow!(error))?)
    }

    /// Counts, tells, and says what was counted.
    fn look(&self, reader: &mut LagReader) -> Result<String, Failure> {
        let lag = reader.read().map_err(|error| Failure::Unreachable(error.to_string()))?;
        let partitions = u32::try_from(lag.partitions.len()).unwrap_or(u32::MAX);
        if let Some((topology, source)) = &self.tell {
            let waiting = Waiting { records: lag.records(), partitions: Some(partitions) };
            let sources = BTreeMap::from([(source.clone(), waiting)]);
            let backlog = Backlog { topology: topology.clone(), sources, secs: 3 * self.every };
            self.live.ask(Command::Backlog(backlog))?;
        }
        if self.live.json {
            return Ok(self.as_json(&lag).to_string());
        }
        let (group, records) = (&self.group, lag.records());
        Ok(format!("{records} records wait before {group}, in {partitions} partitions"))
    }

    fn as_json(&self, lag: &kafka::Lag) -> Value {
        let partitions = lag.partitions.iter().map(|((topic, partition), records)| {
            json!({ "topic": topic, "partition": partition, "records": records })
        });
        json!({
            "group": self.group,
            "records": lag.records(),
            "partitions": partitions.collect::<Vec<_>>(),
        })
    }
}
