//! `thalweg history`: what was ordered, decided and done, and what came of it.

use clap::Args;
use serde_json::{Value, json};
use thalweg_control::Command;

use super::ask::Live;
use super::record::said;
use super::show::{Tone, ago, asked, giver, list, paint, pairs, reason, text, tone};
use crate::exit::Failure;

/// The most records of one question.
const PAGE: u32 = 1000;

/// Tells what was ordered, decided and done, and what came of it, the latest first
#[derive(Debug, Args)]
pub struct History {
    /// Only of this topology, by name or id
    topology: Option<String>,
    /// At most so many records
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    limit: u32,
    /// Only records before this number
    #[arg(long, value_name = "NUMBER")]
    before: Option<u64>,
    /// Only records after this number
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    after: u64,
    #[command(flatten)]
    live: Live,
}

impl History {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let Self { topology, limit, before, after, live } = self;
        let mut ask = Ask { topology, limit, before, after };
        if live.json {
            let history = ask.all(&live)?;
            live.printed(&history)?;
            return Ok(());
        }
        let mut told = 0;
        // Page by page, so that the first lines come at once and none is kept.
        while let Some(page) = ask.next(&live)? {
            for record in list(&page, "/records") {
                println!("{}", line(record));
                told += 1;
            }
        }
        if told == 0 {
            println!("nothing is known");
        }
        Ok(())
    }
}

/// The last decision about a topology that was noted up to a moment, in ms since 1970: decisions are noted where they say
/// something new, so it held at that moment.
pub(super) fn decided(live: &Live, topology: &str, at: i64) -> Result<Option<Value>, Failure> {
    let topology = Some(topology.to_owned());
    let mut ask = Ask { topology, limit: u32::MAX, before: None, after: 0 };
    let held = |record: &&Value| {
        text(record, "/kind") == "decision"
            && record["content"]["at"].as_i64().is_some_and(|decided| decided <= at)
    };
    while let Some(page) = ask.next(live)? {
        if let Some(record) = list(&page, "/records").find(held) {
            return Ok(Some(record.clone()));
        }
    }
    Ok(None)
}

/// What is still to be asked for.
struct Ask {
    topology: Option<String>,
    limit: u32,
    before: Option<u64>,
    after: u64,
}

impl Ask {
    /// The next page, if there is one.
    fn next(&mut self, live: &Live) -> Result<Option<Value>, Failure> {
        if self.limit == 0 {
            return Ok(None);
        }
        let page = live.ask(Command::History {
            topology: self.topology.clone(),
            limit: self.limit.min(PAGE),
            before: self.before,
            after: self.after,
        })?;
        let records = list(&page, "/records").count();
        self.limit = self.limit.saturating_sub(u32::try_from(records).unwrap_or(u32::MAX));
        self.before = list(&page, "/records").last().and_then(|last| last["seq"].as_u64());
        if page["more"] != true || self.before.is_none() {
            self.limit = 0;
        }
        Ok(Some(page))
    }

    /// All of them in one answer.
    fn all(&mut self, live: &Live) -> Result<Value, Failure> {
        let Some(mut all) = self.next(live)? else { return Ok(json!({ "records": [] })) };
        while let Some(mut page) = self.next(live)? {
            all["more"] = page["more"].take();
            if let (Value::Array(all), Value::Array(more)) =
                (&mut all["records"], page["records"].take())
            {
                all.extend(more);
            }
        }
        Ok(all)
    }
}

fn line(record: &Value) -> String {
    let content = &record["content"];
    let kind = text(record, "/kind");
    let because = match text(record, "/why") {
        "" => String::new(),
        why => format!(" (“{why}”)"),
    };
    let told = match kind {
        "order" => {
            let state = text(content, "/state");
            let fate = if state == "waiting" { String::new() } else { format!(" is {state}:") };
            let (id, asked, giver) =
                (text(content, "/id"), asked(&content["order"]), giver(content));
            format!("{id}{fate} {asked}, by {giver}{because}")
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
        _ => said(record),
    };
    format!("{:>12}  {kind:<8}  {told}", ago(record, "/at"))
}
