//! A record of the ledger in a line.

use serde_json::Value;

use crate::live::record::said;
use crate::live::show::{
    Phrase, Tone, asked, giver, list, number, pairs, reason, span, text, tone,
};

/// How long ago a record is, in six letters.
pub fn age(record: &Value, now: i64) -> String {
    let at = number(record, "/at").or(number(record, "/content/at"));
    at.map_or_else(|| "?".to_owned(), |at| span(((now as f64 - at) / 1000.0).max(0.0)))
}

/// What it says.
pub fn line(record: &Value) -> Phrase {
    let content = &record["content"];
    match text(record, "/kind") {
        "decision" => decision(content),
        "order" => Phrase::toned(Tone::Strong, "order ").and(format!(
            "{} {}, by {}",
            text(content, "/id"),
            asked(&content["order"]),
            giver(content)
        )),
        "action" => {
            let (id, how) = (text(content, "/plan/id"), text(content, "/how"));
            let end = match text(content, "/code") {
                "" => Phrase::toned(Tone::Good, "done by ").and(how),
                code => Phrase::toned(Tone::Bad, format!("{code} ")).and(how),
            };
            Phrase::plain(format!("{id} ")).then(end)
        }
        "outcome" => {
            let helped = match content["helped"] == true {
                true => Phrase::toned(Tone::Good, "helped"),
                false => Phrase::toned(Tone::Bad, "did not help"),
            };
            Phrase::plain(format!("{} ", text(content, "/plan")))
                .then(helped)
                .and(format!(": {}", text(content, "/text")))
        }
        kind => Phrase::toned(Tone::Strong, format!("{kind} ")).and(said(record)),
    }
}

fn decision(content: &Value) -> Phrase {
    let verdict = text(content, "/verdict");
    let counts: Vec<String> =
        pairs(content, "/plan/counts").map(|(id, count)| format!("{id}={count}")).collect();
    let counts = if counts.is_empty() { String::new() } else { format!(" {}", counts.join(" ")) };
    let why = list(content, "/reasons").next().map(reason).unwrap_or_default();
    Phrase::plain(format!("{} ", text(content, "/name")))
        .then(Phrase::toned(tone(verdict), verdict))
        .and(format!("{counts} {why}"))
}
