//! `thalweg models`: models that are kept, and which of them is asked.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use serde_json::{Value, json};
use thalweg_control::visible;
use thalweg_core::learning::Card;
use thalweg_learn::{Listed, Registry};

use super::words::{coded, day};
use crate::files::print_json;

/// Lists models, compares their versions, and says which is asked
#[derive(Debug, Args)]
pub struct Models {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(List),
    Compare(Compare),
    Promote(Promote),
    RollBack(RollBack),
}

impl Models {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        match self.command {
            Command::List(list) => list.run(),
            Command::Compare(compare) => compare.run(),
            Command::Promote(promote) => promote.run(),
            Command::RollBack(back) => back.run(),
        }
    }
}

/// Where models are.
#[derive(Debug, Args)]
struct Place {
    /// The folder of the models
    #[arg(long, value_name = "DIR", env = "THALWEG_MODELS")]
    models: PathBuf,
}

impl Place {
    fn registry(&self) -> Registry {
        Registry::at(&self.models)
    }
}

/// What a change of what is asked is noted with.
#[derive(Debug, Args)]
struct Noted {
    /// The day that is noted, as `2026-11-30`
    #[arg(long, value_name = "DAY", value_parser = day)]
    date: String,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
}

/// Lists all versions of all models: their day, their data, whether they are asked
#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    place: Place,
    /// Prints the list as JSON
    #[arg(long)]
    json: bool,
}

impl List {
    fn run(self) -> Result<()> {
        let listed = self.place.registry().list().map_err(coded)?;
        if self.json {
            return print_json(&Value::Array(listed.iter().map(told).collect()));
        }
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY);
        table.set_header(["model", "version", "asked", "day", "rows", "wins", "trained by"]);
        for one in &listed {
            let asked = yes(one.asked).to_owned();
            let mut cells = vec![visible(&one.name).into_owned(), one.version.to_string(), asked];
            match &one.card {
                Ok(card) => cells.extend([
                    visible(&card.date).into_owned(),
                    card.training.rows.to_string(),
                    yes(card.wins()).to_owned(),
                    visible(&card.trainer).into_owned(),
                ]),
                Err(wrong) => {
                    let empty = std::iter::repeat_n(String::new(), 3);
                    cells.extend(empty.chain([visible(&coded_text(wrong)).into_owned()]));
                }
            }
            table.add_row(cells);
        }
        println!("{table}");
        Ok(())
    }
}

fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

fn coded_text(error: &thalweg_learn::LearnError) -> String {
    format!("{error} ({})", error.code())
}

fn told(one: &Listed) -> Value {
    let (card, wrong) = match &one.card {
        Ok(card) => (Some(card), None),
        Err(wrong) => (None, Some(coded_text(wrong))),
    };
    json!({ "name": one.name, "version": one.version, "asked": one.asked, "card": card,
        "wins": card.map(Card::wins), "wrong": wrong })
}

/// Shows the figures of versions of a model side by side, each beside the best simple rule
#[derive(Debug, Args)]
struct Compare {
    /// The model
    name: String,
    /// Its versions; all without any
    versions: Vec<u32>,
    #[command(flatten)]
    place: Place,
    /// Prints the figures as JSON
    #[arg(long)]
    json: bool,
}

impl Compare {
    fn run(self) -> Result<()> {
        let listed = self.place.registry().list().map_err(coded)?;
        let wanted = |one: &&Listed| {
            one.name == self.name
                && (self.versions.is_empty() || self.versions.contains(&one.version))
        };
        let listed: Vec<&Listed> = listed.iter().filter(wanted).collect();
        if listed.is_empty() {
            bail!("there is no such version of a model {}", self.name);
        }
        if self.json {
            return print_json(&Value::Array(listed.iter().copied().map(told).collect()));
        }
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY);
        table.set_header(["version", "asked", "data", "figure", "own", "best simple rule", "its"]);
        for one in listed {
            let Ok(card) = &one.card else { continue };
            let digest = card.training.digest.trim_start_matches("sha256:");
            for measure in &card.measures {
                table.add_row([
                    one.version.to_string(),
                    yes(one.asked).to_owned(),
                    visible(&digest.chars().take(12).collect::<String>()).into_owned(),
                    visible(&measure.name).into_owned(),
                    format!("{:.1}", measure.own),
                    visible(&measure.beside).into_owned(),
                    format!("{:.1}", measure.rule),
                ]);
            }
        }
        println!("{table}");
        Ok(())
    }
}

/// Has a version asked from now on; refused where it did not do better than the simple rules
#[derive(Debug, Args)]
struct Promote {
    /// The model
    name: String,
    /// Its version
    version: u32,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    noted: Noted,
}

impl Promote {
    fn run(self) -> Result<()> {
        let Noted { date, why } = &self.noted;
        let registry = self.place.registry();
        registry.promote(&self.name, self.version, date, why).map_err(coded)?;
        println!("{} {} is asked", self.name, self.version);
        Ok(())
    }
}

/// Has the version asked that was asked before, or the simple rule where none was
#[derive(Debug, Args)]
struct RollBack {
    /// The model
    name: String,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    noted: Noted,
}

impl RollBack {
    fn run(self) -> Result<()> {
        let Noted { date, why } = &self.noted;
        match self.place.registry().roll_back(&self.name, date, why).map_err(coded)? {
            Some(version) => println!("{} {version} is asked", self.name),
            None => println!("the simple rule is asked instead of {}", self.name),
        }
        Ok(())
    }
}
