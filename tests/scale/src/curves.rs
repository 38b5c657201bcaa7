//! Measures curves, each size in a process of its own.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::cluster::{Load, seen};
use crate::dashboards::Manner;
use crate::growth::{Curve, Point};
use crate::rounds::Count;
use crate::size::{Dimension, Size};
use crate::{Figures, dashboards, flink, redis, rounds, shown};

/// What one process measures.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// A cluster of this size, with `idle` what is asked of Redis between rounds, too.
    Cluster {
        /// The size.
        size: Size,
        /// As it says.
        idle: bool,
    },
    /// So many jobs of Flink; those of `paced` at the usual pace.
    Jobs {
        /// How many.
        jobs: u32,
        /// As it says.
        paced: bool,
    },
}

impl Wanted {
    /// Measures it in this process.
    ///
    /// # Errors
    /// When something fails that is measured.
    pub fn measure(self, count: Count) -> Result<Figures> {
        match self {
            Self::Cluster { size, idle } => of_cluster(size, count, idle),
            Self::Jobs { jobs, paced } => flink::measure(jobs, paced),
        }
    }

    /// Measures it in a process of its own.
    fn apart(self, program: &Path) -> Result<Figures> {
        let wanted = serde_json::to_string(&self)?;
        let output = Command::new(program)
            .args(["--point", &wanted])
            .stderr(Stdio::inherit())
            .output()
            .context("this program starts itself")?;
        ensure!(output.status.success(), "{wanted}: {}", output.status);
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// What a cluster of this size takes.
fn of_cluster(size: Size, count: Count, idle: bool) -> Result<Figures> {
    let mut figures = Figures::new();
    for (load, word) in [(Load::Calm, "calm"), (Load::Short, "short")] {
        let folder = tempfile::tempdir()?;
        figures.extend(named(word, rounds::decide(size, load, count)?));
        let (of_rounds, engine) = rounds::measure(size, load, count, folder.path())?;
        figures.extend(named(word, of_rounds));
        if load == Load::Short {
            let topology = seen(size, load, 1).topologies.swap_remove(0).id;
            figures.extend(shown::measure(folder.path(), &topology, size.topologies)?);
        }
        drop(engine);
    }
    let folder = tempfile::tempdir()?;
    figures.extend(redis::measure(size, count, folder.path(), idle)?);
    Ok(figures)
}

fn named(word: &str, figures: Figures) -> Figures {
    figures.into_iter().map(|(name, figure)| (format!("{word}.{name}"), figure)).collect()
}

/// How far curves go.
#[derive(Debug, Clone)]
pub struct Reach {
    /// Executors of the largest cluster.
    pub executors: u32,
    /// How many jobs of Flink there are.
    pub jobs: Vec<u32>,
    /// How many dashboards there are.
    pub dashboards: Vec<u32>,
    /// For how long these look.
    pub lasts: Duration,
}

/// The curve of a cluster along a dimension.
///
/// # Errors
/// When a size cannot be measured.
pub fn cluster(program: &Path, dimension: Dimension, reach: &Reach) -> Result<Curve> {
    let mut points = Vec::new();
    for size in dimension.sizes(reach.executors) {
        let Size { nodes, topologies, executors } = size;
        let words = match dimension {
            Dimension::Together => format!("{nodes} / {topologies} / {executors}"),
            _ => format!("{}", dimension.of(size)),
        };
        eprintln!("{}: {words}", dimension.name());
        let wanted = Wanted::Cluster { size, idle: dimension == Dimension::Together };
        points.push(Point { at: dimension.of(size), size: words, figures: wanted.apart(program)? });
    }
    let grows = match dimension {
        Dimension::Together => "nodes / topologies / executors",
        _ => dimension.name(),
    };
    Ok(Curve { name: dimension.name().to_owned(), grows: grows.to_owned(), points })
}

/// The curve of Flink's jobs, with looks at the usual pace where these are soon over.
///
/// # Errors
/// When a look fails.
pub fn jobs(program: &Path, reach: &Reach) -> Result<Curve> {
    let mut points = Vec::new();
    for &jobs in &reach.jobs {
        eprintln!("jobs: {jobs}");
        let mut figures = Wanted::Jobs { jobs, paced: false }.apart(program)?;
        if jobs <= 10 {
            figures.extend(Wanted::Jobs { jobs, paced: true }.apart(program)?);
        }
        points.push(Point { at: f64::from(jobs), size: jobs.to_string(), figures });
    }
    Ok(Curve { name: "jobs".to_owned(), grows: "jobs of Flink".to_owned(), points })
}

/// The curve of dashboards that ask in one manner.
///
/// # Errors
/// When there is no server to be had.
pub fn watched(program: &Path, manner: Manner, reach: &Reach) -> Result<Curve> {
    let (name, grows) = match manner {
        Manner::Told => ("dashboards-told", "dashboards that ask when they are told of a change"),
        Manner::AtOnce => ("dashboards-at-once", "dashboards that ask again at once"),
    };
    let mut points = Vec::new();
    for &count in &reach.dashboards {
        eprintln!("{name}: {count}");
        let figures = dashboards::measure(program, count, manner, reach.lasts)?;
        points.push(Point { at: f64::from(count), size: count.to_string(), figures });
    }
    Ok(Curve { name: name.to_owned(), grows: grows.to_owned(), points })
}
