//! The TCP ports at which a process listens, as the kernel tells.

use std::collections::BTreeSet;
use std::fs;

/// How the kernel's tables call the state of a socket that listens.
const LISTENS: &str = "0A";

/// The local addresses, as the kernel writes them, at which a process listens.
pub fn listening(pid: u32) -> BTreeSet<String> {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    let open: BTreeSet<String> = open
        .filter_map(|entry| Some(fs::read_link(entry.path()).ok()?.to_str()?.to_owned()))
        .collect();
    let tables = ["tcp", "tcp6"].map(|name| fs::read_to_string(format!("/proc/{pid}/net/{name}")));
    let lines = tables.iter().flatten().flat_map(|table| table.lines().skip(1));
    let own = lines.filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_own = open.contains(&format!("socket:[{}]", words.get(9)?));
        (words[3] == LISTENS && is_own).then(|| words[1].to_owned())
    });
    own.collect()
}
