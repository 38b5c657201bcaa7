//! What is said of what waits.

use std::collections::BTreeMap;

use thalweg_connect::kafka::Lag;
use thalweg_control::{Backlog, Command, Waiting};

use crate::exit::Failure;
use crate::live::ask::Live;

/// What was said last of each thing: what does not change is said once.
#[derive(Debug, Default)]
pub struct Saying(BTreeMap<String, String>);

impl Saying {
    /// Says it, unless that was said of this last.
    pub fn say(&mut self, about: &str, line: &str, fault: bool) {
        if self.0.get(about).is_some_and(|said| said == line) {
            return;
        }
        if fault {
            eprintln!("thalweg: {line}");
        } else {
            println!("{line}");
        }
        self.0.insert(about.to_owned(), line.to_owned());
    }

    /// Forgets what was said of things that are not there any more.
    pub fn keep(&mut self, there: impl Fn(&str) -> bool) {
        self.0.retain(|about, _| there(about));
    }
}

/// Tells the scheduler what waits before a source of a topology; it counts for so many seconds.
pub fn tell(
    live: &Live,
    (topology, source): (&str, &str),
    lag: &Lag,
    secs: u32,
) -> Result<(), Failure> {
    let waiting = Waiting { records: lag.records(), partitions: Some(partitions_of(lag)) };
    let sources = BTreeMap::from([(source.to_owned(), waiting)]);
    let backlog = Backlog { topology: topology.to_owned(), sources, secs };
    live.ask(Command::Backlog(backlog)).map(drop)
}

/// How many partitions were counted.
pub fn partitions_of(lag: &Lag) -> u32 {
    u32::try_from(lag.partitions.len()).unwrap_or(u32::MAX)
}

/// What waits, for people.
pub fn words(lag: &Lag, group: &str) -> String {
    let (records, most, partitions) = (lag.records(), lag.at_most(), partitions_of(lag));
    let behind = if most > records {
        format!(" ({most} behind what it has committed)")
    } else {
        String::new()
    };
    format!("{records} records wait before {group}, in {partitions} partitions{behind}")
}
