//! `thalweg history`: what was ordered, decided and done, and what came of it.

use clap::Args;
use serde_json::Value;
use thalweg_control::Command;

use super::ask::Live;
use super::show::{Tone, ago, asked, giver, list, paint, pairs, reason, text, tone};
use crate::exit::Failure;

/// Tells what was ordered, decided and done, and what came of it, the latest first
#[derive(Debug, Args)]
pub struct History {
    /// Only of this topology, by name or id
    topology: Option<String>,
    /// At most so many records
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    limit: u32,
    #[command(flatten)]
    live: Live,
}

impl History {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let Self { topology, limit, live } = self;
        let history = live.ask(Command::History { topology, limit })?;
        if live.printed(&history)? {
            return Ok(());
        }
        let mut records = list(&history, "/records").peekable();
        if records.peek().is_none() {
            println!("nothing is known");
        }
        records.for_each(|record| println!("{}", line(record)));
        Ok(())
    }
}

fn line(record: &Value) -> String {
    let content = &record["content"];
    let kind = text(record, "/kind");
    let said = match kind {
        "order" => {
            let why = text(content, "/why");
            let why = if why.is_empty() { String::new() } else { format!(" (“{why}”)") };
            format!(
                "{} {}, by {}{why}",
                text(content, "/id"),
                asked(&content["order"]),
                giver(content)
            )
        }
        "decision" => {
            let verdict = text(content, "/verdict");
            let first = list(content, "/reasons").next().map(reason).unwrap_or_default();
            let counts: Vec<String> =
                pairs(content, "/plan/counts").map(|(id, n)| format!("{id}={n}")).collect();
            format!(
                "{} {} {}{first}",
                text(content, "/name"),
                paint(tone(verdict), verdict),
                if counts.is_empty() { String::new() } else { format!("{}: ", counts.join(" ")) }
            )
        }
        "action" => {
            let code = text(content, "/code");
            let how = text(content, "/how");
            let end = match code {
                "" => paint(Tone::Good, &format!("done by {how}")),
                code => paint(Tone::Bad, &format!("given up, {code}: {how}")),
            };
            format!("{} {end}", text(content, "/plan/id"))
        }
        "outcome" => {
            let helped = if content["helped"] == true { "helped" } else { "did not help" };
            format!("{} {helped}: {}", text(content, "/plan"), text(content, "/text"))
        }
        _ => content.to_string(),
    };
    format!("{:>12}  {kind:<8}  {said}", ago(content, "/at"))
}
