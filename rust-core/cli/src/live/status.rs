//! `thalweg status`: how the scheduler and its topologies do.

use clap::Args;
use serde_json::Value;
use thalweg_control::{Command, now_millis};

use super::ask::Live;
use super::show::{Tone, ago, list, number, order, paint, pairs, reason, short, table, text, tone};
use crate::exit::Failure;

/// Shows how the scheduler and all topologies do: mode, store, plan under way, verdicts with their first reason, orders
#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    live: Live,
}

impl Status {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let status = self.live.ask(Command::Status {})?;
        if self.live.printed(&status)? {
            return Ok(());
        }
        head(&status);
        topologies(&status);
        orders(&status);
        Ok(())
    }
}

fn head(status: &Value) {
    let leads = if status["leads"] == true { "leads" } else { "follows" };
    let store = match status.pointer("/store/up") {
        Some(Value::Bool(true)) => paint(Tone::Good, "up"),
        _ => paint(Tone::Bad, &format!("down: {}", text(status, "/store/reason"))),
    };
    println!(
        "Thalweg {}, mode {}, {leads}, store {} {store}, observed {}",
        text(status, "/version"),
        paint(Tone::Strong, text(status, "/mode")),
        text(status, "/store/kind"),
        ago(status, "/at"),
    );
    for problem in list(status, "/problems").filter_map(Value::as_str) {
        println!("{} {problem}", paint(Tone::Bad, "configuration:"));
    }
    let plan = &status["plan"];
    if plan.is_object() {
        println!(
            "{} plan {} of {}: {} since {}",
            paint(Tone::Strong, "under way:"),
            text(plan, "/plan/id"),
            text(plan, "/plan/name"),
            text(plan, "/state"),
            ago(plan, "/since"),
        );
    }
}

fn topologies(status: &Value) {
    let mut rows = table(&["topology", "verdict", "executors", "busiest", "why"]);
    for decision in list(status, "/decisions") {
        let busy = |component: &&Value| number(component, "/capacity").unwrap_or(0.0);
        let components = || list(decision, "/view/components");
        let busiest = components().max_by(|a, b| busy(a).total_cmp(&busy(b)));
        let executors: f64 = components().filter_map(|c| number(c, "/executors")).sum();
        let verdict = text(decision, "/verdict");
        rows.add_row([
            text(decision, "/name").to_owned(),
            paint(tone(verdict), verdict),
            short(executors),
            busiest.map_or("-".to_owned(), |c| format!("{} {}", text(c, "/id"), short(busy(&c)))),
            list(decision, "/reasons").next().map(reason).unwrap_or_default(),
        ]);
    }
    if rows.is_empty() {
        println!("no topology runs");
    } else {
        println!("{rows}");
    }
}

fn orders(status: &Value) {
    let open = list(status, "/orders")
        .filter(|given| matches!(text(given, "/state"), "waiting" | "acting"));
    for (place, given) in open.enumerate() {
        if place == 0 {
            println!("{}", paint(Tone::Strong, "orders"));
        }
        println!("  {}", order(given, now_millis()));
    }
    for (host, drained) in pairs(status, "/drained") {
        println!("{} {host}, since {}", paint(Tone::Notice, "drained:"), ago(drained, "/at"));
    }
}
