//! `bench-scale`: how time and memory grow, and what breaks first; writes JSON, tables and plots.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::json;
use thalweg_policies::matrix::root_above;
use thalweg_policies::origin::{commit, machine};
use thalweg_scale::curves::{Reach, Wanted, cluster, jobs, watched};
use thalweg_scale::dashboards::{Manner, serve};
use thalweg_scale::limits::reached;
use thalweg_scale::page::{findings, plots, tables};
use thalweg_scale::rounds::Count;
use thalweg_scale::size::{Dimension, USUAL};

/// Measures how time and memory grow with the cluster, with jobs beside it and with who watches.
#[derive(Parser)]
struct Arguments {
    /// Clusters of at most so many executors
    #[arg(long, default_value_t = 100_000)]
    executors: u32,
    /// These curves of clusters only
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Dimension>,
    /// Numbers of jobs of Flink
    #[arg(long, value_delimiter = ',', default_values_t = [1, 3, 10, 30, 100, 200])]
    jobs: Vec<u32>,
    /// Numbers of dashboards
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10, 100, 200, 300])]
    dashboards: Vec<u32>,
    /// Seconds for which dashboards look
    #[arg(long, default_value_t = 15)]
    lasts: u64,
    /// Where results go
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
    /// Measures one point and prints its figures, as this program asks itself
    #[arg(long, hide = true)]
    point: Option<String>,
    /// Serves an engine to dashboards, as this program asks itself
    #[arg(long, hide = true)]
    serve: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if arguments.serve {
        return serve();
    }
    if let Some(point) = &arguments.point {
        let wanted: Wanted = serde_json::from_str(point)?;
        println!("{}", serde_json::to_string(&wanted.measure(Count::USUAL)?)?);
        return Ok(());
    }
    let root = root_above(&std::env::current_dir()?).context("run this within the repository")?;
    let out = root.join(&arguments.out);
    fs::create_dir_all(&out)?;
    let program = std::env::current_exe()?;
    let reach = Reach {
        executors: arguments.executors,
        jobs: arguments.jobs,
        dashboards: arguments.dashboards,
        lasts: Duration::from_secs(arguments.lasts),
    };
    let load = || fs::read_to_string("/proc/loadavg").unwrap_or_default().trim().to_owned();
    let begun = load();
    let only = arguments.only;
    let wanted = |one: &Dimension| only.is_empty() || only.contains(one);
    let mut curves = Vec::new();
    for dimension in Dimension::ALL.into_iter().filter(wanted) {
        curves.push(cluster(&program, dimension, &reach)?);
    }
    if !reach.jobs.is_empty() {
        curves.push(jobs(&program, &reach)?);
    }
    if !reach.dashboards.is_empty() {
        for manner in [Manner::Told, Manner::AtOnce] {
            curves.push(watched(&program, manner, &reach)?);
        }
    }
    let limits: Vec<_> = curves
        .iter()
        .map(|curve| json!({ "curve": curve.name, "limits": reached(curve) }))
        .collect();
    let steep = findings(&curves);
    let told = json!({
        "name": "scale", "commit": commit(&root), "machine": machine(), "load": [begun, load()],
        "usual": USUAL, "rounds": { "warm": Count::USUAL.warm, "measured": Count::USUAL.measured },
        "curves": curves, "limits": limits, "steep": steep,
    });
    fs::write(out.join("scale.json"), serde_json::to_string_pretty(&told)?)?;
    let text = tables(&curves)?;
    fs::write(out.join("scale-tables.md"), &text)?;
    for (name, svg) in plots(&curves)? {
        fs::write(out.join(name), svg)?;
    }
    println!("{text}");
    for line in steep {
        println!("steep: {line}");
    }
    println!("wrote {}/scale.json, scale-tables.md and plots", out.display());
    Ok(())
}
