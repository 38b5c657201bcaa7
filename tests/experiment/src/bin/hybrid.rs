//! `hybrid`: Spark at the edge, Flink in the cloud, and Thalweg with both.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use thalweg_experiment::hybrid::{Options, run};
use thalweg_experiment::workplace::clean_up_when_interrupted;

/// Runs taxi trips through Spark at the edge, Kafka and Flink in the cloud while parts die, and compares with a batch.
#[derive(Parser)]
struct Cli {
    /// Days of the month
    #[arg(long, default_value_t = 31, value_parser = clap::value_parser!(u8).range(1..=31))]
    days: u8,
    /// Seconds in which they come
    #[arg(long, default_value_t = 180, value_parser = clap::value_parser!(u64).range(30..=3_600))]
    secs: u64,
    /// Nothing dies
    #[arg(long)]
    calm: bool,
    /// The command thalweg
    #[arg(long, default_value = "target/debug/thalweg")]
    thalweg: PathBuf,
    /// Keeps all files in this folder
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Writes the outcome into this file
    #[arg(long)]
    json: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    clean_up_when_interrupted()?;
    let options = Options {
        days: cli.days.into(),
        length: Duration::from_secs(cli.secs),
        faults: !cli.calm,
        thalweg: fs::canonicalize(&cli.thalweg)
            .with_context(|| cli.thalweg.display().to_string())?,
        keep: cli.keep,
    };
    let report = run(&options, |said| println!("hybrid: {said}"))?;
    print!("\n{report}");
    if let Some(file) = cli.json {
        fs::write(&file, serde_json::to_string_pretty(&report)? + "\n")
            .with_context(|| file.display().to_string())?;
    }
    Ok(if report.is_right() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
