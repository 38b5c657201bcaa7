//! What the two sides are compared in.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Result, bail};
use serde::Serialize;
use serde_json::{Value, json};
use thalweg_lab::Network;
use thalweg_lab::load::Rate;

/// Recorded loads.
const LOADS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/load");

/// Which scheduler places executors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Storm's `DefaultScheduler`.
    #[default]
    Default,
    /// Thalweg.
    Thalweg,
}

impl Side {
    /// The name for people.
    pub fn on(self, engine: Engine) -> &'static str {
        match (self, engine) {
            (Self::Default, Engine::Storm) => "DefaultScheduler",
            (Self::Default, Engine::Flink) => "Flink alone",
            (Self::Thalweg, _) => "Thalweg",
        }
    }

    /// The name in files and options.
    pub fn key(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Thalweg => "thalweg",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.on(Engine::Storm))
    }
}

/// What runs the topology.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// Apache Storm.
    #[default]
    Storm,
    /// Apache Flink.
    Flink,
}

impl FromStr for Engine {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "storm" => Ok(Self::Storm),
            "flink" => Ok(Self::Flink),
            _ => bail!("no engine {text}: storm or flink"),
        }
    }
}

/// What happens to a node once output is steady.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It keeps this many cores.
    Cores(f64),
    /// Its link sends this many kilobits per second.
    Kilobits(u32),
}

/// How the load goes on once output is steady, and for how long it is measured then.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Course {
    /// As it began; measured is a stage after Thalweg came to rest.
    #[default]
    Constant,
    /// This many times as much, and back again; all of it is measured.
    Steps {
        /// How many times as much.
        factor: f64,
        /// Seconds of each of the three parts.
        part_secs: u32,
    },
    /// A recorded series with the situation's rate as its mean; all of it is measured.
    Series {
        /// A file of `data/load`.
        file: &'static str,
        /// Values of it that are used, from the first.
        values: usize,
        /// Seconds in which they are played.
        secs: u32,
    },
}

/// Lines for each second of three parts, the second with so many times the load.
pub fn steps(rate: f64, factor: f64, part_secs: u32) -> Vec<f64> {
    let part = |level: f64| std::iter::repeat_n(level * rate, part_secs as usize);
    part(1.0).chain(part(factor)).chain(part(1.0)).collect()
}

/// Seconds between two values of a load that changes.
const COURSE_STEP_SECS: f64 = 1.0;

impl Course {
    /// Lines for each second that the course takes, given the situation's rate; none for a constant one.
    ///
    /// # Errors
    /// When the series cannot be read.
    pub fn rates(self, rate: f64) -> Result<Option<Vec<f64>>> {
        let (levels, secs) = match self {
            Self::Constant => return Ok(None),
            Self::Steps { factor, part_secs } => {
                return Ok(Some(steps(rate, factor, part_secs)));
            }
            Self::Series { file, values, secs } => {
                (Rate::values_of(&Path::new(LOADS).join(file), values)?, secs)
            }
        };
        let series = Rate::series(&levels, rate, f64::from(secs))?;
        let seconds = 0..secs;
        Ok(Some(seconds.map(|second| series.at(f64::from(second) * COURSE_STEP_SECS)).collect()))
    }

    /// The load of such rates.
    pub fn load(rates: Vec<f64>) -> Rate {
        Rate::Series { values: rates, step_secs: COURSE_STEP_SECS }
    }
}

