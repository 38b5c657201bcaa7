//! Which texts of outside data are read at all: none that would take many times its length in memory.
//!
//! **In**: a text as it came. **Out**: whether its values stand so close together that reading it would take far more
//! memory than it has bytes. A map of one entry takes 640 bytes in memory and 7 as `{"":0}`, so that a megabyte of them
//! would be a hundred; what people and programs write has some dozens of bytes for each. That look reads no values, and does not
//! tell whether the text is well formed: who reads it next does, as [`read`] here.
#![forbid(unsafe_code)]

use serde::de::DeserializeOwned;
use thiserror::Error;

/// What a text may take in memory, as a multiple of its length.
const FACTOR: usize = 60;
/// What it may take besides: short texts may be as dense as they like.
const BESIDES: usize = 48 << 10;
/// What a map takes: there is room for eleven entries in it.
const MAP: usize = 640;
/// What an element of a list takes, or an entry of a map that has others: lists double as they grow.
const ELEMENT: usize = 64;
/// What the reader of TOML takes for a table, with its place in the text and those of its keys.
const TABLE: usize = 900;
/// What it takes for a dot between keys, also where there are none and each is an error that it keeps.
const DOT: usize = 2_500;
/// The same for a value with its key, and for a value in a list.
const KEYED: usize = 450;
const LISTED: usize = 280;
/// What the reader of YAML takes for a sign between values, while it keeps what may still turn out to be a key.
const SIGN: usize = 400;

/// A text whose values stand so close together that it is not read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{length} bytes that would take {taken} in memory: there are too many values in so short a text"
)]
pub struct Dense {
    /// The length of the text.
    pub length: usize,
    /// About what it would take.
    pub taken: usize,
}

