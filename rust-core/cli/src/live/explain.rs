//! `thalweg explain`: why a topology, or one of its executors, is as it is.

use clap::Args;
use serde_json::{Value, json};
use thalweg_control::{Command, ErrorCode, Refusal, now_millis};

use super::ask::Live;
use super::chain;
use super::history::decided;
use super::moments::past;
use super::plan::diff;
use super::show::{
    Phrase, Tone, ago, list, number, order, paint, reason, short, span, table, text, tone,
};
use crate::exit::Failure;

/// The most nodes that are shown for an executor.
const SEATS: usize = 10;

/// Tells why a topology is as it is: what was decided and why, what was measured, ordered and done
#[derive(Debug, Args)]
pub struct Explain {
    /// The topology's name or id
    topology: String,
    /// Only what stands against a change, and what would move it
    #[arg(long)]
    why_not: bool,
    /// Also how an executor came to its place: its tasks, as `3-4` or `3`
    #[arg(long, value_name = "ID")]
    executor: Option<String>,
    /// As it was decided then: `06:00` today, or yesterday if that is to come, or `2026-11-30T06:00`, each with
    /// ` in Europe/Berlin` behind it unless it is UTC; or seconds since 1970
    #[arg(long, value_name = "TIME", value_parser = past, conflicts_with = "executor")]
    at: Option<i64>,
    #[command(flatten)]
    live: Live,
}

impl Explain {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let Self { topology, why_not, executor, at, live } = self;
        let told = match at {
            Some(at) => earlier(&live, &topology, at)?,
            None => live.ask(Command::Explain { topology, executor })?,
        };
        if live.printed(&told)? {
            return Ok(());
        }
        verdict(&told);
        if why_not {
            against(&told);
        } else {
            reasons(&told);
            measured(&told);
            way(&told);
            done(&told);
        }
        place(&told);
        Ok(())
    }
}

/// What was decided about a topology at a moment, from the ledger.
fn earlier(live: &Live, topology: &str, at: i64) -> Result<Value, Failure> {
    let record = decided(live, topology, at)?.ok_or_else(|| {
        let text = format!("nothing that was decided about {topology} by then is known");
        Failure::Refused(Refusal::of(ErrorCode::NotFound, "at", text))
    })?;
    Ok(json!({ "topology": record["topology"], "name": record["name"], "status": "then",
        "record": record["seq"], "decision": record["content"] }))
}

fn verdict(told: &Value) {
    let decision = &told["decision"];
    let verdict = text(decision, "/verdict");
    let said = match verdict {
        "" => "nothing was decided yet".to_owned(),
        verdict => format!(
            "{} by policy {}, mode {}, {}",
            paint(tone(verdict), verdict),
            text(decision, "/policy"),
            text(decision, "/mode"),
            ago(decision, "/at")
        ),
    };
    println!(
        "{} ({}, {}): {said}",
        paint(Tone::Strong, text(told, "/name")),
        text(told, "/topology"),
        text(told, "/status"),
    );
}

fn reasons(told: &Value) {
    list(told, "/decision/reasons").for_each(|given| println!("  {}", reason(given)));
    if told["decision"]["plan"].is_object() {
        println!("{}", paint(Tone::Strong, "plan"));
        diff(&told["decision"]).iter().for_each(|line| println!("  {line}"));
    }
}

/// What keeps the topology as it is, each with what would change that.
fn against(told: &Value) {
    if text(told, "/decision/verdict") == "act" {
        println!("nothing: it acts");
        return;
    }
    for given in list(told, "/decision/reasons") {
        println!("  {}", reason(given));
        let setting = text(given, "/setting");
        let numbers = number(given, "/measured").zip(number(given, "/limit"));
        match (setting, numbers) {
            ("", _) => {}
            (setting, Some((measured, limit))) => println!(
                "      it would be otherwise with {} where {} is now, or with {setting} moved past {}",
                short(limit),
                short(measured),
                short(measured),
            ),
            (setting, None) => println!("      {setting} decides about it"),
        }
    }
}

fn measured(told: &Value) {
    let mut rows = table(&[
        "component",
        "kind",
        "executors",
        "tasks",
        "rate/s",
        "busiest",
        "mean",
        "latency ms",
        "level",
    ]);
    for component in list(told, "/decision/view/components") {
        let shown = |path: &str| number(component, path).map_or("-".to_owned(), short);
        let executors = number(component, "/executors").unwrap_or(0.0);
        let fresh = number(component, "/measured").unwrap_or(0.0);
        let stale =
            if fresh < executors { format!(" ({} report)", short(fresh)) } else { String::new() };
        rows.add_row([
            text(component, "/id").to_owned(),
            text(component, "/kind").to_owned(),
            short(executors) + &stale,
            shown("/tasks"),
            shown("/rate"),
            shown("/capacity"),
            shown("/mean_capacity"),
            shown("/process_latency"),
            shown("/level"),
        ]);
    }
    if !rows.is_empty() {
        println!("{}\n{rows}", paint(Tone::Strong, "measured"));
    }
    if let Some(line) = after_a_failure(&told["decision"]["view"]["recovery"]) {
        println!("  {line}");
    }
}

