//! The way of a decision for people: what was measured, what that was taken for, what was wanted, what of it was planned,
//! and what each guard said.

use serde_json::Value;

use super::show::{Phrase, Tone, list, number, pairs, reason, short, text};

/// The stages that there are, each with its name and lines.
pub fn stages(decision: &Value) -> Vec<(&'static str, Vec<Phrase>)> {
    let diagnosis = list(decision, "/chain/diagnosis").map(|one| Phrase::plain(reason(one)));
    let all = [
        ("signals", signals(decision)),
        ("diagnosis", diagnosis.collect()),
        ("wanted", desired(decision, "/chain/desired")),
        ("planned", desired(decision, "/chain/planned")),
        ("guards", guards(decision)),
    ];
    all.into_iter().filter(|(_, lines)| !lines.is_empty()).collect()
}

/// What was measured, and what it was held against.
fn signals(decision: &Value) -> Vec<Phrase> {
    list(decision, "/chain/signals").map(signal).collect()
}

/// What each guard said of the plan; nothing where there is none.
fn guards(decision: &Value) -> Vec<Phrase> {
    list(decision, "/chain/checks").map(check).collect()
}

/// A signal in one line.
pub fn signal(signal: &Value) -> Phrase {
    let measured = number(signal, "/measured").map_or("?".to_owned(), short);
    let limit = number(signal, "/limit").map(|limit| format!(" against {}", short(limit)));
    Phrase::plain(format!(
        "{}: {measured}{} {}{}",
        text(signal, "/of"),
        limit.unwrap_or_default(),
        text(signal, "/what"),
        bracketed(text(signal, "/setting"))
    ))
}

fn check(check: &Value) -> Phrase {
    let answer = match check["passed"] == true {
        true => Phrase::toned(Tone::Good, "yes "),
        false => Phrase::toned(Tone::Bad, "no  "),
    };
    let numbers = number(check, "/measured").zip(number(check, "/limit"));
    let numbers =
        numbers.map(|(measured, limit)| format!(" ({} against {})", short(measured), short(limit)));
    let guard = text(check, "/guard").replace('_', " ");
    answer.and(format!(
        "{guard}: {}{}{}",
        text(check, "/text"),
        numbers.unwrap_or_default(),
        bracketed(text(check, "/setting"))
    ))
}

/// The setting that changes something.
fn bracketed(setting: &str) -> String {
    if setting.is_empty() { String::new() } else { format!(" [{setting}]") }
}

fn desired(decision: &Value, at: &str) -> Vec<Phrase> {
    let of = |what: &str, unit: &str| -> Vec<Phrase> {
        let pairs = pairs(decision, &format!("{at}/{what}"));
        pairs.map(|(id, count)| Phrase::plain(format!("{id}: {count} {unit}"))).collect()
    };
    let mut lines = of("counts", "executors");
    lines.extend(of("memory_mib", "MiB for each executor"));
    if decision.pointer(at).is_some_and(|desired| desired["places"] == true) {
        lines.push(Phrase::plain("executors are placed anew"));
    }
    lines
}