/// Why a text in JSON is not read.
#[derive(Debug, Error)]
pub enum Unread {
    /// Reading it would take too much memory.
    #[error(transparent)]
    Dense(#[from] Dense),
    /// It is none, or not of what was looked for.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// Reads a text in JSON, unless that would take far more memory than it has bytes.
///
/// # Errors
/// [`Unread`].
pub fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, Unread> {
    json(text, 1)?;
    Ok(serde_json::from_slice(text)?)
}

fn check(length: usize, taken: usize, besides: usize) -> Result<(), Dense> {
    let allowed = length.saturating_mul(FACTOR).saturating_add(besides);
    if taken > allowed { Err(Dense { length, taken }) } else { Ok(()) }
}

/// Checks a text in JSON that is read as a tree, of which so many copies are made.
///
/// # Errors
/// [`Dense`].
pub fn json(text: &[u8], copies: usize) -> Result<(), Dense> {
    let (mut taken, mut quoted, mut escaped) = (0usize, false, false);
    for byte in text {
        match (quoted, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => quoted = !quoted,
            (false, b'{') => taken += MAP,
            (false, b',' | b'[') => taken += ELEMENT / 2,
            _ => {}
        }
    }
    check(text.len(), taken.saturating_mul(copies), BESIDES)
}

/// Checks a text in TOML.
///
/// # Errors
/// [`Dense`].
pub fn toml(text: &str) -> Result<(), Dense> {
    let mut taken = 0usize;
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let (mut before, mut quoted, mut within) = (b' ', false, 0);
        for byte in line.bytes() {
            match byte {
                b'"' => (quoted, within) = (!quoted, 0),
                b'{' => taken += TABLE,
                // Between digits it is no more than a part of a number, and in quotes one of a text.
                b'.' if quoted => within += DOT,
                b'.' if !before.is_ascii_digit() => taken += DOT,
                b'[' | b',' => taken += LISTED,
                b'=' => taken += KEYED,
                _ => {}
            }
            before = byte;
        }
        // What is never closed is no text.
        taken += within;
    }
    // Its reader needs as much itself.
    check(text.len(), taken, BESIDES / 2)
}

/// Checks a text in YAML, whose aliases, if it may have any, are for its reader to count.
///
/// Its reader goes through a text and keeps little, but for lists and maps in brackets that do not stand behind a key: these may be
/// one themselves, and it keeps each until it is closed. Where a line does not tell by itself what is kept of it, all of it is
/// taken to be.
///
/// # Errors
/// [`Dense`].
pub fn yaml(text: &str) -> Result<(), Dense> {
    let signs = |line: &str| line.bytes().filter(|byte| b"[]{},:?".contains(byte)).count();
    let kept: usize = text.lines().map(|line| kept(line).unwrap_or_else(|| signs(line))).sum();
    check(text.len(), kept.saturating_mul(SIGN), BESIDES / 2)
}

/// The signs of a line that are kept; nothing where the line may be a part of something longer, or has more than keys, plain
/// values and brackets in it.
fn kept(line: &str) -> Option<usize> {
    let within = line.trim_matches(' ').starts_with(',') || line.trim_matches(' ').ends_with(',');
    if within
        || !line.contains(['[', '{'])
        || line.contains(['"', '\'', '#', '|', '>', '&', '*', '!', '?'])
    {
        return None;
    }
    // For each open bracket, whether it is kept.
    let mut open: Vec<bool> = Vec::new();
    let (mut kept, mut before) = (0, b' ');
    for byte in line.bytes() {
        let is_kept = open.contains(&true);
        match byte {
            b'[' | b'{' => open.push(before != b':'),
            b']' | b'}' => {
                open.pop()?;
            }
            _ => {}
        }
        let counts = is_kept || open.contains(&true);
        kept += usize::from(counts && b"[]{},:".contains(&byte));
        if byte != b' ' {
            before = byte;
        }
    }
    open.is_empty().then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_of_one_entry_side_by_side_are_not_read_and_what_programs_write_is() {
        let list = |one: &str, count: usize| format!("[{}]", vec![one; count].join(","));
        for dense in ["{\"\":0}", "{\"a\":1}", "{}"] {
            let text = list(dense, 10_000);
            let error = json(text.as_bytes(), 1).expect_err(dense);
            assert!(error.to_string().starts_with(&format!("{} bytes", text.len())), "{error}");
        }
        for written in [
            "{\"id\":\"0.busy\"}",
            "{\"metric\":{},\"value\":[1700000000,\"1\"]}",
            "\"{{{{,,,,\\\"{{{{\"",
            "1",
            "[]",
        ] {
            assert_eq!(json(list(written, 10_000).as_bytes(), 1), Ok(()), "{written}");
        }
        assert_eq!(json(list("{}", 70).as_bytes(), 1), Ok(()), "it is short");
        assert!(json(list("{\"id\":\"0.busy\"}", 10_000).as_bytes(), 2).is_err(), "twice");
    }

    #[test]
    fn tables_of_dotted_keys_are_not_read_and_scenarios_are() {
        for dense in ["a.b.c.d=1\n", "a=[1,1,1,1,1]\n", "a={}\n"] {
            assert!(toml(&dense.repeat(3_000)).is_err(), "{dense}");
        }
        for written in [
            "[[components]]\nid = \"split\"\nkind = \"operator\"\ntasks = 32\nwork_micros = 120.5\n",
            "# a comment ... with {signs} = and, more.\n",
            "\"thalweg.policy.name.of.it\" = 4 # in quotes\n",
            "points = [[0, 1000.5], [600, 2000.0], [1200, 1000.0]]\n",
        ] {
            assert_eq!(toml(&written.repeat(1_000)), Ok(()), "{written}");
        }
    }

    #[test]
    fn yaml_of_signs_that_are_kept_is_not_read_and_what_people_write_is() {
        let list = |one: &str| vec![one; 10_000].join(",");
        for dense in [
            format!("[{}]", list("1")),
            format!("a:\n  [{}]", list("1")),
            format!("a: [[{}]]", list("1")),
            format!("a: [\"]\", [{}]]", list("1")),
            format!("- [\n{}\n]", list("1")),
            format!("a: [\"]\", [\n{}\n]]", list("b: [1,1,1]\n")),
            "? ".repeat(10_000),
        ] {
            assert!(yaml(&dense).is_err(), "{}", &dense[..20]);
        }
        for written in [
            "      medium:\n        uses: {cores: 4}\n        runs: [612.4, 598, 640.12]\n"
                .repeat(10_000),
            "        runs: [{seconds: 61.2, cost: 0.12}, {seconds: 60.1, cost: 0.2}]\n"
                .repeat(10_000),
            format!("runs: [{}]", list(" 10")),
            "run: echo \"one, two: [three]\" # and so on\n".repeat(10_000),
        ] {
            assert_eq!(yaml(&written), Ok(()), "{}", &written[..20]);
        }
    }
}
