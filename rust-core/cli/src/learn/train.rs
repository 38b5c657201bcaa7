//! `thalweg train`: a model from a table.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use serde_json::{Value, json};
use thalweg_learn::recovery::{self, Score};
use thalweg_learn::{Boosted, Registry};

use super::words::{coded, day};
use crate::files::{print_json, text};

/// Trains models from tables and judges them beside the simple rules that they would replace
#[derive(Debug, Args)]
pub struct Train {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Recovery(Recovery),
}

impl Train {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        match self.what {
            What::Recovery(recovery) => recovery.run(),
        }
    }
}

/// How long a job takes from a failure until it has caught up, from recoveries that were seen
#[derive(Debug, Args)]
struct Recovery {
    /// CSV: a column of groups that are left out together, then features, `throughput` and `interval` among them, then the
    /// seconds that it took; a unit stands behind a slash, and an empty cell is missing
    table: PathBuf,
    /// Keeps the model in this folder; without it only the judgement is shown
    #[arg(long, value_name = "DIR", env = "THALWEG_MODELS")]
    models: Option<PathBuf>,
    /// The day that the model is to bear, as `2026-11-30`
    #[arg(long, value_name = "DAY", value_parser = day)]
    date: String,
    /// Where the table came from, for whoever reads the model
    #[arg(long, value_name = "TEXT", default_value = "")]
    source: String,
    /// Prints the result as JSON
    #[arg(long)]
    json: bool,
}

impl Recovery {
    fn run(self) -> Result<()> {
        let name = self.table.display().to_string();
        let table = thalweg_learn::Table::read(&name, &text(&self.table)?).map_err(coded)?;
        let judged = recovery::judge(&table, &Boosted).map_err(coded)?;
        let scores = recovery::scores(&judged);
        let source = if self.source.is_empty() { &name } else { &self.source };
        let file = recovery::model(&table, &Boosted, &self.date, source).map_err(coded)?;
        let wins = file.card.wins();
        let version = match &self.models {
            Some(folder) => Some(Registry::at(folder).add(file.clone()).map_err(coded)?),
            None => None,
        };
        if self.json {
            let scores: Vec<Value> = scores.iter().map(of_score).collect();
            return print_json(
                &json!({ "scores": scores, "model": file, "version": version, "wins": wins }),
            );
        }
        println!("{}", shown(&scores));
        println!("each group foretold from the others, by {}", file.card.trainer);
        match (version, wins) {
            (Some(version), true) => println!(
                "kept as recovery {version}; it wins, and is asked once `thalweg models promote` says so"
            ),
            (Some(version), false) => {
                println!(
                    "kept as recovery {version}; it did not do better than the simple rules and is never asked"
                );
            }
            (None, _) => println!("not kept: --models names the folder"),
        }
        Ok(())
    }
}

fn of_score(score: &Score) -> Value {
    json!({ "name": score.name, "judged": score.judged, "mean_secs": score.mean_secs,
        "median_secs": score.median_secs, "groups": score.groups })
}

fn shown(scores: &[Score]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["foretold by", "judged", "mean error, s", "median error, s"]);
    for score in scores {
        let [mean, median] = [score.mean_secs, score.median_secs].map(|secs| format!("{secs:.1}"));
        table.add_row([score.name.to_owned(), score.judged.to_string(), mean, median]);
    }
    table
}
