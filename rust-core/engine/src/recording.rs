//! Recordings: everything that goes into the core, in order, so that its decisions can be made again.
//!
//! A recording is a text file with one JSON object in each line. It begins with the settings and what
//! was learned before; then comes each observation with the decisions it led to, and what became of
//! plans. Nothing else goes into a decision, so `thalweg replay` gets the same bytes out.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thalweg_core::model::Observation;
use thalweg_core::settings::Settings;
use thalweg_core::state::{Learned, Order};
use thalweg_core::units::Timestamp;

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
}

/// Writes a recording.
#[derive(Debug)]
pub struct Recorder(Mutex<Option<Open>>);

#[derive(Debug)]
struct Open {
    file: BufWriter<File>,
    left: u64,
}

impl Recorder {
    /// Writes nothing.
    pub fn off() -> Self {
        Self(Mutex::new(None))
    }

    /// Writes a new recording to a file, up to a number of bytes.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn to(path: &Path, limit: u64) -> std::io::Result<Self> {
        let file = OpenOptions::new().create(true).write(true).truncate(true).open(path)?;
        Ok(Self(Mutex::new(Some(Open { file: BufWriter::new(file), left: limit }))))
    }

    /// Whether anything is written.
    pub fn is_on(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Writes an entry. A recording that cannot go on ends, and nothing else stops.
    pub fn write(&self, entry: &Entry<'_>) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(recording) = open.as_mut() else { return };
        if let Err(reason) = recording.write(entry) {
            tracing::warn!(reason, "the recording ends");
            *open = None;
        }
    }
}

impl Open {
    fn write(&mut self, entry: &Entry<'_>) -> Result<(), String> {
        let mut line = serde_json::to_vec(entry).map_err(|error| error.to_string())?;
        line.push(b'\n');
        self.left = self
            .left
            .checked_sub(line.len() as u64)
            .ok_or("it has reached thalweg.recording.limit.mib")?;
        // Whole lines reach the file, so that a recording can be read at any time.
        self.file.write_all(&line).and_then(|()| self.file.flush()).map_err(|e| e.to_string())
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
        let text = std::fs::read_to_string(&path).expect("it was written");
        assert_eq!(text.lines().count(), 2);
        let read: Entry<'_> =
            serde_json::from_str(text.lines().next().expect("two lines")).expect("whole");
        assert!(
            matches!(read, Entry::Finished { plan, now } if plan == "p1" && now.millis() == 1234)
        );
    }
}
