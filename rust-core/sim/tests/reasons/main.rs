//! Every reason that there is, reached by a decision of the shipped core.
//!
//! Small clusters that can be worked out by hand and simulated jobs are decided upon, and `reasons.txt` holds what was
//! said first of each reason, with its setting; numbers stand there as `#`, as the tests beside the code look at
//! them. A reason that nothing leads to fails the test: it is either not reachable, or nobody has thought of how.
//! `UPDATE_GOLDEN=1 cargo test -p thalweg-sim --test reasons` writes the file anew.

#[path = "../../../core/tests/support/mod.rs"]
mod support;
#[path = "../watched/mod.rs"]
mod watched;

mod hand;
mod runs;

use std::collections::BTreeMap;

use thalweg_core::explain::Decision;
use thalweg_core::reason::{Reason, ReasonCode};

/// The first that was said of each reason.
#[derive(Default)]
pub struct Seen(BTreeMap<ReasonCode, Reason>);

impl Seen {
    /// Takes in what decisions say.
    pub fn take<'a>(&mut self, decisions: impl IntoIterator<Item = &'a Decision>) {
        for decision in decisions {
            assert!(!decision.reasons.is_empty(), "a decision without a reason: {decision:?}");
            for reason in &decision.reasons {
                self.0.entry(reason.code).or_insert_with(|| reason.clone());
            }
        }
    }
}

/// A text with `#` in the place of each number.
fn without_numbers(text: &str) -> String {
    let mut told = String::new();
    let mut digits = false;
    for letter in text.chars() {
        let part = letter.is_ascii_digit() || digits && letter == '.';
        if part && !digits {
            told.push('#');
        }
        if !part {
            told.push(letter);
        }
        digits = part;
    }
    told
}

fn line(code: ReasonCode, reason: &Reason) -> String {
    let name = serde_json::to_string(&code).expect("a unit variant is a string");
    let figures = match (reason.measured, reason.limit) {
        (Some(_), Some(_)) => " (measured, limit)",
        (Some(_), None) => " (measured)",
        (None, Some(_)) => " (limit)",
        (None, None) => "",
    };
    let setting = reason.setting.as_ref().map(|key| format!(" [{key}]")).unwrap_or_default();
    format!("{}: {}{figures}{setting}\n", name.trim_matches('"'), without_numbers(&reason.text))
}

#[test]
fn every_reason_is_reached_and_says_what_it_did() {
    let mut seen = Seen::default();
    hand::decide(&mut seen);
    runs::decide(&mut seen);
    let codes = ReasonCode::TABLE.iter().map(|(code, ..)| *code);
    let missing: Vec<ReasonCode> = codes.filter(|code| !seen.0.contains_key(code)).collect();
    assert!(missing.is_empty(), "never reached: {missing:?}");
    let told: String = seen.0.iter().map(|(code, reason)| line(*code, reason)).collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reasons/reasons.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &told).expect("the file can be written");
    }
    let golden = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(told, golden, "UPDATE_GOLDEN=1 writes the file anew");
}
