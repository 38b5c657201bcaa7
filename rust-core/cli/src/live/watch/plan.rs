//! The plan of a topology in lines: under way with its phase, waiting for somebody's word, proposed, or over.

use serde_json::{Value, json};

use crate::live::plan::diff;
use crate::live::show::{Phrase, Tone, ago_at, list, number, span, text};

/// The phases of a plan that goes well, in their order.
const PHASES: [&str; 6] = ["decided", "published", "preparing", "switched", "committed", "settled"];
/// The steps of a plan that are shown, the last ones.
const STEPS: usize = 4;

/// What state a topology is in, in a word, and what that means.
pub fn state(status: &Value, decision: &Value) -> (&'static str, Tone) {
    let verdict = text(decision, "/verdict");
    if text(status, "/plan/plan/topology") == text(decision, "/topology") {
        return ("acting", Tone::Good);
    }
    match verdict {
        "act" => ("acts", Tone::Good),
        "propose" => ("waits", Tone::Notice),
        "advise" => ("advises", Tone::Notice),
        "hold" => ("holds", Tone::Strong),
        _ => ("new", Tone::Strong),
    }
}

/// The lines of a topology's plan.
pub fn lines(status: &Value, decision: &Value, now: i64) -> Vec<Phrase> {
    let id = text(decision, "/topology");
    let active = &status["plan"];
    if active.is_object() && text(active, "/plan/topology") == id {
        return under_way(active, decision, now);
    }
    let mut lines = match (decision["offer"].is_object(), decision["plan"].is_object()) {
        (true, _) => waiting(decision, now),
        (false, true) => {
            let head = Phrase::toned(Tone::Notice, "proposed only").and(mode(decision));
            [vec![head], diff(decision)].concat()
        }
        (false, false) => {
            let none = match text(decision, "/mode") {
                "observe" => "none: mode observe plans nothing",
                _ => "none",
            };
            vec![Phrase::plain(none)]
        }
    };
    if active.is_object() {
        let other = format!("{} has one under way: ", text(active, "/plan/name"));
        lines.push(Phrase::plain(other).then(Phrase::toned(Tone::Good, text(active, "/state"))));
    }
    lines.extend(last(status, id, now));
    lines
}

fn mode(decision: &Value) -> String {
    match text(decision, "/mode") {
        "" => String::new(),
        mode => format!(", as the mode is {mode}"),
    }
}

fn under_way(active: &Value, decision: &Value, now: i64) -> Vec<Phrase> {
    let phase = text(active, "/state");
    let strategy = text(active, "/strategy");
    let by = if strategy.is_empty() { String::new() } else { format!(", by {strategy}") };
    let mut lines = vec![
        Phrase::toned(Tone::Strong, text(active, "/plan/id"))
            .and("  ")
            .then(Phrase::toned(Tone::Good, phase))
            .and(format!(" since {}{by}", since(active, now))),
        way(phase),
    ];
    let planned = json!({ "plan": active["plan"], "view": decision["view"] });
    let is_decided = text(decision, "/plan/id") == text(active, "/plan/id");
    lines.extend(diff(if is_decided { decision } else { &planned }));
    let steps: Vec<&Value> = list(active, "/steps").collect();
    let last = steps.iter().rev().take(STEPS).rev();
    lines.extend(last.map(|step| {
        let told = text(step, "/text");
        let told = if told.is_empty() { String::new() } else { format!(": {told}") };
        Phrase::plain(format!("{}{told}", text(step, "/step")))
    }));
    lines
}

/// How long a phase lasts so far.
fn since(active: &Value, now: i64) -> String {
    match number(active, "/since") {
        Some(at) => span(((now as f64 - at) / 1000.0).max(0.0)),
        None => "an unknown time".to_owned(),
    }
}

/// The phases with the one that it is in.
fn way(phase: &str) -> Phrase {
    let Some(at) = PHASES.iter().position(|known| *known == phase) else {
        return Phrase::toned(Tone::Bad, format!("on its way back: {phase}"));
    };
    let before: String = PHASES[..at].iter().map(|_| "●─").collect();
    let after: String = PHASES[at + 1..].iter().map(|_| "─○").collect();
    Phrase::plain(before).then(Phrase::toned(Tone::Good, "◉")).and(format!(
        "{after}  {} of {}",
        at + 1,
        PHASES.len()
    ))
}

fn waiting(decision: &Value, now: i64) -> Vec<Phrase> {
    let offer = &decision["offer"];
    let by: Vec<&str> = list(offer, "/approved_by").filter_map(Value::as_str).collect();
    let people = number(offer, "/people").unwrap_or(1.0);
    let names = if by.is_empty() { String::new() } else { format!(" ({})", by.join(", ")) };
    let expires = number(offer, "/expires").map_or(0.0, |at| (at - now as f64) / 1000.0);
    let mut lines = vec![
        Phrase::toned(Tone::Strong, text(offer, "/plan"))
            .and("  ")
            .then(Phrase::toned(Tone::Notice, "waits for a word")),
        Phrase::plain(format!(
            "{} of {people} approved{names}; it expires in {}",
            by.len(),
            span(expires.max(0.0))
        )),
    ];
    lines.extend(diff(decision));
    lines
}

/// What became of the topology's last plan.
fn last(status: &Value, topology: &str, now: i64) -> Vec<Phrase> {
    let of_it = |ended: &&Value| text(ended, "/plan/topology") == topology;
    let Some(ended) = list(status, "/ended").find(of_it) else { return Vec::new() };
    let (code, how) = (text(ended, "/code"), text(ended, "/how"));
    let end = match code {
        "" => Phrase::toned(Tone::Good, format!("done by {how}")),
        code => Phrase::toned(Tone::Bad, format!("{code}: {how}")),
    };
    let id = text(ended, "/plan/id");
    let mut lines = vec![
        Phrase::plain(format!("last: {id}, {}", ago_at(ended, "/at", now))),
        Phrase::plain("  ").then(end),
    ];
    if let Some(outcome) = list(status, "/outcomes").find(|outcome| text(outcome, "/plan") == id) {
        let helped = match outcome["helped"] == true {
            true => Phrase::toned(Tone::Good, "helped"),
            false => Phrase::toned(Tone::Bad, "did not help"),
        };
        lines.push(Phrase::plain("  ").then(helped).and(format!(": {}", text(outcome, "/text"))));
    }
    lines
}