/// How long a topology would need until it is where it would have been, had it failed then.
fn after_a_failure(recovery: &Value) -> Option<String> {
    let secs = |path: &str| number(recovery, path).map(|millis| millis / 1000.0);
    let (away, interval) = secs("/away").zip(secs("/interval"))?;
    let known = match recovery["away_is_measured"].as_bool() {
        Some(true) => "as its last actions took",
        _ => "by assumption",
    };
    let caught_up = match secs("/takes") {
        Some(takes) => format!("caught up in about {}", span(takes)),
        None => "too busy to catch up".to_owned(),
    };
    Some(format!(
        "after a failure: away for about {}, {known}; {caught_up}, with a checkpoint every {}, and {:.0} % busy",
        span(away),
        span(interval),
        100.0 * number(recovery, "/busy")?,
    ))
}

/// How the decision came about, step by step.
fn way(told: &Value) {
    for (stage, lines) in chain::stages(&told["decision"]) {
        let lines: Vec<String> = lines.iter().map(Phrase::to_string).collect();
        section(stage, &lines);
    }
}

fn done(told: &Value) {
    let lines: Vec<String> =
        list(told, "/orders").take(5).map(|given| order(given, now_millis()).to_string()).collect();
    section("orders", &lines);
    let ended = list(told, "/ended").take(5).map(|ended| {
        let code = text(ended, "/code");
        let how = match code {
            "" => paint(Tone::Good, text(ended, "/how")),
            code => format!("{}: {}", paint(Tone::Bad, code), text(ended, "/how")),
        };
        format!("{}  {how}  {}", text(ended, "/plan/id"), ago(ended, "/at"))
    });
    section("plans", &ended.collect::<Vec<_>>());
    let outcomes = list(told, "/outcomes").take(5).map(|outcome| {
        let helped = if outcome["helped"] == true { "helped" } else { "did not help" };
        format!("{}  {helped}: {}", text(outcome, "/plan"), text(outcome, "/text"))
    });
    section("outcomes", &outcomes.collect::<Vec<_>>());
}

fn section(name: &str, lines: &[String]) {
    if !lines.is_empty() {
        println!("{}", paint(Tone::Strong, name));
        lines.iter().for_each(|line| println!("  {line}"));
    }
}

/// Where an executor could run instead, the best first, and what that would change.
fn seats(executor: &Value) {
    let verdict = text(executor, "/verdict");
    if verdict.is_empty() {
        return;
    }
    println!("  {verdict}");
    let mut rows = table(&[
        "host",
        "load",
        "fullest",
        "local",
        "memory left",
        "restarts",
        "worker",
        "cannot, as",
    ]);
    for seat in list(executor, "/seats").take(SEATS) {
        let shown = |path: &str| number(seat, path).map_or("-".to_owned(), short);
        let local =
            number(seat, "/local").map_or("-".to_owned(), |l| format!("{:.0} %", 100.0 * l));
        let memory =
            number(seat, "/memory_left_mib").map_or("-".to_owned(), |mib| format!("{mib:.0} MiB"));
        let stops = if seat["stops"] == true { ", it stops" } else { "" };
        rows.add_row([
            format!("{}{}", text(seat, "/host"), if seat["here"] == true { " (here)" } else { "" }),
            shown("/load"),
            shown("/worst_load"),
            local,
            memory,
            format!("{}{stops}", shown("/restarts")),
            if seat["new_worker"] == true { "new" } else { "there" }.to_owned(),
            text(seat, "/barred").to_owned(),
        ]);
    }
    println!("{rows}");
}

fn place(told: &Value) {
    let executor = &told["executor"];
    if !executor.is_object() {
        return;
    }
    let slot = |path: &str| {
        let port = number(executor, &format!("{path}/port"));
        let node = text(executor, &format!("{path}/node"));
        if node.is_empty() { None } else { Some(format!("{node}:{}", short(port.unwrap_or(0.0)))) }
    };
    let here = match text(executor, "/host") {
        "" => "runs nowhere".to_owned(),
        host => format!("runs on {host}, port {}", short(number(executor, "/port").unwrap_or(0.0))),
    };
    println!(
        "{} {} {} {here}",
        paint(Tone::Strong, "executor"),
        text(executor, "/component"),
        text(executor, "/tasks"),
    );
    match (text(executor, "/plan"), slot("/desired")) {
        ("as-it-runs", _) => {
            println!("  the engine placed it there, and no plan has moved it since")
        }
        ("", _) => println!("  no table tells of it yet"),
        (plan, desired) => {
            let before = slot("/before").map_or("nowhere".to_owned(), |slot| slot);
            println!(
                "  plan {plan} of {} wants it at {}, before it was at {before}",
                ago(executor, "/since"),
                desired.unwrap_or("no place of its own".to_owned()),
            );
        }
    }
    let beside: Vec<&str> = list(executor, "/beside").filter_map(Value::as_str).collect();
    if !beside.is_empty() {
        println!("  in the same worker: {}", beside.join(", "));
    }
    seats(executor);
    if executor["draining"] == true {
        println!("  its host is drained: it is to leave");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_failure_would_cost_is_told_where_checkpoints_are_taken() {
        let mut recovery = json!({ "away": 20_000.0, "away_is_measured": true, "interval": 60_000.0, "busy": 0.75,
            "takes": 170_000.0, "longest_interval": 146_000.0 });
        let told = after_a_failure(&recovery);
        let text = "after a failure: away for about 20 s, as its last actions took; caught up in about 3 min, with a checkpoint every 60 s, and 75 % busy";
        assert_eq!(told.as_deref(), Some(text));
        recovery["takes"] = Value::Null;
        recovery["away_is_measured"] = false.into();
        let told = after_a_failure(&recovery).expect("it is away for some time");
        assert!(told.contains("by assumption; too busy to catch up"), "{told}");
        assert_eq!(after_a_failure(&Value::Null), None);
    }
}