/// A cluster, a topology, a load, and what happens to them.
///
/// Nodes are control groups with a share of the machine's processor, so that a few of them fit on two cores.
#[derive(Debug, Clone, Serialize)]
pub struct Situation {
    /// Its short name.
    pub name: &'static str,
    /// What runs it.
    pub engine: Engine,
    /// What it is, for people.
    pub title: &'static str,
    /// Cores of each node.
    pub cores: Vec<f64>,
    /// Whether nodes declare how many they have, as operators do for Storm's ResourceAwareScheduler.
    pub declared: bool,
    /// How nodes are joined.
    #[serde(skip)]
    pub network: Network,
    /// Arguments of the WordCount.
    pub arguments: BTreeMap<&'static str, &'static str>,
    /// Lines per second.
    pub rate: f64,
    /// Words in each line, and so tuples of output for each of input.
    pub words_per_line: u32,
    /// Kilobits per second that nodes may send, by their number from 1, once the topology is up.
    pub links: Vec<(usize, u32)>,
    /// What happens, once output is steady, to one node that splits lines but reads none.
    pub change: Option<Change>,
    /// How the load goes on.
    pub course: Course,
    /// Whether there is something to gain by acting.
    pub act: bool,
    /// Keys of `storm.yaml` that Thalweg's side needs here.
    pub settings: Vec<(&'static str, Value)>,
}

/// Words in each line, where a situation does not ask for more traffic.
pub const WORDS_PER_LINE: u32 = 7;

impl Situation {
    /// All of them.
    pub fn all() -> Vec<Self> {
        vec![
            Self {
                act: true,
                ..Self::on(
                    "a",
                    "equal nodes, started with too few executors",
                    vec![0.5; 3],
                    [("split", "1"), ("splitTasks", "12"), ("splitCost", "4")],
                    130.0,
                )
            },
            Self {
                act: true,
                // On the slow node a worker is still being compiled when the others have long warmed up, and what
                // an overloaded worker loses as it ends is replayed a message timeout later.
                settings: vec![
                    ("thalweg.metrics.settle.secs", json!(15)),
                    ("thalweg.metrics.window.secs", json!(20)),
                    ("thalweg.action.cool.down.secs", json!(60)),
                ],
                ..Self::on(
                    "b",
                    "nodes of ability 1, 1/2 and 1/4",
                    // Less than the machine has in all, or the fast nodes would not get their share.
                    vec![0.8, 0.4, 0.2],
                    [("split", "6"), ("splitTasks", "12"), ("splitCost", "8")],
                    60.0,
                )
            },
            Self {
                act: true,
                change: Some(Change::Cores(0.15)),
                ..Self::on(
                    "c",
                    "a node that loses three quarters of its processor in mid-run",
                    vec![0.6; 3],
                    [("split", "6"), ("splitTasks", "12"), ("splitCost", "4")],
                    90.0,
                )
            },
            Self {
                act: true,
                change: Some(Change::Kilobits(100)),
                network: Network::Namespaces,
                ..Self::on(
                    "d",
                    "a node whose link becomes slow in mid-run",
                    vec![0.6; 3],
                    [("split", "3"), ("splitTasks", "12"), ("splitCost", "2")],
                    90.0,
                )
            },
            Self::on(
                "e",
                "equal nodes with enough executors: nothing to gain",
                vec![0.6; 3],
                [("split", "3"), ("splitTasks", "12"), ("splitCost", "2")],
                60.0,
            ),
            Self {
                act: true,
                declared: true,
                network: Network::Namespaces,
                words_per_line: 20,
                links: vec![(2, 300)],
                settings: vec![("thalweg.scaling.enabled", json!(false))],
                ..Self::on(
                    "f",
                    "placement alone: many words on nodes of ability 1, 1/2 and 1/4, one with a narrow link",
                    vec![1.0, 0.5, 0.25],
                    [("split", "6"), ("splitTasks", "12"), ("splitCost", "4")],
                    100.0,
                )
            },
            Self {
                act: true,
                course: Course::Steps { factor: 3.0, part_secs: 80 },
                ..Self::on(
                    "g",
                    "a load that triples for a while",
                    vec![0.6; 3],
                    [("split", "1"), ("splitTasks", "12"), ("splitCost", "6")],
                    30.0,
                )
            },
            Self {
                act: true,
                course: Course::Series { file: "taxi_5min.csv", values: 288, secs: 240 },
                ..Self::on(
                    "h",
                    "a recorded day of taxi trips, 360 times as fast",
                    vec![0.6; 3],
                    [("split", "1"), ("splitTasks", "12"), ("splitCost", "6")],
                    60.0,
                )
            },
        ]
    }

    fn on(
        name: &'static str,
        title: &'static str,
        cores: Vec<f64>,
        arguments: [(&'static str, &'static str); 3],
        rate: f64,
    ) -> Self {
        let shared = [("workers", "3"), ("count", "3")];
        let arguments = arguments.into_iter().chain(shared).collect();
        let network = Network::Loopback;
        Self {
            name,
            engine: Engine::Storm,
            title,
            cores,
            declared: false,
            network,
            arguments,
            rate,
            words_per_line: WORDS_PER_LINE,
            links: Vec::new(),
            change: None,
            course: Course::Constant,
            act: false,
            settings: Vec::new(),
        }
    }

    /// The first one on Flink: a job that was started with too few subtasks.
    pub fn on_flink() -> Self {
        let arguments = [("split", "1"), ("splitCost", "5")];
        Self {
            name: "a",
            engine: Engine::Flink,
            title: "two equal TaskManagers, a job started with too few subtasks",
            cores: vec![0.7; 2],
            declared: false,
            network: Network::Loopback,
            arguments: arguments.into(),
            rate: 150.0,
            words_per_line: WORDS_PER_LINE,
            links: Vec::new(),
            change: None,
            course: Course::Constant,
            act: true,
            settings: Vec::new(),
        }
    }

    /// What actions are ordered in: nodes with room, and nothing that Thalweg would do by itself.
    pub fn outage() -> Self {
        Self {
            settings: vec![
                ("thalweg.action.daily.limit", json!(0)),
                ("thalweg.metrics.settle.secs", json!(8)),
            ],
            ..Self::on(
                "outage",
                "actions one after another, on nodes with room",
                vec![0.6; 3],
                [("split", "2"), ("splitTasks", "8"), ("splitCost", "1")],
                200.0,
            )
        }
    }

    /// Executors asked for at submission.
    pub fn executors(&self, component: &str) -> Option<u32> {
        self.arguments.get(component)?.parse().ok()
    }
}

impl FromStr for Situation {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        match Self::all().into_iter().find(|situation| situation.name == name) {
            Some(situation) => Ok(situation),
            None => bail!("no situation {name}: there are a to h"),
        }
    }
}
