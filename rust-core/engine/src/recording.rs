//! Recordings: everything that goes into the core, in order, so that its decisions can be made again.
//!
//! A recording is a text file with one JSON object in each line. It begins with the settings and what
//! was learned before; then comes each observation with the decisions it led to, and what became of
//! plans. Nothing else goes into a decision, so `thalweg replay` gets the same bytes out.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thalweg_core::action::{Event, InFlight, Proposed};
use thalweg_core::model::Observation;
use thalweg_core::operator::Operator;
use thalweg_core::settings::Settings;
use thalweg_core::state::{FailedChange, Learned, Order};
use thalweg_core::units::Timestamp;

use crate::locked::lock;

/// One line of a recording.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "only one exists at a time")]
pub enum Entry<'a> {
    /// The loop began.
    Begun {
        /// The version that wrote it.
        version: Cow<'a, str>,
        /// The settings that hold.
        settings: Cow<'a, Settings>,
        /// What was learned before.
        learned: Cow<'a, Learned>,
        /// What operators had said before.
        #[serde(default)]
        operator: Cow<'a, Operator>,
        /// The plans that waited for somebody's word.
        #[serde(default)]
        proposals: Cow<'a, BTreeMap<String, Proposed>>,
    },
    /// An operator said something.
    Said {
        /// All that was said and still counts.
        operator: Cow<'a, Operator>,
        /// When.
        now: Timestamp,
    },
    /// An observation was decided upon.
    Observed {
        /// When.
        now: Timestamp,
        /// An order that came with it.
        order: Option<Order>,
        /// What was observed.
        observation: Cow<'a, Observation>,
        /// The decisions, as they were written then.
        decisions: Cow<'a, RawValue>,
    },
    /// A plan was carried out.
    Finished {
        /// The plan.
        plan: Cow<'a, str>,
        /// When.
        now: Timestamp,
    },
    /// A plan was given up.
    Aborted {
        /// The plan.
        plan: Cow<'a, str>,
        /// When.
        now: Timestamp,
    },
    /// A topology could not run with other numbers of executors.
    CouldNotRun {
        /// The topology's id.
        topology: Cow<'a, str>,
        /// The components whose numbers changed.
        change: Cow<'a, FailedChange>,
        /// When.
        now: Timestamp,
    },
    /// Something happened to the action under way.
    Happened {
        /// Its plan.
        plan: Cow<'a, str>,
        /// What.
        event: Event,
        /// When.
        now: Timestamp,
    },
    /// This process began, or ceased, to lead: only what was learned counts from then on.
    Led {
        /// What was learned by whoever led before.
        learned: Cow<'a, Learned>,
        /// The number of the next decision.
        next_decision: u64,
        /// What operators have said.
        #[serde(default)]
        operator: Cow<'a, Operator>,
        /// The plans that wait for somebody's word.
        #[serde(default)]
        proposals: Cow<'a, BTreeMap<String, Proposed>>,
    },
    /// A predecessor's plan is carried on, or taken back.
    CarriedOn {
        /// The topology's id.
        topology: Cow<'a, str>,
        /// What is known of it.
        flight: Cow<'a, InFlight>,
    },
    /// A predecessor carried a plan out, and its outcome is judged here.
    Awaited {
        /// The topology's id.
        topology: Cow<'a, str>,
        /// What is known of it.
        flight: Cow<'a, InFlight>,
        /// When.
        now: Timestamp,
    },
}

/// Writes a recording.
///
/// Entries are taken in memory, so that it may be done under any lock; [`Recorder::flush`] writes them.
#[derive(Debug)]
pub struct Recorder {
    waiting: Mutex<Option<Waiting>>,
    file: Mutex<Option<File>>,
}

#[derive(Debug)]
struct Waiting {
    bytes: Vec<u8>,
    /// Bytes until the limit.
    left: u64,
}

impl Recorder {
    /// Writes nothing.
    pub fn off() -> Self {
        Self { waiting: Mutex::new(None), file: Mutex::new(None) }
    }

    /// Writes a new recording to a file, up to a number of bytes.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn to(path: &Path, limit: u64) -> std::io::Result<Self> {
        let mut open = OpenOptions::new();
        let file = open.create(true).write(true).truncate(true).mode(0o600).open(path)?;
        let waiting = Waiting { bytes: Vec::new(), left: limit };
        Ok(Self { waiting: Mutex::new(Some(waiting)), file: Mutex::new(Some(file)) })
    }

    /// Whether anything is written.
    pub fn is_on(&self) -> bool {
        lock(&self.waiting).is_some()
    }

    /// Takes an entry. A recording that cannot go on ends, and nothing else stops.
    pub fn write(&self, entry: &Entry<'_>) {
        let ended = {
            let mut waiting = lock(&self.waiting);
            let taken = waiting.as_mut().map(|waiting| waiting.take(entry));
            taken.and_then(Result::err).zip(waiting.take_if(|waiting| waiting.left == 0))
        };
        if let Some((reason, last)) = ended {
            self.put(&last.bytes);
            tracing::warn!(reason, "the recording ends");
        }
    }

    /// Writes what was taken; whole lines reach the file, so that a recording can be read at any time.
    pub fn flush(&self) {
        // Lines of two callers must not change places, so the file is held while the lines are fetched.
        let mut file = lock(&self.file);
        let bytes = lock(&self.waiting).as_mut().map(|waiting| std::mem::take(&mut waiting.bytes));
        let (Some(open), Some(bytes)) = (file.as_mut(), bytes) else { return };
        if let Err(error) = open.write_all(&bytes) {
            *file = None;
            *lock(&self.waiting) = None;
            tracing::warn!(%error, "the recording ends");
        }
    }

    fn put(&self, bytes: &[u8]) {
        if let Some(file) = lock(&self.file).as_mut()
            && let Err(error) = file.write_all(bytes)
        {
            tracing::debug!(%error, "the last lines of a recording are not written");
        }
    }
}

impl Waiting {
    fn take(&mut self, entry: &Entry<'_>) -> Result<(), String> {
        let written = serde_json::to_vec(entry).map_err(|error| error.to_string());
        let mut line = written.inspect_err(|_| self.left = 0)?;
        line.push(b'\n');
        let left = self.left.checked_sub(line.len() as u64);
        self.left = left.unwrap_or(0);
        left.ok_or("it has reached thalweg.recording.limit.mib")?;
        self.bytes.append(&mut line);
        Ok(())
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_and_the_limit_ends_a_recording() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("recording.jsonl");
        let recorder = Recorder::to(&path, 100).expect("a file");
        let entry =
            Entry::Finished { plan: Cow::Borrowed("p1"), now: Timestamp::from_millis(1234) };
        recorder.write(&entry);
        assert!(recorder.is_on());
        recorder.write(&entry);
        recorder.write(&entry);
        assert!(!recorder.is_on());
        recorder.flush();
        let text = std::fs::read_to_string(&path).expect("it was written");
        assert_eq!(text.lines().count(), 2);
        let read: Entry<'_> =
            serde_json::from_str(text.lines().next().expect("two lines")).expect("whole");
        assert!(
            matches!(read, Entry::Finished { plan, now } if plan == "p1" && now.millis() == 1234)
        );
    }
}
