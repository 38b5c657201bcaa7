//! `thalweg lag`: counts what waits in Kafka, and tells the scheduler.

mod found;
mod said;
mod speaking;

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::anyhow;
use clap::{Args, ValueEnum, value_parser};
use serde_json::{Value, json};
use thalweg_connect::kafka::{self, Group, LagReader, Topics};
use thalweg_control::visible;

use self::found::Found;
use self::said::{Saying, tell, words};
use self::speaking::Speaking;
use super::ask::Live;
use crate::exit::Failure;

/// Commits are looked at so often between two counts.
const COMMITS: Duration = Duration::from_secs(1);
/// What `--found` means without a topology.
const ALL: &str = "*";

/// Where a group begins that has not committed anything.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Begin {
    /// At the oldest record
    Earliest,
    /// Behind the newest
    Latest,
}

/// Counts what waits in Kafka before a topology's sources, and tells the scheduler, which cannot count it on Storm
#[derive(Debug, Args)]
pub struct Lag {
    /// Counts for every source that tells itself where it reads, as KafkaSpout does, and tells the scheduler; of this
    /// topology, or of all
    #[arg(long, value_name = "TOPOLOGY", num_args = 0..=1, default_missing_value = ALL,
        conflicts_with_all = ["topics", "group", "begin", "tell"])]
    found: Option<String>,
    /// With `--found`: tells the scheduler nothing
    #[arg(long, requires = "found")]
    dry_run: bool,
    /// Kafka's address; else `bootstrap.servers` of the properties, or what the source tells
    #[arg(long, value_name = "HOST:PORT")]
    bootstrap: Option<String>,
    /// A topic that the source reads; may be given several times
    #[arg(long = "topic", value_name = "TOPIC", required_unless_present = "found")]
    topics: Vec<String>,
    /// The consumer group of the source
    #[arg(long, value_name = "GROUP", required_unless_present = "found")]
    group: Option<String>,
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
        let speaking = Speaking::of(self.properties.as_ref(), self.bootstrap.as_ref())?;
        match &self.found {
            Some(topology) => self.follow(Found::new(speaking), topology),
            None => self.watch(self.reader(&speaking)?),
        }
    }

    /// Counts for all sources that tell where they read.
    fn follow(&self, mut found: Found, topology: &str) -> Result<(), Failure> {
        let topology = (topology != ALL).then_some(topology);
        let secs = (!self.dry_run).then_some(self.holds_secs());
        let mut saying = Saying::default();
        loop {
            let looked = found.look((&self.live, topology), secs, &mut saying);
            if self.once {
                let all = looked?;
                let text = "not all sources could be counted";
                return if all { Ok(()) } else { Err(Failure::Unreachable(text.to_owned())) };
            }
            if let Err(failure) = looked {
                saying.say("", &failure.to_string(), true);
            }
            self.rest(|| {
                thread::scope(|scope| {
                    for reader in found.readers() {
                        scope.spawn(move || look_at_commits(reader));
                    }
                });
            });
        }
    }

    /// Counts for one group that is named by hand.
    fn watch(&self, mut reader: LagReader) -> Result<(), Failure> {
        let mut saying = Saying::default();
        loop {
            let looked = self.look(&mut reader);
            if self.once {
                return looked.map(|line| println!("{line}"));
            }
            let fine = looked.is_ok();
            saying.say("", &looked.unwrap_or_else(|failure| failure.to_string()), !fine);
            self.rest(|| {
                if fine {
                    look_at_commits(&mut reader);
                }
            });
        }
    }

    /// Waits for the next count, and looks at commits meanwhile.
    fn rest(&self, mut commits: impl FnMut()) {
        for _ in 1..self.every {
            thread::sleep(COMMITS);
            commits();
        }
        thread::sleep(COMMITS);
    }

    fn reader(&self, speaking: &Speaking) -> Result<LagReader, Failure> {
        let properties = speaking.by_hand()?;
        let begin = match self.begin {
            Begin::Earliest => kafka::Begin::Earliest,
            Begin::Latest => kafka::Begin::Latest,
        };
        let (id, topics) = (self.group().to_owned(), Topics::named(self.topics.clone()));
        let reader = LagReader::new(&properties, Group { id, topics, begin });
        Ok(reader.map_err(|error| anyhow!(error))?)
    }

    /// For how long what is told counts: a count or two may fail meanwhile.
    fn holds_secs(&self) -> u32 {
        3 * self.every
    }

    /// The group; clap has seen to it that there is one.
    fn group(&self) -> &str {
        self.group.as_deref().unwrap_or_default()
    }

    /// Counts, tells, and says what was counted.
    fn look(&self, reader: &mut LagReader) -> Result<String, Failure> {
        let lag = reader.read().map_err(|error| Failure::Unreachable(error.to_string()))?;
        if let Some((topology, source)) = &self.tell {
            tell(&self.live, (topology, source), &lag, self.holds_secs())?;
        }
        if self.live.json {
            return Ok(self.as_json(&lag).to_string());
        }
        Ok(visible(&words(&lag, self.group())).into_owned())
    }

    fn as_json(&self, lag: &kafka::Lag) -> Value {
        let partitions = lag.partitions.iter().map(|((topic, partition), waits)| {
            json!({ "topic": topic, "partition": partition, "records": waits.records,
                "at_most": waits.at_most })
        });
        json!({
            "group": self.group,
            "records": lag.records(),
            "at_most": lag.at_most(),
            "partitions": partitions.collect::<Vec<_>>(),
        })
    }
}

/// Between counts it does not matter where that fails: the next count says it.
fn look_at_commits(reader: &mut LagReader) {
    let _ = reader.note_commits();
}
