//! What a run leaves behind for the simulator to be calibrated with.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result};
use thalweg_lab::counts::{Output, Spouts};
use thalweg_sim::calibrate::{Recording, Sample};

/// Length of an interval.
const INTERVAL_MS: u64 = 5_000;

/// Executors of each component, as they were seen over time.
#[derive(Debug, Default)]
pub(crate) struct Executors(Vec<(u64, BTreeMap<String, u32>)>);

impl Executors {
    /// Notes what was seen at an instant, in epoch milliseconds.
    pub(crate) fn saw(&mut self, at_ms: u64, counts: BTreeMap<String, u32>) {
        // While a topology restarts, there may be none to be seen.
        if !counts.is_empty() && self.0.last().is_none_or(|(_, last)| *last != counts) {
            self.0.push((at_ms, counts));
        }
    }

    /// What was seen last by then; before anything was seen, what was seen first.
    fn at(&self, at_ms: u64) -> BTreeMap<String, u32> {
        let before = self.0.iter().take_while(|(seen, _)| *seen <= at_ms).last();
        before.or(self.0.first()).map(|(_, counts)| counts.clone()).unwrap_or_default()
    }
}

/// A run in intervals, each begun one in full: what the journals in a folder tell of throughput and of
/// latencies since lines were sent; `offered` is the load, so many seconds after the start.
pub(crate) fn recording(
    window: &Range<u64>,
    out: &Path,
    words_per_line: f64,
    executors: &Executors,
    offered: &dyn Fn(f64) -> f64,
) -> Result<Recording> {
    let (output, spouts) = (Output::read(out)?, Spouts::read(out)?);
    let starts = (window.start..window.end).step_by(INTERVAL_MS as usize);
    let sample = |from: u64| {
        let interval = from..from + INTERVAL_MS;
        let ages = spouts.ages_within(&interval);
        let secs = (from - window.start) as f64 / 1_000.0;
        let seconds = INTERVAL_MS / 1_000;
        let offered = (0..seconds).map(|second| offered(secs + second as f64 + 0.5)).sum::<f64>();
        Sample {
            secs,
            throughput: Some(output.rate(&interval) / words_per_line),
            latency_ms: ages.percentile(50).map(|ms| ms as f64),
            latency_max_ms: ages.percentile(100).map(|ms| ms as f64),
            offered: Some(offered / seconds as f64),
            counts: executors.at(from + INTERVAL_MS / 2),
            ..Sample::default()
        }
    };
    let whole = starts.filter(|from| from + INTERVAL_MS <= window.end);
    Ok(Recording {
        interval_secs: INTERVAL_MS as f64 / 1_000.0,
        samples: whole.map(sample).collect(),
    })
}

/// Writes a recording into a folder.
///
/// # Errors
/// When the folder or the file cannot be written.
pub fn save(folder: &Path, name: &str, recording: &Recording) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let file = folder.join(format!("{name}.csv"));
    fs::write(&file, recording.write()).with_context(|| file.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_hold_what_was_counted_offered_and_seen_in_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, text: &str| fs::write(folder.path().join(name), text);
        file("count-1-1.log", "1500 700\n7000 350\n").expect("a journal");
        file("spout-1-1.log", "2000 2 2 0 30 20 10,20 110,120\n").expect("a journal");
        let mut seen = Executors::default();
        let counts = |split| BTreeMap::from([("split".to_owned(), split)]);
        seen.saw(2_000, counts(1));
        seen.saw(3_000, BTreeMap::new());
        seen.saw(8_000, counts(3));
        let offered = |secs: f64| if secs < 5.0 { 20.0 } else { 10.0 };
        let told = recording(&(1_000..12_500), folder.path(), 7.0, &seen, &offered);
        let [first, second] = <[Sample; 2]>::try_from(told.expect("whole journals").samples)
            .expect("two whole intervals");
        assert_eq!((first.secs, first.throughput, first.offered), (0.0, Some(20.0), Some(20.0)));
        assert_eq!((first.latency_ms, first.latency_max_ms), (Some(110.0), Some(120.0)));
        assert_eq!((second.throughput, second.latency_ms), (Some(10.0), None));
        assert_eq!((first.counts, second.counts), (counts(1), counts(3)));
    }
}
