//! All of what the cursor is at.

use serde_json::Value;

use super::screen::{Pane, Screen};
use super::{log, plan};
use crate::live::chain;
use crate::live::show::{Phrase, Tone, ago_at, list, number, order, pairs, reason, short, text};

/// The heading and the lines.
pub fn of(screen: &Screen, now: i64) -> (String, Vec<Phrase>) {
    let none = || ("nothing".to_owned(), vec![Phrase::plain("there is nothing here yet")]);
    if screen.pane == Pane::Log {
        let Some(record) = screen.records.get(screen.cursor(Pane::Log)) else { return none() };
        return (format!("{}, {} ago", text(record, "/kind"), log::age(record, now)), told(record));
    }
    let Some((_, topology)) = screen.chosen() else { return none() };
    let name = text(topology, "/name");
    match screen.pane {
        Pane::Components => {
            let components = screen.components();
            let Some(one) = components.get(screen.cursor(Pane::Components)) else { return none() };
            (format!("{} of {name}", text(one, "/id")), component(one, topology))
        }
        Pane::Plan => (format!("plan of {name}"), plan::lines(&screen.status, topology, now)),
        Pane::Topologies | Pane::Log => (name.to_owned(), decision(screen, topology, now)),
    }
}

fn heading(name: &str) -> Phrase {
    Phrase::toned(Tone::Strong, name)
}

fn fact(name: &str, value: &str) -> Phrase {
    Phrase::plain(format!("{name:<26}{value}"))
}

/// Why a topology is as it is.
fn decision(screen: &Screen, topology: &Value, now: i64) -> Vec<Phrase> {
    let mut lines = vec![
        fact("id", text(topology, "/topology")),
        fact("decided", &ago_at(topology, "/at", now)),
        fact("policy", text(topology, "/policy")),
        fact("mode", text(topology, "/mode")),
        fact("verdict", text(topology, "/verdict")),
    ];
    if screen.is_paused(topology, now) {
        lines.push(fact("paused", "yes: p resumes it"));
    }
    lines.push(heading("because"));
    lines.extend(list(topology, "/reasons").map(|one| Phrase::plain(reason(one))));
    for (stage, of_stage) in chain::stages(topology) {
        lines.push(heading(stage));
        lines.extend(of_stage);
    }
    let means = |given: &&Value| {
        let wanted = text(given, "/order/topology");
        wanted == text(topology, "/name") || wanted == text(topology, "/topology")
    };
    let orders = list(&screen.status, "/orders").filter(means).take(5);
    let orders: Vec<Phrase> = orders.map(|given| order(given, now)).collect();
    if !orders.is_empty() {
        lines.push(heading("orders"));
        lines.extend(orders);
    }
    lines
}

fn component(component: &Value, topology: &Value) -> Vec<Phrase> {
    let shown = |path: &str, unit: &str| {
        number(component, path).map_or("not measured".to_owned(), |n| format!("{}{unit}", short(n)))
    };
    let share = |path: &str| {
        number(component, path).map_or("not measured".to_owned(), |n| format!("{:.0} %", 100.0 * n))
    };
    let mut lines = vec![
        fact("kind", text(component, "/kind")),
        fact("executors", &shown("/executors", "")),
        fact("of them measured", &shown("/measured", "")),
        fact("tasks", &shown("/tasks", "")),
        fact("rate", &shown("/rate", "/s")),
        fact("busiest executor", &share("/capacity")),
        fact("executors on average", &share("/mean_capacity")),
        fact("execute latency", &shown("/execute_latency", " ms")),
        fact("process latency", &shown("/process_latency", " ms")),
        fact("complete latency", &shown("/complete_latency", " ms")),
        fact("can do, as believed", &shown("/believed_capacity", "/s")),
        fact("failed", &shown("/failed", "")),
        fact("level", &shown("/level", "")),
    ];
    let id = text(component, "/id");
    let planned = topology.pointer("/plan/counts").and_then(|counts| counts.get(id));
    if let Some(count) = planned.and_then(Value::as_f64) {
        lines.push(fact("planned executors", &short(count)));
    }
    let about: Vec<Phrase> = list(topology, "/chain/signals")
        .filter(|one| text(one, "/of") == id)
        .map(chain::signal)
        .collect();
    if !about.is_empty() {
        lines.push(heading("signals"));
        lines.extend(about);
    }
    lines
}

/// All of a record.
fn told(record: &Value) -> Vec<Phrase> {
    let mut lines = vec![log::line(record)];
    let content = &record["content"];
    let reasons: Vec<Phrase> =
        list(content, "/reasons").map(|one| Phrase::plain(reason(one))).collect();
    if !reasons.is_empty() {
        lines.push(heading("because"));
        lines.extend(reasons);
    }
    if text(record, "/kind") == "order" {
        lines.push(order(content, number(content, "/at").map_or(0, |at| at as i64)));
    }
    for (component, count) in pairs(content, "/plan/counts") {
        lines.push(fact(component, &format!("{count} executors planned")));
    }
    lines
}
