//! What records say: lines of words without end, or the taxi trips of a month.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::sync::Arc;

use anyhow::{Context, Result};
use flate2::read::GzDecoder;

const WORDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/text/randomwords.txt");
const TRIPS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/taxi/green_2021-01.csv.gz");
/// January 2021, when clocks of meters are right, in seconds since the epoch.
const MONTH: std::ops::Range<i64> = 1_609_459_200..1_612_137_600;

/// What is to be sent.
#[derive(Debug, Clone)]
pub enum Text {
    /// A number and so many words a line.
    Words(usize),
    /// A month of trips.
    Trips(Arc<Trips>),
}

/// The lines of a text.
pub enum Lines {
    /// Without end.
    Words(Words),
    /// A month of them.
    Trips(Arc<Trips>),
}

impl Lines {
    /// Reads the text.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn read(text: &Text) -> Result<Self> {
        Ok(match text {
            Text::Words(per_line) => Self::Words(Words::read(*per_line)?),
            Text::Trips(trips) => Self::Trips(Arc::clone(trips)),
        })
    }

    /// Whether there is such a line.
    pub fn has(&self, sequence: u64) -> bool {
        match self {
            Self::Words(_) => true,
            Self::Trips(trips) => sequence / trips.copies < trips.lines.len() as u64,
        }
    }

    /// A line that there is.
    pub fn line(&self, sequence: u64) -> String {
        match self {
            Self::Words(words) => words.line(sequence),
            // A length that fits into memory fits into an index.
            #[allow(clippy::cast_possible_truncation)]
            Self::Trips(trips) => trips.lines[(sequence / trips.copies) as usize].clone(),
        }
    }
}

/// A text cut into lines of equally many words.
pub struct Words {
    words: Vec<String>,
    per_line: usize,
}

impl Words {
    fn read(per_line: usize) -> Result<Self> {
        let text = fs::read_to_string(WORDS).context(WORDS)?;
        Ok(Self { words: text.split_whitespace().map(str::to_owned).collect(), per_line })
    }

    fn line(&self, sequence: u64) -> String {
        let count = self.words.len() as u64;
        let first = sequence.wrapping_mul(self.per_line as u64) % count;
        let mut line = sequence.to_string();
        // An index below the length fits.
        #[allow(clippy::cast_possible_truncation)]
        let words = self.words.iter().cycle().skip(first as usize).take(self.per_line);
        for word in words {
            line.push(' ');
            line += word;
        }
        line
    }
}

/// Recorded taxi trips by pickup time, those of wrong clocks among them, each several times.
#[derive(Debug)]
pub struct Trips {
    lines: Vec<String>,
    copies: u64,
}

impl Trips {
    /// Pickups are counted by so many seconds.
    pub const STEP_SECS: f64 = 600.0;

    /// Reads the month, of which each trip comes so many times, once at least.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn read(copies: u64) -> Result<Self> {
        let packed = BufReader::new(GzDecoder::new(File::open(TRIPS).context(TRIPS)?));
        let lines = packed.lines().skip(1).collect::<std::io::Result<_>>().context(TRIPS)?;
        Ok(Self { lines, copies: copies.max(1) })
    }

    /// The lines in files of this many seconds of pickups each, for whoever replays them at a pace of its own. Trips of wrong
    /// clocks stay where they stand among the others.
    pub fn by_file(&self, secs: i64) -> Vec<Vec<&str>> {
        let mut files: Vec<Vec<&str>> = vec![Vec::new()];
        let mut ends = MONTH.start + secs;
        for line in &self.lines {
            let pickup: Option<i64> = line.split(',').nth(1).and_then(|text| text.parse().ok());
            let late = |ends| pickup.is_some_and(|at| MONTH.contains(&at) && at >= ends);
            while late(ends) {
                ends += secs;
                files.push(Vec::new());
            }
            if let Some(file) = files.last_mut() {
                file.push(line);
            }
        }
        files.retain(|file| !file.is_empty());
        files
    }

    /// Lines per second in each step of the month, with time so many times faster.
    pub fn by_step(&self, speedup: f64) -> Vec<f64> {
        let steps = (MONTH.end - MONTH.start) as f64 / Self::STEP_SECS;
        let mut counts = vec![0u32; steps.ceil() as usize];
        for pickup in self.pickups().filter(|pickup| MONTH.contains(pickup)) {
            let step = ((pickup - MONTH.start) as f64 / Self::STEP_SECS) as usize;
            counts[step] += 1;
        }
        let each = self.copies as f64 * speedup / Self::STEP_SECS;
        counts.into_iter().map(|count| f64::from(count) * each).collect()
    }

    fn pickups(&self) -> impl Iterator<Item = i64> {
        self.lines.iter().filter_map(|line| line.split(',').nth(1)?.parse().ok())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_every_time_and_equally_long() {
        let lines = Lines::read(&Text::Words(7)).unwrap();
        for sequence in [0, 1, 14_061, 14_062, 14_063, 1_000_000] {
            let line = lines.line(sequence);
            assert_eq!(line.split(' ').count(), 8);
            assert!(line.starts_with(&format!("{sequence} ")));
            assert_eq!(line, Lines::read(&Text::Words(7)).unwrap().line(sequence));
        }
        assert_ne!(lines.line(1), lines.line(2));
    }

    #[test]
    fn every_trip_is_sent_as_often_as_asked_for() {
        let trips = Lines::Trips(Arc::new(Trips::read(2).unwrap()));
        assert_eq!(trips.line(3), "1,1609459071,1609459496,168,75,199,930");
        assert!(trips.has(2 * 73_908 - 1) && !trips.has(2 * 73_908));
    }

    #[test]
    fn pickups_by_step_make_up_the_month() {
        let rates = Trips::read(1).unwrap().by_step(60.0);
        assert_eq!(rates.len(), 31 * 24 * 6);
        let all = rates.iter().sum::<f64>() * Trips::STEP_SECS / 60.0;
        assert!((73_000.0..=73_908.0).contains(&all), "{all}");
    }
}
